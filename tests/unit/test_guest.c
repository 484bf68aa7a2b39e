/* SPDX-License-Identifier: MIT */
/* What a test keeps of a machine that ends. */
#include "unit.h"

#include "base/fd.h"
#include "run/disk.h"
#include "test/guest.c"

#include <sys/stat.h>

#define DISK_SIZE 12288

struct told {
	unsigned logs, warnings;
	char *last;
};

static void on_log(struct guest *g, const char *text, void *arg)
{
	struct told *t = arg;

	t->logs++;
	free(t->last);
	t->last = viv_strdup(text);
}

static void on_told_warning(struct guest *g, const char *text, void *arg)
{
	((struct told *)arg)->warnings++;
}

/* As the guest's second kernel leaves it (run/crash.h). */
static void write_dump_disk(int disk)
{
	static const char mark[] = "viv crash dump, bytes: 5\n";

	assert_int_equal(ftruncate(disk, 0), 0);
	assert_int_equal(ftruncate(disk, DISK_SIZE), 0);
	assert_int_equal(pwrite(disk, "bytes", 5, 0), 5);
	assert_int_equal(pwrite(disk, mark, sizeof(mark) - 1, DISK_SIZE - 4096), sizeof(mark) - 1);
}

/* A machine that panics again and again does not fill the disk. */
static void test_dumps(void **state)
{
	VIV_FREE char *dir = test_dir("guest"), *last = viv_asprintf("%s/web-%d.vmcore", dir, GUEST_DUMPS_MAX),
		      *more = viv_asprintf("%s/web-%d.vmcore", dir, GUEST_DUMPS_MAX + 1);
	struct told told = {0};
	struct guest g = {.name = (char *)"web", .results = dir, .dump = -1};

	g.events = (struct guest_events){.log = on_log, .warning = on_told_warning, .arg = &told};
	fetch_dump(&g); /* it has no such disk */
	assert_int_equal(viv_disk_unnamed(&g.dump, NULL), 0);
	assert_int_equal(ftruncate(g.dump, DISK_SIZE), 0);
	fetch_dump(&g); /* nothing is on it */
	assert_int_equal(told.logs, 0);
	for (unsigned i = 1; i <= GUEST_DUMPS_MAX + 3; i++) {
		write_dump_disk(g.dump);
		fetch_dump(&g);
		assert_int_equal(told.logs, VIV_MIN(i, GUEST_DUMPS_MAX + 1u));
	}
	assert_int_equal(told.warnings, 0);
	assert_string_equal(told.last, "8 crash dumps of it are kept: no more is");
	assert_true(viv_exists(last));
	assert_false(viv_exists(more));
	free(told.last);
	close(g.dump);
	assert_int_equal(viv_remove_tree(dir, NULL), 0);
}

static void check_end(enum viv_vm_end how, const char *text, const char *want)
{
	const struct guest g = {.starts = 1, .how = how, .end_text = (char *)text};
	VIV_FREE char *said = guest_end_text(&g);

	assert_string_equal(said, want);
}

static void test_ends(void **state)
{
	check_end(VIV_VM_POWEROFF, NULL, "it powered off");
	check_end(VIV_VM_QEMU, "QEMU ended: exit status 1; no memory", "QEMU ended: exit status 1; no memory");
	check_end(VIV_VM_QEMU, NULL, "QEMU ended");
	check_end(VIV_VM_INIT, "no root", "it did not find or start its system: no root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dumps),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
