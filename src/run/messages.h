/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * JSON messages over a connected UNIX stream socket, each an object on a line of its own, with open
 * descriptors beside them. How a machine's supervisor and its callers talk (run/control.h). Bytes
 * and descriptors of the other side are bounded; what is not a message ends the connection.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

#define VIV_MESSAGE_MAX (8u << 20) /* bytes of one: 1 MiB of arguments, however they are quoted */
#define VIV_MESSAGE_FDS 3

struct viv_messages {
	int fd; /* -1: none */
	struct viv_str in, out;
	size_t searched; /* bytes of `in` that hold no newline */
	int fds[VIV_MESSAGE_FDS]; /* came and were not taken */
	size_t n_fds;
};

#define VIV_MESSAGES_INIT ((struct viv_messages){.fd = -1})

/* Takes over fd. */
void viv_messages_open(struct viv_messages *m, int fd);
/* Also the descriptors that nobody took. */
void viv_messages_close(struct viv_messages *m);

/* One read: 1; 0 at the end; -EAGAIN; -EPROTO: more than there may be. `block`: wait for it. */
int viv_messages_receive(struct viv_messages *m, bool block);
/* 1: *ret is the next message, the caller's; 0: none has come whole; -EPROTO: it is not one. */
int viv_messages_next(struct viv_messages *m, json_t **ret);
/* The descriptor, the caller's now; -1 if it did not come. */
int viv_messages_take_fd(struct viv_messages *m, size_t i);

/*
 * Takes over the message. Descriptors, which stay the caller's, go out with it; EAGAIN if something
 * is still waiting to go out before them.
 */
int viv_messages_send(struct viv_messages *m, json_t *message, const int *fds, size_t n_fds);
/*
 * What waits, as far as it goes without waiting (or to its end; -ETIMEDOUT: nobody
 * takes it). -EPIPE and the like: nobody reads.
 */
int viv_messages_flush(struct viv_messages *m, bool block);

/*
 * Bytes as JSON text and back. Arguments and paths are bytes and need not be UTF-8; here each byte is
 * the character of its number (U+0001 to U+00FF).
 */
json_t *viv_messages_bytes(const char *bytes);
/* NULL if it is not a string of such characters. The caller frees it. */
char *viv_messages_get_bytes(const json_t *text);
