/* SPDX-License-Identifier: MIT */
#include "kernel/source.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "kernel/bzimage.h"
#include "kernel/map.h"
#include "kernel/unpack.h"

#include <ctype.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE	   "arch/x86/boot/bzImage"
#define MAX_TEXT   (64u << 20)
#define MAX_CONFIG (16u << 20)

void viv_kernel_source_free_contents(struct viv_kernel_source *s)
{
	free(s->image);
	free(s->release);
	free(s->config);
	free(s->folder);
	viv_kernel_modules_free_contents(&s->modules);
	*s = (struct viv_kernel_source){0};
}

/* It becomes a file's name, and an argument. */
static int set_release(struct viv_kernel_source *s, const char *text, size_t n, struct viv_error *err)
{
	bool ok = n > 0 && n <= 100 && isalnum((unsigned char)text[0]);

	for (size_t i = 0; ok && i < n; i++)
		ok = isalnum((unsigned char)text[i]) || strchr("._+~-", text[i]);
	if (!ok)
		return viv_error_say(err, EINVAL, "%s doesn't say which release of Linux it is", s->image);
	s->release = viv_strndup(text, n);
	return 0;
}

/* "Linux version 6.12.1 (…": what a vmlinux says of itself. */
static int elf_release(struct viv_kernel_source *s, const struct viv_map *m, struct viv_error *err)
{
	static const char mark[] = "Linux version ";
	const char *at = memmem(m->data, m->size, mark, sizeof(mark) - 1);
	const char *end = (const char *)m->data + m->size, *p;

	at = at ? at + sizeof(mark) - 1 : end;
	for (p = at; p < end && !isspace((unsigned char)*p) && *p; p++)
		;
	return set_release(s, at, (size_t)(p - at), err);
}

static int read_image(struct viv_kernel_source *s, struct viv_error *err)
{
	VIV_CLEANUP(viv_unmap) struct viv_map m = {0};
	struct viv_bzimage image;
	int r = viv_map_file(s->image, &m, err);

	if (r < 0)
		return r;
	s->elf = m.size > 4 && memcmp(m.data, "\177ELF", 4) == 0;
	if (s->elf)
		return elf_release(s, &m, err);
	r = viv_bzimage_parse(m.data, m.size, &image, err);
	return r < 0 ? r : set_release(s, image.version, strlen(image.version), err);
}

/* A tree */

static bool is_tree(const char *folder)
{
	VIV_FREE char *kbuild = viv_path_join(folder, "Kbuild"), *kconfig = viv_path_join(folder, "Kconfig");
	VIV_FREE char *config = viv_path_join(folder, ".config"), *image = viv_path_join(folder, IMAGE);

	return (viv_exists(kbuild) && viv_exists(kconfig)) || (viv_exists(config) && viv_exists(image));
}

/*
 * A line of modules.order in a build folder: "fs/xfs/xfs.o" since Linux 6.3, "fs/xfs/xfs.ko" or "kernel/fs/xfs/xfs.ko"
 * before.
 */
static int add_ordered(struct viv_kernel_source *s, const char *tree, struct viv_slice line, struct viv_error *err)
{
	VIV_FREE char *name = viv_slice_dup(viv_slice_trim(line)), *path = NULL, *ko = NULL;
	size_t n = strlen(name);

	if (!n)
		return 0;
	ko = viv_ends_with(name, ".o") ? viv_asprintf("%.*sko", (int)n - 1, name) : viv_strdup(name);
	if (!viv_path_is_safe(ko) || !viv_ends_with(ko, ".ko"))
		return viv_error_say(err, EINVAL, "%s/modules.order: \"%s\" is no module's path", tree, name);
	path = viv_path_join(tree, ko);
	if (!viv_exists(path) && viv_starts_with(ko, "kernel/")) {
		memmove(ko, ko + 7, strlen(ko + 7) + 1);
		free(path);
		path = viv_path_join(tree, ko);
	}
	if (!viv_exists(path))
		return viv_error_say(err, EINVAL, "%s: %s is in modules.order, but not built\nrun make in the tree",
				     tree, ko);
	viv_strv_take(&s->modules.paths, viv_steal(path));
	viv_strv_pushf(&s->modules.names, "kernel/%s", ko);
	return 0;
}

static int add_tree_modules(struct viv_kernel_source *s, const char *tree, struct viv_error *err)
{
	VIV_FREE char *order = viv_path_join(tree, "modules.order");
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;
	int r = 0;

	s->folder = viv_strdup(tree);
	if (!viv_exists(order))
		return 0;
	r = viv_read_file(order, MAX_TEXT, &text, err);
	rest = (struct viv_slice){text.data, text.len};
	while (r == 0 && viv_slice_line(&rest, &line))
		r = add_ordered(s, tree, line, err);
	return r;
}

/* What make called it last: another release than the image's means that one of the two is older. */
static int check_tree_release(const struct viv_kernel_source *s, const char *tree, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(tree, "include/config/kernel.release"), *said = NULL;
	VIV_STR text = VIV_STR_INIT;

	if (viv_read_file(path, 4096, &text, NULL) < 0)
		return 0;
	said = viv_slice_dup(viv_slice_trim((struct viv_slice){text.data, text.len}));
	if (viv_streq(said, s->release))
		return 0;
	return viv_error_say(err, EINVAL, "%s: its " IMAGE " is Linux %s, all else %s\nrun make in the tree", tree,
			     s->release, said);
}

static int find_tree(const char *tree, const char *modules, struct viv_kernel_source *s, struct viv_error *err)
{
	int r;

	if (!is_tree(tree))
		return viv_error_say(err, EINVAL, "%s is no kernel tree\nname a tree that is built, or a bzImage", tree);
	s->image = viv_path_join(tree, IMAGE);
	s->config = viv_path_join(tree, ".config");
	if (!viv_exists(s->image) || !viv_exists(s->config))
		return viv_error_say(err, EINVAL, "%s is a kernel tree that is not built: there is no %s\nrun make in it",
				     tree, viv_exists(s->config) ? IMAGE : ".config");
	r = read_image(s, err);
	if (r == 0)
		r = check_tree_release(s, tree, err);
	return r == 0 && !modules ? add_tree_modules(s, tree, err) : r;
}

/* A file */

/* Distributions' "vmlinuz-X" has "config-X" beside it; in a tree the configuration is at its top. */
static void find_config(struct viv_kernel_source *s)
{
	VIV_FREE char *dir = viv_path_dir(s->image), *beside = viv_asprintf("%s/config-%s", dir, s->release);
	VIV_FREE char *tree = NULL;

	if (viv_exists(beside)) {
		s->config = viv_steal(beside);
		return;
	}
	tree = viv_ends_with(s->image, "/" IMAGE)
		       ? viv_strndup(s->image, strlen(s->image) - strlen("/" IMAGE))
		       : viv_strdup(dir);
	if (is_tree(tree)) {
		VIV_FREE char *config = viv_path_join(tree, ".config");

		if (viv_exists(config))
			s->config = viv_steal(config);
	}
}

static int find_file(const char *path, struct viv_kernel_source *s, struct viv_error *err)
{
	int r;

	s->image = viv_strdup(path);
	r = read_image(s, err);
	if (r == 0)
		find_config(s);
	return r < 0 ? viv_error_context(err, "%s", path) : 0;
}

/* A folder of modules */

static bool has_modules(const char *folder)
{
	VIV_FREE char *order = viv_path_join(folder, "modules.order"), *kernel = viv_path_join(folder, "kernel");

	return viv_exists(order) || viv_exists(kernel);
}

static int find_modules(const char *path, struct viv_kernel_source *s, struct viv_error *err)
{
	VIV_STRV places = VIV_STRV_INIT;
	int r = 0;

	viv_strv_pushf(&places, "%s/lib/modules/%s", path, s->release);
	viv_strv_pushf(&places, "%s/%s", path, s->release);
	viv_strv_push(&places, path);
	for (size_t i = 0; i < places.count && !s->folder; i++)
		if (has_modules(places.items[i]))
			s->folder = viv_strdup(places.items[i]);
	if (!s->folder)
		return viv_error_say(err, EINVAL, "%s holds no modules of Linux %s", path, s->release);
	r = viv_kernel_modules_add(s->folder, &s->modules, err);
	for (size_t i = 0; r == 0 && i < s->modules.names.count; i++) {
		char *name = viv_strdup(s->modules.paths.items[i] + strlen(s->folder) + 1);

		free(s->modules.names.items[i]);
		s->modules.names.items[i] = name;
	}
	return r;
}

int viv_kernel_source_find(const char *path, const char *modules, struct viv_kernel_source *ret,
			   struct viv_error *err)
{
	VIV_CLEANUP(viv_kernel_source_free_contents) struct viv_kernel_source s = {0};
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return viv_error_set(err, errno, "%s", path);
	r = S_ISDIR(st.st_mode) ? find_tree(path, modules, &s, err) : find_file(path, &s, err);
	if (r == 0 && modules)
		r = find_modules(modules, &s, err);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct viv_kernel_source){0};
	return 0;
}

static int hash_file(struct viv_sha256 *h, const char *name, const char *path, struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);
	char hex[VIV_SHA256_HEX];
	int r = fd < 0 ? fd : viv_sha256_of_fd(fd, path, hex, err);

	if (r < 0)
		return r;
	viv_sha256_add(h, name, strlen(name) + 1);
	viv_sha256_add(h, hex, sizeof(hex));
	return 0;
}

int viv_kernel_source_hash(const struct viv_kernel_source *s, char ret_hex[65], struct viv_error *err)
{
	struct viv_sha256 *h = viv_sha256_new();
	char modules[VIV_SHA256_HEX];
	int r = hash_file(h, "image", s->image, err);

	if (r == 0 && s->config)
		r = hash_file(h, "config", s->config, err);
	for (const char *const *i = viv_kernel_indexes; r == 0 && s->folder && *i; i++) {
		VIV_FREE char *path = viv_path_join(s->folder, *i);

		if (viv_exists(path))
			r = hash_file(h, *i, path, err);
	}
	if (r == 0)
		r = viv_kernel_modules_hash(&s->modules, modules, err);
	if (r < 0) {
		viv_sha256_free(h);
		return r;
	}
	viv_sha256_add(h, modules, sizeof(modules));
	viv_sha256_finish(h, ret_hex);
	return 0;
}

bool viv_kernel_embedded_config(const char *vmlinux, struct viv_str *ret)
{
	VIV_CLEANUP(viv_unmap) struct viv_map m = {0};
	const char *start, *end;
	VIV_FD fd = -1;

	if (viv_map_file(vmlinux, &m, NULL) < 0)
		return false;
	start = memmem(m.data, m.size, "IKCFG_ST", 8);
	end = start ? memmem(start, m.size - (size_t)(start - (const char *)m.data), "IKCFG_ED", 8) : NULL;
	if (!end)
		return false;
	fd = memfd_create("config", MFD_CLOEXEC);
	if (fd < 0 || viv_unpack_memory(start + 8, (size_t)(end - start) - 8, "gzip", fd, MAX_CONFIG, vmlinux, NULL,
					NULL) < 0)
		return false;
	return lseek(fd, 0, SEEK_SET) == 0 && viv_read_to_end(fd, MAX_CONFIG, ret, vmlinux, NULL) == 0;
}
