/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * As much of D-Bus's wire format as it takes to ask systemd for properties: calls whose arguments are strings, replies that
 * are a string, an object's path, or a variant of a string or a number, signals of which the name is enough.
 * https://dbus.freedesktop.org/doc/dbus-specification.html. Little endian only, which is what the peer on the
 * same machine sends. Nothing here allocates or does I/O. What is parsed points into the bytes handed in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DBUS_FIXED     16		   /* bytes that say how long the message is */
#define DBUS_CALL_MAX  2048		   /* bytes of a call */
#define DBUS_MESSAGE_MAX (128 * 1024 * 1024) /* the specification's */

enum dbus_type { DBUS_CALL = 1, DBUS_RETURN, DBUS_ERROR, DBUS_SIGNAL };

struct dbus_string {
	const char *data; /* not terminated as far as this says; "" if there is none */
	size_t len;
};

struct dbus_message {
	enum dbus_type type;
	uint32_t serial, reply_serial; /* 0: of no reply */
	struct dbus_string path, interface, member, error, signature;
	const uint8_t *body;
	size_t body_len;
};

/*
 * How many bytes the message has whose first DBUS_FIXED are these; at most DBUS_MESSAGE_MAX. 0: this is no
 * message.
 */
size_t dbus_length(const uint8_t fixed[DBUS_FIXED]);
/* A whole message: len is what dbus_length says. False if it is malformed. */
bool dbus_parse(const uint8_t *data, size_t len, struct dbus_message *ret);
bool dbus_is(struct dbus_string s, const char *text);

/* The body of a reply, by its signature: "s" or "o"; "v" with a string in it; "v" with a u32. False: it has none. */
bool dbus_get_string(const struct dbus_message *m, struct dbus_string *ret);
bool dbus_get_number(const struct dbus_message *m, uint32_t *ret);

struct dbus_call {
	const char *path, *interface, *member;
	const char *args[3]; /* strings, up to the first NULL */
};
/* The call's length; 0: it is more than DBUS_CALL_MAX. serial is not 0. */
size_t dbus_put_call(uint8_t out[DBUS_CALL_MAX], uint32_t serial, const struct dbus_call *call);
