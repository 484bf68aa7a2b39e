/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Why an object has to be made: how its recipe differs from that of the same step at the machine's
 * last build. Words for people; what is compared is data.
 */

#include "base/json.h"
#include "base/str.h"

/*
 * One entry for each difference: "package htop 3.3 -> 3.4", "users.users.paul changed". `before`
 * NULL or without packages: a new layer, all of whose packages are additions.
 */
void viv_why_compare(const json_t *before, const json_t *now, struct viv_strv *ret);
