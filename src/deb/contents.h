/* SPDX-License-Identifier: MIT */
#pragma once

/* What is in a package, by its archive, and what of it is chosen. Inside deb/ only: take.c works with it. */

#include "base/error.h"
#include "base/str.h"

struct viv_contents_file {
	char *path;   /* as viv_take_path gives it */
	char *target; /* of l, as it is written; of h, the path of a file of the same package; else NULL */
	char type;    /* f, d, l, h: a file, a folder, a symbolic link, a hard link */
	unsigned mode;
	unsigned uid, gid;
	size_t number; /* in the archive's order */
	bool chosen, extracted;
};

struct viv_contents {
	struct viv_contents_file *files; /* sorted by path; what is there twice in the archive's order */
	size_t n, cap;
};

/*
 * Reads the list of the package at `deb`. Entries that lead out, devices and the like are passed over, and so
 * are the links in the place of /bin and its like. EBADMSG: damaged, or a hard link that is none to a file of the
 * package. E2BIG: too many. *ret is to be freed in any case.
 */
int viv_contents_read(const char *deb, struct viv_contents *ret, struct viv_error *err);
void viv_contents_free(struct viv_contents *c); /* the contents */

/* The first entry of that path; NULL: there is none. */
struct viv_contents_file *viv_contents_find(const struct viv_contents *c, const char *path);
/* Chooses a file, what it is a link to, if that is in the package, too, and the folders that they are in. */
void viv_contents_choose(struct viv_contents *c, struct viv_contents_file *f);
/* All but documentation, translations, and files for other init systems. */
void viv_contents_choose_all(struct viv_contents *c);
/* What a pattern (struct viv_take_package) matches. false: nothing. */
bool viv_contents_choose_matching(struct viv_contents *c, const char *pattern);

/* Whose owner and mode count: of a hard link those of the file that it is one to. */
const struct viv_contents_file *viv_contents_real(const struct viv_contents *c, const struct viv_contents_file *f);
