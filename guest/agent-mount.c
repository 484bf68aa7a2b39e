/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Every file system is mounted in a folder of ours first, where nothing hides it, and from there bound
 * to its target. So one device serves many targets, and a target that something else was mounted over
 * (systemd's /tmp) is bound again, without a second mount of what can be mounted once.
 */
#define STAGE	 "/run/viv/shares"
#define OVERLAYS "/run/viv/overlays"
#define OPTIONS_9P "trans=virtio,version=9p2000.L,msize=1048576,cache=mmap"

static bool has_option(const char *options, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = options; (p = strstr(p, word)); p += n)
		if ((p == options || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
			return true;
	return false;
}

static int make_folder(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? errno : 0;
}

/* With its parents. */
static int make_folders(const char *path)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return ENAMETOOLONG;
	for (size_t i = 1; i <= n; i++) {
		struct stat st;
		int r;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		/* Asked first: on a read-only root mkdir says so even where it is there. */
		if (stat(part, &st) == 0)
			continue;
		r = make_folder(part);
		if (r)
			return r;
	}
	return 0;
}

static bool same(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

/* Is something mounted there? Two mounts of one file system don't stand in each other's parent. */
static bool is_mounted(const char *path, const char *parent)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(parent, &b) == 0 && a.st_dev != b.st_dev;
}

static int stage(const struct viv_proto_mount *m, char *ret, size_t size)
{
	bool plan9 = strcmp(m->kind, "9p") == 0;
	char place[sizeof(STAGE) + NAME_MAX + 2];
	int r = make_folders(STAGE);

	if (r == 0 && snprintf(place, sizeof(place), STAGE "/%s", m->tag) >= (int)sizeof(place))
		r = ENAMETOOLONG;
	if (r == 0)
		r = make_folder(place);
	if (r)
		return r;
	/* "/.": through what the folder may mount when it is entered (announced submounts). */
	if (snprintf(ret, size, "%s/%s/.", place, m->folder) >= (int)size)
		return ENAMETOOLONG;
	chmod(STAGE, 0700);
	if (is_mounted(place, STAGE))
		return 0;
	if (plan9)
		modules_need("9pnet_virtio");
	modules_need(plan9 ? "9p" : "virtiofs");
	return mount(m->tag, place, m->kind, plan9 && has_option(m->options, "ro") ? MS_RDONLY : 0,
		     plan9 ? OPTIONS_9P : NULL) < 0 ? errno : 0;
}

/* The upper folder is what the merged root looks like: like the lower one's. */
static int make_upper(const char *place, const char *lower)
{
	char path[2 * PATH_MAX];
	struct stat st;

	if (mount("viv", place, "tmpfs", 0, "mode=0700,nr_inodes=0") < 0 || stat(lower, &st) < 0)
		return errno;
	snprintf(path, sizeof(path), "%s/work", place);
	if (mkdir(path, 0700) < 0)
		return errno;
	snprintf(path, sizeof(path), "%s/merged", place);
	if (mkdir(path, 0700) < 0)
		return errno;
	snprintf(path, sizeof(path), "%s/upper", place);
	if (mkdir(path, 0700) < 0 || chown(path, st.st_uid, st.st_gid) < 0 ||
	    chmod(path, st.st_mode & 07777) < 0)
		return errno;
	return 0;
}

/* Puts memory over the folder at `from`, which becomes the place where both are seen as one. */
static int put_overlay(const struct viv_proto_mount *m, char *from, size_t size)
{
	char place[sizeof(OVERLAYS) + 2 * NAME_MAX], merged[sizeof(place) + 8];
	char options[4 * PATH_MAX];
	int r = make_folders(OVERLAYS);

	chmod(OVERLAYS, 0700);
	if (snprintf(place, sizeof(place), OVERLAYS "/%s-%s", m->tag, m->folder) >=
	    (int)sizeof(place))
		return ENAMETOOLONG;
	snprintf(merged, sizeof(merged), "%s/merged", place);
	if (r == 0)
		r = make_folder(place);
	if (r == 0 && !is_mounted(place, OVERLAYS)) {
		r = make_upper(place, from);
		snprintf(options, sizeof(options),
			 "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,redirect_dir=on", from, place,
			 place);
		if (r == 0)
			modules_need("overlay");
		if (r == 0 && mount("viv", merged, "overlay", 0, options) < 0)
			r = errno;
		if (r)
			umount2(place, MNT_DETACH);
	}
	snprintf(from, size, "%s", merged);
	return r;
}

static int bind_to(const struct viv_proto_mount *m, const char *from)
{
	bool read_only = has_option(m->options, "ro");
	int fd;

	/* Enters it: an announced submount is there from here on. */
	fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	close(fd);
	if (same(from, m->target))
		return 0;
	if (mount(from, m->target, NULL, MS_BIND, NULL) < 0)
		return errno;
	if (read_only && mount(NULL, m->target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return errno;
	return 0;
}

int system_mount(const struct viv_proto_mount *m)
{
	char from[2 * PATH_MAX];
	int r;

	umask(022);
	if (!*m->tag || *m->tag == '.' || *m->folder == '.')
		return EINVAL;
	r = stage(m, from, sizeof(from));
	if (r == 0 && has_option(m->options, "overlay"))
		r = put_overlay(m, from, sizeof(from));
	if (r == 0)
		r = make_folders(m->target);
	return r ? r : bind_to(m, from);
}
