/* SPDX-License-Identifier: MIT */
#include "config/type.h"

#include "base/path.h"

#include <ctype.h>
#include <math.h>

bool viv_type_is_branch(const struct viv_type *t)
{
	return t->kind == VIV_TYPE_SET || t->kind == VIV_TYPE_SUBMODULE;
}

bool viv_type_appends(const struct viv_type *t)
{
	while (t->kind == VIV_TYPE_NULL_OR)
		t = t->of;
	return t->kind == VIV_TYPE_LIST || t->kind == VIV_TYPE_LINES;
}

/* Could a value of this kind be of the type at all? */
static bool fits(const struct viv_type *t, const struct viv_value *v)
{
	bool list = v->kind == VIV_VALUE_LIST || v->kind == VIV_VALUE_EMPTY;
	bool set = v->kind == VIV_VALUE_SET || v->kind == VIV_VALUE_EMPTY;

	switch (t->kind) {
	case VIV_TYPE_LIST:
		return list;
	case VIV_TYPE_SET:
	case VIV_TYPE_SUBMODULE:
		return set;
	case VIV_TYPE_NULL_OR:
		return v->kind == VIV_VALUE_NULL || fits(t->of, v);
	case VIV_TYPE_EITHER:
		return fits(t->of, v) || fits(t->other, v);
	case VIV_TYPE_ANY:
		return true;
	default:
		return v->kind != VIV_VALUE_LIST && v->kind != VIV_VALUE_SET &&
		       v->kind != VIV_VALUE_EMPTY;
	}
}

const struct viv_type *viv_type_pick(const struct viv_type *t, const struct viv_value *v)
{
	for (;;) {
		if (t->kind == VIV_TYPE_NULL_OR && v->kind != VIV_VALUE_NULL)
			t = t->of;
		else if (t->kind == VIV_TYPE_EITHER && !fits(t->of, v) && fits(t->other, v))
			t = t->other;
		else if (t->kind == VIV_TYPE_EITHER && fits(t->of, v) && !fits(t->other, v))
			t = t->of;
		else
			return t;
	}
}

static void expected_enum(const struct viv_type *t, struct viv_str *ret)
{
	for (size_t i = 0; t->values[i]; i++) {
		const char *between = !i ? "" : t->values[i + 1] ? ", " : " or ";

		viv_str_addf(ret, "%s\"%s\"", between, t->values[i]);
	}
}

static void expected_range(const struct viv_type *t, const char *what, struct viv_str *ret)
{
	viv_str_add(ret, what);
	if (t->min == 0 && t->max == 0)
		return;
	if (t->max == INT64_MAX)
		viv_str_addf(ret, " of at least %lld", (long long)t->min);
	else
		viv_str_addf(ret, " from %lld to %lld", (long long)t->min, (long long)t->max);
}

#define ANY_SIZE (1 << 26) /* MiB: a bound that nobody means */

static void expected_size(const struct viv_type *t, struct viv_str *ret)
{
	viv_str_add(ret, "a size");
	if (t->max > 0 && t->max < ANY_SIZE)
		viv_str_addf(ret, " from %lld to %lld MiB", (long long)t->min, (long long)t->max);
	else if (t->min > 0)
		viv_str_addf(ret, " of at least %lld MiB", (long long)t->min);
	viv_str_add(ret, " (a number of MiB, or \"4G\")");
}

/* "a list of strings" reads better than "a list, each …": the element's words, made plural. */
static void expected_list(const struct viv_type *t, struct viv_str *ret)
{
	static const struct {
		enum viv_type_kind kind;
		const char *plural;
	} words[] = {
		{VIV_TYPE_STRING, "strings"}, {VIV_TYPE_LINES, "strings"},
		{VIV_TYPE_INT, "integers"},   {VIV_TYPE_PACKAGE, "packages"},
		{VIV_TYPE_PATH, "paths"},     {VIV_TYPE_SIZE, "sizes"},
		{VIV_TYPE_BOOL, "booleans"},  {VIV_TYPE_SET, "sets"},
		{VIV_TYPE_SUBMODULE, "sets"}, {VIV_TYPE_LIST, "lists"},
		{VIV_TYPE_ANY, "values"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(words); i++) {
		if (words[i].kind == t->of->kind) {
			viv_str_addf(ret, "a list of %s", words[i].plural);
			return;
		}
	}
	viv_str_add(ret, "a list");
}

void viv_type_expected(const struct viv_type *t, struct viv_str *ret)
{
	static const char *const words[] = {
		[VIV_TYPE_BOOL] = "true or false",
		[VIV_TYPE_NUMBER] = "a number",
		[VIV_TYPE_STRING] = "a string",
		[VIV_TYPE_LINES] = "a string",
		[VIV_TYPE_PATH] = "a path (\"./file\" or path(\"./file\"))",
		[VIV_TYPE_SOURCE] = "a source (a path, fetchGit{…} or fetchTarball{…})",
		[VIV_TYPE_SET] = "a set ({ name = value, … })",
		[VIV_TYPE_SUBMODULE] = "a set ({ name = value, … })",
		[VIV_TYPE_ANY] = "a value",
		[VIV_TYPE_FUNCTION] = "a function",
	};

	switch (t->kind) {
	case VIV_TYPE_INT:
		expected_range(t, "an integer", ret);
		break;
	case VIV_TYPE_SIZE:
		expected_size(t, ret);
		break;
	case VIV_TYPE_ENUM:
		expected_enum(t, ret);
		break;
	case VIV_TYPE_PACKAGE:
		viv_str_add(ret, viv_rule_package.expected);
		break;
	case VIV_TYPE_LIST:
		expected_list(t, ret);
		break;
	case VIV_TYPE_NULL_OR:
		viv_type_expected(t->of, ret);
		viv_str_add(ret, " or null");
		break;
	case VIV_TYPE_EITHER:
		viv_type_expected(t->of, ret);
		viv_str_add(ret, " or ");
		viv_type_expected(t->other, ret);
		break;
	default:
		viv_str_add(ret, t->rule && t->kind <= VIV_TYPE_LINES ? t->rule->expected
								      : words[t->kind]);
	}
}

bool viv_size_parse(const char *text, int64_t *ret_mib)
{
	static const char units[] = "MGT";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits, *at;
	unsigned shift = 0;
	uint64_t n;

	if (!viv_slice_u64((struct viv_slice){text, digits}, 1 << 30, &n))
		return false;
	if (*unit) {
		at = strchr(units, toupper((unsigned char)*unit));
		if (!at || (unit[1] && !viv_streq(unit + 1, "iB") && !viv_streq(unit + 1, "B")))
			return false;
		shift = 10 * (unsigned)(at - units);
	}
	*ret_mib = (int64_t)(n << shift);
	return true;
}

/* A whole number: 2048.0, which a division makes, is one. */
static bool whole(const struct viv_value *v, int64_t *ret)
{
	if (v->kind == VIV_VALUE_INT) {
		*ret = v->i;
		return true;
	}
	if (v->kind != VIV_VALUE_FLOAT || v->d != floor(v->d) || fabs(v->d) > 9e15)
		return false;
	*ret = (int64_t)v->d;
	return true;
}

static struct viv_value *convert_int(struct viv_arena *arena, const struct viv_type *t,
				     struct viv_value *v)
{
	struct viv_value *out;
	int64_t n;

	if (!whole(v, &n) && !(t->kind == VIV_TYPE_SIZE && v->kind == VIV_VALUE_STRING &&
			       viv_size_parse(v->text, &n)))
		return NULL;
	if ((t->min || t->max) && (n < t->min || n > t->max))
		return NULL;
	out = viv_value_new(arena, VIV_VALUE_INT, v->origin);
	out->i = n;
	return out;
}

static struct viv_value *convert_enum(const struct viv_type *t, struct viv_value *v)
{
	for (size_t i = 0; v->kind == VIV_VALUE_STRING && t->values[i]; i++)
		if (viv_streq(t->values[i], v->text))
			return v;
	return NULL;
}

static struct viv_value *convert_path(struct viv_arena *arena, struct viv_value *v)
{
	VIV_FREE char *joined = NULL, *clean = NULL;
	bool absolute;

	if (v->kind == VIV_VALUE_PATH)
		return v;
	if (v->kind != VIV_VALUE_STRING)
		return NULL;
	absolute = v->text[0] == '/';
	if (!absolute && !viv_starts_with(v->text, "./") && !viv_starts_with(v->text, "../"))
		return NULL;
	if (!absolute && (!v->origin || !v->origin->file->folder))
		return v; /* a default: whoever reads it knows the folder */
	joined = viv_path_join(absolute ? "/" : v->origin->file->folder, v->text);
	clean = viv_path_clean(joined);
	return viv_value_text(arena, VIV_VALUE_PATH, viv_arena_strdup(arena, clean), v->origin);
}

static struct viv_value *convert_text(const struct viv_type *t, struct viv_value *v)
{
	if (v->kind != VIV_VALUE_STRING || (t->rule && !t->rule->ok(v->text)))
		return NULL;
	return v;
}

static struct viv_value *convert_source(struct viv_arena *arena, struct viv_value *v)
{
	return v->kind == VIV_VALUE_SOURCE ? v : convert_path(arena, v);
}

struct viv_value *viv_type_convert(struct viv_arena *arena, const struct viv_type *t,
				   struct viv_value *v)
{
	struct viv_value *out;

	switch (t->kind) {
	case VIV_TYPE_BOOL:
		return v->kind == VIV_VALUE_BOOL ? v : NULL;
	case VIV_TYPE_INT:
	case VIV_TYPE_SIZE:
		return convert_int(arena, t, v);
	case VIV_TYPE_NUMBER:
		return v->kind == VIV_VALUE_INT || v->kind == VIV_VALUE_FLOAT ? v : NULL;
	case VIV_TYPE_STRING:
	case VIV_TYPE_LINES:
		return convert_text(t, v);
	case VIV_TYPE_ENUM:
		return convert_enum(t, v);
	case VIV_TYPE_PATH:
		return convert_path(arena, v);
	case VIV_TYPE_PACKAGE:
		if (v->kind != VIV_VALUE_PACKAGE && v->kind != VIV_VALUE_STRING)
			return NULL;
		return viv_rule_package.ok(v->text) ? v : NULL;
	case VIV_TYPE_SOURCE:
		return convert_source(arena, v);
	case VIV_TYPE_NULL_OR:
		return v->kind == VIV_VALUE_NULL ? v : viv_type_convert(arena, t->of, v);
	case VIV_TYPE_EITHER:
		out = viv_type_convert(arena, t->of, v);
		return out ? out : viv_type_convert(arena, t->other, v);
	case VIV_TYPE_FUNCTION:
		return v->kind == VIV_VALUE_FUNCTION ? v : NULL;
	default:
		return NULL; /* lists, sets, anything: eval.c looks into them */
	}
}
