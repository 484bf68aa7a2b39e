/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a running test tells, a JSON object a line: through a pipe to who shows it, and into the results.
 * {"event": …, "ms": since the test's begin, …} with
 *	begin	the machines are built, the test's time counts from here
 *	step	machine, text: something begins ("must succeed: true")
 *	done	machine, text, took_ms, failed (true, or not there): what took a while has ended
 *	log	machine or null, text: what the test says
 *	output	machine, text, stream: a line that a test's own command wrote ("stderr": one that did as it should; or not there)
 *	console	machine, text: a line of its serial console
 *	kernel	machine, kind, text, lines: a report of its kernel
 *	build	text, done (0 to 100, or null): work before the start
 *	warning	machine or null, text
 *	subtest	name, depth, verdict (null: it begins), took_ms, reason
 *	kept	machine, text: it runs on, and with it the process: it is told after the result
 *	result	the test's result (test/result.h)
 */

#include "base/error.h"
#include "base/json.h"

#define VIV_EVENTS_LOG_MAX (16u << 20) /* bytes of the file; then it ends with a warning that says so */
#define VIV_EVENT_TEXT_MAX (16u << 10) /* bytes; of more the middle is left out */

struct viv_events {
	int fd; /* not ours to close; -1: nobody listens */
	int64_t begun; /* viv_now_ms */
	int log; /* a file for all but the consoles' lines, ours; 0: none (any more), for the standard streams are always open */
	size_t logged; /* bytes in it */
	bool ending;   /* of it: its last line is being written */
	/* Who is told as well, in this process; may be NULL. */
	void (*shown)(const json_t *event, void *arg);
	void *arg;
};

/* Takes over `more`, an object with what else there is to say; NULL: nothing. */
void viv_events_tell(struct viv_events *e, const char *event, json_t *more);
/* Closes the file. */
void viv_events_end(struct viv_events *e);
/* machine NULL: none. */
void viv_events_say(struct viv_events *e, const char *event, const char *machine, const char *fmt, ...) VIV_PRINTF(4, 5);
