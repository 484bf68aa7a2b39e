/* SPDX-License-Identifier: MIT */
/*
 * Boots a machine from explicit parts and runs a command in it, as `viv run` does with what it has
 * built: for work on kernels, init and agent without packages or a store.
 *
 *	boot KERNEL INITRD LAYER… [viv.init=… or other kernel parameters] [--disk MIB] [--mem MIB]
 *	     [--smp N] [--net] [--pty] [--console] [--timeout MS] -- CMD…
 */
#include "qemu/accel.h"
#include "qemu/program.h"
#include "run/disk.h"
#include "run/session.h"
#include "run/system.h"

#include <unistd.h>

struct boot {
	struct viv_machine machine;
	struct viv_strv layers, params;
	const char *upper;
	struct viv_session_spec spec;
};

static int add_option(struct boot *b, char **argv, int *i, struct viv_error *err)
{
	const char *o = argv[*i];

	if (viv_streq(o, "--net")) {
		b->machine.network = true;
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

static int boot(struct boot *b, struct viv_session_result *ret, struct viv_error *err)
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
	viv_system_kernel_params(m, b->layers.count, b->upper, &m->kernel_params);
	viv_strv_push_all(&m->kernel_params, (const char *const *)b->params.items);
	b->spec.machine = m;
	return viv_session_run(&b->spec, ret, err);
}

int main(int argc, char **argv)
{
	struct boot b = {
		.machine = {.memory_mib = 512, .cores = 1, .spare_ports = 4},
		.upper = "memory",
		.spec = {.name = "boot", .out_fd = 1, .err_fd = 2, .fail_on = VIV_TROUBLE_ON_DEFAULT},
	};
	struct viv_session_result result = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;

	if (parse(&b, argv, &err) < 0 || boot(&b, &result, &err) < 0) {
		fprintf(stderr, "boot: %s\n", err.msg);
		return 125;
	}
	for (size_t i = 0; i < result.lines.count; i++)
		fprintf(stderr, "%s\n", result.lines.items[i]);
	viv_json_canonical(result.json, &text);
	fprintf(stderr, "%s\n", text.data);
	viv_machine_free_contents(&b.machine);
	viv_strv_free(&b.layers);
	viv_strv_free(&b.params);
	return result.outcome.status;
}
