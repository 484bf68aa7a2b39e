/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SHA-256 (FIPS 180-4), from libcrypto, which is loaded at the first hash; without it the program
 * ends. Hexadecimal digits are lower case.
 */

#include "base/error.h"

#define VIV_SHA256_HEX 65 /* with the NUL */

struct viv_sha256; /* a hash being computed */

struct viv_sha256 *viv_sha256_new(void);
void viv_sha256_add(struct viv_sha256 *h, const void *data, size_t len);
/* Writes the digits and frees h. */
void viv_sha256_finish(struct viv_sha256 *h, char ret_hex[VIV_SHA256_HEX]);
void viv_sha256_free(struct viv_sha256 *h);

void viv_sha256_of(const void *data, size_t len, char ret_hex[VIV_SHA256_HEX]);
/* Of an open file, from its current place to its end. */
int viv_sha256_of_fd(int fd, const char *what, char ret_hex[VIV_SHA256_HEX], struct viv_error *err);
/* Exactly 64 hexadecimal digits? */
bool viv_sha256_is_hex(const char *s);
