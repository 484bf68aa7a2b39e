/* SPDX-License-Identifier: MIT */
#include "run/agent-private.h"

#include "base/status.h"

#include <unistd.h>

static void append(struct viv_agent *a, struct viv_command *c)
{
	c->prev = a->last;
	c->next = NULL;
	if (a->last)
		a->last->next = c;
	else
		a->first = c;
	a->last = c;
}

static void unlink_command(struct viv_command *c)
{
	struct viv_agent *a = c->agent;

	if (c->prev)
		c->prev->next = c->next;
	else
		a->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		a->last = c->prev;
}

void command_to_back(struct viv_command *c)
{
	unlink_command(c);
	append(c->agent, c);
}

struct viv_command *command_find(struct viv_agent *a, uint32_t id)
{
	for (struct viv_command *c = a->first; c; c = c->next)
		if (c->id == id)
			return c->ended ? NULL : c;
	return NULL;
}

/* Gives the caller's descriptors back; frees nothing else. */
static void release(struct viv_command *c)
{
	viv_source_remove(c->drain);
	c->drain = NULL;
	local_close(&c->in);
	for (int i = 0; i < 2; i++)
		sink_close(&c->out[i].sink);
}

static void free_detached(struct viv_command *c)
{
	release(c);
	free(c->program);
	free(c->cwd);
	free(c->user);
	free(c->error);
	free(c);
}

void command_free(struct viv_command *c)
{
	unlink_command(c);
	free_detached(c);
}

static bool all_written(const struct viv_command *c)
{
	return sink_is_empty(&c->out[0].sink) && sink_is_empty(&c->out[1].sink);
}

/* Done, if nothing more comes and all is written. */
void command_check_done(struct viv_command *c)
{
	struct viv_agent *a = c->agent;

	if (!c->ended || !all_written(c))
		return;
	unlink_command(c);
	release(c);
	if (c->done)
		c->done(c, c->status, c->error, c->arg);
	free_detached(c);
	if (!a->dead)
		agent_check_over(a);
}

static void end(struct viv_command *c, int status)
{
	c->ended = true;
	c->agent->n_open--;
	/* A failure of ours comes first: what the command then said follows from it. */
	c->status = c->error ? VIV_EXIT_ENVIRONMENT : status;
	local_close(&c->in);
	command_check_done(c);
}

void command_lost(struct viv_command *c, const char *why)
{
	c->ended = true;
	c->status = c->error ? VIV_EXIT_ENVIRONMENT : VIV_EXIT_GONE;
	if (!c->error)
		c->error = viv_strdup(why);
	local_close(&c->in);
	command_check_done(c);
}

static int on_drain_limit(struct viv_source *s, void *arg)
{
	struct viv_command *c = arg;
	struct viv_agent *a = c->agent;

	c->drain = NULL;
	for (int i = 0; i < 2; i++)
		sink_shut(&c->out[i].sink);
	if (!c->error) { /* it had ended */
		c->error = viv_strdup("the machine has ended, and nobody took the command's output");
		c->status = VIV_EXIT_ENVIRONMENT;
	}
	agent_enter(a);
	command_check_done(c);
	agent_leave(a);
	return 0;
}

void command_limit_drain(struct viv_command *c)
{
	if (c->drain_ms)
		viv_loop_add_timer(c->agent->loop, c->drain_ms, on_drain_limit, c, &c->drain, NULL);
}

static void take_exit(struct viv_command *c, const struct viv_frame *f)
{
	struct viv_proto_exit m;

	viv_proto_get_exit(f, &m);
	end(c, m.signal ? VIV_EXIT_SIGNAL + (m.signal & 127) : m.code);
}

static void take_failed(struct viv_command *c, const struct viv_frame *f)
{
	struct viv_proto_failed m;
	const char *why, *hint;
	int status = VIV_EXIT_ENVIRONMENT;

	viv_proto_get_failed(f, &m);
	why = strerror(m.code > 4095 ? EPROTO : (int)m.code);
	free(viv_steal(c->error));
	switch (m.stage) {
	case VIV_PROTO_STAGE_FIND:
		c->error = viv_asprintf("%s: command not found in the guest", c->program);
		status = VIV_EXIT_FIND;
		break;
	case VIV_PROTO_STAGE_EXEC:
		hint = m.code == ENOENT ? " (its interpreter)" : "";
		hint = m.code == ENOEXEC ? " (no #! line?)" : hint;
		c->error = viv_asprintf("%s: cannot be executed in the guest: %s%s", c->program,
					why, hint);
		status = VIV_EXIT_EXEC;
		break;
	case VIV_PROTO_STAGE_USER:
		c->error = m.code == ENOENT ? viv_asprintf("no user %s in the guest", c->user)
					    : viv_asprintf("cannot become user %s in the guest: %s",
							   c->user ? c->user : "root", why);
		break;
	case VIV_PROTO_STAGE_CWD:
		c->error = viv_asprintf("cannot enter %s in the guest: %s", c->cwd ? c->cwd : "/",
					why);
		break;
	default:
		c->error = viv_asprintf("%s: the guest cannot start it: %s", c->program, why);
	}
	c->ended = true;
	c->agent->n_open--;
	c->status = status;
	local_close(&c->in);
	command_check_done(c);
}

static void take_credit(struct viv_command *c, const struct viv_frame *f)
{
	uint32_t n = viv_get32(f->payload);

	if (!c->started || c->in_credit + n > VIV_PROTO_MAX_WINDOW)
		agent_violation(c->agent, f);
	else
		c->in_credit += n;
}

static void take_started(struct viv_command *c, const struct viv_frame *f)
{
	struct viv_proto_started m;

	viv_proto_get_started(f, &m);
	if (c->started || m.window > VIV_PROTO_MAX_WINDOW) {
		agent_violation(c->agent, f);
		return;
	}
	c->started = true;
	c->in_credit = m.window;
}

void command_frame(struct viv_command *c, const struct viv_frame *f)
{
	switch (f->type) {
	case VIV_PROTO_STARTED:
		take_started(c, f);
		break;
	case VIV_PROTO_DATA:
		command_take_output(c, f);
		break;
	case VIV_PROTO_CREDIT:
		take_credit(c, f);
		break;
	case VIV_PROTO_CLOSE:
		local_close(&c->in);
		break;
	case VIV_PROTO_EXIT:
		if (c->started)
			take_exit(c, f);
		else
			agent_violation(c->agent, f);
		break;
	case VIV_PROTO_FAILED:
		if (c->started)
			agent_violation(c->agent, f);
		else
			take_failed(c, f);
		break;
	default:
		agent_violation(c->agent, f);
	}
}

static size_t add_strings(struct viv_str *out, const char *const *list)
{
	size_t n = 0;

	for (; list && list[n]; n++)
		viv_str_add_bytes(out, list[n], strlen(list[n]) + 1);
	return n;
}

/* The payload of RUN. */
static int encode(const struct viv_command_spec *spec, struct viv_str *out, struct viv_error *err)
{
	struct viv_proto_run run = {
		.window = AGENT_WINDOW, .rows = spec->rows, .columns = spec->columns};
	size_t argc, envc;

	for (size_t i = 0; spec->env && spec->env[i]; i++)
		if (!strchr(spec->env[i], '=') || spec->env[i][0] == '=')
			return viv_error_say(err, EINVAL, "%s: expected NAME=value", spec->env[i]);
	run.flags = (uint16_t)((spec->pty ? VIV_PROTO_RUN_PTY : 0) |
			       (spec->in_fd >= 0 ? VIV_PROTO_RUN_STDIN : 0) |
			       (spec->out_fd >= 0 ? VIV_PROTO_RUN_STDOUT : 0) |
			       (spec->err_fd >= 0 ? VIV_PROTO_RUN_STDERR : 0));
	viv_str_reserve(out, VIV_PROTO_RUN_SIZE); /* filled in at the end */
	viv_str_added(out, VIV_PROTO_RUN_SIZE);
	viv_str_add_bytes(out, spec->user ? spec->user : "",
			  spec->user ? strlen(spec->user) + 1 : 1);
	viv_str_add_bytes(out, spec->cwd ? spec->cwd : "", spec->cwd ? strlen(spec->cwd) + 1 : 1);
	argc = add_strings(out, spec->argv);
	envc = add_strings(out, spec->env);
	if (argc == 0)
		return viv_error_say(err, EINVAL, "no command");
	if (out->len > VIV_PROTO_MAX_SPEC || argc > UINT16_MAX || envc > UINT16_MAX)
		return viv_error_say(err, E2BIG, "%s: arguments and environment are over %d KiB",
				     spec->argv[0], VIV_PROTO_MAX_SPEC / 1024);
	run.argc = (uint16_t)argc;
	run.envc = (uint16_t)envc;
	viv_proto_put_run((uint8_t *)out->data, &run);
	return 0;
}

static void send_run(struct viv_agent *a, uint32_t id, const struct viv_str *s)
{
	for (size_t at = 0; at < s->len;) {
		size_t n = VIV_MIN(s->len - at, VIV_PROTO_MAX_PAYLOAD);

		agent_send(a, VIV_PROTO_RUN, at + n < s->len ? VIV_PROTO_MORE : 0, id, s->data + at,
			   n);
		at += n;
	}
}

static void open_output(struct output *o, int fd)
{
	sink_open(&o->sink, fd);
	o->window = AGENT_WINDOW;
}

int viv_agent_run(struct viv_agent *a, const struct viv_command_spec *spec,
		  viv_command_done_fn done, void *arg, struct viv_command **ret,
		  struct viv_error *err)
{
	VIV_STR payload = VIV_STR_INIT;
	struct viv_command *c;
	uint32_t id;
	int r = encode(spec, &payload, err);

	if (r == 0)
		r = agent_new_id(a, &id, err);
	if (r < 0)
		return r;
	c = viv_new(struct viv_command);
	c->agent = a;
	c->id = id;
	c->program = viv_strdup(spec->argv[0]);
	c->cwd = viv_strdup(spec->cwd);
	c->user = viv_strdup(spec->user);
	c->drain_ms = spec->drain_ms;
	c->done = done;
	c->arg = arg;
	local_open(&c->in, spec->in_fd, false);
	open_output(&c->out[0], spec->out_fd);
	open_output(&c->out[1], spec->pty ? -1 : spec->err_fd);
	append(a, c);
	send_run(a, id, &payload);
	agent_flush(a);
	if (ret)
		*ret = c;
	return 0;
}

int viv_command_signal(struct viv_command *c, int signo)
{
	if (signo < 1 || signo > 64)
		return -EINVAL;
	if (c->ended)
		return 0;
	agent_send(c->agent, VIV_PROTO_SIGNAL, (uint8_t)signo, c->id, NULL, 0);
	agent_flush(c->agent);
	return 0;
}

int viv_command_resize(struct viv_command *c, unsigned short rows, unsigned short columns)
{
	struct viv_proto_size m = {rows, columns};
	uint8_t payload[VIV_PROTO_SIZE_SIZE];

	if (c->ended)
		return 0;
	viv_proto_put_size(payload, &m);
	agent_send(c->agent, VIV_PROTO_RESIZE, 0, c->id, payload, sizeof(payload));
	agent_flush(c->agent);
	return 0;
}
