/* SPDX-License-Identifier: MIT */
#include "kernel_fixture.h"

#include "base/hash.h"
#include "kernel/kernel.h"

/* A kernel folder without modules, and two programs. */
struct fixture {
	char *dir, *init, *agent, *out;
	struct viv_initrd_spec spec;
};

static int set_up(void **state)
{
	struct fixture *f = viv_new(struct fixture);

	f->dir = test_dir("initrd");
	f->init = viv_path_join(f->dir, "i");
	f->agent = viv_path_join(f->dir, "a");
	f->out = viv_path_join(f->dir, "initrd");
	assert_int_equal(viv_write_file(f->init, "init\n", 5, 0755, NULL), 0);
	assert_int_equal(viv_write_file(f->agent, "agent", 5, 0755, NULL), 0);
	f->spec = (struct viv_initrd_spec){
		.kernel_dir = f->dir, .init = f->init, .agent = f->agent};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	viv_remove_tree(f->dir, NULL);
	free(f->dir);
	free(f->init);
	free(f->agent);
	free(f->out);
	free(f);
	return 0;
}

/* A reader of somebody else's: cpio, which is in every Debian that has an initramfs. */
static void listed_by_cpio(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *cpio = viv_find_program("cpio");
	VIV_STR data = VIV_STR_INIT;
	VIV_STR list = VIV_STR_INIT;
	const char *argv[] = {"cpio", "-t", "--quiet", NULL};
	struct viv_slice in;
	int status;

	if (!cpio) {
		print_message("skipped: no cpio\n");
		skip();
	}
	assert_int_equal(viv_initrd_write(&f->spec, f->out, NULL), 0);
	assert_int_equal(viv_read_file(f->out, 1 << 20, &data, NULL), 0);
	in = (struct viv_slice){data.data, data.len};
	assert_int_equal(viv_process_run(argv, NULL, &in, &list, NULL, 1 << 16, 60000, &status, NULL),
			 0);
	assert_int_equal(status, 0);
	assert_string_equal(list.data, "dev\nproc\nrun\nsys\nviv\nviv/modules\ndev/console\n"
				       "init\nviv/agent\n");
}

/* The first header whole: what the kernel reads, field by field. */
static void golden_bytes(void **state)
{
	struct fixture *f = *state;
	VIV_STR data = VIV_STR_INIT;

	assert_int_equal(viv_initrd_write(&f->spec, f->out, NULL), 0);
	assert_int_equal(viv_read_file(f->out, 1 << 20, &data, NULL), 0);
	assert_memory_equal(data.data,
			    "070701"   "00000001" "000041ed" "00000000" "00000000" "00000002"
			    "00000000" "00000000" "00000000" "00000000" "00000000" "00000000"
			    "00000004" "00000000" "dev\0\0\0",
			    116);
	assert_non_null(memmem(data.data, data.len, "TRAILER!!!", 10));
	assert_int_equal(data.len % 4, 0);
}

static void same_bytes(void **state)
{
	struct fixture *f = *state;
	VIV_STR first = VIV_STR_INIT;
	VIV_STR second = VIV_STR_INIT;
	struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};

	assert_int_equal(viv_initrd_write(&f->spec, f->out, NULL), 0);
	assert_int_equal(viv_read_file(f->out, 1 << 20, &first, NULL), 0);
	assert_int_equal(utimensat(AT_FDCWD, f->init, times, 0), 0);
	assert_int_equal(chmod(f->agent, 0700), 0);
	assert_int_equal(viv_initrd_write(&f->spec, f->out, NULL), 0);
	assert_int_equal(viv_read_file(f->out, 1 << 20, &second, NULL), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
}

static void nothing_is_left_of_a_failure(void **state)
{
	struct fixture *f = *state;
	VIV_ERROR err = VIV_ERROR_INIT;

	unlink(f->agent);
	assert_int_equal(viv_initrd_write(&f->spec, f->out, &err), -ENOENT);
	assert_true(strstr(err.msg, f->agent) != NULL);
	assert_false(viv_exists(f->out));
}

/* Bytes other than those that the initrd's id is of are not stored under it. */
static void programs_that_were_replaced(void **state)
{
	struct fixture *f = *state;
	char init[VIV_SHA256_HEX], agent[VIV_SHA256_HEX];
	VIV_ERROR err = VIV_ERROR_INIT;

	viv_sha256_of("init\n", 5, init);
	viv_sha256_of("agent", 5, agent);
	f->spec.init_sha256 = init;
	f->spec.agent_sha256 = agent;
	assert_int_equal(viv_initrd_write(&f->spec, f->out, NULL), 0);
	assert_int_equal(unlink(f->out), 0);
	assert_int_equal(viv_write_file(f->agent, "other", 5, 0755, NULL), 0);
	assert_int_equal(viv_initrd_write(&f->spec, f->out, &err), -EAGAIN);
	assert_true(strstr(err.msg, f->agent) != NULL);
	assert_false(viv_exists(f->out));
	f->spec.agent_sha256 = NULL;
	assert_int_equal(viv_initrd_write(&f->spec, f->out, NULL), 0);
}

/* Modules that depmod never saw: said, not left out. */
static void modules_without_indexes(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *modules = viv_path_join(f->dir, "modules");
	VIV_STRV wanted = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	viv_strv_push(&wanted, "overlay");
	f->spec.modules = &wanted;
	assert_int_equal(viv_mkdir_p(modules, 0755, NULL), 0);
	assert_true(viv_initrd_write(&f->spec, f->out, &err) < 0);
	assert_non_null(err.msg);
	assert_false(viv_exists(f->out));
}

/* What issue and design promise: init and agent are small. */
static void guest_programs_are_small(void **state)
{
	struct stat init, agent;

	assert_int_equal(stat(TEST_INIT, &init), 0);
	assert_int_equal(stat(TEST_AGENT, &agent), 0);
	assert_in_range(init.st_size + agent.st_size, 1, 300000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listed_by_cpio),
		TEST(golden_bytes),
		TEST(same_bytes),
		TEST(nothing_is_left_of_a_failure),
		TEST(programs_that_were_replaced),
		TEST(modules_without_indexes),
		TEST(guest_programs_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
