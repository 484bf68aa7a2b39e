/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Users and groups: those that the packages made (the account files of the layers below) and those
 * that the configuration asks for, merged into the account files of the etc layer. passwd(5),
 * group(5), shadow(5), gshadow(5).
 *
 * A name that says no id itself gets the one that the lock file recorded for it, else the lowest that
 * nobody was promised: from 1000, for system users from 400 (packages count from 100 upwards and from
 * 999 downwards). It is recorded, so that later builds and kept disks agree.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "config/config.h"

/*
 * users.groups, and what is a group only when it is asked for: wheel, for those that NixOS calls so. The
 * caller owns it.
 */
json_t *viv_accounts_groups(const json_t *users, const json_t *groups, bool wheel);

/*
 * Gives an id to each user and group of the configuration that is to be made and has none.
 * `recorded` is {"users": {name: uid}, "groups": {name: gid}}, or NULL; *ret is the same for the
 * configuration's names alone. The caller owns it.
 */
json_t *viv_accounts_assign(const json_t *users, const json_t *groups, const json_t *recorded);

/*
 * users.users for a recipe, which everybody can read who can read the store: a password in plain text
 * is there as its hash, the one that shadow(5) has. The caller owns *ret.
 */
int viv_accounts_describe(const json_t *users, json_t **ret, struct viv_error *err);

struct viv_accounts_request {
	/* {"passwd": text, "group": text, "shadow": text, "gshadow": text} of the layers below. */
	const json_t *below;
	const json_t *users;  /* users.users */
	const json_t *groups; /* as viv_accounts_groups gave them */
	const json_t *ids;    /* as viv_accounts_assign gave them */
	const char *shell;    /* of people who name none */
	const struct viv_config *config; /* for the places of errors; NULL: they have none */
	bool open_root; /* root without a password of its own gets an empty one */
};

/* A home folder to be made. */
struct viv_home {
	char *path, *user;
	unsigned uid, gid;
};

struct viv_accounts {
	struct viv_str passwd, group, shadow, gshadow; /* the files' new text */
	struct viv_home *homes;
	size_t n_homes;
};

/*
 * EINVAL: an id taken twice, an unknown group or member, a name that passwd(5) can't hold, a home of two, an id
 * or a group other than that which a package gave.
 */
int viv_accounts_make(const struct viv_accounts_request *req, struct viv_accounts *ret,
		      struct viv_error *err);
void viv_accounts_free_contents(struct viv_accounts *a);

/* The id of a name in a passwd or group text; -1 if it isn't there. */
int64_t viv_account_id(const char *text, const char *name);
