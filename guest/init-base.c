/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * A kept disk remembers which layers it was written on. When these are others, what it holds may
 * hide what is new in them: files of the disk with another one below, and what was removed there.
 */

#define RECORD	  UPPER "/viv.base"
#define DATA	  UPPER "/upper"
#define OPAQUE	  "trusted.overlay.opaque"
#define MAX_SHOWN 15
#define MAX_DEPTH 64

/* The machine's own state: nobody waits for the layers' version of it. */
static const char *const state[] = {
	"/etc/.pwd.lock", "/etc/machine-id",  "/etc/mtab",    "/etc/resolv.conf", "/run",    "/tmp",
	"/var/cache",	  "/var/lib/systemd", "/var/lib/viv", "/var/log",	  "/var/tmp"};
static const char *const packages[] = {BASE_PACKAGES, "/bin", "/sbin", "/lib", "/lib64"};

struct walk {
	const struct params *p;
	char path[4096]; /* below both trees, with a / in front */
	unsigned depth, hiding, dropped;
};

static bool below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

static bool below_any(const char *path, const char *const *folders, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (below(path, folders[i]))
			return true;
	return false;
}

static bool is_package_file(const char *path)
{
	return below_any(path, packages, sizeof(packages) / sizeof(packages[0])) &&
	       !below(path, "/usr/local");
}

static bool same_content(const char *a, const char *b)
{
	static char x[65536], y[65536];
	int fa = open(a, O_RDONLY | O_CLOEXEC), fb = open(b, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1, m = 1;

	while (fa >= 0 && fb >= 0 && n > 0 && n == m) {
		n = read(fa, x, sizeof(x));
		m = read(fb, y, sizeof(y));
		if (n < 0 || n != m || memcmp(x, y, (size_t)n) != 0)
			m = -1;
	}
	if (fa >= 0)
		close(fa);
	if (fb >= 0)
		close(fb);
	return fa >= 0 && fb >= 0 && n == 0 && m == 0;
}

static bool same_link(const char *a, const char *b)
{
	static char x[4096], y[4096];
	ssize_t n = readlink(a, x, sizeof(x)), m = readlink(b, y, sizeof(y));

	return n >= 0 && n == m && memcmp(x, y, (size_t)n) == 0;
}

static bool same(const char *a, const struct stat *x, const char *b, const struct stat *y)
{
	if (x->st_mode != y->st_mode || x->st_uid != y->st_uid || x->st_gid != y->st_gid)
		return false;
	if (S_ISREG(x->st_mode))
		return x->st_size == y->st_size && same_content(a, b);
	if (S_ISLNK(x->st_mode))
		return same_link(a, b);
	return x->st_rdev == y->st_rdev;
}

/* A folder that was removed and made again: it hides all of the one below. */
static bool is_opaque(const char *upper)
{
	char value[4];

	return lgetxattr(upper, OPAQUE, value, sizeof(value)) == 1 && value[0] == 'y';
}

static void found(struct walk *w, const char *upper, bool folder)
{
	if (w->p->rebase && is_package_file(w->path) && (!folder || is_opaque(upper))) {
		if ((folder ? removexattr(upper, OPAQUE) : unlink(upper)) < 0)
			fatal("cannot remove %s from the disk %s: %m", w->path,
			      disk_name(w->p));
		w->dropped++;
		return;
	}
	if (w->hiding++ < MAX_SHOWN)
		warning("the disk's %s hides another one", w->path);
}

static void walk(struct walk *w);

/* w->path is one entry. */
static void look_at(struct walk *w)
{
	char upper[4200], lower[4200];
	struct stat u, l;

	if (below_any(w->path, state, sizeof(state) / sizeof(state[0])))
		return;
	snprintf(upper, sizeof(upper), DATA "%s", w->path);
	snprintf(lower, sizeof(lower), ROOT "%s", w->path);
	if (lstat(upper, &u) < 0 || lstat(lower, &l) < 0)
		return; /* the disk's alone */
	if (!S_ISDIR(u.st_mode) || !S_ISDIR(l.st_mode)) {
		if (!same(upper, &u, lower, &l))
			found(w, upper, S_ISDIR(u.st_mode));
		return;
	}
	if (is_opaque(upper))
		found(w, upper, true);
	if (w->depth < MAX_DEPTH)
		walk(w);
}

static void walk(struct walk *w)
{
	size_t len = strlen(w->path);
	char folder[4200];
	struct dirent *e;
	DIR *dir;

	snprintf(folder, sizeof(folder), DATA "%s", w->path);
	dir = opendir(folder);
	w->depth++;
	while (dir && (e = readdir(dir))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    len + 1 + strlen(e->d_name) >= sizeof(w->path))
			continue;
		snprintf(w->path + len, sizeof(w->path) - len, "/%s", e->d_name);
		look_at(w);
	}
	w->path[len] = '\0';
	w->depth--;
	if (dir)
		closedir(dir);
}

void base_check(const struct params *p)
{
	static struct walk w;
	char base[sizeof(p->base)] = "";

	if (!p->base[0])
		return;
	if (read_text(RECORD, base, sizeof(base)) > 0 && strcmp(base, p->base) != 0) {
		w.p = p;
		root_mount_lower(p);
		walk(&w);
		if (umount(ROOT) < 0)
			fatal("cannot unmount the layers: %m");
		if (w.hiding > MAX_SHOWN)
			warning("… and %u more", w.hiding - MAX_SHOWN);
		if (w.hiding && !p->rebase)
			fatal("the disk %s was made on other layers, and %u of its files hide "
			      "those of the new ones: --rebase drops the packages' files from it "
			      "and keeps the others, --fresh throws it away",
			      disk_name(p), w.hiding);
		if (p->rebase)
			warning("%u files dropped from the disk %s, %u kept that hide others",
				w.dropped, disk_name(p), w.hiding);
	} else if (strcmp(base, p->base) == 0) {
		return;
	}
	write_record(RECORD, p->base);
}
