/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * squashfs images by gensquashfs (squashfs-tools-ng), from a list of what is to be in them: owners and modes
 * are the list's, so nothing needs to be root. Same list, same files, same tool: same bytes.
 */

#include "base/error.h"
#include "base/str.h"

struct viv_pack_entry {
	char *path;	/* relative to the root, safe (viv_path_is_safe) */
	char type;	/* f (file), d (folder), l (symbolic link) */
	unsigned mode, uid, gid;
	char *from;	/* f: a file of ours, absolute; l: the target; d: NULL */
	char *origin;	/* whose it is, for people: "package busybox" */
	size_t number;	/* in the order in which they were added */
};

struct viv_pack {
	struct viv_pack_entry *entries;
	size_t n, cap;
};

/* Texts are copied; root owns it until the caller says otherwise. The pointer is good until the next call. */
struct viv_pack_entry *viv_pack_add(struct viv_pack *p, char type, const char *path, unsigned mode,
				    const char *from, const char *origin);
void viv_pack_free(struct viv_pack *p); /* the contents */
/* The first entry of that path; NULL: there is none. Borrowed. */
const struct viv_pack_entry *viv_pack_find(const struct viv_pack *p, const char *path);

/*
 * Makes the image `dest`, which isn't there yet. The list is sorted. Folders that nobody listed belong to root and have 0755. All
 * times are `time` (seconds). EEXIST: two entries of one path, unless both are folders: then the first added counts.
 */
int viv_squashfs_write(struct viv_pack *p, const char *dest, int64_t time, struct viv_error *err);
/* "gensquashfs 1.2.0", for recipes: other versions write other bytes. The caller frees *ret. */
int viv_squashfs_version(char **ret, struct viv_error *err);
