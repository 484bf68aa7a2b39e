/* SPDX-License-Identifier: MIT */

/* A whole machine file, up to its values or its errors, without the child process and its limits.
 */

#include "config/check.h"
#include "config/lua/lua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_ARENA arena = VIV_ARENA_INIT;
	VIV_STR messages = VIV_STR_INIT;
	struct viv_faults faults = {.arena = &arena};
	struct viv_lua *lua = viv_lua_new(&arena, &faults, NULL, NULL);
	struct viv_value *all = NULL;
	struct viv_eval ev;
	size_t loaded;

	viv_eval_init(&ev, &arena, &faults, viv_lua_frontend(lua));
	viv_lua_set_eval(lua, &ev);
	viv_lua_load_text(lua, (const char *)data, size, "vm.lua");
	loaded = faults.count;
	do {
		faults.count = loaded;
		viv_eval_init(&ev, &arena, &faults, viv_lua_frontend(lua));
		viv_lua_define(lua);
	} while (viv_lua_run_blocks(lua));
	viv_lua_settle(lua);
	viv_eval_all(&ev);
	viv_check(&ev);
	viv_lua_finish(lua);
	if (viv_slot_value(&ev, ev.root, &all) < 0 && !faults.count)
		abort();
	viv_faults_format(&faults, viv_lua_frontend(lua), 100, &messages);
	viv_lua_free(lua);
	return 0;
}
