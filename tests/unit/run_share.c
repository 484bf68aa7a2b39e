/* SPDX-License-Identifier: MIT */
/* What --share takes, which folders hide the machine's own, what virtiofsd and QEMU are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/share.h"
#include "run/virtiofsd.h"

static void flags(void **state)
{
	static const struct {
		const char *text, *source, *target;
		bool write;
	} good[] = {
		{"/a", "/a", "/a", false},
		{"/a:rw", "/a", "/a", true},
		{"/a:ro", "/a", "/a", false},
		{"/a:/b", "/a", "/b", false},
		{"/a:/b:rw", "/a", "/b", true},
		{"/a:/b/:ro", "/a", "/b", false},
		{"/a,b c:/x//y", "/a,b c", "/x/y", false},
		{"/a\\:b:/c\\:d:rw", "/a:b", "/c:d", true},
		{"/a\nb", "/a\nb", "/a\nb", false},
		{"/rw:/ro", "/rw", "/ro", false},
	};
	static const char *const bad[] = {"",	   ":",	     ":/a",	 "/a:",	      "/a:b",
					  "/a:/b:", "/a:/b:rx", "/a:/b:rw:", "/a:rw:/b", "/a:/b:/c"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(good); i++) {
		VIV_FREE char *source = NULL, *target = NULL;
		bool write = !good[i].write;

		assert_int_equal(viv_share_parse_flag(good[i].text, &source, &target, &write, NULL), 0);
		assert_string_equal(source, good[i].source);
		assert_string_equal(target, good[i].target);
		assert_int_equal(write, good[i].write);
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++) {
		char *source = NULL, *target = NULL;
		bool write;

		assert_int_equal(viv_share_parse_flag(bad[i], &source, &target, &write, NULL), -EINVAL);
		assert_null(source);
		assert_null(target);
	}
}

static void hidden(void **state)
{
	static const char *const hiding[] = {"/",	"/usr",	     "/usr/bin", "/etc",     "/etc/x",
					     "/proc/1", "/home",     "/root",	 "/home/me", "/lib/modules",
					     "/var",	"/var/lib/dpkg/x", "/tmp", "/run/viv/x", "/dev/shm"};
	static const char *const fine[] = {"/home/me/src",  "/home/mee",   "/root/x", "/usr/src/linux",
					   "/usr/local/x",  "/etcetera",   "/tmp/x",  "/var/lib/ci/x",
					   "/run/user/1000", "/usr/libx", "/builds", "/work"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(hiding); i++)
		assert_non_null(viv_share_hides(hiding[i], "/home/me"));
	for (size_t i = 0; i < VIV_ARRAY_SIZE(fine); i++)
		assert_null(viv_share_hides(fine[i], "/home/me"));
	assert_null(viv_share_hides("/home/me", NULL));
}

static void breaking(void **state)
{
	static const char *const breaks[] = {"/",    "/usr", "/usr/bin", "/etc", "/proc",
					     "/var", "/var/lib", "/run",	 "/lib"};
	static const char *const fine[] = {"/mnt",	  "/home",	"/root", "/tmp", "/etc/nginx",
					   "/usr/local", "/lib/modules", "/opt",  "/var/lib/ci"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(breaks); i++)
		assert_true(viv_share_breaks(breaks[i]));
	for (size_t i = 0; i < VIV_ARRAY_SIZE(fine); i++)
		assert_false(viv_share_breaks(fine[i]));
}

/* One program, two sets of arguments. */
static void server_arguments(void **state)
{
	struct viv_machine m = {.virtiofsd = viv_strdup("/v")};

	for (int qemus = 0; qemus < 2; qemus++) {
		VIV_STRV argv = VIV_STRV_INIT;
		VIV_FREE char *line = NULL;

		m.virtiofsd_is_qemus = qemus;
		viv_virtiofsd_command(&m, "/run/x, y", &argv);
		line = viv_strv_join(&argv, " ");
		assert_string_equal(argv.items[0], "/v");
		assert_non_null(strstr(line, "--fd=3"));
		assert_non_null(strstr(line, "sandbox=namespace"));
		assert_non_null(strstr(line, "modcaps=-mknod"));
		assert_true(viv_ends_with(line, qemus ? " -o source=/run/x\\, y"
						      : " --shared-dir=/run/x, y"));
	}
	viv_machine_free_contents(&m);
}

static void add(struct viv_machine *m, enum viv_share_kind kind, const char *source, const char *target)
{
	struct viv_share *s = viv_machine_add_share(m);

	s->kind = kind;
	s->tag = viv_strdup("tag");
	s->source = viv_strdup(source);
	s->target = viv_strdup(target);
}

static void shown(void **state)
{
	struct viv_machine m = {0};

	add(&m, VIV_SHARE_VIRTIOFS, "/p", "/p");
	add(&m, VIV_SHARE_VIRTIOFS, "/other", "/p/in");
	add(&m, VIV_SHARE_VIRTIOFS, NULL, "/tmp/xchg");
	assert_true(viv_machine_shows(&m, "/p"));
	assert_true(viv_machine_shows(&m, "/p/a"));
	assert_false(viv_machine_shows(&m, "/pa"));
	assert_false(viv_machine_shows(&m, "/"));
	assert_false(viv_machine_shows(&m, "/p/in/a"));
	assert_false(viv_machine_shows(&m, "/tmp/xchg"));
	m.shares[0].missing = true;
	assert_false(viv_machine_shows(&m, "/p/a"));
	viv_machine_free_contents(&m);
}

/* A folder that viv would make at the start has no path yet; virtiofsd isn't QEMU's. */
static void left_to_qemu(void **state)
{
	struct viv_machine m = {0};

	add(&m, VIV_SHARE_9P, NULL, "/tmp/xchg");
	add(&m, VIV_SHARE_9P, "/a", "/b");
	add(&m, VIV_SHARE_VIRTIOFS, "/c", "/c");
	viv_shares_leave_to_qemu(&m, NULL);
	assert_int_equal(m.n_shares, 1);
	assert_string_equal(m.shares[0].source, "/a");
	viv_machine_free_contents(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags),
		cmocka_unit_test(hidden),
		cmocka_unit_test(breaking),
		cmocka_unit_test(server_arguments),
		cmocka_unit_test(shown),
		cmocka_unit_test(left_to_qemu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
