/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* A terminal's output that was there at the end can't be counted; it is bounded instead. */
#define PTY_LEFT (256 * 1024)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void command_init(struct channel *c)
{
	*c = (struct channel){.in = -1, .status = -1, .out = {{.fd = -1}, {.fd = -1}}};
}

void command_free(struct channel *c)
{
	close_fd(&c->in);
	close_fd(&c->status);
	close_fd(&c->out[0].fd);
	close_fd(&c->out[1].fd);
	free(c->ring);
	free(c->spec);
	command_init(c);
}

struct channel *channel_find(struct agent *a, uint32_t id)
{
	for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++)
		if (a->channels[i].state != CHANNEL_FREE && a->channels[i].id == id)
			return &a->channels[i];
	return NULL;
}

struct channel *channel_new(struct agent *a, uint32_t id)
{
	for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++)
		if (a->channels[i].state == CHANNEL_FREE) {
			a->channels[i].id = id;
			return &a->channels[i];
		}
	return NULL;
}

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

/* Forks. Returns a negative errno, or 0: then c->pid and c->status are set. */
static int start_child(struct channel *c, const struct viv_proto_run *run, struct ends *e)
{
	int status[2], code;

	if (pipe2(status, O_CLOEXEC) < 0)
		return -errno;
	c->pid = fork();
	code = errno;
	if (c->pid == 0)
		child_main(run, e->theirs, status[1]);
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
		r = start_child(c, run, &e);
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

static void send_failed(struct agent *a, struct channel *c)
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
		send_failed(a, c);
}

void command_check_status(struct channel *c)
{
	ssize_t n = read(c->status, &c->failed, sizeof(c->failed));

	if (n < 0)
		return;
	close_fd(&c->status);
	if (n == sizeof(c->failed)) {
		/* Sent by command_pump when there is room; nothing else is left of it. */
		close_fd(&c->in);
		close_fd(&c->out[0].fd);
		close_fd(&c->out[1].fd);
		c->state = CHANNEL_ENDED;
		c->pid = 0;
		return;
	}
	c->state = CHANNEL_RUNNING;
	c->started_due = true;
}

/* Frames that the host sent although there is no room for them, or after the end, are dropped. */
void command_input(struct channel *c, const struct viv_frame *f)
{
	size_t end = (c->ring_at + c->ring_len) % AGENT_STDIN_WINDOW, first;

	if (f->type == VIV_PROTO_EOF) {
		c->in_ended = true;
		return;
	}
	if (c->in < 0 || c->in_ended || f->len > AGENT_STDIN_WINDOW - c->ring_len)
		return;
	first = AGENT_STDIN_WINDOW - end < f->len ? AGENT_STDIN_WINDOW - end : f->len;
	memcpy(c->ring + end, f->payload, first);
	memcpy(c->ring, f->payload + first, f->len - first);
	c->ring_len += f->len;
}

void command_signal(struct channel *c, int signo)
{
	pid_t group = c->pid;

	if (c->state != CHANNEL_STARTING && c->state != CHANNEL_RUNNING)
		return;
	if (c->pty && c->in >= 0) {
		pid_t foreground = tcgetpgrp(c->in);

		if (foreground > 1)
			group = foreground;
	}
	/* There is no group yet if it hasn't come to setsid. */
	if (kill(-group, signo) < 0)
		kill(c->pid, signo);
}

void command_resize(struct channel *c, const struct viv_proto_size *size)
{
	struct winsize w = {.ws_row = size->rows, .ws_col = size->columns};

	if (c->pty && c->in >= 0)
		ioctl(c->in, TIOCSWINSZ, &w);
}

void command_close_output(struct out_stream *s)
{
	close_fd(&s->fd);
}

void command_drop(struct channel *c)
{
	if (c->state == CHANNEL_STARTING || c->state == CHANNEL_RUNNING) {
		if (kill(-c->pid, SIGHUP) < 0)
			kill(c->pid, SIGHUP);
		kill(-c->pid, SIGCONT);
	}
	command_free(c);
}

/* The process has ended: what its pipes hold now is sent, what others still write is not. */
static void ended(struct channel *c, int status)
{
	if (c->state == CHANNEL_STARTING)
		command_check_status(c);
	if (c->state != CHANNEL_RUNNING)
		return;
	c->state = CHANNEL_ENDED;
	c->exit = (struct viv_proto_exit){
		.code = WIFEXITED(status) ? (uint8_t)WEXITSTATUS(status) : 0,
		.signal = WIFSIGNALED(status) ? (uint8_t)WTERMSIG(status) : 0,
		.core = WIFSIGNALED(status) && WCOREDUMP(status),
	};
	for (int i = 0; i < 2; i++) {
		struct out_stream *s = &c->out[i];
		int n = 0;

		if (s->fd < 0)
			continue;
		if (c->pty)
			n = PTY_LEFT;
		else
			ioctl(s->fd, FIONREAD, &n);
		s->left = (size_t)n;
		s->ready = true;
		if (n == 0)
			close_fd(&s->fd);
	}
	if (!c->pty)
		close_fd(&c->in);
}

static void job_done(struct channel *c)
{
	c->state = CHANNEL_ENDED;
	c->pid = -1; /* send_end knows it by that */
}

void command_reap(struct agent *a)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++) {
			struct channel *c = &a->channels[i];

			if (c->state == CHANNEL_FREE || c->pid != pid)
				continue;
			if (c->state == CHANNEL_JOB)
				job_done(c);
			else
				ended(c, status);
		}
	}
}

static void input_closed(struct channel *c)
{
	close_fd(&c->in);
	c->ring_len = 0;
	c->credit_due = 0;
	c->close_due = !c->in_ended && c->state != CHANNEL_ENDED;
}

static void end_input(struct channel *c)
{
	struct termios t;
	uint8_t eof = 4;

	c->in_ready = false;
	if (!c->pty) {
		close_fd(&c->in);
		return;
	}
	/* The terminal stays; its reader is told in its own way. */
	if (tcgetattr(c->in, &t) == 0)
		eof = t.c_cc[VEOF];
	if (write(c->in, &eof, 1) == 1)
		c->in_ended = false;
}

/* Hands stdin on. */
static bool pump_input(struct channel *c)
{
	size_t n = AGENT_STDIN_WINDOW - c->ring_at;
	ssize_t w;

	if (c->in < 0 || !c->in_ready || c->state == CHANNEL_STARTING)
		return false;
	if (c->ring_len == 0) {
		if (c->in_ended)
			end_input(c);
		return false;
	}
	w = write(c->in, c->ring + c->ring_at, n < c->ring_len ? n : c->ring_len);
	if (w < 0) {
		if (errno == EAGAIN)
			c->in_ready = false;
		else if (errno != EINTR)
			input_closed(c);
		return errno == EINTR;
	}
	c->ring_at = (c->ring_at + (size_t)w) % AGENT_STDIN_WINDOW;
	c->ring_len -= (size_t)w;
	c->credit_due += (uint32_t)w;
	return true;
}

static bool pump_output(struct agent *a, struct channel *c, int stream)
{
	struct out_stream *s = &c->out[stream - 1];
	size_t n = VIV_PROTO_MAX_PAYLOAD;
	ssize_t r;

	if (s->fd < 0 || !s->ready || s->credit == 0 || !port_room(a, VIV_PROTO_MAX_PAYLOAD))
		return false;
	if (n > s->credit)
		n = s->credit;
	if (c->state == CHANNEL_ENDED && n > s->left)
		n = s->left;
	r = read(s->fd, port_payload(a), n);
	if (r > 0) {
		s->credit -= (uint32_t)r;
		port_frame(a, VIV_PROTO_DATA, (uint8_t)stream, c->id, (size_t)r);
		if (c->state == CHANNEL_ENDED && (s->left -= (size_t)r) == 0)
			close_fd(&s->fd);
		return true;
	}
	if (r < 0 && errno == EINTR)
		return true;
	s->ready = false;
	/* A terminal gives EIO while nobody has it open. */
	if (r == 0 || errno != EAGAIN || c->state == CHANNEL_ENDED)
		close_fd(&s->fd);
	return true;
}

static void send_end(struct agent *a, struct channel *c)
{
	if (c->failed.stage) {
		send_failed(a, c);
		return;
	}
	if (c->pid < 0) {
		viv_put32(port_payload(a), 0);
		port_frame(a, VIV_PROTO_DONE, 0, c->id, 4);
	} else {
		viv_proto_put_exit(port_payload(a), &c->exit);
		port_frame(a, VIV_PROTO_EXIT, 0, c->id, VIV_PROTO_EXIT_SIZE);
	}
	command_free(c);
}

/* Sends one of the small frames that are due. */
static bool pump_due(struct agent *a, struct channel *c)
{
	if (!port_room(a, OUT_SMALL))
		return false;
	if (c->started_due) {
		struct viv_proto_started m = {(uint32_t)c->pid, AGENT_STDIN_WINDOW};

		viv_proto_put_started(port_payload(a), &m);
		port_frame(a, VIV_PROTO_STARTED, 0, c->id, VIV_PROTO_STARTED_SIZE);
		c->started_due = false;
	} else if (c->state == CHANNEL_ENDED && c->out[0].fd < 0 && c->out[1].fd < 0) {
		send_end(a, c);
	} else if (c->close_due) {
		port_frame(a, VIV_PROTO_CLOSE, VIV_PROTO_STDIN, c->id, 0);
		c->close_due = false;
	} else if (c->credit_due >= AGENT_STDIN_WINDOW / 2) {
		viv_put32(port_payload(a), c->credit_due);
		port_frame(a, VIV_PROTO_CREDIT, VIV_PROTO_STDIN, c->id, 4);
		c->credit_due = 0;
	} else {
		return false;
	}
	return true;
}

bool command_pump(struct agent *a)
{
	unsigned first = a->turn;
	bool moved = false;

	if (a->booted_due && !a->hunting && port_room(a, OUT_SMALL)) {
		port_frame(a, VIV_PROTO_BOOTED, 0, 0, 0);
		a->booted_due = false;
	}
	for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++) {
		unsigned n = (first + i) % VIV_PROTO_MAX_CHANNELS;
		struct channel *c = &a->channels[n];

		if (c->state < CHANNEL_STARTING)
			continue;
		moved |= pump_input(c);
		while (pump_due(a, c))
			moved = true;
		if (c->state != CHANNEL_RUNNING && c->state != CHANNEL_ENDED)
			continue;
		if (pump_output(a, c, VIV_PROTO_STDOUT)) {
			moved = true;
			a->turn = n + 1; /* whoever sent last is last in the next round */
		}
		if (pump_output(a, c, VIV_PROTO_STDERR)) {
			moved = true;
			a->turn = n + 1;
		}
	}
	return moved;
}
