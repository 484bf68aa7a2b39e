/* SPDX-License-Identifier: MIT */
#include "image/tree.h"

#include "base/fd.h"
#include "base/path.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS_MAX 16

struct work {
	const char *root;
	struct viv_tree *tree;
	size_t next;
	int result; /* the first failure; under no lock: any failure will do */
	struct viv_error error[THREADS_MAX];
};

struct worker {
	struct work *work;
	struct viv_error *error;
};

static int hash_one(const char *root, struct viv_tree_entry *e, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(root, e->path);
	VIV_FD fd = viv_open(path, O_RDONLY | O_NOFOLLOW, 0, err);

	return fd < 0 ? fd : viv_sha256_of_fd(fd, path, e->sha256, err);
}

static void *run(void *arg)
{
	struct worker *me = arg;
	struct work *w = me->work;
	static const size_t step = 16;

	while (__atomic_load_n(&w->result, __ATOMIC_RELAXED) == 0) {
		size_t at = __atomic_fetch_add(&w->next, step, __ATOMIC_RELAXED);

		if (at >= w->tree->n)
			break;
		for (size_t i = at; i < at + step && i < w->tree->n; i++) {
			struct viv_tree_entry *e = &w->tree->entries[i];
			int r = 0;

			if (e->type == 'f' && !e->sha256[0])
				r = hash_one(w->root, e, me->error);
			if (r < 0)
				__atomic_store_n(&w->result, r, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static void take_known(struct viv_tree *t, const struct viv_tree *known)
{
	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		const struct viv_tree_entry *k;

		if (e->type != 'f')
			continue;
		k = viv_tree_find(known, e->path);
		if (k && k->type == 'f' && k->inode == e->inode && k->ctime_ns == e->ctime_ns &&
		    k->size == e->size)
			memcpy(e->sha256, k->sha256, sizeof(e->sha256));
	}
}

void viv_tree_take_hashes(struct viv_tree *t, const struct viv_tree *from)
{
	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		const struct viv_tree_entry *k = viv_tree_find(from, e->path);

		if (k && k->inode == e->inode && k->size == e->size)
			memcpy(e->sha256, k->sha256, sizeof(e->sha256));
	}
}

void viv_tree_take_manifest_hashes(struct viv_tree *t, const struct viv_tree *manifest)
{
	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		const struct viv_tree_entry *k = viv_tree_find(manifest, e->path);

		if (k && (e->type == 'f' || e->type == 'h') && k->size == e->size)
			memcpy(e->sha256, k->sha256, sizeof(e->sha256));
	}
}

/* Further names of a file have its hash. */
static void share_hashes(struct viv_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		const struct viv_tree_entry *first;

		if (e->type != 'h')
			continue;
		first = viv_tree_find(t, e->target);
		if (first)
			memcpy(e->sha256, first->sha256, sizeof(e->sha256));
	}
}

int viv_tree_hash_files(const char *root, struct viv_tree *t, const struct viv_tree *known,
		  struct viv_error *err)
{
	struct work w = {.root = root, .tree = t};
	struct worker workers[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	long n = VIV_MIN(sysconf(_SC_NPROCESSORS_ONLN), THREADS_MAX);
	long started = 0;

	if (known)
		take_known(t, known);
	for (; started < n; started++) {
		workers[started] = (struct worker){&w, &w.error[started]};
		if (pthread_create(&threads[started], NULL, run, &workers[started]) != 0)
			break;
	}
	if (!started) {
		workers[0] = (struct worker){&w, &w.error[0]};
		run(&workers[0]);
	}
	for (long i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < THREADS_MAX; i++) {
		if (w.error[i].code)
			viv_error_move(err, &w.error[i]);
	}
	if (w.result == 0)
		share_hashes(t);
	return w.result;
}
