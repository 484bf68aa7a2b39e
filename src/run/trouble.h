/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Recognises, in what a guest writes to its console, that its kernel is in trouble, and keeps the
 * lines that say so. A pure state machine over lines: it knows nothing of QEMU or of files.
 *
 * Kinds, the worst last:
 *	WARN	WARN_ON and the like; what only takes too long (soft lockup, hung task, RCU stall:
 *		on a slow or busy host they say little); UBSAN
 *	OOPS	the kernel did something wrong: oops, BUG, KASAN and its kin, lockdep reports
 *	PANIC	it gave up
 * "viv-init: fatal: …", by which our own init says that it can't find or start the system, is kept
 * beside these. All text kept is fit for a terminal.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

enum viv_trouble_kind { VIV_TROUBLE_NONE, VIV_TROUBLE_WARN, VIV_TROUBLE_OOPS, VIV_TROUBLE_PANIC };

/* Sets of kinds, for --fail-on. */
#define VIV_TROUBLE_BIT(kind)  (1u << (kind))
#define VIV_TROUBLE_ON_DEFAULT (VIV_TROUBLE_BIT(VIV_TROUBLE_OOPS) | VIV_TROUBLE_BIT(VIV_TROUBLE_PANIC))

/* "panic,oops", "none", … ; EINVAL names what it doesn't know. */
int viv_trouble_parse_set(const char *text, unsigned *ret, struct viv_error *err);
const char *viv_trouble_name(enum viv_trouble_kind kind); /* "warn", "oops", "panic" */

#define VIV_TROUBLE_LINES_MAX 60  /* kept of one report */
#define VIV_TROUBLE_LINE_MAX  512 /* bytes of a line that are looked at and kept */

struct viv_trouble {
	enum viv_trouble_kind kind; /* the worst so far */
	unsigned seen;		    /* set of kinds */
	char *what;		    /* the line that made it so, without its time stamp */
	struct viv_strv lines;	    /* the report, from its first line */
	bool open;		    /* its end has not come yet */
	char *fatal;		    /* what viv-init said, or NULL */
	bool stamped;		    /* the console's lines have time stamps: one without is no report, but a panic's */
	bool dumping;		    /* after an oops or a panic it said that it writes a crash dump */
};

void viv_trouble_free_contents(struct viv_trouble *t);
/* {kind, what, lines}; null if there was none. The caller owns it. */
json_t *viv_trouble_json(const struct viv_trouble *t);

/* A line of the console without its end. True when the kind got worse, init gave up, or a dump goes on. */
bool viv_trouble_feed(struct viv_trouble *t, struct viv_slice line);

/* What the guest's init warns of: "viv-init: warning: …", fit for a terminal. NULL: nothing; the caller frees it. */
char *viv_trouble_warning(struct viv_slice line);

/* What one line says by itself, on a console without time stamps or with them; *ret_message is the line without time stamps. */
enum viv_trouble_kind viv_trouble_classify(struct viv_slice line, struct viv_slice *ret_message);
