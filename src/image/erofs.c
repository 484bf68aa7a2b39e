/* SPDX-License-Identifier: MIT */
#include "image/erofs.h"

#include "base/hash.h"
#include "base/path.h"
#include "base/process.h"
#include "image/tool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A version 8 (RFC 9562) UUID out of the seed's hash. */
static char *uuid_of(const char *seed)
{
	char hex[VIV_SHA256_HEX];

	viv_sha256_of(seed, strlen(seed), hex);
	return viv_asprintf("%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15,
			    hex + 18);
}

int viv_erofs_write(const char *tree, const char *dest, int64_t clamp_time, const char *seed,
		    bool xattrs, struct viv_error *err)
{
	VIV_FREE char *uuid = uuid_of(seed);
	/* With this variable mkfs.erofs clamps times; its -T sets all of them in old versions. */
	VIV_FREE char *epoch = viv_asprintf("SOURCE_DATE_EPOCH=%" PRId64, clamp_time);
	VIV_FREE char *path = viv_asprintf("PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin");
	const char *env[] = {epoch, path, "LC_ALL=C", "TZ=UTC", NULL};
	const char *argv[] = {"mkfs.erofs", "--quiet", xattrs ? "-x2" : "-x-1", "-U", uuid,
			      dest, tree, NULL};

	return viv_image_tool(argv, env, NULL, "erofs-utils", err);
}

int viv_erofs_version(char **ret, struct viv_error *err)
{
	/* Of one package; mkfs.erofs itself can't be asked before 1.6. */
	const char *argv[] = {"fsck.erofs", "-V", NULL};
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line, word;
	int r = viv_process_check(argv, &out, 65536, 10000, err);

	if (r == -ENOENT)
		viv_error_hint(err, "Install the package erofs-utils.");
	if (r < 0)
		return r;
	rest = (struct viv_slice){out.data, out.len};
	if (!viv_slice_line(&rest, &line) || !viv_slice_word(&line, &word) ||
	    !viv_slice_word(&line, &word))
		return viv_error_say(err, EIO, "fsck.erofs -V says no version");
	*ret = viv_asprintf("mkfs.erofs %.*s", (int)word.len, word.data);
	return 0;
}

static int set_caps(const char *path, const char *hex, struct viv_error *err)
{
	unsigned char value[64];
	size_t n = strlen(hex) / 2;

	if (n > sizeof(value))
		return viv_error_say(err, EINVAL, "%s: odd capabilities", path);
	for (size_t i = 0; i < n; i++) {
		char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		value[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	if (lsetxattr(path, "security.capability", value, n, 0) < 0)
		return viv_error_set(err, errno, "cannot set the capabilities of %s", path);
	return 0;
}

static int link_again(const char *dir, const struct viv_tree_entry *e, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dir, e->path), *first = viv_path_join(dir, e->target);

	if (unlink(path) < 0 || link(first, path) < 0)
		return viv_error_set(err, errno, "cannot link %s", path);
	return 0;
}

/* fsck.erofs sets modes before owners, which takes the set-id bits away again. */
static int put_right_one(const char *dir, const struct viv_tree_entry *e, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dir, e->path);

	if (e->mode & 07000 && (e->type == 'f' || e->type == 'd') && chmod(path, e->mode) < 0)
		return viv_error_set(err, errno, "%s", path);
	return e->caps ? set_caps(path, e->caps, err) : 0;
}

/* The extracted tree becomes what the manifest says. */
static int put_right(const char *dir, const struct viv_tree *m, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++) {
		const struct viv_tree_entry *e = &m->entries[i];

		r = e->type == 'h' ? link_again(dir, e, err) : put_right_one(dir, e, err);
	}
	return r;
}

/* Backwards: what is in a folder changed its time. */
static int restore_times(const char *dir, const struct viv_tree *m, struct viv_error *err)
{
	for (size_t i = m->n; i-- > 0;) {
		const struct viv_tree_entry *e = &m->entries[i];
		struct timespec t[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = e->mtime}};
		VIV_FREE char *path = NULL;

		if (e->type != 'd')
			continue;
		path = viv_path_join(dir, e->path);
		if (utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW) < 0)
			return viv_error_set(err, errno, "%s", path);
	}
	return 0;
}

/* A folder over a folder: the new one's owner and mode, both contents. */
static int merge_dir(const char *path, const struct viv_tree_entry *e, struct viv_error *err)
{
	if (lchown(path, e->uid, e->gid) < 0 || chmod(path, e->mode) < 0)
		return viv_error_set(err, errno, "%s", path);
	return 0;
}

static int overlay_one(const char *from, const char *dest, const struct viv_tree_entry *e,
		       struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dest, e->path), *source = viv_path_join(from, e->path);
	struct stat st;

	if (lstat(source, &st) < 0)
		return 0; /* moved with the folder it is in */
	if (e->type == 'd' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return merge_dir(path, e, err);
	/* Renaming replaces, except a folder by something else and the other way round. */
	if (viv_tree_is_whiteout(e))
		return viv_remove_tree(path, err);
	if (rename(source, path) == 0)
		return 0;
	if (viv_remove_tree(path, err) < 0)
		return -EIO;
	if (rename(source, path) < 0)
		return viv_error_set(err, errno, "cannot move %s", path);
	return 0;
}

int viv_erofs_extract(const char *image, const struct viv_tree *manifest, const char *dest,
		      const char *scratch, struct viv_error *err)
{
	bool direct = !viv_exists(dest);
	const char *into = direct ? dest : scratch;
	VIV_FREE char *option = viv_asprintf("--extract=%s", into);
	const char *argv[] = {"fsck.erofs", "--preserve-owner", "--preserve-perms", option, image,
			      NULL};
	int r = viv_image_tool(argv, NULL, NULL, "erofs-utils", err);

	if (r == 0)
		r = put_right(into, manifest, err);
	if (r == 0 && !direct) {
		for (size_t i = 0; i < manifest->n && r == 0; i++)
			r = overlay_one(scratch, dest, &manifest->entries[i], err);
		viv_remove_tree(scratch, NULL);
	}
	return r == 0 ? restore_times(dest, manifest, err) : r;
}
