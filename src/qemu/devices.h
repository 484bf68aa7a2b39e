/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a machine has beside processor, memory, disks and networks: a screen, USB devices of the host's,
 * a TPM, a watchdog, NUMA nodes, credentials. Part of struct viv_machine (qemu/machine.h), and pure
 * like it. All zero: a machine without any of it.
 */

#include "base/str.h"

enum viv_display {
	VIV_DISPLAY_OFF,  /* no screen at all */
	VIV_DISPLAY_NONE, /* a screen that only screenshots see */
	VIV_DISPLAY_GTK,
	VIV_DISPLAY_SDL,
	VIV_DISPLAY_VNC,   /* on a UNIX socket */
	VIV_DISPLAY_SPICE, /* the same */
	VIV_DISPLAY_OTHER, /* display_path is what QEMU's -display is given */
};

/* bus 0: by vendor and product. */
struct viv_usb_wish {
	unsigned vendor, product;
	unsigned bus;
	char *port; /* "4", "1.2" */
};

struct viv_numa_node {
	unsigned memory_mib;	    /* 0: processors only */
	unsigned first_cpu, n_cpus; /* n_cpus 0: memory only */
};

/*
 * One for the guest's systemd (systemd.system-credentials(7)): a file of the host's, or a text. With
 * a name longer than VIV_CREDENTIAL_SHORT always a text, with "io.systemd.credential:NAME=" in front.
 */
struct viv_credential {
	char *name;
	char *file;
	char *text;
	int fd; /* > 2: QEMU finds the text there, not on its command line */
};

/* Files of fw_cfg have names of at most 55 bytes, of which "opt/io.systemd.credentials/" takes 27. */
#define VIV_CREDENTIAL_SHORT 28
/* The others are SMBIOS strings, without a NUL, in a table of 64 KiB. */
#define VIV_CREDENTIAL_SMBIOS_MAX 32768

struct viv_devices {
	enum viv_display display;
	char *display_path; /* VNC, SPICE: the socket that QEMU makes; OTHER: see there */
	bool is_text; /* VGA text and the board's keyboard are all: no USB, no pointer, no resolution */
	unsigned width, height;
	uint64_t pixels; /* of the largest picture that it is to show, if it is more than these */
	struct viv_usb_wish *usb;
	size_t n_usb;
	unsigned sockets, threads; /* 0: QEMU's choice; else the CPUs are a multiple of both */
	struct viv_numa_node *nodes; /* their sums are the machine's */
	size_t n_nodes;
	bool watchdog;
	bool tpm;      /* swtpm at the other end of one of these: */
	int tpm_fd;    /* > 2: a connected socket */
	char *tpm_path; /* else a socket that swtpm listens on */
	char *tpm_state; /* the folder in which swtpm keeps its state; NULL: it goes with the machine */
	struct viv_credential *credentials;
	size_t n_credentials;
};

void viv_devices_free_contents(struct viv_devices *d);

/* Parts of viv_qemu_command. */
void viv_qemu_add_display(const struct viv_devices *d, struct viv_strv *v);
void viv_qemu_add_processors(const struct viv_devices *d, unsigned cores, struct viv_strv *v);
/* memory_file: as in struct viv_machine; each node's has ".<number>" after it. shared: with
 * another process, which QEMU hands its descriptor. */
void viv_qemu_add_memory(const struct viv_devices *d, unsigned memory_mib, const char *memory_file,
			 bool shared, struct viv_strv *v);
/* The devices themselves, after all others on the bus. */
void viv_qemu_add_devices(const struct viv_devices *d, struct viv_strv *v);
