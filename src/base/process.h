/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Child processes: started with exactly the descriptors named, watched through a pidfd, and ended
 * with us. A child gets default signal handling and an empty signal mask.
 */

#include "base/error.h"
#include "base/str.h"

#include <sys/types.h>

struct viv_process_spec {
	const char *const *argv;   /* argv[0] is looked up in PATH */
	const char *const *env;    /* NULL: ours */
	const char *cwd;           /* NULL: ours */
	int fds[3];                /* stdin, stdout, stderr; -1: /dev/null */
	const int *keep;           /* become 3, 4, …; never closed here */
	size_t n_keep;
	bool new_session;          /* setsid: a process group that can be ended whole */
	bool no_mknod;             /* even root's makes no device nodes */
	bool outlive_us;           /* else it gets SIGKILL when the thread that started it ends */
};

/* ENOENT: no such program. *ret_pidfd may be NULL. */
int viv_process_spawn(const struct viv_process_spec *spec, pid_t *ret_pid, int *ret_pidfd,
		      struct viv_error *err);

/*
 * Waits for the child. timeout_ms < 0: for ever. At the limit the child (its group, if `group`) is
 * killed and reaped, and the result is -ETIMEDOUT. *ret_status is as of waitpid(2).
 */
int viv_process_wait(pid_t pid, int timeout_ms, bool group, int *ret_status, struct viv_error *err);

/*
 * Runs a program to its end. out and err_out (each may be NULL: /dev/null) collect at most
 * `max_output` bytes each, then it is killed and the result is -EFBIG. `input` may be NULL.
 * *ret_status is as of waitpid(2); a program that failed is not an error here.
 */
int viv_process_run(const char *const *argv, const char *const *env, const struct viv_slice *input,
		    struct viv_str *out, struct viv_str *err_out, size_t max_output, int timeout_ms,
		    int *ret_status, struct viv_error *err);

/* As above, where a status other than 0 is an error that shows the last lines of stderr. */
int viv_process_check(const char *const *argv, struct viv_str *out, size_t max_output,
		      int timeout_ms, struct viv_error *err);

/*
 * flock(2), exclusive, with a limit, by which a holder that stands still (SIGSTOP) is noticed:
 * -ETIMEDOUT without a message. The lock is the open file's, as always.
 */
int viv_lock_within(int fd, int timeout_ms, struct viv_error *err);

/* "exit status 3", "killed by signal 9 (Killed)". The caller frees it. */
char *viv_process_status_text(int status);

/* As a shell counts: the exit status, or 128 + signal. */
int viv_process_exit_code(int status);

/* The path of a program in PATH (and /usr/sbin, /sbin), or NULL. The caller frees it. */
char *viv_find_program(const char *name);
