/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "plan/areas/runit.h"

/*
 * services.xserver: Debian's Xorg as root on the seventh terminal, and on it the session of a user. A cookie is made
 * at each start, and lies where programs of the user and of root look for it. NixOS calls the unit so, too.
 */

#define ENABLE	"services.xserver.enable"
#define SERVER	"usr/lib/viv/x-server"
#define SESSION "usr/lib/viv/x-session"
#define UNIT	"display-manager.service"
/* The board's keyboard and QEMU's tablet. */
#define KEYBOARD "/dev/input/viv-keyboard"
#define POINTER	"/dev/input/viv-pointer"
#define LOG	"/var/log/Xorg.0.log"

static const char managers_option[] = "services.xserver.windowManager";

/* Window managers whose package, or what that has for sessions, is called otherwise. */
static const struct {
	const char *name, *package, *command; /* NULL: as the name */
} managers[] = {
	{"fluxbox", NULL, "startfluxbox"},	{"i3", "i3-wm", NULL},	      {"icewm", NULL, "icewm-session"},
	{"openbox", NULL, "openbox-session"},	{"windowmaker", "wmaker", "wmaker"},
};

/* The one that is enabled. NULL: none. */
static const json_t *find_manager(const struct viv_config *config, const char **ret_name)
{
	json_t *m;

	json_object_foreach((json_t *)viv_config_get(config, managers_option), *ret_name, m)
		if (json_is_true(json_object_get(m, "enable")))
			return m;
	return NULL;
}

static const char *manager_text(const json_t *manager, const char *name, bool package)
{
	const char *said = viv_json_str(manager, package ? "package" : "command");

	for (size_t i = 0; !said && i < VIV_ARRAY_SIZE(managers); i++)
		if (viv_streq(managers[i].name, name))
			said = package ? managers[i].package : managers[i].command;
	return said ? said : name;
}

static bool uses_driver(const struct viv_config *config, const char *name)
{
	VIV_STRV drivers = VIV_STRV_INIT;

	viv_push_option(&drivers, config, "services.xserver.videoDrivers");
	return viv_strv_has(&drivers, name);
}

/* The kernel's driver leaves the card to nobody else. */
static bool has_kernel_driver(const struct viv_config *config)
{
	return uses_driver(config, "modesetting") || uses_driver(config, "fbdev");
}

/* xorg.conf(5) */

/*
 * A mode of any size. No monitor is there that its timing could matter to; it is one that would pass for one, 60 Hz
 * with blanks as in VESA's reduced blanking (CVT 1.1, 5.4).
 */
static void add_mode(struct viv_str *s, long long x, long long y)
{
	long long columns = x + 160, lines = y + 30;

	viv_str_addf(s, "\tModeline \"%lldx%lld\" %.2f %lld %lld %lld %lld %lld %lld %lld %lld +hsync -vsync\n", x, y,
		     (double)(columns * lines * 60) / 1e6, x, x + 48, x + 80, columns, y, y + 3, y + 9, lines);
}

static void add_monitor(struct viv_str *s, const struct viv_config *config)
{
	const char *more = viv_config_string(config, "services.xserver.monitorSection");
	json_t *r;
	size_t i;

	viv_str_add(s, "Section \"Monitor\"\n\tIdentifier \"viv\"\n");
	/* What the card says of a monitor leaves out the smallest and the largest. */
	if (!*more)
		viv_str_add(s, "\tHorizSync 5-1000\n\tVertRefresh 5-500\n");
	json_array_foreach((json_t *)viv_config_get(config, "services.xserver.resolutions"), i, r)
		add_mode(s, json_integer_value(json_object_get(r, "x")), json_integer_value(json_object_get(r, "y")));
	viv_str_addf(s, "%s%s", more, *more && !viv_ends_with(more, "\n") ? "\n" : "");
	viv_str_add(s, "EndSection\n");
}

static void add_screen(struct viv_str *s, const struct viv_config *config, const char *driver)
{
	long long depth = (long long)viv_config_int(config, "services.xserver.defaultDepth");
	const json_t *modes = viv_config_get(config, "services.xserver.resolutions"), *r;
	size_t i;

	viv_str_addf(s, "Section \"Device\"\n\tIdentifier \"%s\"\n\tDriver \"%s\"\n", driver, driver);
	/* The card can't draw: without this Mesa would in its place, which without KVM takes 10 s of the start. */
	if (viv_streq(driver, "modesetting"))
		viv_str_add(s, "\tOption \"AccelMethod\" \"none\"\n");
	viv_str_add(s, "EndSection\n");
	viv_str_addf(s, "Section \"Screen\"\n\tIdentifier \"%s\"\n\tDevice \"%s\"\n\tMonitor \"viv\"\n", driver, driver);
	if (depth)
		viv_str_addf(s, "\tDefaultDepth %lld\n", depth);
	if (json_array_size(modes)) {
		viv_str_add(s, "\tSubSection \"Display\"\n");
		if (depth)
			viv_str_addf(s, "\t\tDepth %lld\n", depth);
		viv_str_add(s, "\t\tModes");
		json_array_foreach((json_t *)modes, i, r)
			viv_str_addf(s, " \"%lldx%lld\"", (long long)json_integer_value(json_object_get(r, "x")),
				     (long long)json_integer_value(json_object_get(r, "y")));
		viv_str_add(s, "\n\tEndSubSection\n");
	}
	viv_str_add(s, "EndSection\n");
}

static void add_keyboard(struct viv_str *s, const struct viv_config *config)
{
	const char *layout = viv_config_string(config, "services.xserver.xkb.layout");
	const char *variant = viv_config_string(config, "services.xserver.xkb.variant");

	if (!layout && !variant)
		return;
	viv_str_add(s, "Section \"InputClass\"\n\tIdentifier \"viv keyboard\"\n\tMatchIsKeyboard \"on\"\n");
	if (layout)
		viv_str_addf(s, "\tOption \"XkbLayout\" \"%s\"\n", layout);
	if (variant)
		viv_str_addf(s, "\tOption \"XkbVariant\" \"%s\"\n", variant);
	viv_str_add(s, "EndSection\n");
}

static void add_configuration(struct viv_etc *etc, const struct viv_config *config)
{
	struct viv_str s = VIV_STR_INIT;
	VIV_STRV drivers = VIV_STRV_INIT;

	viv_push_option(&drivers, config, "services.xserver.videoDrivers");
	add_monitor(&s, config);
	for (size_t i = 0; i < drivers.count; i++)
		add_screen(&s, config, drivers.items[i]);
	viv_str_add(&s, "Section \"ServerLayout\"\n\tIdentifier \"viv\"\n");
	for (size_t i = 0; i < drivers.count; i++)
		viv_str_addf(&s, "\tScreen \"%s\"\n", drivers.items[i]);
	viv_str_add(&s, "EndSection\n");
	add_keyboard(&s, config);
	viv_etc_add(etc, ENABLE, "etc/X11/xorg.conf.d/10-viv.conf", VIV_ETC_FILE, 0644, &s);
	if (!has_kernel_driver(config))
		viv_etc_add_text(etc, "services.xserver.videoDrivers", "etc/modprobe.d/viv-x.conf", "blacklist bochs\n");
}

/* The session */

static const char *session_user(const struct viv_config *config)
{
	return viv_config_bool(config, "services.displayManager.autoLogin.enable")
		       ? viv_config_string(config, "services.displayManager.autoLogin.user")
		       : NULL;
}

/* As the user, in his home, the cookie at its standard input. */
static void add_session(struct viv_etc *etc, const struct viv_config *config)
{
	const char *commands = viv_config_string(config, "services.xserver.displayManager.sessionCommands");
	const char *name;
	const json_t *manager = find_manager(config, &name);
	VIV_FREE char *text = viv_asprintf(
		"#!/bin/sh\n"
		"(umask 077; cat >\"$HOME/.Xauthority\")\n"
		"exec </dev/null\n"
		"%s%s%s%s%s",
		commands, *commands && !viv_ends_with(commands, "\n") ? "\n" : "", manager ? "exec " : "",
		manager ? manager_text(manager, name, false) : "", manager ? "\n" : "");

	viv_etc_add_script(etc, ENABLE, SESSION, text);
}

/* The server is up when it has them. A name of their own is what they can be waited for by. */
static void add_input(struct viv_etc *etc)
{
	viv_etc_add_text(etc, ENABLE, "etc/udev/rules.d/90-viv-x.rules",
			 "SUBSYSTEM!=\"input\", GOTO=\"end\"\n"
			 "KERNEL!=\"event*\", GOTO=\"end\"\n"
			 "ENV{ID_INPUT_KEYBOARD}==\"1\", ATTRS{name}==\"AT *\", SYMLINK+=\"input/viv-keyboard\"\n"
			 "ATTRS{idVendor}==\"0627\", SYMLINK+=\"input/viv-pointer\"\n"
			 "LABEL=\"end\"\n");
}

/*
 * Xorg says that it is up at a pipe, where its end is seen, too. The cookie's entry is one for any host and display
 * (Xau(3)).
 */
static void add_server(struct viv_etc *etc, const struct viv_config *config)
{
	const char *user = session_user(config), *name;
	bool managed = find_manager(config, &name) != NULL;
	VIV_FREE char *session = user ? viv_asprintf("\tsu -l -w DISPLAY %s -c /" SESSION " <$run/cookie || :\n%s", user,
						     managed ? "\tkill $$ # the session is over\n" : "")
				      : viv_strdup("");
	VIV_FREE char *text = viv_asprintf(
		"#!/bin/sh -e\n"
		"run=/run/viv-x\n"
		"rm -rf $run\n"
		"mkdir -m 0700 $run\n"
		"mkfifo $run/up\n"
		"umask 077\n"
		"{\n"
		"\tprintf '\\377\\377\\0\\0\\0\\0\\0\\022MIT-MAGIC-COOKIE-1\\0\\020'\n"
		"\thead -c 16 /dev/urandom\n"
		"} >$run/cookie\n"
		"cp $run/cookie /root/.Xauthority\n"
		"export DISPLAY=:0\n"
		"udevadm wait --timeout=60 " KEYBOARD " " POINTER " || : # what is typed before they are found is lost\n"
		"(\n"
		"\tread -r display <$run/up\n"
		"\t[ -z \"$NOTIFY_SOCKET\" ] || systemd-notify --ready\n"
		"\tumask 022\n"
		"%s"
		") &\n"
		"exec /usr/lib/xorg/Xorg $DISPLAY vt7 -auth $run/cookie -nolisten tcp -noreset -s 0 -dpms \\\n"
		"\t-logfile " LOG " -displayfd 3 3>$run/up\n",
		session);

	viv_etc_add_script(etc, ENABLE, SERVER, text);
}

static void add_unit(struct viv_etc *etc)
{
	viv_etc_add_text(etc, ENABLE, VIV_ETC_UNITS UNIT,
			 "[Unit]\n"
			 "Description=X server, and a session on it\n"
			 "After=systemd-user-sessions.service\n"
			 "StartLimitIntervalSec=5min\n"
			 "StartLimitBurst=3\n"
			 "[Service]\n"
			 "Type=notify\n"
			 "NotifyAccess=all\n"
			 "TimeoutStartSec=5min\n"
			 "ExecStart=/" SERVER "\n"
			 "Restart=always\n");
	viv_etc_add_link(etc, ENABLE, VIV_ETC_WANTED UNIT, "../" UNIT);
}

/*
 * The server finds keyboards and pointers, and their drivers are loaded, by udev, which is in the machine as Xorg needs its
 * library.
 */
static void add_service(struct viv_etc *etc)
{
	static const struct viv_runit_service service = {.name = "display-manager", .run = "exec /" SERVER "\n"};

	viv_runit_add_boot(etc, ENABLE, "40-udev",
			   "/usr/lib/systemd/systemd-udevd --daemon\n"
			   "udevadm trigger --type=subsystems --action=add\n"
			   "udevadm trigger --type=devices --action=add\n");
	viv_runit_add_service(etc, ENABLE, &service);
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	if (!viv_config_bool(config, ENABLE))
		return 0;
	add_configuration(etc, config);
	add_input(etc);
	add_server(etc, config);
	if (viv_uses_systemd(config))
		add_unit(etc);
	else
		add_service(etc);
	if (session_user(config))
		add_session(etc, config);
	return 0;
}

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	static const char *const needed[] = {"xserver-xorg-core", "xserver-xorg-input-libinput", "xfonts-base", NULL};
	const char *name;
	const json_t *manager;

	if (!viv_config_bool(config, ENABLE))
		return;
	viv_strv_push_all(ret, needed);
	if (uses_driver(config, "fbdev"))
		viv_strv_push(ret, "xserver-xorg-video-fbdev");
	if (uses_driver(config, "vesa"))
		viv_strv_push(ret, "xserver-xorg-video-vesa");
	manager = find_manager(config, &name);
	if (manager && session_user(config))
		viv_strv_push(ret, manager_text(manager, name, true));
}

/* It is there when the server starts, which looks for it once. */
static void modules(const struct viv_config *config, struct viv_strv *ret, struct viv_strv *optional)
{
	if (viv_config_bool(config, ENABLE) && has_kernel_driver(config))
		viv_strv_push(optional, "bochs");
}

/* udev leaves networks their names, as with systemd. */
static void params(const struct viv_config *config, struct viv_strv *ret)
{
	if (viv_config_bool(config, ENABLE) && viv_uses_runit(config))
		viv_strv_push(ret, "net.ifnames=0");
}

const struct viv_area viv_area_desktop = {.files = files, .packages = packages, .modules = modules, .params = params};
