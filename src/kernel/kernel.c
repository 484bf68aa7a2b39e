/* SPDX-License-Identifier: MIT */
#include "kernel/kernel.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "kernel/decompress.h"
#include "kernel/elf.h"
#include "kernel/extract.h"
#include "kernel/map.h"
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

struct finish {
	const char *dest, *version;
	time_t newest;
	const struct viv_kernel_modules *extra; /* NULL: none */
};

/* From dest/root to dest/modules. depmod's files get the time of what they're made from. */
static int make_modules(const struct finish *f, struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *root = viv_path_join(f->dest, "root");
	VIV_FREE char *from = viv_asprintf("%s/usr/lib/modules/%s", root, f->version);
	VIV_FREE char *to = viv_path_join(f->dest, "modules");
	int r = 0;

	if (f->extra && f->extra->paths.count)
		r = viv_kernel_modules_copy(f->extra, f->version, from, err);
	if (r == 0 && viv_exists(from)) {
		if ((r = viv_decompress_modules(from, report, err)) < 0 ||
		    (r = run_depmod(root, f->version, err)) < 0 ||
		    (r = viv_set_times(from, f->newest, err)) < 0)
			return r;
		if (rename(from, to) < 0)
			return viv_error_set(err, errno, "cannot rename %s to %s", from, to);
	}
	return r < 0 ? r : viv_remove_tree(root, err);
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

static int finish(const struct finish *f, struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *bzimage = viv_path_join(f->dest, "bzImage");
	VIV_FREE char *vmlinux = viv_path_join(f->dest, "vmlinux");
	bool pvh = viv_exists(vmlinux);
	int r = 0;

	if (!pvh)
		r = viv_kernel_vmlinux(bzimage, vmlinux, &pvh, err);
	if (r == 0)
		r = make_modules(f, report, err);
	return r < 0 ? r : write_info(f->dest, f->version, pvh, err);
}

int viv_kernel_unpack(const char *deb, const struct viv_kernel_modules *extra, const char *dest,
		      struct viv_report *report, struct viv_error *err)
{
	struct viv_kernel_files files = {0};
	struct finish f = {.dest = dest, .extra = extra};
	int r;

	if ((r = viv_mkdir_p(dest, 0755, err)) < 0 || (r = viv_kernel_extract(deb, dest, &files, err)) < 0)
		return r;
	f.version = files.version;
	f.newest = files.newest;
	r = finish(&f, report, err);
	free(files.version);
	return r;
}

static int copy_to(const char *from, const char *folder, const char *name, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(folder, name);
	VIV_FD in = viv_open(from, O_RDONLY, 0, err);
	VIV_FD out = in < 0 ? in : viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);

	return out < 0 ? out : viv_copy_content(in, out, path, err);
}

static int copy_indexes(const struct viv_kernel_source *s, const char *to, struct viv_error *err)
{
	int r = viv_mkdir_p(to, 0755, err);

	for (const char *const *i = viv_kernel_indexes; r == 0 && s->folder && *i; i++) {
		VIV_FREE char *from = viv_path_join(s->folder, *i);

		if (viv_exists(from))
			r = copy_to(from, to, *i, err);
	}
	return r;
}

/* Where none lies beside it: the one that the kernel carries. */
static int take_embedded_config(const char *dest, struct viv_error *err)
{
	VIV_FREE char *vmlinux = viv_path_join(dest, "vmlinux"), *path = viv_path_join(dest, "config");
	VIV_STR config = VIV_STR_INIT;

	if (!viv_exists(vmlinux) || !viv_kernel_embedded_config(vmlinux, &config))
		return 0;
	return viv_write_file(path, config.data, config.len, 0644, err);
}

static int check_elf(const struct viv_kernel_source *s, const char *dest, struct viv_error *err)
{
	VIV_FREE char *vmlinux = viv_path_join(dest, "vmlinux");
	VIV_CLEANUP(viv_unmap) struct viv_map m = {0};
	int r = viv_map_file(vmlinux, &m, err);

	if (r < 0 || viv_elf_has_pvh(m.data, m.size))
		return r;
	return viv_error_say(err, EINVAL, "%s: QEMU can't start this vmlinux: it has no PVH entry\n"
			     "name the bzImage, or build with CONFIG_PVH", s->image);
}

int viv_kernel_assemble(const struct viv_kernel_source *s, const struct viv_kernel_modules *extra, const char *dest,
			struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *root = viv_path_join(dest, "root"), *lib = viv_path_join(root, "lib");
	VIV_FREE char *modules = viv_asprintf("%s/usr/lib/modules/%s", root, s->release);
	const struct finish f = {.dest = dest, .version = s->release, .newest = 1, .extra = extra};
	int r = viv_mkdir_p(dest, 0755, err);

	if (r == 0)
		r = copy_indexes(s, modules, err);
	if (r == 0 && symlink("usr/lib", lib) < 0)
		r = viv_error_set(err, errno, "cannot make %s", lib);
	if (r == 0)
		r = viv_kernel_modules_copy(&s->modules, s->release, modules, err);
	if (r == 0)
		r = copy_to(s->image, dest, s->elf ? "vmlinux" : "bzImage", err);
	if (r == 0 && s->elf)
		r = check_elf(s, dest, err);
	if (r == 0 && s->config)
		r = copy_to(s->config, dest, "config", err);
	if (r == 0)
		r = finish(&f, report, err);
	return r < 0 || s->config ? r : take_embedded_config(dest, err);
}
