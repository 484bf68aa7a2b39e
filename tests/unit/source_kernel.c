/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "source/private.h"
#include "unit.h"

/* The shell's side of a kernel, with patch on a small tree and a make that does nothing. */

#define CHANGE "@@ -1 +1 @@\n-one\n+two\n"

/* A patch, and a shell's test of the patched tree; NULL: it does not apply. */
static const struct {
	const char *patch, *test;
} rows[] = {
	{"--- a/lib/x.c\n+++ b/lib/x.c\n" CHANGE, "grep -qx two lib/x.c"},
	{"--- a/lib/x.c\r\n+++ b/lib/x.c\r\n@@ -1 +1 @@\r\n-one\r\n+two\r\n", "grep -q two lib/x.c"},
	{"--- \"a/lib/x.c\"\n+++ \"b/lib/x.c\"\n" CHANGE, "grep -qx two lib/x.c"},
	{"Index: a/lib/x.c\n====\n" CHANGE, "grep -qx two lib/x.c"},
	{"  --- a/lib/x.c\n  +++ b/lib/x.c\n  @@ -1 +1 @@\n  -one\n  +two\n", "grep -qx two lib/x.c"},
	{"--- a/lib/a b.c\t2001-01-01\n+++ b/lib/a b.c\t2001-01-01\n" CHANGE, "grep -qx two 'lib/a b.c'"},
	{"--- a/Makefile\n+++ b/Makefile\n" CHANGE, "grep -qx two Makefile"},
	{"--- /dev/null\n+++ b/new/n.c\n@@ -0,0 +1 @@\n+new\n", "[ -e new/n.c ]"},
	{"--- a/lib/x.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n", "! [ -e lib/x.c ]"},
	{"diff --git a/lib/x.c b/moved.c\nsimilarity index 100%\nrename from lib/x.c\nrename to moved.c\n",
	 "[ -e moved.c ] && ! [ -e lib/x.c ]"},
	{"diff --git a/lib/x.c b/lib/x.c\nold mode 100644\nnew mode 100755\n", "[ -x lib/x.c ]"},
	{"diff --git a/link b/link\nindex 1111111..2222222 120000\n--- a/link\n+++ b/link\n@@ -1 +1 @@\n-lib/x.c\n"
	 "\\ No newline at end of file\n+lib/y.c\n\\ No newline at end of file\n",
	 "[ \"$(readlink link)\" = lib/y.c ]"},
	{"--- a/dir/x.c\n+++ b/dir/x.c\n" CHANGE, "grep -qx two lib/x.c && [ -L dir ]"},
	{"--- a/lib/x.c\n+++ b/lib/x.c\n@@ -1 +1 @@\n-three\n+two\n", NULL},
};

static const char tree[] =
	"mkdir -p bin in/patches src/lib\n"
	"printf '#!/bin/sh\\n' >bin/make\n"
	"chmod +x bin/make\n"
	": >in/settings\n"
	": >in/checked\n"
	": >in/config\n"
	"cd src\n"
	"for f in Makefile lib/x.c lib/y.c 'lib/a b.c'; do echo one >\"$f\"; done\n"
	"ln -s lib/x.c link\n"
	"ln -s lib dir\n"
	"touch -d 2001-01-01 lib/* Makefile\n";

/* All that is in it but times. */
static const char listed[] =
	"cd src && find . -printf '%p %y %m %l\\n' | sort && find . -type f -exec cksum {} + | sort";

static int shell(const char *dir, const char *text, struct viv_str *out)
{
	VIV_FREE char *all = viv_asprintf("cd '%s'\nPATH=$PWD/bin:$PATH\n%s", dir, text);
	const char *argv[] = {"sh", "-e", "-c", all, NULL};
	int status = 1;

	assert_int_equal(viv_process_run(argv, NULL, NULL, out, NULL, 1 << 20, 60000, &status, NULL), 0);
	return status;
}

static struct viv_source_inside steps(void)
{
	struct viv_source_kernel_request req = {0};
	struct viv_source_job job = {.kernel = &req};
	struct viv_source_inside inside = {0};

	viv_source_kernel_steps(&job, &inside);
	return inside;
}

/* As a build does: the patches that are there, the configuration, a test of what is compiled, the end. */
static void build(const char *dir, const char *test)
{
	struct viv_source_inside s = steps();
	int status;

	assert_int_equal(shell(dir, s.before_patches, NULL), 0);
	status = shell(dir, "for p in in/patches/*; do\n"
			    "[ ! -f $p ] || patch -p1 -f --no-backup-if-mismatch -d src -i $PWD/$p; done", NULL);
	assert_int_equal(!status, test != NULL);
	if (test) {
		VIV_FREE char *patched = viv_asprintf("cd src; %s", test);

		assert_int_equal(shell(dir, s.after_patches, NULL), 0);
		assert_int_equal(shell(dir, patched, NULL), 0);
	}
	assert_int_equal(shell(dir, s.at_end, NULL), 0);
}

static void set_up(const char *dir, const char *patch)
{
	VIV_FREE char *path = viv_path_join(dir, "in/patches/1");

	assert_int_equal(shell(dir, tree, NULL), 0);
	assert_int_equal(viv_write_file(path, patch, strlen(patch), 0644, NULL), 0);
}

static void as_it_was(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *dir = viv_asprintf("%s/%zu", (char *)*state, i);
		VIV_STR before = VIV_STR_INIT, after = VIV_STR_INIT, again = VIV_STR_INIT;

		assert_int_equal(viv_mkdir_p(dir, 0755, NULL), 0);
		set_up(dir, rows[i].patch);
		assert_int_equal(shell(dir, listed, &before), 0);
		build(dir, rows[i].test);
		assert_int_equal(shell(dir, listed, &after), 0);
		assert_string_equal(after.data, before.data);
		assert_int_equal(shell(dir, "rm in/patches/1", NULL), 0);
		build(dir, "true");
		assert_int_equal(shell(dir, listed, &again), 0);
		assert_string_equal(again.data, before.data);
		assert_int_equal(shell(dir, "! [ -e unpatched ] && ! [ -s touched ]", NULL), 0);
	}
}

/* What comes out as it was compiled keeps its time, and what does not is compiled. */
static void times(void **state)
{
	const char *dir = *state;

	set_up(dir, rows[0].patch);
	build(dir, "[ -n \"$(find lib/x.c -newermt 2002-01-01)\" ] && [ -z \"$(find lib/y.c -newermt 2002-01-01)\" ]");
	assert_int_equal(shell(dir, "touch -d 2003-01-01 after/lib/x.c.kept", NULL), 0);
	build(dir, "[ -z \"$(find lib/x.c -newermt 2004-01-01)\" ] && [ -n \"$(find lib/x.c -newermt 2002-01-01)\" ]");
	assert_int_equal(shell(dir, "sed -i 's/^+two/+three/' in/patches/1", NULL), 0);
	build(dir, "[ -n \"$(find lib/x.c -newermt 2004-01-01)\" ] && grep -qx three lib/x.c");
	assert_int_equal(shell(dir, "rm in/patches/1; touch -d 2001-01-01 src/lib/x.c", NULL), 0);
	build(dir, "[ -n \"$(find lib/x.c -newermt 2004-01-01)\" ] && grep -qx one lib/x.c");
}

/* make looks at what a link leads to, so nothing is kept of a build with another. */
static void links(void **state)
{
	const char *dir = *state;

	set_up(dir, rows[11].patch);
	assert_int_equal(shell(dir, "mkdir obj; : >obj/old", NULL), 0);
	build(dir, "! [ -e ../obj/old ]");
	assert_int_equal(shell(dir, ": >obj/old", NULL), 0);
	build(dir, "[ -e ../obj/old ] && [ -L link ]");
	assert_int_equal(shell(dir, "rm in/patches/1", NULL), 0);
	build(dir, "! [ -e ../obj/old ]");
}

/* What did not come true is said, with what to do. */
static void checks(void **state)
{
	static const struct {
		const char *config, *checked, *said;
	} wrong[] = {
		{"CONFIG_A=y", "CONFIG_A=y", NULL},
		{"CONFIG_A=y", "# CONFIG_A is not set", "CONFIG_A is to be off, and is y"},
		{"CONFIG_A=y", "CONFIG_B=y", "CONFIG_B=y is asked for, but it is not set: is there"},
		{"CONFIG_A=0x1000000", "CONFIG_A=16777216", "it is CONFIG_A=0x1000000: a hexadecimal one is a text"},
		{"CONFIG_RANDSTRUCT=y", "", "CONFIG_RANDSTRUCT=y: each build would be another kernel"},
		{"CONFIG_RANDSTRUCT_NONE=y", "", NULL},
	};
	struct viv_source_inside s = steps();
	const char *dir = *state;

	set_up(dir, rows[0].patch);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(wrong); i++) {
		VIV_FREE char *files = viv_asprintf("echo '%s' >in/config\nprintf '%%s\\n' '%s' | sed '/^$/d' >in/checked",
						    wrong[i].config, wrong[i].checked);
		VIV_STR out = VIV_STR_INIT;

		assert_int_equal(shell(dir, files, NULL), 0);
		assert_int_equal(shell(dir, s.before_patches, NULL), 0);
		assert_int_equal(!shell(dir, s.after_patches, &out), !wrong[i].said);
		assert_true(!wrong[i].said || strstr(out.data, wrong[i].said));
		assert_int_equal(shell(dir, s.at_end, NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_it_was, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(times, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(links, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(checks, enter_folder, leave_folder),
	};
	VIV_FREE char *program = viv_find_program("patch");

	if (!program) {
		print_message("there is no patch(1) on this machine\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
