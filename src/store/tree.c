/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/fd.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static int walk(int dir, const char *path, int depth, viv_tree_fn fn, void *arg,
		struct viv_error *err);

static int list(int dir, const char *path, struct viv_strv *names, struct viv_error *err)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	int r = 0;

	if (!d) {
		viv_close(copy);
		return viv_error_set(err, errno, "reading the folder %s", path);
	}
	while (errno = 0, (e = readdir(d)))
		if (!viv_streq(e->d_name, ".") && !viv_streq(e->d_name, ".."))
			viv_strv_push(names, e->d_name);
	if (errno)
		r = viv_error_set(err, errno, "reading the folder %s", path);
	closedir(d);
	viv_strv_sort(names);
	return r;
}

static int visit_folder(struct viv_tree_visit *v, int depth, viv_tree_fn fn, void *arg,
			struct viv_error *err)
{
	VIV_FD fd = -1;
	int r;

	if (depth > VIV_TREE_DEPTH_MAX)
		return viv_error_say(err, ELOOP, "%s: more than %d folders deep", v->path,
				     VIV_TREE_DEPTH_MAX);
	fd = openat(v->dir, v->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return viv_error_set(err, errno, "%s", v->path);
	r = walk(fd, v->path, depth, fn, arg, err);
	if (r < 0)
		return r;
	v->after = true;
	return fn(v, arg, err);
}

static int walk(int dir, const char *path, int depth, viv_tree_fn fn, void *arg,
		struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	int r = list(dir, path, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		VIV_FREE char *p = *path ? viv_asprintf("%s/%s", path, names.items[i])
					 : viv_strdup(names.items[i]);
		struct viv_tree_visit v = {.dir = dir, .name = names.items[i], .path = p};

		if (fstatat(dir, v.name, &v.st, AT_SYMLINK_NOFOLLOW) < 0)
			return viv_error_set(err, errno, "%s", p);
		r = fn(&v, arg, err);
		if (r == 0 && S_ISDIR(v.st.st_mode))
			r = visit_folder(&v, depth + 1, fn, arg, err);
	}
	return r;
}

int viv_tree_walk(const char *top, viv_tree_fn fn, void *arg, struct viv_error *err)
{
	VIV_FD fd = viv_open(top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, err);

	return fd < 0 ? fd : walk(fd, "", 0, fn, arg, err);
}

static void count(struct viv_tree_facts *f, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		f->size += (uint64_t)st->st_size;
	f->disk += (uint64_t)st->st_blocks * 512;
}

static const char *kind_of(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "folder";
	return st->st_mode & 0111 ? "executable" : "file";
}

static int set_times(int dir, const char *name, struct viv_error *err)
{
	/* Not 0: some programs take that for "no time". */
	static const struct timespec times[2] = {{1, 0}, {1, 0}};

	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return viv_error_set(err, errno, "setting the time of %s", name);
	return 0;
}

static int seal_entry(const struct viv_tree_visit *v, void *arg, struct viv_error *err)
{
	mode_t mode = v->st.st_mode, want = mode & 0111 ? 0555 : 0444;
	bool dir = S_ISDIR(mode);

	if (!dir && !S_ISREG(mode) && !S_ISLNK(mode))
		return viv_error_say(err, EINVAL,
				     "%s is neither a file, a folder nor a symbolic link", v->path);
	if (dir)
		want = v->after ? 0555 : 0755;
	if (!S_ISLNK(mode) && fchmodat(v->dir, v->name, want, 0) < 0)
		return viv_error_set(err, errno, "changing the permissions of %s", v->path);
	if (dir && !v->after)
		return 0;
	count(arg, &v->st);
	((struct viv_tree_facts *)arg)->entries++;
	return set_times(v->dir, v->name, err);
}

static int measure_entry(const struct viv_tree_visit *v, void *arg, struct viv_error *err)
{
	if (v->after)
		return 0;
	count(arg, &v->st);
	((struct viv_tree_facts *)arg)->entries++;
	return 0;
}

static int for_top(const char *path, viv_tree_fn fn, struct viv_tree_facts *ret,
		   struct viv_error *err)
{
	struct viv_tree_facts f = {0};
	struct stat st;
	int r = 0;

	if (lstat(path, &st) < 0)
		return viv_error_set(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return viv_error_say(err, EINVAL, "%s is neither a file nor a folder", path);
	count(&f, &st);
	f.kind = kind_of(&st);
	if (S_ISDIR(st.st_mode))
		r = viv_tree_walk(path, fn, &f, err);
	if (r == 0)
		*ret = f;
	return r;
}

int viv_tree_seal(const char *path, struct viv_tree_facts *ret, struct viv_error *err)
{
	int r = for_top(path, seal_entry, ret, err);

	return r < 0 ? r : set_times(AT_FDCWD, path, err);
}

int viv_tree_measure(const char *path, struct viv_tree_facts *ret, struct viv_error *err)
{
	return for_top(path, measure_entry, ret, err);
}

int viv_tree_chmod_top(const char *path, bool writable, struct viv_error *err)
{
	struct stat st;
	mode_t mode;

	if (lstat(path, &st) < 0)
		return viv_error_set(err, errno, "%s", path);
	mode = S_ISDIR(st.st_mode) && writable ? 0755 : st.st_mode & 0111 ? 0555 : 0444;
	if ((st.st_mode & 07777) != mode && chmod(path, mode) < 0)
		return viv_error_set(err, errno, "changing the permissions of %s", path);
	return 0;
}

static int hash_file(int dir, const char *name, char ret_hex[VIV_SHA256_HEX], struct viv_error *err)
{
	VIV_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return viv_error_set(err, errno, "%s", name);
	return viv_sha256_of_fd(fd, name, ret_hex, err);
}

/*
 * A folder's listing is a record for each entry, its fields ended by a NUL: "d" path, "l" path
 * target, "f" or "x" (executable) path hash.
 */
static void add_record(struct viv_sha256 *h, const char *type, const char *path, const char *rest)
{
	viv_sha256_add(h, type, strlen(type) + 1);
	viv_sha256_add(h, path, strlen(path) + 1);
	if (rest)
		viv_sha256_add(h, rest, strlen(rest) + 1);
}

static int hash_entry(const struct viv_tree_visit *v, void *arg, struct viv_error *err)
{
	char hex[VIV_SHA256_HEX], target[4097];
	ssize_t n;
	int r;

	if (v->after)
		return 0;
	if (S_ISDIR(v->st.st_mode)) {
		add_record(arg, "d", v->path, NULL);
		return 0;
	}
	if (S_ISLNK(v->st.st_mode)) {
		n = readlinkat(v->dir, v->name, target, sizeof(target) - 1);
		if (n < 0)
			return viv_error_set(err, errno, "%s", v->path);
		target[n] = '\0';
		add_record(arg, "l", v->path, target);
		return 0;
	}
	if (!S_ISREG(v->st.st_mode))
		return viv_error_say(err, EINVAL, "%s is not an ordinary file", v->path);
	r = hash_file(v->dir, v->name, hex, err);
	if (r < 0)
		return r;
	add_record(arg, v->st.st_mode & 0111 ? "x" : "f", v->path, hex);
	return 0;
}

int viv_tree_hash(const char *path, char ret_hex[VIV_SHA256_HEX], struct viv_error *err)
{
	VIV_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct viv_sha256 *h;
	int r;

	if (fd < 0 && errno == ENOTDIR)
		return hash_file(AT_FDCWD, path, ret_hex, err);
	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	h = viv_sha256_new();
	r = walk(fd, "", 0, hash_entry, h, err);
	if (r < 0) {
		viv_sha256_free(h);
		return r;
	}
	viv_sha256_finish(h, ret_hex);
	return 0;
}
