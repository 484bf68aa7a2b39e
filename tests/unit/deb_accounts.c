/* SPDX-License-Identifier: MIT */

/* Accounts of trees that want us to read and write this system's files. */

#include "base/fd.h"
#include "base/path.h"
#include "deb/accounts.h"
#include "deb/lock.h"
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

static void put(const char *dir, const char *name, const char *text)
{
	VIV_FREE char *path = viv_path_join(dir, name), *parent = viv_path_dir(path);

	assert_int_equal(viv_mkdir_p(parent, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

static void expect_text(const char *dir, const char *name, const char *want)
{
	VIV_FREE char *path = viv_path_join(dir, name);
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_read_file(path, 1000, &text, NULL), 0);
	assert_string_equal(text.data, want);
}

static void links_stay_inside(void **state)
{
	if (getuid() > 999) {
		print_message("only root can give a home to a system user\n");
		skip();
	}

	VIV_FREE char *dir = test_dir("accounts"), *root = viv_path_join(dir, "root");
	VIV_FREE char *passwd = viv_path_join(root, "etc/passwd"), *home = viv_path_join(root, "home");
	VIV_FREE char *outside = viv_path_join(dir, "passwd"), *escaped = viv_path_join(dir, "h");
	VIV_JSON *accounts = json_pack("{s:{s:{s:i, s:i, s:s, s:s, s:s, s:i}}}", "users", "u", "uid",
				       (int)getuid() % 999, "gid", (int)getgid() % 999, "gecos", "",
				       "home", "/home/h", "shell", "/bin/sh", "homeMode", 0700);
	VIV_JSON *texts = NULL;

	put(dir, "passwd", "host:x:0:0::/:\n");
	put(root, "lib/passwd", "root:x:0:0::/:\n");
	put(root, "etc/shadow", "root:!:99999::::::\n");
	assert_int_equal(symlink("../../passwd", passwd) | symlink("../..", home), 0);
	assert_int_equal(viv_accounts_read(root, &texts, NULL), 0);
	assert_string_equal(viv_json_str(texts, "passwd"), "");

	unlink(passwd);
	assert_int_equal(symlink("/lib/passwd", passwd), 0);
	assert_int_equal(viv_accounts_create(root, accounts, 86400, NULL), 0);
	assert_true(viv_accounts_clamp(root, 86400, NULL) == 0);
	expect_text(dir, "passwd", "host:x:0:0::/:\n");
	expect_text(root, "etc/shadow", "root:!:1::::::\nu:!:1::::::\n");
	assert_true(viv_exists(outside) && !viv_exists(escaped));
	viv_remove_tree(dir, NULL);
}

/* A renewed lock has them in the order of its layers, the file that it is written to in another. */
static void any_order(void **state)
{
	static const char *const orders[] = {
		"{\"groups\": {\"b\": 102, \"a\": 101}, \"users\": {"
		"\"y\": {\"uid\": 102, \"gid\": 102, \"gecos\": \"\", \"home\": \"/\", \"shell\": \"/s\"},"
		"\"x\": {\"uid\": 101, \"gid\": 101, \"gecos\": \"\", \"home\": \"/\", \"shell\": \"/s\"}}}",
		"{\"users\": {"
		"\"x\": {\"uid\": 101, \"gid\": 101, \"gecos\": \"\", \"home\": \"/\", \"shell\": \"/s\"},"
		"\"y\": {\"uid\": 102, \"gid\": 102, \"gecos\": \"\", \"home\": \"/\", \"shell\": \"/s\"}},"
		"\"groups\": {\"a\": 101, \"b\": 102}}",
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(orders); i++) {
		VIV_FREE char *dir = test_dir("accounts");
		VIV_JSON *accounts = NULL;

		put(dir, "etc/passwd", "");
		put(dir, "etc/group", "");
		assert_int_equal(viv_json_parse(orders[i], strlen(orders[i]), "x", &accounts, NULL), 0);
		assert_int_equal(viv_accounts_create(dir, accounts, 86400, NULL), 0);
		expect_text(dir, "etc/passwd", "x:x:101:101::/:/s\ny:x:102:102::/:/s\n");
		expect_text(dir, "etc/group", "a:x:101:\nb:x:102:\n");
		viv_remove_tree(dir, NULL);
	}
}

static void pipes_are_refused(void **state)
{
	VIV_FREE char *dir = test_dir("accounts"), *passwd = viv_path_join(dir, "etc/passwd");
	VIV_JSON *texts = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	put(dir, "etc/group", "");
	assert_int_equal(mkfifo(passwd, 0666), 0);
	assert_int_equal(viv_accounts_read(dir, &texts, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "etc/passwd: not a regular file"));
	viv_remove_tree(dir, NULL);
}

/* What the lock file would be refused for is not recorded in it. */
static void recorded(void **state)
{
	static const char passwd[] = "fine:x:101:101:A name:/nonexistent:/usr/sbin/nologin\n"
				     "nogroup:x:102:65534::/nonexistent:/usr/sbin/nologin\n"
				     "highgroup:x:103:1500::/nonexistent:/usr/sbin/nologin\n"
				     "tab:x:104:104:A\tname:/nonexistent:/usr/sbin/nologin\n"
				     "machine$:x:105:105::/nonexistent:/usr/sbin/nologin\n"
				     "+nis:x:106:106::/nonexistent:/usr/sbin/nologin\n"
				     ":x:107:107::/nonexistent:/usr/sbin/nologin\n";
	static const char head[] =
		"{\"version\": 1, \"packages\": {}, \"indexes\": {}, \"machines\": {\"m\": {"
		"\"release\": \"trixie\", \"architecture\": \"amd64\", \"components\": [],"
		"\"layers\": [{\"name\": \"base\", \"packages\": []}], \"accounts\": {\"base\": ";
	VIV_FREE char *dir = test_dir("accounts");
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
	VIV_JSON *texts = NULL, *before = json_object(), *made = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;

	put(dir, "etc/passwd", passwd);
	put(dir, "etc/group", "fine:x:101:\nmachine$:x:105:\n:x:107:\n");
	assert_int_equal(viv_accounts_read(dir, &texts, NULL), 0);
	made = viv_accounts_new(dir, texts, before);
	assert_non_null(made);
	viv_str_add(&text, head);
	viv_json_canonical(made, &text);
	viv_str_add(&text, "}}}}");
	if (viv_lock_parse(text.data, text.len, "vm.lock", "m", &l, &err) < 0)
		fail_msg("%s", err.msg);
	assert_non_null(json_object_get(json_object_get(made, "users"), "fine"));
	assert_non_null(json_object_get(json_object_get(made, "users"), "nogroup"));
	assert_non_null(json_object_get(json_object_get(made, "groups"), "fine"));
	viv_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_stay_inside),
		cmocka_unit_test(any_order), cmocka_unit_test(pipes_are_refused),
		cmocka_unit_test(recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
