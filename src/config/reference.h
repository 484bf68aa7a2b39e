/* SPDX-License-Identifier: MIT */
#pragma once

/* The option table as documentation. */

#include "base/json.h"

/*
 * Options whose name holds `pattern` (letters' case doesn't matter; "*" stands for anything; a
 * user's own name for <name>), or, if there are none, whose text does. NULL: all. Each returns how
 * many there were.
 */
size_t viv_reference_text(const char *pattern, struct viv_str *ret);
/* [{name, type, default, example, description}, …]; what an option has not is left out. */
size_t viv_reference_json(const char *pattern, json_t **ret);
/* A manual page (man(7)), with what the table doesn't hold: how machine files are written. */
void viv_reference_man(struct viv_str *ret);

/*
 * What stands left of the "=" where the option is set: dashed names in brackets; of a list's item only the item's own
 * names.
 */
void viv_reference_assigned(const char *name, struct viv_str *ret);
