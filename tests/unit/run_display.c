/* SPDX-License-Identifier: MIT */
/* Where a screen is shown, by what is wished for and what is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/display.h"

static const char all[] = "Available display backend types:\nnone\ngtk\nsdl\negl-headless\ncurses\n\n"
			  "Some display backends support suboptions, which can be set with\n";
static const char only_sdl[] = "Available display backend types:\nnone\nsdl\n";
static const char none[] = "Available display backend types:\nnone\n";

static void gives(const char *wish, bool desktop, const char *help, enum viv_display want)
{
	enum viv_display got = VIV_DISPLAY_OFF;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_display_choose(wish, desktop, help, &got, &err) < 0)
		fail_msg("%s: %s", wish, err.msg);
	assert_int_equal(got, want);
}

static void fails(const char *wish, bool desktop, const char *help, const char *text)
{
	enum viv_display got = VIV_DISPLAY_OFF;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_true(viv_display_choose(wish, desktop, help, &got, &err) < 0);
	assert_int_equal(got, VIV_DISPLAY_OFF);
	if (!strstr(err.msg, text))
		fail_msg("no \"%s\" in: %s", text, err.msg);
}

static void test_auto(void **state)
{
	gives("auto", true, all, VIV_DISPLAY_GTK);
	gives("auto", true, only_sdl, VIV_DISPLAY_SDL);
	gives("auto", true, none, VIV_DISPLAY_VNC);
	gives("auto", false, all, VIV_DISPLAY_VNC);
}

static void test_wish(void **state)
{
	gives("sdl", true, all, VIV_DISPLAY_SDL);
	gives("vnc", true, all, VIV_DISPLAY_VNC);
	gives("spice", false, none, VIV_DISPLAY_SPICE);
	gives("none", false, none, VIV_DISPLAY_NONE);
	fails("gtk", true, only_sdl, "qemu-system-gui");
	fails("gtk", false, all, "neither DISPLAY nor WAYLAND_DISPLAY");
	fails("curses", true, all, "no display \"curses\"");
}

static void test_environment(void **state)
{
	char *const inherited[] = {"HOME=/root", "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/bus",
				   "NO_AT_BRIDGE_EITHER=1", NULL};
	struct viv_devices d = {.display = VIV_DISPLAY_VNC};
	VIV_STRV env = VIV_STRV_INIT;
	VIV_FREE char *text = NULL;

	viv_display_environment(&d, inherited, &env);
	assert_null(env.items);
	d.display = VIV_DISPLAY_SDL;
	viv_display_environment(&d, inherited, &env);
	text = viv_strv_join(&env, " ");
	assert_string_equal(text, "HOME=/root NO_AT_BRIDGE_EITHER=1 "
				  "DBUS_SESSION_BUS_ADDRESS=disabled: NO_AT_BRIDGE=1");
}

static void test_json(void **state)
{
	struct viv_devices d = {.display = VIV_DISPLAY_VNC, .display_path = (char[]){"/run/vm/vnc"}};
	VIV_JSON *vnc = viv_display_json(&d), *window = NULL, *nothing = NULL;

	assert_string_equal(viv_json_str(vnc, "kind"), "vnc");
	assert_string_equal(viv_json_str(vnc, "address"), "/run/vm/vnc");
	d = (struct viv_devices){.display = VIV_DISPLAY_GTK};
	window = viv_display_json(&d);
	assert_string_equal(viv_json_str(window, "kind"), "gtk");
	assert_true(json_is_null(json_object_get(window, "address")));
	d.display = VIV_DISPLAY_OFF;
	nothing = viv_display_json(&d);
	assert_true(json_is_null(nothing));
}

static void test_advice(void **state)
{
	struct viv_devices d = {.display = VIV_DISPLAY_VNC, .display_path = (char[]){"/run/a b/vnc"}};
	VIV_FREE char *vnc = viv_display_advice(&d), *spice = NULL;

	assert_string_equal(vnc, "the screen is at /run/a b/vnc: vncviewer '/run/a b/vnc'");
	d.display = VIV_DISPLAY_SPICE;
	spice = viv_display_advice(&d);
	assert_non_null(strstr(spice, "remote-viewer spice+unix://"));
	d.display_path = NULL;
	assert_null(viv_display_advice(&d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_wish),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
