/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include "base/dl.h"

#include <unistd.h>

struct viv_sha256 {
	EVP_MD_CTX *ctx;
};

struct viv_sha256 *viv_sha256_new(void)
{
	struct viv_sha256 *h = viv_new(struct viv_sha256);
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_dl_libcrypto(&err) < 0)
		viv_die(err.msg);
	h->ctx = sym_EVP_MD_CTX_new();
	if (!h->ctx || !sym_EVP_DigestInit_ex(h->ctx, sym_EVP_sha256(), NULL))
		viv_oom();
	return h;
}

void viv_sha256_add(struct viv_sha256 *h, const void *data, size_t len)
{
	if (!sym_EVP_DigestUpdate(h->ctx, data, len))
		viv_oom();
}

void viv_sha256_free(struct viv_sha256 *h)
{
	if (!h)
		return;
	sym_EVP_MD_CTX_free(h->ctx);
	free(h);
}

void viv_sha256_finish(struct viv_sha256 *h, char ret_hex[VIV_SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!sym_EVP_DigestFinal_ex(h->ctx, raw, &n) || n != 32)
		viv_oom();
	for (unsigned i = 0; i < n; i++) {
		ret_hex[2 * i] = digits[raw[i] >> 4];
		ret_hex[2 * i + 1] = digits[raw[i] & 15];
	}
	ret_hex[64] = '\0';
	viv_sha256_free(h);
}

void viv_sha256_of(const void *data, size_t len, char ret_hex[VIV_SHA256_HEX])
{
	struct viv_sha256 *h = viv_sha256_new();

	viv_sha256_add(h, data, len);
	viv_sha256_finish(h, ret_hex);
}

int viv_sha256_of_fd(int fd, const char *what, char ret_hex[VIV_SHA256_HEX], struct viv_error *err)
{
	static const size_t size = 1 << 17;
	VIV_FREE char *buf = viv_malloc(size);
	struct viv_sha256 *h = viv_sha256_new();
	ssize_t n;

	for (;;) {
		n = read(fd, buf, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		viv_sha256_add(h, buf, (size_t)n);
	}
	if (n < 0) {
		viv_sha256_free(h);
		return viv_error_set(err, errno, "reading %s", what);
	}
	viv_sha256_finish(h, ret_hex);
	return 0;
}

bool viv_sha256_is_hex(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}
