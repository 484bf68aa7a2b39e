/* SPDX-License-Identifier: MIT */
#include "deb/lock.h"

#include "deb/without.h"

#include "base/fd.h"
#include "base/path.h"

/* Where we are, for messages. */
struct place {
	const char *what;
	const char *where;
};

static int advise(struct viv_error *err)
{
	viv_error_hint(err, "The file is damaged, or of another viv. Take it from version control, or "
			    "remove it: the next build makes it anew.");
	return -EINVAL;
}

static int bad(struct place at, const char *problem, struct viv_error *err)
{
	viv_error_say(err, EINVAL, "%s: %s: %s", at.what, at.where, problem);
	return advise(err);
}

/* Debian policy 5.6.1, with ":arch"; never an option or a path. */
static bool name_is_fine(const char *s)
{
	size_t n = strlen(s);

	return n >= 2 && n <= 150 && strchr("abcdefghijklmnopqrstuvwxyz0123456789", s[0]) &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.:") == n;
}

/* Policy 5.6.12. */
static bool version_is_fine(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= 150 && s[0] != '-' &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-:~") == n;
}

static bool word_is_fine(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= 100 && s[0] != '-' && s[0] != '.' &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-_") == n;
}

/* One line of printable text. */
static bool text_is_fine(const char *s)
{
	if (strlen(s) > 1000)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static int take_strings(struct place at, const json_t *j, bool (*fine)(const char *), bool stars,
			struct viv_strv *ret, struct viv_error *err)
{
	size_t i;
	json_t *v;

	if (!j)
		return 0;
	if (!json_is_array(j) || json_array_size(j) > 2 * VIV_LOCK_MAX_PACKAGES)
		return bad(at, "expected a list", err);
	json_array_foreach(j, i, v) {
		const char *s = json_string_value(v);

		if (!s || (!fine(s) && !(stars && viv_streq(s, "*"))))
			return bad(at, "expected names", err);
		viv_strv_push(ret, s);
	}
	return 0;
}

/* A key "name_version_arch", perhaps with "@" and some of the archive's hash, is split; the name of a foreign package gets its architecture. */
static bool split_key(const char *key, const char *native, struct viv_lock_package *p)
{
	const char *v = strchr(key, '_'), *a = v ? strchr(v + 1, '_') : NULL;
	VIV_FREE char *name = NULL;

	if (!a)
		return false;
	name = viv_strndup(key, (size_t)(v - key));
	p->version = viv_strndup(v + 1, (size_t)(a - v - 1));
	p->architecture = viv_strndup(a + 1, strcspn(a + 1, "@"));
	if (viv_streq(p->architecture, "all") || viv_streq(p->architecture, native))
		p->name = viv_steal(name);
	else
		p->name = viv_asprintf("%s:%s", name, p->architecture);
	return name_is_fine(p->name) && version_is_fine(p->version) &&
	       word_is_fine(p->architecture);
}

static int take_package(struct place at, const char *key, const json_t *file, const char *native,
			struct viv_lock_package *p, struct viv_error *err)
{
	const json_t *j = key ? json_object_get(json_object_get(file, "packages"), key) : NULL;
	const char *path = viv_json_str(j, "path"), *index = viv_json_str(j, "index");
	const char *sha256 = viv_json_str(j, "sha256");

	at.where = key && text_is_fine(key) ? key : "packages";
	if (!j || !split_key(key, native, p))
		return bad(at, "not a package", err);
	if (!path || !viv_path_is_safe(path) || !text_is_fine(path) || strpbrk(path, " '\""))
		return bad(at, "not a path below a mirror", err);
	if (!index || !json_object_get(json_object_get(file, "indexes"), index))
		return bad(at, "no such index", err);
	if (!sha256 || !viv_sha256_is_hex(sha256))
		return bad(at, "not a SHA-256", err);
	if (!viv_json_u64(j, "size", INT64_MAX, &p->size))
		return bad(at, "not a size", err);
	p->path = viv_strdup(path);
	p->index = viv_strdup(index);
	memcpy(p->sha256, sha256, sizeof(p->sha256));
	return 0;
}

static int check_order(struct place at, const struct viv_lock_layer *layer,
		       const struct viv_strv *names, struct viv_error *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (!viv_streq(names->items[i], "*") &&
		    !viv_lock_layer_find(layer, names->items[i]))
			return bad(at, "its order names a package that it doesn't have", err);
	return 0;
}

/*
 * Packages' users and groups have the ids that adduser gives to system users: never root's, nor one
 * that base-passwd or a person has. A user's group may be one of base-passwd's, or nogroup.
 */
enum { FIRST_ID = 100, LAST_ID = 999, NOGROUP = 65534 };

static bool id_is_fine(const json_t *j, const char *key, int64_t first)
{
	const json_t *id = key ? json_object_get(j, key) : j;
	int64_t n = json_integer_value(id);

	return json_is_integer(id) && n >= first && n <= LAST_ID;
}

static bool user_is_fine(const json_t *user)
{
	static const char *const texts[] = {"gecos", "home", "shell"};
	uint64_t id;

	if (!viv_json_u64(user, "uid", UINT32_MAX, &id) ||
	    !viv_json_u64(user, "gid", UINT32_MAX, &id))
		return false;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(texts); i++) {
		const char *s = viv_json_str(user, texts[i]);

		if (!s || !text_is_fine(s) || strchr(s, ':'))
			return false;
	}
	return true;
}

bool viv_lock_account_is_fine(const char *name, const json_t *account)
{
	if (!word_is_fine(name))
		return false;
	if (!json_is_object(account))
		return id_is_fine(account, NULL, FIRST_ID);
	return user_is_fine(account) && id_is_fine(account, "uid", FIRST_ID) &&
	       (id_is_fine(account, "gid", 0) ||
		json_integer_value(json_object_get(account, "gid")) == NOGROUP);
}

static int check_groups(struct place at, const json_t *groups, struct viv_error *err)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)groups, name, v) {
		VIV_FREE char *text = NULL;

		if (!word_is_fine(name) || !json_is_integer(v))
			return bad(at, "accounts: not users and groups", err);
		text = viv_asprintf("accounts: group %s: its gid is not from %d to %d", name,
				    FIRST_ID, LAST_ID);
		if (!id_is_fine(v, NULL, FIRST_ID))
			return bad(at, text, err);
	}
	return 0;
}

static int check_accounts(struct place at, const json_t *accounts, struct viv_error *err)
{
	const json_t *users = json_object_get(accounts, "users");
	const json_t *groups = json_object_get(accounts, "groups");
	const char *name;
	json_t *v;

	if ((users && !json_is_object(users)) || (groups && !json_is_object(groups)))
		return bad(at, "accounts: not users and groups", err);
	json_object_foreach((json_t *)users, name, v) {
		VIV_FREE char *text = NULL;
		bool nogroup = json_integer_value(json_object_get(v, "gid")) == NOGROUP;

		if (!word_is_fine(name) || !user_is_fine(v))
			return bad(at, "accounts: not users and groups", err);
		text = viv_asprintf("accounts: user %s: its uid is not from %d to %d, or its gid "
				    "not up to %d",
				    name, FIRST_ID, LAST_ID, LAST_ID);
		if (!id_is_fine(v, "uid", FIRST_ID) || (!nogroup && !id_is_fine(v, "gid", 0)))
			return bad(at, text, err);
	}
	return check_groups(at, groups, err);
}

static int take_packages(struct place at, const json_t *list, const struct viv_lock *l,
			 struct viv_lock_layer *layer, struct viv_error *err)
{
	if (!json_is_array(list) || json_array_size(list) > VIV_LOCK_MAX_PACKAGES)
		return bad(at, "packages: expected a list", err);
	for (size_t i = 0; i < json_array_size(list); i++) {
		int r = take_package(at, json_string_value(json_array_get(list, i)), l->rest,
				     l->architecture, viv_lock_add_package(layer), err);

		if (r < 0)
			return r;
	}
	viv_lock_layer_sort(layer);
	for (size_t i = 1; i < layer->n_packages; i++)
		if (viv_streq(layer->packages[i - 1].name, layer->packages[i].name))
			return bad(at, "a package is there twice", err);
	return 0;
}

static int take_layer(struct place at, const json_t *j, struct viv_lock *l, struct viv_error *err)
{
	const char *name = viv_json_str(j, "name");
	json_t *accounts = json_object_get(j, "accounts");
	struct viv_lock_layer *layer;
	int r;

	if (!name || !word_is_fine(name))
		return bad(at, "a layer without a name", err);
	at.where = name;
	layer = viv_lock_add_layer(l, name);
	r = take_packages(at, json_object_get(j, "packages"), l, layer, err);
	if (r < 0)
		return r;
	r = accounts ? check_accounts(at, accounts, err) : 0;
	if (r < 0)
		return r;
	layer->accounts = json_incref(accounts);
	r = take_strings(at, json_object_get(j, "requested"), text_is_fine, false,
			 &layer->requested, err);
	if (r == 0)
		r = take_strings(at, json_object_get(j, "bootstrap"), name_is_fine, false,
				 &layer->bootstrap, err);
	if (r == 0)
		r = take_strings(at, json_object_get(j, "unpack"), name_is_fine, true,
				 &layer->unpack, err);
	if (r == 0)
		r = take_strings(at, json_object_get(j, "configure"), name_is_fine, false,
				 &layer->configure, err);
	if (r == 0)
		r = check_order(at, layer, &layer->bootstrap, err);
	if (r == 0)
		r = check_order(at, layer, &layer->unpack, err);
	if (r == 0)
		r = check_order(at, layer, &layer->configure, err);
	return r;
}

/* {"users": {name: id}, "groups": {name: id}}, or nothing yet. */
static int take_ids(struct place at, json_t *ids, struct viv_lock *l, struct viv_error *err)
{
	const char *kind, *name;
	json_t *part, *id;

	if (!ids)
		return 0;
	json_object_foreach(ids, kind, part) {
		json_object_foreach(part, name, id)
			if (!text_is_fine(name) || !json_is_integer(id) ||
			    json_integer_value(id) < 1 || json_integer_value(id) > 65533)
				return bad(at, "ids: expected numbers from 1 to 65533", err);
	}
	json_decref(l->ids);
	l->ids = json_incref(ids);
	return 0;
}

static int take_head(struct place at, const json_t *j, struct viv_lock *l, struct viv_error *err)
{
	const char *release = viv_json_str(j, "release"), *arch = viv_json_str(j, "architecture");
	json_t *accounts = json_object_get(j, "accounts"), *part;
	const char *layer;

	if (!release || !word_is_fine(release) || !arch || !word_is_fine(arch))
		return bad(at, "release and architecture: expected names", err);
	if (!json_is_object(accounts))
		return bad(at, "accounts: expected an object", err);
	json_object_foreach(accounts, layer, part) {
		if (!word_is_fine(layer))
			return bad(at, "accounts: not users and groups", err);
		if (check_accounts(at, part, err) < 0)
			return -EINVAL;
	}
	l->release = viv_strdup(release);
	l->architecture = viv_strdup(arch);
	l->recommends = json_is_true(json_object_get(j, "recommends"));
	json_decref(l->accounts);
	l->accounts = json_incref(accounts);
	if (take_ids(at, json_object_get(j, "ids"), l, err) < 0)
		return -EINVAL;
	l->source = json_incref(json_object_get(j, "source")); /* looked at where it is used */
	if (l->source && !json_is_object(l->source))
		return bad(at, "source: expected an object", err);
	if (json_object_get(j, "without") &&
	    take_strings(at, json_object_get(j, "without"), viv_without_is_known, false, &l->without, err) < 0)
		return -EINVAL;
	return take_strings(at, json_object_get(j, "components"), word_is_fine, false,
			    &l->components, err);
}

static int take_kernel(struct place at, const json_t *k, struct viv_lock *l, struct viv_error *err)
{
	const char *requested = viv_json_str(k, "requested");

	if (!k || json_is_null(k))
		return 0;
	if (!requested || !text_is_fine(requested))
		return bad(at, "kernel: which one?", err);
	l->kernel_requested = viv_strdup(requested);
	l->kernel = viv_new(struct viv_lock_package);
	return take_package(at, viv_json_str(k, "package"), l->rest, l->architecture, l->kernel,
			    err);
}

/* The tables that all machines share. */
static int check_file(struct place at, const json_t *file, struct viv_error *err)
{
	json_t *indexes = json_object_get(file, "indexes"), *v;
	uint64_t version;
	const char *name;

	if (!viv_json_u64(file, "version", INT32_MAX, &version))
		return bad(at, "not a lock file", err);
	if (version != 1)
		return bad(at, "its version is not 1", err);
	if (!json_is_object(json_object_get(file, "machines")) || !json_is_object(indexes) ||
	    !json_is_object(json_object_get(file, "packages")) ||
	    json_object_size(json_object_get(file, "packages")) > VIV_LOCK_MAX_PACKAGES)
		return bad(at, "machines, indexes and packages: expected objects", err);
	json_object_foreach(indexes, name, v)
		if (!text_is_fine(name) || !json_is_object(v))
			return bad(at, "indexes: expected objects", err);
	return 0;
}

static int take_machine(struct place at, const json_t *j, struct viv_lock *l, struct viv_error *err)
{
	json_t *layers = json_object_get(j, "layers");
	int r = take_head(at, j, l, err);

	if (r == 0 && (!json_is_array(layers) || json_array_size(layers) == 0 ||
		       json_array_size(layers) > VIV_LOCK_MAX_LAYERS))
		r = bad(at, "layers: expected a list", err);
	for (size_t i = 0; r == 0 && i < json_array_size(layers); i++)
		r = take_layer(at, json_array_get(layers, i), l, err);
	return r == 0 ? take_kernel(at, json_object_get(j, "kernel"), l, err) : r;
}

static int take_from(struct place at, json_t *all, const char *machine, struct viv_lock **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = viv_lock_new(machine);
	json_t *mine = json_object_get(json_object_get(all, "machines"), machine);
	int r = 0;

	l->rest = json_incref(all);
	json_decref(l->indexes);
	l->indexes = json_incref(json_object_get(all, "indexes"));
	if (mine)
		r = take_machine(at, mine, l, err);
	if (r == 0)
		*ret = viv_steal(l);
	return r;
}

int viv_lock_parse(const char *text, size_t len, const char *what, const char *machine,
		   struct viv_lock **ret, struct viv_error *err)
{
	struct place at = {what, "lock file"};
	VIV_JSON *all = NULL;
	int r;

	if (len > VIV_LOCK_MAX_BYTES)
		return viv_error_say(err, EFBIG, "%s is too large", what);
	if (viv_json_parse(text, len, what, &all, err) < 0)
		return advise(err);
	r = check_file(at, all, err);
	return r < 0 ? r : take_from(at, all, machine, ret, err);
}

int viv_lock_other(const struct viv_lock *l, const char *machine, struct viv_lock **ret, struct viv_error *err)
{
	const struct place at = {l->file ? l->file : "the lock file", "lock file"};

	return take_from(at, l->rest, machine, ret, err);
}

/* As it was written once; not where that is the name of a machine beside the lock file. */
static int try_base_name(const struct viv_str *text, const char *path, const char *machine,
			 struct viv_lock **lock, struct viv_error *err)
{
	const char *base = viv_path_base(machine);
	VIV_FREE char *dir = viv_path_dir(path), *beside = viv_path_join(dir, base);
	struct viv_lock *l;
	int r;

	if (viv_streq(base, machine) || viv_exists(beside))
		return 0;
	r = viv_lock_parse(text->data ? text->data : "", text->len, path, base, &l, err);
	if (r < 0)
		return r;
	free(l->machine);
	l->machine = viv_strdup(machine);
	viv_lock_free(*lock);
	*lock = l;
	return 0;
}

int viv_lock_read(const char *path, const char *machine, struct viv_lock **ret,
		  struct viv_error *err)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
	VIV_ERROR now = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;
	int r = viv_read_file(path, VIV_LOCK_MAX_BYTES, &text, &now);

	if (r == -ENOENT) {
		*ret = viv_lock_new(machine);
		(*ret)->file = viv_strdup(path);
		return 0;
	}
	if (r < 0)
		return viv_error_move(err, &now);
	r = viv_lock_parse(text.data ? text.data : "", text.len, path, machine, &l, err);
	if (r == 0 && !l->n_layers)
		r = try_base_name(&text, path, machine, &l, err);
	if (r < 0)
		return r;
	l->file = viv_strdup(path);
	*ret = viv_steal(l);
	return 0;
}

static int take_key(struct place at, const struct viv_lock *l, const json_t *key,
		    const char *architecture, json_t *seen, struct viv_lock_layer *all,
		    struct viv_error *err)
{
	const char *text = json_string_value(key);

	if (!text || json_object_get(seen, text))
		return 0;
	json_object_set_new(seen, text, json_true());
	return take_package(at, text, l->rest, architecture, viv_lock_add_package(all), err);
}

static int take_all(struct place at, const struct viv_lock *l, const json_t *machine,
		    const char *architecture, json_t *seen, struct viv_lock_layer *all,
		    struct viv_error *err)
{
	json_t *layers = json_object_get(machine, "layers"), *layer, *key;
	size_t i, k;
	int r = take_key(at, l, json_object_get(json_object_get(machine, "kernel"), "package"),
			 architecture, seen, all, err);

	json_array_foreach(layers, i, layer)
		json_array_foreach(json_object_get(layer, "packages"), k, key)
			if (r == 0)
				r = take_key(at, l, key, architecture, seen, all, err);
	return r;
}

int viv_lock_everything(const struct viv_lock *l, const char *release, const char *architecture,
			struct viv_lock_layer *ret, struct viv_error *err)
{
	struct place at = {l->file ? l->file : "lock file", "packages"};
	struct viv_lock_layer all = {0};
	VIV_JSON *seen = json_object();
	const char *name;
	json_t *machine;
	int r = 0;

	json_object_foreach(json_object_get(l->rest, "machines"), name, machine) {
		const char *its = viv_json_str(machine, "release");
		const char *arch = viv_json_str(machine, "architecture");

		if (r == 0 && its && arch && viv_streq(its, release) && viv_streq(arch, architecture))
			r = take_all(at, l, machine, architecture, seen, &all, err);
	}
	if (r < 0) {
		viv_lock_layer_clear(&all);
		return r;
	}
	viv_lock_layer_sort(&all);
	*ret = all;
	return 0;
}
