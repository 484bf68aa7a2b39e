/* SPDX-License-Identifier: MIT */
/* Connections that come and go, bytes that are nobody's, and a guest that breaks the rules. */
#include "agent_fixture.h"

#include "proto/proto.h"

static void put_garbage(struct fixture *f, size_t len, unsigned seed)
{
	VIV_FREE uint8_t *bytes = viv_malloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
	assert_int_equal(viv_write_all(f->port, bytes, len, "port", NULL), 0);
}

static void garbage_before_hello(void **state)
{
	struct fixture *f = *state;

	put_garbage(f, 100000, 1);
	connect_client(f);
	run_until(f, &f->ready);
	check_shell(f, "echo fine", NULL, 0, "fine\n", "");
}

/* Within a connection, a host that dies in the middle of a frame, after each number of its bytes.
 */
static void frames_cut_short(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[VIV_PROTO_MAX_FRAME];
	static const size_t cuts[] = {1, 2, 3, 4, 7, 8, 9, 100, VIV_PROTO_MAX_FRAME - 1};

	memset(frame, 0xff, sizeof(frame));
	viv_proto_header(frame, VIV_PROTO_DATA, VIV_PROTO_STDIN, 1, VIV_PROTO_MAX_PAYLOAD);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cuts); i++) {
		connect_client(f);
		run_until(f, &f->ready);
		viv_agent_free(viv_steal(f->agent));
		assert_int_equal(viv_write_all(f->port, frame, cuts[i], "port", NULL), 0);
	}
	connect_client(f);
	run_until(f, &f->ready);
	check_shell(f, "echo fine", NULL, 0, "fine\n", "");
}

/* A RUN that was cut short runs nothing, wherever it was cut. */
static void run_cut_short(void **state)
{
	static const char strings[] = "\0\0sh\0-c\0touch $1; touch $2\0x\0";
	struct fixture *f = *state;
	char dir[] = "/tmp/viv-agent-XXXXXX";
	VIV_FREE char *file = NULL;
	VIV_STR s = VIV_STR_INIT;
	struct viv_proto_run run = {.argc = 6, .window = 4096};
	uint8_t fixed[VIV_PROTO_RUN_SIZE], header[VIV_PROTO_HEADER];

	assert_non_null(mkdtemp(dir));
	file = viv_asprintf("%s/file", dir);
	viv_proto_put_run(fixed, &run);
	viv_str_add_bytes(&s, fixed, sizeof(fixed));
	viv_str_add_bytes(&s, strings, sizeof(strings) - 1);
	viv_str_add_bytes(&s, file, strlen(file) + 1);
	viv_str_add_bytes(&s, file, strlen(file) + 1);
	viv_proto_header(header, VIV_PROTO_RUN, 0, 1, s.len);
	for (size_t cut = 0; cut < s.len - 1; cut++) {
		connect_client(f);
		run_until(f, &f->ready);
		viv_agent_free(viv_steal(f->agent));
		assert_int_equal(viv_write_all(f->port, header, sizeof(header), "port", NULL), 0);
		assert_int_equal(viv_write_all(f->port, s.data, cut, "port", NULL), 0);
	}
	connect_client(f);
	run_until(f, &f->ready);
	check_shell(f, "true", NULL, 0, "", "");
	assert_int_equal(rmdir(dir), 0);
}

/* Garbage within a connection: the agent says so, and the next client is served. */
static void garbage_in_mid_connection(void **state)
{
	struct fixture *f = *state;
	static const uint8_t bad[VIV_PROTO_HEADER] = {200, 1, 2, 3, 4, 5, 6, 7};
	bool lost = false;

	connect_client(f);
	run_until(f, &f->ready);
	assert_int_equal(viv_write_all(f->port, bad, sizeof(bad), "port", NULL), 0);
	while (!lost) {
		assert_int_equal(viv_loop_run(f->loop, NULL), 0);
		lost = f->lost != NULL;
	}
	assert_string_equal(f->lost, "the guest's agent has ended, or lost track of the connection");
	free(viv_steal(f->lost));
	viv_agent_free(viv_steal(f->agent));
	put_garbage(f, 5000, 2);
	connect_client(f);
	run_until(f, &f->ready);
	check_shell(f, "echo fine", NULL, 0, "fine\n", "");
}

/* Not with sanitizers: they take more address space than this. */
static int setup_starved(void **state)
{
	struct fixture *f = viv_new(struct fixture);

	f->program = TEST_AGENT;
	f->limit_kib = 1300;
	start_agent(f);
	*state = f;
	return 0;
}

/* Too little memory for one command is that command's failure, nothing else. */
static void no_memory(void **state)
{
	struct fixture *f = *state;
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_FREE char *word = NULL, *error = NULL;
	VIV_STR out = VIV_STR_INIT, err = VIV_STR_INIT;
	struct viv_command_spec spec = {.in_fd = -1};

	connect_client(f);
	run_until(f, &f->ready);
	word = viv_malloc(100001);
	memset(word, 'x', 100000);
	word[100000] = '\0';
	viv_strv_push(&argv, "echo");
	for (int i = 0; i < 9; i++)
		viv_strv_push(&argv, word);
	spec.argv = (const char *const *)argv.items;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run_spec(f, &spec, &out, &err, &error), 125);
		assert_string_equal(error,
				    "echo: the guest cannot start it: Cannot allocate memory");
		free(viv_steal(error));
	}
	assert_null(f->lost);
}

static pid_t read_pid(int fd)
{
	char text[32];
	ssize_t n = read(fd, text, sizeof(text));
	uint64_t pid = 0;

	assert_true(n > 0);
	assert_true(
		viv_slice_u64(viv_slice_trim((struct viv_slice){text, (size_t)n}), 1 << 30, &pid));
	return (pid_t)pid;
}

/* A client goes away while both directions are full; the next one starts afresh. */
static void reconnects_in_mid_stream(void **state)
{
	struct fixture *f = *state;
	const char *flood[] = {"sh", "-c", "echo $$; exec yes", NULL};
	const char *sink[] = {"sh", "-c", "echo $$; exec sleep 1000", NULL};

	for (int round = 0; round < 3; round++) {
		struct result r[3];
		int out[2][2], zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		pid_t pids[2];

		connect_client(f);
		run_until(f, &f->ready);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(viv_pipe(out[i], NULL), 0);
			start_command(f,
				      &(struct viv_command_spec){.argv = i ? sink : flood,
								 .in_fd = zero,
								 .out_fd = out[i][1],
								 .err_fd = -1},
				      &r[i]);
			wait_readable(f, out[i][0]);
		}
		/* The agent's line is full of output and of credits that we don't take. */
		check_shell(f, "true", NULL, 0, "", "");
		viv_agent_free(viv_steal(f->agent));
		for (int i = 0; i < 2; i++) {
			if (i == 0) { /* the first line only */
				char line[32];
				size_t n = 0;

				while (read(out[0][0], line + n, 1) == 1 && line[n] != '\n')
					n++;
				line[n] = '\0';
				pids[0] = (pid_t)strtol(line, NULL, 10);
			} else {
				pids[1] = read_pid(out[1][0]);
			}
			assert_false(r[i].done);
		}
		connect_client(f);
		run_until(f, &f->ready);
		for (int i = 0; i < 2; i++) {
			wait_gone(pids[i]); /* the agent ended them */
			close(out[i][0]);
			close(out[i][1]);
		}
		check_shell(f, "cat", "fine\n", 0, "fine\n", "");
		viv_agent_free(viv_steal(f->agent));
		close(zero);
	}
}

static void guest_goes_away(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"sh", "-c", "echo started; exec cat", NULL};
	int in[2], out[2];
	struct result r;

	connect_client(f);
	run_until(f, &f->ready);
	assert_int_equal(viv_pipe(in, NULL) | viv_pipe(out, NULL), 0);
	start_command(f,
		      &(struct viv_command_spec){
			      .argv = argv, .in_fd = in[0], .out_fd = out[1], .err_fd = -1},
		      &r);
	wait_readable(f, out[0]);
	assert_int_equal(kill(f->pid, SIGKILL), 0);
	run_until(f, &r.done);
	assert_int_equal(r.status, 121);
	assert_string_equal(r.error, "the connection to the guest was closed");
	assert_string_equal(f->lost, r.error);
	free(r.error);
	assert_int_equal(viv_agent_run(f->agent, &(struct viv_command_spec){.argv = argv}, NULL,
				       NULL, NULL, NULL),
			 -EAGAIN);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

/* From here on the test is the guest. */
static int setup_guest(void **state)
{
	struct fixture *f = viv_new(struct fixture);
	const struct viv_agent_events events = {on_ready, on_booted, on_lost, f};
	int ends[2];

	assert_int_equal(viv_loop_new(&f->loop, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(viv_agent_new(f->loop, ends[0], &events, &f->agent, NULL), 0);
	f->port = ends[1];
	*state = f;
	return 0;
}

static int teardown_guest(void **state)
{
	struct fixture *f = *state;

	viv_agent_free(f->agent);
	close(f->port);
	viv_loop_free(f->loop);
	free(f->lost);
	free(f);
	return 0;
}

static void guest_sends(struct fixture *f, uint8_t type, uint8_t flags, uint32_t id,
			const void *payload, size_t len)
{
	uint8_t frame[VIV_PROTO_MAX_FRAME];

	viv_proto_header(frame, type, flags, id, len);
	if (len)
		memcpy(frame + VIV_PROTO_HEADER, payload, len);
	assert_int_equal(viv_write_all(f->port, frame, VIV_PROTO_HEADER + len, "port", NULL), 0);
}

static void run_until_lost(struct fixture *f)
{
	while (!f->lost)
		assert_int_equal(viv_loop_run(f->loop, NULL), 0);
}

/* Reads the client's greeting and answers it, with `versions`. */
/* Reads `padding` zeros and a HELLO. */
static void guest_hears(struct fixture *f, size_t padding, struct viv_proto_hello *ret)
{
	static uint8_t in[VIV_PROTO_PADDING + VIV_PROTO_HEADER + VIV_PROTO_HELLO_SIZE];
	size_t at = 0, len = padding + VIV_PROTO_HEADER + VIV_PROTO_HELLO_SIZE;
	struct viv_frame frame;

	wait_readable(f, f->port);
	while (at < len) {
		ssize_t n = read(f->port, in + at, len - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	if (padding)
		assert_int_equal(viv_proto_parse(in, len, true, &frame), padding);
	assert_true(viv_proto_parse(in + padding, len - padding, true, &frame) > 0);
	assert_int_equal(frame.type, VIV_PROTO_HELLO);
	assert_true(viv_proto_get_hello(&frame, ret));
}

static void guest_welcomes(struct fixture *f, struct viv_proto_hello *m, uint16_t version)
{
	uint8_t payload[VIV_PROTO_HELLO_SIZE];

	m->oldest = m->newest = version;
	viv_proto_put_hello(payload, m);
	guest_sends(f, VIV_PROTO_WELCOME, 0, 0, payload, sizeof(payload));
}

static void guest_greets(struct fixture *f, uint16_t version)
{
	struct viv_proto_hello m;

	guest_hears(f, VIV_PROTO_PADDING, &m);
	guest_welcomes(f, &m, version);
}

static void no_common_version(void **state)
{
	struct fixture *f = *state;

	guest_greets(f, 0);
	run_until_lost(f);
	assert_string_equal(f->lost,
			    "the guest's agent speaks none of this viv's versions of the protocol");
}

static void welcome_of_another(void **state)
{
	struct fixture *f = *state;
	struct viv_proto_hello m = {.nonce = "another", .oldest = 2, .newest = 2};
	uint8_t payload[VIV_PROTO_HELLO_SIZE];

	viv_proto_put_hello(payload, &m);
	guest_sends(f, VIV_PROTO_WELCOME, 0, 0, payload, sizeof(payload));
	guest_sends(f, VIV_PROTO_BOOTED, 0, 0, NULL, 0);
	guest_greets(f, VIV_PROTO_NEWEST);
	run_until(f, &f->ready);
	assert_false(f->booted);
	assert_null(f->lost);
}

/* The firmware has taken the first HELLO; or not, and the agent answers both. */
static void greeted_anew(void **state)
{
	struct fixture *f = *state;
	struct viv_proto_hello first, second;

	guest_hears(f, VIV_PROTO_PADDING, &first);
	viv_agent_greet(f->agent);
	guest_hears(f, 0, &second);
	guest_welcomes(f, &first, VIV_PROTO_NEWEST);
	guest_sends(f, VIV_PROTO_BOOTED, 0, 0, NULL, 0);
	guest_welcomes(f, &second, VIV_PROTO_NEWEST);
	run_until(f, &f->ready);
	assert_false(f->booted);
	assert_null(f->lost);
	viv_agent_greet(f->agent); /* no more: it would end what runs */
	assert_int_equal(recv(f->port, &first, 1, MSG_DONTWAIT), -1);
}

/* One frame each that a guest must not send while channel 1 runs. */
static void rules_broken(void **state)
{
	static const uint8_t zeros[VIV_PROTO_MAX_PAYLOAD], much[4] = {0, 0, 0, 1};
	static const struct {
		uint8_t type, flags;
		uint32_t id;
		size_t len;
		bool before_started;
		const char *lost;
	} cases[] = {
		{VIV_PROTO_DATA, 1, 2, 10, false, "(DATA on channel 2)"},
		{VIV_PROTO_DATA, 2, 1, 10, false, "(DATA on channel 1)"}, /* not asked for */
		{VIV_PROTO_DATA, 1, 1, 10, true, "(DATA on channel 1)"},
		{VIV_PROTO_DATA, 0, 1, 10, false, "(no valid frame)"},
		{VIV_PROTO_DATA, 1, 1, 0, false, "(no valid frame)"},
		{VIV_PROTO_STARTED, 0, 1, 8, false, "(STARTED on channel 1)"},
		{VIV_PROTO_FAILED, 0, 1, 8, false, "(FAILED on channel 1)"},
		{VIV_PROTO_EXIT, 0, 1, 4, true, "(EXIT on channel 1)"},
		{VIV_PROTO_EXIT, 0, 9, 4, false, "(EXIT on channel 9)"},
		{VIV_PROTO_EXIT, 0, 1, 5, false, "(no valid frame)"},
		{VIV_PROTO_DONE, 0, 1, 4, false, "(DONE on channel 1)"},
		{VIV_PROTO_CREDIT, 0, 1, 4, false, "(CREDIT on channel 1)"},
		{VIV_PROTO_RUN, 0, 1, 4, false, "(no valid frame)"},
		{VIV_PROTO_WELCOME, 0, 0, 28, false, "(WELCOME on channel 0)"},
		{99, 0, 1, 4, false, "(no valid frame)"},
	};
	const char *argv[] = {"x", NULL};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		struct fixture *f;
		VIV_FD out = open("/dev/null", O_WRONLY | O_CLOEXEC);
		struct result r;

		setup_guest(state);
		f = *state;
		guest_greets(f, VIV_PROTO_NEWEST);
		run_until(f, &f->ready);
		start_command(f,
			      &(struct viv_command_spec){
				      .argv = argv, .in_fd = -1, .out_fd = out, .err_fd = -1},
			      &r);
		if (!cases[i].before_started)
			guest_sends(f, VIV_PROTO_STARTED, 0, 1, zeros, VIV_PROTO_STARTED_SIZE);
		guest_sends(f, cases[i].type, cases[i].flags, cases[i].id,
			    cases[i].type == VIV_PROTO_CREDIT ? much : zeros, cases[i].len);
		if (cases[i].type == VIV_PROTO_CREDIT) /* the first one may be within the limit */
			guest_sends(f, VIV_PROTO_CREDIT, 0, 1, much, 4);
		run_until_lost(f);
		if (!viv_ends_with(f->lost, cases[i].lost))
			fail_msg("case %zu: %s", i, f->lost);
		assert_true(r.done);
		assert_int_equal(r.status, 121);
		free(r.error);
		teardown_guest(state);
	}
}

/* More than the window, to a reader that doesn't read. */
static void window_overrun(void **state)
{
	static const uint8_t zeros[VIV_PROTO_MAX_PAYLOAD];
	struct fixture *f = *state;
	const char *argv[] = {"x", NULL};
	uint8_t frame[VIV_PROTO_HEADER + 1024] = {0};
	int out[2], sent = 0;
	struct result r;

	guest_greets(f, VIV_PROTO_NEWEST);
	run_until(f, &f->ready);
	assert_int_equal(viv_pipe(out, NULL), 0);
	start_command(f,
		      &(struct viv_command_spec){
			      .argv = argv, .in_fd = -1, .out_fd = out[1], .err_fd = -1},
		      &r);
	guest_sends(f, VIV_PROTO_STARTED, 0, 1, zeros, VIV_PROTO_STARTED_SIZE);
	viv_proto_header(frame, VIV_PROTO_DATA, 1, 1, 1024);
	while (viv_write_all(f->port, frame, sizeof(frame), "port", NULL) == 0) {
		struct viv_source *tick;

		assert_int_equal(viv_loop_add_timer(f->loop, 0, on_time_limit, NULL, &tick, NULL),
				 0);
		viv_loop_run(f->loop, NULL);
		sent++;
	}
	assert_in_range(sent, 256, 258);
	/* The command is done only when what came within the window is written. */
	assert_false(r.done);
	close(out[0]);
	run_until(f, &r.done);
	assert_int_equal(r.status, 121);
	assert_string_equal(f->lost, "the guest's agent broke the protocol (DATA on channel 1)");
	free(r.error);
	close(out[1]);
}

/* The guest is gone, and output of a command that ended and of one that did not is not taken. */
static void reader_holds_up_the_end(void **state)
{
	static const uint8_t zeros[VIV_PROTO_MAX_PAYLOAD];
	struct fixture *f = *state;
	const char *argv[] = {"x", NULL};
	int out[2];
	struct viv_command_spec spec = {.argv = argv, .in_fd = -1, .err_fd = -1, .drain_ms = 1};
	struct result r[2];

	guest_greets(f, VIV_PROTO_NEWEST);
	run_until(f, &f->ready);
	assert_int_equal(viv_pipe(out, NULL), 0);
	assert_true(fcntl(out[1], F_SETPIPE_SZ, 4096) > 0);
	spec.out_fd = out[1];
	for (uint32_t id = 1; id <= 2; id++) {
		start_command(f, &spec, &r[id - 1]);
		guest_sends(f, VIV_PROTO_STARTED, 0, id, zeros, VIV_PROTO_STARTED_SIZE);
		guest_sends(f, VIV_PROTO_DATA, 1, id, zeros, 8192);
	}
	guest_sends(f, VIV_PROTO_EXIT, 0, 1, zeros, VIV_PROTO_EXIT_SIZE);
	assert_int_equal(shutdown(f->port, SHUT_RDWR), 0);
	run_until(f, &r[0].done);
	run_until(f, &r[1].done);
	assert_int_equal(r[0].status, 125);
	assert_int_equal(r[1].status, 121);
	assert_string_equal(r[0].error, "the machine has ended, and nobody took the command's output");
	assert_string_equal(r[1].error, "the connection to the guest was closed");
	assert_string_equal(f->lost, r[1].error);
	for (int i = 0; i < 2; i++) {
		free(r[i].error);
		close(out[i]);
	}
}

/* The guest closes its port, which only QEMU's monitor tells: what had come before counts. */
static void port_closed(void **state)
{
	static const uint8_t zeros[VIV_PROTO_MAX_PAYLOAD];
	struct fixture *f = *state;
	const char *argv[] = {"x", NULL};
	struct viv_command_spec spec = {.argv = argv, .in_fd = -1, .out_fd = -1, .err_fd = -1};
	struct result r[2];

	viv_agent_hang_up(f->agent); /* before it was there: nothing */
	guest_greets(f, VIV_PROTO_NEWEST);
	run_until(f, &f->ready);
	for (uint32_t id = 1; id <= 2; id++) {
		start_command(f, &spec, &r[id - 1]);
		guest_sends(f, VIV_PROTO_STARTED, 0, id, zeros, VIV_PROTO_STARTED_SIZE);
	}
	guest_sends(f, VIV_PROTO_EXIT, 0, 1, zeros, VIV_PROTO_EXIT_SIZE);
	viv_agent_hang_up(f->agent);
	run_until(f, &r[0].done);
	run_until(f, &r[1].done);
	assert_int_equal(r[0].status, 0);
	assert_null(r[0].error);
	assert_int_equal(r[1].status, 121);
	assert_string_equal(r[1].error, "the guest's agent has ended");
	free(r[1].error);
}

#define WITH(test)     cmocka_unit_test_setup_teardown(test, setup_bare, teardown)
#define AS_GUEST(test) cmocka_unit_test_setup_teardown(test, setup_guest, teardown_guest)


struct answered {
	struct fixture *f;
	int code;
	char *text;
	bool done;
};

static void on_answer(struct viv_agent *a, int code, const char *text, void *arg)
{
	struct answered *to = arg;

	to->code = code;
	to->text = viv_strdup(text);
	to->done = true;
	viv_loop_quit(to->f->loop, 0);
}

/* No guest's answer looks as if its machine had gone, or our time or a signal had ended the wait. */
static void codes_of_watches(void **state)
{
	static const struct {
		int code, want;
		const char *text;
	} cases[] = {
		{0, 0, ""}, {ENOENT, -ENOENT, ""}, {EINVAL, -EINVAL, ""}, {ENAMETOOLONG, -ENAMETOOLONG, ""},
		{EIO, -EPROTO, "its agent says: Input/output error"},
		{ENOTCONN, -EPROTO, "its agent says: Transport endpoint is not connected"},
		{ETIMEDOUT, -EPROTO, "its agent says: Connection timed out"},
		{EINTR, -EPROTO, "its agent says: Interrupted system call"},
		{65536, -EPROTO, "its agent says: Unknown error 4095"}, {-1, -EPROTO, "its agent says: Unknown error 4095"},
	};
	const char *words[] = {"/x", NULL};
	const struct viv_watch_spec spec = {"file", words};
	struct fixture *f = *state;

	guest_greets(f, VIV_PROTO_NEWEST);
	run_until(f, &f->ready);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		struct answered got = {.f = f};
		uint8_t code[4];

		viv_put32(code, (uint32_t)cases[i].code);
		assert_int_equal(viv_agent_watch(f->agent, &spec, on_answer, &got, NULL, NULL), 0);
		guest_sends(f, VIV_PROTO_DONE, 0, (uint32_t)i + 1, code, sizeof(code));
		run_until(f, &got.done);
		assert_int_equal(got.code, cases[i].want);
		assert_string_equal(got.text, cases[i].text);
		free(got.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(garbage_before_hello),
		WITH(frames_cut_short),
		WITH(run_cut_short),
		WITH(garbage_in_mid_connection),
		WITH(reconnects_in_mid_stream),
		WITH(guest_goes_away),
	};
	const struct CMUnitTest starved[] = {
		cmocka_unit_test_setup_teardown(no_memory, setup_starved, teardown),
	};
	const struct CMUnitTest as_guest[] = {
		AS_GUEST(no_common_version),
		AS_GUEST(welcome_of_another),
		AS_GUEST(greeted_anew),
		cmocka_unit_test(rules_broken),
		AS_GUEST(window_overrun),
		AS_GUEST(reader_holds_up_the_end),
		AS_GUEST(port_closed),
		AS_GUEST(codes_of_watches),
	};

	return run_with_each_agent(tests, VIV_ARRAY_SIZE(tests)) +
	       cmocka_run_group_tests(starved, NULL, NULL) +
	       cmocka_run_group_tests(as_guest, NULL, NULL);
}
