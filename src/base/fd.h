/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * File descriptors and files. Everything opens O_CLOEXEC. Reads and writes go on after EINTR.
 */

#include "base/error.h"
#include "base/str.h"

#include <fcntl.h>
#include <sys/types.h>

static inline void viv_close_fdp(int *fd);
#define VIV_FD VIV_CLEANUP(viv_close_fdp) int

/* Closes unless negative; errno is kept. Returns -1, for `fd = viv_close(fd)`. */
int viv_close(int fd);

static inline void viv_close_fdp(int *fd)
{
	viv_close(*fd);
}

/* open(2) with O_CLOEXEC; the message names the path. */
int viv_open(const char *path, int flags, mode_t mode, struct viv_error *err) VIV_WARN_UNUSED;

/* Writes all of it, or fails. `what` names the file in the message. */
int viv_write_all(int fd, const void *data, size_t len, const char *what, struct viv_error *err);

/* Reads to the end. EFBIG when there are more than `max` bytes. */
int viv_read_to_end(int fd, size_t max, struct viv_str *ret, const char *what,
		    struct viv_error *err);

/* Reads a whole file of at most `max` bytes; *ret is replaced. ENOENT and the like as usual. */
int viv_read_file(const char *path, size_t max, struct viv_str *ret, struct viv_error *err);

/*
 * Files of a tree that others made. `path` is looked up as if `root` were "/": neither a link nor ".."
 * leads out of it (openat2(2), Linux 5.6 or later; ENOSYS says so). Unless O_DIRECTORY or O_PATH is
 * among the flags, what is there must be a regular file: EINVAL, nothing else is opened, let alone
 * waited for.
 */
int viv_open_below(const char *root, const char *path, int flags, mode_t mode,
		   struct viv_error *err) VIV_WARN_UNUSED;
/* As viv_read_file. */
int viv_read_below(const char *root, const char *path, size_t max, struct viv_str *ret,
		   struct viv_error *err);
/* The folder and its parents, as above. There already: fine. */
int viv_mkdir_below(const char *root, const char *path, mode_t mode, struct viv_error *err);

/* Writes a file whole: to a temporary name beside it, synced, renamed. Parents must exist. */
int viv_write_file(const char *path, const void *data, size_t len, mode_t mode,
		   struct viv_error *err);

/* Copies the whole content (copy_file_range, else read/write), keeping holes where it can. */
int viv_copy_content(int from, int to, const char *what, struct viv_error *err);
/* The same bit by bit, for who has to look after other things: at most `max` bytes, from *at, 0 at first. 1: there is more. */
int viv_copy_slice(int from, int to, off_t *at, off_t max, const char *what, struct viv_error *err);

int viv_set_nonblocking(int fd, bool on, struct viv_error *err);
int viv_set_cloexec(int fd, bool on, struct viv_error *err);

/*
 * Takes a caller off a listening socket: O_CLOEXEC, non-blocking; or a negative errno. Where no
 * descriptor is left the caller is hung up on, else it would be announced again for ever: *spare, one
 * (of /dev/null, say; or -1, then it is made) that the owner keeps for this, makes way for it.
 */
int viv_accept(int listener, int *spare);

/* A pipe with both ends O_CLOEXEC. */
int viv_pipe(int ret_fds[2], struct viv_error *err);
