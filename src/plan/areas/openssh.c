/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "base/fd.h"
#include "plan/areas/runit.h"

#define MAX_KEYS ((size_t)1 << 20)

static const char settings_option[] = "services.openssh.settings";

/* sshd_config(5): lists of algorithms have commas between, others blanks. */
static void add_list(struct viv_str *s, const char *keyword, const json_t *list)
{
	size_t n = strlen(keyword), tail = strlen("Algorithms"), i;
	bool commas = strcasecmp(keyword, "Ciphers") == 0 || strcasecmp(keyword, "MACs") == 0 ||
		      (n > tail && strcasecmp(keyword + n - tail, "Algorithms") == 0);
	json_t *word;

	viv_str_add(s, keyword);
	json_array_foreach((json_t *)list, i, word)
		viv_str_addf(s, "%s%s", commas && i ? "," : " ", json_string_value(word));
	viv_str_add_char(s, '\n');
}

static void add_setting(struct viv_str *s, const char *keyword, const json_t *value)
{
	if (json_is_array(value))
		add_list(s, keyword, value);
	else if (json_is_boolean(value))
		viv_str_addf(s, "%s %s\n", keyword, json_is_true(value) ? "yes" : "no");
	else if (json_is_integer(value))
		viv_str_addf(s, "%s %lld\n", keyword, (long long)json_integer_value(value));
	else if (json_is_string(value))
		viv_str_addf(s, "%s %s\n", keyword, json_string_value(value));
}

static void add_sshd(struct viv_etc *etc, const struct viv_config *config)
{
	const json_t *ports = viv_config_get(config, "services.openssh.ports"), *port;
	const json_t *settings = viv_config_get(config, settings_option);
	bool own_keys = false;
	struct viv_str s = VIV_STR_INIT;
	VIV_STRV names = VIV_STRV_INIT;
	size_t i;

	json_array_foreach((json_t *)ports, i, port)
		viv_str_addf(&s, "Port %lld\n", (long long)json_integer_value(port));
	viv_json_keys(settings, &names);
	for (i = 0; i < names.count; i++)
		own_keys |= strcasecmp(names.items[i], "AuthorizedKeysFile") == 0;
	/* The first of a keyword's lines counts. */
	if (!own_keys)
		viv_str_add(&s, "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n");
	for (i = 0; i < names.count; i++)
		add_setting(&s, names.items[i], json_object_get(settings, names.items[i]));
	viv_etc_add(etc, "services.openssh.enable", "etc/ssh/sshd_config.d/viv.conf", VIV_ETC_FILE, 0644, &s);
}

static int add_key_file(struct viv_str *s, const struct viv_config *config, const char *user,
			size_t i, const char *file, struct viv_error *err)
{
	VIV_FREE char *option =
		viv_asprintf("users.users.%s.openssh.authorizedKeys.keyFiles", user);
	const char *place = viv_config_place(config, option);
	VIV_STR text = VIV_STR_INIT;

	if (viv_read_file(file, MAX_KEYS, &text, err) < 0)
		return viv_error_context(err, "%s: %s[%zu]", place, option, i + 1);
	if (text.len && memmem(text.data, text.len, "PRIVATE KEY", 11))
		return viv_error_say(err, EACCES, "%s: %s[%zu]: %s is a private key: name the public "
				     "one, %s.pub", place, option, i + 1, file, file);
	if (text.len)
		viv_str_add_bytes(s, text.data, text.len);
	if (text.len && text.data[text.len - 1] != '\n')
		viv_str_add_char(s, '\n');
	return 0;
}

static int add_keys(struct viv_etc *etc, const struct viv_config *config, const char *user,
		    const json_t *keys, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("etc/ssh/authorized_keys.d/%s", user);
	VIV_FREE char *option = viv_asprintf("users.users.%s.openssh.authorizedKeys", user);
	VIV_STR s = VIV_STR_INIT;
	json_t *key, *file;
	size_t i;
	int r = 0;

	json_array_foreach(json_object_get(keys, "keys"), i, key)
		viv_str_addf(&s, "%s\n", json_string_value(key));
	json_array_foreach(json_object_get(keys, "keyFiles"), i, file) {
		if (r == 0)
			r = add_key_file(&s, config, user, i, json_string_value(file), err);
	}
	if (r == 0 && s.len)
		viv_etc_add(etc, option, path, VIV_ETC_FILE, 0644, &s);
	return r;
}

static int files(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	/* Under the name of Debian's own, whose place it takes. */
	static const struct viv_runit_service service = {
		.name = "ssh", .run = "mkdir -p -m 0755 /run/sshd\nexec /usr/sbin/sshd -D\n"};
	const json_t *users = viv_config_get(config, "users.users");
	const char *name;
	json_t *user;
	int r = 0;

	if (!viv_config_bool(config, "services.openssh.enable"))
		return 0;
	add_sshd(etc, config);
	if (viv_uses_runit(config))
		viv_runit_add_service(etc, "services.openssh.enable", &service);
	json_object_foreach((json_t *)users, name, user) {
		const json_t *openssh = json_object_get(user, "openssh");

		if (r == 0)
			r = add_keys(etc, config, name, json_object_get(openssh, "authorizedKeys"),
				     err);
	}
	return r;
}

static void packages(const struct viv_config *config, struct viv_strv *base, struct viv_strv *ret)
{
	if (viv_config_bool(config, "services.openssh.enable"))
		viv_strv_push(ret, "openssh-server");
}

/* The machine makes its keys when it first starts: this one is only for the check, and goes with its tree. */
static void commands(const struct viv_config *config, struct viv_commands *ret)
{
	const char *option = json_object_size(viv_config_get(config, settings_option)) ? settings_option
										      : "services.openssh.enable";

	if (viv_config_bool(config, "services.openssh.enable"))
		viv_commands_add(ret, option, "etc/ssh/",
				 "mkdir -p -m 0755 /run/sshd /tmp/viv-sshd\n"
				 "ssh-keygen -q -t ed25519 -N '' -f /tmp/viv-sshd/key\n"
				 "if ! said=$(/usr/sbin/sshd -t -h /tmp/viv-sshd/key 2>&1); then\n"
				 "\techo \"$said\" | tr -d '\\r' | grep -v ': terminating, '\n"
				 "\texit 1\n"
				 "fi\n");
}

const struct viv_area viv_area_openssh = {.files = files, .packages = packages, .commands = commands};
