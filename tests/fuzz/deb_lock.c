/* SPDX-License-Identifier: MIT */

/* A lock file of anybody's: what is accepted says the same when it is written and read again. */

#include "deb/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *a = NULL, *b = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR one = VIV_STR_INIT, two = VIV_STR_INIT;
	struct viv_lock_layer all = {0};

	if (viv_lock_parse((const char *)data, size, "vm.lock", "default", &a, &err) < 0)
		return 0;
	if (viv_lock_everything(a, "trixie", "amd64", &all, NULL) == 0)
		viv_lock_layer_clear(&all);
	if (!a->n_layers)
		return 0;
	viv_lock_format(a, &one);
	if (viv_lock_parse(one.data, one.len, "again", "default", &b, NULL) < 0)
		abort();
	viv_lock_format(b, &two);
	if (strcmp(one.data, two.data) != 0)
		abort();
	return 0;
}
