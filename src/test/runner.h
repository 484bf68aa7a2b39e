/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One test from its begin to its verdict, in a process of its own: loads the file, builds and holds the
 * machines, calls the test's function. What happens is told as it happens (test/event.h); the result
 * comes last. Blocking: a method of a machine runs the loop until what it waits for is there.
 *
 * Parts: guest (a machine's life), wait (the one way to wait), call (methods and functions of a script,
 * their arguments, their failure), methods-* and functions (tables of them), runner (the order of it all).
 */

#include "base/json.h"
#include "config/lua/script.h"
#include "run/copy.h"
#include "test/event.h"
#include "test/guest.h"
#include "test/result.h"
#include "test/run.h"

/* A failure that is on its way, or was caught. */
struct runner_failure {
	enum viv_verdict verdict;
	char *reason;  /* one line */
	char *details; /* more lines; may be NULL */
	bool own;      /* the script's own: an assertion, error(…), a mistake of Lua's; no method's */
};
void runner_failure_free_contents(struct runner_failure *f);

/* Reports of kernels that are no failure. */
struct runner_expectation {
	char *machine; /* NULL: any */
	char *what;    /* a kind, or text */
	unsigned met;  /* by so many */
	bool over;     /* it is not expected any more */
};

/* Reports of kernels: the first that nobody expected, and what is expected. */
struct runner_crash {
	char *what;		/* NULL: none */
	struct viv_str details; /* its lines */
	struct runner_expectation *expected;
	size_t n_expected, cap_expected;
};

struct runner {
	const struct viv_test_run *run; /* what was asked for */
	struct viv_loop *loop;
	struct viv_store *store;
	struct viv_report report; /* of builds: told as events */
	char *runtime;
	struct viv_machine_dir dir; /* for its machines' segments (test/remains.h) */
	struct guest **guests;
	size_t n_guests;
	struct viv_lua_script *script;
	struct viv_events out;
	struct viv_test_result result;
	int64_t deadline;      /* viv_now_ms; of the test, 0 while it has not begun */
	bool over;	       /* its function has returned: what is waited for now is what it leaves */
	int signal;	       /* that asked for the end; 0: none */
	unsigned depth;	       /* of subtests */
	unsigned expecting;    /* functions that are to fail are running */
	struct runner_condition *conditions; /* that must hold now (condition.c) */
	bool checking; /* one of them; or a machine stands still: then none is */
	int64_t check_limit; /* viv_now_ms: of the wait that looks at one of them; 0: none */
	char *broken;  /* why one does not hold any more */
	struct viv_strv missing; /* "web-1 curl": programs that were warned of */
	struct prompt *prompt; /* NULL: nobody is asked (test/prompt.h) */
	struct runner_crash crash;
	struct runner_link *links;	 /* what cables are not perfect */
	struct runner_capture *captures; /* segments whose frames are kept */
	struct runner_failure final; /* what ended the test whatever its script did about it */
};

/* Is the test's own time over? */
static inline bool runner_time_is_up(const struct runner *r)
{
	return r->deadline && viv_now_ms() >= r->deadline;
}

/* wait.c */

/*
 * Runs the loop until `until` holds. -ETIMEDOUT: `deadline` (viv_now_ms; 0: none) or the test's; -ENOTCONN: g
 * (NULL: none) is not running any more; -EINTR: a signal asked for the test's end; -ECANCELED: a condition of the test's does not
 * hold; -ECONNABORTED: another machine died a while ago, though the test had not asked for that.
 */
int runner_wait(struct runner *r, const struct guest *g, bool (*until)(void *arg), void *arg, int64_t deadline);
/* For what is to come to its end whatever has become of the test: without its limit and its conditions. */
int runner_wait_out(struct runner *r, const struct guest *g, bool (*until)(void *arg), void *arg, int64_t ms);
/* That machine, which nothing waits any more for; NULL: none. */
const struct guest *runner_dead_guest(const struct runner *r);
/* For whatever somebody may wait for: looks again. */
void runner_wake(struct runner *r);

/* condition.c: when the next one is to be looked at (0: none); looks at those whose time has come, until
 * `limit` (viv_now_ms; 0: none): -ECANCELED, -ETIMEDOUT. */
int64_t runner_conditions_due(const struct runner *r);
int runner_check_conditions(struct runner *r, int64_t limit);

/*
 * Starts it where it isn't on. -ESHUTDOWN: it had ended, and the test had not asked for that (test/end.h), for which it has to know
 * before it goes on: this answer comes once. by_name: as an end that start() takes note of.
 */
int runner_start(struct runner *r, struct guest *g, bool by_name, struct viv_error *err);
/* The same, and waits until it takes commands. early: not until its system is up. */
int runner_need(struct runner *r, struct guest *g, bool early, int64_t deadline, struct viv_error *err);

/* guest-command.c */

struct runner_command {
	const char *const *argv;
	const char *user, *cwd;	       /* NULL: root; its home */
	const char *const *env;	       /* NULL: none */
	struct viv_slice input;	       /* its data NULL: none */
	int input_fd;		       /* a file as input instead, borrowed; 0: none */
	int64_t deadline;	       /* viv_now_ms; 0: the test's */
	size_t max_output;	       /* of each stream; more is an error */
	/* Of stdout, as it comes; may be NULL. False: that is enough, the command is killed and has run to its end. */
	bool (*line)(struct viv_slice line, void *arg);
	void *arg;
	bool forget_lines; /* those are not kept in the output, nor counted: max_output is what a line may have */
};

struct runner_output {
	int status;
	struct viv_str out, err;
	char *error; /* why it did not run to its end; NULL: it did */
};
void runner_output_free(struct runner_output *o);

/*
 * 0: it ran, or could not be executed: the status says so. -ETIMEDOUT: it was killed; output is what came.
 * -ENOTCONN: the machine is gone. -EFBIG: too much output. -EINTR.
 */
int runner_command_run(struct runner *r, struct guest *g, const struct runner_command *c,
		       struct runner_output *ret, struct viv_error *err);

/* crash.c */

/* It is in trouble, or has gone: after a moment nothing more is waited for. */
void runner_give_up_soon(struct runner *r, struct guest *g);
/* For guest_events. arg: the runner. */
void runner_on_report(struct guest *g, const struct viv_trouble_report *report, void *arg);
/*
 * From now on a report of that kind (where that is its name) or with that text in it is none that fails the test; machine
 * NULL: any. Which of runner_crash's it is.
 */
size_t runner_expect(struct runner *r, const char *machine, const char *what);
/* Why this can't be meant, a kind that is none but nearly; NULL: it can. The caller frees it. */
char *runner_expect_wrong(const char *what);
/* From the test's expect option. */
void runner_expect_all(struct runner *r, const json_t *list);
void runner_crash_free_contents(struct runner_crash *c);

/* guest-watch.c */

/*
 * Waits in the guest until it is so (run/agent.h). 0; as runner_wait; or what the watch came to: -ENOTRECOVERABLE, -ENOENT,
 * -ESRCH, -EINVAL, -EOPNOTSUPP, -EAGAIN, -EPROTO, then answer says more. *ret_answer, the caller's, is set unless there is an error;
 * it may be NULL.
 */
int runner_watch(struct runner *r, struct guest *g, const struct viv_watch_spec *spec, int64_t deadline,
		 char **ret_answer, struct viv_error *err);

/* guest-copy.c */

/*
 * As viv_copy_in and viv_copy_out; or as runner_wait. `keep` (-1: none): a descriptor of ours that copy->to may name, as
 * "/proc/self/fd/N".
 */
int runner_copy(struct runner *r, struct guest *g, bool in, const struct viv_copy *copy, int keep, int64_t deadline,
		struct viv_strv *complaints, struct viv_error *err);

/* network.c */

/* From now on, over all starts of the machine. False: it does not run, or is not on the segment. */
bool runner_set_link(struct runner *r, struct guest *g, unsigned vlan, const struct viv_link_spec *spec);
/* Keeps all frames on a segment in a file (test/pcap.h). EEXIST: that is done already. */
int runner_capture(struct runner *r, unsigned vlan, const char *path, struct viv_error *err);
/* ENOENT: it is not captured. */
int runner_stop_capture(struct runner *r, unsigned vlan, uint64_t *ret_frames, struct viv_error *err);
/* For guest_events. arg: the runner. */
void runner_on_started(struct guest *g, void *arg);
void runner_network_free(struct runner *r);

/* runner.c */
/* No machine of the runner's runs; as runner_wait's `until`. arg: the runner. */
bool runner_all_off(void *arg);
/* Calls the test's function: the result has the verdict afterwards, whatever it had. */
void runner_call_test(struct runner *r);
void runner_set_verdict(struct runner *r, enum viv_verdict verdict, const char *reason);
struct guest *runner_find(struct runner *r, const char *name); /* by name or global; NULL: none */
