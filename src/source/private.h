/* SPDX-License-Identifier: MIT */
#pragma once

/* Between the files of source/. */

#include "deb/source.h"
#include "source/source.h"
#include "source/tree.h"

struct viv_source_set {
	struct viv_source_request req;
	json_t *built;	     /* {name: [deb, …]}; a deb is {name, version, architecture, sha256, size, depends} */
	struct viv_strv way; /* being built, for cycles */
};

/* How a tree is built where nothing is said. */
enum viv_source_style {
	VIV_STYLE_NONE,
	VIV_STYLE_DEBIAN, /* debian/rules */
	VIV_STYLE_MESON,
	VIV_STYLE_CMAKE,
	VIV_STYLE_CONFIGURE,
	VIV_STYLE_AUTOTOOLS,
	VIV_STYLE_MAKE,
	VIV_STYLE_MODULE, /* a Makefile or Kbuild of kernel modules, by where it is asked for */
	VIV_STYLE_KERNEL, /* kernel.c says it all; no tree is known for one by its files */
};

/* One package on its way. */
struct viv_source_job {
	struct viv_source_set *set;
	const json_t *entry;
	const char *name, *place;
	struct viv_own_tree tree;    /* path NULL: it is no tree of the user's */
	char *archive;		     /* id of a tar file in the store; NULL: it is none */
	struct viv_strv archive_files; /* the signs of styles in it */
	json_t *debian;		     /* the source record; NULL: none was asked for */
	enum viv_source_style style;
	json_t *patches;	     /* [{"file", "sha256"}] */
	const struct viv_source_kernel_request *kernel; /* NULL: it is none */
	struct viv_strv build_inputs;
	struct viv_lock *lock;	     /* of the build root */
	struct viv_deb_plan root;
	int64_t epoch;
	json_t *recipe;
	char *id, *version;
};

/* set.c */
bool viv_source_is_module(const struct viv_source_job *j); /* it is for a kernel: its headers are there */
void viv_source_job_clear(struct viv_source_job *j);
int viv_source_read_patches(struct viv_source_job *j, struct viv_error *err);
/* The recipe, the id and the version; j->root is known. */
void viv_source_make_recipe(struct viv_source_job *j);
/* The ids of such a list's archives. */
void viv_source_push_archives(const json_t *debs, struct viv_strv *ret);
/* The list of .debs as in viv_source_set, from the store or built. */
int viv_source_build_or_take(struct viv_source_job *j, struct viv_report *report, json_t **ret,
			     struct viv_error *err);

/* kernel.c */
json_t *viv_source_kernel_describe(const struct viv_source_kernel_request *k);
/* Its configuration, into the folder of what the build is given. */
int viv_source_kernel_write(const struct viv_source_kernel_request *k, const char *dir, struct viv_error *err);
struct viv_source_inside;
void viv_source_kernel_steps(const struct viv_source_job *j, struct viv_source_inside *ret);

/* style.c */
bool viv_source_is_sign(const char *path); /* does a file of that name tell how a tree is built? */
enum viv_source_style viv_source_style_of(const struct viv_source_job *j);
void viv_source_style_inputs(enum viv_source_style style, struct viv_strv *ret);
/* The shell commands for the steps; NULL in the entry: the style's. The caller frees it. */
char *viv_source_steps(const struct viv_source_job *j);

/* fetch.c: into the store. *ret is the id. */
int viv_source_fetch_archive(struct viv_source_job *j, const json_t *src, struct viv_report *report,
			     struct viv_error *err);

/* The signs among the names in a tar file, without the folder that all of it is in. All of it is read. */
int viv_source_archive_signs(const char *path, struct viv_strv *ret, struct viv_error *err);

/* root.c: what it is built in: fills lock, root, debian, epoch. */
int viv_source_make_root(struct viv_source_job *j, struct viv_report *report, struct viv_error *err);

/* run.c: into the folder, as what was hashed: EAGAIN when one changed since. Their names there are pushed. */
#define VIV_SOURCE_PATCH_MAX (64 << 20)
int viv_source_copy_patches(const json_t *patches, const char *dir, struct viv_strv *ret,
			    struct viv_error *err);
/* run.c: builds; the .debs are in *ret as in viv_source_set, each in the store as an archive. */
int viv_source_run(struct viv_source_job *j, struct viv_report *report, json_t **ret,
		   struct viv_error *err);

/* inside.c: in the sandbox. */
struct viv_source_inside {
	const char *name, *version, *architecture, *depends;
	const char *prepare; /* shell, in /build; NULL: nothing */
	/*
	 * Shell as well, or NULL: around the patches, and when all is over: that is run whenever the first of them was,
	 * and what it fails at leaves the folder as after a build that was ended.
	 */
	const char *before_patches, *after_patches, *at_end;
	const char *steps;
	bool programs;	     /* the package has any: their libraries are found */
	bool own;	     /* what was put into /build/dest becomes a package; else /build has .debs */
	const struct viv_strv *patches; /* names in /build/in/patches */
	const json_t *places;		/* [where the patch is named], for messages; NULL: the caller says it */
	const struct viv_strv *env;
	const struct viv_deb_source_files *files; /* copied to /build/in; may be NULL */
	const char *archive;			  /* an object, the same, as "archive"; may be NULL */
	const char *kernel_deb;			  /* the same, as "kernel.deb"; may be NULL */
	int quiet_limit_ms;
};
/* For viv_deb_run_in. The result: [{"file", "control"}] of what is in /build/out. */
int viv_source_inside(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		      struct viv_str *result, struct viv_error *err);
#define VIV_SOURCE_BUILD  "build" /* the bind that becomes /build */
#define VIV_SOURCE_FAILED EPROTO  /* a command ended by itself and failed; not ended in the middle of a file */
