/* SPDX-License-Identifier: MIT */
#include "run/client.h"

#include "base/fd.h"
#include "base/hold.h"
#include "base/loop.h"
#include "base/status.h"
#include "run/keyboard.h"
#include "run/outcome.h"
#include "run/trouble.h"

#include <signal.h>
#include <unistd.h>

/* A command or a console on its way. */
struct client {
	struct viv_messages *m;
	struct viv_loop *loop;
	struct viv_keyboard *keyboard;
	bool console;
	int signals;	/* how many came */
	struct viv_client_result result;
	struct viv_error err;
};

void viv_client_result_free_contents(struct viv_client_result *r)
{
	free(r->kind);
	free(r->reason);
	json_decref(r->trouble);
	*r = (struct viv_client_result){0};
}

json_t *viv_client_result_json(const struct viv_client_result *r)
{
	return viv_result_json(r->status, r->kind, r->reason,
			       viv_streq(r->kind, "exit") ? json_integer(r->status) : json_null(),
			       r->trouble ? json_incref(r->trouble) : json_null());
}

static int end(struct client *c, int status, const char *kind, char *reason)
{
	viv_client_result_free_contents(&c->result);
	c->result = (struct viv_client_result){
		.status = status, .kind = viv_strdup(kind), .reason = reason};
	viv_loop_quit(c->loop, 0);
	return 0;
}

static void take_answer(struct client *c, const json_t *answer)
{
	const char *error = viv_json_str(answer, "error"), *kind = viv_json_str(answer, "kind");
	json_t *trouble = json_object_get(answer, "trouble");
	uint64_t status, code = EIO;

	if (viv_json_u64(answer, "status", 255, &status)) {
		end(c, (int)status, kind ? kind : "exit", viv_strdup(error));
		c->result.trouble = json_is_object(trouble) ? json_incref(trouble) : NULL;
	} else if (error) {
		viv_json_u64(answer, "code", 4095, &code);
		end(c, VIV_EXIT_ENVIRONMENT, "environment", NULL);
		viv_error_say(&c->err, code ? (int)code : EIO, "%s", error);
	} else {
		end(c, VIV_EXIT_ENVIRONMENT, "environment", NULL);
		viv_error_say(&c->err, EPROTO, "the machine's viv answers nonsense");
	}
}

static int on_message(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct client *c = arg;
	VIV_JSON *answer = NULL;
	int r = viv_messages_receive(c->m, false);

	if (r == -EAGAIN)
		return 0;
	if (r > 0)
		r = viv_messages_next(c->m, &answer);
	else
		return end(c, VIV_EXIT_GONE, "gone", viv_strdup("the machine has ended"));
	if (r > 0)
		take_answer(c, answer);
	else if (r < 0)
		end(c, VIV_EXIT_GONE, "gone", viv_strdup("the machine's viv answers nonsense"));
	return 0;
}

static int on_signal(struct viv_source *s, int signo, void *arg)
{
	struct client *c = arg;

	/* SIGTERM and SIGHUP are for us: that the connection ends is what the command notices. */
	if (signo == SIGINT && c->signals++ == 0) {
		viv_messages_send(c->m, json_pack("{s:s, s:i}", "do", "signal", "signal", signo),
				  NULL, 0);
		return 0;
	}
	return end(c, VIV_EXIT_SIGNAL + signo, "signal",
		   signo == SIGINT ? NULL : viv_asprintf("ended by SIG%s", sigabbrev_np(signo)));
}

static void on_resize(unsigned short rows, unsigned short columns, void *arg)
{
	struct client *c = arg;

	if (!c->console)
		viv_messages_send(c->m,
				  json_pack("{s:s, s:i, s:i}", "do", "resize", "rows", (int)rows,
					    "columns", (int)columns),
				  NULL, 0);
}

static void on_cut_off(void *arg)
{
	struct client *c = arg;

	if (c->console)
		end(c, 0, "signal", NULL);
	else
		end(c, VIV_EXIT_SIGNAL + SIGINT, "signal", viv_strdup("ended by ~."));
}

static int on_limit(struct viv_source *s, void *arg)
{
	return end(arg, VIV_EXIT_TIMEOUT, "timeout", viv_strdup("time limit reached"));
}

static int watch(struct client *c, int64_t timeout_ms, struct viv_error *err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	int r = viv_loop_new(&c->loop, err);

	if (r == 0)
		r = viv_loop_add_io(c->loop, c->m->fd, EPOLLIN, on_message, c, NULL, err);
	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(signals); i++)
		if (signals[i] != SIGHUP || !viv_signal_is_ignored(SIGHUP)) /* nohup viv exec … */
			r = viv_loop_add_signal(c->loop, signals[i], on_signal, c, NULL, err);
	if (r == 0 && timeout_ms)
		r = viv_loop_add_timer(c->loop, timeout_ms, on_limit, c, NULL, err);
	return r;
}

/*
 * Keys are read by us and not by the supervisor, for whom a terminal is just a file: in the background
 * it would take them from the shell.
 */
static int open_keyboard(struct client *c, int in_fd, int out_fd, bool plain, struct viv_error *err)
{
	const struct viv_keyboard_spec spec = {
		.plain = plain,
		.fd = in_fd,
		.out_fd = out_fd,
		.escape = c->console ? VIV_ESCAPE_CTRL_A : VIV_ESCAPE_TILDE,
		.resized = on_resize,
		.cut_off = on_cut_off,
		.arg = c,
	};

	return viv_keyboard_new(c->loop, &spec, &c->keyboard, err);
}

static json_t *words(const char *const *list)
{
	json_t *j = json_array();

	for (; list && *list; list++)
		json_array_append_new(j, viv_messages_bytes(*list));
	return j;
}

static json_t *exec_request(const struct viv_client_command *command)
{
	json_t *j = json_pack("{s:s, s:o, s:o, s:b, s:i}", "do", "exec", "argv",
			      words(command->argv), "env", words(command->env), "pty", command->pty,
			      "fail_on", (int)command->fail_on);
	unsigned short rows, columns;

	if (command->cwd)
		json_object_set_new(j, "cwd", viv_messages_bytes(command->cwd));
	if (command->here)
		json_object_set_new(j, "here", viv_messages_bytes(command->here));
	if (command->user)
		json_object_set_new(j, "user", viv_messages_bytes(command->user));
	if (command->pty) {
		viv_terminal_size(command->out_fd, &rows, &columns);
		json_object_set_new(j, "rows", json_integer(rows));
		json_object_set_new(j, "columns", json_integer(columns));
	}
	return j;
}

/* Sends the request with the streams; those that there are not are /dev/null. */
static int send_request(struct viv_messages *m, json_t *request, const int *streams, size_t n,
			struct viv_error *err)
{
	VIV_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[VIV_MESSAGE_FDS], r;

	for (size_t i = 0; i < n; i++)
		fds[i] = streams[i] >= 0 ? streams[i] : null;
	r = viv_messages_send(m, request, fds, n);
	if (r == 0)
		r = viv_messages_flush(m, true);
	return r < 0 ? viv_error_set(err, -r, "the machine's socket") : 0;
}

int viv_client_start(struct viv_messages *m, const struct viv_client_command *command,
		     struct viv_error *err)
{
	const int streams[] = {command->in_fd, command->out_fd, command->err_fd};

	return send_request(m, exec_request(command), streams, command->pty ? 2 : 3, err);
}

static int run(struct client *c, struct viv_error *err)
{
	int r = viv_loop_run(c->loop, err);

	if (r == 0 && c->err.code)
		r = viv_error_move(err, &c->err);
	return r;
}

static void client_end(struct client *c)
{
	viv_keyboard_free(c->keyboard);
	viv_loop_free(c->loop);
	viv_error_clear(&c->err);
	viv_client_result_free_contents(&c->result);
}

int viv_client_run(struct viv_messages *m, const struct viv_client_command *command,
		   struct viv_client_result *ret, struct viv_error *err)
{
	VIV_CLEANUP(client_end) struct client c = {.m = m};
	int streams[] = {command->in_fd, command->out_fd, command->err_fd};
	int r = watch(&c, command->timeout_ms, err);

	if (r == 0 && (command->pty || isatty(command->in_fd))) {
		r = open_keyboard(&c, command->in_fd, command->out_fd, !command->pty, err);
		streams[0] = r == 0 ? viv_keyboard_fd(c.keyboard) : -1;
	}
	if (r == 0)
		r = send_request(m, exec_request(command), streams, command->pty ? 2 : 3, err);
	if (r == 0)
		r = run(&c, err);
	if (r < 0)
		return r;
	*ret = c.result;
	c.result = (struct viv_client_result){0};
	return 0;
}

int viv_client_console(struct viv_messages *m, int in_fd, int out_fd, bool *ret_ended,
		       struct viv_error *err)
{
	VIV_CLEANUP(client_end) struct client c = {.m = m, .console = true};
	int streams[] = {-1, out_fd};
	int r = watch(&c, 0, err);

	if (r == 0)
		r = open_keyboard(&c, in_fd, out_fd, false, err);
	if (r == 0) {
		streams[0] = viv_keyboard_fd(c.keyboard);
		r = send_request(m, json_pack("{s:s}", "do", "console"), streams, 2, err);
	}
	if (r == 0)
		r = run(&c, err);
	if (r == 0)
		*ret_ended = c.result.status == VIV_EXIT_GONE;
	return r;
}
