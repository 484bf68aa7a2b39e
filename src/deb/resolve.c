/* SPDX-License-Identifier: MIT */
#include "deb/resolve.h"

#include "base/fd.h"
#include "base/path.h"

/* What every base has beside the packages that are essential. */
static const char *const base_wanted[] = {"?essential", "?priority(required)", "apt"};

/* name, name=version: nothing that apt would take for a pattern, an option or a removal. */
int viv_resolve_check_names(const struct viv_strv *names, struct viv_error *err)
{
	for (size_t i = 0; names && i < names->count; i++) {
		const char *s = names->items[i];
		size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.:");

		if (n < 2 || s[0] == '-' || s[0] == '+' || s[0] == '.' || s[n - 1] == '-' ||
		    (s[n] && s[n] != '=') || strpbrk(s + n, " /*?|[]^$'\""))
			return viv_error_say(err, EINVAL, "\"%s\" is not a package name", s);
	}
	return 0;
}

static const char *find_index(const struct viv_apt *a, const struct viv_sim_step *step)
{
	for (size_t i = 0; i < a->n_indexes; i++)
		if (viv_streq(a->indexes[i].label, step->label) &&
		    viv_streq(a->indexes[i].archive, step->archive))
			return a->indexes[i].suite;
	return a->n_indexes ? a->indexes[0].suite : a->release;
}

/* From its release file: when it was made, and its hash. */
static json_t *describe_index(const struct viv_apt *a, const char *suite)
{
	json_t *j = json_object();

	for (size_t i = 0; i < a->n_indexes; i++) {
		VIV_STR text = VIV_STR_INIT;
		VIV_FREE char *date = NULL;
		char hex[VIV_SHA256_HEX];

		if (!viv_streq(a->indexes[i].suite, suite) || !a->indexes[i].release_file ||
		    viv_read_file(a->indexes[i].release_file, 16 << 20, &text, NULL) < 0)
			continue;
		viv_sha256_of(text.data, text.len, hex);
		date = viv_slice_dup(viv_record_field(text.data, "Date"));
		json_object_set_new(j, "date", json_string(date));
		json_object_set_new(j, "sha256", json_string(hex));
		break;
	}
	return j;
}

/* Will the file that is written still have packages of indexes as they were? */
static bool keeps_packages(const struct viv_resolution *x)
{
	const json_t *machines = json_object_get(x->lock->rest, "machines");
	size_t mine = json_object_get(machines, x->lock->machine) != NULL;

	return !x->req->renew || json_object_size(machines) > mine;
}

/*
 * Enters an index as it is now. What came from it at another time refers to it as it was then, and
 * snapshot mirrors are asked for that time: then ours has another name. The caller frees it.
 */
static char *enter_index(struct viv_resolution *x, char *name, const char *suite)
{
	const char *known = viv_json_str(x->index_names, name);
	VIV_FREE char *plain = name;
	VIV_JSON *now = NULL;
	const json_t *then;
	char *key;

	if (known)
		return viv_strdup(known);
	now = describe_index(x->apt, suite);
	then = json_object_get(json_object_get(x->lock->rest, "indexes"), plain);
	if (then && json_object_size(now) && !json_equal(then, now) && keeps_packages(x))
		key = viv_asprintf("%s@%.8s", plain, viv_json_str(now, "sha256"));
	else
		key = viv_strdup(plain);
	if (!x->index_names)
		x->index_names = json_object();
	json_object_set_new(x->index_names, plain, json_string(key));
	json_object_set(x->lock->indexes, key, now);
	return key;
}

/* What is preferred stays as it was recorded: its index may have gone on since. */
static bool take_preferred(const struct viv_resolution *x, const struct viv_sim_step *step,
			   const char *sha256, struct viv_lock_package *p)
{
	for (size_t i = 0; i < x->prefer.n_packages; i++) {
		const struct viv_lock_package *old = &x->prefer.packages[i];

		if (viv_streq(old->name, step->name) && viv_streq(old->version, step->version) &&
		    viv_streq(old->sha256, sha256)) {
			viv_lock_package_copy(p, old);
			return true;
		}
	}
	return false;
}

static int take_package(struct viv_resolution *x, const struct viv_sim_step *step, const char *stanza,
			struct viv_lock_package *p, struct viv_error *err)
{
	struct viv_slice path = viv_record_field(stanza, "Filename");
	struct viv_slice hash = viv_record_field(stanza, "SHA256");
	VIV_FREE char *hex = viv_slice_dup(hash);
	const char *suite = find_index(x->apt, step);

	if (!viv_sha256_is_hex(hex))
		return viv_error_say(err, EBADMSG, "the index has no SHA-256 for %s", step->name);
	if (take_preferred(x, step, hex, p))
		return 0;
	p->name = viv_strdup(step->name);
	p->version = viv_strdup(step->version);
	p->architecture = viv_slice_dup(viv_record_field(stanza, "Architecture"));
	p->path = viv_slice_dup(path);
	/* Flat archives write "./name". */
	if (viv_starts_with(p->path, "./"))
		memmove(p->path, p->path + 2, strlen(p->path) - 1);
	if (!viv_path_is_safe(p->path) || strpbrk(p->path, " '\""))
		return viv_error_say(err, EBADMSG, "the index has a bad path for %s", step->name);
	memcpy(p->sha256, hex, sizeof(p->sha256));
	p->index = enter_index(x, viv_apt_index_key(suite, path), suite);
	if (!viv_slice_u64(viv_record_field(stanza, "Size"), INT64_MAX, &p->size))
		return viv_error_say(err, EBADMSG, "the index has no size for %s", step->name);
	return 0;
}

static int load_records(struct viv_resolution *x, const struct viv_sim *sim, struct viv_records *ret,
			struct viv_error *err)
{
	VIV_STRV wanted = VIV_STRV_INIT;

	for (size_t i = 0; i < sim->n; i++)
		if (sim->steps[i].kind == VIV_SIM_UNPACK)
			viv_strv_pushf(&wanted, "%s=%s", sim->steps[i].name, sim->steps[i].version);
	return viv_records_load(x->apt, &wanted, ret, err);
}

static bool is_installed(const struct viv_records *r, struct viv_slice name)
{
	for (size_t i = 0; i < r->n; i++)
		if (viv_slice_eq(name, r->items[i].name))
			return true;
	return false;
}

static bool has_name(const struct viv_strv *v, struct viv_slice name)
{
	for (size_t i = 0; i < v->count; i++)
		if (viv_slice_eq(name, v->items[i]))
			return true;
	return false;
}

/*
 * dpkg wants what a package pre-depends on configured before it unpacks it. A name that is nobody's
 * own is a virtual one: any of those that wait may provide it.
 */
static bool must_configure_first(const char *stanza, const struct viv_strv *waiting,
				 const struct viv_strv *configured,
				 const struct viv_records *installed)
{
	struct viv_slice f = viv_record_field(stanza, "Pre-Depends");
	const char *p = f.data, *end = f.data + f.len;

	while (p < end) {
		struct viv_slice name = {p, 0};
		const char *next = p;

		while (name.data < end && strchr(" ,|", *name.data))
			name.data++;
		while (name.data + name.len < end && !strchr(" ,|:(", name.data[name.len]))
			name.len++;
		if (name.len && (has_name(waiting, name) ||
				 (waiting->count && !has_name(configured, name) &&
				  !is_installed(installed, name))))
			return true;
		next = name.data + name.len;
		while (next < end && *next != ',' && *next != '|')
			next++;
		p = next + 1;
	}
	return false;
}

static void note_configured(struct viv_strv *waiting, struct viv_strv *configured)
{
	for (size_t i = 0; i < waiting->count; i++)
		viv_strv_push(configured, waiting->items[i]);
	viv_strv_free(waiting);
}

/* The order: all are unpacked first, but where a pre-dependency asks for a stop. */
static void take_order(const struct viv_sim *sim, struct viv_records *records,
		       const struct viv_records *installed, struct viv_lock_layer *layer)
{
	VIV_STRV waiting = VIV_STRV_INIT, configured = VIV_STRV_INIT;

	if (layer->bootstrap.count)
		viv_strv_push_all(&configured, (const char *const *)layer->bootstrap.items);
	for (size_t i = 0; i < sim->n; i++) {
		const struct viv_sim_step *s = &sim->steps[i];
		const char *stanza;

		if (viv_strv_has(&layer->bootstrap, s->name))
			continue;
		if (s->kind == VIV_SIM_CONFIGURE)
			viv_strv_push(&layer->configure, s->name);
		if (s->kind != VIV_SIM_UNPACK)
			continue;
		stanza = viv_records_find(records, s->name, s->version);
		if (stanza && waiting.count &&
		    must_configure_first(stanza, &waiting, &configured, installed)) {
			viv_strv_push(&layer->unpack, "*");
			note_configured(&waiting, &configured);
		}
		viv_strv_push(&layer->unpack, s->name);
		viv_strv_push(&waiting, s->name);
	}
}

static int refuse_removals(const struct viv_sim *sim, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	VIV_FREE char *text = NULL;

	for (size_t i = 0; i < sim->n; i++)
		if (sim->steps[i].kind == VIV_SIM_REMOVE)
			viv_strv_push(&names, sim->steps[i].name);
	if (!names.count)
		return 0;
	text = viv_strv_join(&names, ", ");
	return viv_error_say(err, EEXIST,
			     "the packages asked for conflict with %s, which the machine needs",
			     text);
}

/* An upgrade takes the older record's place. */
static void note_installed(struct viv_resolution *x, struct viv_records *records)
{
	for (size_t i = 0; i < records->n; i++) {
		for (size_t k = 0; k < x->installed.n; k++) {
			struct viv_record *old = &x->installed.items[k];

			if (!viv_streq(old->name, records->items[i].name))
				continue;
			free(old->name);
			free(old->version);
			free(old->text);
			*old = x->installed.items[--x->installed.n];
			x->installed.sorted = false;
			break;
		}
		viv_records_add(&x->installed, viv_slice(records->items[i].text));
	}
}

/* Fills the layer with what installing `wanted` takes. */
static int fill_layer(struct viv_resolution *x, struct viv_lock_layer *layer,
		      const struct viv_strv *wanted, bool recommends, struct viv_error *err)
{
	VIV_CLEANUP(viv_records_free) struct viv_records records = {0};
	VIV_CLEANUP(viv_sim_free) struct viv_sim sim = {0};
	int r = viv_sim_run(x->apt, wanted, &x->installed, recommends, &sim, err);

	if (r == 0)
		r = refuse_removals(&sim, err);
	if (r == 0)
		r = load_records(x, &sim, &records, err);
	for (size_t i = 0; r == 0 && i < sim.n; i++) {
		const struct viv_sim_step *s = &sim.steps[i];
		const char *stanza;

		if (s->kind != VIV_SIM_UNPACK)
			continue;
		stanza = viv_records_find(&records, s->name, s->version);
		if (!stanza)
			return viv_error_say(err, EIO, "apt has no record of %s %s", s->name,
					     s->version);
		r = take_package(x, s, stanza, viv_lock_add_package(layer), err);
	}
	if (r < 0)
		return r;
	viv_lock_layer_sort(layer);
	take_order(&sim, &records, &x->installed, layer);
	viv_records_keep(&records, layer);
	note_installed(x, &records);
	return 0;
}

/*
 * bookworm's init-system-helpers wants usrmerge, which moves files of a running system, or usr-is-merged, which
 * is what our trees are from the start.
 */
static bool wants_usrmerge(const struct viv_sim *sim)
{
	for (size_t i = 0; i < sim->n; i++)
		if (viv_streq(sim->steps[i].name, "usrmerge"))
			return true;
	return false;
}

/* What must be there before dpkg can run: the essential packages, in apt's order. */
static int find_bootstrap(struct viv_resolution *x, struct viv_lock_layer *layer, struct viv_strv *more,
			  struct viv_error *err)
{
	VIV_CLEANUP(viv_sim_free) struct viv_sim sim = {0};
	VIV_STRV wanted = VIV_STRV_INIT;
	int r;

	viv_strv_push(&wanted, "?essential");
	r = viv_sim_run(x->apt, &wanted, NULL, false, &sim, err);
	if (r == 0 && wants_usrmerge(&sim)) {
		viv_strv_push(more, "usr-is-merged");
		viv_strv_push(&wanted, "usr-is-merged");
		viv_sim_free(&sim);
		r = viv_sim_run(x->apt, &wanted, NULL, false, &sim, err);
	}
	for (size_t i = 0; r == 0 && i < sim.n; i++)
		if (sim.steps[i].kind == VIV_SIM_UNPACK)
			viv_strv_push(&layer->bootstrap, sim.steps[i].name);
	return r;
}

/* What an alternative of the whole base made unnecessary is left out. */
static void trim_bootstrap(struct viv_lock_layer *layer)
{
	VIV_STRV kept = VIV_STRV_INIT;

	for (size_t i = 0; i < layer->bootstrap.count; i++)
		if (viv_lock_layer_find(layer, layer->bootstrap.items[i]))
			viv_strv_push(&kept, layer->bootstrap.items[i]);
	viv_strv_free(&layer->bootstrap);
	layer->bootstrap = kept;
	kept = VIV_STRV_INIT;
}

void viv_resolve_copy_names(const struct viv_strv *from, struct viv_strv *to)
{
	if (from && from->count)
		viv_strv_push_all(to, (const char *const *)from->items);
	viv_strv_uniq(to);
}

int viv_resolve_base(struct viv_resolution *x, struct viv_error *err)
{
	struct viv_lock_layer *layer = viv_lock_add_layer(x->lock, "base");
	VIV_STRV wanted = VIV_STRV_INIT;
	int r;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(base_wanted); i++)
		viv_strv_push(&wanted, base_wanted[i]);
	viv_resolve_copy_names(x->req->base, &layer->requested);
	if (layer->requested.count)
		viv_strv_push_all(&wanted, (const char *const *)layer->requested.items);
	r = find_bootstrap(x, layer, &wanted, err);
	if (r == 0)
		r = fill_layer(x, layer, &wanted, false, err);
	trim_bootstrap(layer);
	return r;
}

int viv_resolve_packages(struct viv_resolution *x, const char *name, const struct viv_strv *wanted,
			    struct viv_error *err)
{
	struct viv_lock_layer *layer = viv_lock_add_layer(x->lock, name);
	int r;

	viv_resolve_copy_names(wanted, &layer->requested);
	r = fill_layer(x, layer, wanted, x->req->source.recommends, err);
	/* All of it was there already: no layer of its own, but it is remembered as asked for. */
	if (r == 0 && !layer->n_packages && x->lock->n_layers > 2) {
		viv_resolve_copy_names(&layer->requested, &layer[-1].requested);
		viv_lock_layer_clear(layer);
		x->lock->n_layers--;
	}
	return r;
}

/* A metapackage depends on the package that has the kernel; that one alone is needed. */
static char *image_of(const char *stanza)
{
	struct viv_slice name = viv_record_field(stanza, "Package");
	struct viv_slice f = viv_record_field(stanza, "Depends");
	const char *p = f.len ? memmem(f.data, f.len, "linux-image-", 12) : NULL;
	size_t n = 0;

	while (p && p + n < f.data + f.len && !strchr(" ,|(", p[n]))
		n++;
	return p ? viv_strndup(p, n) : viv_slice_dup(name);
}

static int show_one(struct viv_resolution *x, const char *name, struct viv_records *records,
		    struct viv_error *err)
{
	const char *argv[] = {"apt-cache", "show", "--no-all-versions", name, NULL};
	VIV_STR out = VIV_STR_INIT, whose = VIV_STR_INIT;
	int r = viv_apt_run(x->apt, argv, &out, NULL, NULL);

	viv_records_add(records, (struct viv_slice){out.data, out.len});
	if (r == 0 && records->n)
		return 0;
	viv_sim_add_whose(x->apt, name, &whose);
	return viv_error_say(err, ENOENT, "%s%s has no kernel package %s", whose.data ? whose.data : "", x->apt->release,
			     name);
}

/* "name | version | URI suite/component arch Packages": which index has that version. */
static void find_origin(struct viv_resolution *x, struct viv_sim_step *step)
{
	const char *argv[] = {"apt-cache", "madison", step->name, NULL};
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line, word;

	viv_apt_run(x->apt, argv, &out, NULL, NULL);
	rest = (struct viv_slice){out.data, out.len};
	while (viv_slice_line(&rest, &line)) {
		struct viv_slice words[6];
		size_t n = 0;

		while (n < VIV_ARRAY_SIZE(words) && viv_slice_word(&line, &word))
			words[n++] = word;
		if (n < 6 || !viv_slice_eq(words[2], step->version))
			continue;
		for (size_t i = 0; i < x->apt->n_indexes; i++) {
			const struct viv_apt_index *index = &x->apt->indexes[i];
			size_t len = strlen(index->suite);

			if (words[5].len <= len || memcmp(words[5].data, index->suite, len) != 0 ||
			    words[5].data[len] != '/')
				continue;
			step->label = viv_strdup(index->label);
			step->archive = viv_strdup(index->archive);
			return;
		}
	}
	step->label = viv_strdup("");
	step->archive = viv_strdup("");
}

int viv_resolve_kernel(struct viv_resolution *x, struct viv_error *err)
{
	VIV_CLEANUP(viv_records_free) struct viv_records meta = {0}, image = {0};
	struct viv_sim_step step = {0};
	VIV_FREE char *name = NULL;
	int r;

	if (!x->req->kernel)
		return 0;
	r = show_one(x, x->req->kernel, &meta, err);
	if (r < 0)
		return r;
	name = image_of(meta.items[0].text);
	r = show_one(x, name, &image, err);
	if (r < 0)
		return r;
	step.name = name;
	step.version = image.items[0].version;
	find_origin(x, &step);
	x->lock->kernel = viv_new(struct viv_lock_package);
	x->lock->kernel_requested = viv_strdup(x->req->kernel);
	r = take_package(x, &step, image.items[0].text, x->lock->kernel, err);
	free(step.label);
	free(step.archive);
	return r;
}
