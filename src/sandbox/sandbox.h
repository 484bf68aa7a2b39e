/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where foreign code runs: maintainer scripts, own-tree builds. A sandbox is a child process that
 * is root in namespaces of its own (user, mount, pid, ipc, uts, network), with a memory-backed
 * scratch folder. Our function runs in it and prepares trees; foreign programs are started from
 * there inside such a tree, without our capabilities, our descriptors, a terminal or a network.
 * Our function sees this system's files, but read-only: only the scratch folder and writable binds
 * can be written.
 *
 * As an ordinary user this takes subordinate ids (newuidmap, newgidmap, /etc/subuid); root needs
 * none. Either way ids 0 to 65535 inside are real: files can be given to any of them. Root that may
 * make no user namespace does with the others. Where those are forbidden, too, as in a container of
 * Docker's default kind, there is no sandbox but an error that says how to allow it: a chroot alone
 * would leave foreign programs the container's network, signals to its other programs, and a life
 * after a build that was interrupted.
 */

#include "base/error.h"
#include "base/report.h"
#include "base/str.h"

struct viv_sandbox_bind {
	const char *host; /* a file or folder outside; must be there */
	const char *name; /* appears as <scratch>/<name>; safe relative path */
	bool writable;	  /* else read-only */
};

struct viv_sandbox_spec {
	const struct viv_sandbox_bind *binds;
	size_t n_binds;
	uint64_t scratch_size; /* bytes of the tmpfs; 0: half of the host's memory */
	bool scratch_on_disk;  /* scratch is a folder below `scratch_dir` instead of a tmpfs */
	const char *scratch_dir; /* NULL: /var/tmp; removed again, also after a crash */
};

/* Inside: what fn is told. */
struct viv_sandbox_view {
	const char *scratch; /* absolute; empty but for the binds */
	int input;	     /* what the caller gave; -1: nothing */
};

/*
 * What runs inside. Its report and its error reach the caller. It must not rely on any thread,
 * lock or open connection of the parent; every descriptor but 0 (/dev/null), 1, 2 and the input is
 * closed.
 * `result` (may be left alone) is text handed to the caller, at most 64 MiB.
 */
typedef int (*viv_sandbox_fn)(const struct viv_sandbox_view *view, void *arg,
			      struct viv_report *report, struct viv_str *result,
			      struct viv_error *err);

/*
 * Runs fn inside and waits for it; every process of the sandbox has ended when it returns, and
 * ends with the calling thread. Umask inside: 022. EINTR: a signal is to end us, see base/hold.h.
 */
int viv_sandbox_call(const struct viv_sandbox_spec *spec, viv_sandbox_fn fn, void *arg,
		     struct viv_report *report, struct viv_str *result, struct viv_error *err);

/*
 * Removes a tree as viv_remove_tree does, also where files in it belong to the caller's subordinate ids:
 * such as users of a guest leave in a folder that they share with the host.
 */
int viv_sandbox_remove_tree(const char *path, struct viv_error *err);

/*
 * The same in two halves, for work that goes on while the caller does something else. `input` (-1:
 * none) is a descriptor that fn can read from; it stays the caller's. What begin got is to be given to
 * finish, which waits for fn and frees it. Who wants fn to give up tells it through the input.
 */
struct viv_sandbox;
int viv_sandbox_begin(const struct viv_sandbox_spec *spec, viv_sandbox_fn fn, void *arg, int input,
		      struct viv_sandbox **ret, struct viv_error *err);
int viv_sandbox_finish(struct viv_sandbox *s, struct viv_report *report, struct viv_str *result,
		       struct viv_error *err);

/* Inside only. A foreign program, chrooted to `root`. */
struct viv_sandbox_exec {
	const char *root;
	const char *const *argv; /* argv[0] is looked up in env's PATH, inside root */
	const char *const *env;	 /* NULL: viv_sandbox_env */
	const char *cwd;	 /* inside root; NULL: "/" */
	int stdin_fd;		 /* -1: /dev/null */
	int output_fd;		 /* stdout and stderr; -1: kept in `output` */
	struct viv_str *output;	 /* may be NULL; at most 4 MiB, the rest is dropped */
	const int *keep;	 /* become 3, 4, … */
	size_t n_keep;
	bool network_admin;	 /* may change its own network namespace's tables */
	int timeout_ms;		 /* then all that runs in root is killed: -ETIMEDOUT; 0: no limit */
};
int viv_sandbox_exec(const struct viv_sandbox_exec *spec, int *ret_status, struct viv_error *err);
/* Starts it and returns at once: a child, to be reaped with waitpid(2). output_fd -1: /dev/null. */
int viv_sandbox_start(const struct viv_sandbox_exec *spec, pid_t *ret_pid, struct viv_error *err);
/* PATH, HOME, LC_ALL=C.UTF-8, TZ=UTC; ends with NULL. */
extern const char *const viv_sandbox_env[];

/* Inside only. Kills every foreign program that runs in `root`. */
void viv_sandbox_kill(const char *root);

/* /proc, /dev (null, zero, full, random, urandom, tty, fd links, shm), /sys (empty), /tmp in root. */
int viv_sandbox_mount_api(const char *root, struct viv_error *err);
/* Ends what still runs in root first. */
int viv_sandbox_unmount_api(const char *root, struct viv_error *err);

/*
 * Can sandboxes be made here? The error says what to do: the exact lines for /etc/subuid and
 * /etc/subgid, the package for newuidmap, the sysctl or AppArmor profile that forbids namespaces.
 */
int viv_sandbox_check(struct viv_error *err);
