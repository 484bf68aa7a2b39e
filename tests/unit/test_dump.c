/* SPDX-License-Identifier: MIT */
/* What a test keeps of machines whose kernels panicked. */
#include "unit.h"

#include "base/fd.h"
#include "run/disk.h"
#include "test/dump.h"

#include <sys/stat.h>

#define MIB  (1 << 20)
#define SIZE (64 * MIB) /* of a disk; the dump is all but its last page */

struct world {
	struct guest g;
	struct viv_loop *loop;
	char *dir;
	struct viv_strv logs, warnings;
	unsigned turns, changes;
};

static void on_log(struct guest *g, const char *text, void *arg)
{
	viv_strv_push(&((struct world *)arg)->logs, text);
}

static void on_warning(struct guest *g, const char *text, void *arg)
{
	viv_strv_push(&((struct world *)arg)->warnings, text);
}

static void on_changed(struct guest *g, void *arg)
{
	struct world *w = arg;

	w->changes++;
	if (!dump_is_under_way(g))
		viv_loop_quit(w->loop, 0);
}

static int set_up(void **state)
{
	struct world *w = viv_new(struct world);

	w->dir = test_dir("dump");
	w->g = (struct guest){.name = (char *)"web", .results = w->dir, .dump = -1};
	w->g.events = (struct guest_events){.changed = on_changed, .log = on_log, .warning = on_warning, .arg = w};
	assert_int_equal(viv_loop_new(&w->loop, NULL), 0);
	w->g.loop = w->loop;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	dump_drop_all(&w->g);
	viv_close(w->g.dump);
	viv_loop_free(w->loop);
	viv_remove_tree(w->dir, NULL);
	viv_strv_free(&w->logs);
	viv_strv_free(&w->warnings);
	free(w->dir);
	free(w);
	return 0;
}

/* As the guest's second kernel leaves it (run/crash.h); in the folder `where`, NULL: with the results. */
static void panic(struct world *w, const char *where)
{
	VIV_FREE char *tmp = getenv("TMPDIR") ? viv_strdup(getenv("TMPDIR")) : NULL,
		      *mark = viv_asprintf("viv crash dump, bytes: %d\n", SIZE - 4096);

	viv_close(w->g.dump);
	setenv("TMPDIR", where ? where : w->dir, 1);
	assert_int_equal(viv_disk_blank(SIZE / MIB, "raw", &w->g.dump, NULL), 0);
	if (tmp)
		setenv("TMPDIR", tmp, 1);
	else
		unsetenv("TMPDIR");
	for (off_t at = 0; at < SIZE / 2; at += MIB)
		assert_int_equal(pwrite(w->g.dump, "bytes", 5, at), 5);
	assert_int_equal(pwrite(w->g.dump, mark, strlen(mark), SIZE - 4096), (ssize_t)strlen(mark));
	dump_fetch(&w->g);
}

/* Another file system than the results'. */
static const char *elsewhere(const struct world *w)
{
	struct stat here, there;

	if (stat(w->dir, &here) < 0 || stat("/dev/shm", &there) < 0 || here.st_dev == there.st_dev ||
	    access("/dev/shm", W_OK) < 0) {
		print_message("/dev/shm is no other file system than TMPDIR, or not writable\n");
		skip();
	}
	return "/dev/shm";
}

static void check_file(const struct world *w, const char *name)
{
	VIV_FREE char *path = viv_path_join(w->dir, name);
	struct stat st;
	char got[5] = "";
	VIV_FD fd = viv_open(path, O_RDONLY, 0, NULL);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, SIZE - 4096);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(pread(fd, got, 5, SIZE / 2 - MIB), 5);
	assert_memory_equal(got, "bytes", 5);
}

/* On one file system nothing is copied. A machine that panics again and again does not fill the disk. */
static void test_handed_over(void **state)
{
	struct world *w = *state;
	VIV_FREE char *more = viv_asprintf("%s/web-%d.vmcore", w->dir, GUEST_DUMPS_MAX + 1);
	struct stat disk;

	dump_fetch(&w->g); /* it has no such disk */
	assert_int_equal(viv_disk_unnamed(&w->g.dump, NULL), 0);
	assert_int_equal(ftruncate(w->g.dump, SIZE), 0);
	dump_fetch(&w->g); /* nothing is on it */
	assert_int_equal(w->logs.count, 0);
	for (unsigned i = 1; i <= GUEST_DUMPS_MAX + 3; i++) {
		panic(w, NULL);
		assert_false(dump_is_under_way(&w->g));
		assert_int_equal(w->logs.count, VIV_MIN(i, GUEST_DUMPS_MAX + 1u));
	}
	assert_int_equal(w->warnings.count, 0);
	assert_string_equal(w->logs.items[GUEST_DUMPS_MAX], "8 crash dumps of it are kept: no more is");
	check_file(w, "web.vmcore");
	check_file(w, "web-8.vmcore");
	assert_true(lstat(more, &disk) < 0);
}

static int on_turn(struct viv_source *s, void *arg)
{
	struct world *w = arg;

	w->turns++;
	return viv_loop_add_timer(w->loop, 0, on_turn, w, NULL, NULL);
}

/* On two it is, and the loop goes on meanwhile; one after the other, each under a name of its own. */
static void test_copied(void **state)
{
	struct world *w = *state;
	const char *where = elsewhere(w);

	panic(w, where);
	panic(w, where);
	assert_true(dump_is_under_way(&w->g));
	assert_int_equal(viv_loop_add_timer(w->loop, 0, on_turn, w, NULL, NULL), 0);
	assert_int_equal(viv_loop_run(w->loop, NULL), 0);
	assert_true(w->turns > 2);
	assert_int_equal(w->changes, 2);
	check_file(w, "web.vmcore");
	check_file(w, "web-2.vmcore");
	assert_int_equal(w->warnings.count, 0);
	assert_non_null(strstr(w->logs.items[0], "crash dump: copied to /"));
	assert_non_null(strstr(w->logs.items[3], "/web-2.vmcore"));
}

/* Those that wait count as well; of what the test's end cuts off nothing is left. */
static void test_cut_off(void **state)
{
	struct world *w = *state;
	const char *where = elsewhere(w);

	for (unsigned i = 0; i < GUEST_DUMPS_MAX + 2; i++)
		panic(w, where);
	assert_string_equal(w->logs.items[w->logs.count - 1], "8 crash dumps of it are kept: no more is");
	dump_drop_all(&w->g);
	assert_int_equal(w->warnings.count, GUEST_DUMPS_MAX);
	assert_int_equal(w->g.n_dumps, 0);
	assert_int_equal(rmdir(w->dir), 0);
}

/* One that can't be written makes room for the next. */
static void test_fails(void **state)
{
	struct world *w = *state;
	VIV_FREE char *gone = viv_path_join(w->dir, "gone");

	w->g.results = gone;
	panic(w, NULL);
	assert_int_equal(w->warnings.count, 1);
	assert_non_null(strstr(w->warnings.items[0], "gone/web.vmcore"));
	assert_int_equal(w->g.n_dumps, 0);
	w->g.results = w->dir;
	panic(w, NULL);
	check_file(w, "web.vmcore");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_copied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fails, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
