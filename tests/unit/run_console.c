/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/console.h"

#include "base/fd.h"
#include "base/path.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
	struct viv_str output;
	int troubles, ends, closed, reports_begun, reports_ended;
	struct viv_loop *loop;
};

static void on_output(struct viv_console *c, const char *data, size_t len, void *arg)
{
	struct seen *s = arg;

	viv_str_add_bytes(&s->output, data, len);
}

static void on_trouble(struct viv_console *c, const struct viv_trouble *t, void *arg)
{
	((struct seen *)arg)->troubles++;
}

static void on_end(struct viv_console *c, const struct viv_trouble *t, void *arg)
{
	((struct seen *)arg)->ends++;
}

static void on_report(struct viv_console *c, const struct viv_trouble_report *r, void *arg)
{
	struct seen *s = arg;

	if (r->open)
		s->reports_begun++;
	else
		s->reports_ended++;
}

static void on_closed(struct viv_console *c, void *arg)
{
	struct seen *s = arg;

	s->closed++;
	viv_loop_quit(s->loop, 0);
}

static struct viv_console *open_console(struct seen *s, const char *log, int *ret_guest)
{
	const struct viv_console_events events = {.output = on_output, .trouble = on_trouble, .report_end = on_end,
						  .kernel_report = on_report, .closed = on_closed, .arg = s};
	struct viv_console *c;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(viv_loop_new(&s->loop, NULL), 0);
	assert_int_equal(viv_console_new(s->loop, fds[0], log, &events, &c, NULL), 0);
	*ret_guest = fds[1];
	return c;
}

/* While it is paused nothing is read, not even the end; afterwards all of it. */
static void test_pause(void **state)
{
	struct seen s = {0};
	int guest;
	struct viv_console *c = open_console(&s, NULL, &guest);

	viv_console_pause(c, true);
	viv_console_pause(c, true);
	assert_int_equal(viv_write_all(guest, "text\n", 5, "", NULL), 0);
	viv_console_write(c, "typed", 5);
	close(guest);
	assert_int_equal(viv_loop_run(s.loop, NULL), -ENODATA);
	assert_int_equal(s.output.len, 0);
	viv_console_pause(c, false);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_string_equal(s.output.data, "text\n");
	assert_int_equal(s.closed, 1);
	viv_console_pause(c, false);
	viv_console_free(c);
	viv_str_free(&s.output);
	viv_loop_free(s.loop);
}

/* One after the other; the last one's end is the console's. */
static void test_reports(void **state)
{
	static const char text[] = "[    1.000000] BUG: KASAN: x\n[    2.000000] UBSAN: y\n";
	struct seen s = {0};
	int guest;
	struct viv_console *c = open_console(&s, NULL, &guest);
	const struct viv_trouble_reports *list = viv_console_reports(c);

	assert_int_equal(viv_write_all(guest, text, strlen(text), "", NULL), 0);
	close(guest);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_int_equal(s.reports_begun, 2);
	assert_int_equal(s.reports_ended, 2);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->items[1].kind, VIV_REPORT_UBSAN);
	viv_console_end_report(c);
	assert_int_equal(s.reports_ended, 2);
	viv_console_free(c);
	viv_loop_free(s.loop);
	viv_str_free(&s.output);
}

/* What was not read yet when somebody wants to know what there was. */
static void test_drain(void **state)
{
	static const char text[] = "[    1.000000] BUG: KASAN: x\n";
	VIV_STR all = VIV_STR_INIT;
	struct seen s = {0};
	int guest;
	struct viv_console *c = open_console(&s, NULL, &guest);

	for (int i = 0; i < 1000; i++)
		viv_str_add(&all, text);
	viv_console_drain(c);
	assert_int_equal(viv_write_all(guest, all.data, all.len, "", NULL), 0);
	viv_console_pause(c, true);
	viv_console_drain(c);
	assert_int_equal(s.reports_begun, 1000);
	assert_int_equal(s.output.len, all.len);
	close(guest);
	viv_console_drain(c);
	assert_int_equal(s.closed, 1);
	viv_console_drain(c);
	viv_console_free(c);
	viv_loop_free(s.loop);
	viv_str_free(&s.output);
}

/* Another kernel may write without time stamps. What the one before has said is heard first. */
static void test_reset(void **state)
{
	static const char before[] = "[    9.000000] up\n", bug[] = "BUG: unable to handle\n";
	struct seen s = {0};
	int guest;
	struct viv_console *c = open_console(&s, NULL, &guest);

	assert_int_equal(viv_write_all(guest, before, strlen(before), "", NULL), 0);
	assert_int_equal(viv_write_all(guest, bug, strlen(bug), "", NULL), 0);
	viv_console_reset(c);
	assert_int_equal(s.reports_begun, 0);
	assert_int_equal(viv_write_all(guest, bug, strlen(bug), "", NULL), 0);
	viv_console_drain(c);
	assert_int_equal(s.reports_begun, 1);
	assert_int_equal(s.troubles, 1);
	close(guest);
	viv_console_free(c);
	viv_loop_free(s.loop);
	viv_str_free(&s.output);
}

static void on_report_quits(struct viv_console *c, const struct viv_trouble_report *r, void *arg)
{
	on_report(c, r, arg);
	if (!r->open)
		viv_loop_quit(((struct seen *)arg)->loop, 0);
}

/* Without a mark, and with nothing after it. */
static void test_report_ends_by_time(void **state)
{
	static const char text[] = "[    1.000000] BUG: KASAN: x\n";
	struct seen s = {0};
	const struct viv_console_events events = {.kernel_report = on_report_quits, .arg = &s};
	struct viv_console *c;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(viv_loop_new(&s.loop, NULL), 0);
	assert_int_equal(viv_console_new(s.loop, fds[0], NULL, &events, &c, NULL), 0);
	assert_int_equal(viv_write_all(fds[1], text, strlen(text), "", NULL), 0);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_int_equal(s.reports_ended, 1);
	viv_console_free(c);
	viv_loop_free(s.loop);
	close(fds[1]);
}

static void test_lines_in_pieces(void **state)
{
	static const char *const pieces[] = {
		"[    1.000000] BU", "G: bad\r\n[    1.000001] ---[ end tr", "ace 0 ]---\r\nand the",
		" last"};
	struct seen s = {0};
	int guest;
	struct viv_console *c = open_console(&s, NULL, &guest);
	VIV_STRV tail = VIV_STRV_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(pieces); i++)
		assert_int_equal(viv_write_all(guest, pieces[i], strlen(pieces[i]), "", NULL), 0);
	close(guest);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_int_equal(s.troubles, 1);
	assert_int_equal(s.ends, 1);
	assert_int_equal(s.closed, 1);
	viv_console_tail(c, 2, &tail);
	assert_int_equal(tail.count, 2);
	assert_string_equal(tail.items[0], "[    1.000001] ---[ end trace 0 ]---");
	assert_string_equal(tail.items[1], "and the last");
	viv_console_free(c);
	viv_loop_free(s.loop);
	viv_str_free(&s.output);
}

/* A guest that writes without end costs a bounded file and bounded memory. */
static void test_flood(void **state)
{
	char dir[] = "/tmp/viv-test-XXXXXX", chunk[4096];
	VIV_FREE char *log = NULL, *old = NULL;
	struct seen s = {0};
	struct stat st;
	int guest;
	struct viv_console *c;
	VIV_STRV tail = VIV_STRV_INIT;

	assert_non_null(mkdtemp(dir));
	log = viv_path_join(dir, "console.log");
	old = viv_path_join(dir, "console.log.1");
	c = open_console(&s, log, &guest);
	memset(chunk, 'x', sizeof(chunk));
	if (fork() == 0) {
		for (int i = 0; i < 10000; i++)
			viv_write_all(guest, chunk, sizeof(chunk), "", NULL);
		_exit(0);
	}
	close(guest);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_int_equal(s.output.len, 10000u * sizeof(chunk));
	assert_int_equal(stat(log, &st), 0);
	assert_in_range(st.st_size, 1, VIV_CONSOLE_LOG_MAX);
	assert_int_equal(stat(old, &st), 0);
	assert_in_range(st.st_size, 1, VIV_CONSOLE_LOG_MAX);
	viv_console_tail(c, 5, &tail);
	assert_int_equal(tail.count, 1);
	viv_console_free(c);
	viv_loop_free(s.loop);
	viv_str_free(&s.output);
	assert_int_equal(viv_remove_tree(dir, NULL), 0);
}

static void test_typing(void **state)
{
	struct seen s = {0};
	int guest;
	struct viv_console *c = open_console(&s, NULL, &guest);
	char buf[8] = "";

	viv_console_write(c, "ls\r", 3);
	assert_int_equal(read(guest, buf, sizeof(buf)), 3);
	assert_string_equal(buf, "ls\r");
	viv_console_free(c);
	viv_loop_free(s.loop);
	close(guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pause), cmocka_unit_test(test_reports), cmocka_unit_test(test_drain), cmocka_unit_test(test_reset), cmocka_unit_test(test_report_ends_by_time),
		cmocka_unit_test(test_lines_in_pieces),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_typing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
