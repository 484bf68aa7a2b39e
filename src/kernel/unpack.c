/* SPDX-License-Identifier: MIT */
#include "kernel/unpack.h"

#include "base/dl.h"
#include "base/fd.h"

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
		return viv_error_say(err, EINVAL, "%s: damaged: %s", what, sym_archive_error_string(a));
	if (ret_size)
		*ret_size = size;
	return 0;
}

int viv_unpack_memory(const void *data, size_t size, const char *filter, int fd, uint64_t max,
		      const char *what, uint64_t *ret_size, struct viv_error *err)
{
	VIV_CLEANUP(free_archive) struct archive *a = NULL;
	struct archive_entry *entry;
	int r = viv_dl_libarchive(err);

	if (r < 0)
		return r;
	a = sym_archive_read_new();
	if (!a)
		viv_oom();
	if (!add_filter(a, filter) || sym_archive_read_support_format_raw(a) != ARCHIVE_OK)
		return viv_error_say(err, EOPNOTSUPP, "%s: libarchive cannot unpack %s here", what,
				     filter);
	if (sym_archive_read_open_memory(a, data, size) != ARCHIVE_OK ||
	    sym_archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return viv_error_say(err, EINVAL, "%s: damaged: %s", what, sym_archive_error_string(a));
	/* Were the data not what the filter is for, "raw" would hand it through as it is. */
	if (sym_archive_filter_code(a, 0) == ARCHIVE_FILTER_NONE)
		return viv_error_say(err, EINVAL, "%s: damaged: not in %s format", what, filter);
	return copy_out(a, fd, max, what, ret_size, err);
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
