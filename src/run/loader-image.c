/* SPDX-License-Identifier: MIT */
#include "run/loader-image.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "base/process.h"
#include "deb/layer.h"
#include "sandbox/sandbox.h"

#include <sys/stat.h>

/* Changed whenever what is written here changes. */
#define BUILDER	     "grub 1"
#define TIME_LIMIT   120000
#define IMAGE_MAX    (16 << 20)

/*
 * All that a menu on a FAT file system needs is in the image: nothing is looked for on the disk but
 * /boot/grub/grub.cfg, on the partition that the image came with.
 */
#define MODULES \
	"normal", "linux", "fat", "part_msdos", "part_gpt", "search", "search_label", "configfile", \
	"test", "echo", "reboot", "halt", "ls", "cat", "sleep", "serial", "terminal", "minicmd"

static const char *const for_bios[] = {
	"grub-mkimage", "-O", "i386-pc", "-o", "/viv-grub", "-p", "(,msdos1)/boot/grub", "biosdisk",
	MODULES, NULL,
};
static const char *const for_efi[] = {
	"grub-mkimage", "-O", "x86_64-efi", "-o", "/viv-grub", "-p", "/boot/grub", "all_video",
	MODULES, NULL,
};

/*
 * Of the signed ones that for CD-ROMs: it looks for /boot/grub on the file system that it came from, where
 * the other one only knows an installed system's /EFI/debian.
 */
static const struct kind {
	const char *name;
	const char *const *mkimage; /* NULL: nothing is made */
	struct {
		const char *from, *to;
	} files[2]; /* from: in the machine's tree */
} kinds[] = {
	[VIV_LOADER_GRUB_BIOS] = {"i386-pc",
				  for_bios,
				  {{"viv-grub", "core.img"}, {"usr/lib/grub/i386-pc/boot.img", "boot.img"}}},
	[VIV_LOADER_GRUB_UEFI] = {"x86_64-efi", for_efi, {{"viv-grub", "BOOTX64.EFI"}}},
	[VIV_LOADER_GRUB_SECURE] = {"x86_64-efi-signed",
			     NULL,
			     {{"usr/lib/shim/shimx64.efi.signed", "BOOTX64.EFI"},
			      {"usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed", "grubx64.efi"}}},
	[VIV_LOADER_SYSTEMD_BOOT] = {"systemd-boot",
				     NULL,
				     {{"usr/lib/systemd/boot/efi/systemd-bootx64.efi", "BOOTX64.EFI"}}},
};

/* The tree is foreign: its links lead nowhere but into it. */
static int take(const char *root, const char *path, const char *to, struct viv_error *err)
{
	VIV_STR s = VIV_STR_INIT;
	int r = viv_read_below(root, path, IMAGE_MAX, &s, err);

	return r < 0 ? r : viv_write_file(to, s.data, s.len, 0644, err);
}

static int run_mkimage(const char *root, const char *const *argv, struct viv_error *err)
{
	VIV_STR said = VIV_STR_INIT;
	VIV_FREE char *how = NULL;
	const struct viv_sandbox_exec e = {
		.root = root,
		.argv = argv,
		.stdin_fd = -1,
		.output_fd = -1,
		.output = &said,
		.timeout_ms = TIME_LIMIT,
	};
	int status, r = viv_sandbox_exec(&e, &status, err);

	if (r < 0 || status == 0)
		return r;
	how = viv_process_status_text(status);
	return viv_error_say(err, EIO, "grub-mkimage: %s\n%s", how, said.data ? said.data : "");
}

static int make_images(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		       struct viv_str *result, struct viv_error *err)
{
	const struct kind *kind = arg;
	VIV_FREE char *root = viv_path_join(view->scratch, "root");
	int r = kind->mkimage ? run_mkimage(root, kind->mkimage, err) : 0;

	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(kind->files); i++) {
		VIV_FREE char *to = NULL;

		if (!kind->files[i].from)
			continue;
		to = viv_asprintf("%s/out/%s", view->scratch, kind->files[i].to);
		r = take(root, kind->files[i].from, to, err);
	}
	return r;
}

/* The packages' layers; the kernel's modules and /etc have no programs. */
static void find_layers(const struct viv_system *system, struct viv_strv *ret)
{
	for (size_t i = 0; i < system->layers.count; i++)
		if (viv_streq(viv_path_base(system->layers.items[i]), "image.erofs"))
			viv_strv_take(ret, viv_path_dir(system->layers.items[i]));
}

static int make(const struct viv_strv *layers, const struct kind *kind, const char *dest,
		struct viv_report *report, struct viv_error *err)
{
	int r = mkdir(dest, 0755) < 0 ? viv_error_set(err, errno, "%s", dest) : 0;

	return r < 0 ? r : viv_layers_call(layers, dest, make_images, (void *)kind, report, err);
}

static json_t *recipe_of(const struct viv_strv *layers, const char *platform)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < layers->count; i++)
		json_array_append_new(ids, json_string(viv_path_base(layers->items[i])));
	return json_pack("{s:s, s:o, s:s}", "builder", BUILDER, "layers", ids, "platform",
			 platform);
}

int viv_loader_image_build(struct viv_store *store, const struct viv_system *system,
			   enum viv_loader_kind kind, struct viv_report *report, char **ret_id,
			   struct viv_error *err)
{
	VIV_STRV layers = VIV_STRV_INIT, refs = VIV_STRV_INIT;
	VIV_FREE char *id = NULL;
	VIV_JSON *recipe = NULL;
	struct viv_store_build *b;
	int r;

	find_layers(system, &layers);
	recipe = recipe_of(&layers, kinds[kind].name);
	id = viv_store_id("grub", recipe);
	r = viv_store_begin(store, id, report, &b, err);
	if (r == 0) {
		viv_task_begin(report, 0, "building the boot loader");
		r = make(&layers, &kinds[kind], viv_store_build_path(b), report, err);
		viv_task_end(report, r == 0);
		r = viv_store_end(b, r, recipe, &refs, err);
	}
	if (r < 0)
		return viv_error_context(err, "the boot loader");
	*ret_id = viv_steal(id);
	return 0;
}
