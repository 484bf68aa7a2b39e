/* SPDX-License-Identifier: MIT */
#include "test/files.h"

#include "base/path.h"

#include <dirent.h>
#include <sys/stat.h>

#define DEPTH_MAX   16
#define ENTRIES_MAX 200000

struct walk {
	struct viv_strv *found, *unread;
	unsigned entries;
};

/* What is built, kept, or another project's: none of it is looked into. */
static bool is_passed_over(const char *name)
{
	static const char *const names[] = {"node_modules", "result", "build", "target", NULL};

	for (size_t i = 0; names[i]; i++)
		if (viv_streq(name, names[i]))
			return true;
	return name[0] == '.' || viv_starts_with(name, "result-") || viv_starts_with(name, "build-");
}

static void note(struct walk *w, const char *path, int code)
{
	if (code != ENOENT) /* it has just gone */
		viv_strv_take(w->unread, viv_asprintf("%s: %s", path, strerror(code)));
}

static int look(struct walk *w, const char *folder, unsigned depth, struct viv_error *err)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int r = 0;

	if (!d && !depth)
		return viv_error_set(err, errno, "%s", folder);
	if (!d) {
		note(w, folder, errno);
		return 0;
	}
	while (r == 0 && (errno = 0, e = readdir(d))) {
		VIV_FREE char *path = viv_streq(folder, ".") ? viv_strdup(e->d_name) : viv_path_join(folder, e->d_name);
		struct stat st;

		if (is_passed_over(e->d_name))
			continue;
		if (lstat(path, &st) < 0)
			note(w, path, errno);
		else if (++w->entries > ENTRIES_MAX)
			r = viv_error_say(err, E2BIG, "%s: more than %u files: name those with tests, or their folder",
					  folder, ENTRIES_MAX);
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			r = look(w, path, depth + 1, err);
		else if (S_ISREG(st.st_mode) && viv_ends_with(e->d_name, VIV_TEST_SUFFIX))
			viv_strv_push(w->found, path);
	}
	if (r == 0 && errno)
		note(w, folder, errno);
	closedir(d);
	return r;
}

/* Once, by whatever way it is named. */
static int add_file(const char *path, struct viv_strv *ret, struct viv_strv *absolute, struct viv_error *err)
{
	VIV_FREE char *whole = NULL;
	int r = viv_path_absolute(path, &whole, err);

	if (r < 0 || viv_strv_has(absolute, whole))
		return r;
	viv_strv_push(absolute, whole);
	viv_strv_push(ret, path);
	return 0;
}

static int add(const char *path, struct viv_strv *ret, struct viv_strv *absolute, struct viv_strv *unread, struct viv_error *err)
{
	VIV_STRV found = VIV_STRV_INIT;
	struct walk w = {.found = &found, .unread = unread};
	VIV_FREE char *clean = viv_path_clean(path);
	struct stat st;
	int r = 0;

	if (stat(clean, &st) < 0)
		return viv_error_set(err, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		r = look(&w, clean, 0, err);
	else
		viv_strv_push(&found, clean);
	if (r < 0)
		return r;
	if (!found.count)
		return viv_error_say(err, ENOENT, "%s: no *" VIV_TEST_SUFFIX " below it%s%s", path,
				     unread->count ? "; not looked into: " : "", unread->count ? unread->items[0] : "");
	viv_strv_sort(&found);
	for (size_t i = 0; r == 0 && i < found.count; i++)
		r = add_file(found.items[i], ret, absolute, err);
	return r;
}

int viv_test_files(const char *const *paths, struct viv_strv *ret, struct viv_strv *unread, struct viv_error *err)
{
	VIV_STRV absolute = VIV_STRV_INIT;
	int r = 0;

	if (!paths || !paths[0])
		return add(".", ret, &absolute, unread, err);
	for (; r == 0 && *paths; paths++)
		r = add(*paths, ret, &absolute, unread, err);
	return r;
}
