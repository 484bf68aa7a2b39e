/* SPDX-License-Identifier: MIT */
#include "plan/kernel.h"

#include "base/fd.h"
#include "base/path.h"
#include "plan/area.h"
#include "plan/step.h"

#include <sys/stat.h>

#define CONFIG_MAX (16 << 20)

static const char *const by_options[] = {"boot.kernelPatches", "kernel.config", "kernel.baseConfig"};

void viv_own_kernel_free(struct viv_own_kernel *k)
{
	viv_source_kernel_free(k->source);
	free(k->place);
	free(k->tree);
	free(k->config_text);
	free(k->deb);
	json_decref(k->patches);
	json_decref(k->places);
	viv_str_free(&k->settings);
	viv_str_free(&k->checked);
	*k = (struct viv_own_kernel){0};
}

/* The cloud kernel is smaller and boots faster, but knows no graphics, USB, sound or 9p. */
static bool needs_full_kernel(const struct viv_config *config)
{
	for (const struct viv_area *const *a = viv_areas; *a; a++)
		if ((*a)->full_kernel && (*a)->full_kernel(config))
			return true;
	return false;
}

/* boot.kernel is a file or a tree. */
static int find_source(struct viv_plan *p, const char *path, struct viv_error *err)
{
	const char *modules = viv_config_string(p->config, "boot.kernelModulesTree");
	int r = viv_kernel_source_find(path, modules, &p->kernel_source, err);

	return r < 0 ? viv_error_context(err, "%s: boot.kernel", viv_config_place(p->config, "boot.kernel")) : 0;
}

static int find_extra_modules(struct viv_plan *p, struct viv_error *err)
{
	VIV_STRV paths = VIV_STRV_INIT;
	int r = 0;

	viv_push_option(&paths, p->config, "boot.extraModulePackages");
	for (size_t i = 0; r == 0 && i < paths.count; i++)
		if (paths.items[i][0] == '/')
			r = viv_kernel_modules_add(paths.items[i], &p->extra_modules, err);
	if (r == 0)
		r = viv_kernel_modules_check(&p->extra_modules, err);
	return r < 0 ? viv_error_context(err, "%s: boot.extraModulePackages",
					 viv_config_place(p->config, "boot.extraModulePackages"))
		     : 0;
}

/* Settings */

static int read_settings_file(const char *path, struct viv_kconfig *c, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	int r = viv_read_file(path, CONFIG_MAX, &text, err);

	return r < 0 ? r : viv_kconfig_read(c, text.data ? text.data : "", path, err);
}

/* One of boot.kernelPatches: a path, or a set. */
static int add_patch(const json_t *item, const char *place, struct viv_kconfig *c, json_t *patches,
		     json_t *places, struct viv_error *err)
{
	const char *path = json_is_string(item) ? json_string_value(item) : viv_json_str(item, "patch");
	const char *name = viv_json_str(item, "name"), *lines = viv_json_str(item, "extraConfig"), *key;
	VIV_FREE char *said = name && *name ? viv_asprintf("%s: boot.kernelPatches: %s", place, name)
					    : viv_asprintf("%s: boot.kernelPatches", place);
	json_t *v;

	if (path) {
		json_array_append_new(patches, json_string(path));
		json_array_append_new(places, json_string(said));
	}
	json_object_foreach(json_object_get(item, "structuredExtraConfig"), key, v)
		viv_kconfig_set(c, key, v);
	return lines ? viv_kconfig_read(c, lines, said, err) : 0;
}

int viv_kernel_settings(const struct viv_config *config, struct viv_kconfig *ret, json_t *ret_patches,
			json_t *ret_places, struct viv_error *err)
{
	const json_t *patches = viv_config_get(config, "boot.kernelPatches");
	VIV_STRV files = VIV_STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(patches); i++) {
		VIV_FREE char *place = viv_config_item_place(config, "boot.kernelPatches", i);

		r = add_patch(json_array_get(patches, i), place, ret, ret_patches, ret_places, err);
	}
	viv_push_option(&files, config, "kernel.config");
	for (size_t i = 0; r == 0 && i < files.count; i++) {
		r = read_settings_file(files.items[i], ret, err);
		if (r < 0)
			viv_error_context(err, "%s: kernel.config", viv_config_place(config, "kernel.config"));
	}
	return r;
}

static bool says_of(const struct viv_kconfig *c, const char *start)
{
	const char *name;
	json_t *v;

	json_object_foreach(c->settings, name, v)
		if (viv_starts_with(name, start))
			return true;
	return false;
}

void viv_kernel_settings_default(struct viv_kconfig *c, bool package)
{
	/* A key made for each build would make it another kernel each time. */
	if (!viv_kconfig_has(c, "MODULE_SIG_KEY"))
		viv_kconfig_read(c, "MODULE_SIG_KEY? \"\"\n", "", NULL);
	if (!viv_kconfig_has(c, "MODULE_SIG_ALL"))
		viv_kconfig_read(c, "MODULE_SIG_ALL? n\n", "", NULL);
	/* Debian's kernels are built with it, which takes many times the room, and it is then taken out. */
	if (package && !says_of(c, "DEBUG_INFO"))
		viv_kconfig_read(c, "DEBUG_INFO_NONE? y\nDEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT? n\n"
				 "DEBUG_INFO_DWARF4? n\nDEBUG_INFO_DWARF5? n\n", "", NULL);
}

/* The kernel from source */

static const char *base_config(const struct viv_plan *p)
{
	return viv_config_string(p->config, "kernel.baseConfig");
}

/* Of a file that kernel.baseConfig names, or of the tree. */
static int read_base(struct viv_plan *p, struct viv_error *err)
{
	struct viv_own_kernel *k = &p->own_kernel;
	const char *base = base_config(p);
	VIV_FREE char *path = base && base[0] == '/' ? viv_strdup(base)
			      : !base && k->tree     ? viv_path_join(k->tree, ".config")
						     : NULL;
	VIV_STR text = VIV_STR_INIT;
	int r;

	if (!path)
		return 0;
	if (!base && !viv_exists(path))
		return viv_error_say(err, ENOENT, "%s: %s is a kernel tree without a .config\nmake one there, or set "
				     "kernel.baseConfig", k->place, k->tree);
	r = viv_read_file(path, CONFIG_MAX, &text, err);
	if (r < 0)
		return viv_error_context(err, "%s", k->place);
	k->config_text = viv_str_steal(&text);
	return 0;
}

static int check_own(const struct viv_plan *p, const char *kernel, struct viv_error *err)
{
	const char *place = p->own_kernel.place;
	struct stat st;

	if (!viv_streq(p->request.source.architecture, "amd64"))
		return viv_error_say(err, EOPNOTSUPP, "%s: kernels are built from source for x86_64 alone", place);
	if (viv_config_string(p->config, "boot.kernelModulesTree"))
		return viv_error_say(err, EINVAL, "%s: the kernel is built from source with its own modules: "
				     "boot.kernelModulesTree does not go with it", place);
	if (kernel && kernel[0] != '/' && strstr(kernel, "-rt-"))
		return viv_error_say(err, EOPNOTSUPP, "%s: %s has patches of its own, which Debian's linux-source lacks: "
				     "a real-time kernel can't be built from source", place, kernel);
	if (kernel && kernel[0] == '/' && (stat(kernel, &st) < 0 || !S_ISDIR(st.st_mode)))
		return viv_error_say(err, EINVAL, "%s: boot.kernel is %s, and that is no kernel tree: a kernel is built "
				     "from a tree, or from Debian's source", place, kernel);
	return 0;
}

static int choose_own(struct viv_plan *p, const char *kernel, struct viv_error *err)
{
	struct viv_own_kernel *k = &p->own_kernel;
	VIV_CLEANUP(viv_kconfig_free) struct viv_kconfig c = viv_kconfig_new();
	int r = check_own(p, kernel, err);

	k->patches = json_array();
	k->places = json_array();
	if (r == 0 && kernel && kernel[0] == '/')
		k->tree = viv_strdup(kernel);
	if (r == 0)
		r = viv_kernel_settings(p->config, &c, k->patches, k->places, err);
	if (r == 0)
		r = read_base(p, err);
	viv_kernel_settings_default(&c, !k->tree && !base_config(p));
	viv_kconfig_write(&c, false, &k->settings);
	viv_kconfig_write(&c, true, &k->checked);
	return r;
}

/* The first option that wants it, with its place. NULL: nobody does. The caller frees it. */
static char *wants_own(const struct viv_config *config)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(by_options); i++) {
		const json_t *v = viv_config_get(config, by_options[i]);

		if (json_is_string(v) || json_array_size(v))
			return viv_asprintf("%s: %s", viv_config_place(config, by_options[i]), by_options[i]);
	}
	return NULL;
}

int viv_plan_choose_kernel(struct viv_plan *p, struct viv_error *err)
{
	const char *asked = viv_config_string(p->config, "boot.kernel");
	const char *arch = p->request.source.architecture;
	int r = find_extra_modules(p, err);

	p->own_kernel.place = wants_own(p->config);
	p->own_kernel.wanted = p->own_kernel.place != NULL;
	if (r == 0 && p->own_kernel.wanted)
		r = choose_own(p, asked, err);
	if (r < 0)
		return r;
	if (asked && asked[0] == '/')
		return p->own_kernel.wanted ? 0 : find_source(p, asked, err);
	if (asked)
		p->kernel_package = viv_strdup(asked);
	else
		p->kernel_package = viv_asprintf("linux-image-%s%s", needs_full_kernel(p->config) ? "" : "cloud-",
						 arch);
	return 0;
}

int viv_plan_own_kernel(struct viv_plan *p, bool renew, struct viv_report *report, struct viv_error *err)
{
	struct viv_own_kernel *k = &p->own_kernel;
	const char *base = base_config(p);
	const struct viv_source_request req = {
		.store = p->store, .source = p->request.source, .lock_file = p->lock_file,
		.machine = p->machine, .locked = p->request.locked, .renew = renew,
		.quiet_limit_ms = 1000 * (int)viv_config_int(p->config, "packages.buildTimeout"),
	};
	const struct viv_source_kernel_request kernel = {
		.place = k->place, .tree = k->tree, .version = k->tree || !k->wanted ? NULL : p->lock->kernel->version,
		.patches = k->patches, .places = k->places, .config_text = k->config_text,
		.config_target = base && base[0] != '/' ? base : NULL,
		.config_deb = base || k->tree ? NULL : p->deb.kernel_deb,
		.settings = k->settings.data ? k->settings.data : "",
		.checked = k->checked.data ? k->checked.data : "",
	};

	if (!k->wanted)
		return 0;
	return viv_source_kernel_plan(&req, &kernel, report, &k->source, err);
}

int viv_plan_build_own_kernel(struct viv_plan *p, struct viv_report *report, struct viv_error *err)
{
	struct viv_deb_plan deb = {.kernel_deb = p->deb.kernel_deb, .kernel_version = p->deb.kernel_version};
	int r = 0;

	/* Its configuration is taken from there. */
	if (!p->own_kernel.tree && !base_config(p) && !viv_store_has(p->store, deb.kernel_deb))
		r = viv_deb_build(p->store, &p->request.source, p->lock, &deb, report, err);
	return r < 0 ? r : viv_source_kernel_build(p->own_kernel.source, report, &p->own_kernel.deb, err);
}
