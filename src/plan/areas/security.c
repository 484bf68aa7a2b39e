/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "base/fd.h"

/* security.sudo and security.pki. */

#define MAX_CERTIFICATES ((size_t)4 << 20)
#define SUDOERS		 "etc/sudoers.d/zz-viv"
#define CERTIFICATES	 "usr/local/share/ca-certificates/"

static const char sudo[] = "security.sudo.enable";

/* Names, and numbers: "paul, #1000". */
static void add_names(struct viv_str *s, const json_t *list, const char *before)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)list, i, v) {
		viv_str_addf(s, "%s%s", s->len ? ", " : "", before);
		if (json_is_integer(v))
			viv_str_addf(s, "#%" JSON_INTEGER_FORMAT, json_integer_value(v));
		else
			viv_str_add(s, json_string_value(v));
	}
}

/*
 * sudoers(5): of a command's own text these mean something else (another command, a comment) unless a backslash is
 * before them; one that a person wrote is there for the same. viv_rule_sudo_command: none ends it.
 */
static void add_command(struct viv_str *s, const char *command)
{
	for (; *command; command++) {
		if (*command == '\\')
			viv_str_add_char(s, *command++);
		else if (strchr(",:=#", *command))
			viv_str_add_char(s, '\\');
		viv_str_add_char(s, *command);
	}
}

static void add_rule(struct viv_str *s, const json_t *rule)
{
	VIV_STR who = VIV_STR_INIT;
	json_t *command, *tag;
	size_t i, k;

	add_names(&who, json_object_get(rule, "users"), "");
	add_names(&who, json_object_get(rule, "groups"), "%");
	if (!who.len)
		return;
	viv_str_addf(s, "%s %s=(%s)", who.data, viv_json_str(rule, "host"), viv_json_str(rule, "runAs"));
	json_array_foreach(json_object_get(rule, "commands"), i, command) {
		viv_str_add(s, i ? ", " : " ");
		json_array_foreach(json_object_get(command, "options"), k, tag)
			viv_str_addf(s, "%s: ", json_string_value(tag));
		add_command(s, json_is_string(command) ? json_string_value(command) : viv_json_str(command, "command"));
	}
	viv_str_add_char(s, '\n');
}

/* The one that is most likely wrong, if any is. */
static const char *sudo_option(const struct viv_config *config)
{
	static const char rules[] = "security.sudo.extraRules", extra[] = "security.sudo.extraConfig";
	const char *text = viv_config_string(config, extra);

	return text && *text ? extra : json_array_size(viv_config_get(config, rules)) ? rules : sudo;
}

static void add_sudo(struct viv_etc *etc, const struct viv_config *config)
{
	const char *tag = viv_config_bool(config, "security.sudo.wheelNeedsPassword") ? "" : "NOPASSWD: ";
	const char *extra = viv_config_string(config, "security.sudo.extraConfig");
	struct viv_str s = VIV_STR_INIT;
	json_t *rule;
	size_t i;

	viv_str_addf(&s, "# security.sudo\n%%sudo ALL=(ALL:ALL) %sALL\n%%wheel ALL=(ALL:ALL) %sALL\n", tag, tag);
	json_array_foreach((json_t *)viv_config_get(config, "security.sudo.extraRules"), i, rule)
		add_rule(&s, rule);
	if (extra && *extra)
		viv_str_addf(&s, "%s%s", extra, viv_ends_with(extra, "\n") ? "" : "\n");
	/* The last one that fits decides, and files are read in the order of their names. */
	viv_etc_add(etc, sudo, SUDOERS, VIV_ETC_FILE, 0440, &s);
}

static int check_certificates(const struct viv_config *config, const char *option, size_t i, const char *text,
			      struct viv_error *err)
{
	const char *place = viv_config_place(config, option);

	if (strstr(text, "PRIVATE KEY-----")) {
		viv_error_say(err, EACCES, "%s: %s[%zu] holds a private key", place, option, i + 1);
		viv_error_hint(err, "Secrets never enter the store, and nobody needs the key to trust its "
				    "certificate.");
		return -EACCES;
	}
	if (!strstr(text, "-----BEGIN CERTIFICATE-----") || !strstr(text, "-----END CERTIFICATE-----"))
		return viv_error_say(err, EINVAL, "%s: %s[%zu] holds no certificate (PEM: -----BEGIN "
				     "CERTIFICATE-----)", place, option, i + 1);
	return 0;
}

/* update-ca-certificates takes one from each file. */
static void add_certificates(struct viv_etc *etc, const char *option, const char *text, size_t *n)
{
	static const char end[] = "-----END CERTIFICATE-----";
	const char *at;

	while ((at = strstr(text, "-----BEGIN CERTIFICATE-----")) && strstr(at, end)) {
		VIV_FREE char *path = viv_asprintf(CERTIFICATES "viv-%zu.crt", ++*n);
		struct viv_str s = VIV_STR_INIT;

		text = strstr(at, end) + strlen(end);
		viv_str_addf(&s, "%.*s\n", (int)(text - at), at);
		viv_etc_add(etc, option, path, VIV_ETC_FILE, 0644, &s);
	}
}

static int add_pki(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	static const char *const options[] = {"security.pki.certificates", "security.pki.certificateFiles"};
	size_t i, n = 0;
	json_t *v;

	for (size_t k = 0; k < VIV_ARRAY_SIZE(options); k++)
		json_array_foreach((json_t *)viv_config_get(config, options[k]), i, v) {
			VIV_STR text = VIV_STR_INIT;
			int r = 0;

			if (k == 0)
				viv_str_add(&text, json_string_value(v));
			else
				r = viv_read_file(json_string_value(v), MAX_CERTIFICATES, &text, err);
			if (r < 0)
				return viv_error_context(err, "%s: %s[%zu]", viv_config_place(config, options[k]),
							 options[k], i + 1);
			r = check_certificates(config, options[k], i, text.data ? text.data : "", err);
			if (r < 0)
				return r;
			add_certificates(etc, options[k], text.data, &n);
		}
	return 0;
}

static bool has_pki(const struct viv_config *config)
{
	return json_array_size(viv_config_get(config, "security.pki.certificates")) ||
	       json_array_size(viv_config_get(config, "security.pki.certificateFiles"));
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	if (viv_config_bool(config, sudo))
		add_sudo(etc, config);
	return add_pki(etc, config, err);
}

static void packages(const struct viv_config *config, struct viv_strv *base VIV_UNUSED, struct viv_strv *ret)
{
	if (viv_config_bool(config, sudo))
		viv_strv_push(ret, "sudo");
	if (has_pki(config))
		viv_strv_push(ret, "ca-certificates");
}

static void commands(const struct viv_config *config, struct viv_commands *ret)
{
	bool files_only = !json_array_size(viv_config_get(config, "security.pki.certificates"));

	if (viv_config_bool(config, sudo))
		viv_commands_add(ret, sudo_option(config), SUDOERS, "visudo -cf /" SUDOERS " >&2");
	/* Java's store has times in it: it is made by its hook in the machine. */
	if (has_pki(config))
		viv_commands_add(ret, files_only ? "security.pki.certificateFiles" : "security.pki.certificates",
				 CERTIFICATES,
				 "mkdir -p /tmp/no-hooks\n"
				 "for f in /" CERTIFICATES "viv-*; do openssl x509 -noout -in \"$f\"; done\n"
				 "update-ca-certificates --hooksdir /tmp/no-hooks >/dev/null\n"
				 "mkdir -p " VIV_COMMANDS_OUT "/etc/ssl\n"
				 "rm -rf /etc/ssl/certs/java\n"
				 "cp -a /etc/ssl/certs " VIV_COMMANDS_OUT "/etc/ssl/\n");
}

const struct viv_area viv_area_security = {.files = files, .packages = packages, .commands = commands};
