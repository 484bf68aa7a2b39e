/* SPDX-License-Identifier: MIT */
#include "base/path.h"

#include "base/fd.h"

#include <dirent.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

char *viv_path_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	if (b[0] == '/' || n == 0)
		return viv_strdup(b);
	return viv_asprintf("%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

char *viv_path_clean(const char *path)
{
	struct viv_str s = VIV_STR_INIT;

	if (path[0] == '/')
		viv_str_add_char(&s, '/');
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n && !(n == 1 && path[0] == '.')) {
			if (s.len && s.data[s.len - 1] != '/')
				viv_str_add_char(&s, '/');
			viv_str_add_bytes(&s, path, n);
		}
		path += n + (path[n] == '/');
	}
	if (!s.len)
		viv_str_add_char(&s, '.');
	return viv_str_steal(&s);
}

char *viv_path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return viv_strdup(".");
	if (slash == path)
		return viv_strdup("/");
	return viv_strndup(path, (size_t)(slash - path));
}

const char *viv_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool viv_path_is_safe(const char *path)
{
	do {
		size_t n = strcspn(path, "/");

		if (n == 0 || (n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += n;
	} while (*path++ == '/');
	return true;
}

int viv_path_absolute(const char *path, char **ret, struct viv_error *err)
{
	VIV_FREE char *cwd = NULL, *joined = NULL;

	cwd = path[0] == '/' ? viv_strdup("/") : getcwd(NULL, 0);
	if (!cwd)
		return viv_error_set(err, errno, "the current folder");
	joined = viv_path_join(cwd, path);
	*ret = viv_path_clean(joined);
	return 0;
}

bool viv_path_is_within(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '\0' || path[n] == '/' || n == 1);
}

char *viv_path_relative(const char *folder, const char *path)
{
	VIV_STR out = VIV_STR_INIT;
	size_t same = 0;

	/* What both begin with, up to the end of a component. */
	for (size_t i = 0;; i++) {
		if ((!folder[i] || folder[i] == '/') && (!path[i] || path[i] == '/'))
			same = i;
		if (folder[i] != path[i] || !folder[i])
			break;
	}
	folder += same;
	path += same;
	while (*folder == '/' && folder[1]) {
		viv_str_add(&out, "../");
		folder += 1 + strcspn(folder + 1, "/");
	}
	viv_str_add(&out, *path == '/' ? path + 1 : path);
	if (out.len && out.data[out.len - 1] == '/')
		out.data[--out.len] = '\0';
	if (!out.len)
		viv_str_add(&out, ".");
	return viv_str_steal(&out);
}

bool viv_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int viv_mkdir_p(const char *path, mode_t mode, struct viv_error *err)
{
	VIV_FREE char *p = viv_path_clean(path);

	for (char *slash = p + 1;; slash++) {
		char c;

		slash += strcspn(slash, "/");
		c = *slash;
		*slash = '\0';
		if (mkdir(p, mode) < 0 && errno != EEXIST)
			return viv_error_set(err, errno, "cannot make the folder %s", p);
		*slash = c;
		if (!c)
			break;
	}
	return 0;
}

static int remove_at(int dir, const char *name)
{
	VIV_FD fd = -1;
	DIR *d;
	int r = 0;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != EACCES)
		return -errno;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	fd = -1;
	fchmod(dirfd(d), 0700);
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		if (viv_streq(e->d_name, ".") || viv_streq(e->d_name, ".."))
			continue;
		r = remove_at(dirfd(d), e->d_name);
	}
	closedir(d);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int viv_remove_tree(const char *path, struct viv_error *err)
{
	int r = remove_at(AT_FDCWD, path);

	if (r < 0)
		return viv_error_set(err, -r, "cannot remove %s", path);
	return 0;
}

int viv_sync_dir(const char *path, struct viv_error *err)
{
	VIV_FD fd = viv_open(path, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0)
		return fd;
	if (fsync(fd) < 0)
		return viv_error_set(err, errno, "%s", path);
	return 0;
}

static char *xdg(const char *variable, const char *below_home)
{
	const char *v = getenv(variable), *home = getenv("HOME");
	struct passwd *pw;

	if (v && v[0] == '/')
		return viv_path_join(v, "viv");
	if (!home || home[0] != '/') {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : "/";
	}
	return viv_asprintf("%s/%s/viv", home, below_home);
}

char *viv_dir_config(void)
{
	return xdg("XDG_CONFIG_HOME", ".config");
}

char *viv_dir_data(void)
{
	return xdg("XDG_DATA_HOME", ".local/share");
}

char *viv_dir_cache(void)
{
	return xdg("XDG_CACHE_HOME", ".cache");
}

char *viv_dir_state(void)
{
	return xdg("XDG_STATE_HOME", ".local/state");
}

int viv_dir_runtime(char **ret, struct viv_error *err)
{
	const char *v = getenv("XDG_RUNTIME_DIR");
	VIV_FREE char *dir = NULL;
	struct stat st;
	int r;

	/* After su or sudo it can be another user's, where root would leave folders in his way. */
	if (v && v[0] == '/' && stat(v, &st) == 0 && st.st_uid == getuid() && access(v, W_OK) == 0)
		dir = viv_path_join(v, "viv");
	else
		dir = viv_asprintf("/tmp/viv-%u", (unsigned)getuid());
	r = viv_mkdir_p(dir, 0700, err);
	if (r < 0)
		return r;
	if (lstat(dir, &st) < 0)
		return viv_error_set(err, errno, "%s", dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 022))
		return viv_error_say(err, EPERM, "%s belongs to somebody else or is open to others",
				     dir);
	*ret = viv_steal(dir);
	return 0;
}
