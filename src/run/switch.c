/* SPDX-License-Identifier: MIT */
#include "run/switch.h"

#include <string.h>

static unsigned place(const uint8_t *mac)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < VIV_MAC_BYTES; i++)
		h = (h ^ mac[i]) * 16777619u;
	return (h ^ h >> 16) % VIV_SWITCH_ENTRIES;
}

/* Two addresses with one place: the last one has it, frames for the other are flooded. */
void viv_switch_learn(struct viv_switch *s, const uint8_t *frame, size_t len, int port)
{
	const uint8_t *mac = frame + VIV_MAC_BYTES;
	unsigned at;

	if (len < VIV_FRAME_MIN || (mac[0] & 1)) /* no sender is a group */
		return;
	at = place(mac);
	memcpy(s->entries[at].mac, mac, VIV_MAC_BYTES);
	s->entries[at].port = port;
	s->entries[at].used = true;
}

int viv_switch_port(const struct viv_switch *s, const uint8_t *frame, size_t len)
{
	unsigned at;

	if (len < VIV_FRAME_MIN || len > VIV_FRAME_MAX)
		return VIV_SWITCH_NONE;
	if (frame[0] & 1)
		return VIV_SWITCH_ALL;
	at = place(frame);
	if (!s->entries[at].used || memcmp(s->entries[at].mac, frame, VIV_MAC_BYTES) != 0)
		return VIV_SWITCH_ALL;
	return s->entries[at].port;
}

void viv_switch_forget(struct viv_switch *s, int port)
{
	for (size_t i = 0; i < VIV_SWITCH_ENTRIES; i++)
		if (s->entries[i].port == port)
			s->entries[i].used = false;
}
