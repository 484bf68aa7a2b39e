/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * vm.lock: which packages, exactly, for each machine of a folder. JSON, sorted, indented, so that a
 * difference reads well. A machine's name is the path of its file from the lock file's folder:
 *
 *	{
 *	  "version": 1,
 *	  "machines": {"vm.lua": {			"default": without a file
 *	    "release": "trixie", "architecture": "amd64",
 *	    "components": ["main"], "recommends": false,
 *	    "without": ["man"],			kinds of documentation that are left out; none: it isn't there
 *	    "layers": [{
 *	      "name": "base",			base, packages, packages-2, …: lowest first
 *	      "requested": ["systemd-sysv"],	what was asked for by name
 *	      "packages": ["apt_3.0.3_amd64", …],	keys of "packages" below
 *	      "bootstrap": ["libc6", …],	base only: put there first, so that dpkg can run
 *	      "unpack": ["libc6", "*", …],	apt's order; "*": configure what is unpacked so far
 *	      "configure": ["libc6", …],	apt's order
 *	      "accounts": {…}			users and groups made before the first package
 *	    }, …],
 *	    "kernel": {"requested": "linux-image-cloud-amd64", "package": "linux-image-6.12…"} or null,
 *	    "accounts": {"base": {"users": {"sshd": {"uid": 990, …}}, "groups": {"tty": 5, …}}, …},
 *	    "ids": {"users": {"paul": 1000}, "groups": {"paul": 1000}}
 *	  }, …
 *	    "web.test.lua:client[fs=ext4]": {…}	one of several machines of a test file, with its matrix's values
 *	    "vm.lua#htop": {…}				what the machine's htop is built in, the same way
 *	      "source": {…}				and from: deb/source.h
 *	  },
 *	  "indexes": {"trixie/main": {"date": "Sat, 15 Nov 2025 …", "sha256": "…"}, …},
 *					the same one at another time: "trixie/main@" and some of its hash
 *	  "packages": {"apt_3.0.3_amd64": {"index", "path", "sha256", "size"}, …}
 *					another archive's of that name and version: "…_amd64@" and
 *					some of its hash
 *	}
 *
 * A machine's "accounts" records what its builds gave out; the next renewal hands it to its layers,
 * so that ids never shift. It is no part of what layers are made from. "ids" does the same for users
 * and groups of the configuration (plan/accounts.h). Where an index came from is
 * not recorded: any mirror of the release will do, hashes decide.
 */

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/report.h"
#include "base/str.h"

/* The limits of what is read: a lock file may come from a stranger. */
#define VIV_LOCK_MAX_BYTES    (64 << 20)
#define VIV_LOCK_MAX_PACKAGES 100000
#define VIV_LOCK_MAX_LAYERS   100

struct viv_lock_package {
	char *name; /* may be "name:arch" for another architecture than the machine's */
	char *version;
	char *architecture;
	char *path;  /* below the mirror: "pool/main/h/htop/…" */
	char *index; /* a key of `indexes` */
	uint64_t size;
	char sha256[VIV_SHA256_HEX];
};

struct viv_lock_layer {
	char *name;
	struct viv_strv requested;
	struct viv_lock_package *packages; /* sorted by name */
	size_t n_packages, cap_packages;
	struct viv_strv bootstrap, unpack, configure;
	json_t *accounts; /* NULL or as below */
};

/* One machine's part of a lock file. */
struct viv_lock {
	char *machine;
	char *release, *architecture;
	struct viv_strv components;
	bool recommends;
	struct viv_strv without; /* sorted; of "doc", "info", "man": what dpkg leaves out (deb/without.h) */
	json_t *indexes; /* object */
	struct viv_lock_layer *layers;
	size_t n_layers, cap_layers;
	char *kernel_requested;		 /* NULL: no kernel */
	struct viv_lock_package *kernel; /* NULL: no kernel */
	json_t *accounts;		 /* object; never NULL */
	json_t *ids;			 /* object; never NULL */
	json_t *source;			 /* of a package built from source: deb/source.h; or NULL */
	json_t *rest;			 /* the whole file as read, for the other machines; or NULL */
	const struct viv_strv *parts;	 /* all machines of this one's file: others of it go as well; borrowed; NULL: not known */
	struct viv_strv pruned;		 /* machines that writing it left out: they, or their files, are gone */
	char *file;			 /* where it was read from or written to; NULL: nowhere */
};

struct viv_lock *viv_lock_new(const char *machine);
void viv_lock_free(struct viv_lock *l);
VIV_DEFINE_CLEANUP(struct viv_lock, viv_lock_free)

/*
 * `what` names the text in messages. EINVAL says what is wrong where. A machine that isn't in it
 * gives a lock without layers.
 */
int viv_lock_parse(const char *text, size_t len, const char *what, const char *machine,
		   struct viv_lock **ret, struct viv_error *err);
/*
 * A file that isn't there gives a lock without layers. `machine` is the path of its file from the lock
 * file's folder, or "default". Files of before named a machine of another folder by its file's name
 * alone: read as well, and written by its path.
 */
int viv_lock_read(const char *path, const char *machine, struct viv_lock **ret,
		  struct viv_error *err);
/* Another machine of what was read, alone. A machine that isn't in it gives a lock without layers. */
int viv_lock_other(const struct viv_lock *l, const char *machine, struct viv_lock **ret, struct viv_error *err);
void viv_lock_format(const struct viv_lock *l, struct viv_str *ret);
/*
 * Other machines in the file stay, except those whose machine file is no longer there (`pruned`); one
 * named without a folder goes only from a vm.lock beside this machine's file. A file that says the same already is left alone.
 */
int viv_lock_write(struct viv_lock *l, const char *path, struct viv_error *err);
/* A line for each machine that writing it left out. */
void viv_lock_tell(const struct viv_lock *l, struct viv_report *report);
/*
 * Every package that any machine of this release and architecture has, as a layer without a name;
 * for preferences. Another release's versions must not get into this one's.
 */
int viv_lock_everything(const struct viv_lock *l, const char *release, const char *architecture,
			struct viv_lock_layer *ret, struct viv_error *err);
void viv_lock_layer_clear(struct viv_lock_layer *layer);
void viv_lock_package_clear(struct viv_lock_package *p);
void viv_lock_package_copy(struct viv_lock_package *to, const struct viv_lock_package *from);

struct viv_lock_layer *viv_lock_add_layer(struct viv_lock *l, const char *name);
/* Room for one more; call viv_lock_layer_sort when all are there. */
struct viv_lock_package *viv_lock_add_package(struct viv_lock_layer *layer);
void viv_lock_layer_sort(struct viv_lock_layer *layer);
const struct viv_lock_package *viv_lock_layer_find(const struct viv_lock_layer *layer,
						   const char *name);
/* In the topmost layer that has it; NULL: nowhere. */
const struct viv_lock_package *viv_lock_find(const struct viv_lock *l, const char *name);
/* "htop_3.4.1-1_amd64": its key in the file. The caller frees it. */
char *viv_lock_package_key(const struct viv_lock_package *p);

/* May "accounts" have this user (an object) or group (a number)? */
bool viv_lock_account_is_fine(const char *name, const json_t *account);

/* One line for each package that differs: "htop 3.3 -> 3.4", "+ strace 6.1", "- nano 8.4". */
void viv_lock_compare(const struct viv_lock *old, const struct viv_lock *now, struct viv_strv *ret);
