/* SPDX-License-Identifier: MIT */
#include "kernel/decompress.h"

#include "base/fd.h"
#include "kernel/unpack.h"

#include <fts.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_MODULE  (256u << 20)
#define MAX_THREADS 8

/* The files, handed out one by one; the first error stops everybody. */
struct job {
	struct viv_strv files;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock; /* of err */
	struct viv_error err;
};

static inline void close_fts(FTS **f)
{
	if (*f)
		fts_close(*f);
}

static int open_fts(const char *folder, FTS **ret, struct viv_error *err)
{
	VIV_FREE char *copy = viv_strdup(folder);
	char *paths[] = {copy, NULL};
	FTS *f = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	if (!f)
		return viv_error_set(err, errno, "cannot read %s", folder);
	*ret = f;
	return 0;
}

static int find_compressed(const char *folder, struct viv_strv *ret, struct viv_error *err)
{
	VIV_CLEANUP(close_fts) FTS *f = NULL;
	FTSENT *e;
	size_t len;
	int r = open_fts(folder, &f, err);

	if (r < 0)
		return r;
	while ((errno = 0, e = fts_read(f))) {
		if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS)
			return viv_error_set(err, e->fts_errno, "cannot read %s", e->fts_path);
		if (e->fts_info == FTS_F && viv_unpack_filter_for(e->fts_path, &len) && len > 3 &&
		    !memcmp(e->fts_path + len - 3, ".ko", 3))
			viv_strv_push(ret, e->fts_path);
	}
	return errno ? viv_error_set(err, errno, "cannot read %s", folder) : 0;
}

static int decompress(const char *path, struct viv_error *err)
{
	VIV_STR data = VIV_STR_INIT;
	VIV_FREE char *target = NULL;
	VIV_FD fd = -1;
	size_t len;
	const char *filter = viv_unpack_filter_for(path, &len);
	int r = viv_read_file(path, MAX_MODULE, &data, err);

	if (r < 0)
		return r;
	target = viv_strndup(path, len);
	fd = viv_open(target, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	if (fd < 0)
		return fd;
	r = viv_unpack_memory(data.data, data.len, filter, fd, MAX_MODULE, path, NULL, err);
	if (r == 0 && unlink(path) < 0)
		r = viv_error_set(err, errno, "cannot remove %s", path);
	return r;
}

static void *work(void *arg)
{
	struct job *job = arg;

	while (!atomic_load(&job->failed)) {
		VIV_ERROR err = VIV_ERROR_INIT;
		size_t i = atomic_fetch_add(&job->next, 1);

		if (i >= job->files.count)
			break;
		if (decompress(job->files.items[i], &err) == 0)
			continue;
		atomic_store(&job->failed, true);
		pthread_mutex_lock(&job->lock);
		viv_error_move(&job->err, &err);
		pthread_mutex_unlock(&job->lock);
	}
	return NULL;
}

/* This thread works, too: then it does not matter whether any other can be had. */
static void run_threads(struct job *job)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = VIV_MIN((size_t)VIV_MAX(cpus, 1), (size_t)MAX_THREADS) - 1, n = 0;
	pthread_t threads[MAX_THREADS];

	while (n < want && pthread_create(&threads[n], NULL, work, job) == 0)
		n++;
	work(job);
	while (n)
		pthread_join(threads[--n], NULL);
}

int viv_decompress_modules(const char *folder, struct viv_report *report, struct viv_error *err)
{
	struct job job = {.lock = PTHREAD_MUTEX_INITIALIZER};
	int r = find_compressed(folder, &job.files, err);

	if (r == 0) {
		viv_say(report, VIV_DEBUG, "decompressing %zu kernel modules", job.files.count);
		run_threads(&job);
		r = viv_error_move(err, &job.err);
	}
	viv_error_clear(&job.err);
	viv_strv_free(&job.files);
	return r;
}

int viv_set_times(const char *folder, time_t when, struct viv_error *err)
{
	VIV_CLEANUP(close_fts) FTS *f = NULL;
	const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
	FTSENT *e;
	int r = open_fts(folder, &f, err);

	if (r < 0)
		return r;
	while ((errno = 0, e = fts_read(f)))
		if (e->fts_info != FTS_D &&
		    utimensat(AT_FDCWD, e->fts_path, times, AT_SYMLINK_NOFOLLOW) < 0)
			return viv_error_set(err, errno, "cannot set the time of %s", e->fts_path);
	return errno ? viv_error_set(err, errno, "cannot read %s", folder) : 0;
}
