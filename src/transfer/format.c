/* SPDX-License-Identifier: MIT */
#include "transfer/transfer.h"

#include <stdio.h>
#include <string.h>

static void put(uint8_t *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

void viv_transfer_put(uint8_t out[VIV_TRANSFER_HEAD], const struct viv_transfer_record *r)
{
	put(out, r->type, 2);
	put(out + 2, r->name_len, 2);
	put(out + 4, r->mode, 4);
	put(out + 8, r->uid, 4);
	put(out + 12, r->gid, 4);
	put(out + 16, r->size, 8);
	put(out + 24, (uint64_t)r->mtime, 8);
}

static bool is_sound(const struct viv_transfer_record *r)
{
	bool named = r->name_len > 0 && r->name_len <= VIV_TRANSFER_NAME_MAX;

	switch (r->type) {
	case VIV_TRANSFER_FOLDER:
	case VIV_TRANSFER_FILE:
		return named;
	case VIV_TRANSFER_LINK:
		return named && r->size > 0 && r->size <= VIV_TRANSFER_LINK_MAX;
	case VIV_TRANSFER_BLOCK:
	case VIV_TRANSFER_MEMORY:
		return r->name_len == 0 && r->mode > 0 && r->mode <= VIV_TRANSFER_BLOCK_MAX &&
		       r->size <= INT64_MAX - VIV_TRANSFER_BLOCK_MAX;
	case VIV_TRANSFER_DONE:
		return r->name_len == 0 && r->size <= INT64_MAX;
	case VIV_TRANSFER_UP:
	case VIV_TRANSFER_DROP:
	case VIV_TRANSFER_END:
		return r->name_len == 0;
	default:
		return false;
	}
}

bool viv_transfer_get(const uint8_t in[VIV_TRANSFER_HEAD], struct viv_transfer_record *ret)
{
	*ret = (struct viv_transfer_record){
		.type = in[0],
		.name_len = (uint16_t)get(in + 2, 2),
		.mode = (uint32_t)get(in + 4, 4),
		.uid = (uint32_t)get(in + 8, 4),
		.gid = (uint32_t)get(in + 12, 4),
		.size = get(in + 16, 8),
		.mtime = (int64_t)get(in + 24, 8),
	};
	return in[1] == 0 && is_sound(ret);
}

bool viv_transfer_name_ok(const char *name, size_t len)
{
	if (len == 0 || len > VIV_TRANSFER_NAME_MAX || memchr(name, '/', len) ||
	    memchr(name, '\0', len))
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

bool viv_transfer_last_name(const char *path, char ret[VIV_TRANSFER_NAME_MAX + 1])
{
	const char *end = path + strlen(path), *start;

	while (end > path && end[-1] == '/')
		end--;
	for (start = end; start > path && start[-1] != '/';)
		start--;
	if (!viv_transfer_name_ok(start, (size_t)(end - start)))
		return false;
	memcpy(ret, start, (size_t)(end - start));
	ret[end - start] = '\0';
	return true;
}

void viv_transfer_complain(const struct viv_transfer_listener *l, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!l->complain)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->complain(text, l->arg);
}
