/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A command on a terminal of its own in a test's machine, which goes on while the test does: what it says is kept,
 * and can be waited for; what is typed reaches it. It is the machine's, and lives as long as that does, also when the
 * command, or this start of the machine, is over.
 */

#include "test/runner.h"

#define PROCESS_OUTPUT_MAX (8u << 20) /* of it the older half goes when it is more */

struct process {
	struct process *next;
	struct guest *g;
	char *text;		     /* the command, for messages */
	struct viv_command *command; /* NULL: it is over */
	int keys, output;	     /* our ends; -1: closed */
	int their_keys, their_output;
	struct viv_source *room, *said;
	struct viv_str typed;	  /* what it has not taken yet */
	struct viv_str out;	  /* lines end with \n alone */
	size_t from;		  /* where the next `expect` begins */
	bool after_return;	  /* the last byte was \r, and may belong to \n */
	int status;
	char *error;	   /* why it did not run to its end; NULL: it did */
};

/* spec's descriptors and terminal are set here. *ret is the guest's. */
int process_start(struct guest *g, const char *text, struct viv_command_spec *spec, struct process **ret,
		  struct viv_error *err);
/* As if typed at its terminal; it is taken when the command has room. EPIPE: it is over. */
int process_type(struct process *p, const char *text, size_t len, struct viv_error *err);

/* For guest.c: the machine is gone; the guest itself goes. */
void process_lose_all(struct guest *g);
void process_free_all(struct guest *g);
