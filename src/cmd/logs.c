/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"

#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct viv_flag flags[] = {
	{"follow", 'f', NULL, "go on with what comes, until the machine ends"},
	{"tail", 'n', "LINES", "only the last lines"},
	{0},
};

#define TAIL_MAX (1u << 20) /* bytes of the end that lines are looked for in */

struct follow {
	struct viv_loop *loop;
	struct viv_messages *m;
	const char *path;
	int fd;
};

static int copy_rest(int fd, struct viv_error *err)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		int r = viv_write_all(STDOUT_FILENO, chunk, (size_t)n, "stdout", err);

		if (r < 0)
			return r;
	}
	return n < 0 ? viv_error_set(err, errno, "the log") : 0;
}

/* A log that got too long was renamed, and a new one begun. */
static int open_next(struct follow *f)
{
	struct stat a, b;
	int fd;

	if (stat(f->path, &a) < 0 || fstat(f->fd, &b) < 0 || a.st_ino == b.st_ino)
		return -ENOENT;
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	viv_close(f->fd);
	f->fd = fd;
	return 0;
}

static int on_change(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct follow *f = arg;
	char buf[4096];
	int r;

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	do
		r = copy_rest(f->fd, NULL);
	while (r == 0 && open_next(f) == 0);
	return r;
}

/* The machine has ended; what it said last is in the file that we have open. */
static int on_end(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct follow *f = arg;

	copy_rest(f->fd, NULL);
	viv_loop_quit(f->loop, 0);
	return 0;
}

static int follow(struct follow *f, const char *dir, struct viv_error *err)
{
	VIV_FD notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int r;

	if (notify < 0 || inotify_add_watch(notify, dir, IN_MODIFY | IN_CREATE | IN_MOVED_FROM) < 0)
		return viv_error_set(err, errno, "%s", dir);
	r = viv_messages_send(f->m, json_pack("{s:s}", "do", "wait"), NULL, 0);
	if (r == 0)
		r = viv_loop_new(&f->loop, err);
	if (r == 0)
		r = viv_loop_add_io(f->loop, f->m->fd, EPOLLIN, on_end, f, NULL, err);
	if (r == 0)
		r = viv_loop_add_io(f->loop, notify, EPOLLIN, on_change, f, NULL, err);
	if (r == 0)
		r = copy_rest(f->fd, err); /* what came before the watch was there */
	if (r == 0)
		r = viv_loop_run(f->loop, err);
	viv_loop_free(f->loop);
	return r;
}

/*
 * Puts the file's offset to the beginning of its last lines. *ret_missing: as many as it has not, where the
 * line that it begins with may be the end of one of the file before.
 */
static int seek_tail(int fd, uint64_t lines, uint64_t *ret_missing, struct viv_error *err)
{
	VIV_FREE char *end = viv_malloc(TAIL_MAX);
	off_t size = lseek(fd, 0, SEEK_END), from = size > TAIL_MAX ? size - TAIL_MAX : 0;
	ssize_t n = pread(fd, end, TAIL_MAX, from), at = n;

	if (n < 0)
		return viv_error_set(err, errno, "the log");
	if (lines && at > 0 && end[at - 1] == '\n')
		at--;
	while (at > 0 && lines) {
		if (end[at - 1] == '\n' && --lines == 0)
			break;
		at--;
	}
	lseek(fd, from + at, SEEK_SET);
	*ret_missing = from == 0 && at == 0 ? lines - (n > 0 && lines) : 0;
	return from == 0 && at == 0;
}

static bool ends_in_mid_line(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* The part that was put aside, as far as `lines` are asked for; NULL: all of it. */
static int print_old(const struct follow *f, const uint64_t *lines, struct viv_error *err)
{
	VIV_FREE char *old = viv_asprintf("%s.1", f->path);
	VIV_FD fd = open(old, O_RDONLY | O_CLOEXEC);
	struct stat a, b;
	uint64_t missing;

	/* What we have open may just have been put aside. */
	if (fd < 0 || fstat(fd, &a) < 0 || fstat(f->fd, &b) < 0 || a.st_ino == b.st_ino)
		return 0;
	if (lines) {
		int r = seek_tail(fd, *lines + ends_in_mid_line(fd), &missing, err);

		if (r < 0)
			return r;
	}
	return copy_rest(fd, err);
}

static int print_tail(const struct follow *f, uint64_t lines, struct viv_error *err)
{
	uint64_t missing;
	int r = seek_tail(f->fd, lines, &missing, err);

	return r > 0 && lines ? print_old(f, &missing, err) : r;
}

static int show(const struct viv_args *args, struct viv_messages *m, const char *name,
		struct viv_error *err)
{
	const char *tail = viv_args_value(args, "tail");
	VIV_FREE char *runtime = NULL, *dir = NULL, *path = NULL;
	struct follow f = {.m = m, .fd = -1};
	uint64_t lines = 0;
	int r = viv_dir_runtime(&runtime, err);

	if (r == 0 && tail && !viv_slice_u64(viv_slice(tail), 1u << 20, &lines))
		r = viv_error_say(err, EINVAL, "--tail: expected a number, got \"%s\"", tail);
	if (r < 0)
		return r;
	dir = viv_path_join(runtime, name);
	path = viv_path_join(dir, "console.log");
	f.path = path;
	f.fd = viv_open(path, O_RDONLY, 0, err);
	if (f.fd < 0)
		return f.fd;
	r = tail ? print_tail(&f, lines, err) : print_old(&f, NULL, err);
	if (r >= 0)
		r = viv_args_has(args, "follow") ? follow(&f, dir, err) : copy_rest(f.fd, err);
	viv_close(f.fd);
	return r;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	VIV_FREE char *name = NULL;
	int r = viv_cmd_find(args->operands[0], &m, &name, err);

	if (r == 0)
		r = show(args, &m, name, err);
	if (r == -EPIPE)
		return VIV_EXIT_SIGNAL + 13; /* whoever read it had enough */
	return r;
}

const struct viv_command viv_command_logs = {
	.name = "logs",
	.summary = "Show what a machine's console said",
	.operands = "[NAME]",
	.about = "Without a name: this folder's machine.",
	.flags = flags,
	.max_operands = 1,
	.run = run,
};
