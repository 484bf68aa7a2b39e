/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a folder holds: paths, types, owners, modes, times, contents' hashes. A tree is scanned from
 * disk, or read from a manifest, the text that lies beside a layer's image and tells what is in it
 * without looking into it. Two trees make a difference: what a layer holds.
 *
 * The manifest's lines, in the order of their paths (bytes compared):
 *
 *	<type> <mode> <uid> <gid> <size> <mtime> <digest> <capabilities> <path>[ -> <target>]
 *
 * type: f (file), h (a further name of the file whose path is the target), d, l (symbolic link), c, b
 * (target is "major:minor"; c with 0:0 is a whiteout: the path is gone), p, s. mode is octal, mtime
 * in seconds. digest: SHA-256 of a file's content, else "-". capabilities: the value of
 * security.capability in hexadecimal, else "-". In paths and targets bytes up to 0x20, 0x7f and '\'
 * are written as \ooo. The folder itself is the path ".".
 */

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

#include <sys/types.h>

struct viv_tree_entry {
	char *path;   /* relative; "." for the folder itself */
	char *target; /* l: where to; h: the path of the first name; else NULL */
	char *caps;   /* hexadecimal, or NULL */
	char type;
	unsigned mode; /* permission bits */
	uid_t uid;
	gid_t gid;
	uint64_t size;
	int64_t mtime;
	dev_t rdev;
	char sha256[VIV_SHA256_HEX]; /* "" until hashed */

	/* Of scanned trees only: was a file touched since? */
	uint64_t inode;
	int64_t ctime_ns;
};

struct viv_tree {
	struct viv_tree_entry *entries; /* sorted by path */
	size_t n, cap;
};

#define VIV_TREE_INIT ((struct viv_tree){0})
#define VIV_TREE      VIV_CLEANUP(viv_tree_free) struct viv_tree

void viv_tree_free(struct viv_tree *t); /* frees the contents */
const struct viv_tree_entry *viv_tree_find(const struct viv_tree *t, const char *path);
bool viv_tree_is_whiteout(const struct viv_tree_entry *e);
/* Has any file capabilities? */
bool viv_tree_has_caps(const struct viv_tree *t);

/* Everything below root, which must be a folder; crosses no mounts, follows no links. */
int viv_tree_scan(const char *root, struct viv_tree *ret, struct viv_error *err);

/*
 * Fills in the hashes of files. With `known`, a file that has not been touched since `known` was
 * scanned takes its hash from there. Uses as many threads as there are processors.
 */
int viv_tree_hash_files(const char *root, struct viv_tree *t, const struct viv_tree *known,
		  struct viv_error *err);

/* Takes the hashes of files that are the same in `from` by path, inode and size: nobody wrote between. */
void viv_tree_take_hashes(struct viv_tree *t, const struct viv_tree *from);
/* As above by path and size, from the manifest of what was just unpacked to make t. */
void viv_tree_take_manifest_hashes(struct viv_tree *t, const struct viv_tree *manifest);

void viv_tree_write_manifest(const struct viv_tree *t, struct viv_str *ret);
/* EINVAL with the line's number. Any bytes are fine as input; at most 4 million lines. */
int viv_tree_read_manifest(const char *text, size_t len, const char *what, struct viv_tree *ret,
			   struct viv_error *err);

/* Lays a layer's tree over `t`: entries replace, whiteouts remove. `layer` is left empty. */
void viv_tree_overlay(struct viv_tree *t, struct viv_tree *layer);
