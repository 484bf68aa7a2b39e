/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIN_MAX	    (64u << 20)
#define TOUCH_EVERY 600 /* seconds; a last-used time need not be more exact */

struct viv_store_pin {
	struct viv_store *store;
	int fd; /* flock'ed as long as the pin holds; -1 in a store that nobody can write */
	char *path;
	bool touch; /* objects count as used */
};

/*
 * Locks what we have just made, or what seems to be abandoned. -EAGAIN if somebody else has it or
 * if it was cleared away before we had the lock: the name must still lead to what we locked.
 */
static int claim(int fd, const char *path)
{
	struct stat a, b;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
			       a.st_ino == b.st_ino
		       ? 0
		       : -EAGAIN;
}

static void clear_dead_tmp(const char *path)
{
	VIV_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == EACCES && chmod(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 ? errno == ENOTDIR : claim(fd, path) == 0)
		viv_remove_tree(path, NULL);
}

static void clear_dead_pin(const char *path)
{
	VIV_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && claim(fd, path) == 0)
		unlink(path);
}

static int clear_folder(const struct viv_store *s, const char *name,
			void (*clear)(const char *path), struct viv_error *err)
{
	VIV_FREE char *dir = viv_store_path(s, name);
	DIR *d = opendir(dir);

	if (!d)
		return viv_error_set(err, errno, "%s", dir);
	for (struct dirent *e; (e = readdir(d));) {
		VIV_FREE char *path = viv_path_join(dir, e->d_name);

		if (!viv_streq(e->d_name, ".") && !viv_streq(e->d_name, ".."))
			clear(path);
	}
	closedir(d);
	return 0;
}

int viv_store_clear_dead(struct viv_store *s, struct viv_error *err)
{
	int r = clear_folder(s, "tmp", clear_dead_tmp, err);

	return r < 0 ? r : clear_folder(s, "pins", clear_dead_pin, err);
}

int viv_store_need_tmp(struct viv_store *s, struct viv_error *err)
{
	int r = s->tmp ? 0 : viv_store_check_writable(s, err);

	if (s->tmp || r < 0)
		return r;
	viv_store_clear_dead(s, NULL);
	for (;;) {
		VIV_FREE char *path = viv_asprintf("%s/tmp/XXXXXX", s->root);
		VIV_FD fd = -1;

		if (!mkdtemp(path))
			return viv_error_set(err, errno, "cannot make a folder in %s/tmp", s->root);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -errno : claim(fd, path);
		if (r == -EAGAIN || r == -ENOENT) /* taken for abandoned */
			continue;
		if (r < 0)
			return viv_error_set(err, r, "cannot lock %s", path);
		s->tmp = viv_steal(path);
		s->tmp_fd = viv_steal_fd(&fd);
		return 0;
	}
}

char *viv_store_tmp_name(struct viv_store *s)
{
	return viv_asprintf("%s/%u", s->tmp, s->next_build++);
}

void viv_store_touch(const struct viv_store *s, const char *id)
{
	VIV_FREE char *path = viv_store_info_path(s, id);
	struct timespec now, times[2];
	struct stat st;

	if (stat(path, &st) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return;
	if (st.st_mtime <= now.tv_sec && now.tv_sec - st.st_mtime < TOUCH_EVERY)
		return;
	times[0] = times[1] = now;
	utimensat(AT_FDCWD, path, times, 0);
}

static int make_pin_file(struct viv_store_pin *pin, struct viv_error *err)
{
	for (;;) {
		VIV_FREE char *path = viv_asprintf("%s/pins/XXXXXX", pin->store->root);
		VIV_FD fd = mkostemp(path, O_CLOEXEC | O_APPEND);
		int r;

		if (fd < 0)
			return viv_error_set(err, errno, "cannot make a file in %s/pins",
					     pin->store->root);
		r = claim(fd, path);
		if (r == -EAGAIN)
			continue;
		if (r < 0)
			return viv_error_set(err, r, "cannot lock %s", path);
		pin->path = viv_steal(path);
		pin->fd = viv_steal_fd(&fd);
		return 0;
	}
}

/* One write for all: a pin file never holds half a line. Under the guard. */
static int write_pins(struct viv_store_pin *pin, char *const *ids, size_t n, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < n; i++) {
		if (!viv_store_id_is_valid(ids[i]))
			return viv_error_say(err, EINVAL, "not the id of an object: %s", ids[i]);
		viv_str_addf(&text, "%s\n", ids[i]);
		if (pin->touch)
			viv_store_touch(pin->store, ids[i]);
	}
	return viv_write_all(pin->fd, text.data, text.len, pin->path, err);
}

static int add_pins(struct viv_store_pin *pin, char *const *ids, size_t n, struct viv_error *err)
{
	VIV_STORE_GUARDED *guarded = NULL;
	int r = pin->store->read_only == EROFS ? 0 : viv_store_check_writable(pin->store, err);

	if (pin->store->read_only == EROFS || r < 0)
		return r;
	r = viv_store_guard(pin->store, false, err);
	if (r < 0)
		return r;
	guarded = pin->store;
	if (pin->fd < 0)
		r = make_pin_file(pin, err);
	if (r == 0)
		r = write_pins(pin, ids, n, err);
	return r < 0 ? viv_store_explain(pin->store, r, err) : 0;
}

static int make_pin(struct viv_store *s, const struct viv_strv *ids, bool touch,
		    struct viv_store_pin **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_store_unpinp) struct viv_store_pin *pin = viv_new(struct viv_store_pin);
	int r;

	pin->store = s;
	pin->fd = -1;
	pin->touch = touch;
	r = add_pins(pin, ids ? ids->items : NULL, ids ? ids->count : 0, err);
	if (r < 0)
		return r;
	*ret = viv_steal(pin);
	return 0;
}

int viv_store_pin(struct viv_store *s, const struct viv_strv *ids, struct viv_store_pin **ret,
		  struct viv_error *err)
{
	return make_pin(s, ids, true, ret, err);
}

int viv_store_pin_untouched(struct viv_store *s, const struct viv_strv *ids,
			    struct viv_store_pin **ret, struct viv_error *err)
{
	return make_pin(s, ids, false, ret, err);
}

int viv_store_pin_add(struct viv_store_pin *pin, const char *id, struct viv_error *err)
{
	char *ids[] = {(char *)id};

	return add_pins(pin, ids, 1, err);
}

void viv_store_unpin(struct viv_store_pin *pin)
{
	if (!pin)
		return;
	if (pin->path)
		unlink(pin->path);
	viv_close(pin->fd);
	free(pin->path);
	free(pin);
}

int viv_store_keep(struct viv_store *s, const char *id, struct viv_error *err)
{
	if (!s->session) {
		int r = viv_store_pin(s, NULL, &s->session, err);

		if (r < 0)
			return r;
	}
	return viv_store_pin_add(s->session, id, err);
}

/* Adds the ids of a pin that is held; clears one that isn't. */
static int read_pin(const char *path, struct viv_strv *ids, struct viv_error *err)
{
	VIV_FD fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : viv_error_set(err, errno, "%s", path);
	if (claim(fd, path) == 0) {
		unlink(path);
		return 0;
	}
	r = viv_read_to_end(fd, PIN_MAX, &text, path, err);
	if (r < 0)
		return r;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *id = viv_slice_dup(line);

		if (viv_store_id_is_valid(id))
			viv_strv_push(ids, id);
	}
	return 0;
}

int viv_store_pinned(struct viv_store *s, struct viv_strv *ids, struct viv_error *err)
{
	VIV_FREE char *dir = viv_store_path(s, "pins");
	DIR *d = opendir(dir);
	int r = 0;

	if (!d)
		return viv_error_set(err, errno, "%s", dir);
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		VIV_FREE char *path = viv_path_join(dir, e->d_name);

		if (e->d_name[0] != '.')
			r = read_pin(path, ids, err);
	}
	closedir(d);
	return r;
}
