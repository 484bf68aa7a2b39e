/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where foreign code runs: maintainer scripts, own-tree builds. A sandbox is a child process that
 * is root in namespaces of its own (user, mount, pid, ipc, uts, and network unless asked), with a
 * memory-backed scratch folder. Our function runs in it and prepares trees; foreign programs are
 * started from there inside such a tree, without our capabilities, our descriptors or a terminal.
 *
 * As an ordinary user this takes subordinate ids (newuidmap, newgidmap, /etc/subuid); root needs
 * none. Either way ids 0 to 65535 inside are real: files can be given to any of them.
 */

#include "base/error.h"
#include "base/report.h"
#include "base/str.h"

struct viv_sandbox_bind {
	const char *host; /* a file or folder outside */
	const char *name; /* appears as <scratch>/<name>; safe relative path */
	bool writable;	  /* else read-only */
};

struct viv_sandbox_spec {
	const struct viv_sandbox_bind *binds;
	size_t n_binds;
	uint64_t scratch_size; /* bytes of the tmpfs; 0: half of the host's memory */
	bool scratch_on_disk;  /* scratch is a folder below `scratch_dir` instead of a tmpfs */
	const char *scratch_dir;
};

/* Inside: what fn is told. */
struct viv_sandbox_view {
	const char *scratch; /* absolute; empty but for the binds */
};

/*
 * What runs inside. Its report and its error reach the caller. It must not rely on any thread,
 * lock or open connection of the parent. `result` (may be left alone) is text handed to the caller.
 */
typedef int (*viv_sandbox_fn)(const struct viv_sandbox_view *view, void *arg,
			      struct viv_report *report, struct viv_str *result,
			      struct viv_error *err);

/* Runs fn inside and waits for it; every process of the sandbox has ended when it returns. */
int viv_sandbox_call(const struct viv_sandbox_spec *spec, viv_sandbox_fn fn, void *arg,
		     struct viv_report *report, struct viv_str *result, struct viv_error *err);

/* Inside only. A foreign program, chrooted to `root`. */
struct viv_sandbox_exec {
	const char *root;
	const char *const *argv; /* the path inside root */
	const char *const *env;
	const char *cwd;	 /* inside root; NULL: "/" */
	int stdin_fd;		 /* -1: /dev/null */
	int output_fd;		 /* stdout and stderr; -1: kept in `output` */
	struct viv_str *output;	 /* may be NULL; at most 4 MiB, the rest is dropped */
	int timeout_ms;		 /* then its whole session is killed and the result is -ETIMEDOUT */
};
int viv_sandbox_exec(const struct viv_sandbox_exec *spec, int *ret_status, struct viv_error *err);
/* /proc, /dev (null, zero, full, random, urandom, tty, fd links, shm), /sys (empty), /tmp in root. */
int viv_sandbox_mount_api(const char *root, struct viv_error *err);
int viv_sandbox_unmount_api(const char *root, struct viv_error *err);

/*
 * Can sandboxes be made here? The error says what to do: the exact lines for /etc/subuid and
 * /etc/subgid, the package for newuidmap, the sysctl or AppArmor profile that forbids namespaces.
 */
int viv_sandbox_check(struct viv_error *err);
