/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "image/erofs.h"
#include "image/squashfs.h"
#include "plan/accounts.h"
#include "plan/area.h"
#include "plan/minimal.h"
#include "plan/whose.h"

/* Changed whenever what a builder writes changes: other ids, so nothing old is taken for new. */
#define KERNEL_BUILDER	"kernel 1"
#define MODULES_BUILDER "modules 2"
#define INITRD_BUILDER	"initrd 1"
#define MADE_BUILDER	"made 2"
#define ETC_BUILDER	"etc 5"
#define ROOT_BUILDER	"root 5"
#define SYSTEM_BUILDER	"system 1"

static void choose_packages(struct viv_plan *p)
{
	for (const struct viv_area *const *a = viv_areas; *a; a++)
		if ((*a)->packages)
			(*a)->packages(p->config, &p->base, &p->packages);
	/* Nothing is installed: what is wanted is named (plan/minimal.h). */
	if (viv_is_minimal(p->config))
		viv_strv_free(&p->base);
	viv_strv_uniq(&p->packages);
}

static const char *debian_architecture(const struct viv_config *config)
{
	static const struct {
		const char *machine, *debian;
	} names[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"riscv64", "riscv64"}};
	const char *want = viv_config_string(config, "virtualisation.architecture");

	for (size_t i = 0; want && i < VIV_ARRAY_SIZE(names); i++)
		if (viv_streq(want, names[i].machine))
			return names[i].debian;
	return "amd64";
}

/* packages.lockFile, else vm.lock beside the machine file, else in viv's own state folder. */
static int choose_lock_file(const struct viv_config *config, char **ret, struct viv_error *err)
{
	const char *asked = viv_config_string(config, "packages.lockFile");
	VIV_FREE char *state = NULL;
	int r = 0;

	if (asked || viv_config_file(config)) {
		*ret = viv_path_join(viv_config_folder(config), asked ? asked : "vm.lock");
		return 0;
	}
	state = viv_dir_state();
	r = viv_mkdir_p(state, 0700, err);
	if (r == 0)
		*ret = viv_path_join(state, "vm.lock");
	return r;
}

/*
 * Its name in the lock file, which may serve machine files of several folders: its path from there,
 * links in folders followed; of a test file's machines ":client" after it, each has packages of its own. The caller
 * frees it.
 */
static char *machine_key(const struct viv_config *config, const char *lock_file)
{
	const char *file = viv_config_file(config), *part = viv_config_part(config);
	VIV_FREE char *lock_dir = viv_path_dir(lock_file), *dir = file ? viv_path_dir(file) : NULL;
	VIV_FREE char *from = realpath(lock_dir, NULL), *real = dir ? realpath(dir, NULL) : NULL;
	VIV_FREE char *path = real ? viv_path_join(real, viv_path_base(file)) : NULL, *key = NULL;

	if (!file)
		return viv_strdup("default");
	key = from && path ? viv_path_relative(from, path) : viv_strdup(viv_path_base(file));
	if (part)
		return viv_asprintf("%s:%s", key, part);
	return viv_steal(key);
}

int viv_plan_read_lock(const struct viv_config *config, struct viv_lock **ret, struct viv_error *err)
{
	VIV_FREE char *path = NULL, *key = NULL;
	int r = choose_lock_file(config, &path, err);

	if (r < 0)
		return r;
	key = machine_key(config, path);
	return viv_lock_read(path, key, ret, err);
}

const struct viv_lock *viv_plan_lock(const struct viv_plan *p)
{
	return p->lock;
}

/* What dpkg leaves out; in order of name. */
static void choose_documentation(struct viv_plan *p)
{
	static const char *const kinds[] = {"doc", "info", "man"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++) {
		VIV_FREE char *option = viv_asprintf("documentation.%s.enable", kinds[i]);

		if (!viv_config_bool(p->config, "documentation.enable") || !viv_config_bool(p->config, option))
			viv_strv_push(&p->without, kinds[i]);
	}
}

/* Where a name that no mirror has can be mended; NULL: nobody wrote it. */
static const char *release_place(const struct viv_config *config)
{
	const char *place = viv_config_place(config, "packages.release");

	return viv_streq(place, "default") ? NULL : place;
}

static int make_request(struct viv_plan *p, const struct viv_plan_options *options,
			struct viv_error *err)
{
	const struct viv_config *c = p->config;
	struct viv_deb_request *req = &p->request;
	int r;

	viv_push_option(&p->mirrors, c, "packages.mirrors");
	viv_push_option(&p->snapshot_mirrors, c, "packages.snapshotMirrors");
	viv_push_option(&p->components, c, "packages.components");
	choose_documentation(p);
	req->source = (struct viv_deb_source){
		.release = viv_config_string(c, "packages.release"),
		.release_place = release_place(c),
		.architecture = debian_architecture(c),
		.mirrors = &p->mirrors,
		.snapshot_mirrors = &p->snapshot_mirrors,
		.components = &p->components,
		.keyring = viv_config_string(c, "packages.keyring"),
		.recommends = viv_config_bool(c, "packages.recommends"),
		.without = &p->without,
	};
	choose_packages(p);
	r = viv_plan_choose_kernel(p, err);
	if (r == 0)
		r = viv_plan_choose_module_packages(p, err);
	if (r < 0)
		return r;
	req->base = &p->base;
	req->packages = &p->packages;
	req->kernel = p->kernel_package;
	req->locked = options->locked;
	req->flatten = options->flatten;
	req->renew = options->renew;
	req->renewed = options->renewed;
	r = choose_lock_file(p->config, &p->lock_file, err);
	if (r < 0)
		return r;
	req->lock_file = p->lock_file;
	req->whose = viv_whose_package;
	req->whose_data = c;
	req->machine = p->machine = machine_key(c, p->lock_file);
	return 0;
}

/* What the initrd must hold to find the root; a kernel that has one built in needs no module. */
static void choose_modules(struct viv_plan *p)
{
	static const char *const for_crash_dumps[] = {"virtio_pci", "virtio_blk", NULL};

	for (const struct viv_area *const *a = viv_areas; *a; a++)
		if ((*a)->modules)
			(*a)->modules(p->config, &p->initrd_modules, &p->initrd_optional);
	viv_strv_uniq(&p->initrd_modules);
	viv_strv_uniq(&p->initrd_optional);
	if (viv_config_bool(p->config, "boot.crashDump.enable"))
		viv_strv_push_all(&p->crash_modules, for_crash_dumps);
}

static void choose_params(struct viv_plan *p)
{
	for (const struct viv_area *const *a = viv_areas; *a; a++)
		if ((*a)->params)
			(*a)->params(p->config, &p->kernel_params);
}

static json_t *to_json(const struct viv_strv *v)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->count; i++)
		json_array_append_new(a, json_string(v->items[i]));
	return a;
}

static int hash_file(const char *path, char ret_hex[VIV_SHA256_HEX], struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);

	return fd < 0 ? fd : viv_sha256_of_fd(fd, path, ret_hex, err);
}

static void set_step(struct viv_plan *p, enum viv_step_index i, const char *name, json_t *recipe,
		     int (*build)(struct viv_plan *, const struct viv_step *, const char *,
				  struct viv_report *, struct viv_error *))
{
	struct viv_step *s = &p->steps[i];

	s->name = name;
	s->recipe = recipe;
	s->id = viv_store_id(name, recipe);
	s->build = build;
}

static json_t *layer_ids(const struct viv_plan *p)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < p->deb.n_layers; i++)
		json_array_append_new(ids, json_string(p->deb.layers[i].id));
	return ids;
}

static int set_kernel_steps(struct viv_plan *p, const char *mkfs, struct viv_error *err)
{
	char source[VIV_SHA256_HEX], extra[VIV_SHA256_HEX];
	json_t *recipe;
	int r = 0;

	if (viv_plan_kernel_is_source(p))
		r = viv_kernel_source_hash(&p->kernel_source, source, err);
	if (r == 0)
		r = viv_kernel_modules_hash(&p->extra_modules, extra, err);
	if (r < 0)
		return r;
	if (p->own_kernel.wanted)
		recipe = json_pack("{s:s, s:s}", "builder", KERNEL_BUILDER, "built",
				   viv_source_kernel_id(p->own_kernel.source));
	else if (p->kernel_package)
		recipe = json_pack("{s:s, s:s}", "builder", KERNEL_BUILDER, "deb", p->deb.kernel_deb);
	else
		recipe = json_pack("{s:s, s:s, s:s}", "builder", KERNEL_BUILDER, "source", source, "release",
				   p->kernel_source.release);
	if (p->extra_modules.paths.count)
		json_object_set_new(recipe, "extraModules", json_string(extra));
	if (p->module_archives.count)
		json_object_set_new(recipe, "modulePackages", to_json(&p->module_archives));
	set_step(p, VIV_STEP_KERNEL, "kernel", recipe, viv_build_kernel);
	if (viv_is_minimal(p->config))
		return 0;
	set_step(p, VIV_STEP_MODULES, "modules",
		 json_pack("{s:s, s:s, s:s}", "builder", MODULES_BUILDER, "kernel",
			   p->steps[VIV_STEP_KERNEL].id, "mkfs", mkfs),
		 viv_build_modules);
	return 0;
}

static int set_initrd_step(struct viv_plan *p, struct viv_error *err)
{
	char init[VIV_SHA256_HEX], agent[VIV_SHA256_HEX];
	json_t *recipe;
	int r = hash_file(p->init_program, init, err);

	if (r == 0)
		r = hash_file(p->agent_program, agent, err);
	if (r < 0)
		return r;
	recipe = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "builder", INITRD_BUILDER, "kernel",
			   p->steps[VIV_STEP_KERNEL].id, "init", init, "agent", agent, "modules",
			   to_json(&p->initrd_modules), "optional", to_json(&p->initrd_optional));
	if (p->crash_modules.count)
		json_object_set_new(recipe, "crash", to_json(&p->crash_modules));
	set_step(p, VIV_STEP_INITRD, "initrd", recipe, viv_build_initrd);
	return 0;
}

static void choose_commands(struct viv_plan *p)
{
	for (const struct viv_area *const *a = viv_areas; *a; a++)
		if ((*a)->commands)
			(*a)->commands(p->config, &p->commands);
}

static void set_made_step(struct viv_plan *p, const char *mkfs)
{
	choose_commands(p);
	if (p->commands.count)
		set_step(p, VIV_STEP_MADE, "made",
			 json_pack("{s:s, s:o, s:o, s:s}", "builder", MADE_BUILDER, "layers", layer_ids(p),
				   "commands", viv_commands_describe(&p->commands, &p->etc), "mkfs", mkfs),
			 viv_build_made);
}

/* Everything of the layers: what a package is, and so what it may give, is in its hash. */
static json_t *package_hashes(const struct viv_lock *lock)
{
	json_t *all = json_object();

	for (size_t i = 0; i < lock->n_layers; i++)
		for (size_t k = 0; k < lock->layers[i].n_packages; k++) {
			const struct viv_lock_package *package = &lock->layers[i].packages[k];

			json_object_set_new(all, package->name, json_string(package->sha256));
		}
	return all;
}

/* What the top image's recipe has in any case. */
static int describe_top(struct viv_plan *p, json_t **ret, struct viv_error *err)
{
	json_t *users;
	int r = viv_etc_collect(p->config, &p->etc, err);

	if (r == 0)
		r = viv_accounts_describe(viv_config_get(p->config, "users.users"), &users, err);
	if (r == 0)
		*ret = json_pack("{s:o, s:o, s:O, s:O, s:s}", "files", viv_etc_describe(&p->etc), "users", users,
				 "groups", p->groups, "ids", p->ids, "shell",
				 viv_config_string(p->config, "users.defaultUserShell"));
	return r;
}

static int set_etc_step(struct viv_plan *p, const char *mkfs, struct viv_error *err)
{
	json_t *recipe = NULL;
	int r = describe_top(p, &recipe, err);

	if (r < 0)
		return r;
	set_made_step(p, mkfs);
	json_object_update_new(recipe, json_pack("{s:s, s:o, s:s}", "builder", ETC_BUILDER, "layers",
						 layer_ids(p), "mkfs", mkfs));
	set_step(p, VIV_STEP_ETC, "etc", recipe, viv_build_etc);
	return 0;
}

/* One image instead of all layers; it has the place of their top. */
static int set_root_step(struct viv_plan *p, struct viv_error *err)
{
	VIV_FREE char *tool = NULL;
	json_t *recipe = NULL;
	int r = viv_squashfs_version(&tool, err);

	if (r == 0)
		r = describe_top(p, &recipe, err);
	if (r < 0)
		return r;
	choose_commands(p);
	json_object_update_new(recipe, json_pack("{s:s, s:o, s:o, s:o, s:s}", "builder", ROOT_BUILDER, "archives",
						 package_hashes(p->lock), "root", viv_minimal_describe(p),
						 "checks", viv_commands_describe(&p->commands, &p->etc),
						 "mkfs", tool));
	set_step(p, VIV_STEP_ETC, "root", recipe, viv_build_root);
	return 0;
}

static void set_system_step(struct viv_plan *p)
{
	struct viv_step *s = &p->steps[VIV_STEP_SYSTEM];
	json_t *recipe = json_pack("{s:s, s:o, s:o, s:s}", "builder", SYSTEM_BUILDER, "layers", layer_ids(p),
				   "kernelParams", to_json(&p->kernel_params), "init",
				   viv_config_string(p->config, "system.init"));

	for (size_t i = 0; i < VIV_STEP_SYSTEM; i++)
		if (p->steps[i].id)
			json_object_set_new(recipe, p->steps[i].name, json_string(p->steps[i].id));
	set_step(p, VIV_STEP_SYSTEM, viv_config_string(p->config, "networking.hostName"), recipe,
		 viv_build_system);
	for (size_t i = 0; i < p->deb.n_layers; i++)
		viv_strv_push(&s->refs, p->deb.layers[i].id);
	for (size_t i = 0; i < VIV_STEP_SYSTEM; i++)
		if (p->steps[i].id)
			viv_strv_push(&s->refs, p->steps[i].id);
}

static int pin_all(struct viv_plan *p, struct viv_error *err)
{
	VIV_STRV ids = VIV_STRV_INIT;

	for (size_t i = 0; i < p->deb.n_layers; i++)
		viv_strv_push(&ids, p->deb.layers[i].id);
	if (p->deb.kernel_deb)
		viv_strv_push(&ids, p->deb.kernel_deb);
	if (p->module_archives.count)
		viv_strv_push_all(&ids, (const char *const *)p->module_archives.items);
	if (p->own_kernel.source)
		viv_strv_push(&ids, viv_source_kernel_id(p->own_kernel.source));
	for (size_t i = 0; i < VIV_N_STEPS; i++)
		if (p->steps[i].id)
			viv_strv_push(&ids, p->steps[i].id);
	return viv_store_pin(p->store, &ids, &p->pin, err);
}

/* What was recorded stays, also for who is gone: he may come back. */
static json_t *merge_ids(const json_t *recorded, const json_t *now)
{
	static const char *const kinds[] = {"users", "groups"};
	json_t *merged = json_deep_copy(recorded);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(kinds); i++) {
		json_t *part = json_object_get(now, kinds[i]);

		if (!json_object_size(part))
			continue;
		if (!json_object_get(merged, kinds[i]))
			json_object_set_new(merged, kinds[i], json_object());
		json_object_update(json_object_get(merged, kinds[i]), part);
	}
	return merged;
}

/* Ids for the configuration's own users and groups; new ones are recorded at once. */
static int assign_ids(struct viv_plan *p, struct viv_error *err)
{
	VIV_JSON *merged = NULL;

	p->groups = viv_accounts_groups(viv_config_get(p->config, "users.users"),
					viv_config_get(p->config, "users.groups"),
					viv_config_bool(p->config, "security.sudo.enable"));
	p->ids = viv_accounts_assign(viv_config_get(p->config, "users.users"), p->groups, p->lock->ids);
	merged = merge_ids(p->lock->ids, p->ids);
	if (json_equal(merged, p->lock->ids))
		return 0;
	if (p->request.locked)
		return viv_error_say(err, ESTALE,
				     "%s does not record the ids of all users and groups\n"
				     "a build without --locked adds them",
				     p->lock_file);
	json_decref(p->lock->ids);
	p->lock->ids = viv_steal(merged);
	return viv_lock_write(p->lock, p->lock_file, err);
}

static int make(struct viv_plan *p, const struct viv_plan_options *options,
		struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *mkfs = NULL;
	int r = make_request(p, options, err);

	if (options->build && !viv_is_minimal(p->config))
		p->request.ahead = p->ahead = viv_deb_ahead_new(p->store);
	if (r == 0)
		r = viv_erofs_version(&mkfs, err);
	if (r == 0)
		r = viv_local_resolve(p, report, err);
	if (r == 0)
		r = assign_ids(p, err);
	if (r == 0)
		viv_lock_tell(p->lock, report);
	if (r == 0)
		r = viv_plan_get_module_packages(p, options->renew, report, err);
	if (r == 0)
		viv_local_add_layer(p);
	if (r == 0)
		r = viv_deb_plan(p->store, p->lock, &p->deb, err);
	if (r < 0)
		return r;
	if (viv_is_minimal(p->config))
		viv_deb_plan_drop_layers(&p->deb);
	choose_modules(p);
	choose_params(p);
	r = viv_plan_own_kernel(p, options->renew, report, err);
	if (r == 0)
		r = set_kernel_steps(p, mkfs, err);
	if (r == 0)
		r = set_initrd_step(p, err);
	if (r == 0)
		r = viv_is_minimal(p->config) ? set_root_step(p, err) : set_etc_step(p, mkfs, err);
	if (r < 0)
		return r;
	set_system_step(p);
	return pin_all(p, err);
}

int viv_plan_make(struct viv_store *store, const struct viv_config *config,
		  const struct viv_plan_options *options, struct viv_report *report,
		  struct viv_plan **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_plan_freep) struct viv_plan *p = viv_new(struct viv_plan);
	int r;

	p->store = store;
	p->config = config;
	p->init_program = viv_strdup(options->init_program);
	p->agent_program = viv_strdup(options->agent_program);
	r = make(p, options, report, err);
	if (r == 0)
		*ret = viv_steal(p);
	return r;
}

void viv_plan_free(struct viv_plan *p)
{
	struct viv_strv *lists[] = {&p->without,	&p->mirrors,	&p->snapshot_mirrors, &p->components, &p->base,
				    &p->packages,	&p->initrd_modules,   &p->initrd_optional,
				    &p->crash_modules,	&p->kernel_params, &p->module_packages, &p->module_names,
				    &p->module_archives};

	viv_deb_ahead_free(p->ahead);
	viv_source_set_free(p->from_source);
	viv_strv_free(&p->local);
	viv_store_unpin(p->pin);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(lists); i++)
		viv_strv_free(lists[i]);
	for (size_t i = 0; i < VIV_N_STEPS; i++) {
		free(p->steps[i].id);
		json_decref(p->steps[i].recipe);
		viv_strv_free(&p->steps[i].refs);
	}
	json_decref(p->ids);
	json_decref(p->groups);
	viv_etc_free_contents(&p->etc);
	viv_commands_free(&p->commands);
	viv_deb_plan_free(&p->deb);
	viv_lock_free(p->lock);
	free(p->lock_file);
	free(p->machine);
	free(p->kernel_package);
	free(p->kernel_release);
	viv_own_kernel_free(&p->own_kernel);
	viv_kernel_source_free_contents(&p->kernel_source);
	viv_kernel_modules_free_contents(&p->extra_modules);
	free(p->init_program);
	free(p->agent_program);
	free(p);
}
