/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* Rules between the options of the boot. */

#define REST_MIB 256 /* what a small system takes beside a kernel for crash dumps */

static int64_t number(const struct viv_slot *s)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_INT ? s->value->i : 0;
}

static bool is_on(const struct viv_slot *s)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_BOOL && s->value->b;
}

void viv_check_boot(struct viv_eval *ev)
{
	const struct viv_slot *crash = option(ev, "boot.crashDump.enable");
	const struct viv_slot *memory = option(ev, "virtualisation.memorySize");
	int64_t reserved = number(option(ev, "boot.crashDump.reservedMemory"));
	const struct viv_slot *where = memory->n_defs ? memory : crash;

	if (is_on(crash) && reserved && number(memory) && number(memory) < reserved + REST_MIB)
		fault(ev, memory, where, "boot.crashDump reserves %lld MiB of it: it must be %lld MiB at least",
		      (long long)reserved, (long long)(reserved + REST_MIB));
}
