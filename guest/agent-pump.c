/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <termios.h>
#include <unistd.h>

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
		command_send_failed(a, c);
		return;
	}
	if (c->pid < 0) {
		viv_put32(port_payload(a), c->exit.code);
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
