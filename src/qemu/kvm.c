/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/process.h"
#include "qemu/accel.h"
#include "qemu/kvm_guest.h"

#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How the child ended: what it could not do, or that the guest answered. */
enum step { RAN = 0, NO_VM = 10, NO_MEMORY, NO_CPU, NO_RUN, WRONG_RESULT };

#if defined(__x86_64__)

extern const uint8_t viv_kvm_guest[], viv_kvm_guest_end[];
extern const uint8_t viv_kvm_guest_on_ud[], viv_kvm_guest_on_syscall[];

static void put64(uint8_t *memory, size_t at, uint64_t value)
{
	memcpy(memory + at, &value, sizeof(value));
}

static void put_gate(uint8_t *memory, unsigned vector, const uint8_t *handler, unsigned ring)
{
	uint64_t at = (uint64_t)(handler - viv_kvm_guest) + VIV_KVM_GUEST_AT;

	put64(memory, VIV_KVM_IDT + vector * 16,
	      at | 0x08ull << 16 | (0x8e00ull | ring << 13) << 32);
}

/* The program, tables that map the first 2 MiB to themselves, two interrupt gates, a task state. */
static void lay_out(uint8_t *memory)
{
	memcpy(memory + VIV_KVM_GUEST_AT, viv_kvm_guest,
	       (size_t)(viv_kvm_guest_end - viv_kvm_guest));
	put64(memory, VIV_KVM_PML4, VIV_KVM_PDPT | 7);
	put64(memory, VIV_KVM_PDPT, VIV_KVM_PD | 7);
	put64(memory, VIV_KVM_PD, 0x87);
	put64(memory, VIV_KVM_TSS + 4, VIV_KVM_TSS_STACK);
	put_gate(memory, 6, viv_kvm_guest_on_ud, 0);
	put_gate(memory, 0x80, viv_kvm_guest_on_syscall, 3);
}

/* Without this the processor has no long mode. */
static bool set_features(int kvm, int cpu)
{
	enum { MAX = 256 };
	struct kvm_cpuid2 *features =
		calloc(1, sizeof(*features) + MAX * sizeof(struct kvm_cpuid_entry2));

	if (!features)
		return false;
	features->nent = MAX;
	return ioctl(kvm, KVM_GET_SUPPORTED_CPUID, features) == 0 &&
	       ioctl(cpu, KVM_SET_CPUID2, features) == 0;
}

/* 32-bit protected mode, flat. */
static enum step set_up_cpu(int kvm, int cpu)
{
	struct kvm_segment code = {.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1,
				   .db = 1, .s = 1, .g = 1};
	struct kvm_segment data = code;
	struct kvm_regs regs = {.rip = VIV_KVM_GUEST_AT, .rflags = 2};
	struct kvm_sregs sregs;

	if (!set_features(kvm, cpu) || ioctl(cpu, KVM_GET_SREGS, &sregs) < 0)
		return NO_CPU;
	data.type = 3;
	data.selector = 16;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 |= 1;
	if (ioctl(cpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(cpu, KVM_SET_REGS, &regs) < 0)
		return NO_CPU;
	return RAN;
}

/* The guest must report each of its steps, and then halt. */
static enum step run_cpu(int cpu, const struct kvm_run *run)
{
	for (unsigned i = 1; i <= VIV_KVM_REPORTS; i++) {
		if (ioctl(cpu, KVM_RUN, 0) < 0)
			return NO_RUN;
		if (run->exit_reason != KVM_EXIT_IO || run->io.port != VIV_KVM_PORT ||
		    ((const uint8_t *)run)[run->io.data_offset] != i)
			return WRONG_RESULT;
	}
	if (ioctl(cpu, KVM_RUN, 0) < 0)
		return NO_RUN;
	return run->exit_reason == KVM_EXIT_HLT ? RAN : WRONG_RESULT;
}

static enum step run_guest(int kvm)
{
	struct kvm_userspace_memory_region region = {.memory_size = VIV_KVM_MEMORY};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0), cpu, size;
	struct kvm_run *run;
	enum step step;
	uint8_t *memory;

	if (vm < 0)
		return NO_VM;
	/* Intel's processors before unrestricted guests want a place for this. */
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
	memory = mmap(NULL, VIV_KVM_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NO_MEMORY;
	lay_out(memory);
	region.userspace_addr = (uintptr_t)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return NO_MEMORY;
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (cpu < 0 || size < (int)sizeof(*run))
		return NO_CPU;
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (run == MAP_FAILED)
		return NO_CPU;
	step = set_up_cpu(kvm, cpu);
	return step == RAN ? run_cpu(cpu, run) : step;
}

#else

/* No test guest for this architecture: what the kernel says must do. */
static enum step run_guest(int kvm)
{
	return ioctl(kvm, KVM_CREATE_VM, 0) < 0 ? NO_VM : RAN;
}

#endif

static char *explain(const char *device, int status)
{
	if (WIFSIGNALED(status))
		return viv_asprintf("%s is there, but a test guest died in it", device);
	switch (WEXITSTATUS(status)) {
	case RAN:
		return NULL;
	case NO_VM:
		return viv_asprintf("%s is there, but makes no virtual machine (is virtualisation "
				    "switched off in the firmware, or used by another hypervisor?)",
				    device);
	case NO_MEMORY:
		return viv_asprintf("%s is there, but gives a machine no memory", device);
	case NO_CPU:
		return viv_asprintf("%s is there, but gives a machine no processor", device);
	default:
		return viv_asprintf("%s is there, but a test guest did not run right in it", device);
	}
}

static char *test_in_child(int kvm, const char *device, int timeout_ms)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	if (pid < 0)
		return viv_asprintf("cannot test %s: no more processes", device);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(NO_RUN);
		_exit(run_guest(kvm));
	}
	if (viv_process_wait(pid, timeout_ms, false, &status, NULL) < 0)
		return viv_asprintf("%s is there, but a test guest did not run in it", device);
	return explain(device, status);
}

static char *explain_open(const char *device, int code)
{
	if (code == ENOENT)
		return viv_asprintf("there is no %s", device);
	if (code == EACCES || code == EPERM)
		return viv_asprintf("no permission for %s (add yourself to its group: sudo usermod "
				    "-aG kvm $USER, then log in again)",
				    device);
	return viv_asprintf("cannot open %s: %s", device, strerror(code));
}

char *viv_kvm_test(const char *device, int timeout_ms, bool *ret_keep)
{
	VIV_FD kvm = open(device, O_RDWR | O_CLOEXEC);

	*ret_keep = false;
	if (kvm < 0)
		return explain_open(device, errno);
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return viv_asprintf("%s is not what it should be", device);
	*ret_keep = true;
	return test_in_child(kvm, device, timeout_ms);
}
