/* SPDX-License-Identifier: MIT */
#include "plan/etc.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/layer.h"
#include "plan/area.h"

/*
 * A unit from options, where a package has one of that name: only the layers can tell. Their
 * manifests are searched as text, since reading a whole one costs more than all else of an etc layer.
 */

#define MANIFEST_MAX ((size_t)1 << 30)

/* Highest layer first. */
struct manifests {
	struct viv_str *texts;
	size_t n;
};

static void free_manifests(struct manifests *m)
{
	for (size_t i = 0; i < m->n; i++)
		viv_str_free(&m->texts[i]);
	free(m->texts);
}

static int read_manifests(const struct viv_strv *layers, struct manifests *m, struct viv_error *err)
{
	m->texts = viv_new_array(struct viv_str, layers->count + 1);
	for (; m->n < layers->count; m->n++) {
		VIV_FREE char *path =
			viv_path_join(layers->items[layers->count - 1 - m->n], VIV_LAYER_MANIFEST);
		int r = viv_read_file(path, MANIFEST_MAX, &m->texts[m->n], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* As manifests write it (image/tree.h); units' names have no other bytes that are written so. */
static char *in_manifest(const char *path)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_add_char(&s, ' ');
	for (; *path; path++) {
		if (*path == '\\')
			viv_str_add(&s, "\\134");
		else
			viv_str_add_char(&s, *path);
	}
	return viv_str_steal(&s);
}

/* The line with that path. `needle` begins with the blank before it. */
static bool find_line(const struct viv_str *text, const char *needle, struct viv_slice *ret)
{
	const char *at = text->data, *end = text->data + text->len;
	size_t n = strlen(needle);

	while (at && (at = memmem(at, (size_t)(end - at), needle, n))) {
		const char *after = at + n, *line = memrchr(text->data, '\n', (size_t)(at - text->data));
		struct viv_slice rest;

		if (after == end || *after == '\n' || *after == ' ') {
			line = line ? line + 1 : text->data;
			rest = (struct viv_slice){line, (size_t)(end - line)};
			return viv_slice_line(&rest, ret);
		}
		at = after;
	}
	return false;
}

/* Is there a unit in the layers under that path? A whiteout and a mask are none. */
static bool has_unit(const struct manifests *m, const char *path)
{
	VIV_FREE char *needle = in_manifest(path);
	struct viv_slice line;

	for (size_t i = 0; i < m->n; i++) {
		VIV_FREE char *text = NULL;

		if (!find_line(&m->texts[i], needle, &line))
			continue;
		text = viv_slice_dup(line);
		return text[0] != 'c' && !viv_ends_with(text, " -> /dev/null");
	}
	return false;
}

/* "getty@tty1.service" is made from "getty@.service". NULL: it is no instance. The caller frees it. */
static char *template_of(const char *unit)
{
	const char *at = strchr(unit, '@'), *type = strrchr(unit, '.');

	if (!at || !type || type <= at + 1)
		return NULL;
	return viv_asprintf("%.*s%s", (int)(at + 1 - unit), unit, type);
}

/* Where the layers have the unit: "usr/lib/systemd/system/x.service". NULL: nowhere. The caller frees it. */
static char *find_unit(const struct manifests *m, const char *unit)
{
	static const char *const folders[] = {VIV_ETC_UNITS, "usr/lib/systemd/system/"};
	VIV_FREE char *template = template_of(unit);
	const char *const names[] = {unit, template};

	for (size_t k = 0; k < VIV_ARRAY_SIZE(names) && names[k]; k++) {
		for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
			VIV_FREE char *path = viv_asprintf("%s%s", folders[i], names[k]);

			if (has_unit(m, path))
				return viv_steal(path);
		}
	}
	return NULL;
}

/* What starts it points to where it is. */
static void move_links(struct viv_etc *etc, const char *from, const char *to)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		struct viv_etc_file *f = &etc->files[i];

		if (f->kind != VIV_ETC_LINK || f->content.data[0] != '/' ||
		    !viv_streq(f->content.data + 1, from))
			continue;
		viv_str_clear(&f->content);
		viv_str_addf(&f->content, "/%s", to);
	}
}

static void make_drop_in(struct viv_etc *etc, struct viv_etc_file *f, const char *there)
{
	struct viv_str text = VIV_STR_INIT;
	char *path = viv_asprintf("%s.d/options.conf", f->path);

	move_links(etc, f->path, there);
	viv_str_addf(&text, "%s%s", f->drop_in, f->content.data);
	viv_str_free(&f->content);
	f->content = text;
	free(f->path);
	f->path = path;
}

int viv_etc_place_units(struct viv_etc *etc, const struct viv_strv *layers, struct viv_error *err)
{
	VIV_CLEANUP(free_manifests) struct manifests m = {0};
	bool any = false;
	int r;

	for (size_t i = 0; i < etc->n_files; i++)
		any |= etc->files[i].drop_in != NULL;
	if (!any)
		return 0;
	r = read_manifests(layers, &m, err);
	for (size_t i = 0; r == 0 && i < etc->n_files; i++) {
		struct viv_etc_file *f = &etc->files[i];
		VIV_FREE char *there = f->drop_in ? find_unit(&m, viv_path_base(f->path)) : NULL;

		if (there)
			make_drop_in(etc, f, there);
	}
	return r;
}
