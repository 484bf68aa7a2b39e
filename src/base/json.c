/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/fd.h"

static void dump(const json_t *j, size_t flags, struct viv_str *ret)
{
	char *text = json_dumps(j, flags | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	if (!text)
		viv_oom();
	viv_str_add(ret, text);
	free(text);
}

void viv_json_canonical(const json_t *j, struct viv_str *ret)
{
	dump(j, JSON_COMPACT, ret);
}

void viv_json_pretty(const json_t *j, struct viv_str *ret)
{
	dump(j, JSON_INDENT(2), ret);
	viv_str_add_char(ret, '\n');
}

int viv_json_parse(const char *text, size_t len, const char *what, json_t **ret,
		   struct viv_error *err)
{
	json_error_t e;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);

	if (!j)
		return viv_error_say(err, EINVAL, "%s:%d: %s", what, e.line, e.text);
	*ret = j;
	return 0;
}

int viv_json_read_file(const char *path, size_t max, json_t **ret, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	int r = viv_read_file(path, max, &text, err);

	if (r < 0)
		return r;
	return viv_json_parse(text.data ? text.data : "", text.len, path, ret, err);
}

int viv_json_write_file(const char *path, const json_t *j, mode_t mode, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;

	viv_json_pretty(j, &text);
	return viv_write_file(path, text.data, text.len, mode, err);
}

json_t *viv_json_text(const char *text)
{
	json_t *j = text ? json_string(text) : json_null();
	VIV_FREE char *plain = j ? NULL : viv_slice_printable(viv_slice(text));

	return j ? j : json_string(plain);
}

void viv_json_keys(const json_t *obj, struct viv_strv *ret)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)obj, key, v)
		viv_strv_push(ret, key);
	viv_strv_sort(ret);
}

const char *viv_json_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

bool viv_json_u64(const json_t *obj, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_object_get(obj, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) > max)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}
