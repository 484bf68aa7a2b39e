/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Settings of a kernel's configuration, as people write them: "CONFIG_XFS_FS=m", "# CONFIG_XFS_FS is not set", or
 * NixOS's way, "XFS_FS m" ("XFS_FS? m": only where the kernel has such a thing). Of several for one name the
 * last counts.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

struct viv_kconfig {
	json_t *settings; /* {"XFS_FS": "m"}; as in .config, so a text has its quotes; "n": not set */
	json_t *optional; /* the names that need not come true */
};
struct viv_kconfig viv_kconfig_new(void);
void viv_kconfig_free(struct viv_kconfig *c); /* the contents */

/* One setting. `value` is a boolean, a whole number, or a text as in .config. */
void viv_kconfig_set(struct viv_kconfig *c, const char *name, const json_t *value);
/* Lines; empty ones and comments mean nothing. EINVAL says which line of `what` is no setting. */
int viv_kconfig_read(struct viv_kconfig *c, const char *text, const char *what, struct viv_error *err);
bool viv_kconfig_has(const struct viv_kconfig *c, const char *name);
/* As lines of .config, in order of name. `checked`: only those that must come true. */
void viv_kconfig_write(const struct viv_kconfig *c, bool checked, struct viv_str *ret);
