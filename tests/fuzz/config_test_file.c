/* SPDX-License-Identifier: MIT */

/*
 * A test file: what it declares, then the configuration of its first machine, as load.c does it, without
 * the child process and its limits.
 */

#include "config/check.h"
#include "config/lua/lua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const reserved[] = {"log", "subtest", NULL};

static void define(struct viv_lua *lua, struct viv_eval *ev)
{
	size_t loaded = ev->faults->count;

	do {
		ev->faults->count = loaded;
		viv_eval_init(ev, ev->arena, ev->faults, viv_lua_frontend(lua));
		viv_lua_define(lua);
	} while (viv_lua_run_blocks(lua));
	viv_lua_settle(lua);
	viv_eval_all(ev);
	viv_check(ev);
}

/* What is declared; NULL: there were errors. The caller owns it. */
static json_t *evaluate(const char *text, size_t size, const char *machine)
{
	const struct viv_config_choice choice = {"fs", "xfs"}, param = {"size", "7"};
	const struct viv_config_test test = {.machine = machine,
					     .matrix = &choice,
					     .n_matrix = 1,
					     .params = &param,
					     .n_params = 1,
					     .reserved = reserved};
	VIV_ARENA arena = VIV_ARENA_INIT;
	VIV_STR messages = VIV_STR_INIT;
	struct viv_faults faults = {.arena = &arena};
	struct viv_lua *lua = viv_lua_new(&arena, &faults, NULL, NULL);
	struct viv_value *all = NULL;
	struct viv_eval ev;
	json_t *declared;

	viv_eval_init(&ev, &arena, &faults, viv_lua_frontend(lua));
	viv_lua_set_eval(lua, &ev);
	viv_lua_set_test(lua, &test);
	viv_lua_load_text(lua, text, size, "web.test.lua");
	declared = viv_lua_test_declared(lua);
	if (machine)
		define(lua, &ev);
	viv_lua_finish(lua);
	if (machine && viv_slot_value(&ev, ev.root, &all) < 0 && !faults.count)
		abort();
	viv_faults_format(&faults, viv_lua_frontend(lua), 100, &messages);
	viv_lua_free(lua);
	if (!faults.count)
		return declared;
	json_decref(declared);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_JSON *declared = evaluate((const char *)data, size, NULL), *again = NULL;
	const char *first;

	if (!declared)
		return 0;
	first = json_string_value(json_array_get(json_object_get(declared, "machines"), 0));
	again = evaluate((const char *)data, size, first);
	if (again && !json_equal(declared, again))
		abort();
	return 0;
}
