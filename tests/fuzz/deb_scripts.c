/* SPDX-License-Identifier: MIT */

/* A maintainer script, or a file of sysusers.d, of anybody's. */

#include "deb/scripts.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	VIV_STRV commands = VIV_STRV_INIT;
	const struct viv_slice text = {(const char *)data, size};

	viv_script_commands(text, &commands);
	viv_script_sysusers(text, &commands);
	for (size_t i = 0; i < commands.count; i++)
		if (!*commands.items[i] || strchr(commands.items[i], '\n'))
			abort();
	return 0;
}
