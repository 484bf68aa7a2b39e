/* SPDX-License-Identifier: MIT */
/* Streams: much data, flow control, readers that don't read, terminals. */
#include "agent_fixture.h"

#include <pthread.h>

#define MUCH (64u << 20)

/* The words of a stream that no loss, doubling or exchange leaves as it is. */
static uint64_t word_at(uint64_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15u;
}

struct end {
	int fd;
	size_t bytes; /* written, or read until the end */
	bool intact;
};

static void *produce(void *arg)
{
	struct end *e = arg;
	uint64_t words[1024];

	for (size_t at = 0; at < e->bytes; at += sizeof(words)) {
		for (size_t i = 0; i < 1024; i++)
			words[i] = word_at(at / 8 + i);
		if (viv_write_all(e->fd, words, sizeof(words), "pipe", NULL) < 0)
			break;
	}
	close(e->fd);
	return NULL;
}

static void *consume(void *arg)
{
	struct end *e = arg;
	uint64_t words[8192];
	size_t in_buffer = 0;
	ssize_t n;

	e->bytes = 0;
	e->intact = true;
	while ((n = read(e->fd, (char *)words + in_buffer, sizeof(words) - in_buffer)) > 0) {
		in_buffer += (size_t)n;
		for (size_t i = 0; i < in_buffer / 8; i++)
			e->intact &= words[i] == word_at(e->bytes / 8 + i);
		e->bytes += in_buffer / 8 * 8;
		memmove(words, (char *)words + in_buffer / 8 * 8, in_buffer % 8);
		in_buffer %= 8;
	}
	e->intact &= in_buffer == 0;
	close(e->fd);
	return NULL;
}

static void much_through_three_pipes(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"tee", "/dev/stderr", NULL};
	int in[2], out[2], err[2];
	struct end ends[3] = {{.bytes = MUCH}};
	pthread_t threads[3];
	struct result r;

	assert_int_equal(viv_pipe(in, NULL) | viv_pipe(out, NULL) | viv_pipe(err, NULL), 0);
	ends[0].fd = in[1];
	ends[1].fd = out[0];
	ends[2].fd = err[0];
	pthread_create(&threads[0], NULL, produce, &ends[0]);
	pthread_create(&threads[1], NULL, consume, &ends[1]);
	pthread_create(&threads[2], NULL, consume, &ends[2]);
	start_command(f,
		      &(struct viv_command_spec){
			      .argv = argv, .in_fd = in[0], .out_fd = out[1], .err_fd = err[1]},
		      &r);
	run_until(f, &r.done);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(r.status, 0);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(ends[i].bytes, MUCH);
		assert_true(ends[i].intact);
	}
}

static void much_through_files(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"cat", NULL};
	int in = (int)syscall(SYS_memfd_create, "in", 0),
	    out = (int)syscall(SYS_memfd_create, "out", 0);
	struct end source = {.fd = dup(in), .bytes = 8u << 20}, sink = {.fd = out};
	struct result r;

	produce(&source);
	lseek(in, 0, SEEK_SET);
	start_command(
		f,
		&(struct viv_command_spec){.argv = argv, .in_fd = in, .out_fd = out, .err_fd = -1},
		&r);
	run_until(f, &r.done);
	assert_int_equal(r.status, 0);
	lseek(out, 0, SEEK_SET);
	consume(&sink);
	assert_int_equal(sink.bytes, 8u << 20);
	assert_true(sink.intact);
	close(in);
}

/* A command that floods and whose output nobody reads holds up none of twenty others. */
static void one_floods_twenty_go_on(void **state)
{
	struct fixture *f = *state;
	const char *yes[] = {"yes", NULL};
	int flood[2];
	struct result flooded, others[20];
	struct viv_command *c;
	struct end sink;

	assert_int_equal(viv_pipe(flood, NULL), 0);
	c = start_command(f,
			  &(struct viv_command_spec){
				  .argv = yes, .in_fd = -1, .out_fd = flood[1], .err_fd = -1},
			  &flooded);
	wait_readable(f, flood[0]);
	for (int round = 0; round < 3; round++) {
		int outs[20];

		for (int i = 0; i < 20; i++) {
			VIV_FREE char *script = viv_asprintf("echo %d; exit %d", i, i);
			const char *argv[] = {"sh", "-c", script, NULL};

			outs[i] = (int)syscall(SYS_memfd_create, "out", 0);
			start_command(
				f,
				&(struct viv_command_spec){
					.argv = argv, .in_fd = -1, .out_fd = outs[i], .err_fd = -1},
				&others[i]);
		}
		for (int i = 0; i < 20; i++) {
			VIV_STR got = VIV_STR_INIT;
			VIV_FREE char *want = viv_asprintf("%d\n", i);

			run_until(f, &others[i].done);
			assert_int_equal(others[i].status, i);
			lseek(outs[i], 0, SEEK_SET);
			assert_int_equal(viv_read_to_end(outs[i], 100, &got, "out", NULL), 0);
			assert_string_equal(got.data, want);
			close(outs[i]);
		}
	}
	assert_false(flooded.done);
	assert_int_equal(viv_command_signal(c, SIGTERM), 0);
	check_shell(f, "echo after", NULL, 0, "after\n", "");
	assert_false(flooded.done); /* its output is still to be written */
	sink.fd = flood[0];
	{
		pthread_t thread;

		pthread_create(&thread, NULL, consume, &sink);
		run_until(f, &flooded.done);
		close(flood[1]);
		pthread_join(thread, NULL);
	}
	assert_int_equal(flooded.status, 143);
	assert_true(sink.bytes > 0); /* how much it came to write depends on who ran when */
}

/* Many that take input at once: all of them get their turn. */
static void many_inputs(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"sha256sum", NULL};
	struct result results[8];
	int outs[8];
	char first[64];

	for (int i = 0; i < 8; i++) {
		int in = (int)syscall(SYS_memfd_create, "in", 0);
		struct end source = {.fd = dup(in), .bytes = 4u << 20};

		produce(&source);
		lseek(in, 0, SEEK_SET);
		outs[i] = (int)syscall(SYS_memfd_create, "out", 0);
		start_command(f,
			      &(struct viv_command_spec){
				      .argv = argv, .in_fd = in, .out_fd = outs[i], .err_fd = -1},
			      &results[i]);
	}
	for (int i = 0; i < 8; i++) {
		char sum[64];

		run_until(f, &results[i].done);
		assert_int_equal(results[i].status, 0);
		assert_int_equal(pread(outs[i], sum, sizeof(sum), 0), sizeof(sum));
		if (i == 0)
			memcpy(first, sum, sizeof(sum));
		assert_memory_equal(sum, first, sizeof(sum));
		close(outs[i]);
	}
}

static void reader_goes_away(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"yes", NULL};
	int out[2];
	struct result r;

	assert_int_equal(viv_pipe(out, NULL), 0);
	start_command(f,
		      &(struct viv_command_spec){
			      .argv = argv, .in_fd = -1, .out_fd = out[1], .err_fd = -1},
		      &r);
	wait_readable(f, out[0]);
	close(out[0]);
	run_until(f, &r.done);
	assert_int_equal(r.status, 128 + SIGPIPE);
	assert_null(r.error);
	close(out[1]);
}

static void full_disk(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"yes", NULL};
	int out = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct result r;

	if (out < 0) {
		print_message("there is no /dev/full\n");
		skip();
	}
	start_command(
		f,
		&(struct viv_command_spec){.argv = argv, .in_fd = -1, .out_fd = out, .err_fd = -1},
		&r);
	run_until(f, &r.done);
	assert_int_equal(r.status, 125);
	assert_string_equal(r.error, "cannot write the command's output: No space left on device");
	free(r.error);
	close(out);
}

static void command_closes_its_stdin(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"sh", "-c", "exec <&-; sleep 0; echo closed", NULL};
	int in[2];
	struct end source = {.bytes = 16u << 20};
	pthread_t thread;
	struct result r;

	assert_int_equal(viv_pipe(in, NULL), 0);
	source.fd = in[1];
	pthread_create(&thread, NULL, produce, &source);
	start_command(f,
		      &(struct viv_command_spec){
			      .argv = argv, .in_fd = in[0], .out_fd = -1, .err_fd = -1},
		      &r);
	run_until(f, &r.done);
	assert_int_equal(r.status, 0);
	close(in[0]);
	pthread_join(thread, NULL);
}

/* Descriptors come back as they were. */
static void blocking_stays_blocking(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"cat", NULL};
	int in[2], pair[2];
	struct result r;

	assert_int_equal(viv_pipe(in, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	start_command(f,
		      &(struct viv_command_spec){
			      .argv = argv, .in_fd = in[0], .out_fd = pair[0], .err_fd = -1},
		      &r);
	assert_int_equal(fcntl(in[0], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(write(in[1], "x", 1), 1);
	close(in[1]);
	run_until(f, &r.done);
	assert_int_equal(r.status, 0);
	assert_int_equal(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
	close(in[0]);
	close(pair[0]);
	close(pair[1]);
}

static void too_many(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"cat", NULL};
	static struct result r[257];
	int in[2];
	struct viv_command_spec spec = {.argv = argv, .out_fd = -1, .err_fd = -1};

	assert_int_equal(viv_pipe(in, NULL), 0);
	spec.in_fd = in[0];
	for (int i = 0; i < 256; i++)
		start_command(f, &spec, &r[i]);
	assert_int_equal(viv_agent_run(f->agent, &spec, NULL, NULL, NULL, NULL), -EAGAIN);
	close(in[1]);
	for (int i = 0; i < 256; i++) {
		run_until(f, &r[i].done);
		assert_int_equal(r[i].status, 0);
	}
	check_shell(f, "echo again", NULL, 0, "again\n", "");
	close(in[0]);
}

static bool have_ptys(void)
{
	VIV_FD fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

/* Starts a script in a terminal of 30 rows and 100 columns, with a pipe at both ends. */
static struct viv_command *start_pty(struct fixture *f, const char *script, int *ret_in,
				     int *ret_out, struct result *r)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	static int theirs[2];
	int in[2], out[2];

	assert_int_equal(viv_pipe(in, NULL) | viv_pipe(out, NULL), 0);
	theirs[0] = in[0];
	theirs[1] = out[1];
	*ret_in = in[1];
	*ret_out = out[0];
	return start_command(f,
			     &(struct viv_command_spec){.argv = argv,
							.pty = true,
							.rows = 30,
							.columns = 100,
							.in_fd = theirs[0],
							.out_fd = theirs[1],
							.err_fd = -1},
			     r);
}

static void check_text(int fd, const char *want)
{
	char text[512];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
	close(fd);
}

static void terminal_with_resize(void **state)
{
	struct fixture *f = *state;
	struct viv_command *c;
	struct result r;
	int in, out;

	if (!have_ptys()) {
		print_message("no pseudo terminals here\n");
		skip();
	}
	c = start_pty(f, "echo $(stty size) $TERM; read x; stty size; exit 3", &in, &out, &r);
	wait_readable(f, out);
	assert_int_equal(viv_command_resize(c, 50, 132), 0);
	assert_int_equal(write(in, "\n", 1), 1);
	run_until(f, &r.done);
	assert_int_equal(r.status, 3);
	check_text(out, "30 100 linux\r\n\r\n50 132\r\n");
	close(in);
}

static void terminal_keys(void **state)
{
	struct fixture *f = *state;
	struct viv_command *c;
	struct result r;
	int in, out;

	if (!have_ptys()) {
		print_message("no pseudo terminals here\n");
		skip();
	}
	/* Ctrl-C is a byte; a signal goes to whoever is in the foreground; the end is Ctrl-D. */
	start_pty(f, "stty -echo; echo on; exec cat", &in, &out, &r);
	wait_readable(f, out);
	assert_int_equal(write(in, "\003", 1), 1);
	run_until(f, &r.done);
	assert_int_equal(r.status, 128 + SIGINT);
	close(in);
	close(out);
	c = start_pty(f, "echo on; exec cat", &in, &out, &r);
	wait_readable(f, out);
	assert_int_equal(viv_command_signal(c, SIGTERM), 0);
	run_until(f, &r.done);
	assert_int_equal(r.status, 128 + SIGTERM);
	close(in);
	close(out);
	start_pty(f, "stty -echo; echo on; cat; echo end", &in, &out, &r);
	wait_readable(f, out);
	close(in);
	run_until(f, &r.done);
	assert_int_equal(r.status, 0);
	check_text(out, "on\r\nend\r\n");
}

static void much_through_a_terminal(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"sh", "-c", "stty raw; exec head -c 4194304 /dev/zero", NULL};
	VIV_FD out = (int)syscall(SYS_memfd_create, "out", 0);
	struct result r;

	if (!have_ptys()) {
		print_message("no pseudo terminals here\n");
		skip();
	}
	start_command(f,
		      &(struct viv_command_spec){
			      .argv = argv, .pty = true, .in_fd = -1, .out_fd = out, .err_fd = -1},
		      &r);
	run_until(f, &r.done);
	assert_int_equal(r.status, 0);
	assert_int_equal(lseek(out, 0, SEEK_END), 4194304);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(much_through_three_pipes),
		WITH(much_through_files),
		WITH(one_floods_twenty_go_on),
		WITH(many_inputs),
		WITH(reader_goes_away),
		WITH(full_disk),
		WITH(command_closes_its_stdin),
		WITH(blocking_stays_blocking),
		WITH(too_many),
		WITH(terminal_with_resize),
		WITH(terminal_keys),
		WITH(much_through_a_terminal),
	};

	return run_with_each_agent(tests, VIV_ARRAY_SIZE(tests));
}
