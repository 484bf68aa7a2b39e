/* SPDX-License-Identifier: MIT */
#include "deb/resolve.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/ahead.h"

/* Indexes older than this are renewed before something new is asked for. */
#define FRESH_SECONDS (12 * 3600)
#define LAYERS_KEPT   12 /* then they are merged: each is a disk, and a machine has room for some 20 */

/* What differs between a lock and a request. */
struct difference {
	bool everything; /* the release, the base, …: resolve anew */
	bool removed;	 /* packages that nobody asks for now */
	bool kernel;
	bool without; /* other documentation */
	struct viv_strv added;
	struct viv_strv lines; /* for people */
};

static void difference_clear(struct difference *d)
{
	viv_strv_free(&d->added);
	viv_strv_free(&d->lines);
}

static bool same_names(const struct viv_strv *a, const struct viv_strv *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!viv_streq(a->items[i], b->items[i]))
			return false;
	return true;
}

static void compare_lists(const char *what, const struct viv_strv *locked,
			  const struct viv_strv *wanted, struct difference *d, bool *ret_less,
			  struct viv_strv *ret_more)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (viv_strv_has(locked, wanted->items[i]))
			continue;
		viv_strv_pushf(&d->lines, "%s: + %s", what, wanted->items[i]);
		if (ret_more)
			viv_strv_push(ret_more, wanted->items[i]);
	}
	for (size_t i = 0; i < locked->count; i++) {
		if (viv_strv_has(wanted, locked->items[i]))
			continue;
		viv_strv_pushf(&d->lines, "%s: - %s", what, locked->items[i]);
		*ret_less = true;
	}
}

static void compare_text(const char *what, const char *locked, const char *wanted,
			 struct difference *d, bool *ret_differs)
{
	if (viv_streq(locked, wanted))
		return;
	viv_strv_pushf(&d->lines, "%s: %s -> %s", what, *locked ? locked : "none",
		       *wanted ? wanted : "none");
	*ret_differs = true;
}

static void compare_source(const struct viv_lock *l, const struct viv_deb_request *req,
			   struct difference *d)
{
	VIV_STRV components = VIV_STRV_INIT, locked = VIV_STRV_INIT;
	bool more = false;

	compare_text("release", l->release, req->source.release, d, &d->everything);
	compare_text("architecture", l->architecture, req->source.architecture, d, &d->everything);
	compare_text("recommends", l->recommends ? "true" : "false",
		     req->source.recommends ? "true" : "false", d, &d->everything);
	viv_resolve_copy_names(req->source.components, &components);
	viv_resolve_copy_names(&l->components, &locked);
	if (!components.count)
		viv_strv_push(&components, "main");
	if (!same_names(&components, &locked)) {
		compare_lists("components", &locked, &components, d, &more, NULL);
		d->everything = true;
	}
}

static void compare(const struct viv_lock *l, const struct viv_deb_request *req,
		    struct difference *d)
{
	VIV_STRV base = VIV_STRV_INIT, packages = VIV_STRV_INIT, locked = VIV_STRV_INIT;
	VIV_STRV without = VIV_STRV_INIT;

	if (!l->n_layers) {
		d->everything = true;
		viv_strv_pushf(&d->lines, "the machine %s is not in it", l->machine);
		return;
	}
	compare_source(l, req, d);
	viv_resolve_copy_names(req->base, &base);
	if (!same_names(&base, &l->layers[0].requested)) {
		compare_lists("base", &l->layers[0].requested, &base, d, &d->everything, NULL);
		d->everything = true;
	}
	viv_resolve_copy_names(req->source.without, &without);
	if (!same_names(&without, &l->without))
		compare_lists("without", &l->without, &without, d, &d->without, NULL);
	d->without = !same_names(&without, &l->without);
	viv_resolve_copy_names(req->packages, &packages);
	for (size_t i = 1; i < l->n_layers; i++)
		for (size_t k = 0; k < l->layers[i].requested.count; k++)
			viv_strv_push(&locked, l->layers[i].requested.items[k]);
	viv_strv_uniq(&locked);
	compare_lists("packages", &locked, &packages, d, &d->removed, &d->added);
	compare_text("kernel", l->kernel ? l->kernel_requested : "", req->kernel ? req->kernel : "",
		     d, &d->kernel);
}

static int refuse(const struct viv_lock *l, const struct difference *d, struct viv_error *err)
{
	VIV_FREE char *lines = viv_strv_join(&d->lines, "\n  ");

	viv_error_say(err, ESTALE, "%s is not up to date:\n  %s", l->file ? l->file : "the lock file",
		      lines);
	viv_error_hint(err, "Run without --locked, or viv update, and commit the file.");
	return -ESTALE;
}

/* A new lock with what is known before any package is. */
static struct viv_lock *start_lock(const struct viv_deb_request *req, const struct viv_lock *old)
{
	struct viv_lock *l = viv_lock_new(old->machine);

	l->release = viv_strdup(req->source.release);
	l->architecture = viv_strdup(req->source.architecture);
	l->recommends = req->source.recommends;
	viv_resolve_copy_names(req->source.without, &l->without);
	viv_resolve_copy_names(req->source.components, &l->components);
	if (!l->components.count)
		viv_strv_push(&l->components, "main");
	json_decref(l->accounts);
	l->accounts = json_incref(old->accounts);
	json_decref(l->ids);
	l->ids = json_incref(old->ids);
	if (!req->renew)
		l->source = json_incref(old->source);
	l->rest = json_incref(old->rest);
	return l;
}

/* Indexes of packages that stay; those that nobody uses are not written. */
static void inherit_indexes(struct viv_lock *l, const struct viv_lock *old)
{
	json_object_update_missing(l->indexes, old->indexes);
}

static bool same_packages(const struct viv_lock_layer *a, const struct viv_lock_layer *b)
{
	if (!viv_streq(a->name, b->name) || a->n_packages != b->n_packages ||
	    !same_names(&a->unpack, &b->unpack) || !same_names(&a->configure, &b->configure))
		return false;
	for (size_t i = 0; i < a->n_packages; i++)
		if (!viv_streq(a->packages[i].sha256, b->packages[i].sha256))
			return false;
	return true;
}

static void merge_accounts(json_t *to, const json_t *from)
{
	static const char *const kinds[] = {"users", "groups"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++) {
		json_t *part = json_object_get(from, kinds[i]);

		if (!json_object_get(to, kinds[i]))
			json_object_set_new(to, kinds[i], json_object());
		if (part)
			json_object_update(json_object_get(to, kinds[i]), part);
	}
}

/*
 * Layers made anew get the users and groups that their forerunners gave out, so that ids stay. A
 * layer that came out the same stays what it is.
 */
static void hand_on_accounts(struct viv_lock *l, const struct viv_lock *old)
{
	for (size_t i = 0; i < l->n_layers && i < 2; i++) {
		const char *name;
		json_t *accounts;

		if (i < old->n_layers && same_packages(&l->layers[i], &old->layers[i])) {
			l->layers[i].accounts = json_incref(old->layers[i].accounts);
			continue;
		}
		if (!json_object_size(old->accounts))
			continue;
		l->layers[i].accounts = json_object();
		json_object_foreach(old->accounts, name, accounts)
			if (viv_streq(name, "base") == (i == 0))
				merge_accounts(l->layers[i].accounts, accounts);
	}
}

/* Everything from the start: a base, one layer of packages. */
static int resolve_all(struct viv_resolution *x, const struct viv_lock *old, struct viv_error *err)
{
	int r = viv_resolve_prefer(x, err);

	if (r == 0)
		r = viv_apt_read_indexes(x->apt, err);
	if (r == 0)
		r = viv_resolve_base(x, err);
	if (r == 0 && x->req->packages && x->req->packages->count)
		r = viv_resolve_packages(x, "packages", x->req->packages, err);
	if (r == 0)
		r = viv_resolve_kernel(x, err);
	if (r == 0)
		hand_on_accounts(x->lock, old);
	return r;
}

static void copy_layer(struct viv_lock *l, const struct viv_lock_layer *from)
{
	struct viv_lock_layer *to = viv_lock_add_layer(l, from->name);

	viv_strv_push_all(&to->requested, (const char *const *)from->requested.items);
	viv_strv_push_all(&to->bootstrap, (const char *const *)from->bootstrap.items);
	viv_strv_push_all(&to->unpack, (const char *const *)from->unpack.items);
	viv_strv_push_all(&to->configure, (const char *const *)from->configure.items);
	to->accounts = json_incref(from->accounts);
	for (size_t i = 0; i < from->n_packages; i++)
		viv_lock_package_copy(viv_lock_add_package(to), &from->packages[i]);
}

/* The records of all that the layers have, as apt's installed packages. ENODATA: not all are known. */
static int load_installed(struct viv_resolution *x, const struct viv_lock *old,
			  struct viv_error *err)
{
	VIV_STRV wanted = VIV_STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < old->n_layers; i++)
		viv_records_recall(&old->layers[i], &x->installed);
	for (size_t i = 0; i < old->n_layers; i++)
		for (size_t k = 0; k < old->layers[i].n_packages; k++) {
			const struct viv_lock_package *p = &old->layers[i].packages[k];

			if (viv_lock_find(old, p->name) == p &&
			    !viv_records_find(&x->installed, p->name, p->version))
				viv_strv_pushf(&wanted, "%s=%s", p->name, p->version);
		}
	r = viv_records_load(x->apt, &wanted, &x->installed, err);
	return r;
}

/* An older version that a higher layer replaced is not what is installed. */
static int drop_replaced(struct viv_resolution *x, const struct viv_lock *old)
{
	size_t n = 0, known = 0;

	for (size_t i = 0; i < x->installed.n; i++) {
		struct viv_record r = x->installed.items[i];
		const struct viv_lock_package *p = viv_lock_find(old, r.name);

		if (p && viv_streq(p->version, r.version)) {
			x->installed.items[n++] = r;
			continue;
		}
		free(r.name);
		free(r.version);
		free(r.text);
	}
	x->installed.n = n;
	for (size_t i = 0; i < old->n_layers; i++)
		for (size_t k = 0; k < old->layers[i].n_packages; k++) {
			const struct viv_lock_package *p = &old->layers[i].packages[k];

			known += viv_lock_find(old, p->name) == p;
		}
	return n >= known ? 0 : -ENODATA;
}

/* One more layer on top of those that are there. */
static int resolve_more(struct viv_resolution *x, const struct viv_lock *old,
			const struct difference *d, struct viv_error *err)
{
	VIV_FREE char *name = old->n_layers == 1 ? viv_strdup("packages")
						 : viv_asprintf("packages-%zu", old->n_layers);
	int r = viv_resolve_forget(x->apt, err);

	if (r == 0)
		r = viv_apt_read_indexes(x->apt, err);
	if (r == 0)
		r = load_installed(x, old, err);
	if (r == 0)
		r = drop_replaced(x, old);
	if (r < 0)
		return r;
	for (size_t i = 0; i < old->n_layers; i++)
		copy_layer(x->lock, &old->layers[i]);
	if (d->added.count)
		r = viv_resolve_packages(x, name, &d->added, err);
	if (r == 0 && d->kernel)
		return viv_resolve_kernel(x, err);
	if (r == 0 && old->kernel) {
		x->lock->kernel = viv_new(struct viv_lock_package);
		viv_lock_package_copy(x->lock->kernel, old->kernel);
		x->lock->kernel_requested = viv_strdup(old->kernel_requested);
	}
	return r;
}

static int resolve_once(const struct viv_deb_request *req, struct viv_apt *apt,
			const struct viv_lock *old, const struct difference *d, bool clean,
			struct viv_lock **ret, struct viv_error *err)
{
	struct viv_resolution x = {.req = req, .apt = apt, .lock = start_lock(req, old)};
	int r = clean ? 0 : resolve_more(&x, old, d, err);

	if (r == -ENODATA) { /* a record is lost: the versions can still be kept */
		viv_lock_free(x.lock);
		x.lock = start_lock(req, old);
		json_decref(viv_steal(x.index_names));
		viv_records_free(&x.installed);
		clean = true;
		r = 0;
	}
	if (r == 0 && clean && !req->renew)
		r = viv_lock_everything(old, req->source.release, req->source.architecture,
					&x.prefer, err);
	if (r == 0 && clean)
		r = resolve_all(&x, old, err);
	inherit_indexes(x.lock, old);
	json_decref(x.index_names);
	viv_records_free(&x.installed);
	viv_lock_layer_clear(&x.prefer);
	if (r == 0)
		*ret = x.lock;
	else
		viv_lock_free(x.lock);
	return r;
}

static int resolve(const struct viv_deb_request *req, const struct viv_lock *old,
		   const struct difference *d, bool clean, struct viv_report *report,
		   struct viv_lock **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_apt_closep) struct viv_apt *apt = NULL;
	VIV_ERROR first = VIV_ERROR_INIT;
	bool updated = false;
	int r = viv_apt_open(&req->source, true, report, &apt, err);

	if (r < 0)
		return r;
	apt->whose = req->whose;
	apt->whose_data = req->whose_data;
	if (req->renew || !viv_apt_has_indexes(apt, FRESH_SECONDS)) {
		r = viv_apt_update(apt, report, &first);
		/* Old indexes are good enough where the mirror is down, unless new ones are asked for. */
		if (r < 0 && (req->renew || !viv_apt_has_indexes(apt, 0) || r != -ENETUNREACH))
			return viv_error_move(err, &first);
		if (r < 0)
			viv_say(report, VIV_WARNING, "going on with older package lists: %s", first.msg);
		viv_error_clear(&first);
		updated = true;
	}
	viv_task_begin(report, 0, "resolving packages");
	r = resolve_once(req, apt, old, d, clean, ret, &first);
	viv_task_end(report, r == 0);
	if (r == -ENOENT && !updated && viv_apt_update(apt, report, NULL) == 0) {
		viv_error_clear(&first);
		r = resolve_once(req, apt, old, d, clean, ret, &first);
	}
	viv_resolve_forget(apt, NULL);
	return r < 0 ? viv_error_move(err, &first) : 0;
}

/* What it wants is what the other one has. */
static struct viv_lock *take_over(const struct viv_deb_request *req, const struct viv_lock *old, const struct viv_lock *other)
{
	struct viv_lock *l = start_lock(req, old);

	inherit_indexes(l, other);
	for (size_t i = 0; i < other->n_layers; i++)
		copy_layer(l, &other->layers[i]);
	if (other->kernel) {
		l->kernel = viv_new(struct viv_lock_package);
		viv_lock_package_copy(l->kernel, other->kernel);
		l->kernel_requested = viv_strdup(other->kernel_requested);
	}
	if (!old->n_layers) { /* then the layers are one, too */
		json_decref(l->accounts);
		l->accounts = json_incref(other->accounts);
		return l;
	}
	for (size_t i = 0; i < l->n_layers; i++)
		json_decref(viv_steal(l->layers[i].accounts));
	hand_on_accounts(l, old);
	return l;
}

/*
 * Machines of a test file mostly want the same: then apt is asked once. What has had packages added layer by layer is not
 * what would come of asking.
 */
static struct viv_lock *find_same(const struct viv_deb_request *req, const struct viv_lock *old)
{
	VIV_STRV names = VIV_STRV_INIT;

	viv_json_keys(json_object_get(old->rest, "machines"), &names);
	for (size_t i = 0; i < names.count && (req->renew ? req->renewed != NULL : !old->n_layers); i++) {
		VIV_CLEANUP(viv_lock_freep) struct viv_lock *other = NULL;
		VIV_CLEANUP(difference_clear) struct difference d = {0};
		const char *name = names.items[i];

		if (viv_streq(name, old->machine) || strchr(name, '#') || (req->renew && !viv_strv_has(req->renewed, name)) ||
		    viv_lock_other(old, name, &other, NULL) < 0)
			continue;
		compare(other, req, &d);
		if (!d.lines.count && other->n_layers <= 2)
			return take_over(req, old, other);
	}
	return NULL;
}

static int check_request(const struct viv_deb_request *req, struct viv_error *err)
{
	int r = viv_resolve_check_names(req->base, err);

	if (r == 0)
		r = viv_resolve_check_names(req->packages, err);
	if (r == 0 && req->kernel) {
		struct viv_strv one = {(char *[]){(char *)req->kernel, NULL}, 1, 0};

		r = viv_resolve_check_names(&one, err);
	}
	return r;
}

int viv_deb_resolve(const struct viv_deb_request *req, struct viv_report *report,
		    struct viv_lock **ret, struct viv_error *err)
{
	const char *machine = req->machine ? req->machine : "default";
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *old = NULL, *now = NULL;
	VIV_CLEANUP(difference_clear) struct difference d = {0};
	bool clean;
	int r = viv_lock_read(req->lock_file, machine, &old, err);

	if (r < 0)
		return r;
	compare(old, req, &d);
	clean = d.everything || d.removed || req->renew || (req->flatten && old->n_layers > 2) ||
		(d.added.count && old->n_layers >= LAYERS_KEPT);
	if (!clean && !d.added.count && !d.kernel && !d.without) {
		*ret = viv_steal(old);
		return 0;
	}
	if (req->locked) {
		if (!d.lines.count)
			viv_strv_push(&d.lines, "it was to be renewed");
		return refuse(old, &d, err);
	}
	r = check_request(req, err);
	/* The packages are the same: there is nothing to be asked. */
	if (r == 0 && !clean && !d.added.count && !d.kernel) {
		viv_strv_free(&old->without);
		viv_resolve_copy_names(req->source.without, &old->without);
		r = viv_lock_write(old, req->lock_file, err);
		if (r == 0)
			*ret = viv_steal(old);
		return r;
	}
	if (r == 0 && !clean && !d.without && d.added.count)
		viv_deb_ahead_start(req->ahead, &req->source, old);
	if (r == 0)
		now = find_same(req, old);
	if (r == 0 && !now)
		r = resolve(req, old, &d, clean, report, &now, err);
	if (r == 0)
		r = viv_lock_write(now, req->lock_file, err);
	if (r == 0)
		*ret = viv_steal(now);
	return r;
}
