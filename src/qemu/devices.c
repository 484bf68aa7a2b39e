/* SPDX-License-Identifier: MIT */
#include "qemu/devices.h"

#include "qemu/args.h"

void viv_devices_free_contents(struct viv_devices *d)
{
	for (size_t i = 0; i < d->n_usb; i++)
		free(d->usb[i].port);
	for (size_t i = 0; i < d->n_credentials; i++) {
		free(d->credentials[i].name);
		free(d->credentials[i].file);
		free(d->credentials[i].text);
	}
	free(d->usb);
	free(d->nodes);
	free(d->credentials);
	free(d->display_path);
	free(d->tpm_path);
	free(d->tpm_state);
	*d = (struct viv_devices){0};
}

/* Processors and memory */

void viv_qemu_add_processors(const struct viv_devices *d, unsigned cores, struct viv_strv *v)
{
	unsigned sockets = d->sockets ? d->sockets : 1, threads = d->threads ? d->threads : 1;

	viv_strv_push(v, "-smp");
	if (d->sockets || d->threads)
		viv_strv_pushf(v, "%u,sockets=%u,cores=%u,threads=%u", cores, sockets,
			       cores / (sockets * threads), threads);
	else
		viv_strv_pushf(v, "%u", cores);
}

static void add_backend(const char *id, unsigned mib, const char *file, bool shared, struct viv_strv *v)
{
	VIV_STR s = VIV_STR_INIT;

	if (file) {
		viv_str_addf(&s, "memory-backend-file,id=%s,size=%uM,share=on,mem-path=", id, mib);
		args_add_value(&s, file);
	} else if (shared) {
		viv_str_addf(&s, "memory-backend-memfd,id=%s,size=%uM,share=on", id, mib);
	} else {
		viv_str_addf(&s, "memory-backend-ram,id=%s,size=%uM", id, mib);
	}
	args_add_option(v, "-object", &s);
}

static void add_node(const struct viv_numa_node *n, size_t i, const char *memory_file, bool shared,
		     struct viv_strv *v)
{
	VIV_FREE char *id = viv_asprintf("ram%zu", i);
	VIV_FREE char *file = memory_file ? viv_asprintf("%s.%zu", memory_file, i) : NULL;
	VIV_STR s = VIV_STR_INIT;

	if (n->memory_mib)
		add_backend(id, n->memory_mib, file, shared, v);
	viv_str_addf(&s, "node,nodeid=%zu", i);
	if (n->n_cpus)
		viv_str_addf(&s, ",cpus=%u-%u", n->first_cpu, n->first_cpu + n->n_cpus - 1);
	if (n->memory_mib)
		viv_str_addf(&s, ",memdev=%s", id);
	args_add_option(v, "-numa", &s);
}

void viv_qemu_add_memory(const struct viv_devices *d, unsigned memory_mib, const char *memory_file,
			 bool shared, struct viv_strv *v)
{
	viv_strv_push(v, "-m");
	viv_strv_pushf(v, "%uM", memory_mib);
	if (!d->n_nodes)
		add_backend("ram", memory_mib, memory_file, shared, v);
	for (size_t i = 0; i < d->n_nodes; i++)
		add_node(&d->nodes[i], i, memory_file, shared, v);
}

/* The screen */

static void add_socket(const char *option, const char *before, const char *path, const char *after,
		       struct viv_strv *v)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_add(&s, before);
	args_add_value(&s, path);
	viv_str_add(&s, after);
	args_add_option(v, option, &s);
}

void viv_qemu_add_display(const struct viv_devices *d, struct viv_strv *v)
{
	if (d->display == VIV_DISPLAY_GTK)
		args_add(v, "-display", "gtk");
	else if (d->display == VIV_DISPLAY_SDL)
		args_add(v, "-display", "sdl");
	else if (d->display == VIV_DISPLAY_OTHER)
		args_add(v, "-display", d->display_path);
	else
		args_add(v, "-display", "none");
	if (d->display == VIV_DISPLAY_VNC && d->display_path)
		add_socket("-vnc", "unix:", d->display_path, "", v);
	if (d->display == VIV_DISPLAY_SPICE && d->display_path)
		add_socket("-spice", "unix=on,disable-ticketing=on,addr=", d->display_path, "", v);
}

/* The card's own memory: two pictures of 32 bits a pixel, a power of two, 16 MiB at least. */
static unsigned video_mib(const struct viv_devices *d)
{
	uint64_t need = VIV_MAX((uint64_t)d->width * d->height, d->pixels) * 4 * 2;
	unsigned mib = 16;

	while (((uint64_t)mib << 20) < need && mib < 256)
		mib *= 2;
	return mib;
}

/*
 * The standard VGA: the only card that every QEMU, firmware and kernel knows. A tablet's pointer is
 * where the window's is; the keyboard is the board's own.
 */
static void add_screen(const struct viv_devices *d, struct viv_strv *v)
{
	viv_strv_push(v, "-device");
	if (d->width && d->height && !d->is_text)
		viv_strv_pushf(v, "VGA,edid=on,xres=%u,yres=%u,vgamem_mb=%u", d->width, d->height,
			       video_mib(d));
	else
		viv_strv_push(v, "VGA");
	if (!d->is_text)
		args_add(v, "-device", "usb-tablet,bus=usb.0");
}

/* The rest */

static void add_usb(const struct viv_usb_wish *u, struct viv_strv *v)
{
	viv_strv_push(v, "-device");
	if (u->bus)
		viv_strv_pushf(v, "usb-host,bus=usb.0,hostbus=%u,hostport=%s", u->bus, u->port);
	else
		viv_strv_pushf(v, "usb-host,bus=usb.0,vendorid=0x%04x,productid=0x%04x", u->vendor,
			       u->product);
}

static void add_tpm(const struct viv_devices *d, struct viv_strv *v)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_add(&s, "socket,id=tpm,");
	if (d->tpm_fd > 2) {
		viv_str_addf(&s, "fd=%d", d->tpm_fd);
	} else {
		viv_str_add(&s, "path=");
		args_add_value(&s, d->tpm_path ? d->tpm_path : "tpm");
	}
	args_add_option(v, "-chardev", &s);
	args_add(v, "-tpmdev", "emulator,id=tpm0,chardev=tpm");
	args_add(v, "-device", "tpm-crb,tpmdev=tpm0");
}

/* Where QEMU finds a credential's value: in a file, or (for people who paste) in the argument. */
static void add_content(const struct viv_credential *c, const char *text_key, const char *file_key,
			struct viv_str *s)
{
	if (c->fd > 2) {
		viv_str_addf(s, ",%s=/proc/self/fd/%d", file_key, c->fd);
	} else {
		viv_str_addf(s, ",%s=", c->file ? file_key : text_key);
		args_add_value(s, c->file ? c->file : c->text);
	}
}

static void add_credential(const struct viv_credential *c, struct viv_strv *v)
{
	bool is_short = strlen(c->name) <= VIV_CREDENTIAL_SHORT;
	VIV_STR s = VIV_STR_INIT;

	if (is_short) {
		viv_str_add(&s, "name=opt/io.systemd.credentials/");
		args_add_value(&s, c->name);
		add_content(c, "string", "file", &s);
	} else {
		viv_str_add(&s, "type=11");
		add_content(c, "value", "path", &s);
	}
	args_add_option(v, is_short ? "-fw_cfg" : "-smbios", &s);
}

void viv_qemu_add_devices(const struct viv_devices *d, struct viv_strv *v)
{
	if ((d->display && !d->is_text) || d->n_usb)
		args_add(v, "-device", "qemu-xhci,id=usb");
	if (d->display)
		add_screen(d, v);
	for (size_t i = 0; i < d->n_usb; i++)
		add_usb(&d->usb[i], v);
	if (d->tpm)
		add_tpm(d, v);
	if (d->watchdog) {
		/* With -no-reboot the reset ends the machine. */
		args_add(v, "-device", "i6300esb");
		args_add(v, "-action", "watchdog=reset");
	}
	for (size_t i = 0; i < d->n_credentials; i++)
		add_credential(&d->credentials[i], v);
}
