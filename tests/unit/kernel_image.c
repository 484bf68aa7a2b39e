/* SPDX-License-Identifier: MIT */
#include "kernel_fixture.h"

#include "kernel/bzimage.h"
#include "kernel/elf.h"
#include "kernel/vmlinux.h"

#include <sys/mman.h>

static const char *const filters[] = {"gzip", "xz", "zstd", "lz4", "lzma", "bzip2"};

static void unpack_to(const struct viv_str *image, const struct viv_bzimage *b, struct viv_str *ret,
		      int want, struct viv_error *err)
{
	VIV_FD from = memfd_create("bzImage", MFD_CLOEXEC);
	VIV_FD fd = memfd_create("vmlinux", MFD_CLOEXEC);

	assert_int_equal(viv_write_all(from, image->data, image->len, "bzImage", NULL), 0);
	assert_int_equal(viv_bzimage_unpack(from, b, fd, err), want);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(viv_read_to_end(fd, 1 << 20, ret, "vmlinux", NULL), 0);
}

static void every_compression(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(filters); i++) {
		VIV_STR elf = VIV_STR_INIT;
		VIV_STR image = VIV_STR_INIT;
		VIV_STR out = VIV_STR_INIT;
		struct viv_bzimage b;

		make_kernel(filters[i], true, &elf, &image);
		assert_int_equal(viv_bzimage_parse(image.data, image.len, &b, NULL), 0);
		assert_string_equal(b.filter, filters[i]);
		assert_string_equal(b.version, "6.1.0-test");
		assert_int_equal(b.payload, TEST_PAYLOAD_AT);
		assert_int_equal(b.unpacked_size, elf.len);
		unpack_to(&image, &b, &out, 0, NULL);
		assert_int_equal(out.len, elf.len);
		assert_memory_equal(out.data, elf.data, elf.len);
	}
}

static void lengths_that_lie(void **state)
{
	for (size_t i = 1; i < VIV_ARRAY_SIZE(filters); i++)
		for (int more = -1; more <= 1; more += 2) {
			VIV_STR elf = VIV_STR_INIT;
			VIV_STR payload = VIV_STR_INIT;
			VIV_STR image = VIV_STR_INIT;
			VIV_STR out = VIV_STR_INIT;
			struct viv_bzimage b;

			make_elf(&elf, 18, "Xen");
			test_compress(&elf, filters[i], &payload);
			make_bzimage(&payload, (uint32_t)((int)elf.len + more), false, &image);
			assert_int_equal(viv_bzimage_parse(image.data, image.len, &b, NULL), 0);
			unpack_to(&image, &b, &out, more < 0 ? -EFBIG : -EINVAL, NULL);
			assert_true(out.len <= elf.len);
		}
}

/* Changes one byte each and looks at the error. */
static void damaged_headers(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int error;
		const char *text;
	} rows[] = {
		{0x1fe, 0, EINVAL, "not a Linux kernel image (bzImage)"},
		{0x203, 'x', EINVAL, "not a Linux kernel image (bzImage)"},
		{0x206, 7, EOPNOTSUPP,
		 "the kernel is too old: its boot protocol is 2.07, 2.08 is needed"},
		{0x24b, 0x7f, EINVAL, "damaged kernel image: its payload lies outside the file"},
		{0x24f, 0x7f, EINVAL, "damaged kernel image: its payload lies outside the file"},
		{0x24f, 0xff, EINVAL, "damaged kernel image: its payload lies outside the file"},
		{0x1f1, 0xff, EINVAL, "damaged kernel image: its payload lies outside the file"},
		{TEST_PAYLOAD_AT, 0, EOPNOTSUPP, "the kernel image is compressed in an unknown way"},
	};
	VIV_STR elf = VIV_STR_INIT;
	VIV_STR image = VIV_STR_INIT;

	make_kernel("gzip", true, &elf, &image);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_bzimage b;
		char was = image.data[rows[i].at];

		image.data[rows[i].at] = (char)rows[i].value;
		assert_int_equal(viv_bzimage_parse(image.data, image.len, &b, &err), -rows[i].error);
		assert_string_equal(err.msg, rows[i].text);
		image.data[rows[i].at] = was;
	}
	for (size_t n = 0; n < TEST_PAYLOAD_AT + 16; n++) {
		struct viv_bzimage b;

		assert_true(viv_bzimage_parse(image.data, n, &b, NULL) < 0);
	}
}

static void damaged_payloads(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(filters); i++) {
		VIV_STR elf = VIV_STR_INIT;
		VIV_STR image = VIV_STR_INIT;
		VIV_STR out = VIV_STR_INIT;
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_bzimage b;

		make_kernel(filters[i], true, &elf, &image);
		assert_int_equal(viv_bzimage_parse(image.data, image.len, &b, NULL), 0);
		b.payload_size /= 2;
		unpack_to(&image, &b, &out, -EINVAL, &err);
		assert_true(strstr(err.msg, "damaged") != NULL);
		assert_true(out.len < elf.len);
	}
}

static void an_unpacked_size_without_sense(void **state)
{
	struct viv_bzimage b = {.filter = "gzip", .unpacked_size = 0xffffffff};

	assert_int_equal(viv_bzimage_unpack(-1, &b, -1, NULL), -EFBIG);
}

static void pvh_notes(void **state)
{
	VIV_STR yes = VIV_STR_INIT;
	VIV_STR other_type = VIV_STR_INIT;
	VIV_STR other_name = VIV_STR_INIT;
	bool seen = false;

	make_elf(&yes, 18, "Xen");
	make_elf(&other_type, 17, "Xen");
	make_elf(&other_name, 18, "GNU");
	assert_true(viv_elf_has_pvh(yes.data, yes.len));
	assert_false(viv_elf_has_pvh(other_type.data, other_type.len));
	assert_false(viv_elf_has_pvh(other_name.data, other_name.len));
	assert_false(viv_elf_has_pvh("", 0));
	/* Cut anywhere: no, until the notes are whole. Exact memory, so that ASan sees overruns. */
	for (size_t n = 0; n < 256; n++) {
		VIV_FREE char *cut = viv_malloc(n ? n : 1);

		memcpy(cut, yes.data, n);
		seen |= viv_elf_has_pvh(cut, n);
		assert_true(!seen || viv_elf_has_pvh(cut, n));
	}
	assert_true(seen);
}

static void vmlinux_is_kept_only_with_pvh(void **state)
{
	VIV_FREE char *dir = test_dir("vmlinux");
	VIV_FREE char *from = viv_path_join(dir, "bzImage");
	VIV_FREE char *to = viv_path_join(dir, "vmlinux");

	for (int pvh = 0; pvh < 2; pvh++) {
		VIV_STR elf = VIV_STR_INIT;
		VIV_STR image = VIV_STR_INIT;
		bool got = !pvh;

		make_kernel("zstd", pvh, &elf, &image);
		assert_int_equal(viv_write_file(from, image.data, image.len, 0644, NULL), 0);
		assert_int_equal(viv_kernel_vmlinux(from, to, &got, NULL), 0);
		assert_int_equal(got, pvh);
		assert_int_equal(viv_exists(to), pvh);
	}
	viv_remove_tree(dir, NULL);
}

static void unknown_compression_boots_as_bzimage(void **state)
{
	VIV_FREE char *dir = test_dir("lzo");
	VIV_FREE char *from = viv_path_join(dir, "bzImage");
	VIV_FREE char *to = viv_path_join(dir, "vmlinux");
	VIV_STR payload = VIV_STR_INIT;
	VIV_STR image = VIV_STR_INIT;
	bool pvh = true;

	viv_str_add(&payload, "\x89LZO and what follows it");
	make_bzimage(&payload, 1000, false, &image);
	assert_int_equal(viv_write_file(from, image.data, image.len, 0644, NULL), 0);
	assert_int_equal(viv_kernel_vmlinux(from, to, &pvh, NULL), 0);
	assert_false(pvh);
	assert_false(viv_exists(to));
	viv_remove_tree(dir, NULL);
}

/* Every length of a head, and each field that says "no". */
static void signatures(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} none[] = {{0, 0}, {0x3c, 4090}, {0x40, 0}, {0x40 + 24, 0x10b}, {0x40 + 132, 4}, {0x40 + 168, 0}, {0x40 + 172, 0}};
	VIV_FREE char *dir = test_dir("signed"), *path = viv_path_join(dir, "bzImage");
	uint8_t head[512] = "MZ";
	bool is = false;

	put32(head + 0x3c, 0x40);
	memcpy(head + 0x40, "PE\0\0", 4);
	put32(head + 0x40 + 24, 0x20b);
	put32(head + 0x40 + 132, 6);
	put32(head + 0x40 + 168, 1 << 20);
	put32(head + 0x40 + 172, 1480);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(none); i++) {
		uint8_t other[512];

		memcpy(other, head, sizeof(other));
		put32(other + none[i].at, none[i].value);
		assert_int_equal(viv_write_file(path, other, sizeof(other), 0644, NULL), 0);
		assert_int_equal(viv_bzimage_is_signed(path, &is, NULL), 0);
		assert_false(is);
	}
	for (size_t n = 0; n <= sizeof(head); n += 4) {
		assert_int_equal(viv_write_file(path, head, n, 0644, NULL), 0);
		assert_int_equal(viv_bzimage_is_signed(path, &is, NULL), 0);
		assert_int_equal(is, n >= 0x40 + 176);
	}
	viv_remove_tree(dir, NULL);
	assert_int_equal(viv_bzimage_is_signed(path, &is, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_compression),
		cmocka_unit_test(lengths_that_lie),
		cmocka_unit_test(damaged_headers),
		cmocka_unit_test(damaged_payloads),
		cmocka_unit_test(an_unpacked_size_without_sense),
		cmocka_unit_test(pvh_notes),
		cmocka_unit_test(vmlinux_is_kept_only_with_pvh),
		cmocka_unit_test(unknown_compression_boots_as_bzimage),
		cmocka_unit_test(signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
