/* SPDX-License-Identifier: MIT */
#include "source/tree.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "source/git.h"

#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 2000000

void viv_own_tree_free(struct viv_own_tree *t)
{
	free(t->path);
	viv_tree_free(&t->files);
	*t = (struct viv_own_tree){0};
}

static void entry_clear(struct viv_tree_entry *e)
{
	free(e->path);
	free(e->target);
	free(e->caps);
}

static bool is_above(const struct viv_strv *files, const char *folder)
{
	VIV_FREE char *start = viv_asprintf("%s/", folder);
	size_t low = 0, high = files->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(files->items[mid], start) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < files->count && viv_starts_with(files->items[low], start);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_listed(const struct viv_strv *files, const char *path)
{
	return files->count &&
	       bsearch(&path, files->items, files->count, sizeof(*files->items), compare_text);
}

/* Files and links that are in the list (NULL: all), and the folders above them. */
static void filter(struct viv_tree *t, const struct viv_strv *files)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		bool keep = viv_streq(e->path, ".git") || viv_starts_with(e->path, ".git/") ? false
			    : strchr("fhl", e->type) ? !files || is_listed(files, e->path)
			    : e->type == 'd' ? !files || viv_streq(e->path, ".") || is_above(files, e->path)
					     : false;

		if (keep)
			t->entries[n++] = *e;
		else
			entry_clear(e);
	}
	t->n = n;
}

/* A further name of a file is one more file: builds may write to either. */
static void split_links(struct viv_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct viv_tree_entry *e = &t->entries[i];
		const struct viv_tree_entry *first = e->type == 'h' ? viv_tree_find(t, e->target) : NULL;

		if (e->type == 'h') {
			e->type = 'f';
			if (first)
				memcpy(e->sha256, first->sha256, sizeof(e->sha256));
			free(viv_steal(e->target));
		}
	}
}

static void add_field(struct viv_sha256 *h, const char *text)
{
	viv_sha256_add(h, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* NUL ends each field: no two trees write the same. */
static void hash_all(const struct viv_tree *t, char ret_hex[VIV_SHA256_HEX])
{
	struct viv_sha256 *h = viv_sha256_new();

	for (size_t i = 0; i < t->n; i++) {
		const struct viv_tree_entry *e = &t->entries[i];
		const char kind[] = {e->type, e->type == 'f' && e->mode & 0100 ? 'x' : '-', '\0'};

		add_field(h, kind);
		add_field(h, e->sha256);
		add_field(h, e->target);
		add_field(h, e->path);
	}
	viv_sha256_finish(h, ret_hex);
}

/* Modes and times of a copy are its own: only whether a file is executable counts. */
static int hash_rest(struct viv_own_tree *t, struct viv_error *err)
{
	for (size_t i = 0; i < t->files.n; i++) {
		struct viv_tree_entry *e = &t->files.entries[i];
		VIV_FREE char *path = NULL;
		VIV_FD fd = -1;
		int r;

		if (e->type != 'f' || e->sha256[0])
			continue;
		path = viv_path_join(t->path, e->path);
		fd = viv_open(path, O_RDONLY | O_NOFOLLOW, 0, err);
		r = fd < 0 ? fd : viv_sha256_of_fd(fd, path, e->sha256, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int viv_own_tree_read(const char *path, bool git, struct viv_report *report,
		      struct viv_own_tree *ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_own_tree_free) struct viv_own_tree t = {.path = viv_strdup(path)};
	VIV_STRV files = VIV_STRV_INIT;
	struct stat st;
	int r = 0;

	if (stat(path, &st) < 0)
		return viv_error_set(err, errno, "the source %s", path);
	if (!S_ISDIR(st.st_mode))
		return viv_error_say(err, ENOTDIR, "the source %s is no folder", path);
	if (git)
		r = viv_git_list(path, report, &files, err);
	if (r == 0)
		r = viv_tree_scan(path, &t.files, err);
	if (r < 0)
		return r;
	filter(&t.files, git ? &files : NULL);
	if (t.files.n > FILES_MAX)
		return viv_error_say(err, EFBIG, "the source %s has more than %d files", path, FILES_MAX);
	r = viv_tree_hash_files(path, &t.files, NULL, err);
	if (r < 0)
		return r;
	split_links(&t.files);
	r = hash_rest(&t, err);
	if (r < 0)
		return r;
	hash_all(&t.files, t.hash);
	*ret = t;
	t = (struct viv_own_tree){0};
	return 0;
}

bool viv_own_tree_has(const struct viv_own_tree *t, const char *path)
{
	return viv_tree_find(&t->files, path) != NULL;
}
