/* SPDX-License-Identifier: MIT */
#include "kernel/bzimage.h"

#include "base/fd.h"
#include "kernel/unpack.h"

#include <unistd.h>

#define MAX_KERNEL (1u << 30)

/* Offsets in the setup header, and the protocol that brought payload_offset. */
enum {
	SETUP_SECTS = 0x1f1,
	BOOT_FLAG = 0x1fe,
	HEADER_MAGIC = 0x202,
	PROTOCOL = 0x206,
	KERNEL_VERSION = 0x20e,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	HEADER_END = 0x250,
	PROTOCOL_WITH_PAYLOAD = 0x208,
};

static uint32_t le16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

/* What a compressed kernel starts with (scripts/Makefile.lib); lzma "alone" has no real magic. */
static const struct {
	const char *filter;
	uint8_t len;
	uint8_t magic[6];
} formats[] = {
	{"gzip", 3, {0x1f, 0x8b, 0x08}},
	{"xz", 6, {0xfd, '7', 'z', 'X', 'Z', 0x00}},
	{"zstd", 4, {0x28, 0xb5, 0x2f, 0xfd}},
	{"lz4", 4, {0x02, 0x21, 0x4c, 0x18}},
	{"bzip2", 3, {'B', 'Z', 'h'}},
	{"lzma", 3, {0x5d, 0x00, 0x00}},
	{"lzop", 4, {0x89, 'L', 'Z', 'O'}},
};

static const char *filter_of(const uint8_t *p, uint64_t size)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(formats); i++)
		if (size >= formats[i].len && !memcmp(p, formats[i].magic, formats[i].len))
			return formats[i].filter;
	return NULL;
}

/* The version stands in the real-mode part, followed by who built it and when. */
static void read_version(const uint8_t *p, size_t setup_end, char *ret, size_t max)
{
	size_t at = le16(p + KERNEL_VERSION), n = 0;

	ret[0] = '\0';
	if (!at || at + 0x200 >= setup_end)
		return;
	at += 0x200;
	while (at + n < setup_end && n < max - 1 && p[at + n] > ' ' && p[at + n] < 0x7f)
		n++;
	memcpy(ret, p + at, n);
	ret[n] = '\0';
}

int viv_bzimage_parse(const void *data, size_t size, struct viv_bzimage *ret, struct viv_error *err)
{
	const uint8_t *p = data;
	struct viv_bzimage image = {0};
	uint64_t setup_end, length;

	if (size < HEADER_END || le16(p + BOOT_FLAG) != 0xaa55 || memcmp(p + HEADER_MAGIC, "HdrS", 4))
		return viv_error_say(err, EINVAL, "not a Linux kernel image (bzImage)");
	if (le16(p + PROTOCOL) < PROTOCOL_WITH_PAYLOAD)
		return viv_error_say(err, EOPNOTSUPP,
				     "the kernel is too old: its boot protocol is %u.%02u, 2.08 is needed",
				     p[PROTOCOL + 1], p[PROTOCOL]);

	setup_end = ((p[SETUP_SECTS] ? p[SETUP_SECTS] : 4) + 1) * 512u;
	length = le32(p + PAYLOAD_LENGTH);
	image.payload = setup_end + le32(p + PAYLOAD_OFFSET);
	if (length < 16 || image.payload > size || length > size - image.payload)
		return viv_error_say(err, EINVAL,
				     "damaged kernel image: its payload lies outside the file");

	image.filter = filter_of(p + image.payload, length);
	if (!image.filter)
		return viv_error_say(err, EOPNOTSUPP,
				     "the kernel image is compressed in an unknown way");
	image.unpacked_size = le32(p + image.payload + length - 4);
	image.payload_size = viv_streq(image.filter, "gzip") ? length : length - 4;
	read_version(p, VIV_MIN(setup_end, size), image.version, sizeof(image.version));
	*ret = image;
	return 0;
}

int viv_bzimage_unpack(int from, const struct viv_bzimage *image, int fd,
		       struct viv_error *err)
{
	uint64_t size = 0;
	int r;

	if (image->unpacked_size > MAX_KERNEL)
		return viv_error_say(err, EFBIG, "the kernel would be larger than 1 GiB unpacked");
	r = viv_unpack_file(from, image->payload, image->payload_size, image->filter, fd,
			    image->unpacked_size, "the kernel image", &size, err);
	if (r == 0 && size != image->unpacked_size)
		return viv_error_say(err, EINVAL,
				     "damaged kernel image: %llu bytes unpacked where it says %u",
				     (unsigned long long)size, image->unpacked_size);
	return r;
}

/* In a PE32+ file: where its header is; in that, the optional header's magic and the fifth data directory. */
enum {
	PE_AT = 0x3c,
	PE_MAGIC = 24,
	PE_N_DIRECTORIES = 24 + 108,
	PE_SECURITY = 24 + 112 + 4 * 8,
	PE_END = PE_SECURITY + 8,
	PE_HEAD = 4096, /* so much of a file is looked at */
};

static bool has_signatures(const uint8_t *p, size_t size)
{
	uint32_t at;

	if (size < PE_AT + 4 || memcmp(p, "MZ", 2) != 0)
		return false;
	at = le32(p + PE_AT);
	if (at > size || size - at < PE_END || memcmp(p + at, "PE\0\0", 4) != 0)
		return false;
	p += at;
	return le16(p + PE_MAGIC) == 0x20b && le32(p + PE_N_DIRECTORIES) > 4 &&
	       le32(p + PE_SECURITY) && le32(p + PE_SECURITY + 4);
}

int viv_bzimage_is_signed(const char *path, bool *ret, struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);
	uint8_t head[PE_HEAD];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return viv_error_set(err, errno, "%s", path);
	*ret = has_signatures(head, (size_t)n);
	return 0;
}
