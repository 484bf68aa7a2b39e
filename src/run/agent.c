/* SPDX-License-Identifier: MIT */
#include "run/agent-private.h"

#include "base/fd.h"

#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_CAP (4 * VIV_PROTO_MAX_FRAME)

/* More than an earlier connection can have left behind in any buffer on the way. */
#define MAX_THROWN_AWAY (64 * 1024 * 1024)

static void stop(struct viv_agent *a)
{
	viv_source_remove(a->source);
	a->source = NULL;
	a->fd = viv_close(a->fd);
}

static void free_commands(struct viv_agent *a)
{
	while (a->first)
		command_free(a->first);
}

static void destroy(struct viv_agent *a)
{
	viv_str_free(&a->out);
	free(a->in);
	free(a->why);
	free(a);
}

void agent_enter(struct viv_agent *a)
{
	a->depth++;
}

void agent_leave(struct viv_agent *a)
{
	if (--a->depth == 0 && a->dead)
		destroy(a);
}

void viv_agent_free(struct viv_agent *a)
{
	if (!a || a->dead)
		return;
	a->dead = true;
	stop(a);
	free_commands(a);
	agent_free_requests(a);
	agent_free_watches(a);
	if (a->depth == 0)
		destroy(a);
}

bool viv_agent_is_ready(const struct viv_agent *a)
{
	return a->state == AGENT_READY;
}

void agent_check_over(struct viv_agent *a)
{
	if (a->state != AGENT_ENDING || a->first || a->dead)
		return;
	a->state = AGENT_OVER;
	if (a->events.lost)
		a->events.lost(a, a->why, a->events.arg);
}

static struct viv_command *first_running(const struct viv_agent *a)
{
	struct viv_command *c = a->first;

	while (c && c->ended)
		c = c->next;
	return c;
}

const char *viv_agent_runs(const struct viv_agent *a)
{
	const struct viv_command *c = first_running(a);

	return c ? c->program : NULL;
}

void agent_lost(struct viv_agent *a, const char *fmt, ...)
{
	struct viv_command *c;
	va_list ap;

	if (a->state >= AGENT_ENDING)
		return;
	a->state = AGENT_ENDING;
	va_start(ap, fmt);
	if (vasprintf(&a->why, fmt, ap) < 0)
		viv_oom();
	va_end(ap);
	stop(a);
	agent_fail_requests(a);
	agent_fail_watches(a);
	for (c = a->first; c; c = c->next)
		command_limit_drain(c);
	while (!a->dead && (c = first_running(a)))
		command_lost(c, a->why);
	if (!a->dead)
		agent_check_over(a);
}

void agent_violation(struct viv_agent *a, const struct viv_frame *f)
{
	agent_lost(a, "the guest's agent broke the protocol (%s on channel %u)",
		   viv_proto_name(f->type), f->channel);
}

void agent_send(struct viv_agent *a, enum viv_proto_type type, uint8_t flags, uint32_t id,
		const void *payload, size_t len)
{
	uint8_t *p = (uint8_t *)viv_str_reserve(&a->out, VIV_PROTO_HEADER + len);

	viv_proto_header(p, type, flags, id, len);
	if (len)
		memcpy(p + VIV_PROTO_HEADER, payload, len);
	viv_str_added(&a->out, VIV_PROTO_HEADER + len);
}

void agent_flush(struct viv_agent *a)
{
	uint32_t events = EPOLLIN;

	if (a->fd < 0)
		return;
	while (a->out_at < a->out.len) {
		ssize_t n =
			send(a->fd, a->out.data + a->out_at, a->out.len - a->out_at, MSG_NOSIGNAL);

		if (n > 0)
			a->out_at += (size_t)n;
		else if (n < 0 && errno != EINTR)
			break; /* if it isn't EAGAIN the reading side will find out, too */
	}
	if (a->out_at == a->out.len) {
		viv_str_clear(&a->out);
		a->out_at = 0;
	} else {
		events |= EPOLLOUT;
		if (a->out_at > AGENT_OUT_LIMIT) {
			viv_str_drop(&a->out, a->out_at);
			a->out_at = 0;
		}
	}
	viv_source_set_events(a->source, events, NULL);
	for (struct viv_command *c = a->first; c; c = c->next)
		command_update_input(c);
}

/* What is in the socket can still be read, and then its end. */
void viv_agent_hang_up(struct viv_agent *a)
{
	if (a->state != AGENT_READY || a->hung_up)
		return;
	a->hung_up = true;
	shutdown(a->fd, SHUT_RD);
}

static void welcome(struct viv_agent *a, const struct viv_frame *f)
{
	struct viv_proto_hello m;

	if (!viv_proto_get_hello(f, &m) || m.oldest != m.newest || m.newest > VIV_PROTO_NEWEST ||
	    (m.newest && m.newest < VIV_PROTO_OLDEST)) {
		agent_violation(a, f);
		return;
	}
	if (m.newest == 0) {
		agent_lost(a,
			   "the guest's agent speaks none of this viv's versions of the protocol");
		return;
	}
	a->version = m.newest;
	a->state = AGENT_READY;
	if (a->events.ready)
		a->events.ready(a, a->events.arg);
}

static void take_frame(struct viv_agent *a, const struct viv_frame *f)
{
	struct viv_command *c;

	if (agent_watch_frame(a, f))
		return;
	switch (f->type) {
	case VIV_PROTO_PAD:
		return;
	case VIV_PROTO_WELCOME:
		agent_violation(a, f);
		return;
	case VIV_PROTO_BOOTED:
		if (a->events.booted)
			a->events.booted(a, a->events.arg);
		return;
	case VIV_PROTO_LOST:
		agent_lost(a, "the guest's agent has ended, or lost track of the connection");
		return;
	case VIV_PROTO_DONE:
		agent_take_answer(a, f);
		return;
	default:
		c = command_find(a, f->channel);
		if (c)
			command_frame(c, f);
		else
			agent_violation(a, f);
	}
}

/* Looks for our WELCOME. Returns how many bytes of the input it took. */
static size_t take_welcome(struct viv_agent *a)
{
	struct viv_frame f;
	bool found;
	size_t at = viv_proto_hunt(a->in, a->in_len, false, a->nonce, &found);
	ptrdiff_t n = 0;

	a->thrown_away += at;
	if (a->thrown_away > MAX_THROWN_AWAY) {
		agent_lost(a, "something else than vivarium's agent is at the guest's port");
		return at;
	}
	if (found)
		n = viv_proto_parse(a->in + at, a->in_len - at, false, &f);
	if (n < 0)
		return at + 1; /* only looked like it */
	if (n > 0)
		welcome(a, &f);
	return at + (size_t)n;
}

/* Returns how many bytes of the input it took. */
static size_t take_frames(struct viv_agent *a)
{
	size_t at = 0;

	while (at < a->in_len && !a->dead && a->state == AGENT_READY) {
		struct viv_frame f;
		ptrdiff_t n = viv_proto_parse(a->in + at, a->in_len - at, false, &f);

		if (n < 0)
			agent_lost(a, "the guest's agent broke the protocol (no valid frame)");
		if (n <= 0)
			break;
		at += (size_t)n;
		take_frame(a, &f);
	}
	return at;
}

static void take_input(struct viv_agent *a)
{
	size_t taken;

	do {
		taken = a->state == AGENT_GREETING ? take_welcome(a) : take_frames(a);
		if (a->dead || a->state >= AGENT_ENDING)
			return;
		a->in_len -= taken;
		memmove(a->in, a->in + taken, a->in_len);
	} while (taken && a->in_len);
}

static void read_port(struct viv_agent *a)
{
	ssize_t n = recv(a->fd, a->in + a->in_len, IN_CAP - a->in_len, 0);

	if (n > 0) {
		a->in_len += (size_t)n;
		take_input(a);
	} else if (n == 0) {
		agent_lost(a, a->hung_up ? "the guest's agent has ended"
					 : "the connection to the guest was closed");
	} else if (errno != EAGAIN && errno != EINTR) {
		agent_lost(a, "the connection to the guest was lost: %s", strerror(errno));
	}
}

static int on_port(struct viv_source *s VIV_UNUSED, int fd VIV_UNUSED, uint32_t events, void *arg)
{
	struct viv_agent *a = arg;

	agent_enter(a);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_port(a);
	if (!a->dead)
		agent_flush(a);
	agent_leave(a);
	return 0;
}

static void hello(struct viv_agent *a)
{
	struct viv_proto_hello m = {.oldest = VIV_PROTO_OLDEST, .newest = VIV_PROTO_NEWEST};
	uint8_t payload[VIV_PROTO_HELLO_SIZE];

	memcpy(m.nonce, a->nonce, sizeof(m.nonce));
	viv_proto_put_hello(payload, &m);
	agent_send(a, VIV_PROTO_HELLO, 0, 0, payload, sizeof(payload));
}

static void greet(struct viv_agent *a)
{
	memset(viv_str_reserve(&a->out, VIV_PROTO_PADDING), 0, VIV_PROTO_PADDING);
	viv_str_added(&a->out, VIV_PROTO_PADDING);
	hello(a);
}

/* With a nonce of its own: of the answers to several only the last one counts. */
void viv_agent_greet(struct viv_agent *a)
{
	if (a->state != AGENT_GREETING || a->out.len - a->out_at > AGENT_OUT_LIMIT ||
	    getrandom(a->nonce, sizeof(a->nonce), GRND_NONBLOCK) != sizeof(a->nonce))
		return;
	hello(a);
	agent_flush(a);
}

static void ignore_sigpipe(void)
{
	struct sigaction now;

	/* Writing to a command's reader that went away must be an error, not our end. */
	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int viv_agent_new(struct viv_loop *loop, int fd, const struct viv_agent_events *events,
		  struct viv_agent **ret, struct viv_error *err)
{
	struct viv_agent *a = viv_new(struct viv_agent);
	int r;

	a->loop = loop;
	a->fd = fd;
	a->events = *events;
	a->in = viv_malloc(IN_CAP);
	r = viv_set_nonblocking(fd, true, err);
	if (r == 0 && getrandom(a->nonce, sizeof(a->nonce), 0) != sizeof(a->nonce))
		r = viv_error_set(err, errno, "cannot get random bytes");
	if (r == 0)
		r = viv_loop_add_io(loop, fd, EPOLLIN | EPOLLOUT, on_port, a, &a->source, err);
	if (r < 0) {
		viv_agent_free(a);
		return r;
	}
	ignore_sigpipe();
	greet(a);
	*ret = a;
	return 0;
}

int agent_new_id(struct viv_agent *a, uint32_t *ret, struct viv_error *err)
{
	if (a->state != AGENT_READY)
		return viv_error_say(err, EAGAIN, "the guest's agent is not ready");
	if (a->n_open == VIV_PROTO_MAX_CHANNELS)
		return viv_error_say(err, EAGAIN, "%d commands run in the guest already",
				     VIV_PROTO_MAX_CHANNELS);
	a->n_open++;
	*ret = ++a->last_id;
	return 0;
}
