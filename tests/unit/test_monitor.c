/* SPDX-License-Identifier: MIT */
/* Commands for a test machine's QEMU while that answers, refuses, is silent, or goes. */
#include "unit.h"

#include "run/qmp.h"
#include "test/monitor.h"

#include <sys/socket.h>

/* The machine of these tests is its monitor alone. */
#define viv_vm_qmp(vm) ((struct viv_qmp *)(vm))
#include "test/monitor.c"

struct bench {
	struct runner r;
	struct guest g;
	struct viv_qmp *qmp;
	int qemu;
	bool gone;
};

static void on_changed(struct guest *g, void *arg)
{
	runner_wake(arg);
}

static void set_up(struct bench *b)
{
	const struct viv_qmp_events none = {0};
	int fds[2];

	*b = (struct bench){0};
	assert_int_equal(viv_loop_new(&b->r.loop, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(viv_qmp_new(b->r.loop, fds[0], &none, &b->qmp, NULL), 0);
	b->qemu = fds[1];
	b->g.vm = (struct viv_vm *)b->qmp;
	b->g.events = (struct guest_events){.changed = on_changed, .arg = &b->r};
}

static void tear_down(struct bench *b)
{
	monitor_forget(&b->g);
	assert_null(b->g.asks);
	viv_qmp_free(b->qmp);
	close(b->qemu);
	viv_loop_free(b->r.loop);
}

static void say(const struct bench *b, const char *text)
{
	assert_int_equal(write(b->qemu, text, strlen(text)), (ssize_t)strlen(text));
}

static void test_answers(void **state)
{
	struct viv_error err = VIV_ERROR_INIT;
	VIV_JSON *answer = NULL;
	struct bench b;

	set_up(&b);
	say(&b, "{\"QMP\": {}}\n{\"return\": {}, \"id\": 0}\n{\"return\": {\"status\": \"running\"}, \"id\": 1}\n");
	assert_int_equal(monitor_ask(&b.r, &b.g, "query-status", NULL, viv_now_ms() + 60000, &answer, &err), 0);
	assert_string_equal(viv_json_str(answer, "status"), "running");
	say(&b, "{\"error\": {\"desc\": \"not now\"}, \"id\": 2}\n");
	assert_int_equal(monitor_ask(&b.r, &b.g, "cont", NULL, viv_now_ms() + 60000, NULL, &err), -EIO);
	assert_string_equal(err.msg, "QEMU: cont: not now");
	viv_error_clear(&err);
	tear_down(&b);
}

/* An answer that comes too late is nobody's. */
static void test_late(void **state)
{
	struct viv_error err = VIV_ERROR_INIT;
	struct bench b;

	set_up(&b);
	assert_int_equal(monitor_ask(&b.r, &b.g, "stop", NULL, viv_now_ms() + 1, NULL, &err), -ETIMEDOUT);
	assert_int_equal(err.code, 0);
	assert_non_null(b.g.asks);
	say(&b, "{\"QMP\": {}}\n{\"return\": {}, \"id\": 0}\n{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n");
	assert_int_equal(monitor_ask(&b.r, &b.g, "cont", NULL, viv_now_ms() + 60000, NULL, &err), 0);
	tear_down(&b);
}

/* As guest_start does to one that reboots, from within the wait: the next QEMU knows nothing of it. */
static int on_reboot(struct viv_source *s, void *arg)
{
	struct bench *b = arg;

	monitor_forget(&b->g);
	b->gone = true;
	runner_wake(&b->r);
	return 0;
}

static void test_goes(void **state)
{
	struct viv_error err = VIV_ERROR_INIT;
	struct viv_source *timer = NULL;
	VIV_JSON *answer = NULL;
	struct bench b;

	set_up(&b);
	assert_int_equal(viv_loop_add_timer(b.r.loop, 0, on_reboot, &b, &timer, NULL), 0);
	assert_int_equal(monitor_ask(&b.r, &b.g, "query-status", NULL, viv_now_ms() + 60000, &answer, &err), -ENOTCONN);
	assert_true(b.gone);
	assert_int_equal(err.code, 0);
	assert_null(answer);
	tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
