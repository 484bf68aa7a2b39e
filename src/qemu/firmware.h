/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What runs before a machine's kernel, where that is not handed to QEMU: the BIOS or UEFI, and what it
 * starts from. The order of starting is by the devices' bootindex, which both firmwares heed.
 */

#include "base/str.h"

struct viv_firmware {
	char *bios;	  /* an image instead of QEMU's own SeaBIOS; NULL: that */
	char *code;	  /* UEFI: the program's flash, never written; NULL: a BIOS */
	char *variables;  /* UEFI: the flash with its variables, a file; NULL: see variables_fd */
	bool variables_are_template; /* … which is not to be written: for a command line that is only shown */
	int variables_fd; /* … an open file that QEMU inherits under this number */
	bool secure;	  /* UEFI with Secure Boot: only its own code, in SMM, writes the variables */
	char *cdrom;	  /* an ISO image in a drive; NULL: no drive */
	bool cdrom_is_drive; /* … the host's own drive */
	unsigned cdrom_index; /* its place in the order, from 1; 0: none */
	unsigned own_index; /* the place of a disk of its own, where that is added later */
	bool reboots;	  /* a reboot is one; else it is the end */
};

void viv_firmware_free_contents(struct viv_firmware *f);

/* More of the value of -machine. */
void viv_firmware_add_board(const struct viv_firmware *f, struct viv_str *s);
/* The flashes and the drive. */
void viv_firmware_add_devices(const struct viv_firmware *f, struct viv_strv *v);
