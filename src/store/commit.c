/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The order that makes a crash harmless: content and info files are written below tmp/ and synced;
 * objects are renamed; that is synced; only then do the info files appear. At every moment an
 * object without its info file is nothing, and one with it is whole.
 */

#define HASH_THREADS 2

struct job {
	struct viv_store_commit *item;
	struct viv_tree_facts facts;
	char sha256[VIV_SHA256_HEX];
	int result; /* of hashing */
	struct viv_error error;
	bool renamed, visible;
};

struct group {
	struct viv_store *store;
	struct job *jobs;
	size_t n, next; /* next: the first job that no thread has taken */
};

static int check_recipe(const struct viv_store_commit *item, struct viv_error *err)
{
	if (!viv_store_recipe_fits(item->build->id, item->recipe))
		return viv_error_say(err, EINVAL, "%s: the recipe is not the one of this id",
				     item->build->id);
	if (item->sha256 && !viv_sha256_is_hex(item->sha256))
		return viv_error_say(err, EINVAL, "%s: not a SHA-256: %s", item->build->id,
				     item->sha256);
	return 0;
}

static int prepare(struct job *job, struct viv_store_commit *item, struct viv_error *err)
{
	int r = check_recipe(item, err);

	job->item = item;
	if (r == 0)
		r = viv_tree_seal(item->build->path, &job->facts, err);
	if (r < 0)
		viv_error_context(err, "storing %s", item->build->id);
	else if (item->sha256)
		memcpy(job->sha256, item->sha256, sizeof(job->sha256));
	return r;
}

/* The content hashes, in threads: they read what the disk is just writing. */

static void *hash_in_thread(void *arg)
{
	struct group *g = arg;

	for (;;) {
		size_t i = __atomic_fetch_add(&g->next, 1, __ATOMIC_RELAXED);
		struct job *job;

		if (i >= g->n)
			return NULL;
		job = &g->jobs[i];
		if (!job->sha256[0])
			job->result =
				viv_tree_hash(job->item->build->path, job->sha256, &job->error);
	}
}

static int finish_hashes(struct group *g, const pthread_t *threads, int n_threads,
			 struct viv_error *err)
{
	int r = 0;

	if (!n_threads)
		hash_in_thread(g);
	for (int i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < g->n; i++) {
		struct job *job = &g->jobs[i];

		if (job->result < 0 && r == 0)
			r = viv_error_move(err, &job->error);
		viv_error_clear(&job->error);
	}
	return r;
}

/* One file: its own sync. More: everything on the file system, which costs a single flush. */
static int sync_content(struct group *g, struct viv_error *err)
{
	bool single = g->n == 1 && !viv_streq(g->jobs[0].facts.kind, "folder");
	VIV_FD fd = -1;

	if (single) {
		const char *path = g->jobs[0].item->build->path;

		fd = viv_open(path, O_RDONLY, 0, err);
		if (fd < 0)
			return fd;
		return fsync(fd) < 0 ? viv_error_set(err, errno, "writing %s", path) : 0;
	}
	if (syncfs(g->store->root_fd) < 0)
		return viv_error_set(err, errno, "writing to the store %s", g->store->root);
	return 0;
}

static int hash_and_sync(struct group *g, struct viv_error *err)
{
	pthread_t threads[HASH_THREADS];
	int n = 0, r, h;

	while (n < HASH_THREADS && (size_t)n < g->n &&
	       pthread_create(&threads[n], NULL, hash_in_thread, g) == 0)
		n++;
	r = sync_content(g, err);
	h = finish_hashes(g, threads, n, r < 0 ? NULL : err);
	return r < 0 ? r : h;
}

static int write_info(struct job *job, bool sync, struct viv_error *err)
{
	const struct viv_store_build *b = job->item->build;
	VIV_JSON *info =
		viv_info_make(b->id, job->item->recipe, job->item->refs, &job->facts, job->sha256);
	VIV_FREE char *path = viv_path_join(b->dir, ".info");
	VIV_STR text = VIV_STR_INIT;
	VIV_FD fd = -1;
	int r = viv_info_check(info, b->id, err);

	if (r < 0)
		return r;
	viv_json_pretty(info, &text);
	if (text.len > VIV_INFO_MAX)
		return viv_error_say(err, EFBIG, "the recipe of %s is too large", b->id);
	fd = viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	if (fd < 0)
		return fd;
	r = viv_write_all(fd, text.data, text.len, path, err);
	if (r == 0 && (fchmod(fd, 0444) < 0 || (sync && fsync(fd) < 0)))
		r = viv_error_set(err, errno, "writing %s", path);
	return r;
}

static bool is_before(const struct group *g, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (viv_streq(g->jobs[i].item->build->id, id))
			return true;
	return false;
}

static int check_refs(const struct group *g, size_t n, struct viv_error *err)
{
	const struct viv_store_commit *item = g->jobs[n].item;

	for (size_t i = 0; item->refs && i < item->refs->count; i++) {
		const char *ref = item->refs->items[i];

		if (!viv_store_has(g->store, ref) && !is_before(g, n, ref))
			return viv_error_say(err, ENOENT,
					     "%s refers to %s, which is not in the store",
					     item->build->id, ref);
	}
	return 0;
}

static int rename_object(struct job *job, struct viv_error *err)
{
	const struct viv_store_build *b = job->item->build;
	VIV_FREE char *path = viv_store_object_path(b->store, b->id);
	int r = viv_tree_chmod_top(b->path, true, err);

	if (r < 0)
		return r;
	if (rename(b->path, path) < 0)
		return viv_error_set(err, errno, "cannot move %s to %s", b->path, path);
	job->renamed = true;
	return viv_tree_chmod_top(path, false, err);
}

static int rename_info(struct job *job, struct viv_error *err)
{
	const struct viv_store_build *b = job->item->build;
	VIV_FREE char *from = viv_path_join(b->dir, ".info");
	VIV_FREE char *to = viv_store_info_path(b->store, b->id);

	if (rename(from, to) < 0)
		return viv_error_set(err, errno, "cannot move %s to %s", from, to);
	job->visible = true;
	return 0;
}

static int show(struct group *g, struct viv_error *err)
{
	VIV_FREE char *objects = viv_store_path(g->store, "objects");
	VIV_FREE char *info = viv_store_path(g->store, "info");
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = check_refs(g, i, err);
	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = rename_object(&g->jobs[i], err);
	if (r == 0 && g->n > 1 && syncfs(g->store->root_fd) < 0)
		r = viv_error_set(err, errno, "writing to the store %s", g->store->root);
	if (r == 0 && g->n == 1)
		r = viv_sync_dir(objects, err);
	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = rename_info(&g->jobs[i], err);
	return r == 0 ? viv_sync_dir(info, err) : r;
}

static int show_guarded(struct group *g, struct viv_error *err)
{
	VIV_STORE_GUARDED *guarded = NULL;
	int r = viv_store_guard(g->store, false, err);

	if (r < 0)
		return r;
	guarded = g->store;
	r = show(g, err);
	for (size_t i = 0; i < g->n; i++) {
		struct job *job = &g->jobs[i];
		VIV_FREE char *path = viv_store_object_path(g->store, job->item->build->id);

		if (job->renamed && !job->visible)
			viv_remove_tree(path, NULL);
	}
	return r;
}

static int commit_group(struct group *g, struct viv_store_commit *items, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = prepare(&g->jobs[i], &items[i], err);
	if (r == 0)
		r = hash_and_sync(g, err);
	for (size_t i = 0; r == 0 && i < g->n; i++)
		r = write_info(&g->jobs[i], g->n == 1, err);
	if (r == 0)
		r = show_guarded(g, err);
	return r;
}

int viv_store_commit_many(struct viv_store *s, struct viv_store_commit *items, size_t n,
			  struct viv_error *err)
{
	struct group g = {.store = s, .n = n, .jobs = viv_new_array(struct job, n + 1)};
	int r = n ? commit_group(&g, items, err) : 0;

	for (size_t i = 0; i < n; i++)
		viv_store_abort(viv_steal(items[i].build));
	free(g.jobs);
	return r < 0 ? viv_store_explain(s, r, err) : 0;
}

int viv_store_commit(struct viv_store_build *b, const json_t *recipe, const struct viv_strv *refs,
		     struct viv_error *err)
{
	struct viv_store_commit item = {b, recipe, refs, NULL};

	return viv_store_commit_many(b->store, &item, 1, err);
}

int viv_store_end(struct viv_store_build *b, int r, const json_t *recipe, const struct viv_strv *refs,
		  struct viv_error *err)
{
	if (r == 0)
		return viv_store_commit(b, recipe, refs, err);
	viv_store_abort(b);
	return r;
}
