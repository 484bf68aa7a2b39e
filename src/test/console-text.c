/* SPDX-License-Identifier: MIT */
#include "test/console-text.h"

#include "base/fd.h"

#define ROM_MAX	     (1u << 20)
#define ROWS	     16
#define COLUMNS	     8
#define UNKNOWN_PART 10 /* no console: more than one in so many characters is none of the font's */

bool console_font_find(const char *rom, size_t len, struct console_font *ret)
{
	/* What each of IBM's has for these two, and nothing else looks like. */
	static const uint8_t a[ROWS] = {0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6};
	static const uint8_t h[ROWS] = {0, 0, 0xc6, 0xc6, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6};

	for (size_t at = 0; at + CONSOLE_FONT_SIZE <= len; at++) {
		if (memcmp(rom + at + 'A' * ROWS, a, ROWS) != 0 || memcmp(rom + at + 'H' * ROWS, h, ROWS) != 0)
			continue;
		memcpy(ret->rows, rom + at, CONSOLE_FONT_SIZE);
		return true;
	}
	return false;
}

bool console_font_load(struct console_font *ret)
{
	/* Debian's, and QEMU's own as it is built. */
	static const char *const files[] = {"/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/qemu/vgabios-stdvga.bin",
					    "/usr/local/share/qemu/vgabios-stdvga.bin"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++) {
		VIV_STR rom = VIV_STR_INIT;

		if (viv_read_file(files[i], ROM_MAX, &rom, NULL) == 0 && console_font_find(rom.data, rom.len, ret))
			return true;
	}
	return false;
}

/* Where the framebuffer console's letters are others than the ROM's. */
static const struct {
	char character;
	uint8_t rows[ROWS];
} linux_letters[] = {
	{'0', {0, 0, 0x38, 0x6c, 0xc6, 0xc6, 0xd6, 0xd6, 0xc6, 0xc6, 0x6c, 0x38, 0, 0, 0, 0}},
	{'M', {0, 0, 0xc6, 0xee, 0xfe, 0xfe, 0xd6, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0}},
	{'T', {0, 0, 0x7e, 0x7e, 0x5a, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x3c, 0, 0, 0, 0}},
	{'V', {0, 0, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0x6c, 0x38, 0x10, 0, 0, 0, 0}},
	{'W', {0, 0, 0xc6, 0xc6, 0xc6, 0xc6, 0xd6, 0xd6, 0xd6, 0xfe, 0xee, 0x6c, 0, 0, 0, 0}},
	{'X', {0, 0, 0xc6, 0xc6, 0x6c, 0x7c, 0x38, 0x38, 0x7c, 0x6c, 0xc6, 0xc6, 0, 0, 0, 0}},
	{'Y', {0, 0, 0x66, 0x66, 0x66, 0x66, 0x3c, 0x18, 0x18, 0x18, 0x18, 0x3c, 0, 0, 0, 0}},
	{'Z', {0, 0, 0xfe, 0xc6, 0x86, 0x0c, 0x18, 0x30, 0x60, 0xc2, 0xc6, 0xfe, 0, 0, 0, 0}},
	{'`', {0, 0x30, 0x18, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	{'f', {0, 0, 0x1c, 0x36, 0x32, 0x30, 0x78, 0x30, 0x30, 0x30, 0x30, 0x78, 0, 0, 0, 0}},
	{'m', {0, 0, 0, 0, 0, 0xec, 0xfe, 0xd6, 0xd6, 0xd6, 0xd6, 0xc6, 0, 0, 0, 0}},
	{'v', {0, 0, 0, 0, 0, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0x6c, 0x38, 0, 0, 0, 0}},
	{'w', {0, 0, 0, 0, 0, 0xc6, 0xc6, 0xd6, 0xd6, 0xd6, 0xfe, 0x6c, 0, 0, 0, 0}},
	{'x', {0, 0, 0, 0, 0, 0xc6, 0x6c, 0x38, 0x38, 0x38, 0x6c, 0xc6, 0, 0, 0, 0}},
	{'|', {0, 0, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0, 0, 0, 0}},
	{'~', {0, 0x76, 0xdc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
};

static int find_letter(const struct console_font *font, const uint8_t *bits, const uint8_t *inverse)
{
	for (int c = 0; c < 256; c++) {
		int character = (c + ' ') % 256; /* ASCII before its likes */
		const uint8_t *is = font->rows[character];

		if (memcmp(is, bits, ROWS) == 0 || memcmp(is, inverse, ROWS) == 0)
			return character > ' ' && character < 127 ? character : ' ';
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(linux_letters); i++)
		if (memcmp(linux_letters[i].rows, bits, ROWS) == 0 || memcmp(linux_letters[i].rows, inverse, ROWS) == 0)
			return linux_letters[i].character;
	return -1;
}

/* What is in one place: a character, ' ' if nothing is, -1 if it is none of the font's. */
static int read_cell(const struct picture *p, const struct console_font *font, unsigned x, unsigned y)
{
	const uint8_t *first = p->grey + (size_t)y * p->width + x;
	uint8_t bits[ROWS] = {0}, inverse[ROWS];
	int other = -1;

	for (unsigned row = 0; row < ROWS; row++) {
		const uint8_t *line = first + (size_t)row * p->width;

		for (unsigned column = 0; column < COLUMNS; column++) {
			if (line[column] == *first)
				continue;
			if (other >= 0 && line[column] != other)
				return -1;
			other = line[column];
			bits[row] |= (uint8_t)(0x80 >> column);
		}
		inverse[row] = (uint8_t)~bits[row];
	}
	return other < 0 ? ' ' : find_letter(font, bits, inverse);
}

static void end_line(struct viv_str *s)
{
	while (s->len && s->data[s->len - 1] == ' ')
		s->data[--s->len] = '\0';
	viv_str_add_char(s, '\n');
}

bool console_text_read(const struct picture *p, const struct console_font *font, struct viv_str *ret)
{
	/* In text mode a ninth column of pixels keeps letters apart. */
	unsigned step = p->width % 9 == 0 && p->width / 9 % 20 == 0 ? COLUMNS + 1 : COLUMNS;
	unsigned known = 0, unknown = 0;
	VIV_STR text = VIV_STR_INIT;

	for (unsigned y = 0; y + ROWS <= p->height; y += ROWS) {
		for (unsigned x = 0; x + step <= p->width; x += step) {
			int c = read_cell(p, font, x, y);

			viv_str_add_char(&text, c < 0 ? ' ' : (char)c);
			known += c > ' ';
			unknown += c < 0;
		}
		end_line(&text);
	}
	/* The cursor is one that is not known. */
	if (unknown > 1 && unknown > (known + unknown) / UNKNOWN_PART)
		return false;
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	viv_str_add_bytes(ret, text.data, text.len);
	viv_str_add_char(ret, '\n');
	return true;
}
