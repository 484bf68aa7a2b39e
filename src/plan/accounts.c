/* SPDX-License-Identifier: MIT */
#include "plan/accounts.h"

#include "base/hash.h"
#include "plan/unit.h"

#include <crypt.h>

#define MAX_ID 65533 /* 65534 is nobody; above that no sandbox maps ids */

/* The work: each file's text as it grows. */
struct work {
	const struct viv_accounts_request *req;
	struct viv_accounts *out;
};

/* 'users.users["a.b"].home'; without a field the entry itself. The caller frees it. */
static char *option_of(const char *kind, const char *name, const char *field)
{
	VIV_FREE char *set = viv_asprintf("users.%s", kind), *entry = viv_unit_option(set, name);

	return viv_asprintf("%s%s%s", entry, field ? "." : "", field ? field : "");
}

/* "vm.lua:3: users.users.paul.group: …": of the entry where the field was not written. */
static int VIV_PRINTF(6, 7) refuse(const struct work *w, struct viv_error *err, const char *kind, const char *name,
				   const char *field, const char *fmt, ...)
{
	VIV_FREE char *option = option_of(kind, name, field), *entry = option_of(kind, name, NULL);
	VIV_FREE char *user = option_of("users", name, NULL); /* whose group has the name */
	const char *const names[] = {option, entry, user}, *place = "default";
	va_list ap;

	for (size_t i = 0; w->req->config && i < VIV_ARRAY_SIZE(names) && viv_streq(place, "default"); i++)
		place = viv_config_place(w->req->config, names[i]);
	va_start(ap, fmt);
	viv_error_sayv(err, EINVAL, fmt, ap);
	va_end(ap);
	viv_error_context(err, "%s", option);
	if (!viv_streq(place, "default"))
		viv_error_context(err, "%s", place);
	return -EINVAL;
}

static const char *text_of(const json_t *below, const char *file)
{
	const char *s = viv_json_str(below, file);

	return s ? s : "";
}

/* The line of `name` in a colon-separated text, and its field number `want` (from 0). */
static bool find_field(const char *text, const char *name, unsigned want, struct viv_slice *ret)
{
	struct viv_slice rest = viv_slice(text ? text : ""), line;
	size_t n = strlen(name);

	while (viv_slice_line(&rest, &line)) {
		if (line.len <= n || memcmp(line.data, name, n) != 0 || line.data[n] != ':')
			continue;
		for (unsigned field = 0;; field++) {
			const char *colon = memchr(line.data, ':', line.len);
			size_t len = colon ? (size_t)(colon - line.data) : line.len;

			if (field == want) {
				*ret = (struct viv_slice){line.data, len};
				return true;
			}
			if (!colon)
				return false;
			line.data += len + 1;
			line.len -= len + 1;
		}
	}
	return false;
}

int64_t viv_account_id(const char *text, const char *name)
{
	struct viv_slice field;
	uint64_t id;

	if (!find_field(text, name, 2, &field) || !viv_slice_u64(field, UINT32_MAX, &id))
		return -1;
	return (int64_t)id;
}

/* Who has the id in field 2? NULL: nobody. The caller frees it. */
static char *owner_of(const char *text, uint64_t id)
{
	struct viv_slice rest = viv_slice(text ? text : ""), line;

	while (viv_slice_line(&rest, &line)) {
		const char *colon = memchr(line.data, ':', line.len);
		VIV_FREE char *name = NULL;

		if (!colon)
			continue;
		name = viv_strndup(line.data, (size_t)(colon - line.data));
		if (viv_account_id(text, name) == (int64_t)id)
			return viv_steal(name);
	}
	return NULL;
}

static bool is_valid_name(const char *name)
{
	return *name && strlen(name) <= 32 && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       strlen(name);
}

static bool fits_a_field(const char *s)
{
	return !strpbrk(s, ":\n");
}

/* Replaces a field of a name's line in *text; the line must be there. */
static void set_field(struct viv_str *text, const char *name, unsigned field, const char *value)
{
	struct viv_slice old;
	struct viv_str now = VIV_STR_INIT;
	size_t at;

	if (!find_field(text->data, name, field, &old))
		return;
	at = (size_t)(old.data - text->data);
	viv_str_add_bytes(&now, text->data, at);
	viv_str_add(&now, value);
	viv_str_add_bytes(&now, old.data + old.len, text->len - at - old.len);
	viv_str_free(text);
	*text = now;
}

static void add_member(struct viv_str *text, const char *group, const char *user)
{
	struct viv_slice members;
	VIV_FREE char *list = NULL, *with = NULL;
	VIV_FREE char *padded = NULL, *needle = viv_asprintf(",%s,", user);

	if (!find_field(text->data, group, 3, &members))
		return;
	list = viv_slice_dup(members);
	padded = viv_asprintf(",%s,", list);
	if (strstr(padded, needle))
		return;
	with = viv_asprintf("%s%s%s", list, *list ? "," : "", user);
	set_field(text, group, 3, with);
}

/* The id asked for, or the one that was assigned. */
static int choose_id(struct work *w, const char *kind, const char *name, const json_t *asked,
		     uint64_t *ret, struct viv_error *err)
{
	const char *text = kind[0] == 'u' ? w->out->passwd.data : w->out->group.data;
	const json_t *assigned = json_object_get(json_object_get(w->req->ids, kind), name);
	const json_t *id = json_is_integer(asked) ? asked : assigned;
	const char *field = !json_is_integer(asked) ? NULL : kind[0] == 'u' ? "uid" : "gid";
	VIV_FREE char *owner = NULL;

	if (!json_is_integer(id)) {
		refuse(w, err, kind, name, NULL, "no package makes it");
		viv_error_hint(err, "To make it, set isNormalUser or isSystemUser.");
		return -EINVAL;
	}
	if (json_integer_value(id) > MAX_ID || json_integer_value(id) < 0)
		return refuse(w, err, kind, name, field, "ids go up to %d", MAX_ID);
	owner = owner_of(text, (uint64_t)json_integer_value(id));
	if (owner)
		return refuse(w, err, kind, name, field, "the id %lld belongs to %s",
			      (long long)json_integer_value(id), owner);
	*ret = (uint64_t)json_integer_value(id);
	return 0;
}

static int check_name(const struct work *w, const char *kind, const char *name, struct viv_error *err)
{
	if (is_valid_name(name))
		return 0;
	return refuse(w, err, kind, name, NULL, "a name is 1 to 32 letters, digits, '_', '.' or '-'");
}

/* What a package gave stays: files in the layers belong to that number. */
static int check_given(const struct work *w, const char *kind, const char *name, const char *field,
		       int64_t asked, int64_t there, struct viv_error *err)
{
	if (asked == there)
		return 0;
	return refuse(w, err, kind, name, field, "it has %lld by its package, which stays", (long long)there);
}

static int add_group(struct work *w, const char *name, const json_t *asked, struct viv_error *err)
{
	int64_t there = viv_account_id(w->out->group.data, name);
	uint64_t gid;
	int r = check_name(w, "groups", name, err);

	if (r == 0 && there >= 0 && json_is_integer(asked))
		r = check_given(w, "groups", name, "gid", json_integer_value(asked), there, err);
	if (r < 0 || there >= 0)
		return r;
	r = choose_id(w, "groups", name, asked, &gid, err);
	if (r < 0)
		return r;
	viv_str_addf(&w->out->group, "%s:x:%llu:\n", name, (unsigned long long)gid);
	viv_str_addf(&w->out->gshadow, "%s:!::\n", name);
	return 0;
}

/*
 * crypt(5), SHA-512. The salt comes from the name, so that builds agree, and from nothing secret: it
 * stands beside the hash, where whatever it was made of could be guessed at much faster.
 */
static int hash_password(const char *user, const char *password, char **ret, struct viv_error *err)
{
	VIV_FREE char *seed = viv_asprintf("salt of %s", user), *setting = NULL;
	VIV_FREE struct crypt_data *data = viv_new(struct crypt_data);
	char hex[VIV_SHA256_HEX];
	const char *hashed;

	viv_sha256_of(seed, strlen(seed), hex);
	setting = viv_asprintf("$6$%.16s$", hex);
	hashed = crypt_rn(password, setting, data, sizeof(*data));
	if (!hashed)
		return viv_error_say(err, EINVAL, "users.users.%s: cannot hash the password", user);
	*ret = viv_strdup(hashed);
	return 0;
}

static const char *const hashed[] = {"hashedPassword", "initialHashedPassword"};
static const char *const plain[] = {"password", "initialPassword"};

int viv_accounts_describe(const json_t *users, json_t **ret, struct viv_error *err)
{
	VIV_JSON *all = json_deep_copy(users);
	const char *name;
	json_t *user;

	json_object_foreach(all, name, user)
		for (size_t i = 0; i < VIV_ARRAY_SIZE(plain); i++) {
			const char *password = viv_json_str(user, plain[i]);
			VIV_FREE char *hash = NULL;

			if (!password || !*password)
				continue;
			if (hash_password(name, password, &hash, err) < 0)
				return -EINVAL;
			json_object_set_new(user, plain[i], json_string(hash));
		}
	*ret = viv_steal(all);
	return 0;
}

/* What stands in shadow's second field; NULL: the configuration says nothing. */
static int password_field(const struct work *w, const char *name, const json_t *user, char **ret,
			  struct viv_error *err)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(plain); i++) {
		const char *h = viv_json_str(user, hashed[i]), *p = viv_json_str(user, plain[i]);

		if (h && !fits_a_field(h))
			return refuse(w, err, "users", name, hashed[i], "not a crypt(5) hash");
		if (h)
			*ret = viv_strdup(h);
		else if (p && !*p)
			*ret = viv_strdup("");
		else if (p)
			return hash_password(name, p, ret, err);
		if (*ret)
			return 0;
	}
	return 0;
}

static int add_memberships(struct work *w, const char *name, const json_t *user,
			   struct viv_error *err)
{
	const json_t *groups = json_object_get(user, "extraGroups"), *g;
	size_t i;

	json_array_foreach((json_t *)groups, i, g) {
		const char *group = json_string_value(g);

		if (viv_account_id(w->out->group.data, group) < 0)
			return refuse(w, err, "users", name, "extraGroups", "no group \"%s\"", group);
		add_member(&w->out->group, group, name);
		add_member(&w->out->gshadow, group, name);
	}
	return 0;
}

/* A folder of its own, which nobody else was given. */
static int add_home(struct work *w, const char *user, const char *path, int64_t uid, int64_t gid,
		    struct viv_error *err)
{
	struct viv_accounts *a = w->out;

	for (size_t i = 0; i < a->n_homes; i++)
		if (viv_streq(a->homes[i].path, path))
			return refuse(w, err, "users", user, "home", "%s is made for %s already", path,
				      a->homes[i].user);
	a->homes = viv_realloc(a->homes, (a->n_homes + 1) * sizeof(*a->homes));
	a->homes[a->n_homes++] =
		(struct viv_home){viv_strdup(path), viv_strdup(user), (unsigned)uid, (unsigned)gid};
	return 0;
}

/* Is it somebody who comes in, by keys or with a shell of their own? */
static bool logs_in(const json_t *user, const char *shell)
{
	const json_t *keys = json_object_get(json_object_get(user, "openssh"), "authorizedKeys");

	return json_array_size(json_object_get(keys, "keys")) || json_array_size(json_object_get(keys, "keyFiles")) ||
	       !(viv_ends_with(shell, "/nologin") || viv_ends_with(shell, "/false"));
}

/* A user that no package made. */
static int add_user(struct work *w, const char *name, const json_t *user, struct viv_error *err)
{
	bool system = json_is_true(json_object_get(user, "isSystemUser"));
	const json_t *make = json_object_get(user, "createHome");
	const char *group = viv_json_str(user, "group"), *home = viv_json_str(user, "home");
	const char *shell = viv_json_str(user, "shell"), *text = viv_json_str(user, "description");
	VIV_FREE char *default_home =
		system ? viv_strdup("/nonexistent") : viv_asprintf("/home/%s", name);
	int64_t gid;
	uint64_t uid;
	int r;

	r = choose_id(w, "users", name, json_object_get(user, "uid"), &uid, err);
	if (r == 0 && !group)
		r = add_group(w, name, json_object_get(user, "uid"), err);
	group = group ? group : name;
	gid = viv_account_id(w->out->group.data, group);
	if (r == 0 && gid < 0)
		r = refuse(w, err, "users", name, "group", "no group \"%s\"", group);
	if (r < 0)
		return r;
	home = home ? home : default_home;
	if (!shell)
		shell = system ? "/usr/sbin/nologin" : w->req->shell ? w->req->shell : "/bin/bash";
	viv_str_addf(&w->out->passwd, "%s:x:%llu:%lld:%s:%s:%s\n", name, (unsigned long long)uid,
		     (long long)gid, text ? text : "", home, shell);
	/* No password is right either way; but sshd without PAM lets nobody in by key whose account is locked. */
	viv_str_addf(&w->out->shadow, "%s:%s:::::::\n", name, system && !logs_in(user, shell) ? "!" : "*");
	if (json_is_boolean(make) ? json_is_true(make) : !system)
		r = add_home(w, name, home, (int64_t)uid, gid, err);
	return r;
}

/* Does it ask for other numbers than the package gave? */
static int check_user(struct work *w, const char *name, const json_t *user, struct viv_error *err)
{
	const json_t *uid = json_object_get(user, "uid");
	const char *group = viv_json_str(user, "group");
	int64_t there = viv_account_id(w->out->passwd.data, name);
	uint64_t gid = 0;
	struct viv_slice field = {0};
	int r = 0;

	if (json_is_integer(uid))
		r = check_given(w, "users", name, "uid", json_integer_value(uid), there, err);
	if (r < 0 || !group)
		return r;
	find_field(w->out->passwd.data, name, 3, &field);
	viv_slice_u64(field, UINT32_MAX, &gid);
	if (viv_account_id(w->out->group.data, group) < 0)
		return refuse(w, err, "users", name, "group", "no group \"%s\"", group);
	if (viv_account_id(w->out->group.data, group) == (int64_t)gid)
		return 0;
	refuse(w, err, "users", name, "group", "its group is that of its package");
	viv_error_hint(err, "extraGroups adds it to others.");
	return -EINVAL;
}

static int change_user(struct work *w, const char *name, const json_t *user, struct viv_error *err)
{
	static const struct {
		const char *key;
		unsigned field;
	} fields[] = {{"description", 4}, {"home", 5}, {"shell", 6}};
	VIV_FREE char *path = NULL;
	struct viv_slice home, gid = {0};
	uint64_t number = 0;
	int r = check_user(w, name, user, err);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(fields); i++) {
		const char *v = viv_json_str(user, fields[i].key);

		if (v)
			set_field(&w->out->passwd, name, fields[i].field, v);
	}
	if (r < 0 || !json_is_true(json_object_get(user, "createHome")) ||
	    !find_field(w->out->passwd.data, name, 5, &home))
		return r;
	path = viv_slice_dup(home);
	find_field(w->out->passwd.data, name, 3, &gid);
	viv_slice_u64(gid, UINT32_MAX, &number);
	return add_home(w, name, path, viv_account_id(w->out->passwd.data, name), (int64_t)number, err);
}

static int make_user(struct work *w, const char *name, const json_t *user, struct viv_error *err)
{
	static const char *const fields[] = {"description", "home", "shell"};
	VIV_FREE char *password = NULL;
	int r = check_name(w, "users", name, err);

	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(fields); i++) {
		const char *v = viv_json_str(user, fields[i]);

		if (v && !fits_a_field(v))
			r = refuse(w, err, "users", name, fields[i], "no ':' and no newline");
	}
	if (r < 0)
		return r;
	if (viv_account_id(w->out->passwd.data, name) >= 0)
		r = change_user(w, name, user, err);
	else
		r = add_user(w, name, user, err);
	if (r == 0)
		r = password_field(w, name, user, &password, err);
	if (r == 0 && password)
		set_field(&w->out->shadow, name, 1, password);
	return r < 0 ? r : add_memberships(w, name, user, err);
}

/* Names in sorted order, here and below: nothing depends on how a table was written down. */
static int make_groups(struct work *w, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	json_t *group, *member;
	size_t i;

	viv_json_keys(w->req->groups, &names);
	for (size_t k = 0; k < names.count; k++) {
		int r;

		group = json_object_get(w->req->groups, names.items[k]);
		r = add_group(w, names.items[k], json_object_get(group, "gid"), err);
		if (r < 0)
			return r;
	}
	for (size_t k = 0; k < names.count; k++) {
		group = json_object_get(w->req->groups, names.items[k]);
		json_array_foreach(json_object_get(group, "members"), i, member) {
			add_member(&w->out->group, names.items[k], json_string_value(member));
			add_member(&w->out->gshadow, names.items[k], json_string_value(member));
		}
	}
	return 0;
}

/* When all users are there. */
static int check_members(const struct work *w, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	json_t *member;
	size_t i;

	viv_json_keys(w->req->groups, &names);
	for (size_t k = 0; k < names.count; k++)
		json_array_foreach(json_object_get(json_object_get(w->req->groups, names.items[k]), "members"),
				   i, member)
			if (viv_account_id(w->out->passwd.data, json_string_value(member)) < 0)
				return refuse(w, err, "groups", names.items[k], "members", "no user \"%s\"",
					      json_string_value(member));
	return 0;
}

int viv_accounts_make(const struct viv_accounts_request *req, struct viv_accounts *ret,
		      struct viv_error *err)
{
	struct viv_accounts a = {0};
	struct work w = {.req = req, .out = &a};
	VIV_STRV names = VIV_STRV_INIT;
	struct viv_slice root;
	int r;

	viv_str_add(&a.passwd, text_of(req->below, "passwd"));
	viv_str_add(&a.group, text_of(req->below, "group"));
	viv_str_add(&a.shadow, text_of(req->below, "shadow"));
	viv_str_add(&a.gshadow, text_of(req->below, "gshadow"));
	r = make_groups(&w, err);
	viv_json_keys(req->users, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = make_user(&w, names.items[i], json_object_get(req->users, names.items[i]), err);
	if (r == 0)
		r = check_members(&w, err);
	if (r == 0 && req->open_root && find_field(a.shadow.data, "root", 1, &root) &&
	    (viv_slice_eq(root, "*") || viv_slice_eq(root, "!") || viv_slice_eq(root, "!*")))
		set_field(&a.shadow, "root", 1, "");
	if (r < 0) {
		viv_accounts_free_contents(&a);
		return r;
	}
	*ret = a;
	return 0;
}

void viv_accounts_free_contents(struct viv_accounts *a)
{
	viv_str_free(&a->passwd);
	viv_str_free(&a->group);
	viv_str_free(&a->shadow);
	viv_str_free(&a->gshadow);
	for (size_t i = 0; i < a->n_homes; i++) {
		free(a->homes[i].path);
		free(a->homes[i].user);
	}
	free(a->homes);
	*a = (struct viv_accounts){0};
}
