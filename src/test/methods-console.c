/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#define TYPED_MAX 32768 /* bytes: no guest loses some of them if it reads at all (run/console.h) */

struct looking {
	struct guest *g;
	const char *text;
	const char *found; /* the line's begin */
};

static bool is_said(void *arg)
{
	struct looking *l = arg;
	const struct viv_str *all = &l->g->console;

	size_t n = strlen(l->text);

	if (all->len <= l->g->console_searched)
		return false;
	l->found = memmem(all->data + l->g->console_searched, all->len - l->g->console_searched, l->text, n);
	/* The text may have come in part; and a line that has no end yet may come anew. */
	if (!l->found && l->g->console_line > l->g->console_searched + n)
		l->g->console_searched = l->g->console_line - n;
	return l->found != NULL;
}

/* From where the last wait of this kind ended: text that was waited for before doesn't count twice. */
static int do_wait_for_console_text(struct call *c)
{
	struct looking l = {.g = c->g, .text = call_text(c, 0)};
	const char *end;
	int code = 0;

	c->g->console_searched = c->g->console_from;
	call_step(c, "waiting for \"%s\" on its console", l.text);
	if (!guest_is_on(c->g) && !is_said(&l) && methods_start(c, false) < 0)
		return -1;
	if (!l.found)
		code = runner_wait(c->r, c->g, is_said, &l, c->deadline);
	if (code < 0)
		return call_waited(c, code, "\"%s\" on its console", l.text);
	c->g->console_from = (size_t)(l.found - c->g->console.data) + strlen(l.text);
	while (l.found > c->g->console.data && l.found[-1] != '\n')
		l.found--;
	end = memchr(l.found, '\n', c->g->console.len - (size_t)(l.found - c->g->console.data));
	lua_pushlstring(c->L, l.found, end ? (size_t)(end - l.found)
					   : c->g->console.len - (size_t)(l.found - c->g->console.data));
	return 1;
}

static int do_get_console_log(struct call *c)
{
	lua_pushlstring(c->L, c->g->console.data ? c->g->console.data : "", c->g->console.len);
	return 1;
}

static int do_send_console(struct call *c)
{
	VIV_FREE char *shown = methods_shown(c->L, c->first);
	size_t len;
	const char *text = lua_tolstring(c->L, c->first, &len);

	if (!guest_is_on(c->g))
		return call_fail(c, VIV_VERDICT_FAIL, "%s: it is not running", c->g->name);
	if (len > TYPED_MAX)
		return call_fail(c, VIV_VERDICT_ERROR, "send_console: more than %d bytes at once", TYPED_MAX);
	call_step(c, "typing at its console: %s", shown);
	viv_console_write(viv_vm_console(c->g->vm), text, len);
	return 0;
}

const struct method methods_console[] = {
	{"wait_for_console_text", "s", "(text, {timeout})", "", "waits for text on its serial console; returns its line",
	 do_wait_for_console_text, .early = true},
	{"get_console_log", "", "()", NULL, "what its serial console has said so far", do_get_console_log, .early = true},
	{"send_console", "S", "(text)", NULL, "types text at its serial console", do_send_console, .early = true},
	{0},
};
