/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void refuse(struct channel *c, enum viv_proto_stage stage, int code)
{
	free(c->spec);
	c->spec = NULL;
	c->state = CHANNEL_REFUSED;
	c->failed = (struct viv_proto_failed){stage, (uint32_t)code};
}

/* The host's ends of a command, and the command's. -1 where there is none. */
struct ends {
	int ours[3], theirs[3];
};

static void ends_close(int fds[3])
{
	for (int i = 0; i < 3; i++)
		close_fd(&fds[i]);
}

static int dev_null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int make_pipe(struct ends *e, int stream)
{
	int fds[2], ours = stream == 0 ? 1 : 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fcntl(fds[ours], F_SETFL, O_NONBLOCK);
	e->ours[stream] = fds[ours];
	e->theirs[stream] = fds[!ours];
	return 0;
}

static int make_pipes(struct ends *e, unsigned flags)
{
	for (int i = 0; i < 3; i++) {
		if (flags & ((unsigned)VIV_PROTO_RUN_STDIN << i)) {
			int r = make_pipe(e, i);

			if (r < 0)
				return r;
		} else {
			e->theirs[i] = dev_null();
			if (e->theirs[i] < 0)
				return -errno;
		}
	}
	return 0;
}

static int make_terminal(struct ends *e, const struct viv_proto_run *run)
{
	struct winsize size = {.ws_row = run->rows, .ws_col = run->columns};
	int unlock = 0;

	e->ours[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (e->ours[0] < 0 || ioctl(e->ours[0], TIOCSPTLCK, &unlock) < 0)
		return -errno;
	e->theirs[0] = ioctl(e->ours[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	e->ours[1] = fcntl(e->ours[0], F_DUPFD_CLOEXEC, 3);
	if (e->theirs[0] < 0 || e->ours[1] < 0)
		return -errno;
	ioctl(e->ours[0], TIOCSWINSZ, &size);
	for (int i = 1; i < 3; i++) {
		e->theirs[i] = fcntl(e->theirs[0], F_DUPFD_CLOEXEC, 3);
		if (e->theirs[i] < 0)
			return -errno;
	}
	return 0;
}

static const char *next(const char *s)
{
	return s + strlen(s) + 1;
}

/*
 * Does it take nothing to start it but the system's own folders? Then it can be waited for (vfork),
 * which halves the time under emulation. With any other folder (of the command, of a user's home, in
 * a PATH) that could be on a file system that hangs, and all others would hang with it: that is left to
 * the starter.
 */
static bool is_plain(const struct viv_proto_run *run)
{
	const char *s = run->strings, *program;

	if (*s || *next(s)) /* a user, a folder */
		return false;
	program = next(next(s));
	if (strchr(program, '/') && strncmp(program, "/usr/", 5) != 0 &&
	    strncmp(program, "/bin/", 5) != 0 && strncmp(program, "/sbin/", 6) != 0 &&
	    strcmp(program, "/proc/self/exe") != 0)
		return false;
	s = program;
	for (unsigned i = 0; i < run->argc; i++)
		s = next(s);
	for (unsigned i = 0; i < run->envc; i++, s = next(s))
		if (strncmp(s, "PATH=", 5) == 0 || strncmp(s, "HOME=", 5) == 0)
			return false;
	return true;
}

static pid_t fork_child(struct agent *a, const struct channel *c, const struct viv_proto_run *run,
			char **argv, struct ends *e, int status)
{
	bool plain = is_plain(run);
	pid_t pid = plain ? 0 : starter_start(&a->starter, c->spec, c->spec_len, e->theirs, status);

	if (pid < 0)
		errno = -pid;
	if (pid)
		return pid < 0 ? -1 : pid;
	pid = plain ? vfork() : fork();
	if (pid == 0)
		child_main(run, argv, e->theirs, status);
	return pid;
}

/* Forks. Returns a negative errno, or 0: then c->pid and c->status are set. */
static int start_child(struct agent *a, struct channel *c, const struct viv_proto_run *run,
		       struct ends *e)
{
	char **argv = calloc(run->argc + 1u, sizeof(*argv));
	int status[2], code;

	if (!argv || pipe2(status, O_CLOEXEC) < 0) {
		code = errno;
		free(argv);
		return -code;
	}
	c->pid = fork_child(a, c, run, argv, e, status[1]);
	code = errno;
	free(argv);
	close(status[1]);
	c->status = status[0];
	fcntl(c->status, F_SETFL, O_NONBLOCK);
	return c->pid < 0 ? -code : 0;
}

static int start(struct agent *a, struct channel *c, const struct viv_proto_run *run)
{
	unsigned n = (unsigned)(c - a->channels);
	struct ends e = {{-1, -1, -1}, {-1, -1, -1}};
	int r;

	c->pty = run->flags & VIV_PROTO_RUN_PTY;
	c->ring = malloc(AGENT_STDIN_WINDOW);
	if (!c->ring)
		return -ENOMEM;
	r = c->pty ? make_terminal(&e, run) : make_pipes(&e, run->flags);
	if (r == 0)
		r = start_child(a, c, run, &e);
	ends_close(e.theirs);
	if (r < 0) {
		ends_close(e.ours);
		return r;
	}
	c->in = e.ours[0];
	for (int i = 0; i < 2; i++)
		c->out[i] = (struct out_stream){
			.fd = e.ours[i + 1], .ready = true, .credit = run->window};
	c->in_ready = true;
	c->state = CHANNEL_STARTING;
	agent_watch(a, c->status, EPOLLIN, ON_STATUS, n);
	if (c->in >= 0)
		agent_watch(a, c->in, EPOLLOUT, ON_STDIN, n);
	for (unsigned i = 0; i < 2; i++)
		if (c->out[i].fd >= 0)
			agent_watch(a, c->out[i].fd, EPOLLIN, ON_STDOUT + i, n);
	return 0;
}

static void spec_complete(struct agent *a, struct channel *c)
{
	struct viv_proto_run run;
	int r;

	if (!viv_proto_get_run(c->spec, c->spec_len, &run)) {
		refuse(c, VIV_PROTO_STAGE_SPEC, EINVAL);
		return;
	}
	r = start(a, c, &run);
	if (r < 0) {
		refuse(c, VIV_PROTO_STAGE_SETUP, -r);
		return;
	}
	free(c->spec);
	c->spec = NULL;
}

static void spec_add(struct channel *c, const struct viv_frame *f)
{
	uint8_t *p;

	if (c->state == CHANNEL_REFUSED)
		return;
	if (c->spec_len + f->len > VIV_PROTO_MAX_SPEC) {
		refuse(c, VIV_PROTO_STAGE_SPEC, E2BIG);
		return;
	}
	p = realloc(c->spec, c->spec_len + f->len);
	if (!p) {
		refuse(c, VIV_PROTO_STAGE_SETUP, ENOMEM);
		return;
	}
	memcpy(p + c->spec_len, f->payload, f->len);
	c->spec = p;
	c->spec_len += f->len;
}

void command_send_failed(struct agent *a, struct channel *c)
{
	viv_proto_put_failed(port_payload(a), &c->failed);
	port_frame(a, VIV_PROTO_FAILED, 0, c->id, VIV_PROTO_FAILED_SIZE);
	command_free(c);
}

/* Called with room for one small frame, as for all that the host sends. */
void command_spec(struct agent *a, const struct viv_frame *f)
{
	struct channel *c = channel_find(a, f->channel);

	if (!c) {
		c = channel_new(a, f->channel);
		if (c)
			c->state = CHANNEL_SPEC;
	}
	if (!c || (c->state != CHANNEL_SPEC && c->state != CHANNEL_REFUSED)) {
		session_lost(a); /* more than may be open, or one that is in use */
		return;
	}
	spec_add(c, f);
	if (f->flags & VIV_PROTO_MORE)
		return;
	if (c->state == CHANNEL_SPEC)
		spec_complete(a, c);
	if (c->state == CHANNEL_REFUSED)
		command_send_failed(a, c);
}
