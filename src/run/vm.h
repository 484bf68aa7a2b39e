/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A running machine: one QEMU process, its monitor (QMP), its console and the agent inside, held by
 * one supervisor (this process), driven by one loop. QEMU is started with sockets that are
 * connected already, in a session of its own, and gets SIGKILL from the kernel should we end
 * without a word. Nothing here assumes what the machine is for: `viv run` is one user.
 */

#include "base/json.h"
#include "base/loop.h"
#include "qemu/machine.h"
#include "run/agent.h"
#include "run/console.h"
#include "run/dir.h"
#include "run/network.h"
#include "run/qmp.h"

struct viv_vm;

/* How a machine came to its end. */
enum viv_vm_end {
	VIV_VM_POWEROFF, /* the guest powered off */
	VIV_VM_REBOOT,	 /* it wanted to reboot: machines here don't */
	VIV_VM_PANIC,	 /* its kernel panicked */
	VIV_VM_WATCHDOG, /* its watchdog expired */
	VIV_VM_WINDOW,	 /* the user closed its window */
	VIV_VM_INIT,	 /* our init in the initrd gave up; text says why */
	VIV_VM_STOPPED,	 /* viv_vm_kill */
	VIV_VM_OUTSIDE,	 /* somebody else on the host ended QEMU (the OOM killer, too); text says how */
	VIV_VM_QEMU,	 /* QEMU did not start, or crashed; text says how */
};

/* Each may be NULL. viv_vm_free must not be called in them; all else may. */
struct viv_vm_events {
	void (*agent_ready)(struct viv_vm *vm, void *arg);
	/* The system inside has reached its goal and has its networks; after agent_ready. */
	void (*booted)(struct viv_vm *vm, void *arg);
	/* The agent's connection broke while the machine goes on. */
	void (*agent_lost)(struct viv_vm *vm, const char *why, void *arg);
	/* The kernel is in trouble, for the first time or worse than before. */
	void (*trouble)(struct viv_vm *vm, const struct viv_trouble *t, void *arg);
	/* Each report of its kernel, when it begins (r->open) and when it ends: viv_console_reports has all. */
	void (*kernel_report)(struct viv_vm *vm, const struct viv_trouble_report *r, void *arg);
	/* Something that the machine can do without did not work. */
	void (*warning)(struct viv_vm *vm, const char *text, void *arg);
	void (*console_output)(struct viv_vm *vm, const char *data, size_t len, void *arg);
	/* Each event of QEMU's monitor; data is an object or NULL, borrowed. */
	void (*qmp_event)(struct viv_vm *vm, const char *name, const json_t *data, void *arg);
	/* QEMU has ended and everything that it sent was handled. Nothing follows. */
	void (*ended)(struct viv_vm *vm, enum viv_vm_end how, const char *text, void *arg);
	void *arg;
};

/*
 * Starts QEMU. m's channels are set here, and where a drive has no file, `fd` is our descriptor
 * before, which is taken over even on failure, and QEMU's number after; so m belongs to this start.
 */
int viv_vm_start(struct viv_loop *loop, struct viv_machine *m, const struct viv_machine_dir *dir,
		 const struct viv_vm_events *events, struct viv_vm **ret, struct viv_error *err);
/* A machine that still runs is killed, without events. */
void viv_vm_free(struct viv_vm *vm);

/*
 * Clean: the guest is asked, and killed when it has not powered off within limit_ms. A guest that has
 * ended its agent may be doing so already, and only gets the limit. Of several limits the first to come counts.
 */
void viv_vm_poweroff(struct viv_vm *vm, int64_t limit_ms);
/* At once: QEMU is asked to quit, so that images are whole, and killed if it doesn't. */
void viv_vm_kill(struct viv_vm *vm);
/*
 * The same, unless it ends by itself in time and says how: within two seconds, or 30 if its agent has ended
 * and it may be shutting down.
 */
void viv_vm_kill_soon(struct viv_vm *vm);

/* Its kernel panicked, and the one for crash dumps is at work, or about to be: it ends by itself (run/crash.h). */
bool viv_vm_is_dumping(const struct viv_vm *vm);

struct viv_agent *viv_vm_agent(struct viv_vm *vm); /* never NULL; see agent_ready */
struct viv_console *viv_vm_console(struct viv_vm *vm);
/* What the guest shares with us; -1: nothing. Stays the machine's. */
int viv_vm_shared(const struct viv_vm *vm);
struct viv_qmp *viv_vm_qmp(struct viv_vm *vm);
struct viv_network *viv_vm_network(struct viv_vm *vm);
pid_t viv_vm_pid(const struct viv_vm *vm);
