/* SPDX-License-Identifier: MIT */
#include "run/dist.h"

#include "base/fd.h"
#include "base/path.h"
#include "run/devices.h"

#include <sys/stat.h>

#define BUILDER "dist 1" /* changed whenever what is written here changes */

int viv_dist_check(const struct viv_config *config, struct viv_error *err)
{
	bool minimal = viv_streq(viv_config_string(config, "system.root"), "minimal");

	if (minimal && viv_config_bool(config, "boot.crashDump.enable"))
		return viv_error_say(err, EINVAL, "%s: boot.crashDump.enable: the disk that a dump goes to is made by "
				     "viv run: it can't be had with -t dist",
				     viv_config_place(config, "boot.crashDump.enable"));
	if (minimal)
		return 0;
	viv_error_say(err, EINVAL, "%s: system.root: a root of layers is no single image, which -t dist is for",
		      viv_config_place(config, "system.root"));
	return viv_error_hint(err, "Import \"profiles/minimal\", or set system.root = \"minimal\".");
}

/* Words of a boot loader's, or of QEMU's -append; docs/boot.md tells what they mean. */
static char *command_line(const struct viv_config *config, const struct viv_system *system)
{
	static const char *const own[] = {"panic=-1", "quiet", "viv.layers=1", "viv.upper=memory",
					  "viv.network=user", NULL};
	VIV_STRV words = VIV_STRV_INIT;
	VIV_FREE char *line = NULL;

	viv_devices_consoles(config, &words);
	viv_strv_push_all(&words, own);
	viv_strv_push_all(&words, (const char *const *)system->kernel_params.items);
	line = viv_strv_join(&words, " ");
	return viv_asprintf("%s\n", line);
}

static int copy(const char *from, const char *folder, const char *name, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(folder, name);
	VIV_FD in = viv_open(from, O_RDONLY, 0, err), out = -1;

	if (in < 0)
		return in;
	out = viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	return out < 0 ? out : viv_copy_content(in, out, path, err);
}

static int fill(const char *dest, const struct viv_system *system, const char *line, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dest, "command-line");
	int r = viv_mkdir_p(dest, 0755, err);

	if (r == 0)
		r = viv_write_file(path, line, strlen(line), 0644, err);
	if (r == 0)
		r = copy(system->bzimage, dest, "kernel", err);
	if (r == 0)
		r = copy(system->initrd, dest, "initrd", err);
	return r < 0 ? r : copy(system->layers.items[0], dest, "root.squashfs", err);
}

int viv_dist_build(struct viv_store *store, const struct viv_config *config,
		   const struct viv_system *system, struct viv_report *report, char **ret_id,
		   struct viv_error *err)
{
	VIV_FREE char *name = viv_asprintf("%s-dist", viv_config_string(config, "networking.hostName"));
	VIV_FREE char *line = command_line(config, system), *id = NULL;
	VIV_STRV refs = VIV_STRV_INIT; /* none: it is whole by itself */
	VIV_JSON *recipe = json_pack("{s:s, s:s, s:s}", "builder", BUILDER, "system", system->id,
				     "commandLine", line);
	struct viv_store_build *b;
	int r;

	id = viv_store_id(name, recipe);
	r = viv_store_begin(store, id, report, &b, err);
	if (r == 0) {
		r = fill(viv_store_build_path(b), system, line, err);
		r = viv_store_end(b, r, recipe, &refs, err);
	}
	if (r >= 0)
		*ret_id = viv_steal(id);
	return r < 0 ? r : 0;
}
