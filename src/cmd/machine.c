/* SPDX-License-Identifier: MIT */
#include "cmd/machine.h"

#include "run/make.h"

int viv_cmd_machine_open(struct viv_cmd *cmd, struct viv_cmd_machine *m, struct viv_error *err)
{
	int r = viv_guest_programs_find(&m->guest, err);

	return r < 0 ? r : viv_cmd_open_store(cmd, &m->store, err);
}

int viv_cmd_machine_load(struct viv_cmd *cmd, const struct viv_args *args,
			 struct viv_cmd_machine *m, struct viv_error *err)
{
	int r = viv_cmd_load_config(cmd, args, args->operands[0], &m->config, err);

	return r < 0 ? r : viv_cmd_machine_open(cmd, m, err);
}

int viv_cmd_machine_share(struct viv_cmd *cmd, const struct viv_args *args, struct viv_cmd_machine *m,
			  struct viv_error *err)
{
	VIV_FREE const char **flags = viv_new_array(const char *, args->n_given);
	struct viv_share_wish wish = {
		.cwd = !viv_args_has(args, "no-cwd"),
		.write_cwd = viv_args_has(args, "rw"),
		.flags = flags,
	};

	if (!wish.cwd && wish.write_cwd)
		return viv_error_say(err, EINVAL, "--rw and --no-cwd exclude each other");
	for (size_t i = 0; i < args->n_given; i++)
		if (viv_streq(args->given[i].flag->name, "share"))
			flags[wish.n_flags++] = args->given[i].value;
	return viv_shares_collect(m->config, &wish, cmd->report, &m->shares, err);
}

int viv_cmd_machine_plan(struct viv_cmd *cmd, struct viv_plan_options options,
			 struct viv_cmd_machine *m, struct viv_error *err)
{
	options.init_program = m->guest.init;
	options.agent_program = m->guest.agent;
	return viv_plan_make(m->store, m->config, &options, cmd->report, &m->plan, err);
}

int viv_cmd_machine_build(struct viv_cmd *cmd, struct viv_cmd_machine *m, struct viv_error *err)
{
	return viv_plan_build(m->plan, cmd->report, &m->system, err);
}

void viv_cmd_machine_environment(struct viv_system_extra *extra)
{
	const struct {
		const char *name;
		const char **value;
	} variables[] = {
		{"VIV_ACCEL", &extra->accel},
		{"VIV_KERNEL", &extra->kernel},
		{"VIV_DISK_IMAGE", &extra->disk_image},
		{"QEMU_KERNEL_PARAMS", &extra->kernel_params},
		{"QEMU_OPTS", &extra->qemu_options},
		{"QEMU_NET_OPTS", &extra->net_options},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i].name);

		if (!*variables[i].value && value && value[0])
			*variables[i].value = value;
	}
}

int viv_cmd_machine_make(struct viv_cmd *cmd, const struct viv_system_extra *extra,
			 struct viv_cmd_machine *m, struct viv_error *err)
{
	VIV_FREE char *why = NULL;
	int r = viv_make_machine(m->store, m->config, &m->system, &m->shares, extra, cmd->report, &m->machine,
				 &why, err);

	if (r == 0)
		viv_say(cmd->report, m->machine.accel == VIV_ACCEL_TCG ? VIV_INFO : VIV_DEBUG, "%s",
			why);
	return r;
}

void viv_cmd_machine_free_contents(struct viv_cmd_machine *m)
{
	viv_machine_free_contents(&m->machine);
	viv_system_free_contents(&m->system);
	viv_shares_free_contents(&m->shares);
	viv_plan_freep(&m->plan);
	viv_store_closep(&m->store);
	viv_guest_programs_free(&m->guest);
	viv_config_freep(&m->config);
	*m = (struct viv_cmd_machine){0};
}
