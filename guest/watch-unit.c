/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <string.h>

/* A unit's state, whichever init has it. The names of states are systemd's. */

int watch_unit_begin(struct watch *w)
{
	if (strlen(w->words[0]) > 255 || strchr(w->words[0], '/'))
		return watch_say(w, EINVAL, "%.100s: not a unit", w->words[0]);
	switch (w->init) {
	case INIT_SYSTEMD:
		return watch_systemd_begin(w);
	case INIT_RUNIT:
		return watch_runit_begin(w);
	default:
		return watch_say(w, EOPNOTSUPP, "this guest has no init system with units");
	}
}

int watch_unit_look(struct watch *w)
{
	return w->init == INIT_SYSTEMD ? watch_systemd_look(w) : watch_runit_look(w);
}
