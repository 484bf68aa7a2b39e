/* SPDX-License-Identifier: MIT */
#include "plan/etc.h"

/*
 * The folders on the way to the files of the etc layer. In an overlay the highest layer's attributes are the
 * folder's, so that one which a package keeps to itself would be opened by a file in it.
 */

static int compare(const void *key, const void *file)
{
	return strcmp(key, ((const struct viv_etc_file *)file)->path);
}

static const struct viv_etc_file *find(const struct viv_etc *etc, size_t n, const char *path)
{
	return n ? bsearch(path, etc->files, n, sizeof(*etc->files), compare) : NULL;
}

static int refuse(const struct viv_etc *etc, size_t n, const char *folder, const char *why,
		  const struct viv_config *config, struct viv_error *err)
{
	VIV_FREE char *start = viv_asprintf("%s/", folder), *where = NULL;
	size_t i = 0;

	while (i + 1 < n && !viv_starts_with(etc->files[i].path, start))
		i++;
	where = viv_etc_where(config, &etc->files[i]);
	return viv_error_say(err, EINVAL, "%s: /%s can't be written: /%s is %s", where, etc->files[i].path, folder,
			     why);
}

/* `n` files are those that were there at first, in order. */
static int add_parent(struct viv_etc *etc, size_t n, const char *path, const struct viv_manifests *layers,
		      const struct viv_config *config, struct viv_error *err)
{
	const struct viv_etc_file *own = find(etc, n, path);
	VIV_FREE char *by = NULL, *why = NULL;
	struct viv_there there;
	struct viv_etc_file *f;

	if (own && own->kind == VIV_ETC_FOLDER)
		return 0;
	if (own) {
		by = viv_etc_where(config, own);
		why = viv_asprintf("a %s, by %s", own->kind == VIV_ETC_LINK ? "link" : "file", by);
		return refuse(etc, n, path, why, config, err);
	}
	if (!viv_manifests_find(layers, path, &there))
		return 0;
	if (there.type != 'd') {
		why = viv_asprintf("a package's %s", there.type == 'l' ? "link" : "file");
		return refuse(etc, n, path, why, config, err);
	}
	f = viv_etc_add(etc, NULL, path, VIV_ETC_FOLDER, there.mode, NULL);
	f->uid = there.uid;
	f->gid = there.gid;
	return 0;
}

int viv_etc_add_parents(struct viv_etc *etc, const struct viv_manifests *layers, const struct viv_config *config,
			struct viv_error *err)
{
	VIV_STRV parents = VIV_STRV_INIT;
	size_t n = etc->n_files;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		const char *path = etc->files[i].path, *slash = path;

		while ((slash = strchr(slash, '/')))
			viv_strv_take(&parents, viv_strndup(path, (size_t)(slash++ - path)));
	}
	viv_strv_uniq(&parents);
	for (size_t i = 0; r == 0 && i < parents.count; i++)
		r = add_parent(etc, n, parents.items[i], layers, config, err);
	return r;
}
