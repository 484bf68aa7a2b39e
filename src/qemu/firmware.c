/* SPDX-License-Identifier: MIT */
#include "qemu/firmware.h"

#include "base/fd.h"
#include "qemu/args.h"

void viv_firmware_free_contents(struct viv_firmware *f)
{
	free(f->bios);
	free(f->code);
	free(f->variables);
	free(f->cdrom);
	*f = (struct viv_firmware){0};
}

void viv_firmware_add_board(const struct viv_firmware *f, struct viv_str *s)
{
	if (f->code)
		viv_str_add(s, ",pflash0=uefi-code,pflash1=uefi-variables");
}

/* The program's flash belongs to all machines and is not locked. */
static void add_flash(const char *node, const char *file, int fd, bool read_only, struct viv_strv *v)
{
	VIV_STR s = VIV_STR_INIT;

	if (!file) {
		viv_strv_push(v, "-add-fd");
		viv_strv_pushf(v, "fd=%d,set=%d", fd, fd);
	}
	viv_str_addf(&s, "driver=file,node-name=%s-file,read-only=%s,locking=%s,filename=", node,
		     read_only ? "on" : "off", read_only || !file ? "off" : "auto");
	if (file)
		args_add_value(&s, file);
	else
		viv_str_addf(&s, "/dev/fdset/%d", fd);
	args_add_option(v, "-blockdev", &s);
	viv_str_addf(&s, "driver=raw,node-name=%s,read-only=%s,file=%s-file", node,
		     read_only ? "on" : "off", node);
	args_add_option(v, "-blockdev", &s);
}

/* On a controller of its own: what installers and old loaders look for. */
static void add_cdrom(const struct viv_firmware *f, struct viv_strv *v)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_addf(&s, "driver=%s,node-name=cdrom-file,read-only=on%s,filename=",
		     f->cdrom_is_drive ? "host_device" : "file",
		     f->cdrom_is_drive ? "" : ",locking=off");
	args_add_value(&s, f->cdrom);
	args_add_option(v, "-blockdev", &s);
	args_add(v, "-blockdev", "driver=raw,node-name=cdrom,read-only=on,file=cdrom-file");
	args_add(v, "-device", "ich9-ahci,id=cdrom-bus");
	viv_str_add(&s, "ide-cd,drive=cdrom,bus=cdrom-bus.0");
	if (f->cdrom_index)
		viv_str_addf(&s, ",bootindex=%u", f->cdrom_index);
	args_add_option(v, "-device", &s);
}

void viv_firmware_add_devices(const struct viv_firmware *f, struct viv_strv *v)
{
	if (f->bios)
		args_add(v, "-bios", f->bios);
	if (f->code) {
		add_flash("uefi-code", f->code, -1, true, v);
		add_flash("uefi-variables", f->variables, f->variables_fd, false, v);
	}
	if (f->secure) {
		args_add(v, "-global", "driver=cfi.pflash01,property=secure,value=on");
		/* Waking up leads past SMM: OVMF wants both or neither. */
		args_add(v, "-global", "driver=ICH9-LPC,property=disable_s3,value=1");
	}
	if (f->cdrom)
		add_cdrom(f, v);
}
