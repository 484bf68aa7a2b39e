/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From a configuration to store objects: what must be built, in which order, and why; then builds
 * it. The result is a machine's system: kernel, initrd, layers.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/report.h"
#include "config/config.h"
#include "store/store.h"

struct viv_lock;
struct viv_plan; /* the steps, each with the id of what it makes */

struct viv_plan_options {
	const char *init_program;  /* the guest's static init and agent */
	const char *agent_program;
	bool locked, flatten, renew;
	const struct viv_strv *renewed; /* machines that have just been (deb/deb.h); may be NULL */
	bool build; /* viv_plan_build follows: what it will need may be made ready meanwhile */
};

/* What a machine boots from; everything is in the store and pinned by the plan's pin. */
struct viv_system {
	char *id;      /* the object that ties it together: system.json */
	char *kernel;  /* path: vmlinux where PVH works, else bzImage */
	char *bzimage; /* path; NULL: there is just a vmlinux */
	char *kernel_config; /* path: what it was configured with; NULL: not known */
	char *initrd;  /* path */
	struct viv_strv layers; /* paths of EROFS images, lowest first */
	struct viv_strv kernel_params;
	struct viv_strv mirrors; /* for apt in the machine: "URI SUITE COMPONENT…" */
	char *init; /* "systemd", "none" */
};

/* Resolves packages (deb) and computes every id; builds nothing. */
int viv_plan_make(struct viv_store *store, const struct viv_config *config,
		  const struct viv_plan_options *options, struct viv_report *report,
		  struct viv_plan **ret, struct viv_error *err);
void viv_plan_free(struct viv_plan *p);
VIV_DEFINE_CLEANUP(struct viv_plan, viv_plan_free)

/* The lock file as it is now; without one a lock without layers. The caller owns *ret. */
int viv_plan_read_lock(const struct viv_config *config, struct viv_lock **ret,
		       struct viv_error *err);
const struct viv_lock *viv_plan_lock(const struct viv_plan *p); /* deb/lock.h; borrowed */

/*
 * [{step, id, there: bool, why, changes: [text]}] in build order. `last` is the system that the
 * machine's last build made (its id), with which what isn't there is compared; NULL: none is known.
 * The caller owns it.
 */
json_t *viv_plan_describe(const struct viv_plan *p, const char *last);

/* Builds what is missing. *ret's contents are freed with viv_system_free_contents. */
int viv_plan_build(struct viv_plan *p, struct viv_report *report, struct viv_system *ret,
		   struct viv_error *err);
void viv_system_free_contents(struct viv_system *s);
