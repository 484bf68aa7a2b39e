/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * States of a test's machine, saved under names: what QEMU wrote of its memory and devices, and a copy of each disk that it
 * writes to. They are files without names where scratch disks are (run/disk.h), so they go with the test's process
 * however that ends. A state can be restored as often as a test likes, since a start gets copies of the disks; it fits this machine's
 * command line, which is the same at each start of a test, and its numbers on its segments.
 */

#include "test/runner.h"

#define SAVED_MAX      16 /* of a machine; a name can be used again */
#define SAVED_NAME_MAX 64 /* bytes */

struct saved {
	struct saved *next;
	char *name;
	int memory;	/* -1: none yet */
	uint64_t bytes; /* of it */
	int *disks;	/* by drive, as struct guest has them */
	size_t n_disks;
	unsigned numbers[VIV_NICS_MAX]; /* on segments */
};

/* Empty, with its file made and the guest's numbers noted. */
int saved_new(const struct guest *g, const char *name, struct saved **ret, struct viv_error *err);
void saved_free(struct saved *s); /* NULL is fine */
VIV_DEFINE_CLEANUP(struct saved, saved_free)

/* NULL: there is none of that name. */
struct saved *saved_find(const struct guest *g, const char *name);
/* Takes s over; one of the same name goes. */
void saved_keep(struct guest *g, struct saved *s);
void saved_free_all(struct guest *g);
/* The error for a name that is none's: near ones, or all. */
int saved_unknown(const struct guest *g, const char *name, struct viv_error *err);
/* Is that a name, and is there room for one more? */
int saved_check_name(const struct guest *g, const char *name, struct viv_error *err);

/* Can the state of such a machine be saved? ENOTSUP: what it has that can't, and what to do about it. */
int saved_check_machine(const struct viv_machine *m, struct viv_error *err);

/*
 * Copies of all disks, from -> *ret, n of them; -1 stays. In a process beside ours, while machines go on. As runner_wait, which
 * waits for them as long as g (NULL: none) runs, without a message, or an error with one.
 */
int saved_copy_disks(struct runner *r, const struct guest *g, const int *from, size_t n, int64_t deadline, int **ret,
		     struct viv_error *err);
void saved_close_disks(int *disks, size_t n); /* frees them, too; NULL is fine */
