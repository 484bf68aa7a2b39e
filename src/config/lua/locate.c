/* SPDX-License-Identifier: MIT */
#include "config/lua/state.h"
void viv_lua_locate(struct viv_frontend *fe, const struct viv_origin *origin,
		    const struct viv_name *name, struct viv_place *ret)
{
}
void viv_lua_locate_place(struct viv_lua *lua, const struct viv_origin *origin,
		    const struct viv_name *name, struct viv_place *ret)
{
}
