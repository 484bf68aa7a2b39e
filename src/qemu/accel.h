/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which accelerator works here. /dev/kvm being there, and even making a machine through it, says
 * little: there are hosts where a guest's first instructions run and a kernel then spins for ever
 * (kvm_pvm inside a cloud machine). So a small guest goes a kernel's first steps (long mode, an
 * exception, user mode and back: kvm_guest.S), in a child process with a time limit, and every
 * step must come out right. The answer holds until the host is booted again and is kept in a file.
 */

#include "base/error.h"
#include "qemu/machine.h"

enum viv_accel_wish { VIV_ACCEL_WISH_AUTO, VIV_ACCEL_WISH_KVM, VIV_ACCEL_WISH_TCG };

/* "auto", "kvm", "tcg"; EINVAL otherwise. */
int viv_accel_wish_parse(const char *text, enum viv_accel_wish *ret, struct viv_error *err);

/*
 * Decides. *ret_why: one line for people ("using TCG, which is slow: …"); the caller frees it.
 * KVM wished but not working is ENODEV with the reason. The answer of a test that ran is kept in
 * viv_dir_cache()/kvm.json; a file that can't be read or written only costs the next test.
 */
int viv_accel_choose(enum viv_accel_wish wish, enum viv_accel *ret, char **ret_why,
		     struct viv_error *err);

/*
 * The test itself, on a device node. NULL: a guest ran in it. Else why not, for people, allocated.
 * *ret_keep: the answer is about the hardware and holds until the next boot (a missing permission,
 * say, does not).
 */
char *viv_kvm_test(const char *device, int timeout_ms, bool *ret_keep);
