/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A step makes one store object. Its recipe is known before anything is built, from the recipes'
 * ids of what it needs; a step is skipped when its object is there. plan.c lists the steps in build
 * order, build.c runs them.
 */

#include "deb/deb.h"
#include "deb/lock.h"
#include "kernel/source.h"
#include "plan/commands.h"
#include "plan/etc.h"
#include "plan/kernel.h"
#include "plan/plan.h"
#include "source/source.h"

struct viv_step {
	const char *name;	/* "kernel"; for people */
	char *id;		/* NULL: this machine has none of it */
	json_t *recipe;		/* NULL for what deb/ builds itself */
	struct viv_strv refs;	/* ids that its use needs */
	/* Makes `dest` (not there yet). NULL for what deb/ builds itself. */
	int (*build)(struct viv_plan *p, const struct viv_step *s, const char *dest,
		     struct viv_report *report, struct viv_error *err);
};

/* VIV_STEP_MADE has no id where there are no commands (plan/commands.h): it is passed over everywhere. */
enum viv_step_index { VIV_STEP_KERNEL, VIV_STEP_MODULES, VIV_STEP_INITRD, VIV_STEP_MADE, VIV_STEP_ETC,
		      VIV_STEP_SYSTEM, VIV_N_STEPS };

struct viv_plan {
	struct viv_store *store;
	const struct viv_config *config; /* borrowed */
	char *init_program, *agent_program;

	/* What deb/ is asked for; the request borrows from the lists. */
	struct viv_strv mirrors, snapshot_mirrors, components, without, base, packages;
	char *lock_file;
	char *kernel_package;		   /* NULL: boot.kernel is a file or a tree */
	struct viv_kernel_source kernel_source; /* which is this, if it is taken as it is */
	struct viv_own_kernel own_kernel;
	struct viv_kernel_modules extra_modules; /* files of boot.extraModulePackages */
	struct viv_strv module_packages, module_names; /* packages of it: "x=1", "x" */
	struct viv_strv module_archives; /* their ids, when the machine is resolved */
	char *kernel_release;		 /* for their headers; or NULL */
	char *machine; /* its name in the lock file */
	struct viv_deb_request request;
	struct viv_lock *lock;
	struct viv_deb_plan deb;
	struct viv_deb_ahead *ahead; /* NULL: nothing will be built, or it is built */

	json_t *groups; /* as viv_accounts_groups gave them */
	struct viv_source_set *from_source; /* NULL: no package is */
	struct viv_strv local;		    /* those that are asked for by name; their own names */

	json_t *ids; /* of the configuration's users and groups (plan/accounts.h) */
	struct viv_etc etc;
	struct viv_commands commands;
	struct viv_strv initrd_modules, initrd_optional, crash_modules, kernel_params;
	struct viv_step steps[VIV_N_STEPS];
	struct viv_store_pin *pin;
	bool parallel; /* the kernel's side is built by a worker */
};

/* The kernel is a file or a tree, as it is. */
static inline bool viv_plan_kernel_is_source(const struct viv_plan *p)
{
	return !p->kernel_package && !p->own_kernel.wanted;
}

/*
 * finish.c: what p->etc lacks when it is known what is below it. The account files and homes are added, owners'
 * names become numbers, units are placed, and folders get their attributes. `below`: as in struct
 * viv_accounts_request. EINVAL, EEXIST with the option's place.
 */
int viv_plan_finish_etc(struct viv_plan *p, const json_t *below, const struct viv_manifests *layers,
			struct viv_error *err);
/*
 * named.c: a login shell, time zone or font that is neither in the packages' files, `root`, nor in p->etc: EINVAL
 * with its place.
 */
typedef bool (*viv_is_there_fn)(const void *root, const char *path);
int viv_plan_check_named(const struct viv_plan *p, viv_is_there_fn is_there, const void *root, struct viv_error *err);
/* runs_as.c: a user or group that cron's jobs and services run as, or that tmpfiles' rules name, and who is
 * nobody here: EINVAL with its place. */
struct viv_accounts;
int viv_plan_check_runs_as(const struct viv_plan *p, const struct viv_accounts *a, const struct viv_manifests *layers,
			   struct viv_error *err);
/* syntax.c: a script that no shell can read: EINVAL with its place and line. */
int viv_plan_check_syntax(const struct viv_config *config, struct viv_error *err);
/* modules.c: the names in boot.extraModulePackages; their archives; their modules and the files of that option. */
int viv_plan_choose_module_packages(struct viv_plan *p, struct viv_error *err);
int viv_plan_get_module_packages(struct viv_plan *p, bool renew, struct viv_report *report,
				 struct viv_error *err);
int viv_plan_unpack_modules(struct viv_plan *p, const char *dir, struct viv_kernel_modules *ret,
			    struct viv_error *err);
/* local.c: resolves the request, with the packages from source: those are built first. */
int viv_local_resolve(struct viv_plan *p, struct viv_report *report, struct viv_error *err);
/* Their layer, when the lock is not written any more. */
void viv_local_add_layer(struct viv_plan *p);

/* build.c: the steps' builders. */
int viv_build_kernel(struct viv_plan *p, const struct viv_step *s, const char *dest,
		     struct viv_report *report, struct viv_error *err);
int viv_build_modules(struct viv_plan *p, const struct viv_step *s, const char *dest,
		      struct viv_report *report, struct viv_error *err);
int viv_build_initrd(struct viv_plan *p, const struct viv_step *s, const char *dest,
		     struct viv_report *report, struct viv_error *err);
int viv_build_made(struct viv_plan *p, const struct viv_step *s, const char *dest,
		   struct viv_report *report, struct viv_error *err);
int viv_build_etc(struct viv_plan *p, const struct viv_step *s, const char *dest,
		  struct viv_report *report, struct viv_error *err);
int viv_build_system(struct viv_plan *p, const struct viv_step *s, const char *dest,
		     struct viv_report *report, struct viv_error *err);
