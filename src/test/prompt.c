/* SPDX-License-Identifier: MIT */
#include "test/prompt.h"

#include "test/line.h"
#include "test/methods.h"

#include <signal.h>
#include <unistd.h>

#define NESTED_MAX 8 /* prompts where tests failed that prompts began */

struct prompt {
	struct runner *r;
	const struct viv_test_prompt *spec;
	struct viv_line *line;
	lua_Debug *frame; /* the failing function's; NULL: none waits */
	unsigned nested;
	bool reading;	/* waits for a line */
	bool testing;	/* the test runs: prompts come where it fails */
	bool tested;	/* it has been run */
	bool leaves, quits;
	bool lent;
};

/* Lines */

static int on_readable(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	*(bool *)arg = true;
	viv_loop_quit(viv_source_loop(s), 0);
	return 0;
}

static bool is_set(void *arg)
{
	return *(bool *)arg;
}

/* Machines go on meanwhile. */
static int wait_for_input(int fd, void *arg)
{
	struct prompt *p = arg;
	struct viv_source *source;
	bool ready = false;
	int code = viv_loop_add_io(p->r->loop, fd, EPOLLIN, on_readable, &ready, &source, NULL);

	if (code < 0)
		return code;
	p->reading = true;
	code = runner_wait(p->r, NULL, is_set, &ready, 0);
	p->reading = false;
	viv_source_remove(source);
	return code;
}

static void complete(const char *line, size_t cursor, struct viv_strv *ret, size_t *ret_from, void *arg)
{
	const struct prompt *p = arg;

	prompt_complete(p->r, line, cursor, ret, ret_from);
}

/* A line's value, or what it failed with */

static void print_lines(struct prompt *p, const char *before, const char *text)
{
	struct viv_slice rest = viv_slice(text), line;

	while (rest.len && viv_slice_line(&rest, &line)) {
		VIV_FREE char *shown = viv_slice_printable(line);

		fprintf(p->spec->out, "%s%s\n", before, shown);
	}
}

static void print_value(struct prompt *p, lua_State *L, int index)
{
	VIV_FREE char *text = NULL;

	if (lua_type(L, index) == LUA_TSTRING && strchr(lua_tostring(L, index), '\n')) {
		print_lines(p, "", lua_tostring(L, index));
		return;
	}
	text = methods_shown(L, index);
	print_lines(p, "", text);
}

static void print_failure(struct prompt *p, const struct runner_failure *f, const struct viv_strv *trace)
{
	print_lines(p, "", f->reason);
	print_lines(p, "    ", f->details ? f->details : "");
	for (size_t i = 0; trace && trace->count > 1 && i < trace->count; i++)
		print_lines(p, "  ", trace->items[i]);
}

static void print_results(struct prompt *p, int code, int base)
{
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	lua_State *L = viv_lua_script_state(p->r->script);

	for (int i = base + 1; code == 0 && i <= lua_gettop(L); i++)
		print_value(p, L, i);
	if (code == -EINVAL) {
		call_take_value(L, &f);
		print_failure(p, &f, NULL);
	} else if (code < 0) {
		fprintf(p->spec->out, "%s\n", code == -EINTR ? "interrupted" : strerror(-code));
	}
}

/* After Ctrl-C; another signal stays. */
static void go_on(struct prompt *p)
{
	if (p->r->signal == SIGINT)
		p->r->signal = 0;
	viv_lua_script_go_on(p->r->script);
	runner_failure_free_contents(&p->r->final);
}

static void call(struct prompt *p, int base)
{
	bool testing = p->testing;
	int code;

	p->testing = false;
	code = viv_lua_script_call(p->r->script, 0, LUA_MULTRET, NULL);
	p->testing = testing;
	print_results(p, code, base);
	go_on(p);
}

/* "continue" alone, or "help wait", is what one types; "continue()", "help('wait')" is what it is. */
static const char *as_call(const char *line, char *buffer, size_t size)
{
	struct viv_slice word, argument = {0}, rest = viv_slice(line);

	if (!viv_slice_word(&rest, &word) || strpbrk(line, "(=.:\"'\\["))
		return line;
	if (viv_slice_word(&rest, &argument) && viv_slice_trim(rest).len)
		return line;
	for (const struct method *m = functions_prompt; m->name; m++) {
		int n;

		if (!viv_slice_eq(word, m->name) || (argument.len && !*m->params))
			continue;
		n = argument.len ? snprintf(buffer, size, "%s('%.*s')", m->name, (int)argument.len, argument.data)
				 : snprintf(buffer, size, "%s()", m->name);
		return (size_t)n < size ? buffer : line;
	}
	return line;
}

/* False: it wants another line. */
static bool evaluate(struct prompt *p, const char *text)
{
	struct viv_lua_script *s = p->r->script;
	lua_State *L = viv_lua_script_state(s);
	int base = lua_gettop(L), code;
	char buffer[64];

	code = viv_lua_script_compile(s, as_call(text, buffer, sizeof(buffer)), p->frame);
	if (code == 0)
		call(p, base);
	else if (code != -EAGAIN)
		print_lines(p, "", lua_tostring(L, -1));
	lua_settop(L, base);
	fflush(p->spec->out);
	return code != -EAGAIN;
}

/* Until it is left. */
static void read_lines(struct prompt *p)
{
	VIV_STR text = VIV_STR_INIT;

	p->leaves = p->quits = false;
	while (!p->leaves && (!p->r->signal || p->r->signal == SIGINT)) {
		VIV_FREE char *line = NULL;
		int code;

		go_on(p);
		code = viv_line_read(p->line, text.len ? ">> " : p->frame ? "failed> " : "viv> ", &line);
		if (code == -EINTR && p->r->signal == SIGINT) {
			viv_str_free(&text);
			continue;
		}
		if (code < 0) {
			fputc('\n', p->spec->out);
			print_lines(p, "it has no end: ", text.len ? text.data : "");
			fflush(p->spec->out);
			break;
		}
		viv_str_addf(&text, "%s%s", text.len ? "\n" : "", line);
		if (!text.len || evaluate(p, text.data))
			viv_str_free(&text);
	}
}

/* The test */

static bool is_interrupted(const struct prompt *p)
{
	return p->r->signal == SIGINT;
}

int prompt_test(struct prompt *p)
{
	bool testing = p->testing;

	p->testing = true;
	runner_call_test(p->r);
	p->testing = testing;
	p->tested = !is_interrupted(p);
	fprintf(p->spec->out, "%s%s%s\n", viv_verdict_name(p->r->result.verdict), p->r->result.reason ? ": " : "",
		p->r->result.reason ? p->r->result.reason : "");
	fflush(p->spec->out);
	return is_interrupted(p) ? -EINTR : 0;
}

static void introduce(struct prompt *p)
{
	FILE *out = p->spec->out;
	const char *machine = p->r->n_guests ? p->r->guests[0]->global : "machine";

	prompt_list_machines(p->r, out);
	fprintf(out,
		"What is typed is Lua: %s:succeed(\"uname -r\"), %s:shell(), x = 3. Tab completes.\n"
		"`test` runs the test and comes back; Ctrl-D or `continue` runs it and ends. `help` shows what there is,\n"
		"`help WORD` some of it; `quit` ends it all.\n", machine, machine);
	fflush(out);
}

void prompt_run_test(struct prompt *p)
{
	introduce(p);
	for (;;) {
		read_lines(p);
		if (p->tested || p->quits || p->r->signal)
			break;
		if (prompt_test(p) == 0)
			break;
		go_on(p);
	}
	if (!p->tested)
		runner_set_verdict(p->r, p->r->signal ? VIV_VERDICT_ERROR : VIV_VERDICT_SKIP,
				   p->r->signal ? "interrupted" : "left at the prompt");
}

void prompt_failed(struct prompt *p, lua_State *L)
{
	VIV_CLEANUP(runner_failure_free_contents) struct runner_failure f = {0};
	lua_Debug frame, *outer = p->frame;
	bool leaves = p->leaves, quits = p->quits;

	if (!p->testing || p->r->expecting || p->nested >= NESTED_MAX || p->r->signal)
		return;
	call_take_value(L, &f);
	if (f.verdict == VIV_VERDICT_SKIP || !viv_lua_script_frame(p->r->script, &frame))
		return;
	lua_getinfo(L, "l", &frame);
	fprintf(p->spec->out, "stopped at line %d of %s:\n", frame.currentline, p->r->run->shown);
	print_failure(p, &f, NULL);
	fprintf(p->spec->out, "Its variables are there. Ctrl-D or `continue` ends the test.\n");
	p->frame = &frame;
	p->nested++;
	p->testing = false;
	read_lines(p);
	p->testing = true;
	p->nested--;
	p->frame = outer;
	p->leaves = leaves;
	p->quits = quits || p->quits;
}

/* From others */

void prompt_leave(struct prompt *p, bool quit)
{
	p->leaves = true;
	p->quits = quit;
}

bool prompt_interrupt(struct prompt *p, int signo)
{
	return signo == SIGINT && p->lent;
}

FILE *prompt_out(const struct prompt *p)
{
	return p->spec->out;
}

void prompt_lend(struct prompt *p, bool lent)
{
	p->lent = lent;
}

void prompt_tell(struct prompt *p, const json_t *event)
{
	if (p->lent || viv_streq(viv_json_str(event, "event"), "result"))
		return;
	if (p->reading)
		viv_line_hide(p->line);
	p->spec->show(event, p->spec->arg);
	if (p->reading)
		viv_line_show(p->line);
}

struct prompt *prompt_new(struct runner *r)
{
	struct prompt *p = viv_new(struct prompt);
	const struct viv_line_spec line = {
		.in_fd = r->run->prompt->in_fd,
		.out = r->run->prompt->out,
		.history = r->run->prompt->history,
		.wait = wait_for_input,
		.complete = complete,
		.arg = p,
	};

	*p = (struct prompt){.r = r, .spec = r->run->prompt};
	p->line = viv_line_new(&line);
	return p;
}

void prompt_free(struct prompt *p)
{
	if (p)
		viv_line_free(p->line);
	free(p);
}
