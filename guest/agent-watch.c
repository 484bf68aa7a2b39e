/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The agent's side of watches: a child each (watch.h), its answer comes through a pipe. */

static unsigned count(const struct agent *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++)
		n += a->channels[i].state == CHANNEL_WATCH;
	return n;
}

/* Linux's default of 64 KiB is less for a user who has many pipes; an answer has to fit. */
static int make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	if (fcntl(fds[1], F_GETPIPE_SZ) < VIV_PROTO_MAX_ANSWER)
		fcntl(fds[1], F_SETPIPE_SZ, VIV_PROTO_MAX_ANSWER);
	return 0;
}

/* With its text; the DONE, a frame of four bytes, needs room, too. */
static int refuse(struct agent *a, const struct viv_frame *f)
{
	char text[OUT_SMALL];
	size_t n = (size_t)snprintf(text, sizeof(text), "the guest waits for %d things already",
				    VIV_PROTO_MAX_WATCHES);

	if (port_room(a, n + VIV_PROTO_HEADER + 4)) {
		memcpy(port_payload(a), text, n);
		port_frame(a, VIV_PROTO_DATA, VIV_PROTO_STDOUT, f->channel, n);
	}
	return EAGAIN;
}

int watch_start(struct agent *a, struct channel *c, const struct viv_frame *f)
{
	const pid_t self = getpid();
	int fds[2], r;

	if (count(a) >= VIV_PROTO_MAX_WATCHES)
		return refuse(a, f);
	r = make_pipe(fds);
	if (r)
		return r;
	c->pid = fork();
	if (c->pid == 0)
		watch_main(a->init, self, f->payload, f->len, fds[1]);
	r = c->pid < 0 ? errno : 0;
	close(fds[1]);
	c->state = CHANNEL_WATCH;
	c->out[0] = (struct out_stream){.fd = fds[0], .credit = VIV_PROTO_MAX_ANSWER};
	return r;
}

void watch_cancel(struct channel *c)
{
	kill(c->pid, SIGKILL);
	close_fd(&c->out[0].fd); /* so that it is known why it ended */
}
