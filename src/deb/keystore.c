/* SPDX-License-Identifier: MIT */
#include "deb/keystore.h"

#include "base/dl.h"

#define MAGIC	    0xfeedfeed
#define VERSION	    2
#define CERTIFICATE 2
#define DIGEST_SIZE 20

/* What is left to be read; `bad` once it was too short. */
struct reader {
	unsigned char *p;
	size_t left;
	bool bad;
};

static unsigned char *take(struct reader *r, size_t n)
{
	unsigned char *p = r->p;

	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static uint32_t take_number(struct reader *r, size_t bytes)
{
	unsigned char *p = take(r, bytes);
	uint32_t v = 0;

	for (size_t i = 0; p && i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

/* Goes through the entries, and sets their times if it shall. */
static bool walk(struct viv_str *store, bool set, uint64_t ms)
{
	struct reader r = {(unsigned char *)store->data, store->len, store->len < DIGEST_SIZE};
	uint32_t n;

	r.left -= r.bad ? 0 : DIGEST_SIZE;
	if (take_number(&r, 4) != MAGIC || take_number(&r, 4) != VERSION)
		return false;
	n = take_number(&r, 4);
	for (uint32_t i = 0; i < n && !r.bad; i++) {
		unsigned char *time;

		if (take_number(&r, 4) != CERTIFICATE)
			return false;
		take(&r, take_number(&r, 2));
		time = take(&r, 8);
		for (int k = 0; set && time && k < 8; k++)
			time[k] = (unsigned char)(ms >> (56 - 8 * k));
		take(&r, take_number(&r, 2));
		take(&r, take_number(&r, 4));
	}
	return !r.bad && !r.left;
}

static bool digest(const struct viv_str *store, unsigned char ret[static EVP_MAX_MD_SIZE])
{
	static const char salt[] = "\0c\0h\0a\0n\0g\0e\0i\0tMighty Aphrodite";
	EVP_MD_CTX *ctx = sym_EVP_MD_CTX_new();
	unsigned n = 0;
	bool ok = ctx && sym_EVP_DigestInit_ex(ctx, sym_EVP_sha1(), NULL) &&
		  sym_EVP_DigestUpdate(ctx, salt, sizeof(salt) - 1) &&
		  sym_EVP_DigestUpdate(ctx, store->data, store->len - DIGEST_SIZE) &&
		  sym_EVP_DigestFinal_ex(ctx, ret, &n);

	sym_EVP_MD_CTX_free(ctx);
	return ok && n == DIGEST_SIZE;
}

bool viv_keystore_set_times(struct viv_str *store, uint64_t seconds)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char *end;

	if (viv_dl_libcrypto(NULL) < 0 || !walk(store, false, 0) || !digest(store, sum))
		return false;
	end = store->data + store->len - DIGEST_SIZE;
	if (memcmp(end, sum, DIGEST_SIZE) != 0)
		return false;
	walk(store, true, seconds * 1000);
	if (!digest(store, sum))
		return false;
	memcpy(end, sum, DIGEST_SIZE);
	return true;
}
