/* SPDX-License-Identifier: MIT */

/* Kernels that are no package: which parts of a tree or a folder are used, and what they hash to. */

#include "kernel/source.h"
#include "kernel_fixture.h"

#define RELEASE "6.1.0-test"

static char *dir;

static void put(const char *name, const char *text, size_t len)
{
	VIV_FREE char *path = viv_path_join(dir, name), *folder = viv_path_dir(path);

	assert_int_equal(viv_mkdir_p(folder, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, text, len, 0644, NULL), 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static void put_module(const char *name, const char *release)
{
	VIV_FREE char *text = viv_asprintf("ELF vermagic=%s SMP mod_unload ", release);

	put_text(name, text);
}

static int set_up(void **state)
{
	VIV_STR elf = VIV_STR_INIT, image = VIV_STR_INIT;

	dir = test_dir("source");
	make_kernel("gzip", true, &elf, &image);
	put("tree/arch/x86/boot/bzImage", image.data, image.len);
	put_text("tree/Kbuild", "");
	put_text("tree/Kconfig", "");
	put_text("tree/.config", "CONFIG_X=y\n");
	put_text("tree/include/config/kernel.release", RELEASE "\n");
	put_text("tree/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
	put_module("tree/fs/xfs/xfs.ko", RELEASE);
	put_module("tree/kernel/torture.ko", RELEASE);
	put_text("tree/modules.order", "fs/xfs/xfs.o\nkernel/torture.o\n");
	return 0;
}

static int tear_down(void **state)
{
	int r = viv_remove_tree(dir, NULL);

	free(dir);
	return r;
}

static int find(const char *name, const char *modules, struct viv_kernel_source *s, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dir, name), *folder = modules ? viv_path_join(dir, modules) : NULL;

	return viv_kernel_source_find(path, folder, s, err);
}

static void expect_modules(const char *order)
{
	struct viv_kernel_source s = {0};

	put_text("tree/modules.order", order);
	assert_int_equal(find("tree", NULL, &s, NULL), 0);
	assert_string_equal(s.release, RELEASE);
	assert_int_equal(s.modules.names.count, 2);
	assert_string_equal(s.modules.names.items[0], "kernel/fs/xfs/xfs.ko");
	assert_string_equal(s.modules.names.items[1], "kernel/kernel/torture.ko");
	viv_kernel_source_free_contents(&s);
}

/* modules.order was written in three ways; a folder of the tree's own is named "kernel", too. */
static void orders(void **state)
{
	expect_modules("fs/xfs/xfs.o\nkernel/torture.o\n");
	expect_modules("fs/xfs/xfs.ko\nkernel/torture.ko\n");
	expect_modules("kernel/fs/xfs/xfs.ko\nkernel/kernel/torture.ko\n");
}

static void refused(void **state)
{
	static const struct {
		const char *name, *text, *message;
	} rows[] = {
		{"tree/modules.order", "fs/xfs/xfs.o\nfs/none.o\n", "fs/none.ko is in modules.order, but not built"},
		{"tree/modules.order", "../../etc/x.ko\n", "is no module's path"},
		{"tree/modules.order", "/etc/passwd\n", "is no module's path"},
		{"tree/include/config/kernel.release", "6.2.0\n", "its arch/x86/boot/bzImage is Linux 6.1.0-test, all else 6.2.0"},
		{"tree/arch/x86/boot/bzImage", "no kernel", ""},
		{"tree/arch/x86/boot/bzImage", "\177ELF and nothing of Linux", "doesn't say which release of Linux it is"},
		{"tree/arch/x86/boot/bzImage", "\177ELF Linux version ../../x ", "doesn't say which release of Linux it is"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct viv_kernel_source s = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		tear_down(NULL);
		set_up(NULL);
		put_text(rows[i].name, rows[i].text);
		assert_true(find("tree", NULL, &s, &err) < 0);
		if (!strstr(err.msg, rows[i].message))
			fail_msg("%s: %s", rows[i].message, err.msg);
		assert_null(s.image);
	}
}

static void hash(char ret[65])
{
	struct viv_kernel_source s = {0};

	assert_int_equal(find("tree", NULL, &s, NULL), 0);
	assert_int_equal(viv_kernel_source_hash(&s, ret, NULL), 0);
	viv_kernel_source_free_contents(&s);
}

/* All that is used counts, and nothing else. */
static void hashes(void **state)
{
	static const char *const used[] = {"tree/.config", "tree/modules.builtin", "tree/fs/xfs/xfs.ko"};
	char first[65], other[65];

	hash(first);
	put_text("tree/fs/xfs/xfs.c", "a source");
	put_text("tree/fs/other.ko", "in no list");
	hash(other);
	assert_string_equal(first, other);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(used); i++) {
		put_text(used[i], "changed");
		hash(other);
		assert_string_not_equal(first, other);
		memcpy(first, other, sizeof(first));
	}
}

/* A file has the configuration beside it, and modules from a folder, wherever that begins. */
static void files(void **state)
{
	static const char *const folders[] = {("mods/lib/modules/" RELEASE), "mods/lib/modules", "mods"};
	struct viv_kernel_source s = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR image = VIV_STR_INIT, elf = VIV_STR_INIT;

	make_kernel("gzip", true, &elf, &image);
	put("boot/vmlinuz", image.data, image.len);
	assert_int_equal(find("boot/vmlinuz", NULL, &s, NULL), 0);
	assert_null(s.config);
	assert_int_equal(s.modules.names.count, 0);
	viv_kernel_source_free_contents(&s);
	put_text("boot/config-" RELEASE, "CONFIG_X=y\n");
	put_module("mods/lib/modules/" RELEASE "/kernel/fs/a.ko", RELEASE);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
		assert_int_equal(find("boot/vmlinuz", folders[i], &s, NULL), 0);
		assert_true(s.config && viv_ends_with(s.config, "/config-" RELEASE));
		assert_int_equal(s.modules.names.count, 1);
		assert_string_equal(s.modules.names.items[0], "kernel/fs/a.ko");
		viv_kernel_source_free_contents(&s);
	}
	assert_int_equal(find("boot/vmlinuz", "boot", &s, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "holds no modules of Linux " RELEASE));
	/* One in a tree has that tree's configuration. */
	assert_int_equal(find("tree/arch/x86/boot/bzImage", NULL, &s, NULL), 0);
	assert_true(s.config && viv_ends_with(s.config, "/tree/.config"));
	viv_kernel_source_free_contents(&s);
}

static void releases_of_modules(void **state)
{
	VIV_FREE char *folder = viv_path_join(dir, "extra"), *to = viv_path_join(dir, "to");
	VIV_FREE char *copied = viv_path_join(to, "updates/sub/good.ko");
	struct viv_kernel_modules m = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_true(viv_kernel_modules_add(folder, &m, NULL) < 0);
	put_module("extra/sub/good.ko", RELEASE);
	assert_int_equal(viv_kernel_modules_add(folder, &m, NULL), 0);
	assert_int_equal(viv_kernel_modules_check(&m, NULL), 0);
	assert_int_equal(viv_kernel_modules_copy(&m, RELEASE, to, NULL), 0);
	assert_true(viv_exists(copied));
	assert_int_equal(viv_kernel_modules_copy(&m, RELEASE "2", to, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "is built for Linux " RELEASE ", the kernel is " RELEASE "2"));
	viv_error_clear(&err);
	put_text("extra/sub/good.ko", "text");
	assert_int_equal(viv_kernel_modules_copy(&m, RELEASE, to, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "no vermagic"));
	viv_kernel_modules_free_contents(&m);
}

/* Before anything is built: what is no module, and what the kernel takes for the same one. */
static void faults_of_modules(void **state)
{
	VIV_FREE char *a = viv_path_join(dir, "faults/a-b.ko"), *again = viv_path_join(dir, "faults/x/a_b.ko");
	struct viv_kernel_modules m = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	put_module("faults/a-b.ko", RELEASE);
	put_module("faults/x/a_b.ko", RELEASE);
	assert_int_equal(viv_kernel_modules_add(a, &m, NULL), 0);
	assert_int_equal(viv_kernel_modules_add(a, &m, NULL), 0);
	assert_int_equal(viv_kernel_modules_check(&m, NULL), 0);
	assert_int_equal(viv_kernel_modules_add(again, &m, NULL), 0);
	assert_int_equal(viv_kernel_modules_check(&m, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "faults/a-b.ko and "));
	assert_non_null(strstr(err.msg, "faults/x/a_b.ko are both the module a_b"));
	viv_kernel_modules_free_contents(&m);
	viv_error_clear(&err);
	put_text("faults/a-b.ko", "text");
	assert_int_equal(viv_kernel_modules_add(a, &m, NULL), 0);
	assert_int_equal(viv_kernel_modules_check(&m, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "a-b.ko is no kernel module: it has no vermagic"));
	viv_kernel_modules_free_contents(&m);
}

static void embedded(void **state)
{
	VIV_FREE char *path = viv_path_join(dir, "vmlinux");
	VIV_STR text = VIV_STR_INIT, packed = VIV_STR_INIT, image = VIV_STR_INIT, got = VIV_STR_INIT;

	viv_str_add(&text, "CONFIG_X=y\nCONFIG_Y=m\n");
	test_compress(&text, "gzip", &packed);
	viv_str_add(&image, "\177ELF some code IKCFG_ST");
	viv_str_add_bytes(&image, packed.data, packed.len);
	put("vmlinux", image.data, image.len);
	assert_false(viv_kernel_embedded_config(path, &got)); /* without an end */
	viv_str_add(&image, "IKCFG_ED and more");
	put("vmlinux", image.data, image.len);
	assert_true(viv_kernel_embedded_config(path, &got));
	assert_string_equal(got.data, text.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(orders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hashes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(releases_of_modules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(faults_of_modules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(embedded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
