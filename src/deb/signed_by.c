/* SPDX-License-Identifier: MIT */
#include "deb/apt.h"

#include "base/fd.h"

#define SOURCES_MAX (4 << 20)

/* "deb [arch=amd64 signed-by=/a/key.gpg] URI…" (sources.list(5)) */
static char *of_line(struct viv_slice line)
{
	static const char key[] = "signed-by=";
	const char *begin = line.len ? memchr(line.data, '[', line.len) : NULL;
	const char *end = begin ? memchr(begin, ']', (size_t)(line.data + line.len - begin)) : NULL;
	struct viv_slice options = {end ? begin + 1 : NULL, end ? (size_t)(end - begin) - 1 : 0}, word;

	while (end && viv_slice_word(&options, &word))
		if (word.len > sizeof(key) - 1 && strncasecmp(word.data, key, sizeof(key) - 1) == 0)
			return viv_strndup(word.data + sizeof(key) - 1, word.len - sizeof(key) + 1);
	return NULL;
}

/* The field of the stanza number n. Comments alone are none. */
static char *of_stanza(struct viv_slice rest, uint64_t n)
{
	static const char key[] = "Signed-By:";
	bool inside = false;
	struct viv_slice line;
	uint64_t at = 0;

	while (at <= n && viv_slice_line(&rest, &line)) {
		bool blank = !viv_slice_trim(line).len;

		if (!blank && line.data[0] == '#')
			continue;
		at += !blank && !inside;
		inside = !blank;
		if (at == n && line.len > sizeof(key) - 1 && strncasecmp(line.data, key, sizeof(key) - 1) == 0)
			return viv_slice_dup(viv_slice_trim((struct viv_slice){
				line.data + sizeof(key) - 1, line.len - sizeof(key) + 1}));
	}
	return NULL;
}

char *viv_apt_signed_by(struct viv_slice place)
{
	const char *colon = place.len ? memrchr(place.data, ':', place.len) : NULL;
	VIV_FREE char *file = NULL, *found = NULL;
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line = {0};
	uint64_t n;

	if (!colon || !viv_slice_u64((struct viv_slice){colon + 1, (size_t)(place.data + place.len - colon) - 1},
				     1000000, &n))
		return NULL;
	file = viv_strndup(place.data, (size_t)(colon - place.data));
	if (viv_read_file(file, SOURCES_MAX, &text, NULL) < 0)
		return NULL;
	rest = (struct viv_slice){text.data, text.len};
	if (viv_ends_with(file, ".sources")) {
		found = of_stanza(rest, n);
	} else {
		while (n && viv_slice_line(&rest, &line))
			n--;
		found = n ? NULL : of_line(line);
	}
	return found && found[0] == '/' ? viv_steal(found) : NULL;
}
