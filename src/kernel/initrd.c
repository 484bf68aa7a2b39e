/* SPDX-License-Identifier: MIT */
#include "kernel/kernel.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "kernel/modules.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MAX_FILE (64u << 20)

/* The archive is uncompressed: unpacking costs the emulated CPU more than the few MB do. */
struct initrd {
	struct archive *archive;
	struct viv_str bytes;
	int64_t inode; /* counted, so that the bytes are always the same */
};

static void free_initrd(struct initrd *rd)
{
	if (rd->archive)
		sym_archive_write_free(rd->archive);
	viv_str_free(&rd->bytes);
}

static la_ssize_t add_bytes(struct archive *a, void *arg, const void *data, size_t len)
{
	viv_str_add_bytes(&((struct initrd *)arg)->bytes, data, len);
	return (la_ssize_t)len;
}

static int failed(struct initrd *rd, struct viv_error *err)
{
	return viv_error_say(err, EIO, "cannot write the initrd: %s",
			     sym_archive_error_string(rd->archive));
}

static int open_archive(struct initrd *rd, struct viv_error *err)
{
	int r = viv_dl_libarchive(err);

	if (r < 0)
		return r;
	rd->archive = sym_archive_write_new();
	if (!rd->archive)
		viv_oom();
	sym_archive_write_set_bytes_per_block(rd->archive, 0);
	if (sym_archive_write_set_format_cpio_newc(rd->archive) != ARCHIVE_OK ||
	    sym_archive_write_open(rd->archive, rd, NULL, add_bytes, NULL) != ARCHIVE_OK)
		return failed(rd, err);
	return 0;
}

/* data: for regular files. */
static int add(struct initrd *rd, const char *name, mode_t mode, dev_t device,
	       const struct viv_str *data, struct viv_error *err)
{
	struct archive_entry *e = sym_archive_entry_new();
	bool ok;

	if (!e)
		viv_oom();
	sym_archive_entry_set_pathname(e, name);
	sym_archive_entry_set_mode(e, mode);
	sym_archive_entry_set_nlink(e, S_ISDIR(mode) ? 2 : 1);
	sym_archive_entry_set_ino64(e, ++rd->inode);
	sym_archive_entry_set_mtime(e, 0, 0);
	sym_archive_entry_set_rdev(e, device);
	sym_archive_entry_set_size(e, data ? (la_int64_t)data->len : 0);
	ok = sym_archive_write_header(rd->archive, e) == ARCHIVE_OK;
	sym_archive_entry_free(e);
	if (ok && data && data->len)
		ok = sym_archive_write_data(rd->archive, data->data, data->len) ==
		     (la_ssize_t)data->len;
	return ok ? 0 : failed(rd, err);
}

static int add_file(struct initrd *rd, const char *name, mode_t mode, const char *from,
		    struct viv_error *err)
{
	VIV_STR data = VIV_STR_INIT;
	int r = viv_read_file(from, MAX_FILE, &data, err);

	return r < 0 ? r : add(rd, name, S_IFREG | mode, 0, &data, err);
}

/* Exactly the bytes that the initrd's id was made of. */
static int add_program(struct initrd *rd, const char *name, const char *from, const char *sha256,
		       struct viv_error *err)
{
	VIV_STR data = VIV_STR_INIT;
	char hex[VIV_SHA256_HEX];
	int r = viv_read_file(from, MAX_FILE, &data, err);

	if (r < 0)
		return r;
	viv_sha256_of(data.data ? data.data : "", data.len, hex);
	if (sha256 && !viv_streq(hex, sha256))
		return viv_error_say(err, EAGAIN, "%s changed while it was read: try again", from);
	return add(rd, name, S_IFREG | 0755, 0, &data, err);
}

static int add_folders(struct initrd *rd, struct viv_error *err)
{
	static const char *const folders[] = {"dev", "proc", "run", "sys", "viv", "viv/modules"};
	int r = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders) && r == 0; i++)
		r = add(rd, folders[i], S_IFDIR | 0755, 0, NULL, err);
	/* The kernel opens it for init's stdin, stdout and stderr before devtmpfs is mounted. */
	return r < 0 ? r : add(rd, "dev/console", S_IFCHR | 0600, makedev(5, 1), NULL, err);
}

/* Beside a module that only some processors can use: which. Init need not try it on others. */
static int add_module(struct initrd *rd, size_t number, const char *path, struct viv_error *err)
{
	VIV_FREE char *name = viv_asprintf("viv/modules/%03zu-%s", number, viv_path_base(path));
	VIV_FREE char *cpu = viv_asprintf("%s.cpu", name);
	VIV_STR processors = VIV_STR_INIT;
	int r = viv_modules_processors(path, &processors, err);

	if (r == 0)
		r = add_file(rd, name, 0644, path, err);
	if (r == 0 && processors.len)
		r = add(rd, cpu, S_IFREG | 0644, 0, &processors, err);
	return r;
}

static int add_modules(struct initrd *rd, const struct viv_strv *paths, struct viv_error *err)
{
	int r = 0;

	if (paths->count > 999)
		return viv_error_say(err, E2BIG, "%zu kernel modules are too many for an initrd",
				     paths->count);
	for (size_t i = 0; i < paths->count && r == 0; i++)
		r = add_module(rd, i, paths->items[i], err);
	return r;
}

/* One without modules, of which nobody knows what is built in, is taken to have all built in. */
static bool has_all_built_in(const char *folder)
{
	VIV_FREE char *builtin = viv_path_join(folder, "modules.builtin"), *dep = viv_path_join(folder, "modules.dep");
	struct stat st;

	return !viv_exists(folder) || (!viv_exists(builtin) && stat(dep, &st) == 0 && st.st_size == 0);
}

/* A whole archive; what is NULL is left out. */
struct parts {
	const char *kernel_dir, *init, *init_sha256, *agent, *agent_sha256;
	const struct viv_strv *modules, *optional;
	const struct viv_str *crash_initrd;
};

static int add_crash(struct initrd *rd, const struct parts *parts, struct viv_error *err)
{
	VIV_FREE char *image = viv_path_join(parts->kernel_dir, "bzImage");
	int r;

	if (!viv_exists(image))
		return viv_error_say(err, EINVAL, "boot.crashDump needs a kernel that is a bzImage: this is a vmlinux");
	r = add(rd, "viv/crash", S_IFDIR | 0755, 0, NULL, err);
	if (r == 0)
		r = add_file(rd, "viv/crash/kernel", 0644, image, err);
	return r < 0 ? r : add(rd, "viv/crash/initrd", S_IFREG | 0644, 0, parts->crash_initrd, err);
}

static int fill(struct initrd *rd, const struct parts *parts, struct viv_error *err)
{
	VIV_FREE char *folder = viv_path_join(parts->kernel_dir, "modules");
	VIV_STRV modules = VIV_STRV_INIT;
	int r;

	if (!has_all_built_in(folder) &&
	    (r = viv_modules_closure(folder, parts->modules, parts->optional, &modules, err)) < 0)
		return r;
	if ((r = open_archive(rd, err)) < 0 || (r = add_folders(rd, err)) < 0 ||
	    (r = add_program(rd, "init", parts->init, parts->init_sha256, err)) < 0)
		return r;
	if (parts->agent && (r = add_program(rd, "viv/agent", parts->agent, parts->agent_sha256, err)) < 0)
		return r;
	if ((r = add_modules(rd, &modules, err)) < 0)
		return r;
	if (parts->crash_initrd && (r = add_crash(rd, parts, err)) < 0)
		return r;
	return sym_archive_write_close(rd->archive) != ARCHIVE_OK ? failed(rd, err) : 0;
}

int viv_initrd_write(const struct viv_initrd_spec *spec, const char *dest, struct viv_error *err)
{
	VIV_CLEANUP(free_initrd) struct initrd rd = {0};
	VIV_CLEANUP(free_initrd) struct initrd crash = {0};
	const struct parts for_crash = {.kernel_dir = spec->kernel_dir,
					.init = spec->init,
					.init_sha256 = spec->init_sha256,
					.modules = spec->crash_modules};
	const struct parts parts = {.kernel_dir = spec->kernel_dir,
				    .init = spec->init,
				    .init_sha256 = spec->init_sha256,
				    .agent = spec->agent,
				    .agent_sha256 = spec->agent_sha256,
				    .modules = spec->modules,
				    .optional = spec->optional,
				    .crash_initrd = spec->crash_modules ? &crash.bytes : NULL};
	int r = spec->crash_modules ? fill(&crash, &for_crash, err) : 0;

	if (r == 0)
		r = fill(&rd, &parts, err);
	return r < 0 ? r : viv_write_file(dest, rd.bytes.data, rd.bytes.len, 0644, err);
}
