/* SPDX-License-Identifier: MIT */
#include "qemu/drive.h"

#include "base/fd.h"
#include "qemu/args.h"

#define AHCI_PORTS 6
#define FUNCTIONS  8
#define LAST_SLOT  0x1e /* 0x1f is the chipset's */

static const struct {
	const char *name, *device;
	bool policies; /* knows werror and rerror; nvme tells the guest of errors anyway */
} interfaces[] = {
	[VIV_DRIVE_VIRTIO] = {"virtio", "virtio-blk-pci", true},
	[VIV_DRIVE_SCSI] = {"scsi", "scsi-hd", true},
	[VIV_DRIVE_IDE] = {"ide", "ide-hd", true},
	[VIV_DRIVE_NVME] = {"nvme", "nvme", false},
};

bool viv_drive_interface_parse(const char *name, enum viv_drive_interface *ret)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(interfaces); i++)
		if (viv_streq(name, interfaces[i].name)) {
			*ret = (enum viv_drive_interface)i;
			return true;
		}
	return false;
}

void viv_drive_free_contents(struct viv_drive *d)
{
	free(d->file);
	free(d->serial);
	viv_strv_free(&d->drive_options);
	viv_strv_free(&d->device_options);
	if (d->lock > 2)
		viv_close(d->lock);
	*d = (struct viv_drive){0};
}

/* "name=value" each: only the value can hold what must be doubled. */
static void add_more(const struct viv_strv *more, struct viv_str *s)
{
	for (size_t i = 0; i < more->count; i++) {
		viv_str_add_char(s, ',');
		args_add_value(s, more->items[i]);
	}
}

static unsigned long long bytes(uint64_t mib)
{
	return (unsigned long long)mib << 20;
}

/*
 * Each node says read-only itself. Layers never change and are read by many machines at once, so
 * they need no lock; a lock of QEMU's on an inherited descriptor would be taken on a second
 * description of the same file, which helps nobody.
 */
static void add_nodes(const struct viv_drive *d, size_t i, struct viv_strv *v)
{
	const char *flush = d->scratch ? "cache.no-flush=on," : "";
	const char *discard = d->read_only ? "" : "discard=unmap,";
	const char *ro = d->read_only ? "on" : "off";
	bool locks = d->file && (!d->read_only || d->further);
	VIV_STR s = VIV_STR_INIT;

	if (d->forgets) {
		viv_strv_push(v, "-blockdev");
		viv_strv_pushf(v, "driver=null-co,node-name=disk%zu,read-zeroes=on,size=%llu", i,
			       bytes(d->blank_mib));
		return;
	}
	if (!d->file && d->at_mib == 0) {
		viv_strv_push(v, "-add-fd");
		viv_strv_pushf(v, "fd=%d,set=%d", d->fd, d->fd);
	}
	viv_str_addf(&s, "driver=%s,node-name=file%zu,read-only=%s,%s%slocking=%s,filename=",
		     d->device ? "host_device" : "file", i, ro, flush, discard,
		     locks ? "auto" : "off");
	if (d->file)
		args_add_value(&s, d->file);
	else
		viv_str_addf(&s, "/dev/fdset/%d", d->fd);
	args_add_option(v, "-blockdev", &s);
	viv_str_addf(&s, "driver=%s,node-name=disk%zu,read-only=%s,%s%sfile=file%zu", d->format, i,
		     ro, flush, discard, i);
	if (d->in_common)
		viv_str_addf(&s, ",offset=%llu,size=%llu", bytes(d->at_mib), bytes(d->blank_mib));
	add_more(&d->drive_options, &s);
	args_add_option(v, "-blockdev", &s);
}

/* What the disks hang on: virtio and nvme are their own, others share a controller. */
struct buses {
	unsigned scsi, ide; /* so many disks so far */
	unsigned own;	    /* … of the machine's further ones with a PCI function each */
	unsigned slots;	    /* that these take */
};

/* Eight to a slot, the last slots of the bus: a machine with many disks runs out of them otherwise.
 */
static void add_address(struct buses *b, struct viv_str *s)
{
	unsigned slot = LAST_SLOT + 1 - b->slots + b->own / FUNCTIONS;

	viv_str_addf(s, ",addr=0x%x.%u%s", slot, b->own % FUNCTIONS,
		     b->own % FUNCTIONS ? "" : ",multifunction=on");
	b->own++;
}

static void add_place(const struct viv_drive *d, struct buses *b, struct viv_strv *v,
		      struct viv_str *s)
{
	if (d->interface == VIV_DRIVE_SCSI) {
		if (b->scsi++ == 0) {
			viv_strv_push(v, "-device");
			viv_strv_push(v, "virtio-scsi-pci,id=scsi");
		}
		viv_str_add(s, ",bus=scsi.0");
	} else if (d->interface == VIV_DRIVE_IDE) {
		if (b->ide % AHCI_PORTS == 0) {
			viv_strv_push(v, "-device");
			viv_strv_pushf(v, "ich9-ahci,id=ahci%u", b->ide / AHCI_PORTS);
		}
		viv_str_addf(s, ",bus=ahci%u.%u", b->ide / AHCI_PORTS, b->ide % AHCI_PORTS);
		b->ide++;
	} else if (d->further) {
		add_address(b, s);
	}
}

static void add_device(const struct viv_drive *d, size_t i, struct buses *b, struct viv_strv *v)
{
	VIV_STR s = VIV_STR_INIT;

	viv_str_addf(&s, "%s,drive=disk%zu", interfaces[d->interface].device, i);
	add_place(d, b, v, &s);
	/* A full host must not stop the guest: it is told. */
	if (!d->read_only && interfaces[d->interface].policies)
		viv_str_add(&s, ",werror=report,rerror=report");
	if (d->serial) {
		viv_str_add(&s, ",serial=");
		args_add_value(&s, d->serial);
	}
	add_more(&d->device_options, &s);
	args_add_option(v, "-device", &s);
}

static bool has_function(const struct viv_drive *d)
{
	return d->further && (d->interface == VIV_DRIVE_VIRTIO || d->interface == VIV_DRIVE_NVME);
}

void viv_qemu_add_drives(const struct viv_drive *drives, size_t n, struct viv_strv *v)
{
	struct buses b = {0};
	unsigned own = 0;

	for (size_t i = 0; i < n; i++)
		own += has_function(&drives[i]);
	b.slots = (own + FUNCTIONS - 1) / FUNCTIONS;
	for (size_t i = 0; i < n; i++) {
		add_nodes(&drives[i], i, v);
		add_device(&drives[i], i, &b, v);
	}
}
