/* SPDX-License-Identifier: MIT */

/* Private keys: what is one, and where one may not be. */

#include "base/fd.h"
#include "base/path.h"
#include "deb/scrub.h"
#include "unit.h"

#include <sys/stat.h>

#define PEM "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\n-----END PRIVATE KEY-----\n"

static const struct {
	const char *text;
	size_t len;
	bool key;
} contents[] = {
#define ROW(text, key) {text, sizeof(text) - 1, key}
	ROW(PEM, true),
	ROW("text before\r\n-----BEGIN RSA PRIVATE KEY-----\r\nx", true),
	ROW("-----BEGIN EC PRIVATE KEY-----\n", true),
	ROW("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r", true),
	ROW("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", true),
	ROW("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOY", true),
	ROW("{\"key\": \"-----BEGIN PRIVATE KEY-----\\nMIIE\"}", true),
	ROW("PuTTY-User-Key-File-3: ssh-ed25519\n", true),
	ROW("(21:protected-private-key(3:rsa", true),
	ROW("Created: 20240101T000000\nKey: (private-key (ecc", true),
	ROW("\x95\x03\x98\x04\x65\x00\x00\x00\x01zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", true),
	ROW("-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n", false),
	ROW("-----BEGIN PUBLIC KEY-----\nMIID\n", false),
	ROW("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", false),
	ROW("ELF\0-----BEGIN RSA PRIVATE KEY-----\0-----END", false),
	ROW("grep -q 'PRIVATE KEY-----' file", false),
	ROW("-----BEGIN ", false),
	ROW("-----BEGIN PRIVATE KEY-----", false),
	ROW("", false),
};

static void what_is_a_key(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(contents); i++)
		if (viv_scrub_is_key((struct viv_slice){contents[i].text, contents[i].len}) !=
		    contents[i].key)
			fail_msg("%s", contents[i].text);
}

static void put(const char *dir, const char *name, const char *text)
{
	VIV_FREE char *path = viv_path_join(dir, name), *parent = viv_path_dir(path);

	assert_int_equal(viv_mkdir_p(parent, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

#define LIST "var/lib/dpkg/info/x.list"

static void where_it_may_be(void **state)
{
	static const struct {
		const char *path, *list, *says;
	} rows[] = {
		{"usr/share/doc/x/key.pem", "/usr/share/doc/x/key.pem\n", NULL},
		{"usr/lib/x/test.key", "/lib/x/test.key\n", NULL},
		{"usr/lib/python3/dist-packages/x/__pycache__/keys.cpython-313.pyc",
		 "/usr/lib/python3/dist-packages/x/keys.py\n", NULL},
		{"var/lib/dpkg/info/x.postinst", "/.\n", NULL},
		{"usr/share/x/made.key", "/usr/share/x\n", "script made the private key /usr/share/x/made"},
		{"usr/lib/x/made.key", "/usr/lib/x/other\n", "script made"},
		{"opt/key", "/.\n", "script made"},
		{"etc/x/made.key", "/etc/x\n", "script made the private key /etc/x/made.key"},
		{"etc/x/key", "/etc/x/key\n", "a package ships the private key /etc/x/key"},
		{"var/lib/x/key", "/var/lib/x/key\n", "a package ships"},
		{"root/.ssh/id_ed25519", "/root\n", "script made"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *dir = test_dir("keys");
		VIV_TREE now = VIV_TREE_INIT;
		VIV_ERROR err = VIV_ERROR_INIT;
		int r;

		put(dir, LIST, rows[i].list);
		put(dir, rows[i].path, PEM);
		assert_int_equal(viv_tree_scan(dir, &now, NULL), 0);
		assert_int_equal(viv_tree_hash_files(dir, &now, NULL, NULL), 0);
		r = viv_scrub_check_keys(dir, NULL, &now, &err);
		if (r != (rows[i].says ? -EACCES : 0) ||
		    (rows[i].says && !strstr(err.msg, rows[i].says)))
			fail_msg("%s: %d %s", rows[i].path, r, err.msg ? err.msg : "");
		/* The layer below has it already: that one was checked. */
		assert_int_equal(viv_scrub_check_keys(dir, &now, &now, NULL), 0);
		viv_remove_tree(dir, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_key),
		cmocka_unit_test(where_it_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
