/* SPDX-License-Identifier: MIT */
#include "qemu/args.h"
#include "qemu/machine.h"

/*
 * security_model=none: what the guest makes belongs to whoever runs QEMU, and files show the owners
 * that they have here. multidevs=remap: two file systems in one share don't mix up their inodes.
 */
static void add_9p(const struct viv_share *s, size_t i, struct viv_strv *v)
{
	VIV_STR text = VIV_STR_INIT;

	viv_str_addf(&text, "local,id=share%zu,security_model=none,multidevs=remap,readonly=%s,path=", i,
		     s->read_only ? "on" : "off");
	args_add_value(&text, s->source ? s->source : "");
	args_add_option(v, "-fsdev", &text);
	viv_str_addf(&text, "virtio-9p-pci,fsdev=share%zu,mount_tag=", i);
	args_add_value(&text, s->tag);
	args_add_option(v, "-device", &text);
}

void viv_qemu_add_shares(const struct viv_machine *m, struct viv_strv *v)
{
	if (m->virtiofs.fd > 2 || m->virtiofs.path)
		args_add(v, "-device",
			      "vhost-user-fs-pci,chardev=virtiofs,tag=" VIV_SHARE_DEVICE
			      ",queue-size=1024");
	for (size_t i = 0; i < m->n_shares; i++)
		if (m->shares[i].kind == VIV_SHARE_9P)
			add_9p(&m->shares[i], i, v);
}
