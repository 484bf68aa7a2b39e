/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/fd.h"
#include "base/path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(struct viv_store *s, const char *id)
{
	for (size_t i = 0; i < s->building.count; i++) {
		if (!viv_streq(s->building.items[i], id))
			continue;
		free(s->building.items[i]);
		s->building.items[i] = s->building.items[--s->building.count];
		s->building.items[s->building.count] = NULL;
		break;
	}
	viv_store_unlock(s, viv_store_object_lock(id));
}

static int lock_object(struct viv_store *s, const char *id, struct viv_report *report,
		       struct viv_error *err)
{
	VIV_FREE char *what = viv_asprintf("it makes %s", id + 33);
	int r;

	if (viv_strv_has(&s->building, id))
		return viv_error_say(err, EDEADLK, "%s is being made by this process already", id);
	r = viv_store_wait_lock(s, viv_store_object_lock(id), what, report, err);
	if (r == 0)
		viv_strv_push(&s->building, id);
	return r;
}

/* What a commit that was cut off left under the object's name. We hold the object's lock. */
static int remove_orphan(struct viv_store_build *b, struct viv_error *err)
{
	VIV_FREE char *path = viv_store_object_path(b->store, b->id);
	VIV_FREE char *aside = viv_path_join(b->dir, "orphan");
	int r;

	if (!viv_exists(path))
		return 0;
	r = viv_tree_chmod_top(path, true, err);
	if (r == 0 && rename(path, aside) < 0)
		r = viv_error_set(err, errno, "cannot move %s", path);
	return r == 0 ? viv_remove_tree(aside, err) : r;
}

static int make_build(struct viv_store *s, const char *id, struct viv_store_build **ret,
		      struct viv_error *err)
{
	VIV_CLEANUP(viv_store_abortp) struct viv_store_build *b = viv_new(struct viv_store_build);
	int r;

	b->store = s;
	b->id = viv_strdup(id);
	r = viv_store_need_tmp(s, err);
	if (r < 0)
		return r;
	b->dir = viv_store_tmp_name(s);
	b->path = viv_path_join(b->dir, id + 33);
	if (mkdir(b->dir, 0755) < 0)
		return viv_error_set(err, errno, "cannot make the folder %s", b->dir);
	r = remove_orphan(b, err);
	if (r == 0)
		*ret = viv_steal(b);
	return r;
}

int viv_store_begin(struct viv_store *s, const char *id, struct viv_report *report,
		    struct viv_store_build **ret, struct viv_error *err)
{
	int r;

	if (!viv_store_id_is_valid(id))
		return viv_error_say(err, EINVAL, "not the id of an object: %s", id);
	r = viv_store_keep(s, id, err);
	if (r < 0)
		return r;
	if (viv_store_has(s, id))
		return 1;
	r = viv_store_check_writable(s, err);
	if (r == 0)
		r = lock_object(s, id, report, err);
	if (r < 0)
		return r;
	if (viv_store_has(s, id)) {
		forget(s, id);
		return 1;
	}
	/* From here the build has the lock and gives it back, also when it can't be made. */
	r = make_build(s, id, ret, err);
	return r < 0 ? viv_store_explain(s, r, err) : 0;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

int viv_store_begin_many(struct viv_store *s, const char *const *ids, size_t n,
			 struct viv_report *report, struct viv_store_build **ret,
			 struct viv_error *err)
{
	VIV_FREE struct viv_store_build **made = viv_new_array(struct viv_store_build *, n + 1);
	VIV_FREE const char *const **order = viv_new_array(const char *const *, n + 1);
	int r = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = &ids[i];
	qsort(order, n, sizeof(*order), compare_ids);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (i && viv_streq(*order[i], *order[i - 1]))
			r = viv_error_say(err, EINVAL, "%s twice in a group", *order[i]);
		else
			r = viv_store_begin(s, *order[i], report, &made[order[i] - ids], err);
	}
	for (size_t i = 0; i < n; i++) {
		if (r < 0)
			viv_store_abort(made[i]);
		else
			ret[i] = made[i];
	}
	return r < 0 ? r : 0;
}

const char *viv_store_build_path(const struct viv_store_build *b)
{
	return b->path;
}

void viv_store_abort(struct viv_store_build *b)
{
	if (!b)
		return;
	if (b->dir && rmdir(b->dir) < 0)
		viv_remove_tree(b->dir, NULL);
	forget(b->store, b->id);
	free(b->id);
	free(b->dir);
	free(b->path);
	free(b);
}
