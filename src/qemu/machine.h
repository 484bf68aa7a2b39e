/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One machine as QEMU sees it, and its command line. Pure: nothing here starts, opens or looks at
 * anything, so that a command line is a function of this structure alone (`viv run --dry-run`).
 */

#include "base/error.h"
#include "base/str.h"

enum viv_accel { VIV_ACCEL_KVM, VIV_ACCEL_TCG };

/* Machine types; the version of QEMU's machine type is in machine_version. */
enum viv_board { VIV_BOARD_Q35, VIV_BOARD_MICROVM };

struct viv_drive {
	char *file;	 /* path of an image */
	const char *format; /* "raw" or "qcow2" */
	char *serial;	 /* at most 20 bytes (virtio-blk) */
	bool read_only;
	bool snapshot;	 /* writes are thrown away */
};

struct viv_machine {
	char *name;
	char *qemu; /* program */
	enum viv_accel accel;
	enum viv_board board;
	char *board_version; /* "pc-q35-7.2"; NULL: the newest of this QEMU. microvm has none */
	unsigned memory_mib, cores;
	char *kernel, *initrd; /* vmlinux or bzImage; may be NULL */
	struct viv_strv kernel_params;
	struct viv_drive *drives;
	size_t n_drives;
	bool network; /* a user network, restricted to forwarded ports if asked */
	char *qmp_socket;     /* path of a UNIX socket that QEMU connects to or listens on */
	char *agent_socket;   /* path: the virtio-serial port "viv.agent" */
	char *console_socket; /* path: the serial console; NULL: console_log only */
	char *console_log;    /* path: everything that the guest writes to its console */
	struct viv_strv extra; /* raw arguments, last */
};

void viv_machine_free_contents(struct viv_machine *m);

/* The whole argv. The caller frees *ret with viv_strv_free. */
void viv_qemu_command(const struct viv_machine *m, struct viv_strv *ret);
