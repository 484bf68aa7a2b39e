/* SPDX-License-Identifier: MIT */
#include "deb/resolve.h"

#include "base/fd.h"
#include "base/path.h"

#include <unistd.h>

static const char *const files[] = {"etc/preferences.d/locked", "etc/sources.d/locked.sources"};

int viv_resolve_forget(struct viv_apt *a, struct viv_error *err)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++) {
		VIV_FREE char *path = viv_path_join(a->dir, files[i]);

		if (unlink(path) < 0 && errno != ENOENT)
			return viv_error_set(err, errno, "%s", path);
	}
	return 0;
}

static int write_text(const struct viv_apt *a, const char *name, const struct viv_str *text,
		      struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(a->dir, name), *dir = viv_path_dir(path);
	int r = viv_mkdir_p(dir, 0755, err);

	return r < 0 ? r : viv_write_file(path, text->data, text->len, 0644, err);
}

/* The records of what is preferred, as an index on this disk; its packages are never fetched by it. */
static int write_local_index(struct viv_resolution *x, struct viv_error *err)
{
	VIV_CLEANUP(viv_records_free) struct viv_records records = {0};
	VIV_STR index = VIV_STR_INIT, source = VIV_STR_INIT;
	const char *argv[] = {"apt-get", "update", "-q", "-oAPT::Get::List-Cleanup=0", NULL,
			      NULL, NULL};
	VIV_FREE char *only = NULL;
	int r;

	viv_records_recall(&x->prefer, &records);
	if (!records.n)
		return 0;
	for (size_t i = 0; i < records.n; i++)
		viv_str_addf(&index, "%s\n", records.items[i].text);
	viv_str_addf(&source, "Types: deb\nURIs: file:%s/locked/\nSuites: ./\nTrusted: yes\n",
		     x->apt->dir);
	r = write_text(x->apt, "locked/Packages", &index, err);
	if (r == 0)
		r = write_text(x->apt, files[1], &source, err);
	only = viv_asprintf("-oDir::Etc::sourcelist=%s/%s", x->apt->dir, files[1]);
	argv[4] = only;
	argv[5] = "-oDir::Etc::sourceparts=/dev/null";
	return r < 0 ? r : viv_apt_run(x->apt, argv, NULL, NULL, err);
}

int viv_resolve_prefer(struct viv_resolution *x, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	int r;

	if (!x->prefer.n_packages)
		return viv_resolve_forget(x->apt, err);
	for (size_t i = 0; i < x->prefer.n_packages; i++) {
		const struct viv_lock_package *p = &x->prefer.packages[i];

		viv_str_addf(&text, "Package: %s\nPin: version %s\nPin-Priority: 995\n\n", p->name,
			     p->version);
	}
	r = write_text(x->apt, files[0], &text, err);
	return r < 0 ? r : write_local_index(x, err);
}
