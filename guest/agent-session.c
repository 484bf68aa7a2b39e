/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void session_end(struct agent *a)
{
	for (unsigned i = 0; i < VIV_PROTO_MAX_CHANNELS; i++)
		command_drop(&a->channels[i]);
	a->hunting = true;
}

void session_lost(struct agent *a)
{
	session_end(a);
	port_frame(a, VIV_PROTO_LOST, 0, 0, 0);
}

static void hello(struct agent *a, const struct viv_frame *f)
{
	struct viv_proto_hello m;
	uint16_t version;

	if (!viv_proto_get_hello(f, &m))
		return;
	session_end(a);
	version = m.newest < VIV_PROTO_NEWEST ? m.newest : VIV_PROTO_NEWEST;
	if (version < m.oldest || version < VIV_PROTO_OLDEST)
		version = 0;
	m.oldest = m.newest = version;
	a->out_start = a->out_end = 0; /* nobody waits for that any more */
	viv_proto_put_hello(port_payload(a), &m);
	port_frame(a, VIV_PROTO_WELCOME, 0, 0, VIV_PROTO_HELLO_SIZE);
	a->hunting = version == 0;
	a->booted_due = a->booted;
}

static void done(struct agent *a, const struct viv_frame *f, int code)
{
	viv_put32(port_payload(a), (uint32_t)code);
	port_frame(a, VIV_PROTO_DONE, 0, f->channel, 4);
}

/* Only in a guest. An exit status: 0 or an errno. */
static int mount_share(const struct agent *a, const struct viv_frame *f)
{
	struct viv_proto_mount m;

	if (!viv_proto_get_mount(f, &m))
		return EINVAL;
	return a->guest ? system_mount(&m) : EPERM;
}

static int fork_job(struct agent *a, struct channel *c, const struct viv_frame *f)
{
	c->state = CHANNEL_JOB;
	c->pid = fork();
	if (c->pid == 0) {
		child_close_others(3);
		if (f->type == VIV_PROTO_MOUNT)
			_exit(mount_share(a, f));
		sync();
		_exit(0);
	}
	return c->pid < 0 ? EAGAIN : 0;
}

/* What can take its time is done by a child. */
static void start_job(struct agent *a, const struct viv_frame *f)
{
	struct channel *c = channel_find(a, f->channel) ? NULL : channel_new(a, f->channel);
	int r;

	if (!c) {
		session_lost(a);
		return;
	}
	r = f->type == VIV_PROTO_WATCH ? watch_start(a, c, f) : fork_job(a, c, f);
	if (r) {
		command_free(c);
		done(a, f, r);
	}
}

/* What changes the system: answered at once. */
static int system_request(struct agent *a, const struct viv_frame *f)
{
	if (!a->guest)
		return EPERM;
	switch (f->type) {
	case VIV_PROTO_POWEROFF:
		return system_poweroff(a);
	case VIV_PROTO_CLOCK:
		return system_clock(viv_get64(f->payload));
	case VIV_PROTO_SEED:
		return system_seed(f->payload, f->len);
	case VIV_PROTO_NETWORK:
		return system_network(&a->networks, f->payload, f->len);
	default:
		return system_hostname(f->payload, f->len);
	}
}

static void for_channel(struct channel *c, const struct viv_frame *f)
{
	struct viv_proto_size size;

	switch (f->type) {
	case VIV_PROTO_DATA:
	case VIV_PROTO_EOF:
		command_input(c, f);
		break;
	case VIV_PROTO_CREDIT:
		c->out[f->flags - 1].credit += viv_get32(f->payload);
		break;
	case VIV_PROTO_CLOSE:
		if (c->state == CHANNEL_WATCH)
			watch_cancel(c);
		else
			command_close_output(&c->out[f->flags - 1]);
		break;
	case VIV_PROTO_SIGNAL:
		command_signal(c, f->flags);
		break;
	case VIV_PROTO_RESIZE:
		viv_proto_get_size(f, &size);
		command_resize(c, &size);
		break;
	}
}

void session_frame(struct agent *a, const struct viv_frame *f)
{
	struct channel *c;

	switch (f->type) {
	case VIV_PROTO_PAD:
		break;
	case VIV_PROTO_HELLO:
		hello(a, f);
		break;
	case VIV_PROTO_RUN:
		command_spec(a, f);
		break;
	case VIV_PROTO_SYNC:
	case VIV_PROTO_MOUNT:
	case VIV_PROTO_WATCH:
		start_job(a, f);
		break;
	case VIV_PROTO_POWEROFF:
	case VIV_PROTO_CLOCK:
	case VIV_PROTO_SEED:
	case VIV_PROTO_HOSTNAME:
	case VIV_PROTO_NETWORK:
		done(a, f, system_request(a, f));
		break;
	default:
		c = channel_find(a, f->channel);
		if (c) /* else it has ended meanwhile */
			for_channel(c, f);
	}
}
