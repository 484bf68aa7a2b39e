/* SPDX-License-Identifier: MIT */
#include "plan/manifests.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/layer.h"

#define MANIFEST_MAX ((size_t)1 << 30)

void viv_manifests_free(struct viv_manifests *m)
{
	for (size_t i = 0; i < m->n; i++)
		viv_str_free(&m->texts[i]);
	free(m->texts);
	*m = (struct viv_manifests){0};
}

int viv_manifests_read(const struct viv_strv *layers, struct viv_manifests *ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_manifests_free) struct viv_manifests m = {0};

	m.texts = viv_new_array(struct viv_str, layers->count + 1);
	for (; m.n < layers->count; m.n++) {
		VIV_FREE char *path =
			viv_path_join(layers->items[layers->count - 1 - m.n], VIV_LAYER_MANIFEST);
		int r = viv_read_file(path, MANIFEST_MAX, &m.texts[m.n], err);

		if (r < 0)
			return r;
	}
	*ret = m;
	m = (struct viv_manifests){0};
	return 0;
}

/* As manifests write it, with the blank before it. */
static char *in_manifest(const char *path)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_add_char(&s, ' ');
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c <= 0x20 || c == 0x7f || c == '\\')
			viv_str_addf(&s, "\\%03o", c);
		else
			viv_str_add_char(&s, *path);
	}
	return viv_str_steal(&s);
}

/* The line with that path, which is its ninth word: a link's target is a later one. */
static bool find_line(const struct viv_str *text, const char *needle, struct viv_slice *ret)
{
	const char *at = text->data, *end = text->data + text->len;
	size_t n = strlen(needle);

	while (at && (at = memmem(at, (size_t)(end - at), needle, n))) {
		const char *after = at + n, *line = memrchr(text->data, '\n', (size_t)(at - text->data));
		struct viv_slice rest;

		line = line ? line + 1 : text->data;
		if ((after == end || *after == '\n' || *after == ' ') &&
		    !memmem(line, (size_t)(at - line), " ->", 3)) {
			rest = (struct viv_slice){line, (size_t)(end - line)};
			return viv_slice_line(&rest, ret);
		}
		at = after;
	}
	return false;
}

static unsigned octal(struct viv_slice word)
{
	unsigned n = 0;

	for (size_t i = 0; i < word.len && word.data[i] >= '0' && word.data[i] <= '7'; i++)
		n = n * 8 + (unsigned)(word.data[i] - '0');
	return n & 07777;
}

/* "f 644 0 0 …": what is wanted of it. */
static void read_line(struct viv_slice line, struct viv_there *ret)
{
	static const char mask[] = " -> /dev/null";
	struct viv_slice rest = line, type = {0}, mode = {0}, uid = {0}, gid = {0};
	uint64_t u = 0, g = 0;

	viv_slice_word(&rest, &type);
	viv_slice_word(&rest, &mode);
	viv_slice_word(&rest, &uid);
	viv_slice_word(&rest, &gid);
	viv_slice_u64(uid, UINT32_MAX, &u);
	viv_slice_u64(gid, UINT32_MAX, &g);
	*ret = (struct viv_there){
		.type = type.len ? type.data[0] : '\0',
		.mode = octal(mode),
		.uid = (unsigned)u,
		.gid = (unsigned)g,
		.is_mask = line.len >= strlen(mask) &&
			   memcmp(line.data + line.len - strlen(mask), mask, strlen(mask)) == 0,
	};
}

bool viv_manifests_find(const struct viv_manifests *m, const char *path, struct viv_there *ret)
{
	VIV_FREE char *needle = in_manifest(path);
	struct viv_slice line;

	for (size_t i = 0; i < m->n; i++) {
		struct viv_there there;

		if (!m->texts[i].data || !find_line(&m->texts[i], needle, &line))
			continue;
		read_line(line, &there);
		if (there.type == 'c')
			return false;
		*ret = there;
		return true;
	}
	return false;
}
