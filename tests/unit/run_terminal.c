/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/local.h"
#include "run/keyboard.h"
#include "run/terminal.h"

#include "base/str.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <fcntl.h>
#include <unistd.h>

static const struct {
	enum viv_escape_kind kind;
	const char *in, *out;
	bool end;
} rows[] = {
	{VIV_ESCAPE_CTRL_A, "ls\r", "ls\r", false},
	{VIV_ESCAPE_CTRL_A, "ab\001x", "ab", true},
	{VIV_ESCAPE_CTRL_A, "\001Xrest", "", true},
	{VIV_ESCAPE_CTRL_A, "\001\001a", "\001a", false},
	{VIV_ESCAPE_CTRL_A, "\001b", "\001b", false},
	{VIV_ESCAPE_CTRL_A, "~.", "~.", false},
	{VIV_ESCAPE_TILDE, "~.", "", true},
	{VIV_ESCAPE_TILDE, "a~.", "a~.", false},
	{VIV_ESCAPE_TILDE, "a\r~.b", "a\r", true},
	{VIV_ESCAPE_TILDE, "~~.", "~.", false},
	{VIV_ESCAPE_TILDE, "~/bin\r", "~/bin\r", false},
	{VIV_ESCAPE_TILDE, "\001x", "\001x", false},
};

/* Whole, and key by key. */
static void test_rows(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		for (size_t step = strlen(rows[i].in); step > 0; step = step > 1 ? 1 : 0) {
			struct viv_escape e = VIV_ESCAPE_INIT(rows[i].kind);
			VIV_STR got = VIV_STR_INIT;
			bool end = false;

			viv_str_add(&got, "");
			for (size_t at = 0; at < strlen(rows[i].in) && !end; at += step) {
				char out[64];
				size_t n;

				end = viv_escape_feed(&e, rows[i].in + at, step, out, &n);
				viv_str_add_bytes(&got, out, n);
			}
			assert_int_equal(end, rows[i].end);
			assert_string_equal(got.data ? got.data : "", rows[i].out);
		}
	}
}

/* A terminal, and somebody who types more into it than is taken. */
struct typist {
	struct viv_loop *loop;
	size_t typed;
	bool cut_off;
};

static void on_cut_off(void *arg)
{
	struct typist *t = arg;

	t->cut_off = true;
	viv_loop_quit(t->loop, 0);
}

static void on_resized(unsigned short r, unsigned short c, void *arg)
{
}

static int on_room(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	static const char keys[1024] = "echo";
	static const size_t much = 3 << 20;
	struct typist *t = arg;
	ssize_t n;

	if (t->typed >= much) {
		viv_source_remove(s);
		assert_int_equal(write(fd, "\r~.", 3), 3);
		return 0;
	}
	n = write(fd, keys, sizeof(keys));
	t->typed += n > 0 ? (size_t)n : 0;
	return 0;
}

static int on_limit(struct viv_source *s, void *arg)
{
	return -ETIMEDOUT;
}

static void test_typed_ahead(void **state)
{
	struct typist t = {0};
	struct viv_keyboard_spec spec = {.escape = VIV_ESCAPE_TILDE,
					 .resized = on_resized,
					 .cut_off = on_cut_off,
					 .arg = &t};
	struct viv_keyboard *k = NULL;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	int slave;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	spec.fd = spec.out_fd = slave;
	assert_int_equal(viv_loop_new(&t.loop, NULL), 0);
	assert_int_equal(viv_keyboard_new(t.loop, &spec, &k, NULL), 0);
	assert_int_equal(viv_loop_add_io(t.loop, master, EPOLLOUT, on_room, &t, NULL, NULL), 0);
	assert_int_equal(viv_loop_add_timer(t.loop, 60000, on_limit, NULL, NULL, NULL), 0);
	assert_int_equal(viv_loop_run(t.loop, NULL), 0);
	assert_true(t.cut_off);
	viv_keyboard_free(k);
	viv_loop_free(t.loop);
	close(master);
	close(slave);
}

/* stdout and stderr are often one socket: that one of them has ended must not make the other block. */
static void sinks_of_one_socket(void **state)
{
	static const char much[1 << 20];
	struct sink a, b;
	int fds[2], code;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	sink_open(&a, fds[0]);
	sink_open(&b, fds[0]);
	sink_close(&a);
	alarm(30);
	assert_true(sink_write(&b, much, sizeof(much), &code) < sizeof(much));
	alarm(0);
	assert_int_equal(code, 0);
	assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	sink_close(&b);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sinks_of_one_socket),cmocka_unit_test(test_rows),
					   cmocka_unit_test(test_typed_ahead)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
