/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * As much of the X11 protocol as it takes to see which windows a server shows: X Window System Protocol, X Version 11,
 * Appendix B (https://www.x.org/releases/current/doc/xproto/x11protocol.html); and of Xauthority files (Xau(3)). Little
 * endian only, which is what we ask the server for. Nothing here allocates or does I/O. What is parsed points into the
 * bytes handed in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define X11_SETUP_MAX	 64		   /* bytes of our greeting */
#define X11_HEAD	 8		   /* bytes of the answer to it that say how long the rest is */
#define X11_PACKET	 32		   /* bytes of a reply's begin, of an error, of an event */
#define X11_LENGTH_MAX	 (65535 * 4)	   /* that we take of anything: as many children as there can be */
#define X11_NAME_MAX	 512		   /* bytes of a window's name */
#define X11_REQUESTS_MAX 256		   /* bytes of what asks about a window */

#define X11_WM_NAME 39 /* atoms that every server has */
#define X11_STRING  31

struct x11_cookie {
	const uint8_t *data;
	size_t len; /* 16; 0: there is none */
};

/* The first cookie in an Xauthority file. False: there is none. */
bool x11_find_cookie(const uint8_t *file, size_t len, struct x11_cookie *ret);

/* The greeting's length. */
size_t x11_put_setup(uint8_t out[X11_SETUP_MAX], struct x11_cookie cookie);
/* How many bytes follow the answer's head. */
size_t x11_setup_rest(const uint8_t head[X11_HEAD]);
/* The first screen's root window. False: it is malformed, or the server does not take us: *ret_why then, of *ret_len bytes. */
bool x11_setup_root(const uint8_t head[X11_HEAD], const uint8_t *rest, size_t len, uint32_t *ret,
		    const char **ret_why, size_t *ret_len);

/* Both return the length of what asks; the replies come in the order of the enum. */
size_t x11_put_atom(uint8_t out[X11_REQUESTS_MAX], const char *name);
enum x11_answer { X11_ATTRIBUTES, X11_OLD_NAME, X11_NAME, X11_TREE, X11_ANSWERS };
/* From then on the server tells when a child comes or goes, or a name changes. A request of its own precedes the answers'. */
size_t x11_put_look(uint8_t out[X11_REQUESTS_MAX], uint32_t window, uint32_t name_atom);

struct x11_packet {
	enum { X11_ERROR, X11_REPLY, X11_EVENT } kind;
	uint16_t sequence; /* of the request it answers; not of events */
	size_t more;	   /* bytes that follow, at most X11_LENGTH_MAX */
};
/* False: it is too long. */
bool x11_parse(const uint8_t packet[X11_PACKET], struct x11_packet *ret);
/* Can it be that a window is shown now that was not, is gone, or is called otherwise? */
bool x11_is_change(const uint8_t event[X11_PACKET], uint32_t name_atom);

/* Of replies, with what follows. False: it says otherwise, or is malformed. */
bool x11_get_atom(const uint8_t packet[X11_PACKET], uint32_t *ret);
bool x11_is_shown(const uint8_t packet[X11_PACKET]);
/* Children: 4 bytes each (x11_window). */
size_t x11_get_children(const uint8_t packet[X11_PACKET], size_t more);
uint32_t x11_window(const uint8_t *children, size_t i);
/* The name as UTF-8 in one line, ended by a NUL; its length, 0: it has none. */
size_t x11_get_name(const uint8_t packet[X11_PACKET], const uint8_t *rest, size_t more, char out[X11_NAME_MAX + 1]);
