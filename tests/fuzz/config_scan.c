/* SPDX-License-Identifier: MIT */

/* The scanner of machine files: any text gives tokens within it, and lines that it has. */

#include "config/lua/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(int line, int last)
{
	if (line < 0 || line > last)
		abort();
}

static void check_tokens(const struct viv_tokens *t, const char *text, size_t size)
{
	int last = t->items[t->count].line;

	for (size_t i = 0; i < t->count; i++) {
		const struct viv_slice s = t->items[i].text;

		check_line(t->items[i].line, last);
		if (s.data < text || s.data + s.len > text + size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {"a", "[2]", "x", "[0]"};
	VIV_ARENA arena = VIV_ARENA_INIT;
	const char *text = viv_arena_strndup(&arena, (const char *)data, size);
	struct viv_tokens t = viv_scan(&arena, (struct viv_slice){text, size});
	struct viv_statements all = viv_scan_statements(&arena, &t);

	check_tokens(&t, text, size);
	for (size_t i = 0; i < all.count && i < 100; i++) {
		const struct viv_statement *s = &all.items[i];

		if (s->value > s->end || s->end > t.count || s->first_line > s->last_line)
			abort();
		for (size_t k = 0; k < VIV_ARRAY_SIZE(keys); k++) {
			struct viv_name name = {keys + k, VIV_ARRAY_SIZE(keys) - k};

			check_line(viv_scan_find(&t, s->value, s->end, &name),
				   t.items[t.count].line);
		}
	}
	return 0;
}
