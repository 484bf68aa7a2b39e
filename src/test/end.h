/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Was it wanted that a machine of a test ended? One that ends by itself has lost what was in its memory, and a test that
 * starts it again without a word would judge another one than it thinks.
 */

#include "test/guest.h"

/* What a test has said about it, bits. */
enum guest_asked {
	GUEST_ASKED_END = 1 << 0,   /* a method of it ends it, or waits for its end; or QEMU was told to quit */
	GUEST_ASKED_EVENT = 1 << 1, /* QEMU's word for its end was waited for */
	GUEST_MAY_REBOOT = 1 << 2,
	GUEST_MAY_PANIC = 1 << 3,   /* a panic was expected, and came */
	GUEST_STARTS = 1 << 4,	    /* it is started by name: it may have powered off, which a command does */
	GUEST_TEST_OVER = 1 << 5,   /* nothing needs it any more */
};

bool guest_end_is_wanted(enum viv_vm_end how, unsigned asked);
/* It is off, the test has not been told, and nothing that the test has said wants that. `also`: what is not the guest's to know. */
bool guest_is_lost(const struct guest *g, unsigned also);
/* "it ended 3.2 s ago, 14.0 s after its start, and the test had not asked for that: it rebooted". The caller's. */
char *guest_lost_text(const struct guest *g);
