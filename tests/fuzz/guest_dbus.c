/* SPDX-License-Identifier: MIT */
/* What systemd sends to the agent (guest/dbus.h): messages, one after the other. */

#include "base/util.h"

#include "../../guest/dbus.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_string(const struct dbus_string *s, const uint8_t *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)s->data;

	check(strlen(s->data) == s->len);
	check(s->len == 0 || (p >= data && p + s->len < data + len));
}

static void check_message(const struct dbus_message *m, const uint8_t *data, size_t len)
{
	struct dbus_string word;
	uint32_t number;

	check_string(&m->path, data, len);
	check_string(&m->interface, data, len);
	check_string(&m->member, data, len);
	check_string(&m->error, data, len);
	check_string(&m->signature, data, len);
	check(m->body + m->body_len == data + len);
	if (dbus_get_string(m, &word)) {
		check_string(&word, data, len);
		check(!dbus_get_number(m, &number));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size >= DBUS_FIXED) {
		size_t len = dbus_length(data);
		struct dbus_message m;

		if (len == 0 || len > size)
			return 0;
		check(len >= DBUS_FIXED);
		if (dbus_parse(data, len, &m))
			check_message(&m, data, len);
		data += len;
		size -= len;
	}
	return 0;
}
