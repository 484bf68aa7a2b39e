/* SPDX-License-Identifier: MIT */
#include "deb/without.h"

#include "base/fd.h"
#include "base/path.h"

#define CONFIG "etc/dpkg/dpkg.cfg.d/viv-documentation"

/* dpkg(1), --path-exclude. Folders stay: dpkg makes those that have something in them anyway. */
static const struct {
	const char *kind, *folder, *rules;
} rows[] = {
	{"doc", "usr/share/doc",
	 "path-exclude=/usr/share/doc/*\n"
	 "path-include=/usr/share/doc/*/copyright\n"},
	{"info", "usr/share/info", "path-exclude=/usr/share/info/*\n"},
	{"man", "usr/share/man", "path-exclude=/usr/share/man/*\n"},
};

bool viv_without_is_known(const char *kind)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		if (viv_streq(rows[i].kind, kind))
			return true;
	return false;
}

int viv_without_prepare(const char *root, const struct viv_strv *kinds, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	int r = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows) && r == 0; i++) {
		VIV_FREE char *folder = viv_path_join(root, rows[i].folder);

		if (!kinds || !viv_strv_has(kinds, rows[i].kind))
			continue;
		viv_str_add(&text, rows[i].rules);
		r = viv_remove_tree(folder, err);
	}
	if (r < 0 || !text.len)
		return r;
	VIV_FD fd = viv_open_below(root, CONFIG, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	return fd < 0 ? fd : viv_write_all(fd, text.data, text.len, CONFIG, err);
}
