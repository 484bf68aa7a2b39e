/* SPDX-License-Identifier: MIT */
/* Frames of hostile guests: each has its port and length in front. */
#include "run/switch.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PORTS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct viv_switch table;

	memset(&table, 0, sizeof(table));
	while (size >= 2) {
		int from = data[0] % PORTS, to;
		size_t len = data[1];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		to = viv_switch_port(&table, data, len);
		assert(to >= VIV_SWITCH_NONE && to < PORTS);
		assert((to == VIV_SWITCH_NONE) == (len < VIV_FRAME_MIN));
		if (from == PORTS - 1)
			viv_switch_forget(&table, to);
		else
			viv_switch_learn(&table, data, len, from);
		data += len;
		size -= len;
	}
	return 0;
}
