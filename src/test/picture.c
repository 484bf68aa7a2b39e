/* SPDX-License-Identifier: MIT */
#include "test/picture.h"

#define TIMES_MAX  3
#define WIDTH_WISH 3840 /* pixels: larger than this helps nobody */

void picture_free(struct picture *p)
{
	free(p->grey);
	*p = (struct picture){0};
}

/* A number of the header: blanks and comments before it, one blank after it. */
static bool read_number(struct viv_slice *rest, unsigned max, unsigned *ret)
{
	uint64_t n = 0;
	size_t digits = 0;

	while (rest->len && strchr(" \t\r\n#", *rest->data)) {
		bool comment = *rest->data == '#';

		while (comment && rest->len && *rest->data != '\n')
			rest->data++, rest->len--;
		if (rest->len)
			rest->data++, rest->len--;
	}
	for (; rest->len && *rest->data >= '0' && *rest->data <= '9' && n <= max; digits++) {
		n = n * 10 + (unsigned)(*rest->data - '0');
		rest->data++, rest->len--;
	}
	*ret = (unsigned)n;
	return digits && n && n <= max;
}

int picture_read(const char *data, size_t len, struct picture *ret, struct viv_error *err)
{
	struct viv_slice rest = {data, len};
	unsigned width, height, top;
	const uint8_t *p;
	size_t n;

	if (len < 2 || memcmp(data, "P6", 2) != 0)
		return viv_error_say(err, EPROTO, "QEMU's picture of the screen is no PPM");
	rest.data += 2;
	rest.len -= 2;
	if (!read_number(&rest, PICTURE_SIDE_MAX, &width) || !read_number(&rest, PICTURE_SIDE_MAX, &height) ||
	    !read_number(&rest, 255, &top) || top != 255 || !rest.len)
		return viv_error_say(err, EPROTO, "QEMU's picture of the screen has a size that makes no sense");
	n = (size_t)width * height;
	if ((rest.len - 1) / 3 < n)
		return viv_error_say(err, EPROTO, "QEMU's picture of the screen is cut off");
	p = (const uint8_t *)rest.data + 1;
	*ret = (struct picture){width, height, viv_new_array(uint8_t, n)};
	/* How bright it is to an eye: Rec. 601. */
	for (size_t i = 0; i < n; i++, p += 3)
		ret->grey[i] = (uint8_t)((p[0] * 299 + p[1] * 587 + p[2] * 114) / 1000);
	return 0;
}

bool picture_is_dark(const struct picture *p)
{
	size_t n = (size_t)p->width * p->height;
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p->grey[i];
	return sum < n * 128;
}

/* What each brightness becomes: the darkest is black, the brightest white. */
static void stretch(const struct picture *p, bool inverted, uint8_t ret[256])
{
	unsigned low = 255, high = 0;

	for (size_t i = 0; i < (size_t)p->width * p->height; i++) {
		low = VIV_MIN(low, p->grey[i]);
		high = VIV_MAX(high, p->grey[i]);
	}
	for (unsigned i = 0; i < 256; i++) {
		unsigned at = VIV_MIN(VIV_MAX(i, low), VIV_MAX(high, low)) - low;
		unsigned value = high > low ? at * 255 / (high - low) : i;

		ret[i] = (uint8_t)(inverted ? 255 - value : value);
	}
}

/* Between the four pixels around (x, y), which are counted in parts of 256. */
static uint8_t between(const struct picture *p, const uint8_t *is, unsigned x, unsigned y)
{
	unsigned x0 = VIV_MIN(x >> 8, p->width - 1), y0 = VIV_MIN(y >> 8, p->height - 1);
	unsigned x1 = VIV_MIN(x0 + 1, p->width - 1), y1 = VIV_MIN(y0 + 1, p->height - 1);
	const uint8_t *top = p->grey + (size_t)y0 * p->width, *low = p->grey + (size_t)y1 * p->width;
	unsigned fx = x & 255, fy = y & 255;
	unsigned upper = is[top[x0]] * (256 - fx) + is[top[x1]] * fx;
	unsigned lower = is[low[x0]] * (256 - fx) + is[low[x1]] * fx;

	return (uint8_t)((upper * (256 - fy) + lower * fy) >> 16);
}

void picture_write(const struct picture *p, bool inverted, struct viv_str *ret)
{
	unsigned times = VIV_MIN(VIV_MAX(WIDTH_WISH / p->width, 1u), (unsigned)TIMES_MAX);
	unsigned width = p->width * times, height = p->height * times;
	uint8_t is[256];
	char *out;

	stretch(p, inverted, is);
	viv_str_addf(ret, "P5\n%u %u\n255\n", width, height);
	out = viv_str_reserve(ret, (size_t)width * height);
	for (unsigned y = 0; y < height; y++)
		for (unsigned x = 0; x < width; x++)
			*out++ = (char)between(p, is, x * 256 / times, y * 256 / times);
	viv_str_added(ret, (size_t)width * height);
}
