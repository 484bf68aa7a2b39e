/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

#include "base/path.h"
#include "base/worker.h"
#include "deb/layer.h"
#include "image/erofs.h"
#include "kernel/kernel.h"
#include "plan/area.h"
#include "plan/needs.h"
#include "plan/units.h"
#include "plan/unit_verify.h"
#include "plan/whose.h"
#include "sandbox/sandbox.h"

#include <sys/stat.h>
#include <unistd.h>

static char *object_file(const struct viv_plan *p, const char *id, const char *file)
{
	VIV_FREE char *object = viv_store_object_path(p->store, id);

	return viv_path_join(object, file);
}

static int differs(const struct viv_step *s, const char *key, const char *hash, struct viv_error *err)
{
	const char *was = viv_json_str(s->recipe, key);

	return was && !viv_streq(was, hash)
		       ? viv_error_say(err, EAGAIN, "the kernel or its modules changed while they were read: try again")
		       : 0;
}

/* The id says what the user's files were when it was made: it is not that of what they became meanwhile. */
static int check_same(const struct viv_plan *p, const struct viv_step *s, struct viv_error *err)
{
	char source[VIV_SHA256_HEX] = "", extra[VIV_SHA256_HEX];
	int r = viv_plan_kernel_is_source(p) ? viv_kernel_source_hash(&p->kernel_source, source, err) : 0;

	if (r == 0)
		r = differs(s, "source", source, err);
	if (r == 0)
		r = viv_kernel_modules_hash(&p->extra_modules, extra, err);
	return r == 0 ? differs(s, "extraModules", extra, err) : r;
}

int viv_build_kernel(struct viv_plan *p, const struct viv_step *s, const char *dest,
		     struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(viv_kernel_modules_free_contents) struct viv_kernel_modules extra = {0};
	VIV_FREE char *deb = NULL, *unpacked = viv_path_join(dest, "packages");
	int r = viv_plan_unpack_modules(p, unpacked, &extra, err);

	if (r < 0)
		return r;
	if (!viv_plan_kernel_is_source(p)) {
		deb = viv_store_object_path(p->store, p->own_kernel.wanted ? p->own_kernel.deb : p->deb.kernel_deb);
		r = viv_kernel_unpack(deb, &extra, dest, report, err);
	} else {
		r = viv_kernel_assemble(&p->kernel_source, &extra, dest, report, err);
	}
	if (r == 0)
		r = viv_remove_tree(unpacked, err);
	return r == 0 ? check_same(p, s, err) : r;
}

/*
 * Inside the sandbox, where the files belong to root and stand where they will in the guest. Objects in
 * the store have the time 1; the folders above them get it, too.
 */
static int write_modules(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			 struct viv_str *result, struct viv_error *err)
{
	const char *name = arg;
	VIV_FREE char *tree = viv_path_join(view->scratch, "tree");
	VIV_FREE char *out = viv_asprintf("%s/out/%s", view->scratch, name);

	return viv_erofs_write(tree, out, 1, name, false, err);
}

int viv_build_modules(struct viv_plan *p, const struct viv_step *s, const char *dest,
		      struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *modules = object_file(p, p->steps[VIV_STEP_KERNEL].id, "modules");
	VIV_FREE char *facts = object_file(p, p->steps[VIV_STEP_KERNEL].id, "kernel.json");
	VIV_FREE char *folder = viv_path_dir(dest), *name = NULL;
	VIV_JSON *kernel = NULL;
	struct viv_sandbox_bind binds[2] = {{.host = folder, .name = "out", .writable = true}};
	struct viv_sandbox_spec spec = {.binds = binds, .n_binds = 2, .scratch_size = 1 << 20};
	int r = viv_json_read_file(facts, 1 << 20, &kernel, err);

	if (r < 0)
		return r;
	name = viv_asprintf("tree/usr/lib/modules/%s", viv_json_str(kernel, "version"));
	binds[1] = (struct viv_sandbox_bind){.host = modules, .name = name};
	return viv_sandbox_call(&spec, write_modules, (void *)viv_path_base(dest), report, NULL, err);
}

int viv_build_initrd(struct viv_plan *p, const struct viv_step *s, const char *dest,
		     struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *kernel = viv_store_object_path(p->store, p->steps[VIV_STEP_KERNEL].id);
	struct viv_initrd_spec spec = {
		.kernel_dir = kernel,
		.init = p->init_program,
		.agent = p->agent_program,
		.init_sha256 = viv_json_str(s->recipe, "init"),
		.agent_sha256 = viv_json_str(s->recipe, "agent"),
		.modules = &p->initrd_modules,
		.optional = &p->initrd_optional,
		.crash_modules = p->crash_modules.count ? &p->crash_modules : NULL,
	};

	int r = viv_initrd_write(&spec, dest, err);

	return r == -ENOENT ? viv_whose_module(p->config, err) : r;
}

/* By the systemd of the lowest layer: it stands nowhere else. */
static int verify_units(struct viv_plan *p, struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *checker = NULL;
	int r;

	if (!viv_uses_systemd(p->config) || !viv_units_any_users(&p->etc))
		return 0;
	r = viv_unit_checker(p->store, p->deb.layers[0].id, report, &checker, err);
	return r < 0 ? r : viv_units_verify(&p->etc, p->config, checker, err);
}

int viv_build_made(struct viv_plan *p, const struct viv_step *s, const char *dest,
		   struct viv_report *report, struct viv_error *err)
{
	VIV_STRV layers = VIV_STRV_INIT;
	VIV_JSON *info = NULL;
	uint64_t epoch = 0;
	int r;

	for (size_t i = 0; i < p->deb.n_layers; i++)
		viv_strv_take(&layers, viv_store_object_path(p->store, p->deb.layers[i].id));
	r = viv_layer_read_info(layers.items[layers.count - 1], &info, err);
	if (r == 0 && !viv_json_u64(info, "epoch", INT64_MAX, &epoch))
		r = viv_error_say(err, EINVAL, "%s has no epoch", layers.items[layers.count - 1]);
	return r < 0 ? r : viv_commands_run(&p->commands, &p->etc, p->config, &layers, dest, (int64_t)epoch,
					    report, err);
}

/* Takes the layers into account: their accounts, units and folders. */
static int finish_etc(struct viv_plan *p, const char *top, struct viv_error *err)
{
	VIV_CLEANUP(viv_manifests_free) struct viv_manifests m = {0};
	VIV_STRV layers = VIV_STRV_INIT;
	VIV_JSON *below = NULL;
	int r = viv_layer_read_accounts(top, &below, err);

	for (size_t i = 0; i < p->deb.n_layers; i++)
		viv_strv_take(&layers, viv_store_object_path(p->store, p->deb.layers[i].id));
	if (r == 0)
		r = viv_manifests_read(&layers, &m, err);
	if (r == 0)
		r = viv_plan_finish_etc(p, below, &m, err);
	return r < 0 ? r : viv_units_check(&p->etc, p->config, true, err);
}

int viv_build_etc(struct viv_plan *p, const struct viv_step *s, const char *dest,
		  struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *top =
		viv_store_object_path(p->store, p->deb.layers[p->deb.n_layers - 1].id);
	VIV_JSON *info = NULL;
	uint64_t epoch = 0;
	int r = viv_layer_read_info(top, &info, err);

	if (r == 0 && !viv_json_u64(info, "epoch", INT64_MAX, &epoch))
		r = viv_error_say(err, EINVAL, "%s has no epoch", top);
	if (r == 0)
		r = finish_etc(p, top, err);
	if (r == 0)
		r = verify_units(p, report, err);
	if (r < 0)
		return r;
	r = viv_etc_write(&p->etc, dest, (int64_t)epoch, err);
	return r < 0 ? viv_error_context(err, "building etc") : 0;
}

static char *kernel_file(const struct viv_plan *p)
{
	VIV_FREE char *vmlinux = object_file(p, p->steps[VIV_STEP_KERNEL].id, "vmlinux");

	if (access(vmlinux, R_OK) == 0)
		return viv_steal(vmlinux);
	return object_file(p, p->steps[VIV_STEP_KERNEL].id, "bzImage");
}

static int link_to(const char *folder, const char *name, const char *id, const char *file,
		   struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(folder, name);
	VIV_FREE char *target = viv_asprintf("../%s%s%s", id, file ? "/" : "", file ? file : "");

	if (symlink(target, path) < 0)
		return viv_error_set(err, errno, "%s", path);
	return 0;
}

/* Not of a kernel that was given as a vmlinux. */
static int link_to_image(const struct viv_plan *p, const char *dest, struct viv_error *err)
{
	VIV_FREE char *image = object_file(p, p->steps[VIV_STEP_KERNEL].id, "bzImage");

	return viv_exists(image) ? link_to(dest, "bzImage", p->steps[VIV_STEP_KERNEL].id, "bzImage", err) : 0;
}

/* kernel, initrd, system.json, and the layers as links into the store, for a look from outside. */
int viv_build_system(struct viv_plan *p, const struct viv_step *s, const char *dest,
		     struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *json = viv_path_join(dest, "system.json");
	VIV_FREE char *kernel = kernel_file(p);
	unsigned n = 0;
	int r = mkdir(dest, 0755) < 0 ? viv_error_set(err, errno, "%s", dest) : 0;

	if (r == 0)
		r = link_to(dest, "kernel", p->steps[VIV_STEP_KERNEL].id, viv_path_base(kernel), err);
	if (r == 0)
		r = link_to_image(p, dest, err);
	if (r == 0)
		r = link_to(dest, "initrd", p->steps[VIV_STEP_INITRD].id, NULL, err);
	for (size_t i = 0; r == 0 && i < p->deb.n_layers; i++) {
		VIV_FREE char *name = viv_asprintf("layer-%u-%s", n++, p->deb.layers[i].name);

		r = link_to(dest, name, p->deb.layers[i].id, VIV_LAYER_IMAGE, err);
	}
	for (size_t i = VIV_STEP_MODULES; r == 0 && i <= VIV_STEP_ETC; i++) {
		VIV_FREE char *name = viv_asprintf("layer-%u-%s", n, p->steps[i].name);

		if (i == VIV_STEP_INITRD || !p->steps[i].id)
			continue;
		n++;
		r = link_to(dest, name, p->steps[i].id, NULL, err);
	}
	return r < 0 ? r : viv_json_write_file(json, s->recipe, 0644, err);
}

static int build_step(struct viv_plan *p, const struct viv_step *s, struct viv_report *report,
		      struct viv_error *err)
{
	struct viv_store_build *b;
	int r;

	if (!s->id || viv_store_has(p->store, s->id))
		return 0;
	r = viv_store_begin(p->store, s->id, report, &b, err);
	if (r != 0)
		return r < 0 ? r : 0;
	viv_task_begin(report, 0, "building %s", s->name);
	r = s->build(p, s, viv_store_build_path(b), report, err);
	r = viv_store_end(b, r, s->recipe, &s->refs, err);
	viv_task_end(report, r == 0);
	/* What is wrong with these is an option's fault, and begins with its place. */
	if (r < 0 && s != &p->steps[VIV_STEP_ETC] && s != &p->steps[VIV_STEP_MADE])
		return viv_error_context(err, "building %s", s->name);
	return r;
}

/* NULL: this kernel has no such thing. */
static char *kernel_part(const struct viv_plan *p, const char *name)
{
	VIV_FREE char *path = object_file(p, p->steps[VIV_STEP_KERNEL].id, name);

	return viv_exists(path) ? viv_steal(path) : NULL;
}

static void describe_system(const struct viv_plan *p, struct viv_system *ret)
{
	struct viv_system sys = {
		.id = viv_strdup(p->steps[VIV_STEP_SYSTEM].id),
		.kernel = kernel_file(p),
		.kernel_config = kernel_part(p, "config"),
		.bzimage = kernel_part(p, "bzImage"),
		.initrd = viv_store_object_path(p->store, p->steps[VIV_STEP_INITRD].id),
		.init = viv_strdup(viv_config_string(p->config, "system.init")),
	};

	for (size_t i = 0; i < p->deb.n_layers; i++)
		viv_strv_take(&sys.layers,
			      object_file(p, p->deb.layers[i].id, VIV_LAYER_IMAGE));
	for (size_t i = VIV_STEP_MODULES; i <= VIV_STEP_MADE; i++)
		if (i != VIV_STEP_INITRD && p->steps[i].id)
			viv_strv_take(&sys.layers, viv_store_object_path(p->store, p->steps[i].id));
	viv_strv_take(&sys.layers, viv_store_object_path(p->store, p->steps[VIV_STEP_ETC].id));
	viv_strv_push_all(&sys.kernel_params, (const char *const *)p->kernel_params.items);
	viv_deb_guest_mirrors(&p->request.source, &sys.mirrors);
	*ret = sys;
}

static int build_steps(struct viv_plan *p, enum viv_step_index from, enum viv_step_index to,
		       struct viv_report *report, struct viv_error *err)
{
	int r = 0;

	for (size_t i = from; r == 0 && i <= to; i++)
		r = build_step(p, &p->steps[i], report, err);
	return r;
}

/* The kernel's side: its .deb, vmlinux, modules, initrd. Nothing of it needs the packages. */
static int build_kernel_side(void *arg, struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *store = NULL;
	struct viv_plan *p = arg;
	struct viv_deb_plan deb = {.kernel_deb = p->deb.kernel_deb,
				   .kernel_version = p->deb.kernel_version};
	int r = 0;

	/* In a worker: the locks of the parent's store are not ours. */
	if (p->parallel) {
		r = viv_store_open(viv_store_root(p->store), &store, err);
		p->store = store;
	}
	if (r == 0 && p->own_kernel.wanted && !viv_store_has(p->store, p->steps[VIV_STEP_KERNEL].id))
		r = viv_plan_build_own_kernel(p, report, err);
	else if (r == 0 && p->kernel_package && !viv_store_has(p->store, p->steps[VIV_STEP_KERNEL].id) &&
		 !viv_store_has(p->store, deb.kernel_deb))
		r = viv_deb_build(p->store, &p->request.source, p->lock, &deb,
				  p->parallel ? NULL : report, err); /* the layers' side talks */
	if (r == 0)
		r = build_steps(p, VIV_STEP_KERNEL, VIV_STEP_KERNEL, report, err);
	if (r == 0)
		r = viv_kernel_check_needs(p, report, err);
	return r < 0 ? r : build_steps(p, VIV_STEP_KERNEL + 1, VIV_STEP_INITRD, report, err);
}

static bool kernel_side_is_built(const struct viv_plan *p)
{
	for (size_t i = VIV_STEP_KERNEL; i <= VIV_STEP_INITRD; i++)
		if (p->steps[i].id && !viv_store_has(p->store, p->steps[i].id))
			return false;
	return true;
}

static bool layers_are_built(const struct viv_plan *p)
{
	for (size_t i = 0; i < p->deb.n_layers; i++)
		if (!viv_store_has(p->store, p->deb.layers[i].id))
			return false;
	return true;
}

static int build_layers(struct viv_plan *p, struct viv_report *report, struct viv_error *err)
{
	struct viv_deb_plan deb = {.layers = p->deb.layers, .n_layers = p->deb.n_layers,
				   .ahead = p->ahead};

	if (layers_are_built(p))
		return 0;
	return viv_deb_build(p->store, &p->request.source, p->lock, &deb, report, err);
}

/* Both sides at once where both have work, then what stands on both. */
static int build_all(struct viv_plan *p, struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(viv_worker_killp) struct viv_worker *kernel_side = NULL;
	int r = 0;

	/* What compiles for an hour is shown, and has what memory there is: it waits for the packages. */
	if (p->own_kernel.wanted)
		r = build_layers(p, report, err);
	p->parallel = !kernel_side_is_built(p) && !layers_are_built(p);
	if (r < 0)
		return r;
	if (p->parallel)
		r = viv_worker_start(build_kernel_side, p, &kernel_side, err);
	else
		r = build_kernel_side(p, report, err);
	if (r == 0)
		r = build_layers(p, report, err);
	if (r == 0 && kernel_side)
		r = viv_worker_wait(viv_steal(kernel_side), report, err);
	return r < 0 ? r : build_steps(p, VIV_STEP_MADE, VIV_STEP_SYSTEM, report, err);
}

/* What the layers that are not there will be made of. */
static void add_ingredients(const struct viv_plan *p, struct viv_strv *ids)
{
	for (size_t i = 0; i < p->deb.n_layers; i++) {
		const struct viv_lock_layer *l = &p->lock->layers[i];

		if (viv_store_has(p->store, p->deb.layers[i].id))
			continue;
		for (size_t k = 0; k < l->n_packages; k++) {
			viv_strv_take(ids, viv_import_id(&l->packages[k]));
			viv_strv_take(ids, viv_archive_id(&l->packages[k]));
		}
	}
	if (p->kernel_package && !viv_store_has(p->store, p->steps[VIV_STEP_KERNEL].id))
		viv_strv_push(ids, p->deb.kernel_deb);
	if (p->own_kernel.wanted && !viv_store_has(p->store, p->steps[VIV_STEP_KERNEL].id))
		viv_strv_push(ids, viv_source_kernel_id(p->own_kernel.source));
}

int viv_plan_build(struct viv_plan *p, struct viv_report *report, struct viv_system *ret,
		   struct viv_error *err)
{
	VIV_STRV ids = VIV_STRV_INIT;
	int r;

	for (size_t i = 0; i < VIV_N_STEPS; i++)
		if (p->steps[i].id)
			viv_strv_push(&ids, p->steps[i].id);
	for (size_t i = 0; i < p->deb.n_layers; i++)
		viv_strv_push(&ids, p->deb.layers[i].id);
	add_ingredients(p, &ids);
	/* Damage is found before it is used, and then built again. */
	r = viv_store_mend(p->store, &ids, report, err);
	if (r >= 0)
		r = viv_store_has_closure(p->store, p->steps[VIV_STEP_SYSTEM].id) ? viv_kernel_check_needs(p, report, err)
										 : build_all(p, report, err);
	viv_deb_ahead_free(viv_steal(p->ahead));
	if (r < 0)
		return viv_store_explain(p->store, r, err);
	if (!p->request.locked)
		viv_deb_record_accounts(p->store, p->lock, &p->deb, report);
	describe_system(p, ret);
	return 0;
}

void viv_system_free_contents(struct viv_system *s)
{
	free(s->id);
	free(s->kernel);
	free(s->bzimage);
	free(s->kernel_config);
	free(s->initrd);
	free(s->init);
	viv_strv_free(&s->layers);
	viv_strv_free(&s->kernel_params);
	viv_strv_free(&s->mirrors);
	*s = (struct viv_system){0};
}
