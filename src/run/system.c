/* SPDX-License-Identifier: MIT */
#include "run/system.h"

#include "base/path.h"
#include "qemu/accel.h"
#include "qemu/program.h"
#include "run/crash.h"
#include "run/devices.h"
#include "run/disks.h"
#include "run/firmware.h"
#include "run/loader.h"
#include "run/nics.h"

#include <sys/sysinfo.h>

#define SPARE_PORTS 4

static void add_words(struct viv_strv *v, const char *text)
{
	struct viv_slice rest = viv_slice(text ? text : ""), word;

	while (viv_slice_word(&rest, &word))
		viv_strv_take(v, viv_slice_dup(word));
}

void viv_system_kernel_params(const struct viv_machine *m, size_t n_layers, const char *upper,
			      struct viv_strv *ret)
{
	viv_strv_push(ret, "panic=-1");
	viv_strv_push(ret, "quiet");
	if (m->accel == VIV_ACCEL_TCG) {
		viv_strv_push(ret, "cryptomgr.notests");
		viv_strv_push(ret, "norandmaps");
		viv_strv_push(ret, "no_timer_check");
		viv_strv_push(ret, "watchdog_thresh=30");
		viv_strv_push(ret, "rcupdate.rcu_cpu_stall_timeout=60");
		if (m->cores == 1)
			viv_strv_push(ret, "noreplace-smp");
	}
	viv_strv_pushf(ret, "viv.layers=%zu", n_layers);
	viv_strv_pushf(ret, "viv.upper=%s", upper);
	if (viv_nics_have_plain_user(m))
		viv_strv_push(ret, "viv.network=user");
}

void viv_system_add_layers(struct viv_machine *m, const struct viv_strv *layers)
{
	for (size_t i = 0; i < layers->count; i++) {
		struct viv_drive *d = viv_machine_add_drive(m);

		d->file = viv_strdup(layers->items[i]);
		d->serial = viv_asprintf("viv-layer-%zu", i);
		d->read_only = true;
	}
}

static int find_qemu(const struct viv_config *config, struct viv_qemu_program *ret,
		     struct viv_error *err)
{
	const char *wanted = viv_config_string(config, "virtualisation.qemu.package");

	return viv_qemu_find(wanted ? wanted : "qemu-system-x86_64", ret, err);
}

/* Shared memory is promised to QEMU without being there: the guest would end when it runs out. */
static int check_memory(const struct viv_config *config, struct viv_error *err)
{
	uint64_t wanted = (uint64_t)viv_config_int(config, "virtualisation.memorySize");
	struct sysinfo host;
	uint64_t there;

	if (sysinfo(&host) < 0)
		return viv_error_set(err, errno, "sysinfo");
	there = (host.totalram + host.totalswap) * (uint64_t)host.mem_unit >> 20;
	if (wanted <= there)
		return 0;
	viv_error_say(err, ENOMEM,
		      "%s: virtualisation.memorySize: %llu MiB, but this host has %llu MiB with its swap",
		      viv_config_place(config, "virtualisation.memorySize"), (unsigned long long)wanted,
		      (unsigned long long)there);
	viv_error_hint(err, "This host has not enough memory for the guest: lower "
			    "virtualisation.memorySize.");
	return -ENOMEM;
}

int viv_system_check_host(const struct viv_config *config, struct viv_error *err)
{
	VIV_CLEANUP(viv_qemu_program_free) struct viv_qemu_program program = {0};
	int r = find_qemu(config, &program, err);

	if (r == 0)
		r = viv_devices_check(config, program.path, err);
	if (r == 0)
		r = viv_nics_check_host(config, err);
	if (r == 0)
		r = viv_firmware_check(config, err);
	if (r == 0)
		r = viv_loader_check(config, err);
	return r == 0 ? check_memory(config, err) : r;
}

static int choose_qemu(const struct viv_config *config, const struct viv_system_extra *extra,
		       struct viv_machine *m, char **ret_accel_why, struct viv_error *err)
{
	const char *accel = extra->accel ? extra->accel
					 : viv_config_string(config, "virtualisation.accel");
	VIV_CLEANUP(viv_qemu_program_free) struct viv_qemu_program program = {0};
	enum viv_accel_wish wish;
	int r = viv_accel_wish_parse(accel, &wish, err);

	if (extra->for_script) {
		const char *qemu = viv_config_string(config, "virtualisation.qemu.package");

		m->accel = VIV_ACCEL_KVM;
		m->qemu = viv_strdup(qemu ? qemu : "qemu-system-x86_64");
		return r;
	}
	if (r == 0)
		r = find_qemu(config, &program, err);
	if (r == 0)
		r = viv_accel_choose(wish, &m->accel, ret_accel_why, err);
	if (r < 0)
		return r;
	if (m->accel == VIV_ACCEL_TCG)
		m->cpu = viv_strdup(viv_qemu_tcg_cpu(&program));
	m->qemu = viv_steal(program.path);
	m->board = viv_steal(program.q35);
	return 0;
}

static void add_extra(const struct viv_config *config, const struct viv_system_extra *extra,
		      struct viv_machine *m)
{
	const json_t *options = viv_config_get(config, "virtualisation.qemu.options"), *option;
	size_t i;

	json_array_foreach((json_t *)options, i, option)
		viv_strv_push(&m->extra, json_string_value(option));
	add_words(&m->extra, extra->qemu_options);
	add_words(&m->kernel_params, extra->kernel_params);
}

/*
 * Not through PVH: with a screen, which has no text there; with a TPM, whose log makes the firmware's ACPI
 * tables so large that QEMU puts a PVH kernel's initrd over them (docs/boot.md).
 */
static const char *choose_kernel(const struct viv_machine *m, const struct viv_system *system,
				 const struct viv_system_extra *extra)
{
	if (extra->kernel)
		return extra->kernel;
	return (m->devices.display || m->devices.tpm) && system->bzimage ? system->bzimage : system->kernel;
}

static int no_bzimage(const struct viv_config *config, struct viv_error *err)
{
	return viv_error_say(err, EINVAL, "%s: boot.kernel: a boot loader and UEFI start a bzImage, and this is a "
			     "vmlinux", viv_config_place(config, "boot.kernel"));
}

int viv_system_machine(const struct viv_config *config, const struct viv_system *system,
		       const struct viv_system_extra *extra, struct viv_machine *ret,
		       char **ret_accel_why, struct viv_error *err)
{
	VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
	int r;

	m.cores = viv_devices_cores(config);
	m.memory_mib = (unsigned)viv_config_int(config, "virtualisation.memorySize");
	m.spare_ports = SPARE_PORTS;
	m.initrd = viv_strdup(system->initrd);
	r = viv_nics_add(config, extra->net_options, &m, err);
	if (r == 0 && !extra->no_disk && !extra->for_script)
		r = viv_nics_check_ports(config, &m, err);
	if (r == 0)
		r = choose_qemu(config, extra, &m, ret_accel_why, err);
	if (r == 0)
		r = extra->for_script ? viv_devices_make_for_script(config, &m, err)
				      : viv_devices_make(config, &m, err);
	if (r == 0) {
		m.kernel = viv_strdup(choose_kernel(&m, system, extra));
		viv_system_add_layers(&m, &system->layers);
		r = viv_disks_add(config, extra, &m, err);
		if (r == 0 && !extra->for_script)
			r = viv_crash_add_disk(config, extra->no_disk, &m, err);
	}
	/* A boot loader and UEFI know the kernel's own format only. */
	if (r == 0 && !extra->kernel && !viv_firmware_is_foreign(config) &&
	    (viv_firmware_uses_loader(config) || viv_config_bool(config, "virtualisation.useEFIBoot"))) {
		if (!system->bzimage)
			return no_bzimage(config, err);
		free(m.kernel);
		m.kernel = viv_strdup(system->bzimage);
	}
	if (r == 0 && !extra->for_script)
		r = viv_devices_keep_tpm(config, extra->fresh && !extra->no_disk, &m, err);
	if (r == 0)
		r = viv_firmware_make(config, extra->no_disk || extra->for_script, extra->fresh, &m,
				      err);
	if (r < 0)
		return r;
	viv_devices_consoles(config, &m.kernel_params);
	viv_system_kernel_params(&m, system->layers.count, viv_disks_upper(config, extra),
				 &m.kernel_params);
	viv_disks_params(config, system, extra, &m.kernel_params);
	viv_strv_push_all(&m.kernel_params, (const char *const *)system->kernel_params.items);
	add_extra(config, extra, &m);
	viv_strv_push_all(&m.mirrors, (const char *const *)system->mirrors.items);
	*ret = m;
	m = (struct viv_machine){0};
	return 0;
}
