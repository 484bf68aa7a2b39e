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
	char *domain, *gateway;	     /* NULL: none; the interfaces' own */
	unsigned spare_ports; /* root ports to plug devices into later */
	bool terminal;	      /* console and monitor on QEMU's own terminal (for people) */
	struct viv_channel qmp, agent, console;
	/*
	 * Memory that the guest shares with us, for `viv cp` (src/transfer): > 2: a file of this many
	 * MiB that QEMU inherits under this number.
	 */
	int shared_fd;
	unsigned shared_mib;
	struct viv_strv extra; /* raw arguments, last */
};

/* Frees what m points to; m can be used again. */
void viv_machine_free_contents(struct viv_machine *m);

/* Adds an empty drive; borrowed until the next one is added. */
struct viv_drive *viv_machine_add_drive(struct viv_machine *m);

/* The whole argv. The caller frees *ret with viv_strv_free. */
void viv_qemu_command(const struct viv_machine *m, struct viv_strv *ret);

/* argv as text that can be pasted into a shell: one option a line, quoted where it must be. */
void viv_qemu_command_text(const struct viv_strv *argv, struct viv_str *ret);
