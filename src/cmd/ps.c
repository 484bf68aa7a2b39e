/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/path.h"
#include "cmd/store.h"
#include "run/machines.h"
#include "test/remains.h"

static const struct viv_flag flags[] = {
	{"names", 0, NULL, "only their names, a line each"},
	{0},
};

/* "12s", "3m 20s", "5h 2m", "3d 4h". */
static void add_time(struct viv_str *s, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *large, *small;
		uint64_t per_small;
	} units[] = {{86400, "d", "h", 3600}, {3600, "h", "m", 60}, {60, "m", "s", 1}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++) {
		if (seconds < units[i].seconds)
			continue;
		viv_str_addf(s, "%llu%s %llu%s", (unsigned long long)(seconds / units[i].seconds),
			     units[i].large,
			     (unsigned long long)(seconds % units[i].seconds / units[i].per_small),
			     units[i].small);
		return;
	}
	viv_str_addf(s, "%llus", (unsigned long long)seconds);
}

static char *ports_text(const json_t *ports)
{
	VIV_STRV v = VIV_STRV_INIT;
	const json_t *port;
	size_t i;

	json_array_foreach((json_t *)ports, i, port)
		if (json_is_string(port))
			viv_strv_push(&v, json_string_value(port));
	return v.count ? viv_strv_join(&v, " ") : viv_strdup("-");
}

/* "vnc /run/user/1000/viv/vm/vnc": what a viewer is given; a window's kind alone. */
static char *screen_text(const json_t *screen)
{
	const char *kind = viv_json_str(screen, "kind"), *address = viv_json_str(screen, "address");

	return viv_asprintf("%s%s%s", kind ? kind : "-", address ? " " : "", address ? address : "");
}

/* One that does not answer has none of the rest. */
static void print_unresponsive(const json_t *m)
{
	uint64_t pid;
	VIV_FREE char *text = viv_json_u64(m, "pid", INT32_MAX, &pid)
				      ? viv_asprintf("%llu", (unsigned long long)pid) : viv_strdup("-");

	printf("%-15s %-12s %5s %9s %7s %5s  %-20s %-9s %s\n", viv_json_str(m, "name"), "unresponsive", text,
	       "-", "-", "-", "-", "-", "-");
}

static void print_machine(const json_t *m)
{
	const char *state = viv_json_str(m, "state"), *folder = viv_json_str(m, "folder");
	uint64_t pid = 0, uptime = 0, memory = 0, cores = 0;
	VIV_FREE char *ports = ports_text(json_object_get(m, "ports"));
	VIV_FREE char *screen = screen_text(json_object_get(m, "screen"));
	VIV_STR up = VIV_STR_INIT;

	viv_json_u64(m, "pid", INT32_MAX, &pid);
	viv_json_u64(m, "uptime_ms", INT64_MAX, &uptime);
	viv_json_u64(m, "memory_mib", INT32_MAX, &memory);
	viv_json_u64(m, "cores", INT32_MAX, &cores);
	add_time(&up, uptime / 1000);
	if (state && viv_streq(state, "unresponsive")) {
		print_unresponsive(m);
		return;
	}
	printf("%-15s %-9s %8llu %9s %6lluM %5llu  %-20s %-9s %s\n", viv_json_str(m, "name"),
	       state ? state : "?", (unsigned long long)pid, up.data, (unsigned long long)memory,
	       (unsigned long long)cores, folder ? folder : "-", ports, screen);
}

static int print_names(const char *runtime, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	int r = viv_machines_names(runtime, &names, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++)
		puts(names.items[i]);
	return VIV_EXIT_OK;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_FREE char *runtime = NULL;
	json_t *list = NULL, *machine;
	size_t i;
	int r = viv_dir_runtime(&runtime, err);

	if (r == 0)
		viv_test_remains_remove_all(runtime);
	if (r == 0 && viv_args_has(args, "names"))
		return print_names(runtime, err);
	if (r == 0)
		r = viv_machines_list(runtime, &list, err);
	if (r < 0)
		return r;
	if (cmd->json)
		return viv_cmd_print_json(list);
	printf("%-15s %-9s %8s %9s %7s %5s  %-20s %-9s %s\n", "NAME", "STATE", "PID", "UPTIME", "MEMORY",
	       "CORES", "FOLDER", "PORTS", "SCREEN");
	json_array_foreach(list, i, machine)
		print_machine(machine);
	json_decref(list);
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_ps = {
	.name = "ps",
	.summary = "List the machines that run",
	.about = "In the foreground or not. With --json also the command, the accelerator, the pid of QEMU,\n"
		 "the machine file.",
	.flags = flags,
	.run = run,
};
