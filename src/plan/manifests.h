/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the layers hold, asked path by path. Their manifests (image/tree.h) are searched as text: reading
 * a whole one costs more than all else of an etc layer. Inside plan/ only.
 */

#include "base/error.h"
#include "base/str.h"

struct viv_manifests {
	struct viv_str *texts; /* highest layer first */
	size_t n;
};

/* `layers`: their folders in the store, lowest first. */
int viv_manifests_read(const struct viv_strv *layers, struct viv_manifests *ret, struct viv_error *err);
void viv_manifests_free(struct viv_manifests *m);

struct viv_there {
	char type; /* as in image/tree.h; never a whiteout */
	unsigned mode, uid, gid;
	bool is_mask; /* a link to /dev/null */
};

/* What the machine has under that path ("etc/ssl/private") by its layers alone. False: nothing. */
bool viv_manifests_find(const struct viv_manifests *m, const char *path, struct viv_there *ret);
