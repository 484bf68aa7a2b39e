/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* Rules between the options of processors, USB devices, firmware. */

static int64_t number(const struct viv_slot *s)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_INT ? s->value->i
											: 0;
}

static void check_processors(struct viv_eval *ev)
{
	const struct viv_slot *cores = option(ev, "virtualisation.cores");
	const struct viv_slot *sockets = option(ev, "virtualisation.sockets");
	const struct viv_slot *threads = option(ev, "virtualisation.threads");
	int64_t n = number(cores), s = number(sockets), t = number(threads);

	/* By default there are as many as these two make. */
	if (cores->n_defs && n && s && t && n % (s * t) != 0)
		fault(ev, s > 1 ? sockets : threads, s > 1 ? sockets : threads,
		      "cores (%lld) is not a multiple of sockets (%lld) times threads (%lld)",
		      (long long)n, (long long)s, (long long)t);
}

static bool has(const struct viv_value *set, const char *key)
{
	const struct viv_value *v = viv_value_member(set, key);

	return v && v->kind != VIV_VALUE_NULL;
}

static void check_usb(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "virtualisation.usb.devices");

	if (s->state != VIV_SLOT_DONE || !s->value)
		return;
	for (size_t i = 0; i < s->value->list.count; i++) {
		const struct viv_value *d = s->value->list.items[i];
		int ids = has(d, "vendor") + has(d, "product"), places = has(d, "bus") + has(d, "port");

		if (ids + places != 2 || ids == 1)
			item_fault(ev, s, i, "give vendor and product, or bus and port");
	}
}

static bool is_on(struct viv_eval *ev, const char *name)
{
	const struct viv_slot *s = option(ev, name);

	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_BOOL && s->value->b;
}

static bool is_given(struct viv_eval *ev, const char *name)
{
	const struct viv_slot *s = option(ev, name);

	return s->state == VIV_SLOT_DONE && s->value && s->value->kind != VIV_VALUE_NULL;
}

/* Secure Boot is UEFI's check of what it starts: there must be both. */
static void check_secure_boot(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "virtualisation.useSecureBoot");

	if (!is_on(ev, "virtualisation.useSecureBoot"))
		return;
	if (!is_on(ev, "virtualisation.useEFIBoot"))
		fault(ev, s, s, "is a part of UEFI: set virtualisation.useEFIBoot = true, too");
	if (!is_on(ev, "virtualisation.useBootLoader") &&
	    is_on(ev, "virtualisation.directBoot.enable"))
		fault(ev, s, s,
		      "checks what the firmware starts, and this machine's kernel is handed over "
		      "past it: set virtualisation.useBootLoader = true, too");
}

/* One of the two, and only what its firmware can start. */
static void check_loader(struct viv_eval *ev)
{
	static const char name[] = "boot.loader.systemd-boot.enable", grub[] = "boot.loader.grub.enable";
	const struct viv_slot *s = option(ev, name);

	if (!is_on(ev, name)) {
		if (!is_on(ev, grub) && is_on(ev, "virtualisation.useBootLoader"))
			fault(ev, option(ev, grub), option(ev, grub),
			      "leaves no boot loader, and virtualisation.useBootLoader asks for one");
		return;
	}
	if (origin_of(option(ev, grub)) && is_on(ev, grub))
		fault(ev, s, s, "%s is set, too: a machine has one boot loader", grub);
	if (is_on(ev, "virtualisation.useBootLoader") && !is_on(ev, "virtualisation.useEFIBoot"))
		fault(ev, s, s, "is started by UEFI: set virtualisation.useEFIBoot = true, too");
	if (is_on(ev, "virtualisation.useSecureBoot"))
		fault(ev, s, s, "is not signed in Debian 12: with virtualisation.useSecureBoot use GRUB");
}

static void check_firmware(struct viv_eval *ev)
{
	static const char *const bios[] = {"virtualisation.useBIOSBoot", "virtualisation.bios"};

	if (is_on(ev, "virtualisation.useEFIBoot") && is_on(ev, bios[0]))
		fault(ev, option(ev, bios[0]), option(ev, bios[0]),
		      "virtualisation.useEFIBoot is set, too: a machine has one firmware");
	if (is_on(ev, "virtualisation.useEFIBoot") && is_given(ev, bios[1]))
		fault(ev, option(ev, bios[1]), option(ev, bios[1]),
		      "is for a BIOS, and virtualisation.useEFIBoot is set: its image is "
		      "virtualisation.efi.firmware");
	check_secure_boot(ev);
}

void viv_check_devices(struct viv_eval *ev)
{
	check_processors(ev);
	check_usb(ev);
	check_firmware(ev);
	check_loader(ev);
}
