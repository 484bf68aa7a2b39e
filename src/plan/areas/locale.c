/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

/* i18n.* and console.* */

/* A locale that is to be made, for the option that names it. */
struct wanted {
	struct viv_strv names, options;
};

static void wanted_clear(struct wanted *w)
{
	viv_strv_free(&w->names);
	viv_strv_free(&w->options);
}

/* Without its encoding after a slash, as NixOS writes it. */
static void want(struct wanted *w, const char *name, const char *option)
{
	VIV_FREE char *plain = name ? viv_strndup(name, strcspn(name, "/")) : NULL;

	/* These the C library has in itself. */
	if (!plain || viv_streq(plain, "C") || viv_streq(plain, "POSIX") || viv_streq(plain, "C.UTF-8") ||
	    viv_strv_has(&w->names, plain))
		return;
	viv_strv_push(&w->names, plain);
	viv_strv_push(&w->options, option);
}

static void list_locales(const struct viv_config *config, struct wanted *ret)
{
	static const char main_option[] = "i18n.defaultLocale", more[] = "i18n.supportedLocales";
	static const char extra[] = "i18n.extraLocaleSettings";
	const json_t *settings = viv_config_get(config, extra);
	VIV_STRV categories = VIV_STRV_INIT;
	json_t *v;
	size_t i;

	want(ret, viv_config_string(config, main_option), main_option);
	json_array_foreach((json_t *)viv_config_get(config, more), i, v)
		want(ret, json_string_value(v), more);
	viv_json_keys(settings, &categories);
	for (i = 0; i < categories.count; i++)
		if (!viv_streq(categories.items[i], "LANGUAGE"))
			want(ret, viv_json_str(settings, categories.items[i]), extra);
}

void viv_locale_variables(const struct viv_config *config, json_t *ret)
{
	const json_t *extra = viv_config_get(config, "i18n.extraLocaleSettings");
	const char *lang = viv_config_string(config, "i18n.defaultLocale");

	if (lang)
		json_object_set_new(ret, "LANG", json_string(lang));
	json_object_update(ret, (json_t *)extra);
}

static void add_locales(struct viv_etc *etc, const struct viv_config *config)
{
	static const char option[] = "i18n.defaultLocale";
	VIV_JSON *all = json_object();
	VIV_STRV names = VIV_STRV_INIT;
	struct viv_str s = VIV_STR_INIT;

	viv_locale_variables(config, all);
	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++)
		viv_str_addf(&s, "%s=%s\n", names.items[i], viv_json_str(all, names.items[i]));
	if (!s.len)
		return;
	viv_etc_add(etc, option, "etc/locale.conf", VIV_ETC_FILE, 0644, &s);
	/* Where Debian's PAM looks. */
	viv_etc_add_link(etc, option, "etc/default/locale", "../locale.conf");
}

/* kbd's names for what keyboard(5) calls otherwise. */
static void split_key_map(const char *map, struct viv_str *ret_layout, const char **ret_variant)
{
	static const char *const others[][2] = {{"uk", "gb"},	      {"dvorak", "us-dvorak"},
						{"colemak", "us-colemak"}, {"de-latin1", "de"},
						{"de-latin1-nodeadkeys", "de-nodeadkeys"},
						{"fr-latin1", "fr"},  {"jp106", "jp"},
						{"sv-latin1", "se"},  {"br-abnt2", "br"}};
	const char *dash;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(others); i++)
		if (viv_streq(map, others[i][0]))
			map = others[i][1];
	dash = strchr(map, '-');
	viv_str_addf(ret_layout, "%.*s", (int)strcspn(map, "-"), map);
	*ret_variant = dash ? dash + 1 : "";
}

static void add_console(struct viv_etc *etc, const struct viv_config *config)
{
	static const char map_option[] = "console.keyMap", font_option[] = "console.font";
	const char *map = viv_config_string(config, map_option), *variant;
	const char *font = viv_config_string(config, font_option);
	VIV_STR layout = VIV_STR_INIT;

	if (map) {
		struct viv_str s = VIV_STR_INIT;

		split_key_map(map, &layout, &variant);
		viv_str_addf(&s, "XKBMODEL=\"pc105\"\nXKBLAYOUT=\"%s\"\nXKBVARIANT=\"%s\"\nXKBOPTIONS=\"\"\n"
			     "BACKSPACE=\"guess\"\n", layout.data, variant);
		viv_etc_add(etc, map_option, "etc/default/keyboard", VIV_ETC_FILE, 0644, &s);
	}
	if (font) {
		struct viv_str s = VIV_STR_INIT;

		viv_str_addf(&s, "ACTIVE_CONSOLES=\"/dev/tty[1-6]\"\nCHARMAP=\"UTF-8\"\nFONT=\"%s%s\"\n", font,
			     strstr(font, ".psf") ? "" : ".psf.gz");
		viv_etc_add(etc, font_option, "etc/default/console-setup", VIV_ETC_FILE, 0644, &s);
	}
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err VIV_UNUSED)
{
	add_locales(etc, config);
	add_console(etc, config);
	return 0;
}

static void packages(const struct viv_config *config, struct viv_strv *base VIV_UNUSED, struct viv_strv *ret)
{
	VIV_CLEANUP(wanted_clear) struct wanted locales = {0};

	list_locales(config, &locales);
	if (locales.names.count)
		viv_strv_push(ret, "locales");
	if (viv_config_string(config, "console.keyMap") || viv_config_string(config, "console.font"))
		viv_strv_push(ret, "console-setup");
}

/*
 * In folders of their own, which the C library looks for under the encoding's short name: an archive of all
 * would hide one that is made in the machine. localedef ends with 1 where there were warnings.
 */
static const char make_locale[] =
	"l='%s'; list=/usr/share/i18n/SUPPORTED\n"
	"charset=$(sed -n \"s|^$l ||p; s|^$l[.]UTF-8 ||p\" $list | head -n 1)\n"
	"[ \"$charset\" ] || { echo \"there is no locale $l\"; exit 1; }\n"
	"at=; case $l in *@*) at=@${l#*@};; esac\n"
	"base=${l%%%%@*}; language=${base%%%%.*}; short=; [ $base = $language ] || \n"
	"\tshort=.$(printf %%s \"${base#*.}\" | tr A-Z a-z | tr -cd a-z0-9)\n"
	"mkdir -p " VIV_COMMANDS_OUT "/usr/lib/locale\n"
	"localedef --no-archive -c -i $language$at -f $charset -A /usr/share/locale/locale.alias "
	VIV_COMMANDS_OUT "/usr/lib/locale/$language$short$at || [ $? = 1 ]\n";

/* What setupcon would only grumble about at boot: xkeyboard-config has lists of what there is. */
static void check_key_map(const struct viv_config *config, struct viv_commands *ret)
{
	static const char option[] = "console.keyMap";
	const char *map = viv_config_string(config, option), *variant;
	VIV_STR layout = VIV_STR_INIT, s = VIV_STR_INIT;

	if (!map)
		return;
	split_key_map(map, &layout, &variant);
	viv_str_addf(&s, "has() { sed -n \"/^! $1\\$/,/^! $2\\$/p\" /usr/share/X11/xkb/rules/base.lst | "
			 "grep -q \"^  *$3\"; }\n"
			 "has layout variant '%s ' || { echo 'there is no keyboard layout %s'; exit 1; }\n",
		     layout.data, layout.data);
	if (*variant)
		viv_str_addf(&s, "has variant option '%s  *%s: ' || { echo 'the keyboard layout %s has no variant %s'; "
				 "exit 1; }\n", variant, layout.data, layout.data, variant);
	viv_commands_add(ret, option, NULL, s.data);
}

static void commands(const struct viv_config *config, struct viv_commands *ret)
{
	VIV_CLEANUP(wanted_clear) struct wanted locales = {0};

	check_key_map(config, ret);
	list_locales(config, &locales);
	for (size_t i = 0; i < locales.names.count; i++) {
		VIV_FREE char *script = viv_asprintf(make_locale, locales.names.items[i]);

		viv_commands_add(ret, locales.options.items[i], NULL, script);
	}
}

const struct viv_area viv_area_locale = {.files = files, .packages = packages, .commands = commands};
