/* SPDX-License-Identifier: MIT */
#include "plan/etc.h"

#include "base/path.h"
#include "plan/area.h"
#include "plan/unit.h"

/* A unit from options, where there is one of that name already: the layers can tell, and the options. */

/* Is there a unit in the layers under that path? A mask is none. */
static bool has_unit(const struct viv_manifests *m, const char *path)
{
	struct viv_there there;

	return viv_manifests_find(m, path, &there) && !there.is_mask;
}

/* A template that is an option's, not a part of a package's. */
static bool has_own(const struct viv_etc *etc, const char *path)
{
	const struct viv_etc_file *f = viv_etc_find(etc, path);

	return f && f->kind == VIV_ETC_FILE;
}

/*
 * Where what the unit changes stands: "usr/lib/systemd/system/x.service" in the layers, an instance's
 * template in the layers or here. NULL: nowhere. The caller frees it.
 */
static char *find_unit(const struct viv_etc *etc, const struct viv_manifests *m, const char *unit)
{
	static const char *const folders[] = {VIV_ETC_UNITS, "usr/lib/systemd/system/"};
	VIV_FREE char *template = viv_unit_template(unit);
	const char *const names[] = {unit, template};

	for (size_t k = 0; k < VIV_ARRAY_SIZE(names) && names[k]; k++) {
		for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
			VIV_FREE char *path = viv_asprintf("%s%s", folders[i], names[k]);

			if (has_unit(m, path) || (k && has_own(etc, path)))
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

void viv_etc_place_units(struct viv_etc *etc, const struct viv_manifests *layers)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		struct viv_etc_file *f = &etc->files[i];
		VIV_FREE char *there =
			f->drop_in ? find_unit(etc, layers, viv_path_base(f->path)) : NULL;

		if (there)
			make_drop_in(etc, f, there);
	}
}
