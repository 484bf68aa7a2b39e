/* SPDX-License-Identifier: MIT */
#include "plan/area.h"

#include "base/hash.h"
#include "plan/units.h"

struct viv_etc_file *viv_etc_add(struct viv_etc *etc, const char *option, const char *path,
				 enum viv_etc_kind kind, unsigned mode, struct viv_str *content)
{
	struct viv_etc_file *f;

	etc->files = viv_realloc(etc->files, (etc->n_files + 1) * sizeof(*etc->files));
	f = &etc->files[etc->n_files++];
	*f = (struct viv_etc_file){
		.option = viv_strdup(option), .path = viv_strdup(path), .kind = kind, .mode = mode};
	if (content) {
		f->content = *content;
		*content = VIV_STR_INIT;
	}
	return f;
}

void viv_etc_add_text(struct viv_etc *etc, const char *option, const char *path, const char *text)
{
	struct viv_str s = VIV_STR_INIT;

	viv_str_add(&s, text);
	viv_etc_add(etc, option, path, VIV_ETC_FILE, 0644, &s);
}

void viv_etc_add_script(struct viv_etc *etc, const char *option, const char *path, const char *text)
{
	viv_etc_add_text(etc, option, path, text);
	etc->files[etc->n_files - 1].mode = 0755;
}

void viv_etc_add_link(struct viv_etc *etc, const char *option, const char *path, const char *target)
{
	struct viv_str s = VIV_STR_INIT;

	viv_str_add(&s, target);
	viv_etc_add(etc, option, path, VIV_ETC_LINK, 0777, &s);
}

struct viv_etc_file *viv_etc_find(const struct viv_etc *etc, const char *path)
{
	for (size_t i = 0; i < etc->n_files; i++)
		if (viv_streq(etc->files[i].path, path))
			return &etc->files[i];
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct viv_etc_file *)a)->path, ((const struct viv_etc_file *)b)->path);
}

char *viv_etc_where(const struct viv_config *config, const struct viv_etc_file *f)
{
	if (!f->option)
		return viv_strdup("every machine of this kind");
	return viv_asprintf("%s: %s", viv_config_place(config, f->option), f->option);
}

static int clash(const struct viv_config *config, const struct viv_etc_file *a,
		 const struct viv_etc_file *b, struct viv_error *err)
{
	/* What the user wrote comes first, with its line. */
	bool swap = !a->option || viv_streq(viv_config_place(config, a->option), "default");
	VIV_FREE char *first = viv_etc_where(config, swap ? b : a), *second = viv_etc_where(config, swap ? a : b);

	return viv_error_say(err, EEXIST, "%s: writes /%s, which is written by %s already", first,
			     a->path, second);
}

/* Anybody who can read the store can read what is in it. */
static int check_no_key(const struct viv_config *config, const struct viv_etc_file *f, struct viv_error *err)
{
	static const char mark[] = "PRIVATE KEY-----";
	VIV_FREE char *where = NULL;

	if (!f->content.len || !memmem(f->content.data, f->content.len, mark, sizeof(mark) - 1))
		return 0;
	where = viv_etc_where(config, f);
	viv_error_say(err, EACCES, "%s holds a private key", where);
	viv_error_hint(err, "Secrets never enter the store: let the machine make the key, or copy it "
			    "in when it runs.");
	return -EACCES;
}

int viv_etc_check(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	qsort(etc->files, etc->n_files, sizeof(*etc->files), compare);
	for (size_t i = 0; i < etc->n_files; i++) {
		if (check_no_key(config, &etc->files[i], err) < 0)
			return -EACCES;
		if (i && viv_streq(etc->files[i - 1].path, etc->files[i].path))
			return clash(config, &etc->files[i - 1], &etc->files[i], err);
	}
	return 0;
}

int viv_etc_collect(const struct viv_config *config, struct viv_etc *ret, struct viv_error *err)
{
	struct viv_etc etc = {0};
	int r = 0;

	for (const struct viv_area *const *a = viv_areas; r == 0 && *a; a++)
		if ((*a)->files)
			r = (*a)->files(&etc, config, err);
	if (r == 0)
		r = viv_etc_check(&etc, config, err);
	if (r == 0)
		r = viv_units_check(&etc, config, false, err);
	if (r < 0) {
		viv_etc_free_contents(&etc);
		return r;
	}
	*ret = etc;
	return 0;
}

void viv_etc_free_contents(struct viv_etc *etc)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		struct viv_etc_file *f = &etc->files[i];

		free(f->option);
		free(f->path);
		free(f->drop_in);
		free(f->user);
		free(f->group);
		viv_str_free(&f->content);
	}
	free(etc->files);
	*etc = (struct viv_etc){0};
}

json_t *viv_etc_describe(const struct viv_etc *etc)
{
	json_t *all = json_array();

	for (size_t i = 0; i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];
		char hex[VIV_SHA256_HEX];

		viv_sha256_of(f->content.data ? f->content.data : "", f->content.len, hex);
		json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:s?, s:s?, s:s}", "path",
						     f->path, "kind", (int)f->kind, "mode",
						     (int)f->mode, "user", f->user, "group",
						     f->group, "sha256", hex));
	}
	return all;
}
