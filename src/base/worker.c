/* SPDX-License-Identifier: MIT */
#include "base/worker.h"

#include "base/channel.h"
#include "base/fd.h"
#include "base/hold.h"
#include "base/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct viv_worker {
	pid_t pid;
	int fd; /* the channel's reading end */
};

static _Noreturn void child(viv_worker_fn fn, void *arg, int fd, pid_t parent)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_channel channel;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM); /* which it may hold back for a moment */
	if (getppid() != parent)
		_exit(1);
	viv_channel_init(&channel, fd);
	r = fn(arg, &channel.report, &err);
	viv_channel_finish(&channel, r, NULL, &err);
	_exit(0);
}

int viv_worker_start(viv_worker_fn fn, void *arg, struct viv_worker **ret, struct viv_error *err)
{
	struct viv_worker *w;
	pid_t pid, parent = getpid();
	int fds[2];

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
	w = viv_new(struct viv_worker);
	*w = (struct viv_worker){pid, fds[0]};
	*ret = w;
	return 0;
}

static void reap(struct viv_worker *w)
{
	while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	viv_close(w->fd);
	free(w);
}

int viv_worker_wait(struct viv_worker *w, struct viv_report *report, struct viv_error *err)
{
	struct viv_hold hold;
	bool finished;
	int r;

	viv_hold_begin(&hold);
	r = viv_channel_receive(w->fd, hold.fd, report, NULL, &finished, err);
	if (!finished && r == -EINTR)
		kill(w->pid, SIGTERM);
	reap(w);
	viv_hold_end(&hold, r == -EINTR);
	if (r == -EINTR)
		return r;
	if (!finished)
		return viv_error_say(err, EIO, "a process of ours ended unexpectedly");
	return r;
}

void viv_worker_kill(struct viv_worker *w)
{
	if (!w)
		return;
	kill(w->pid, SIGTERM);
	reap(w);
}
