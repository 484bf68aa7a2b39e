/* SPDX-License-Identifier: MIT */
#include "source/private.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/layer.h"

/* What a package is built in: a machine of its own in the lock file, with its build dependencies. */

static const char common[] = "build-essential";

static char *root_name(const struct viv_source_job *j)
{
	return viv_asprintf("%s#%s", j->set->req.machine, j->name);
}

static bool fits_version(const struct viv_source_job *j, const json_t *record)
{
	const char *wanted = json_object_get(j->entry, "src") ? NULL : viv_json_str(j->entry, "version");

	return !wanted || (viv_json_str(record, "version") && viv_streq(viv_json_str(record, "version"), wanted));
}

/* Another release's is none of this one's, as with packages (deb/lock.h). */
static bool is_of_release(const struct viv_lock *old, const struct viv_source_request *req)
{
	return viv_streq(old->release ? old->release : "", req->source.release) &&
	       viv_streq(old->architecture ? old->architecture : "", req->source.architecture);
}

/* Debian's source: needed without an own one; else its build dependencies are good to have. */
static int find_debian(struct viv_source_job *j, const struct viv_lock *old, struct viv_report *report,
		       struct viv_error *err)
{
	const struct viv_source_request *req = &j->set->req;
	bool needed = !json_object_get(j->entry, "src");
	int r;

	if (!json_is_true(json_object_get(j->entry, "debian"))) {
		j->debian = json_object();
		return 0;
	}
	if (old->source && !req->renew && is_of_release(old, req) && fits_version(j, old->source) &&
	    (!needed || json_object_size(old->source))) {
		j->debian = json_incref(old->source);
		return 0;
	}
	if (req->locked)
		return viv_error_say(err, ESTALE, "%s does not record the source of %s\n"
				     "a build without --locked adds it", req->lock_file, j->name);
	r = viv_deb_source_find(&req->source, j->name, needed ? viv_json_str(j->entry, "version") : NULL,
				report, &j->debian, err);
	if (r == -ENOENT && !needed && !j->debian) {
		viv_error_clear(err);
		j->debian = json_object();
		r = 0;
	}
	return r;
}

static void add_names(const json_t *list, struct viv_strv *to)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)list, i, v)
		if (json_is_string(v))
			viv_strv_push(to, json_string_value(v));
}

/* Of a tree with a debian folder its own say. */
static void add_control(const struct viv_source_job *j, struct viv_strv *to)
{
	VIV_FREE char *path = j->tree.path ? viv_path_join(j->tree.path, "debian/control") : NULL;
	VIV_STR text = VIV_STR_INIT;

	if (path && viv_read_file(path, 1 << 20, &text, NULL) == 0 && text.data)
		viv_deb_build_depends(text.data, j->set->req.source.architecture, to);
}

/* Names for apt; those that are from source themselves are built and go on top. */
static int list_inputs(struct viv_source_job *j, struct viv_strv *ret, struct viv_strv *ret_local,
		       struct viv_report *report, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;

	viv_strv_push(ret, common);
	add_names(json_object_get(j->debian, "buildDepends"), ret);
	if (j->style == VIV_STYLE_DEBIAN)
		add_control(j, ret);
	viv_source_style_inputs(j->style, ret);
	if (viv_source_is_module(j) && !j->set->req.kernel_release)
		return viv_error_say(err, EINVAL, "it is in boot.extraModulePackages, and so can be nothing else's: its "
				     "modules get into the machine, and no other file of it");
	if (viv_source_is_module(j))
		viv_strv_pushf(ret, "linux-headers-%s=%s", j->set->req.kernel_release, j->set->req.kernel_version);
	add_names(json_object_get(j->entry, "buildInputs"), &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *name;
		int r;

		if (!viv_source_entry(j->set, names.items[i], &name)) {
			viv_strv_push(ret, name);
			continue;
		}
		r = viv_source_build(j->set, names.items[i], report, err);
		if (r < 0)
			return r;
		viv_strv_push(ret_local, name);
	}
	viv_source_depends(j->set, ret_local, NULL, ret);
	viv_strv_uniq(ret);
	return 0;
}

static int resolve(struct viv_source_job *j, const struct viv_lock *old, const char *machine,
		   const struct viv_strv *names, struct viv_report *report, struct viv_error *err)
{
	const struct viv_source_request *req = &j->set->req;
	const char *just_common[] = {common, NULL};
	struct viv_strv first = {(char **)just_common, 1, 0}, none = VIV_STRV_INIT;
	struct viv_deb_request deb = {.source = req->source, .base = &none, .packages = &first,
				      .lock_file = req->lock_file, .locked = req->locked,
				      .renew = req->renew, .machine = machine};
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
	int r = 0;

	deb.source.recommends = false;
	/* The compiler and its like are a layer that all build roots share. */
	if (!req->locked && (!old->n_layers || !is_of_release(old, req) || req->renew)) {
		r = viv_deb_resolve(&deb, report, &l, err);
		deb.renew = false;
	}
	deb.packages = names;
	return r < 0 ? r : viv_deb_resolve(&deb, report, &j->lock, err);
}

static int record_source(struct viv_source_job *j, struct viv_error *err)
{
	const struct viv_source_request *req = &j->set->req;

	if (json_equal(j->lock->source, j->debian) || (!j->lock->source && !json_object_size(j->debian) &&
						       !json_is_true(json_object_get(j->entry, "debian"))))
		return 0;
	json_decref(j->lock->source);
	j->lock->source = json_incref(j->debian);
	return viv_lock_write(j->lock, req->lock_file, err);
}

int viv_source_make_root(struct viv_source_job *j, struct viv_report *report, struct viv_error *err)
{
	const struct viv_source_request *req = &j->set->req;
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *old = NULL;
	VIV_STRV local = VIV_STRV_INIT;
	VIV_FREE char *machine = root_name(j);
	int r = viv_lock_read(req->lock_file, machine, &old, err);

	if (r == 0)
		r = find_debian(j, old, report, err);
	if (r == 0)
		r = list_inputs(j, &j->build_inputs, &local, report, err);
	if (r == 0)
		r = resolve(j, old, machine, &j->build_inputs, report, err);
	if (r == 0)
		r = record_source(j, err);
	if (r < 0)
		return r;
	if (local.count)
		viv_source_add_layer(j->set, &local, j->lock);
	return viv_deb_plan(req->store, j->lock, &j->root, err);
}
