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

enum viv_etc_kind { VIV_ETC_FILE, VIV_ETC_LINK, VIV_ETC_FOLDER };

struct viv_etc_file {
	char *path; /* relative to the root: "etc/motd" */
	enum viv_etc_kind kind;
	struct viv_str content; /* a file's bytes, a link's target */
	unsigned mode;
	char *user, *group; /* names, looked up when the layer is made; NULL: root */
	unsigned uid, gid;
	char *option; /* that it follows from; NULL: it is in every machine */
};

struct viv_etc {
	struct viv_etc_file *files; /* sorted by path */
	size_t n_files;
};

/* What all areas write (plan/area.h); not the account files. Two options that write one file: EEXIST, naming both. */
int viv_etc_collect(const struct viv_config *config, struct viv_etc *ret, struct viv_error *err);
void viv_etc_free_contents(struct viv_etc *etc);

/* What the layer's id covers: each file's path, kind, mode, owner names and SHA-256. */
json_t *viv_etc_describe(const struct viv_etc *etc);

/* Adds one more; takes the content. `option` as in the struct; copied. */
struct viv_etc_file *viv_etc_add(struct viv_etc *etc, const char *option, const char *path,
				 enum viv_etc_kind kind, unsigned mode, struct viv_str *content);

/*
 * Makes the image `dest` (in an existing folder) of the files, in a sandbox, where they can belong
 * to anybody. Times are `time`, in seconds.
 */
int viv_etc_write(const struct viv_etc *etc, const char *dest, int64_t time, struct viv_error *err);
