/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#define ASKED_MAX (4u << 20)

int methods_ask(struct call *c, const char *const *argv, const char *user, struct runner_output *ret)
{
	const struct runner_command spec = {
		.argv = argv, .user = user, .deadline = c->deadline, .max_output = ASKED_MAX};
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = runner_command_run(c->r, c->g, &spec, ret, &err);

	if (code < 0 && err.code)
		return call_error(c, &err);
	if (code == -EFBIG)
		return call_fail(c, VIV_VERDICT_FAIL, "%s: %s: more than %u MiB of output", c->g->name, argv[0],
				 ASKED_MAX >> 20);
	if (code < 0)
		return call_waited(c, code, "the end of %s", argv[0]);
	if (ret->error)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: %s: %s", c->g->name, argv[0], ret->error);
	return 0;
}

static int check_path(lua_State *L)
{
	viv_lua_script_check_path(L, 1);
	return 1;
}

const char *methods_path(struct call *c, int i)
{
	const char *why;

	lua_pushcfunction(c->L, check_path);
	lua_pushvalue(c->L, c->first + i);
	if (lua_pcall(c->L, 1, 1, 0) == LUA_OK)
		return lua_tostring(c->L, -1);
	why = lua_tostring(c->L, -1);
	call_fail(c, VIV_VERDICT_ERROR, "%s: %s", c->method->name, why ? why : "no file");
	return NULL;
}

int methods_watch(struct call *c, const char *kind, const char *const *words, char **ret_answer)
{
	const struct viv_watch_spec spec = {kind, words};
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = runner_watch(c->r, c->g, &spec, c->deadline, ret_answer, &err);

	if (code < 0 && err.code) {
		call_error(c, &err);
		viv_error_clear(&err);
		return METHODS_SAID;
	}
	return code;
}

int methods_watched(struct call *c, int code, const char *answer, const char *what)
{
	VIV_FREE char *shown = answer && *answer ? viv_slice_printable(viv_slice(answer)) : NULL;

	switch (code) {
	case METHODS_SAID:
		return -1;
	case -ETIMEDOUT:
	case -ENOTCONN:
	case -EINTR:
	case -ESHUTDOWN:
	case -ECONNABORTED:
	case -ECANCELED:
		return call_waited(c, code, "%s", what);
	case -EINVAL:
	case -EOPNOTSUPP:
	case -EPROTO:
		return call_fail(c, VIV_VERDICT_ERROR, "%s: waiting for %s: %s", c->g->name, what,
				 shown ? shown : strerror(-code));
	default:
		call_fail(c, VIV_VERDICT_FAIL, "%s: waiting for %s: %s", c->g->name, what,
			  shown ? shown : strerror(-code));
		call_add_console(c);
		return -1;
	}
}
