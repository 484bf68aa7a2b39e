/* SPDX-License-Identifier: MIT */
#include "deb/contents.h"

#include "base/dl.h"
#include "base/path.h"
#include "deb/import.h"
#include "deb/take.h"

#include <fnmatch.h>

#define MAX_FILES 200000
#define MAX_LINKS 32

/* What nobody needs to run something: the default leaves it out. */
static const char *const left_out[] = {
	"usr/share/doc/*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*",
	"usr/share/lintian/*", "usr/share/bug/*", "usr/share/doc-base/*", "usr/share/bash-completion/*",
	"usr/share/zsh/*", "usr/share/fish/*", "usr/share/menu/*", "usr/share/pixmaps/*",
	"usr/share/applications/*", "usr/share/icons/*", "usr/share/gdb/*", "usr/include/*",
	"usr/lib/systemd/*", "usr/lib/debug/*", "usr/lib/*.a", "etc/init.d/*", "etc/cron.*", "etc/logrotate.d/*",
	"etc/ufw/*", "etc/apparmor.d/*"};

static const char *const merged[] = {"bin", "sbin", "lib", "lib64"};

char *viv_take_path(const char *path)
{
	VIV_FREE char *clean = NULL;

	while (viv_starts_with(path, "./") || *path == '/')
		path += *path == '/' ? 1 : 2;
	clean = viv_path_clean(path);
	if (!viv_path_is_safe(clean))
		return NULL;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(merged); i++)
		if (viv_streq(clean, merged[i]) ||
		    (viv_starts_with(clean, merged[i]) && clean[strlen(merged[i])] == '/'))
			return viv_asprintf("usr/%s", clean);
	return viv_steal(clean);
}

static bool is_merged_folder(const char *path)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(merged); i++)
		if (viv_starts_with(path, "usr/") && viv_streq(path + 4, merged[i]))
			return true;
	return false;
}

struct listing {
	struct viv_contents *contents;
	const char *deb;
};

static int list_entry(struct archive *tar, struct archive_entry *e, void *arg, struct viv_error *err)
{
	const struct listing *l = arg;
	struct viv_contents *c = l->contents;
	const char *hard = sym_archive_entry_hardlink(e), *soft = sym_archive_entry_symlink(e);
	VIV_FREE char *path = viv_take_path(sym_archive_entry_pathname(e));
	VIV_FREE char *target = hard ? viv_take_path(hard) : viv_strdup(soft);
	unsigned type = sym_archive_entry_filetype(e);

	if (!path || (!hard && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK))
		return 0;
	if ((hard || type == AE_IFLNK) && !target)
		return viv_error_say(err, EBADMSG, "%s: %s is a link that leads nowhere", l->deb, path);
	if (type == AE_IFLNK && is_merged_folder(path))
		return 0;
	if (c->n == MAX_FILES)
		return viv_error_say(err, E2BIG, "%s has too many files", l->deb);
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 64;
		c->files = viv_realloc(c->files, c->cap * sizeof(*c->files));
	}
	c->files[c->n] = (struct viv_contents_file){
		.path = viv_steal(path),
		.target = hard || type == AE_IFLNK ? viv_steal(target) : NULL,
		.type = hard ? 'h' : type == AE_IFREG ? 'f' : type == AE_IFDIR ? 'd' : 'l',
		.mode = sym_archive_entry_perm(e) & 07777,
		.uid = (unsigned)sym_archive_entry_uid(e),
		.gid = (unsigned)sym_archive_entry_gid(e),
		.number = c->n,
	};
	c->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct viv_contents_file *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : x->number < y->number ? -1 : x->number > y->number;
}

int viv_contents_read(const char *deb, struct viv_contents *ret, struct viv_error *err)
{
	struct listing l = {ret, deb};
	int r = viv_deb_each_entry(deb, "data.tar", list_entry, &l, err);

	if (r < 0)
		return r;
	if (ret->n)
		qsort(ret->files, ret->n, sizeof(*ret->files), compare);
	for (size_t i = 0; i < ret->n; i++) {
		const struct viv_contents_file *f = &ret->files[i];
		const struct viv_contents_file *to = f->type == 'h' ? viv_contents_find(ret, f->target) : NULL;

		if (f->type == 'h' && (!to || to->type != 'f'))
			return viv_error_say(err, EBADMSG, "%s: %s is a hard link to %s, which is no file of the package",
					     deb, f->path, f->target);
	}
	return 0;
}

void viv_contents_free(struct viv_contents *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->files[i].path);
		free(c->files[i].target);
	}
	free(c->files);
	*c = (struct viv_contents){0};
}

struct viv_contents_file *viv_contents_find(const struct viv_contents *c, const char *path)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(c->files[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->n && viv_streq(c->files[low].path, path) ? &c->files[low] : NULL;
}

static void choose_parents(struct viv_contents *c, const char *path)
{
	VIV_FREE char *dir = viv_strdup(path);

	for (char *slash; (slash = strrchr(dir, '/'));) {
		struct viv_contents_file *d;

		*slash = '\0';
		d = viv_contents_find(c, dir);
		if (d && d->type == 'd')
			d->chosen = true;
	}
}

/* "usr/bin/../lib/x": folders of packages are no links, but for those that viv_take_path knows. */
static void fold(char *path)
{
	for (char *up; (up = strstr(path, "/../"));) {
		char *before = up;

		while (before > path && *--before != '/')
			;
		memmove(before > path ? before + 1 : before, up + 4, strlen(up + 4) + 1);
	}
}

void viv_contents_choose(struct viv_contents *c, struct viv_contents_file *f)
{
	for (unsigned i = 0; f && i < MAX_LINKS; i++) {
		VIV_FREE char *dir = viv_path_dir(f->path), *there = NULL, *path = NULL;

		f->chosen = true;
		choose_parents(c, f->path);
		if (!f->target)
			return;
		there = f->type == 'h' || f->target[0] == '/' ? viv_strdup(f->target)
							      : viv_path_join(dir, f->target);
		fold(there);
		path = viv_take_path(there);
		f = path ? viv_contents_find(c, path) : NULL;
	}
}

/* A folder is what is in it. */
static bool is_left_out(const struct viv_contents_file *f)
{
	VIV_FREE char *path = viv_asprintf("%s%s", f->path, f->type == 'd' ? "/" : "");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(left_out); i++)
		if (fnmatch(left_out[i], path, 0) == 0)
			return true;
	return false;
}

void viv_contents_choose_all(struct viv_contents *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!is_left_out(&c->files[i]))
			viv_contents_choose(c, &c->files[i]);
}

bool viv_contents_choose_matching(struct viv_contents *c, const char *pattern)
{
	VIV_FREE char *path = viv_take_path(pattern);
	bool any = false;

	for (size_t i = 0; path && i < c->n; i++)
		if (fnmatch(path, c->files[i].path, 0) == 0) {
			viv_contents_choose(c, &c->files[i]);
			any = true;
		}
	return any;
}

const struct viv_contents_file *viv_contents_real(const struct viv_contents *c, const struct viv_contents_file *f)
{
	return f->type == 'h' ? viv_contents_find(c, f->target) : f;
}
