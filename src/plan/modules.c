/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

#include "base/path.h"
#include "deb/layer.h"
#include "deb/source.h"
#include "kernel/extract.h"
#include "plan/area.h"

/*
 * Packages of boot.extraModulePackages. They are not installed: their modules lie beside the kernel's. Those
 * from source need the kernel's headers, and so come when the machine is resolved.
 */

static char *bare(const char *name)
{
	return viv_strndup(name, strcspn(name, "="));
}

int viv_plan_choose_module_packages(struct viv_plan *p, struct viv_error *err)
{
	const char *place = viv_config_place(p->config, "boot.extraModulePackages");
	VIV_STRV items = VIV_STRV_INIT;

	viv_push_option(&items, p->config, "boot.extraModulePackages");
	for (size_t i = 0; i < items.count; i++) {
		VIV_FREE char *name = bare(items.items[i]);

		if (items.items[i][0] == '/')
			continue;
		if (viv_ends_with(name, "-dkms"))
			return viv_error_say(err, EOPNOTSUPP, "%s: boot.extraModulePackages: %s has a module's source, which "
					     "DKMS would compile in the machine\nHave it built here: mkPackage{ name = \"…\", "
					     "src = … } with that source (docs/packages.md)", place, name);
		if (!p->kernel_package || p->own_kernel.wanted)
			return viv_error_say(err, EOPNOTSUPP, "%s: boot.extraModulePackages: %s: a package goes with the kernel of "
					     "a Debian package\nFor another one build the module in its tree, and name the "
					     ".ko file", place, items.items[i]);
		viv_strv_push(&p->module_packages, items.items[i]);
		viv_strv_take(&p->module_names, viv_steal(name));
	}
	return 0;
}

/* "linux-image-6.12.43+deb13-amd64" is of that release. NULL: it is named in another way. */
static const char *kernel_release(struct viv_plan *p)
{
	static const char start[] = "linux-image-";
	const char *name = p->lock->kernel->name;

	if (!viv_starts_with(name, start))
		return NULL;
	free(p->kernel_release);
	p->kernel_release = viv_strdup(name + sizeof(start) - 1);
	if (viv_ends_with(p->kernel_release, "-unsigned"))
		p->kernel_release[strlen(p->kernel_release) - strlen("-unsigned")] = 0;
	return p->kernel_release;
}

static int build_own(struct viv_plan *p, const char *name, struct viv_report *report, struct viv_error *err)
{
	const char *release = kernel_release(p), *package;
	int r;

	if (!release)
		return viv_error_say(err, EOPNOTSUPP, "%s: which package has the headers of %s is not known",
				     viv_config_place(p->config, "boot.extraModulePackages"), p->lock->kernel->name);
	viv_source_set_kernel(p->from_source, release, p->lock->kernel->version);
	r = viv_source_build(p->from_source, name, report, err);
	viv_source_entry(p->from_source, name, &package);
	viv_source_archives(p->from_source, name, &p->module_archives);
	return r;
}

/* Resolved by itself, as what a package is built in is: nothing that it needs gets into the machine. */
static int fetch_package(struct viv_plan *p, const char *wanted, const char *name, bool renew,
			 struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *machine = viv_asprintf("%s#%s", p->machine, name);
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL;
	struct viv_strv none = VIV_STRV_INIT, names = {(char *[]){(char *)wanted, NULL}, 1, 0};
	struct viv_deb_request req = p->request;
	struct viv_deb_source_file file = {0};
	struct viv_deb_source_files files = {&file, 1};
	const struct viv_lock_package *found;
	int r;

	req.base = &none;
	req.packages = &names;
	req.kernel = NULL;
	req.machine = machine;
	req.ahead = NULL;
	req.flatten = false;
	req.renew = renew;
	r = viv_deb_resolve(&req, report, &lock, err);
	if (r < 0)
		return r;
	found = viv_lock_find(lock, name);
	if (!found)
		return viv_error_say(err, ENOENT, "%s is not one package", name);
	file.package = *found;
	r = viv_deb_source_fetch(p->store, &p->request.source, lock, &files, report, err);
	if (r == 0)
		viv_strv_take(&p->module_archives, viv_archive_id(found));
	return r;
}

int viv_plan_get_module_packages(struct viv_plan *p, bool renew, struct viv_report *report,
				 struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->module_names.count; i++) {
		const char *name = p->module_names.items[i], *package = name;

		if (p->from_source && viv_source_entry(p->from_source, name, &package)) {
			r = build_own(p, name, report, err);
		} else {
			r = fetch_package(p, viv_streq(package, name) ? p->module_packages.items[i] : package, package,
					  renew, report, err);
			if (r < 0)
				viv_error_context(err, "%s: boot.extraModulePackages",
						  viv_config_place(p->config, "boot.extraModulePackages"));
		}
	}
	return r;
}

int viv_plan_unpack_modules(struct viv_plan *p, const char *dir, struct viv_kernel_modules *ret,
			    struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->module_archives.count; i++) {
		VIV_FREE char *deb = viv_store_object_path(p->store, p->module_archives.items[i]);
		VIV_FREE char *to = viv_asprintf("%s/%zu", dir, i);

		r = viv_mkdir_p(to, 0755, err);
		if (r == 0)
			r = viv_kernel_extract_modules(deb, to, err);
		if (r == 0)
			r = viv_kernel_modules_add(to, ret, err);
	}
	for (size_t i = 0; i < p->extra_modules.paths.count; i++) {
		viv_strv_push(&ret->paths, p->extra_modules.paths.items[i]);
		viv_strv_push(&ret->names, p->extra_modules.names.items[i]);
	}
	if (r == 0 && p->module_archives.count)
		r = viv_kernel_modules_check(ret, err);
	return r < 0 ? viv_error_context(err, "%s: boot.extraModulePackages",
					 viv_config_place(p->config, "boot.extraModulePackages"))
		     : 0;
}
