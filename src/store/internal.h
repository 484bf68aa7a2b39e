/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the store's own files share. docs/store.md says what each folder and lock is for.
 *
 * Locks are byte ranges of the store's one lock file, taken through an open file description
 * (fcntl(2), F_OFD_SETLK): they go when the process does, however it ends, and any number of them
 * costs one descriptor and leaves no files to clear away.
 */

#include "base/hash.h"
#include "store/store.h"

#include <sys/stat.h>
#include <sys/types.h>

struct viv_store {
	char *root;
	int root_fd, lock_fd;
	int read_only;		       /* 0, or the errno that says why */
	char *tmp;		       /* our folder below tmp/, or NULL */
	int tmp_fd;		       /* flock'ed: tmp is alive */
	unsigned next_build;	       /* names the next folder below tmp */
	struct viv_strv building;      /* ids that we hold the lock of */
	struct viv_store_pin *session; /* ids begun; NULL until the first */
};

struct viv_store_build {
	struct viv_store *store;
	char *id;
	char *dir;  /* tmp/N: everything of this build */
	char *path; /* dir/<name> */
};

/* paths; the caller frees them */
char *viv_store_info_path(const struct viv_store *s, const char *id);
char *viv_store_path(const struct viv_store *s, const char *name); /* "tmp", "pins", … */
/* Fails, saying why, if the store can't be written. */
int viv_store_check_writable(const struct viv_store *s, struct viv_error *err);
/* Recipe and id belong together? */
bool viv_store_recipe_fits(const char *id, const json_t *recipe);

/* lock.c */
enum viv_store_lock {
	/*
	 * Held shared while something becomes "in use" (a pin, a root, a commit, a fresh tmp
	 * folder) and exclusively while a collection decides and hides. Never held for long.
	 */
	VIV_STORE_LOCK_GUARD,
	VIV_STORE_LOCK_GC, /* one collection at a time */
	VIV_STORE_LOCK_OBJECTS,
};
/* Waits as long as it takes; for VIV_STORE_LOCK_GUARD only. */
int viv_store_guard(const struct viv_store *s, bool exclusive, struct viv_error *err);
void viv_store_unguard(const struct viv_store *s);
/* 0, or -EAGAIN when another process has it. */
int viv_store_try_lock(const struct viv_store *s, off_t at);
/* Waits; after a moment the report hears `what` we wait for. */
int viv_store_wait_lock(const struct viv_store *s, off_t at, const char *what,
			struct viv_report *report, struct viv_error *err);
void viv_store_unlock(const struct viv_store *s, off_t at);
/* The place in the lock file that stands for an object. */
off_t viv_store_object_lock(const char *id);

static inline void viv_store_unguardp(const struct viv_store **s)
{
	if (*s)
		viv_store_unguard(*s);
}
#define VIV_STORE_GUARDED VIV_CLEANUP(viv_store_unguardp) const struct viv_store

/* session.c */
/* Makes our tmp folder if it isn't there, and clears those of processes that are gone. */
int viv_store_need_tmp(struct viv_store *s, struct viv_error *err);
/* Removes tmp folders and pins that nobody holds. */
int viv_store_clear_dead(struct viv_store *s, struct viv_error *err);
/* A path below our tmp folder that is not there. The caller frees it. */
char *viv_store_tmp_name(struct viv_store *s);
/* Pins the id until the store is closed. */
int viv_store_keep(struct viv_store *s, const char *id, struct viv_error *err);
/* A pin that doesn't count as use. */
int viv_store_pin_untouched(struct viv_store *s, const struct viv_strv *ids,
			    struct viv_store_pin **ret, struct viv_error *err);
/* Adds every id that somebody pins. Under the guard. */
int viv_store_pinned(struct viv_store *s, struct viv_strv *ids, struct viv_error *err);
/* Notes that the object is used now. */
void viv_store_touch(const struct viv_store *s, const char *id);

/* root.c */
/* The id in ".../objects/<id>[/...]", or NULL. The caller frees it. */
char *viv_store_id_of_target(const char *target);
/* Adds every id that a root leads to. `clear`: removes roots that no longer hold. Under the guard.
 */
int viv_store_rooted(const struct viv_store *s, bool clear, struct viv_strv *ids,
		     struct viv_error *err);

/* tree.c */
struct viv_tree_facts {
	const char *kind; /* "file", "executable", "folder" */
	uint64_t size;	  /* bytes of its files and links */
	uint64_t disk;	  /* bytes on disk */
	uint64_t entries; /* files, folders, links; without the top */
};
/*
 * Visits what is below a folder, in the order of the names' bytes; a folder before and after what
 * is in it. `fn`'s negative result ends it.
 */
struct viv_tree_visit {
	int dir;	  /* the folder that holds it */
	const char *name; /* in dir */
	const char *path; /* relative to the top */
	struct stat st;
	bool after;
};
typedef int (*viv_tree_fn)(const struct viv_tree_visit *v, void *arg, struct viv_error *err);
int viv_tree_walk(const char *top, viv_tree_fn fn, void *arg, struct viv_error *err);
#define VIV_TREE_DEPTH_MAX 200 /* folders in folders; each costs a descriptor while we are in it \
				*/

/*
 * Takes the write permission from everything but the top, sets all times to the same moment, and
 * fails (EINVAL) if there is something that can't be stored.
 */
int viv_tree_seal(const char *path, struct viv_tree_facts *ret, struct viv_error *err);
/* The top's own permissions: writable for a folder that is to be renamed. */
int viv_tree_chmod_top(const char *path, bool writable, struct viv_error *err);
int viv_tree_measure(const char *path, struct viv_tree_facts *ret, struct viv_error *err);
int viv_tree_hash(const char *path, char ret_hex[VIV_SHA256_HEX], struct viv_error *err);

/* info.c */
json_t *viv_info_make(const char *id, const json_t *recipe, const struct viv_strv *refs,
		      const struct viv_tree_facts *facts, const char *sha256);
/* Is it an info file's content, and this object's? Says what is wrong with it. */
int viv_info_check(const json_t *info, const char *id, struct viv_error *err);
#define VIV_INFO_MAX (16u << 20)

/* list.c */
/* Indices of all entries, each after those that it refers to. The caller frees it. */
size_t *viv_store_list_order(const struct viv_store_list *l);

/* gc.c */
/*
 * Takes an object out of sight: its info file goes, and what is left is moved to `folder` ("tmp",
 * "corrupt"). Under the guard, exclusively. *ret_path (the caller frees it): where it is now; NULL
 * if there was nothing.
 */
int viv_store_hide(struct viv_store *s, const char *id, const char *folder, char **ret_path,
		   struct viv_error *err);
