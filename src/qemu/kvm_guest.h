/* SPDX-License-Identifier: MIT */
#pragma once

/* Where things are in the test guest's memory: shared by kvm.c and kvm_guest.S. */

#define VIV_KVM_GUEST_AT   0x1000
#define VIV_KVM_STACK	   0x4000 /* grows down */
#define VIV_KVM_TSS_STACK  0x4400
#define VIV_KVM_USER_STACK 0x4800
#define VIV_KVM_PML4	   0x5000
#define VIV_KVM_TSS	   0x6000
#define VIV_KVM_IDT	   0x7000
#define VIV_KVM_PDPT	   0x8000
#define VIV_KVM_PD	   0x9000
#define VIV_KVM_MEMORY	   0x10000
#define VIV_KVM_PORT	   0xe9
#define VIV_KVM_REPORTS	   7
