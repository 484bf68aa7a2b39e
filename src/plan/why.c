/* SPDX-License-Identifier: MIT */
#include "plan/why.h"

/* How a member of a recipe is compared, and what it is called. */
enum kind {
	KIND_TEXT,     /* "<label> a -> b" */
	KIND_OBJECT,   /* an id: "<label> changed" */
	KIND_ARCHIVE,  /* an archive's id: its package and versions */
	KIND_LIST,     /* of names: "<label> x added" */
	KIND_SET,      /* "<label>x changed" */
	KIND_FILES,    /* of {path, …} */
	KIND_PACKAGES, /* {name_version_arch: SHA-256} */
};

static const struct {
	const char *key, *label;
	enum kind kind;
} members[] = {
	{"packages", "package ", KIND_PACKAGES},
	{"deb", "kernel package ", KIND_ARCHIVE},
	{"users", "users.users.", KIND_SET},
	{"groups", "users.groups.", KIND_SET},
	{"files", "", KIND_FILES},
	{"modules", "module ", KIND_LIST},
	{"optional", "module ", KIND_LIST},
	{"kernelParams", "kernel parameter ", KIND_LIST},
	{"builder", "builder version", KIND_TEXT},
	{"format", "builder version", KIND_TEXT},
	{"import", "version of the archives' import", KIND_TEXT},
	{"image", "mkfs.erofs", KIND_TEXT},
	{"mkfs", "mkfs.erofs", KIND_TEXT},
	{"architecture", "architecture", KIND_TEXT},
	{"built", "the kernel's source, patches or configuration", KIND_OBJECT},
	{"modulePackages", "packages of boot.extraModulePackages", KIND_OBJECT},
	{"kernel", "the kernel", KIND_OBJECT},
	{"init", "init", KIND_OBJECT},
	{"agent", "agent", KIND_OBJECT},
	{"initrd", "the initrd", KIND_OBJECT},
	{"etc", "etc", KIND_OBJECT},
	{"lower", "a layer below", KIND_OBJECT},
	{"layers", "the packages' layers", KIND_OBJECT},
	{"accounts", "recorded users and groups", KIND_OBJECT},
	{"ids", "ids of users or groups", KIND_OBJECT},
};

static void text_of(const json_t *j, struct viv_str *ret)
{
	if (json_is_string(j))
		viv_str_add(ret, json_string_value(j));
	else if (j)
		viv_json_canonical(j, ret);
	else
		viv_str_add(ret, "none");
}

static void compare_text(const char *label, const json_t *a, const json_t *b, struct viv_strv *ret)
{
	VIV_STR from = VIV_STR_INIT, to = VIV_STR_INIT;

	text_of(a, &from);
	text_of(b, &to);
	viv_strv_pushf(ret, "%s %s -> %s", label, from.data, to.data);
}

/* Members of one that differ in the other, or aren't there. */
static void compare_sets(const char *label, const json_t *a, const json_t *b, struct viv_strv *ret)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)a, name, v) if (!json_object_get(b, name))
		viv_strv_pushf(ret, "%s%s removed", label, name);
	json_object_foreach((json_t *)b, name, v)
	{
		const json_t *old = json_object_get(a, name);

		if (!old)
			viv_strv_pushf(ret, "%s%s added", label, name);
		else if (!json_equal(old, v))
			viv_strv_pushf(ret, "%s%s changed", label, name);
	}
}

/* Items as members of a set, by what names them. The caller owns it. */
static json_t *by_name(const json_t *list, const char *key)
{
	json_t *set = json_object(), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *name = key ? viv_json_str(v, key) : json_string_value(v);

		if (name)
			json_object_set(set, name, v);
	}
	return set;
}

static void compare_lists(const char *label, const json_t *a, const json_t *b, const char *key,
			  struct viv_strv *ret)
{
	VIV_JSON *x = by_name(a, key), *y = by_name(b, key);
	size_t before = ret->count;

	compare_sets(label, x, y, ret);
	if (ret->count == before && label[0])
		viv_strv_pushf(ret, "order of %.*ss", (int)strlen(label) - 1, label);
}

/* {name: [version, hash]}, a second architecture's as "name:arch": versions are one thing that changes. */
static json_t *by_package(const json_t *packages)
{
	json_t *set = json_object(), *hash;
	const char *key;

	json_object_foreach((json_t *)packages, key, hash)
	{
		const char *version = strchr(key, '_');
		const char *arch = version ? strchr(version + 1, '_') : NULL;
		VIV_FREE char *name = NULL, *text = NULL;
		VIV_STR second = VIV_STR_INIT;

		if (!arch)
			continue;
		name = viv_strndup(key, (size_t)(version - key));
		text = viv_strndup(version + 1, (size_t)(arch - version - 1));
		if (json_object_get(set, name))
			viv_str_addf(&second, "%s:%s", name, arch + 1);
		json_object_set_new(set, second.len ? second.data : name, json_pack("[s, O]", text, hash));
	}
	return set;
}

static const char *version_in(const json_t *package)
{
	return json_string_value(json_array_get(package, 0));
}

static void compare_packages(const char *label, const json_t *a, const json_t *b,
			     struct viv_strv *ret)
{
	VIV_JSON *x = by_package(a), *y = by_package(b);
	const char *name;
	json_t *v;

	json_object_foreach(y, name, v)
	{
		const json_t *old = json_object_get(x, name);

		if (!old)
			viv_strv_pushf(ret, "%s%s added", label, name);
		else if (!viv_streq(version_in(old), version_in(v)))
			viv_strv_pushf(ret, "%s%s %s -> %s", label, name, version_in(old),
				       version_in(v));
		else if (!json_equal(old, v))
			viv_strv_pushf(ret, "%s%s %s: another file", label, name, version_in(v));
	}
	json_object_foreach(x, name, v) if (!json_object_get(y, name))
		viv_strv_pushf(ret, "%s%s removed", label, name);
}

/* "<hash>-linux-image…_6.12.43-1_amd64.deb": as a package of its own. The caller owns it. */
static json_t *archive(const json_t *id)
{
	const char *text = json_string_value(id), *name = text ? strchr(text, '-') : NULL;

	return name ? json_pack("{s:s}", name + 1, text) : json_object();
}

static void compare_member(size_t i, const json_t *a, const json_t *b, struct viv_strv *ret)
{
	const char *label = members[i].label;
	VIV_JSON *x = NULL, *y = NULL;

	switch (members[i].kind) {
	case KIND_TEXT:
		compare_text(label, a, b, ret);
		break;
	case KIND_OBJECT:
		viv_strv_pushf(ret, "%s changed", label);
		break;
	case KIND_ARCHIVE:
		x = archive(a);
		y = archive(b);
		compare_packages(label, x, y, ret);
		break;
	case KIND_LIST:
		compare_lists(label, a, b, NULL, ret);
		break;
	case KIND_SET:
		compare_sets(label, a, b, ret);
		break;
	case KIND_FILES:
		compare_lists(label, a, b, "path", ret);
		break;
	case KIND_PACKAGES:
		compare_packages(label, a, b, ret);
		break;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void viv_why_compare(const json_t *before, const json_t *now, struct viv_strv *ret)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(members); i++) {
		const json_t *a = json_object_get(before, members[i].key);
		const json_t *b = json_object_get(now, members[i].key);
		size_t from = ret->count;
		/* A step's modules are names in the initrd and an object in the system. */
		bool named = json_is_string(a) && json_is_string(b) && members[i].kind == KIND_LIST;

		if ((!a && !b) || json_equal(a, b) || (!before && members[i].kind != KIND_PACKAGES))
			continue;
		if (named)
			viv_strv_pushf(ret, "%s changed", members[i].key);
		else
			compare_member(i, a, b, ret);
		if (ret->count > from)
			qsort(ret->items + from, ret->count - from, sizeof(*ret->items), by_text);
	}
	if (!ret->count && before)
		viv_strv_push(ret, "order of installation");
}
