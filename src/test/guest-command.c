/* SPDX-License-Identifier: MIT */
#include "test/runner.h"

#include "base/fd.h"
#include "base/status.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define DOWN_MS	  60000 /* from the agent's end to the machine's */
#define DRAIN_MS  5000  /* for what a machine that is gone has left unread */
#define KILLED_MS 5000 /* from the signal to the end that is waited for */

/* One stream's way from the command to us. */
struct stream {
	struct running *running;
	int read_fd, write_fd;
	struct viv_source *source;
	struct viv_str *to;
	size_t line; /* where the line begins that was not handed on */
};

struct running {
	const struct runner_command *spec;
	struct viv_loop *loop;
	int in_fd; /* open as long as the command is */
	struct stream out, err;
	struct viv_command *command;
	struct runner_output *ret;
	bool done, too_much, enough;
};

void runner_output_free(struct runner_output *o)
{
	viv_str_free(&o->out);
	viv_str_free(&o->err);
	free(o->error);
	*o = (struct runner_output){0};
}

static void hand_lines_on(struct stream *s)
{
	const struct runner_command *spec = s->running->spec;
	char *end;

	if (!spec->line || s != &s->running->out)
		return;
	while (!s->running->enough && s->to->len > s->line && (end = memchr(s->to->data + s->line, '\n', s->to->len - s->line))) {
		struct viv_slice line = {s->to->data + s->line, (size_t)(end - s->to->data) - s->line};

		s->line = (size_t)(end - s->to->data) + 1;
		if (!spec->line(line, spec->arg)) {
			s->running->enough = true;
			viv_loop_quit(s->running->loop, 0);
		}
	}
}

/* Only the last line, which has no end yet, is kept. */
static void forget_lines(struct stream *s)
{
	if (!s->running->spec->forget_lines || !s->line)
		return;
	s->to->len -= s->line;
	memmove(s->to->data, s->to->data + s->line, s->to->len);
	s->to->data[s->to->len] = '\0';
	s->line = 0;
}

/* False: nothing is there now. */
static bool read_some(struct stream *s)
{
	size_t max = s->running->spec->max_output;
	ssize_t n = read(s->read_fd, viv_str_reserve(s->to, 65536), 65536);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	viv_str_added(s->to, (size_t)n);
	hand_lines_on(s);
	forget_lines(s);
	if (s->to->len > max) {
		s->to->len = max;
		s->to->data[max] = '\0';
		s->running->too_much = true;
		viv_loop_quit(s->running->loop, 0);
		return false;
	}
	return true;
}

static int on_readable(struct viv_source *source, int fd, uint32_t events, void *arg)
{
	read_some(arg);
	return 0;
}

static int open_stream(struct running *p, struct stream *s, struct viv_str *to, struct viv_error *err)
{
	int fds[2], r = viv_pipe(fds, err);

	if (r < 0)
		return r;
	*s = (struct stream){.running = p, .read_fd = fds[0], .write_fd = fds[1], .to = to};
	r = viv_set_nonblocking(s->read_fd, true, err);
	return r < 0 ? r : viv_loop_add_io(p->loop, s->read_fd, EPOLLIN, on_readable, s, &s->source, err);
}

static void close_stream(struct stream *s)
{
	viv_source_remove(s->source);
	s->write_fd = viv_close(s->write_fd);
	/* The command is gone: what it has said is in the pipe. */
	while (s->read_fd >= 0 && s->running->done && !s->running->too_much && read_some(s))
		;
	s->read_fd = viv_close(s->read_fd);
}

static void on_done(struct viv_command *c, int status, const char *error, void *arg)
{
	struct running *p = arg;

	p->done = true;
	p->command = NULL;
	if (p->ret) {
		p->ret->status = status;
		p->ret->error = viv_strdup(error);
	}
	viv_loop_quit(p->loop, 0);
}

static bool is_over(void *arg)
{
	const struct running *p = arg;

	return p->done || p->too_much || p->enough;
}

static bool is_done(void *arg)
{
	return ((const struct running *)arg)->done;
}

/* Its stdin: a file without a name; nothing waits for a guest that does not read. */
static int open_input(const struct runner_command *c, int *ret, struct viv_error *err)
{
	VIV_FD fd = -1;
	int r;

	if (c->input_fd > 0) {
		*ret = fcntl(c->input_fd, F_DUPFD_CLOEXEC, 0);
		return *ret < 0 ? viv_error_set(err, errno, "a command's input") : 0;
	}
	if (!c->input.data)
		return 0;
	fd = memfd_create("viv-input", MFD_CLOEXEC);
	if (fd < 0)
		return viv_error_set(err, errno, "a command's input");
	r = viv_write_all(fd, c->input.data, c->input.len, "a command's input", err);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return r < 0 ? r : viv_error_set(err, errno, "a command's input");
	*ret = viv_steal_fd(&fd);
	return 0;
}

/* It has no more time: the guest is told, and given a moment to say that it is done. */
static void put_an_end(struct runner *r, struct guest *g, struct running *p)
{
	if (p->command)
		viv_command_signal(p->command, SIGKILL);
	if (!p->done && guest_is_on(g))
		runner_wait_out(r, g, is_done, p, KILLED_MS);
}

/* Its machine has gone, or has been started again meanwhile. */
struct departing {
	const struct guest *g;
	unsigned starts;
};

static bool has_gone(void *arg)
{
	const struct departing *d = arg;

	return !guest_is_on(d->g) || d->g->starts != d->starts;
}

static int wait_for_end(struct runner *r, struct guest *g, struct running *p, int64_t deadline)
{
	struct departing d = {g, g->starts};
	int code = runner_wait(r, g, is_over, p, deadline);

	/* It went with its machine, which may still be on its way down. */
	if (code == 0 && p->done && p->ret->error && p->ret->status == VIV_EXIT_GONE &&
	    runner_wait(r, NULL, has_gone, &d, viv_now_ms() + DOWN_MS) == 0 && !g->reboots)
		code = -ENOTCONN;
	if (code < 0 || p->too_much || p->enough)
		put_an_end(r, g, p);
	if (p->enough)
		return 0;
	return p->too_much ? -EFBIG : code;
}

/* One that does not even end keeps what the agent's client has of it until the machine goes; it writes to nobody. */
static void leave(struct running *p)
{
	viv_source_remove(p->out.source);
	viv_source_remove(p->err.source);
	viv_close(p->out.read_fd);
	viv_close(p->err.read_fd);
	p->ret = NULL;
}

static int start(struct runner *r, struct guest *g, struct running *p, struct viv_error *err)
{
	const struct runner_command *c = p->spec;
	struct viv_command_spec spec = {.argv = c->argv, .env = c->env, .cwd = c->cwd, .user = c->user, .drain_ms = DRAIN_MS};
	int code = 0;

	/* After a reboot, say. */
	if (!g->ready)
		code = runner_need(r, g, false, c->deadline, err);
	if (code == 0)
		code = open_input(c, &p->in_fd, err);
	if (code == 0)
		code = open_stream(p, &p->out, &p->ret->out, err);
	if (code == 0)
		code = open_stream(p, &p->err, &p->ret->err, err);
	if (code < 0)
		return code;
	spec.in_fd = p->in_fd;
	spec.out_fd = p->out.write_fd;
	spec.err_fd = p->err.write_fd;
	return viv_agent_run(viv_vm_agent(g->vm), &spec, on_done, p, &p->command, err);
}

int runner_command_run(struct runner *r, struct guest *g, const struct runner_command *c,
		       struct runner_output *ret, struct viv_error *err)
{
	struct running *p = viv_new(struct running);
	int code;

	*p = (struct running){.spec = c, .loop = r->loop, .ret = ret, .in_fd = -1,
			      .out = {.running = p, .read_fd = -1, .write_fd = -1},
			      .err = {.running = p, .read_fd = -1, .write_fd = -1}};
	code = start(r, g, p, err);
	if (code == 0)
		code = wait_for_end(r, g, p, c->deadline);
	if (p->command && !p->done) {
		leave(p);
		return code;
	}
	close_stream(&p->out);
	close_stream(&p->err);
	viv_close(p->in_fd);
	free(p);
	return code;
}
