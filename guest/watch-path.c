/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as the kernel */
#define CHANGES                                                                                    \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |     \
	 IN_ONLYDIR | IN_DONT_FOLLOW)

void watch_path_begin(struct watch *w, struct watch_path *p)
{
	*p = (struct watch_path){.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
				 .mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)};
	p->silent = !watch_add(w, p->inotify, POLLIN);
	/* The kernel says POLLPRI when the table has changed since the last poll of this descriptor. */
	watch_add(w, p->mounts, POLLPRI);
}

void watch_path_end(struct watch *w, struct watch_path *p)
{
	watch_remove(w, p->inotify);
	watch_remove(w, p->mounts);
	close_fd(&p->inotify);
	close_fd(&p->mounts);
}

/* The path so far, and what is still to be walked. */
struct walk {
	char *at;	     /* without links or a slash at its end: "" is the root */
	char rest[PATH_MAX];
	int links;
	struct watch_overlay overlay;
};

static void watch_folder(struct watch_path *p, const char *folder)
{
	int wd = p->inotify < 0 ? -1 : inotify_add_watch(p->inotify, folder, CHANGES);

	p->silent |= wd < 0 && errno != ENOENT && errno != ENOTDIR;
	if (wd >= 0 && p->n < PATHS_MAX)
		p->folders[p->n++] = wd;
	else if (wd >= 0)
		p->silent = true; /* it may be removed again; so deep a path is not worth more */
}

/* Replaces the link's name by what is in it. */
static int follow(struct walk *k, const char *link)
{
	char target[PATH_MAX], whole[2 * PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	if (n < 0)
		return errno;
	if (++k->links > MAX_LINKS)
		return ELOOP;
	target[n] = '\0';
	if (target[0] == '/')
		k->at[0] = '\0';
	if ((size_t)snprintf(whole, sizeof(whole), "%s/%s", target, k->rest) >= sizeof(k->rest))
		return ENAMETOOLONG;
	memcpy(k->rest, whole, strlen(whole) + 1);
	return 0;
}

/* One name further. */
static int step(struct watch_path *p, struct walk *k, const char *name, struct stat *st)
{
	char next[PATH_MAX + NAME_MAX + 2];
	const char *at = k->at[0] ? k->at : "/";
	enum watch_silence silence;

	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(k->at, '/');

		if (slash)
			*slash = '\0';
		return stat(k->at[0] ? k->at : "/", st) < 0 ? errno : 0;
	}
	/* Watched before it is looked into: what changes between the two is not missed. */
	watch_folder(p, at);
	silence = watch_silence_of(at, &k->overlay);
	p->silent |= silence != WATCH_TELLS;
	if (strlen(name) > NAME_MAX || (size_t)snprintf(next, sizeof(next), "%s/%s", k->at, name) >= PATH_MAX)
		return ENAMETOOLONG;
	if (silence == WATCH_SILENT_OVERLAY && !watch_is_listed(at, name))
		return ENOENT;
	if (lstat(next, st) < 0)
		return errno;
	if (S_ISLNK(st->st_mode))
		return follow(k, next);
	memcpy(k->at, next, strlen(next) + 1);
	return 0;
}

static int walk(struct watch_path *p, const char *path, struct stat *st)
{
	struct walk k = {.at = p->real};
	char *rest = k.rest;
	int r = stat("/", st) < 0 ? errno : 0;

	k.at[0] = '\0';
	if (path[0] != '/')
		return EINVAL;
	if ((size_t)snprintf(k.rest, sizeof(k.rest), "%s", path) >= sizeof(k.rest))
		return ENAMETOOLONG;
	while (r == 0 && *(rest += strspn(rest, "/"))) {
		size_t n = strcspn(rest, "/");
		char name[PATH_MAX];

		memcpy(name, rest, n);
		name[n] = '\0';
		memmove(k.rest, rest + n, strlen(rest + n) + 1);
		rest = k.rest;
		if (strcmp(name, ".") != 0)
			r = step(p, &k, name, st);
	}
	/* A slash at the end means a folder. */
	return r == 0 && path[strlen(path) - 1] == '/' && !S_ISDIR(st->st_mode) ? ENOTDIR : r;
}

/* Folders that are no longer on the way. */
static void forget(struct watch_path *p, const int *before, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < p->n && p->folders[k] != before[i])
			k++;
		if (k == p->n)
			inotify_rm_watch(p->inotify, before[i]);
	}
}

int watch_path_look(struct watch *w, struct watch_path *p, const char *path, struct stat *ret_stat)
{
	int before[PATHS_MAX], r;
	unsigned n = p->n;
	char events[4096];
	struct stat st;

	memcpy(before, p->folders, n * sizeof(*before));
	while (p->inotify >= 0 && read(p->inotify, events, sizeof(events)) > 0)
		;
	p->n = 0;
	p->silent = p->inotify < 0;
	r = walk(p, path, &st);
	forget(p, before, n);
	if (p->silent)
		watch_look_again(w);
	if (r == 0 && ret_stat)
		*ret_stat = st;
	return r;
}
