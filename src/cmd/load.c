/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/path.h"
#include "config/type.h"

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
	{"kernel", "boot.kernel", .path = true},
	{"append", "boot.kernelParams", .append = true},
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
						   stand_for[i].append, flag};
		return true;
	}
	if (!viv_streq(flag, "set") && !viv_streq(flag, "add"))
		return false;
	*ret = (struct viv_config_setting){a->value, viv_streq(flag, "add"), NULL};
	return true;
}

/* "8G" is a blank disk, anything else the path of an image. */
static int disk_json(const char *text, struct viv_strv *texts, struct viv_error *err)
{
	VIV_FREE char *path = NULL;
	VIV_JSON *list = NULL;
	VIV_STR out = VIV_STR_INIT;
	int64_t mib;
	int r;

	if (viv_size_parse(text, &mib)) {
		viv_strv_pushf(texts, "virtualisation.emptyDiskImages=%s", text);
		return 0;
	}
	if (!*text)
		return viv_error_say(err, EINVAL, "--disk: expected a size or the path of an image");
	r = viv_path_absolute(text, &path, err);
	if (r < 0)
		return viv_error_context(err, "--disk");
	list = json_pack("[{s:s}]", "file", path);
	if (!list)
		return viv_error_say(err, EINVAL, "--disk %s: not UTF-8", text);
	viv_json_canonical(list, &out);
	viv_strv_pushf(texts, "virtualisation.qemu.drives=%s", out.data);
	return 0;
}

/* Flags whose value must be taken apart; what comes of them is added to a list. */
static const struct {
	const char *flag;
	int (*json)(const char *text, struct viv_strv *texts, struct viv_error *err);
} taken_apart[] = {
	{"forward", forward_json},
	{"disk", disk_json},
};

/* 1: a setting was made; 0: the flag is none of the configuration's. */
static int take_flag(const struct viv_arg *a, struct viv_strv *texts, struct viv_config_setting *ret,
		     struct viv_error *err)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(taken_apart); i++) {
		int r;

		if (!viv_streq(a->flag->name, taken_apart[i].flag))
			continue;
		r = taken_apart[i].json(a->value, texts, err);
		if (r < 0)
			return r;
		*ret = (struct viv_config_setting){texts->items[texts->count - 1], true,
						   a->flag->name};
		return 1;
	}
	return setting_of(a, texts, ret);
}

/* --keep: a disk that would be thrown away gets a name, which the machine's own is part of. */
static int keep_disk(struct viv_cmd *cmd, struct viv_config_request *req,
		     struct viv_config_setting *room, struct viv_config **config,
		     struct viv_error *err)
{
	const char *image = viv_config_string(*config, "virtualisation.diskImage");
	VIV_FREE char *setting = NULL;
	struct viv_config *kept;
	int r;

	if (!image)
		return viv_error_say(err, EINVAL, "--keep: %s: virtualisation.diskImage is null: "
				     "there is no disk to keep",
				     viv_config_place(*config, "virtualisation.diskImage"));
	if (!viv_streq(image, "fresh"))
		return 0;
	setting = viv_asprintf("virtualisation.diskImage=%s/%s.qcow2", viv_config_folder(*config),
			       viv_config_string(*config, "networking.hostName"));
	*room = (struct viv_config_setting){.text = setting, .flag = "keep"};
	req->n_settings++;
	r = viv_config_load(req, cmd->report, &kept, err);
	if (r < 0)
		return r;
	viv_config_free(*config);
	*config = kept;
	return 0;
}

int viv_cmd_settings(const struct viv_args *args, struct viv_strv *texts, struct viv_config_setting **ret,
		     size_t *ret_n, struct viv_error *err)
{
	VIV_FREE struct viv_config_setting *settings = viv_new_array(struct viv_config_setting, args->n_given + 2); /* one for keep_disk */
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < args->n_given; i++) {
		r = take_flag(&args->given[i], texts, &settings[n], err);
		n += r > 0;
	}
	if (r < 0)
		return r;
	/* To name what the firmware starts is to want that it does. */
	if (viv_args_has(args, "cdrom") || viv_args_has(args, "boot-order"))
		settings[n++] = (struct viv_config_setting){"virtualisation.directBoot.enable=false", false};
	*ret = viv_steal(settings);
	*ret_n = n;
	return 0;
}

int viv_cmd_params(struct viv_cmd *cmd, const struct viv_args *args, struct viv_strv *texts,
		   struct viv_config_choice **ret, size_t *ret_n)
{
	VIV_FREE struct viv_config_choice *params = viv_new_array(struct viv_config_choice, args->n_given + 1);
	size_t n = 0;

	for (size_t i = 0; i < args->n_given; i++) {
		const char *text = args->given[i].value, *is;

		if (!viv_streq(args->given[i].flag->name, "param"))
			continue;
		is = strchr(text, '=');
		if (!is || is == text)
			return viv_cmd_usage(cmd, "--param %s: expected NAME=VALUE", text);
		viv_strv_take(texts, viv_strndup(text, (size_t)(is - text)));
		params[n++] = (struct viv_config_choice){texts->items[texts->count - 1], is + 1};
	}
	*ret = viv_steal(params);
	*ret_n = n;
	return 0;
}

int viv_cmd_load_config(struct viv_cmd *cmd, const struct viv_args *args, const char *file,
			struct viv_config **ret, struct viv_error *err)
{
	VIV_STRV texts = VIV_STRV_INIT;
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_FREE struct viv_config_setting *settings = NULL;
	struct viv_config_request req = {.file = file};
	size_t n;
	int r = viv_cmd_settings(args, &texts, &settings, &n, err);

	req.settings = settings;
	req.n_settings = r == 0 ? n : 0;
	if (!file && access("vm.lua", F_OK) == 0)
		req.file = "vm.lua";
	if (r >= 0)
		r = viv_config_load(&req, cmd->report, &config, err);
	if (r == 0 && viv_args_has(args, "keep"))
		r = keep_disk(cmd, &req, &settings[n], &config, err);
	if (r == 0)
		*ret = viv_steal(config);
	return r;
}
