/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

/* system.root = "minimal": what takes a root that packages are installed in. */

static bool is_text(const struct viv_slot *s, const char *text)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_STRING &&
	       viv_streq(s->value->text, text);
}

/* A locale that the C library has in itself, or none. */
static bool is_built_in_locale(const json_t *v)
{
	static const char *const names[] = {"C", "POSIX", "C.UTF-8", "C.UTF-8/UTF-8"};

	for (size_t i = 0; json_is_string(v) && i < VIV_ARRAY_SIZE(names); i++)
		if (viv_streq(json_string_value(v), names[i]))
			return true;
	return json_is_null(v);
}

static bool asks_for_locale(const json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)v, i, item)
		if (!is_built_in_locale(item))
			return true;
	json_object_foreach((json_t *)v, key, item)
		if (!is_built_in_locale(item) && !viv_streq(key, "LANGUAGE"))
			return true;
	return json_is_string(v) && !is_built_in_locale(v);
}

/* Anything but null, false and nothing. */
static bool asks_for_something(const json_t *v)
{
	return json_is_true(v) || json_array_size(v) || json_object_size(v) ||
	       (json_is_string(v) && *json_string_value(v));
}

#define WHOLE_DEBIAN "takes the programs of a whole Debian: it can't be had with system.root = \"minimal\""
#define NO_LOCALES "nothing makes locales in a minimal root (system.root): \"C.UTF-8\" is always there"
#define NO_SCRIPTS "a script of ca-certificates would collect them, and none runs for a minimal root (system.root)"
#define NO_LOGIN "there is no login on the console of a minimal root (system.root): runit.services can have one"
#define NO_DOCUMENTATION "the documentation of packages is not in a minimal root (system.root): name its files in " \
			 "system.minimal.packages"

/* `asks`: does this value want something? One that is there by default counts for nothing. */
static const struct {
	const char *option;
	bool (*asks)(const json_t *value);
	const char *text;
} refused[] = {
	{"disks", asks_for_something, WHOLE_DEBIAN},
	{"documentation.doc.enable", asks_for_something, NO_DOCUMENTATION},
	{"documentation.enable", asks_for_something, NO_DOCUMENTATION},
	{"documentation.info.enable", asks_for_something, NO_DOCUMENTATION},
	{"documentation.man.enable", asks_for_something, NO_DOCUMENTATION},
	{"i18n.defaultLocale", asks_for_locale, NO_LOCALES},
	{"i18n.extraLocaleSettings", asks_for_locale, NO_LOCALES},
	{"i18n.supportedLocales", asks_for_locale, NO_LOCALES},
	{"lvm", asks_for_something, WHOLE_DEBIAN},
	{"programs.bash.enableCompletion", asks_for_something, WHOLE_DEBIAN},
	{"programs.command-not-found.enable", asks_for_something, WHOLE_DEBIAN},
	{"raid", asks_for_something, WHOLE_DEBIAN},
	{"security.pki.certificateFiles", asks_for_something, NO_SCRIPTS},
	{"security.pki.certificates", asks_for_something, NO_SCRIPTS},
	{"services.getty.autologinUser", asks_for_something, NO_LOGIN},
	{"services.getty.helpLine", asks_for_something, NO_LOGIN},
	{"services.xserver.enable", asks_for_something, WHOLE_DEBIAN},
	{"virtualisation.useBootLoader", asks_for_something, WHOLE_DEBIAN},
};

/* At the first of its parts that somebody gave, where it is a set. */
static const struct viv_slot *place_of(const struct viv_slot *s)
{
	for (size_t i = 0; i < s->n_children; i++)
		if (origin_of(s->children[i]))
			return s->children[i];
	return s;
}

void viv_check_root(struct viv_eval *ev)
{
	const struct viv_slot *init = option(ev, "system.init");

	if (!is_text(option(ev, "system.root"), "minimal"))
		return;
	if (is_text(init, "systemd"))
		fault(ev, init, origin_of(init) ? init : option(ev, "system.root"),
		      "systemd takes a whole Debian: with system.root = \"minimal\" it is \"runit\" or \"none\"");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(refused); i++) {
		const struct viv_slot *at = place_of(option(ev, refused[i].option));
		VIV_JSON *value = value_of(ev, refused[i].option);

		if (refused[i].asks(value) && origin_of(at))
			fault(ev, at, at, "%s", refused[i].text);
	}
}
