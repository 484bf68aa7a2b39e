/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A root made of single files: packages are taken apart, not installed. Of each package that is named those
 * files are taken that its patterns match, then the shared libraries that the programs among them need: a
 * library is looked for in what their package depends on, and so on. Maintainer scripts don't run.
 */

#include "deb/deb.h"
#include "image/squashfs.h"

struct viv_take_package {
	const char *name;
	/*
	 * fnmatch(3) patterns on paths without a "/" in front, where '*' stands for any text, also one with
	 * slashes; the folders /bin, /sbin, /lib, /lib64 are those in /usr. Empty: all but documentation.
	 */
	const struct viv_strv *patterns;
	const char *place; /* "vm.lua:3: system.minimal.packages.htop", for messages */
};

/* What a package that was named would do when it is installed, as far as that is seen (deb/scripts.h). */
struct viv_take_wish {
	char *package, *where; /* where: "postinst", "usr/lib/sysusers.d/x.conf" */
	char *command;
};
struct viv_take_wishes {
	struct viv_take_wish *items;
	size_t n;
};
void viv_take_wishes_free(struct viv_take_wishes *w); /* the contents */

struct viv_take_request {
	struct viv_store *store;
	const struct viv_deb_source *source;
	const struct viv_lock *lock; /* has the packages, and all that they depend on */
	const struct viv_take_package *packages;
	size_t n_packages;
	const char *folder; /* where the files are put: is there, and empty */
};

/*
 * Fetches what is missing and adds what was taken to *ret, with the owners' numbers and the modes that the packages'
 * archives have. *ret_epoch: no package is newer. ENOENT: a pattern that matches no file, or a library that no
 * package has.
 */
int viv_deb_take(const struct viv_take_request *req, struct viv_report *report, struct viv_pack *ret,
		 int64_t *ret_epoch, struct viv_take_wishes *ret_wishes, struct viv_error *err);

/* "bin/sh" and "./lib/x" are "usr/bin/sh" and "usr/lib/x". NULL: it leads out. The caller frees it. */
char *viv_take_path(const char *path);
/* The names in a Depends field, alternatives too: "libc6 (>= 2.36), a | b:any" is libc6, a, b. Pushed. */
void viv_take_depends(struct viv_slice field, struct viv_strv *ret);
