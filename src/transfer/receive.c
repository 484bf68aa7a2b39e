/* SPDX-License-Identifier: MIT */
#include "transfer/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

/* A folder that things go into. */
struct folder {
	int fd;
	bool ours; /* made by us: gets its mode and time when it is left */
	char name[VIV_TRANSFER_NAME_MAX + 1];
	struct viv_transfer_record record;
};

/* The file that is coming. */
struct incoming {
	int fd;	       /* -1: it could not be made; its data is thrown away */
	bool open;     /* between FILE and DONE or DROP */
	bool unnamed;  /* O_TMPFILE */
	char temp[32]; /* its name until it is whole */
	char name[VIV_TRANSFER_NAME_MAX + 1];
	uint64_t at; /* blocks begin here or later */
	struct viv_transfer_record record;
};

struct receiver {
	int in;
	const struct viv_transfer_listener *l;
	bool owners;
	const char *rename; /* what the one thing that comes is called; NULL: as it likes */
	unsigned things;    /* at the top */
	const char *const *names; /* that may still come there; NULL: any */
	char *shown;	    /* the target's path, for messages */
	struct folder stack[VIV_TRANSFER_DEPTH + 1];
	unsigned depth;
	unsigned skipped; /* folders in each other that could not be made: all below is thrown away */
	struct incoming file;
	const struct viv_transfer_memory *memory;
	unsigned temps;
	long complaints;
	uint64_t bytes;
	uint8_t *buf;
	size_t start, end;
};

static int here(const struct receiver *r)
{
	return r->stack[r->depth].fd;
}

/* Names come from the other side: who shows them makes them fit to be shown. */
static void complain(struct receiver *r, const char *name, const char *why)
{
	char path[1024];
	size_t len = 0;

	r->complaints++;
	for (unsigned i = 1; i <= r->depth && len < sizeof(path); i++)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "%s/", r->stack[i].name);
	viv_transfer_complain(r->l, "%s%s%s%s: %s", r->shown, r->rename ? "" : "/",
			      len ? path : "", r->rename && !r->depth ? "" : name, why);
}

/* Nothing more can be written: the same would be said of each file that follows. */
static bool is_fatal(int code)
{
	return code == ENOSPC || code == EDQUOT || code == EROFS || code == EIO;
}

/* The stream */

/* Makes `len` bytes, at most CHUNK, be in the buffer. */
static int need(struct receiver *r, size_t len)
{
	if (r->end - r->start < len && CHUNK - r->start < len) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	while (r->end - r->start < len) {
		ssize_t n = read(r->in, r->buf + r->end, CHUNK - r->end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		r->end += (size_t)n;
	}
	return 0;
}

static const uint8_t *take(struct receiver *r, size_t len)
{
	const uint8_t *p = r->buf + r->start;

	r->start += len;
	if (r->start == r->end)
		r->start = r->end = 0;
	return p;
}

/* Names */

/* A guest that is asked for one file must not leave another, a .profile, beside it. */
static bool was_asked_for(struct receiver *r, const struct viv_transfer_record *rec, const char *name)
{
	for (; *r->names; r->names++) {
		bool any = !**r->names;

		if (any ? rec->type == VIV_TRANSFER_FOLDER : strcmp(*r->names, name) == 0) {
			r->names++;
			return true;
		}
	}
	return false;
}

/* A name for something at the top may have been given by the user. */
static int take_name(struct receiver *r, const struct viv_transfer_record *rec,
		     char ret[VIV_TRANSFER_NAME_MAX + 1])
{
	int e = need(r, rec->name_len);
	const uint8_t *p;

	if (e < 0)
		return e;
	p = take(r, rec->name_len);
	if (!viv_transfer_name_ok((const char *)p, rec->name_len))
		return -EPROTO;
	memcpy(ret, p, rec->name_len);
	ret[rec->name_len] = '\0';
	if (r->depth == 0 && r->skipped == 0 && r->names && !was_asked_for(r, rec, ret)) {
		complain(r, ret, "the guest sends what was not asked for");
		return -EPROTO;
	}
	if (r->depth == 0 && r->skipped == 0 && r->rename) {
		if (r->things++)
			return -EPROTO;
		snprintf(ret, VIV_TRANSFER_NAME_MAX + 1, "%s", r->rename);
	}
	return 0;
}

static void next_temp(struct receiver *r, char ret[32])
{
	snprintf(ret, 32, ".viv-%ld-%u", (long)getpid(), r->temps++);
}

static void set_properties(struct receiver *r, int fd, const struct viv_transfer_record *rec)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = rec->mtime / 1000000000 - (rec->mtime % 1000000000 < 0),
		 .tv_nsec = (rec->mtime % 1000000000 + 1000000000) % 1000000000}};

	if (r->owners && fchown(fd, rec->uid, rec->gid) < 0)
		complain(r, "owner", strerror(errno));
	/* Without its owner a set-user-id program would become another user's. */
	if (fchmod(fd, rec->mode & (r->owners ? 07777 : 0777)) < 0)
		complain(r, "mode", strerror(errno));
	futimens(fd, times);
}

/* Folders */

static int open_folder(struct receiver *r, const char *name, bool *ret_ours)
{
	int fd;

	*ret_ours = mkdirat(here(r), name, 0700) == 0;
	if (!*ret_ours && errno != EEXIST)
		return -errno;
	/* What is there and is a link is not followed. */
	fd = openat(here(r), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int enter(struct receiver *r, const struct viv_transfer_record *rec)
{
	char name[VIV_TRANSFER_NAME_MAX + 1];
	int e = take_name(r, rec, name), fd;
	bool ours;

	if (e < 0)
		return e;
	if (r->skipped || r->depth == VIV_TRANSFER_DEPTH) {
		if (r->skipped == UINT_MAX)
			return -EPROTO;
		if (!r->skipped++)
			complain(r, name, "too many folders in each other");
		return 0;
	}
	fd = open_folder(r, name, &ours);
	if (fd < 0) {
		complain(r, name, fd == -ENOTDIR || fd == -ELOOP ? "is there and is not a folder"
								 : strerror(-fd));
		r->skipped = 1;
		return is_fatal(-fd) ? fd : 0;
	}
	r->stack[++r->depth] = (struct folder){.fd = fd, .ours = ours, .record = *rec};
	memcpy(r->stack[r->depth].name, name, sizeof(name));
	return 0;
}

static int leave(struct receiver *r)
{
	struct folder *f = &r->stack[r->depth];

	if (r->skipped) {
		r->skipped--;
		return 0;
	}
	if (r->depth == 0)
		return -EPROTO;
	if (f->ours)
		set_properties(r, f->fd, &f->record);
	close(f->fd);
	r->depth--;
	return 0;
}

/* Files */

/* Only a file or a link makes place for one that comes; never a device that has its name. */
static bool may_replace(struct receiver *r, const char *name)
{
	struct stat st;

	if (fstatat(here(r), name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode) ||
	    S_ISLNK(st.st_mode))
		return true;
	complain(r, name, S_ISDIR(st.st_mode) ? "is there and is a folder"
					      : "is there and is not a regular file");
	return false;
}

/* Without a name, so that nothing of it is left if we are killed; where that can't be, with one. */
static int open_temp(struct receiver *r)
{
	struct incoming *f = &r->file;
	int fd = openat(here(r), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	f->unnamed = fd >= 0;
	for (int tries = 0; fd < 0 && tries < 100; tries++) {
		next_temp(r, f->temp);
		fd = openat(here(r), f->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

static int begin_file(struct receiver *r, const struct viv_transfer_record *rec)
{
	struct incoming *f = &r->file;
	int e;

	*f = (struct incoming){.fd = -1, .open = true, .record = *rec};
	e = take_name(r, rec, f->name);
	if (e < 0 || r->skipped || !may_replace(r, f->name))
		return e;
	f->fd = open_temp(r);
	if (f->fd < 0) {
		int code = errno;

		complain(r, f->name, strerror(code));
		return is_fatal(code) ? -code : 0;
	}
	return 0;
}

static void drop_file(struct receiver *r)
{
	struct incoming *f = &r->file;

	if (f->fd >= 0) {
		close(f->fd);
		if (!f->unnamed)
			unlinkat(here(r), f->temp, 0);
	}
	f->fd = -1;
}

static int fail_file(struct receiver *r, int code)
{
	complain(r, r->file.name, strerror(code));
	drop_file(r);
	return is_fatal(code) ? -code : 0;
}

static int write_at(int fd, const uint8_t *p, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int take_block(struct receiver *r, const struct viv_transfer_record *rec)
{
	struct incoming *f = &r->file;
	size_t left = rec->mode;
	uint64_t at = rec->size;
	int e = 0, code;

	if (!f->open || at < f->at)
		return -EPROTO;
	while (e == 0 && left) {
		size_t n;

		e = need(r, 1);
		if (e < 0)
			return e;
		n = r->end - r->start < left ? r->end - r->start : left;
		code = f->fd >= 0 ? write_at(f->fd, r->buf + r->start, n, at) : 0;
		take(r, n);
		at += n;
		left -= n;
		if (code)
			e = fail_file(r, code);
	}
	f->at = at;
	r->bytes += rec->mode;
	if (r->l->advance)
		r->l->advance(r->bytes, f->name, r->l->arg);
	return e;
}

/* The same for data that is in the memory, where the other side may change it at any time. */
static int take_memory(struct receiver *r, const struct viv_transfer_record *rec)
{
	struct incoming *f = &r->file;
	const struct viv_transfer_memory *m = r->memory;
	int code = 0;

	if (!m || rec->uid >= m->slots || rec->mode > VIV_TRANSFER_SLOT || !f->open ||
	    rec->size < f->at)
		return -EPROTO;
	if (f->fd >= 0)
		code = write_at(f->fd, m->base + (size_t)rec->uid * VIV_TRANSFER_SLOT, rec->mode,
				rec->size);
	/* Nobody hears it any more: then the stream ends, well or not, with what is in it. */
	while (write(m->back, "", 1) < 0 && errno == EINTR)
		;
	f->at = rec->size + rec->mode;
	r->bytes += rec->mode;
	if (r->l->advance)
		r->l->advance(r->bytes, f->name, r->l->arg);
	return code ? fail_file(r, code) : 0;
}

/* Gives an unnamed file a name of its own, by which it can then take another's place. */
static int name_temp(struct receiver *r)
{
	struct incoming *f = &r->file;
	char self[64];
	int e;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
	do {
		next_temp(r, f->temp);
		e = linkat(AT_FDCWD, self, here(r), f->temp, AT_SYMLINK_FOLLOW);
	} while (e < 0 && errno == EEXIST && r->temps % 100);
	f->unnamed = e < 0;
	return e;
}

static int finish_file(struct receiver *r, const struct viv_transfer_record *rec)
{
	struct incoming *f = &r->file;

	if (!f->open || rec->size < f->at)
		return -EPROTO;
	f->open = false;
	if (f->fd < 0)
		return 0;
	if (ftruncate(f->fd, (off_t)rec->size) < 0)
		return fail_file(r, errno);
	set_properties(r, f->fd, &f->record);
	if ((f->unnamed && name_temp(r) < 0) || renameat(here(r), f->temp, here(r), f->name) < 0)
		return fail_file(r, errno);
	close(f->fd);
	f->fd = -1;
	return 0;
}

static int drop(struct receiver *r)
{
	if (!r->file.open)
		return -EPROTO;
	drop_file(r);
	r->file.open = false;
	return 0;
}

/* Links */

static int make_link(struct receiver *r, const struct viv_transfer_record *rec)
{
	char name[VIV_TRANSFER_NAME_MAX + 1], target[VIV_TRANSFER_LINK_MAX + 1], temp[32];
	int e = r->depth || r->skipped ? take_name(r, rec, name) : -EPROTO, code;

	/* At the top a sender follows links: one there would be a trap for who uses the file. */
	if (e == 0)
		e = need(r, rec->size);
	if (e < 0)
		return e;
	memcpy(target, take(r, rec->size), rec->size);
	target[rec->size] = '\0';
	if (strlen(target) != rec->size)
		return -EPROTO;
	if (r->skipped || !may_replace(r, name))
		return 0;
	next_temp(r, temp);
	if (symlinkat(target, here(r), temp) == 0 &&
	    (!r->owners ||
	     fchownat(here(r), temp, rec->uid, rec->gid, AT_SYMLINK_NOFOLLOW) == 0) &&
	    renameat(here(r), temp, here(r), name) == 0)
		return 0;
	code = errno;
	unlinkat(here(r), temp, 0);
	complain(r, name, strerror(code));
	return is_fatal(code) ? -code : 0;
}

/* All of it */

static int take_record(struct receiver *r, bool *ret_end)
{
	struct viv_transfer_record rec;
	int e = need(r, VIV_TRANSFER_HEAD);

	if (e < 0)
		return e;
	if (!viv_transfer_get(take(r, VIV_TRANSFER_HEAD), &rec))
		return -EPROTO;
	/* Between a file's beginning and its end there is only its data. */
	if (r->file.open && rec.type != VIV_TRANSFER_BLOCK && rec.type != VIV_TRANSFER_MEMORY &&
	    rec.type != VIV_TRANSFER_DONE && rec.type != VIV_TRANSFER_DROP)
		return -EPROTO;
	switch (rec.type) {
	case VIV_TRANSFER_FOLDER:
		return enter(r, &rec);
	case VIV_TRANSFER_UP:
		return leave(r);
	case VIV_TRANSFER_FILE:
		return begin_file(r, &rec);
	case VIV_TRANSFER_BLOCK:
		return take_block(r, &rec);
	case VIV_TRANSFER_MEMORY:
		return take_memory(r, &rec);
	case VIV_TRANSFER_DONE:
		return finish_file(r, &rec);
	case VIV_TRANSFER_DROP:
		return drop(r);
	case VIV_TRANSFER_LINK:
		return make_link(r, &rec);
	default:
		*ret_end = true;
		return r->depth || r->skipped ? -EPROTO : 0;
	}
}

static int take_stream(struct receiver *r)
{
	bool end = false;
	int e = need(r, VIV_TRANSFER_MAGIC_LEN);

	if (e == 0 && memcmp(take(r, VIV_TRANSFER_MAGIC_LEN), VIV_TRANSFER_MAGIC,
			     VIV_TRANSFER_MAGIC_LEN) != 0)
		e = -EPROTO;
	while (e == 0 && !end)
		e = take_record(r, &end);
	return e;
}

static int refuse(struct receiver *r, const char *path, int code)
{
	r->complaints++;
	viv_transfer_complain(r->l, "%s: %s", path, strerror(code));
	return -code;
}

/* The folder that the target is in, or is; links in the user's own path are followed. */
static int open_target(struct receiver *r, const struct viv_transfer_target *t)
{
	char *real = realpath(t->path, NULL), *slash, *path;
	int fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = errno;
	struct stat st;

	r->shown = real ? real : strdup(t->path);
	if (!r->shown)
		return -ENOMEM;
	if (fd >= 0) {
		r->stack[0].fd = fd;
		return 0;
	}
	if (t->folder || (code != ENOENT && code != ENOTDIR))
		return refuse(r, t->path, code);
	if (!real && lstat(t->path, &st) == 0 && S_ISLNK(st.st_mode)) {
		r->complaints++;
		viv_transfer_complain(r->l, "%s: a link that leads nowhere: nothing is written through it",
				      t->path);
		return -ENOENT;
	}
	path = strdup(r->shown);
	if (!path)
		return -ENOMEM;
	slash = strrchr(path, '/');
	r->rename = strdup(slash ? slash + 1 : path);
	if (slash)
		*(slash == path ? slash + 1 : slash) = '\0';
	fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	code = errno;
	if (fd < 0)
		refuse(r, slash ? path : ".", code);
	free(path);
	if (fd < 0)
		return -code;
	r->stack[0].fd = fd;
	if (!r->rename || !viv_transfer_name_ok(r->rename, strlen(r->rename)))
		return refuse(r, t->path, ENOENT);
	return 0;
}

long viv_transfer_receive(int fd, const struct viv_transfer_target *target,
			  const struct viv_transfer_memory *memory,
			  const struct viv_transfer_listener *l)
{
	struct receiver *r = calloc(1, sizeof(*r));
	long result;

	if (!r || !(r->buf = malloc(CHUNK))) {
		free(r);
		return -ENOMEM;
	}
	r->in = fd;
	r->l = l;
	r->owners = target->owners;
	r->names = target->names;
	r->memory = memory;
	r->file.fd = r->stack[0].fd = -1;
	result = open_target(r, target);
	if (result == 0)
		result = take_stream(r);
	drop_file(r);
	for (unsigned i = 0; i <= r->depth; i++)
		if (r->stack[i].fd >= 0)
			close(r->stack[i].fd);
	if (result == 0)
		result = r->complaints;
	free((char *)r->rename);
	free(r->shown);
	free(r->buf);
	free(r);
	return result;
}
