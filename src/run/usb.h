/* SPDX-License-Identifier: MIT */
#pragma once

/* The host's USB devices, as /sys/bus/usb/devices has them (Linux: Documentation/ABI/testing/sysfs-bus-usb). */

#include "base/error.h"
#include "base/str.h"
#include "qemu/devices.h"

struct viv_usb_device {
	unsigned vendor, product; /* 16 bits each */
	unsigned bus;
	char *port;    /* "4", behind hubs "1.2" */
	char *name;    /* "Kingston DataTraveler 3.0", as the device says; may be "" */
	char *node;    /* "/dev/bus/usb/002/004" */
	bool is_hub;   /* can't be handed over */
	bool is_ours;  /* we may read and write the node */
};

struct viv_usb_list {
	struct viv_usb_device *devices; /* by bus, then by port */
	size_t count;
};

/* Root hubs are left out. `root` is put in front of all paths: "" but in tests. A host without USB has
 * an empty list. */
int viv_usb_read(const char *root, struct viv_usb_list *ret, struct viv_error *err);
void viv_usb_list_free(struct viv_usb_list *l); /* the contents */

/*
 * The device that is wished for; NULL and a message with what to do: none is there, it is a hub, it
 * may not be opened.
 */
const struct viv_usb_device *viv_usb_find(const struct viv_usb_list *l, const struct viv_usb_wish *wish,
					  struct viv_error *err);

/* The line for a file in /etc/udev/rules.d that gives the device to `user`. Added to *ret. */
void viv_usb_udev_rule(const struct viv_usb_device *d, const char *user, struct viv_str *ret);
/* Whose rule it would be: the name of who runs us. The caller frees it. */
char *viv_usb_user(void);
