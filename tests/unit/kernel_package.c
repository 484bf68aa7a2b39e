/* SPDX-License-Identifier: MIT */
#include "kernel_fixture.h"

#include "base/json.h"
#include "kernel/extract.h"
#include "kernel/kernel.h"
#include "kernel/modules.h"

#define A "extern int b_fn(void); int a_fn(void); int a_fn(void) { return b_fn(); }" \
	  " const char i[] __attribute__((section(\".modinfo\"))) = \"softdep=pre: soft missing\";"
#define B "int b_fn(void); int b_fn(void) { return 1; }" \
	  " const char s[] __attribute__((section(\"__ksymtab_strings\"))) = \"b_fn\";"
#define SOFT "const char p[] __attribute__((section(\".modinfo\"))) =" \
	     " \"alias=cpu:type:x86,feature:*0094*\\0alias=soft-alias\\0alias=cpu:x\";" \
	     "int soft_fn(void); int soft_fn(void) { return 1; }"

/* The package that most tests use: a (needs b, asks for soft), b, soft; "built" is built in. */
struct fixture {
	char *dir, *deb, *dest;
	struct viv_str elf, image, config, a, b, soft, builtin, order;
	bool compiler;
};

static void compile(struct fixture *f, const char *source, const char *filter, struct viv_str *ret)
{
	VIV_FREE char *path = viv_path_join(f->dir, "m.ko");
	VIV_STR data = VIV_STR_INIT;

	f->compiler = make_module(path, source);
	if (!f->compiler)
		return;
	assert_int_equal(viv_read_file(path, 1 << 20, &data, NULL), 0);
	unlink(path);
	if (filter)
		test_compress(&data, filter, ret);
	else
		viv_str_add_bytes(ret, data.data, data.len);
}

static int set_up(void **state)
{
	struct fixture *f = viv_new(struct fixture);

	f->dir = test_dir("kernel");
	f->deb = viv_path_join(f->dir, "linux-image.deb");
	f->dest = viv_path_join(f->dir, "kernel");
	make_kernel("zstd", true, &f->elf, &f->image);
	viv_str_add(&f->config, "CONFIG_PVH=y\n");
	viv_str_add(&f->builtin, "kernel/fs/built.ko\nkernel/drivers/also-built.ko\n");
	viv_str_add(&f->order, "kernel/a.ko\nkernel/sub/b.ko\nkernel/soft.ko\n");
	compile(f, A, "xz", &f->a);
	compile(f, B, "zstd", &f->b);
	compile(f, SOFT, NULL, &f->soft);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct viv_str *texts[] = {&f->elf, &f->image, &f->config, &f->a,
				   &f->b,   &f->soft,  &f->builtin, &f->order};

	viv_remove_tree(f->dir, NULL);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(texts); i++)
		viv_str_free(texts[i]);
	free(f->dir);
	free(f->deb);
	free(f->dest);
	free(f);
	return 0;
}

static void pack(struct fixture *f, const char *filter, const char *modules)
{
	VIV_FREE char *a = viv_asprintf("./%s/6.1-x/kernel/a.ko.xz", modules);
	VIV_FREE char *b = viv_asprintf("./%s/6.1-x/kernel/sub/b.ko.zst", modules);
	VIV_FREE char *soft = viv_asprintf("./%s/6.1-x/kernel/soft.ko", modules);
	VIV_FREE char *builtin = viv_asprintf("./%s/6.1-x/modules.builtin", modules);
	VIV_FREE char *order = viv_asprintf("./%s/6.1-x/modules.order", modules);
	VIV_FREE char *build = viv_asprintf("./%s/6.1-x/build", modules);
	struct test_file files[] = {
		{"./boot/vmlinuz-6.1-x", &f->image}, {"./boot/config-6.1-x", &f->config},
		{"./usr/share/doc/x", &f->config},   {a, &f->a},
		{b, &f->b},			     {soft, &f->soft},
		{builtin, &f->builtin},		     {order, &f->order},
		{build, NULL},
	};

	make_deb(f->deb, filter, files, VIV_ARRAY_SIZE(files));
}

/* Unpacks the usual package; skips the test where it can't be. */
static void unpack(struct fixture *f, const char *filter, const char *modules)
{
	VIV_FREE char *depmod = viv_find_program("depmod");
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!f->compiler || !depmod) {
		print_message("skipped: no %s\n", depmod ? "cc" : "depmod");
		skip();
	}
	pack(f, filter, modules);
	if (viv_kernel_unpack(f->deb, NULL, f->dest, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static void expect_file(struct fixture *f, const char *name, bool there)
{
	VIV_FREE char *path = viv_path_join(f->dest, name);

	if (viv_exists(path) != there)
		fail_msg("%s is %s", name, there ? "missing" : "there");
}

static void whole_package(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *info = viv_path_join(f->dest, "kernel.json");
	VIV_FREE char *vmlinux = viv_path_join(f->dest, "vmlinux");
	VIV_STR got = VIV_STR_INIT;
	VIV_STR text = VIV_STR_INIT;

	unpack(f, "xz", "usr/lib/modules");
	expect_file(f, "bzImage", true);
	expect_file(f, "config", true);
	expect_file(f, "modules/kernel/a.ko", true);
	expect_file(f, "modules/kernel/a.ko.xz", false);
	expect_file(f, "modules/kernel/sub/b.ko", true);
	expect_file(f, "modules/kernel/soft.ko", true);
	expect_file(f, "modules/modules.dep.bin", true);
	expect_file(f, "modules/build", false);
	expect_file(f, "root", false);
	assert_int_equal(viv_read_file(vmlinux, 1 << 20, &got, NULL), 0);
	assert_int_equal(got.len, f->elf.len);
	assert_int_equal(viv_read_file(info, 1 << 20, &text, NULL), 0);
	assert_string_equal(text.data, "{\n  \"builtin\": [\n    \"also-built\",\n    \"built\"\n  ],\n"
				       "  \"pvh\": true,\n  \"version\": \"6.1-x\"\n}\n");
}

static void older_place_and_no_compression(void **state)
{
	struct fixture *f = *state;

	unpack(f, "none", "lib/modules");
	expect_file(f, "modules/kernel/sub/b.ko", true);
	expect_file(f, "vmlinux", true);
}

static void same_bytes_and_times(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *other = viv_path_join(f->dir, "again");
	const char *diff[] = {"diff", "-r", f->dest, other, NULL};
	VIV_FREE char *dep = viv_path_join(other, "modules/modules.dep");
	VIV_ERROR err = VIV_ERROR_INIT;
	struct stat st;

	unpack(f, "gzip", "usr/lib/modules");
	assert_int_equal(viv_kernel_unpack(f->deb, NULL, other, NULL, NULL), 0);
	if (viv_process_check(diff, NULL, 1 << 20, 60000, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(stat(dep, &st), 0);
	assert_int_equal(st.st_mtime, 1700000000);
}

static char *names_of(const struct viv_strv *paths)
{
	VIV_STRV names = VIV_STRV_INIT;

	for (size_t i = 0; i < paths->count; i++)
		viv_strv_push(&names, viv_path_base(paths->items[i]));
	return viv_strv_join(&names, " ");
}

static void modules_in_order(void **state)
{
	static const struct {
		const char *wanted, *optional, *order;
	} rows[] = {
		{"a", NULL, "soft.ko b.ko a.ko"}, {"b", "a", "b.ko soft.ko a.ko"},
		{"built", "b", "b.ko"},		  {"soft", "nothing-like-it", "soft.ko"},
		{NULL, "also-built", ""},	  {"also_built", NULL, ""},
	};
	struct fixture *f = *state;
	VIV_FREE char *folder = viv_path_join(f->dest, "modules");

	unpack(f, "xz", "usr/lib/modules");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_STRV wanted = VIV_STRV_INIT;
		VIV_STRV optional = VIV_STRV_INIT;
		VIV_STRV got = VIV_STRV_INIT;
		VIV_FREE char *names = NULL;

		if (rows[i].wanted)
			viv_strv_push(&wanted, rows[i].wanted);
		if (rows[i].optional)
			viv_strv_push(&optional, rows[i].optional);
		assert_int_equal(viv_modules_closure(folder, &wanted, &optional, &got, NULL), 0);
		names = names_of(&got);
		assert_string_equal(names, rows[i].order);
	}
}

static void processors_of_modules(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *soft = viv_path_join(f->dest, "modules/kernel/soft.ko");
	VIV_FREE char *a = viv_path_join(f->dest, "modules/kernel/a.ko");
	VIV_FREE char *none = viv_path_join(f->dest, "modules/none.ko");
	VIV_STR got = VIV_STR_INIT;

	unpack(f, "xz", "usr/lib/modules");
	assert_int_equal(viv_modules_processors(a, &got, NULL), 0);
	assert_int_equal(got.len, 0);
	assert_int_equal(viv_modules_processors(soft, &got, NULL), 0);
	assert_string_equal(got.data, "cpu:type:x86,feature:*0094*\ncpu:x\n");
	assert_int_equal(viv_modules_processors(none, &got, NULL), -ENOENT);
}

static void missing_module(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *folder = viv_path_join(f->dest, "modules");
	VIV_STRV wanted = VIV_STRV_INIT;
	VIV_STRV got = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	unpack(f, "xz", "usr/lib/modules");
	viv_strv_push(&wanted, "softt");
	assert_int_equal(viv_modules_closure(folder, &wanted, NULL, &got, &err), -ENOENT);
	assert_string_equal(err.msg, "the kernel has no module softt (did you mean soft?)");
	assert_int_equal(got.count, 0);
}

/* Of any package: the modules, and nothing else. */
static void modules_alone(void **state)
{
	struct fixture *f = *state;
	struct test_file none[] = {{"./boot/vmlinuz-6.1-x", &f->image}, {"./lib/modules/6.1-x/modules.order", &f->order}};
	struct test_file two[] = {{"./lib/modules/6.1-x/a.ko", &f->config}, {"./usr/lib/modules/6.2-x/b.ko", &f->config}};
	struct test_file outside[] = {{"./lib/modules/6.1-x/../../../a.ko", &f->config}};
	struct {
		struct test_file *files;
		size_t n;
		const char *says;
	} bad[] = {
		{none, 2, "no kernel module in this package"},
		{two, 2, "it holds kernels of two versions"},
		{outside, 1, "a file name that leaves the package's root"},
	};

	pack(f, "xz", "usr/lib/modules");
	assert_int_equal(viv_mkdir_p(f->dest, 0755, NULL), 0);
	assert_int_equal(viv_kernel_extract_modules(f->deb, f->dest, NULL), 0);
	expect_file(f, "kernel/a.ko.xz", true);
	expect_file(f, "kernel/sub/b.ko.zst", true);
	expect_file(f, "kernel/soft.ko", true);
	expect_file(f, "modules.order", false);
	expect_file(f, "bzImage", false);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++) {
		VIV_FREE char *dest = viv_asprintf("%s/%zu", f->dir, i);
		VIV_ERROR err = VIV_ERROR_INIT;

		make_deb(f->deb, "xz", bad[i].files, bad[i].n);
		assert_int_equal(viv_kernel_extract_modules(f->deb, dest, &err), -EINVAL);
		assert_non_null(strstr(err.msg, bad[i].says));
	}
}

static void bad_packages(void **state)
{
	struct fixture *f = *state;
	const struct {
		struct test_file files[2];
		const char *text;
	} rows[] = {
		{{{"./usr/share/doc/x", &f->config}, {"./etc/x", &f->config}},
		 "no kernel in this package (boot/vmlinuz-…)"},
		{{{"./boot/vmlinuz-1", &f->image}, {"./boot/vmlinuz-2", &f->image}},
		 "it holds kernels of two versions"},
		{{{"./boot/vmlinuz-1", &f->image}, {"./lib/modules/2/x", &f->config}},
		 "kernel and modules are of two versions"},
		{{{"./boot/vmlinuz-1", &f->image}, {"./lib/modules/1/../../../x", &f->config}},
		 "a file name that leaves the package's root"},
		{{{"./boot/vmlinuz-$(x)", &f->image}, {"./etc/x", &f->config}},
		 "a kernel version with odd characters"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *want = viv_asprintf("%s: %s", f->deb, rows[i].text);
		VIV_ERROR err = VIV_ERROR_INIT;

		make_deb(f->deb, "xz", rows[i].files, 2);
		assert_int_equal(viv_kernel_unpack(f->deb, NULL, f->dest, NULL, &err), -EINVAL);
		assert_string_equal(err.msg, want);
		viv_remove_tree(f->dest, NULL);
	}
}

static void cut_packages(void **state)
{
	struct fixture *f = *state;
	VIV_STR whole = VIV_STR_INIT;

	pack(f, "xz", "usr/lib/modules");
	assert_int_equal(viv_read_file(f->deb, 1 << 20, &whole, NULL), 0);
	for (size_t n = 0; n < whole.len - 600; n += whole.len / 40) {
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(viv_write_file(f->deb, whole.data, n, 0644, NULL), 0);
		assert_true(viv_kernel_unpack(f->deb, NULL, f->dest, NULL, &err) < 0);
		assert_non_null(err.msg);
		viv_remove_tree(f->dest, NULL);
	}
}

static void damaged_module(void **state)
{
	struct fixture *f = *state;
	VIV_STR bad = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct test_file files[] = {{"./boot/vmlinuz-1", &f->image},
				    {"./lib/modules/1/kernel/x.ko.xz", &bad}};

	viv_str_add(&bad, "not xz at all, whatever its name says");
	make_deb(f->deb, "xz", files, 2);
	assert_int_equal(viv_kernel_unpack(f->deb, NULL, f->dest, NULL, &err), -EINVAL);
	assert_true(strstr(err.msg, "x.ko.xz: damaged") != NULL);
}

/* A .deb of a kernel and a configuration that is "head", a hole of a MiB, "tail", and another hole. */
static void make_sparse_deb(struct fixture *f, la_int64_t size)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	VIV_STR tar = VIV_STR_INIT, content = VIV_STR_INIT, version = VIV_STR_INIT;

	memset(viv_str_reserve(&content, 2 << 20), 0, 2 << 20);
	viv_str_added(&content, 2 << 20);
	memcpy(content.data, "head", 4);
	memcpy(content.data + (1 << 20), "tail", 4);
	archive_write_set_format_pax(a);
	assert_int_equal(archive_write_open(a, &tar, NULL, test_collect, NULL), ARCHIVE_OK);
	add_member(a, "./boot/vmlinuz-6.1-x", &f->image);
	archive_entry_set_pathname(e, "./boot/config-6.1-x");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, size);
	archive_entry_sparse_add_entry(e, 0, 4);
	archive_entry_sparse_add_entry(e, 1 << 20, 4);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	archive_write_data(a, content.data, content.len);
	archive_entry_free(e);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);

	a = archive_write_new();
	archive_write_set_format_ar_bsd(a);
	assert_int_equal(archive_write_open_filename(a, f->deb), ARCHIVE_OK);
	viv_str_add(&version, "2.0\n");
	add_member(a, "debian-binary", &version);
	add_member(a, "data.tar", &tar);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static void sparse_members(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *config = viv_path_join(f->dest, "config");
	struct viv_kernel_files found = {0};
	VIV_STR got = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	make_sparse_deb(f, 2 << 20);
	if (viv_kernel_extract(f->deb, f->dest, &found, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(viv_read_file(config, 4 << 20, &got, NULL), 0);
	assert_int_equal(got.len, 2 << 20);
	assert_memory_equal(got.data, "head\0", 5);
	assert_memory_equal(got.data + (1 << 20), "tail\0", 5);
	free(found.version);

	viv_remove_tree(f->dest, NULL);
	make_sparse_deb(f, INT64_C(1) << 50);
	assert_int_equal(viv_kernel_extract(f->deb, f->dest, &found, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "more than 4 GiB unpacked"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_package),
		TEST(older_place_and_no_compression),
		TEST(same_bytes_and_times),
		TEST(modules_in_order),
		TEST(missing_module),
		TEST(processors_of_modules),
		TEST(modules_alone),
		TEST(bad_packages),
		TEST(cut_packages),
		TEST(damaged_module), TEST(sparse_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
