/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/path.h"

#include <unistd.h>

/* Flags that are another way to write --set or --add of one option. */
static const struct {
	const char *flag, *option;
	bool append;
	bool path; /* of the current folder, wherever the machine file is */
} stand_for[] = {
	{"package", "environment.systemPackages", .append = true},
	{"memory", "virtualisation.memorySize"},
	{"cores", "virtualisation.cores"},
	{"graphics", "virtualisation.graphics"},
	{"cdrom", "virtualisation.cdrom", .path = true},
	{"boot-order", "virtualisation.bootOrder"},
};

/* The last ":NUMBER" of *rest, cut off. False: it doesn't end so. */
static bool cut_port(struct viv_slice *rest, json_t **ret)
{
	const char *colon = rest->len ? memrchr(rest->data, ':', rest->len) : NULL;
	const char *digits = colon ? colon + 1 : rest->data;
	uint64_t n;

	if (!viv_slice_u64((struct viv_slice){digits, rest->len - (size_t)(digits - rest->data)},
			   UINT32_MAX, &n))
		return false;
	rest->len = colon ? (size_t)(colon - rest->data) : 0;
	*ret = json_integer((json_int_t)n);
	return true;
}

/* "[ADDRESS:]PORT:PORT[/udp]"; what the numbers may be is the option's business. */
static int forward_json(const char *text, struct viv_strv *texts, struct viv_error *err)
{
	bool udp = viv_ends_with(text, "/udp"), tcp = viv_ends_with(text, "/tcp");
	struct viv_slice rest = {text, strlen(text) - (udp || tcp ? 4 : 0)};
	VIV_JSON *host = NULL, *guest = NULL, *list = NULL;
	VIV_STR out = VIV_STR_INIT;

	if (!cut_port(&rest, &guest) || !rest.len || !cut_port(&rest, &host))
		return viv_error_say(err, EINVAL, "--forward %s: expected [ADDRESS:]PORT:PORT[/udp], "
				     "the host's port first, such as 2222:22", text);
	list = json_pack("[{s:s, s:{s:O, s:s%}, s:{s:O}}]", "proto", udp ? "udp" : "tcp", "host",
			 "port", host, "address", rest.len ? rest.data : "127.0.0.1",
			 rest.len ? rest.len : strlen("127.0.0.1"), "guest", "port", guest);
	if (!list)
		return viv_error_say(err, EINVAL, "--forward %s: not UTF-8", text);
	viv_json_canonical(list, &out);
	viv_strv_pushf(texts, "virtualisation.forwardPorts=%s", out.data);
	return 0;
}

/* False: the flag is none of the configuration's. `texts` owns what is made here. */
static bool setting_of(const struct viv_arg *a, struct viv_strv *texts,
		       struct viv_config_setting *ret)
{
	const char *flag = a->flag->name;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(stand_for); i++) {
		if (!viv_streq(flag, stand_for[i].flag))
			continue;
		VIV_FREE char *path = NULL;

		if (stand_for[i].path && a->value && viv_path_absolute(a->value, &path, NULL) < 0)
			path = viv_strdup(a->value);
		viv_strv_pushf(texts, "%s=%s", stand_for[i].option, path ? path : a->value ? a->value : "true");
		*ret = (struct viv_config_setting){texts->items[texts->count - 1],
						   stand_for[i].append};
		return true;
	}
	if (!viv_streq(flag, "set") && !viv_streq(flag, "add"))
		return false;
	*ret = (struct viv_config_setting){a->value, viv_streq(flag, "add")};
	return true;
}

int viv_cmd_load_config(struct viv_cmd *cmd, const struct viv_args *args, const char *file,
			struct viv_config **ret, struct viv_error *err)
{
	VIV_STRV texts = VIV_STRV_INIT;
	VIV_FREE struct viv_config_setting *settings =
		viv_new_array(struct viv_config_setting, args->n_given + 1);
	struct viv_config_request req = {.file = file, .settings = settings};

	for (size_t i = 0; i < args->n_given; i++) {
		if (viv_streq(args->given[i].flag->name, "forward")) {
			int r = forward_json(args->given[i].value, &texts, err);

			if (r < 0)
				return r;
			settings[req.n_settings++] = (struct viv_config_setting){
				texts.items[texts.count - 1], true};
		} else if (setting_of(&args->given[i], &texts, &settings[req.n_settings])) {
			req.n_settings++;
		}
	}
	/* To name what the firmware starts is to want that it does. */
	if (viv_args_has(args, "cdrom") || viv_args_has(args, "boot-order"))
		settings[req.n_settings++] = (struct viv_config_setting){
			"virtualisation.directBoot.enable=false", false};
	if (!file && access("vm.lua", F_OK) == 0)
		req.file = "vm.lua";
	return viv_config_load(&req, cmd->report, ret, err);
}
