/* SPDX-License-Identifier: MIT */
#include "config/type.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

/* The texts that options of the system inside let through; rules.c has the others. */

/* Letters, digits and `more`, between `min` and `max` of them, the first no sign. */
static bool name_of(const char *s, const char *more, size_t max)
{
	size_t n = strlen(s);

	if (n < 1 || n > max || !isalnum((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(more, s[i]))
			return false;
	return true;
}

/* sysctl(8): parts with dots between; an interface's name may be one. */
static bool sysctl(const char *s)
{
	return name_of(s, "._-/", 255) && strchr(s, '.') && !strstr(s, "..") && !strstr(s, "//") &&
	       !viv_ends_with(s, ".");
}

/* As /usr/share/i18n/SUPPORTED has them. */
static bool locale(const char *s)
{
	return name_of(s, "._-@", 64);
}

/* With its encoding. */
static bool locale_line(const char *s)
{
	VIV_FREE char *name = viv_strndup(s, strcspn(s, "/"));
	const char *encoding = s + strlen(name);

	return locale(name) && (!*encoding || name_of(encoding + 1, "-", 32));
}

static bool locale_category(const char *s)
{
	return viv_streq(s, "LANGUAGE") || (viv_starts_with(s, "LC_") && name_of(s, "_", 32));
}

static bool key_map(const char *s)
{
	return name_of(s, "_-", 64);
}

/* xkeyboard-config(7): "us", "us,de", ",nodeadkeys". */
static bool xkb(const char *s)
{
	size_t n = strlen(s);

	return n && n <= 128 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-,") == n;
}

static bool window_manager(const char *s)
{
	return name_of(s, "_-+.", 64);
}

static bool font(const char *s)
{
	return name_of(s, "._-+", 128);
}

static bool ip6(const char *s)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET6, s, bytes) == 1;
}

/* Nothing that ends nginx's statement. */
static bool listen_parameter(const char *s)
{
	return *s && strlen(s) < 256 && s[strcspn(s, " \t\r\n;{}\"'\\$")] == '\0';
}

/* Of a host, or a pattern of nginx's. A host's gets into certificates, too: there , / # + and = mean something. */
static bool server_name(const char *s)
{
	return listen_parameter(s) && (*s == '~' || !strpbrk(s, ",/#+=@|"));
}

static bool algorithm(const char *s)
{
	return name_of(s, "_-", 32);
}

/* tmpfs(5): bytes with k, m or g, or a share. */
static bool tmpfs_size(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n < 16 && (!s[n] || (strchr("kKmMgG%", s[n]) && !s[n + 1]));
}

static bool swap_option(const char *s)
{
	return name_of(s, "=.-_", 64);
}

/* What stands in one statement of nginx's: quotes are its own business, not its end. */
static bool statement(const char *s)
{
	for (const char *p = s; *p; p++)
		if (iscntrl((unsigned char)*p) || strchr(";{}", *p))
			return false;
	return *s;
}

static bool location(const char *s)
{
	return statement(s) && strchr("/=~^@", *s) && strlen(s) < 256;
}

/* Goes into files where blanks, quotes and % would have to be written otherwise. */
static bool plain_path(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/._+@:,=~-", *p))
			return false;
	return *s == '/' && !strstr(s, "//") && !strstr(s, "/../") && !viv_ends_with(s, "/..") && strlen(s) < 1024;
}

/* sudoers(5): a backslash goes with what follows it, which here would be what we write behind the command. */
static bool sudo_command(const char *s)
{
	bool open = false;

	for (const char *p = s; *p; p++) {
		if (iscntrl((unsigned char)*p))
			return false;
		open = *p == '\\' && !open;
	}
	return *s && !open;
}

static bool listen_address(const char *s)
{
	return *s && strlen(s) < 128 && s[strspn(s, "0123456789abcdefABCDEF.:[]*")] == '\0';
}

/* One number of a field of crontab(5), or a name; behind it in *s. */
static bool cron_number(const char **s, const char *const *names, unsigned min, unsigned max, unsigned *ret)
{
	size_t len = strspn(*s, "0123456789");
	uint64_t n = UINT64_MAX;

	if (len && !viv_slice_u64((struct viv_slice){*s, len}, max, &n))
		return false;
	for (unsigned i = 0; !len && names && names[i]; i++)
		if (strncasecmp(*s, names[i], 3) == 0)
			n = i + min;
	if (n < min || n > max)
		return false;
	*s += len ? len : 3;
	*ret = (unsigned)n;
	return true;
}

/* "*", "3", "mon-fri", "0-30/5", and some of them with commas between. */
static bool cron_field(const char *s, const char *const *names, unsigned min, unsigned max)
{
	for (;; s++) {
		unsigned from, to, step;
		bool many = *s == '*';

		if (many)
			s++;
		else if (!cron_number(&s, names, min, max, &from))
			return false;
		if (!many && *s == '-') {
			s++;
			many = true;
			if (!cron_number(&s, names, min, max, &to) || to < from)
				return false;
		}
		if (many && *s == '/') {
			s++;
			if (!cron_number(&s, NULL, 1, 999, &step))
				return false;
		}
		if (*s != ',')
			return !*s;
	}
}

/* The times of a line: five fields, or a word. */
static bool cron_times(struct viv_slice *rest)
{
	static const char *const words[] = {"@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight",
					    "@hourly"};
	static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov",
					     "dec", NULL};
	static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
	static const struct {
		unsigned min, max;
		const char *const *names;
	} fields[] = {{0, 59, NULL}, {0, 23, NULL}, {1, 31, NULL}, {1, 12, months}, {0, 7, days}};
	struct viv_slice word;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(fields); i++) {
		VIV_FREE char *text = viv_slice_word(rest, &word) ? viv_slice_dup(word) : NULL;

		for (size_t k = 0; i == 0 && text && k < VIV_ARRAY_SIZE(words); k++)
			if (strcasecmp(text, words[k]) == 0)
				return true;
		if (!text || !cron_field(text, fields[i].names, fields[i].min, fields[i].max))
			return false;
	}
	return true;
}

/* crontab(5), the system's: when, a user, a command. A line that cron can't read takes the whole file with it. */
static bool cron_job(const char *s)
{
	struct viv_slice rest = viv_slice(s), word;
	VIV_FREE char *name = NULL;

	if (!viv_rule_line.ok(s) || !*s || strlen(s) > 900 || !cron_times(&rest))
		return false;
	name = viv_slice_word(&rest, &word) ? viv_slice_dup(word) : NULL;
	return name && viv_rule_user.ok(name) && viv_slice_word(&rest, &word);
}

const struct viv_text_rule
	viv_rule_cron_job = {"a line of crontab(5) with its user (\"*/5 * * * * root date\")", cron_job},
	viv_rule_statement = {"a string of one line, without ; and braces", statement},
	viv_rule_sudo_command = {"a command of one line, in which a \\ stands before another character",
				 sudo_command},
	viv_rule_plain_path = {"an absolute path in the machine, without blanks and quotes", plain_path},
	viv_rule_location = {"a path such as \"/\", or a pattern of nginx's", location},
	viv_rule_listen = {"an address such as \"0.0.0.0\" or \"[::]\"", listen_address},
	viv_rule_tmpfs_size = {"a size such as \"2G\" or \"50%\"", tmpfs_size},
	viv_rule_swap_option = {"an option of swapon(8)", swap_option},
	viv_rule_sysctl = {"a setting of sysctl(8), such as \"vm.swappiness\"", sysctl},
	viv_rule_locale = {"a locale such as \"de_DE.UTF-8\"", locale},
	viv_rule_locale_line = {"a locale such as \"de_DE.UTF-8\"", locale_line},
	viv_rule_locale_category = {"LANGUAGE or a category such as LC_TIME", locale_category},
	viv_rule_key_map = {"a keyboard's layout such as \"de\" or \"us-dvorak\"", key_map},
	viv_rule_xkb = {"a name of xkeyboard-config(7) such as \"de\"", xkb},
	viv_rule_window_manager = {"a window manager's (letters, digits and _ - + .)", window_manager},
	viv_rule_font = {"a console font such as \"Lat15-Terminus16\"", font},
	viv_rule_ip6 = {"an IPv6 address such as \"2001:db8::1\"", ip6},
	viv_rule_server_name = {"a server's name, without blanks, quotes, braces and , / ;", server_name},
	viv_rule_listen_parameter = {"a parameter, without blanks, quotes, braces and ;", listen_parameter},
	viv_rule_algorithm = {"an algorithm such as \"zstd\"", algorithm};
