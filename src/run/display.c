/* SPDX-License-Identifier: MIT */
#include "run/display.h"

#include "base/json.h"
#include "base/process.h"

#define HELP_MAX   65536
#define TIMEOUT_MS 20000

bool viv_display_has_desktop(void)
{
	const char *wayland = getenv("WAYLAND_DISPLAY"), *x = getenv("DISPLAY");

	return (wayland && *wayland) || (x && *x);
}

int viv_display_ask(const char *qemu, char **ret, struct viv_error *err)
{
	const char *argv[] = {qemu, "-display", "help", NULL};
	VIV_STR out = VIV_STR_INIT;
	int r = viv_process_check(argv, &out, HELP_MAX, TIMEOUT_MS, err);

	if (r == 0)
		*ret = viv_str_steal(&out);
	return r;
}

static const struct {
	const char *name;
	enum viv_display display;
	bool is_window;
} all[] = {
	{"gtk", VIV_DISPLAY_GTK, true},	 {"sdl", VIV_DISPLAY_SDL, true},
	{"vnc", VIV_DISPLAY_VNC, false}, {"spice", VIV_DISPLAY_SPICE, false},
	{"none", VIV_DISPLAY_NONE, false},
};

/* A line of its own in the list. */
static bool can(const char *help, const char *window)
{
	struct viv_slice rest = viv_slice(help), line;

	while (viv_slice_line(&rest, &line))
		if (viv_slice_eq(viv_slice_trim(line), window))
			return true;
	return false;
}

static int window(const char *name, bool desktop, const char *help, struct viv_error *err)
{
	if (!can(help, name)) {
		viv_error_say(err, ENOTSUP, "this QEMU can't open a window with %s", name);
		return viv_error_hint(err, "Debian has that in the package qemu-system-gui; \"vnc\" "
					   "goes without");
	}
	if (!desktop)
		return viv_error_say(err, ENOTSUP, "there is no desktop here to open a window on: "
						   "neither DISPLAY nor WAYLAND_DISPLAY is set");
	return 0;
}

int viv_display_choose(const char *wish, bool desktop, const char *help, enum viv_display *ret,
		       struct viv_error *err)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(all); i++) {
		bool by_itself = viv_streq(wish, "auto") &&
				 (!all[i].is_window || (desktop && can(help, all[i].name)));
		int r = 0;

		if (!by_itself && !viv_streq(wish, all[i].name))
			continue;
		if (all[i].is_window)
			r = window(all[i].name, desktop, help, err);
		if (r == 0)
			*ret = all[i].display;
		return r;
	}
	return viv_error_say(err, EINVAL, "no display \"%s\"", wish);
}

/* No session bus to be started or asked, no accessibility bus: GTK and SDL do without. */
static const char *const for_windows[] = {"DBUS_SESSION_BUS_ADDRESS=disabled:", "NO_AT_BRIDGE=1", NULL};

static bool is_replaced(const char *variable)
{
	size_t name = strcspn(variable, "=");

	for (size_t i = 0; for_windows[i]; i++)
		if (strncmp(variable, for_windows[i], name) == 0 && for_windows[i][name] == '=')
			return true;
	return false;
}

void viv_display_environment(const struct viv_devices *d, char *const *inherited, struct viv_strv *ret)
{
	if (d->display != VIV_DISPLAY_GTK && d->display != VIV_DISPLAY_SDL)
		return;
	for (; *inherited; inherited++)
		if (!is_replaced(*inherited))
			viv_strv_push(ret, *inherited);
	viv_strv_push_all(ret, for_windows);
}

char *viv_display_advice(const struct viv_devices *d)
{
	VIV_STR path = VIV_STR_INIT;

	if (!d->display_path)
		return NULL;
	viv_str_add_quoted(&path, d->display_path);
	if (d->display == VIV_DISPLAY_VNC)
		return viv_asprintf("the screen is at %s: vncviewer %s", d->display_path, path.data);
	return viv_asprintf("the screen is at %s: remote-viewer spice+unix://%s", d->display_path,
			    path.data);
}

json_t *viv_display_json(const struct viv_devices *d)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(all); i++)
		if (all[i].display == d->display)
			return json_pack("{s:s, s:o}", "kind", all[i].name, "address",
					 viv_json_text(d->display_path));
	return json_null();
}
