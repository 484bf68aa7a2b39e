/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which of the host's folders a machine gets (docs/shares.md): those of its configuration, those of the
 * command line, the folder that one stands in, one to exchange files. Collected and checked before
 * anything is built, given to the machine afterwards, when its kernel is known.
 */

#include "base/report.h"
#include "config/config.h"
#include "plan/plan.h"
#include "qemu/machine.h"

/* What the caller adds. */
struct viv_share_wish {
	bool cwd;			   /* the current folder, at the same path in the guest */
	bool write_cwd;			   /* what the guest writes there is written here */
	const char *const *flags;	   /* "PATH[:TARGET][:rw]" of --share */
	size_t n_flags;
	const char *shared_dir; /* for /tmp/shared; NULL: the folder of /tmp/xchg */
};

struct viv_share_request; /* one folder */

struct viv_shares {
	struct viv_share_request *items; /* by target */
	size_t n;
	char *cwd; /* where commands start in the guest; NULL: it has no such folder */
};

/*
 * Errors name the option and its place, or the flag. Why the current folder is left out is said to
 * report. *ret is freed with viv_shares_free_contents.
 */
int viv_shares_collect(const struct viv_config *config, const struct viv_share_wish *wish,
		       struct viv_report *report, struct viv_shares *ret, struct viv_error *err);
/*
 * Chooses virtiofs or 9p for each, says which and why, and moves them to m. foreign_kernel: it isn't
 * the system's, and may have both. Where neither works, an error, or without the shares that nobody
 * asked for.
 */
int viv_shares_give(struct viv_shares *s, const struct viv_system *system, bool foreign_kernel,
		    struct viv_report *report, struct viv_machine *m, struct viv_error *err);
/* For a command line that somebody else runs: only what QEMU serves by itself stays; says the others. */
void viv_shares_leave_to_qemu(struct viv_machine *m, struct viv_report *report);
void viv_shares_free_contents(struct viv_shares *s);

/* Why the guest can't have this path for the current folder; NULL: it can. `home` may be NULL. */
const char *viv_share_hides(const char *target, const char *home);
/* Would any share with this target break the machine? */
bool viv_share_breaks(const char *target);
/* "PATH[:TARGET][:rw]"; a backslash before a colon keeps it. Owned by the caller. */
int viv_share_parse_flag(const char *text, char **ret_source, char **ret_target, bool *ret_write,
			 struct viv_error *err);
