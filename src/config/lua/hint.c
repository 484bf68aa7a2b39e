/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"
void viv_lua_report_undefined(struct viv_lua *lua, const struct viv_lua_read *r)
{
	viv_eval_unknown(lua->ev, &r->name, r->origin);
}
const char *viv_lua_syntax_hint(struct viv_lua *lua, const struct viv_file *file, int line)
{
	return NULL;
}
