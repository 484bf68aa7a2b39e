/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ethernet segments between the machines of one user, without root and without a process in the
 * middle (docs/networks.md). Each machine's supervisor has a connection to each other's on the segment, and
 * sends a frame of its guest to whom it is for; a frame that comes from another goes to its own guest and
 * nowhere else, so nothing can go round. A segment is a folder, `<runtime>/.vlans/N`, in which each member has a
 * socket named after its number; who joins connects to all that are there, under the folder's lock.
 * A member that was killed is noticed when its connections end, its socket when nobody answers at it.
 */

#include "base/error.h"
#include "base/loop.h"
#include "qemu/nic.h"
#include "run/link.h"

#define VIV_VLAN_MAX	    254
#define VIV_VLAN_MEMBER_MAX 254

struct viv_vlan; /* one interface of a machine on a segment */

struct viv_vlan_spec {
	const char *runtime; /* as viv_dir_runtime says */
	unsigned vlan;	     /* 1 to VIV_VLAN_MAX */
	unsigned number;     /* the member's; 0: the lowest that is free */
	const char *name;    /* the machine's, for the others */
	/* What the others find the name at: NULL: the segment's addresses that follow from the number; else own ones, if any. */
	const struct viv_strv *addresses;
	const char *mac;     /* "": one that follows from vlan and number */
	void (*changed)(struct viv_vlan *v, void *arg); /* somebody joined or left; from the loop */
	void *arg;
};

/*
 * *ret_fd, the caller's, is QEMU's end: a datagram a frame. EADDRINUSE: the number, or the MAC, is
 * another member's; ENOSPC: no number is free.
 */
int viv_vlan_join(struct viv_loop *loop, const struct viv_vlan_spec *spec, int *ret_fd,
		  struct viv_vlan **ret, struct viv_error *err);
void viv_vlan_leave(struct viv_vlan *v); /* NULL is fine; not in `changed` */

unsigned viv_vlan_number(const struct viv_vlan *v);
const char *viv_vlan_mac(const struct viv_vlan *v);
/* Each member, itself too, in the order of their numbers. addresses: NULL: those that follow from the number. */
void viv_vlan_each(const struct viv_vlan *v,
		   void (*fn)(unsigned number, const char *name, const struct viv_strv *addresses, void *arg), void *arg);

/* The member's cable, each way: as it is from now on. */
void viv_vlan_set_link(struct viv_vlan *v, const struct viv_link_spec *spec);
/*
 * Each frame that this member's guest has sent and that its cable has not lost; of all members, it is all that is on the segment. fn
 * NULL: no more.
 */
void viv_vlan_tap(struct viv_vlan *v, void (*fn)(const uint8_t *frame, size_t len, void *arg), void *arg);
