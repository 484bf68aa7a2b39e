/* SPDX-License-Identifier: MIT */
#include "run/usb.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <pwd.h>
#include <unistd.h>

#define ATTRIBUTE_MAX 4096
#define DEVICES_MAX   4096
#define CLASS_HUB     9

void viv_usb_list_free(struct viv_usb_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		free(l->devices[i].port);
		free(l->devices[i].name);
		free(l->devices[i].node);
	}
	free(l->devices);
	*l = (struct viv_usb_list){0};
}

/* What the file says, fit for a terminal: the text is the device's. "" if there is none. */
static char *attribute(const char *dir, const char *name)
{
	VIV_FREE char *path = viv_path_join(dir, name);
	VIV_STR s = VIV_STR_INIT;

	if (viv_read_file(path, ATTRIBUTE_MAX, &s, NULL) < 0 || !s.len)
		return viv_strdup("");
	return viv_slice_printable(viv_slice_trim((struct viv_slice){s.data, s.len}));
}

static unsigned number(const char *dir, const char *name, int base)
{
	VIV_FREE char *text = attribute(dir, name);
	unsigned long n = strtoul(text, NULL, base);

	return n <= 0xffff ? (unsigned)n : 0;
}

static char *name_of(const char *dir)
{
	VIV_FREE char *maker = attribute(dir, "manufacturer"), *product = attribute(dir, "product");

	if (!*maker || viv_starts_with(product, maker))
		return viv_steal(product);
	return viv_asprintf("%s%s%s", maker, *product ? " " : "", product);
}

/* `entry` is "2-1.4": bus 2, port 1.4. */
static void read_device(const char *root, const char *dir, const char *entry, struct viv_usb_list *l)
{
	unsigned bus = number(dir, "busnum", 10), device = number(dir, "devnum", 10);
	VIV_FREE char *node = viv_asprintf("/dev/bus/usb/%03u/%03u", bus, device);
	VIV_FREE char *path = viv_asprintf("%s%s", root, node);

	l->devices = viv_realloc(l->devices, (l->count + 1) * sizeof(*l->devices));
	l->devices[l->count++] = (struct viv_usb_device){
		.vendor = number(dir, "idVendor", 16),
		.product = number(dir, "idProduct", 16),
		.bus = bus,
		.port = viv_strdup(strchr(entry, '-') + 1),
		.name = name_of(dir),
		.is_hub = number(dir, "bDeviceClass", 16) == CLASS_HUB,
		.is_ours = access(path, R_OK | W_OK) == 0,
		.node = viv_steal(node),
	};
}

/* "1.10" comes after "1.9". */
static int compare(const void *a, const void *b)
{
	const struct viv_usb_device *x = a, *y = b;

	if (x->bus != y->bus)
		return x->bus < y->bus ? -1 : 1;
	return strverscmp(x->port, y->port);
}

int viv_usb_read(const char *root, struct viv_usb_list *ret, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("%s/sys/bus/usb/devices", root);
	struct viv_usb_list l = {0};
	struct dirent *e;
	DIR *d = opendir(path);

	if (!d && errno != ENOENT)
		return viv_error_set(err, errno, "%s", path);
	while (d && l.count < DEVICES_MAX && (e = readdir(d))) {
		VIV_FREE char *dir = viv_path_join(path, e->d_name);

		/* "usb2" is a root hub, "2-1:1.0" a device's interface. */
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && strchr(e->d_name, '-') &&
		    !strchr(e->d_name, ':'))
			read_device(root, dir, e->d_name, &l);
	}
	if (d)
		closedir(d);
	if (l.count)
		qsort(l.devices, l.count, sizeof(*l.devices), compare);
	*ret = l;
	return 0;
}

char *viv_usb_user(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw ? viv_strdup(pw->pw_name) : viv_asprintf("%u", (unsigned)getuid());
}

void viv_usb_udev_rule(const struct viv_usb_device *d, const char *user, struct viv_str *ret)
{
	viv_str_addf(ret,
		     "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"%04x\", ATTR{idProduct}==\"%04x\", "
		     "OWNER=\"%s\"",
		     d->vendor, d->product, user);
}

static void forbidden(const struct viv_usb_device *d, struct viv_error *err)
{
	VIV_FREE char *user = viv_usb_user();
	VIV_STR rule = VIV_STR_INIT;

	viv_usb_udev_rule(d, user, &rule);
	viv_error_say(err, EACCES,
		      "the USB device %04x:%04x (%s) may not be opened: no permission for %s\n"
		      "as root, put this line into /etc/udev/rules.d/70-viv.rules, then "
		      "`udevadm control --reload` and `udevadm trigger`:\n%s",
		      d->vendor, d->product, d->name, d->node, rule.data);
}

static bool is_wished(const struct viv_usb_device *d, const struct viv_usb_wish *w)
{
	return w->bus ? d->bus == w->bus && viv_streq(d->port, w->port)
		      : d->vendor == w->vendor && d->product == w->product;
}

const struct viv_usb_device *viv_usb_find(const struct viv_usb_list *l, const struct viv_usb_wish *wish,
					  struct viv_error *err)
{
	const struct viv_usb_device *d = NULL;

	for (size_t i = 0; i < l->count && !d; i++)
		if (is_wished(&l->devices[i], wish))
			d = &l->devices[i];
	if (!d && wish->bus)
		viv_error_say(err, ENODEV, "no USB device is at port %s of bus %u on this host",
			      wish->port, wish->bus);
	else if (!d)
		viv_error_say(err, ENODEV, "no USB device %04x:%04x is on this host", wish->vendor,
			      wish->product);
	if (!d) {
		viv_error_hint(err, "`viv doctor usb` lists those that are");
		return NULL;
	}
	if (d->is_hub)
		viv_error_say(err, EINVAL, "the USB device %04x:%04x (%s) is a hub: name what is "
			      "plugged into it", d->vendor, d->product, d->name);
	else if (!d->is_ours)
		forbidden(d, err);
	return d->is_hub || !d->is_ours ? NULL : d;
}
