/* SPDX-License-Identifier: MIT */
#include "sandbox/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned minor;
} devices[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

static const struct {
	const char *name, *to;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
};

/* Lowest last: they are unmounted in this order. */
static const char *const folders[] = {"tmp", "sys", "dev", "proc"};

/* The host's device, bound; where one may not mount, a node of our own. */
static int make_device(const char *dev, const char *name, unsigned minor, struct viv_error *err)
{
	VIV_FREE char *target = viv_path_join(dev, name);
	VIV_FREE char *host = viv_path_join("/dev", name);
	VIV_FD fd = open(target, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd >= 0 && mount(host, target, NULL, MS_BIND, NULL) == 0)
		return 0;
	unlink(target);
	if (mknod(target, S_IFCHR | 0666, makedev(1, minor)) < 0 || chmod(target, 0666) < 0)
		return viv_error_set(err, errno, "cannot make /dev/%s in the sandbox", name);
	return 0;
}

static int fill_dev(const char *dev, struct viv_error *err)
{
	VIV_FREE char *shm = viv_path_join(dev, "shm"), *pts = viv_path_join(dev, "pts");
	VIV_FREE char *tty = viv_path_join(dev, "tty");
	VIV_FD tty_fd = -1;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(devices); i++) {
		int r = make_device(dev, devices[i].name, devices[i].minor, err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(links); i++) {
		VIV_FREE char *at = viv_path_join(dev, links[i].name);

		if (symlink(links[i].to, at) < 0 && errno != EEXIST)
			return viv_error_set(err, errno, "cannot make /dev/%s in the sandbox",
					     links[i].name);
	}
	/* Nice to have: a script that needs them is rare. */
	tty_fd = open(tty, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
	mount("/dev/tty", tty, NULL, MS_BIND, NULL);
	if (mkdir(shm, 0777) == 0)
		chmod(shm, 01777);
	if (mkdir(pts, 0755) == 0)
		mount("devpts", pts, "devpts", MS_NOSUID | MS_NOEXEC,
		      "newinstance,ptmxmode=0666,mode=0620");
	return 0;
}

int viv_sandbox_mount_api(const char *root, struct viv_error *err)
{
	VIV_FREE char *tmp = viv_path_join(root, "tmp"), *sys = viv_path_join(root, "sys");
	VIV_FREE char *dev = viv_path_join(root, "dev"), *proc = viv_path_join(root, "proc");
	struct stat st;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
		VIV_FREE char *path = viv_path_join(root, folders[i]);

		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return viv_error_set(err, errno, "cannot make %s", path);
		if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
			return viv_error_say(err, ENOTDIR, "%s is not a folder", path);
	}
	chmod(tmp, 01777);
	/* Root without the right to mount works in the folders themselves. */
	if (mount("viv", tmp, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0 && errno != EPERM)
		return viv_error_set(err, errno, "cannot mount %s", tmp);
	mount("viv", sys, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0555,size=4k");
	if (mount("viv", dev, "tmpfs", MS_NOSUID, "mode=0755,size=64m") < 0 && errno != EPERM)
		return viv_error_set(err, errno, "cannot mount %s", dev);
	/* A fresh one is refused where the host's is partly hidden; then that one must do. */
	if (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL);
	/* Root's ids are the host's: core_pattern and sysrq-trigger would be its own to write. */
	mount(NULL, proc, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
	      NULL);
	return fill_dev(dev, err);
}

/* Where dev could not be mounted our nodes and links are taken away again. */
static void empty_dev(const char *dev)
{
	static const char *const others[] = {"tty", "shm", "pts"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(devices); i++) {
		VIV_FREE char *path = viv_path_join(dev, devices[i].name);

		unlink(path);
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(links); i++) {
		VIV_FREE char *path = viv_path_join(dev, links[i].name);

		unlink(path);
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(others); i++) {
		VIV_FREE char *path = viv_path_join(dev, others[i]);

		viv_remove_tree(path, NULL);
	}
}

int viv_sandbox_unmount_api(const char *root, struct viv_error *err)
{
	viv_sandbox_kill(root);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
		VIV_FREE char *path = viv_path_join(root, folders[i]);

		if (umount2(path, MNT_DETACH) == 0)
			continue;
		if (errno != EPERM && errno != EINVAL)
			return viv_error_set(err, errno, "cannot unmount %s", path);
		if (viv_streq(folders[i], "dev"))
			empty_dev(path);
	}
	return 0;
}

/* By what its root is, not what it is called: it may have a mount namespace of its own. */
static bool runs_in(const char *pid, const struct stat *root)
{
	VIV_FREE char *path = viv_asprintf("/proc/%s/root", pid);
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == root->st_dev && st.st_ino == root->st_ino;
}

void viv_sandbox_kill(const char *root)
{
	struct stat st;
	bool found = stat(root, &st) == 0;

	/* Again until none is left: the killed may just have forked. */
	for (int round = 0; found && round < 100; round++) {
		DIR *d = opendir("/proc");

		found = false;
		for (struct dirent *e; d && (e = readdir(d));) {
			uint64_t pid;

			if (!viv_slice_u64(viv_slice(e->d_name), INT32_MAX, &pid) || pid <= 1 ||
			    (pid_t)pid == getpid() || !runs_in(e->d_name, &st))
				continue;
			found = kill((pid_t)pid, SIGKILL) == 0 || found;
		}
		if (d)
			closedir(d);
	}
}
