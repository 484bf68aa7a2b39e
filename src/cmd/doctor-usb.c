/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/json.h"
#include "run/usb.h"

static json_t *to_json(const struct viv_usb_device *d)
{
	VIV_FREE char *vendor = viv_asprintf("%04x", d->vendor);
	VIV_FREE char *product = viv_asprintf("%04x", d->product);

	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:b, s:b}", "vendor", vendor, "product",
			 product, "bus", (int)d->bus, "port", d->port, "name", d->name, "node",
			 d->node, "hub", d->is_hub, "permission", d->is_ours);
}

static void print_json(const struct viv_usb_list *l)
{
	VIV_JSON *all = json_array();
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < l->count; i++)
		json_array_append_new(all, to_json(&l->devices[i]));
	viv_json_pretty(all, &text);
	fputs(text.data, stdout);
}

static void print_line(const struct viv_usb_device *d)
{
	const char *state = d->is_hub ? "hub" : d->is_ours ? "ok" : "closed";

	viv_cmd_print(stdout, "%-8s bus %u port %-6s %04x:%04x  %s\n", state, d->bus, d->port,
		      d->vendor, d->product, d->name);
}

/* The rules for those that may not be opened; each product once. */
static void print_rules(const struct viv_usb_list *l)
{
	VIV_FREE char *user = viv_usb_user();
	VIV_STRV rules = VIV_STRV_INIT;

	for (size_t i = 0; i < l->count; i++) {
		VIV_STR rule = VIV_STR_INIT;

		if (l->devices[i].is_hub || l->devices[i].is_ours)
			continue;
		viv_usb_udev_rule(&l->devices[i], user, &rule);
		viv_strv_take(&rules, viv_str_steal(&rule));
	}
	viv_strv_uniq(&rules);
	if (!rules.count)
		return;
	puts("\nThe closed ones may not be opened (read and write). As root, put the lines of those that a\n"
	     "machine is to have into /etc/udev/rules.d/70-viv.rules:");
	for (size_t i = 0; i < rules.count; i++)
		viv_cmd_print(stdout, "  %s\n", rules.items[i]);
	puts("then:\n"
	     "  sudo udevadm control --reload\n"
	     "  sudo udevadm trigger --subsystem-match=usb --action=add");
}

static const struct viv_usb_device *first_device(const struct viv_usb_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (!l->devices[i].is_hub)
			return &l->devices[i];
	return NULL;
}

static void print_text(const struct viv_usb_list *l)
{
	const struct viv_usb_device *d = first_device(l);

	for (size_t i = 0; i < l->count; i++)
		print_line(&l->devices[i]);
	if (!d) {
		puts("No USB device is plugged into this host.");
		return;
	}
	printf("\nIn vm.lua, by what it is or by where it is:\n"
	       "  virtualisation.usb.devices = { { vendor = \"%04x\", product = \"%04x\" } }\n"
	       "  virtualisation.usb.devices = { { bus = %u, port = \"%s\" } }\n",
	       d->vendor, d->product, d->bus, d->port);
	print_rules(l);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_usb_list_free) struct viv_usb_list list = {0};
	int r = viv_usb_read("", &list, err);

	if (r < 0)
		return r;
	if (cmd->json)
		print_json(&list);
	else
		print_text(&list);
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_doctor_usb = {
	.name = "doctor usb",
	.summary = "List this host's USB devices and what a machine needs to have one",
	.about = "Prints the udev rules for those that you may not open: nothing is changed.",
	.run = run,
};
