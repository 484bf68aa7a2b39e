/* SPDX-License-Identifier: MIT */
#include "source/tree.h"

#include "base/fd.h"
#include "base/path.h"

#include <sys/stat.h>
#include <unistd.h>

/*
 * The copy that a build works in. Builds ran there as root of a sandbox and left what they liked: the copy is
 * opened without following a link in its place, and from then on it is only looked at below that descriptor.
 */

#define MANIFEST_MAX (256 << 20)

struct copy {
	const struct viv_own_tree *t;
	char root[32]; /* what it was opened as */
};

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

static int failed(const struct copy *c, const char *path, struct viv_error *err)
{
	return viv_error_set(err, errno, "cannot copy %s/%s", c->t->path, path);
}

/* The folder that holds it; those above it were made before: they come first. */
static int open_holder(const struct copy *c, const char *path)
{
	VIV_FREE char *dir = viv_path_dir(path);

	return viv_open_below(c->root, dir, O_PATH | O_DIRECTORY, 0, NULL);
}

/* '\0': nothing is there; '?': something that no tree has. */
static char type_of(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return '\0';
	return S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : S_ISLNK(st.st_mode) ? 'l' : '?';
}

static int clear(int dir, const char *name)
{
	VIV_FREE char *path = viv_asprintf("/proc/self/fd/%d/%s", dir, name);

	return viv_remove_tree(path, NULL);
}

static int changed(const char *from, struct viv_error *err)
{
	return viv_error_say(err, EAGAIN, "%s changed while it was read: try again", from);
}

static int copy_file(const struct copy *c, const struct viv_tree_entry *e, int dir, struct viv_error *err)
{
	static const char temporary[] = ".viv-new";
	VIV_FREE char *from = viv_path_join(c->t->path, e->path);
	VIV_FD in = viv_open(from, O_RDONLY | O_NOFOLLOW, 0, NULL), out = -1;
	char hex[VIV_SHA256_HEX];
	int r;

	if (in < 0)
		return errno == ENOENT || errno == ELOOP ? changed(from, err) : failed(c, e->path, err);
	clear(dir, temporary);
	out = openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, e->mode & 0100 ? 0755 : 0644);
	if (out < 0)
		return failed(c, e->path, err);
	r = viv_copy_content(in, out, from, err);
	if (r == 0 && lseek(out, 0, SEEK_SET) < 0)
		r = failed(c, e->path, err);
	if (r == 0)
		r = viv_sha256_of_fd(out, from, hex, err);
	if (r == 0 && !viv_streq(hex, e->sha256))
		r = changed(from, err);
	if (r == 0 && renameat(dir, temporary, dir, viv_path_base(e->path)) < 0)
		r = failed(c, e->path, err);
	return r;
}

/*
 * Whatever is in its place and of another type makes way: a file that became a folder, a build's link. 1: it was
 * written.
 */
static int put(const struct copy *c, const struct viv_tree_entry *e, const struct viv_tree_entry *before,
	       struct viv_error *err)
{
	VIV_FD dir = open_holder(c, e->path);
	const char *name = viv_path_base(e->path);
	char there = dir < 0 ? '\0' : type_of(dir, name);

	if (dir < 0)
		return failed(c, e->path, err);
	if (there == e->type && (e->type == 'd' || is_same(e, before)))
		return 0;
	if (there && (there != e->type || e->type == 'l') && clear(dir, name) < 0)
		return failed(c, e->path, err);
	if (e->type == 'f') {
		int r = copy_file(c, e, dir, err);

		return r < 0 ? r : 1;
	}
	if ((e->type == 'd' ? mkdirat(dir, name, 0755) : symlinkat(e->target, dir, name)) < 0)
		return failed(c, e->path, err);
	return 1;
}

/* A folder stays where a build put something into it. */
static void remove_gone(const struct copy *c, const struct viv_tree *before)
{
	for (size_t i = before->n; i-- > 0;) {
		const struct viv_tree_entry *e = &before->entries[i];
		VIV_FD dir = -1;

		if (viv_streq(e->path, ".") || viv_tree_find(&c->t->files, e->path))
			continue;
		dir = open_holder(c, e->path);
		if (dir >= 0)
			unlinkat(dir, viv_path_base(e->path), e->type == 'd' ? AT_REMOVEDIR : 0);
	}
}

static int write_record(const struct viv_tree *t, const char *record, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;

	viv_tree_write_manifest(t, &text);
	return viv_write_file(record, text.data ? text.data : "", text.len, 0644, err);
}

static void add(struct viv_tree *list, const struct viv_tree_entry *e)
{
	list->entries[list->n++] = *e;
}

/*
 * The record while the work goes on: all that may be there, of the last time or of this. What is not the same
 * in both is a file without a hash: the next time it is written again. The entries are others'.
 */
static int write_both(const struct viv_tree *before, const struct viv_tree *now, const char *record,
		      struct viv_error *err)
{
	struct viv_tree both = {.entries = viv_new_array(struct viv_tree_entry, before->n + now->n + 1)};
	size_t i = 0, k = 0;
	int r;

	while (i < before->n || k < now->n) {
		const struct viv_tree_entry *a = i < before->n ? &before->entries[i] : NULL;
		const struct viv_tree_entry *b = k < now->n ? &now->entries[k] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->path, b->path);
		struct viv_tree_entry unsure = {.type = 'f', .path = b ? b->path : NULL};

		if (order < 0)
			add(&both, a);
		else if (b->type == 'd' || (order == 0 && is_same(b, a)))
			add(&both, b);
		else
			add(&both, &unsure);
		i += order <= 0;
		k += order >= 0;
	}
	r = write_record(&both, record, err);
	free(both.entries);
	return r;
}

/* A folder, and nothing that leads to one. */
static int open_copy(int folder, const char *path, struct viv_error *err)
{
	int fd;

	if (mkdirat(folder, VIV_OWN_TREE_COPY, 0755) < 0 && errno != EEXIST)
		return viv_error_set(err, errno, "cannot make a folder in %s", path);
	fd = openat(folder, VIV_OWN_TREE_COPY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? viv_error_set(err, errno, "%s/%s", path, VIV_OWN_TREE_COPY) : fd;
}

static int put_all(const struct copy *c, const struct viv_tree *before, bool *ret_configure,
		   struct viv_error *err)
{
	const struct viv_tree *now = &c->t->files;
	bool configure = false;

	remove_gone(c, before);
	for (size_t i = 0; i < now->n; i++) {
		const struct viv_tree_entry *e = &now->entries[i];
		int r = viv_streq(e->path, ".") ? 0 : put(c, e, viv_tree_find(before, e->path), err);

		if (r < 0)
			return r;
		configure |= e->type == 'f' && r > 0 && configures(e->path);
	}
	*ret_configure = configure;
	return 0;
}

int viv_own_tree_sync(const struct viv_own_tree *t, const char *folder, const char *record,
		      struct viv_error *err)
{
	VIV_TREE before = VIV_TREE_INIT;
	VIV_STR text = VIV_STR_INIT;
	VIV_FD top = viv_open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, err), src = -1;
	struct copy c = {.t = t};
	bool configure = false;
	int r = top < 0 ? top : 0;

	if (r == 0 && viv_exists(record)) {
		r = viv_read_file(record, MANIFEST_MAX, &text, err);
		if (r == 0)
			r = viv_tree_read_manifest(text.data ? text.data : "", text.len, record, &before, err);
	}
	if (r == 0)
		src = r = open_copy(top, folder, err);
	if (r >= 0)
		r = write_both(&before, &t->files, record, err);
	if (r < 0)
		return r;
	snprintf(c.root, sizeof(c.root), "/proc/self/fd/%d", src);
	r = put_all(&c, &before, &configure, err);
	if (r == 0 && configure && unlinkat(top, VIV_OWN_TREE_CONFIGURED, 0) < 0 && errno != ENOENT)
		r = viv_error_set(err, errno, "%s/%s", folder, VIV_OWN_TREE_CONFIGURED);
	return r < 0 ? r : write_record(&t->files, record, err);
}
