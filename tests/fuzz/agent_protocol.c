/* SPDX-License-Identifier: MIT */
/* The wire format, in both directions: the first byte of the input says which. */

#include "base/util.h"
#include "proto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* Whatever is let through has a payload of the size that its decoder reads. */
static void decode(const struct viv_frame *f)
{
	uint8_t again[VIV_PROTO_HELLO_SIZE];
	struct viv_proto_hello hello;
	struct viv_proto_run run;
	struct viv_proto_size s;
	struct viv_proto_started started;
	struct viv_proto_failed failed;
	struct viv_proto_exit ended;
	struct viv_proto_watch watch;

	switch (f->type) {
	case VIV_PROTO_HELLO:
	case VIV_PROTO_WELCOME:
		if (viv_proto_get_hello(f, &hello)) {
			viv_proto_put_hello(again, &hello);
			check(memcmp(again, f->payload, VIV_PROTO_HELLO_SIZE) == 0);
		}
		break;
	case VIV_PROTO_RUN:
		if (viv_proto_get_run(f->payload, f->len, &run)) {
			const char *p = run.strings, *end = p + run.strings_len;

			for (unsigned i = 0; i < 2u + run.argc + run.envc; i++)
				p += strlen(p) + 1;
			check(p == end);
		}
		break;
	case VIV_PROTO_WATCH:
		if (viv_proto_get_watch(f, &watch)) {
			size_t len = strlen(watch.kind) + 1;

			for (unsigned i = 0; i < watch.n; i++)
				len += strlen(watch.words[i]) + 1;
			check(len == f->len);
		}
		break;
	case VIV_PROTO_RESIZE:
		viv_proto_get_size(f, &s);
		break;
	case VIV_PROTO_STARTED:
		viv_proto_get_started(f, &started);
		break;
	case VIV_PROTO_FAILED:
		viv_proto_get_failed(f, &failed);
		break;
	case VIV_PROTO_EXIT:
		viv_proto_get_exit(f, &ended);
		break;
	}
}

static void parse_all(const uint8_t *data, size_t size, bool from_host)
{
	while (size) {
		struct viv_frame f;
		uint8_t header[VIV_PROTO_HEADER];
		ptrdiff_t n = viv_proto_parse(data, size, from_host, &f);

		if (n <= 0)
			return;
		check((size_t)n <= size);
		if (f.type != VIV_PROTO_PAD) {
			viv_proto_header(header, f.type, f.flags, f.channel, f.len);
			check(memcmp(header, data, sizeof(header)) == 0);
			check(f.payload + f.len == data + n);
			decode(&f);
		}
		data += n;
		size -= (size_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nonce[VIV_PROTO_NONCE] = "nonce123";
	bool from_host, found;
	size_t at;

	if (size == 0)
		return 0;
	from_host = *data++ & 1;
	size--;
	parse_all(data, size, from_host);
	at = viv_proto_hunt(data, size, from_host, nonce, &found);
	check(at <= size);
	if (found)
		parse_all(data + at, size - at, from_host);
	return 0;
}
