/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One evaluation, from files to data, in this process: what the child does (child.h), and what
 * tests call where a crash is to be seen.
 */

#include "config/config.h"
#include "config/lua/lua.h"

/*
 * *ret: {"values": {…}, "definitions": {name: [{place, priority, value, used}, …], …}}. The caller
 * owns it. EINVAL: the message has every error of the files, one a line.
 */
int viv_config_evaluate(const struct viv_config_request *req, const char *folder,
			struct viv_report *report, struct viv_lua_note *note, json_t **ret,
			struct viv_error *err);
