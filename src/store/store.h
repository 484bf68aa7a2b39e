/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The store: objects that never change, found by what they were made from. docs/store.md has the
 * layout on disk.
 *
 * An object is a file or a folder named "<hash>-<name>". The hash is over its recipe, a JSON value
 * that holds everything that went in: the ids of inputs, the builder and its version, arguments.
 * It is made under a temporary name, synced and renamed, and only then does its info file appear:
 * an object is there if its info file is. Any number of processes may use one store; of several
 * that want one object, one builds and the others wait.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/report.h"
#include "base/str.h"

struct viv_store;	/* an open store; one thread, not to be used in a forked child */
struct viv_store_build; /* an object being made, locked by this process */
struct viv_store_pin;	/* keeps objects from being collected while it lives */

/*
 * path NULL: $VIV_STORE, else $XDG_DATA_HOME/viv/store. Made if it isn't there. A store that can't
 * be written can still be read; what needs to write fails with EROFS or EACCES. A network file
 * system is refused (EOPNOTSUPP): its locks can't be relied on.
 */
int viv_store_open(const char *path, struct viv_store **ret, struct viv_error *err);
void viv_store_close(struct viv_store *s);
VIV_DEFINE_CLEANUP(struct viv_store, viv_store_close)
const char *viv_store_root(const struct viv_store *s); /* absolute */

/*
 * Adds what to do to an error that says that the disk is full (once); others stay as they are.
 * Returns `code`, a negative errno. The store's own functions have done it.
 */
int viv_store_explain(const struct viv_store *s, int code, struct viv_error *err);

/* "<first 32 digits of SHA-256 of the canonical recipe>-<name>". The caller frees it. */
char *viv_store_id(const char *name, const json_t *recipe);
/* 32 hexadecimal digits, '-', then letters, digits and "+-._~:=" and no leading dot; ≤ 200 bytes.
 */
bool viv_store_id_is_valid(const char *id);
/* Where the object is, or will be. The caller frees it. */
char *viv_store_object_path(const struct viv_store *s, const char *id);
/* Is it there? Cheap: one access(2). */
bool viv_store_has(const struct viv_store *s, const char *id);

/*
 * Is it there with everything that it refers to, of the sizes that were recorded? Reads an info
 * file for each, and stats its files (not of large folders); what `viv store verify` moved aside is missed here and not by viv_store_has.
 */
bool viv_store_has_closure(const struct viv_store *s, const char *id);

/*
 * Takes the right to make an object. 0: *ret is ours to make. 1: it is there (*ret untouched),
 * perhaps because another process made it while we waited. Either way the object is pinned until
 * the store is closed.
 *
 * So that two processes never wait for each other: whoever holds builds begins only objects that
 * those need (inputs), or takes a group at once with viv_store_begin_many. EDEADLK: this store is
 * making that object already.
 */
int viv_store_begin(struct viv_store *s, const char *id, struct viv_report *report,
		    struct viv_store_build **ret, struct viv_error *err);
/*
 * The same for a group, in an order that can't deadlock. ret[i] is NULL where the object is there.
 * On failure nothing is held.
 */
int viv_store_begin_many(struct viv_store *s, const char *const *ids, size_t n,
			 struct viv_report *report, struct viv_store_build **ret,
			 struct viv_error *err);
/*
 * Where to make it: a name in a fresh folder on the store's file system, not there yet. Files,
 * folders and symbolic links can be stored, nothing else; owners, times and extended attributes are
 * not kept, of the permissions only whether a file is executable.
 */
const char *viv_store_build_path(const struct viv_store_build *b);
/*
 * Makes it visible: permissions without write, synced, renamed. `recipe` is what the id came from
 * (checked), `refs` the ids that it needs in order to be used (its closure). Frees b, also on
 * error, and then nothing is left behind.
 */
int viv_store_commit(struct viv_store_build *b, const json_t *recipe, const struct viv_strv *refs,
		     struct viv_error *err);
/* What making it came to, `r`, decides: 0: commits it; an error: aborts, and returns that. */
int viv_store_end(struct viv_store_build *b, int r, const json_t *recipe, const struct viv_strv *refs,
		  struct viv_error *err);
/*
 * Commits a group with a few syncs for all of them: for many small objects the only quick way.
 * `sha256` is the object's content hash where the caller has it already (it is believed); NULL: it
 * is computed while the disk works. Frees every item's build and sets it to NULL, also on error;
 * then some of the objects may be there, each of them whole.
 */
struct viv_store_commit {
	struct viv_store_build *build;
	const json_t *recipe;
	const struct viv_strv *refs; /* NULL: none; may name objects earlier in the group */
	const char *sha256;
};
int viv_store_commit_many(struct viv_store *s, struct viv_store_commit *items, size_t n,
			  struct viv_error *err);
void viv_store_abort(struct viv_store_build *b); /* NULL is fine */
VIV_DEFINE_CLEANUP(struct viv_store_build, viv_store_abort)

/*
 * {id, kind: "file", "executable" or "folder", recipe, refs, size (bytes in all), sha256 (of a
 * file, or of a folder's listing)}. ENOENT if the object isn't there. The caller owns *ret.
 */
int viv_store_info(const struct viv_store *s, const char *id, json_t **ret, struct viv_error *err);

/*
 * Keeps objects (and their closures) until the pin is freed or the process ends. Pin before you
 * look: 0 even for ids that are not there. The ids of objects made under a pin can be added.
 */
int viv_store_pin(struct viv_store *s, const struct viv_strv *ids, struct viv_store_pin **ret,
		  struct viv_error *err);
int viv_store_pin_add(struct viv_store_pin *pin, const char *id, struct viv_error *err);
void viv_store_unpin(struct viv_store_pin *pin);
VIV_DEFINE_CLEANUP(struct viv_store_pin, viv_store_unpin)

/*
 * Makes `link` a symbolic link to the object and a root: the object stays until the link is gone
 * or points elsewhere. Replaces a link that points into the store; never anything else (EEXIST).
 */
int viv_store_add_root(struct viv_store *s, const char *link, const char *id,
		       struct viv_error *err);
/*
 * Keeps objects for as long as a file (a lock file) is there. Replaces what was kept for it before.
 * Ids that are not there (yet) are fine.
 */
int viv_store_add_file_root(struct viv_store *s, const char *file, const struct viv_strv *ids,
			    struct viv_error *err);

/* What is in the store, sorted by id. */
struct viv_store_entry {
	char *id;
	char *kind;	      /* the recipe's "kind", "" if it has none */
	uint64_t size;	      /* bytes of its files */
	int64_t used;	      /* when it was last asked for (exact to ten minutes); seconds */
	struct viv_strv refs; /* sorted */
	char *damage;	      /* its info file can't be used, and why; else NULL */
};
struct viv_store_list {
	struct viv_store_entry *entries;
	size_t n, cap;
};
int viv_store_list(const struct viv_store *s, struct viv_store_list *ret, struct viv_error *err);
void viv_store_list_free(struct viv_store_list *l); /* the contents; usable again */
#define VIV_STORE_LIST VIV_CLEANUP(viv_store_list_free) struct viv_store_list
/* NULL: not there. Borrowed. */
struct viv_store_entry *viv_store_list_find(const struct viv_store_list *l, const char *id);

/*
 * The ids and everything they refer to, each after what it refers to; the same order every time.
 * ENOENT if one is not there. `ret` is added to.
 */
int viv_store_closure(const struct viv_store_list *l, const struct viv_strv *ids,
		      struct viv_strv *ret, struct viv_error *err);
/*
 * The object that a person means: an id, its first digits, its name if there is just one of that
 * name, or the path of a link into the store. The caller frees *ret.
 */
int viv_store_find(const struct viv_store *s, const struct viv_store_list *l, const char *text,
		   char **ret, struct viv_error *err);
/* Bytes on the disk that an object takes. */
int viv_store_disk_size(const struct viv_store *s, const char *id, uint64_t *ret,
			struct viv_error *err);

/*
 * Removes objects that no root and no pin leads to. Safe at any time: beside builds, machines and
 * other collections.
 */
struct viv_store_gc {
	bool dry_run;	     /* only say what would go */
	bool keep_archives;  /* nothing whose recipe's kind is "archive" goes */
	int64_t keep_recent; /* nothing used in the last so many seconds goes; 0: all may go */
	uint64_t max_size;   /* remove only until the store has at most so many bytes, what was used
				longest ago first; UINT64_MAX: remove all that may go */
};
struct viv_store_gc_result {
	struct viv_strv removed;
	uint64_t removed_size;
	size_t kept,
		recent; /* recent: of the kept, those kept only because they were used lately */
	uint64_t kept_size, recent_size;
};
int viv_store_gc(struct viv_store *s, const struct viv_store_gc *options, struct viv_report *report,
		 struct viv_store_gc_result *ret, struct viv_error *err);
void viv_store_gc_result_free(struct viv_store_gc_result *r); /* the contents */

/*
 * Compares objects (ids NULL: all) with what was recorded of them. With `move_aside` those that are
 * damaged, and those that refer to them, go to the folder "corrupt": then the next build makes them
 * again. Problems are not errors: the caller frees them with viv_store_problems_free.
 */
struct viv_store_problems {
	struct viv_store_problem {
		char *id, *what;
	} * items;
	size_t n, cap;
};
int viv_store_verify(struct viv_store *s, const struct viv_strv *ids, bool move_aside,
		     struct viv_report *report, struct viv_store_problems *ret,
		     struct viv_error *err);
/*
 * A look at objects that are about to be used: those of the ids that are there, and what they refer
 * to. It is as quick as viv_store_has_closure while all is well; if not, they are verified and what
 * is damaged is moved aside, so that it is built again. 1: something was; the report says what.
 */
int viv_store_mend(struct viv_store *s, const struct viv_strv *ids, struct viv_report *report,
		   struct viv_error *err);
void viv_store_problems_free(struct viv_store_problems *p); /* the contents */

/* Writes the closure of the ids as a tar stream (docs/store.md). Same objects, same bytes. */
int viv_store_export(struct viv_store *s, const struct viv_strv *ids, int fd,
		     struct viv_report *report, struct viv_error *err);
/*
 * Reads such a stream, which may be anybody's: every name, size and hash is checked before an
 * object appears. What can't be checked is that an object really came from its recipe. The ids are
 * added to *ret (may be NULL), also those that were there already; they are pinned until the store
 * is closed. On failure the objects before the bad one stay.
 */
int viv_store_import(struct viv_store *s, int fd, struct viv_report *report, struct viv_strv *ret,
		     struct viv_error *err);
