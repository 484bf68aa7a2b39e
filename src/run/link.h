/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One direction of a cable, as good as it is said to be: frames that go in come out later, in their order, as many
 * as the rate allows, or not at all. Which are lost follows from the seed and their count alone.
 */

#include "base/loop.h"

#define VIV_LINK_DELAY_MAX_MS 60000
#define VIV_LINK_RATE_MIN     1000 /* bits a second: below, a frame takes minutes */

struct viv_link_spec {
	uint64_t rate;	   /* bits a second; 0: no limit */
	unsigned delay_ms; /* at most VIV_LINK_DELAY_MAX_MS */
	double loss;	   /* 0 (none) to 1 (all) */
};

struct viv_link;

typedef void (*viv_link_fn)(const uint8_t *frame, size_t len, void *arg);

/* It is perfect until viv_link_set. */
struct viv_link *viv_link_new(struct viv_loop *loop, uint64_t seed, viv_link_fn out, void *arg);
void viv_link_free(struct viv_link *l); /* with all that is under way. NULL is fine */
/* For what comes from now on. */
void viv_link_set(struct viv_link *l, const struct viv_link_spec *spec);
/* `out` is called for it now, later or never; not while it is called for another. */
void viv_link_send(struct viv_link *l, const uint8_t *frame, size_t len);
