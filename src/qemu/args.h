/* SPDX-License-Identifier: MIT */
#pragma once

/* How an argument of QEMU's is written. Private to this folder. */

#include "base/str.h"

/* A value inside an option: QEMU wants its commas doubled. */
static inline void args_add_value(struct viv_str *s, const char *value)
{
	for (const char *p = value; *p; p++) {
		if (*p == ',')
			viv_str_add_char(s, ',');
		viv_str_add_char(s, *p);
	}
}

/* Takes the text over; *value is empty afterwards. */
static inline void args_add_option(struct viv_strv *v, const char *option, struct viv_str *value)
{
	viv_strv_push(v, option);
	viv_strv_take(v, viv_str_steal(value));
}

static inline void args_add(struct viv_strv *v, const char *option, const char *value)
{
	viv_strv_push(v, option);
	viv_strv_push(v, value);
}
