/* SPDX-License-Identifier: MIT */
#pragma once

/* Rules between options: call it when everything is evaluated. Faults are reported. */

#include "config/eval.h"

void viv_check(struct viv_eval *ev);
