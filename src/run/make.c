/* SPDX-License-Identifier: MIT */
#include "run/make.h"

#include "run/firmware.h"
#include "run/loader.h"

int viv_make_machine(struct viv_store *store, const struct viv_config *config, struct viv_system *system,
		     struct viv_shares *shares, const struct viv_system_extra *extra, struct viv_report *report,
		     struct viv_machine *ret, char **ret_accel_why, struct viv_error *err)
{
	VIV_FREE char *boot_disk = NULL;
	int r = viv_system_machine(config, system, extra, ret, ret_accel_why, err);

	if (r == 0 && viv_firmware_uses_loader(config))
		r = viv_loader_apply(store, config, system, report, ret, &boot_disk, err);
	if (r == 0)
		r = viv_shares_give(shares, system, extra->kernel != NULL, report, ret, err);
	return r;
}
