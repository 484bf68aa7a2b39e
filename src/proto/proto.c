/* SPDX-License-Identifier: MIT */
#include "proto/proto.h"

#include <string.h>

#define MAGIC_LEN 16
static const char magic[MAGIC_LEN + 1] = "viv-agent-hello\n";

/* Who may send a frame of a type, and what it looks like. */
enum { HOST = 1, AGENT = 2, BOTH = 3 };
enum { ZERO, CHANNEL };		     /* which channel number it carries */
enum { NONE, MORE, STREAM, SIGNAL }; /* what its flags say */

static const struct rule {
	const char *name;
	uint8_t type, from, channel, flags;
	uint16_t min, max; /* bytes of payload */
} rules[] = {
	{"HELLO", VIV_PROTO_HELLO, HOST, ZERO, NONE, VIV_PROTO_HELLO_SIZE, 256},
	{"RUN", VIV_PROTO_RUN, HOST, CHANNEL, MORE, 1, VIV_PROTO_MAX_PAYLOAD},
	{"EOF", VIV_PROTO_EOF, HOST, CHANNEL, NONE, 0, 0},
	{"SIGNAL", VIV_PROTO_SIGNAL, HOST, CHANNEL, SIGNAL, 0, 0},
	{"RESIZE", VIV_PROTO_RESIZE, HOST, CHANNEL, NONE, VIV_PROTO_SIZE_SIZE, VIV_PROTO_SIZE_SIZE},
	{"POWEROFF", VIV_PROTO_POWEROFF, HOST, CHANNEL, NONE, 0, 0},
	{"SYNC", VIV_PROTO_SYNC, HOST, CHANNEL, NONE, 0, 0},
	{"CLOCK", VIV_PROTO_CLOCK, HOST, CHANNEL, NONE, 8, 8},
	{"SEED", VIV_PROTO_SEED, HOST, CHANNEL, NONE, 1, VIV_PROTO_MAX_SEED},
	{"HOSTNAME", VIV_PROTO_HOSTNAME, HOST, CHANNEL, NONE, 1, VIV_PROTO_MAX_HOSTNAME},
	{"MOUNT", VIV_PROTO_MOUNT, HOST, CHANNEL, NONE, 5, VIV_PROTO_MAX_PAYLOAD},
	{"NETWORK", VIV_PROTO_NETWORK, HOST, CHANNEL, NONE, 1, VIV_PROTO_MAX_PAYLOAD},
	{"WATCH", VIV_PROTO_WATCH, HOST, CHANNEL, NONE, 2, VIV_PROTO_MAX_WATCH},
	{"DATA", VIV_PROTO_DATA, BOTH, CHANNEL, STREAM, 1, VIV_PROTO_MAX_PAYLOAD},
	{"CREDIT", VIV_PROTO_CREDIT, BOTH, CHANNEL, STREAM, 4, 4},
	{"CLOSE", VIV_PROTO_CLOSE, BOTH, CHANNEL, STREAM, 0, 0},
	{"WELCOME", VIV_PROTO_WELCOME, AGENT, ZERO, NONE, VIV_PROTO_HELLO_SIZE, 256},
	{"BOOTED", VIV_PROTO_BOOTED, AGENT, ZERO, NONE, 0, 0},
	{"STARTED", VIV_PROTO_STARTED, AGENT, CHANNEL, NONE, VIV_PROTO_STARTED_SIZE,
	 VIV_PROTO_STARTED_SIZE},
	{"FAILED", VIV_PROTO_FAILED, AGENT, CHANNEL, NONE, VIV_PROTO_FAILED_SIZE,
	 VIV_PROTO_FAILED_SIZE},
	{"EXIT", VIV_PROTO_EXIT, AGENT, CHANNEL, NONE, VIV_PROTO_EXIT_SIZE, VIV_PROTO_EXIT_SIZE},
	{"DONE", VIV_PROTO_DONE, AGENT, CHANNEL, NONE, 4, 4},
	{"LOST", VIV_PROTO_LOST, AGENT, ZERO, NONE, 0, 0},
};

static const struct rule *find_rule(uint8_t type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].type == type)
			return &rules[i];
	return NULL;
}

const char *viv_proto_name(uint8_t type)
{
	const struct rule *r = find_rule(type);

	return r ? r->name : "?";
}

/* DATA goes to stdin from the host and from the others to it; CREDIT and CLOSE the other way. */
static bool stream_fits(const struct viv_frame *f, bool from_host)
{
	bool to_agent = f->type == VIV_PROTO_DATA ? from_host : !from_host;

	return to_agent ? f->flags == VIV_PROTO_STDIN
			: f->flags == VIV_PROTO_STDOUT || f->flags == VIV_PROTO_STDERR;
}

static bool flags_fit(const struct rule *r, const struct viv_frame *f, bool from_host)
{
	switch (r->flags) {
	case MORE:
		return (f->flags & ~VIV_PROTO_MORE) == 0;
	case STREAM:
		return stream_fits(f, from_host);
	case SIGNAL:
		return f->flags >= 1 && f->flags <= 64;
	default:
		return f->flags == 0;
	}
}

static bool allowed(const struct viv_frame *f, bool from_host)
{
	const struct rule *r = find_rule(f->type);

	return r && (r->from & (from_host ? HOST : AGENT)) &&
	       (r->channel == ZERO) == (f->channel == 0) && f->len >= r->min && f->len <= r->max &&
	       flags_fit(r, f, from_host);
}

ptrdiff_t viv_proto_parse(const uint8_t *data, size_t len, bool from_host, struct viv_frame *ret)
{
	struct viv_frame f;
	size_t zeros = 0;

	while (zeros < len && data[zeros] == VIV_PROTO_PAD)
		zeros++;
	if (zeros) {
		*ret = (struct viv_frame){.type = VIV_PROTO_PAD, .payload = data};
		return (ptrdiff_t)zeros;
	}
	if (len < VIV_PROTO_HEADER)
		return 0;
	f = (struct viv_frame){
		.type = data[0],
		.flags = data[1],
		.len = viv_get16(data + 2),
		.channel = viv_get32(data + 4),
		.payload = data + VIV_PROTO_HEADER,
	};
	if (!allowed(&f, from_host))
		return -1;
	if (len < VIV_PROTO_HEADER + f.len)
		return 0;
	*ret = f;
	return (ptrdiff_t)(VIV_PROTO_HEADER + f.len);
}

size_t viv_proto_hunt(const uint8_t *data, size_t len, bool from_host,
		      const uint8_t nonce[VIV_PROTO_NONCE], bool *ret_found)
{
	const uint8_t type = from_host ? VIV_PROTO_HELLO : VIV_PROTO_WELCOME;
	const size_t whole = VIV_PROTO_HEADER + MAGIC_LEN + VIV_PROTO_NONCE;
	size_t at = 0;

	*ret_found = false;
	while (at < len) {
		const uint8_t *p = memchr(data + at, type, len - at);

		if (!p)
			return len;
		at = (size_t)(p - data);
		if (len - at < whole)
			return at;
		if (memcmp(p + VIV_PROTO_HEADER, magic, MAGIC_LEN) == 0 &&
		    (from_host ||
		     memcmp(p + VIV_PROTO_HEADER + MAGIC_LEN, nonce, VIV_PROTO_NONCE) == 0)) {
			*ret_found = true;
			return at;
		}
		at++;
	}
	return len;
}

void viv_proto_header(uint8_t out[VIV_PROTO_HEADER], enum viv_proto_type type, uint8_t flags,
		      uint32_t channel, size_t len)
{
	out[0] = (uint8_t)type;
	out[1] = flags;
	viv_put16(out + 2, (uint16_t)len);
	viv_put32(out + 4, channel);
}

void viv_proto_put_hello(uint8_t *out, const struct viv_proto_hello *m)
{
	memcpy(out, magic, MAGIC_LEN);
	memcpy(out + MAGIC_LEN, m->nonce, VIV_PROTO_NONCE);
	viv_put16(out + 24, m->oldest);
	viv_put16(out + 26, m->newest);
}

bool viv_proto_get_hello(const struct viv_frame *f, struct viv_proto_hello *ret)
{
	if (memcmp(f->payload, magic, MAGIC_LEN) != 0)
		return false;
	memcpy(ret->nonce, f->payload + MAGIC_LEN, VIV_PROTO_NONCE);
	ret->oldest = viv_get16(f->payload + 24);
	ret->newest = viv_get16(f->payload + 26);
	return true;
}

void viv_proto_put_run(uint8_t *out, const struct viv_proto_run *m)
{
	viv_put16(out, m->flags);
	viv_put16(out + 2, m->rows);
	viv_put16(out + 4, m->columns);
	viv_put16(out + 6, m->argc);
	viv_put16(out + 8, m->envc);
	viv_put16(out + 10, 0);
	viv_put32(out + 12, m->window);
}

bool viv_proto_get_run(const uint8_t *data, size_t len, struct viv_proto_run *ret)
{
	struct viv_proto_run m;
	size_t at = VIV_PROTO_RUN_SIZE;

	if (len < at)
		return false;
	m.flags = viv_get16(data);
	m.rows = viv_get16(data + 2);
	m.columns = viv_get16(data + 4);
	m.argc = viv_get16(data + 6);
	m.envc = viv_get16(data + 8);
	m.window = viv_get32(data + 12);
	m.strings = (const char *)data + at;
	m.strings_len = len - at;
	if (m.argc == 0 || m.window > VIV_PROTO_MAX_WINDOW)
		return false;
	for (size_t i = 0; i < 2u + m.argc + m.envc; i++) {
		const uint8_t *end = at < len ? memchr(data + at, 0, len - at) : NULL;

		if (!end)
			return false;
		at = (size_t)(end - data) + 1;
	}
	if (at != len)
		return false;
	*ret = m;
	return true;
}

void viv_proto_put_size(uint8_t *out, const struct viv_proto_size *m)
{
	viv_put16(out, m->rows);
	viv_put16(out + 2, m->columns);
}

void viv_proto_get_size(const struct viv_frame *f, struct viv_proto_size *ret)
{
	ret->rows = viv_get16(f->payload);
	ret->columns = viv_get16(f->payload + 2);
}

void viv_proto_put_started(uint8_t *out, const struct viv_proto_started *m)
{
	viv_put32(out, m->pid);
	viv_put32(out + 4, m->window);
}

void viv_proto_get_started(const struct viv_frame *f, struct viv_proto_started *ret)
{
	ret->pid = viv_get32(f->payload);
	ret->window = viv_get32(f->payload + 4);
}

void viv_proto_put_failed(uint8_t *out, const struct viv_proto_failed *m)
{
	viv_put32(out, m->stage);
	viv_put32(out + 4, m->code);
}

void viv_proto_get_failed(const struct viv_frame *f, struct viv_proto_failed *ret)
{
	ret->stage = viv_get32(f->payload);
	ret->code = viv_get32(f->payload + 4);
}

void viv_proto_put_exit(uint8_t *out, const struct viv_proto_exit *m)
{
	out[0] = m->code;
	out[1] = m->signal;
	out[2] = m->core;
	out[3] = 0;
}

void viv_proto_get_exit(const struct viv_frame *f, struct viv_proto_exit *ret)
{
	ret->code = f->payload[0];
	ret->signal = f->payload[1];
	ret->core = f->payload[2] & 1;
}

uint16_t viv_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t viv_get32(const uint8_t *p)
{
	return viv_get16(p) | (uint32_t)viv_get16(p + 2) << 16;
}

uint64_t viv_get64(const uint8_t *p)
{
	return viv_get32(p) | (uint64_t)viv_get32(p + 4) << 32;
}

void viv_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void viv_put32(uint8_t *p, uint32_t v)
{
	viv_put16(p, (uint16_t)v);
	viv_put16(p + 2, (uint16_t)(v >> 16));
}

void viv_put64(uint8_t *p, uint64_t v)
{
	viv_put32(p, (uint32_t)v);
	viv_put32(p + 4, (uint32_t)(v >> 32));
}

bool viv_proto_get_mount(const struct viv_frame *f, struct viv_proto_mount *ret)
{
	const char *strings[5], *p = (const char *)f->payload, *end = p + f->len;

	for (size_t i = 0; i < 5; i++) {
		const char *nul = p < end ? memchr(p, 0, (size_t)(end - p)) : NULL;

		if (!nul)
			return false;
		strings[i] = p;
		p = nul + 1;
	}
	if (p != end || strings[3][0] != '/' || strchr(strings[1], '/') || strchr(strings[2], '/'))
		return false;
	*ret = (struct viv_proto_mount){strings[0], strings[1], strings[2], strings[3], strings[4]};
	return true;
}

bool viv_proto_get_watch(const struct viv_frame *f, struct viv_proto_watch *ret)
{
	const char *p = (const char *)f->payload, *end = p + f->len;
	struct viv_proto_watch m = {.kind = p};

	for (unsigned i = 0; p < end; i++) {
		const char *nul = memchr(p, 0, (size_t)(end - p));

		if (!nul || nul == p || i > VIV_PROTO_WATCH_WORDS)
			return false;
		if (i)
			m.words[m.n++] = p;
		p = nul + 1;
	}
	*ret = m;
	return true;
}
