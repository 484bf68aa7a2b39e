/* SPDX-License-Identifier: MIT */

/* What programs need of other packages: ELF files, and names in packages; what is chosen of a package. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "deb/contents.h"
#include "deb/elf.h"
#include "deb/scripts.h"
#include "deb/take.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
static const char native_name[] = "amd64";
#elif defined(__aarch64__)
static const char native_name[] = "arm64";
#else
static const char native_name[] = "riscv64";
#endif

/* This program itself: what ldd would show first. */
static void own_program(void **state)
{
	VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR data = VIV_STR_INIT;
	unsigned native = viv_elf_machine(native_name);

	assert_int_equal(viv_read_file("/proc/self/exe", 512 << 20, &data, &err), 0);
	assert_int_equal(viv_elf_needs(data.data, data.len, native, "me", &n, &err), 0);
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
		      .e_type = ET_DYN, .e_machine = EM_RISCV, .e_phoff = offsetof(struct tiny, load), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 3},
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

	return viv_elf_needs(t, size, EM_RISCV, "tiny", n, &err);
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

	for (size_t size = EI_NIDENT; size < sizeof(t) - 13; size++)
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
	assert_null(n.libraries.items);
}

static void others(void **state)
{
	VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	struct tiny t = make();

	assert_int_equal(viv_elf_needs("#!/bin/sh\n", 10, EM_RISCV, "script", &n, &err), 0);
	assert_int_equal(viv_elf_needs("", 0, EM_RISCV, "empty", &n, &err), 0);
	t.h.e_phnum = 1; /* a static one */
	assert_int_equal(parse(&t, sizeof(t), &n), 0);
	assert_int_equal(n.libraries.count, 0);
	assert_null(n.interpreter);
}

/* Firmware, object files, programs for processors of 32 bits: data, as far as anybody here knows. */
static void foreign(void **state)
{
	struct viv_elf_needs n = {0};
	struct tiny t = make();

	t.h.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(parse(&t, sizeof(t), &n), 0);
	assert_int_equal(parse(&t, sizeof(Elf32_Ehdr), &n), 0);
	t = make();
	t.h.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(parse(&t, sizeof(t), &n), 0);
	t = make();
	t.h.e_machine = EM_BPF;
	assert_int_equal(parse(&t, sizeof(t), &n), 0);
	t = make();
	t.h.e_type = ET_REL;
	t.h.e_phoff = UINT64_MAX;
	assert_int_equal(parse(&t, sizeof(t), &n), 0);
	assert_null(n.libraries.items);
	assert_null(n.interpreter);
	assert_int_equal(viv_elf_machine("amd64"), EM_X86_64);
	assert_int_equal(viv_elf_machine("m68k"), EM_NONE);
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

struct entry {
	const char *path;
	char type; /* of tar(5): 0 a file, 1 a hard link, 2 a symbolic link, 5 a folder */
	unsigned mode, uid, gid;
	const char *target;
};

/* ustar: a header of one block; the files are empty. */
static void add_header(struct viv_str *tar, const struct entry *e)
{
	char h[512] = {0};
	unsigned sum = 0;

	snprintf(h, 100, "%s", e->path);
	snprintf(h + 100, 8, "%07o", e->mode);
	snprintf(h + 108, 8, "%07o", e->uid);
	snprintf(h + 116, 8, "%07o", e->gid);
	snprintf(h + 124, 12, "%011o", 0);
	snprintf(h + 136, 12, "%011o", 0);
	h[156] = e->type;
	snprintf(h + 157, 100, "%s", e->target ? e->target : "");
	memcpy(h + 257, "ustar\0" "00", 8);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	viv_str_add_bytes(tar, h, sizeof(h));
}

static int list(const struct entry *entries, size_t n, struct viv_contents *ret, struct viv_error *err)
{
	static const char zeroes[1024];
	VIV_STR tar = VIV_STR_INIT, deb = VIV_STR_INIT;
	VIV_FD fd = memfd_create("deb", MFD_CLOEXEC);
	VIV_FREE char *path = viv_asprintf("/proc/self/fd/%d", fd);

	for (size_t i = 0; i < n; i++)
		add_header(&tar, &entries[i]);
	viv_str_add_bytes(&tar, zeroes, sizeof(zeroes));
	viv_str_addf(&deb, "!<arch>\n%-16s%-12u%-6u%-6u%-8s%-10u`\n2.0\n", "debian-binary", 0, 0, 0, "100644", 4);
	viv_str_addf(&deb, "%-16s%-12u%-6u%-6u%-8s%-10zu`\n", "data.tar", 0, 0, 0, "100644", tar.len);
	viv_str_add_bytes(&deb, tar.data, tar.len);
	assert_int_equal(viv_write_all(fd, deb.data, deb.len, "deb", NULL), 0);
	return viv_contents_read(path, ret, err);
}

static unsigned mode_of(const struct viv_contents *c, const char *path)
{
	const struct viv_contents_file *f = viv_contents_find(c, path);

	assert_non_null(f);
	return viv_contents_real(c, f)->mode;
}

/* A hard link is what it is one to. */
static void set_id(void **state)
{
	static const struct entry entries[] = {
		{"./usr/bin/su", '0', 04755, 0, 0, NULL}, {"./usr/bin/at", '0', 06755, 1, 1, NULL},
		{"./usr/bin/batch", '1', 04755, 0, 0, "./usr/bin/at"}, {"./usr/bin/runuser", '1', 0755, 9, 9, "./bin/su"}};
	VIV_CLEANUP(viv_contents_free) struct viv_contents c = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (list(entries, VIV_ARRAY_SIZE(entries), &c, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(mode_of(&c, "usr/bin/su"), 04755);
	assert_int_equal(mode_of(&c, "usr/bin/batch"), 06755);
	assert_int_equal(mode_of(&c, "usr/bin/runuser"), 04755);
}

/* What scripts would do, as far as their text says. */
static void scripts(void **state)
{
	static const char script[] =
		"#!/bin/sh -e\n"
		"# adduser nobody-at-all\n"
		"if ! getent passwd sshd >/dev/null; then adduser --system --home /run/sshd \\\n"
		"\t--quiet sshd; fi\n"
		"command -v setcap >/dev/null && setcap cap_net_raw+ep $PROGRAM || chmod u+s $PROGRAM\n"
		"\tLANG=C /usr/sbin/groupadd -r  \"x\" # theirs\n"
		"which useradd; echo adduser x\n"
		"dpkg-statoverride --list /usr/bin/x || dpkg-statoverride --add root y 2755 /usr/bin/x";
	static const char sysusers[] = "# a comment\nu sshd - \"sshd user\" /run/sshd\n\ng  render -\nr - 500-900\nu! z\n";
	VIV_STRV got = VIV_STRV_INIT;
	VIV_FREE char *text = NULL;

	viv_script_commands(viv_slice(script), &got);
	viv_script_sysusers(viv_slice(sysusers), &got);
	text = viv_strv_join(&got, "\n");
	assert_string_equal(text, "adduser --system --home /run/sshd --quiet sshd\n"
				  "setcap cap_net_raw+ep $PROGRAM\n"
				  "groupadd -r x\n"
				  "dpkg-statoverride --list /usr/bin/x\n"
				  "dpkg-statoverride --add root y 2755 /usr/bin/x\n"
				  "u sshd - \"sshd user\" /run/sshd\n"
				  "g  render -\n"
				  "u! z");
}

static void hard_links(void **state)
{
	static const struct entry cases[][2] = {
		{{"./usr/bin/a", '0', 0755, 0, 0, NULL}, {"./usr/bin/b", '1', 0755, 0, 0, "../../../etc/passwd"}},
		{{"./usr/bin/a", '0', 0755, 0, 0, NULL}, {"./usr/bin/b", '1', 0755, 0, 0, "/etc/passwd"}},
		{{"./usr/bin/a", '2', 0777, 0, 0, "/etc/passwd"}, {"./usr/bin/b", '1', 0755, 0, 0, "./usr/bin/a"}},
		{{"./usr/bin/a", '5', 0755, 0, 0, NULL}, {"./usr/bin/b", '1', 0755, 0, 0, "./usr/bin/a"}},
		{{"./usr/bin/a", '0', 0755, 0, 0, NULL}, {"./usr/bin/b", '1', 0755, 0, 0, "./usr/bin/b"}},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_CLEANUP(viv_contents_free) struct viv_contents c = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(list(cases[i], 2, &c, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "usr/bin/b"));
	}
}

static bool is_chosen(const struct viv_contents *c, const char *path)
{
	const struct viv_contents_file *f = viv_contents_find(c, path);

	assert_non_null(f);
	return f->chosen;
}

/* The folders of a package keep their modes, also empty ones. */
static void folders(void **state)
{
	static const struct entry entries[] = {
		{"./", '5', 0755, 0, 0, NULL},		 {"./bin", '2', 0777, 0, 0, "usr/bin"},
		{"./etc/", '5', 0755, 0, 0, NULL},	 {"./etc/sudoers.d/", '5', 0750, 0, 0, NULL},
		{"./etc/sudoers.d/README", '0', 0440, 0, 0, NULL}, {"./var/spool/x/", '5', 0700, 0, 0, NULL},
		{"./usr/share/doc/x/", '5', 0755, 0, 0, NULL}, {"./usr/share/doc/x/y", '0', 0644, 0, 0, NULL}};
	VIV_CLEANUP(viv_contents_free) struct viv_contents c = {0}, some = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (list(entries, VIV_ARRAY_SIZE(entries), &c, &err) < 0 ||
	    list(entries, VIV_ARRAY_SIZE(entries), &some, &err) < 0)
		fail_msg("%s", err.msg);
	assert_null(viv_contents_find(&c, "usr/bin"));
	viv_contents_choose_all(&c);
	assert_true(is_chosen(&c, "etc/sudoers.d"));
	assert_int_equal(mode_of(&c, "etc/sudoers.d"), 0750);
	assert_true(is_chosen(&c, "var/spool/x"));
	assert_false(is_chosen(&c, "usr/share/doc/x"));
	assert_false(is_chosen(&c, "usr/share/doc/x/y"));
	assert_true(viv_contents_choose_matching(&some, "etc/*/README"));
	assert_false(viv_contents_choose_matching(&some, "etc/nothing"));
	assert_true(is_chosen(&some, "etc/sudoers.d"));
	assert_true(is_chosen(&some, "etc"));
	assert_false(is_chosen(&some, "var/spool/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_program), cmocka_unit_test(made_up), cmocka_unit_test(damaged),
		cmocka_unit_test(others), cmocka_unit_test(foreign), cmocka_unit_test(paths), cmocka_unit_test(depends),
		cmocka_unit_test(scripts),
		cmocka_unit_test(set_id), cmocka_unit_test(hard_links), cmocka_unit_test(folders)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
