/* SPDX-License-Identifier: MIT */
#include "kernel/unpack.h"

#include "base/dl.h"
#include "base/fd.h"

#include <unistd.h>

static const struct {
	const char *name;
	int (**add)(struct archive *);
} filters[] = {
	{"gzip", &sym_archive_read_support_filter_gzip},
	{"xz", &sym_archive_read_support_filter_xz},
	{"zstd", &sym_archive_read_support_filter_zstd},
	{"lz4", &sym_archive_read_support_filter_lz4},
	{"bzip2", &sym_archive_read_support_filter_bzip2},
	{"lzma", &sym_archive_read_support_filter_lzma},
};

static const struct {
	const char *end, *filter;
} ends[] = {{".xz", "xz"}, {".zst", "zstd"}, {".gz", "gzip"}};

static inline void free_archive(struct archive **a)
{
	if (*a)
		sym_archive_read_free(*a);
}

/* Only what is linked in: libarchive would start a program for the others (ARCHIVE_WARN). */
static bool add_filter(struct archive *a, const char *filter)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(filters); i++)
		if (viv_streq(filter, filters[i].name))
			return (*filters[i].add)(a) == ARCHIVE_OK;
	return false;
}

static int copy_out(struct archive *a, int fd, uint64_t max, const char *what, uint64_t *ret_size,
		    struct viv_error *err)
{
	char buf[65536];
	uint64_t size = 0;
	la_ssize_t n;
	int r;

	while ((n = sym_archive_read_data(a, buf, sizeof(buf))) > 0) {
		size += (uint64_t)n;
		if (size > max)
			return viv_error_say(err, EFBIG, "%s: more than %llu bytes unpacked", what,
					     (unsigned long long)max);
		r = viv_write_all(fd, buf, (size_t)n, what, err);
		if (r < 0)
			return r;
	}
	if (n < 0)
		return viv_error_say(err, EINVAL, "%s: damaged: %s", what,
				     sym_archive_error_string(a));
	if (ret_size)
		*ret_size = size;
	return 0;
}

/* What is compressed: a part of a file. */
struct part {
	int fd;
	uint64_t at, end;
	char buf[65536];
};

static la_ssize_t read_part(struct archive *a, void *arg, const void **ret)
{
	struct part *p = arg;
	size_t want = VIV_MIN(sizeof(p->buf), p->end - p->at);
	ssize_t n;

	do
		n = pread(p->fd, p->buf, want, (off_t)p->at);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		sym_archive_set_error(a, errno, "%s", strerror(errno));
		return -1;
	}
	p->at += (uint64_t)n;
	*ret = p->buf;
	return n;
}

static int new_archive(const char *filter, const char *what, struct archive **ret,
		       struct viv_error *err)
{
	VIV_CLEANUP(free_archive) struct archive *a = NULL;
	int r = viv_dl_libarchive(err);

	if (r < 0)
		return r;
	a = sym_archive_read_new();
	if (!a)
		viv_oom();
	if (!add_filter(a, filter) || sym_archive_read_support_format_raw(a) != ARCHIVE_OK)
		return viv_error_say(err, EOPNOTSUPP, "%s: libarchive cannot unpack %s here", what,
				     filter);
	*ret = viv_steal(a);
	return 0;
}

/* `opened`: what opening the archive gave. */
static int unpack(struct archive *a, int opened, const char *filter, int fd, uint64_t max,
		  const char *what, uint64_t *ret_size, struct viv_error *err)
{
	struct archive_entry *entry;

	if (opened != ARCHIVE_OK || sym_archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return viv_error_say(err, EINVAL, "%s: damaged: %s", what,
				     sym_archive_error_string(a));
	/* Were the data not what the filter is for, "raw" would hand it through as it is. */
	if (sym_archive_filter_code(a, 0) == ARCHIVE_FILTER_NONE)
		return viv_error_say(err, EINVAL, "%s: damaged: not in %s format", what, filter);
	return copy_out(a, fd, max, what, ret_size, err);
}

int viv_unpack_memory(const void *data, size_t size, const char *filter, int fd, uint64_t max,
		      const char *what, uint64_t *ret_size, struct viv_error *err)
{
	VIV_CLEANUP(free_archive) struct archive *a = NULL;
	int r = new_archive(filter, what, &a, err);

	return r < 0 ? r : unpack(a, sym_archive_read_open_memory(a, data, size), filter, fd, max,
				  what, ret_size, err);
}

int viv_unpack_file(int from, uint64_t offset, uint64_t size, const char *filter, int fd,
		    uint64_t max, const char *what, uint64_t *ret_size, struct viv_error *err)
{
	VIV_FREE struct part *p = viv_new(struct part); /* outlives what reads from it */
	VIV_CLEANUP(free_archive) struct archive *a = NULL;
	int r = new_archive(filter, what, &a, err);

	p->fd = from;
	p->at = offset;
	p->end = offset + size;
	return r < 0 ? r : unpack(a, sym_archive_read_open(a, p, NULL, read_part, NULL), filter,
				  fd, max, what, ret_size, err);
}

const char *viv_unpack_filter_for(const char *name, size_t *ret_len)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(ends); i++)
		if (viv_ends_with(name, ends[i].end)) {
			*ret_len = strlen(name) - strlen(ends[i].end);
			return ends[i].filter;
		}
	return NULL;
}
