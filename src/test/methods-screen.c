/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "base/fd.h"
#include "base/path.h"
#include "plan/area.h"
#include "run/firmware.h"
#include "config/name.h"
#include "test/ocr.h"

#include <regex.h>
#include <unistd.h>

#define PICTURE_MAX  (1u << 30)
#define LOOK_MS	     200 /* from a look at the screen to the next one, at first */
#define LOOK_MAX_MS  2000

/* Starts the machine if need be; one without a screen is a mistake in the test. */
int methods_need_screen(struct call *c)
{
	/* An installer's has one in any case (run/firmware.h). */
	if (!viv_has_screen(c->g->config) && !viv_firmware_is_foreign(c->g->config))
		return call_fail(c, VIV_VERDICT_ERROR,
				 "%s: it has no screen: set virtualisation.textScreen = true for a text console, or "
				 "virtualisation.graphics = true", c->g->name);
	return methods_start(c, false);
}

/* Pictures */

static int dump(struct call *c, const char *path, bool png)
{
	json_t *arguments = json_pack("{s:s}", "filename", path);

	if (!arguments)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: the picture's path is not UTF-8", c->g->name);
	if (png)
		json_object_set_new(arguments, "format", json_string("png"));
	return methods_qmp(c, "screendump", arguments, NULL);
}

/* A plain name: it becomes a file of the results. */
static bool is_plain(const char *name)
{
	return *name && *name != '.' && strlen(name) <= 200 && !strpbrk(name, "/\n\r\t\\\"'*?:<>|");
}

static int do_screenshot(struct call *c)
{
	const char *name = call_text(c, 0);
	VIV_FREE char *file = NULL, *path = NULL;
	int code = methods_need_screen(c);

	if (code < 0)
		return code;
	if (!c->r->run->folder)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: this run keeps no results: a picture has no place", c->g->name);
	if (!is_plain(name))
		return call_fail(c, VIV_VERDICT_ERROR, "screenshot: \"%.60s\" is no plain name of a file", name);
	file = viv_ends_with(name, ".png") ? viv_strdup(name) : viv_asprintf("%s.png", name);
	path = viv_path_join(c->r->run->folder, file);
	call_step(c, "taking a picture of its screen: %s", file);
	code = dump(c, path, true);
	if (code < 0)
		return code;
	lua_pushstring(c->L, path);
	return 1;
}

/* What the screen shows now. */
int methods_take_picture(struct call *c, struct picture *ret, struct viv_str *bytes)
{
	VIV_FREE char *path = viv_path_join(c->g->dir.path, "test-screen.ppm");
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = dump(c, path, false);

	if (code < 0)
		return code;
	code = viv_read_file(path, PICTURE_MAX, bytes, &err);
	unlink(path);
	if (code == 0)
		code = picture_read(bytes->data, bytes->len, ret, &err);
	if (code < 0)
		code = call_error(c, &err);
	viv_error_clear(&err);
	return code;
}

static int read_text(struct call *c, const struct picture *p, bool both, char *ret[2])
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = ocr_read(c->r, c->g, p, both, c->deadline, ret, &err);

	if (code < 0)
		code = err.code ? call_error(c, &err) : call_waited(c, code, "the text of its screen");
	viv_error_clear(&err);
	return code;
}

static int get_text(struct call *c, bool both)
{
	VIV_CLEANUP(picture_free) struct picture p = {0};
	VIV_STR bytes = VIV_STR_INIT;
	char *texts[2] = {NULL, NULL};
	int code = methods_need_screen(c);

	if (code < 0)
		return code;
	call_step(c, "reading its screen");
	code = methods_take_picture(c, &p, &bytes);
	if (code == 0)
		code = read_text(c, &p, both, texts);
	if (code < 0)
		return code;
	if (both)
		lua_newtable(c->L);
	for (int i = 0; i < (both ? 2 : 1); i++) {
		lua_pushstring(c->L, texts[i]);
		if (both)
			lua_seti(c->L, -2, i + 1);
	}
	free(texts[0]);
	free(texts[1]);
	return 1;
}

static int do_get_screen_text(struct call *c)
{
	return get_text(c, false);
}

static int do_get_screen_text_variants(struct call *c)
{
	return get_text(c, true);
}

bool methods_matches(const char *pattern, const char *text)
{
	regex_t re;
	bool found = strstr(text, pattern) != NULL;

	if (found || regcomp(&re, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0)
		return found;
	found = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return found;
}

/* Where letters stand far apart tesseract sees blanks that are none. */
static bool is_read(const char *pattern, const char *text)
{
	VIV_STR p = VIV_STR_INIT, t = VIV_STR_INIT;

	if (methods_matches(pattern, text))
		return true;
	for (; *pattern; pattern++)
		if (*pattern != ' ')
			viv_str_add_char(&p, *pattern);
	for (; *text; text++)
		if (*text != ' ')
			viv_str_add_char(&t, *text);
	return p.len && t.len && strstr(t.data, p.data);
}

/* The text that was read last, for the message. */
static int give_up(struct call *c, const char *pattern, const char *text)
{
	struct viv_slice rest = viv_slice(text ? text : ""), line;

	if (call_waited(c, -ETIMEDOUT, "\"%s\" on its screen", pattern) == 0 || !text)
		return -1;
	call_details(c, "its screen, as it is read:\n");
	while (viv_slice_line(&rest, &line))
		if (viv_slice_trim(line).len)
			call_details(c, "  %.*s\n", (int)VIV_MIN(line.len, (size_t)200), line.data);
	return -1;
}

/*
 * That the screen has changed QEMU doesn't tell its monitor: it is looked at again and again, with pauses that
 * grow while nothing changes, and read where it is another.
 */
static int do_wait_for_text(struct call *c)
{
	const char *pattern = call_text(c, 0);
	VIV_STR last = VIV_STR_INIT;
	VIV_FREE char *seen = NULL;
	int64_t pause = LOOK_MS;
	int code = methods_need_screen(c);

	call_step(c, "waiting for \"%s\" on its screen", pattern);
	while (code == 0) {
		VIV_CLEANUP(picture_free) struct picture p = {0};
		VIV_STR bytes = VIV_STR_INIT;
		bool same, found = false;

		code = methods_take_picture(c, &p, &bytes);
		if (code < 0)
			return code;
		same = bytes.len == last.len && memcmp(bytes.data, last.data, last.len) == 0;
		if (!same) {
			char *texts[2] = {NULL, NULL};

			code = read_text(c, &p, true, texts);
			if (code < 0)
				return code;
			found = is_read(pattern, texts[0]) || is_read(pattern, texts[1]);
			free(seen);
			seen = texts[0];
			free(texts[1]);
			viv_str_free(&last);
			last = bytes;
			bytes = (struct viv_str){0};
		}
		if (found)
			return 0;
		pause = same ? VIV_MIN(pause * 2, (int64_t)LOOK_MAX_MS) : LOOK_MS;
		code = methods_pause(c, pause);
		if (code == -ETIMEDOUT || (code == 0 && viv_now_ms() >= c->deadline))
			return give_up(c, pattern, seen);
		if (code < 0)
			return call_waited(c, code, "\"%s\" on its screen", pattern);
	}
	return code;
}

const struct method methods_screen[] = {
	{"screenshot", "s", "(name)", NULL, "puts a picture of its screen into the results, name.png; returns its path", do_screenshot,
	 .early = true},
	{"get_screen_text", "", "({timeout})", "", "the text on its screen: a console's exactly, other text as tesseract reads it", do_get_screen_text, .early = true},
	{"get_screen_text_variants", "", "({timeout})", "",
	 "the same twice: what is on most of the screen, and with dark and light exchanged", do_get_screen_text_variants, .early = true},
	{"wait_for_text", "s", "(text or regular expression, {timeout})", "", "waits until its screen shows text", do_wait_for_text,
	 .early = true},
	{0},
};
