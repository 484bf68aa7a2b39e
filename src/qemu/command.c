/* SPDX-License-Identifier: MIT */
#include "qemu/machine.h"

#include "qemu/args.h"

static bool channel_is_there(const struct viv_channel *c)
{
	return c->fd > 2 || c->path;
}

static void add_board(const struct viv_machine *m, struct viv_strv *v)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_addf(&s, "%s,graphics=%s,vmport=off,smm=%s,sata=off,usb=off",
		     m->board ? m->board : "q35", m->devices.display && !m->foreign ? "on" : "off",
		     m->firmware.secure ? "on" : "off");
	viv_str_addf(&s, "%s,dump-guest-core=off,accel=%s",
		     m->devices.n_nodes ? "" : ",memory-backend=ram",
		     m->accel == VIV_ACCEL_KVM ? "kvm" : "tcg");
	viv_firmware_add_board(&m->firmware, &s);
	args_add_option(v, "-machine", &s);
	/* The emulated processor is an AMD, whose threads need a flag to be seen. */
	if (m->accel == VIV_ACCEL_TCG && m->devices.threads > 1) {
		viv_strv_push(v, "-cpu");
		viv_strv_pushf(v, "%s,topoext=on", m->cpu ? m->cpu : "qemu64");
	} else if (m->cpu) {
		args_add(v, "-cpu", m->cpu);
	} else if (m->accel == VIV_ACCEL_KVM) {
		args_add(v, "-cpu", "host");
	}
	viv_qemu_add_processors(&m->devices, m->cores, v);
	viv_qemu_add_memory(&m->devices, m->memory_mib, m->memory_file,
			    channel_is_there(&m->virtiofs), v);
}

static void add_kernel(const struct viv_machine *m, struct viv_strv *v)
{
	if (!m->kernel)
		return;
	args_add(v, "-kernel", m->kernel);
	if (m->initrd)
		args_add(v, "-initrd", m->initrd);
	if (m->kernel_params.count) {
		viv_strv_push(v, "-append");
		viv_strv_take(v, viv_strv_join(&m->kernel_params, " "));
	}
}

static void add_chardev(struct viv_strv *v, const char *id, const struct viv_channel *c)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_addf(&s, "socket,id=%s,", id);
	if (c->path) {
		viv_str_add(&s, "path=");
		args_add_value(&s, c->path);
		viv_str_add(&s, ",server=on,wait=off");
	} else {
		viv_str_addf(&s, "fd=%d", c->fd);
	}
	args_add_option(v, "-chardev", &s);
}

static void add_channels(const struct viv_machine *m, struct viv_strv *v)
{
	if (channel_is_there(&m->qmp)) {
		add_chardev(v, "qmp", &m->qmp);
		args_add(v, "-mon", "chardev=qmp,mode=control");
	}
	if (m->terminal) {
		args_add(v, "-chardev", "stdio,id=console,mux=on,signal=off");
		args_add(v, "-mon", "chardev=console,mode=readline");
	} else if (channel_is_there(&m->console)) {
		add_chardev(v, "console", &m->console);
	}
	if (m->terminal || channel_is_there(&m->console))
		args_add(v, "-serial", "chardev:console");
	if (channel_is_there(&m->agent)) {
		add_chardev(v, "agent", &m->agent);
		args_add(v, "-device", "virtio-serial-pci");
		args_add(v, "-device", "virtserialport,id=" VIV_QEMU_AGENT_PORT ",chardev=agent,name=viv.agent");
	}
}

static void add_devices(const struct viv_machine *m, struct viv_strv *v)
{
	args_add(v, "-device", "virtio-rng-pci");
	args_add(v, "-device", "vmgenid,guid=auto");
	args_add(v, "-device", "pvpanic");
	viv_qemu_add_drives(m->drives, m->n_drives, v);
	viv_firmware_add_devices(&m->firmware, v);
	viv_qemu_add_nics(m, v);
	viv_qemu_add_devices(&m->devices, v);
	if (channel_is_there(&m->virtiofs)) /* virtiofsd reads and writes the guest's memory */
		add_chardev(v, "virtiofs", &m->virtiofs);
	viv_qemu_add_shares(m, v);
	/* After all else: their number does not shift the other devices' places. */
	for (unsigned i = 0; i < m->spare_ports; i++) {
		viv_strv_push(v, "-device");
		viv_strv_pushf(v, "pcie-root-port,id=spare%u,chassis=%u", i, i + 1);
	}
	if (m->shared_fd > 2) {
		viv_strv_push(v, "-object");
		viv_strv_pushf(v, "memory-backend-file,id=shared,size=%uM,share=on,"
				  "mem-path=/proc/self/fd/%d",
			       m->shared_mib, m->shared_fd);
		args_add(v, "-device", "ivshmem-plain,memdev=shared,master=on");
	}
}

static void add_sandbox(const struct viv_machine *m, struct viv_strv *v)
{
	bool spawns = false;

	for (size_t i = 0; i < m->n_nics; i++)
		spawns |= viv_nic_spawns(&m->nics[i]);
	viv_strv_push(v, "-sandbox");
	/* What QEMU starts calls setsid first, which "deny" takes for an elevation. */
	viv_strv_pushf(v, "on,obsolete=deny,elevateprivileges=%s,spawn=%s,resourcecontrol=deny",
		       spawns ? "allow" : "deny", spawns ? "allow" : "deny");
}

void viv_qemu_command(const struct viv_machine *m, struct viv_strv *ret)
{
	struct viv_strv v = VIV_STRV_INIT;
	VIV_STR name = VIV_STR_INIT;

	viv_strv_push(&v, m->qemu ? m->qemu : "qemu-system-x86_64");
	if (m->name) {
		viv_str_add(&name, "guest=");
		args_add_value(&name, m->name);
		args_add_option(&v, "-name", &name);
	}
	viv_strv_push(&v, "-nodefaults");
	viv_strv_push(&v, "-no-user-config");
	if (!m->firmware.reboots)
		viv_strv_push(&v, "-no-reboot");
	args_add(&v, "-action", "panic=none");
	add_sandbox(m, &v);
	viv_qemu_add_display(&m->devices, &v);
	args_add(&v, "-rtc", "base=utc");
	add_board(m, &v);
	add_kernel(m, &v);
	add_channels(m, &v);
	add_devices(m, &v);
	if (m->incoming)
		args_add(&v, "-incoming", "defer");
	for (size_t i = 0; i < m->extra.count; i++)
		viv_strv_push(&v, m->extra.items[i]);
	*ret = v;
}

void viv_qemu_command_text(const struct viv_strv *argv, struct viv_str *ret)
{
	for (size_t i = 0; i < argv->count; i++) {
		const char *word = argv->items[i];

		if (i)
			viv_str_add(ret, word[0] == '-' ? " \\\n\t" : " ");
		viv_str_add_quoted(ret, word);
	}
	viv_str_add_char(ret, '\n');
}
