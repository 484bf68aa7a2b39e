/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

/* Long enough that most waits pass unmentioned. */
#define SAY_AFTER_MS 500

static int set_lock(int fd, int cmd, short type, off_t at)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	while (fcntl(fd, cmd, &l) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int lock_error(const struct viv_store *s, int code, struct viv_error *err)
{
	int r = viv_error_set(err, code, "cannot lock the store %s", s->root);

	viv_error_hint(err, "Set VIV_STORE to a folder on a local disk.");
	return r;
}

int viv_store_guard(const struct viv_store *s, bool exclusive, struct viv_error *err)
{
	int r = set_lock(s->lock_fd, F_OFD_SETLKW, exclusive ? F_WRLCK : F_RDLCK,
			 VIV_STORE_LOCK_GUARD);

	return r < 0 ? lock_error(s, r, err) : 0;
}

void viv_store_unguard(const struct viv_store *s)
{
	set_lock(s->lock_fd, F_OFD_SETLK, F_UNLCK, VIV_STORE_LOCK_GUARD);
}

int viv_store_try_lock(const struct viv_store *s, off_t at)
{
	int r = set_lock(s->lock_fd, F_OFD_SETLK, F_WRLCK, at);

	return r == -EACCES ? -EAGAIN : r;
}

void viv_store_unlock(const struct viv_store *s, off_t at)
{
	set_lock(s->lock_fd, F_OFD_SETLK, F_UNLCK, at);
}

off_t viv_store_object_lock(const char *id)
{
	uint64_t n = 0;

	for (int i = 0; i < 15; i++)
		n = n << 4 | (uint64_t)(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
	return VIV_STORE_LOCK_OBJECTS + (off_t)n;
}

struct waiter {
	int fd;
	off_t at;
	int result;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *w = arg;

	w->result = set_lock(w->fd, F_OFD_SETLKW, F_WRLCK, w->at);
	return NULL;
}

/* Signals stay with the caller's thread. */
static int start_waiter(pthread_t *ret, struct waiter *w)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(ret, NULL, wait_in_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int viv_store_wait_lock(const struct viv_store *s, off_t at, const char *what,
			struct viv_report *report, struct viv_error *err)
{
	struct waiter w = {s->lock_fd, at, 0};
	struct timespec limit;
	pthread_t thread;
	int r = viv_store_try_lock(s, at);

	if (r == 0)
		return 0;
	if (r != -EAGAIN)
		return lock_error(s, r, err);
	r = start_waiter(&thread, &w);
	if (r < 0)
		return viv_error_set(err, r, "cannot wait for %s", what);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_nsec += SAY_AFTER_MS * 1000000L;
	limit.tv_sec += limit.tv_nsec / 1000000000;
	limit.tv_nsec %= 1000000000;
	if (pthread_timedjoin_np(thread, NULL, &limit) != 0) {
		viv_say(report, VIV_INFO, "waiting for another process: %s", what);
		pthread_join(thread, NULL);
	}
	return w.result < 0 ? lock_error(s, w.result, err) : 0;
}
