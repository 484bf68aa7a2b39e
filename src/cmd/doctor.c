/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/guest.h"

#include "base/dl.h"
#include "base/process.h"
#include "image/erofs.h"
#include "qemu/accel.h"
#include "qemu/program.h"
#include "run/display.h"
#include "run/firmware.h"
#include "run/virtiofsd.h"
#include "sandbox/sandbox.h"

#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/*
 * What viv needs of this host. Each check says in a line what it found, or fails with what to do.
 * A check that is only advice can't make the command fail.
 */
struct check {
	const char *name;
	bool advice;
	int (*run)(struct viv_cmd *cmd, char **ret_found, struct viv_error *err);
};

static int check_program(const char *program, const char *package, char **ret_found,
			 struct viv_error *err)
{
	*ret_found = viv_find_program(program);
	if (*ret_found)
		return 0;
	return viv_error_say(err, ENOENT, "%s is not there\ninstall it: apt install %s", program,
			     package);
}

static int check_qemu(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	const char *argv[] = {"qemu-system-x86_64", "--version", NULL};
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line;
	int r = check_program(argv[0], "qemu-system-x86", ret_found, err);

	if (r == 0)
		r = viv_process_check(argv, &out, 4096, 10000, err);
	if (r < 0)
		return r;
	rest = (struct viv_slice){out.data, out.len};
	if (viv_slice_line(&rest, &line)) {
		free(*ret_found);
		*ret_found = viv_slice_dup(line);
	}
	return 0;
}

static int check_accel(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	enum viv_accel accel;
	int r = viv_accel_choose(VIV_ACCEL_WISH_AUTO, &accel, ret_found, err);

	if (r == 0 && accel != VIV_ACCEL_KVM)
		return viv_error_say(err, ENODEV, "%s", *ret_found);
	return r;
}

static int check_apt(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	int r = check_program("apt-get", "apt", ret_found, err);

	if (r < 0)
		viv_error_hint(err, "Fedora, Arch and others have apt as a package; then name mirrors in "
				    "/etc/viv/config.lua:\n"
				    "  packages.mirrors = { \"http://deb.example.org/debian\" }");
	return r;
}

static int check_keyring(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	static const char path[] = "/usr/share/keyrings/debian-archive-keyring.gpg";

	if (access(path, R_OK) < 0)
		return viv_error_say(err, ENOENT,
				     "%s is not there\ninstall it: apt install debian-archive-keyring; or "
				     "name a keyring in packages.keyring",
				     path);
	*ret_found = viv_strdup(path);
	return 0;
}

static int check_sandbox(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	*ret_found = viv_strdup("user namespaces work");
	return viv_sandbox_check(err);
}

static int check_libraries(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	*ret_found = viv_strdup("libarchive, libkmod, libcrypto");
	return viv_dl_libarchive(err) < 0 || viv_dl_libkmod(err) < 0 || viv_dl_libcrypto(err) < 0
		       ? -ELIBACC
		       : 0;
}

static int check_erofs(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	return viv_erofs_version(ret_found, err);
}

static int check_depmod(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	return check_program("depmod", "kmod", ret_found, err);
}

static int check_mke2fs(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	return check_program("mke2fs", "e2fsprogs", ret_found, err);
}

/* Without it shares go over 9p, with Debian's full kernel only. */
static int check_virtiofsd(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	bool qemus;
	int r = viv_virtiofsd_find(ret_found, &qemus, err);

	return r < 0 ? viv_error_hint(err, "without it guests don't get the current folder, and "
					   "shares take 9p and Debian's full kernel")
		     : r;
}

static int check_guest(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	VIV_CLEANUP(viv_guest_programs_free) struct viv_guest_programs guest = {0};
	int r = viv_guest_programs_find(&guest, err);

	if (r == 0)
		*ret_found = viv_strdup(guest.init);
	return r;
}

static int check_store(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *store = NULL;
	struct statvfs fs;
	unsigned long long mib;
	int r = viv_cmd_open_store(cmd, &store, err);

	if (r < 0)
		return r;
	if (statvfs(viv_store_root(store), &fs) < 0)
		return viv_error_set(err, errno, "%s", viv_store_root(store));
	mib = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
	*ret_found = viv_asprintf("%s, %llu MiB free", viv_store_root(store), mib);
	if (mib < 2048)
		return viv_error_say(err, ENOSPC, "%s has %llu MiB free: a system takes about 1 GiB\n"
				     "`viv store gc` makes room", viv_store_root(store), mib);
	return 0;
}

static int check_memory(struct viv_cmd *cmd, char **ret_found, struct viv_error *err)
{
	struct sysinfo info;
	unsigned long long mib;

	if (sysinfo(&info) < 0)
		return viv_error_set(err, errno, "sysinfo");
	mib = (unsigned long long)info.totalram * info.mem_unit >> 20;
	*ret_found = viv_asprintf("%llu MiB", mib);
	if (mib < 2048)
		return viv_error_say(err, ENOMEM, "%llu MiB: a machine takes 1 GiB by default "
				     "(virtualisation.memorySize)", mib);
	return 0;
}

static const struct check checks[] = {
	{"qemu", false, check_qemu},	   {"accelerator", true, check_accel},
	{"apt", false, check_apt},	   {"keyring", true, check_keyring},
	{"sandbox", false, check_sandbox}, {"mkfs.erofs", false, check_erofs},
	{"depmod", false, check_depmod},   {"mke2fs", false, check_mke2fs},
	{"libraries", false, check_libraries},
	{"virtiofsd", true, check_virtiofsd},
	{"guest programs", false, check_guest},
	{"store", true, check_store},	   {"memory", true, check_memory},
};

/* What only some machines need. */
struct extra {
	const char *name;
	int (*run)(const struct extra *e, char **ret_found, struct viv_error *err);
	const char *package; /* that has it; NULL: `run` says what to do */
	const char *option;
};

static int check_extra(const struct extra *e, char **ret_found, struct viv_error *err)
{
	VIV_FREE char *path = viv_find_program(e->name);

	if (!path)
		return viv_error_say(err, ENOENT, "is not there: %s needs it", e->option);
	*ret_found = viv_asprintf("%s, for %s", path, e->option);
	return 0;
}

static int check_uefi(const struct extra *e, char **ret_found, struct viv_error *err)
{
	const char *code = viv_firmware_known(viv_streq(e->option, "virtualisation.useSecureBoot"));

	if (!code)
		return viv_error_say(err, ENOENT, "OVMF is not there: %s needs it", e->option);
	*ret_found = viv_asprintf("%s, for %s", code, e->option);
	return 0;
}

static int check_libedit(const struct extra *e, char **ret_found, struct viv_error *err)
{
	if (viv_dl_libedit(NULL) < 0)
		return viv_error_say(err, ENOENT, "is not there: without it %s has no line editing, history and completion",
				     e->option);
	*ret_found = viv_asprintf("for %s", e->option);
	return 0;
}

static const char no_desktop[] = "; here, without DISPLAY and WAYLAND_DISPLAY, it takes vnc";

static int check_window(const struct extra *e, char **ret_found, struct viv_error *err)
{
	VIV_CLEANUP(viv_qemu_program_free) struct viv_qemu_program qemu = {0};
	enum viv_display display = VIV_DISPLAY_OFF;
	VIV_FREE char *help = NULL;
	int r = viv_qemu_find("qemu-system-x86_64", &qemu, err);

	if (r == 0)
		r = viv_display_ask(qemu.path, &help, err);
	if (r == 0)
		r = viv_display_choose("auto", true, help, &display, err);
	if (r == 0 && display != VIV_DISPLAY_GTK && display != VIV_DISPLAY_SDL) {
		viv_error_say(err, ENOTSUP, "QEMU can't open one: %s takes vnc", e->option);
		return viv_error_hint(err, "install it: apt install qemu-system-gui");
	}
	if (r == 0)
		*ret_found = viv_asprintf("%s, for %s%s", display == VIV_DISPLAY_GTK ? "gtk" : "sdl",
					  e->option, viv_display_has_desktop() ? "" : no_desktop);
	return r;
}

static const struct extra extras[] = {
	{"qemu-img", check_extra, "qemu-utils", "virtualisation.diskImage"},
	{"window", check_window, NULL, "virtualisation.graphics"},
	{"swtpm", check_extra, "swtpm", "virtualisation.tpm.enable"},
	{"gensquashfs", check_extra, "squashfs-tools-ng", "system.root = \"minimal\""},
	{"UEFI", check_uefi, "ovmf", "virtualisation.useEFIBoot"},
	{"Secure Boot", check_uefi, "ovmf", "virtualisation.useSecureBoot"},
	{"sfdisk", check_extra, "fdisk", "virtualisation.useBootLoader"},
	{"mkfs.fat", check_extra, "dosfstools", "virtualisation.useBootLoader"},
	{"mtools", check_extra, "mtools", "virtualisation.useBootLoader"},
	{"passt", check_extra, "passt", "virtualisation.networks.<name>.kind = \"passt\""},
	{"nc", check_extra, "netcat-openbsd", "virtualisation.forwardPorts, from = \"guest\""},
	{"tesseract", check_extra, "tesseract-ocr tesseract-ocr-eng",
	 "wait_for_text and get_screen_text in tests, on screens that are no text console"},
	{"libedit", check_libedit, "libedit2", "viv test -i"},
};

/* The second and later lines of an error are advice: indented under the first. */
static void print_problem(const char *name, bool advice, const char *text)
{
	struct viv_slice rest = viv_slice(text), line;
	bool first = true;

	while (viv_slice_line(&rest, &line)) {
		if (first)
			viv_cmd_print(stdout, "%-8s %-15s %.*s\n", advice ? "note" : "PROBLEM",
				      name, (int)line.len, line.data);
		else
			viv_cmd_print(stdout, "%-24s %.*s\n", "", (int)line.len, line.data);
		first = false;
	}
}

/* Takes `found` over. */
static void report(struct viv_cmd *cmd, json_t *all, const char *name, bool advice, char *found,
		   const struct viv_error *bad)
{
	json_array_append_new(all, json_pack("{s:s, s:b, s:b, s:s}", "check", name, "ok", found != NULL,
					     "advice", advice, "text", found ? found : bad->msg));
	if (cmd->json)
		;
	else if (found)
		viv_cmd_print(stdout, "%-8s %-15s %s\n", "ok", name, found);
	else
		print_problem(name, advice, bad->msg);
	free(found);
}

static int run_checks(struct viv_cmd *cmd, json_t *all)
{
	int problems = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(checks); i++) {
		const struct check *c = &checks[i];
		VIV_ERROR bad = VIV_ERROR_INIT;
		VIV_FREE char *found = NULL;
		bool ok = c->run(cmd, &found, &bad) == 0;

		problems += !ok && !c->advice;
		report(cmd, all, c->name, c->advice, ok ? viv_steal(found) : NULL, &bad);
	}
	return problems;
}

static void run_extras(struct viv_cmd *cmd, json_t *all)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(extras); i++) {
		VIV_ERROR bad = VIV_ERROR_INIT;
		char *found = NULL;

		if (extras[i].run(&extras[i], &found, &bad) < 0 && extras[i].package)
			viv_error_hint(&bad, "install it: apt install %s", extras[i].package);
		report(cmd, all, extras[i].name, true, found, &bad);
	}
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_JSON *all = json_array();
	VIV_STR text = VIV_STR_INIT;
	int problems = run_checks(cmd, all);

	run_extras(cmd, all);
	if (cmd->json) {
		viv_json_pretty(all, &text);
		fputs(text.data, stdout);
	}
	return problems ? VIV_EXIT_FAILED : VIV_EXIT_OK;
}

const struct viv_command viv_command_doctor = {
	.name = "doctor",
	.summary = "Check this host and say what is missing",
	.about = "Exit status 1 if something is missing that viv can't do without.",
	.run = run,
};
