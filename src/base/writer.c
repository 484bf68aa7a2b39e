/* SPDX-License-Identifier: MIT */
#include "base/writer.h"

#include "base/str.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

struct viv_writer {
	int fd;
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t changed;
	struct viv_str waiting;
	size_t writing; /* bytes that the thread is at */
	int error;	/* of the first write that failed */
	bool left;	/* nobody has it any more but the thread */
};

static void destroy(struct viv_writer *w)
{
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	viv_str_free(&w->waiting);
	free(w);
}

/* Whoever else has the descriptor may have made it one that does not block. */
static int write_all(int fd, struct viv_slice rest)
{
	while (rest.len) {
		ssize_t n = write(fd, rest.data, rest.len);
		struct pollfd room = {.fd = fd, .events = POLLOUT};

		if (n < 0 && errno == EAGAIN)
			poll(&room, 1, -1);
		else if (n < 0 && errno != EINTR)
			return -errno;
		rest.data += VIV_MAX(n, 0);
		rest.len -= (size_t)VIV_MAX(n, 0);
	}
	return 0;
}

/* Takes all that waits and writes it. Called, and left, with the lock. */
static void write_some(struct viv_writer *w)
{
	VIV_STR taken = w->waiting;
	int r;

	w->waiting = VIV_STR_INIT;
	w->writing = taken.len;
	pthread_mutex_unlock(&w->lock);
	r = write_all(w->fd, (struct viv_slice){taken.data, taken.len});
	pthread_mutex_lock(&w->lock);
	w->writing = 0;
	if (r < 0 && !w->error)
		w->error = r;
	pthread_cond_broadcast(&w->changed);
}

static void *work(void *arg)
{
	struct viv_writer *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->left) {
		if (w->waiting.len && !w->error)
			write_some(w);
		else
			pthread_cond_wait(&w->changed, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	destroy(w);
	return NULL;
}

/* Signals are for who runs a loop. */
static int start(struct viv_writer *w)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attributes, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return r;
}

int viv_writer_new(int fd, struct viv_writer **ret, struct viv_error *err)
{
	struct viv_writer *w = viv_new(struct viv_writer);
	pthread_condattr_t attributes;
	int r;

	w->fd = fd;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = start(w);
	if (r != 0) {
		destroy(w);
		return viv_error_set(err, r, "cannot start a thread for output");
	}
	*ret = w;
	return 0;
}

void viv_writer_free(struct viv_writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->left = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

bool viv_writer_add(struct viv_writer *w, const void *data, size_t len, size_t room)
{
	bool taken;

	pthread_mutex_lock(&w->lock);
	taken = w->error || !room || w->waiting.len + w->writing + len <= room;
	if (taken && !w->error)
		viv_str_add_bytes(&w->waiting, data, len);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return taken;
}

static struct timespec after(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	return t;
}

int viv_writer_flush(struct viv_writer *w, int timeout_ms)
{
	struct timespec end = after(VIV_MAX(timeout_ms, 0));
	int r = 0;

	pthread_mutex_lock(&w->lock);
	while (r == 0 && !w->error && (w->waiting.len || w->writing))
		r = timeout_ms < 0 ? pthread_cond_wait(&w->changed, &w->lock)
				   : pthread_cond_timedwait(&w->changed, &w->lock, &end);
	r = w->error ? w->error : -r;
	pthread_mutex_unlock(&w->lock);
	return r;
}
