/* SPDX-License-Identifier: MIT */
#include "kernel/modules.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"

#define MAX_INDEX (64u << 20)

struct closure {
	struct kmod_ctx *ctx;
	const char *folder;
	struct viv_strv seen; /* names that were visited */
	struct viv_strv order;
};

static void free_closure(struct closure *c)
{
	if (c->ctx)
		sym_kmod_unref(c->ctx);
	viv_strv_free(&c->seen);
	viv_strv_free(&c->order);
}

static inline void free_list(struct kmod_list **l)
{
	if (*l)
		sym_kmod_module_unref_list(*l);
}
#define KMOD_LIST VIV_CLEANUP(free_list) struct kmod_list

static void no_log(void *data, int priority, const char *file, int line, const char *fn,
		   const char *format, va_list args)
{
}

static void visit(struct closure *c, struct kmod_module *mod);

static void visit_list(struct closure *c, const struct kmod_list *list)
{
	const struct kmod_list *l;

	for (l = list; l; l = sym_kmod_list_next(list, l)) {
		struct kmod_module *mod = sym_kmod_module_get_module(l);

		visit(c, mod);
		sym_kmod_module_unref(mod);
	}
}

/* Depth first. A module without a path is built in, or a soft dependency that is not there. */
static void visit(struct closure *c, struct kmod_module *mod)
{
	KMOD_LIST *pre = NULL;
	KMOD_LIST *post = NULL;
	KMOD_LIST *deps = NULL;
	const char *path = sym_kmod_module_get_path(mod);

	if (!path || viv_strv_has(&c->seen, sym_kmod_module_get_name(mod)))
		return;
	viv_strv_push(&c->seen, sym_kmod_module_get_name(mod));
	sym_kmod_module_get_softdeps(mod, &pre, &post);
	deps = sym_kmod_module_get_dependencies(mod);
	visit_list(c, pre);
	visit_list(c, deps);
	viv_strv_push(&c->order, path);
	visit_list(c, post);
}

/* All module names, out of modules.dep: "kernel/fs/fat/fat.ko: …". None if it can't be read. */
static void all_names(const char *folder, struct viv_strv *ret)
{
	VIV_FREE char *dep = viv_path_join(folder, "modules.dep");
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;

	if (viv_read_file(dep, MAX_INDEX, &text, NULL) < 0)
		return;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *one = viv_slice_dup(line);
		const char *base;

		one[strcspn(one, ":")] = '\0';
		base = viv_path_base(one);
		viv_strv_take(ret, viv_strndup(base, strcspn(base, ".")));
	}
}

static int no_module(struct closure *c, const char *name, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	VIV_STRV near = VIV_STRV_INIT;
	VIV_FREE char *list = NULL;

	all_names(c->folder, &names);
	viv_suggest(name, (const char *const *)names.items, names.count, 3, &near);
	if (!near.count)
		return viv_error_say(err, ENOENT, "the kernel has no module %s", name);
	list = viv_strv_join(&near, ", ");
	return viv_error_say(err, ENOENT, "the kernel has no module %s (did you mean %s?)", name,
			     list);
}

static int add(struct closure *c, const char *name, bool optional, struct viv_error *err)
{
	KMOD_LIST *list = NULL;
	int r = sym_kmod_module_new_from_lookup(c->ctx, name, &list);

	if (r < 0 && r != -ENOENT)
		return viv_error_set(err, -r, "cannot look up the kernel module %s", name);
	if (!list)
		return optional ? 0 : no_module(c, name, err);
	visit_list(c, list);
	return 0;
}

static int add_all(struct closure *c, const struct viv_strv *names, bool optional,
		   struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; names && i < names->count && r == 0; i++)
		r = add(c, names->items[i], optional, err);
	return r;
}

/* The soft dependencies are configuration to libkmod: depmod collected them in a file. */
static int open_folder(struct closure *c, struct viv_error *err)
{
	VIV_FREE char *softdep = viv_path_join(c->folder, "modules.softdep");
	const char *config[] = {softdep, NULL};

	c->ctx = sym_kmod_new(c->folder, viv_exists(softdep) ? config : config + 1);
	if (!c->ctx)
		return viv_error_set(err, errno, "cannot read the modules in %s", c->folder);
	sym_kmod_set_log_fn(c->ctx, no_log, NULL);
	if (sym_kmod_load_resources(c->ctx) < 0)
		return viv_error_say(err, EINVAL, "%s: depmod's indexes are missing or damaged",
				     c->folder);
	return 0;
}

int viv_modules_closure(const char *folder, const struct viv_strv *wanted,
			const struct viv_strv *optional, struct viv_strv *ret,
			struct viv_error *err)
{
	VIV_CLEANUP(free_closure) struct closure c = {0};
	VIV_FREE char *absolute = NULL;
	int r = viv_dl_libkmod(err);

	if (r == 0)
		r = viv_path_absolute(folder, &absolute, err);
	if (r < 0)
		return r;
	c.folder = absolute;
	if ((r = open_folder(&c, err)) < 0 || (r = add_all(&c, wanted, false, err)) < 0 ||
	    (r = add_all(&c, optional, true, err)) < 0)
		return r;
	viv_strv_push_all(ret, (const char *const *)c.order.items);
	return 0;
}

static inline void free_info(struct kmod_list **l)
{
	if (*l)
		sym_kmod_module_info_free_list(*l);
}

int viv_modules_processors(const char *path, struct viv_str *ret, struct viv_error *err)
{
	const char *no_config[] = {NULL};
	VIV_CLEANUP(free_closure) struct closure c = {0};
	VIV_CLEANUP(free_info) struct kmod_list *info = NULL;
	struct kmod_module *mod = NULL;
	struct kmod_list *l;
	int r = viv_dl_libkmod(err);

	if (r < 0)
		return r;
	c.ctx = sym_kmod_new("/", no_config);
	r = -ENOMEM;
	if (c.ctx) {
		sym_kmod_set_log_fn(c.ctx, no_log, NULL);
		r = sym_kmod_module_new_from_path(c.ctx, path, &mod);
	}
	if (r >= 0)
		r = sym_kmod_module_get_info(mod, &info);
	sym_kmod_module_unref(mod);
	if (r < 0)
		return viv_error_set(err, -r, "cannot read the kernel module %s", path);
	for (l = info; l; l = sym_kmod_list_next(info, l)) {
		const char *value = sym_kmod_module_info_get_value(l);

		if (viv_streq(sym_kmod_module_info_get_key(l), "alias") &&
		    viv_starts_with(value, "cpu:"))
			viv_str_addf(ret, "%s\n", value);
	}
	return 0;
}

int viv_modules_builtin(const char *folder, struct viv_strv *ret, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(folder, "modules.builtin");
	VIV_STR text = VIV_STR_INIT;
	VIV_STRV names = VIV_STRV_INIT;
	struct viv_slice rest, line;
	int r;

	if (!viv_exists(path))
		return 0;
	r = viv_read_file(path, MAX_INDEX, &text, err);
	if (r < 0)
		return r;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *one = viv_slice_dup(viv_slice_trim(line));
		const char *base = viv_path_base(one);
		size_t n = strcspn(base, ".");

		if (n)
			viv_strv_take(&names, viv_strndup(base, n));
	}
	viv_strv_uniq(&names);
	viv_strv_push_all(ret, (const char *const *)names.items);
	return 0;
}
