/* SPDX-License-Identifier: MIT */
#include "base/detach.h"

#include "base/fd.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ours are all O_CLOEXEC; the others are our caller's, who may wait for their end. */
static void close_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	uint64_t fd;

	while (dir && (e = readdir(dir))) {
		int flags;

		if (!viv_slice_u64(viv_slice(e->d_name), 1u << 30, &fd) || fd < 3)
			continue;
		flags = fcntl((int)fd, F_GETFD);
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			close((int)fd);
	}
	if (dir)
		closedir(dir);
}

static void replace_stdio(const char *log)
{
	VIV_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
	VIV_FD out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	fflush(NULL);
	dup2(null, STDIN_FILENO);
	dup2(out >= 0 ? out : null, STDOUT_FILENO);
	dup2(out >= 0 ? out : null, STDERR_FILENO);
}

void viv_detach_stay(const char *log)
{
	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	replace_stdio(log);
	close_inherited();
}

void viv_detach_leave(struct viv_child_channel *c, const struct viv_str *result, const char *log)
{
	VIV_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);

	viv_detach_stay(log);
	viv_channel_finish(c, 0, result, NULL);
	dup3(null, c->fd, O_CLOEXEC); /* closed, and deaf from here on */
}

int viv_detach(viv_channel_fn fn, void *arg, struct viv_report *report, struct viv_str *result,
	       struct viv_error *err)
{
	bool finished;
	pid_t pid;
	int fd, r = viv_channel_fork(fn, arg, &pid, &fd, err);

	if (r < 0)
		return r;
	r = viv_channel_receive(fd, -1, report, result, &finished, err);
	viv_close(fd);
	if (finished)
		return r;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return viv_error_say(err, EIO, "a process of ours ended unexpectedly");
}
