/* SPDX-License-Identifier: MIT */
#include "transfer/transfer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK	    65536
#define UNSIZED_MAX (64 << 20) /* proc's pagemap has 256 GiB */
#define MEMORY_FROM 65536 /* bytes of a block for which it is worth it */

struct sender {
	int fd;
	const struct viv_transfer_listener *l;
	long complaints;
	uint64_t bytes;
	unsigned depth;
	bool copies; /* sendfile does not work here */
	const struct viv_transfer_memory *memory;
	unsigned slot, underway; /* the next one; how many the receiver has not given back */
};

static int send_tree(struct sender *s, int dir, const char *name, const char *shown, bool follow);

static void complain(struct sender *s, const char *what, const char *why)
{
	s->complaints++;
	viv_transfer_complain(s->l, "%s: %s", what, why);
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_record(struct sender *s, const struct viv_transfer_record *r, const char *name,
		       const char *target)
{
	uint8_t out[VIV_TRANSFER_HEAD + VIV_TRANSFER_NAME_MAX + VIV_TRANSFER_LINK_MAX];
	size_t len = VIV_TRANSFER_HEAD;

	viv_transfer_put(out, r);
	if (name)
		memcpy(out + len, name, r->name_len);
	len += r->name_len;
	if (target) {
		memcpy(out + len, target, r->size);
		len += r->size;
	}
	return write_all(s->fd, out, len);
}

static int send_simple(struct sender *s, uint8_t type, uint64_t size)
{
	return send_record(s, &(struct viv_transfer_record){.type = type, .size = size}, NULL, NULL);
}

static struct viv_transfer_record record_of(const struct stat *st, uint8_t type, const char *name)
{
	return (struct viv_transfer_record){
		.type = type,
		.name_len = (uint16_t)strlen(name),
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
	};
}

/* Bytes that were promised and can't be had. */
static int send_zeros(struct sender *s, size_t len)
{
	static const char zeros[4096];
	int r = 0;

	while (r == 0 && len) {
		size_t n = len < sizeof(zeros) ? len : sizeof(zeros);

		r = write_all(s->fd, zeros, n);
		len -= n;
	}
	return r;
}

/* One piece of the data; 0 at the file's end. A failed write is -errno, a failed read -EIO - 4096. */
#define READ_FAILED (-4096 - EIO)
static ssize_t send_some(struct sender *s, int file, off_t at, size_t len)
{
	char buf[CHUNK];
	ssize_t n;

	if (!s->copies) {
		n = sendfile(s->fd, file, &at, len);
		if (n >= 0 || errno == EPIPE || errno == ECONNRESET)
			return n < 0 ? -errno : n;
		if (errno == EINTR || errno == EAGAIN)
			return send_some(s, file, at, len);
		s->copies = true;
	}
	n = pread(file, buf, len < sizeof(buf) ? len : sizeof(buf), at);
	if (n < 0)
		return READ_FAILED;
	return n == 0 ? 0 : write_all(s->fd, buf, (size_t)n) < 0 ? -errno : n;
}

/* Returns 0, 1 if the file could not be read as far as it was to be, or a negative errno. */
static int send_block(struct sender *s, int file, off_t at, size_t len)
{
	const struct viv_transfer_record head = {
		.type = VIV_TRANSFER_BLOCK, .mode = (uint32_t)len, .size = (uint64_t)at};
	size_t done = 0;
	int r = send_record(s, &head, NULL, NULL);

	while (r == 0 && done < len) {
		ssize_t n = send_some(s, file, at + (off_t)done, len - done);

		if (n == 0 || n == READ_FAILED) {
			r = send_zeros(s, len - done);
			return r < 0 ? r : 1;
		}
		if (n < 0)
			return (int)n;
		done += (size_t)n;
	}
	s->bytes += done;
	return r;
}

/* A slot that the receiver is done with. */
static int take_slot(struct sender *s)
{
	char done[64];
	ssize_t n;

	while (s->underway == s->memory->slots) {
		n = read(s->memory->back, done, s->underway < sizeof(done) ? s->underway : sizeof(done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		s->underway -= (unsigned)n;
	}
	return 0;
}

/* As send_block. */
static int send_by_memory(struct sender *s, int file, off_t at, size_t len)
{
	struct viv_transfer_record head = {
		.type = VIV_TRANSFER_MEMORY, .mode = (uint32_t)len, .size = (uint64_t)at};
	uint8_t *slot = s->memory->base + (size_t)s->slot * VIV_TRANSFER_SLOT;
	size_t done = 0;
	int r = take_slot(s);

	while (r == 0 && done < len) {
		ssize_t n = pread(file, slot + done, len - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 1; /* nothing of this block was promised yet */
		done += (size_t)n;
	}
	if (r < 0)
		return r;
	head.uid = s->slot;
	s->slot = (s->slot + 1) % s->memory->slots;
	s->underway++;
	s->bytes += len;
	return send_record(s, &head, NULL, NULL);
}

static int send_data(struct sender *s, int file, off_t from, off_t to, const char *shown)
{
	int r = 0;

	while (r == 0 && from < to) {
		off_t n = to - from < VIV_TRANSFER_BLOCK_MAX ? to - from : VIV_TRANSFER_BLOCK_MAX;

		r = s->memory && n >= MEMORY_FROM ? send_by_memory(s, file, from, (size_t)n)
						  : send_block(s, file, from, (size_t)n);
		from += n;
		if (s->l->advance)
			s->l->advance(s->bytes, shown, s->l->arg);
	}
	return r;
}

static ssize_t read_at(int file, void *buf, size_t len, off_t at)
{
	ssize_t n;

	do
		n = pread(file, buf, len, at);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Files of proc say that they are empty: what they have shows when they are read. 1: it is no use. */
static int send_unsized(struct sender *s, int file, off_t *ret_size)
{
	char buf[CHUNK];
	off_t at = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read_at(file, buf, sizeof(buf), at)) > 0 && at < UNSIZED_MAX) {
		const struct viv_transfer_record head = {
			.type = VIV_TRANSFER_BLOCK, .mode = (uint32_t)n, .size = (uint64_t)at};

		r = send_record(s, &head, NULL, NULL);
		if (r == 0)
			r = write_all(s->fd, buf, (size_t)n);
		at += n;
	}
	s->bytes += (uint64_t)at;
	*ret_size = at;
	return r < 0 ? r : n != 0;
}

static int send_content(struct sender *s, int file, off_t size, const char *shown)
{
	off_t at = 0;
	bool sized = size;
	int r = sized ? 0 : send_unsized(s, file, &size);

	while (r == 0 && sized && at < size) {
		off_t data = lseek(file, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			break; /* a hole up to the end */
		if (data < 0)
			data = at; /* holes are not known here */
		hole = lseek(file, data, SEEK_HOLE);
		if (hole <= data || hole > size)
			hole = size;
		if (data >= size)
			break;
		r = send_data(s, file, data, hole, shown);
		at = hole;
	}
	if (r < 0)
		return r;
	if (r > 0) {
		complain(s, shown, !sized && size >= UNSIZED_MAX
					   ? "has no size and more than 64 MiB"
					   : "changed or became unreadable while it was read");
		return send_simple(s, VIV_TRANSFER_DROP, 0);
	}
	return send_simple(s, VIV_TRANSFER_DONE, (uint64_t)size);
}

static int send_file(struct sender *s, int dir, const char *name, const char *as, const char *shown,
		     bool follow)
{
	struct viv_transfer_record head;
	struct stat st;
	/* It may have been replaced by a pipe meanwhile: O_NONBLOCK. */
	int fd = openat(dir, name,
			O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW));
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		complain(s, shown, fd < 0 ? strerror(errno) : "not a regular file");
		if (fd >= 0)
			close(fd);
		return 0;
	}
	head = record_of(&st, VIV_TRANSFER_FILE, as);
	r = send_record(s, &head, as, NULL);
	if (r == 0)
		r = send_content(s, fd, st.st_size, shown);
	close(fd);
	return r;
}

static int send_link(struct sender *s, int dir, const char *name, const struct stat *st,
		     const char *shown)
{
	struct viv_transfer_record head = record_of(st, VIV_TRANSFER_LINK, name);
	char target[VIV_TRANSFER_LINK_MAX + 1];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n <= 0 || n > VIV_TRANSFER_LINK_MAX) {
		complain(s, shown, n < 0 ? strerror(errno) : "its target is too long");
		return 0;
	}
	head.size = (uint64_t)n;
	return send_record(s, &head, name, target);
}

static int send_entries(struct sender *s, DIR *d, const char *shown)
{
	struct dirent *e;
	int r = 0;

	while (r == 0 && (e = readdir(d))) {
		char below[PATH_MAX];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		/* Only for messages: a path may be longer than they show. */
		snprintf(below, sizeof(below), "%s/%s", shown, e->d_name);
		r = send_tree(s, dirfd(d), e->d_name, below, false);
	}
	return r;
}

static int send_folder(struct sender *s, int dir, const char *name, const char *as,
		       const struct stat *st, const char *shown, bool follow)
{
	struct viv_transfer_record head = record_of(st, VIV_TRANSFER_FOLDER, as);
	int fd = openat(dir, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)), r;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d || s->depth == VIV_TRANSFER_DEPTH) {
		complain(s, shown, d ? "too many folders in each other" : strerror(errno));
		if (d)
			closedir(d);
		else if (fd >= 0)
			close(fd);
		return 0;
	}
	s->depth++;
	r = send_record(s, &head, as, NULL);
	if (r == 0)
		r = send_entries(s, d, shown);
	if (r == 0)
		r = send_simple(s, VIV_TRANSFER_UP, 0);
	s->depth--;
	closedir(d);
	return r;
}

/* as: the name that it gets. */
static int send_as(struct sender *s, int dir, const char *name, const char *as, const char *shown,
		   bool follow)
{
	struct stat st;

	if (fstatat(dir, name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
		complain(s, shown, strerror(errno));
		return 0;
	}
	if (S_ISREG(st.st_mode))
		return send_file(s, dir, name, as, shown, follow);
	if (S_ISDIR(st.st_mode))
		return send_folder(s, dir, name, as, &st, shown, follow);
	if (S_ISLNK(st.st_mode))
		return send_link(s, dir, name, &st, shown);
	complain(s, shown, "neither a file, a folder nor a link: left out");
	return 0;
}

static int send_tree(struct sender *s, int dir, const char *name, const char *shown, bool follow)
{
	return send_as(s, dir, name, name, shown, follow);
}

/* The last component, of where it leads if the path itself has none ("..", "a/.", ""). */
static bool name_of(const char *path, char ret[VIV_TRANSFER_NAME_MAX + 1])
{
	char *real;
	bool ok;

	if (viv_transfer_last_name(path, ret))
		return true;
	real = realpath(path, NULL);
	ok = real && viv_transfer_last_name(real, ret);
	free(real);
	return ok;
}

long viv_transfer_send(int fd, const char *const *paths, const struct viv_transfer_memory *memory,
		       const struct viv_transfer_listener *l)
{
	struct sender s = {.fd = fd, .l = l, .memory = memory};
	int r = write_all(fd, VIV_TRANSFER_MAGIC, VIV_TRANSFER_MAGIC_LEN);

	for (; r == 0 && *paths; paths++) {
		char as[VIV_TRANSFER_NAME_MAX + 1];

		if (name_of(*paths, as))
			r = send_as(&s, AT_FDCWD, *paths, as, *paths, true);
		else
			complain(&s, *paths, "has no name to copy it under");
	}
	if (r == 0)
		r = send_simple(&s, VIV_TRANSFER_END, 0);
	return r < 0 ? r : s.complaints;
}
