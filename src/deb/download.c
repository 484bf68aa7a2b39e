/* SPDX-License-Identifier: MIT */
#include "deb/download.h"

#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/process.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE	   4
#define PER_HELPER 200 /* archives: a bound for the command line */

/* Nothing heard of any helper for this long: they are ended. apt's own limits are shorter. */
#define SILENCE_MS (5 * 60 * 1000)

struct helper {
	pid_t pid;
	int status_fd, said_fd;
	struct viv_str line;
	uint64_t total, done;
};

static const char *find_helper(void)
{
	static const char *const places[] = {"/usr/lib/apt/apt-helper", "/usr/libexec/apt/apt-helper"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return "apt-helper";
}

static int start(const struct viv_apt *a, const struct viv_download *list, size_t n, size_t first,
		 size_t step, struct helper *h, struct viv_error *err)
{
	VIV_STRV argv = VIV_STRV_INIT, env = VIV_STRV_INIT;
	struct viv_process_spec spec = {.fds = {-1, -1, -1}, .new_session = true};
	int status[2] = {-1, -1}, said[2] = {-1, -1}, r;

	viv_strv_push(&argv, find_helper());
	viv_strv_push(&argv, "-oAPT::Status-Fd=3");
	viv_strv_push(&argv, "download-file");
	for (size_t i = first; i < n; i += step) {
		viv_strv_push(&argv, list[i].uri);
		viv_strv_push(&argv, list[i].to);
		viv_strv_pushf(&argv, "SHA256:%s", list[i].sha256);
		h->total += list[i].size;
	}
	viv_apt_env(a, &env);
	r = viv_pipe(status, err);
	if (r == 0)
		r = viv_pipe(said, err);
	spec.argv = (const char *const *)argv.items;
	spec.env = (const char *const *)env.items;
	spec.fds[2] = said[1];
	spec.keep = &status[1];
	spec.n_keep = 1;
	if (r == 0)
		r = viv_process_spawn(&spec, &h->pid, NULL, err);
	viv_close(status[1]);
	viv_close(said[1]);
	h->status_fd = status[0];
	h->said_fd = said[0];
	return r;
}

/* "dlstatus:1:42.5:Retrieving file 3 of 7" */
static void take_status(struct helper *h)
{
	char *newline;

	while (h->line.len && (newline = memchr(h->line.data, '\n', h->line.len))) {
		size_t n = (size_t)(newline - h->line.data) + 1;
		char *p = h->line.data;

		*newline = '\0';
		if (viv_starts_with(p, "dlstatus:") && (p = strchr(p + 9, ':'))) {
			double percent = strtod(p + 1, NULL);

			if (percent >= 0 && percent <= 100)
				h->done = (uint64_t)((double)h->total * percent / 100);
		}
		viv_str_drop(&h->line, n);
	}
	if (h->line.len > 65536)
		viv_str_clear(&h->line);
}

static void read_some(int *fd, struct viv_str *to, size_t max)
{
	ssize_t n = read(*fd, viv_str_reserve(to, 4096), 4096);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		*fd = viv_close(*fd);
	else if (to->len < max)
		viv_str_added(to, (size_t)n);
}

static int attend(struct helper *helpers, size_t n, int stop_fd, struct viv_report *report,
		  struct viv_str *ret_said, struct viv_error *err)
{
	for (;;) {
		struct pollfd p[2 * AT_ONCE + 1];
		uint64_t done = 0;
		bool open = false;
		int r;

		for (size_t i = 0; i < n; i++) {
			p[2 * i] = (struct pollfd){.fd = helpers[i].status_fd, .events = POLLIN};
			p[2 * i + 1] = (struct pollfd){.fd = helpers[i].said_fd, .events = POLLIN};
			open = open || helpers[i].status_fd >= 0 || helpers[i].said_fd >= 0;
		}
		if (!open)
			return 0;
		p[2 * n] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
		r = poll(p, 2 * n + 1, SILENCE_MS);
		if (r < 0 && errno != EINTR)
			return viv_error_set(err, errno, "fetching packages");
		if (r == 0)
			return viv_error_say(err, ETIMEDOUT, "the mirror does not answer any more");
		if (r > 0 && p[2 * n].revents)
			return viv_error_say(err, EINTR, "interrupted; what was fetched is kept");
		for (size_t i = 0; i < n; i++) {
			if (r > 0 && p[2 * i].revents)
				read_some(&helpers[i].status_fd, &helpers[i].line, 1 << 20);
			if (r > 0 && p[2 * i + 1].revents)
				read_some(&helpers[i].said_fd, ret_said, 64 << 10);
			take_status(&helpers[i]);
			done += helpers[i].done;
		}
		viv_task_advance(report, done, NULL);
	}
}

static int one_batch(const struct viv_apt *a, const struct viv_download *list, size_t n,
		     int stop_fd, struct viv_report *report, struct viv_str *ret_said,
		     struct viv_error *err)
{
	struct helper helpers[AT_ONCE] = {0};
	size_t count = VIV_MIN(n, (size_t)AT_ONCE);
	int r = 0, status;

	for (size_t i = 0; i < AT_ONCE; i++)
		helpers[i] = (struct helper){.status_fd = -1, .said_fd = -1};
	for (size_t i = 0; r == 0 && i < count; i++)
		r = start(a, list, n, i, count, &helpers[i], err);
	if (r == 0)
		r = attend(helpers, count, stop_fd, report, ret_said, err);
	for (size_t i = 0; i < count; i++) {
		struct helper *h = &helpers[i];

		/* SIGTERM: then apt marks what it has so that it can be gone on with. */
		if (h->pid > 0 && r < 0)
			kill(-h->pid, SIGTERM);
		viv_close(h->status_fd);
		viv_close(h->said_fd);
		if (h->pid > 0)
			viv_process_wait(h->pid, 10000, true, &status, NULL);
		viv_str_free(&h->line);
	}
	return r;
}

int viv_download(const struct viv_apt *a, const struct viv_download *list, size_t n, int stop_fd,
		 struct viv_report *report, struct viv_str *ret_said, struct viv_error *err)
{
	static const size_t most = (size_t)AT_ONCE * PER_HELPER;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i += most)
		r = one_batch(a, list + i, VIV_MIN(n - i, most), stop_fd, report, ret_said, err);
	return r;
}
