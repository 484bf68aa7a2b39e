/* SPDX-License-Identifier: MIT */
#include "run/agent-private.h"

#include <unistd.h>

static int on_output(struct viv_source *s, int fd, uint32_t events, void *arg);

/* Nobody reads this output any more. */
static void output_failed(struct viv_command *c, int i, int code)
{
	struct output *o = &c->out[i];

	if (code != EPIPE && !c->error)
		c->error = viv_asprintf("cannot write the command's output: %s", strerror(code));
	sink_shut(&o->sink);
	local_watch(&o->sink.local, c->agent->loop, 0, on_output, c, NULL);
	if (!c->ended)
		agent_send(c->agent, VIV_PROTO_CLOSE, (uint8_t)(VIV_PROTO_STDOUT + i), c->id, NULL,
			   0);
}

/* Bytes that have been written make room for as many new ones. */
static void credit(struct viv_command *c, int i, size_t n)
{
	struct output *o = &c->out[i];
	uint8_t payload[4];

	o->written += n;
	if (c->ended || o->written < AGENT_WINDOW / 2)
		return;
	viv_put32(payload, (uint32_t)o->written);
	agent_send(c->agent, VIV_PROTO_CREDIT, (uint8_t)(VIV_PROTO_STDOUT + i), c->id, payload, 4);
	o->window += o->written;
	o->written = 0;
}

/* After something was written, or not. */
static void settle(struct viv_command *c, int i, size_t n, int code)
{
	struct output *o = &c->out[i];
	VIV_ERROR err = VIV_ERROR_INIT;
	uint32_t events = sink_is_empty(&o->sink) ? 0 : EPOLLOUT;

	if (n && !o->sink.closed)
		credit(c, i, n);
	if (!code)
		code = -local_watch(&o->sink.local, c->agent->loop, events, on_output, c, &err);
	if (code)
		output_failed(c, i, code);
}

static int on_output(struct viv_source *s VIV_UNUSED, int fd, uint32_t events VIV_UNUSED, void *arg)
{
	struct viv_command *c = arg;
	struct viv_agent *a = c->agent;
	int i = c->out[0].sink.local.fd == fd ? 0 : 1, code;
	size_t n;

	agent_enter(a);
	n = sink_flush(&c->out[i].sink, &code);
	settle(c, i, n, code);
	command_check_done(c);
	if (!a->dead)
		agent_flush(a);
	agent_leave(a);
	return 0;
}

void command_take_output(struct viv_command *c, const struct viv_frame *f)
{
	int i = f->flags - VIV_PROTO_STDOUT, code;
	struct output *o = &c->out[i];
	size_t n;

	if (!c->started || o->sink.local.fd < 0 || f->len > o->window) {
		agent_violation(c->agent, f);
		return;
	}
	o->window -= f->len;
	if (o->sink.closed)
		return;
	n = sink_write(&o->sink, (const char *)f->payload, f->len, &code);
	settle(c, i, n, code);
}

/* Reads straight into the line to the port. */
static void read_input(struct viv_command *c)
{
	struct viv_agent *a = c->agent;
	size_t max = VIV_MIN(c->in_credit, VIV_PROTO_MAX_PAYLOAD);
	uint8_t *p;
	ssize_t n;

	if (max == 0 || a->out.len - a->out_at >= AGENT_OUT_LIMIT)
		return;
	p = (uint8_t *)viv_str_reserve(&a->out, VIV_PROTO_HEADER + max);
	n = read(c->in.fd, p + VIV_PROTO_HEADER, max);
	if (n > 0) {
		viv_proto_header(p, VIV_PROTO_DATA, VIV_PROTO_STDIN, c->id, (size_t)n);
		viv_str_added(&a->out, VIV_PROTO_HEADER + (size_t)n);
		c->in_credit -= (size_t)n;
		command_to_back(c);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		agent_send(a, VIV_PROTO_EOF, 0, c->id, NULL, 0);
		local_close(&c->in);
	}
}

static int on_input(struct viv_source *s VIV_UNUSED, int fd VIV_UNUSED, uint32_t events VIV_UNUSED,
		    void *arg)
{
	struct viv_command *c = arg;
	struct viv_agent *a = c->agent;

	agent_enter(a);
	read_input(c);
	agent_flush(a);
	agent_leave(a);
	return 0;
}

void command_update_input(struct viv_command *c)
{
	struct viv_agent *a = c->agent;
	bool takes = a->state == AGENT_READY && c->started && c->in_credit > 0 &&
		     a->out.len - a->out_at < AGENT_OUT_LIMIT;

	local_watch(&c->in, a->loop, takes ? EPOLLIN : 0, on_input, c, NULL);
}
