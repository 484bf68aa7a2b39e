/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/fd.h"
#include "base/str.h"
#include "base/writer.h"

#include <signal.h>

/* More than a pipe holds. */
#define MUCH (4u << 20)

struct both {
	int fds[2];
	struct viv_writer *writer;
};

static struct both begin(void)
{
	struct both b;

	assert_int_equal(viv_pipe(b.fds, NULL), 0);
	assert_int_equal(viv_writer_new(b.fds[1], &b.writer, NULL), 0);
	return b;
}

static void test_nobody_reads(void **state)
{
	struct both b = begin();
	VIV_FREE char *much = viv_calloc(1, MUCH), *back = viv_calloc(1, MUCH + 5);
	size_t got = 0;

	memset(much, 'a', MUCH);
	assert_true(viv_writer_add(b.writer, much, MUCH, 0));
	/* There is no room for what may be left out, always for what may not. */
	assert_false(viv_writer_add(b.writer, "lost", 4, MUCH));
	assert_true(viv_writer_add(b.writer, "kept\n", 5, 0));
	assert_int_equal(viv_writer_flush(b.writer, 1), -ETIMEDOUT);
	while (got < MUCH + 5) {
		ssize_t n = read(b.fds[0], back + got, MUCH + 5 - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_int_equal(viv_writer_flush(b.writer, -1), 0);
	assert_memory_equal(back, much, MUCH);
	assert_memory_equal(back + MUCH, "kept\n", 5);
	/* Now there is. */
	assert_true(viv_writer_add(b.writer, "lost", 4, MUCH));
	assert_int_equal(viv_writer_flush(b.writer, -1), 0);
	viv_writer_free(b.writer);
	viv_close(b.fds[0]);
	viv_close(b.fds[1]);
}

static void test_reader_goes(void **state)
{
	struct both b = begin();

	viv_close(b.fds[0]);
	assert_true(viv_writer_add(b.writer, "x", 1, 0));
	assert_int_equal(viv_writer_flush(b.writer, -1), -EPIPE);
	assert_true(viv_writer_add(b.writer, "y", 1, 1));
	assert_int_equal(viv_writer_flush(b.writer, -1), -EPIPE);
	viv_writer_free(b.writer);
	viv_close(b.fds[1]);
}

/* It is left while its thread writes what nobody reads: nothing waits for it. */
static void test_left(void **state)
{
	struct both b = begin();
	VIV_FREE char *much = viv_calloc(1, MUCH);

	assert_true(viv_writer_add(b.writer, much, MUCH, 0));
	assert_int_equal(viv_writer_flush(b.writer, 1), -ETIMEDOUT);
	viv_writer_free(b.writer);
	viv_close(b.fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_reader_goes),
		cmocka_unit_test(test_left),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
