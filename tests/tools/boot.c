/* SPDX-License-Identifier: MIT */
/*
 * Boots a machine from explicit parts (parts.h) and runs a command in it, as `viv run` does with what it
 * has built: for work on kernels, init and agent without packages or a store.
 */
#include "parts.h"

int main(int argc, char **argv)
{
	struct boot b = BOOT_INIT;
	struct viv_session_result result = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;

	if (boot_parse(&b, argv, &err) < 0 || viv_session_run(&b.spec, &result, &err) < 0) {
		fprintf(stderr, "boot: %s\n", err.msg);
		return 125;
	}
	for (size_t i = 0; i < result.lines.count; i++)
		fprintf(stderr, "%s\n", result.lines.items[i]);
	viv_json_canonical(result.json, &text);
	fprintf(stderr, "%s\n", text.data);
	boot_free_contents(&b);
	return result.outcome.status;
}
