/* SPDX-License-Identifier: MIT */
#include "image/tree.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CAPS_MAX 64

static void entry_free(struct viv_tree_entry *e)
{
	free(e->path);
	free(e->target);
	free(e->caps);
}

void viv_tree_free(struct viv_tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		entry_free(&t->entries[i]);
	free(t->entries);
	*t = VIV_TREE_INIT;
}

static struct viv_tree_entry *add(struct viv_tree *t)
{
	t->entries = viv_grow(t->entries, &t->cap, t->n + 1, sizeof(*t->entries));
	t->entries[t->n] = (struct viv_tree_entry){0};
	return &t->entries[t->n++];
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct viv_tree_entry *)a)->path,
		      ((const struct viv_tree_entry *)b)->path);
}

const struct viv_tree_entry *viv_tree_find(const struct viv_tree *t, const char *path)
{
	struct viv_tree_entry key = {.path = (char *)path};

	return t->n ? bsearch(&key, t->entries, t->n, sizeof(key), by_path) : NULL;
}

bool viv_tree_is_whiteout(const struct viv_tree_entry *e)
{
	return e->type == 'c' && e->rdev == makedev(0, 0);
}

bool viv_tree_has_caps(const struct viv_tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->entries[i].caps)
			return true;
	return false;
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	default:
		return 's';
	}
}

static char *hex_of(const unsigned char *data, size_t len)
{
	VIV_STR s = VIV_STR_INIT;

	for (size_t i = 0; i < len; i++)
		viv_str_addf(&s, "%02x", data[i]);
	return viv_str_steal(&s);
}

/* What is being scanned: the absolute path, whose end is the entry's path. */
struct scan {
	struct viv_tree *tree;
	struct viv_str path;
	size_t root_len;
	dev_t dev;
};

static void take_stat(struct viv_tree_entry *e, const struct stat *st)
{
	e->type = type_of(st->st_mode);
	e->mode = st->st_mode & 07777;
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	e->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	e->mtime = st->st_mtim.tv_sec;
	e->rdev = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? st->st_rdev : 0;
	e->inode = st->st_ino;
	e->ctime_ns = st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec;
}

static int scan_one(struct scan *s, int dir, const char *name, struct viv_error *err)
{
	struct viv_tree_entry *e;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return viv_error_set(err, errno, "%s", s->path.data);
	e = add(s->tree);
	take_stat(e, &st);
	e->path = viv_strdup(s->path.len > s->root_len ? s->path.data + s->root_len + 1 : ".");
	if (e->type == 'l') {
		char to[4097];
		ssize_t n = readlinkat(dir, name, to, sizeof(to) - 1);

		if (n < 0)
			return viv_error_set(err, errno, "%s", s->path.data);
		e->target = viv_strndup(to, (size_t)n);
	}
	/* Only programs carry capabilities. */
	if (e->type == 'f' && (e->mode & 0111)) {
		unsigned char caps[CAPS_MAX];
		ssize_t n = lgetxattr(s->path.data, "security.capability", caps, sizeof(caps));

		if (n > 0)
			e->caps = hex_of(caps, (size_t)n);
	}
	return e->type == 'd' && st.st_dev == s->dev;
}

static int scan_dir(struct scan *s, int parent, const char *name, struct viv_error *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t len = s->path.len;
	int r = 0;

	if (!d) {
		r = viv_error_set(err, errno, "%s", s->path.data);
		viv_close(fd);
		return r;
	}
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		if (viv_streq(e->d_name, ".") || viv_streq(e->d_name, ".."))
			continue;
		viv_str_addf(&s->path, "/%s", e->d_name);
		r = scan_one(s, dirfd(d), e->d_name, err);
		if (r > 0)
			r = scan_dir(s, dirfd(d), e->d_name, err);
		s->path.len = len;
		s->path.data[len] = '\0';
	}
	closedir(d);
	return r;
}

struct by_inode {
	uint64_t inode;
	size_t entry;
};

static int compare_inodes(const void *a, const void *b)
{
	const struct by_inode *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Further names of a file become 'h' entries; which name is the first depends on paths alone. */
static void find_hard_links(struct viv_tree *t)
{
	VIV_FREE struct by_inode *list = viv_new_array(struct by_inode, t->n);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->entries[i].type == 'f')
			list[n++] = (struct by_inode){t->entries[i].inode, i};
	qsort(list, n, sizeof(*list), compare_inodes);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (list[i].inode != list[first].inode) {
			first = i;
			continue;
		}
		t->entries[list[i].entry].type = 'h';
		t->entries[list[i].entry].target = viv_strdup(t->entries[list[first].entry].path);
	}
}

int viv_tree_scan(const char *root, struct viv_tree *ret, struct viv_error *err)
{
	VIV_TREE t = VIV_TREE_INIT;
	struct scan s = {.tree = &t, .root_len = strlen(root)};
	struct stat st;
	int r;

	if (lstat(root, &st) < 0)
		return viv_error_set(err, errno, "%s", root);
	s.dev = st.st_dev;
	viv_str_add(&s.path, root);
	r = scan_one(&s, AT_FDCWD, root, err);
	if (r > 0)
		r = scan_dir(&s, AT_FDCWD, root, err);
	viv_str_free(&s.path);
	if (r < 0)
		return r;
	qsort(t.entries, t.n, sizeof(*t.entries), by_path);
	find_hard_links(&t);
	viv_tree_free(ret);
	*ret = t;
	t = VIV_TREE_INIT;
	return 0;
}


static bool is_covered(const char *path, const struct viv_tree *layer)
{
	VIV_FREE char *p = viv_strdup(path);
	const struct viv_tree_entry *e = viv_tree_find(layer, p);

	if (e)
		return true;
	/* A folder replaced by something else, or gone, takes what was in it along. */
	for (char *slash; (slash = strrchr(p, '/'));) {
		*slash = '\0';
		e = viv_tree_find(layer, p);
		if (e && e->type != 'd')
			return true;
	}
	return false;
}

void viv_tree_overlay(struct viv_tree *t, struct viv_tree *layer)
{
	VIV_TREE merged = VIV_TREE_INIT;

	for (size_t i = 0; i < t->n; i++)
		if (!is_covered(t->entries[i].path, layer)) {
			*add(&merged) = t->entries[i];
			t->entries[i] = (struct viv_tree_entry){0};
		}
	for (size_t i = 0; i < layer->n; i++)
		if (!viv_tree_is_whiteout(&layer->entries[i])) {
			*add(&merged) = layer->entries[i];
			layer->entries[i] = (struct viv_tree_entry){0};
		}
	qsort(merged.entries, merged.n, sizeof(*merged.entries), by_path);
	viv_tree_free(t);
	viv_tree_free(layer);
	*t = merged;
	merged = VIV_TREE_INIT;
}
