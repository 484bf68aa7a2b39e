/* SPDX-License-Identifier: MIT */

/* What is taken out of a tree, and what is not. */

#include "base/fd.h"
#include "base/path.h"
#include "deb/keystore.h"
#include "deb/scrub.h"
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

/* Two certificates, made by other means: as of 1795269291, and the same as of 1700000000. */
static const char made[] =
	"\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x0c\x64\x65\x62\x69\x61\x6e"
	"\x3a\x61\x2e\x70\x65\x6d\x00\x00\x01\xa1\xfe\x63\x6b\xf8\x00\x05\x58\x2e\x35\x30\x39\x00\x00\x00"
	"\x04\x30\x31\x32\x33\x00\x00\x00\x02\x00\x01\x62\x00\x00\x01\xa1\xfe\x63\x6b\xf8\x00\x05\x58\x2e"
	"\x35\x30\x39\x00\x00\x00\x03\xff\x00\x7f\xbc\x52\xb3\xc7\xbb\xbf\x50\x32\xa3\x10\x3c\x03\xdc\xf9"
	"\xad\xcd\xbd\x05\x80\x88";
static const char cleaned[] =
	"\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x0c\x64\x65\x62\x69\x61\x6e"
	"\x3a\x61\x2e\x70\x65\x6d\x00\x00\x01\x8b\xcf\xe5\x68\x00\x00\x05\x58\x2e\x35\x30\x39\x00\x00\x00"
	"\x04\x30\x31\x32\x33\x00\x00\x00\x02\x00\x01\x62\x00\x00\x01\x8b\xcf\xe5\x68\x00\x00\x05\x58\x2e"
	"\x35\x30\x39\x00\x00\x00\x03\xff\x00\x7f\xe8\x0e\x03\xf1\x18\x19\x3d\xeb\xc9\x6b\x16\x32\x98\x4c"
	"\x61\x27\x61\x0c\xd0\x62";
/* The same with the mark of a key, and with the password "secret". */
static const char with_key[] =
	"\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x0c\x64\x65\x62\x69\x61\x6e"
	"\x3a\x61\x2e\x70\x65\x6d\x00\x00\x01\xa1\xfe\x63\x6b\xf8\x00\x05\x58\x2e\x35\x30\x39\x00\x00\x00"
	"\x04\x30\x31\x32\x33\x00\x00\x00\x01\x00\x01\x62\x00\x00\x01\xa1\xfe\x63\x6b\xf8\x00\x05\x58\x2e"
	"\x35\x30\x39\x00\x00\x00\x03\xff\x00\x7f\xfb\xd9\x07\x3e\xd8\xd4\x26\x0d\xf0\x22\x35\x63\x68\x94"
	"\x1d\x74\x24\xd7\x12\xb3";
static const char other_password[] =
	"\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x0c\x64\x65\x62\x69\x61\x6e"
	"\x3a\x61\x2e\x70\x65\x6d\x00\x00\x01\xa1\xfe\x63\x6b\xf8\x00\x05\x58\x2e\x35\x30\x39\x00\x00\x00"
	"\x04\x30\x31\x32\x33\x00\x00\x00\x02\x00\x01\x62\x00\x00\x01\xa1\xfe\x63\x6b\xf8\x00\x05\x58\x2e"
	"\x35\x30\x39\x00\x00\x00\x03\xff\x00\x7f\x05\x18\x05\x15\xb4\xa7\x84\x27\xd0\x63\xad\xae\xdb\x1f"
	"\xe9\x16\xe7\xd4\x1e\xe6";

static void set(struct viv_str *s, const char *bytes, size_t len)
{
	s->len = 0;
	viv_str_add_bytes(s, bytes, len);
}

static void times_of_a_keystore(void **state)
{
	VIV_STR s = VIV_STR_INIT;

	set(&s, made, sizeof(made) - 1);
	assert_true(viv_keystore_set_times(&s, 1700000000));
	assert_int_equal(s.len, sizeof(cleaned) - 1);
	assert_memory_equal(s.data, cleaned, s.len);
	assert_true(viv_keystore_set_times(&s, 1795269291));
	assert_memory_equal(s.data, made, s.len);
}

static void no_keystore(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{with_key, sizeof(with_key) - 1},
		{other_password, sizeof(other_password) - 1},
		{"\xfe\xed\xfe\xed\0\0\0\2\xff\xff\xff\xff\0\0\0\2\xff\xff----------------------", 40},
	};
	VIV_STR s = VIV_STR_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		set(&s, rows[i].bytes, rows[i].len);
		assert_false(viv_keystore_set_times(&s, 1));
		assert_memory_equal(s.data, rows[i].bytes, s.len);
	}
	for (size_t len = 0; len < sizeof(made) - 1; len++) {
		set(&s, made, len);
		assert_false(viv_keystore_set_times(&s, 1));
		assert_memory_equal(s.data, made, len);
	}
}

static void put(const char *root, const char *name, const char *bytes, size_t len)
{
	VIV_FREE char *path = viv_path_join(root, name), *parent = viv_path_dir(path);

	assert_int_equal(viv_mkdir_p(parent, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, bytes, len, 0644, NULL), 0);
}

static const struct {
	const char *path;
	enum { STAYS, GOES, EMPTIED } after;
} rows[] = {
	{"etc/machine-id", EMPTIED},
	{"etc/hostname", STAYS},
	{"etc/ssh/ssh_host_rsa_key.pub", GOES},
	{"etc/ssh/sshd_config", STAYS},
	{"etc/postgresql/17/main/postgresql.conf", STAYS},
	{"var/lib/postgresql/17/main/PG_VERSION", GOES},
	{"var/lib/postgresql/17/main/base/1/112", GOES},
	{"var/lib/postgresql/17/other/PG_VERSION", STAYS},
	{"var/lib/postgresql/main", STAYS},
	{"var/lib/mysql/ibdata1", GOES},
	{"var/lib/mysql/ddl_recovery.log", GOES},
	{"var/lib/mysql/mysql/db.frm", GOES},
	{"var/lib/mysql/debian-11.8.flag", STAYS},
	{"var/lib/mysql-files/x", STAYS},
	{"var/log/apt/history.log", GOES},
	{"var/log/nginx/access.log", EMPTIED},
	{"run/lock/x", GOES},
	{"run/locks", GOES},
	{"elsewhere/main/file", STAYS},
	{"etc/ssl/certs/java/other", STAYS},
};

static void what_goes(void **state)
{
	VIV_FREE char *root = test_dir("scrub"), *lock = viv_path_join(root, "run/lock");
	VIV_FREE char *link = viv_path_join(root, "var/lib/postgresql/16");
	VIV_ERROR err = VIV_ERROR_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++)
		put(root, rows[i].path, "text", 4);
	assert_int_equal(symlink("../../../elsewhere", link), 0);
	if (viv_scrub(root, 1, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *path = viv_path_join(root, rows[i].path);
		struct stat st = {0};
		bool there = lstat(path, &st) == 0;

		if (there != (rows[i].after != GOES) ||
		    st.st_size != (rows[i].after == STAYS ? 4 : 0))
			fail_msg("%s: %s, %d bytes", rows[i].path, there ? "there" : "gone", (int)st.st_size);
	}
	assert_true(viv_exists(lock));
	viv_remove_tree(root, NULL);
}

static void too_deep(void **state)
{
	VIV_FREE char *root = test_dir("scrub");
	VIV_ERROR err = VIV_ERROR_INIT;

	put(root, "var/log/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/log", "text", 4);
	errno = 0;
	assert_int_equal(viv_scrub(root, 1, &err), -ELOOP);
	viv_remove_tree(root, NULL);
}

/* Java's store gets the tree's time; what is no such store comes back by its own program. */
static void java_certificates(void **state)
{
	static const char name[] = "etc/ssl/certs/java/cacerts";
	VIV_FREE char *root = test_dir("cacerts"), *path = viv_path_join(root, name);
	VIV_STR text = VIV_STR_INIT;

	put(root, name, made, sizeof(made) - 1);
	assert_int_equal(viv_scrub(root, 1700000000, NULL), 0);
	assert_int_equal(viv_read_file(path, 4096, &text, NULL), 0);
	assert_int_equal(text.len, sizeof(cleaned) - 1);
	assert_memory_equal(text.data, cleaned, text.len);
	put(root, name, other_password, sizeof(other_password) - 1);
	assert_int_equal(viv_scrub(root, 1700000000, NULL), 0);
	assert_false(viv_exists(path));
	viv_remove_tree(root, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_of_a_keystore),
		cmocka_unit_test(no_keystore),
		cmocka_unit_test(what_goes),
		cmocka_unit_test(too_deep),
		cmocka_unit_test(java_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
