/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <ctype.h>

#define NAME_MAX_LEN 128

/* Damerau-Levenshtein (adjacent swaps), letters' case at half price so that hostname ≈ hostName. */
static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][NAME_MAX_LEN + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= lb; j++)
		above[j] = (unsigned)j * 2;
	for (size_t i = 1; i <= la; i++) {
		unsigned *t;

		row[0] = (unsigned)i * 2;
		for (size_t j = 1; j <= lb; j++) {
			char x = a[i - 1], y = b[j - 1];
			unsigned swap = x == y ? 0 : tolower(x) == tolower(y) ? 1 : 2;
			unsigned best = above[j - 1] + swap;

			best = VIV_MIN(best, above[j] + 2);
			best = VIV_MIN(best, row[j - 1] + 2);
			if (i > 1 && j > 1 && x == b[j - 2] && a[i - 2] == y)
				best = VIV_MIN(best, before[j - 2] + 2);
			row[j] = best;
		}
		t = before;
		before = above;
		above = row;
		row = t;
	}
	return above[lb];
}

void viv_suggest(const char *name, const char *const *candidates, size_t n_candidates, size_t max,
		 struct viv_strv *ret)
{
	size_t len = strlen(name);
	unsigned limit = 2 * (unsigned)(len <= 3 ? 1 : len <= 7 ? 2 : 3);

	if (len > NAME_MAX_LEN)
		return;
	for (unsigned want = 0; want <= limit; want++) {
		for (size_t i = 0; i < n_candidates; i++) {
			size_t n = strlen(candidates[i]);

			if (n > NAME_MAX_LEN || (n > len ? n - len : len - n) * 2 > limit)
				continue;
			if (distance(name, len, candidates[i], n) != want)
				continue;
			if (ret->count >= max)
				return;
			if (!viv_strv_has(ret, candidates[i]))
				viv_strv_push(ret, candidates[i]);
		}
	}
}
