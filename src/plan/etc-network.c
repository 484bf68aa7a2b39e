/* SPDX-License-Identifier: MIT */
#include "plan/etc-parts.h"

#include "base/fd.h"

/* Files of networking.* and services.openssh.*. */

#define MAX_KEYS ((size_t)1 << 20)

void viv_etc_add_names(struct viv_etc *etc, const struct viv_config *config)
{
	const char *name = viv_config_string(config, "networking.hostName");
	const char *domain = viv_config_string(config, "networking.domain");
	const char *extra = viv_config_string(config, "networking.extraHosts");
	VIV_FREE char *hostname = viv_asprintf("%s\n", name);
	struct viv_str hosts = VIV_STR_INIT;

	viv_str_add(&hosts, "127.0.0.1 localhost\n127.0.1.1 ");
	if (domain)
		viv_str_addf(&hosts, "%s.%s ", name, domain);
	viv_str_addf(&hosts, "%s\n::1 localhost ip6-localhost ip6-loopback\n", name);
	if (extra && *extra)
		viv_str_addf(&hosts, "%s%s", extra, viv_ends_with(extra, "\n") ? "" : "\n");
	viv_etc_add_text(etc, "etc/hostname", hostname);
	viv_etc_add(etc, "etc/hosts", VIV_ETC_FILE, 0644, &hosts);
	/* Where a machine runs, and so whom it asks, is told to it when it does (docs/networks.md). */
	viv_etc_add_link(etc, "etc/resolv.conf", "/run/viv/resolv.conf");
	viv_etc_add_link(etc, "etc/apt/sources.list.d/viv.sources", "/run/viv/apt.sources");
}

static bool has_static(const struct viv_config *config, const char *name)
{
	const json_t *one = json_object_get(viv_config_get(config, "networking.interfaces"), name);

	return json_array_size(json_object_get(json_object_get(one, "ipv4"), "addresses")) ||
	       json_array_size(json_object_get(json_object_get(one, "ipv6"), "addresses"));
}

/* On a tap or a bridge somebody else gives out addresses. */
static bool wants_dhcp(const struct viv_config *config, const char *name, const json_t *network)
{
	const char *kind = viv_json_str(network, "kind");

	return kind && (viv_streq(kind, "tap") || viv_streq(kind, "bridge")) &&
	       !json_array_size(json_object_get(network, "addresses")) && !has_static(config, name);
}

int viv_etc_add_dhcp(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	const json_t *all = viv_config_get(config, "virtualisation.networks");
	bool systemd = viv_streq(viv_config_string(config, "system.init"), "systemd"), any = false;
	const char *name;
	json_t *network;

	if (!viv_config_bool(config, "networking.useDHCP"))
		return 0;
	json_object_foreach((json_t *)all, name, network) {
		VIV_FREE char *path = viv_asprintf("etc/systemd/network/viv-%s.network", name);
		VIV_FREE char *option = viv_asprintf("virtualisation.networks[\"%s\"]", name);
		VIV_FREE char *text =
			viv_asprintf("[Match]\nName=%s\n\n[Network]\nDHCP=yes\n", name);

		if (!wants_dhcp(config, name, network))
			continue;
		if (!systemd)
			return viv_error_say(err, EINVAL, "%s: %s: without systemd nothing asks for an "
					     "address: give addresses, or set networking.useDHCP = false",
					     viv_config_place(config, option), option);
		any = true;
		viv_etc_add_text(etc, path, text);
	}
	if (any)
		viv_etc_add_link(etc, "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
				 "/usr/lib/systemd/system/systemd-networkd.service");
	return 0;
}

/* sshd_config(5) */
static void add_setting(struct viv_str *s, const char *keyword, const json_t *value)
{
	if (json_is_boolean(value))
		viv_str_addf(s, "%s %s\n", keyword, json_is_true(value) ? "yes" : "no");
	else if (json_is_integer(value))
		viv_str_addf(s, "%s %lld\n", keyword, (long long)json_integer_value(value));
	else if (json_is_string(value))
		viv_str_addf(s, "%s %s\n", keyword, json_string_value(value));
}

static void add_sshd(struct viv_etc *etc, const struct viv_config *config)
{
	const json_t *ports = viv_config_get(config, "services.openssh.ports"), *port;
	const json_t *settings = viv_config_get(config, "services.openssh.settings");
	struct viv_str s = VIV_STR_INIT;
	VIV_STRV names = VIV_STRV_INIT;
	size_t i;

	json_array_foreach((json_t *)ports, i, port)
		viv_str_addf(&s, "Port %lld\n", (long long)json_integer_value(port));
	viv_json_keys(settings, &names);
	for (i = 0; i < names.count; i++)
		add_setting(&s, names.items[i], json_object_get(settings, names.items[i]));
	viv_str_add(&s, "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n");
	viv_etc_add(etc, "etc/ssh/sshd_config.d/viv.conf", VIV_ETC_FILE, 0644, &s);
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
		viv_etc_add(etc, path, VIV_ETC_FILE, 0644, &s);
	return r;
}

int viv_etc_add_ssh(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err)
{
	const json_t *users = viv_config_get(config, "users.users");
	const char *name;
	json_t *user;
	int r = 0;

	if (!viv_config_bool(config, "services.openssh.enable"))
		return 0;
	if (!viv_streq(viv_config_string(config, "system.init"), "systemd"))
		return viv_error_say(err, EINVAL,
				     "%s: services.openssh.enable: nothing runs services with "
				     "system.init = \"%s\"",
				     viv_config_place(config, "services.openssh.enable"),
				     viv_config_string(config, "system.init"));
	add_sshd(etc, config);
	json_object_foreach((json_t *)users, name, user) {
		const json_t *openssh = json_object_get(user, "openssh");

		if (r == 0)
			r = add_keys(etc, config, name, json_object_get(openssh, "authorizedKeys"),
				     err);
	}
	return r;
}
