/* SPDX-License-Identifier: MIT */
#include "dbus.h"

#include <string.h>

#define FIELDS_MAX (64 * 1024 * 1024) /* the specification's, of any array */

enum field { PATH = 1, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE };

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static size_t aligned(size_t at, size_t to)
{
	return (at + to - 1) / to * to;
}

/* Reading: each moves `at` on, or returns false at what does not fit. */

struct reader {
	const uint8_t *data;
	size_t at, len;
};

static bool read_align(struct reader *r, size_t to)
{
	r->at = aligned(r->at, to);
	return r->at <= r->len;
}

static bool read_byte(struct reader *r, uint8_t *ret)
{
	if (r->at >= r->len)
		return false;
	*ret = r->data[r->at++];
	return true;
}

static bool read_u32(struct reader *r, uint32_t *ret)
{
	if (!read_align(r, 4) || r->len - r->at < 4)
		return false;
	*ret = get32(r->data + r->at);
	r->at += 4;
	return true;
}

static bool read_bytes(struct reader *r, size_t len, struct dbus_string *ret)
{
	if (r->len - r->at <= len || r->data[r->at + len] != 0 || memchr(r->data + r->at, 0, len))
		return false;
	*ret = (struct dbus_string){(const char *)r->data + r->at, len};
	r->at += len + 1;
	return true;
}

static bool read_string(struct reader *r, struct dbus_string *ret)
{
	uint32_t len;

	return read_u32(r, &len) && read_bytes(r, len, ret);
}

static bool read_signature(struct reader *r, struct dbus_string *ret)
{
	uint8_t len;

	return read_byte(r, &len) && read_bytes(r, len, ret);
}

/* A value of one of the types that a header has; *ret_number or *ret_string is set. */
static bool read_value(struct reader *r, struct dbus_string type, struct dbus_string *ret_string,
		       uint32_t *ret_number)
{
	if (type.len != 1)
		return false;
	switch (type.data[0]) {
	case 's':
	case 'o':
		return read_string(r, ret_string);
	case 'g':
		return read_signature(r, ret_string);
	case 'u':
		return read_u32(r, ret_number);
	default:
		return false;
	}
}

size_t dbus_length(const uint8_t fixed[DBUS_FIXED])
{
	size_t body = get32(fixed + 4), fields = get32(fixed + 12);

	if (fixed[0] != 'l' || fixed[1] < DBUS_CALL || fixed[1] > DBUS_SIGNAL || fixed[3] != 1 ||
	    get32(fixed + 8) == 0 || fields > FIELDS_MAX ||
	    body > DBUS_MESSAGE_MAX - DBUS_FIXED - aligned(fields, 8))
		return 0;
	return DBUS_FIXED + aligned(fields, 8) + body;
}

static bool take_field(struct reader *r, struct dbus_message *m)
{
	struct dbus_string type, string = {"", 0};
	uint32_t number = 0;
	uint8_t code;

	if (!read_align(r, 8) || !read_byte(r, &code) || !read_signature(r, &type) ||
	    !read_value(r, type, &string, &number))
		return false;
	switch (code) {
	case PATH:
		m->path = string;
		break;
	case INTERFACE:
		m->interface = string;
		break;
	case MEMBER:
		m->member = string;
		break;
	case ERROR_NAME:
		m->error = string;
		break;
	case REPLY_SERIAL:
		m->reply_serial = number;
		break;
	case SIGNATURE:
		m->signature = string;
		break;
	}
	return true;
}

bool dbus_parse(const uint8_t *data, size_t len, struct dbus_message *ret)
{
	const struct dbus_string none = {"", 0};
	struct dbus_message m = {.path = none, .interface = none, .member = none, .error = none, .signature = none};
	struct reader r = {.data = data, .at = DBUS_FIXED};

	if (len < DBUS_FIXED || dbus_length(data) != len)
		return false;
	m.type = data[1];
	m.serial = get32(data + 8);
	m.body_len = get32(data + 4);
	m.body = data + (len - m.body_len);
	r.len = DBUS_FIXED + get32(data + 12);
	while (r.at < r.len)
		if (!take_field(&r, &m))
			return false;
	*ret = m;
	return true;
}

bool dbus_is(struct dbus_string s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

/* What is in the body's first value, or in the variant that this is. */
static bool read_body(const struct dbus_message *m, char kind, struct dbus_string *ret_string,
		      uint32_t *ret_number)
{
	struct reader r = {.data = m->body, .len = m->body_len};
	struct dbus_string type = m->signature;

	if (dbus_is(type, "v") && !read_signature(&r, &type))
		return false;
	if (type.len != 1 || (type.data[0] == 'u') != (kind == 'u'))
		return false;
	return read_value(&r, type, ret_string, ret_number);
}

bool dbus_get_string(const struct dbus_message *m, struct dbus_string *ret)
{
	uint32_t number;

	return read_body(m, 's', ret, &number);
}

bool dbus_get_number(const struct dbus_message *m, uint32_t *ret)
{
	struct dbus_string string;

	return read_body(m, 'u', &string, ret);
}

/* Writing: into DBUS_CALL_MAX bytes; more than that is counted and not written. */

struct writer {
	uint8_t *data;
	size_t len;
};

static void put(struct writer *w, const void *data, size_t len)
{
	if (w->len <= DBUS_CALL_MAX && len <= DBUS_CALL_MAX - w->len)
		memcpy(w->data + w->len, data, len);
	w->len = len > DBUS_CALL_MAX ? DBUS_CALL_MAX + 1 : w->len + len;
}

static void put_align(struct writer *w, size_t to)
{
	static const uint8_t zeros[8];

	put(w, zeros, aligned(w->len, to) - w->len);
}

static void set32(struct writer *w, size_t at, uint32_t v)
{
	const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	if (at + 4 <= DBUS_CALL_MAX)
		memcpy(w->data + at, bytes, 4);
}

static void put_string(struct writer *w, const char *s)
{
	size_t len = strlen(s);

	put_align(w, 4);
	put(w, "\0\0\0", 4);
	set32(w, w->len - 4, (uint32_t)len);
	put(w, s, len + 1);
}

static void put_field(struct writer *w, enum field code, char type, const char *value)
{
	const uint8_t head[] = {(uint8_t)code, 1, (uint8_t)type, 0};

	put_align(w, 8);
	put(w, head, sizeof(head));
	if (type == 'g') {
		const uint8_t len = (uint8_t)strlen(value);

		put(w, &len, 1);
		put(w, value, len + 1u);
	} else {
		put_string(w, value);
	}
}

size_t dbus_put_call(uint8_t out[DBUS_CALL_MAX], uint32_t serial, const struct dbus_call *call)
{
	static const uint8_t head[DBUS_FIXED] = {'l', DBUS_CALL, 0, 1};
	struct writer w = {.data = out};
	char signature[4] = "";
	size_t body;

	put(&w, head, sizeof(head));
	set32(&w, 8, serial);
	put_field(&w, PATH, 'o', call->path);
	put_field(&w, INTERFACE, 's', call->interface);
	put_field(&w, MEMBER, 's', call->member);
	for (unsigned i = 0; i < 3 && call->args[i]; i++)
		signature[i] = 's';
	if (signature[0])
		put_field(&w, SIGNATURE, 'g', signature);
	set32(&w, 12, (uint32_t)(w.len - DBUS_FIXED));
	put_align(&w, 8);
	body = w.len;
	for (unsigned i = 0; i < 3 && call->args[i]; i++)
		put_string(&w, call->args[i]);
	set32(&w, 4, (uint32_t)(w.len - body));
	return w.len > DBUS_CALL_MAX ? 0 : w.len;
}
