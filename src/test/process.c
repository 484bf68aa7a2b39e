/* SPDX-License-Identifier: MIT */
#include "test/process.h"

#include "base/fd.h"
#include "base/status.h"

#include <unistd.h>

#define TYPED_MAX (1u << 20)
#define CHUNK	  16384

static void wake(struct process *p)
{
	p->g->events.changed(p->g, p->g->events.arg);
}

/* A terminal writes "\r\n" where a program wrote "\n". */
static void take(struct process *p, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p->after_return && data[i] != '\n')
			viv_str_add_char(&p->out, '\r');
		p->after_return = data[i] == '\r';
		if (!p->after_return)
			viv_str_add_char(&p->out, data[i]);
	}
	if (p->out.len > PROCESS_OUTPUT_MAX) {
		size_t drop = p->out.len / 2;

		viv_str_drop(&p->out, drop);
		p->from -= VIV_MIN(drop, p->from);
	}
}

/* False: nothing is there now. */
static bool read_some(struct process *p)
{
	char chunk[CHUNK];
	ssize_t n = p->output < 0 ? 0 : read(p->output, chunk, sizeof(chunk));

	if (n > 0)
		take(p, chunk, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static int on_said(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct process *p = arg;

	if (!read_some(p) && events & EPOLLHUP) {
		viv_source_remove(s);
		p->said = NULL;
	}
	wake(p);
	return 0;
}

static void close_keys(struct process *p)
{
	viv_source_remove(p->room);
	p->room = NULL;
	p->keys = viv_close(p->keys);
}

static void write_some(struct process *p)
{
	while (p->typed.len && p->keys >= 0) {
		ssize_t n = write(p->keys, p->typed.data, p->typed.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			close_keys(p);
		if (n < 0)
			break;
		viv_str_drop(&p->typed, (size_t)n);
	}
	if (p->room)
		viv_source_set_events(p->room, p->typed.len ? EPOLLOUT : 0, NULL);
}

static int on_room(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct process *p = arg;

	if (events & (EPOLLERR | EPOLLHUP))
		close_keys(p);
	else
		write_some(p);
	return 0;
}

/* Over: its streams go, what it has said stays. */
static void close_all(struct process *p)
{
	p->command = NULL;
	close_keys(p);
	while (read_some(p))
		;
	viv_source_remove(p->said);
	p->said = NULL;
	p->output = viv_close(p->output);
	p->their_keys = viv_close(p->their_keys);
	p->their_output = viv_close(p->their_output);
}

static void on_done(struct viv_command *c, int status, const char *error, void *arg)
{
	struct process *p = arg;

	p->status = status;
	p->error = viv_strdup(error);
	close_all(p);
	wake(p);
}

static int open_ends(struct process *p, struct viv_error *err)
{
	int in[2], out[2], r = viv_pipe(in, err);

	if (r < 0)
		return r;
	p->their_keys = in[0];
	p->keys = in[1];
	r = viv_pipe(out, err);
	if (r < 0)
		return r;
	p->output = out[0];
	p->their_output = out[1];
	r = viv_set_nonblocking(p->keys, true, err);
	if (r == 0)
		r = viv_set_nonblocking(p->output, true, err);
	if (r == 0)
		r = viv_loop_add_io(p->g->loop, p->output, EPOLLIN, on_said, p, &p->said, err);
	if (r == 0)
		r = viv_loop_add_io(p->g->loop, p->keys, 0, on_room, p, &p->room, err);
	return r;
}

static void free_process(struct process *p)
{
	close_all(p);
	viv_str_free(&p->typed);
	viv_str_free(&p->out);
	free(p->error);
	free(p->text);
	free(p);
}

int process_start(struct guest *g, const char *text, struct viv_command_spec *spec, struct process **ret,
		  struct viv_error *err)
{
	struct process *p = viv_new(struct process);
	int r;

	*p = (struct process){.g = g, .keys = -1, .output = -1, .their_keys = -1, .their_output = -1};
	p->text = viv_strdup(text);
	r = open_ends(p, err);
	spec->pty = true;
	spec->in_fd = p->their_keys;
	spec->out_fd = p->their_output;
	spec->err_fd = -1;
	if (r == 0)
		r = viv_agent_run(viv_vm_agent(g->vm), spec, on_done, p, &p->command, err);
	if (r < 0) {
		free_process(p);
		return r;
	}
	p->next = g->processes;
	g->processes = p;
	*ret = p;
	return 0;
}

int process_type(struct process *p, const char *text, size_t len, struct viv_error *err)
{
	if (!p->command || p->keys < 0)
		return viv_error_say(err, EPIPE, "it has ended");
	if (p->typed.len + len > TYPED_MAX)
		return viv_error_say(err, ENOBUFS, "it does not read what is typed: %zu bytes wait", p->typed.len);
	viv_str_add_bytes(&p->typed, text, len);
	write_some(p);
	return 0;
}

void process_lose_all(struct guest *g)
{
	for (struct process *p = g->processes; p; p = p->next) {
		if (!p->command)
			continue;
		p->status = VIV_EXIT_GONE;
		p->error = viv_strdup("the machine is gone");
		close_all(p);
	}
}

void process_free_all(struct guest *g)
{
	while (g->processes) {
		struct process *p = g->processes;

		g->processes = p->next;
		free_process(p);
	}
}
