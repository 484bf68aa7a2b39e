/* SPDX-License-Identifier: MIT */
#include "plan/needs.h"

#include "base/fd.h"
#include "base/path.h"
#include "kernel/modules.h"
#include "plan/area.h"
#include "plan/step.h"
#include "plan/whose.h"

#define MAX_CONFIG (16u << 20)

/* What may be asked of a name, as system.requiredKernelConfig has it. */
enum state { YES, MODULE, ENABLED, NO };
static const char *const state_names[] = {"yes", "module", "enabled", "no"};
static const char *const state_texts[] = {"must be y", "must be m", "must be y or m", "must not be set"};

enum machine {
	ANY, SYSTEMD, SERIAL, CRASH, LAYERED, MINIMAL, OVERLAY, EXT4, XFS, BTRFS, FIREWALL, SWAP, ZRAM, SYSCTL
};

/* What our init, the agent, the init system and some options can't do without. */
static const struct {
	const char *name;
	enum state state;
	enum machine which;
	const char *what_for;
} needs[] = {
	{"BLK_DEV", YES, ANY, "disks"},
	{"BLK_DEV_INITRD", YES, ANY, "the initrd"},
	{"BINFMT_ELF", YES, ANY, "programs"},
	{"DEVTMPFS", YES, ANY, "/dev"},
	{"EROFS_FS", ENABLED, LAYERED, "the layers of the root"},
	{"INET", YES, ANY, "networks"},
	{"NETDEVICES", YES, ANY, "networks"},
	{"NET_CORE", YES, ANY, "networks"},
	{"OVERLAY_FS", ENABLED, OVERLAY, "a root that can be written to"},
	{"PCI", YES, ANY, "virtio's devices"},
	{"PROC_FS", YES, ANY, "/proc"},
	{"SQUASHFS", ENABLED, MINIMAL, "system.root = \"minimal\""},
	{"SQUASHFS_ZSTD", YES, MINIMAL, "system.root = \"minimal\""},
	{"SYSFS", YES, ANY, "/sys"},
	{"TMPFS", YES, ANY, "/run"},
	{"UNIX", ENABLED, ANY, "sockets"},
	{"VIRTIO_BLK", ENABLED, ANY, "the layers' disks"},
	{"VIRTIO_CONSOLE", ENABLED, ANY, "the agent's port"},
	{"VIRTIO_NET", ENABLED, ANY, "networks"},
	{"VIRTIO_PCI", ENABLED, ANY, "virtio's devices"},
	{"EXT4_FS", ENABLED, EXT4, "the machine's own disk"},
	{"XFS_FS", ENABLED, XFS, "the machine's own disk"},
	{"BTRFS_FS", ENABLED, BTRFS, "the machine's own disk"},
	{"NF_TABLES", ENABLED, FIREWALL, "networking.firewall"},
	{"NF_TABLES_INET", YES, FIREWALL, "networking.firewall"},
	{"NFT_CT", ENABLED, FIREWALL, "networking.firewall"},
	{"PROC_SYSCTL", YES, SYSCTL, "boot.sysctl"},
	{"SWAP", YES, SWAP, "swap"},
	{"ZRAM", ENABLED, ZRAM, "zramSwap"},
	{"SERIAL_8250", YES, SERIAL, "the console"},
	{"SERIAL_8250_CONSOLE", YES, SERIAL, "the console"},
	{"CRASH_DUMP", YES, CRASH, "boot.crashDump"},
	{"KEXEC_FILE", YES, CRASH, "boot.crashDump"},
	{"PROC_VMCORE", YES, CRASH, "boot.crashDump"},
	{"CGROUPS", YES, SYSTEMD, "systemd"},
	{"EPOLL", YES, SYSTEMD, "systemd"},
	{"FHANDLE", YES, SYSTEMD, "systemd"},
	{"INOTIFY_USER", YES, SYSTEMD, "systemd"},
	{"SIGNALFD", YES, SYSTEMD, "systemd"},
	{"TIMERFD", YES, SYSTEMD, "systemd"},
};

/* Names that old lists ask for: a kernel without them lacks nothing. */
static const struct {
	const char *name, *since;
} gone[] = {
	{"DEVPTS_MULTIPLE_INSTANCES", "4.7"},
	{"EXPERIMENTAL", "3.9"},
	{"HOTPLUG", "3.11"},
	{"NETFILTER_XT_TARGET_NOTRACK", "3.11"},
	{"SYSFS_DEPRECATED", "6.2"},
};

struct checking {
	const struct viv_config *config;
	struct viv_str lines; /* the configuration, with a newline before its first line */
	bool has_modules;
	struct viv_report *report;
	struct viv_str faults;
};

/* 'y', 'm', 0 where it is not set, 'v' for what has a value. */
static char setting(const struct checking *c, const char *name)
{
	VIV_FREE char *mark = viv_asprintf("\nCONFIG_%s=", name);
	const char *at = strstr(c->lines.data, mark);

	if (!at)
		return 0;
	at += strlen(mark);
	return (at[0] == 'y' || at[0] == 'm') && (at[1] == '\n' || !at[1]) ? at[0] : 'v';
}

static bool fits(enum state want, char is)
{
	switch (want) {
	case YES:
		return is == 'y';
	case MODULE:
		return is == 'm';
	case ENABLED:
		return is == 'y' || is == 'm';
	default:
		return !is;
	}
}

/* One wrong name is one line. */
static void add_fault(struct checking *c, const char *name, enum state want, char is, const char *what_for)
{
	const char *now = is == 'y' ? "y" : is == 'm' ? "m" : is ? "a value" : "not set";

	viv_str_addf(&c->faults, "\n\tCONFIG_%s %s, and is %s: %s", name, state_texts[want], now, what_for);
}

static bool is_on_disk(const struct viv_config *config, const char *type)
{
	const char *own = viv_own_disk_type(config);

	return own && viv_streq(own, type);
}

static bool is_asked(const struct viv_config *config, enum machine which)
{
	switch (which) {
	case SYSTEMD:
		return viv_uses_systemd(config);
	case SERIAL:
		return !viv_has_screen(config);
	case LAYERED:
		return !viv_is_minimal(config);
	case MINIMAL:
		return viv_is_minimal(config);
	case OVERLAY:
		return !viv_is_minimal(config) || viv_config_bool(config, "virtualisation.writableStore");
	case EXT4:
		return is_on_disk(config, "ext4");
	case XFS:
		return is_on_disk(config, "xfs");
	case BTRFS:
		return is_on_disk(config, "btrfs");
	case FIREWALL:
		return viv_config_bool(config, "networking.firewall.enable");
	case SWAP:
		return json_array_size(viv_config_get(config, "swapDevices")) ||
		       viv_config_bool(config, "zramSwap.enable");
	case ZRAM:
		return viv_config_bool(config, "zramSwap.enable");
	case SYSCTL:
		return json_object_size(viv_config_get(config, "boot.sysctl")) > 0;
	case CRASH:
		return viv_config_bool(config, "boot.crashDump.enable");
	default:
		return true;
	}
}

static void check_own(struct checking *c)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(needs); i++) {
		char is = setting(c, needs[i].name);

		if (!is_asked(c->config, needs[i].which))
			continue;
		if (!fits(needs[i].state, is))
			add_fault(c, needs[i].name, needs[i].state, is, needs[i].what_for);
		else if (is == 'm' && !c->has_modules)
			viv_str_addf(&c->faults, "\n\tCONFIG_%s is m, and the kernel comes without modules: %s",
				     needs[i].name, needs[i].what_for);
	}
}

static const char *gone_since(const char *name)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(gone); i++)
		if (viv_streq(gone[i].name, name))
			return gone[i].since;
	return NULL;
}

/* One that system.requiredKernelConfig names; place: which line does. */
static void check_asked(struct checking *c, const json_t *item, const char *place)
{
	const char *name = viv_json_str(item, "name"), *state = viv_json_str(item, "state");
	VIV_FREE char *what_for = viv_asprintf("%s: system.requiredKernelConfig", place);
	char is = setting(c, name);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(state_names); i++) {
		if (!viv_streq(state, state_names[i]) || fits((enum state)i, is))
			continue;
		if (!is && gone_since(name))
			viv_say(c->report, VIV_INFO, "%s: CONFIG_%s is not checked: Linux has it no more since %s",
				what_for, name, gone_since(name));
		else
			add_fault(c, name, (enum state)i, is, what_for);
	}
}

/* Takes the first item of a list that is the value, or with NULL the first that a function makes; its place. */
static const char *take_item(json_t *def, const json_t *item)
{
	json_t *all = json_object_get(def, "value"), *v;
	size_t i;

	json_array_foreach(all, i, v) {
		const char *place = json_string_value(json_array_get(json_object_get(def, "places"), i));

		if (!place || (item ? !json_equal(v, item) : json_is_object(v) || json_is_false(v)))
			continue;
		json_array_set_new(all, i, json_false());
		return place;
	}
	return NULL;
}

/*
 * Where an item of the value stands. The definitions tell, in whose order the value's items are: what is
 * in none of them was made by a function, in a list or instead of one.
 */
static const char *place_of(const json_t *definitions, const json_t *item, const char *otherwise)
{
	const char *place = NULL;
	json_t *def;
	size_t i;

	for (int made = 0; made < 2 && !place; made++)
		json_array_foreach((json_t *)definitions, i, def)
			if (!place && json_is_true(json_object_get(def, "used")))
				place = take_item(def, made ? NULL : item);
	json_array_foreach((json_t *)definitions, i, def)
		if (!place && json_is_true(json_object_get(def, "used")) && !json_is_array(json_object_get(def, "value")))
			place = viv_json_str(def, "place");
	return place ? place : otherwise;
}

static int check_asked_all(struct checking *c, struct viv_error *err)
{
	const char *option = "system.requiredKernelConfig", *otherwise = viv_config_place(c->config, option);
	VIV_JSON *definitions = NULL;
	json_t *item;
	size_t i;
	int r = viv_config_why(c->config, option, &definitions, err);

	json_array_foreach(viv_config_get(c->config, option), i, item)
		if (r == 0)
			check_asked(c, item, place_of(definitions, item, otherwise));
	return r;
}

static int unknown(const struct viv_config *config, struct viv_report *report, struct viv_error *err)
{
	const char *place = viv_config_place(config, "system.requiredKernelConfig");

	if (!json_array_size(viv_config_get(config, "system.requiredKernelConfig"))) {
		viv_say(report, VIV_INFO, "nothing is known of the kernel's configuration: whether it has what the "
			"machine needs is not checked");
		return 0;
	}
	viv_error_say(err, EINVAL, "%s: system.requiredKernelConfig: this kernel's configuration is not known", place);
	return viv_error_hint(err, "have it beside the kernel, as config-<release>, or name the kernel's tree in "
			      "boot.kernel, or build it with CONFIG_IKCONFIG");
}

int viv_kernel_needs(const struct viv_config *config, const char *kernel_config, bool has_modules,
		     struct viv_report *report, struct viv_error *err)
{
	struct checking c = {.config = config, .has_modules = has_modules, .report = report};
	const char *place = viv_config_place(config, "boot.kernel");
	bool chosen = !viv_streq(place, "default");
	int r = 0;

	if (!kernel_config)
		return unknown(config, report, err);
	viv_str_addf(&c.lines, "\n%s", kernel_config);
	check_own(&c);
	r = check_asked_all(&c, err);
	if (r == 0 && c.faults.len)
		r = viv_error_say(err, EINVAL, "%s%sboot.kernel: the kernel lacks what this machine needs:%s",
				  chosen ? place : "", chosen ? ": " : "", c.faults.data);
	viv_str_free(&c.lines);
	viv_str_free(&c.faults);
	return r;
}

/* Those that the initrd loads are looked for when it is written (areas/boot.c). */
static int check_modules(const struct viv_config *config, const char *folder, struct viv_error *err)
{
	VIV_STRV wanted = VIV_STRV_INIT, paths = VIV_STRV_INIT;
	int r;

	viv_push_option(&wanted, config, "boot.kernelModules");
	if (!wanted.count || !viv_uses_systemd(config))
		return 0;
	r = viv_modules_closure(folder, &wanted, NULL, &paths, err);
	return r == -ENOENT ? viv_whose_module(config, err) : r;
}

int viv_kernel_check_needs(const struct viv_plan *p, struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *kernel = viv_store_object_path(p->store, p->steps[VIV_STEP_KERNEL].id);
	VIV_FREE char *config = viv_path_join(kernel, "config"), *folder = viv_path_join(kernel, "modules");
	VIV_FREE char *dep = viv_path_join(folder, "modules.dep");
	VIV_STR text = VIV_STR_INIT, modules = VIV_STR_INIT;
	int r = 0;

	if (viv_exists(config))
		r = viv_read_file(config, MAX_CONFIG, &text, err);
	if (r == 0 && viv_exists(dep))
		r = viv_read_file(dep, MAX_CONFIG, &modules, err);
	if (r == 0)
		r = viv_kernel_needs(p->config, text.data, modules.len > 0, report, err);
	return r == 0 && modules.len ? check_modules(p->config, folder, err) : r;
}
