/* SPDX-License-Identifier: MIT */
#include "image/diff.h"

#include "base/fd.h"
#include "base/path.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_file(const struct viv_tree_entry *e)
{
	return e->type == 'f' || e->type == 'h';
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && viv_streq(a, b));
}

/* A later time than the clamp was made by the build: it says nothing. */
static bool same_time(const struct viv_tree_entry *a, const struct viv_tree_entry *b, int64_t clamp)
{
	return a->mtime == b->mtime || b->mtime > clamp;
}

static bool is_same(const struct viv_tree_entry *a, const struct viv_tree_entry *b, int64_t clamp)
{
	if ((is_file(a) != is_file(b)) || (!is_file(a) && a->type != b->type) ||
	    a->mode != b->mode || a->uid != b->uid || a->gid != b->gid)
		return false;
	if (is_file(a))
		return a->size == b->size && viv_streq(a->sha256, b->sha256) &&
		       same_text(a->caps, b->caps) && same_time(a, b, clamp);
	switch (a->type) {
	case 'l':
		return viv_streq(a->target, b->target);
	case 'c':
	case 'b':
		return a->rdev == b->rdev;
	default:
		return true;
	}
}

struct reduction {
	const char *root, *dest;
	const struct viv_tree *before;
	struct viv_tree *after;
	bool *keep; /* by index in after */
	int64_t clamp;
	bool detach;
	struct viv_tree gone; /* whiteouts to make */
};

static size_t index_of(const struct viv_tree *t, const struct viv_tree_entry *e)
{
	return (size_t)(e - t->entries);
}

/* Keeps the folders on the way to `path`. */
static void keep_parents(struct reduction *d, const char *path)
{
	VIV_FREE char *p = viv_strdup(path);
	const struct viv_tree_entry *e;

	for (char *slash; (slash = strrchr(p, '/'));) {
		*slash = '\0';
		e = viv_tree_find(d->after, p);
		if (!e || d->keep[index_of(d->after, e)])
			return;
		d->keep[index_of(d->after, e)] = true;
	}
}

static void find_changes(struct reduction *d)
{
	for (size_t i = 0; i < d->after->n; i++) {
		const struct viv_tree_entry *e = &d->after->entries[i], *old;

		old = viv_tree_find(d->before, e->path);
		if (old && is_same(old, e, d->clamp) && !viv_streq(e->path, "."))
			continue;
		d->keep[i] = true;
		keep_parents(d, e->path);
	}
}

/* Only the topmost of what is gone, and nothing that something else now covers. */
static void find_gone(struct reduction *d)
{
	for (size_t i = 0; i < d->before->n; i++) {
		const struct viv_tree_entry *old = &d->before->entries[i], *parent;
		VIV_FREE char *dir = viv_path_dir(old->path);
		struct viv_tree_entry *w;

		if (viv_tree_find(d->after, old->path))
			continue;
		parent = viv_tree_find(d->after, dir);
		if (!parent || parent->type != 'd')
			continue;
		d->gone.entries = viv_grow(d->gone.entries, &d->gone.cap, d->gone.n + 1,
					   sizeof(*d->gone.entries));
		w = &d->gone.entries[d->gone.n++];
		*w = (struct viv_tree_entry){.path = viv_strdup(old->path), .type = 'c',
					     .mtime = d->clamp};
		keep_parents(d, old->path);
	}
}

/* dpkg replaces what packages ship by renaming; nobody writes to it in place. */
static bool may_change(const struct reduction *d, const struct viv_tree_entry *e)
{
	return d->detach && e->type == 'f' &&
	       (e->mtime > d->clamp || !viv_starts_with(e->path, "usr/"));
}

static int copy_file(const char *from, const char *to, const struct viv_tree_entry *e,
		     struct viv_error *err)
{
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = e->mtime}};
	VIV_FD in = viv_open(from, O_RDONLY | O_NOFOLLOW, 0, err);
	VIV_FD out = in < 0 ? in : viv_open(to, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
	unsigned char caps[64];
	ssize_t n;

	if (out < 0 || viv_copy_content(in, out, to, err) < 0)
		return -EIO;
	n = fgetxattr(in, "security.capability", caps, sizeof(caps));
	if (fchown(out, e->uid, e->gid) < 0 || fchmod(out, e->mode) < 0 ||
	    (n > 0 && fsetxattr(out, "security.capability", caps, (size_t)n, 0) < 0) ||
	    futimens(out, t) < 0)
		return viv_error_set(err, errno, "cannot copy %s", to);
	return 0;
}

static int make_dir(const char *to, const struct viv_tree_entry *e, struct viv_error *err)
{
	if (mkdir(to, 0700) < 0 || lchown(to, e->uid, e->gid) < 0 || chmod(to, e->mode) < 0)
		return viv_error_set(err, errno, "cannot make %s", to);
	return 0;
}

/* SELinux and the like refuse to let their labels go. */
static bool is_held(const char *name)
{
	return viv_starts_with(name, "security.") &&
	       (errno == EACCES || errno == EPERM || errno == EOPNOTSUPP);
}

/* All extended attributes but the capabilities that the manifest has. */
static int drop_attributes(const char *path, const struct viv_tree_entry *e, struct viv_error *err)
{
	ssize_t len = llistxattr(path, NULL, 0);
	VIV_FREE char *names = NULL;

	if (len <= 0)
		return 0;
	names = viv_new_array(char, (size_t)len);
	len = llistxattr(path, names, (size_t)len);
	for (char *p = names; len > 0 && p < names + len; p += strlen(p) + 1)
		if (!(e->caps && viv_streq(p, "security.capability")) &&
		    lremovexattr(path, p) < 0 && errno != ENODATA && !is_held(p))
			return viv_error_set(err, errno, "cannot take the attribute %s off %s", p,
					     path);
	return 0;
}

/* A further name of a file that was copied is one of the copy. */
static int make_link(struct reduction *d, const struct viv_tree_entry *e, const char *from,
		     const char *to, struct viv_error *err)
{
	const struct viv_tree_entry *first = e->type == 'h' ? viv_tree_find(d->after, e->target)
							    : NULL;
	VIV_FREE char *other = NULL;

	if (first && d->keep[first - d->after->entries]) {
		other = viv_path_join(d->dest, first->path);
		from = other;
	}
	if (linkat(AT_FDCWD, from, AT_FDCWD, to, 0) < 0)
		return viv_error_set(err, errno, "cannot make %s", to);
	return 0;
}

/* A folder comes before what is in it, a file before its further names. */
static int link_kept(struct reduction *d, struct viv_error *err)
{
	for (size_t i = 0; i < d->after->n; i++) {
		const struct viv_tree_entry *e = &d->after->entries[i];
		VIV_FREE char *from = NULL, *to = NULL;
		int r;

		if (!d->keep[i])
			continue;
		from = viv_path_join(d->root, e->path);
		to = viv_streq(e->path, ".") ? viv_strdup(d->dest)
					     : viv_path_join(d->dest, e->path);
		if (e->type == 'd')
			r = make_dir(to, e, err);
		else if (may_change(d, e))
			r = copy_file(from, to, e, err);
		else
			r = make_link(d, e, from, to, err);
		if (r == 0 && e->type == 'f')
			r = drop_attributes(to, e, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_whiteouts(struct reduction *d, struct viv_error *err)
{
	for (size_t i = 0; i < d->gone.n; i++) {
		VIV_FREE char *path = viv_path_join(d->dest, d->gone.entries[i].path);

		if (mknod(path, S_IFCHR, makedev(0, 0)) < 0 || chmod(path, 0) < 0)
			return viv_error_set(err, errno, "cannot make a whiteout at %s", path);
	}
	return 0;
}

static int set_time(const char *dir, const struct viv_tree_entry *e, struct viv_error *err)
{
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = e->mtime}};
	VIV_FREE char *path = viv_path_join(dir, e->path);

	if (utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW) < 0)
		return viv_error_set(err, errno, "cannot set the time of %s", path);
	return 0;
}

/* Backwards, since making a folder's entries changed the folder's time. */
static int set_times(struct reduction *d, struct viv_error *err)
{
	int r = 0;

	for (size_t i = d->after->n; i-- > 0 && r == 0;) {
		struct viv_tree_entry *e = &d->after->entries[i];
		bool later = e->mtime > d->clamp;

		e->mtime = VIV_MIN(e->mtime, d->clamp);
		if (later || e->type == 'd' || viv_tree_is_whiteout(e))
			r = set_time(d->dest, e, err);
		if (r == 0 && later && (e->type == 'd' || d->detach) && e->mtime == d->clamp &&
		    !viv_tree_is_whiteout(e))
			r = set_time(d->root, e, err);
	}
	return r;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct viv_tree_entry *)a)->path,
		      ((const struct viv_tree_entry *)b)->path);
}

/* A file's first name may be the same as before, and thus not here: then another one is first. */
static void mend_hard_links(struct viv_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];

		if (e->type != 'h' || viv_tree_find(t, e->target))
			continue;
		for (size_t k = i + 1; k < t->n; k++)
			if (t->entries[k].type == 'h' &&
			    viv_streq(t->entries[k].target, e->target)) {
				free(t->entries[k].target);
				t->entries[k].target = viv_strdup(e->path);
			}
		e->type = 'f';
		free(viv_steal(e->target));
	}
}

/* `after` becomes what is kept and the whiteouts. */
static void rewrite_tree(struct reduction *d)
{
	struct viv_tree_entry *e = d->after->entries;
	size_t n = 0, total;

	for (size_t i = 0; i < d->after->n; i++) {
		if (d->keep[i]) {
			struct viv_tree_entry kept = e[i];

			e[i] = (struct viv_tree_entry){0};
			e[n++] = kept;
		} else {
			free(e[i].path);
			free(e[i].target);
			free(e[i].caps);
		}
	}
	total = n + d->gone.n;
	d->after->entries = viv_grow(e, &d->after->cap, total, sizeof(*e));
	for (size_t i = 0; i < d->gone.n; i++) {
		d->after->entries[n + i] = d->gone.entries[i];
		d->gone.entries[i] = (struct viv_tree_entry){0};
	}
	d->after->n = total;
	qsort(d->after->entries, total, sizeof(*d->after->entries), by_path);
	mend_hard_links(d->after);
}

int viv_tree_collect(const char *root, const char *dest, const struct viv_tree *before,
		     struct viv_tree *after, int64_t clamp_time, bool detach,
		     struct viv_error *err)
{
	struct viv_tree nothing = VIV_TREE_INIT;
	struct reduction d = {.root = root, .dest = dest, .before = before ? before : &nothing,
			      .after = after, .clamp = clamp_time, .detach = detach,
			      .keep = viv_new_array(bool, after->n)};
	int r;

	find_changes(&d);
	find_gone(&d);
	r = link_kept(&d, err);
	if (r == 0)
		r = make_whiteouts(&d, err);
	if (r == 0) {
		rewrite_tree(&d);
		r = set_times(&d, err);
	}
	viv_tree_free(&d.gone);
	free(d.keep);
	return r;
}

bool viv_tree_is_untouched(const char *dest, const struct viv_tree *manifest)
{
	for (size_t i = 0; i < manifest->n; i++) {
		const struct viv_tree_entry *e = &manifest->entries[i];
		VIV_FREE char *path = NULL;
		struct stat st;

		if (e->type != 'f')
			continue;
		path = viv_path_join(dest, e->path);
		if (lstat(path, &st) < 0 || (uint64_t)st.st_size != e->size ||
		    st.st_mtim.tv_sec != e->mtime || (st.st_mode & 07777) != e->mode ||
		    st.st_uid != e->uid || st.st_gid != e->gid)
			return false;
	}
	return true;
}
