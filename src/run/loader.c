/* SPDX-License-Identifier: MIT */
#include "run/loader.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/path.h"
#include "image/boot_disk.h"
#include "kernel/bzimage.h"
#include "run/loader-image.h"
#include "run/loader-menu.h"

/* Changed whenever what is written here changes. */
#define BUILDER "boot disk 2"
#define LABEL	"VIVBOOT"

static int hash_file(const char *path, char ret[VIV_SHA256_HEX], struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);

	return fd < 0 ? fd : viv_sha256_of_fd(fd, path, ret, err);
}

struct disk {
	struct viv_store *store;
	const struct viv_machine *m;
	const char *loader; /* the object's folder */
	const char *id;
	struct viv_loader_menu menu;
	enum viv_loader_kind kind;
};

/* "BOOTX64.EFI" and what it starts, as far as the loader has them. */
static size_t add_efi(const struct disk *d, struct viv_strv *sources, struct viv_boot_file *files)
{
	static const char *const names[] = {"BOOTX64.EFI", "grubx64.efi"};
	static const char *const paths[] = {"EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi"};
	size_t n = d->kind == VIV_LOADER_GRUB_BIOS ? 0 : d->kind == VIV_LOADER_GRUB_SECURE ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		viv_strv_take(sources, viv_path_join(d->loader, names[i]));
		files[i] = (struct viv_boot_file){.path = paths[i], .source = sources->items[i]};
	}
	return n;
}

static int write_disk(const struct disk *d, const char *dest, struct viv_error *err)
{
	VIV_FREE char *mbr = viv_path_join(d->loader, "boot.img");
	VIV_FREE char *core = viv_path_join(d->loader, "core.img");
	bool bios = d->kind == VIV_LOADER_GRUB_BIOS;
	struct viv_boot_file files[VIV_LOADER_MENU_FILES + 4] = {
		{.path = "boot/kernel", .source = d->m->kernel},
		{.path = "boot/initrd", .source = d->m->initrd},
	};
	struct viv_boot_disk disk = {
		.mbr = bios ? mbr : NULL,
		.core = bios ? core : NULL,
		.label = LABEL,
		.seed = d->id,
		.files = files,
		.n_files = 2,
	};
	VIV_STRV sources = VIV_STRV_INIT;

	for (size_t i = 0; i < d->menu.n_files; i++)
		files[disk.n_files++] = (struct viv_boot_file){.path = d->menu.files[i].path,
							       .text = d->menu.files[i].text.data};
	disk.n_files += add_efi(d, &sources, files + disk.n_files);
	return viv_boot_disk_write(&disk, dest, err);
}

static int build(const struct disk *d, const json_t *recipe, struct viv_report *report,
		 struct viv_error *err)
{
	struct viv_store_build *b;
	VIV_STRV refs = VIV_STRV_INIT;
	int r = viv_store_begin(d->store, d->id, report, &b, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = write_disk(d, viv_store_build_path(b), err);
	r = viv_store_end(b, r, recipe, &refs, err);
	return r < 0 ? viv_error_context(err, "the boot disk") : 0;
}

static int make_recipe(const struct disk *d, const char *loader, json_t **ret, struct viv_error *err)
{
	char kernel[VIV_SHA256_HEX], initrd[VIV_SHA256_HEX];
	VIV_FREE char *tools = NULL;
	int r = hash_file(d->m->kernel, kernel, err);

	if (r == 0)
		r = hash_file(d->m->initrd, initrd, err);
	if (r == 0)
		r = viv_boot_disk_version(&tools, err);
	if (r == 0)
		*ret = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}", "builder", BUILDER, "loader", loader,
				 "kernel", kernel, "initrd", initrd, "menu",
				 viv_loader_menu_describe(&d->menu), "tools", tools);
	return r;
}

/* QEMU is handed nothing any more. */
static void use(struct viv_machine *m, char *file)
{
	struct viv_drive *drive = viv_machine_add_drive(m);

	drive->file = file;
	drive->serial = viv_strdup("viv-boot");
	drive->read_only = true;
	viv_strv_push(&drive->device_options, "bootindex=1");
	free(m->kernel);
	free(m->initrd);
	m->kernel = m->initrd = NULL;
	viv_strv_free(&m->kernel_params);
}

static enum viv_loader_kind kind_of(const struct viv_config *config, const struct viv_firmware *f)
{
	if (viv_config_bool(config, "boot.loader.systemd-boot.enable"))
		return VIV_LOADER_SYSTEMD_BOOT;
	if (f->secure)
		return VIV_LOADER_GRUB_SECURE;
	return f->code ? VIV_LOADER_GRUB_UEFI : VIV_LOADER_GRUB_BIOS;
}

/* GRUB would refuse it, where only who looks at the console sees that. */
static int check_signed(const struct viv_config *config, const char *kernel, struct viv_error *err)
{
	static const char option[] = "virtualisation.useSecureBoot";
	bool is_signed = false;
	int r = viv_bzimage_is_signed(kernel, &is_signed, err);

	if (r < 0 || is_signed)
		return r;
	return viv_error_say(err, EINVAL,
			     "%s: %s: the kernel %s is not signed\nsign it (sbsign) with a key that "
			     "the variables in virtualisation.efi.variables hold",
			     viv_config_place(config, option), option, kernel);
}

int viv_loader_check(const struct viv_config *config, struct viv_error *err)
{
	static const char option[] = "virtualisation.useBootLoader";

	if (!viv_config_bool(config, option) || viv_boot_disk_check(err) == 0)
		return 0;
	return viv_error_context(err, "%s: %s", viv_config_place(config, option), option);
}

static int check(const struct viv_config *config, const struct viv_machine *m, struct viv_error *err)
{
	int r = viv_loader_check(config, err);

	return r == 0 && m->firmware.secure ? check_signed(config, m->kernel, err) : r;
}

int viv_loader_apply(struct viv_store *store, const struct viv_config *config,
		     const struct viv_system *system, struct viv_report *report,
		     struct viv_machine *m, char **ret_id, struct viv_error *err)
{
	VIV_FREE char *image_id = NULL, *image = NULL, *id = NULL;
	VIV_JSON *recipe = NULL;
	struct disk d = {.store = store, .m = m, .kind = kind_of(config, &m->firmware)};
	int r = check(config, m, err);

	if (r == 0)
		r = viv_loader_image_build(store, system, d.kind, report, &image_id, err);
	if (r < 0)
		return r;
	d.loader = image = viv_store_object_path(store, image_id);
	viv_loader_menu_write(config, &m->kernel_params, report, &d.menu);
	r = make_recipe(&d, image_id, &recipe, err);
	if (r == 0) {
		d.id = id = viv_store_id("boot-disk", recipe);
		r = build(&d, recipe, report, err);
	}
	viv_loader_menu_free(&d.menu);
	if (r < 0)
		return r;
	use(m, viv_store_object_path(store, id));
	*ret_id = viv_steal(id);
	return 0;
}
