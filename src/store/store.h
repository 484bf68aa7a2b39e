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

struct viv_store;	/* an open store; one thread */
struct viv_store_build; /* an object being made, locked by this process */
struct viv_store_pin;	/* keeps objects from being collected while it lives */

/* path NULL: $VIV_STORE, else $XDG_DATA_HOME/viv/store. Made if it isn't there. */
int viv_store_open(const char *path, struct viv_store **ret, struct viv_error *err);
void viv_store_close(struct viv_store *s);
VIV_DEFINE_CLEANUP(struct viv_store, viv_store_close)
const char *viv_store_root(const struct viv_store *s); /* absolute */

/* "<first 32 digits of SHA-256 of the canonical recipe>-<name>". The caller frees it. */
char *viv_store_id(const char *name, const json_t *recipe);
/* 32 hexadecimal digits, '-', then letters, digits and "+-._~:=" and no leading dot; ≤ 200 bytes. */
bool viv_store_id_is_valid(const char *id);
/* Where the object is, or will be. The caller frees it. */
char *viv_store_object_path(const struct viv_store *s, const char *id);
/* Is it there? Cheap: one access(2). */
bool viv_store_has(const struct viv_store *s, const char *id);

/*
 * Takes the right to make an object. 0: *ret is ours to make. 1: it is there (*ret untouched),
 * perhaps because another process made it while we waited.
 */
int viv_store_begin(struct viv_store *s, const char *id, struct viv_report *report,
		    struct viv_store_build **ret, struct viv_error *err);
/* Where to make it: a name in a fresh folder on the store's file system, not there yet. */
const char *viv_store_build_path(const struct viv_store_build *b);
/*
 * Makes it visible: permissions without write, synced, renamed. `recipe` is what the id came from
 * (checked), `refs` the ids that it needs in order to be used (its closure). Frees b, also on error,
 * and then nothing is left behind.
 */
int viv_store_commit(struct viv_store_build *b, const json_t *recipe, const struct viv_strv *refs,
		     struct viv_error *err);
void viv_store_abort(struct viv_store_build *b);
VIV_DEFINE_CLEANUP(struct viv_store_build, viv_store_abort)

/* {id, recipe, refs, size, sha256 (of a file, or of a folder's listing), kind}. */
int viv_store_info(struct viv_store *s, const char *id, json_t **ret, struct viv_error *err);

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
int viv_store_add_root(struct viv_store *s, const char *link, const char *id, struct viv_error *err);
