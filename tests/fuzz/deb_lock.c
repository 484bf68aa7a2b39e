/* SPDX-License-Identifier: MIT */

/* A lock file of anybody's: what is accepted says the same when it is written and read again. */

#include "deb/lock.h"
#include "deb/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted of it has names that lead nowhere: they become files' names. */
static void look_at_source(const json_t *source)
{
	VIV_CLEANUP(viv_deb_source_files_free) struct viv_deb_source_files files = {0};

	if (viv_deb_source_files(source, &files, NULL) < 0)
		return;
	for (size_t i = 0; i < files.n; i++)
		if (!*files.items[i].name || strchr(files.items[i].name, '/') ||
		    viv_starts_with(files.items[i].package.path, "../") ||
		    strstr(files.items[i].package.path, "/../"))
			abort();
}

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
	look_at_source(a->source);
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
