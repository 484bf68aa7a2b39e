/* SPDX-License-Identifier: MIT */
#include "run/console.h"

#include "base/fd.h"

#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MAX (64u << 10)
#define CHUNK	  16384u
#define DRAIN_MAX (4u << 20) /* bytes: some write without end */
#define MAX_WARNINGS 16 /* a guest can say it as often as it likes */

struct viv_console {
	struct viv_loop *loop;
	struct viv_source *source; /* NULL: paused, or closed */
	int fd, log_fd;
	char *log;
	uint64_t logged;
	struct viv_console_events events;
	struct viv_trouble trouble;
	struct viv_trouble_reports reports;
	struct viv_str kept; /* up to twice VIV_CONSOLE_KEPT */
	struct viv_str line; /* being received, at most VIV_TROUBLE_LINE_MAX */
	struct viv_str input;
	unsigned n_warnings;
	struct viv_source *pause; /* while a report is open: it has no line for too long */
};

/* A log that can't be written must not end a run: it is dropped. */
static void open_log(struct viv_console *c)
{
	c->log_fd = viv_close(c->log_fd);
	c->logged = 0;
	if (c->log)
		c->log_fd = open(c->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static void write_log(struct viv_console *c, const char *data, size_t len)
{
	if (c->log_fd < 0)
		return;
	if (c->logged + len > VIV_CONSOLE_LOG_MAX) {
		VIV_FREE char *old = viv_asprintf("%s.1", c->log);

		rename(c->log, old);
		open_log(c);
	}
	if (c->log_fd >= 0 && viv_write_all(c->log_fd, data, len, c->log, NULL) < 0)
		c->log_fd = viv_close(c->log_fd);
	c->logged += len;
}

static void hear_warning(struct viv_console *c)
{
	VIV_FREE char *text = NULL;

	if (!c->events.warning || c->n_warnings >= MAX_WARNINGS)
		return;
	text = viv_trouble_warning((struct viv_slice){c->line.data, c->line.len});
	if (!text)
		return;
	c->n_warnings++;
	c->events.warning(c, text, c->events.arg);
}

static void on_line(struct viv_console *c)
{
	bool was_open = c->trouble.open;
	bool worse;

	hear_warning(c);
	/* What follows is another kernel's, which writes this one's dump. */
	if (!c->trouble.dumping)
		viv_trouble_reports_feed(&c->reports, (struct viv_slice){c->line.data, c->line.len});
	worse = viv_trouble_feed(&c->trouble, (struct viv_slice){c->line.data, c->line.len});

	viv_str_clear(&c->line);
	if (worse && c->events.trouble)
		c->events.trouble(c, &c->trouble, c->events.arg);
	if (was_open && !c->trouble.open && c->events.report_end)
		c->events.report_end(c, &c->trouble, c->events.arg);
}

static void split_lines(struct viv_console *c, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		/* A line longer than any message is looked at as far as it may matter. */
		if (c->line.len < VIV_TROUBLE_LINE_MAX)
			viv_str_add_bytes(&c->line, data,
					  VIV_MIN(n, VIV_TROUBLE_LINE_MAX - c->line.len));
		if (!end)
			return;
		on_line(c);
		data += n + 1;
		len -= n + 1;
	}
}

static void keep(struct viv_console *c, const char *data, size_t len)
{
	viv_str_add_bytes(&c->kept, data, len);
	if (c->kept.len > 2 * VIV_CONSOLE_KEPT)
		viv_str_drop(&c->kept, c->kept.len - VIV_CONSOLE_KEPT);
}

static int on_pause(struct viv_source *s, void *arg)
{
	struct viv_console *c = arg;

	c->pause = NULL;
	viv_trouble_reports_pause(&c->reports);
	return 0;
}

/* Not every report ends with a line that says so. */
static void watch_pause(struct viv_console *c)
{
	viv_source_remove(viv_steal(c->pause));
	if (c->reports.now.open)
		viv_loop_add_timer(c->loop, VIV_REPORT_PAUSE_MS, on_pause, c, &c->pause, NULL);
}

static void on_output(struct viv_console *c, const char *data, size_t len)
{
	keep(c, data, len);
	write_log(c, data, len);
	if (c->events.output)
		c->events.output(c, data, len, c->events.arg);
	split_lines(c, data, len);
	watch_pause(c);
}

static void flush_input(struct viv_console *c)
{
	while (c->input.len) {
		ssize_t n = send(c->fd, c->input.data, c->input.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		viv_str_drop(&c->input, (size_t)n);
	}
	if (c->source)
		viv_source_set_events(c->source, EPOLLIN | (c->input.len ? EPOLLOUT : 0), NULL);
}

static void on_close(struct viv_console *c)
{
	viv_source_remove(c->source);
	c->source = NULL;
	c->fd = viv_close(c->fd);
	if (c->line.len)
		on_line(c);
	viv_console_end_report(c);
	if (c->events.closed)
		c->events.closed(c, c->events.arg);
}

/* False: nothing is there now. */
static bool read_some(struct viv_console *c)
{
	char chunk[CHUNK];
	ssize_t n;

	do
		n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		on_output(c, chunk, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		on_close(c);
	return n > 0;
}

void viv_console_drain(struct viv_console *c)
{
	for (size_t n = 0; c->fd >= 0 && n < DRAIN_MAX && read_some(c); n += CHUNK)
		;
}

void viv_console_reset(struct viv_console *c)
{
	if (c->source)
		viv_console_drain(c);
	c->trouble.stamped = c->reports.stamped = false;
}

static int on_io(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_console *c = arg;

	if (events & EPOLLOUT)
		flush_input(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_some(c);
	return 0;
}

static void on_report(const struct viv_trouble_report *r, void *arg)
{
	struct viv_console *c = arg;

	if (c->events.kernel_report)
		c->events.kernel_report(c, r, c->events.arg);
}

int viv_console_new(struct viv_loop *loop, int fd, const char *log,
		    const struct viv_console_events *events, struct viv_console **ret,
		    struct viv_error *err)
{
	struct viv_console *c = viv_new(struct viv_console);
	int r;

	c->loop = loop;
	c->fd = fd;
	c->log_fd = -1;
	c->log = viv_strdup(log);
	c->events = *events;
	c->reports = (struct viv_trouble_reports){.begin = on_report, .end = on_report, .arg = c};
	r = viv_loop_add_io(loop, fd, EPOLLIN, on_io, c, &c->source, err);
	if (r < 0) {
		c->source = NULL;
		viv_console_free(c);
		return r;
	}
	open_log(c);
	*ret = c;
	return 0;
}

void viv_console_free(struct viv_console *c)
{
	if (!c)
		return;
	viv_source_remove(c->source);
	viv_source_remove(c->pause);
	viv_close(c->fd);
	viv_close(c->log_fd);
	free(c->log);
	viv_str_free(&c->kept);
	viv_str_free(&c->line);
	viv_str_free(&c->input);
	viv_trouble_free_contents(&c->trouble);
	viv_trouble_reports_free(&c->reports);
	free(c);
}

void viv_console_write(struct viv_console *c, const void *data, size_t len)
{
	if (c->fd < 0 || c->input.len + len > INPUT_MAX)
		return;
	viv_str_add_bytes(&c->input, data, len);
	flush_input(c);
}

void viv_console_pause(struct viv_console *c, bool pause)
{
	/* Without a source: one without events would still report the other end's hang-up. */
	if (pause && c->source) {
		viv_source_remove(c->source);
		c->source = NULL;
	} else if (!pause && !c->source && c->fd >= 0) {
		viv_loop_add_io(c->loop, c->fd, EPOLLIN | (c->input.len ? EPOLLOUT : 0), on_io, c,
				&c->source, NULL);
	}
}

const struct viv_trouble *viv_console_trouble(const struct viv_console *c)
{
	return &c->trouble;
}

const struct viv_trouble_reports *viv_console_reports(const struct viv_console *c)
{
	return &c->reports;
}

void viv_console_end_report(struct viv_console *c)
{
	viv_source_remove(viv_steal(c->pause));
	viv_trouble_reports_end(&c->reports);
}

void viv_console_tail(const struct viv_console *c, size_t n, struct viv_strv *ret)
{
	struct viv_slice rest = viv_slice_trim((struct viv_slice){c->kept.data, c->kept.len}), line;
	size_t at = rest.len;

	while (at > 0 && n > 0)
		if (rest.data[--at] == '\n' && --n == 0)
			at++;
	if (!rest.len)
		return;
	rest.data += at;
	rest.len -= at;
	while (viv_slice_line(&rest, &line)) {
		line = viv_slice_trim(line);
		line.len = VIV_MIN(line.len, VIV_TROUBLE_LINE_MAX);
		viv_strv_take(ret, viv_slice_printable(line));
	}
}
