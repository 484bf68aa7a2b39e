/* SPDX-License-Identifier: MIT */
#include "store/internal.h"

#include "base/path.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static void entry_free(struct viv_store_entry *e)
{
	free(e->id);
	free(e->kind);
	free(e->damage);
	viv_strv_free(&e->refs);
}

void viv_store_list_free(struct viv_store_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_free(&l->entries[i]);
	free(l->entries);
	*l = (struct viv_store_list){0};
}

static void fill(struct viv_store_entry *e, const json_t *info)
{
	const char *kind = viv_json_str(json_object_get(info, "recipe"), "kind");
	const json_t *ref;
	size_t i;

	e->kind = viv_strdup(kind ? kind : "");
	e->size = (uint64_t)json_integer_value(json_object_get(info, "size"));
	json_array_foreach(json_object_get(info, "refs"), i, ref)
		viv_strv_push(&e->refs, json_string_value(ref));
	viv_strv_uniq(&e->refs);
}

/* An object that goes while we look is left out. */
static int add(const struct viv_store *s, struct viv_store_list *l, const char *id,
	       struct viv_error *err)
{
	VIV_FREE char *path = viv_store_info_path(s, id);
	struct viv_store_entry *e;
	VIV_ERROR damage = VIV_ERROR_INIT;
	VIV_JSON *info = NULL;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : viv_error_set(err, errno, "%s", path);
	r = viv_store_info(s, id, &info, &damage);
	if (r == -ENOENT)
		return 0;
	if (r < 0 && r != -EBADMSG && r != -EFBIG && r != -EISDIR && r != -EIO)
		return viv_error_move(err, &damage);
	l->entries = viv_grow(l->entries, &l->cap, l->n + 1, sizeof(*l->entries));
	e = &l->entries[l->n++];
	*e = (struct viv_store_entry){.id = viv_strdup(id), .used = st.st_mtime};
	if (r == 0)
		fill(e, info);
	else
		e->kind = viv_strdup("");
	e->damage = viv_steal(damage.msg);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct viv_store_entry *)a)->id,
		      ((const struct viv_store_entry *)b)->id);
}

int viv_store_list(const struct viv_store *s, struct viv_store_list *ret, struct viv_error *err)
{
	VIV_FREE char *dir = viv_store_path(s, "info");
	VIV_STORE_LIST l = {0};
	DIR *d = opendir(dir);
	int r = 0;

	if (!d)
		return viv_error_set(err, errno, "%s", dir);
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		VIV_FREE char *id = viv_strdup(e->d_name);

		if (!viv_ends_with(id, ".json"))
			continue;
		id[strlen(id) - strlen(".json")] = '\0';
		if (viv_store_id_is_valid(id))
			r = add(s, &l, id, err);
	}
	closedir(d);
	if (r < 0)
		return r;
	if (l.n)
		qsort(l.entries, l.n, sizeof(*l.entries), compare);
	*ret = l;
	l = (struct viv_store_list){0};
	return 0;
}

struct viv_store_entry *viv_store_list_find(const struct viv_store_list *l, const char *id)
{
	struct viv_store_entry key = {.id = (char *)id};

	if (!l->n)
		return NULL;
	return bsearch(&key, l->entries, l->n, sizeof(key), compare);
}

/* A walk down the refs without recursion: how deep they go is not ours to say. */
struct descent {
	const struct viv_store_list *l;
	bool *seen;
	struct step {
		size_t entry, next_ref;
	} * stack;
	size_t depth;
	size_t *order, n; /* what was left, in that order */
	const char *missing;
};

static void enter(struct descent *d, const char *id)
{
	const struct viv_store_entry *e = viv_store_list_find(d->l, id);
	size_t i = e ? (size_t)(e - d->l->entries) : 0;

	if (!e)
		d->missing = id;
	if (!e || d->seen[i])
		return;
	d->seen[i] = true;
	d->stack[d->depth++] = (struct step){i, 0};
}

static void descend(struct descent *d, const char *id)
{
	enter(d, id);
	while (d->depth) {
		struct step *top = &d->stack[d->depth - 1];
		const struct viv_strv *refs = &d->l->entries[top->entry].refs;

		if (top->next_ref < refs->count) {
			enter(d, refs->items[top->next_ref++]);
		} else {
			d->order[d->n++] = top->entry;
			d->depth--;
		}
	}
}

static struct descent descent_start(const struct viv_store_list *l)
{
	return (struct descent){
		.l = l,
		.seen = viv_new_array(bool, l->n + 1),
		.stack = viv_new_array(struct step, l->n + 1),
		.order = viv_new_array(size_t, l->n + 1),
	};
}

size_t *viv_store_list_order(const struct viv_store_list *l)
{
	struct descent d = descent_start(l);

	for (size_t i = 0; i < l->n; i++)
		descend(&d, l->entries[i].id);
	free(d.seen);
	free(d.stack);
	return d.order;
}

int viv_store_closure(const struct viv_store_list *l, const struct viv_strv *ids,
		      struct viv_strv *ret, struct viv_error *err)
{
	struct descent d = descent_start(l);
	int r = 0;

	for (size_t i = 0; i < ids->count; i++)
		descend(&d, ids->items[i]);
	if (d.missing)
		r = viv_error_say(err, ENOENT, "%s is not in the store", d.missing);
	for (size_t i = 0; r == 0 && i < d.n; i++)
		viv_strv_push(ret, l->entries[d.order[i]].id);
	free(d.seen);
	free(d.stack);
	free(d.order);
	return r;
}

static int found(const char *text, const struct viv_strv *matches, char **ret,
		 struct viv_error *err)
{
	VIV_FREE char *all = NULL;

	if (matches->count == 1) {
		*ret = viv_strdup(matches->items[0]);
		return 0;
	}
	if (!matches->count)
		return viv_error_say(err, ENOENT, "no object \"%s\" in the store", text);
	all = viv_strv_join(matches, "\n");
	return viv_error_say(err, ENOTUNIQ, "\"%s\" can mean %zu objects:\n%s", text,
			     matches->count, all);
}

int viv_store_find(const struct viv_store *s, const struct viv_store_list *l, const char *text,
		   char **ret, struct viv_error *err)
{
	VIV_STRV matches = VIV_STRV_INIT;
	char *real = realpath(text, NULL), *id = real ? viv_store_id_of_target(real) : NULL;

	if (id && viv_store_list_find(l, id)) {
		viv_strv_take(&matches, id);
	} else {
		free(id);
		for (size_t i = 0; i < l->n; i++) {
			const char *own = l->entries[i].id;

			if ((*text && viv_starts_with(own, text)) || viv_streq(own + 33, text))
				viv_strv_push(&matches, own);
		}
	}
	free(real);
	return found(text, &matches, ret, err);
}

int viv_store_disk_size(const struct viv_store *s, const char *id, uint64_t *ret,
			struct viv_error *err)
{
	VIV_FREE char *path = viv_store_object_path(s, id);
	struct viv_tree_facts facts;
	int r = viv_tree_measure(path, &facts, err);

	if (r == 0)
		*ret = facts.disk;
	return r;
}
