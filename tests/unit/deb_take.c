/* SPDX-License-Identifier: MIT */

/* What programs need of other packages: ELF files, and names in packages. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "deb/elf.h"
#include "deb/take.h"

#include <elf.h>
#include <unistd.h>

/* This program itself: what ldd would show first. */
static void own_program(void **state)
{
	VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR data = VIV_STR_INIT;

	assert_int_equal(viv_read_file("/proc/self/exe", 512 << 20, &data, &err), 0);
	assert_int_equal(viv_elf_needs(data.data, data.len, "me", &n, &err), 0);
	assert_true(viv_strv_has(&n.libraries, "libc.so.6"));
	assert_non_null(n.interpreter);
	assert_int_equal(n.interpreter[0], '/');
}

/* One segment of dynamic entries, names behind it; offsets are addresses. */
struct tiny {
	Elf64_Ehdr h;
	Elf64_Phdr load, dynamic, interp;
	Elf64_Dyn d[4];
	char names[32];
};

static struct tiny make(void)
{
	struct tiny t = {
		.h = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
		      .e_phoff = offsetof(struct tiny, load), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3},
		.load = {.p_type = PT_LOAD, .p_filesz = sizeof(t)},
		.dynamic = {.p_type = PT_DYNAMIC, .p_offset = offsetof(struct tiny, d), .p_filesz = sizeof(t.d)},
		.interp = {.p_type = PT_INTERP, .p_offset = offsetof(struct tiny, names) + 10},
		.d = {{.d_tag = DT_NEEDED, .d_un.d_val = 1},
		      {.d_tag = DT_STRTAB, .d_un.d_val = offsetof(struct tiny, names)},
		      {.d_tag = DT_NULL}, {.d_tag = DT_NEEDED, .d_un.d_val = 1}},
		.names = "\0liba.so\0\0/lib/ld.so",
	};

	return t;
}

static int parse(const struct tiny *t, size_t size, struct viv_elf_needs *n)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	return viv_elf_needs(t, size, "tiny", n, &err);
}

static void made_up(void **state)
{
	VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
	struct tiny t = make();

	assert_int_equal(parse(&t, sizeof(t), &n), 0);
	assert_int_equal(n.libraries.count, 1);
	assert_string_equal(n.libraries.items[0], "liba.so");
	assert_string_equal(n.interpreter, "/lib/ld.so");
}

static void damaged(void **state)
{
	struct viv_elf_needs n = {0};
	struct tiny t = make();

	for (size_t size = SELFMAG; size < sizeof(t) - 13; size++)
		assert_int_equal(parse(&t, size, &n), -EBADMSG);
	t.dynamic.p_filesz = UINT64_MAX;
	assert_int_equal(parse(&t, sizeof(t), &n), -EBADMSG);
	t = make();
	t.dynamic.p_offset = UINT64_MAX - 8;
	assert_int_equal(parse(&t, sizeof(t), &n), -EBADMSG);
	t = make();
	t.d[0].d_un.d_val = UINT64_MAX;
	assert_int_equal(parse(&t, sizeof(t), &n), -EBADMSG);
	t = make();
	t.d[1].d_un.d_val = 1 << 20;
	assert_int_equal(parse(&t, sizeof(t), &n), -EBADMSG);
	t = make();
	t.h.e_phoff = UINT64_MAX;
	assert_int_equal(parse(&t, sizeof(t), &n), -EBADMSG);
	t = make();
	t.h.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(parse(&t, sizeof(t), &n), -EBADMSG);
	assert_null(n.libraries.items);
}

static void others(void **state)
{
	VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	struct tiny t = make();

	assert_int_equal(viv_elf_needs("#!/bin/sh\n", 10, "script", &n, &err), 0);
	assert_int_equal(viv_elf_needs("", 0, "empty", &n, &err), 0);
	t.h.e_phnum = 1; /* a static one */
	assert_int_equal(parse(&t, sizeof(t), &n), 0);
	assert_int_equal(n.libraries.count, 0);
	assert_null(n.interpreter);
}

static void paths(void **state)
{
	static const char *const cases[][2] = {
		{"./bin/busybox", "usr/bin/busybox"}, {"lib64/ld.so", "usr/lib64/ld.so"}, {"/sbin/init", "usr/sbin/init"},
		{"./usr/lib/x", "usr/lib/x"}, {"libexec/x", "libexec/x"}, {"./etc//x/", "etc/x"},
		{"../x", NULL}, {"usr/../../x", NULL}, {"./", NULL},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_FREE char *path = viv_take_path(cases[i][0]);

		if (cases[i][1])
			assert_string_equal(path, cases[i][1]);
		else
			assert_null(path);
	}
}

static void depends(void **state)
{
	VIV_STRV v = VIV_STRV_INIT;
	VIV_FREE char *all = NULL;

	viv_take_depends(viv_slice("libc6 (>= 2.36), a | b:any (<< 1),c[amd64], , libz1"), &v);
	all = viv_strv_join(&v, " ");
	assert_string_equal(all, "libc6 a b c[amd64] libz1");
	viv_take_depends(viv_slice(""), &v);
	assert_int_equal(v.count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_program), cmocka_unit_test(made_up), cmocka_unit_test(damaged),
		cmocka_unit_test(others), cmocka_unit_test(paths), cmocka_unit_test(depends)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
