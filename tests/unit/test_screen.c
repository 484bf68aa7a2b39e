/* SPDX-License-Identifier: MIT */

/* Pictures of a screen, the text of consoles in them, and names of keys. */

#include "unit.h"

#include "test/console-text.h"
#include "test/keys.h"
#include "test/picture.h"

#define PICTURE VIV_CLEANUP(picture_free) struct picture

static void test_picture_read(void **state)
{
	static const char good[] = "P6\n# a comment\n2 1\n255\n\0\0\0\377\377\377";
	static const struct { const char *text; size_t len; } bad[] = {
		{"", 0}, {"P6", 2}, {"P5\n1 1\n255\n\0", 12}, {"P6\n2 1\n255\n\0\0\0", 14}, {"P6\n0 1\n255\n\0\0\0", 14},
		{"P6\n1 1\n65535\n\0\0\0\0\0\0", 19}, {"P6\n99999999999 1\n255\n", 21}, {"P6 #", 4}, {"P6\n1 1\n255", 10},
		{"P6\n20000 1\n255\n\0\0\0", 18},
	};
	PICTURE p = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR out = VIV_STR_INIT;

	assert_int_equal(picture_read(good, sizeof(good) - 1, &p, &err), 0);
	assert_int_equal(p.width, 2);
	assert_int_equal(p.height, 1);
	assert_int_equal(p.grey[0], 0);
	assert_int_equal(p.grey[1], 255);
	picture_write(&p, true, &out);
	assert_true(viv_starts_with(out.data, "P5\n6 3\n255\n\377"));
	assert_int_equal(out.len, strlen("P5\n6 3\n255\n") + 18);
	assert_int_equal((uint8_t)out.data[out.len - 1], 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++) {
		PICTURE q = {0};

		assert_int_equal(picture_read(bad[i].text, bad[i].len, &q, &err), -EPROTO);
		assert_null(q.grey);
		viv_error_clear(&err);
	}
}

static void test_picture_is_dark(void **state)
{
	uint8_t grey[4] = {0, 0, 200, 255};
	struct picture p = {2, 2, grey};

	assert_true(picture_is_dark(&p));
	grey[0] = 100;
	assert_false(picture_is_dark(&p));
}

/* A font in which character c is its number in each row, and A and H are as they are. */
static void make_rom(struct viv_str *ret)
{
	static const uint8_t a[] = {0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0};
	static const uint8_t h[] = {0, 0, 0xc6, 0xc6, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0};

	viv_str_add(ret, "what comes before");
	for (int c = 0; c < 256; c++)
		for (int row = 0; row < 16; row++)
			viv_str_add_char(ret, (char)(c == 'A' ? a[row] : c == 'H' ? h[row] : c == ' ' ? 0 : c & row ? c : 0));
}

static void draw(struct picture *p, const struct console_font *font, unsigned step, unsigned x, unsigned y, const char *text,
		 uint8_t front, uint8_t back)
{
	for (; *text; text++, x++)
		for (unsigned row = 0; row < 16; row++)
			for (unsigned column = 0; column < step; column++)
				p->grey[(y * 16 + row) * p->width + x * step + column] =
					column < 8 && font->rows[(uint8_t)*text][row] & (0x80 >> column) ? front : back;
}

static void check_console(const struct console_font *font, unsigned width, unsigned height, unsigned step)
{
	PICTURE p = {width, height, viv_new_array(uint8_t, (size_t)width * height)};
	VIV_STR text = VIV_STR_INIT;
	struct console_font own = *font;

	draw(&p, font, step, 0, 0, "AH: HA", 170, 0);
	draw(&p, font, step, 3, 2, "AHA", 0, 255); /* inverse */
	assert_true(console_text_read(&p, font, &text));
	assert_string_equal(text.data, "AH: HA\n\n   AHA\n");
	/* The framebuffer console's own "x". */
	memcpy(own.rows['x'], (const uint8_t[]){0, 0, 0, 0, 0, 0xc6, 0x6c, 0x38, 0x38, 0x38, 0x6c, 0xc6, 0, 0, 0, 0}, 16);
	draw(&p, &own, step, 8, 2, "x", 170, 0);
	viv_str_clear(&text);
	assert_true(console_text_read(&p, font, &text));
	assert_string_equal(text.data, "AH: HA\n\n   AHA  x\n");
	/* A cursor is no character; a picture is no console. */
	for (unsigned x = 0; x < 8; x++)
		p.grey[(4 * 16 + 14) * width + x] = 170;
	viv_str_clear(&text);
	assert_true(console_text_read(&p, font, &text));
	for (size_t i = 0; i < (size_t)width * height; i++)
		p.grey[i] = (uint8_t)(i * 7 + i / 31);
	viv_str_clear(&text);
	assert_false(console_text_read(&p, font, &text));
	assert_int_equal(text.len, 0);
}

static void test_console_text(void **state)
{
	struct console_font font;
	VIV_STR rom = VIV_STR_INIT;

	make_rom(&rom);
	assert_false(console_font_find(rom.data, rom.len - 1, &font));
	assert_true(console_font_find(rom.data, rom.len, &font));
	check_console(&font, 720, 400, 9);
	check_console(&font, 1024, 768, 8);
	check_console(&font, 1366, 770, 8);
}

static void check_keys(const char *combination, const char *want)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_JSON *keys = NULL;
	VIV_STR got = VIV_STR_INIT;
	json_t *key;
	size_t i;

	if (keys_of(combination, &keys, &err) == 0)
		json_array_foreach(keys, i, key) {
			const json_t *data = json_object_get(key, "data");

			viv_str_add(&got, i ? " " : "");
			if (json_is_integer(data))
				viv_str_addf(&got, "%d", (int)json_integer_value(data));
			else
				viv_str_add(&got, json_string_value(data));
		}
	else
		viv_str_add(&got, err.msg);
	assert_string_equal(got.data, want);
	viv_error_clear(&err);
}

static void test_keys(void **state)
{
	check_keys("ctrl-alt-delete", "ctrl alt delete");
	check_keys("Ctrl-Alt-F2", "ctrl alt f2");
	check_keys("a", "a");
	check_keys("A", "shift a");
	check_keys("ctrl-A", "ctrl a");
	check_keys("-", "minus");
	check_keys("ctrl--", "ctrl minus");
	check_keys("!", "shift 1");
	check_keys("enter", "ret");
	check_keys("shift-0x0C", "shift 12");
	check_keys("0x", "0x is no number of a key");
	check_keys("0x1ff", "0x1ff is no number of a key");
	check_keys("", "a key's name is missing");
	check_keys("ctrl-", "a key's name is missing");
	check_keys("\303\244\303\266", "\303\244\303\266");
	check_keys("\377\377", "that is no name of a key");
	check_keys("\377", "no key has this character");
	check_keys("a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a", "more than 16 keys at once");
	for (int c = ' '; c < 127; c++) {
		VIV_JSON *keys = keys_of_char((char)c);

		assert_non_null(keys);
	}
	assert_null(keys_of_char('\0'));
	assert_null(keys_of_char('\377'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_picture_read), cmocka_unit_test(test_picture_is_dark), cmocka_unit_test(test_console_text),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
