/* SPDX-License-Identifier: MIT */
#pragma once

/* Small made-up kernels and packages. */

#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* An ELF file of one note segment, with some bulk behind it. */
static inline VIV_UNUSED void make_elf(struct viv_str *ret, uint32_t note_type, const char *note_name)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr p;
		Elf64_Nhdr other;
		char other_name[8], other_desc[4];
		Elf64_Nhdr n;
		char name[4];
		uint8_t desc[8];
	} e = {
		.h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		      .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_phoff = sizeof(Elf64_Ehdr),
		      .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1},
		.p = {.p_type = PT_NOTE},
		.other = {.n_namesz = 6, .n_descsz = 3, .n_type = 18},
		.other_name = "Linux",
		.n = {.n_namesz = 4, .n_descsz = 8, .n_type = note_type},
	};

	memcpy(e.name, note_name, 4);
	e.p.p_offset = (uint64_t)((char *)&e.other - (char *)&e);
	e.p.p_filesz = sizeof(e) - e.p.p_offset;
	viv_str_add_bytes(ret, &e, sizeof(e));
	for (int i = 0; i < 3000; i++)
		viv_str_addf(ret, "kernel text %d\n", i);
}

static inline la_ssize_t test_collect(struct archive *a, void *arg, const void *data, size_t len)
{
	viv_str_add_bytes(arg, data, len);
	return (la_ssize_t)len;
}

/* lz4's legacy frame, as kernels use it, with literals only: libarchive writes the modern one. */
static inline void lz4_legacy(const struct viv_str *data, struct viv_str *ret)
{
	VIV_STR block = VIV_STR_INIT;
	uint8_t word[4];
	size_t rest = data->len - 15;

	viv_str_add_char(&block, (char)0xf0);
	for (; rest >= 255; rest -= 255)
		viv_str_add_char(&block, (char)0xff);
	viv_str_add_char(&block, (char)rest);
	viv_str_add_bytes(&block, data->data, data->len);
	put32(word, 0x184c2102);
	viv_str_add_bytes(ret, word, 4);
	put32(word, (uint32_t)block.len);
	viv_str_add_bytes(ret, word, 4);
	viv_str_add_bytes(ret, block.data, block.len);
}

static inline VIV_UNUSED void test_compress(const struct viv_str *data, const char *filter,
					    struct viv_str *ret)
{
	struct archive *a;
	struct archive_entry *e;

	if (viv_streq(filter, "lz4")) {
		lz4_legacy(data, ret);
		return;
	}
	a = archive_write_new();
	e = archive_entry_new();
	assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
	archive_write_set_format_raw(a);
	archive_write_set_bytes_per_block(a, 0);
	assert_int_equal(archive_write_open(a, ret, NULL, test_collect, NULL), ARCHIVE_OK);
	archive_entry_set_pathname(e, "x");
	archive_entry_set_filetype(e, AE_IFREG);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data->data, data->len), (la_ssize_t)data->len);
	archive_entry_free(e);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

#define TEST_PAYLOAD_AT (2 * 512 + 100) /* one setup sector, 100 bytes of the unpacking program */

/* A bzImage around a payload; `length` is what stands behind it, unless gzip. */
static inline VIV_UNUSED void make_bzimage(const struct viv_str *payload, uint32_t length, bool gzip,
					   struct viv_str *ret)
{
	uint8_t head[TEST_PAYLOAD_AT] = {0}, tail[4];

	head[0x1f1] = 1;
	put32(head + 0x1fe, 0xaa55);
	memcpy(head + 0x202, "HdrS", 4);
	head[0x206] = 0x0f;
	head[0x207] = 0x02;
	head[0x20e] = 0x80;
	head[0x20f] = 0x01; /* 0x180 + 0x200 */
	memcpy(head + 0x380, "6.1.0-test (me@here) #1 SMP", 28);
	put32(head + 0x248, 100);
	put32(head + 0x24c, (uint32_t)payload->len + (gzip ? 0 : 4));
	put32(tail, length);
	viv_str_add_bytes(ret, head, sizeof(head));
	viv_str_add_bytes(ret, payload->data, payload->len);
	if (!gzip)
		viv_str_add_bytes(ret, tail, 4);
	viv_str_add(ret, "signature");
}

/* A kernel of the usual kind. */
static inline VIV_UNUSED void make_kernel(const char *filter, bool pvh, struct viv_str *ret_elf,
					  struct viv_str *ret_bzimage)
{
	VIV_STR payload = VIV_STR_INIT;

	make_elf(ret_elf, pvh ? 18 : 17, "Xen");
	test_compress(ret_elf, filter, &payload);
	make_bzimage(&payload, (uint32_t)ret_elf->len, viv_streq(filter, "gzip"), ret_bzimage);
}

struct test_file {
	const char *name;
	const struct viv_str *data; /* NULL: a link to "/etc/passwd" */
};

static inline void add_member(struct archive *a, const char *name, const struct viv_str *data)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, data ? AE_IFREG : AE_IFLNK);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_mtime(e, 1700000000, 0);
	archive_entry_set_size(e, data ? (la_int64_t)data->len : 0);
	if (!data)
		archive_entry_set_symlink(e, "/etc/passwd");
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (data && data->len)
		assert_int_equal(archive_write_data(a, data->data, data->len),
				 (la_ssize_t)data->len);
	archive_entry_free(e);
}

/* A .deb whose data.tar is compressed with `filter` ("none" is fine). */
static inline VIV_UNUSED void make_deb(const char *path, const char *filter,
				       const struct test_file *files, size_t n)
{
	VIV_STR tar = VIV_STR_INIT;
	VIV_STR version = VIV_STR_INIT;
	struct archive *a = archive_write_new();

	if (!viv_streq(filter, "none"))
		assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
	archive_write_set_format_gnutar(a);
	assert_int_equal(archive_write_open(a, &tar, NULL, test_collect, NULL), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++)
		add_member(a, files[i].name, files[i].data);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);

	a = archive_write_new();
	archive_write_set_format_ar_bsd(a);
	assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
	viv_str_add(&version, "2.0\n");
	add_member(a, "debian-binary", &version);
	add_member(a, "data.tar", &tar);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

/* Compiles a line of C to an object file that depmod takes for a module. False: no compiler. */
static inline VIV_UNUSED bool make_module(const char *path, const char *source)
{
	VIV_FREE char *c = viv_asprintf("%s.c", path);
	const char *argv[] = {"cc", "-c", "-ffreestanding", "-o", path, c, NULL};
	VIV_ERROR err = VIV_ERROR_INIT;
	bool ok;

	assert_int_equal(viv_write_file(c, source, strlen(source), 0644, NULL), 0);
	ok = viv_process_check(argv, NULL, 1 << 16, 60000, &err) == 0;
	if (!ok && err.code != ENOENT)
		fail_msg("%s", err.msg);
	unlink(c);
	return ok;
}
