/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the guest needs of its kernel, by the names of the kernel's own configuration: what every machine of ours does,
 * and what system.requiredKernelConfig asks for.
 */

#include "config/config.h"
#include "base/report.h"

struct viv_plan;

/*
 * The configuration's text (NULL: not known) against both. EINVAL lists each that is wrong, what it is, and what needs
 * it. has_modules: what is "m" is there to be loaded. Names that Linux no longer has are reported, and not failed.
 */
int viv_kernel_needs(const struct viv_config *config, const char *kernel_config, bool has_modules,
		     struct viv_report *report, struct viv_error *err);
/* The same for a plan, whose kernel is built. */
int viv_kernel_check_needs(const struct viv_plan *p, struct viv_report *report, struct viv_error *err);
