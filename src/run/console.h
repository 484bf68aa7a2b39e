/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A machine's serial console: what comes is kept (the last part of it), written to a log file that
 * can't grow without end, searched for trouble, and handed on to whoever wants to see it. It is
 * always read: a guest must not stand still because nobody looks; but see viv_console_pause.
 */

#include "base/loop.h"
#include "base/str.h"
#include "run/trouble-report.h"
#include "run/trouble.h"

#define VIV_CONSOLE_KEPT    (64u << 10) /* bytes of the end that are kept in memory */
#define VIV_CONSOLE_LOG_MAX (16u << 20) /* then the log starts again, the old one beside it */

struct viv_console;

/* Each may be NULL. */
struct viv_console_events {
	/* As it comes. */
	void (*output)(struct viv_console *c, const char *data, size_t len, void *arg);
	/* The kernel's state got worse, or viv-init gave up. */
	void (*trouble)(struct viv_console *c, const struct viv_trouble *t, void *arg);
	/* The guest's init warns, a few times at most. */
	void (*warning)(struct viv_console *c, const char *text, void *arg);
	/* The worst report's last line has come. */
	void (*report_end)(struct viv_console *c, const struct viv_trouble *t, void *arg);
	/* Each report: it has begun (r->open), it has ended. */
	void (*kernel_report)(struct viv_console *c, const struct viv_trouble_report *r, void *arg);
	/* QEMU closed it. */
	void (*closed)(struct viv_console *c, void *arg);
	void *arg;
};

/* Takes over fd, a connected stream socket, even on failure. log: a path, or NULL. */
int viv_console_new(struct viv_loop *loop, int fd, const char *log,
		    const struct viv_console_events *events, struct viv_console **ret,
		    struct viv_error *err);
/* Not in a callback of its own. */
void viv_console_free(struct viv_console *c);

/* Typed by the user. What the guest does not take is dropped beyond 64 KiB. */
void viv_console_write(struct viv_console *c, const void *data, size_t len);

/*
 * Reads nothing for a while, where every byte of its output must arrive somewhere that takes no
 * more now. The guest's writing will stand still. Allowed in the callbacks.
 */
void viv_console_pause(struct viv_console *c, bool pause);

const struct viv_trouble *viv_console_trouble(const struct viv_console *c);
const struct viv_trouble_reports *viv_console_reports(const struct viv_console *c);
/* Reads what has come already, also of a paused one; without the loop. May call back. */
void viv_console_drain(struct viv_console *c);
/* The machine was reset: what it says from here on is another kernel's. Drains it, if it is not paused; may call back. */
void viv_console_reset(struct viv_console *c);
/* One that is open is taken to have ended. */
void viv_console_end_report(struct viv_console *c);
/* The last `n` lines, fit for a terminal; pushed to *ret. */
void viv_console_tail(const struct viv_console *c, size_t n, struct viv_strv *ret);
