/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The top layer: what options write into the system. Files that follow from options alone are
 * listed before anything is built, so that their content decides the layer's id; the account files
 * need the layers below and are made when the layer is.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "config/config.h"
#include "plan/manifests.h"

enum viv_etc_kind { VIV_ETC_FILE, VIV_ETC_LINK, VIV_ETC_FOLDER };

struct viv_etc_file {
	char *path; /* relative to the root: "etc/motd" */
	enum viv_etc_kind kind;
	struct viv_str content; /* a file's bytes, a link's target */
	unsigned mode;
	char *user, *group; /* names, looked up when the layer is made; NULL: root */
	unsigned uid, gid;
	char *option; /* that it follows from; NULL: it is in every machine */
	/*
	 * A unit's: where a layer below has that unit, it becomes <path>.d/options.conf with this before
	 * its content. NULL: it stands where it is said, whatever there is below.
	 */
	char *drop_in;
};

struct viv_etc {
	struct viv_etc_file *files; /* sorted by path */
	size_t n_files;
};

/* Who wants it: "vm.lua:3: systemd.services.foo", or "every machine of this kind". The caller frees it. */
char *viv_etc_where(const struct viv_config *config, const struct viv_etc_file *f);

/* What all areas write (plan/area.h); not the account files. Two options that write one file: EEXIST, naming both. */
int viv_etc_collect(const struct viv_config *config, struct viv_etc *ret, struct viv_error *err);
/* Sorts, and looks for such a file that two write; once more when others came to it. */
int viv_etc_check(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err);
void viv_etc_free_contents(struct viv_etc *etc);

/* What the layer's id covers: each file's path, kind, mode, owner names and SHA-256. */
json_t *viv_etc_describe(const struct viv_etc *etc);

/* Adds one more; takes the content. `option` as in the struct; copied. */
struct viv_etc_file *viv_etc_add(struct viv_etc *etc, const char *option, const char *path,
				 enum viv_etc_kind kind, unsigned mode, struct viv_str *content);

/* What was added under that path so far. NULL: nothing. Valid until the next is added. */
struct viv_etc_file *viv_etc_find(const struct viv_etc *etc, const char *path);

/*
 * Makes drop-ins of the units that the layers have already, and of instances whose template is there, and
 * points what starts them to those. Paths change: viv_etc_check.
 */
void viv_etc_place_units(struct viv_etc *etc, const struct viv_manifests *layers);

/*
 * Adds the folders on the way to each file, with the owners and modes that they have in the layers: the
 * highest layer's count for a folder. Below what is no folder, here or in a layer, nothing can be: EINVAL.
 */
int viv_etc_add_parents(struct viv_etc *etc, const struct viv_manifests *layers, const struct viv_config *config,
			struct viv_error *err);

/*
 * Makes the image `dest` (in an existing folder) of the files, in a sandbox, where they can belong
 * to anybody. Times are `time`, in seconds.
 */
int viv_etc_write(const struct viv_etc *etc, const char *dest, int64_t time, struct viv_error *err);
