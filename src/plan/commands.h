/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is made or checked by the machine's own programs while it is built: its language's tables by its
 * localedef, its configuration of nginx by its nginx. They run in a sandbox, in the tree of the packages' layers,
 * and what they leave in VIV_COMMANDS_OUT is a layer of its own, below etc. Without any there is no such layer.
 * Inside plan/ only.
 */

#include "image/squashfs.h"
#include "plan/etc.h"

#define VIV_COMMANDS_OUT "/viv-made" /* as they see it */

struct viv_command {
	char *option; /* that it follows from, and that is named if it fails */
	char *inputs; /* what names of files of the etc layer that it reads begin with, blanks between; NULL: none */
	char *script; /* for sh -e, as root; what it prints is shown if it fails */
	bool network_admin; /* it needs tables of the sandbox's own network */
};

struct viv_commands {
	struct viv_command *items;
	size_t count;
};

/* Copies all. What is returned is valid until the next is added. */
struct viv_command *viv_commands_add(struct viv_commands *c, const char *option, const char *inputs, const char *script);
void viv_commands_free(struct viv_commands *c);

/* What the layer's id covers: scripts, and the files that they read. The caller owns it. */
json_t *viv_commands_describe(const struct viv_commands *c, const struct viv_etc *etc);

/*
 * Makes the image `dest` (in an existing folder). `layers` are those of the packages (deb/layer.h), lowest first.
 * A command that fails: EINVAL with its option's place and what it said.
 */
int viv_commands_run(const struct viv_commands *c, const struct viv_etc *etc, const struct viv_config *config,
		     const struct viv_strv *layers, const char *dest, int64_t time, struct viv_report *report,
		     struct viv_error *err);

/*
 * The same for a root without layers, in a tree of what is in its image; all its files stand below `folder`. What they
 * make is dropped: only checks have a place there. Those whose program is not in it are passed over.
 */
int viv_commands_check(const struct viv_commands *c, const struct viv_config *config, const struct viv_pack *pack,
		       const char *folder, struct viv_report *report, struct viv_error *err);
