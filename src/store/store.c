/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FORMAT "1\n" /* of the layout on disk; another number is another program's business */

static const char *const folders[] = {"objects", "info", "tmp", "pins", "roots", "corrupt"};

/* File systems whose locks another machine, or nobody, sees. */
static const struct {
	long magic;
	const char *name;
} network_fs[] = {
	{NFS_SUPER_MAGIC, "NFS"},   {SMB_SUPER_MAGIC, "SMB"},	{CIFS_SUPER_MAGIC, "CIFS"},
	{SMB2_SUPER_MAGIC, "SMB2"}, {V9FS_MAGIC, "9p"},		{AFS_SUPER_MAGIC, "AFS"},
	{AFS_FS_MAGIC, "AFS"},	    {CEPH_SUPER_MAGIC, "Ceph"}, {CODA_SUPER_MAGIC, "Coda"},
};

static int check_file_system(const char *root, struct viv_error *err)
{
	struct statfs fs;

	if (statfs(root, &fs) < 0)
		return viv_error_set(err, errno, "the store %s", root);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(network_fs); i++) {
		if ((uint32_t)fs.f_type != (uint32_t)network_fs[i].magic)
			continue;
		return viv_error_say(
			err, EOPNOTSUPP,
			"the store %s is on a network file system (%s), whose locks "
			"can't be relied on\nSet VIV_STORE to a folder on a local disk.",
			root, network_fs[i].name);
	}
	return 0;
}

static bool is_ours(const char *name)
{
	if (name[0] == '.' || viv_streq(name, "lock") || viv_starts_with(name, "format") ||
	    viv_streq(name, "lost+found"))
		return true;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++)
		if (viv_streq(name, folders[i]))
			return true;
	return false;
}

/* A folder with other things in it is somebody's mistake in VIV_STORE. */
static int check_empty(const char *root, struct viv_error *err)
{
	DIR *d = opendir(root);
	int r = 0;

	if (!d)
		return viv_error_set(err, errno, "the store %s", root);
	for (struct dirent *e; r == 0 && (e = readdir(d));)
		if (!is_ours(e->d_name))
			r = viv_error_say(err, ENOTEMPTY,
					  "%s holds other things (%s) and is not a store\nSet "
					  "VIV_STORE to an empty or new folder.",
					  root, e->d_name);
	closedir(d);
	return r;
}

static int make_layout(const char *root, const char *format, struct viv_error *err)
{
	int r = viv_mkdir_p(root, 0755, err);

	if (r == 0)
		r = check_file_system(root, err);
	if (r == 0)
		r = check_empty(root, err);
	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(folders); i++) {
		VIV_FREE char *p = viv_path_join(root, folders[i]);

		r = viv_mkdir_p(p, 0755, err);
	}
	if (r == 0)
		r = viv_write_file(format, FORMAT, strlen(FORMAT), 0644, err);
	if (r < 0)
		viv_error_context(err, "cannot make the store %s", root);
	if (r < 0 && r != -ENOTEMPTY && r != -EOPNOTSUPP)
		viv_error_hint(err, "Set VIV_STORE to a folder that you can write.");
	return r;
}

static int check_format(const char *root, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(root, "format");
	VIV_STR text = VIV_STR_INIT;
	VIV_ERROR e = VIV_ERROR_INIT;
	int r = viv_read_file(path, 64, &text, &e);

	if (r == -ENOENT || r == -ENOTDIR)
		return make_layout(root, path, err);
	if (r < 0) {
		viv_error_context(&e, "cannot open the store");
		return viv_error_move(err, &e);
	}
	if (!text.data || !viv_streq(text.data, FORMAT))
		return viv_error_say(
			err, EPROTO,
			"the store %s has a format that this viv doesn't know\nIt was "
			"made by another version: use that, or set VIV_STORE to another "
			"folder.",
			root);
	return check_file_system(root, err);
}

/* Without write permission shared locks still work, and nothing else is needed to read. */
static int open_lock(struct viv_store *s, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(s->root, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM)) {
		s->read_only = errno;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return viv_error_set(err, errno, "cannot open the store's lock %s", path);
	s->lock_fd = fd;
	return 0;
}

int viv_store_open(const char *path, struct viv_store **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *s = viv_new(struct viv_store);
	VIV_FREE char *data = viv_dir_data(), *usual = viv_path_join(data, "store");
	const char *variable = getenv("VIV_STORE");
	int r;

	s->root_fd = s->lock_fd = s->tmp_fd = -1;
	if (!path)
		path = variable && *variable ? variable : usual;
	r = viv_path_absolute(path, &s->root, err);
	if (r == 0)
		r = check_format(s->root, err);
	if (r == 0)
		r = open_lock(s, err);
	if (r < 0)
		return r;
	s->root_fd = viv_open(s->root, O_RDONLY | O_DIRECTORY, 0, err);
	if (s->root_fd < 0)
		return s->root_fd;
	*ret = viv_steal(s);
	return 0;
}

void viv_store_close(struct viv_store *s)
{
	if (!s)
		return;
	viv_store_unpin(s->session);
	/* What our own helpers were working at, too, if they had to be killed. */
	if (s->tmp) {
		viv_remove_tree(s->tmp, NULL);
		viv_store_clear_dead(s, NULL);
	}
	viv_close(s->tmp_fd);
	viv_close(s->lock_fd);
	viv_close(s->root_fd);
	viv_strv_free(&s->building);
	free(s->tmp);
	free(s->root);
	free(s);
}

const char *viv_store_root(const struct viv_store *s)
{
	return s->root;
}

char *viv_store_id(const char *name, const json_t *recipe)
{
	VIV_STR text = VIV_STR_INIT;
	char hex[VIV_SHA256_HEX];

	viv_json_canonical(recipe, &text);
	viv_sha256_of(text.data, text.len, hex);
	return viv_asprintf("%.32s-%s", hex, name);
}

bool viv_store_recipe_fits(const char *id, const json_t *recipe)
{
	VIV_FREE char *real = viv_store_id(id + 33, recipe);

	return viv_streq(real, id);
}

bool viv_store_id_is_valid(const char *id)
{
	size_t n = strlen(id);

	return n > 33 && n <= 200 && strspn(id, "0123456789abcdef") == 32 && id[32] == '-' &&
	       id[33] != '.' &&
	       strspn(id + 33, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			       "+-._~:=") == n - 33;
}

char *viv_store_path(const struct viv_store *s, const char *name)
{
	return viv_path_join(s->root, name);
}

char *viv_store_object_path(const struct viv_store *s, const char *id)
{
	return viv_asprintf("%s/objects/%s", s->root, id);
}

char *viv_store_info_path(const struct viv_store *s, const char *id)
{
	return viv_asprintf("%s/info/%s.json", s->root, id);
}

bool viv_store_has(const struct viv_store *s, const char *id)
{
	VIV_FREE char *path = viv_store_info_path(s, id);

	return access(path, F_OK) == 0;
}

int viv_store_check_writable(const struct viv_store *s, struct viv_error *err)
{
	if (!s->read_only)
		return 0;
	viv_error_set(err, s->read_only, "the store %s can only be read", s->root);
	viv_error_hint(err, "Set VIV_STORE to a folder that you can write.");
	return -s->read_only;
}

#define GC_ADVICE "'viv store gc --all'"

int viv_store_explain(const struct viv_store *s, int code, struct viv_error *err)
{
	struct statvfs fs;

	if ((code != -ENOSPC && code != -EDQUOT) || (err && err->msg && strstr(err->msg, GC_ADVICE)))
		return code;
	if (fstatvfs(s->root_fd, &fs) == 0 && code == -ENOSPC)
		viv_error_hint(err, "%llu MiB are free on the disk of the store %s.",
			       (unsigned long long)fs.f_bavail * fs.f_frsize >> 20, s->root);
	viv_error_hint(err,
		       GC_ADVICE " removes what nothing refers to; VIV_STORE moves the store to "
		       "another disk.");
	return code;
}
