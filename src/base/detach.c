/* SPDX-License-Identifier: MIT */
#include "base/detach.h"

#include "base/channel.h"
#include "base/fd.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct viv_detach {
	struct viv_channel channel;
	bool left;
};

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

void viv_detach_leave(struct viv_detach *d, const struct viv_str *result, const char *log)
{
	VIV_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	replace_stdio(log);
	close_inherited();
	viv_channel_finish(&d->channel, 0, result, NULL);
	dup3(null, d->channel.fd, O_CLOEXEC); /* closed, and deaf from here on */
	d->left = true;
}

static _Noreturn void child(viv_detach_fn fn, void *arg, int fd, pid_t parent)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;
	struct viv_detach d = {0};
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	viv_channel_init(&d.channel, fd);
	r = fn(&d, &d.channel.report, &result, arg, &err);
	if (!d.left)
		viv_channel_finish(&d.channel, r, &result, &err);
	fflush(NULL);
	_exit(0);
}

int viv_detach(viv_detach_fn fn, void *arg, struct viv_report *report, struct viv_str *result,
	       struct viv_error *err)
{
	pid_t pid, parent = getpid();
	bool finished;
	int fds[2], r;

	if (viv_pipe(fds, err) < 0)
		return -EMFILE;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(fn, arg, fds[1], parent);
	}
	viv_close(fds[1]);
	if (pid < 0) {
		viv_close(fds[0]);
		return viv_error_set(err, errno, "cannot start a process");
	}
	r = viv_channel_receive(fds[0], -1, report, result, &finished, err);
	viv_close(fds[0]);
	if (finished)
		return r;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return viv_error_say(err, EIO, "a process of ours ended unexpectedly");
}
