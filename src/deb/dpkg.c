/* SPDX-License-Identifier: MIT */
#include "deb/dpkg.h"

#include "base/fd.h"
#include "base/loop.h"
#include "base/process.h"
#include "sandbox/sandbox.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_KEPT (1 << 20)
#define READ_MAX    (16u << 10)
#define PIPE_MAX    (1u << 20) /* pipe(7); a multiple of the above */

/* A running dpkg. */
struct run {
	struct viv_dpkg *dpkg;
	pid_t pid;
	int pid_fd, status_fd, output_fd;
	struct viv_str status, output;
	char *package, *stage; /* what it is at */
};

/* dpkg's stages, and the script that may hang in each. */
static const struct {
	const char *stage, *script;
} stages[] = {
	{"install", "preinst"},	  {"upgrade", "preinst"},     {"configure", "postinst"},
	{"trigproc", "postinst"}, {"remove", "prerm"},	      {"disappear", "postrm"},
};

static const char *script_of(const char *stage)
{
	for (size_t i = 0; stage && i < VIV_ARRAY_SIZE(stages); i++)
		if (viv_streq(stage, stages[i].stage))
			return stages[i].script;
	return "script";
}

/* "processing: configure: udev", "status: udev: installed" (dpkg(1), --status-fd) */
static void take_status_line(struct run *r, char *line)
{
	char *stage, *package;

	if (viv_starts_with(line, "status: ")) {
		if (viv_ends_with(line, ": unpacked") || viv_ends_with(line, ": installed"))
			r->dpkg->done++;
		return;
	}
	if (!viv_starts_with(line, "processing: "))
		return;
	stage = line + strlen("processing: ");
	package = strchr(stage, ':');
	if (!package)
		return;
	*package = '\0';
	package += 1 + (package[1] == ' ');
	free(r->stage);
	free(r->package);
	r->stage = viv_strdup(stage);
	r->package = viv_strdup(package);
	viv_task_advance(r->dpkg->report, r->dpkg->done, package);
}

static void take_status(struct run *r)
{
	char *newline;

	while (r->status.len && (newline = memchr(r->status.data, '\n', r->status.len))) {
		size_t n = (size_t)(newline - r->status.data) + 1;

		*newline = '\0';
		take_status_line(r, r->status.data);
		viv_str_drop(&r->status, n);
	}
}

/* Keeps the end of what is said. */
static void read_some(int *fd, struct viv_str *to)
{
	ssize_t n = read(*fd, viv_str_reserve(to, READ_MAX), READ_MAX);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		*fd = viv_close(*fd);
		return;
	}
	viv_str_added(to, (size_t)n);
	if (to->len > OUTPUT_KEPT)
		viv_str_drop(to, to->len - OUTPUT_KEPT / 2);
}

static int start(struct run *r, const char *const *action, const struct viv_strv *packages,
		 struct viv_error *err)
{
	static const char *const options[] = {"--force-unsafe-io", "--force-confdef",
					      "--force-confold", "--log=/dev/null"};
	VIV_STRV argv = VIV_STRV_INIT, env = VIV_STRV_INIT;
	struct viv_sandbox_exec e = {.root = r->dpkg->root, .stdin_fd = -1};
	int status[2] = {-1, -1}, output[2] = {-1, -1}, result;

	viv_strv_push(&argv, "dpkg");
	viv_strv_push(&argv, "--status-fd=3");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(options); i++)
		viv_strv_push(&argv, options[i]);
	viv_strv_push_all(&argv, action);
	if (packages->count)
		viv_strv_push_all(&argv, (const char *const *)packages->items);
	viv_strv_push_all(&env, viv_sandbox_env);
	viv_strv_push(&env, "DEBIAN_FRONTEND=noninteractive");
	viv_strv_push(&env, "DEBCONF_NONINTERACTIVE_SEEN=true");
	viv_strv_push(&env, "SYSTEMD_OFFLINE=1");
	viv_strv_pushf(&env, "SOURCE_DATE_EPOCH=%" PRId64, r->dpkg->epoch);
	result = viv_pipe(status, err);
	if (result == 0)
		result = viv_pipe(output, err);
	e.argv = (const char *const *)argv.items;
	e.env = (const char *const *)env.items;
	e.output_fd = output[1];
	e.keep = &status[1];
	e.n_keep = 1;
	if (result == 0)
		result = viv_sandbox_start(&e, &r->pid, err);
	viv_close(status[1]);
	viv_close(output[1]);
	r->status_fd = status[0];
	r->output_fd = output[0];
	return result;
}

/* The last lines of what was said. */
static struct viv_slice last_lines(const struct viv_str *s)
{
	struct viv_slice t = viv_slice_trim((struct viv_slice){s->data, s->len});
	size_t lines = 0, i = t.len;

	while (i > 0 && t.len - i < 3000) {
		if (t.data[i - 1] == '\n' && ++lines == 12)
			break;
		i--;
	}
	return (struct viv_slice){t.data + i, t.len - i};
}

/* What is in the pipe by now, and no more than one can hold. */
static void drain(int *fd, struct viv_str *to)
{
	for (size_t left = PIPE_MAX; *fd >= 0 && left; left -= READ_MAX) {
		struct pollfd p = {.fd = *fd, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0)
			return;
		read_some(fd, to);
	}
}

static int hung(struct run *r, struct viv_error *err)
{
	struct viv_slice said;

	viv_sandbox_kill(r->dpkg->root);
	drain(&r->output_fd, &r->output);
	said = last_lines(&r->output);
	return viv_error_say(err, ETIMEDOUT,
			     "package %s: its %s did nothing for %d s and was ended. Last output:\n%.*s",
			     r->package ? r->package : "?", script_of(r->stage),
			     r->dpkg->script_timeout_ms / 1000, (int)said.len,
			     said.data ? said.data : "");
}

/*
 * It has ended: what is still in the pipes. What a script has left behind may write for ever; where
 * dpkg's own last words are of interest, nobody else's shall push them out.
 */
static int finish(struct run *r)
{
	siginfo_t end = {0};

	if (waitid(P_PID, (id_t)r->pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid &&
	    (end.si_code != CLD_EXITED || end.si_status))
		viv_sandbox_kill(r->dpkg->root);
	drain(&r->status_fd, &r->status);
	drain(&r->output_fd, &r->output);
	take_status(r);
	return 0;
}

/* Until dpkg ends. Whatever it prints is a sign of life. */
static int attend(struct run *r, struct viv_error *err)
{
	for (;;) {
		struct pollfd p[] = {{.fd = r->pid_fd, .events = POLLIN},
				     {.fd = r->status_fd, .events = POLLIN},
				     {.fd = r->output_fd, .events = POLLIN}};
		int n = poll(p, 3, r->dpkg->script_timeout_ms);

		if (n < 0 && errno != EINTR)
			return viv_error_set(err, errno, "cannot watch dpkg");
		if (n == 0)
			return hung(r, err);
		if (n > 0 && p[0].revents)
			return finish(r);
		if (n > 0 && p[1].revents) {
			read_some(&r->status_fd, &r->status);
			take_status(r);
		}
		if (n > 0 && p[2].revents)
			read_some(&r->output_fd, &r->output);
	}
}

/*
 * "dpkg: error processing package X (--configure):" and the reason in the next line; for archives
 * "dpkg: error processing archive /tmp/…".
 */
static int failed(struct run *r, int status, struct viv_error *err)
{
	static const char mark[] = "dpkg: error processing ";
	VIV_FREE char *how = viv_process_status_text(status);
	struct viv_slice said = last_lines(&r->output);
	const char *p = r->output.data ? strstr(r->output.data, mark) : NULL;
	struct viv_slice rest = {p, p ? strlen(p) : 0}, what = {0}, why = {0};

	if (p && viv_slice_line(&rest, &what) && viv_slice_line(&rest, &why)) {
		what.data += sizeof(mark) - 1;
		what.len -= sizeof(mark) - 1;
		why = viv_slice_trim(why);
		return viv_error_say(err, EPROTO, "%.*s %.*s\nLast output:\n%.*s", (int)what.len,
				     what.data, (int)why.len, why.data, (int)said.len, said.data);
	}
	return viv_error_say(err, EPROTO, "dpkg: %s (at package %s)\n%.*s", how,
			     r->package ? r->package : "?", (int)said.len,
			     said.data ? said.data : "");
}

int viv_dpkg_run(struct viv_dpkg *d, const char *const *action, const struct viv_strv *packages,
		 struct viv_error *err)
{
	struct run r = {.dpkg = d, .pid_fd = -1, .status_fd = -1, .output_fd = -1};
	int status = 0, result = start(&r, action, packages, err);

	if (result == 0) {
		r.pid_fd = (int)syscall(SYS_pidfd_open, r.pid, 0);
		result = r.pid_fd < 0 ? viv_error_set(err, errno, "cannot watch dpkg")
				      : attend(&r, err);
		if (result < 0)
			viv_sandbox_kill(d->root);
		while (waitpid(r.pid, &status, 0) < 0 && errno == EINTR)
			;
		if (result == 0 && status)
			result = failed(&r, status, err);
		if (result == 0 && r.output.len)
			viv_say(d->report, VIV_DEBUG, "%s", r.output.data);
	}
	viv_close(r.pid_fd);
	viv_close(r.status_fd);
	viv_close(r.output_fd);
	viv_str_free(&r.status);
	viv_str_free(&r.output);
	free(r.package);
	free(r.stage);
	return result;
}

int viv_dpkg_check(const char *root, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT, bad = VIV_STR_INIT;
	struct viv_slice rest, line, package = {0};
	int r = viv_read_below(root, "var/lib/dpkg/status", 256 << 20, &text, err);

	rest = (struct viv_slice){text.data, text.len};
	while (r == 0 && viv_slice_line(&rest, &line)) {
		if (line.len > 9 && memcmp(line.data, "Package: ", 9) == 0)
			package = (struct viv_slice){line.data + 9, line.len - 9};
		if (line.len > 8 && memcmp(line.data, "Status: ", 8) == 0 &&
		    !viv_slice_eq(line, "Status: install ok installed") &&
		    !viv_slice_eq(line, "Status: deinstall ok config-files"))
			viv_str_addf(&bad, "%s%.*s (%.*s)", bad.len ? ", " : "", (int)package.len,
				     package.data, (int)line.len - 8, line.data + 8);
	}
	if (r == 0 && bad.len)
		r = viv_error_say(err, EPROTO, "dpkg left packages unfinished: %s", bad.data);
	return r;
}
