/* SPDX-License-Identifier: MIT */
#include "run/share.h"

#include "base/path.h"

/*
 * Folders that every machine has of its own: a share in their place, or in one above, would break it.
 * `below`: nor can the current folder be anywhere within.
 */
static const struct {
	const char *path;
	bool below;
} own[] = {
	{"/bin", true},	    {"/boot", true},	  {"/dev", true},	  {"/etc", true},
	{"/home", false},   {"/lib", true},	  {"/lib32", true},	  {"/lib64", true},
	{"/media", false},  {"/mnt", false},	  {"/opt", false},	  {"/proc", true},
	{"/root", false},   {"/run", false},	  {"/run/viv", true},	  {"/sbin", true},
	{"/srv", false},    {"/sys", true},	  {"/tmp", false},	  {"/usr", false},
	{"/usr/bin", true}, {"/usr/lib", true},	  {"/usr/lib64", true},	  {"/usr/libexec", true},
	{"/usr/local", false}, {"/usr/sbin", true}, {"/usr/share", true}, {"/usr/src", false},
	{"/var", false},    {"/var/cache", false}, {"/var/lib", false}, {"/var/lib/apt", true},
	{"/var/lib/dpkg", true}, {"/var/lib/systemd", true}, {"/var/log", false}, {"/var/tmp", false},
};

const char *viv_share_hides(const char *target, const char *home)
{
	if (viv_streq(target, "/"))
		return "it would hide all of the machine";
	if (home && viv_streq(target, home))
		return "it is your home folder; --share says that you mean it";
	for (size_t i = 0; i < VIV_ARRAY_SIZE(own); i++)
		if (viv_path_is_within(own[i].path, target) ||
		    (own[i].below && viv_path_is_within(target, own[i].path)))
			return "it would hide the machine's own";
	return NULL;
}

bool viv_share_breaks(const char *target)
{
	bool breaks = viv_streq(target, "/");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(own); i++)
		breaks |= own[i].below && viv_path_is_within(own[i].path, target);
	return breaks;
}

/* The next part, up to a colon without a backslash. NULL at the end. */
static char *next_part(const char **rest)
{
	VIV_STR s = VIV_STR_INIT;
	const char *p = *rest;

	if (!p)
		return NULL;
	for (; *p && *p != ':'; p++) {
		if (*p == '\\' && p[1] == ':')
			p++;
		viv_str_add_char(&s, *p);
	}
	*rest = *p ? p + 1 : NULL;
	return viv_str_steal(&s);
}

int viv_share_parse_flag(const char *text, char **ret_source, char **ret_target, bool *ret_write,
			 struct viv_error *err)
{
	const char *rest = text;
	VIV_FREE char *path = next_part(&rest), *target = next_part(&rest), *mode = next_part(&rest);
	VIV_FREE char *source = NULL;
	int r;

	if (target && !mode && (viv_streq(target, "rw") || viv_streq(target, "ro")))
		mode = viv_steal(target);
	if (!*path || rest || (target && !*target) ||
	    (mode && !viv_streq(mode, "rw") && !viv_streq(mode, "ro")))
		return viv_error_say(err, EINVAL, "expected PATH, PATH:TARGET or PATH:TARGET:rw");
	if (target && target[0] != '/')
		return viv_error_say(err, EINVAL, "%s: expected an absolute path in the guest", target);
	r = viv_path_absolute(path, &source, err);
	if (r < 0)
		return r;
	*ret_target = target ? viv_path_clean(target) : viv_strdup(source);
	*ret_source = viv_steal(source);
	*ret_write = mode && viv_streq(mode, "rw");
	return 0;
}
