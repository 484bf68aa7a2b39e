/* SPDX-License-Identifier: MIT */

/* The reader of units: any bytes give settings within them, or an error. */

#include "plan/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(const struct viv_unit_setting *s, void *arg, struct viv_error *err)
{
	const struct viv_slice *text = arg;
	size_t lines = 1;

	for (size_t i = 0; i < text->len; i++)
		lines += text->data[i] == '\n';
	if (!s->line || s->line > lines || !s->section || !s->key.len || s->key.len + s->value.len > text->len)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {".service", ".target", ".mount"};
	VIV_FREE char *copy = viv_strndup((const char *)data, size);
	struct viv_slice text = {copy, strlen(copy)};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(types); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;

		if (viv_unit_parse(text, types[i], take, &text, &err) < 0 && !err.msg)
			abort();
	}
	viv_unit_parse((struct viv_slice){(const char *)data, size}, types[0], NULL, NULL, NULL);
	return 0;
}
