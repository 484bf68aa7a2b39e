/* SPDX-License-Identifier: MIT */
#pragma once

/* What the store's commands share. */

#include "cmd/cmd.h"

/* An open store, what is in it, and the objects that the operands name. */
struct viv_cmd_store {
	struct viv_store *s;
	struct viv_store_list list;
	struct viv_strv ids;
};

/* Fails if an operand names no object. Free it in any case. */
int viv_cmd_store_start(struct viv_cmd *cmd, const struct viv_args *args, struct viv_cmd_store *ret,
			struct viv_error *err);
void viv_cmd_store_end(struct viv_cmd_store *c);
#define VIV_CMD_STORE VIV_CLEANUP(viv_cmd_store_end) struct viv_cmd_store

/* Prints it and drops the reference. */
int viv_cmd_print_json(json_t *j);
