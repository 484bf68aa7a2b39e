/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

struct setting {
	struct viv_eval *ev;
	struct viv_origin *origin;
	struct viv_name name;
	const char *text;
	bool append;
	int tier;
};

/* The type of a whole name, through sets and submodules. NULL: no such thing, which is reported. */
static const struct viv_type *type_of(struct setting *s)
{
	size_t used;
	struct viv_slot *slot = viv_slot_find(s->ev, &s->name, &used);
	const struct viv_type *t = slot ? slot->type : NULL;

	for (; t && used < s->name.count; used++) {
		const struct viv_type *next = t->kind == VIV_TYPE_SET ? t->of : NULL;

		for (size_t i = 0; t->kind == VIV_TYPE_SUBMODULE && i < t->n_fields; i++)
			if (viv_streq(t->fields[i].name, s->name.parts[used]))
				next = t->fields[i].type;
		t = next;
	}
	if (!t && slot && !slot->type)
		viv_fault_add(s->ev->faults, s->origin, NULL, "%s is a group of options, not one",
			      viv_name_text(s->ev->arena, &s->name));
	else if (!t)
		viv_eval_unknown(s->ev, &s->name, s->origin);
	return t;
}

static struct viv_value *text_value(struct setting *s, const char *text, size_t len)
{
	return viv_value_text(s->ev->arena, VIV_VALUE_STRING,
			      viv_arena_strndup(s->ev->arena, text, len), s->origin);
}

static struct viv_value *json_value(struct setting *s)
{
	VIV_JSON *j = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_json_parse(s->text, strlen(s->text), "JSON", &j, &err) == 0)
		return viv_value_from_json(s->ev->arena, j, s->origin);
	viv_fault_add(s->ev->faults, s->origin, NULL, "%s: %s",
		      viv_name_text(s->ev->arena, &s->name), err.msg);
	return NULL;
}

static struct viv_value *words(struct setting *s)
{
	struct viv_value *v = viv_value_new(s->ev->arena, VIV_VALUE_LIST, s->origin);
	struct viv_slice rest = viv_slice(s->text), word;
	size_t cap = 0;

	while (viv_slice_word(&rest, &word)) {
		v->list.items = viv_arena_grow(s->ev->arena, v->list.items, &cap, v->list.count + 1,
					       sizeof(struct viv_value *));
		v->list.items[v->list.count++] = text_value(s, word.data, word.len);
	}
	return v;
}

static struct viv_value *number(struct setting *s)
{
	struct viv_value *v = viv_value_new(s->ev->arena, VIV_VALUE_INT, s->origin);
	bool negative = s->text[0] == '-';
	uint64_t n;

	if (!viv_slice_u64(viv_slice(s->text + negative), INT64_MAX, &n))
		return text_value(s, s->text, strlen(s->text));
	v->i = negative ? -(int64_t)n : (int64_t)n;
	return v;
}

/* The text as the type wants it; what doesn't fit stays text, for the type's own message. */
static struct viv_value *parse(struct setting *s, const struct viv_type *t)
{
	struct viv_value *v;

	while (t->kind == VIV_TYPE_NULL_OR || t->kind == VIV_TYPE_EITHER) {
		if (t->kind == VIV_TYPE_NULL_OR && viv_streq(s->text, "null"))
			return viv_value_new(s->ev->arena, VIV_VALUE_NULL, s->origin);
		if (t->kind == VIV_TYPE_EITHER && t->of->kind == VIV_TYPE_ENUM)
			break;
		t = t->of;
	}
	switch (t->kind) {
	case VIV_TYPE_LIST:
		return s->text[0] == '[' ? json_value(s) : words(s);
	case VIV_TYPE_SET:
	case VIV_TYPE_SUBMODULE:
	case VIV_TYPE_ANY:
		return json_value(s);
	case VIV_TYPE_INT:
	case VIV_TYPE_SIZE:
	case VIV_TYPE_NUMBER:
		return number(s);
	case VIV_TYPE_BOOL:
		if (!viv_streq(s->text, "true") && !viv_streq(s->text, "false"))
			return text_value(s, s->text, strlen(s->text));
		v = viv_value_new(s->ev->arena, VIV_VALUE_BOOL, s->origin);
		v->b = viv_streq(s->text, "true");
		return v;
	default:
		return text_value(s, s->text, strlen(s->text));
	}
}

static void define(struct setting *s)
{
	const struct viv_type *t = type_of(s);
	struct viv_value *v;
	struct viv_def def;

	if (!t)
		return;
	if (s->append && !viv_type_appends(t)) {
		viv_fault_add(s->ev->faults, s->origin, NULL, "%s: --add is for lists; use --set",
			      viv_name_text(s->ev->arena, &s->name));
		return;
	}
	v = parse(s, t);
	if (!v)
		return;
	def = viv_def_new(s->ev, s->origin, v);
	def.tier = s->tier;
	def.append = s->append;
	/* A whole set is replaced, not united with. */
	def.priority = viv_type_is_branch(t) ? 0 : VIV_PRIORITY_PLAIN;
	viv_eval_define(s->ev, &s->name, &def);
}

static struct viv_origin *origin_of(struct viv_eval *ev, const char *flag,
				    const char *folder)
{
	struct viv_file *file = viv_arena_new(ev->arena, struct viv_file);
	struct viv_origin *origin = viv_arena_new(ev->arena, struct viv_origin);

	*file = (struct viv_file){.shown = flag ? viv_arena_printf(ev->arena, "--%s", flag)
						: "command line",
				  .folder = folder,
				  .tier = VIV_TIER_COMMAND,
				  .rank = 1 << 20};
	origin->file = file;
	return origin;
}

void viv_settings_define(struct viv_eval *ev, const struct viv_config_setting *settings, size_t n,
			 const char *folder)
{
	for (size_t i = 0; i < n; i++) {
		struct viv_origin *origin = origin_of(ev, settings[i].flag, folder);
		const char *equals = strchr(settings[i].text, '=');
		struct setting s = {.ev = ev,
				    .origin = origin,
				    .append = settings[i].append,
				    .tier = VIV_TIER_COMMAND - (int)i};
		const char *name = viv_arena_strndup(ev->arena, settings[i].text,
						     equals ? (size_t)(equals - settings[i].text)
							    : strlen(settings[i].text));

		if (!equals || !viv_name_parse(ev->arena, name, &s.name)) {
			viv_fault_add(ev->faults, origin, NULL, "%s %s: expected OPTION=VALUE",
				      s.append ? "--add" : "--set", settings[i].text);
			continue;
		}
		s.text = equals + 1;
		define(&s);
	}
}
