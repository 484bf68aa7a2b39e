/* SPDX-License-Identifier: MIT */
#include "sandbox/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h clashes with sys/mount.h in some C libraries; this is the one struct we need. */
struct set_attr {
	uint64_t set, clear, propagation, userns_fd;
};
#define ATTR_RDONLY 1

#define STALE_PREFIX "viv-sandbox-"

/* A folder that exists everywhere and that nothing here needs to see: the tmpfs covers it. */
static const char *mount_point(void)
{
	static const char *const candidates[] = {"/mnt", "/media", "/srv", "/tmp"};
	struct stat st;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(candidates); i++)
		if (lstat(candidates[i], &st) == 0 && S_ISDIR(st.st_mode))
			return candidates[i];
	return "/tmp";
}

static int mount_memory(const struct viv_sandbox_spec *spec, char **ret, struct viv_error *err)
{
	uint64_t size = spec->scratch_size;
	VIV_FREE char *options = NULL;
	const char *at = mount_point();

	if (!size)
		size = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
	options = viv_asprintf("mode=0755,size=%" PRIu64, size);
	if (mount("viv", at, "tmpfs", MS_NODEV, options) < 0)
		return viv_error_set(err, errno, "cannot mount the sandbox's tmpfs");
	*ret = viv_strdup(at);
	return 0;
}

/* A scratch folder is locked by its sandbox for as long as it lives. */
static int lock_dir(const char *path, int how)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, how) < 0)
		fd = viv_close(fd);
	return fd;
}

static void remove_stale(const char *dir)
{
	DIR *d = opendir(dir);

	for (struct dirent *e; d && (e = readdir(d));) {
		VIV_FREE char *path = viv_path_join(dir, e->d_name);
		struct stat st;

		if (!viv_starts_with(e->d_name, STALE_PREFIX) || lstat(path, &st) < 0 ||
		    st.st_uid != geteuid())
			continue;
		VIV_FD fd = lock_dir(path, LOCK_EX | LOCK_NB);
		if (fd >= 0)
			viv_remove_tree(path, NULL);
	}
	if (d)
		closedir(d);
}

static int make_folder(const char *dir, char **ret, struct viv_error *err)
{
	remove_stale(dir);
	for (;;) {
		VIV_FREE char *path = viv_asprintf("%s/" STALE_PREFIX "XXXXXX", dir);
		struct stat st;
		int fd, r;

		if (!mkdtemp(path) || chmod(path, 0755) < 0)
			return viv_error_set(err, errno, "cannot make a folder in %s", dir);
		fd = lock_dir(path, LOCK_EX);
		/* Between the two lines above another process may have taken it for a stale one. */
		if (fd < 0 ? errno == ENOENT : fstat(fd, &st) < 0 || st.st_nlink == 0) {
			viv_close(fd);
			continue;
		}
		if (fd < 0) {
			r = viv_error_set(err, errno, "cannot lock a folder in %s", dir);
			rmdir(path);
			return r;
		}
		*ret = viv_steal(path);
		return 0; /* fd stays open: it is the lock */
	}
}

static int make_read_only(const char *path)
{
	struct set_attr attr = {.set = ATTR_RDONLY};

	if (syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	return mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
}

static int make_target(int host_fd, const char *target, struct viv_error *err)
{
	VIV_FREE char *parent = viv_path_dir(target);
	struct stat st;
	int r = viv_mkdir_p(parent, 0755, err);

	if (r < 0)
		return r;
	if (fstat(host_fd, &st) < 0)
		return viv_error_set(err, errno, "%s", target);
	if (S_ISDIR(st.st_mode))
		return viv_mkdir_p(target, 0755, err);
	VIV_FD fd = viv_open(target, O_CREAT | O_WRONLY, 0644, err);
	return fd < 0 ? fd : 0;
}

static int bind_one(const struct viv_sandbox_bind *b, int host_fd, const char *scratch,
		    struct viv_error *err)
{
	VIV_FREE char *source = viv_asprintf("/proc/self/fd/%d", host_fd);
	VIV_FREE char *target = viv_path_join(scratch, b->name);
	int r = make_target(host_fd, target, err);

	if (r < 0)
		return r;
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    (!b->writable && make_read_only(target) < 0))
		return viv_error_set(err, errno, "cannot show %s in the sandbox", b->host);
	return 0;
}

static const char *disk_dir(const struct viv_sandbox_spec *spec)
{
	return spec->scratch_dir ? spec->scratch_dir : "/var/tmp";
}

static int make_base(const struct viv_sandbox_spec *spec, char **ret, struct viv_error *err)
{
	const char *dir = disk_dir(spec);

	if (!spec->scratch_on_disk)
		return mount_memory(spec, ret, err);
	/* A mount of its own, that stays writable; see protect_host. */
	if (mount(dir, dir, NULL, MS_BIND, NULL) < 0)
		return viv_error_set(err, errno, "cannot use the folder %s", dir);
	return make_folder(dir, ret, err);
}

static int set_writable(const char *path)
{
	struct set_attr attr = {.clear = ATTR_RDONLY};

	return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr, sizeof(attr));
}

/*
 * This system's files become read-only, all but what is to be written. Foreign programs don't see them,
 * but fn works on trees that those made, with links in them that may lead out. Before Linux 5.12 there
 * is no such thing.
 */
static int protect_host(const struct viv_sandbox_spec *spec, const char *scratch,
			struct viv_error *err)
{
	struct set_attr attr = {.set = ATTR_RDONLY};
	int r;

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return 0;
	r = set_writable(spec->scratch_on_disk ? disk_dir(spec) : scratch);
	for (size_t i = 0; i < spec->n_binds && r == 0; i++) {
		VIV_FREE char *target = viv_path_join(scratch, spec->binds[i].name);

		if (spec->binds[i].writable)
			r = set_writable(target);
	}
	return r < 0 ? viv_error_set(err, errno, "cannot write in the sandbox") : 0;
}

static int bind_all(const struct viv_sandbox_spec *spec, const char *scratch, const int *fds,
		    struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; i < spec->n_binds && r == 0; i++)
		r = bind_one(&spec->binds[i], fds[i], scratch, err);
	return r;
}

int viv_sandbox_make_scratch(const struct viv_sandbox_spec *spec, char **ret, struct viv_error *err)
{
	VIV_FREE int *fds = viv_new_array(int, spec->n_binds);
	VIV_FREE char *scratch = NULL;
	int r = 0;

	/* Opened before anything is mounted over them. */
	for (size_t i = 0; i < spec->n_binds; i++)
		fds[i] = open(spec->binds[i].host, O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < spec->n_binds && r == 0; i++)
		if (!viv_path_is_safe(spec->binds[i].name))
			r = viv_error_say(err, EINVAL, "%s: not a safe name", spec->binds[i].name);
		else if (fds[i] < 0)
			r = viv_error_set(err, ENOENT, "%s", spec->binds[i].host);
	if (r == 0)
		r = make_base(spec, &scratch, err);
	if (r == 0)
		r = bind_all(spec, scratch, fds, err);
	if (r == 0)
		r = protect_host(spec, scratch, err);
	for (size_t i = 0; i < spec->n_binds; i++)
		viv_close(fds[i]);
	if (r == 0)
		*ret = viv_steal(scratch);
	return r;
}

void viv_sandbox_drop_scratch(const struct viv_sandbox_spec *spec, const char *scratch)
{
	if (!spec->scratch_on_disk)
		return;
	for (size_t i = 0; i < spec->n_binds; i++) {
		VIV_FREE char *target = viv_path_join(scratch, spec->binds[i].name);

		/* What can't be unmounted must not be removed through its mount. */
		if (umount2(target, MNT_DETACH) < 0)
			return;
	}
	viv_remove_tree(scratch, NULL);
}
