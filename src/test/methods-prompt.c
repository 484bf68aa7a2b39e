/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "base/fd.h"
#include "base/status.h"
#include "run/client.h"
#include "test/prompt.h"
#include "test/reference.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A shell on the prompt's terminal: in a child, whose other end the machine has as any caller of its supervisor's. */

struct shell {
	struct runner *r;
	bool done;
	int status;
};

static _Noreturn void run_shell(const struct viv_test_prompt *spec, int fd, const char *command)
{
	const char *const argv[] = {"sh", "-c", command ? command : "exec \"${SHELL:-/bin/sh}\" -l", NULL};
	int out = fileno(spec->out), r;
	VIV_CLEANUP(viv_client_result_free_contents) struct viv_client_result result = {0};
	const char *term = getenv("TERM");
	VIV_FREE char *env = viv_asprintf("TERM=%s", term && *term ? term : "linux");
	const char *const envs[] = {env, NULL};
	const struct viv_client_command c = {.argv = argv, .env = envs, .pty = isatty(spec->in_fd) && isatty(out),
					     .in_fd = spec->in_fd, .out_fd = out, .err_fd = out};
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	viv_messages_open(&m, fd);
	r = viv_client_run(&m, &c, &result, &err);
	if (r < 0 || result.reason)
		dprintf(out, "\n%s\n", r < 0 ? err.msg : result.reason);
	_exit(r < 0 ? VIV_EXIT_ENVIRONMENT : result.status);
}

static int on_end(struct viv_source *s, pid_t pid, int status, void *arg)
{
	struct shell *shell = arg;

	shell->done = true;
	shell->status = WIFEXITED(status) ? WEXITSTATUS(status) : VIV_EXIT_ENVIRONMENT;
	runner_wake(shell->r);
	return 0;
}

static bool is_done(void *arg)
{
	return ((const struct shell *)arg)->done;
}

static int open_shell(struct call *c, struct shell *shell, struct viv_source **ret, pid_t *ret_pid, struct viv_error *err)
{
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "a shell");
	r = viv_control_add(c->g->control, fds[0], err);
	if (r < 0) {
		viv_close(fds[1]);
		return r;
	}
	fflush(NULL);
	*ret_pid = fork();
	if (*ret_pid == 0)
		run_shell(c->r->run->prompt, fds[1], call_text(c, 0));
	viv_close(fds[1]);
	if (*ret_pid < 0)
		return viv_error_set(err, errno, "a shell");
	return viv_loop_add_child(c->r->loop, *ret_pid, on_end, shell, ret, err);
}

static int do_shell(struct call *c)
{
	struct shell shell = {.r = c->r};
	struct viv_source *source = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	pid_t pid = 0;
	int code;

	if (!c->r->prompt)
		return call_fail(c, VIV_VERDICT_ERROR, "%s:%s: there is nobody to type: run it with viv test -i",
				 c->g->global, c->method->name);
	prompt_lend(c->r->prompt, true);
	code = open_shell(c, &shell, &source, &pid, &err);
	if (code == 0)
		code = runner_wait(c->r, NULL, is_done, &shell, 0);
	if (!shell.done && pid > 0)
		kill(pid, SIGTERM); /* it puts the terminal right, and is reaped with us */
	if (!shell.done)
		viv_source_remove(source);
	prompt_lend(c->r->prompt, false);
	if (code < 0 && err.code)
		return call_error(c, &err);
	if (code < 0)
		return call_waited(c, code, "the shell's end");
	return 0;
}

const struct method methods_prompt[] = {
	{"shell", "?s", "(command)", NULL, "a shell in it on your terminal, only with viv test -i", do_shell},
	{"shell_interact", "?s", "(command)", NULL, "another name for shell", do_shell},
	{0},
};

/* Functions of the prompt */

static int leave(struct call *c, bool quit)
{
	prompt_leave(c->r->prompt, quit);
	return 0;
}

static int do_continue(struct call *c)
{
	return leave(c, false);
}

static int do_quit(struct call *c)
{
	return leave(c, true);
}

static int do_test(struct call *c)
{
	if (prompt_test(c->r->prompt) < 0)
		return call_fail(c, VIV_VERDICT_ERROR, "interrupted");
	return 0;
}

/* Those with the word in their name; NULL: all. */
static size_t list(FILE *out, const char *before, const struct method *m, const char *word)
{
	size_t n = 0;

	for (; m->name; m++) {
		if (word && !strstr(m->name, word))
			continue;
		fprintf(out, "%s%s%s\n    %s\n", before, m->name, m->shown, m->text);
		n++;
	}
	return n;
}

void prompt_list_machines(const struct runner *r, FILE *out)
{
	fputs("Machines:", out);
	for (size_t i = 0; i < r->n_guests; i++)
		fprintf(out, " %s", r->guests[i]->global);
	fputs(". They start when they are needed; start_all() starts them at once.\n", out);
}

static int do_help(struct call *c)
{
	FILE *out = prompt_out(c->r->prompt);
	const char *word = call_text(c, 0);
	size_t n = 0;

	if (!word) {
		fputs("What is typed is Lua, as in a test. Variables are kept without `local` (x = 3).\n", out);
		prompt_list_machines(c->r, out);
		fputs("Ctrl-C ends what runs; Tab completes; the first words below need no ().\n", out);
	}
	n += list(out, "", functions_prompt, word);
	for (const struct method *const *t = function_tables; *t; t++)
		n += list(out, "", *t, word);
	for (const struct method *const *t = method_tables; *t; t++)
		n += list(out, "machine:", *t, word);
	n += list(out, "t.", functions_assert, word);
	if (!n) {
		VIV_FREE char *shown = viv_slice_printable(viv_slice(word));

		fprintf(out, "There is nothing with \"%s\" in its name.\n", shown);
	}
	return 0;
}

const struct method functions_prompt[] = {
	{"continue", "", "()", NULL, "goes on: runs the test, or ends it where it failed", do_continue},
	{"quit", "", "()", NULL, "ends it all, without the test if it has not been run", do_quit},
	{"test", "", "()", NULL, "runs the test, on the machines as they are, and comes back", do_test},
	{"help", "?s", "(word)", NULL, "lists all that there is, or what has the word in its name (`help wait`)", do_help},
	{0},
};
