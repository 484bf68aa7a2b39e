/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Waiting for something in the guest on the host's behalf (docs/agent-protocol.md, Watches). Each watch is a
 * child of the agent's, so what it looks at may hang (a share whose host has gone, a systemd that is stopped)
 * and harms nobody else. It looks, waits for an event that can have changed what it saw, and looks again. Where Linux has no
 * such event it looks again after a pause. It may allocate: it ends with its answer.
 */

#include "agent.h"

#include <poll.h>
#include <stdarg.h>
#include <sys/stat.h>

#define WATCH_NOT_YET (-1) /* else 0 or a positive errno: over */

#define WATCH_FDS 72

struct watch {
	enum agent_init init;
	const char *const *words; /* n of them, each at least a character */
	unsigned n;
	struct pollfd fds[WATCH_FDS]; /* what the next event can come from */
	unsigned n_fds;
	int pause_ms;		  /* the last pause (watch_look_again); -1: there was none */
	int idle_ms;		  /* when it looks again where no look has asked for that; -1: only for an event */
	bool pausing;		  /* the last look has asked for a pause */
	bool woken;		  /* this look is for an event, not after a pause */
	unsigned fresh;		  /* looks to come for which the last event is fresh */
	bool no_diag;		  /* the kernel has no sock_diag for what we ask */
	char answer[VIV_PROTO_MAX_ANSWER];
	size_t answer_len;
	void *own; /* the kind's */
};

/*
 * begin: once; NULL: nothing to do. It and look return what WATCH_NOT_YET says. look reads what there is to read in the
 * descriptors, or poll returns at once for ever.
 */
struct watch_kind {
	const char *name;
	unsigned min, max; /* words */
	int (*begin)(struct watch *w);
	int (*look)(struct watch *w);
};

/* The child, of the process `agent`: ends with the errno, the answer written to fd; or with the agent. */
_Noreturn void watch_main(enum agent_init init, pid_t agent, const uint8_t *payload, size_t len, int fd);

/* In place of the answer so far. Returns `code`, for `return watch_say(w, EINVAL, "…")`. */
int watch_say(struct watch *w, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* False: there is no room; w looks again after pauses then. fd may be negative: the same. */
bool watch_add(struct watch *w, int fd, short events);
void watch_remove(struct watch *w, int fd); /* does not close it; a negative one is fine */
/*
 * To be called in a look that is not sure to be woken: another one follows after a pause, of 20 ms at first, then twice
 * the last one, at most 200 ms: late by no more than a tenth of what was waited for, or 0.2 s, and hardly any CPU time.
 */
void watch_look_again(struct watch *w);

/*
 * watch-path.c: a path, of which nothing need be there yet. All folders on the way are watched by inotify(7), and the
 * table of mounts. What changes behind the kernel's back (shares, /proc) is looked at again.
 */
#define PATHS_MAX 64 /* folders on the way to one */
struct watch_path {
	int inotify, mounts;
	int folders[PATHS_MAX];
	unsigned n;
	bool silent; /* a file system on the way has no events for some changes */
	char real[4096]; /* where the last look came to, without links */
};
void watch_path_begin(struct watch *w, struct watch_path *p);
void watch_path_end(struct watch *w, struct watch_path *p); /* it can be begun again */
/* 0: it is there, ret_stat (may be NULL) says what; else the errno of what stopped us. Links are followed. */
int watch_path_look(struct watch *w, struct watch_path *p, const char *path, struct stat *ret_stat);

/* watch-silent.c: folders in which things change without an event: shares, /proc, … */
enum watch_silence {
	WATCH_TELLS,
	WATCH_SILENT,
	/*
	 * An overlay over such a folder. What was looked for in it once, and was not there, is not seen when it comes, for the kernel
	 * remembers that it was not: so names are looked for in its list.
	 */
	WATCH_SILENT_OVERLAY,
};
struct watch_overlay { /* the last one that was asked about: its layers never change */
	bool known, silent;
	dev_t dev;
};
enum watch_silence watch_silence_of(const char *folder, struct watch_overlay *last);
bool watch_is_listed(const char *folder, const char *name);

/* watch-sockets.c: the sockets of this network namespace, asked by sock_diag(7), or read in /proc/net. */
struct watch_socket {
	int family;	/* AF_INET, AF_INET6 */
	uint8_t ip[16]; /* all zero: any; of AF_INET the first four */
	bool only_v6;	/* AF_INET6: and nothing of IPv4 */
};
typedef bool (*watch_socket_fn)(const struct watch_socket *s, void *arg); /* true: that was it */
/*
 * Calls fn for each that listens (TCP) or is bound and takes from anybody (UDP). 1: one was it; 0: none; -1: that can't be
 * known now.
 */
int watch_sockets(struct watch *w, bool udp, uint16_t port, watch_socket_fn fn, void *arg);
/* Is there a socket of that type (SOCK_STREAM: one that listens) at the file? `path`, without links, is it, too. */
bool watch_unix_socket(struct watch *w, int type, const struct stat *st, const char *path);

/* watch-trace.c: wakes w when a TCP socket begins to listen or ends that. False: this kernel can't tell. */
bool watch_trace_listen(struct watch *w);

/* The kinds. */
int watch_file_begin(struct watch *w);
int watch_file_look(struct watch *w);
int watch_no_file_look(struct watch *w);
int watch_port_begin(struct watch *w);
int watch_port_look(struct watch *w);
int watch_no_port_look(struct watch *w);
int watch_unix_begin(struct watch *w);
int watch_unix_look(struct watch *w);
int watch_unit_begin(struct watch *w);
int watch_unit_look(struct watch *w);
int watch_tty_begin(struct watch *w);
int watch_tty_look(struct watch *w);

/* watch-systemd.c, watch-runit.c: `unit` where the machine has that init. */
int watch_systemd_begin(struct watch *w);
int watch_systemd_look(struct watch *w);
int watch_runit_begin(struct watch *w);
int watch_runit_look(struct watch *w);
