/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* What a collection knows while it decides; all arrays go with list.entries. */
struct decision {
	const struct viv_store_gc *options;
	struct viv_store_list list;
	size_t *order;		  /* refs first */
	size_t *rank;		  /* an entry's place in order */
	bool *live;		  /* a root, a pin or an option keeps it */
	int64_t *used;		  /* last use of it or of anything that refers to it */
	size_t *doomed, n_doomed; /* in the order of removal */
};

static void decision_free(struct decision *d)
{
	viv_store_list_free(&d->list);
	free(d->order);
	free(d->rank);
	free(d->live);
	free(d->used);
	free(d->doomed);
}
#define DECISION VIV_CLEANUP(decision_free) struct decision

static size_t index_of(const struct decision *d, const char *id)
{
	const struct viv_store_entry *e = viv_store_list_find(&d->list, id);

	return e ? (size_t)(e - d->list.entries) : SIZE_MAX;
}

/* What an entry passes on to those it refers to. From the last of the order to the first. */
static void spread(struct decision *d)
{
	for (size_t i = d->list.n; i-- > 0;) {
		size_t from = d->order[i];
		const struct viv_strv *refs = &d->list.entries[from].refs;

		for (size_t k = 0; k < refs->count; k++) {
			size_t to = index_of(d, refs->items[k]);

			if (to == SIZE_MAX)
				continue;
			d->live[to] |= d->live[from];
			d->used[to] = VIV_MAX(d->used[to], d->used[from]);
		}
	}
}

/* What a damaged but needed object refers to can't be told: nothing may go then. */
static int check_damage(const struct decision *d, struct viv_error *err)
{
	for (size_t i = 0; i < d->list.n; i++) {
		const struct viv_store_entry *e = &d->list.entries[i];

		if (e->damage && d->live[i])
			return viv_error_say(err, EBADMSG,
					     "%s\nWhat that object needs can't be told: run 'viv "
					     "store verify' first.",
					     e->damage);
	}
	return 0;
}

static int mark(struct viv_store *s, struct decision *d, struct viv_error *err)
{
	VIV_STRV ids = VIV_STRV_INIT;
	int r = viv_store_rooted(s, !d->options->dry_run, &ids, err);

	if (r == 0)
		r = viv_store_pinned(s, &ids, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ids.count; i++) {
		size_t at = index_of(d, ids.items[i]);

		if (at != SIZE_MAX)
			d->live[at] = true;
	}
	for (size_t i = 0; i < d->list.n; i++)
		if (d->options->keep_archives && viv_streq(d->list.entries[i].kind, "archive"))
			d->live[i] = true;
	spread(d);
	return check_damage(d, err);
}

static int compare_doomed(const void *a, const void *b, void *arg)
{
	const struct decision *d = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	if (d->used[x] != d->used[y])
		return d->used[x] < d->used[y] ? -1 : 1;
	return d->rank[x] > d->rank[y] ? -1 : 1;
}

/*
 * Longest unused first. What refers to something is never newer than that (spread) and comes first
 * among equals: so wherever this list is cut off, nothing that stays refers to something gone.
 */
static void condemn(struct decision *d, struct viv_store_gc_result *ret)
{
	uint64_t total = 0, limit = d->options->max_size;
	int64_t since = d->options->keep_recent ? time(NULL) - d->options->keep_recent : INT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < d->list.n; i++) {
		uint64_t size = d->list.entries[i].size;

		total += size;
		if (!d->live[i] && d->used[i] < since)
			d->doomed[n++] = i;
		else if (!d->live[i])
			ret->recent++, ret->recent_size += size;
	}
	if (n)
		qsort_r(d->doomed, n, sizeof(*d->doomed), compare_doomed, d);
	for (size_t i = 0; i < n && (limit == UINT64_MAX || total > limit); i++) {
		total -= d->list.entries[d->doomed[i]].size;
		d->n_doomed++;
	}
	ret->kept = d->list.n - d->n_doomed;
	ret->kept_size = total;
}

static int decide(struct viv_store *s, struct decision *d, struct viv_store_gc_result *ret,
		  struct viv_error *err)
{
	int r = viv_store_list(s, &d->list, err);
	size_t n = d->list.n;

	if (r < 0)
		return r;
	d->order = viv_store_list_order(&d->list);
	d->rank = viv_new_array(size_t, n + 1);
	d->live = viv_new_array(bool, n + 1);
	d->used = viv_new_array(int64_t, n + 1);
	d->doomed = viv_new_array(size_t, n + 1);
	for (size_t i = 0; i < n; i++) {
		d->rank[d->order[i]] = i;
		d->used[i] = d->list.entries[i].used;
	}
	r = mark(s, d, err);
	if (r == 0)
		condemn(d, ret);
	return r;
}

/* Moves what has the object's name to a free name in `folder`. */
static int move_away(struct viv_store *s, const char *id, const char *folder, char **ret_path,
		     struct viv_error *err)
{
	VIV_FREE char *from = viv_store_object_path(s, id);
	int r = viv_exists(from) ? viv_tree_chmod_top(from, true, NULL) : -ENOENT;

	for (unsigned i = 0; r == 0; i++) {
		VIV_FREE char *to = viv_asprintf("%s/%s/%s.%u", s->root, folder, id, i);

		if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
			*ret_path = viv_steal(to);
			return 0;
		}
		if (errno != EEXIST)
			return viv_error_set(err, errno, "cannot move %s to %s", from, to);
	}
	return r == -ENOENT ? 0 : viv_error_set(err, r, "cannot move %s", from);
}

int viv_store_hide(struct viv_store *s, const char *id, const char *folder, char **ret_path,
		   struct viv_error *err)
{
	VIV_FREE char *info = viv_store_info_path(s, id);

	*ret_path = NULL;
	if (unlink(info) < 0 && errno != ENOENT)
		return viv_error_set(err, errno, "cannot remove %s", info);
	return move_away(s, id, folder, ret_path, err);
}

/* Objects without an info file, where no commit is at work. */
static int hide_orphans(struct viv_store *s, struct viv_strv *trash, struct viv_error *err)
{
	VIV_FREE char *dir = viv_store_path(s, "objects");
	DIR *d = opendir(dir);
	int r = 0;

	if (!d)
		return viv_error_set(err, errno, "%s", dir);
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		const char *id = e->d_name;
		char *path = NULL;

		if (!viv_store_id_is_valid(id) || viv_store_has(s, id) ||
		    viv_strv_has(&s->building, id) ||
		    viv_store_try_lock(s, viv_store_object_lock(id)) < 0)
			continue;
		r = viv_store_hide(s, id, "tmp", &path, err);
		viv_store_unlock(s, viv_store_object_lock(id));
		if (path)
			viv_strv_take(trash, path);
	}
	closedir(d);
	return r;
}

static int hide_doomed(struct viv_store *s, const struct decision *d, struct viv_strv *trash,
		       struct viv_store_gc_result *ret, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->n_doomed; i++) {
		const struct viv_store_entry *e = &d->list.entries[d->doomed[i]];
		char *path = NULL;

		if (!d->options->dry_run)
			r = viv_store_hide(s, e->id, "tmp", &path, err);
		if (path)
			viv_strv_take(trash, path);
		if (r == 0) {
			viv_strv_push(&ret->removed, e->id);
			ret->removed_size += e->size;
		}
	}
	return r;
}

static int collect_guarded(struct viv_store *s, const struct viv_store_gc *options,
			   struct viv_strv *trash, struct viv_store_gc_result *ret,
			   struct viv_error *err)
{
	VIV_STORE_GUARDED *guarded = NULL;
	DECISION d = {.options = options};
	int r = viv_store_guard(s, !options->dry_run, err);

	if (r < 0)
		return r;
	guarded = s;
	r = decide(s, &d, ret, err);
	if (r == 0)
		r = hide_doomed(s, &d, trash, ret, err);
	return r == 0 && !options->dry_run ? hide_orphans(s, trash, err) : r;
}

static void empty_corrupt(struct viv_store *s)
{
	VIV_FREE char *dir = viv_store_path(s, "corrupt");
	DIR *d = opendir(dir);

	for (struct dirent *e; d && (e = readdir(d));) {
		VIV_FREE char *path = viv_path_join(dir, e->d_name);

		if (e->d_name[0] != '.')
			viv_remove_tree(path, NULL);
	}
	if (d)
		closedir(d);
}

/* The info files are gone for good before content goes: a crash can't bring back half an object. */
static int remove_trash(struct viv_store *s, const struct viv_strv *trash,
			struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *info = viv_store_path(s, "info");
	int r = viv_sync_dir(info, err);

	viv_task_begin(report, trash->count, "removing objects");
	for (size_t i = 0; r == 0 && i < trash->count; i++) {
		VIV_ERROR e = VIV_ERROR_INIT;

		/* Another process may be clearing it, too. */
		r = viv_remove_tree(trash->items[i], &e);
		r = r == -ENOENT ? 0 : r < 0 ? viv_error_move(err, &e) : 0;
		viv_task_advance(report, i + 1, NULL);
	}
	viv_task_end(report, r == 0);
	if (r == 0)
		r = viv_store_clear_dead(s, err);
	if (r == 0)
		empty_corrupt(s);
	return r;
}

static int collect(struct viv_store *s, const struct viv_store_gc *options,
		   struct viv_report *report, struct viv_store_gc_result *ret,
		   struct viv_error *err)
{
	VIV_STRV trash = VIV_STRV_INIT;
	int r = collect_guarded(s, options, &trash, ret, err);

	if (options->dry_run)
		return r;
	if (r == 0)
		return remove_trash(s, &trash, report, err);
	remove_trash(s, &trash, report, NULL); /* what is hidden must not stay behind */
	return r;
}

int viv_store_gc(struct viv_store *s, const struct viv_store_gc *options, struct viv_report *report,
		 struct viv_store_gc_result *ret, struct viv_error *err)
{
	struct viv_store_gc_result result = {0};
	int r;

	if (!options->dry_run) {
		r = viv_store_check_writable(s, err);
		if (r == 0)
			r = viv_store_wait_lock(s, VIV_STORE_LOCK_GC, "it collects garbage", report,
						err);
		if (r < 0)
			return r;
	}
	r = collect(s, options, report, &result, err);
	if (!options->dry_run)
		viv_store_unlock(s, VIV_STORE_LOCK_GC);
	if (r < 0)
		viv_store_gc_result_free(&result);
	else
		*ret = result;
	return r;
}

void viv_store_gc_result_free(struct viv_store_gc_result *r)
{
	viv_strv_free(&r->removed);
	*r = (struct viv_store_gc_result){0};
}
