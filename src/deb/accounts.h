/* SPDX-License-Identifier: MIT */
#pragma once

/* System users and groups in a tree: made beforehand, so that ids don't depend on chance; read after. */

#include "base/error.h"
#include "base/json.h"

/* {"users": {…}, "groups": {…}} as in the lock file; those that are there already stay. */
int viv_accounts_create(const char *root, const json_t *accounts, int64_t epoch,
			struct viv_error *err);
/* {"passwd", "group", "shadow", "gshadow"}: the files' texts. The caller owns *ret. */
int viv_accounts_read(const char *root, json_t **ret, struct viv_error *err);
/*
 * The users and groups with ids 100 to 999 that `texts` has and `before` (may be NULL) has not; without
 * those that a lock file may not have.
 */
json_t *viv_accounts_new(const char *root, const json_t *texts, const json_t *before);
/* Password ages later than the epoch's day become it. */
int viv_accounts_clamp(const char *root, int64_t epoch, struct viv_error *err);
