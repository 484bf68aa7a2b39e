/* SPDX-License-Identifier: MIT */
#include "run/control-private.h"

#include "base/fd.h"
#include "base/status.h"
#include "qemu/machine.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define WORDS_MAX    65535u  /* arguments, or variables */
#define DRAIN_MS     3000 /* a caller that reads nothing does not hold up the machine's end longer */
#define STOP_MAX_MS  (30ull * 86400 * 1000) /* a guest may take long, but timers have their limits */

static int do_status(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	struct viv_control_host *h = &k->control->host;

	control_answer(k, json_pack("{s:o}", "machine", h->status(h->arg)), NULL, 0);
	return 0;
}

/* Commands */

/* A list of byte strings; pushed to *ret. */
static int take_words(const json_t *list, const char *what, struct viv_strv *ret,
		      struct viv_error *err)
{
	const json_t *word;
	size_t i;

	if (list && (!json_is_array(list) || json_array_size(list) > WORDS_MAX))
		return viv_error_say(err, EINVAL, "%s: expected a list", what);
	json_array_foreach((json_t *)list, i, word) {
		char *text = viv_messages_get_bytes(word);

		if (!text)
			return viv_error_say(err, EINVAL, "%s: expected texts", what);
		viv_strv_take(ret, text);
	}
	return 0;
}

static unsigned seen_now(const struct viv_control *c)
{
	return c->host.console ? viv_console_trouble(c->host.console)->seen : 0;
}

/* Whatever a command's status: an oops meanwhile is what counts. */
static bool answer_trouble(struct control_caller *k)
{
	unsigned fresh = seen_now(k->control) & ~k->seen & k->fail_on;
	const struct viv_trouble *t;
	enum viv_trouble_kind kind = VIV_TROUBLE_PANIC;
	VIV_FREE char *text = NULL;

	if (!fresh)
		return false;
	t = viv_console_trouble(k->control->host.console);
	while (!(VIV_TROUBLE_BIT(kind) & fresh))
		kind--;
	text = viv_asprintf("the guest's kernel is in trouble: %s", t->what);
	control_answer(k,
		       json_pack("{s:i, s:s, s:s, s:o}", "status", VIV_EXIT_PANIC, "error", text, "kind",
				 viv_trouble_name(kind), "trouble", viv_trouble_json(t)),
		       NULL, 0);
	return true;
}

static void close_fds(struct control_caller *k)
{
	for (size_t i = 0; i < VIV_MESSAGE_FDS; i++)
		k->fds[i] = viv_close(k->fds[i]);
}

/* Whether the end of a command or that of its machine is heard of first is chance. */
static bool went_with_machine(const struct control_caller *k, int status, const char *error)
{
	return k->control->stopping && !error &&
	       (status == 128 + SIGTERM || status == 128 + SIGKILL);
}

static void on_done(struct viv_command *command, int status, const char *error, void *arg)
{
	struct control_caller *k = arg;
	bool started = !error || status == VIV_EXIT_EXEC || status == VIV_EXIT_FIND;

	k->command = NULL;
	close_fds(k);
	if (error && status == VIV_EXIT_GONE)
		k->lost = viv_strdup(error); /* the machine's end says more */
	else if (went_with_machine(k, status, error))
		k->lost = viv_strdup("the machine was stopped");
	else if (!answer_trouble(k))
		control_answer(k,
			       json_pack("{s:i, s:o, s:s}", "status", status, "error",
					 viv_json_text(error), "kind",
					 started ? "exit" : "environment"),
			       NULL, 0);
	control_check_gone(k);
}

static int try_command(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	VIV_STRV argv = VIV_STRV_INIT, env = VIV_STRV_INIT;
	VIV_FREE char *cwd = viv_messages_get_bytes(json_object_get(request, "cwd"));
	VIV_FREE char *here = viv_messages_get_bytes(json_object_get(request, "here"));
	VIV_FREE char *user = viv_messages_get_bytes(json_object_get(request, "user"));
	struct viv_command_spec spec = {.cwd = cwd, .user = user};
	uint64_t rows = 24, columns = 80, fail_on = VIV_TROUBLE_ON_DEFAULT;
	int r = take_words(json_object_get(request, "argv"), "argv", &argv, err);

	if (r == 0 && k->control->agent_gone)
		r = viv_error_say(err, ENOTCONN, "the guest's agent is gone: no command can be run");
	if (r == 0)
		r = take_words(json_object_get(request, "env"), "env", &env, err);
	if (r < 0)
		return r;
	if (!cwd && here && k->control->host.machine &&
	    viv_machine_shows(k->control->host.machine, here))
		spec.cwd = here;
	viv_json_u64(request, "rows", UINT16_MAX, &rows);
	viv_json_u64(request, "columns", UINT16_MAX, &columns);
	viv_json_u64(request, "fail_on", UINT32_MAX, &fail_on);
	spec.argv = (const char *const *)argv.items;
	spec.env = env.count ? (const char *const *)env.items : NULL;
	spec.pty = json_is_true(json_object_get(request, "pty"));
	spec.rows = (unsigned short)rows;
	spec.columns = (unsigned short)columns;
	spec.drain_ms = DRAIN_MS;
	spec.in_fd = k->fds[0];
	spec.out_fd = k->fds[1];
	spec.err_fd = spec.pty ? -1 : k->fds[2];
	k->fail_on = (unsigned)fail_on;
	k->seen = seen_now(k->control);
	return viv_agent_run(k->control->host.agent, &spec, on_done, k, &k->command, err);
}

/* Those of a request that failed are not left for the next one. */
static int start_command(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	int r;

	for (size_t i = 0; i < VIV_MESSAGE_FDS; i++)
		k->fds[i] = viv_messages_take_fd(&k->messages, i);
	r = try_command(k, request, err);
	if (r < 0)
		close_fds(k);
	return r;
}

/* What is waited for in the guest */

static void on_watch_done(struct viv_agent *a VIV_UNUSED, int code, const char *answer, void *arg)
{
	struct control_caller *k = arg;

	k->watch = NULL;
	if (code == -ENOTCONN) /* the machine's end, if it is that, says more: the connection ends with it */
		control_answer(k, json_pack("{s:s, s:i}", "error", "the guest went away", "code", ENOTCONN), NULL, 0);
	else
		control_answer(k, json_pack("{s:i, s:o}", "watch", -code, "answer", viv_json_text(answer)), NULL, 0);
}

static int start_watch(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	VIV_STRV words = VIV_STRV_INIT;
	const char *kind = viv_json_str(request, "kind");
	struct viv_watch_spec spec = {.kind = kind};
	int r = kind ? take_words(json_object_get(request, "words"), "words", &words, err)
		     : viv_error_say(err, EINVAL, "nothing to wait for");

	if (r == 0 && k->control->agent_gone)
		r = viv_error_say(err, ENOTCONN, "the guest's agent is gone: nothing can be waited for");
	spec.words = (const char *const *)words.items;
	return r < 0 ? r : viv_agent_watch(k->control->host.agent, &spec, on_watch_done, k, &k->watch, err);
}

/* What needs the guest to be up */

static bool is_watch(const json_t *request)
{
	const char *name = viv_json_str(request, "do");

	return name && viv_streq(name, "watch");
}

/* systemd says itself when a unit is active, which may be long before the end of the boot. */
static bool can_start(const struct viv_control *c, const json_t *request)
{
	const char *kind = is_watch(request) ? viv_json_str(request, "kind") : NULL;

	return c->up || c->agent_gone || (c->ready && c->host.early_units && kind && viv_streq(kind, "unit"));
}

static int start(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	return is_watch(request) ? start_watch(k, request, err) : start_command(k, request, err);
}

static int start_or_keep(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	if (can_start(k->control, request))
		return start(k, request, err);
	k->request = json_incref((json_t *)request);
	return 0;
}

static int do_exec(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	if (!json_is_array(json_object_get(request, "argv")) ||
	    !json_array_size(json_object_get(request, "argv")))
		return viv_error_say(err, EINVAL, "no command");
	return start_or_keep(k, request, err);
}

void control_start_waiting(struct control_caller *k)
{
	VIV_JSON *request = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!k->request || !can_start(k->control, k->request))
		return;
	request = viv_steal(k->request);
	if (start(k, request, &err) < 0)
		control_error(k, &err);
}

static int do_signal(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	uint64_t signo;

	if (viv_json_u64(request, "signal", 64, &signo) && k->command)
		viv_command_signal(k->command, (int)signo);
	return 0;
}

static int do_resize(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	uint64_t rows, columns;

	if (viv_json_u64(request, "rows", UINT16_MAX, &rows) &&
	    viv_json_u64(request, "columns", UINT16_MAX, &columns) && k->command)
		viv_command_resize(k->command, (unsigned short)rows, (unsigned short)columns);
	return 0;
}

/* The machine's end */

static int do_wait(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	k->waits = true;
	return 0;
}

static int do_stop(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	struct viv_control_host *h = &k->control->host;
	uint64_t limit_ms = 30000;

	viv_json_u64(request, "limit_ms", INT64_MAX, &limit_ms);
	limit_ms = VIV_MIN(limit_ms, STOP_MAX_MS);
	k->waits = true;
	k->control->stopping = true;
	h->stop(json_is_true(json_object_get(request, "hard")), (int64_t)limit_ms, h->arg);
	return 0;
}

/* The screen, the memory, the console */

static int do_screenshot(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	return control_screenshot(k, err);
}

/* One caller at a time has it: they would overwrite each other's. */
static int do_memory(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	struct viv_control *c = k->control;

	for (struct control_caller *other = c->first; other; other = other->next)
		if (other->sharing)
			return viv_error_say(err, EBUSY, "the shared memory is in use");
	if (c->host.shared < 0)
		return viv_error_say(err, ENOTSUP, "there is no shared memory");
	k->sharing = true;
	control_answer(k, json_pack("{s:b}", "memory", true), &c->host.shared, 1);
	return 0;
}

static int do_console(struct control_caller *k, const json_t *request, struct viv_error *err)
{
	if (!k->control->host.console)
		return viv_error_say(err, ENOTCONN, "the machine has no console");
	for (size_t i = 0; i < 2; i++)
		k->fds[i] = viv_messages_take_fd(&k->messages, i);
	return control_console_start(k, err);
}

static const struct request {
	const char *name;
	bool while_busy; /* also while something of the caller's is under way */
	int (*fn)(struct control_caller *k, const json_t *request, struct viv_error *err);
} requests[] = {
	{"status", true, do_status},   {"exec", false, do_exec}, {"signal", true, do_signal},
	{"resize", true, do_resize},   {"wait", false, do_wait}, {"stop", false, do_stop},
	{"watch", false, start_or_keep}, {"memory", false, do_memory},
	{"console", false, do_console}, {"screenshot", false, do_screenshot},
};

static bool is_busy(const struct control_caller *k)
{
	return k->command || k->watch || k->request || k->console || k->screen || k->waits || k->lost;
}

int control_request(struct control_caller *k, json_t *message)
{
	const char *name = viv_json_str(message, "do");
	VIV_ERROR err = VIV_ERROR_INIT;

	for (size_t i = 0; name && i < VIV_ARRAY_SIZE(requests); i++) {
		if (!viv_streq(name, requests[i].name))
			continue;
		if (is_busy(k) && !requests[i].while_busy)
			return -EPROTO;
		if (requests[i].fn(k, message, &err) < 0)
			control_error(k, &err);
		return 0;
	}
	viv_error_say(&err, ENOSYS, "this machine's viv does not know how to do that");
	control_error(k, &err);
	return 0;
}
