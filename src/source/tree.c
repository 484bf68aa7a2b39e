/* SPDX-License-Identifier: MIT */
#include "source/tree.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "source/git.h"

#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_MAX (256 << 20)
#define FILES_MAX    2000000

void viv_own_tree_free(struct viv_own_tree *t)
{
	free(t->path);
	viv_tree_free(&t->files);
	*t = (struct viv_own_tree){0};
}

static void entry_clear(struct viv_tree_entry *e)
{
	free(e->path);
	free(e->target);
	free(e->caps);
}

static bool is_above(const struct viv_strv *files, const char *folder)
{
	VIV_FREE char *start = viv_asprintf("%s/", folder);
	size_t low = 0, high = files->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(files->items[mid], start) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < files->count && viv_starts_with(files->items[low], start);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_listed(const struct viv_strv *files, const char *path)
{
	return files->count &&
	       bsearch(&path, files->items, files->count, sizeof(*files->items), compare_text);
}

/* Files and links that are in the list (NULL: all), and the folders above them. */
static void filter(struct viv_tree *t, const struct viv_strv *files)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		bool keep = viv_streq(e->path, ".git") || viv_starts_with(e->path, ".git/") ? false
			    : strchr("fhl", e->type) ? !files || is_listed(files, e->path)
			    : e->type == 'd' ? !files || viv_streq(e->path, ".") || is_above(files, e->path)
					     : false;

		if (keep)
			t->entries[n++] = *e;
		else
			entry_clear(e);
	}
	t->n = n;
}

/* A further name of a file is one more file: builds may write to either. */
static void split_links(struct viv_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		const struct viv_tree_entry *first = e->type == 'h' ? viv_tree_find(t, e->target) : NULL;

		if (e->type == 'h') {
			e->type = 'f';
			if (first)
				memcpy(e->sha256, first->sha256, sizeof(e->sha256));
			free(viv_steal(e->target));
		}
	}
}

static void hash_all(const struct viv_tree *t, char ret_hex[VIV_SHA256_HEX])
{
	struct viv_sha256 *h = viv_sha256_new();

	for (size_t i = 0; i < t->n; i++) {
		const struct viv_tree_entry *e = &t->entries[i];
		VIV_FREE char *line = NULL;

		if (e->type == 'd')
			continue;
		line = viv_asprintf("%c %d %s %s %s", e->type, (e->mode & 0100) != 0, e->sha256,
				    e->target ? e->target : "", e->path);
		viv_sha256_add(h, line, strlen(line) + 1);
	}
	viv_sha256_finish(h, ret_hex);
}

/* Modes and times of a copy are its own: only whether a file is executable counts. */
static int hash_rest(struct viv_own_tree *t, struct viv_error *err)
{
	for (size_t i = 0; i < t->files.n; i++) {
		struct viv_tree_entry *e = &t->files.entries[i];
		VIV_FREE char *path = NULL;
		VIV_FD fd = -1;
		int r;

		if (e->type != 'f' || e->sha256[0])
			continue;
		path = viv_path_join(t->path, e->path);
		fd = viv_open(path, O_RDONLY | O_NOFOLLOW, 0, err);
		r = fd < 0 ? fd : viv_sha256_of_fd(fd, path, e->sha256, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int viv_own_tree_read(const char *path, bool git, struct viv_report *report,
		      struct viv_own_tree *ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_own_tree_free) struct viv_own_tree t = {.path = viv_strdup(path)};
	VIV_STRV files = VIV_STRV_INIT;
	struct stat st;
	int r = 0;

	if (stat(path, &st) < 0)
		return viv_error_set(err, errno, "the source %s", path);
	if (!S_ISDIR(st.st_mode))
		return viv_error_say(err, ENOTDIR, "the source %s is no folder", path);
	if (git)
		r = viv_git_list(path, report, &files, err);
	if (r == 0)
		r = viv_tree_scan(path, &t.files, err);
	if (r < 0)
		return r;
	filter(&t.files, git ? &files : NULL);
	if (t.files.n > FILES_MAX)
		return viv_error_say(err, EFBIG, "the source %s has more than %d files", path, FILES_MAX);
	r = viv_tree_hash_files(path, &t.files, NULL, err);
	if (r < 0)
		return r;
	split_links(&t.files);
	r = hash_rest(&t, err);
	if (r < 0)
		return r;
	hash_all(&t.files, t.hash);
	*ret = t;
	t = (struct viv_own_tree){0};
	return 0;
}

bool viv_own_tree_has(const struct viv_own_tree *t, const char *path)
{
	return viv_tree_find(&t->files, path) != NULL;
}

/* The copy. Builds ran in it, so nothing in it is followed: openat2 keeps us inside. */

static bool configures(const char *path)
{
	static const char *const names[] = {"configure", "configure.ac", "CMakeLists.txt", "meson.build",
					    "meson_options.txt", "meson.options", "Makefile.am"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++)
		if (viv_streq(viv_path_base(path), names[i]))
			return true;
	return false;
}

static bool is_same(const struct viv_tree_entry *a, const struct viv_tree_entry *b)
{
	return b && a->type == b->type && (a->mode & 0100) == (b->mode & 0100) &&
	       viv_streq(a->sha256, b->sha256) &&
	       viv_streq(a->target ? a->target : "", b->target ? b->target : "");
}

/* The folder in the copy that holds it, and its name there. */
static int open_folder(const char *copy, const char *path, struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_dir(path);
	int r = viv_streq(dir, ".") ? 0 : viv_mkdir_below(copy, dir, 0755, err);

	return r < 0 ? r : viv_open_below(copy, dir, O_PATH | O_DIRECTORY, 0, err);
}

static int copy_file(const struct viv_own_tree *t, const struct viv_tree_entry *e, int dir,
		     struct viv_error *err)
{
	static const char temporary[] = ".viv-new";
	VIV_FREE char *from = viv_path_join(t->path, e->path);
	VIV_FD in = viv_open(from, O_RDONLY | O_NOFOLLOW, 0, err), out = -1;
	char hex[VIV_SHA256_HEX];
	int r;

	if (in < 0)
		return in;
	unlinkat(dir, temporary, 0);
	out = openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, e->mode & 0100 ? 0755 : 0644);
	if (out < 0)
		return viv_error_set(err, errno, "cannot copy %s", from);
	r = viv_copy_content(in, out, from, err);
	if (r == 0 && lseek(out, 0, SEEK_SET) < 0)
		r = viv_error_set(err, errno, "cannot copy %s", from);
	if (r == 0)
		r = viv_sha256_of_fd(out, from, hex, err);
	if (r == 0 && !viv_streq(hex, e->sha256))
		r = viv_error_say(err, EAGAIN, "%s changed while it was read: try again", from);
	if (r == 0 && renameat(dir, temporary, dir, viv_path_base(e->path)) < 0)
		r = viv_error_set(err, errno, "cannot copy %s", from);
	return r;
}

static int put(const struct viv_own_tree *t, const struct viv_tree_entry *e, const char *copy,
	       struct viv_error *err)
{
	VIV_FD dir = open_folder(copy, e->path, err);
	const char *name = viv_path_base(e->path);

	if (dir < 0)
		return dir;
	if (e->type == 'f')
		return copy_file(t, e, dir, err);
	unlinkat(dir, name, 0);
	return symlinkat(e->target, dir, name) < 0
		       ? viv_error_set(err, errno, "cannot copy %s/%s", t->path, e->path) : 0;
}

static bool is_there(const char *copy, const char *path)
{
	VIV_FREE char *dir = viv_path_dir(path);
	VIV_FD fd = viv_open_below(copy, dir, O_PATH | O_DIRECTORY, 0, NULL);
	struct stat st;

	return fd >= 0 && fstatat(fd, viv_path_base(path), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void remove_gone(const struct viv_own_tree *t, const struct viv_tree *before, const char *copy)
{
	for (size_t i = before->n; i-- > 0;) {
		const struct viv_tree_entry *e = &before->entries[i];
		VIV_FREE char *dir = viv_path_dir(e->path);
		VIV_FD fd = -1;

		if (viv_streq(e->path, ".") || viv_tree_find(&t->files, e->path))
			continue;
		fd = viv_open_below(copy, dir, O_PATH | O_DIRECTORY, 0, NULL);
		if (fd >= 0)
			unlinkat(fd, viv_path_base(e->path), e->type == 'd' ? AT_REMOVEDIR : 0);
	}
}

static int write_record(const struct viv_own_tree *t, const char *record, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;

	viv_tree_write_manifest(&t->files, &text);
	return viv_write_file(record, text.data ? text.data : "", text.len, 0644, err);
}

int viv_own_tree_sync(const struct viv_own_tree *t, const char *copy, const char *record,
		      bool *ret_configure, struct viv_error *err)
{
	VIV_TREE before = VIV_TREE_INIT;
	VIV_STR text = VIV_STR_INIT;
	bool configure = false;
	int r = viv_mkdir_p(copy, 0755, err);

	if (r == 0 && viv_read_file(record, MANIFEST_MAX, &text, NULL) == 0)
		r = viv_tree_read_manifest(text.data ? text.data : "", text.len, record, &before, err);
	if (r < 0)
		return r;
	unlink(record); /* until it is true again */
	remove_gone(t, &before, copy);
	for (size_t i = 0; i < t->files.n; i++) {
		const struct viv_tree_entry *e = &t->files.entries[i];

		if (e->type == 'd' ? viv_streq(e->path, ".")
				   : is_same(e, viv_tree_find(&before, e->path)) && is_there(copy, e->path))
			continue;
		configure |= e->type == 'f' && configures(e->path);
		r = e->type == 'd' ? viv_mkdir_below(copy, e->path, 0755, err) : put(t, e, copy, err);
		if (r < 0)
			return r;
	}
	*ret_configure = configure;
	return write_record(t, record, err);
}
