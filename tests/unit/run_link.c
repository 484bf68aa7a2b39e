/* SPDX-License-Identifier: MIT */
/* Cables that are slow, far or bad: what comes out of them, in which order, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/link.h"

#define FRAMES 1000

struct cable {
	struct viv_loop *loop;
	struct viv_link *link;
	uint16_t came[FRAMES];
	size_t n, wanted;
};

static void on_frame(const uint8_t *frame, size_t len, void *arg)
{
	struct cable *c = arg;

	assert_true(len >= 2 && c->n < FRAMES);
	memcpy(&c->came[c->n++], frame, 2);
	if (c->n == c->wanted)
		viv_loop_quit(c->loop, 0);
}

static void open_cable(struct cable *c, uint64_t seed, const struct viv_link_spec *spec)
{
	*c = (struct cable){0};
	assert_int_equal(viv_loop_new(&c->loop, NULL), 0);
	c->link = viv_link_new(c->loop, seed, on_frame, c);
	if (spec)
		viv_link_set(c->link, spec);
}

static void close_cable(struct cable *c)
{
	viv_link_free(c->link);
	viv_loop_free(c->loop);
}

static void send_frames(struct cable *c, unsigned from, unsigned n, size_t len)
{
	uint8_t frame[1500] = {0};

	for (unsigned i = from; i < from + n; i++) {
		memcpy(frame, &(uint16_t){(uint16_t)i}, 2);
		viv_link_send(c->link, frame, len);
	}
}

static void run_until(struct cable *c, size_t n)
{
	c->wanted = n;
	if (c->n < n)
		assert_int_equal(viv_loop_run(c->loop, NULL), 0);
	assert_int_equal(c->n, n);
}

static void check_order(const struct cable *c)
{
	for (size_t i = 1; i < c->n; i++)
		assert_true(c->came[i] > c->came[i - 1]);
}

static void perfect_cables_deliver_at_once(void **state)
{
	struct cable c;

	open_cable(&c, 1, NULL);
	send_frames(&c, 0, 100, 60);
	assert_int_equal(c.n, 100);
	check_order(&c);
	close_cable(&c);
}

static void delayed_frames_come_later_and_in_order(void **state)
{
	struct cable c;
	int64_t begun = viv_now_ms();

	open_cable(&c, 1, &(struct viv_link_spec){.delay_ms = 50});
	send_frames(&c, 0, 100, 60);
	assert_int_equal(c.n, 0);
	/* A cable that is perfect again does not let frames overtake. */
	viv_link_set(c.link, &(struct viv_link_spec){0});
	send_frames(&c, 100, 1, 60);
	assert_int_equal(c.n, 0);
	run_until(&c, 101);
	assert_true(viv_now_ms() - begun >= 49); /* never earlier, however fast this host is */
	check_order(&c);
	close_cable(&c);
}

static void what_is_lost_follows_from_the_seed(void **state)
{
	struct cable a, b, other;
	const struct viv_link_spec half = {.loss = 0.5};

	open_cable(&a, 7, &half);
	open_cable(&b, 7, &half);
	open_cable(&other, 8, &half);
	send_frames(&a, 0, FRAMES, 60);
	send_frames(&b, 0, FRAMES, 1500);
	send_frames(&other, 0, FRAMES, 60);
	assert_in_range(a.n, FRAMES * 4 / 10, FRAMES * 6 / 10);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.came, b.came, sizeof(a.came));
	assert_memory_not_equal(a.came, other.came, sizeof(a.came));
	viv_link_set(a.link, &(struct viv_link_spec){.loss = 1});
	a.n = 0;
	send_frames(&a, 0, 100, 60);
	assert_int_equal(a.n, 0);
	close_cable(&a);
	close_cable(&b);
	close_cable(&other);
}

/* 100 frames of 1000 bytes at 8 Mbit/s take 100 ms. */
static void a_rate_takes_its_time(void **state)
{
	struct cable c;
	int64_t begun = viv_now_ms();

	open_cable(&c, 1, &(struct viv_link_spec){.rate = 8000000});
	send_frames(&c, 0, 100, 1000);
	run_until(&c, 100);
	assert_true(viv_now_ms() - begun >= 99);
	check_order(&c);
	close_cable(&c);
}

/* At 1 kbit/s nothing leaves within this test: 256 KiB wait, the rest is lost; what waits goes with the cable. */
static void a_full_queue_loses_frames(void **state)
{
	struct cable c;

	open_cable(&c, 1, &(struct viv_link_spec){.rate = VIV_LINK_RATE_MIN});
	for (unsigned i = 0; i < 100; i++)
		send_frames(&c, 0, FRAMES, 1500);
	assert_int_equal(c.n, 0);
	close_cable(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(perfect_cables_deliver_at_once),
		cmocka_unit_test(delayed_frames_come_later_and_in_order),
		cmocka_unit_test(what_is_lost_follows_from_the_seed),
		cmocka_unit_test(a_rate_takes_its_time),
		cmocka_unit_test(a_full_queue_loses_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
