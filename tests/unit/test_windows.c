/* SPDX-License-Identifier: MIT */
/* What a machine tells of its windows is bounded, whatever it tells: guest-command.c's lines, methods-desktop.c's names. */
#include "unit.h"

#include "base/loop.h"
#include "../../src/test/guest-command.c"
#include "../../src/test/methods-desktop.c"

static bool tell(struct windows *w, const char *line)
{
	return on_line(viv_slice(line), w);
}

static void tellings(void **state)
{
	VIV_CLEANUP(windows_free) struct windows w = {.pattern = "^b$"};

	assert_true(tell(&w, "a"));
	assert_true(tell(&w, ""));
	assert_true(w.told && !w.enough);
	assert_int_equal(w.names.count, 1);
	assert_true(tell(&w, "a"));
	assert_true(tell(&w, "b"));
	assert_false(tell(&w, ""));
	assert_true(w.enough);
	assert_string_equal(w.match, "b");
}

static void too_many(void **state)
{
	VIV_CLEANUP(windows_free) struct windows w = {.pattern = "b"};

	for (int i = 0; i < NAMES_MAX; i++)
		assert_true(tell(&w, "a"));
	assert_true(tell(&w, ""));
	assert_int_equal(w.names.count, NAMES_MAX);
	for (int i = 0; i < NAMES_MAX; i++)
		assert_true(tell(&w, "a"));
	assert_false(w.wrong);
	assert_false(tell(&w, "a"));
	assert_true(w.wrong);
	assert_int_equal(w.coming.count, NAMES_MAX);
}

static void too_long(void **state)
{
	VIV_CLEANUP(windows_free) struct windows w = {0};
	char name[NAME_BYTES + 2];

	memset(name, 'x', sizeof(name));
	assert_true(on_line((struct viv_slice){name, NAME_BYTES}, &w));
	assert_false(on_line((struct viv_slice){name, NAME_BYTES + 1}, &w));
	assert_true(w.wrong);
}

static bool count_line(struct viv_slice line, void *arg)
{
	size_t *n = arg;

	assert_true(line.len < 1000);
	++*n;
	return true;
}

/* As much as a command likes to say, as long as its lines have ends. */
static void endless_lines(void **state)
{
	size_t n = 0;
	const struct runner_command spec = {.max_output = 4096, .line = count_line, .arg = &n, .forget_lines = true};
	struct runner_output out = {0};
	struct running p = {.spec = &spec, .ret = &out};
	char text[1500];
	int fds[2];

	assert_int_equal(viv_pipe(fds, NULL), 0);
	assert_int_equal(viv_loop_new(&p.loop, NULL), 0);
	p.out = (struct stream){.running = &p, .read_fd = fds[0], .to = &out.out};
	memset(text, 'x', sizeof(text));
	text[699] = '\n';
	for (int i = 0; i < 100; i++) {
		assert_int_equal(write(fds[1], text, 1000), 1000);
		assert_true(read_some(&p.out));
		assert_int_equal(out.out.len, 300);
	}
	assert_int_equal(n, 100);
	for (int i = 0; i < 3 && !p.too_much; i++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(write(fds[1], text, sizeof(text)), sizeof(text));
		read_some(&p.out);
	}
	assert_true(p.too_much);
	assert_int_equal(out.out.len, 4096);
	runner_output_free(&out);
	viv_loop_free(p.loop);
	viv_close(fds[0]);
	viv_close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tellings),
		cmocka_unit_test(too_many),
		cmocka_unit_test(too_long),
		cmocka_unit_test(endless_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
