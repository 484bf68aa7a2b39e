/* SPDX-License-Identifier: MIT */
#include "kernel/kernel.h"

#include "base/path.h"
#include "base/process.h"
#include "kernel/decompress.h"
#include "kernel/extract.h"
#include "kernel/modules.h"
#include "kernel/vmlinux.h"

#include <unistd.h>

#define DEPMOD_MS     (5 * 60 * 1000)
#define DEPMOD_OUTPUT (1u << 20)

/* depmod without the host's configuration: its indexes are a function of the modules alone. */
static int run_depmod(const char *root, const char *version, struct viv_error *err)
{
	VIV_FREE char *program = viv_find_program("depmod");
	VIV_FREE char *config = viv_path_join(root, "depmod.d");
	const char *argv[] = {program, "-b", root, "-C", config, version, NULL};
	int r;

	if (!program) {
		viv_error_say(err, ENOENT, "depmod is not installed");
		viv_error_hint(err, "install the package kmod: apt install kmod");
		return -ENOENT;
	}
	r = viv_mkdir_p(config, 0755, err);
	return r < 0 ? r : viv_process_check(argv, NULL, DEPMOD_OUTPUT, DEPMOD_MS, err);
}

/* From the extracted root to dest/modules. depmod's files get the time of what they're made from. */
static int make_modules(const char *dest, const struct viv_kernel_files *files,
			struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *root = viv_path_join(dest, "root");
	VIV_FREE char *from = viv_asprintf("%s/usr/lib/modules/%s", root, files->version);
	VIV_FREE char *to = viv_path_join(dest, "modules");
	int r;

	if (viv_exists(from)) {
		if ((r = viv_decompress_modules(from, report, err)) < 0 ||
		    (r = run_depmod(root, files->version, err)) < 0 ||
		    (r = viv_set_times(from, files->newest, err)) < 0)
			return r;
		if (rename(from, to) < 0)
			return viv_error_set(err, errno, "cannot rename %s to %s", from, to);
	}
	return viv_remove_tree(root, err);
}

static int write_info(const char *dest, const char *version, bool pvh, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dest, "kernel.json");
	VIV_FREE char *modules = viv_path_join(dest, "modules");
	VIV_STRV builtin = VIV_STRV_INIT;
	VIV_JSON *list = json_array();
	VIV_JSON *info = NULL;
	int r = viv_modules_builtin(modules, &builtin, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < builtin.count; i++)
		json_array_append_new(list, json_string(builtin.items[i]));
	info = json_pack("{s:s, s:b, s:O}", "version", version, "pvh", pvh, "builtin", list);
	if (!info)
		viv_oom();
	return viv_json_write_file(path, info, 0644, err);
}

int viv_kernel_unpack(const char *deb, const char *dest, struct viv_report *report,
		      struct viv_error *err)
{
	VIV_FREE char *bzimage = viv_path_join(dest, "bzImage");
	VIV_FREE char *vmlinux = viv_path_join(dest, "vmlinux");
	VIV_FREE char *version = NULL;
	struct viv_kernel_files files = {0};
	bool pvh = false;
	int r;

	if ((r = viv_mkdir_p(dest, 0755, err)) < 0 ||
	    (r = viv_kernel_extract(deb, dest, &files, err)) < 0)
		return r;
	version = files.version;
	if ((r = viv_kernel_vmlinux(bzimage, vmlinux, &pvh, err)) < 0 ||
	    (r = make_modules(dest, &files, report, err)) < 0)
		return r;
	return write_info(dest, version, pvh, err);
}
