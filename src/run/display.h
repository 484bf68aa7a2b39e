/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a machine's screen is shown: as its option says, or as this host and its QEMU can. */

#include "base/error.h"
#include "base/json.h"
#include "qemu/devices.h"

/*
 * wish: virtualisation.display. desktop: a window could be opened here. help: what QEMU says to
 * `-display help`. EINVAL, ENOTSUP: the wish can't be met; the message says why.
 */
int viv_display_choose(const char *wish, bool desktop, const char *help, enum viv_display *ret,
		       struct viv_error *err);
/* $WAYLAND_DISPLAY or $DISPLAY. */
bool viv_display_has_desktop(void);
/* Asks the program. *ret is the caller's. */
int viv_display_ask(const char *qemu, char **ret, struct viv_error *err);
/*
 * QEMU's environment: `inherited` with what keeps a window's libraries from starting programs, for
 * which QEMU's sandbox would kill it (docs/devices.md). Left empty where nothing is to be changed.
 */
void viv_display_environment(const struct viv_devices *d, char *const *inherited, struct viv_strv *ret);
/* For people: what to do to see the screen; NULL where it is in a window. The caller frees it. */
char *viv_display_advice(const struct viv_devices *d);
/* For programs: {"kind": "vnc", "address": the socket or null}; null where there is no screen. The caller's. */
json_t *viv_display_json(const struct viv_devices *d);
