/* SPDX-License-Identifier: MIT */
#include "deb/accounts.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/lock.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX   (4 << 20)
#define FIRST_ID   100
#define LAST_ID	   999
#define DAY_SECONDS 86400

static const char *const files[] = {"passwd", "group", "shadow", "gshadow"};

/* Below etc of the tree. *ret is empty if it is not there. */
static int read_one(const char *root, const char *file, struct viv_str *ret, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("etc/%s", file);
	VIV_ERROR now = VIV_ERROR_INIT;
	int r = viv_read_below(root, path, FILE_MAX, ret, &now);

	return r < 0 && r != -ENOENT ? viv_error_move(err, &now) : 0;
}

static int open_one(const char *root, const char *file, int how, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("etc/%s", file);

	return viv_open_below(root, path, O_WRONLY | how, 0, err);
}

int viv_accounts_read(const char *root, json_t **ret, struct viv_error *err)
{
	VIV_JSON *j = json_object();

	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++) {
		VIV_STR text = VIV_STR_INIT;
		int r = read_one(root, files[i], &text, err);
		json_t *s;

		if (r < 0)
			return r;
		s = json_stringn(text.data ? text.data : "", text.len);
		if (!s)
			return viv_error_say(err, EINVAL, "/etc/%s is not UTF-8", files[i]);
		json_object_set_new(j, files[i], s);
	}
	*ret = viv_steal(j);
	return 0;
}

/* The fields of a line, at most n; the rest are empty. */
static void split(struct viv_slice line, struct viv_slice *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
		size_t len = colon ? (size_t)(colon - line.data) : line.len;

		fields[i] = (struct viv_slice){line.data, len};
		line.data += len + (colon != NULL);
		line.len -= len + (colon != NULL);
	}
}

static bool has_line(const char *text, struct viv_slice name)
{
	struct viv_slice rest = viv_slice(text ? text : ""), line;

	while (viv_slice_line(&rest, &line))
		if (line.len > name.len && memcmp(line.data, name.data, name.len) == 0 &&
		    line.data[name.len] == ':')
			return true;
	return false;
}

/* A home that is there and that no package ships was made by adduser. */
static json_t *home_mode(const char *root, const char *home, uint64_t uid)
{
	VIV_FD fd = -1;
	struct stat st;

	if (viv_streq(home, "/") || !*home)
		return NULL;
	fd = viv_open_below(root, home, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, NULL);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != uid)
		return NULL;
	return json_integer(st.st_mode & 07777);
}

static json_t *user_of(const char *root, struct viv_slice line, uint64_t uid)
{
	struct viv_slice f[7];
	VIV_FREE char *gecos = NULL, *home = NULL, *shell = NULL;
	json_t *j, *mode;
	uint64_t gid = 0;

	split(line, f, 7);
	viv_slice_u64(f[3], UINT32_MAX, &gid);
	gecos = viv_slice_dup(f[4]);
	home = viv_slice_dup(f[5]);
	shell = viv_slice_dup(f[6]);
	j = json_pack("{s:I, s:I, s:s, s:s, s:s}", "uid", (json_int_t)uid, "gid", (json_int_t)gid,
		      "gecos", gecos, "home", home, "shell", shell);
	mode = home_mode(root, home, uid);
	if (j && mode)
		json_object_set(j, "homeMode", mode);
	json_decref(mode);
	return j;
}

/* A lock file with others would be refused from then on. */
static void record(json_t *list, struct viv_slice name, json_t *account)
{
	VIV_FREE char *text = viv_slice_dup(name);

	if (viv_lock_account_is_fine(text, account))
		json_object_set(list, text, account);
	json_decref(account);
}

json_t *viv_accounts_new(const char *root, const json_t *texts, const json_t *before)
{
	json_t *users = json_object(), *groups = json_object();
	const char *passwd = viv_json_str(texts, "passwd"), *group = viv_json_str(texts, "group");
	struct viv_slice rest = viv_slice(passwd ? passwd : ""), line, f[3];
	uint64_t id;

	while (viv_slice_line(&rest, &line)) {
		split(line, f, 3);
		if (!viv_slice_u64(f[2], LAST_ID, &id) || id < FIRST_ID ||
		    has_line(viv_json_str(before, "passwd"), f[0]))
			continue;
		record(users, f[0], user_of(root, line, id));
	}
	rest = viv_slice(group ? group : "");
	while (viv_slice_line(&rest, &line)) {
		split(line, f, 3);
		if (!viv_slice_u64(f[2], LAST_ID, &id) || id < FIRST_ID ||
		    has_line(viv_json_str(before, "group"), f[0]))
			continue;
		record(groups, f[0], json_integer((json_int_t)id));
	}
	return json_pack("{s:o, s:o}", "users", users, "groups", groups);
}

/* Without shadow passwords there is no shadow file. */
static int append(const char *root, const char *file, const struct viv_str *lines,
		  struct viv_error *err)
{
	VIV_ERROR now = VIV_ERROR_INIT;
	VIV_FD fd = -1;

	if (!lines->len)
		return 0;
	fd = open_one(root, file, O_APPEND, &now);
	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? viv_error_move(err, &now)
		      : viv_write_all(fd, lines->data, lines->len, file, err);
}

static int make_home(const char *root, const json_t *user, struct viv_error *err)
{
	const char *home = viv_json_str(user, "home");
	VIV_FREE char *parent = NULL;
	VIV_FD dir = -1, made = -1;
	uint64_t mode, uid = 0, gid = 0;
	int r;

	if (!viv_json_u64(user, "homeMode", 07777, &mode) || !home || home[0] != '/' ||
	    !viv_path_is_safe(home + 1))
		return 0;
	viv_json_u64(user, "uid", LAST_ID, &uid);
	viv_json_u64(user, "gid", UINT16_MAX, &gid);
	parent = viv_path_dir(home + 1);
	r = viv_mkdir_below(root, parent, 0755, err);
	dir = r < 0 ? r : viv_open_below(root, parent, O_PATH | O_DIRECTORY, 0, err);
	if (dir < 0)
		return dir;
	if (mkdirat(dir, viv_path_base(home), 0700) < 0)
		return errno == EEXIST ? 0 : viv_error_set(err, errno, "cannot make %s", home);
	made = openat(dir, viv_path_base(home), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0 || fchown(made, (uid_t)uid, (gid_t)gid) < 0 || fchmod(made, (mode_t)mode) < 0)
		return viv_error_set(err, errno, "cannot make %s", home);
	return 0;
}

/* Sorted: a lock that was just made has them in another order than one that was read. */
int viv_accounts_create(const char *root, const json_t *accounts, int64_t epoch,
			struct viv_error *err)
{
	const json_t *users = json_object_get(accounts, "users");
	const json_t *groups = json_object_get(accounts, "groups");
	VIV_STRV user_names = VIV_STRV_INIT, group_names = VIV_STRV_INIT;
	struct viv_str lines[4] = {0};
	VIV_JSON *now = NULL;
	int r = viv_accounts_read(root, &now, err);

	if (r < 0)
		return r;
	viv_json_keys(groups, &group_names);
	for (size_t i = 0; i < group_names.count; i++) {
		const char *name = group_names.items[i];

		if (has_line(viv_json_str(now, "group"), viv_slice(name)))
			continue;
		viv_str_addf(&lines[1], "%s:x:%d:\n", name,
			     (int)json_integer_value(json_object_get(groups, name)));
		viv_str_addf(&lines[3], "%s:!::\n", name);
	}
	viv_json_keys(users, &user_names);
	for (size_t i = 0; i < user_names.count; i++) {
		const char *name = user_names.items[i];
		const json_t *v = json_object_get(users, name);
		uint64_t uid = 0, gid = 0;

		if (has_line(viv_json_str(now, "passwd"), viv_slice(name)))
			continue;
		viv_json_u64(v, "uid", UINT16_MAX, &uid);
		viv_json_u64(v, "gid", UINT16_MAX, &gid);
		viv_str_addf(&lines[0], "%s:x:%" PRIu64 ":%" PRIu64 ":%s:%s:%s\n", name, uid, gid,
			     viv_json_str(v, "gecos"), viv_json_str(v, "home"),
			     viv_json_str(v, "shell"));
		viv_str_addf(&lines[2], "%s:!:%" PRId64 "::::::\n", name, epoch / DAY_SECONDS);
		r = make_home(root, v, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(files) && r == 0; i++)
		r = append(root, files[i], &lines[i], err);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++)
		viv_str_free(&lines[i]);
	return r;
}

int viv_accounts_clamp(const char *root, int64_t epoch, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT, out = VIV_STR_INIT;
	struct viv_slice rest, line;
	bool changed = false;
	VIV_FD fd = -1;
	int r = read_one(root, "shadow", &text, err);

	if (r < 0)
		return r;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		struct viv_slice f[3];
		const char *tail;
		uint64_t day;

		split(line, f, 3);
		tail = f[2].data + f[2].len;
		if (viv_slice_u64(f[2], UINT32_MAX, &day) && day > (uint64_t)(epoch / DAY_SECONDS)) {
			viv_str_add_bytes(&out, line.data, (size_t)(f[2].data - line.data));
			viv_str_addf(&out, "%" PRId64, epoch / DAY_SECONDS);
			viv_str_add_bytes(&out, tail, (size_t)(line.data + line.len - tail));
			changed = true;
		} else {
			viv_str_add_bytes(&out, line.data, line.len);
		}
		viv_str_add_char(&out, '\n');
	}
	/* In place: the file's owner and mode stay. */
	fd = changed ? open_one(root, "shadow", O_TRUNC, err) : -1;
	r = fd < 0 ? fd : viv_write_all(fd, out.data, out.len, "shadow", err);
	return changed ? r : 0;
}
