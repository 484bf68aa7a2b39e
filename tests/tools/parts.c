/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "base/path.h"
#include "qemu/accel.h"
#include "qemu/program.h"
#include "run/disk.h"
#include "run/system.h"

static int add_option(struct boot *b, char **argv, int *i, struct viv_error *err)
{
	const char *o = argv[*i];

	if (viv_streq(o, "--net")) {
		viv_machine_add_nic(&b->machine)->kind = VIV_NIC_USER;
	} else if (viv_streq(o, "--pty")) {
		b->spec.pty = true;
	} else if (viv_streq(o, "--console")) {
		b->spec.kind = VIV_SESSION_CONSOLE;
	} else if (!argv[*i + 1]) {
		return viv_error_say(err, EINVAL, "%s: unknown, or without its value", o);
	} else if (viv_streq(o, "--mem")) {
		b->machine.memory_mib = (unsigned)strtoul(argv[++*i], NULL, 10);
	} else if (viv_streq(o, "--smp")) {
		b->machine.cores = (unsigned)strtoul(argv[++*i], NULL, 10);
	} else if (viv_streq(o, "--ports")) {
		b->machine.spare_ports = (unsigned)strtoul(argv[++*i], NULL, 10);
	} else if (viv_streq(o, "--timeout")) {
		b->spec.timeout_ms = strtol(argv[++*i], NULL, 10);
	} else if (viv_streq(o, "--disk")) {
		struct viv_drive *d = viv_machine_add_drive(&b->machine);

		b->upper = "disk";
		d->serial = viv_strdup("viv-disk");
		d->scratch = true;
		return viv_disk_fresh(strtoul(argv[++*i], NULL, 10), &d->fd, err);
	}
	return 0;
}

static int parse(struct boot *b, char **argv, struct viv_error *err)
{
	int i, r = 0;

	for (i = 1; argv[i] && r == 0 && !viv_streq(argv[i], "--"); i++) {
		if (argv[i][0] == '-')
			r = add_option(b, argv, &i, err);
		else if (!b->machine.kernel)
			b->machine.kernel = viv_strdup(argv[i]);
		else if (!b->machine.initrd)
			b->machine.initrd = viv_strdup(argv[i]);
		else if (viv_ends_with(argv[i], ".erofs"))
			viv_strv_push(&b->layers, argv[i]);
		else
			viv_strv_push(&b->params, argv[i]);
	}
	if (r == 0 && argv[i])
		b->spec.argv = (const char *const *)argv + i + 1;
	return r;
}

static int make(struct boot *b, struct viv_error *err)
{
	VIV_CLEANUP(viv_qemu_program_free) struct viv_qemu_program program = {0};
	VIV_FREE char *why = NULL;
	struct viv_machine *m = &b->machine;
	int r = viv_qemu_find("qemu-system-x86_64", &program, err);

	if (r == 0)
		r = viv_accel_choose(VIV_ACCEL_WISH_AUTO, &m->accel, &why, err);
	if (r < 0)
		return r;
	m->qemu = viv_steal(program.path);
	m->board = viv_strdup(program.q35);
	m->cpu = m->accel == VIV_ACCEL_TCG ? viv_strdup(viv_qemu_tcg_cpu(&program)) : NULL;
	viv_system_add_layers(m, &b->layers);
	viv_strv_push(&m->kernel_params, "console=ttyS0");
	viv_system_kernel_params(m, b->layers.count, b->upper, &m->kernel_params);
	viv_strv_push_all(&m->kernel_params, (const char *const *)b->params.items);
	b->spec.machine = m;
	return 0;
}

int boot_parse(struct boot *b, char **argv, struct viv_error *err)
{
	int r = parse(b, argv, err);

	return r < 0 ? r : make(b, err);
}

static int on_limit(struct viv_source *s, void *arg)
{
	return -ETIMEDOUT;
}

int boot_run(struct boot *b, const struct viv_vm_events *events, struct viv_error *err)
{
	VIV_FREE char *runtime = NULL;
	int r = viv_loop_new(&b->loop, err);

	if (r == 0)
		r = viv_dir_runtime(&runtime, err);
	if (r == 0)
		r = viv_machine_dir_take(runtime, b->spec.name, false, &b->spec.dir, err);
	if (r == 0)
		r = viv_loop_add_timer(b->loop, BOOT_LIMIT_MS, on_limit, NULL, NULL, err);
	if (r == 0)
		r = viv_vm_start(b->loop, &b->machine, &b->spec.dir, events, &b->vm, err);
	if (r == 0)
		r = viv_loop_run(b->loop, err);
	viv_vm_free(viv_steal(b->vm));
	viv_machine_dir_release(&b->spec.dir);
	viv_loop_free(viv_steal(b->loop));
	return r;
}

void boot_free_contents(struct boot *b)
{
	viv_machine_free_contents(&b->machine);
	viv_strv_free(&b->layers);
	viv_strv_free(&b->params);
}
