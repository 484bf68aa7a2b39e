/* SPDX-License-Identifier: MIT */
/* A state's way between a socket and a file; QEMU's end is the test's. */
#include "unit.h"

#include "base/fd.h"
#include "run/disk.h"
#include "run/state.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define SIZE (3u << 20) /* more than sockets hold */

struct end {
	struct viv_loop *loop;
	int calls, code;
};

static void on_done(struct viv_state_transfer *t, int code, void *arg)
{
	struct end *e = arg;

	e->calls++;
	e->code = code;
	viv_loop_quit(e->loop, 0);
}

static char *pattern(void)
{
	char *p = viv_malloc(SIZE);

	for (size_t i = 0; i < SIZE; i++)
		p[i] = (char)(i * 7 ^ i >> 10);
	return p;
}

/* QEMU: writes all, or reads all and compares. An exit status. */
static pid_t start_peer(int fd, const char *data, bool writes)
{
	pid_t pid = fork();
	VIV_STR got = VIV_STR_INIT;

	if (pid)
		return pid;
	/* Our own end, too: it would never see it closed. */
	fd = dup2(fd, 3);
	close_range(4, ~0u, 0);
	if (writes) {
		viv_write_all(fd, data, SIZE, "peer", NULL);
		_exit(0);
	}
	_exit(viv_read_to_end(fd, SIZE, &got, "peer", NULL) < 0 || got.len != SIZE || memcmp(got.data, data, SIZE) != 0);
}

static int end_peer(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void take(int file, uint64_t max, int want, uint64_t bytes)
{
	struct end e = {0};
	VIV_FREE char *data = pattern();
	struct viv_state_transfer *t;
	int theirs;
	pid_t pid;

	assert_int_equal(viv_loop_new(&e.loop, NULL), 0);
	assert_int_equal(viv_state_take(e.loop, file, max, on_done, &e, &theirs, &t, NULL), 0);
	pid = start_peer(theirs, data, true);
	close(theirs);
	assert_int_equal(viv_loop_run(e.loop, NULL), 0);
	assert_int_equal(e.calls, 1);
	assert_int_equal(e.code, want);
	if (want == 0)
		assert_int_equal(viv_state_bytes(t), bytes);
	viv_state_free(t);
	end_peer(pid);
	viv_loop_free(e.loop);
}

static void test_there_and_back(void **state)
{
	VIV_FREE char *data = pattern();
	struct end e = {0};
	struct viv_state_transfer *t;
	VIV_FD file = -1;
	struct stat st;
	int theirs;
	pid_t pid;

	assert_int_equal(viv_disk_unnamed(&file, NULL), 0);
	take(file, SIZE, 0, SIZE);
	assert_int_equal(fstat(file, &st), 0);
	assert_int_equal(st.st_size, SIZE);
	assert_int_equal(viv_loop_new(&e.loop, NULL), 0);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(viv_state_give(e.loop, file, on_done, &e, &theirs, &t, NULL), 0);
		pid = start_peer(theirs, data, false);
		close(theirs);
		assert_int_equal(viv_loop_run(e.loop, NULL), 0);
		assert_int_equal(e.code, 0);
		assert_int_equal(viv_state_bytes(t), SIZE);
		viv_state_free(t);
		assert_int_equal(end_peer(pid), 0);
	}
	assert_int_equal(e.calls, 2);
	viv_loop_free(e.loop);
}

static void test_bounds(void **state)
{
	VIV_FD file = -1, full = open("/dev/full", O_RDWR | O_CLOEXEC);

	assert_int_equal(viv_disk_unnamed(&file, NULL), 0);
	take(file, SIZE - 1, -EFBIG, 0);
	take(full, SIZE, -ENOSPC, 0);
}

/* QEMU takes some of it, and ends. */
static void test_given_up(void **state)
{
	struct end e = {0};
	struct viv_state_transfer *t;
	VIV_FD file = -1;
	int theirs;

	assert_int_equal(viv_disk_unnamed(&file, NULL), 0);
	take(file, SIZE, 0, SIZE);
	assert_int_equal(viv_loop_new(&e.loop, NULL), 0);
	assert_int_equal(viv_state_give(e.loop, file, on_done, &e, &theirs, &t, NULL), 0);
	close(theirs);
	assert_int_equal(viv_loop_run(e.loop, NULL), 0);
	assert_int_equal(e.code, -EPIPE);
	viv_state_free(t);
	viv_state_free(NULL);
	viv_loop_free(e.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
