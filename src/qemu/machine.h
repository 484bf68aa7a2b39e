/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One machine as QEMU sees it, and its command line. Pure: nothing here starts, opens or looks at
 * anything, so that a command line is a function of this structure alone (`viv run --dry-run`).
 *
 * What every command line has, and why:
 *	-nodefaults -no-user-config	no device and no setting that we did not ask for
 *	-sandbox on,…=deny		"on" alone leaves spawn and others allowed
 *	a versioned machine type	a saved machine can only be loaded into the same one
 *	RAM as a memory backend		so that it can be a file (saved machines)
 *	vmgenid, virtio-rng		two machines from one saved state must not be twins
 *	spare pcie-root-ports		devices can be plugged in after the start (shares, networks)
 *	pvpanic				a panic is an event and not a guess
 *	-no-reboot			a guest that reboots after a panic ends instead (not where
 *					firmware.reboots)
 *	-action panic=none		a panicking guest may still say why
 * microvm would boot 8 % faster without KVM, but now and then hangs there, can't be restored, and
 * has neither vmgenid nor pvpanic (docs/boot.md).
 */

#include "base/error.h"
#include "base/str.h"
#include "qemu/drive.h"
#include "qemu/devices.h"
#include "qemu/firmware.h"
#include "qemu/nic.h"

enum viv_accel { VIV_ACCEL_KVM, VIV_ACCEL_TCG };

/* The other end of a QEMU character device. Neither: there is no such device. */
struct viv_channel {
	int fd;	    /* > 2: a connected socket that QEMU inherits under this number */
	char *path; /* a UNIX socket that QEMU makes and listens on, without waiting */
};

enum viv_share_kind { VIV_SHARE_VIRTIOFS, VIV_SHARE_9P };

/*
 * A folder of the host's in the guest. All virtiofs shares are folders of one device, whose tag is
 * VIV_SHARE_DEVICE; each 9p share is a device of its own.
 */
struct viv_share {
	enum viv_share_kind kind;
	char *tag;
	char *source;	/* absolute; NULL: a folder of the machine's own, made at its start */
	char *target;	/* in the guest */
	bool read_only; /* the guest can't change the host's folder */
	bool overlay;	/* read_only, and the guest may write over it: into its memory */
	bool optional;	/* nobody asked for it: where it can't be had the machine does without */
	bool missing;	/* it does: the guest could not mount it */
};

#define VIV_SHARE_DEVICE  "viv"
#define VIV_SHARE_TAG_MAX 36 /* bytes; what virtiofs takes */
#define VIV_SHARE_9P_MAX  31 /* QEMU's 9p */

struct viv_machine {
	char *name;
	char *qemu; /* program */
	enum viv_accel accel;
	char *board; /* versioned machine type, "pc-q35-7.2"; NULL: the newest of this QEMU */
	char *cpu;   /* NULL: the host's with KVM, else QEMU's default */
	unsigned memory_mib, cores;
	char *memory_file;     /* RAM is this file; NULL: anonymous */
	char *kernel, *initrd; /* vmlinux or bzImage; may be NULL */
	struct viv_strv kernel_params;
	struct viv_drive *drives; /* in this order on the PCI bus */
	size_t n_drives;
	struct viv_devices devices;
	struct viv_firmware firmware;
	bool foreign; /* its system is none of ours: there is no agent in it */
	struct viv_nic *nics; /* in this order on the PCI bus, after the drives */
	size_t n_nics;
	struct viv_strv nameservers; /* what the guest is told, and the next ones */
	struct viv_strv mirrors;     /* for its apt: "URI SUITE COMPONENT…" */
	char *domain;		     /* NULL: none */
	char *segments; /* where its networks' segments are (run/vlan.h); NULL: among the user's own */
	struct viv_share *shares;
	size_t n_shares;
	char *virtiofsd;	/* serves the virtiofs ones */
	bool virtiofsd_is_qemus; /* the one written in C, which came with QEMU before 8.0 */
	bool incoming;	      /* it does not boot: it waits to be told where its saved state comes from */
	unsigned spare_ports; /* root ports to plug devices into later */
	bool terminal;	      /* console and monitor on QEMU's own terminal (for people) */
	struct viv_channel qmp, agent, console;
	/*
	 * Memory that the guest shares with us, for `viv cp` (src/transfer): > 2: a file of this many
	 * MiB that QEMU inherits under this number.
	 */
	int shared_fd;
	unsigned shared_mib;
	struct viv_channel virtiofs; /* to virtiofsd. Not there: no virtiofs device */
	struct viv_strv extra; /* raw arguments, last */
};

/* Frees what m points to; m can be used again. */
void viv_machine_free_contents(struct viv_machine *m);

/* Adds an empty drive; borrowed until the next one is added. */
struct viv_drive *viv_machine_add_drive(struct viv_machine *m);

/* The one with that serial; NULL: none. Borrowed as above. */
struct viv_drive *viv_machine_find_drive(const struct viv_machine *m, const char *serial);

/* Adds an empty share; borrowed until the next one is added. */
struct viv_share *viv_machine_add_share(struct viv_machine *m);
/* Is the host's folder `path` in the guest at the same path, through a share that is mounted? */
bool viv_machine_shows(const struct viv_machine *m, const char *path);
/* Does it have shares of that kind? */
bool viv_machine_has_shares(const struct viv_machine *m, enum viv_share_kind kind);

/* A part of viv_qemu_command: shares' devices; the chardev "virtiofs" is there if m->virtiofs is. */
void viv_qemu_add_shares(const struct viv_machine *m, struct viv_strv *v);
/* The agent's port, as events name it. */
#define VIV_QEMU_AGENT_PORT "agent"

/* The whole argv. The caller frees *ret with viv_strv_free. */
void viv_qemu_command(const struct viv_machine *m, struct viv_strv *ret);

/* argv as text that can be pasted into a shell: one option a line, quoted where it must be. */
void viv_qemu_command_text(const struct viv_strv *argv, struct viv_str *ret);
