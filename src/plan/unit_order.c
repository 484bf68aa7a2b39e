/* SPDX-License-Identifier: MIT */
#include "plan/units.h"

#include "plan/unit.h"

/*
 * Orderings that go round in a circle: systemd would drop one of its units at boot, another each time.
 * What is known here is what the etc layer's units say, and what systemd adds to them by itself
 * (systemd.unit(5), DefaultDependencies); of the packages' units only the way to multi-user.target.
 */

struct edge {
	char *unit, *after;
	const struct viv_etc_file *file; /* that says so; NULL: systemd by itself */
	bool before;			 /* in the words of the other unit */
};

struct order {
	struct edge *edges;
	size_t n, cap;
};

static void free_order(struct order *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->edges[i].unit);
		free(o->edges[i].after);
	}
	free(o->edges);
}

static void add_edge(struct order *o, const char *unit, const char *after, const struct viv_etc_file *file,
		     bool before)
{
	o->edges = viv_grow(o->edges, &o->cap, o->n + 1, sizeof(*o->edges));
	o->edges[o->n++] =
		(struct edge){viv_strdup(unit), viv_strdup(after), file, before};
}

/* A unit that is being read. */
struct reading {
	struct order *order;
	const struct viv_etc_file *file;
	const char *unit;
	bool no_defaults;
};

static int take_setting(const struct viv_unit_setting *s, void *arg, struct viv_error *err)
{
	struct reading *r = arg;
	bool after = viv_slice_eq(s->key, "After"), before = viv_slice_eq(s->key, "Before");
	struct viv_slice rest = s->value, word;

	if (!viv_streq(s->section, "Unit"))
		return 0;
	if (viv_slice_eq(s->key, "DefaultDependencies"))
		r->no_defaults = s->value.len && strchr("nNfF0", s->value.data[0]);
	while ((after || before) && viv_slice_word(&rest, &word)) {
		VIV_FREE char *other = viv_slice_dup(word);

		add_edge(r->order, after ? r->unit : other, after ? other : r->unit, r->file, before);
	}
	return 0;
}

/* What systemd adds to units of a type, and to those targets. */
static void add_defaults(struct order *o, const char *unit, const char *type)
{
	static const struct {
		const char *type, *after, *before;
	} rows[] = {
		{".service", "basic.target", NULL},    {".socket", "sysinit.target", "sockets.target"},
		{".timer", "sysinit.target", NULL},    {".path", "sysinit.target", "paths.target"},
		{".mount", "local-fs-pre.target", NULL},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		if (!viv_streq(rows[i].type, type))
			continue;
		add_edge(o, unit, rows[i].after, NULL, false);
		if (rows[i].before)
			add_edge(o, rows[i].before, unit, NULL, false);
	}
}

static void add_targets(struct order *o)
{
	static const char *const rows[][2] = {
		{"multi-user.target", "basic.target"}, {"basic.target", "sysinit.target"},
		{"basic.target", "sockets.target"},    {"basic.target", "paths.target"},
		{"sysinit.target", "local-fs.target"}, {"local-fs.target", "local-fs-pre.target"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		add_edge(o, rows[i][0], rows[i][1], NULL, false);
}

static int compare(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	int r = strcmp(x->unit, y->unit);

	if (r == 0)
		r = strcmp(x->after, y->after);
	/* What somebody wrote comes before what systemd adds. */
	return r ? r : (x->file ? 0 : 1) - (y->file ? 0 : 1);
}

/* Walks in depth: `way` are the edges from the start to here. */
struct walk {
	const struct order *order;
	const struct edge **way;
	size_t n;
	bool *done; /* of each edge: nothing in a circle is behind it */
};

static bool walk_from(struct walk *w, const char *unit, size_t *ret_start)
{
	struct edge key = {.unit = (char *)unit, .after = (char *)""};
	size_t lo = 0, hi = w->order->n;

	for (size_t i = 0; i < w->n; i++) {
		*ret_start = i;
		if (viv_streq(w->way[i]->unit, unit))
			return true;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(&w->order->edges[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < w->order->n && viv_streq(w->order->edges[lo].unit, unit); lo++) {
		if (w->done[lo])
			continue;
		w->way[w->n++] = &w->order->edges[lo];
		if (walk_from(w, w->order->edges[lo].after, ret_start))
			return true;
		w->n--;
		w->done[lo] = true;
	}
	return false;
}

static const char *place_of(const struct viv_config *config, const struct edge *e)
{
	VIV_FREE char *list = NULL, *setting = NULL;

	if (!e->file)
		return "as systemd has it";
	if (!e->file->option)
		return e->file->path;
	/* The list itself, where there is one: its line says most. */
	list = viv_asprintf("%s.%s", e->file->option, e->before ? "before" : "after");
	setting = viv_asprintf("%s.unitConfig.%s", e->file->option, e->before ? "Before" : "After");
	if (!viv_streq(viv_config_place(config, list), "default"))
		return viv_config_place(config, list);
	return viv_config_place(config, viv_config_find(config, setting) ? setting : e->file->option);
}

static int circle(const struct viv_config *config, const struct edge *const *way, size_t n, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_FREE char *where = NULL;
	size_t first = 0;
	bool defaults = false;

	while (first + 1 < n && (!way[first]->file || !way[first]->file->option))
		first++;
	where = way[first]->file ? viv_etc_where(config, way[first]->file) : viv_strdup("systemd");
	for (size_t i = 0; i < n; i++) {
		const struct edge *e = way[(first + i) % n];

		defaults |= !e->file;
		viv_str_addf(&text, "%s is after %s (%s)%s", i ? "which" : e->unit, e->after,
			     place_of(config, e), i + 1 < n ? ", " : "");
	}
	viv_error_say(err, EINVAL, "%s: units wait for each other: %s", where, text.data);
	if (defaults)
		viv_error_hint(err, "unitConfig.DefaultDependencies = false takes from a unit what systemd adds by itself.");
	return -EINVAL;
}

static int find_circle(const struct order *o, const struct viv_config *config, struct viv_error *err)
{
	VIV_FREE const struct edge **way = viv_new_array(const struct edge *, o->n + 1);
	VIV_FREE bool *done = viv_new_array(bool, o->n + 1);
	struct walk w = {.order = o, .way = way, .done = done};
	size_t start;

	for (size_t i = 0; i < o->n; i++)
		if (walk_from(&w, o->edges[i].unit, &start))
			return circle(config, way + start, w.n - start, err);
	return 0;
}

int viv_units_check_order(const struct viv_etc *etc, const struct viv_config *config, bool placed,
			  struct viv_error *err)
{
	VIV_CLEANUP(free_order) struct order o = {0};

	if (placed)
		add_targets(&o);
	for (size_t i = 0; i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];
		struct reading reading = {.order = &o, .file = f};
		VIV_FREE char *unit = NULL;
		const char *type;
		int r;

		if (!viv_unit_of_file(f, &unit, &type))
			continue;
		reading.unit = unit;
		r = viv_unit_parse((struct viv_slice){f->content.data, f->content.len}, type, take_setting,
				   &reading, err);
		if (r < 0)
			return r;
		if (placed && !reading.no_defaults && viv_ends_with(f->path, type))
			add_defaults(&o, unit, type);
	}
	if (o.n)
		qsort(o.edges, o.n, sizeof(*o.edges), compare);
	return find_circle(&o, config, err);
}
