/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Files and trees as a stream of bytes, between a host and a guest (docs/agent-protocol.md, Files):
 * what `viv cp` and the agent's --put and --get read and write. Shared with the guest's programs: only
 * the C library is used. Regular files (with their holes), folders and symbolic links are carried with
 * modes and times; owners only for who asks; hard links become files of their own; sockets, devices
 * and pipes are left out and complained about.
 *
 * The receiver trusts nothing in the stream. It has no paths, only single names and the way down and up
 * again, and each is opened in its folder without following links: nothing is ever written outside of
 * where the receiver was told to write. A file appears whole under its name, or not at all.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VIV_TRANSFER_DEPTH 200 /* of folders in each other */

/* Who hears of it. Each function may be NULL. */
struct viv_transfer_listener {
	/* Something was left out, or could not be had or made: a line that says what and why. */
	void (*complain)(const char *text, void *arg);
	/* So many bytes of files have been sent or received in all; `name` is at hand just now. */
	void (*advance)(uint64_t bytes, const char *name, void *arg);
	void *arg;
};

/*
 * Memory that both sides see. The data of large blocks goes through it instead of the stream, a slot of
 * it at a time; the receiver says with a byte that it is done with one. Over a virtio-serial port
 * the stream itself moves 4 KiB at a time, which is slow.
 */
#define VIV_TRANSFER_SLOT VIV_TRANSFER_BLOCK_MAX

struct viv_transfer_memory {
	uint8_t *base;	/* VIV_TRANSFER_SLOT bytes for each … */
	unsigned slots; /* … of so many */
	int back;	/* where these bytes are written to, or read from */
};

/*
 * Writes the stream of these files and trees (links named here are followed, those within are sent as
 * links), each under the last component of its path, to fd, a pipe or socket in blocking mode. Returns
 * how many things were complained about, or a negative errno if the stream could not be written to its
 * end (EPIPE: nobody reads). SIGPIPE must be ignored. memory may be NULL.
 */
long viv_transfer_send(int fd, const char *const *paths, const struct viv_transfer_memory *memory,
		       const struct viv_transfer_listener *l);

struct viv_transfer_target {
	/*
	 * A folder: everything goes into it. Otherwise a name in a folder that is there: the one thing
	 * that comes gets this name. A link to a file is followed, as the user named it (one that leads
	 * nowhere is not); what has a received thing's name in a folder is replaced, never followed.
	 */
	const char *path;
	bool folder;   /* it must be a folder */
	bool owners;   /* keep owners and the set-user-id bits (needs to be root) */
	/*
	 * What was asked for, by name, in this order: nothing else may come at the top, and each of them
	 * once at most. "" is a folder of whatever name: where "..", say, was asked for. NULL: any.
	 */
	const char *const *names;
};

/*
 * Reads a stream from fd to its end and makes what it holds. Returns how many things were complained
 * about, or a negative errno: -EPIPE if the stream ended early, -EPROTO if it is none, others if
 * nothing more can be written (and that was complained about). memory may be NULL: then nothing may
 * have gone through it.
 */
long viv_transfer_receive(int fd, const struct viv_transfer_target *target,
			  const struct viv_transfer_memory *memory,
			  const struct viv_transfer_listener *l);

/* What the two halves share. The stream is a magic text, then records: a head, a name, data. */

#define VIV_TRANSFER_MAGIC     "viv-files-1\n"
#define VIV_TRANSFER_MAGIC_LEN 12
#define VIV_TRANSFER_HEAD      32
#define VIV_TRANSFER_NAME_MAX  255
#define VIV_TRANSFER_LINK_MAX  4095
#define VIV_TRANSFER_BLOCK_MAX (1024 * 1024)

enum viv_transfer_type {
	VIV_TRANSFER_FOLDER = 'D', /* named; what follows is in it, until … */
	VIV_TRANSFER_UP = 'U',
	VIV_TRANSFER_FILE = 'F',  /* named; blocks follow, until … */
	VIV_TRANSFER_BLOCK = 'B', /* at `size`, `mode` bytes of data; offsets only grow */
	VIV_TRANSFER_MEMORY = 'M', /* the same, where the data is in slot `uid` of the memory */
	VIV_TRANSFER_DONE = 'E',  /* … it is whole: `size` bytes long */
	VIV_TRANSFER_DROP = 'A',  /* … or it could not be read: as if it had not been */
	VIV_TRANSFER_LINK = 'L',  /* named; `size` bytes of its target follow the name */
	VIV_TRANSFER_END = 'X',	  /* of the stream */
};

struct viv_transfer_record {
	uint8_t type;
	uint16_t name_len;
	uint32_t mode, uid, gid;
	uint64_t size;
	int64_t mtime; /* nanoseconds since 1970 */
};

void viv_transfer_put(uint8_t out[VIV_TRANSFER_HEAD], const struct viv_transfer_record *r);
/* False if no record looks like this. */
bool viv_transfer_get(const uint8_t in[VIV_TRANSFER_HEAD], struct viv_transfer_record *ret);
/* A single component that is neither "." nor "..", without a NUL. */
bool viv_transfer_name_ok(const char *name, size_t len);

/* A path's last component; false if that is no name (of "..", "a/.", "/", ""). */
bool viv_transfer_last_name(const char *path, char ret[VIV_TRANSFER_NAME_MAX + 1]);

/* Formats a complaint. For send.c and receive.c. */
void viv_transfer_complain(const struct viv_transfer_listener *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
