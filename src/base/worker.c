/* SPDX-License-Identifier: MIT */
#include "base/worker.h"

#include "base/channel.h"
#include "base/fd.h"
#include "base/hold.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct viv_worker {
	pid_t pid;
	int fd; /* the channel's reading end */
};

/* What the child is to do. */
struct job {
	viv_worker_fn fn;
	void *arg;
};

static int work(struct viv_child_channel *c, struct viv_str *result, void *arg, struct viv_error *err)
{
	const struct job *job = arg;

	return job->fn(job->arg, &c->report, err);
}

int viv_worker_start(viv_worker_fn fn, void *arg, struct viv_worker **ret, struct viv_error *err)
{
	struct job job = {fn, arg};
	struct viv_worker w;
	int r = viv_channel_fork(work, &job, &w.pid, &w.fd, err);

	if (r < 0)
		return r;
	*ret = viv_new(struct viv_worker);
	**ret = w;
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
