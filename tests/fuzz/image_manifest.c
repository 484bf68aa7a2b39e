/* SPDX-License-Identifier: MIT */

/* A manifest, and what apt prints: what is accepted is written as it was read. */

#include "deb/records.h"
#include "image/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_CLEANUP(viv_records_free) struct viv_records records = {0};
	VIV_CLEANUP(viv_sim_free) struct viv_sim sim = {0};
	VIV_TREE t = VIV_TREE_INIT, u = VIV_TREE_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR one = VIV_STR_INIT, two = VIV_STR_INIT;

	viv_sim_parse((const char *)data, size, &sim, NULL);
	viv_records_add(&records, (struct viv_slice){(const char *)data, size});
	if (viv_tree_read_manifest((const char *)data, size, "manifest", &t, &err) < 0)
		return 0;
	viv_tree_write_manifest(&t, &one);
	if (viv_tree_read_manifest(one.data ? one.data : "", one.len, "again", &u, NULL) < 0)
		abort();
	viv_tree_write_manifest(&u, &two);
	if (one.len != two.len || (one.len && memcmp(one.data, two.data, one.len) != 0))
		abort();
	viv_tree_overlay(&t, &u);
	return 0;
}
