/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine under test: what a test file describes, built once, started as often as the test says, its
 * disks kept in between. It is held by the process that runs the test, on the test's loop; others reach
 * it by its name (`viv ps`, `exec`, `shell`), as any other machine.
 */

#include "base/loop.h"
#include "config/config.h"
#include "plan/plan.h"
#include "run/agent.h"
#include "run/control.h"
#include "run/share.h"
#include "run/vm.h"

/* What a test's machine tells the one who runs the test. All from the loop; none may be NULL. */
struct guest;
struct guest_events {
	/* Something that somebody may wait for: it came up, went down, said something. */
	void (*changed)(struct guest *g, void *arg);
	/* QEMU was started: its networks are there. */
	void (*started)(struct guest *g, void *arg);
	/* QEMU has ended. */
	void (*ended)(struct guest *g, void *arg);
	/* A line of the console, fit for a terminal. */
	void (*console)(struct guest *g, const char *line, void *arg);
	/* A report of its kernel's, when it begins (r->open) and when it ends. */
	void (*report)(struct guest *g, const struct viv_trouble_report *r, void *arg);
	void (*warning)(struct guest *g, const char *text, void *arg);
	/* Worth knowing: where its crash dump is. */
	void (*log)(struct guest *g, const char *text, void *arg);
	void *arg;
};

struct dump;
struct monitor_ask;
struct process;
struct saved;
#define GUEST_QMP_EVENTS_MAX 1000 /* events of QEMU's that are kept; the oldest go first */
#define GUEST_CONSOLE_MAX (8u << 20) /* bytes of the console that are kept for a test to look through */

struct guest {
	char *name;   /* "web-1", as in the test file */
	char *global; /* "web_1", as in its script */
	struct viv_config *config;
	struct viv_plan *plan;
	struct viv_system system;
	struct viv_loop *loop;
	struct guest_events events;
	int *disks; /* those without a file: ours, for the next start. By drive; -1: it has a file */
	size_t n_disks;
	int variables; /* UEFI's, likewise; -1: it has none, or a file */
	char *segments; /* see struct viv_machine */
	char *results;	/* the folder for what the test leaves; NULL: there is none */
	struct saved *saved;	  /* its states (test/saved.h) */
	const struct saved *from; /* the one that it is being started from; NULL: it boots */
	int log;	/* a file for its console's lines, closed with the guest; -1: none (any more) */
	size_t logged;	/* bytes in it: VIV_CONSOLE_LOG_MAX at most, and a line that says so */

	/* While it runs. */
	struct viv_shares shares;
	struct viv_machine machine;
	struct viv_machine_dir dir;
	struct viv_vm *vm; /* NULL: it is off */
	int dump;	   /* its disk for a crash dump, ours; -1: it has none */
	struct viv_control *control;
	struct process *processes; /* of all starts (test/process.h) */
	struct monitor_ask *asks; /* what its QEMU has not answered (test/monitor.h) */
	json_t *qmp_events;	  /* of this start, {event, data}; NULL: none yet */
	uint64_t n_qmp_events;	  /* with those that are gone */
	uint64_t qmp_from;	  /* what a wait for one has not looked at yet */
	char *migration;	  /* QEMU's last word on that; NULL: none */
	int64_t started;       /* viv_now_ms */
	char *started_at;      /* where in the test, "web.test.lua:12"; NULL: nobody has said */
	bool ready, booted;    /* the agent answers; the system is up */
	bool ended;	       /* QEMU has; not taken down yet */
	bool ending;	       /* it was asked to end, by the test or by others */
	unsigned asked;	       /* what the test has said about its end (test/end.h) */
	bool reboots;	       /* it may: then it starts anew */
	enum viv_vm_end how;   /* once it ended; of the last time, if it is off */
	int64_t ended_at;      /* viv_now_ms; likewise */
	char *end_text;	       /* may be NULL */
	char *lost;	       /* why nothing can be asked of it any more, though nobody wanted its end; NULL: it can, or was never up */
	unsigned starts;
	bool doomed;   /* a panic of its kernel was expected, and came */
	bool end_told; /* that it ended, and how, the test knows */
	struct viv_source *crash_limit; /* how long a kernel that is in trouble may take over anything */
	bool hopeless;			/* that is over: nothing more is waited for in this machine, nor in others */

	/* Over all starts. */
	struct dump *dumps; /* on their way into its results (test/dump.h) */
	unsigned n_dumps;   /* with those that are there */
	bool dumps_told;    /* that no more is kept */
	struct viv_str console;	    /* its text, without what a terminal would obey */
	size_t console_line;	    /* where its last, unfinished line begins */
	size_t console_from;	    /* what a wait for text has not looked at yet */
	size_t console_searched;    /* by the one that waits now, so far */
	bool console_dropped;	    /* its beginning is gone */
};

/* Takes config over, in any case. `segments` and `results`, which may be NULL, are copied. */
struct guest *guest_new(struct viv_loop *loop, const char *name, struct viv_config *config, const char *segments,
			const char *results, const struct guest_events *events);
void guest_free(struct guest *g); /* NULL is fine; one that runs is killed */

struct guest_programs {
	const char *init, *agent; /* the guest's, borrowed */
};

/* Builds what it boots from. */
int guest_build(struct guest *g, struct viv_store *store, const struct guest_programs *programs,
		struct viv_report *report, struct viv_error *err);
/* Starts QEMU and returns. EALREADY: it runs. `runtime` as viv_dir_runtime says. */
int guest_start(struct guest *g, struct viv_store *store, const char *runtime,
		struct viv_report *report, struct viv_error *err);
/* Reads what its console has said already. */
void guest_hear(struct guest *g);
/* After `ended`: takes down what is left of it, so that it is off. */
void guest_take_down(struct guest *g);

bool guest_is_on(const struct guest *g); /* QEMU runs */
/* Why it is not there any more, in a few words: "it powered off", "its kernel panicked: …". The caller frees it. */
char *guest_end_text(const struct guest *g);
/* "console of NAME:" and the last lines of it, indented, for a failure's details; nothing where it has said nothing. */
void guest_add_tail(const struct guest *g, struct viv_str *ret);
