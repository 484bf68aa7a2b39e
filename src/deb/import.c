/* SPDX-License-Identifier: MIT */
#include "deb/import.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

/* deb(5) and ar: a magic line, then for each member a header of 60 bytes. */
#define AR_MAGIC  "!<arch>\n"
#define AR_HEADER 60
#define BLOCK	  (256 << 10)

static inline void reader_freep(struct archive **a)
{
	if (*a)
		sym_archive_read_free(*a);
}
#define READER VIV_CLEANUP(reader_freep) struct archive

static int not_a_package(struct archive *a, const char *what, struct viv_error *err)
{
	const char *why = a ? sym_archive_error_string(a) : NULL;

	return viv_error_say(err, EBADMSG, "%s is not a Debian package%s%s", what, why ? ": " : "",
			     why ? why : "");
}

/* A member of the outer archive, read as the inner one's compressed bytes. */
struct member {
	struct archive *outer;
};

static ssize_t read_member(struct archive *inner, void *arg, const void **ret)
{
	struct member *m = arg;
	size_t len;
	la_int64_t offset;
	int r;

	do
		r = sym_archive_read_data_block(m->outer, ret, &len, &offset);
	while (r == ARCHIVE_OK && len == 0);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK) {
		sym_archive_set_error(inner, EIO, "%s", sym_archive_error_string(m->outer));
		return -1;
	}
	return (ssize_t)len;
}

/* What is being written. */
struct output {
	int fd;
	const char *what;
	uint64_t size;
};

static int write_member(struct archive *outer, struct output *out, uint64_t max,
			uint64_t *ret_size, struct viv_error *err)
{
	READER *inner = sym_archive_read_new();
	struct member m = {outer};
	struct archive_entry *entry;
	const void *block;
	la_int64_t offset;
	uint64_t size = 0;
	size_t len;
	int r;

	sym_archive_read_support_format_raw(inner);
	sym_archive_read_support_filter_gzip(inner);
	sym_archive_read_support_filter_xz(inner);
	sym_archive_read_support_filter_lzma(inner);
	sym_archive_read_support_filter_bzip2(inner);
	sym_archive_read_support_filter_zstd(inner);
	if (sym_archive_read_open(inner, &m, NULL, read_member, NULL) != ARCHIVE_OK ||
	    sym_archive_read_next_header(inner, &entry) != ARCHIVE_OK)
		return not_a_package(inner, out->what, err);
	while ((r = sym_archive_read_data_block(inner, &block, &len, &offset)) == ARCHIVE_OK) {
		size += len;
		if (size > max)
			return viv_error_say(err, EBADMSG, "%s is too large", out->what);
		r = viv_write_all(out->fd, block, len, out->what, err);
		if (r < 0)
			return r;
	}
	if (r != ARCHIVE_EOF)
		return not_a_package(inner, out->what, err);
	out->size += size + size % 2;
	*ret_size = size;
	return size % 2 ? viv_write_all(out->fd, "\n", 1, out->what, err) : 0;
}

static void format_header(char *to, const char *name, int64_t mtime, uint64_t size)
{
	char text[128];

	snprintf(text, sizeof(text), "%-16s%-12" PRId64 "%-6d%-6d%-8s%-10" PRIu64 "`\n", name, mtime,
		 0, 0, "100644", size);
	memcpy(to, text, AR_HEADER);
}

/* The header is written again when the size is known. */
static int copy_member(struct archive *outer, const char *name, int64_t mtime, uint64_t max,
		       struct output *out, struct viv_error *err)
{
	char header[AR_HEADER];
	uint64_t at = out->size, size = 0;
	int r;

	memset(header, ' ', sizeof(header));
	r = viv_write_all(out->fd, header, sizeof(header), out->what, err);
	out->size += AR_HEADER;
	if (r == 0)
		r = write_member(outer, out, max, &size, err);
	if (r < 0)
		return r;
	format_header(header, name, mtime, size);
	if (pwrite(out->fd, header, sizeof(header), (off_t)at) != (ssize_t)sizeof(header))
		return viv_error_set(err, errno, "writing %s", out->what);
	return 0;
}

/* The members of a package, in this order; others may follow and are left out. */
static const struct {
	const char *prefix, *name;
	uint64_t max;
} members[] = {
	{"debian-binary", "debian-binary", 4},
	{"control.tar", "control.tar", VIV_DEB_CONTROL_MAX},
	{"data.tar", "data.tar", VIV_DEB_DATA_MAX},
};

static int copy_all(struct archive *a, struct output *out, struct viv_error *err)
{
	struct archive_entry *entry;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(members);) {
		const char *name;
		int r;

		if (sym_archive_read_next_header(a, &entry) != ARCHIVE_OK)
			return not_a_package(a, out->what, err);
		name = sym_archive_entry_pathname(entry);
		/* deb(5): members whose names start with '_' may come in between. */
		if (name && name[0] == '_')
			continue;
		if (!name || !viv_starts_with(name, members[i].prefix))
			return not_a_package(NULL, out->what, err);
		r = copy_member(a, members[i].name, VIV_MAX(sym_archive_entry_mtime(entry), 0),
				members[i].max, out, err);
		if (r < 0)
			return r;
		i++;
	}
	return 0;
}

static int open_outer(const char *path, struct archive **ret, struct viv_error *err)
{
	READER *a = NULL;
	int r = viv_dl_libarchive(err);

	if (r < 0)
		return r;
	a = sym_archive_read_new();
	sym_archive_read_support_format_ar(a);
	if (sym_archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK)
		return not_a_package(a, path, err);
	*ret = viv_steal(a);
	return 0;
}

int viv_deb_import(const char *from, const char *to, char ret_sha256[VIV_SHA256_HEX],
		   struct viv_error *err)
{
	READER *a = NULL;
	VIV_FD fd = -1;
	struct output out = {.what = from};
	int r = open_outer(from, &a, err);

	if (r < 0)
		return r;
	fd = viv_open(to, O_RDWR | O_CREAT | O_EXCL, 0644, err);
	if (fd < 0)
		return fd;
	out.fd = fd;
	r = viv_write_all(fd, AR_MAGIC, strlen(AR_MAGIC), to, err);
	out.size = strlen(AR_MAGIC);
	if (r == 0)
		r = copy_all(a, &out, err);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = viv_error_set(err, errno, "%s", to);
	return r < 0 ? r : viv_sha256_of_fd(fd, to, ret_sha256, err);
}

int viv_deb_epoch(const char *path, int64_t *ret, struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);
	struct viv_slice field;
	char head[8 + AR_HEADER];
	uint64_t t;

	if (fd < 0)
		return fd;
	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, AR_MAGIC, 8) != 0)
		return not_a_package(NULL, path, err);
	field = viv_slice_trim((struct viv_slice){head + 8 + 16, 12});
	if (!viv_slice_u64(field, UINT32_MAX, &t))
		return not_a_package(NULL, path, err);
	*ret = (int64_t)t;
	return 0;
}

/*
 * A second name of a file that is there. libarchive, told to replace what is in the way, takes a link to
 * a folder on the way to the first name (/bin) for that.
 */
static int make_hard_link(const char *path, const char *to, struct viv_error *err)
{
	VIV_FREE char *folder = viv_path_dir(path);
	int r = viv_mkdir_p(folder, 0755, err);

	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT)
		return viv_error_set(err, errno, "%s", path);
	if (link(to, path) < 0)
		return viv_error_set(err, errno, "cannot link %s to %s", path, to);
	return 0;
}

/* Reads the inner tar to disk. The caller is chrooted: names can't lead out. */
static int extract_member(struct archive *outer, const char *what, struct viv_error *err)
{
	READER *tar = sym_archive_read_new();
	struct archive *disk = sym_archive_write_disk_new();
	struct member m = {outer};
	struct archive_entry *e;
	int r = 0, got;

	sym_archive_read_support_format_tar(tar);
	sym_archive_write_disk_set_options(disk, ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM |
						     ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
						     ARCHIVE_EXTRACT_UNLINK |
						     ARCHIVE_EXTRACT_SECURE_NODOTDOT);
	if (sym_archive_read_open(tar, &m, NULL, read_member, NULL) != ARCHIVE_OK)
		r = not_a_package(tar, what, err);
	while (r == 0 && (got = sym_archive_read_next_header(tar, &e)) != ARCHIVE_EOF) {
		const char *path = sym_archive_entry_pathname(e);
		struct stat st;

		if (got < ARCHIVE_WARN || !path) {
			r = not_a_package(tar, what, err);
			break;
		}
		/* A folder that is there stays, also as a link to one (/bin). */
		if (sym_archive_entry_filetype(e) == AE_IFDIR && stat(path, &st) == 0 &&
		    S_ISDIR(st.st_mode))
			continue;
		/* Which package makes a folder is chance: its time must not tell. */
		if (sym_archive_entry_filetype(e) == AE_IFDIR)
			sym_archive_entry_unset_mtime(e);
		if (sym_archive_entry_hardlink(e))
			r = make_hard_link(path, sym_archive_entry_hardlink(e), err);
		else if (sym_archive_read_extract2(tar, e, disk) < ARCHIVE_WARN)
			r = viv_error_say(err, EIO, "unpacking %s: %s: %s", what, path,
					  sym_archive_error_string(tar));
	}
	sym_archive_write_free(disk);
	return r;
}

int viv_deb_extract(int fd, const char *what, struct viv_error *err)
{
	READER *a = NULL;
	struct archive_entry *entry;
	int r = viv_dl_libarchive(err);

	if (r < 0)
		return r;
	a = sym_archive_read_new();
	sym_archive_read_support_format_ar(a);
	if (sym_archive_read_open_fd(a, fd, BLOCK) != ARCHIVE_OK)
		return not_a_package(a, what, err);
	for (;;) {
		const char *name;

		if (sym_archive_read_next_header(a, &entry) != ARCHIVE_OK)
			return not_a_package(a, what, err);
		name = sym_archive_entry_pathname(entry);
		if (name && viv_streq(name, "data.tar"))
			return extract_member(a, what, err);
	}
}

static int each_of_member(struct archive *outer, const char *deb, viv_deb_entry_fn fn, void *arg,
			  struct viv_error *err)
{
	READER *tar = sym_archive_read_new();
	struct member m = {outer};
	struct archive_entry *e;
	int r = 0, got;

	sym_archive_read_support_format_tar(tar);
	sym_archive_read_support_filter_gzip(tar);
	sym_archive_read_support_filter_xz(tar);
	sym_archive_read_support_filter_lzma(tar);
	sym_archive_read_support_filter_bzip2(tar);
	sym_archive_read_support_filter_zstd(tar);
	if (sym_archive_read_open(tar, &m, NULL, read_member, NULL) != ARCHIVE_OK)
		return not_a_package(tar, deb, err);
	while (r == 0 && (got = sym_archive_read_next_header(tar, &e)) != ARCHIVE_EOF)
		r = got < ARCHIVE_WARN || !sym_archive_entry_pathname(e) ? not_a_package(tar, deb, err)
									 : fn(tar, e, arg, err);
	return r;
}

int viv_deb_each_entry(const char *deb, const char *tar, viv_deb_entry_fn fn, void *arg,
		       struct viv_error *err)
{
	READER *a = NULL;
	struct archive_entry *entry;
	int r = open_outer(deb, &a, err);

	if (r < 0)
		return r;
	for (;;) {
		const char *name;

		if (sym_archive_read_next_header(a, &entry) != ARCHIVE_OK)
			return not_a_package(a, deb, err);
		name = sym_archive_entry_pathname(entry);
		if (name && viv_starts_with(name, tar))
			return each_of_member(a, deb, fn, arg, err);
	}
}
