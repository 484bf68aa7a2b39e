/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* The QMP client against a small peer of ours, which says what QEMU never would, and real QEMU. */
#include "run/qmp.h"

#include "base/fd.h"
#include "base/process.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"

struct seen {
	struct viv_loop *loop;
	int ready, events, replies;
	char *lost, *error, *event;
	json_t *value;
	bool quit_on_reply, free_on_event;
};

static void on_ready(struct viv_qmp *q, void *arg)
{
	((struct seen *)arg)->ready++;
}

static void on_event(struct viv_qmp *q, const char *name, const json_t *data, void *arg)
{
	struct seen *s = arg;

	s->events++;
	free(s->event);
	s->event = viv_strdup(name);
	if (s->free_on_event) {
		viv_qmp_free(q);
		viv_loop_quit(s->loop, 0);
	}
}

static void on_lost(struct viv_qmp *q, const char *why, void *arg)
{
	struct seen *s = arg;

	s->lost = viv_strdup(why);
	viv_loop_quit(s->loop, 0);
}

static void on_reply(struct viv_qmp *q, const json_t *ret, const char *error, void *arg)
{
	struct seen *s = arg;

	s->replies++;
	free(s->error);
	s->error = viv_strdup(error);
	json_decref(s->value);
	s->value = json_deep_copy(ret);
	if (s->quit_on_reply)
		viv_loop_quit(s->loop, 0);
}

static struct viv_qmp *connect_to(struct seen *s, int *ret_peer)
{
	const struct viv_qmp_events events = {on_ready, on_event, on_lost, s};
	struct viv_qmp *q;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(viv_loop_new(&s->loop, NULL), 0);
	assert_int_equal(viv_qmp_new(s->loop, fds[0], &events, &q, NULL), 0);
	*ret_peer = fds[1];
	return q;
}

static void clean(struct seen *s)
{
	viv_loop_free(s->loop);
	free(s->lost);
	free(s->error);
	free(s->event);
	json_decref(s->value);
}

static void say(int peer, const char *text)
{
	assert_int_equal(viv_write_all(peer, text, strlen(text), "peer", NULL), 0);
}

/* What the peer sends at once, with one command "stop" under way, and what becomes of it. */
static const struct {
	const char *says;
	int ready, events, replies;
	const char *error, *lost;
} rows[] = {
	{GREETING "{\"return\": {}, \"id\": 0}\r\n{\"return\": {}, \"id\": 1}\r\n", 1, 0, 1, NULL,
	 "QEMU closed its monitor"},
	{GREETING "{\"event\": \"STOP\"}\n{\"return\": {}, \"id\": 0}\n"
		  "{\"error\": {\"class\": \"X\", \"desc\": \"no\"}, \"id\": 1}\n",
	 1, 1, 1, "no", "QEMU closed its monitor"},
	{"\r\n\r\n" GREETING, 0, 0, 0, NULL, "QEMU closed its monitor"},
	{"", 0, 0, 0, NULL, "QEMU closed its monitor"},
	{"{\"QMP\": 1}\n", 0, 0, 0, NULL, "QEMU did not greet"},
	{"{\"event\": \"STOP\"}\n", 0, 0, 0, NULL, "QEMU did not greet"},
	{"hello\n", 0, 0, 0, NULL, "QEMU sent something that is not QMP"},
	{"[1]\n", 0, 0, 0, NULL, "QEMU sent something that is not QMP"},
	{GREETING "{\"return\": {}, \"id\": 7}\n", 0, 0, 0, NULL,
	 "QEMU answered something that nobody asked"},
	{GREETING "{\"return\": {}, \"id\": 0}\n{\"return\": {}, \"id\": 0}\n", 1, 0, 0, NULL,
	 "QEMU answered something that nobody asked"},
	{GREETING "{\"return\": {}, \"id\": 0}\n{\"return\": {}, \"id\": 1}\n"
		  "{\"return\": {}, \"id\": 1}\n",
	 1, 0, 1, NULL, "QEMU answered something that nobody asked"},
	{GREETING "{\"return\": {}, \"id\": -1}\n", 0, 0, 0, NULL,
	 "QEMU answered something that nobody asked"},
	{GREETING "{\"error\": {}, \"id\": 0}\n", 0, 0, 0, NULL, "an error without words"},
	{GREETING "{}\n", 0, 0, 0, NULL, "QEMU answered something that nobody asked"},
};

static void test_peer(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct seen s = {0};
		int peer;
		struct viv_qmp *q = connect_to(&s, &peer);

		assert_int_equal(viv_qmp_execute(q, "stop", NULL, on_reply, &s, NULL), 0);
		say(peer, rows[i].says);
		shutdown(peer, SHUT_WR);
		assert_int_equal(viv_loop_run(s.loop, NULL), 0);
		assert_string_equal(s.lost, rows[i].lost);
		assert_int_equal(s.ready, rows[i].ready);
		assert_int_equal(s.events, rows[i].events);
		assert_int_equal(s.replies, rows[i].replies);
		if (rows[i].error)
			assert_string_equal(s.error, rows[i].error);
		assert_int_equal(viv_qmp_execute(q, "cont", NULL, NULL, NULL, NULL), -ENOTCONN);
		viv_qmp_free(q);
		close(peer);
		clean(&s);
	}
}

/* Nothing is sent before the greeting; then in order, with arguments. */
static void test_order(void **state)
{
	struct seen s = {.quit_on_reply = true};
	int peer;
	struct viv_qmp *q = connect_to(&s, &peer);
	char buf[512] = "";

	assert_int_equal(viv_qmp_execute(q, "qom-get", json_pack("{s:s}", "path", "/machine"),
					 on_reply, &s, NULL),
			 0);
	assert_int_equal(recv(peer, buf, sizeof(buf), MSG_DONTWAIT), -1);
	say(peer, GREETING "{\"return\": {}, \"id\": 0}\n{\"return\": 5, \"id\": 1}\n");
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_true(recv(peer, buf, sizeof(buf) - 1, MSG_DONTWAIT) > 0);
	assert_string_equal(buf, "{\"execute\":\"qmp_capabilities\",\"id\":0}\n"
				 "{\"arguments\":{\"path\":\"/machine\"},\"execute\":\"qom-get\","
				 "\"id\":1}\n");
	assert_int_equal(json_integer_value(s.value), 5);
	viv_qmp_free(q);
	close(peer);
	clean(&s);
}

static void test_endless_line(void **state)
{
	struct seen s = {0};
	int peer;
	struct viv_qmp *q = connect_to(&s, &peer);

	pid_t pid = fork();

	if (pid == 0) {
		char chunk[4096];

		memset(chunk, ' ', sizeof(chunk));
		while (write(peer, chunk, sizeof(chunk)) > 0)
			;
		_exit(0);
	}
	close(peer);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_string_equal(s.lost, "QEMU sent a line without an end");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	viv_qmp_free(q);
	clean(&s);
}

static void test_free_in_callback(void **state)
{
	struct seen s = {.free_on_event = true};
	int peer;

	connect_to(&s, &peer);
	say(peer, GREETING "{\"event\": \"A\"}\n{\"event\": \"B\"}\n");
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_int_equal(s.events, 1);
	close(peer);
	clean(&s);
}

static void test_too_many(void **state)
{
	struct seen s = {0};
	int peer;
	struct viv_qmp *q = connect_to(&s, &peer);

	for (int i = 0; i < VIV_QMP_PENDING_MAX; i++)
		assert_int_equal(viv_qmp_execute(q, "stop", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(viv_qmp_execute(q, "stop", NULL, NULL, NULL, NULL), -EBUSY);
	viv_qmp_free(q);
	close(peer);
	clean(&s);
}

/* The peer's next part of the stream; a descriptor that came with it, or -1. */
static int take_part(int peer, char *buf, size_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = buf, .iov_len = size - 1};
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(peer, &m, MSG_CMSG_CLOEXEC);
	int fd = -1;

	assert_true(n > 0);
	buf[n] = '\0';
	if (CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* With the command that it is for, whatever waits before and after it. */
static void test_descriptor(void **state)
{
	struct seen s = {.quit_on_reply = true};
	int peer, fds[2], got = -1;
	struct viv_qmp *q = connect_to(&s, &peer);
	VIV_FREE char *long_text = viv_calloc(1, 1u << 20);
	char buf[65536];

	assert_int_equal(viv_pipe(fds, NULL), 0);
	assert_int_equal(viv_qmp_execute_fd(q, "getfd", NULL, dup(fds[1]), NULL, NULL, NULL), -EAGAIN);
	assert_int_equal(viv_qmp_execute(q, "stop", NULL, on_reply, &s, NULL), 0);
	say(peer, GREETING "{\"return\": {}, \"id\": 0}\n{\"return\": {}, \"id\": 1}\n");
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	memset(long_text, 'x', (1u << 20) - 1);
	assert_int_equal(viv_qmp_execute(q, "long", json_pack("{s:s}", "a", long_text), NULL, NULL, NULL), 0);
	assert_int_equal(viv_qmp_execute_fd(q, "getfd", NULL, dup(fds[1]), NULL, NULL, NULL), 0);
	assert_int_equal(viv_qmp_execute_fd(q, "getfd", NULL, dup(fds[1]), NULL, NULL, NULL), -EAGAIN);
	assert_int_equal(viv_qmp_execute(q, "cont", NULL, NULL, NULL, NULL), 0);
	close(fds[1]);
	while (got < 0) {
		got = take_part(peer, buf, sizeof(buf));
		assert_true(got >= 0 || !strstr(buf, "getfd"));
		viv_qmp_execute(q, "more", NULL, NULL, NULL, NULL); /* which sends what there is room for */
	}
	assert_non_null(strstr(buf, "{\"execute\":\"getfd\",\"id\":3}\n"));
	close(got);
	assert_int_equal(read(fds[0], buf, 1), 0); /* nobody else has it */
	close(fds[0]);
	viv_qmp_free(q);
	close(peer);
	clean(&s);
}

static void test_real_qemu(void **state)
{
	const char *argv[] = {"qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display",
			      "none", "-chardev", "socket,id=qmp,fd=3", "-mon",
			      "chardev=qmp,mode=control", NULL};
	VIV_FREE char *program = viv_find_program(argv[0]);
	struct seen s = {.quit_on_reply = true};
	struct viv_process_spec spec = {.argv = argv, .fds = {-1, -1, 2}, .n_keep = 1};
	int peer, status;
	struct viv_qmp *q;
	pid_t pid;

	if (!program) {
		print_message("no QEMU here\n");
		skip();
	}
	q = connect_to(&s, &peer);
	spec.keep = &peer;
	assert_int_equal(viv_process_spawn(&spec, &pid, NULL, NULL), 0);
	close(peer);
	assert_int_equal(viv_qmp_execute(q, "query-status", NULL, on_reply, &s, NULL), 0);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_true(json_is_string(json_object_get(s.value, "status")));
	assert_int_equal(viv_qmp_execute(q, "no-such-command", NULL, on_reply, &s, NULL), 0);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_non_null(strstr(s.error, "no-such-command"));
	free(viv_steal(s.error));
	assert_int_equal(viv_qmp_execute_fd(q, "getfd", json_pack("{s:s}", "fdname", "x"), dup(0), on_reply, &s, NULL), 0);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_null(s.error);
	assert_int_equal(viv_qmp_execute(q, "quit", NULL, NULL, NULL, NULL), 0);
	assert_int_equal(viv_loop_run(s.loop, NULL), 0);
	assert_string_equal(s.lost, "QEMU closed its monitor");
	assert_string_equal(s.event, "SHUTDOWN");
	assert_int_equal(viv_process_wait(pid, 10000, false, &status, NULL), 0);
	assert_int_equal(status, 0);
	viv_qmp_free(q);
	clean(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer),	 cmocka_unit_test(test_order),
		cmocka_unit_test(test_endless_line), cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_real_qemu),
		cmocka_unit_test(test_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
