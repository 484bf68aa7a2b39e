/* SPDX-License-Identifier: MIT */
#include "run/copy.h"

#include "base/fd.h"
#include "base/status.h"
#include "run/client.h"
#include "transfer/transfer.h"

#include <unistd.h>

#define COMPLAINTS_MAX 60
#define SAID_MAX       (256u << 10)
#define PIPE_SIZE      (1 << 20)
#define SHOWN_FROM     (32u << 20) /* bytes after which people want to see something */
#define AGENT	       "/proc/self/exe" /* what starts the command: the agent */

/* One copy on its way. */
struct copying {
	const struct viv_copy *copy;
	struct viv_strv *complaints;
	size_t left_out; /* complaints beyond what is kept */
	int said;	 /* the guest's complaints */
	const char *what; /* "in", "out" */
	bool shown;	 /* that it is under way */
};

static void add_complaint(struct copying *c, struct viv_slice text)
{
	if (c->complaints->count < COMPLAINTS_MAX)
		viv_strv_take(c->complaints, viv_slice_printable(text));
	else
		c->left_out++;
}

static void on_complaint(const char *text, void *arg)
{
	add_complaint(arg, viv_slice(text));
}

static void on_advance(uint64_t bytes, const char *name, void *arg)
{
	struct copying *c = arg;
	VIV_FREE char *shown = NULL;

	if (bytes < SHOWN_FROM)
		return;
	if (!c->shown)
		viv_task_begin(c->copy->report, 0, "copying %s", c->what);
	c->shown = true;
	shown = viv_slice_printable(viv_slice(name));
	viv_task_advance(c->copy->report, bytes, shown);
}

/* The agent as a command: its stream is `theirs` in the direction that there is. */
static int start(struct copying *c, struct viv_messages *m, const char *const *argv, int in_fd,
		 int out_fd, struct viv_error *err)
{
	struct viv_client_command command = {
		.argv = argv, .user = c->copy->user, .in_fd = in_fd, .out_fd = out_fd};
	int fds[2], r = viv_pipe(fds, err);

	if (r < 0)
		return r;
	c->said = fds[0];
	command.err_fd = fds[1];
	r = viv_client_start(m, &command, err);
	viv_close(fds[1]);
	return r;
}

/* A larger pipe costs less switching; where it may not be larger it works, too. */
static int make_pipe(int ret_fds[2], struct viv_error *err)
{
	int r = viv_pipe(ret_fds, err);

	if (r == 0)
		fcntl(ret_fds[0], F_SETPIPE_SZ, PIPE_SIZE);
	return r;
}

static void take_said(struct copying *c)
{
	VIV_STR said = VIV_STR_INIT;
	struct viv_slice rest, line;

	viv_read_to_end(c->said, SAID_MAX, &said, "the guest's words", NULL);
	rest = (struct viv_slice){said.data ? said.data : "", said.len};
	while (viv_slice_line(&rest, &line))
		if (line.len)
			add_complaint(c, line);
	if (c->left_out)
		viv_strv_pushf(c->complaints, "… and %zu more", c->left_out);
}

/* done: what our half came to. The guest's half may know better why it was cut short. */
static int finish(struct copying *c, struct viv_messages *m, long done, struct viv_error *err)
{
	VIV_FREE char *reason = NULL;
	int status, r = viv_client_finish(m, &status, &reason, err);

	if (r < 0)
		return r;
	take_said(c);
	if (reason)
		return viv_error_say(err, EIO, "%s", reason);
	if (status > 2)
		return viv_error_say(err, EIO, "the guest's agent ended with %d", status);
	if ((done < 0 || status) && !c->complaints->count)
		return viv_error_set(err, done < 0 ? (int)-done : EIO, "the copy was cut short");
	return 0;
}

static int put(struct copying *c, struct viv_messages *m, struct viv_error *err)
{
	const struct viv_copy *copy = c->copy;
	const struct viv_transfer_listener l = {on_complaint, on_advance, c};
	VIV_STRV argv = VIV_STRV_INIT;
	int fds[2], r = make_pipe(fds, err);
	long done;

	if (r < 0)
		return r;
	viv_strv_push(&argv, AGENT);
	viv_strv_push(&argv, "--put");
	if (copy->folder)
		viv_strv_push(&argv, "--folder");
	if (copy->owners)
		viv_strv_push(&argv, "--owners");
	viv_strv_push(&argv, copy->to);
	r = start(c, m, (const char *const *)argv.items, fds[0], -1, err);
	viv_close(fds[0]);
	done = r == 0 ? viv_transfer_send(fds[1], copy->from, &l) : 0;
	viv_close(fds[1]);
	return r == 0 ? finish(c, m, done, err) : r;
}

static int get(struct copying *c, struct viv_messages *m, struct viv_error *err)
{
	const struct viv_copy *copy = c->copy;
	const struct viv_transfer_listener l = {on_complaint, on_advance, c};
	const struct viv_transfer_target target = {.path = copy->to, .folder = copy->folder};
	VIV_STRV argv = VIV_STRV_INIT;
	int fds[2], r = make_pipe(fds, err);
	long done;

	if (r < 0)
		return r;
	viv_strv_push(&argv, AGENT);
	viv_strv_push(&argv, "--get");
	viv_strv_push_all(&argv, copy->from);
	r = start(c, m, (const char *const *)argv.items, -1, fds[1], err);
	viv_close(fds[1]);
	done = r == 0 ? viv_transfer_receive(fds[0], &target, &l) : 0;
	viv_close(fds[0]);
	return r == 0 ? finish(c, m, done, err) : r;
}

static int copy(int (*way)(struct copying *, struct viv_messages *, struct viv_error *),
		const char *what, struct viv_messages *m, const struct viv_copy *copy,
		struct viv_strv *complaints, struct viv_error *err)
{
	struct copying c = {.copy = copy, .complaints = complaints, .said = -1, .what = what};
	int r = way(&c, m, err);

	if (c.shown)
		viv_task_end(copy->report, r == 0);
	viv_close(c.said);
	return r;
}

int viv_copy_in(struct viv_messages *m, const struct viv_copy *c, struct viv_strv *complaints,
		struct viv_error *err)
{
	return copy(put, "in", m, c, complaints, err);
}

int viv_copy_out(struct viv_messages *m, const struct viv_copy *c, struct viv_strv *complaints,
		 struct viv_error *err)
{
	return copy(get, "out", m, c, complaints, err);
}
