/* SPDX-License-Identifier: MIT */
#include "x11.h"

#include <string.h>

#define COOKIE_NAME "MIT-MAGIC-COOKIE-1"
#define COOKIE_LEN  16

enum request { CHANGE_ATTRIBUTES = 2, GET_ATTRIBUTES = 3, QUERY_TREE = 15, INTERN_ATOM = 16, GET_PROPERTY = 20 };
enum event { DESTROYED = 17, UNMAPPED = 18, MAPPED = 19, REPARENTED = 21, PROPERTY = 28, GENERIC = 35 };

#define EVENT_MASK		 (1u << 11) /* an attribute that is changed */
#define SUBSTRUCTURE_AND_PROPERTIES (1u << 19 | 1u << 22)
#define VIEWABLE		 2

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v & 0xffff), v >> 16);
}

static size_t padded(size_t n)
{
	return (n + 3) / 4 * 4;
}

/* Xauthority: big endian; a family, then four counted strings. */

static bool take_counted(const uint8_t **p, size_t *left, struct x11_cookie *ret)
{
	size_t n = *left >= 2 ? (size_t)((*p)[0] << 8 | (*p)[1]) : 0;

	if (*left < 2 || *left - 2 < n)
		return false;
	*ret = (struct x11_cookie){*p + 2, n};
	*p += 2 + n;
	*left -= 2 + n;
	return true;
}

bool x11_find_cookie(const uint8_t *file, size_t len, struct x11_cookie *ret)
{
	while (len >= 2) {
		struct x11_cookie parts[4]; /* address, display, name, data */

		file += 2;
		len -= 2;
		for (int i = 0; i < 4; i++)
			if (!take_counted(&file, &len, &parts[i]))
				return false;
		if (parts[2].len == strlen(COOKIE_NAME) && memcmp(parts[2].data, COOKIE_NAME, parts[2].len) == 0 &&
		    parts[3].len == COOKIE_LEN) {
			*ret = parts[3];
			return true;
		}
	}
	return false;
}

/* The connection's begin */

size_t x11_put_setup(uint8_t out[X11_SETUP_MAX], struct x11_cookie cookie)
{
	bool known = cookie.len == COOKIE_LEN;
	size_t name = known ? strlen(COOKIE_NAME) : 0, data = known ? COOKIE_LEN : 0;
	uint8_t *p = out;

	memset(out, 0, X11_SETUP_MAX);
	*p = 'l';
	p = put16(put16(p + 2, 11), 0);
	put16(put16(p, (unsigned)name), (unsigned)data);
	if (known) {
		memcpy(out + 12, COOKIE_NAME, name);
		memcpy(out + 12 + padded(name), cookie.data, data);
	}
	return 12 + padded(name) + padded(data);
}

size_t x11_setup_rest(const uint8_t head[X11_HEAD])
{
	return (size_t)get16(head + 6) * 4;
}

bool x11_setup_root(const uint8_t head[X11_HEAD], const uint8_t *rest, size_t len, uint32_t *ret,
		    const char **ret_why, size_t *ret_len)
{
	size_t vendor, formats, screen;

	*ret_why = (const char *)rest;
	*ret_len = head[0] == 0 ? (head[1] < len ? head[1] : len) : 0;
	if (head[0] != 1 || len < 32)
		return false;
	vendor = get16(rest + 16);
	formats = rest[21];
	screen = 32 + padded(vendor) + formats * 8;
	if (rest[20] == 0 || len < screen || len - screen < 4)
		return false;
	*ret = get32(rest + screen);
	return true;
}

/* Requests */

static uint8_t *put_request(uint8_t *p, enum request what, unsigned words, uint32_t first)
{
	p[0] = what;
	p[1] = 0;
	return put32(put16(p + 2, words), first);
}

size_t x11_put_atom(uint8_t out[X11_REQUESTS_MAX], const char *name)
{
	size_t n = strlen(name);

	memset(out, 0, X11_REQUESTS_MAX);
	put_request(out, INTERN_ATOM, (unsigned)(2 + padded(n) / 4), (uint32_t)n);
	memcpy(out + 8, name, n);
	return 8 + padded(n);
}

static uint8_t *put_property(uint8_t *p, uint32_t window, uint32_t property)
{
	p = put32(put_request(p, GET_PROPERTY, 6, window), property);
	return put32(put32(put32(p, 0), 0), X11_NAME_MAX / 4);
}

size_t x11_put_look(uint8_t out[X11_REQUESTS_MAX], uint32_t window, uint32_t name_atom)
{
	uint8_t *p = put32(put_request(out, CHANGE_ATTRIBUTES, 4, window), EVENT_MASK);

	p = put32(p, SUBSTRUCTURE_AND_PROPERTIES);
	p = put_request(p, GET_ATTRIBUTES, 2, window);
	p = put_property(p, window, X11_WM_NAME);
	p = put_property(p, window, name_atom);
	p = put_request(p, QUERY_TREE, 2, window);
	return (size_t)(p - out);
}

/* What comes */

bool x11_parse(const uint8_t packet[X11_PACKET], struct x11_packet *ret)
{
	uint8_t type = packet[0] & 0x7f;
	bool longer = packet[0] == 1 || type == GENERIC;
	uint32_t words = longer ? get32(packet + 4) : 0;

	if (words > X11_LENGTH_MAX / 4)
		return false;
	ret->kind = packet[0] == 0 ? X11_ERROR : packet[0] == 1 ? X11_REPLY : X11_EVENT;
	ret->sequence = get16(packet + 2);
	ret->more = (size_t)words * 4;
	return true;
}

bool x11_is_change(const uint8_t event[X11_PACKET], uint32_t name_atom)
{
	uint32_t atom;

	switch (event[0] & 0x7f) {
	case DESTROYED:
	case UNMAPPED:
	case MAPPED:
	case REPARENTED:
		return true;
	case PROPERTY:
		atom = get32(event + 8);
		return atom == X11_WM_NAME || atom == name_atom;
	default:
		return false;
	}
}

bool x11_get_atom(const uint8_t packet[X11_PACKET], uint32_t *ret)
{
	*ret = get32(packet + 8);
	return packet[0] == 1 && *ret != 0;
}

bool x11_is_shown(const uint8_t packet[X11_PACKET])
{
	return packet[0] == 1 && packet[26] == VIEWABLE;
}

size_t x11_get_children(const uint8_t packet[X11_PACKET], size_t more)
{
	size_t n = packet[0] == 1 ? get16(packet + 16) : 0;

	return n <= more / 4 ? n : 0;
}

uint32_t x11_window(const uint8_t *children, size_t i)
{
	return get32(children + i * 4);
}

/* What would end a line, or be obeyed by a terminal, is a blank. Latin 1 becomes UTF-8. */
size_t x11_get_name(const uint8_t packet[X11_PACKET], const uint8_t *rest, size_t more, char out[X11_NAME_MAX + 1])
{
	size_t n = packet[0] == 1 && packet[1] == 8 ? get32(packet + 16) : 0, len = 0;
	bool latin = get32(packet + 8) == X11_STRING;

	if (n > more)
		n = 0;
	for (size_t i = 0; i < n && len + 2 <= X11_NAME_MAX; i++) {
		uint8_t c = rest[i];

		if (c >= 0x80 && latin) {
			out[len++] = (char)(0xc0 | c >> 6);
			c = 0x80 | (c & 0x3f);
		}
		out[len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	out[len] = '\0';
	return len;
}
