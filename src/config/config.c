/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/path.h"
#include "config/child.h"
#include "config/name.h"
#include "config/option.h"

struct viv_config {
	char *folder, *file;
	json_t *data; /* as viv_config_evaluate gives it */
};

void viv_config_free(struct viv_config *c)
{
	if (!c)
		return;
	free(c->folder);
	free(c->file);
	json_decref(c->data);
	free(c);
}

int viv_config_load(const struct viv_config_request *req, struct viv_report *report,
		    struct viv_config **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = viv_new(struct viv_config);
	int r;

	if (req->file)
		r = viv_path_absolute(req->file, &c->file, err);
	else
		r = viv_path_absolute(".", &c->folder, err);
	if (r < 0)
		return r;
	if (c->file)
		c->folder = viv_path_dir(c->file);
	r = viv_config_evaluate_in_child(req, c->folder, report, &c->data, err);
	if (r < 0)
		return r;
	*ret = viv_steal(c);
	return 0;
}

const char *viv_config_folder(const struct viv_config *c)
{
	return c->folder;
}

const char *viv_config_file(const struct viv_config *c)
{
	return c->file;
}

const json_t *viv_config_all(const struct viv_config *c)
{
	return json_object_get(c->data, "values");
}

/* An alias's target; anything else as it is. */
static const char *target(const char *option)
{
	for (size_t i = 0; i < viv_n_options; i++)
		if (viv_options[i].alias_of && viv_streq(viv_options[i].name, option))
			return viv_options[i].alias_of;
	return option;
}

const json_t *viv_config_find(const struct viv_config *c, const char *name)
{
	VIV_ARENA arena = VIV_ARENA_INIT;
	const json_t *j = viv_config_all(c);
	struct viv_name n;

	if (!viv_name_parse(&arena, target(name), &n))
		return NULL;
	for (size_t i = 0; i < n.count; i++)
		j = json_object_get(j, n.parts[i]);
	return j;
}

const json_t *viv_config_get(const struct viv_config *c, const char *option)
{
	const json_t *j = viv_config_find(c, option);

	if (!j)
		abort();
	return j;
}

const char *viv_config_string(const struct viv_config *c, const char *option)
{
	return json_string_value(viv_config_get(c, option));
}

bool viv_config_bool(const struct viv_config *c, const char *option)
{
	return json_is_true(viv_config_get(c, option));
}

int64_t viv_config_int(const struct viv_config *c, const char *option)
{
	return json_integer_value(viv_config_get(c, option));
}

static const json_t *definitions(const struct viv_config *c, const char *option)
{
	return json_object_get(json_object_get(c->data, "definitions"), target(option));
}

const char *viv_config_place(const struct viv_config *c, const char *option)
{
	const char *place = viv_json_str(json_array_get(definitions(c, option), 0), "place");

	return place ? place : "default";
}

int viv_config_why(const struct viv_config *c, const char *option, json_t **ret,
		   struct viv_error *err)
{
	const json_t *all = definitions(c, option), *value = viv_config_find(c, option);

	if (!all && !value)
		return viv_error_say(err, ENOENT, "no option %s", option);
	*ret = all ? json_deep_copy(all)
		   : json_pack("[{s:s, s:i, s:O, s:b}]", "place", "default", "priority", 1500,
			       "value", (json_t *)value, "used", 1);
	return 0;
}
