/* SPDX-License-Identifier: MIT */
/*
 * The guest that kvm.c runs to see whether KVM works. It starts in 32-bit protected mode at
 * VIV_KVM_GUEST_AT and goes the way of a kernel: paging, long mode, an SSE instruction, an
 * exception, user mode, a system call. After each it writes a number to port 0xe9: 1 to 7, then
 * hlt. A KVM that only emulates (kvm_pvm under a kernel that knows nothing of it, say) gets
 * through real and protected mode all right, fails at SSE and never arrives in user mode.
 *
 * Tables and stacks are laid out by kvm.c at the addresses of kvm_guest.h.
 */
#if defined(__x86_64__)

#include "qemu/kvm_guest.h"

#define AT(label) (VIV_KVM_GUEST_AT + label - viv_kvm_guest)

	.macro report number
	movb $\number, %al
	out %al, $VIV_KVM_PORT
	.endm

	.section .rodata
	.balign 8
	.globl viv_kvm_guest, viv_kvm_guest_end, viv_kvm_guest_on_ud, viv_kvm_guest_on_syscall
	.hidden viv_kvm_guest, viv_kvm_guest_end, viv_kvm_guest_on_ud, viv_kvm_guest_on_syscall

	.code32
viv_kvm_guest:
	report 1
	mov $VIV_KVM_STACK, %esp
	lgdt AT(gdt_pointer)
	mov %cr4, %eax
	or $0x620, %eax			/* PAE, OSFXSR, OSXMMEXCPT */
	mov %eax, %cr4
	mov $VIV_KVM_PML4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx		/* EFER */
	rdmsr
	or $0x100, %eax			/* LME */
	wrmsr
	mov %cr0, %eax
	or $0x80000001, %eax		/* PG, PE */
	mov %eax, %cr0
	ljmp $0x08, $AT(long_mode)

	.code64
long_mode:
	report 2
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	pxor %xmm0, %xmm0
	report 3
	lidt AT(idt_pointer)
	mov $0x28, %eax
	ltr %ax
	report 4
	ud2
	report 6
	pushq $0x23
	pushq $VIV_KVM_USER_STACK
	pushq $2
	pushq $0x1b
	pushq $AT(user_mode)
	iretq

user_mode:
	mov $7, %eax
	int $0x80
	jmp .

viv_kvm_guest_on_ud:
	report 5
	addq $2, (%rsp)			/* behind ud2 */
	iretq

viv_kvm_guest_on_syscall:
	out %al, $VIV_KVM_PORT
	hlt

	.balign 8
gdt:	.quad 0
	.quad 0x00af9b000000ffff	/* 0x08: kernel code */
	.quad 0x00cf93000000ffff	/* 0x10: kernel data */
	.quad 0x00affb000000ffff	/* 0x18: user code */
	.quad 0x00cff3000000ffff	/* 0x20: user data */
	.quad 0x0000890000000067 + (VIV_KVM_TSS << 16) /* 0x28: task state */
	.quad 0
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.quad AT(gdt)
idt_pointer:
	.word 0xfff
	.quad VIV_KVM_IDT
viv_kvm_guest_end:

#endif
	.section .note.GNU-stack, "", @progbits
