/* SPDX-License-Identifier: MIT */
#include "config/type.h"

#include "base/path.h"
#include "base/uri.h"

#include <arpa/inet.h>
#include <ctype.h>

/* The texts that options let through. Each rule says itself what it expects. */

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
#define DIGITS "0123456789"
#define ALPHABET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* From `first`, then from `first` and `more`; between `min` and `max` bytes. */
static bool spelled(const char *s, const char *first, const char *more, size_t min, size_t max)
{
	size_t n = strlen(s);

	if (n < min || n > max || !strchr(first, s[0]))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!strchr(first, s[i]) && !strchr(more, s[i]))
			return false;
	return true;
}

/* RFC 1123, section 2.1: one label. */
static bool host_name(const char *s)
{
	size_t n = strlen(s);

	if (n < 1 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return true;
}

static bool word(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s))
			return false;
	return true;
}

static bool line(const char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s) && *s != '\t')
			return false;
	return true;
}

static bool module(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_')
			return false;
	return true;
}

/* Debian Policy 5.6.1 and 5.6.12, with an architecture as apt writes it. */
static bool package(const char *s)
{
	VIV_FREE char *name = viv_strndup(s, strcspn(s, ":="));
	const char *rest = s + strlen(name);

	if (strlen(name) < 2 || !spelled(name, "abcdefghijklmnopqrstuvwxyz" DIGITS, "+-.", 2, 128))
		return false;
	if (*rest == ':') {
		size_t n = strspn(rest + 1, "abcdefghijklmnopqrstuvwxyz" DIGITS);

		if (!n)
			return false;
		rest += 1 + n;
	}
	if (!*rest)
		return true;
	if (*rest != '=' || !rest[1])
		return false;
	for (rest++; *rest; rest++)
		if (!isalnum((unsigned char)*rest) && !strchr(".+-~:", *rest))
			return false;
	return true;
}

static bool kconfig(const char *s)
{
	return spelled(s, ALPHABET DIGITS "_", "", 1, 128) && !viv_starts_with(s, "CONFIG_");
}

static bool variable(const char *s)
{
	return viv_name_is_identifier(s);
}

/* What shadow's useradd takes. */
static bool user(const char *s)
{
	return spelled(s, "abcdefghijklmnopqrstuvwxyz_", DIGITS "-", 1, 32);
}

static bool no_control(const char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			return false;
	return true;
}

static bool etc_path(const char *s)
{
	return viv_path_is_safe(s) && no_control(s) && strlen(s) < 1024;
}

static bool guest_path(const char *s)
{
	if (viv_streq(s, "/"))
		return true;
	return s[0] == '/' && viv_path_is_safe(s + 1) && !strchr(s, ':') && no_control(s) &&
	       strlen(s) < 1024;
}

static bool mode(const char *s)
{
	size_t n = strlen(s);

	return n >= 3 && n <= 4 && strspn(s, "01234567") == n;
}

static bool time_zone(const char *s)
{
	if (!viv_path_is_safe(s) || strlen(s) > 64)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("+-_/", *s))
			return false;
	return true;
}

static bool release(const char *s)
{
	return spelled(s, lower, DIGITS "-", 1, 64);
}

static bool url(const char *s)
{
	static const char *const schemes[] = {"http://", "https://", "file:///"};

	VIV_FREE char *plain = NULL, *user = NULL, *password = NULL;

	if (!word(s) || !viv_uri_split(s, &plain, &user, &password))
		return false;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(schemes); i++)
		if (viv_starts_with(plain, schemes[i]) && plain[strlen(schemes[i])])
			return true;
	return false;
}

/* "URL" or "URL suite…" */
static bool mirror(const char *s)
{
	VIV_FREE char *first = viv_strndup(s, strcspn(s, " "));

	if (!url(first) || strpbrk(s, "\"'"))
		return false;
	for (s += strlen(first); *s; s++)
		if (!strchr(" /.-_", *s) && !isalnum((unsigned char)*s))
			return false;
	return true;
}

/* crypt(5): "$id$…", or nothing for an empty password, or "!" and "*" for none. */
static bool hash(const char *s)
{
	return !strchr(s, ':') && no_control(s) && (!*s || strchr("$!*_", *s) || strlen(s) == 13);
}

static bool ip4(const char *s)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, s, bytes) == 1;
}

static bool ip(const char *s)
{
	uint8_t bytes[16];

	return ip4(s) || inet_pton(AF_INET6, s, bytes) == 1;
}

static bool cidr(const char *s)
{
	const char *slash = strchr(s, '/');
	VIV_FREE char *address = slash ? viv_strndup(s, (size_t)(slash - s)) : NULL;
	uint64_t prefix;

	return slash && ip(address) &&
	       viv_slice_u64(viv_slice(slash + 1), ip4(address) ? 32 : 128, &prefix);
}

/* Not a group's: the lowest bit of the first byte. */
static bool mac(const char *s)
{
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return false;
	return !s[17] && !strchr("13579bdfBDF", s[1]);
}

/* What Linux takes, without what sysctl and shells stumble over. */
static bool interface(const char *s)
{
	return spelled(s, ALPHABET DIGITS, "._-", 1, 15) && !viv_streq(s, "lo");
}

/* RFC 1123: labels. */
static bool domain(const char *s)
{
	if (strlen(s) > 253)
		return false;
	for (;;) {
		size_t n = strcspn(s, ".");
		VIV_FREE char *label = viv_strndup(s, n);

		if (!host_name(label))
			return false;
		if (!s[n])
			return true;
		s += n + 1;
	}
}

/* sshd(8), AUTHORIZED_KEYS FILE FORMAT: a key's type and its base64, perhaps with options before. */
static bool ssh_key(const char *s)
{
	const char *base64 = strstr(s, " AAAA");

	return base64 && no_control(s) && strlen(s) < 16384 &&
	       (strstr(s, "ssh-") || strstr(s, "ecdsa-")) && !strstr(s, "PRIVATE KEY");
}

/* What udev leaves as it is in a link's name. How long it may be depends on the disk's interface. */
static bool serial(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
			return false;
	return n > 0 && s[0] != '.' && s[0] != '-';
}

/* As QEMU's -boot, with commas where they please. */
static bool boot_order(const char *s)
{
	unsigned seen = 0;

	for (; *s; s++) {
		unsigned bit = *s == 'c' ? 1 : *s == 'd' ? 2 : 0;

		if ((!bit && *s != ',') || seen & bit)
			return false;
		seen |= bit;
	}
	return seen;
}

/* A word of the kernel's command line, where its length has a bound (guest/init.h). */
static bool device(const char *s)
{
	return strncmp(s, "/dev/", 5) == 0 && word(s) && viv_path_is_safe(s + 1) && strlen(s) < 128;
}

static bool fs_type(const char *s)
{
	return spelled(s, lower, DIGITS "._-", 1, 32);
}

/* As lsusb shows it, or with 0x in front. To QEMU 0 is any number. */
static bool usb_id(const char *s)
{
	if (viv_starts_with(s, "0x"))
		s += 2;
	return strlen(s) >= 1 && strlen(s) <= 4 && strspn(s, "0123456789abcdefABCDEF") == strlen(s) &&
	       strspn(s, "0") < strlen(s);
}

/* The ports on the way from the root hub: at most 7 (USB 3.2, 4.1.1). */
static bool usb_port(const char *s)
{
	unsigned n = 0;

	for (;; s++) {
		size_t digits = strspn(s, DIGITS);
		uint64_t port;

		if (!viv_slice_u64((struct viv_slice){s, digits}, 255, &port) || !port || *s == '0' || ++n > 7)
			return false;
		s += digits;
		if (*s != '.')
			return !*s;
	}
}

/* A file's name, as systemd wants it. */
static bool credential(const char *s)
{
	return spelled(s, ALPHABET "_" DIGITS, "-.@:", 1, 128);
}

/* What begins with "viv." is ours. */
static bool share_tag(const char *s)
{
	if (!isalnum((unsigned char)*s) || strlen(s) > 36 || strncmp(s, "viv.", 4) == 0)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._-", *s))
			return false;
	return true;
}

static bool alias(const char *s)
{
	return spelled(s, ALPHABET DIGITS "._+:", "-", 1, 64);
}

/* systemd.unit(5): the characters of a unit's name, and what it may end with. */
static bool unit_spelled(const char *s, size_t max)
{
	return spelled(s, ALPHABET DIGITS ":-_\\.", "@", 1, max);
}

static const char *const unit_types[] = {".service", ".socket",	   ".target", ".device", ".mount",
					 ".automount", ".swap",	   ".timer",  ".path",	 ".slice",
					 ".scope",	NULL};

static const char *unit_type(const char *s)
{
	for (size_t i = 0; unit_types[i]; i++)
		if (viv_ends_with(s, unit_types[i]) && strlen(s) > strlen(unit_types[i]))
			return unit_types[i];
	return NULL;
}

/* Does each % begin one of the specifiers of systemd.unit(5)? */
static bool specifiers(const char *s)
{
	for (; (s = strchr(s, '%')); s += 2)
		if (!s[1] || !strchr("%aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY", s[1]))
			return false;
	return true;
}

/* Another unit's name; it may hold specifiers. */
static bool unit(const char *s)
{
	VIV_FREE char *plain = viv_strdup(s);

	for (char *p = plain; *p; p++)
		if (*p == '%')
			*p = '_';
	return unit_type(s) && specifiers(s) && unit_spelled(plain, 255);
}

static bool unit_name(const char *s)
{
	return unit_spelled(s, 200) && !unit_type(s) && s[0] != '.';
}

static bool unit_key(const char *s)
{
	return spelled(s, ALPHABET, DIGITS "-", 1, 64);
}

/* systemd.syntax(7): the line ends the value, unless a backslash stands before its end. */
static bool unit_value(const char *s)
{
	return line(s) && !viv_ends_with(s, "\\");
}

static bool unit_text(const char *s)
{
	return unit_value(s) && specifiers(s);
}

const struct viv_text_rule
	viv_rule_unit = {"a unit's name with its type, such as \"foo.service\"", unit},
	viv_rule_unit_name = {"a unit's name without its type, such as foo, foo@ or foo@bar", unit_name},
	viv_rule_unit_key = {"a setting's name (letters, digits and -)", unit_key},
	viv_rule_unit_value = {"a string of one line that doesn't end with a backslash", unit_value},
	viv_rule_alias = {"an alias's name (letters, digits, . _ + : and -)", alias},
	viv_rule_unit_text = {"a string of one line, in which a % is written %%", unit_text},
	viv_rule_share_tag = {"a share's name (letters, digits, . _ -, at most 36)", share_tag},
	viv_rule_host_name = {"a host name (letters, digits and -, at most 63)", host_name},
	viv_rule_boot_order = {"an order of c (the disk) and d (the CD-ROM), such as \"d,c\"", boot_order},
	viv_rule_word = {"a string without blanks", word},
	viv_rule_module = {"a kernel module's name", module},
	viv_rule_kconfig = {"a name of the kernel's configuration, without CONFIG_", kconfig},
	viv_rule_package = {"a package (\"name\", \"name=version\" or pkgs.name)", package},
	viv_rule_variable = {"a variable's name (letters, digits and _)", variable},
	viv_rule_user = {"a user or group name (small letters, digits, - and _, at most 32)", user},
	viv_rule_etc_path = {"a path below /etc, without a / in front", etc_path},
	viv_rule_guest_path = {"an absolute path in the machine", guest_path},
	viv_rule_mode = {"a file mode such as \"0644\"", mode},
	viv_rule_time_zone = {"a time zone such as \"Europe/Lisbon\"", time_zone},
	viv_rule_release = {"a release's code name such as \"trixie\"", release},
	viv_rule_url = {"an http, https or file address", url},
	viv_rule_mirror = {"an http, https or file address, or one with suites after it", mirror},
	viv_rule_line = {"a string of one line", line},
	viv_rule_hash = {"a password hash, as mkpasswd prints it", hash},
	viv_rule_ip = {"an IP address such as \"192.168.1.1\"", ip},
	viv_rule_ip4 = {"an IPv4 address such as \"127.0.0.1\"", ip4},
	viv_rule_cidr = {"an IP address with its prefix, such as \"192.168.1.2/24\"", cidr},
	viv_rule_mac = {"a MAC address such as \"52:54:00:12:34:56\", of a single machine", mac},
	viv_rule_interface = {"an interface's name (letters, digits, . _ and -, at most 15)", interface},
	viv_rule_domain = {"a domain such as \"example.org\"", domain},
	viv_rule_ssh_key = {"a public key, one line of an authorized_keys file", ssh_key},
	viv_rule_service = {"a service's name (letters, digits, . _ and -)", serial},
	viv_rule_serial = {"a disk's serial (letters, digits, . _ and -)", serial},
	viv_rule_label = {"a name (letters, digits, . _ and -)", serial},
	viv_rule_usb_id = {"a number such as \"0951\" (hexadecimal, not 0)", usb_id},
	viv_rule_device = {"a device's path, such as \"/dev/disk/by-label/root\"", device},
	viv_rule_fs_type = {"a file system's type, such as \"ext4\"", fs_type},
	viv_rule_usb_port = {"a port such as \"4\" or \"1.2\"", usb_port},
	viv_rule_credential = {"a credential's name (letters, digits and _ - . @ :)", credential};
