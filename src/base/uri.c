/* SPDX-License-Identifier: MIT */
#include "base/uri.h"

#include <ctype.h>

/* "host", "host:80", "[2001:db8::1]:80" */
static bool is_host(struct viv_slice s)
{
	bool bracket = s.len && s.data[0] == '[';
	size_t i = bracket;

	while (i < s.len && (isalnum((unsigned char)s.data[i]) ||
			     strchr(bracket ? ":.%" : ".-_", s.data[i])))
		i++;
	if (i == (size_t)bracket || (bracket && (i == s.len || s.data[i++] != ']')))
		return false;
	if (i == s.len)
		return true;
	if (s.data[i++] != ':')
		return false;
	while (i < s.len && isdigit((unsigned char)s.data[i]))
		i++;
	return i == s.len;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

/* With "%40" as "@". NULL: there is something in it that no login file could hold. */
static char *decoded(struct viv_slice s)
{
	VIV_STR out = VIV_STR_INIT;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (c == '%' && i + 2 < s.len && hex_digit(s.data[i + 1]) >= 0 &&
		    hex_digit(s.data[i + 2]) >= 0) {
			c = (unsigned char)(hex_digit(s.data[i + 1]) * 16 + hex_digit(s.data[i + 2]));
			i += 2;
		}
		if (c <= ' ' || c == 0x7f)
			return NULL;
		viv_str_add_char(&out, (char)c);
	}
	return viv_str_steal(&out);
}

bool viv_uri_split(const char *uri, char **ret_plain, char **ret_user, char **ret_password)
{
	const char *start = strstr(uri, "://");
	struct viv_slice all = {start ? start + 3 : uri, start ? strcspn(start + 3, "/") : 0};
	const char *at = all.len ? memrchr(all.data, '@', all.len) : NULL, *colon;
	struct viv_slice host = at ? (struct viv_slice){at + 1, (size_t)(all.data + all.len - at) - 1} : all;
	struct viv_slice user = {all.data, at ? (size_t)(at - all.data) : 0}, password = {0};
	VIV_FREE char *u = NULL, *p = NULL;

	if (all.len && !is_host(host))
		return false;
	/* "name:12/34@host": a password that should have been written with %2F. */
	if (!at && all.len && all.data[0] != '[' && memchr(all.data, ':', all.len) &&
	    strchr(all.data + all.len, '@'))
		return false;
	colon = user.len ? memchr(user.data, ':', user.len) : NULL;
	if (colon) {
		password = (struct viv_slice){colon + 1, (size_t)(user.data + user.len - colon) - 1};
		user.len = (size_t)(colon - user.data);
	}
	u = at ? decoded(user) : NULL;
	p = at && colon ? decoded(password) : NULL;
	if ((at && !u) || (colon && !p))
		return false;
	*ret_plain = viv_asprintf("%.*s%s", (int)(all.data - uri), uri, host.data);
	*ret_user = viv_steal(u);
	*ret_password = viv_steal(p);
	return true;
}

char *viv_uri_masked(const char *text)
{
	const char *start = strstr(text, "://"), *at = start ? strrchr(start + 3, '@') : NULL;

	return at ? viv_asprintf("%.*s…%s", (int)(start + 3 - text), text, at) : viv_strdup(text);
}
