/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which kernel a machine has: a package's, a tree's, a file's, or one that is built from source because options
 * change it (boot.kernelPatches, kernel.config, kernel.baseConfig; source/source.h builds it).
 */

#include "base/json.h"
#include "kernel/kconfig.h"
#include "source/source.h"

struct viv_plan;

/* The one that is built. */
struct viv_own_kernel {
	bool wanted; /* else all else is empty */
	char *place; /* of the option that wants it */
	char *tree;  /* of the user's; NULL: Debian's source */
	char *config_text; /* NULL: it is not a file's */
	json_t *patches, *places;
	struct viv_str settings, checked;
	struct viv_source_kernel *source; /* when the machine is resolved */
	char *deb; /* the id of what was built; NULL: it was not needed, or not yet */
};
void viv_own_kernel_free(struct viv_own_kernel *k); /* the contents */

/* Before packages are resolved: p->kernel_package, p->kernel_source or p->own_kernel, and the modules beside it. */
int viv_plan_choose_kernel(struct viv_plan *p, struct viv_error *err);
/* Afterwards: p->own_kernel.source, if it is wanted. */
int viv_plan_own_kernel(struct viv_plan *p, bool renew, struct viv_report *report, struct viv_error *err);
/* Builds that, p->own_kernel.deb. */
int viv_plan_build_own_kernel(struct viv_plan *p, struct viv_report *report, struct viv_error *err);

/*
 * What the settings of a machine file come to: those of boot.kernelPatches in their order, then kernel.config. EINVAL
 * with the place. The patches are pushed to the lists: [absolute path], ["vm.lua:3: boot.kernelPatches: name"].
 */
struct viv_config;
int viv_kernel_settings(const struct viv_config *config, struct viv_kconfig *ret, json_t *ret_patches,
			json_t *ret_places, struct viv_error *err);
/* What is set where nobody says otherwise. `package`: the configuration is that of a Debian kernel. */
void viv_kernel_settings_default(struct viv_kconfig *c, bool package);
