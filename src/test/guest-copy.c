/* SPDX-License-Identifier: MIT */
#include "test/runner.h"

#include "base/fd.h"
#include "base/json.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX (1u << 20)

/*
 * A copy blocks, and this process has to serve the other end of it: it is the machine's supervisor. So a child does
 * the copy, over a connection to us, and leaves what came of it in a file without a name.
 */
struct copying {
	struct runner *r;
	pid_t pid;
	struct viv_source *child;
	bool ended;
	int status;
};

static int on_end(struct viv_source *s, pid_t pid, int status, void *arg)
{
	struct copying *p = arg;

	p->child = NULL;
	p->ended = true;
	p->status = status;
	runner_wake(p->r);
	return 0;
}

static bool is_over(void *arg)
{
	return ((const struct copying *)arg)->ended;
}

/* All but these: what is QEMU's and the guest's must end with us. Negative ones are none. */
static void close_others(const int *keep, size_t n)
{
	unsigned from = 3;

	for (;;) {
		unsigned next = ~0u;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= from)
				next = VIV_MIN(next, (unsigned)keep[i]);
		if (next > from)
			close_range(from, next == ~0u ? ~0u : next - 1, 0);
		if (next == ~0u)
			return;
		from = next + 1;
	}
}

static _Noreturn void work(bool in, const struct viv_copy *copy, int fd, int said, int keep, pid_t parent)
{
	const int all[] = {fd, said, keep};
	struct viv_messages m = VIV_MESSAGES_INIT;
	struct viv_strv complaints = VIV_STRV_INIT;
	struct viv_report report = {0};
	struct viv_copy quiet = *copy;
	struct viv_error err = VIV_ERROR_INIT;
	json_t *j, *list = json_array();
	sigset_t none;
	char *text;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(all, VIV_ARRAY_SIZE(all));
	if (getppid() != parent)
		_exit(1);
	quiet.report = &report;
	viv_messages_open(&m, fd);
	r = (in ? viv_copy_in : viv_copy_out)(&m, &quiet, &complaints, &err);
	for (size_t i = 0; i < complaints.count; i++)
		json_array_append_new(list, viv_json_text(complaints.items[i]));
	j = json_pack("{s:o, s:o}", "complaints", list, "error", r < 0 ? viv_json_text(err.msg) : json_null());
	text = json_dumps(j, JSON_COMPACT);
	_exit(text && viv_write_all(said, text, strlen(text), "what came of it", NULL) == 0 ? 0 : 1);
}

/* What the child left. */
static int take_result(const struct copying *p, int said, struct viv_strv *complaints, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_JSON *j = NULL;
	const char *error;
	json_t *line;
	size_t i;
	int r;

	if (!WIFEXITED(p->status) || WEXITSTATUS(p->status))
		return viv_error_say(err, EIO, "the process that copied was ended");
	if (lseek(said, 0, SEEK_SET) < 0)
		return viv_error_set(err, errno, "a copy's result");
	r = viv_read_to_end(said, SAID_MAX, &text, "a copy's result", err);
	if (r < 0)
		return r;
	j = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
	error = viv_json_str(j, "error");
	json_array_foreach(json_object_get(j, "complaints"), i, line)
		viv_strv_push(complaints, json_string_value(line));
	return error ? viv_error_say(err, EIO, "%s", error) : 0;
}

static void end_child(struct copying *p)
{
	if (p->ended)
		return;
	viv_source_remove(p->child);
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int runner_copy(struct runner *r, struct guest *g, bool in, const struct viv_copy *copy, int keep, int64_t deadline,
		struct viv_strv *complaints, struct viv_error *err)
{
	struct copying p = {.r = r};
	VIV_FD said = memfd_create("viv-copy", MFD_CLOEXEC);
	pid_t parent = getpid();
	int fds[2], code;

	if (said < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "a copy");
	p.pid = fork();
	if (p.pid == 0)
		work(in, copy, fds[1], said, keep, parent);
	code = p.pid < 0 ? viv_error_set(err, errno, "fork") : 0;
	viv_close(fds[1]);
	if (code < 0) {
		viv_close(fds[0]);
		return code;
	}
	code = viv_control_add(g->control, fds[0], err);
	if (code == 0)
		code = viv_loop_add_child(r->loop, p.pid, on_end, &p, &p.child, err);
	if (code == 0)
		code = runner_wait(r, g, is_over, &p, deadline);
	end_child(&p);
	return code < 0 ? code : take_result(&p, said, complaints, err);
}
