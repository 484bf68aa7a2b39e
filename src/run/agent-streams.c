/* SPDX-License-Identifier: MIT */
#include "run/agent-private.h"

#include <unistd.h>

static int on_output(struct viv_source *s, int fd, uint32_t events, void *arg);

/* Nobody reads this output any more. */
static void close_output(struct viv_command *c, int i)
{
	struct output *o = &c->out[i];

	o->closed = true;
	viv_str_free(&o->pending);
	o->pending_at = 0;
	local_watch(&o->local, c->agent->loop, 0, on_output, c, NULL);
	if (!c->ended)
		agent_send(c->agent, VIV_PROTO_CLOSE, (uint8_t)(VIV_PROTO_STDOUT + i), c->id, NULL,
			   0);
}

static void output_failed(struct viv_command *c, int i, int code)
{
	if (code != EPIPE && !c->error)
		c->error = viv_asprintf("cannot write the command's output: %s", strerror(code));
	close_output(c, i);
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

/* Returns how many bytes the descriptor took. On an error the output is closed. */
static size_t write_some(struct viv_command *c, int i, const char *data, size_t len)
{
	struct output *o = &c->out[i];
	size_t at = 0;

	while (at < len && !o->closed) {
		ssize_t n = write(o->local.fd, data + at, len - at);

		if (n >= 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			output_failed(c, i, errno);
	}
	if (at && !o->closed)
		credit(c, i, at);
	return at;
}

static void write_pending(struct viv_command *c, int i)
{
	struct output *o = &c->out[i];

	o->pending_at +=
		write_some(c, i, o->pending.data + o->pending_at, o->pending.len - o->pending_at);
	if (o->closed)
		return;
	if (o->pending_at == o->pending.len) {
		viv_str_clear(&o->pending);
		o->pending_at = 0;
		local_watch(&o->local, c->agent->loop, 0, on_output, c, NULL);
	}
}

static int on_output(struct viv_source *s VIV_UNUSED, int fd, uint32_t events VIV_UNUSED, void *arg)
{
	struct viv_command *c = arg;
	struct viv_agent *a = c->agent;

	agent_enter(a);
	write_pending(c, c->out[0].local.fd == fd ? 0 : 1);
	command_check_done(c);
	if (!a->dead)
		agent_flush(a);
	agent_leave(a);
	return 0;
}

void command_take_output(struct viv_command *c, const struct viv_frame *f)
{
	int i = f->flags - VIV_PROTO_STDOUT, r;
	struct output *o = &c->out[i];
	const char *data = (const char *)f->payload;
	size_t n = 0;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!c->started || o->local.fd < 0 || f->len > o->window) {
		agent_violation(c->agent, f);
		return;
	}
	o->window -= f->len;
	if (o->pending.len == 0)
		n = write_some(c, i, data, f->len);
	if (o->closed || n == f->len)
		return;
	if (o->pending_at > AGENT_WINDOW) {
		viv_str_drop(&o->pending, o->pending_at);
		o->pending_at = 0;
	}
	viv_str_add_bytes(&o->pending, data + n, f->len - n);
	r = local_watch(&o->local, c->agent->loop, EPOLLOUT, on_output, c, &err);
	if (r < 0)
		output_failed(c, i, -r);
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
