/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the options of one area put into a machine: files, packages, drivers, kernel parameters. Each area is a
 * file in areas/ and a line in the table of area.c; no area knows another. Inside plan/ only.
 */

#include "plan/commands.h"
#include "plan/etc.h"

struct viv_area {
	/* Into the etc layer. An option that can't be fulfilled: EINVAL with its place. */
	int (*files)(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err);
	/* `base` is the lowest layer, `ret` what the machine asks for. */
	void (*packages)(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret);
	/*
	 * Into the initrd, in the order in which they are loaded. To `optional` goes what the kernel may have built
	 * in, or not know at all.
	 */
	void (*modules)(const struct viv_config *config, struct viv_strv *ret, struct viv_strv *optional);
	void (*params)(const struct viv_config *config, struct viv_strv *ret);
	/* What the machine's own programs make or check. */
	void (*commands)(const struct viv_config *config, struct viv_commands *ret);
	/* Does it need what Debian's cloud kernel leaves out? */
	bool (*full_kernel)(const struct viv_config *config);
};

/* Each in its turn: later kernel parameters stand over earlier ones. */
extern const struct viv_area *const viv_areas[]; /* ends with NULL */

bool viv_uses_systemd(const struct viv_config *config);
bool viv_uses_runit(const struct viv_config *config);
bool viv_has_screen(const struct viv_config *config); /* virtualisation.graphics, .textScreen */
bool viv_is_minimal(const struct viv_config *config); /* system.root: no layers, plan/minimal.h */
/* What is on the disk that the machine writes to: "ext4". NULL: there is none, or nothing of ours on it. */
const char *viv_own_disk_type(const struct viv_config *config);
/* A list option's strings; everything that an array has. */
void viv_push_option(struct viv_strv *to, const struct viv_config *config, const char *option);

/*
 * Files for the etc layer. `option` is the one that they follow from, named if another writes them, too; NULL:
 * they are in every machine. Copied.
 */
void viv_etc_add_text(struct viv_etc *etc, const char *option, const char *path, const char *text); /* 0644 */
void viv_etc_add_script(struct viv_etc *etc, const char *option, const char *path, const char *text); /* 0755 */
void viv_etc_add_link(struct viv_etc *etc, const char *option, const char *path, const char *target);

#define VIV_ETC_UNITS "etc/systemd/system/"
/* Where systemd is told to start a unit: "multi-user.target.wants/x.service". */
#define VIV_ETC_WANTED VIV_ETC_UNITS "multi-user.target.wants/"
