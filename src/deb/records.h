/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What apt says on packages: their records ("stanzas") and what it would do. Inside deb/ only.
 */

#include "deb/apt.h"

/* Records by name, version. */
struct viv_record {
	char *name, *version, *text; /* text: the stanza, ending with a newline */
};
struct viv_records {
	struct viv_record *items;
	size_t n, cap;
	bool sorted;
};

void viv_records_free(struct viv_records *r); /* frees the contents */
/* Takes over every stanza in the text. */
void viv_records_add(struct viv_records *r, struct viv_slice text);
const char *viv_records_find(struct viv_records *r, const char *name, const char *version);
/* A field's value on its first line; empty if it isn't there. */
struct viv_slice viv_record_field(const char *stanza, const char *field);
/* Asks apt-cache for "name=version" each; those that no index has are left out. */
int viv_records_load(struct viv_apt *a, const struct viv_strv *wanted, struct viv_records *ret,
		     struct viv_error *err);
/* Records kept from earlier, by the SHA-256 of their package. */
void viv_records_keep(struct viv_records *r, const struct viv_lock_layer *layer);
void viv_records_recall(const struct viv_lock_layer *layer, struct viv_records *ret);

enum viv_sim_kind { VIV_SIM_UNPACK, VIV_SIM_CONFIGURE, VIV_SIM_REMOVE };

struct viv_sim_step {
	enum viv_sim_kind kind;
	char *name, *version;
	char *label, *archive; /* of the index it comes from; may be empty */
	bool upgrade;	       /* unpack: another version is installed */
};
struct viv_sim {
	struct viv_sim_step *steps;
	size_t n, cap;
};
void viv_sim_free(struct viv_sim *s);
/* Reads the Inst, Conf and Remv lines of `apt-get -s`. EINVAL: a line that can't be read. */
int viv_sim_parse(const char *text, size_t len, struct viv_sim *ret, struct viv_error *err);
/* "vm.lua:3: environment.systemPackages: ", or nothing where nobody is known to want it. */
void viv_sim_add_whose(const struct viv_apt *a, const char *package, struct viv_str *text);
/*
 * `apt-get -s install` of `wanted` where what is in `installed` (may be NULL) is installed. Unknown
 * packages: ENOENT with near names.
 */
int viv_sim_run(struct viv_apt *a, const struct viv_strv *wanted, const struct viv_records *installed,
		bool recommends, struct viv_sim *ret, struct viv_error *err);
