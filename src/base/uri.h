/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Addresses of mirrors: "https://name:password@host:port/path" (RFC 3986). What is in front of the '@'
 * is a secret: it is split off where an address comes in, and is in no message.
 */

#include "base/str.h"

/*
 * Takes an address apart. *ret_plain is it without its login, *ret_user and *ret_password are decoded,
 * NULL where there is none; all three the caller's. False, and nothing returned, for one whose host is
 * neither a name nor an address ("[2001:db8::1]") with or without a port, or whose login has blanks,
 * control characters or a '/' in it. What has no "://" or no host (file:/a) is itself.
 */
bool viv_uri_split(const char *uri, char **ret_plain, char **ret_user, char **ret_password);
/* For messages: the text with "…" for what may be a login, in proper addresses and in others. */
char *viv_uri_masked(const char *text);
