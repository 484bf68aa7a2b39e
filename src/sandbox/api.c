/* SPDX-License-Identifier: MIT */
#include "sandbox/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const devices[] = {"null", "zero", "full", "random", "urandom"};

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

/* The host's device, bound. */
static int make_device(const char *dev, const char *name, struct viv_error *err)
{
	VIV_FREE char *target = viv_path_join(dev, name);
	VIV_FREE char *host = viv_path_join("/dev", name);
	VIV_FD fd = open(target, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd < 0 || mount(host, target, NULL, MS_BIND, NULL) < 0)
		return viv_error_set(err, errno, "cannot make /dev/%s in the sandbox", name);
	return 0;
}

static int fill_dev(const char *dev, struct viv_error *err)
{
	VIV_FREE char *shm = viv_path_join(dev, "shm"), *pts = viv_path_join(dev, "pts");
	VIV_FREE char *tty = viv_path_join(dev, "tty");
	VIV_FD tty_fd = -1;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(devices); i++) {
		int r = make_device(dev, devices[i], err);

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
	if (mount("viv", tmp, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		return viv_error_set(err, errno, "cannot mount %s", tmp);
	mount("viv", sys, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0555,size=4k");
	if (mount("viv", dev, "tmpfs", MS_NOSUID, "mode=0755,size=64m") < 0)
		return viv_error_set(err, errno, "cannot mount %s", dev);
	/* A fresh one is refused where the host's is partly hidden; then that one must do. */
	if (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL);
	/* Root's ids are the host's: core_pattern and sysrq-trigger would be its own to write. */
	mount(NULL, proc, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
	      NULL);
	return fill_dev(dev, err);
}

int viv_sandbox_unmount_api(const char *root, struct viv_error *err)
{
	viv_sandbox_kill(root);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
		VIV_FREE char *path = viv_path_join(root, folders[i]);

		if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL)
			return viv_error_set(err, errno, "cannot unmount %s", path);
	}
	return 0;
}

/*
 * A process's number in our pid namespace: /proc may be that of one around it, which calls it otherwise.
 * "NSpid:" has its numbers in all of them, outermost first. At *level: which is ours. 0: none.
 */
static pid_t number_here(const char *pid, size_t *level)
{
	VIV_FREE char *path = viv_asprintf("/proc/%s/status", pid);
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line, word;
	uint64_t number = 0;
	size_t n = 0;

	if (viv_read_file(path, 65536, &text, NULL) < 0)
		return 0;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		if (!viv_slice_word(&line, &word) || !viv_slice_eq(word, "NSpid:"))
			continue;
		while (n < *level && viv_slice_word(&line, &word))
			n += viv_slice_u64(word, INT32_MAX, &number);
	}
	if (*level != SIZE_MAX && n < *level)
		return 0;
	*level = n;
	return (pid_t)number;
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
	size_t level = SIZE_MAX; /* all of our own numbers: the last is ours */
	struct stat st;
	bool found = number_here("self", &level) > 0 && stat(root, &st) == 0;

	/* Again until none is left: the killed may just have forked. */
	for (int round = 0; found && round < 100; round++) {
		DIR *d = opendir("/proc");

		found = false;
		for (struct dirent *e; d && (e = readdir(d));) {
			uint64_t shown;
			pid_t pid;

			if (!viv_slice_u64(viv_slice(e->d_name), INT32_MAX, &shown) ||
			    !runs_in(e->d_name, &st))
				continue;
			pid = number_here(e->d_name, &level);
			if (pid > 1 && pid != getpid())
				found = kill(pid, SIGKILL) == 0 || found;
		}
		if (d)
			closedir(d);
	}
}
