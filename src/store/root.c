/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_MAX (16u << 20)

/*
 * A root is a file in roots/, named by the hash of a path elsewhere: {path, ids, link}. With "link"
 * the path is a symbolic link and a root for where it leads now; else it is any file and a root for
 * the ids, as long as it is there.
 */

static char *root_file(const struct viv_store *s, const char *path)
{
	char hex[VIV_SHA256_HEX];

	viv_sha256_of(path, strlen(path), hex);
	return viv_asprintf("%s/roots/%.32s", s->root, hex);
}

char *viv_store_id_of_target(const char *target)
{
	for (const char *at = target; (at = strstr(at, "/objects/")); at++) {
		const char *start = at + strlen("/objects/");
		VIV_FREE char *id = viv_strndup(start, strcspn(start, "/"));

		if (viv_store_id_is_valid(id))
			return viv_steal(id);
	}
	return NULL;
}

/* 0 and *ret (NULL: it leads elsewhere), or a negative errno. */
static int read_link(const char *path, char **ret)
{
	char target[4097];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	*ret = viv_store_id_of_target(target);
	return 0;
}

static int check_replaceable(const char *link, struct viv_error *err)
{
	VIV_FREE char *id = NULL;
	int r = read_link(link, &id);

	if (r == -ENOENT || (r == 0 && id))
		return 0;
	if (r == 0 || r == -EINVAL)
		return viv_error_say(err, EEXIST,
				     "%s is there already and is no link into a store\nMove it "
				     "away, or choose another name.",
				     link);
	return viv_error_set(err, r, "%s", link);
}

static int make_link(const char *link, const char *target, struct viv_error *err)
{
	char now[4097];
	ssize_t n = readlink(link, now, sizeof(now) - 1);
	VIV_FREE char *tmp = NULL;

	if (n >= 0) {
		now[n] = '\0';
		if (viv_streq(now, target))
			return 0;
	}
	for (unsigned i = 0;; i++) {
		free(viv_steal(tmp));
		tmp = viv_asprintf("%s.tmp-%u", link, i);
		if (symlink(target, tmp) == 0)
			break;
		if (errno != EEXIST || i > 1000)
			return viv_error_set(err, errno, "cannot make the link %s", link);
	}
	if (rename(tmp, link) < 0) {
		int code = errno;

		unlink(tmp);
		return viv_error_set(err, code, "cannot make the link %s", link);
	}
	return 0;
}

static int write_root(const struct viv_store *s, const char *path, const struct viv_strv *ids,
		      bool link, struct viv_error *err)
{
	VIV_JSON *list = json_array(), *root = NULL, *before = NULL;
	VIV_FREE char *file = root_file(s, path);

	for (size_t i = 0; i < ids->count; i++)
		json_array_append_new(list, json_string(ids->items[i]));
	root = json_pack("{s:s, s:O, s:b}", "path", path, "ids", list, "link", link);
	if (!root)
		return viv_error_say(err, EINVAL, "%s: the path is not UTF-8", path);
	if (viv_json_read_file(file, ROOT_MAX, &before, NULL) == 0 && json_equal(before, root))
		return 0;
	return viv_json_write_file(file, root, 0644, err);
}

static int add_root(struct viv_store *s, const char *path, const struct viv_strv *ids, bool link,
		    struct viv_error *err)
{
	VIV_STORE_GUARDED *guarded = NULL;
	VIV_FREE char *object = NULL;
	int r = viv_store_check_writable(s, err);

	if (r == 0)
		r = viv_store_guard(s, false, err);
	if (r < 0)
		return r;
	guarded = s;
	if (link && !viv_store_has(s, ids->items[0]))
		return viv_error_say(err, ENOENT, "no object %s in the store %s", ids->items[0],
				     s->root);
	r = write_root(s, path, ids, link, err);
	if (r < 0 || !link)
		return r;
	object = viv_store_object_path(s, ids->items[0]);
	return make_link(path, object, err);
}

int viv_store_add_root(struct viv_store *s, const char *link, const char *id, struct viv_error *err)
{
	VIV_STRV ids = VIV_STRV_INIT;
	VIV_FREE char *path = NULL;
	int r;

	if (!viv_store_id_is_valid(id))
		return viv_error_say(err, EINVAL, "not the id of an object: %s", id);
	r = viv_path_absolute(link, &path, err);
	if (r == 0)
		r = check_replaceable(path, err);
	if (r < 0)
		return r;
	viv_strv_push(&ids, id);
	r = add_root(s, path, &ids, true, err);
	return r < 0 ? viv_store_explain(s, r, err) : 0;
}

int viv_store_add_file_root(struct viv_store *s, const char *file, const struct viv_strv *ids,
			    struct viv_error *err)
{
	VIV_STRV sorted = VIV_STRV_INIT;
	VIV_FREE char *path = NULL;
	int r = viv_path_absolute(file, &path, err);

	for (size_t i = 0; r == 0 && i < ids->count; i++) {
		if (!viv_store_id_is_valid(ids->items[i]))
			r = viv_error_say(err, EINVAL, "not the id of an object: %s",
					  ids->items[i]);
		else
			viv_strv_push(&sorted, ids->items[i]);
	}
	if (r < 0)
		return r;
	viv_strv_uniq(&sorted);
	r = add_root(s, path, &sorted, false, err);
	return r < 0 ? viv_store_explain(s, r, err) : 0;
}

/* Does the root still hold? Adds its ids if so. What can't be told (no permission…) holds. */
static bool add_ids(const json_t *root, struct viv_strv *ids)
{
	const char *path = viv_json_str(root, "path");
	VIV_FREE char *id = NULL;
	const json_t *item;
	struct stat st;
	size_t i;
	int r = 0;

	if (json_is_true(json_object_get(root, "link")))
		r = read_link(path, &id);
	else if (lstat(path, &st) < 0)
		r = -errno;
	if (r == -ENOENT || r == -ENOTDIR || r == -EINVAL)
		return false;
	if (id)
		viv_strv_push(ids, id);
	else if (r == 0 && json_is_true(json_object_get(root, "link")))
		return false;
	else
		json_array_foreach(json_object_get(root, "ids"), i, item)
			viv_strv_push(ids, json_string_value(item));
	return true;
}

static bool is_root(const json_t *root)
{
	const json_t *ids = json_object_get(root, "ids"), *item;
	size_t i;

	if (!viv_json_str(root, "path") || !json_is_array(ids))
		return false;
	json_array_foreach(ids, i,
			   item) if (!json_is_string(item) ||
				     !viv_store_id_is_valid(json_string_value(item))) return false;
	return true;
}

static int read_root(const char *file, bool clear, struct viv_strv *ids, struct viv_error *err)
{
	VIV_JSON *root = NULL;
	int r;

	if (strstr(viv_path_base(file), ".tmp-")) {
		if (clear)
			unlink(file);
		return 0;
	}
	r = viv_json_read_file(file, ROOT_MAX, &root, err);
	if (r == 0 && !is_root(root))
		r = viv_error_say(err, EBADMSG, "%s: not a root", file);
	if (r < 0) {
		viv_error_hint(err, "What it keeps can't be told. Remove it to go on without.");
		return r;
	}
	if (!add_ids(root, ids) && clear)
		unlink(file);
	return 0;
}

int viv_store_rooted(const struct viv_store *s, bool clear, struct viv_strv *ids,
		     struct viv_error *err)
{
	VIV_FREE char *dir = viv_store_path(s, "roots");
	DIR *d = opendir(dir);
	int r = 0;

	if (!d)
		return viv_error_set(err, errno, "%s", dir);
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		VIV_FREE char *file = viv_path_join(dir, e->d_name);

		if (e->d_name[0] != '.')
			r = read_root(file, clear, ids, err);
	}
	closedir(d);
	return r;
}
