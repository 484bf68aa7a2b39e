/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's side of the agent protocol (docs/agent-protocol.md): commands in a running guest over
 * one virtio-serial port, many at once, flow-controlled. Nothing that the guest sends is trusted.
 */

#include "base/error.h"
#include "base/loop.h"
#include "base/str.h"

struct viv_agent;   /* one connection to a guest's agent; driven by a loop */
struct viv_command; /* one command in the guest */

/*
 * Any callback may call any function here, viv_agent_free too. None is called from within one of
 * these functions, only from the loop.
 */
struct viv_agent_events {
	/* The agent has greeted; commands can be started. */
	void (*ready)(struct viv_agent *a, void *arg);
	/* The system inside has reached its goal (multi-user.target; at once without an init
	 * system). */
	void (*booted)(struct viv_agent *a, void *arg);
	/*
	 * The connection is gone or the guest broke the protocol; `why` says which. Called after
	 * all commands are done, which they are when what had come of their output is written or
	 * their drain_ms are over.
	 * Nothing follows but viv_agent_free.
	 */
	void (*lost)(struct viv_agent *a, const char *why, void *arg);
	void *arg;
};

/*
 * Takes over fd, a connected stream socket, also if it fails. The agent in the guest ends what an
 * earlier connection had started. The process ignores SIGPIPE from here on, if it had the default.
 */
int viv_agent_new(struct viv_loop *loop, int fd, const struct viv_agent_events *events,
		  struct viv_agent **ret, struct viv_error *err);
void viv_agent_free(struct viv_agent *a); /* ends its commands without a callback */
VIV_DEFINE_CLEANUP(struct viv_agent, viv_agent_free)
bool viv_agent_is_ready(const struct viv_agent *a);
/* The program of a command that runs in the guest, borrowed; NULL: none does. */
const char *viv_agent_runs(const struct viv_agent *a);

/*
 * The guest has opened its end. Until the agent has answered it is greeted anew, for who had the port open before it,
 * and took what was in it, can have been the firmware: UEFI has a driver of its own for such ports.
 */
void viv_agent_greet(struct viv_agent *a);
/* The guest has closed its end, which the connection itself does not show: `lost` follows what had come. */
void viv_agent_hang_up(struct viv_agent *a);

struct viv_command_spec {
	const char *const *argv;
	const char *const *env; /* "NAME=value"; NULL: the guest's defaults; else added to them */
	const char *cwd;	/* NULL: the user's home, else "/" */
	const char *user;	/* NULL: root */
	bool pty;		/* one terminal instead of three pipes */
	unsigned short rows, columns;
	/*
	 * stdin is read from and output written to these descriptors; -1: empty, dropped. With a
	 * pty only in_fd and out_fd. They stay the caller's and must stay open until `done`. Pipes
	 * and terminals are opened anew to be non-blocking; sockets become so until `done`. When a
	 * reader goes away (EPIPE) the command gets SIGPIPE, as in a pipeline here.
	 */
	int in_fd, out_fd, err_fd;
	/* Once the guest is gone: how long readers may take over what is left; 0: as they like. */
	int64_t drain_ms;
};

/*
 * All output is written. status: as a shell counts (126, 127, 128+n); 121 if the guest went away;
 * 125 if it could not be started for a reason that is not the command's, or its output not be
 * written. error: NULL, or why it did not run to its end. The command is gone when this returns.
 */
typedef void (*viv_command_done_fn)(struct viv_command *c, int status, const char *error,
				    void *arg);

/* EAGAIN: not ready, or too many run. E2BIG: argv and env are more than 1 MiB. */
int viv_agent_run(struct viv_agent *a, const struct viv_command_spec *spec,
		  viv_command_done_fn done, void *arg, struct viv_command **ret,
		  struct viv_error *err);
/* To its process group, with a pty to the terminal's foreground one. EINVAL: not a signal. */
int viv_command_signal(struct viv_command *c, int signo);
int viv_command_resize(struct viv_command *c, unsigned short rows, unsigned short columns);

/* Asks the guest to power off cleanly; `lost` follows. */
int viv_agent_poweroff(struct viv_agent *a, struct viv_error *err);

/*
 * Things that a guest is asked to do. code: 0, or a negative errno, -ENOTCONN if the guest went
 * away before it answered. `done` may be NULL.
 */
typedef void (*viv_agent_done_fn)(struct viv_agent *a, int code, void *arg);
/* Everything that it has written is on its disks. */
int viv_agent_sync(struct viv_agent *a, viv_agent_done_fn done, void *arg, struct viv_error *err);
/* Sets its wall clock forward: nanoseconds since 1970, UTC. One that is ahead of that stays: it never goes back. */
int viv_agent_set_clock(struct viv_agent *a, uint64_t ns, viv_agent_done_fn done, void *arg,
			struct viv_error *err);
/* Adds 1 to 512 bytes to its random pool, counted as full entropy (32 fill it), and reseeds it. */
int viv_agent_seed(struct viv_agent *a, const void *seed, size_t len, viv_agent_done_fn done,
		   void *arg, struct viv_error *err);
/* 1 to 64 bytes. */
int viv_agent_set_hostname(struct viv_agent *a, const char *name, viv_agent_done_fn done, void *arg,
			   struct viv_error *err);
/*
 * Its networks: addresses, names of other machines, mirrors (docs/agent-protocol.md, Networks). At
 * most 32 KiB. code: the first failure, -ENODEV for an interface that is not there; the rest is done.
 */
int viv_agent_set_network(struct viv_agent *a, const char *text, viv_agent_done_fn done, void *arg,
			  struct viv_error *err);

/* A file system of a device that the machine has, to be mounted in it. */
struct viv_agent_mount {
	const char *kind;   /* "virtiofs", "9p" */
	const char *tag;    /* of the device */
	const char *folder; /* one in its root; NULL: the root */
	const char *target; /* absolute; made if it is not there */
	bool read_only;
	bool overlay; /* read-only, and what the guest writes over it is in its memory */
};
/*
 * One that is mounted there already is left as it is; one that another mount has hidden since is mounted
 * anew. code: -ENODEV: the guest's kernel doesn't know the kind.
 */
int viv_agent_mount(struct viv_agent *a, const struct viv_agent_mount *m, viv_agent_done_fn done,
		    void *arg, struct viv_error *err);

/*
 * Something in the guest that is waited for: its agent answers when it is so, or can't become so any more. At most 64 at
 * once. The kinds and their words (docs/agent-protocol.md, Watches):
 *
 *	file PATH, no-file PATH		something is there, or not
 *	port tcp|udp PORT [ADDRESS], no-port …	who connects to it is let in (default: at localhost), or not
 *	unix PATH [stream|dgram]	a socket listens there
 *	unit NAME STATE [USER]		systemd's or runit's unit is "active", "inactive", …; USER's own
 *	tty N [MARK]			the text of /dev/ttyN is another than MARK says; without MARK: at once
 */
struct viv_watch_spec {
	const char *kind;
	const char *const *words; /* up to a NULL; at most 4, none empty */
};
struct viv_watch; /* gone when `done` returns, and with its agent */

/*
 * code: 0, it is so. -ENOTRECOVERABLE: the unit has failed, or is inactive with nothing under way that could start it; -ENOENT: there
 * is no such unit; -ESRCH: the user's systemd does not run; -EINVAL: a word makes no sense, or there is no such user; -ENAMETOOLONG: a path's; -EOPNOTSUPP: not in this guest; -EAGAIN: too many;
 * -EPROTO: it answers something else; -ENOTCONN: the guest went away. answer, never NULL: the unit's state, the terminal's mark, a line, and its text; of what
 * could not be done: why. It is the guest's, at most 32 KiB: to be shown with its control characters escaped.
 */
typedef void (*viv_agent_watch_fn)(struct viv_agent *a, int code, const char *answer, void *arg);

/* EAGAIN: not ready, or too many channels are open. EOPNOTSUPP: the guest's agent is too old. *ret may be NULL. */
int viv_agent_watch(struct viv_agent *a, const struct viv_watch_spec *spec, viv_agent_watch_fn done,
		    void *arg, struct viv_watch **ret, struct viv_error *err);
/* Ends it; `done` is not called any more. NULL is fine. */
void viv_agent_unwatch(struct viv_watch *w);
