/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

/* How a character of several bytes begins: the lead byte, and the second one's range (Unicode, table 3-7). */
static const struct lead {
	unsigned char first, last, from, to, more; /* bytes after the lead */
} leads[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2}, {0xe1, 0xec, 0x80, 0xbf, 2},
	{0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2}, {0xf0, 0xf0, 0x90, 0xbf, 3},
	{0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
};

/*
 * What has no look: general categories Cc, Cf, Zl, Zp, Co and Default_Ignorable_Code_Point of Unicode 15, but for the
 * joiners (U+200C, U+200D) and variation selectors that ordinary words and emoji have; and what is no character.
 * Beyond plane 3 there is nothing else.
 */
static const struct {
	uint32_t from, to;
} hidden[] = {
	{0x00, 0x1f},	     {0x7f, 0x9f},	 {0xad, 0xad},	     {0x34f, 0x34f},	 {0x600, 0x605},
	{0x61c, 0x61c},	     {0x6dd, 0x6dd},	 {0x70f, 0x70f},     {0x890, 0x891},	 {0x8e2, 0x8e2},
	{0x115f, 0x1160},    {0x17b4, 0x17b5},	 {0x180b, 0x180f},   {0x200b, 0x200b},	 {0x200e, 0x200f},
	{0x2028, 0x202e},    {0x2060, 0x206f},	 {0x3164, 0x3164},   {0xe000, 0xf8ff},	 {0xfdd0, 0xfdef},
	{0xfeff, 0xfeff},    {0xffa0, 0xffa0},	 {0xfff0, 0xfffb},   {0xfffe, 0xffff},	 {0x110bd, 0x110bd},
	{0x110cd, 0x110cd},  {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff},
	{0x2fffe, 0x2ffff},  {0x3fffe, 0x10ffff},
};

static bool is_shown(uint32_t c)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(hidden); i++)
		if (c <= hidden[i].to)
			return c < hidden[i].from;
	return true;
}

static const struct lead *find_lead(unsigned char c)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(leads); i++)
		if (c >= leads[i].first && c <= leads[i].last)
			return &leads[i];
	return NULL;
}

size_t viv_utf8_next(const char *p, size_t len, bool *ret_shown)
{
	const unsigned char *u = (const unsigned char *)p;
	const struct lead *lead = *u < 0x80 ? NULL : find_lead(*u);
	uint32_t c = lead ? *u & (0x3fu >> lead->more) : *u;
	size_t n = 1;

	*ret_shown = false;
	if (*u >= 0x80 && !lead)
		return 1;
	for (; lead && n <= lead->more; n++) {
		if (n >= len || u[n] < (n == 1 ? lead->from : 0x80) || u[n] > (n == 1 ? lead->to : 0xbf))
			return n;
		c = c << 6 | (u[n] & 0x3f);
	}
	*ret_shown = is_shown(c);
	return n;
}
