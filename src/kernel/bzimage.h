/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The x86 bzImage: a real-mode part with the setup header, then a program that unpacks its payload,
 * the compressed vmlinux (Documentation/arch/x86/boot.rst of the kernel, boot protocol 2.08 on).
 */

#include "base/error.h"

struct viv_bzimage {
	uint64_t payload;	/* where the compressed kernel starts in the file */
	uint64_t payload_size;	/* without the length that all but gzip have behind them */
	uint32_t unpacked_size; /* as the image says */
	const char *filter;	/* "gzip", "xz", "lz4", "zstd", "lzma", "bzip2"; "lzop": known only */
	char version[128];	/* "6.12.107+deb13-cloud-amd64", up to the first blank; may be "" */
};

/*
 * Reads the header of a whole image in memory. EINVAL: not a bzImage, or damaged; EOPNOTSUPP: too
 * old to say where its payload is, or compressed in a way that we don't know.
 */
int viv_bzimage_parse(const void *data, size_t size, struct viv_bzimage *ret,
		      struct viv_error *err);

/*
 * Carries the file, an image that is an EFI program, too, signatures (PE Format, "The Attribute Certificate
 * Table")? Not whose. False for what is no EFI program. Failure is that of reading.
 */
int viv_bzimage_is_signed(const char *path, bool *ret, struct viv_error *err);

/*
 * Writes the unpacked kernel of the image in the file `from` to fd. It must have the length that the image says, and that at most
 * 1 GiB: anything else is EINVAL or EFBIG.
 */
int viv_bzimage_unpack(int from, const struct viv_bzimage *image, int fd,
		       struct viv_error *err);
