/* SPDX-License-Identifier: MIT */
#include "run/script.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

/* Changed whenever what is written here changes; the script itself is part of the id. */
#define BUILDER "vm 1"

static int link_to(const char *folder, const char *name, const char *target, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(folder, name);

	return symlink(target, path) < 0 ? viv_error_set(err, errno, "%s", path) : 0;
}

/* The system's own names (kernel, initrd, its layers) work here, too. */
static int link_all(const char *folder, const char *system, const char *id, struct viv_error *err)
{
	DIR *dir = opendir(system);
	struct dirent *e;
	int r = dir ? 0 : viv_error_set(err, errno, "%s", system);

	while (r == 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.') {
			VIV_FREE char *target = viv_asprintf("../%s/%s", id, e->d_name);

			r = link_to(folder, e->d_name, target, err);
		}
	if (dir)
		closedir(dir);
	return r;
}

static int fill(const char *dest, const char *system, const char *id, const char *name,
		const struct viv_str *text, struct viv_error *err)
{
	VIV_FREE char *script = viv_asprintf("%s/bin/run-%s-vm", dest, name);
	VIV_FREE char *bin = viv_path_join(dest, "bin");
	VIV_FREE char *target = viv_asprintf("../%s", id);
	int r = viv_mkdir_p(bin, 0755, err);

	if (r == 0)
		r = viv_write_file(script, text->data, text->len, 0755, err);
	if (r == 0)
		r = link_all(dest, system, id, err);
	return r < 0 ? r : link_to(dest, "system", target, err);
}

int viv_script_build(struct viv_store *store, const struct viv_config *config,
		     const struct viv_system *system, struct viv_report *report, char **ret_id,
		     struct viv_error *err)
{
	const char *name = viv_config_string(config, "networking.hostName");
	VIV_FREE char *object = viv_asprintf("%s-vm", name), *id = NULL;
	VIV_FREE char *from = viv_store_object_path(store, system->id);
	VIV_STR text = VIV_STR_INIT;
	VIV_STRV refs = VIV_STRV_INIT;
	VIV_JSON *recipe = NULL;
	struct viv_store_build *b;
	char hash[VIV_SHA256_HEX];
	int r = viv_script_write(store, config, system, report, &text, &refs, err);

	if (r < 0)
		return r;
	viv_sha256_of(text.data, text.len, hash);
	recipe = json_pack("{s:s, s:s, s:s}", "builder", BUILDER, "system", system->id, "script", hash);
	id = viv_store_id(object, recipe);
	viv_strv_push(&refs, system->id);
	r = viv_store_begin(store, id, report, &b, err);
	if (r == 0) {
		r = fill(viv_store_build_path(b), from, system->id, name, &text, err);
		r = viv_store_end(b, r, recipe, &refs, err);
	}
	if (r >= 0)
		*ret_id = viv_steal(id);
	return r < 0 ? r : 0;
}
