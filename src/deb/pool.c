/* SPDX-License-Identifier: MIT */
#include "deb/pool.h"

#include "base/fd.h"
#include "deb/import.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 32

/* What a worker leaves behind; in memory that all share. */
struct outcome {
	int state; /* 0: not done; 1: fine; negative errno */
	char sha256[VIV_SHA256_HEX];
	char message[512];
};

struct shared {
	size_t next; /* the first job that nobody took */
	struct outcome outcomes[];
};

struct viv_import_pool {
	const struct viv_import_job *jobs;
	size_t n, size;
	struct shared *shared;
	int done_fd; /* a byte for each job done; at its end when no worker is left */
	pid_t workers[WORKERS_MAX];
	size_t n_workers;
};

static void do_job(const struct viv_import_job *job, struct outcome *o)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int r;

	/* Once dpkg has what it needs to begin, it goes first. */
	if (!job->urgent)
		setpriority(PRIO_PROCESS, 0, 10);
	r = viv_deb_import(job->from, job->to, o->sha256, &err);
	if (r < 0)
		snprintf(o->message, sizeof(o->message), "%s", err.msg);
	__atomic_store_n(&o->state, r < 0 ? r : 1, __ATOMIC_RELEASE);
}

static _Noreturn void work(struct viv_import_pool *p, int done)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		size_t i = __atomic_fetch_add(&p->shared->next, 1, __ATOMIC_RELAXED);

		if (i >= p->n)
			_exit(0);
		do_job(&p->jobs[i], &p->shared->outcomes[i]);
		if (write(done, "x", 1) != 1)
			_exit(1);
	}
}

int viv_import_pool_start(const struct viv_import_job *jobs, size_t n, struct viv_import_pool **ret,
			  struct viv_error *err)
{
	VIV_CLEANUP(viv_import_pool_freep) struct viv_import_pool *p =
		viv_new(struct viv_import_pool);
	long wanted = VIV_MIN(sysconf(_SC_NPROCESSORS_ONLN), (long)WORKERS_MAX);
	int fds[2];
	int r;

	p->done_fd = -1;
	p->jobs = jobs;
	p->n = n;
	p->size = sizeof(struct shared) + n * sizeof(struct outcome);
	p->shared = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->shared == MAP_FAILED) {
		p->shared = NULL;
		return viv_error_set(err, errno, "cannot import packages");
	}
	r = viv_pipe(fds, err);
	if (r < 0)
		return r;
	p->done_fd = fds[0];
	for (long i = 0; i < VIV_MIN(wanted, (long)n); i++) {
		pid_t pid = fork();

		if (pid == 0)
			work(p, fds[1]);
		if (pid > 0)
			p->workers[p->n_workers++] = pid;
	}
	viv_close(fds[1]);
	*ret = viv_steal(p);
	return 0;
}

int viv_import_pool_wait(struct viv_import_pool *p, size_t job, struct viv_error *err)
{
	struct outcome *o = &p->shared->outcomes[job];
	char byte;

	for (;;) {
		int state = __atomic_load_n(&o->state, __ATOMIC_ACQUIRE);
		ssize_t n;

		if (state == 1)
			return 0;
		if (state < 0)
			return viv_error_say(err, -state, "%s", o->message);
		n = read(p->done_fd, &byte, 1);
		if (n == 0 && __atomic_load_n(&o->state, __ATOMIC_ACQUIRE) == 0)
			return viv_error_say(err, EIO, "importing %s ended unexpectedly",
					     p->jobs[job].from);
		if (n < 0 && errno != EINTR)
			return viv_error_set(err, errno, "importing %s", p->jobs[job].from);
	}
}

bool viv_import_pool_is_done(const struct viv_import_pool *p, size_t job)
{
	return __atomic_load_n(&p->shared->outcomes[job].state, __ATOMIC_ACQUIRE) == 1;
}

const char *viv_import_pool_sha256(const struct viv_import_pool *p, size_t job)
{
	return p->shared->outcomes[job].sha256;
}

void viv_import_pool_free(struct viv_import_pool *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_workers; i++) {
		kill(p->workers[i], SIGKILL);
		while (waitpid(p->workers[i], NULL, 0) < 0 && errno == EINTR)
			;
	}
	viv_close(p->done_fd);
	if (p->shared)
		munmap(p->shared, p->size);
	free(p);
}
