/* SPDX-License-Identifier: MIT */
#include "run/firmware.h"

#include "base/fd.h"
#include "base/path.h"
#include "run/disk.h"
#include "run/disks.h"

#include <sys/stat.h>
#include <unistd.h>

#define VARIABLES_MAX (64 << 20)

bool viv_firmware_uses_loader(const struct viv_config *config)
{
	return viv_config_bool(config, "virtualisation.useBootLoader");
}

bool viv_firmware_is_foreign(const struct viv_config *config)
{
	return !viv_config_bool(config, "virtualisation.directBoot.enable") &&
	       !viv_firmware_uses_loader(config);
}

/* A file that an option names; NULL where it names none. */
static int file_of(const struct viv_config *config, const char *option, char **ret,
		   struct viv_error *err)
{
	const char *name = viv_config_string(config, option);
	VIV_FREE char *path = NULL;

	if (!name)
		return 0;
	path = viv_path_join(viv_config_folder(config), name);
	if (access(path, R_OK) < 0)
		return viv_error_set(err, errno, "%s: %s: %s", viv_config_place(config, option), option,
				     path);
	*ret = viv_steal(path);
	return 0;
}

/* OVMF as distributions have it; the newer, larger flash first. */
struct uefi {
	const char *code, *variables;
};
static const struct uefi known[] = {
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
	{"/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"},
	{"/usr/share/qemu/edk2-x86_64-code.fd", "/usr/share/qemu/edk2-i386-vars.fd"},
	{NULL, NULL},
};
/* Built with Secure Boot and SMM; the variables have Microsoft's keys, and so it is on. */
static const struct uefi known_secure[] = {
	{"/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"},
	{"/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"},
	{"/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"},
	{"/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin", "/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin"},
	{NULL, NULL},
};

static bool is_there(const struct uefi *u)
{
	return access(u->code, R_OK) == 0 && access(u->variables, R_OK) == 0;
}

const char *viv_firmware_known(bool secure)
{
	for (const struct uefi *u = secure ? known_secure : known; u->code; u++)
		if (is_there(u))
			return u->code;
	return NULL;
}

static int no_uefi(const struct viv_config *config, bool secure, struct viv_error *err)
{
	const char *option = secure ? "virtualisation.useSecureBoot" : "virtualisation.useEFIBoot";

	return viv_error_say(err, ENOENT,
			     "%s: %s: there is no UEFI firmware with %s on this host\n"
			     "install it (apt install ovmf), or name virtualisation.efi.firmware and "
			     "virtualisation.efi.variables",
			     viv_config_place(config, option), option,
			     secure ? "Secure Boot and Microsoft's keys" : "its variables");
}

static int find_uefi(const struct viv_config *config, char **ret_code, char **ret_variables,
		     struct viv_error *err)
{
	bool secure = viv_config_bool(config, "virtualisation.useSecureBoot");
	VIV_FREE char *code = NULL, *variables = NULL;
	int r = file_of(config, "virtualisation.efi.firmware", &code, err);

	if (r == 0)
		r = file_of(config, "virtualisation.efi.variables", &variables, err);
	for (const struct uefi *u = secure ? known_secure : known; r == 0 && u->code; u++) {
		if (!is_there(u))
			continue;
		if (!code && !variables)
			code = viv_strdup(u->code);
		if (!variables && viv_streq(code, u->code))
			variables = viv_strdup(u->variables);
	}
	if (r < 0)
		return r;
	if (!code || !variables)
		return no_uefi(config, secure, err);
	*ret_code = viv_steal(code);
	*ret_variables = viv_steal(variables);
	return 0;
}

/* Others: keys are among them, and Secure Boot would be off without. */
const char *viv_firmware_variables_suffix(const struct viv_config *config)
{
	return viv_config_bool(config, "virtualisation.useSecureBoot") ? ".efi-secure-variables"
								       : ".efi-variables";
}

static int copy_to(const char *from, int to, struct viv_error *err)
{
	VIV_FD in = viv_open(from, O_RDONLY, 0, err);
	struct stat st;

	if (in < 0)
		return in;
	if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > VARIABLES_MAX)
		return viv_error_say(err, EINVAL, "%s is not a firmware's variables", from);
	return viv_copy_content(in, to, from, err);
}

/* Those that another firmware has made are of no use to this one. */
static int check_size(const char *template, const char *path, const struct stat *kept,
		      struct viv_error *err)
{
	struct stat st;

	if (stat(template, &st) < 0)
		return viv_error_set(err, errno, "%s", template);
	if (S_ISREG(kept->st_mode) && kept->st_size == st.st_size)
		return 0;
	return viv_error_say(err, EINVAL,
			     "%s holds variables of another UEFI firmware: %lld bytes, and this one's "
			     "are %lld\nmove it away, and they begin anew; or name that firmware in "
			     "virtualisation.efi.firmware",
			     path, (long long)kept->st_size, (long long)st.st_size);
}

/* Beside a disk that is kept; made from the template at first, whole or not at all. */
static int keep_variables(const char *template, const char *path, struct viv_error *err)
{
	VIV_FREE char *tmp = viv_asprintf("%s.tmp-XXXXXX", path);
	VIV_FD fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st) == 0)
		return check_size(template, path, &st, err);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	r = copy_to(template, fd, err);
	if (r == 0 && fsync(fd) < 0)
		r = viv_error_set(err, errno, "%s", path);
	if (r == 0 && link(tmp, path) < 0 && errno != EEXIST && rename(tmp, path) < 0)
		r = viv_error_set(err, errno, "%s", path);
	unlink(tmp);
	return r;
}

static int make_variables(const struct viv_config *config, bool dry, bool fresh, const char *template,
			  struct viv_machine *m, struct viv_error *err)
{
	const struct viv_drive *disk = viv_machine_find_drive(m, VIV_DISK_OWN);
	struct viv_firmware *f = &m->firmware;
	VIV_FREE char *kept = NULL;
	VIV_FD fd = -1;
	int r;

	if (disk && disk->file && viv_config_bool(config, "virtualisation.efi.keepVariables"))
		kept = viv_asprintf("%s%s", disk->file, viv_firmware_variables_suffix(config));
	if (dry) {
		f->variables_are_template = !kept || fresh || !viv_exists(kept);
		f->variables = f->variables_are_template ? viv_strdup(template) : viv_steal(kept);
		return 0;
	}
	if (kept) {
		if (disk->device)
			return viv_error_say(err, EINVAL, "its variables are kept beside the machine's disk, and %s "
					     "is no file: virtualisation.efi.keepVariables = false does without",
					     disk->file);
		if (fresh && unlink(kept) < 0 && errno != ENOENT)
			return viv_error_set(err, errno, "%s", kept);
		r = keep_variables(template, kept, err);
		if (r == 0)
			f->variables = viv_steal(kept);
		return r;
	}
	r = viv_disk_blank(0, "raw", &fd, err);
	if (r == 0)
		r = copy_to(template, fd, err);
	if (r == 0)
		f->variables_fd = viv_steal_fd(&fd);
	return r;
}

static int choose_firmware(const struct viv_config *config, bool dry, bool fresh, struct viv_machine *m,
			   struct viv_error *err)
{
	VIV_FREE char *template = NULL;
	int r;

	if (!viv_config_bool(config, "virtualisation.useEFIBoot"))
		return file_of(config, "virtualisation.bios", &m->firmware.bios, err);
	m->firmware.secure = viv_config_bool(config, "virtualisation.useSecureBoot");
	r = find_uefi(config, &m->firmware.code, &template, err);
	if (r == 0 && make_variables(config, dry, fresh, template, m, err) < 0)
		r = viv_error_context(err, "%s: virtualisation.useEFIBoot",
				      viv_config_place(config, "virtualisation.useEFIBoot"));
	return r;
}

/* Did the user give it one himself? */
static bool has_place(const struct viv_drive *d)
{
	for (size_t i = 0; i < d->device_options.count; i++)
		if (viv_starts_with(d->device_options.items[i], "bootindex="))
			return true;
	return false;
}

/*
 * The machine's own disk, then its further ones; blank ones that are thrown away last, for a BIOS looks at
 * one hard disk only.
 */
static void order_disks(struct viv_machine *m, bool kept, unsigned *place)
{
	struct viv_drive *own = viv_machine_find_drive(m, VIV_DISK_OWN);

	if (!own && kept)
		m->firmware.own_index = (*place)++;
	if (own && (own->file != NULL) == kept)
		viv_strv_pushf(&own->device_options, "bootindex=%u", (*place)++);
	for (size_t i = 0; i < m->n_drives; i++)
		if (m->drives[i].further && (m->drives[i].file != NULL) == kept &&
		    !has_place(&m->drives[i]))
			viv_strv_pushf(&m->drives[i].device_options, "bootindex=%u", (*place)++);
}

/* An image, or the host's own drive. */
static int find_cdrom(const struct viv_config *config, struct viv_firmware *f, struct viv_error *err)
{
	static const char option[] = "virtualisation.cdrom";
	int r = file_of(config, option, &f->cdrom, err);
	struct stat st;

	if (r < 0 || !f->cdrom)
		return r;
	if (stat(f->cdrom, &st) < 0)
		return viv_error_set(err, errno, "%s: %s: %s", viv_config_place(config, option), option,
				     f->cdrom);
	f->cdrom_is_drive = S_ISBLK(st.st_mode);
	if (S_ISREG(st.st_mode) || f->cdrom_is_drive)
		return 0;
	return viv_error_say(err, EINVAL, "%s: %s: %s is neither a file nor a drive",
			     viv_config_place(config, option), option, f->cdrom);
}

/* Places from 2 on: 1 is the boot loader's own disk. */
static int choose_order(const struct viv_config *config, struct viv_machine *m,
			struct viv_error *err)
{
	const char *order = viv_config_string(config, "virtualisation.bootOrder");
	unsigned place = 2;
	int r = find_cdrom(config, &m->firmware, err);

	if (!viv_firmware_is_foreign(config) && !viv_firmware_uses_loader(config))
		return r;
	for (; r == 0 && *order; order++) {
		if (*order == 'd' && m->firmware.cdrom) {
			m->firmware.cdrom_index = place++;
		} else if (*order == 'c') {
			order_disks(m, true, &place);
			order_disks(m, false, &place);
		}
	}
	return r;
}

/* directBoot.initrd: a file instead of what was built. */
static int choose_direct(const struct viv_config *config, struct viv_machine *m,
			 struct viv_error *err)
{
	VIV_FREE char *initrd = NULL;
	int r = file_of(config, "virtualisation.directBoot.initrd", &initrd, err);

	if (r == 0 && initrd) {
		free(m->initrd);
		m->initrd = viv_steal(initrd);
	}
	return r;
}

/* Nobody of ours is inside: what it shows is on its screen and its serial port, and it may reboot. */
static void make_foreign(struct viv_machine *m)
{
	free(m->kernel);
	free(m->initrd);
	m->kernel = m->initrd = NULL;
	m->foreign = true;
	m->firmware.reboots = true;
	if (m->devices.display == VIV_DISPLAY_OFF)
		m->devices.display = VIV_DISPLAY_NONE;
}

char *viv_firmware_before(struct viv_firmware *f, const char *folder, const char *name)
{
	VIV_FREE char *copy = viv_asprintf("%s/%sefi-variables", folder, name);
	VIV_STR s = VIV_STR_INIT;

	viv_str_add(&s, "");
	if (!f->code || !f->variables_are_template)
		return viv_str_steal(&s);
	viv_str_add(&s, "cp ");
	viv_str_add_quoted(&s, f->variables);
	viv_str_add_char(&s, ' ');
	viv_str_add_quoted(&s, copy);
	viv_str_add(&s, " &&\n");
	free(f->variables);
	f->variables = viv_steal(copy);
	return viv_str_steal(&s);
}

int viv_firmware_check(const struct viv_config *config, struct viv_error *err)
{
	static const char *const files[] = {
		"virtualisation.bios",
		"virtualisation.directBoot.initrd",
	};
	VIV_CLEANUP(viv_firmware_free_contents) struct viv_firmware f = {0};
	VIV_FREE char *code = NULL, *variables = NULL;
	int r = find_cdrom(config, &f, err);

	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(files); i++) {
		VIV_FREE char *path = NULL;

		r = file_of(config, files[i], &path, err);
	}
	if (r == 0 && viv_config_bool(config, "virtualisation.useEFIBoot"))
		r = find_uefi(config, &code, &variables, err);
	return r;
}

int viv_firmware_make(const struct viv_config *config, bool dry, bool fresh, struct viv_machine *m,
		      struct viv_error *err)
{
	int r = choose_firmware(config, dry, fresh, m, err);

	if (r == 0)
		r = choose_order(config, m, err);
	if (r == 0)
		r = choose_direct(config, m, err);
	if (r == 0 && viv_firmware_is_foreign(config))
		make_foreign(m);
	return r;
}
