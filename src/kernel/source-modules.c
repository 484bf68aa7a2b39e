/* SPDX-License-Identifier: MIT */
#include "kernel/source.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "kernel/unpack.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_MODULE  (256u << 20)
#define MAX_MODULES 100000
#define MAX_DEPTH   64

const char *const viv_kernel_indexes[] = {"modules.order", "modules.builtin", "modules.builtin.modinfo", NULL};

void viv_kernel_modules_free_contents(struct viv_kernel_modules *m)
{
	viv_strv_free(&m->paths);
	viv_strv_free(&m->names);
}

static bool is_module(const char *name)
{
	size_t n = strlen(name);

	viv_unpack_filter_for(name, &n);
	return n > 3 && memcmp(name + n - 3, ".ko", 3) == 0;
}

static int add_path(const char *path, const char *name, unsigned depth, struct viv_kernel_modules *ret,
		    struct viv_error *err);

/* In order of name. Of links only those to files are followed: "build" and "source" lead to whole trees. */
static int add_folder(const char *path, const char *name, unsigned depth, struct viv_kernel_modules *ret,
		      struct viv_error *err)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort), r = 0;

	if (n < 0)
		return viv_error_set(err, errno, "%s", path);
	for (int i = 0; i < n; i++) {
		const char *one = list[i]->d_name;

		if (r == 0 && one[0] != '.' && depth < MAX_DEPTH) {
			VIV_FREE char *below = viv_path_join(path, one), *place = viv_asprintf("%s/%s", name, one);

			r = add_path(below, place, depth + 1, ret, err);
		}
		free(list[i]);
	}
	free(list);
	return r;
}

static int add_path(const char *path, const char *name, unsigned depth, struct viv_kernel_modules *ret,
		    struct viv_error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return viv_error_set(err, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return add_folder(path, name, depth, ret, err);
	if (!is_module(name) || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (ret->paths.count >= MAX_MODULES)
		return viv_error_say(err, E2BIG, "more than %d modules", MAX_MODULES);
	viv_strv_push(&ret->paths, path);
	viv_strv_push(&ret->names, name);
	return 0;
}

int viv_kernel_modules_add(const char *path, struct viv_kernel_modules *ret, struct viv_error *err)
{
	size_t before = ret->paths.count;
	VIV_FREE char *real = realpath(path, NULL), *name = NULL;
	struct stat st;
	int r;

	if (!real || stat(real, &st) < 0)
		return viv_error_set(err, errno, "%s", path);
	name = S_ISDIR(st.st_mode) ? viv_strdup("updates") : viv_asprintf("updates/%s", viv_path_base(path));
	r = add_path(real, name, 0, ret, err);
	if (r == 0 && ret->paths.count == before)
		return viv_error_say(err, EINVAL, "%s: there is no kernel module (.ko)", path);
	return r;
}

int viv_kernel_modules_hash(const struct viv_kernel_modules *m, char ret_hex[65], struct viv_error *err)
{
	struct viv_sha256 *h = viv_sha256_new();
	char hex[VIV_SHA256_HEX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->paths.count; i++) {
		VIV_FD fd = viv_open(m->paths.items[i], O_RDONLY, 0, err);

		r = fd < 0 ? fd : viv_sha256_of_fd(fd, m->paths.items[i], hex, err);
		viv_sha256_add(h, m->names.items[i], strlen(m->names.items[i]) + 1);
		viv_sha256_add(h, hex, sizeof(hex));
	}
	if (r < 0)
		viv_sha256_free(h);
	else
		viv_sha256_finish(h, ret_hex);
	return r;
}

static const char vermagic[] = "vermagic=";

static const char *find_vermagic(const struct viv_str *ko)
{
	return ko->len ? memmem(ko->data, ko->len, vermagic, sizeof(vermagic) - 1) : NULL;
}

static int no_module(const char *path, struct viv_error *err)
{
	return viv_error_say(err, EINVAL, "%s is no kernel module: it has no vermagic", path);
}

/* As the kernel names it: "a-b.ko.xz" is a_b. */
static char *module_name(const char *path)
{
	char *name = viv_strdup(viv_path_base(path));
	size_t n = strlen(name);

	viv_unpack_filter_for(name, &n);
	name[n - strlen(".ko")] = 0;
	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : *p;
	return name;
}

static int check_name(const struct viv_kernel_modules *m, const struct viv_strv *names, struct viv_error *err)
{
	size_t last = names->count - 1;

	for (size_t i = 0; i < last; i++)
		if (viv_streq(names->items[i], names->items[last]) &&
		    !viv_streq(m->paths.items[i], m->paths.items[last]))
			return viv_error_say(err, EINVAL, "%s and %s are both the module %s", m->paths.items[i],
					     m->paths.items[last], names->items[i]);
	return 0;
}

int viv_kernel_modules_check(const struct viv_kernel_modules *m, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->paths.count; i++) {
		const char *path = m->paths.items[i];
		size_t n = strlen(path);
		VIV_STR ko = VIV_STR_INIT;

		viv_strv_take(&names, module_name(path));
		r = check_name(m, &names, err);
		if (r == 0 && !viv_unpack_filter_for(path, &n))
			r = viv_read_file(path, MAX_MODULE, &ko, err);
		if (r == 0 && !viv_unpack_filter_for(path, &n) && !find_vermagic(&ko))
			r = no_module(path, err);
	}
	return r;
}

/* "vermagic=6.12.1 SMP preempt mod_unload " in .modinfo: the kernel refuses one that differs from its own. */
static int check_release(const struct viv_str *ko, const char *path, const char *release, struct viv_error *err)
{
	const char *at = find_vermagic(ko);
	size_t n, left;

	if (!at)
		return no_module(path, err);
	at += sizeof(vermagic) - 1;
	left = ko->len - (size_t)(at - ko->data);
	for (n = 0; n < left && n < 128 && at[n] && at[n] != ' '; n++)
		;
	if (n == strlen(release) && memcmp(at, release, n) == 0)
		return 0;
	return viv_error_say(err, EINVAL, "%s is built for Linux %.*s, the kernel is %s\nbuild it for that one",
			     path, (int)n, at, release);
}

static int copy(const char *from, const char *to, const char *release, struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_dir(to);
	VIV_STR data = VIV_STR_INIT;
	size_t n = strlen(from);
	int r = viv_read_file(from, MAX_MODULE, &data, err);

	/* A compressed one is checked where it is unpacked, by the kernel. */
	if (r == 0 && !viv_unpack_filter_for(from, &n))
		r = check_release(&data, from, release, err);
	if (r == 0)
		r = viv_mkdir_p(dir, 0755, err);
	return r < 0 ? r : viv_write_file(to, data.data, data.len, 0644, err);
}

int viv_kernel_modules_copy(const struct viv_kernel_modules *m, const char *release, const char *to,
			    struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->paths.count; i++) {
		VIV_FREE char *path = viv_path_join(to, m->names.items[i]);

		r = copy(m->paths.items[i], path, release, err);
	}
	return r;
}
