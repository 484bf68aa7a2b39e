/* SPDX-License-Identifier: MIT */
/* The control socket: requests over a socket pair, commands by the real agent. */
#include "agent_fixture.h"

#include "run/client.h"
#include "run/control.h"

struct host {
	struct fixture *f;
	struct viv_control *control;
	int stops;
	bool hard;
	int64_t limit_ms;
};

static json_t *on_status(void *arg)
{
	return json_pack("{s:s, s:s}", "name", "vm", "state", "running");
}

static void on_stop(bool hard, int64_t limit_ms, void *arg)
{
	struct host *h = arg;

	h->stops++;
	h->hard = hard;
	h->limit_ms = limit_ms;
}

static void open_control_of(struct host *h, struct fixture *f, bool early_units)
{
	struct viv_control_host host = {.agent = f->agent,
					.early_units = early_units,
					.shared = -1,
					.dir = "/nonexistent",
					.status = on_status,
					.stop = on_stop,
					.arg = h};

	*h = (struct host){.f = f};
	assert_int_equal(viv_control_new(f->loop, NULL, &host, &h->control, NULL), 0);
}

static void open_control(struct host *h, struct fixture *f)
{
	open_control_of(h, f, false);
}

/* A caller: the other end is served by the fixture's loop. */
static void add_caller(struct host *h, struct viv_messages *m)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(viv_control_add(h->control, ends[0], NULL), 0);
	viv_messages_open(m, ends[1]);
}

static json_t *answer(struct host *h, struct viv_messages *m)
{
	json_t *j = NULL;
	int r;

	while ((r = viv_messages_next(m, &j)) == 0) {
		wait_readable(h->f, m->fd);
		r = viv_messages_receive(m, false);
		if (r == 0)
			return NULL;
		assert_true(r > 0);
	}
	assert_int_equal(r, 1);
	return j;
}

static json_t *ask(struct host *h, struct viv_messages *m, const char *text)
{
	json_t *request = json_loads(text, 0, NULL);

	assert_non_null(request);
	assert_int_equal(viv_messages_send(m, request, NULL, 0), 0);
	return answer(h, m);
}

static void close_control(struct host *h)
{
	/* As a supervisor does: the agent goes first, and its commands with it. */
	viv_agent_free(viv_steal(h->f->agent));
	viv_control_free(h->control);
}

static void test_status_and_nonsense(void **state)
{
	static const char *const wrong[] = {"{}", "{\"do\":1}", "{\"do\":\"dance\"}",
					    "{\"do\":\"exec\"}", "{\"do\":\"exec\",\"argv\":[]}",
					    "{\"do\":\"exec\",\"argv\":\"true\"}",
					    "{\"do\":\"screenshot\"}", "{\"do\":\"memory\"}", "{\"do\":\"console\"}"};
	struct viv_messages m;
	struct host h;

	open_control(&h, *state);
	viv_control_up(h.control);
	add_caller(&h, &m);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(wrong); i++) {
		VIV_JSON *j = ask(&h, &m, wrong[i]);

		assert_non_null(viv_json_str(j, "error"));
	}
	{
		VIV_JSON *j = ask(&h, &m, "{\"do\":\"status\"}");

		assert_string_equal(viv_json_str(json_object_get(j, "machine"), "name"), "vm");
	}
	/* What is no message at all ends the connection. */
	assert_int_equal(write(m.fd, "[1]\n", 4), 4);
	assert_null(answer(&h, &m));
	viv_messages_close(&m);
	close_control(&h);
}

/* Sends a command with three streams; its stdout is read from *ret_out. */
static void start_exec(struct viv_messages *m, const char *script, const char *input, int *ret_out)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	VIV_FD in = text_fd(input), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct viv_client_command c = {.argv = argv, .in_fd = in, .err_fd = null, .fail_on = 0};
	int out[2];

	assert_int_equal(viv_pipe(out, NULL), 0);
	c.out_fd = out[1];
	assert_int_equal(viv_client_start(m, &c, NULL), 0);
	close(out[1]);
	*ret_out = out[0];
}

static void check_end(struct host *h, struct viv_messages *m, int out_fd, int want,
		      const char *want_out)
{
	VIV_JSON *j = answer(h, m);
	VIV_STR out = VIV_STR_INIT;
	uint64_t status;

	assert_non_null(j);
	assert_true(viv_json_u64(j, "status", 255, &status));
	assert_int_equal(status, want);
	assert_int_equal(viv_read_to_end(out_fd, 1 << 20, &out, "stdout", NULL), 0);
	assert_string_equal(out.data ? out.data : "", want_out);
	close(out_fd);
}

static void test_exec(void **state)
{
	struct viv_messages m, n;
	struct host h;
	int out, other;

	open_control(&h, *state);
	viv_control_up(h.control);
	add_caller(&h, &m);
	add_caller(&h, &n);
	start_exec(&m, "read x; echo got $x; exit 7", "in\n", &out);
	start_exec(&n, "printf '\\377'; kill -9 $$", "", &other);
	check_end(&h, &m, out, 7, "got in\n");
	check_end(&h, &n, other, 137, "\377");
	/* A connection serves one after the other. */
	start_exec(&m, "echo again", "", &out);
	check_end(&h, &m, out, 0, "again\n");
	viv_messages_close(&m);
	viv_messages_close(&n);
	close_control(&h);
}

static void test_exec_waits_for_boot(void **state)
{
	struct viv_messages m;
	struct host h;
	int out;

	open_control(&h, *state);
	add_caller(&h, &m);
	start_exec(&m, "echo up", "", &out);
	{
		VIV_JSON *j = ask(&h, &m, "{\"do\":\"status\"}"); /* it was taken, and waits */

		assert_non_null(j);
	}
	viv_control_up(h.control);
	check_end(&h, &m, out, 0, "up\n");
	viv_messages_close(&m);
	close_control(&h);
}

static void kill_agent(struct fixture *f)
{
	bool lost = false;

	assert_int_equal(kill(f->pid, SIGKILL), 0);
	while (!lost) {
		assert_int_equal(viv_loop_run(f->loop, NULL), 0);
		lost = f->lost != NULL;
	}
}

/* The agent goes, and the machine does not: nobody waits for its end. */
static void test_agent_gone(void **state)
{
	struct viv_messages m;
	struct fixture *f = *state;
	struct host h;
	int out;
	char c;

	open_control(&h, f);
	viv_control_up(h.control);
	add_caller(&h, &m);
	start_exec(&m, "echo r; exec sleep 300", "", &out);
	wait_readable(f, out);
	assert_int_equal(read(out, &c, 1), 1);
	kill_agent(f);
	viv_control_agent_gone(h.control);
	check_end(&h, &m, out, 121, "\n");
	viv_messages_close(&m);
	close_control(&h);
}

static void test_agent_gone_while_booting(void **state)
{
	struct viv_messages m;
	struct host h;
	int out;

	open_control(&h, *state);
	add_caller(&h, &m);
	start_exec(&m, "echo never", "", &out);
	{
		VIV_JSON *j = ask(&h, &m, "{\"do\":\"status\"}"); /* it was taken, and waits */

		assert_non_null(j);
	}
	kill_agent(*state);
	viv_control_agent_gone(h.control);
	for (int i = 0; i < 2; i++) {
		VIV_JSON *j = answer(&h, &m);

		assert_string_equal(viv_json_str(j, "error"),
				    "the guest's agent is gone: no command can be run");
		close(out);
		start_exec(&m, "echo never", "", &out);
	}
	close(out);
	viv_messages_close(&m);
	close_control(&h);
}

static void start_watch(struct host *h, struct viv_messages *m, const char *kind, const char *word)
{
	json_t *request = json_pack("{s:s, s:s, s:[s, s]}", "do", "watch", "kind", kind, "words", word, "active");

	add_caller(h, m);
	assert_int_equal(viv_messages_send(m, request, NULL, 0), 0);
}

/* It was taken; what it asks for is not answered. */
static void check_waits(struct host *h, struct viv_messages *m)
{
	VIV_JSON *j = ask(h, m, "{\"do\":\"status\"}");

	assert_non_null(json_object_get(j, "machine"));
}

static void check_has_no_units(struct host *h, struct viv_messages *m)
{
	VIV_JSON *j = answer(h, m);

	assert_string_equal(viv_json_str(j, "answer"), "this guest has no init system with units");
	viv_messages_close(m);
}

/* Units are asked for as soon as the agent is there, where its init can say something; all else is when the system is up. */
static void test_early(void **state)
{
	struct viv_messages unit, next, file;
	struct host h;

	open_control_of(&h, *state, true);
	start_watch(&h, &unit, "unit", "web.service");
	check_waits(&h, &unit);
	start_watch(&h, &file, "file", "/");
	viv_control_ready(h.control);
	check_has_no_units(&h, &unit);
	start_watch(&h, &next, "unit", "web.service");
	check_has_no_units(&h, &next);
	check_waits(&h, &file);
	viv_messages_close(&file);
	close_control(&h);
}

static void test_no_early_units(void **state)
{
	struct viv_messages unit;
	struct host h;

	open_control(&h, *state);
	viv_control_ready(h.control);
	start_watch(&h, &unit, "unit", "web.service");
	check_waits(&h, &unit);
	viv_control_up(h.control);
	check_has_no_units(&h, &unit);
	close_control(&h);
}

static void test_signal_and_caller_gone(void **state)
{
	struct viv_messages m, n;
	VIV_STR out = VIV_STR_INIT;
	struct host h;
	int out_fd;
	char c;

	open_control(&h, *state);
	viv_control_up(h.control);
	add_caller(&h, &m);
	start_exec(&m, "trap 'echo int; exit 3' INT; echo r; while :; do sleep 1; done", "", &out_fd);
	wait_readable(h.f, out_fd);
	assert_int_equal(read(out_fd, &c, 1), 1);
	assert_int_equal(viv_messages_send(&m, json_pack("{s:s, s:i}", "do", "signal", "signal", 2),
					   NULL, 0),
			 0);
	check_end(&h, &m, out_fd, 3, "\nint\n");
	/* Whose caller goes away hears of it as of a closed terminal. */
	add_caller(&h, &n);
	start_exec(&n, "trap 'echo hup; exit' HUP; echo r; while :; do sleep 1; done", "", &out_fd);
	wait_readable(h.f, out_fd);
	assert_int_equal(read(out_fd, &c, 1), 1);
	viv_messages_close(&n);
	do {
		wait_readable(h.f, out_fd);
		viv_str_reserve(&out, 64);
		out.len += (size_t)read(out_fd, out.data + out.len, 63);
		out.data[out.len] = '\0';
	} while (!strstr(out.data, "hup"));
	close(out_fd);
	viv_messages_close(&m);
	close_control(&h);
}

/* What ends a command of a machine that is being stopped is the machine's end. */
static void test_ended_by_stop(void **state)
{
	VIV_JSON *outcome = json_pack("{s:i, s:s}", "status", 0, "kind", "stopped");
	struct viv_messages m, n;
	char pid[16] = "";
	struct host h;
	int out;

	open_control(&h, *state);
	viv_control_up(h.control);
	add_caller(&h, &m);
	add_caller(&h, &n);
	start_exec(&m, "echo $$; exec sleep 300", "", &out);
	wait_readable(h.f, out);
	assert_true(read(out, pid, sizeof(pid) - 1) > 1);
	viv_messages_send(&n, json_pack("{s:s, s:b, s:i}", "do", "stop", "hard", 0, "limit_ms", 1000),
			  NULL, 0);
	{
		struct viv_messages o;
		VIV_JSON *j = NULL;

		add_caller(&h, &o);
		j = ask(&h, &o, "{\"do\":\"status\"}");
		assert_non_null(j);
		viv_messages_close(&o);
	}
	assert_int_equal(h.stops, 1);
	kill((pid_t)strtol(pid, NULL, 10), SIGTERM);
	wait_readable(h.f, out); /* its end */
	viv_control_finish(h.control, outcome);
	check_end(&h, &m, out, 121, "");
	viv_messages_close(&m);
	viv_messages_close(&n);
	close_control(&h);
}

static void test_stop_and_outcome(void **state)
{
	VIV_JSON *outcome = json_pack("{s:i, s:s}", "status", 120, "kind", "panic");
	struct viv_messages m, n;
	struct host h;

	open_control(&h, *state);
	viv_control_up(h.control);
	add_caller(&h, &m);
	add_caller(&h, &n);
	viv_messages_send(&m, json_pack("{s:s, s:b, s:i}", "do", "stop", "hard", 1, "limit_ms", 7200000),
			  NULL, 0);
	viv_messages_send(&n, json_pack("{s:s}", "do", "wait"), NULL, 0);
	{
		struct viv_messages o;
		VIV_JSON *j = NULL;

		add_caller(&h, &o);
		j = ask(&h, &o, "{\"do\":\"status\"}");
		assert_non_null(j);
		viv_messages_close(&o);
	}
	assert_int_equal(h.stops, 1);
	assert_true(h.hard);
	assert_int_equal(h.limit_ms, 7200000);
	viv_control_finish(h.control, outcome);
	{
		VIV_JSON *a = answer(&h, &m), *b = answer(&h, &n);

		assert_true(json_equal(json_object_get(a, "outcome"), outcome));
		assert_true(json_equal(a, b));
	}
	viv_messages_close(&m);
	viv_messages_close(&n);
	close_control(&h);
}

/* Keys up to their end: the guest gets them all, then who sent them is told. */
static void test_console_until_the_end_of_keys(void **state)
{
	const struct viv_console_events none = {0};
	struct viv_control_host host = {.shared = -1, .dir = "/nonexistent"};
	VIV_FD out = open("/dev/null", O_WRONLY | O_CLOEXEC), in = text_fd("typed");
	const int fds[] = {in, out};
	struct viv_messages m;
	struct host h;
	int ends[2];
	char typed[6] = "";

	open_control(&h, *state);
	viv_control_free(h.control);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(viv_console_new(h.f->loop, ends[0], NULL, &none, &host.console, NULL), 0);
	assert_int_equal(viv_control_new(h.f->loop, NULL, &host, &h.control, NULL), 0);
	add_caller(&h, &m);
	assert_int_equal(viv_messages_send(&m, json_pack("{s:s}", "do", "console"), fds, 2), 0);
	{
		VIV_JSON *j = answer(&h, &m);
		uint64_t status;

		assert_true(viv_json_u64(j, "status", 255, &status));
		assert_int_equal(status, 0);
	}
	assert_int_equal(read(ends[1], typed, 5), 5);
	assert_string_equal(typed, "typed");
	viv_messages_close(&m);
	close_control(&h);
	viv_console_free(host.console);
	close(ends[1]);
}

/* QEMU at the other end of its monitor: takes a command; its id. */
static uint64_t qemu_takes(struct host *h, int fd)
{
	char line[4096];
	VIV_JSON *j = NULL;
	uint64_t id;
	ssize_t n;

	wait_readable(h->f, fd);
	n = read(fd, line, sizeof(line));
	assert_true(n > 0);
	assert_int_equal(viv_json_parse(line, (size_t)n, "QMP", &j, NULL), 0);
	assert_true(viv_json_u64(j, "id", 100, &id));
	return id;
}

static void qemu_says(int fd, const char *text)
{
	assert_int_equal(viv_write_all(fd, text, strlen(text), "QMP", NULL), 0);
}

/* A QEMU that does not answer is given up on, and may be asked again; its late answer is for nobody. */
static void test_screenshot(void **state)
{
	const struct viv_qmp_events none = {0};
	char dir[] = "/tmp/viv-control-XXXXXX";
	struct viv_messages m, n;
	VIV_FREE char *late = NULL, *answer_text = NULL;
	struct host h;
	uint64_t first;
	int ends[2], fd;

	assert_non_null(mkdtemp(dir));
	open_control(&h, *state);
	viv_control_free(h.control);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	{
		struct viv_control_host host = {.agent = h.f->agent, .shared = -1, .dir = dir, .qemu_ms = 1};

		assert_int_equal(viv_qmp_new(h.f->loop, ends[0], &none, &host.qmp, NULL), 0);
		assert_int_equal(viv_control_new(h.f->loop, NULL, &host, &h.control, NULL), 0);
		qemu_says(ends[1], "{\"QMP\": {}}\n");
		qemu_takes(&h, ends[1]);
		qemu_says(ends[1], "{\"return\": {}, \"id\": 0}\n");
		add_caller(&h, &m);
		add_caller(&h, &n);
		viv_messages_send(&n, json_pack("{s:s}", "do", "screenshot"), NULL, 0);
		first = qemu_takes(&h, ends[1]);
		viv_messages_close(&n); /* who asked went away: nobody else is kept from asking */
		{
			VIV_JSON *j = ask(&h, &m, "{\"do\":\"screenshot\"}");

			assert_string_equal(viv_json_str(j, "error"),
					    "QEMU takes no screenshot: it does not answer");
		}
		qemu_takes(&h, ends[1]);
		late = viv_asprintf("%s/screen-1.png", dir);
		assert_int_equal(viv_write_file(late, "late", 4, 0600, NULL), 0);
		answer_text = viv_asprintf("{\"return\": {}, \"id\": %d}\n{\"return\": {}, \"id\": %d}\n",
					   (int)first, (int)first + 1);
		qemu_says(ends[1], answer_text);
		viv_messages_send(&m, json_pack("{s:s}", "do", "screenshot"), NULL, 0);
		{
			VIV_JSON *j = answer(&h, &m);

			assert_non_null(viv_json_str(j, "error")); /* a QEMU that is as slow as before */
		}
		assert_int_equal(access(late, F_OK), -1);
		fd = viv_messages_take_fd(&m, 0);
		assert_int_equal(fd, -1);
		viv_messages_close(&m);
		viv_qmp_free(host.qmp);
	}
	close_control(&h);
	close(ends[1]);
	rmdir(dir);
}

/* One more than there may be is told so: to be hung up on would mean that the machine has ended. */
static void test_too_many_callers(void **state)
{
	static struct viv_messages callers[VIV_CONTROL_CALLERS_MAX];
	const struct viv_control_host host = {.shared = -1, .dir = "/nonexistent", .status = on_status};
	struct viv_machine_dir dir = VIV_MACHINE_DIR_INIT;
	struct viv_messages more;
	char runtime[] = "/tmp/viv-control-XXXXXX";
	struct host h = {.f = *state};

	assert_non_null(mkdtemp(runtime));
	assert_int_equal(viv_machine_dir_take(runtime, "vm", true, &dir, NULL), 0);
	assert_int_equal(viv_control_new(h.f->loop, &dir, &host, &h.control, NULL), 0);
	for (size_t i = 0; i < VIV_CONTROL_CALLERS_MAX; i++) {
		assert_int_equal(viv_client_connect(runtime, "vm", 1000, &callers[i], NULL), 0);
		if (i % 100 == 99) { /* before the queue is full */
			VIV_JSON *j = ask(&h, &callers[i], "{\"do\":\"status\"}");

			assert_non_null(json_object_get(j, "machine"));
		}
	}
	assert_int_equal(viv_client_connect(runtime, "vm", 1000, &more, NULL), 0);
	{
		VIV_JSON *j = answer(&h, &more);

		assert_string_equal(viv_json_str(j, "error"), "the machine has too many callers");
	}
	viv_messages_close(&more);
	{ /* Who asks only when it was hung up on hears it, too. */
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(viv_client_connect(runtime, "vm", 1000, &more, NULL), 0);
		wait_readable(h.f, more.fd);
		assert_int_equal(viv_client_ask(&more, json_pack("{s:s}", "do", "status"), &err), -EAGAIN);
		assert_string_equal(err.msg, "the machine has too many callers");
		viv_error_clear(&err);
	}
	viv_messages_close(&more);
	for (size_t i = 0; i < VIV_CONTROL_CALLERS_MAX; i++)
		viv_messages_close(&callers[i]);
	close_control(&h);
	viv_machine_dir_release(&dir);
	rmdir(runtime);
}

static void test_bytes(void **state)
{
	char all[256];

	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	{
		VIV_JSON *j = viv_messages_bytes(all), *wide = json_string("\xc4\x80");
		VIV_FREE char *back = viv_messages_get_bytes(j);

		assert_string_equal(back, all);
		assert_null(viv_messages_get_bytes(wide));
		assert_null(viv_messages_get_bytes(NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status_and_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exec, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exec_waits_for_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_agent_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_agent_gone_while_booting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_early, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_early_units, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signal_and_caller_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended_by_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_outcome, setup, teardown),
		cmocka_unit_test_setup_teardown(test_console_until_the_end_of_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_screenshot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_callers, setup, teardown),
		cmocka_unit_test(test_bytes),
	};

	return run_with_each_agent(tests, VIV_ARRAY_SIZE(tests));
}
