/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"
#include "qemu/accel.h"

#include <sys/stat.h>
#include <unistd.h>

static void test_names(void **state)
{
	enum viv_accel_wish wish;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(viv_accel_wish_parse("kvm", &wish, NULL), 0);
	assert_int_equal(wish, VIV_ACCEL_WISH_KVM);
	assert_int_equal(viv_accel_wish_parse("xen", &wish, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "\"xen\": auto, kvm or tcg"));
}

static void test_no_device(void **state)
{
	bool keep = true;
	VIV_FREE char *why = viv_kvm_test("/nowhere/kvm", 1000, &keep);

	assert_string_equal(why, "there is no /nowhere/kvm");
	assert_false(keep);
}

static void test_wrong_device(void **state)
{
	bool keep = true;
	VIV_FREE char *why = viv_kvm_test("/dev/null", 1000, &keep);

	assert_string_equal(why, "/dev/null is not what it should be");
	assert_false(keep);
}

static void test_no_permission(void **state)
{
	char path[] = "/tmp/viv-test-XXXXXX";
	bool keep = true;
	VIV_FREE char *why = NULL;

	if (geteuid() == 0) {
		print_message("root may open anything\n");
		skip();
	}
	close(mkstemp(path));
	chmod(path, 0);
	why = viv_kvm_test(path, 1000, &keep);
	unlink(path);
	assert_non_null(strstr(why, "usermod -aG kvm"));
	assert_false(keep);
}

/* Whatever the answer here is: it comes within the limit, and the second time from the file. */
static void test_choose(void **state)
{
	char dir[] = "/tmp/viv-test-XXXXXX";
	enum viv_accel accel[2];
	char *why[2];
	VIV_STR kept = VIV_STR_INIT;
	VIV_FREE char *file = NULL;
	int64_t start = viv_now_ms();

	assert_non_null(mkdtemp(dir));
	setenv("XDG_CACHE_HOME", dir, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(viv_accel_choose(VIV_ACCEL_WISH_AUTO, &accel[i], &why[i], NULL), 0);
	assert_in_range(viv_now_ms() - start, 0, 3000);
	assert_int_equal(accel[0], accel[1]);
	assert_string_equal(why[0], why[1]);
	print_message("%s\n", why[0]);
	file = viv_asprintf("%s/viv/kvm.json", dir);
	if (access("/dev/kvm", R_OK | W_OK) == 0)
		assert_int_equal(viv_read_file(file, 4096, &kept, NULL), 0);
	assert_int_equal(viv_remove_tree(dir, NULL), 0);
	free(why[0]);
	free(why[1]);
}

/* An answer of another boot counts for nothing; one of this boot is taken. */
static void test_kept(void **state)
{
	char dir[] = "/tmp/viv-test-XXXXXX";
	VIV_STR boot = VIV_STR_INIT, text = VIV_STR_INIT;
	VIV_FREE char *file = NULL, *viv = NULL, *why = NULL, *other = NULL;
	enum viv_accel accel;

	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		print_message("there is no /dev/kvm that this user may use\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	setenv("XDG_CACHE_HOME", dir, 1);
	viv = viv_asprintf("%s/viv", dir);
	file = viv_asprintf("%s/kvm.json", viv);
	assert_int_equal(viv_mkdir_p(viv, 0700, NULL), 0);
	assert_int_equal(viv_read_file("/proc/sys/kernel/random/boot_id", 100, &boot, NULL), 0);
	viv_str_addf(&text, "{\"boot\": \"%.36s\", \"why\": \"made up\"}", boot.data);
	assert_int_equal(viv_write_file(file, text.data, text.len, 0600, NULL), 0);
	assert_int_equal(viv_accel_choose(VIV_ACCEL_WISH_AUTO, &accel, &why, NULL), 0);
	assert_int_equal(accel, VIV_ACCEL_TCG);
	assert_non_null(strstr(why, "made up"));
	assert_int_equal(viv_accel_choose(VIV_ACCEL_WISH_KVM, &accel, &other, NULL), -ENODEV);
	assert_int_equal(viv_write_file(file, "{\"boot\": \"x\", \"why\": \"made up\"}", 30, 0600, NULL),
			 0);
	assert_int_equal(viv_accel_choose(VIV_ACCEL_WISH_AUTO, &accel, &other, NULL), 0);
	assert_null(strstr(other, "made up"));
	assert_int_equal(viv_remove_tree(dir, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	      cmocka_unit_test(test_no_device),
		cmocka_unit_test(test_wrong_device),  cmocka_unit_test(test_no_permission),
		cmocka_unit_test(test_choose),	      cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
