/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/*
 * The stream is a list of objects, announced in its first entry so that one that was cut off is
 * noticed. Each begins with its info file, which says what may follow.
 * Every name is checked, folders are entered one by one without following links, and no more is
 * written than the info file announced.
 */

#define SIZE_MAX_OBJECT (1ull << 40)
#define ENTRIES_MAX	4000000u /* of one object */

struct reader {
	struct viv_store *s;
	struct archive *a;
	int fd;
	char *buf;
	struct viv_error error;	   /* of reading fd */
	struct viv_strv announced; /* the ids that the stream's first entry names */
	size_t n_started;

	/* The object that is being read; id NULL: none. */
	char *id;
	json_t *info;
	struct viv_store_build *build; /* NULL: it is there already, and passed over */
	uint64_t left;		       /* bytes that may still come */
	uint64_t entries;
	bool begun; /* its first entry was there */
};

#define BLOCK_SIZE (1 << 17)

static void forget_object(struct reader *r)
{
	viv_store_abort(viv_steal(r->build));
	json_decref(viv_steal(r->info));
	free(viv_steal(r->id));
	r->left = r->entries = 0;
	r->begun = false;
}

static void reader_free(struct reader *r)
{
	forget_object(r);
	if (r->a)
		sym_archive_read_free(r->a);
	viv_error_clear(&r->error);
	viv_strv_free(&r->announced);
	free(r->buf);
}
#define READER VIV_CLEANUP(reader_free) struct reader

static la_ssize_t read_in(struct archive *a, void *arg, const void **ret)
{
	struct reader *r = arg;
	ssize_t n;

	do
		n = read(r->fd, r->buf, BLOCK_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		viv_error_set(&r->error, errno, "reading the import");
		sym_archive_set_error(a, errno, "read");
	}
	*ret = r->buf;
	return n;
}

static int tar_error(struct reader *r, struct viv_error *err)
{
	const char *text = sym_archive_error_string(r->a);

	if (r->error.code)
		return viv_error_move(err, &r->error);
	return viv_error_say(err, EBADMSG, "the import is damaged: %s", text ? text : "not a tar");
}

static int VIV_PRINTF(2, 3) refuse(struct viv_error *err, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = viv_error_sayv(err, EBADMSG, fmt, ap);
	va_end(ap);
	viv_error_context(err, "the import can't be used");
	return r;
}

/* At most `max` bytes of the entry go to fd (-1: nowhere). */
static int copy_data(struct reader *r, int fd, uint64_t max, uint64_t *ret, const char *path,
		     struct viv_error *err)
{
	VIV_FREE char *buf = viv_malloc(BLOCK_SIZE);
	uint64_t total = 0;

	for (;;) {
		la_ssize_t n = sym_archive_read_data(r->a, buf, BLOCK_SIZE);
		int w;

		if (n < 0)
			return tar_error(r, err);
		if (n == 0)
			break;
		total += (uint64_t)n;
		if (total > max)
			return refuse(err, "%s is larger than announced", path);
		w = fd < 0 ? 0 : viv_write_all(fd, buf, (size_t)n, path, err);
		if (w < 0)
			return w;
	}
	*ret = total;
	return 0;
}

static int read_text(struct reader *r, size_t max, const char *path, struct viv_str *ret,
		     struct viv_error *err)
{
	for (;;) {
		la_ssize_t n = sym_archive_read_data(r->a, viv_str_reserve(ret, 16384), 16384);

		if (n < 0)
			return tar_error(r, err);
		if (n == 0)
			return 0;
		viv_str_added(ret, (size_t)n);
		if (ret->len > max)
			return refuse(err, "%s is too large", path);
	}
}

/* The object's refs must be there: a stream has them before it. They are kept, too. */
static int get_refs(struct reader *r, struct viv_strv *refs, struct viv_error *err)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(r->info, "refs"), i, item)
	{
		const char *ref = json_string_value(item);
		int k = viv_store_keep(r->s, ref, err);

		if (k < 0)
			return k;
		if (!viv_store_has(r->s, ref))
			return refuse(err, "%s refers to %s, which is missing", r->id, ref);
		viv_strv_push(refs, ref);
	}
	return 0;
}

static int check_space(struct reader *r, struct viv_error *err)
{
	struct statvfs fs;

	if (r->left > SIZE_MAX_OBJECT)
		return refuse(err, "%s would have %llu bytes", r->id, (unsigned long long)r->left);
	if (fstatvfs(r->s->root_fd, &fs) == 0 && fs.f_blocks &&
	    r->left > (uint64_t)fs.f_bavail * fs.f_frsize)
		return viv_error_say(err, ENOSPC, "%s needs %llu MiB", r->id,
				     (unsigned long long)r->left >> 20);
	return 0;
}

static int start_object(struct reader *r, const char *name, struct viv_report *report,
			struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_STRV refs = VIV_STRV_INIT;
	VIV_ERROR e = VIV_ERROR_INIT;
	int k;

	r->id = viv_strndup(name, strlen(name) - strlen(".json"));
	if (!viv_store_id_is_valid(r->id))
		return refuse(err, "not the id of an object: %s", r->id);
	if (r->n_started == r->announced.count ||
	    !viv_streq(r->announced.items[r->n_started++], r->id))
		return refuse(err, "%s was not announced", r->id);
	k = read_text(r, VIV_INFO_MAX, name, &text, err);
	if (k < 0)
		return k;
	if (viv_json_parse(text.data ? text.data : "", text.len, name, &r->info, &e) < 0 ||
	    viv_info_check(r->info, r->id, &e) < 0)
		return refuse(err, "%s", e.msg);
	r->left = (uint64_t)json_integer_value(json_object_get(r->info, "size"));
	k = get_refs(r, &refs, err);
	if (k == 0 && !viv_store_has(r->s, r->id))
		k = check_space(r, err);
	if (k == 0)
		k = viv_store_begin(r->s, r->id, report, &r->build, err);
	return k < 0 ? k : 0;
}

/* Opens the folder of `path` (relative, safe) below `top`; every step must be a real folder. */
static int open_parent(const char *top, const char *path, struct viv_error *err)
{
	int dir = viv_open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, err);
	unsigned depth = 0;

	for (const char *slash; dir >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		VIV_FREE char *step = viv_strndup(path, (size_t)(slash - path));
		int next = openat(dir, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		viv_close(dir);
		if (next < 0)
			return refuse(err, "%s is not in a folder of the same object", path);
		dir = next;
		if (++depth > VIV_TREE_DEPTH_MAX) {
			viv_close(dir);
			return refuse(err, "more than %d folders deep", VIV_TREE_DEPTH_MAX);
		}
	}
	return dir;
}

static int make_file(struct reader *r, int dir, const char *name, const char *path, bool executable,
		     struct viv_error *err)
{
	VIV_FD fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			   executable ? 0755 : 0644);
	uint64_t size = 0;
	int k;

	if (fd < 0 && errno == EEXIST)
		return refuse(err, "%s comes twice", path);
	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	k = copy_data(r, fd, r->left, &size, path, err);
	if (k == 0)
		r->left -= size;
	return k;
}

static int make_entry(struct reader *r, struct archive_entry *e, int dir, const char *name,
		      const char *path, struct viv_error *err)
{
	const char *target = sym_archive_entry_symlink(e);
	int made;

	switch (sym_archive_entry_filetype(e)) {
	case AE_IFREG:
		return make_file(r, dir, name, path, sym_archive_entry_perm(e) & 0111, err);
	case AE_IFDIR:
		made = mkdirat(dir, name, 0755);
		break;
	default: /* AE_IFLNK, see check_type */
		if (!target || strlen(target) > r->left)
			return refuse(err, "%s is larger than announced", path);
		r->left -= strlen(target);
		made = symlinkat(target, dir, name);
	}
	if (made < 0 && errno == EEXIST)
		return refuse(err, "%s comes twice", path);
	return made < 0 ? viv_error_set(err, errno, "%s", path) : 0;
}

static int check_type(struct archive_entry *e, const char *path, bool top, struct viv_error *err)
{
	unsigned type = sym_archive_entry_filetype(e);

	if (sym_archive_entry_hardlink(e) ||
	    (type != AE_IFREG && type != AE_IFDIR && (type != AE_IFLNK || top)))
		return refuse(err, "%s is not a file, a folder or a symbolic link", path);
	if (sym_archive_entry_sparse_count(e) > 0)
		return refuse(err, "%s is a sparse file", path);
	return 0;
}

/* `path` is below the object; "" for the object itself. */
static int add_content(struct reader *r, struct archive_entry *e, const char *path,
		       struct viv_error *err)
{
	VIV_FREE char *dir_path = NULL;
	VIV_FD dir = -1;
	bool top = !*path;
	int k = check_type(e, top ? r->id : path, top, err);

	if (k < 0)
		return k;
	if (top == r->begun || (!top && !viv_path_is_safe(path)) || ++r->entries > ENTRIES_MAX)
		return refuse(err, "\"%s\" can't come here in %s", path, r->id);
	r->begun = true;
	if (!r->build)
		return 0;
	if (top)
		dir_path = viv_path_dir(viv_store_build_path(r->build));
	dir = top ? viv_open(dir_path, O_RDONLY | O_DIRECTORY, 0, err)
		  : open_parent(viv_store_build_path(r->build), path, err);
	if (dir < 0)
		return dir;
	return make_entry(r, e, dir, top ? r->id + 33 : viv_path_base(path), top ? r->id : path,
			  err);
}

/* An archive is made from nothing but its hash: this one recipe can be checked. */
static bool is_its_recipe(const struct reader *r, const char *hex)
{
	const json_t *recipe = json_object_get(r->info, "recipe");
	const char *kind = viv_json_str(recipe, "kind"), *sha256 = viv_json_str(recipe, "sha256");

	return !kind || !viv_streq(kind, "archive") || !sha256 || viv_streq(sha256, hex);
}

/* What was announced is what came? */
static int check_result(struct reader *r, struct viv_error *err)
{
	const char *sha256 = viv_json_str(r->info, "sha256"), *kind = viv_json_str(r->info, "kind");
	struct viv_tree_facts facts;
	char hex[VIV_SHA256_HEX];
	int k;

	if (!r->begun || r->left)
		return refuse(err, "%s is not complete", r->id);
	k = viv_tree_measure(viv_store_build_path(r->build), &facts, err);
	if (k == 0 && !viv_streq(kind, facts.kind))
		k = refuse(err, "%s is not of the kind \"%s\"", r->id, kind);
	if (k == 0)
		k = viv_tree_hash(viv_store_build_path(r->build), hex, err);
	if (k == 0 && !viv_streq(hex, sha256))
		k = refuse(err, "the content of %s does not match its hash", r->id);
	if (k == 0 && !is_its_recipe(r, hex))
		k = refuse(err, "%s is not the package of its name", r->id);
	return k;
}

static int finish_object(struct reader *r, struct viv_strv *ids, struct viv_error *err)
{
	VIV_STRV refs = VIV_STRV_INIT;
	struct viv_store_commit item;
	int k;

	if (!r->id)
		return 0;
	k = r->build ? check_result(r, err) : 0;
	if (k == 0)
		k = get_refs(r, &refs, err);
	if (k == 0 && r->build) {
		item = (struct viv_store_commit){viv_steal(r->build),
						 json_object_get(r->info, "recipe"), &refs,
						 viv_json_str(r->info, "sha256")};
		k = viv_store_commit_many(r->s, &item, 1, err);
	}
	if (k == 0 && ids)
		viv_strv_push(ids, r->id);
	if (k == 0)
		forget_object(r);
	return k;
}

static int check_format(struct reader *r, struct archive_entry *e, struct viv_error *err)
{
	const char *path = sym_archive_entry_pathname(e);
	struct viv_slice rest, line;
	VIV_STR text = VIV_STR_INIT;
	int k;

	if (!path || !viv_streq(path, "format") || sym_archive_entry_filetype(e) != AE_IFREG)
		return refuse(err, "it is no export of a store");
	k = read_text(r, VIV_INFO_MAX, path, &text, err);
	if (k < 0)
		return k;
	rest = (struct viv_slice){text.data, text.len};
	if (!viv_slice_line(&rest, &line) || !viv_slice_eq(line, "1"))
		return refuse(err, "it has a format that this viv doesn't know");
	while (viv_slice_line(&rest, &line))
		viv_strv_take(&r->announced, viv_slice_dup(line));
	return 0;
}

static int add_entry(struct reader *r, struct archive_entry *e, struct viv_report *report,
		     struct viv_strv *ids, struct viv_error *err)
{
	const char *path = sym_archive_entry_pathname(e);
	size_t n = r->id ? strlen(r->id) : 0;
	int k;

	if (!path)
		return refuse(err, "an entry has no name");
	if (viv_starts_with(path, "info/") && viv_ends_with(path, ".json") &&
	    sym_archive_entry_filetype(e) == AE_IFREG) {
		k = finish_object(r, ids, err);
		return k < 0 ? k : start_object(r, path + strlen("info/"), report, err);
	}
	if (r->id && viv_starts_with(path, "objects/") && strncmp(path + 8, r->id, n) == 0) {
		const char *rest = path + 8 + n;
		VIV_FREE char *below = viv_strdup(*rest == '/' ? rest + 1 : rest);
		size_t len = strlen(below);

		if (len && below[len - 1] == '/') /* so a tar names folders */
			below[len - 1] = '\0';
		if (!*rest || *rest == '/')
			return add_content(r, e, below, err);
	}
	return refuse(err, "\"%s\" can't come here", path);
}

static int open_reader(struct reader *r, struct viv_error *err)
{
	int k = viv_dl_libarchive(err);

	if (k < 0)
		return k;
	r->buf = viv_malloc(BLOCK_SIZE);
	r->a = sym_archive_read_new();
	if (!r->a)
		viv_oom();
	if (sym_archive_read_support_format_tar(r->a) != ARCHIVE_OK ||
	    sym_archive_read_open(r->a, r, NULL, read_in, NULL) != ARCHIVE_OK)
		return tar_error(r, err);
	return 0;
}

static int read_all(struct reader *r, struct viv_report *report, struct viv_strv *ids,
		    struct viv_error *err)
{
	struct archive_entry *e;
	bool first = true;
	int k = open_reader(r, err), got = ARCHIVE_OK;

	while (k == 0 && (got = sym_archive_read_next_header(r->a, &e)) == ARCHIVE_OK) {
		k = first ? check_format(r, e, err) : add_entry(r, e, report, ids, err);
		first = false;
		viv_task_advance(report, 0, r->id ? r->id + 33 : NULL);
	}
	if (k == 0 && got != ARCHIVE_EOF)
		k = tar_error(r, err);
	if (k == 0 && first)
		k = refuse(err, "it is empty");
	if (k == 0)
		k = finish_object(r, ids, err);
	if (k == 0 && r->n_started < r->announced.count)
		k = refuse(err, "it ends before %s", r->announced.items[r->n_started]);
	return k;
}

int viv_store_import(struct viv_store *s, int fd, struct viv_report *report, struct viv_strv *ret,
		     struct viv_error *err)
{
	READER r = {.s = s, .fd = fd};
	int k = viv_store_check_writable(s, err);

	if (k < 0)
		return k;
	viv_task_begin(report, 0, "importing objects");
	k = read_all(&r, report, ret, err);
	viv_task_end(report, k == 0);
	return k < 0 ? viv_store_explain(s, k, err) : 0;
}
