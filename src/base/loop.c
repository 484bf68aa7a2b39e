/* SPDX-License-Identifier: MIT */
#include "base/loop.h"

#include "base/fd.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum kind { IO, TIMER, CHILD, SIGNAL };

struct viv_source {
	struct viv_loop *loop;
	struct viv_source *prev, *next; /* the loop's list */
	enum kind kind;
	int fd;         /* watched by epoll; -1: none */
	bool own_fd;    /* a pidfd or signalfd of ours */
	bool always;    /* epoll refuses it: always ready */
	bool dead;      /* removed; freed after this round */
	uint32_t events;
	int64_t at;     /* TIMER: when */
	pid_t pid;
	int signo;
	void *arg;
	union {
		viv_io_fn io;
		viv_timer_fn timer;
		viv_child_fn child;
		viv_signal_fn signal;
	} fn;
};

struct viv_loop {
	int epoll;
	bool quit;
	int result;
	struct viv_source *first;
	size_t n_always, n_dead;
};

int64_t viv_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int viv_loop_new(struct viv_loop **ret, struct viv_error *err)
{
	struct viv_loop *loop;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return viv_error_set(err, errno, "epoll");
	loop = viv_new(struct viv_loop);
	loop->epoll = fd;
	*ret = loop;
	return 0;
}

static struct viv_source *source_new(struct viv_loop *loop, enum kind kind, void *arg)
{
	struct viv_source *s = viv_new(struct viv_source);

	s->loop = loop;
	s->kind = kind;
	s->fd = -1;
	s->arg = arg;
	s->next = loop->first;
	if (s->next)
		s->next->prev = s;
	loop->first = s;
	return s;
}

void viv_source_remove(struct viv_source *s)
{
	if (!s || s->dead)
		return;
	s->dead = true;
	s->loop->n_dead++;
	if (s->always)
		s->loop->n_always--;
	else if (s->fd >= 0)
		epoll_ctl(s->loop->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	if (s->own_fd)
		s->fd = viv_close(s->fd);
	if (s->kind == SIGNAL) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, s->signo);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
}

static void sweep(struct viv_loop *loop)
{
	for (struct viv_source *s = loop->first, *next; s; s = next) {
		next = s->next;
		if (!s->dead)
			continue;
		if (s->prev)
			s->prev->next = s->next;
		else
			loop->first = s->next;
		if (s->next)
			s->next->prev = s->prev;
		free(s);
	}
	loop->n_dead = 0;
}

void viv_loop_free(struct viv_loop *loop)
{
	if (!loop)
		return;
	for (struct viv_source *s = loop->first; s; s = s->next)
		viv_source_remove(s);
	sweep(loop);
	viv_close(loop->epoll);
	free(loop);
}

static int watch(struct viv_source *s, uint32_t events, struct viv_error *err)
{
	struct epoll_event e = {.events = events, .data.ptr = s};
	int code;

	s->events = events;
	if (epoll_ctl(s->loop->epoll, EPOLL_CTL_ADD, s->fd, &e) == 0)
		return 0;
	if (errno == EPERM) { /* a regular file */
		s->always = true;
		s->loop->n_always++;
		return 0;
	}
	code = errno;
	viv_source_remove(s);
	return viv_error_set(err, code, "cannot watch a descriptor");
}

int viv_loop_add_io(struct viv_loop *loop, int fd, uint32_t events, viv_io_fn fn, void *arg,
		    struct viv_source **ret, struct viv_error *err)
{
	struct viv_source *s = source_new(loop, IO, arg);
	int r;

	s->fd = fd;
	s->fn.io = fn;
	r = watch(s, events, err);
	if (r == 0 && ret)
		*ret = s;
	return r;
}

int viv_loop_add_timer(struct viv_loop *loop, int64_t ms, viv_timer_fn fn, void *arg,
		       struct viv_source **ret, struct viv_error *err VIV_UNUSED)
{
	struct viv_source *s = source_new(loop, TIMER, arg);

	s->at = viv_now_ms() + ms;
	s->fn.timer = fn;
	if (ret)
		*ret = s;
	return 0;
}

int viv_loop_add_child(struct viv_loop *loop, pid_t pid, viv_child_fn fn, void *arg,
		       struct viv_source **ret, struct viv_error *err)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), r;
	struct viv_source *s;

	if (fd < 0)
		return viv_error_set(err, errno, "cannot watch process %d", (int)pid);
	s = source_new(loop, CHILD, arg);
	s->fd = fd;
	s->own_fd = true;
	s->pid = pid;
	s->fn.child = fn;
	r = watch(s, EPOLLIN, err);
	if (r == 0 && ret)
		*ret = s;
	return r;
}

int viv_loop_add_signal(struct viv_loop *loop, int signo, viv_signal_fn fn, void *arg,
			struct viv_source **ret, struct viv_error *err)
{
	struct viv_source *s;
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	sigaddset(&set, signo);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return viv_error_set(err, errno, "signalfd");
	sigprocmask(SIG_BLOCK, &set, NULL);
	s = source_new(loop, SIGNAL, arg);
	s->fd = fd;
	s->own_fd = true;
	s->signo = signo;
	s->fn.signal = fn;
	r = watch(s, EPOLLIN, err);
	if (r == 0 && ret)
		*ret = s;
	return r;
}

int viv_source_set_events(struct viv_source *s, uint32_t events, struct viv_error *err)
{
	struct epoll_event e = {.events = events, .data.ptr = s};

	if (s->events == events)
		return 0;
	s->events = events;
	if (s->always)
		return 0;
	if (epoll_ctl(s->loop->epoll, EPOLL_CTL_MOD, s->fd, &e) < 0)
		return viv_error_set(err, errno, "cannot watch a descriptor");
	return 0;
}

struct viv_loop *viv_source_loop(struct viv_source *s)
{
	return s->loop;
}

static int dispatch_child(struct viv_source *s)
{
	pid_t pid = s->pid;
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return 0;
	viv_source_remove(s);
	return s->fn.child(s, pid, status, s->arg);
}

static int dispatch_signal(struct viv_source *s)
{
	struct signalfd_siginfo info;
	int r = 0;

	while (r >= 0 && !s->dead && read(s->fd, &info, sizeof(info)) == sizeof(info))
		r = s->fn.signal(s, s->signo, s->arg);
	return r;
}

static int dispatch(struct viv_source *s, uint32_t events)
{
	if (s->dead)
		return 0;
	switch (s->kind) {
	case IO:
		return s->fn.io(s, s->fd, events, s->arg);
	case CHILD:
		return dispatch_child(s);
	case SIGNAL:
		return dispatch_signal(s);
	case TIMER:
		viv_source_remove(s);
		return s->fn.timer(s, s->arg);
	}
	return 0;
}

/* Milliseconds to the next deadline; -1: none. */
static int next_wait(struct viv_loop *loop)
{
	int64_t best = -1, now = viv_now_ms();

	for (struct viv_source *s = loop->first; s; s = s->next) {
		if (s->always && !s->dead && (s->events & (EPOLLIN | EPOLLOUT)))
			return 0;
		if (s->kind == TIMER && !s->dead && (best < 0 || s->at - now < best))
			best = VIV_MAX(s->at - now, 0);
	}
	return (int)VIV_MIN(best, 1 << 30);
}

/* Timers that are due and descriptors that are always ready. */
static int dispatch_rest(struct viv_loop *loop)
{
	int64_t now = viv_now_ms();
	int r = 0;

	for (struct viv_source *s = loop->first; s && r >= 0 && !loop->quit; s = s->next) {
		if (s->kind == TIMER && s->at <= now)
			r = dispatch(s, 0);
		else if (s->always)
			r = dispatch(s, s->events & (EPOLLIN | EPOLLOUT));
	}
	return r;
}

int viv_loop_run(struct viv_loop *loop, struct viv_error *err)
{
	struct epoll_event ready[32];
	int r = 0;

	loop->quit = false;
	while (!loop->quit && r >= 0) {
		int n;

		sweep(loop);
		if (!loop->first)
			return -ENODATA;
		n = epoll_wait(loop->epoll, ready, VIV_ARRAY_SIZE(ready), next_wait(loop));
		if (n < 0 && errno != EINTR)
			return viv_error_set(err, errno, "epoll");
		for (int i = 0; i < n && r >= 0 && !loop->quit; i++)
			r = dispatch(ready[i].data.ptr, ready[i].events);
		if (r >= 0 && !loop->quit)
			r = dispatch_rest(loop);
	}
	return r < 0 ? r : loop->result;
}

void viv_loop_quit(struct viv_loop *loop, int result)
{
	loop->quit = true;
	loop->result = result;
}
