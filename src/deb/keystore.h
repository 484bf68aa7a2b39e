/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Java's own key store format, JKS version 2: what ca-certificates-java makes of the system's
 * certificates. Each of its entries carries the time when it was added, in milliseconds since 1970.
 * Numbers are big-endian: 0xfeedfeed, 2, the number of entries; an entry is 2 (a certificate), its name
 * (16 bits of length), 64 bits of time, the certificate's type (16) and bytes (32). At the end a SHA-1
 * over the password in UTF-16, "Mighty Aphrodite" and all before. (OpenJDK, JavaKeyStore.java.)
 */

#include "base/error.h"
#include "base/str.h"

/*
 * Sets the time of all entries, in place. False: it is no such store, has a key in it, or another password
 * than Java's "changeit"; it is as it was then.
 */
bool viv_keystore_set_times(struct viv_str *store, uint64_t seconds);
