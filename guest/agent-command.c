/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* A terminal's output that was there at the end can't be counted; it is bounded instead. */
#define PTY_LEFT (256 * 1024)

void close_fd(int *fd)
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
	if (c->state == CHANNEL_WATCH)
		watch_cancel(c);
	command_free(c);
}

/* The process has ended: what its pipes hold now is sent, what others still write is not. */
static void take_rest(struct channel *c)
{
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
}

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
	take_rest(c);
	if (!c->pty)
		close_fd(&c->in);
}

static void job_done(struct channel *c, int status)
{
	bool cancelled = c->state == CHANNEL_WATCH && c->out[0].fd < 0;

	c->state = CHANNEL_ENDED;
	c->exit.code = WIFEXITED(status) ? (uint8_t)WEXITSTATUS(status) : cancelled ? ECANCELED : EIO;
	c->pid = -1; /* send_end knows it by that */
	take_rest(c);
}

void command_reap(struct agent *a)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == a->starter.pid)
			starter_ended(&a->starter);
		for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++) {
			struct channel *c = &a->channels[i];

			if (c->state == CHANNEL_FREE || c->pid != pid)
				continue;
			if (c->state == CHANNEL_JOB || c->state == CHANNEL_WATCH)
				job_done(c, status);
			else
				ended(c, status);
		}
	}
}
