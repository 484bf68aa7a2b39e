/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/path.h"
#include "config/child.h"
#include "config/name.h"
#include "config/option.h"

struct viv_config {
	char *folder, *file;
	char *part; /* of a test file; NULL: all there is */
	struct viv_config_answer answer;
};

void viv_config_free(struct viv_config *c)
{
	if (!c)
		return;
	free(c->folder);
	free(c->file);
	free(c->part);
	viv_config_answer_clear(&c->answer);
	free(c);
}

/* "client", "client[fs=ext4]", "[fs=ext4]". */
static char *part_of(const struct viv_config_test *test, bool lone)
{
	VIV_STR text = VIV_STR_INIT;

	if (!lone && test->machine)
		viv_str_add(&text, test->machine);
	for (size_t i = 0; i < test->n_matrix; i++)
		viv_str_addf(&text, "%s%s=%s", i ? "," : "[", test->matrix[i].name, test->matrix[i].value);
	viv_str_add(&text, test->n_matrix ? "]" : "");
	return text.len ? viv_str_steal(&text) : NULL;
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
	r = viv_config_evaluate_in_child(req, c->folder, report, &c->answer, err);
	if (r < 0)
		return r;
	if (req->test && !req->test->text)
		c->part = part_of(req->test, json_is_true(json_object_get(c->answer.declared, "lone")));
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

const char *viv_config_part(const struct viv_config *c)
{
	return c->part;
}

const json_t *viv_config_declared(const struct viv_config *c)
{
	return c->answer.declared;
}

const json_t *viv_config_all(const struct viv_config *c)
{
	return c->answer.values;
}

/* The name with an alias at its start replaced; the caller frees it. */
static char *without_alias(const char *name)
{
	VIV_FOREACH_OPTION(o) {
		size_t n = strlen(o->name);

		if (o->alias_of && viv_starts_with(name, o->name) && strchr(".[", name[n]))
			return viv_asprintf("%s%s", o->alias_of, name + n);
	}
	return viv_strdup(name);
}

/* As definitions are named: a part is quoted only where it must be. The caller frees it. */
static char *canonical(const char *name)
{
	VIV_ARENA arena = VIV_ARENA_INIT;
	VIV_FREE char *full = without_alias(name);
	struct viv_name n;

	return viv_strdup(viv_name_parse(&arena, full, &n) ? viv_name_text(&arena, &n) : full);
}

const json_t *viv_config_find(const struct viv_config *c, const char *name)
{
	VIV_ARENA arena = VIV_ARENA_INIT;
	VIV_FREE char *full = canonical(name);
	const json_t *j = viv_config_all(c);
	struct viv_name n;

	if (!viv_name_parse(&arena, full, &n))
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

/* One definition in the answer's text; see load.h. */
struct definition {
	const char *name, *place, *items, *priority, *value;
};

static const char *next_field(const char **at)
{
	const char *field = *at;

	*at += strlen(field) + 1;
	return field;
}

static bool is_named(const char *name, const char *option, bool within)
{
	size_t n = strlen(option);

	if (!within)
		return viv_streq(name, option);
	return viv_starts_with(name, option) && (name[n] == '.' || name[n] == '[');
}

/* The next definition of the option, or of something within it, from *at on. False at the end. */
static bool next_definition(const struct viv_config *c, const char *option, bool within, size_t *at,
			    struct definition *ret)
{
	const struct viv_str *all = &c->answer.definitions;

	while (*at < all->len) {
		const char *p = all->data + *at;

		ret->name = next_field(&p);
		ret->place = next_field(&p);
		ret->items = next_field(&p);
		ret->priority = next_field(&p);
		ret->value = next_field(&p);
		*at = (size_t)(p - all->data);
		if (is_named(ret->name, option, within))
			return true;
	}
	return false;
}

const char *viv_config_place(const struct viv_config *c, const char *option)
{
	VIV_FREE char *name = canonical(option);
	struct definition d;
	size_t at = 0;

	if (next_definition(c, name, false, &at, &d))
		return d.place;
	/* A set that is given part by part: where the first one is. */
	at = 0;
	return next_definition(c, name, true, &at, &d) ? d.place : "default";
}

static json_t *item_places(const struct definition *d)
{
	struct viv_slice rest = viv_slice(d->items), line;
	json_t *all = json_array();

	while (viv_slice_line(&rest, &line))
		json_array_append_new(all, json_stringn(line.data, line.len));
	return all;
}

static int add_definition(const struct definition *d, json_t *to, struct viv_error *err)
{
	long long priority = 0;
	json_t *value = NULL;
	int used = 0, r;

	if (sscanf(d->priority, "%lld %d", &priority, &used) != 2)
		return viv_error_say(err, EINVAL, "%s: no priority", d->name);
	r = viv_json_parse(d->value, strlen(d->value), d->name, &value, err);
	if (r < 0)
		return r;
	value = json_pack("{s:s, s:I, s:o, s:b}", "place", d->place, "priority", (json_int_t)priority, "value", value,
			  "used", used);
	if (*d->items)
		json_object_set_new(value, "places", item_places(d));
	json_array_append_new(to, value);
	return 0;
}

int viv_config_why(const struct viv_config *c, const char *option, json_t **ret,
		   struct viv_error *err)
{
	const json_t *value = viv_config_find(c, option);
	VIV_FREE char *name = canonical(option);
	VIV_JSON *all = json_array();
	struct definition d;
	size_t at = 0;
	int r = 0;

	while (r == 0 && next_definition(c, name, false, &at, &d))
		r = add_definition(&d, all, err);
	if (r < 0)
		return r;
	if (!json_array_size(all) && !value)
		return viv_error_say(err, ENOENT, "no option %s", option);
	if (!json_array_size(all))
		json_array_append_new(all, json_pack("{s:s, s:i, s:O, s:b}", "place", "default",
						     "priority", 1500, "value", (json_t *)value,
						     "used", 1));
	*ret = viv_steal(all);
	return 0;
}

/* Lists are appended in this order. */
char *viv_config_item_place(const struct viv_config *c, const char *option, size_t index)
{
	VIV_JSON *all = NULL;
	json_t *d;
	size_t i;

	if (viv_config_why(c, option, &all, NULL) < 0)
		return viv_strdup("default");
	json_array_foreach(all, i, d)
	{
		size_t n = json_array_size(json_object_get(d, "value"));
		const char *own = json_string_value(json_array_get(json_object_get(d, "places"), index));

		if (!json_is_true(json_object_get(d, "used")))
			continue;
		if (index < n)
			return viv_strdup(own && *own ? own : viv_json_str(d, "place"));
		index -= n;
	}
	return viv_strdup(viv_config_place(c, option));
}
