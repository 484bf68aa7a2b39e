/* SPDX-License-Identifier: MIT */
#pragma once

/* Frames in a file that Wireshark, tcpdump and their like read (pcap, version 2.4: draft-ietf-opsawg-pcap). */

#include "base/error.h"

struct viv_pcap;

/* The file is made anew. */
int viv_pcap_open(const char *path, struct viv_pcap **ret, struct viv_error *err);
/* With the time of now. What could not be written is said by viv_pcap_close. */
void viv_pcap_add(struct viv_pcap *p, const uint8_t *frame, size_t len);
uint64_t viv_pcap_count(const struct viv_pcap *p);
/* NULL is fine. */
int viv_pcap_close(struct viv_pcap *p, struct viv_error *err);
