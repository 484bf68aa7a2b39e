/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Debian's source packages. One is described by JSON, kept in the lock file so that the same is taken again:
 *
 *	{"name": "htop", "version": "3.4.1-5", "index": "trixie/main",
 *	 "buildDepends": ["debhelper", …],		names; of alternatives the first
 *	 "files": [{"name": "htop_3.4.1-5.dsc", "path": "pool/main/h/htop/…", "sha256", "size"}, …]}
 *
 * The empty object stands for "there is none".
 */

#include "deb/deb.h"
#include "deb/lock.h"

/*
 * Asks apt for the source of a (binary or source) package; `version` NULL: the newest. ENOENT: there is
 * none. The caller owns *ret.
 */
int viv_deb_source_find(const struct viv_deb_source *source, const char *name, const char *version,
			struct viv_report *report, json_t **ret, struct viv_error *err);

/* A file of it, as the store keeps archives. */
struct viv_deb_source_file {
	char *name;
	struct viv_lock_package package; /* viv_archive_id */
};
struct viv_deb_source_files {
	struct viv_deb_source_file *items; /* the .dsc first */
	size_t n;
};
void viv_deb_source_files_free(struct viv_deb_source_files *f); /* the contents */
/* EINVAL: a lock file that can't be believed. */
int viv_deb_source_files(const json_t *source, struct viv_deb_source_files *ret,
			 struct viv_error *err);
/* Puts those that are missing into the store. `lock` has the time of the indexes. */
int viv_deb_source_fetch(struct viv_store *store, const struct viv_deb_source *source,
			 const struct viv_lock *lock, const struct viv_deb_source_files *files,
			 struct viv_report *report, struct viv_error *err);

/*
 * The names in a Depends or Build-Depends field that hold on the architecture (without its profiles, but
 * nocheck): of alternatives the first. "a (>= 1) | b, c [arm64], d <!nocheck>" gives "a" on amd64.
 */
void viv_deb_depends_names(struct viv_slice field, const char *architecture, struct viv_strv *ret);
/* A field of a stanza with the lines that continue it, or none. Not the stanza's first. */
struct viv_slice viv_deb_field(const char *stanza, const char *field);
/* All that a source's stanza, or a tree's debian/control, names for building. */
void viv_deb_build_depends(const char *stanza, const char *architecture, struct viv_strv *ret);
