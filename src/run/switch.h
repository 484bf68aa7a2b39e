/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which way an Ethernet frame goes: what a switch learns from where frames come from. Pure. Frames are
 * hostile guests': all that a guest can do with false sender addresses is to have frames for others
 * flooded, or sent to itself, on its own segment.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIV_FRAME_MIN 14    /* bytes of an Ethernet header */
#define VIV_FRAME_MAX 65536 /* bytes; QEMU's limit */
#define VIV_MAC_BYTES 6

#define VIV_SWITCH_ENTRIES 1024
#define VIV_SWITCH_ALL	   (-1) /* to every port: a group, or nobody knows the address */
#define VIV_SWITCH_NONE	   (-2) /* no frame */

/* All zero: nothing learnt. Ports are numbers of the caller's, not negative. */
struct viv_switch {
	struct {
		uint8_t mac[VIV_MAC_BYTES];
		bool used;
		int port;
	} entries[VIV_SWITCH_ENTRIES];
};

/* The frame came from that port. */
void viv_switch_learn(struct viv_switch *s, const uint8_t *frame, size_t len, int port);
/* A port, or one of the numbers above. */
int viv_switch_port(const struct viv_switch *s, const uint8_t *frame, size_t len);
/* The port is gone. */
void viv_switch_forget(struct viv_switch *s, int port);
