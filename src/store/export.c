/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"

#include <sys/stat.h>
#include <unistd.h>

struct writer {
	struct archive *a;
	struct archive_entry *entry;
	int fd;
	const char *prefix;	/* "objects/<id>" */
	struct viv_error error; /* of writing to fd */
};

static void writer_free(struct writer *w)
{
	if (w->entry)
		sym_archive_entry_free(w->entry);
	if (w->a)
		sym_archive_write_free(w->a);
	viv_error_clear(&w->error);
}
#define WRITER VIV_CLEANUP(writer_free) struct writer

static la_ssize_t write_out(struct archive *a, void *arg, const void *data, size_t len)
{
	struct writer *w = arg;

	if (viv_write_all(w->fd, data, len, "the export", &w->error) < 0) {
		sym_archive_set_error(a, w->error.code, "write");
		return -1;
	}
	return (la_ssize_t)len;
}

static int tar_error(struct writer *w, struct viv_error *err)
{
	int code = sym_archive_errno(w->a);
	const char *text = sym_archive_error_string(w->a);

	if (w->error.code)
		return viv_error_move(err, &w->error);
	return viv_error_say(err, code > 0 ? code : EIO, "writing the export: %s",
			     text ? text : "failed");
}

/* Nothing of this machine or moment goes into a header. */
static int add_header(struct writer *w, const char *path, mode_t mode, int64_t size,
		      const char *target, struct viv_error *err)
{
	sym_archive_entry_clear(w->entry);
	sym_archive_entry_copy_pathname(w->entry, path);
	sym_archive_entry_set_mode(w->entry, mode);
	sym_archive_entry_set_size(w->entry, size);
	sym_archive_entry_set_mtime(w->entry, 1, 0);
	if (target)
		sym_archive_entry_copy_symlink(w->entry, target);
	return sym_archive_write_header(w->a, w->entry) == ARCHIVE_OK ? 0 : tar_error(w, err);
}

static int add_data(struct writer *w, const void *data, size_t len, struct viv_error *err)
{
	la_ssize_t n = sym_archive_write_data(w->a, data, len);

	return n == (la_ssize_t)len ? 0 : tar_error(w, err);
}

static int add_text(struct writer *w, const char *path, const char *text, size_t len,
		    struct viv_error *err)
{
	int r = add_header(w, path, S_IFREG | 0444, (int64_t)len, NULL, err);

	return r == 0 ? add_data(w, text, len, err) : r;
}

static int add_file(struct writer *w, const char *path, int dir, const char *name,
		    const struct stat *st, struct viv_error *err)
{
	static const size_t size = 1 << 17;
	VIV_FREE char *buf = viv_malloc(size);
	VIV_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int64_t left = st->st_size;
	int r;

	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	r = add_header(w, path, S_IFREG | (st->st_mode & 0111 ? 0555 : 0444), left, NULL, err);
	while (r == 0 && left > 0) {
		ssize_t n = read(fd, buf, VIV_MIN(size, (size_t)left));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return viv_error_set(err, n ? errno : EIO, "reading %s", path);
		left -= n;
		r = add_data(w, buf, (size_t)n, err);
	}
	return r;
}

static int add_entry(struct writer *w, const char *path, int dir, const char *name,
		     const struct stat *st, struct viv_error *err)
{
	char target[4097];
	ssize_t n;

	if (S_ISREG(st->st_mode))
		return add_file(w, path, dir, name, st, err);
	if (S_ISDIR(st->st_mode))
		return add_header(w, path, S_IFDIR | 0555, 0, NULL, err);
	if (!S_ISLNK(st->st_mode))
		return viv_error_say(err, EINVAL, "%s is not an ordinary file", path);
	n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n < 0)
		return viv_error_set(err, errno, "%s", path);
	target[n] = '\0';
	return add_header(w, path, S_IFLNK | 0777, 0, target, err);
}

static int add_visited(const struct viv_tree_visit *v, void *arg, struct viv_error *err)
{
	struct writer *w = arg;
	VIV_FREE char *path = viv_asprintf("%s/%s", w->prefix, v->path);

	return v->after ? 0 : add_entry(w, path, v->dir, v->name, &v->st, err);
}

static int add_object(struct viv_store *s, struct writer *w, const char *id, struct viv_error *err)
{
	VIV_FREE char *info = viv_asprintf("info/%s.json", id),
		      *object = viv_store_object_path(s, id);
	VIV_FREE char *prefix = viv_asprintf("objects/%s", id);
	VIV_JSON *j = NULL;
	VIV_STR text = VIV_STR_INIT;
	struct stat st;
	int r = viv_store_info(s, id, &j, err);

	if (r < 0)
		return r;
	viv_json_pretty(j, &text);
	r = add_text(w, info, text.data, text.len, err);
	if (r == 0 && lstat(object, &st) < 0)
		r = viv_error_set(err, errno, "%s", object);
	if (r == 0)
		r = add_entry(w, prefix, AT_FDCWD, object, &st, err);
	w->prefix = prefix;
	return r == 0 && S_ISDIR(st.st_mode) ? viv_tree_walk(object, add_visited, w, err) : r;
}

static int open_writer(struct writer *w, int fd, struct viv_error *err)
{
	int r = viv_dl_libarchive(err);

	if (r < 0)
		return r;
	w->fd = fd;
	w->a = sym_archive_write_new();
	w->entry = sym_archive_entry_new();
	if (!w->a || !w->entry)
		viv_oom();
	/* In GNU's format names are bytes in any locale. The end is the same for pipes and files.
	 */
	if (sym_archive_write_set_format_gnutar(w->a) != ARCHIVE_OK ||
	    sym_archive_write_set_bytes_per_block(w->a, 1 << 17) != ARCHIVE_OK ||
	    sym_archive_write_set_bytes_in_last_block(w->a, 1) != ARCHIVE_OK ||
	    sym_archive_write_open(w->a, w, NULL, write_out, NULL) != ARCHIVE_OK)
		return tar_error(w, err);
	return 0;
}

static int write_all(struct viv_store *s, const struct viv_strv *ids, int fd,
		     struct viv_report *report, struct viv_error *err)
{
	WRITER w = {0};
	VIV_STR format = VIV_STR_INIT;
	int r = open_writer(&w, fd, err);

	viv_str_add(&format, "1\n");
	for (size_t i = 0; i < ids->count; i++)
		viv_str_addf(&format, "%s\n", ids->items[i]);
	if (r == 0)
		r = add_text(&w, "format", format.data, format.len, err);
	viv_task_begin(report, ids->count, "exporting objects");
	for (size_t i = 0; r == 0 && i < ids->count; i++) {
		viv_task_advance(report, i, ids->items[i] + 33);
		r = add_object(s, &w, ids->items[i], err);
	}
	viv_task_end(report, r == 0);
	if (r == 0 && sym_archive_write_close(w.a) != ARCHIVE_OK)
		r = tar_error(&w, err);
	return r;
}

int viv_store_export(struct viv_store *s, const struct viv_strv *ids, int fd,
		     struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(viv_store_unpinp) struct viv_store_pin *pin = NULL;
	VIV_STORE_LIST list = {0};
	VIV_STRV closure = VIV_STRV_INIT;
	/* In a store that can only be read there is nothing to hold on to. */
	int r = s->read_only ? 0 : viv_store_pin_untouched(s, ids, &pin, err);

	if (r == 0)
		r = viv_store_list(s, &list, err);
	if (r == 0)
		r = viv_store_closure(&list, ids, &closure, err);
	return r == 0 ? write_all(s, &closure, fd, report, err) : r;
}
