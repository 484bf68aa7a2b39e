/* SPDX-License-Identifier: MIT */
#include "base/channel.h"

#include "base/fd.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A frame: this, then `len` bytes. Host order: both ends are one program. */
struct frame {
	uint32_t type, len;
	uint64_t number;
};

enum frame_type {
	FRAME_MESSAGE, /* number: level; text */
	FRAME_BEGIN,   /* number: total; name */
	FRAME_ADVANCE, /* number: done; detail, or nothing for NULL */
	FRAME_END,     /* number: ok */
	FRAME_RESULT,  /* bytes */
	FRAME_ERROR,   /* number: errno; message */
	FRAME_FINISH,  /* number: -(fn's value) */
};

#define FRAME_MAX (64 << 20)

/* One write for a small frame, so that threads and children may share the pipe (pipe(7)). */
static void send_frame(int fd, uint32_t type, uint64_t number, const void *data, size_t len)
{
	struct frame f = {.type = type, .len = (uint32_t)VIV_MIN(len, (size_t)FRAME_MAX),
			  .number = number};
	VIV_STR s = VIV_STR_INIT;

	viv_str_add_bytes(&s, &f, sizeof(f));
	if (f.len)
		viv_str_add_bytes(&s, data, f.len);
	viv_write_all(fd, s.data, s.len, "a channel", NULL);
}

static int channel_fd(struct viv_report *r)
{
	return ((struct viv_child_channel *)r)->fd;
}

static void on_message(struct viv_report *r, enum viv_level level, const char *text)
{
	send_frame(channel_fd(r), FRAME_MESSAGE, level, text, strlen(text));
}

static void on_begin(struct viv_report *r, const char *task, uint64_t total)
{
	send_frame(channel_fd(r), FRAME_BEGIN, total, task, strlen(task));
}

static void on_advance(struct viv_report *r, uint64_t done, const char *detail)
{
	send_frame(channel_fd(r), FRAME_ADVANCE, done, detail, detail ? strlen(detail) : 0);
}

static void on_end(struct viv_report *r, bool ok)
{
	send_frame(channel_fd(r), FRAME_END, ok, NULL, 0);
}

void viv_channel_init(struct viv_child_channel *c, int fd)
{
	*c = (struct viv_child_channel){
		.report = {on_message, on_begin, on_advance, on_end},
		.fd = fd,
	};
}

void viv_channel_finish(struct viv_child_channel *c, int r, const struct viv_str *result,
			const struct viv_error *err)
{
	if (result && result->len)
		send_frame(c->fd, FRAME_RESULT, 0, result->data, result->len);
	if (err && err->code)
		send_frame(c->fd, FRAME_ERROR, (uint64_t)err->code, err->msg, strlen(err->msg));
	send_frame(c->fd, FRAME_FINISH, (uint64_t)-r, NULL, 0);
	c->finished = true;
}

static _Noreturn void child(viv_channel_fn fn, void *arg, int fd, pid_t parent)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;
	struct viv_child_channel channel;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM); /* which it may hold back for a moment */
	if (getppid() != parent)
		_exit(1);
	viv_channel_init(&channel, fd);
	r = fn(&channel, &result, arg, &err);
	if (!channel.finished)
		viv_channel_finish(&channel, r, &result, &err);
	fflush(NULL);
	_exit(0);
}

int viv_channel_fork(viv_channel_fn fn, void *arg, pid_t *ret_pid, int *ret_fd,
		     struct viv_error *err)
{
	pid_t pid, parent = getpid();
	int fds[2], r = viv_pipe(fds, err);

	if (r < 0)
		return r;
	fflush(NULL); /* else what waits is written twice */
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(fn, arg, fds[1], parent);
	}
	if (pid < 0)
		r = viv_error_set(err, errno, "cannot start a process");
	viv_close(fds[1]);
	if (r < 0) {
		viv_close(fds[0]);
		return r;
	}
	*ret_pid = pid;
	*ret_fd = fds[0];
	return 0;
}

/* 1: read; 0: the other end is closed. */
static int read_exactly(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		p += n;
		len -= (size_t)n;
	}
	return 1;
}

static void pass_on(const struct frame *f, char *data, struct viv_report *report,
		    struct viv_str *result, struct viv_error *err)
{
	switch (f->type) {
	case FRAME_MESSAGE:
		viv_say(report, f->number <= VIV_WARNING ? (enum viv_level)f->number : VIV_INFO,
			"%s", data);
		break;
	case FRAME_BEGIN:
		viv_task_begin(report, f->number, "%s", data);
		break;
	case FRAME_ADVANCE:
		viv_task_advance(report, f->number, f->len ? data : NULL);
		break;
	case FRAME_END:
		viv_task_end(report, f->number != 0);
		break;
	case FRAME_RESULT:
		if (result)
			viv_str_add_bytes(result, data, f->len);
		break;
	case FRAME_ERROR:
		viv_error_say(err, (int)f->number, "%s", data);
		break;
	}
}

/* Waits for either. */
static bool is_stopped(int fd, int stop_fd)
{
	struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	return p[1].revents;
}

int viv_channel_receive(int fd, int stop_fd, struct viv_report *report, struct viv_str *result,
			bool *ret_finished, struct viv_error *err)
{
	struct frame f;
	int r;

	*ret_finished = false;
	for (;;) {
		VIV_STR data = VIV_STR_INIT;

		if (is_stopped(fd, stop_fd))
			return viv_error_say(err, EINTR, "interrupted");
		r = read_exactly(fd, &f, sizeof(f));
		if (r <= 0 || f.len > FRAME_MAX)
			return r < 0 ? r : -EPIPE;
		if (f.type == FRAME_FINISH) {
			*ret_finished = true;
			return -(int)f.number;
		}
		if (f.len) {
			if (read_exactly(fd, viv_str_reserve(&data, f.len), f.len) <= 0)
				return -EPIPE;
			viv_str_added(&data, f.len);
		}
		pass_on(&f, data.data ? data.data : (char[]){0}, report, result, err);
	}
}
