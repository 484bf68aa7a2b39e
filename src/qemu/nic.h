/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine's network interfaces, as QEMU is told of them and as the guest is. They come on the PCI
 * bus in their order, so the guest calls them eth0, eth1… where nothing else is wished.
 */

#include "base/str.h"

enum viv_nic_kind {
	VIV_NIC_USER,	/* QEMU's own network */
	VIV_NIC_VLAN,	/* a segment between machines (run/vlan.h): frames over a socket */
	VIV_NIC_TAP,	/* a device of the host's */
	VIV_NIC_BRIDGE, /* a tap that QEMU's helper made and put into a bridge */
	VIV_NIC_PASST,	/* the program passt: frames over a stream */
};

#define VIV_MAC_SIZE 18 /* with the NUL */
#define VIV_NICS_MAX 16

struct viv_forward {
	bool udp;
	bool from_guest;     /* the guest connects to guest_address */
	char *host_address;
	char *guest_address; /* NULL: the guest's */
	unsigned host_port, guest_port;
};

struct viv_nic {
	enum viv_nic_kind kind;
	char *name;		/* in the guest */
	char mac[VIV_MAC_SIZE]; /* "": not known before the machine starts */
	char *device;		/* TAP, BRIDGE: the host's */
	unsigned vlan;		/* VLAN */
	unsigned number;	/* VLAN: the machine's on it; before it runs 0: the lowest that is free */
	bool assign;		/* VLAN: addresses follow from the machine's number on it */
	/*
	 * Not USER: what QEMU inherits. Before the start our descriptor, after it QEMU's number; -1:
	 * none, then QEMU looks for itself (what --dry-run prints).
	 */
	int fd;
	struct viv_strv addresses; /* "IP/PREFIX", what the guest is told */
	char *gateway, *gateway6;  /* NULL: none */
	struct viv_forward *forwards; /* USER, PASST */
	size_t n_forwards;
	char *options;	     /* USER: more of QEMU's: "hostfwd=…"; NULL: none */
	bool restricted;     /* USER: no way out */
	char *connect_program; /* USER with forwards from the guest: nc's path */
};

struct viv_machine;

/* Adds an empty one; borrowed until the next one is added. */
struct viv_nic *viv_machine_add_nic(struct viv_machine *m);
struct viv_forward *viv_nic_add_forward(struct viv_nic *nic);
void viv_nic_free_contents(struct viv_nic *nic);
/* Must QEMU be allowed to start a program for it? */
bool viv_nic_spawns(const struct viv_nic *nic);

/* -netdev and -device for each. */
void viv_qemu_add_nics(const struct viv_machine *m, struct viv_strv *v);
