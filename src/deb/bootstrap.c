/* SPDX-License-Identifier: MIT */
#include "deb/bootstrap.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"
#include "deb/import.h"

#include <sys/prctl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 8

static const char *const folders[] = {
	"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d",
	"etc/dpkg/dpkg.cfg.d", "usr/bin", "usr/sbin", "usr/lib", "var/cache/apt/archives/partial",
	"var/lib/apt/lists/partial", "var/lib/dpkg/alternatives", "var/lib/dpkg/info",
	"var/lib/dpkg/triggers", "var/lib/dpkg/updates", "var/log/apt",
};

static int write_text(const char *root, const char *name, const char *text, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(root, name);
	VIV_FD fd = viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);

	return fd < 0 ? fd : viv_write_all(fd, text, strlen(text), path, err);
}

/* The architectures whose loader is named in /lib64; the others' is in /lib. */
static bool has_lib64(const char *architecture)
{
	return viv_streq(architecture, "amd64") || viv_streq(architecture, "ppc64el") ||
	       viv_streq(architecture, "loong64");
}

static int merge_usr(const char *root, const char *architecture, struct viv_error *err)
{
	static const char *const names[] = {"bin", "sbin", "lib", "lib64"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		VIV_FREE char *at = viv_path_join(root, names[i]);
		VIV_FREE char *to = viv_asprintf("usr/%s", names[i]);
		VIV_FREE char *target = viv_path_join(root, to);

		if (viv_streq(names[i], "lib64") && !has_lib64(architecture))
			continue;
		if (viv_mkdir_p(target, 0755, err) < 0)
			return -EIO;
		if (symlink(to, at) < 0)
			return viv_error_set(err, errno, "cannot make %s", at);
	}
	return 0;
}

int viv_bootstrap_skeleton(const char *root, const char *architecture, struct viv_error *err)
{
	VIV_FREE char *arch = viv_asprintf("%s\n", architecture);
	int r = viv_mkdir_p(root, 0755, err);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders) && r == 0; i++) {
		VIV_FREE char *path = viv_path_join(root, folders[i]);

		r = viv_mkdir_p(path, 0755, err);
	}
	if (r == 0)
		r = merge_usr(root, architecture, err);
	if (r == 0)
		r = write_text(root, "var/lib/dpkg/status", "", err);
	if (r == 0)
		r = write_text(root, "var/lib/dpkg/arch", arch, err);
	return r;
}

static _Noreturn void extract_share(const char *root, const struct viv_strv *debs, const int *fds,
				    size_t first, size_t step, int report)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int r = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(0);
	if (chroot(root) < 0 || chdir("/") < 0)
		r = viv_error_set(&err, errno, "%s", root);
	for (size_t i = first; i < debs->count && r == 0; i += step)
		r = viv_deb_extract(fds[i], debs->items[i], &err);
	if (r < 0)
		viv_write_all(report, err.msg, strlen(err.msg), "error", NULL);
	_exit(r < 0 ? -r : 0);
}

static int wait_for(pid_t pid, int *code)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (status && !*code)
		*code = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return 0;
}

int viv_bootstrap_extract(const char *root, const struct viv_strv *debs, struct viv_error *err)
{
	long workers = VIV_MIN(sysconf(_SC_NPROCESSORS_ONLN), (long)WORKERS_MAX);
	VIV_FREE int *fds = viv_new_array(int, debs->count);
	VIV_STR said = VIV_STR_INIT;
	pid_t pids[WORKERS_MAX];
	int report[2], code = 0;
	int r = viv_dl_libarchive(err); /* the workers could not: they are chrooted */

	if (r == 0)
		r = viv_pipe(report, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < debs->count; i++)
		fds[i] = open(debs->items[i], O_RDONLY | O_CLOEXEC);
	for (long i = 0; i < workers; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			extract_share(root, debs, fds, (size_t)i, (size_t)workers, report[1]);
	}
	viv_close(report[1]);
	viv_read_to_end(report[0], 65536, &said, "error", NULL);
	viv_close(report[0]);
	for (long i = 0; i < workers; i++)
		if (pids[i] < 0 || wait_for(pids[i], &code) < 0)
			code = EIO;
	for (size_t i = 0; i < debs->count; i++)
		viv_close(fds[i]);
	return code ? viv_error_say(err, code, "%s", said.data ? said.data : "unpacking failed") : 0;
}
