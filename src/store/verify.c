/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/path.h"

#include <unistd.h>

static void VIV_PRINTF(3, 4)
	add_problem(struct viv_store_problems *p, const char *id, const char *fmt, ...)
{
	va_list ap;
	char *what;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		viv_oom();
	va_end(ap);
	p->items = viv_grow(p->items, &p->cap, p->n + 1, sizeof(*p->items));
	p->items[p->n++] = (struct viv_store_problem){viv_strdup(id), what};
}

void viv_store_problems_free(struct viv_store_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].id);
		free(p->items[i].what);
	}
	free(p->items);
	*p = (struct viv_store_problems){0};
}

static bool has_problem(const struct viv_store_problems *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (viv_streq(p->items[i].id, id))
			return true;
	return false;
}

static void compare_content(const struct viv_store_entry *e, const json_t *info, const char *path,
			    struct viv_store_problems *ret)
{
	const char *kind = viv_json_str(info, "kind"), *sha256 = viv_json_str(info, "sha256");
	struct viv_tree_facts facts;
	char hex[VIV_SHA256_HEX];
	VIV_ERROR problem = VIV_ERROR_INIT;

	if (viv_tree_measure(path, &facts, &problem) < 0)
		add_problem(ret, e->id, "%s", problem.msg);
	else if (!viv_streq(facts.kind, kind))
		add_problem(ret, e->id, "should be of the kind \"%s\", is \"%s\"", kind,
			    facts.kind);
	else if (facts.size != e->size)
		add_problem(ret, e->id, "should have %llu bytes, has %llu",
			    (unsigned long long)e->size, (unsigned long long)facts.size);
	else if (viv_tree_hash(path, hex, &problem) < 0)
		add_problem(ret, e->id, "%s", problem.msg);
	else if (!viv_streq(hex, sha256))
		add_problem(ret, e->id, "the content has changed: its SHA-256 is %s, not %s", hex,
			    sha256);
}

/* Refs come first in the order: a problem of one reaches everything that stands on it. */
static void check_refs(struct viv_store *s, const struct viv_store_entry *e,
		       struct viv_store_problems *ret)
{
	for (size_t i = 0; i < e->refs.count; i++) {
		const char *ref = e->refs.items[i];
		bool damaged = has_problem(ret, ref);

		if (!damaged && viv_store_has(s, ref))
			continue;
		add_problem(ret, e->id, "refers to %s, which is %s", ref,
			    damaged ? "damaged" : "not in the store");
		return;
	}
}

static void check(struct viv_store *s, const struct viv_store_entry *e, bool deep,
		  struct viv_store_problems *ret)
{
	VIV_FREE char *path = viv_store_object_path(s, e->id);
	VIV_JSON *info = NULL;
	size_t before = ret->n;

	if (!viv_store_has(s, e->id))
		return; /* collected before our pin */
	if (e->damage) {
		if (deep)
			add_problem(ret, e->id, "%s", e->damage);
		return;
	}
	if (deep && viv_store_info(s, e->id, &info, NULL) == 0)
		compare_content(e, info, path, ret);
	if (ret->n == before)
		check_refs(s, e, ret);
}

static int move_aside(struct viv_store *s, const struct viv_store_problems *p,
		      struct viv_error *err)
{
	VIV_STORE_GUARDED *guarded = NULL;
	VIV_FREE char *info = viv_store_path(s, "info");
	int r = viv_store_guard(s, true, err);

	if (r < 0)
		return r;
	guarded = s;
	/* Backwards: what refers to a damaged object goes before it. */
	for (size_t i = p->n; r == 0 && i-- > 0;) {
		VIV_FREE char *path = NULL;

		r = viv_store_hide(s, p->items[i].id, "corrupt", &path, err);
	}
	return r == 0 ? viv_sync_dir(info, err) : r;
}

static void check_all(struct viv_store *s, const struct viv_store_list *l,
		      const struct viv_strv *ids, struct viv_report *report,
		      struct viv_store_problems *ret)
{
	VIV_FREE size_t *order = viv_store_list_order(l);
	uint64_t total = 0, done = 0;

	for (size_t i = 0; i < l->n; i++)
		total += l->entries[i].size;
	viv_task_begin(report, total, "verifying objects");
	for (size_t i = 0; i < l->n; i++) {
		const struct viv_store_entry *e = &l->entries[order[i]];

		viv_task_advance(report, done, e->id + 33);
		check(s, e, !ids || viv_strv_has(ids, e->id), ret);
		done += e->size;
	}
	viv_task_end(report, true);
}

int viv_store_verify(struct viv_store *s, const struct viv_strv *ids, bool move,
		     struct viv_report *report, struct viv_store_problems *ret,
		     struct viv_error *err)
{
	VIV_CLEANUP(viv_store_unpinp) struct viv_store_pin *pin = NULL;
	struct viv_store_problems problems = {0};
	VIV_STORE_LIST list = {0};
	VIV_STRV all = VIV_STRV_INIT;
	int r = move ? viv_store_check_writable(s, err) : 0;

	if (r == 0)
		r = viv_store_list(s, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		viv_strv_push(&all, list.entries[i].id);
	/* Nothing may be collected under our eyes; in a store that can only be read we can't help.
	 */
	if (!s->read_only)
		r = viv_store_pin_untouched(s, &all, &pin, err);
	if (r == 0)
		check_all(s, &list, ids, report, &problems);
	if (r == 0 && move && problems.n)
		r = move_aside(s, &problems, err);
	if (r < 0)
		viv_store_problems_free(&problems);
	else
		*ret = problems;
	return r;
}
