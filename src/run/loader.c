/* SPDX-License-Identifier: MIT */
#include "run/loader.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/path.h"
#include "image/boot_disk.h"
#include "kernel/bzimage.h"
#include "run/grub.h"

/* Changed whenever what is written here changes. */
#define BUILDER "boot disk 1"
#define LABEL	"VIVBOOT"

/* In GRUB's language as in a shell's: only the quote itself needs care. */
static void add_quoted(struct viv_str *s, const char *text)
{
	viv_str_add_char(s, '\'');
	for (; *text; text++)
		*text == '\'' ? viv_str_add(s, "'\\''") : viv_str_add_char(s, *text);
	viv_str_add_char(s, '\'');
}

/* The `linux` command does that, whatever is written. */
static void warn_of_quotes(const struct viv_machine *m, struct viv_report *report)
{
	for (size_t i = 0; i < m->kernel_params.count; i++)
		if (strpbrk(m->kernel_params.items[i], "'\"\\"))
			viv_say(report, VIV_WARNING,
				"GRUB puts a backslash before quotes and backslashes: the kernel's "
				"parameter %s is not handed over as it is",
				m->kernel_params.items[i]);
}

/* Without a terminal command: the firmware's own console is on the screen and the serial port. */
static void write_menu(const struct viv_config *config, const struct viv_machine *m,
		       struct viv_str *s)
{
	viv_str_addf(s, "set timeout=%lld\n\nmenuentry ",
		     (long long)viv_config_int(config, "boot.loader.timeout"));
	add_quoted(s, viv_config_string(config, "networking.hostName"));
	viv_str_add(s, " {\n\tlinux /boot/kernel");
	for (size_t i = 0; i < m->kernel_params.count; i++) {
		viv_str_add_char(s, ' ');
		add_quoted(s, m->kernel_params.items[i]);
	}
	viv_str_add(s, "\n\tinitrd /boot/initrd\n}\n");
}

static int hash_file(const char *path, char ret[VIV_SHA256_HEX], struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);

	return fd < 0 ? fd : viv_sha256_of_fd(fd, path, ret, err);
}

struct disk {
	struct viv_store *store;
	const struct viv_machine *m;
	const char *grub; /* the object's folder */
	const char *menu, *id;
	enum viv_grub kind;
};

static int write_disk(const struct disk *d, const char *dest, struct viv_error *err)
{
	VIV_FREE char *mbr = viv_path_join(d->grub, "boot.img");
	VIV_FREE char *core = viv_path_join(d->grub, "core.img");
	VIV_FREE char *efi = viv_path_join(d->grub, "BOOTX64.EFI");
	VIV_FREE char *grub = viv_path_join(d->grub, "grubx64.efi");
	static const size_t n_efi[] = {
		[VIV_GRUB_BIOS] = 0, [VIV_GRUB_UEFI] = 1, [VIV_GRUB_SECURE] = 2};
	const struct viv_boot_file files[] = {
		{.path = "boot/grub/grub.cfg", .text = d->menu},
		{.path = "boot/kernel", .source = d->m->kernel},
		{.path = "boot/initrd", .source = d->m->initrd},
		{.path = "EFI/BOOT/BOOTX64.EFI", .source = efi},
		{.path = "EFI/BOOT/grubx64.efi", .source = grub},
	};
	const struct viv_boot_disk disk = {
		.mbr = d->kind == VIV_GRUB_BIOS ? mbr : NULL,
		.core = d->kind == VIV_GRUB_BIOS ? core : NULL,
		.label = LABEL,
		.seed = d->id,
		.files = files,
		.n_files = 3 + n_efi[d->kind],
	};

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
	if (r == 0)
		return viv_store_commit(b, recipe, &refs, err);
	viv_store_abort(b);
	return viv_error_context(err, "the boot disk");
}

static int make_recipe(const struct disk *d, const char *grub, json_t **ret, struct viv_error *err)
{
	char kernel[VIV_SHA256_HEX], initrd[VIV_SHA256_HEX];
	VIV_FREE char *tools = NULL;
	int r = hash_file(d->m->kernel, kernel, err);

	if (r == 0)
		r = hash_file(d->m->initrd, initrd, err);
	if (r == 0)
		r = viv_boot_disk_version(&tools, err);
	if (r == 0)
		*ret = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "builder", BUILDER, "grub", grub,
				 "kernel", kernel, "initrd", initrd, "menu", d->menu, "tools",
				 tools);
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

static enum viv_grub kind_of(const struct viv_firmware *f)
{
	if (f->secure)
		return VIV_GRUB_SECURE;
	return f->code ? VIV_GRUB_UEFI : VIV_GRUB_BIOS;
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
	VIV_FREE char *grub_id = NULL, *grub = NULL, *id = NULL;
	VIV_STR menu = VIV_STR_INIT;
	VIV_JSON *recipe = NULL;
	struct disk d = {.store = store, .m = m, .kind = kind_of(&m->firmware)};
	int r = check(config, m, err);

	if (r == 0)
		r = viv_grub_build(store, system, d.kind, report, &grub_id, err);
	if (r < 0)
		return r;
	warn_of_quotes(m, report);
	write_menu(config, m, &menu);
	grub = viv_store_object_path(store, grub_id);
	d.menu = menu.data;
	d.grub = grub;
	r = make_recipe(&d, grub_id, &recipe, err);
	if (r < 0)
		return r;
	id = viv_store_id("boot-disk", recipe);
	d.id = id;
	r = build(&d, recipe, report, err);
	if (r < 0)
		return r;
	use(m, viv_store_object_path(store, id));
	*ret_id = viv_steal(id);
	return 0;
}
