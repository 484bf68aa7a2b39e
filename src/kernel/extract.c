/* SPDX-License-Identifier: MIT */
#include "kernel/extract.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"
#include "kernel/unpack.h"

#include <ctype.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_UNPACKED (4ull << 30)
#define MAX_FILES    100000

/* The package being read: an archive in an archive. */
struct package {
	struct archive *ar, *tar;
	const char *path, *dest;
	struct viv_kernel_files found;
	char *modules_version;
	uint64_t size; /* unpacked so far */
	size_t files;
	bool modules; /* these alone are wanted */
};

static void free_package(struct package *p)
{
	if (p->tar)
		sym_archive_read_free(p->tar);
	if (p->ar)
		sym_archive_read_free(p->ar);
	free(p->found.version);
	free(p->modules_version);
}

static int bad(struct package *p, const char *why, struct viv_error *err)
{
	return viv_error_say(err, EINVAL, "%s: %s", p->path, why);
}

static int damaged(struct package *p, struct archive *a, struct viv_error *err)
{
	const char *why = sym_archive_error_string(a);

	return viv_error_say(err, EINVAL, "%s: damaged package: %s", p->path,
			     why ? why : "no archive");
}

/* Feeds the inner archive with the outer one's data. */
static la_ssize_t read_inner(struct archive *inner, void *arg, const void **ret)
{
	struct package *p = arg;
	size_t len = 0;
	la_int64_t at;
	int r;

	do /* an empty block is not the end, to the inner archive it would be */
		r = sym_archive_read_data_block(p->ar, ret, &len, &at);
	while (r == ARCHIVE_OK && len == 0);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK) {
		sym_archive_set_error(inner, EINVAL, "%s", sym_archive_error_string(p->ar));
		return -1;
	}
	return (la_ssize_t)len;
}

static int open_tar(struct package *p, struct viv_error *err)
{
	p->tar = sym_archive_read_new();
	if (!p->tar)
		viv_oom();
	sym_archive_read_support_filter_gzip(p->tar);
	sym_archive_read_support_filter_xz(p->tar);
	sym_archive_read_support_filter_zstd(p->tar);
	sym_archive_read_support_filter_bzip2(p->tar);
	sym_archive_read_support_format_tar(p->tar);
	if (sym_archive_read_open(p->tar, p, NULL, read_inner, NULL) != ARCHIVE_OK)
		return damaged(p, p->tar, err);
	return 0;
}

static int open_package(struct package *p, struct viv_error *err)
{
	struct archive_entry *e;
	int r;

	p->ar = sym_archive_read_new();
	if (!p->ar)
		viv_oom();
	sym_archive_read_support_format_ar(p->ar);
	if (sym_archive_read_open_filename(p->ar, p->path, 1 << 17) != ARCHIVE_OK)
		return viv_error_set(err, sym_archive_errno(p->ar), "cannot open %s", p->path);
	while ((r = sym_archive_read_next_header(p->ar, &e)) == ARCHIVE_OK) {
		const char *name = sym_archive_entry_pathname(e);

		if (name && viv_starts_with(name, "data.tar"))
			return open_tar(p, err);
	}
	return r == ARCHIVE_EOF ? bad(p, "not a Debian package: it has no data.tar", err)
				: damaged(p, p->ar, err);
}

/* Versions become file names and arguments. */
static bool version_ok(const char *s, size_t n)
{
	if (n == 0 || n > 100 || !isalnum((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("._+~-", s[i]))
			return false;
	return true;
}

/* Remembers a version, or checks that it is the one known. */
static int note_version(struct package *p, char **known, const char *s, size_t n,
			struct viv_error *err)
{
	if (!version_ok(s, n))
		return bad(p, "a kernel version with odd characters", err);
	if (!*known)
		*known = viv_strndup(s, n);
	if (strlen(*known) != n || memcmp(*known, s, n) != 0)
		return bad(p, "it holds kernels of two versions", err);
	return 0;
}

/* The same, where nothing else is wanted. */
static int module_target(struct package *p, const char *name, char **ret, struct viv_error *err)
{
	size_t len = strlen(name), n;
	const char *rest;
	int r;

	viv_unpack_filter_for(name, &len);
	if (!viv_starts_with(name, "lib/modules/") || len < 3 || memcmp(name + len - 3, ".ko", 3) != 0)
		return 0;
	rest = name + strlen("lib/modules/");
	n = strcspn(rest, "/");
	r = note_version(p, &p->modules_version, rest, n, err);
	if (r == 0 && rest[n])
		*ret = viv_asprintf("%s%s", p->dest, rest + n);
	return r;
}

/*
 * Where a member goes below `dest`; *ret is NULL for what isn't needed. `name` is clean and safe.
 */
static int target_of(struct package *p, const char *name, char **ret, struct viv_error *err)
{
	const char *rest;
	size_t n;
	int r;

	if (viv_starts_with(name, "usr/lib/modules/"))
		name += strlen("usr/");
	if (p->modules)
		return module_target(p, name, ret, err);
	if (viv_starts_with(name, "boot/vmlinuz-")) {
		rest = name + strlen("boot/vmlinuz-");
		r = note_version(p, &p->found.version, rest, strlen(rest), err);
		if (r == 0)
			*ret = viv_path_join(p->dest, "bzImage");
		return r;
	}
	if (viv_starts_with(name, "boot/config-")) {
		*ret = viv_path_join(p->dest, "config");
		return 0;
	}
	if (!viv_starts_with(name, "lib/modules/"))
		return 0;
	rest = name + strlen("lib/modules/");
	n = strcspn(rest, "/");
	r = note_version(p, &p->modules_version, rest, n, err);
	if (r == 0 && rest[n])
		*ret = viv_asprintf("%s/root/usr/%s", p->dest, name);
	return r;
}

static int write_at(int fd, const char *data, size_t len, la_int64_t at, const char *target,
		    struct viv_error *err)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return viv_error_set(err, errno, "writing %s", target);
		data += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* Its parts at their places: a member may be sparse, with holes between and behind them. */
static int write_content(struct package *p, int fd, la_int64_t size, const char *target,
			 struct viv_error *err)
{
	const void *data;
	size_t len;
	la_int64_t at;
	int r;

	p->size += (uint64_t)VIV_MAX(size, 0);
	if (p->size > MAX_UNPACKED)
		return bad(p, "more than 4 GiB unpacked", err);
	while ((r = sym_archive_read_data_block(p->tar, &data, &len, &at)) == ARCHIVE_OK) {
		if (at < 0 || at > size || len > (uint64_t)(size - at))
			return bad(p, "a file is larger than its header says", err);
		r = write_at(fd, data, len, at, target, err);
		if (r < 0)
			return r;
	}
	if (r != ARCHIVE_EOF)
		return damaged(p, p->tar, err);
	return ftruncate(fd, size) < 0 ? viv_error_set(err, errno, "writing %s", target) : 0;
}

static int write_member(struct package *p, const char *target, la_int64_t size,
			struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_dir(target);
	VIV_FD fd = -1;
	int r = viv_mkdir_p(dir, 0755, err);

	if (r < 0)
		return r;
	if (++p->files > MAX_FILES)
		return bad(p, "too many files", err);
	fd = viv_open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644, err);
	return fd < 0 ? fd : write_content(p, fd, size, target, err);
}

static int take_member(struct package *p, struct archive_entry *e, struct viv_error *err)
{
	const char *raw = sym_archive_entry_pathname(e);
	VIV_FREE char *name = NULL;
	VIV_FREE char *target = NULL;
	int r;

	if (!raw || sym_archive_entry_filetype(e) != AE_IFREG || sym_archive_entry_hardlink(e))
		return 0;
	name = viv_path_clean(raw);
	if (!viv_path_is_safe(name))
		return bad(p, "a file name that leaves the package's root", err);
	r = target_of(p, name, &target, err);
	if (r < 0 || !target)
		return r;
	p->found.newest = VIV_MAX(p->found.newest, sym_archive_entry_mtime(e));
	return write_member(p, target, sym_archive_entry_size(e), err);
}

static int make_root(struct package *p, struct viv_error *err)
{
	VIV_FREE char *modules = viv_path_join(p->dest, "root/usr/lib/modules");
	VIV_FREE char *lib = viv_path_join(p->dest, "root/lib");
	int r = viv_mkdir_p(modules, 0755, err);

	if (r == 0 && symlink("usr/lib", lib) < 0)
		return viv_error_set(err, errno, "cannot make %s", lib);
	return r;
}

static int take_members(struct package *p, struct viv_error *err)
{
	struct archive_entry *e;
	int r = open_package(p, err), got = ARCHIVE_OK;

	while (r == 0 && ((got = sym_archive_read_next_header(p->tar, &e)) == ARCHIVE_OK || got == ARCHIVE_WARN))
		r = take_member(p, e, err);
	return r == 0 && got != ARCHIVE_EOF ? damaged(p, p->tar, err) : r;
}

int viv_kernel_extract_modules(const char *deb, const char *dest, struct viv_error *err)
{
	VIV_CLEANUP(free_package) struct package p = {.path = deb, .dest = dest, .modules = true};
	int r = viv_dl_libarchive(err);

	if (r == 0)
		r = take_members(&p, err);
	return r == 0 && !p.files ? bad(&p, "no kernel module in this package (lib/modules/…/*.ko)", err) : r;
}

int viv_kernel_extract(const char *deb, const char *dest, struct viv_kernel_files *ret,
		       struct viv_error *err)
{
	VIV_CLEANUP(free_package) struct package p = {.path = deb, .dest = dest};
	int r;

	if ((r = viv_dl_libarchive(err)) < 0 || (r = make_root(&p, err)) < 0 || (r = take_members(&p, err)) < 0)
		return r;
	if (!p.found.version)
		return bad(&p, "no kernel in this package (boot/vmlinuz-…)", err);
	if (p.modules_version && !viv_streq(p.modules_version, p.found.version))
		return bad(&p, "kernel and modules are of two versions", err);
	*ret = p.found;
	p.found.version = NULL;
	return 0;
}
