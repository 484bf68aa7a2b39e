/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * For the tests of the agent: the guest's agent, the real program, at the other end of a socket
 * pair instead of a virtio-serial port, and the host's client.
 */

#include "base/fd.h"
#include "base/process.h"
#include "run/agent.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* One test program runs all of its tests with each of these. */
static const char *const agent_programs[] = {TEST_AGENT, TEST_AGENT_SANITIZED};

struct fixture {
	const char *program;
	int limit_kib; /* of address space; 0: none */
	struct viv_loop *loop;
	struct viv_agent *agent;
	pid_t pid;
	int port; /* a second descriptor of our end: keeps it open when the client goes */
	bool ready, booted;
	char *lost;
};

struct result {
	struct fixture *f;
	bool done;
	int status;
	char *error;
};

static inline void on_ready(struct viv_agent *a, void *arg)
{
	struct fixture *f = arg;

	f->ready = true;
	viv_loop_quit(f->loop, 0);
}

static inline void on_booted(struct viv_agent *a, void *arg)
{
	struct fixture *f = arg;

	f->booted = true;
	viv_loop_quit(f->loop, 0);
}

static inline void on_lost(struct viv_agent *a, const char *why, void *arg)
{
	struct fixture *f = arg;

	f->lost = viv_strdup(why);
	viv_loop_quit(f->loop, 0);
}

static inline void on_done(struct viv_command *c, int status, const char *error, void *arg)
{
	struct result *r = arg;

	assert_false(r->done);
	r->done = true;
	r->status = status;
	r->error = viv_strdup(error);
	viv_loop_quit(r->f->loop, 0);
}

static inline int on_time_limit(struct viv_source *s, void *arg)
{
	return -ETIMEDOUT;
}

/* Runs the loop until *flag; a test that hangs fails. */
static inline void run_until(struct fixture *f, const bool *flag)
{
	struct viv_source *limit;

	assert_int_equal(viv_loop_add_timer(f->loop, 60000, on_time_limit, NULL, &limit, NULL), 0);
	while (!*flag)
		assert_int_equal(viv_loop_run(f->loop, NULL), 0);
	viv_source_remove(limit);
}

static inline int on_readable(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	viv_source_remove(s);
	*(bool *)arg = true;
	viv_loop_quit(viv_source_loop(s), 0);
	return 0;
}

static inline void wait_readable(struct fixture *f, int fd)
{
	bool readable = false;

	assert_int_equal(viv_loop_add_io(f->loop, fd, EPOLLIN, on_readable, &readable, NULL, NULL),
			 0);
	run_until(f, &readable);
}

static inline void connect_client(struct fixture *f)
{
	const struct viv_agent_events events = {on_ready, on_booted, on_lost, f};

	f->ready = f->booted = false;
	assert_int_equal(viv_agent_new(f->loop, fcntl(f->port, F_DUPFD_CLOEXEC, 3), &events,
				       &f->agent, NULL),
			 0);
}

static inline void start_agent(struct fixture *f)
{
	VIV_FREE char *script = viv_asprintf("%s%d; exec \"$0\" --port-fd=3 --init=none",
					     f->limit_kib ? "ulimit -v " : ": ", f->limit_kib);
	const char *argv[] = {"sh", "-c", script, f->program, NULL};
	int ends[2];
	struct viv_process_spec spec = {
		.argv = argv, .fds = {-1, -1, 2}, .keep = &ends[1], .n_keep = 1};

	assert_int_equal(viv_loop_new(&f->loop, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(viv_process_spawn(&spec, &f->pid, NULL, NULL), 0);
	close(ends[1]);
	f->port = ends[0];
}

/* Without a client: the test speaks first. */
static inline int setup_bare(void **state)
{
	struct fixture *f = viv_new(struct fixture);

	f->program = *state;
	start_agent(f);
	*state = f;
	return 0;
}

static inline int setup(void **state)
{
	struct fixture *f;

	setup_bare(state);
	f = *state;
	connect_client(f);
	run_until(f, &f->ready);
	return 0;
}

/* The agent must end by itself, without a leak, when its port is closed. */
static inline int teardown(void **state)
{
	struct fixture *f = *state;
	int status = -1;

	viv_agent_free(f->agent);
	close(f->port);
	viv_loop_free(f->loop);
	assert_int_equal(viv_process_wait(f->pid, 20000, false, &status, NULL), 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) /* as one of the tests does */
		assert_int_equal(status, 0);
	free(f->lost);
	free(f);
	return 0;
}

static inline struct viv_command *start_command(struct fixture *f, struct viv_command_spec *spec,
						struct result *r)
{
	struct viv_command *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	*r = (struct result){.f = f};
	if (viv_agent_run(f->agent, spec, on_done, r, &c, &err) < 0)
		fail_msg("%s", err.msg);
	return c;
}

/* Runs a shell command to its end and returns its status; its outputs go to `out` and `err`. */
static inline int run_spec(struct fixture *f, struct viv_command_spec *spec, struct viv_str *out,
			   struct viv_str *err, char **ret_error)
{
	VIV_FD out_fd = (int)syscall(SYS_memfd_create, "out", 0);
	VIV_FD err_fd = (int)syscall(SYS_memfd_create, "err", 0);
	struct result r;

	spec->out_fd = out_fd;
	spec->err_fd = spec->pty ? -1 : err_fd;
	start_command(f, spec, &r);
	run_until(f, &r.done);
	lseek(out_fd, 0, SEEK_SET);
	lseek(err_fd, 0, SEEK_SET);
	assert_int_equal(viv_read_to_end(out_fd, 1 << 20, out, "stdout", NULL), 0);
	assert_int_equal(viv_read_to_end(err_fd, 1 << 20, err, "stderr", NULL), 0);
	if (ret_error)
		*ret_error = r.error;
	else
		free(r.error);
	return r.status;
}

/* A descriptor to read `text` from. */
static inline int text_fd(const char *text)
{
	int fds[2];

	assert_int_equal(viv_pipe(fds, NULL), 0);
	assert_int_equal(viv_write_all(fds[1], text, strlen(text), "pipe", NULL), 0);
	close(fds[1]);
	return fds[0];
}

/* Checks one shell command: status, stdout, stderr. */
static inline void check_shell(struct fixture *f, const char *script, const char *input, int status,
			       const char *out, const char *err)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	VIV_FD in_fd = input ? text_fd(input) : -1;
	struct viv_command_spec spec = {.argv = argv, .in_fd = in_fd};
	VIV_STR got_out = VIV_STR_INIT, got_err = VIV_STR_INIT;

	assert_int_equal(run_spec(f, &spec, &got_out, &got_err, NULL), status);
	assert_string_equal(got_out.data ? got_out.data : "", out);
	assert_string_equal(got_err.data ? got_err.data : "", err);
}

/* Waits for the end of a process that isn't ours. */
static inline void wait_gone(pid_t pid)
{
	VIV_FD fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd >= 0)
		assert_int_equal(poll(&p, 1, 20000), 1);
}

static inline int run_with_each_agent(const struct CMUnitTest *tests, size_t n)
{
	struct CMUnitTest copy[64];
	int failed = 0;

	assert_true(n <= VIV_ARRAY_SIZE(copy));
	for (size_t p = 0; p < VIV_ARRAY_SIZE(agent_programs); p++) {
		for (size_t i = 0; i < n; i++) {
			copy[i] = tests[i];
			copy[i].initial_state = (void *)agent_programs[p];
		}
		failed += _cmocka_run_group_tests(agent_programs[p], copy, n, NULL, NULL);
	}
	return failed;
}
