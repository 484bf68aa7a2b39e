/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include "base/uri.h"

#define SHOWN_MAX 40 /* bytes of a text that a message shows */

struct viv_value *viv_value_new(struct viv_arena *arena, enum viv_value_kind kind,
				const struct viv_origin *origin)
{
	struct viv_value *v = viv_arena_new(arena, struct viv_value);

	v->kind = kind;
	v->origin = origin;
	return v;
}

struct viv_value *viv_value_text(struct viv_arena *arena, enum viv_value_kind kind,
				 const char *text, const struct viv_origin *origin)
{
	struct viv_value *v = viv_value_new(arena, kind, origin);

	v->text = text;
	return v;
}

static int compare_members(const void *a, const void *b)
{
	return strcmp(((const struct viv_member *)a)->key, ((const struct viv_member *)b)->key);
}

bool viv_value_sort_set(struct viv_value *set)
{
	struct viv_member *m = set->set.items;

	if (set->set.count)
		qsort(m, set->set.count, sizeof(*m), compare_members);
	for (size_t i = 1; i < set->set.count; i++)
		if (viv_streq(m[i - 1].key, m[i].key))
			return false;
	return true;
}

struct viv_value *viv_value_member(const struct viv_value *set, const char *key)
{
	const struct viv_member *m, wanted = {key, NULL};

	if (!set->set.count)
		return NULL;
	m = bsearch(&wanted, set->set.items, set->set.count, sizeof(*m), compare_members);
	return m ? m->value : NULL;
}

bool viv_value_is_wrapper(const struct viv_value *v)
{
	return v->kind == VIV_VALUE_IF || v->kind == VIV_VALUE_OVERRIDE ||
	       v->kind == VIV_VALUE_ORDER || v->kind == VIV_VALUE_MERGE;
}

static bool equal_lists(const struct viv_value *a, const struct viv_value *b)
{
	if (a->list.count != b->list.count)
		return false;
	for (size_t i = 0; i < a->list.count; i++)
		if (!viv_value_equal(a->list.items[i], b->list.items[i]))
			return false;
	return true;
}

static bool equal_sets(const struct viv_value *a, const struct viv_value *b)
{
	if (a->set.count != b->set.count)
		return false;
	for (size_t i = 0; i < a->set.count; i++)
		if (!viv_streq(a->set.items[i].key, b->set.items[i].key) ||
		    !viv_value_equal(a->set.items[i].value, b->set.items[i].value))
			return false;
	return true;
}

bool viv_value_equal(const struct viv_value *a, const struct viv_value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VIV_VALUE_NULL:
	case VIV_VALUE_EMPTY:
		return true;
	case VIV_VALUE_BOOL:
		return a->b == b->b;
	case VIV_VALUE_INT:
		return a->i == b->i;
	case VIV_VALUE_FLOAT:
		return a->d == b->d;
	case VIV_VALUE_STRING:
	case VIV_VALUE_PATH:
	case VIV_VALUE_PACKAGE:
		return viv_streq(a->text, b->text) && a->made == b->made;
	case VIV_VALUE_LIST:
		return equal_lists(a, b);
	case VIV_VALUE_SET:
	case VIV_VALUE_SOURCE:
		return equal_sets(a, b);
	case VIV_VALUE_FUNCTION:
		return a->handle == b->handle;
	default:
		return false;
	}
}

/* Text in quotes, cut between characters, its control characters escaped; without an address's login. */
static void describe_text(const char *secret, struct viv_str *ret)
{
	VIV_FREE char *text = viv_uri_masked(secret);
	size_t n = strlen(text), shown = n;

	if (n > SHOWN_MAX) {
		shown = SHOWN_MAX;
		while (shown && ((unsigned char)text[shown] & 0xc0) == 0x80)
			shown--;
	}
	viv_str_add_char(ret, '"');
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			viv_str_add(ret, "\\n");
		else if (c < 32 || c == 127)
			viv_str_addf(ret, "\\%u", c);
		else if (c == '"' || c == '\\')
			viv_str_addf(ret, "\\%c", c);
		else
			viv_str_add_char(ret, (char)c);
	}
	viv_str_add(ret, n > shown ? "…\"" : "\"");
}

void viv_value_describe(const struct viv_value *v, struct viv_str *ret)
{
	static const char *const words[] = {
		[VIV_VALUE_NULL] = "null",	     [VIV_VALUE_SOURCE] = "a fetched source",
		[VIV_VALUE_PATH] = "a path",	     [VIV_VALUE_LIST] = "a list",
		[VIV_VALUE_SET] = "a set of names",  [VIV_VALUE_EMPTY] = "{}",
		[VIV_VALUE_FUNCTION] = "a function", [VIV_VALUE_REF] = "a ref",
		[VIV_VALUE_IF] = "mkIf(…)",	     [VIV_VALUE_OVERRIDE] = "mkForce(…)",
		[VIV_VALUE_ORDER] = "mkBefore(…)",   [VIV_VALUE_MERGE] = "mkMerge{…}",
		[VIV_VALUE_BROKEN] = "an error",
	};

	switch (v->kind) {
	case VIV_VALUE_BOOL:
		viv_str_add(ret, v->b ? "true" : "false");
		break;
	case VIV_VALUE_INT:
		viv_str_addf(ret, "%lld", (long long)v->i);
		break;
	case VIV_VALUE_FLOAT:
		viv_str_addf(ret, "%.14g", v->d);
		break;
	case VIV_VALUE_STRING:
		describe_text(v->text, ret);
		break;
	case VIV_VALUE_PACKAGE:
		viv_str_addf(ret, "the package %s", v->text);
		break;
	default:
		viv_str_add(ret, words[v->kind]);
	}
}

static json_t *list_to_json(const struct viv_value *v)
{
	json_t *j = json_array();

	for (size_t i = 0; i < v->list.count; i++)
		json_array_append_new(j, viv_value_to_json(v->list.items[i]));
	return j;
}

static json_t *set_to_json(const struct viv_value *v)
{
	json_t *j = json_object();

	for (size_t i = 0; i < v->set.count; i++)
		json_object_set_new(j, v->set.items[i].key,
				    viv_value_to_json(v->set.items[i].value));
	return j;
}

static json_t *described(const struct viv_value *v)
{
	VIV_STR s = VIV_STR_INIT;

	viv_value_describe(v, &s);
	return json_sprintf("<%s>", s.data);
}

json_t *viv_value_to_json(const struct viv_value *v)
{
	switch (v->kind) {
	case VIV_VALUE_NULL:
		return json_null();
	case VIV_VALUE_BOOL:
		return json_boolean(v->b);
	case VIV_VALUE_INT:
		return json_integer(v->i);
	case VIV_VALUE_FLOAT:
		return json_real(v->d);
	case VIV_VALUE_STRING:
	case VIV_VALUE_PATH:
	case VIV_VALUE_PACKAGE:
		return json_string(v->text);
	case VIV_VALUE_LIST:
		return list_to_json(v);
	case VIV_VALUE_EMPTY:
		return json_array();
	case VIV_VALUE_SET:
	case VIV_VALUE_SOURCE:
		return set_to_json(v);
	default:
		return described(v);
	}
}

static struct viv_value *list_from_json(struct viv_arena *arena, const json_t *j,
					const struct viv_origin *origin)
{
	struct viv_value *v = viv_value_new(arena, VIV_VALUE_LIST, origin);

	v->list.count = json_array_size(j);
	v->list.items = viv_arena_array(arena, struct viv_value *, v->list.count + 1);
	for (size_t i = 0; i < v->list.count; i++)
		v->list.items[i] = viv_value_from_json(arena, json_array_get(j, i), origin);
	return v;
}

static struct viv_value *set_from_json(struct viv_arena *arena, const json_t *j,
				       const struct viv_origin *origin)
{
	struct viv_value *v = viv_value_new(arena, VIV_VALUE_SET, origin);
	const char *key;
	json_t *member;

	v->set.items = viv_arena_array(arena, struct viv_member, json_object_size(j) + 1);
	json_object_foreach((json_t *)j, key, member) v->set.items[v->set.count++] =
		(struct viv_member){viv_arena_strdup(arena, key),
				    viv_value_from_json(arena, member, origin)};
	viv_value_sort_set(v);
	return v;
}

struct viv_value *viv_value_from_json(struct viv_arena *arena, const json_t *j,
				      const struct viv_origin *origin)
{
	struct viv_value *v;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return set_from_json(arena, j, origin);
	case JSON_ARRAY:
		return list_from_json(arena, j, origin);
	case JSON_STRING:
		return viv_value_text(arena, VIV_VALUE_STRING,
				      viv_arena_strdup(arena, json_string_value(j)), origin);
	case JSON_INTEGER:
		v = viv_value_new(arena, VIV_VALUE_INT, origin);
		v->i = json_integer_value(j);
		return v;
	case JSON_REAL:
		v = viv_value_new(arena, VIV_VALUE_FLOAT, origin);
		v->d = json_real_value(j);
		return v;
	case JSON_NULL:
		return viv_value_new(arena, VIV_VALUE_NULL, origin);
	default:
		v = viv_value_new(arena, VIV_VALUE_BOOL, origin);
		v->b = json_is_true(j);
		return v;
	}
}
