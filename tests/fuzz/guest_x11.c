/* SPDX-License-Identifier: MIT */
/* What an X server sends to the agent (guest/x11.h): the answer to its greeting, then packets; or an Xauthority file. */

#include "base/util.h"

#include "../../guest/x11.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_packet(const uint8_t *packet, const uint8_t *rest, size_t more)
{
	char name[X11_NAME_MAX + 1];
	size_t n = x11_get_children(packet, more), len = x11_get_name(packet, rest, more, name);
	uint32_t last = n ? x11_window(rest, n - 1) : 0, atom = 0;

	check(strlen(name) <= len && len <= X11_NAME_MAX && !strpbrk(name, "\n\r\033"));
	check(x11_get_atom(packet, &atom) ? atom != 0 : true);
	x11_is_change(packet, last);
	x11_is_shown(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x11_cookie cookie;
	const char *why;
	uint32_t root;
	size_t len, begin;

	if (x11_find_cookie(data, size, &cookie))
		check(cookie.len == 16 && cookie.data >= data && cookie.data + cookie.len <= data + size);
	if (size < X11_HEAD || x11_setup_rest(data) > size - X11_HEAD)
		return 0;
	begin = X11_HEAD + x11_setup_rest(data);
	x11_setup_root(data, data + X11_HEAD, begin - X11_HEAD, &root, &why, &len);
	check(len <= begin - X11_HEAD);
	data += begin;
	size -= begin;
	while (size >= X11_PACKET) {
		struct x11_packet p;

		if (!x11_parse(data, &p) || p.more > size - X11_PACKET)
			return 0;
		check_packet(data, data + X11_PACKET, p.more);
		data += X11_PACKET + p.more;
		size -= X11_PACKET + p.more;
	}
	return 0;
}
