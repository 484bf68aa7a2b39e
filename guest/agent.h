/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The guest agent: runs commands for the host (docs/agent-protocol.md). One thread, one epoll,
 * every descriptor edge-triggered: an event only sets a `ready` flag, which the read or write that
 * finds nothing to do takes back. So nothing is ever registered anew, a late event for a channel
 * that is gone does no harm, and the loop is: wait, set flags, do a bounded piece of all work that
 * is ready.
 *
 * What is to be sent is kept as state (`…_due`) and turned into frames when there is room, so no
 * queue can grow. The agent never ends of itself: what fails is answered, or tried at the next
 * event.
 */

#include "proto/proto.h"

#include <sys/epoll.h>
#include <sys/types.h>

#define AGENT_STDIN_WINDOW (128 * 1024) /* bytes that we keep for a command that doesn't read */

/*
 * Bytes to the host. Frames with a larger payload than OUT_SMALL, which are output of commands,
 * only go in below OUT_DATA, so that there is room for the others.
 */
#define OUT_SMALL 64
#define OUT_DATA  (128 * 1024)
#define OUT_CAP	  (OUT_DATA + VIV_PROTO_MAX_FRAME + 4096)
#define IN_CAP	  (2 * VIV_PROTO_MAX_FRAME)

enum channel_state {
	CHANNEL_FREE = 0,
	CHANNEL_SPEC,	  /* frames of a RUN are coming in; `spec` has what came */
	CHANNEL_REFUSED,  /* as above, but it is too much for us; `failed` says why */
	CHANNEL_STARTING, /* forked; `status` tells whether it could be executed */
	CHANNEL_RUNNING,  /* executed */
	CHANNEL_ENDED,	  /* reaped; `exit` is set; what it had written is still being sent */
	CHANNEL_JOB,	  /* a child of ours does what may take long; DONE (its exit status) when it is
			   * reaped */
	CHANNEL_WATCH,	  /* a child of ours waits for something; out[0] takes its answer; DONE as above */
};

/* Output of a command. */
struct out_stream {
	int fd; /* -1: closed */
	bool ready;
	uint32_t credit; /* bytes that the host will take */
	size_t left;	 /* CHANNEL_ENDED: bytes still to be sent */
};

struct channel {
	enum channel_state state;
	uint32_t id;
	pid_t pid;
	bool pty;
	uint8_t *spec;
	size_t spec_len;
	int status;
	struct out_stream out[2]; /* STDOUT, STDERR */

	int in; /* stdin; -1: closed */
	bool in_ready, in_ended;
	uint8_t *ring; /* AGENT_STDIN_WINDOW bytes for it */
	size_t ring_at, ring_len;
	uint32_t credit_due; /* bytes of stdin taken and not yet credited */
	bool started_due, close_due;
	struct viv_proto_failed failed;
	struct viv_proto_exit exit;
};

/* An address or a default route that the host wanted. */
struct net_item {
	unsigned link; /* 0: any */
	bool gateway;
	bool wanted; /* in the last text */
	uint8_t family, prefix, ip[16];
};

#define NET_KEPT_MAX 128

struct net_kept {
	struct net_item items[NET_KEPT_MAX];
	unsigned n;
};

/* A process of ours that starts commands and may hang in that. */
struct starter {
	pid_t pid;  /* 0: none */
	int socket; /* to it */
	bool busy;  /* as far as we have heard */
	unsigned asked;
};

struct agent {
	int epoll, port, signals, notify, uevents;
	bool guest;   /* in a guest; else on a socket, in a test: touches nothing of the system */
	enum agent_init { INIT_SYSTEMD, INIT_RUNIT, INIT_NONE } init;
	bool off_due; /* to be powered off when init can be told */
	bool user_network; /* QEMU's is there */
	bool hunting; /* no connection: all input is thrown away up to a HELLO */
	bool port_readable, port_writable;
	bool gone; /* not in a guest: the socket has ended */
	bool booted, booted_due;
	unsigned turn; /* the channel whose turn it is to send */
	size_t in_start, in_end, out_start, out_end;
	struct channel channels[VIV_PROTO_MAX_CHANNELS];
	struct net_kept networks; /* what we have set */
	struct starter starter;
	uint8_t in[IN_CAP];
	uint8_t out[OUT_CAP];
};

/* What an epoll event is for: kind in the low byte, number of the channel above it. */
enum { ON_PORT, ON_SIGNALS, ON_NOTIFY, ON_UEVENT, ON_STATUS, ON_STDIN, ON_STDOUT, ON_STDERR };

int agent_watch(struct agent *a, int fd, uint32_t events, unsigned kind, unsigned channel);

/* agent-port.c: the port and what goes over it. */
void port_find(struct agent *a); /* opens it, or waits for it to appear */
void port_uevent(struct agent *a);
bool port_read(struct agent *a); /* these two: true if something moved */
bool port_write(struct agent *a);
/* Makes room for a frame with up to `len` bytes of payload; false if there is none now. */
bool port_room(struct agent *a, size_t len);
/* Where the next frame's payload goes. Only after port_room. */
uint8_t *port_payload(struct agent *a);
/* Puts the header in front of the payload and the frame in line. Only after port_room. */
void port_frame(struct agent *a, enum viv_proto_type type, uint8_t flags, uint32_t channel,
		size_t len);

/* agent-session.c: what the host's frames ask for. */
void session_frame(struct agent *a, const struct viv_frame *f);
void session_end(struct agent *a);  /* ends its commands; nothing is heard until a HELLO */
void session_lost(struct agent *a); /* the same, and says so. With room for a small frame */

/* agent-command.c: what a channel is, and how it ends. */
void close_fd(int *fd); /* unless it is negative; it is -1 then */
void command_init(struct channel *c);
struct channel *channel_find(struct agent *a, uint32_t id);
struct channel *channel_new(struct agent *a, uint32_t id); /* NULL: too many */
void command_input(struct channel *c, const struct viv_frame *f);
void command_signal(struct channel *c, int signo);
void command_resize(struct channel *c, const struct viv_proto_size *size);
void command_check_status(struct channel *c);
void command_reap(struct agent *a);
void command_close_output(struct out_stream *s);
void command_free(struct channel *c);
/* Ends what runs in a channel, without a word to the host. */
void command_drop(struct channel *c);

/* agent-start.c: from RUN to a running process. */
void command_spec(struct agent *a, const struct viv_frame *f);
/* It was never executed: says why and frees the channel. With room for a small frame. */
void command_send_failed(struct agent *a, struct channel *c);

/*
 * agent-watch.c: WATCH, on a new channel. 0, or a positive errno: nothing runs then, and the channel is to be
 * freed. Cancelled, it is reaped like any other.
 */
int watch_start(struct agent *a, struct channel *c, const struct viv_frame *f);
void watch_cancel(struct channel *c);

/* agent-pump.c: moves what there is to move. */
bool command_pump(struct agent *a); /* true if something moved */

/*
 * agent-child.c: the command's side of fork, or of vfork: then the memory is the agent's own, which it
 * may use but leaves as it found it, but for the environment, which is nobody's. argv: room for
 * run->argc + 1. fds: stdin, stdout, stderr (the same for a terminal); where it fails, a struct
 * viv_proto_failed is written to `status`. Never returns.
 */
_Noreturn void child_main(const struct viv_proto_run *run, char **argv, const int fds[3], int status);
void child_reset_signals(void); /* none is ignored or blocked */
void child_close_others(unsigned first); /* all descriptors from `first` up */

/*
 * agent-starter.c: vfork is what is quick under emulation, but whoever calls it waits until the
 * command is executed, and in a folder on a file system that hangs that is never. So another process
 * does it, as often as it isn't waiting. The command is a child of ours all the same. Returns its
 * process id, or a negative errno, or 0: fork.
 */
pid_t starter_start(struct starter *s, const uint8_t *spec, size_t len, const int fds[3], int status);
void starter_ended(struct starter *s); /* it was reaped */

/* agent-files.c: viv-agent --put… and --get…; argv without the program's name. An exit status. */
int files_main(char **argv);

#define BOOTED_FILE "/run/viv/booted" /* there as soon as the system has reached its goal */

/* agent-system.c: the system inside. Each request returns 0 or a positive errno. */
void system_setup(struct agent *a);
void system_notified(struct agent *a);
int system_tell_booted(void); /* viv-agent --booted: an exit status */
int system_poweroff(struct agent *a);
int system_clock(uint64_t ns);
int system_seed(const uint8_t *seed, size_t len);
int system_hostname(const uint8_t *name, size_t len);

/* agent-network.c. `len` is at most VIV_PROTO_MAX_PAYLOAD. What `kept` holds and the text does not goes. */
int system_network(struct net_kept *kept, const uint8_t *text, size_t len);
/* The one that QEMU makes, before a host says anything. */
void system_user_network(struct net_kept *kept);

/* agent-netlink.c: 0 or a positive errno each, but for the socket. */
int netlink_open(void);
int netlink_flags(int netlink, unsigned link, unsigned flags); /* IFF_UP or 0 */
int netlink_rename(int netlink, unsigned link, const char *name);
int netlink_set(int netlink, const struct net_item *item, bool there);
/* Does what is sent to this address arrive here? link: 0, or of an address that means something on one link only. */
bool netlink_is_local(int netlink, uint8_t family, const uint8_t *ip, unsigned link);

/* agent-hosts.c: /etc/hosts with what is in the file `ours` below what is in it already. 0 or an errno. */
int hosts_write(const char *ours);

/* agent-shares.c: those that the kernel's command line names (docs/boot.md): nobody asks for them later. */
void shares_mount(void);
/* agent-mount.c: in a child: may take long, and may allocate. */
int system_mount(const struct viv_proto_mount *m);

/* agent-modules.c: loads a module and what it needs, where the running kernel has it. The same. */
void modules_need(const char *name);
