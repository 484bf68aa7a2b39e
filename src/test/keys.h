/* SPDX-License-Identifier: MIT */
#pragma once

/* Keys of a PC's keyboard by the names that QEMU has for them (QKeyCode in its qapi/ui.json), and characters. */

#include "base/error.h"
#include "base/json.h"

/*
 * What QMP's send-key takes for "ctrl-alt-delete", "a", "A", "!", "shift-0x0c": a list that is the caller's. Names are
 * QEMU's and those of NixOS's test driver; their case doesn't count. EINVAL: it is no combination of keys; that a
 * name is unknown QEMU finds.
 */
int keys_of(const char *combination, json_t **ret, struct viv_error *err);
/* What is to be pressed for a character on a US keyboard: printable ASCII, "\n", "\t", "\b", "\033"; NULL: none. */
json_t *keys_of_char(char c);
