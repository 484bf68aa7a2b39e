/* SPDX-License-Identifier: MIT */
#include "deb/scrub.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <unistd.h>

/* A key file is small. */
#define KEY_FILE_MAX (256 << 10)

static const char mark[] = "PRIVATE KEY-----";

static bool holds_key(const char *path)
{
	VIV_STR text = VIV_STR_INIT;

	return viv_read_file(path, KEY_FILE_MAX, &text, NULL) == 0 && text.len &&
	       memmem(text.data, text.len, mark, sizeof(mark) - 1) != NULL;
}

/* A line of the list: the path as packages ship it, with a leading slash. */
static bool list_names(const char *list, const char *path)
{
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;

	if (viv_read_file(list, 64 << 20, &text, NULL) < 0)
		return false;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line))
		if (line.len > 1 && line.len - 1 == strlen(path) &&
		    memcmp(line.data + 1, path, line.len - 1) == 0)
			return true;
	return false;
}

/* What a package ships everybody has: no secret. Examples and tests ship keys. */
static bool is_shipped(const char *root, const char *path)
{
	VIV_FREE char *dir = viv_path_join(root, "var/lib/dpkg/info");
	DIR *d = opendir(dir);
	bool found = false;

	for (struct dirent *e; d && !found && (e = readdir(d));) {
		VIV_FREE char *list = viv_path_join(dir, e->d_name);

		found = viv_ends_with(e->d_name, ".list") && list_names(list, path);
	}
	if (d)
		closedir(d);
	return found;
}

int viv_scrub_check_keys(const char *root, const struct viv_tree *before,
			 const struct viv_tree *now, struct viv_error *err)
{
	for (size_t i = 0; i < now->n; i++) {
		const struct viv_tree_entry *e = &now->entries[i], *old;
		VIV_FREE char *path = NULL;

		/* What is below usr comes from packages; scripts write state elsewhere. */
		if (e->type != 'f' || !e->size || e->size > KEY_FILE_MAX ||
		    viv_starts_with(e->path, "usr/share/") || viv_starts_with(e->path, "usr/lib/") ||
		    viv_starts_with(e->path, "var/lib/dpkg/"))
			continue;
		old = before ? viv_tree_find(before, e->path) : NULL;
		if (old && viv_streq(old->sha256, e->sha256))
			continue;
		path = viv_path_join(root, e->path);
		if (!holds_key(path) || is_shipped(root, e->path))
			continue;
		viv_error_say(err, EACCES, "a package's script made the private key /%s", e->path);
		viv_error_hint(err, "Secrets never enter the store: let the machine make the key "
				    "when it boots.");
		return -EACCES;
	}
	return 0;
}
