/* SPDX-License-Identifier: MIT */
#include "run/link.h"

#include "base/util.h"

#include <time.h>

#define NS_A_SECOND 1000000000ull
#define NS_A_MS	    1000000ull
#define QUEUE_BYTES (256u << 10) /* that wait for the rate; more are lost, as in any switch */
#define KEPT_BYTES  (64u << 20)	 /* with those that are on their way */

struct frame {
	struct frame *next;
	uint64_t due; /* now_ns */
	size_t len;
	uint8_t data[];
};

struct viv_link {
	struct viv_loop *loop;
	struct viv_link_spec spec;
	viv_link_fn out;
	void *arg;
	uint64_t random;
	uint64_t free_at; /* when the last frame has left */
	struct frame *first, **last;
	size_t kept; /* bytes in the queue */
	struct viv_source *timer;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_A_SECOND + (uint64_t)t.tv_nsec;
}

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

struct viv_link *viv_link_new(struct viv_loop *loop, uint64_t seed, viv_link_fn out, void *arg)
{
	struct viv_link *l = viv_new(struct viv_link);

	l->loop = loop;
	l->random = seed;
	l->out = out;
	l->arg = arg;
	l->last = &l->first;
	return l;
}

static struct frame *take_first(struct viv_link *l)
{
	struct frame *f = l->first;

	l->first = f->next;
	if (!l->first)
		l->last = &l->first;
	l->kept -= f->len;
	return f;
}

void viv_link_free(struct viv_link *l)
{
	if (!l)
		return;
	viv_source_remove(l->timer);
	while (l->first)
		free(take_first(l));
	free(l);
}

void viv_link_set(struct viv_link *l, const struct viv_link_spec *spec)
{
	l->spec = *spec;
}

static void arm(struct viv_link *l);

static int on_due(struct viv_source *s, void *arg)
{
	struct viv_link *l = arg;
	uint64_t now = now_ns();

	l->timer = NULL;
	while (l->first && l->first->due <= now) {
		struct frame *f = take_first(l);

		l->out(f->data, f->len, l->arg);
		free(f);
	}
	arm(l);
	return 0;
}

/* A loop counts in milliseconds: what is due within one goes together. */
static void arm(struct viv_link *l)
{
	uint64_t now = now_ns();

	if (!l->first || l->timer)
		return;
	viv_loop_add_timer(l->loop, l->first->due <= now ? 0 : (int64_t)((l->first->due - now + NS_A_MS - 1) / NS_A_MS),
			   on_due, l, &l->timer, NULL);
}

static void keep(struct viv_link *l, const uint8_t *data, size_t len, uint64_t due)
{
	struct frame *f = viv_malloc(sizeof(*f) + len);

	*f = (struct frame){.due = due, .len = len};
	memcpy(f->data, data, len);
	*l->last = f;
	l->last = &f->next;
	l->kept += len;
	arm(l);
}

static bool is_lost(struct viv_link *l)
{
	/* 53 bits are what a double holds. */
	return l->spec.loss > 0 && (double)(next_random(&l->random) >> 11) * 0x1p-53 < l->spec.loss;
}

static bool is_perfect(const struct viv_link *l)
{
	return !l->spec.rate && !l->spec.delay_ms && !(l->spec.loss > 0);
}

void viv_link_send(struct viv_link *l, const uint8_t *frame, size_t len)
{
	uint64_t now, at;

	if (!l->first && is_perfect(l)) {
		l->out(frame, len, l->arg);
		return;
	}
	now = now_ns();
	at = VIV_MAX(l->free_at, now);
	if (is_lost(l) || l->kept + len > KEPT_BYTES)
		return;
	if (l->spec.rate) {
		/* At most QUEUE_BYTES * 8 * 10^9, and a rate of VIV_LINK_RATE_MIN: no overflow. */
		if (at - now > QUEUE_BYTES * 8 * NS_A_SECOND / l->spec.rate)
			return;
		at += len * 8 * NS_A_SECOND / l->spec.rate;
		l->free_at = at;
	}
	at += l->spec.delay_ms * NS_A_MS;
	if (!l->first && at <= now)
		l->out(frame, len, l->arg);
	else
		keep(l, frame, len, at);
}
