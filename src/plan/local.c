/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

/*
 * Packages from source among a machine's: they are built before apt resolves it, as it must know what they
 * depend on. A name that overlays change is looked for centrally, here: wherever an option names it, and
 * where another package brings it along.
 */

#define ROUNDS_MAX 20

/* "name" of "name=version". */
static char *bare(const char *name)
{
	return viv_strndup(name, strcspn(name, "="));
}

static void want(struct viv_plan *p, const char *name)
{
	if (!viv_strv_has(&p->local, name))
		viv_strv_push(&p->local, name);
}

static int check_kernel(struct viv_plan *p, struct viv_error *err)
{
	VIV_FREE char *name = p->kernel_package ? bare(p->kernel_package) : NULL;
	const char *package;
	const json_t *e = name ? viv_source_entry(p->from_source, name, &package) : NULL;

	if (e)
		return viv_error_say(err, EOPNOTSUPP, "%s: %s: a kernel's package can't be built from source",
				     viv_json_str(e, "place"), name);
	if (name && !viv_streq(package, name)) {
		free(p->kernel_package);
		p->request.kernel = p->kernel_package = viv_strdup(package);
	}
	return 0;
}

/* Two names that are one package must be it in the same way. */
static int check_same(struct viv_plan *p, const char *name, const char *package, struct viv_error *err)
{
	const char *other;
	const json_t *mine = viv_source_entry(p->from_source, name, &other);
	const json_t *its = viv_source_entry(p->from_source, package, &other);

	if (viv_streq(name, package) || !its || json_equal(mine, its))
		return 0;
	return viv_error_say(err, EEXIST, "%s: %s is the package %s, which is overridden in another way in %s: "
			     "a machine has it once", viv_json_str(mine, "place"), name, package,
			     viv_json_str(its, "place"));
}

/*
 * Takes the names that are from source off the list; other names for Debian's packages become these. The base
 * keeps Debian's: the other one goes on top.
 */
static int take_names(struct viv_plan *p, struct viv_strv *list, bool base, struct viv_report *report,
		      struct viv_error *err)
{
	VIV_STRV rest = VIV_STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++) {
		VIV_FREE char *name = bare(list->items[i]);
		const char *package;
		const json_t *e = viv_source_entry(p->from_source, name, &package);

		if (e) {
			r = check_same(p, name, package, err);
			if (r == 0)
				r = viv_source_build(p->from_source, name, report, err);
			want(p, package);
		}
		if (!e || (base && json_is_true(json_object_get(e, "debian"))))
			viv_strv_push(&rest, viv_streq(package, name) ? list->items[i] : package);
	}
	viv_strv_free(list);
	*list = rest;
	rest = VIV_STRV_INIT;
	return r;
}

/* Those that are in the layers as Debian has them. *ret_more: there are any that were not built before. */
static int take_layers(struct viv_plan *p, const struct viv_lock *lock, bool *ret_more,
		       struct viv_report *report, struct viv_error *err)
{
	const json_t *all = viv_config_find(p->config, "packages.fromSource");
	VIV_STRV names = VIV_STRV_INIT;
	int r = 0;

	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count && r == 0; i++) {
		const char *package;
		const json_t *e = viv_source_entry(p->from_source, names.items[i], &package);

		if (!e || !viv_streq(package, names.items[i]) || viv_strv_has(&p->local, package) ||
		    !viv_lock_find(lock, package))
			continue;
		want(p, package);
		*ret_more = true;
		r = viv_source_build(p->from_source, package, report, err);
	}
	return r;
}

static int resolve_with(struct viv_plan *p, struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *old = NULL;
	VIV_STRV asked = VIV_STRV_INIT;
	bool more = false;
	int r = viv_plan_read_lock(p->config, &old, err);

	viv_strv_push_all(&asked, (const char *const *)(p->packages.items ? p->packages.items
									  : (char *[]){NULL}));
	/* What was there last time is taken at once, so that the lock file comes out the same. */
	if (r == 0 && old->n_layers && !p->request.renew)
		r = take_layers(p, old, &more, report, err);
	for (int round = 0; r == 0 && round < ROUNDS_MAX; round++) {
		viv_strv_free(&p->packages);
		if (asked.count)
			viv_strv_push_all(&p->packages, (const char *const *)asked.items);
		viv_source_depends(p->from_source, &p->local, p->lock ? p->lock : old, &p->packages);
		viv_strv_uniq(&p->packages);
		viv_lock_free(viv_steal(p->lock));
		r = viv_deb_resolve(&p->request, report, &p->lock, err);
		p->request.renew = false;
		more = false;
		if (r == 0)
			r = take_layers(p, p->lock, &more, report, err);
		if (!more)
			break;
	}
	return r;
}

int viv_local_resolve(struct viv_plan *p, struct viv_report *report, struct viv_error *err)
{
	const json_t *packages = viv_config_find(p->config, "packages.fromSource");
	const struct viv_source_request req = {
		.store = p->store, .source = p->request.source, .lock_file = p->lock_file,
		.machine = p->machine, .locked = p->request.locked, .renew = p->request.renew,
		.packages = packages, .modules = &p->module_names,
		.quiet_limit_ms = 1000 * (int)viv_config_int(p->config, "packages.buildTimeout"),
	};
	int r;

	if (!json_object_size(packages))
		return viv_deb_resolve(&p->request, report, &p->lock, err);
	p->from_source = viv_source_set_new(&req);
	r = check_kernel(p, err);
	if (r == 0)
		r = take_names(p, &p->base, true, report, err);
	if (r == 0)
		r = take_names(p, &p->packages, false, report, err);
	return r == 0 ? resolve_with(p, report, err) : r;
}

void viv_local_add_layer(struct viv_plan *p)
{
	if (p->from_source)
		viv_source_add_layer(p->from_source, &p->local, p->lock);
}
