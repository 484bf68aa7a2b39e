/* SPDX-License-Identifier: MIT */
#include "deb/scrub.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/keystore.h"

#include <dirent.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYSTORE_MAX (16 << 20)

enum scrub_action {
	SCRUB_REMOVE,	/* the entry, whole */
	SCRUB_TRUNCATE, /* files become empty; folders are entered */
	SCRUB_KEYSTORE, /* the times in Java's become the tree's; another kind of store is removed */
};

/* Each name on the way is a pattern (fnmatch); what is not there is fine. */
static const struct {
	const char *path;
	enum scrub_action action;
	const char *comes_back;
} rows[] = {
	{"etc/machine-id", SCRUB_TRUNCATE, "systemd makes one at first boot"},
	{"var/lib/dbus/machine-id", SCRUB_REMOVE, "dbus links it to /etc/machine-id"},
	{"etc/ssh/ssh_host_*", SCRUB_REMOVE, "ssh-keygen -A at first boot"},
	{"etc/ssl/certs/ssl-cert-snakeoil.pem", SCRUB_REMOVE, "make-ssl-cert at first boot"},
	{"etc/ssl/private/ssl-cert-snakeoil.key", SCRUB_REMOVE, "make-ssl-cert at first boot"},
	{"etc/bind/rndc.key", SCRUB_REMOVE, "rndc-confgen -a at first boot"},
	{"etc/ssl/certs/java/cacerts", SCRUB_KEYSTORE, "update-ca-certificates -f, if it was removed"},
	/* Random numbers, times and memory's rubbish; their configuration in etc stays. */
	{"var/lib/postgresql/*/main", SCRUB_REMOVE, "initdb at first boot"},
	{"var/lib/mysql/[!d]*", SCRUB_REMOVE, "mariadb-install-db at first boot"},
	{"var/lib/mysql/d[!e]*", SCRUB_REMOVE, "mariadb-install-db at first boot"},
	{"var/cache/ldconfig/aux-cache", SCRUB_REMOVE, "the next ldconfig"},
	{"var/cache/fontconfig/*", SCRUB_REMOVE, "fc-cache, or the first program with fonts"},
	{"var/cache/man/*", SCRUB_REMOVE, "man-db.timer"},
	{"var/cache/apt/*.bin", SCRUB_REMOVE, "the next apt"},
	{"var/cache/apt/archives/*.deb", SCRUB_REMOVE, "not needed"},
	{"var/cache/apt/archives/lock", SCRUB_REMOVE, "the next apt"},
	{"var/lib/apt/lists/*_*", SCRUB_REMOVE, "apt update"},
	{"var/lib/apt/lists/lock", SCRUB_REMOVE, "apt update"},
	{"var/lib/apt/lists/auxfiles", SCRUB_REMOVE, "apt update"},
	{"var/lib/apt/lists/partial/*", SCRUB_REMOVE, "apt update"},
	{"var/lib/apt/extended_states*", SCRUB_REMOVE, "the next apt"},
	{"var/cache/debconf/*-old", SCRUB_REMOVE, "the next debconf"},
	{"var/lib/dpkg/*-old", SCRUB_REMOVE, "the next dpkg"},
	{"var/lib/dpkg/updates/*", SCRUB_REMOVE, "the next dpkg"},
	{"var/lib/systemd/random-seed", SCRUB_REMOVE, "systemd-random-seed at shutdown"},
	{"var/lib/systemd/credential.secret", SCRUB_REMOVE, "systemd-creds when wanted"},
	{"var/lib/urandom/random-seed", SCRUB_REMOVE, "urandom at shutdown"},
	{"var/log/dpkg.log", SCRUB_REMOVE, "the next dpkg"},
	{"var/log/alternatives.log", SCRUB_REMOVE, "the next update-alternatives"},
	{"var/log/bootstrap.log", SCRUB_REMOVE, "not needed"},
	{"var/log/apt/*", SCRUB_REMOVE, "the next apt"},
	{"var/log/journal/*", SCRUB_REMOVE, "systemd-journald"},
	{"var/log/*", SCRUB_TRUNCATE, "whoever writes it"},
	{"boot/initrd*", SCRUB_REMOVE, "the machine's own initrd is used"},
	{"root/.[!.]*_history", SCRUB_REMOVE, "not needed"},
	/* Everything but the folder lock, which /var/lock points to. */
	{"run/[!l]*", SCRUB_REMOVE, "memory, made at each boot"},
	{"run/l[!o]*", SCRUB_REMOVE, "memory, made at each boot"},
	{"run/lo[!c]*", SCRUB_REMOVE, "memory, made at each boot"},
	{"run/lock?*", SCRUB_REMOVE, "memory, made at each boot"},
	{"run/lock/*", SCRUB_REMOVE, "memory, made at each boot"},
	{"var/tmp/*", SCRUB_REMOVE, "not needed"},
};

static int truncate_below(int dir, const char *name, int depth)
{
	struct stat st;
	DIR *d;
	int fd, r = 0;

	if (depth > 16)
		return -ELOOP;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(st.st_mode)) {
		if (!st.st_size)
			return 0;
		fd = openat(dir, name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
		viv_close(fd);
		return fd < 0 ? -errno : 0;
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		r = -errno;
		viv_close(fd);
		return r;
	}
	for (struct dirent *e; r == 0 && (e = readdir(d));)
		if (!viv_streq(e->d_name, ".") && !viv_streq(e->d_name, ".."))
			r = truncate_below(dirfd(d), e->d_name, depth + 1);
	closedir(d);
	return r;
}

static int clean_keystore(int dir, const char *name, int64_t epoch, bool *ret_cleaned,
			  struct viv_error *err)
{
	VIV_STR store = VIV_STR_INIT;
	struct stat st;

	*ret_cleaned = false;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	VIV_FD fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || viv_read_to_end(fd, KEYSTORE_MAX, &store, name, NULL) < 0 ||
	    !viv_keystore_set_times(&store, (uint64_t)epoch))
		return 0;
	*ret_cleaned = true;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return viv_error_set(err, errno, "%s", name);
	return viv_write_all(fd, store.data, store.len, name, err);
}

static int clean(const char *path, int dir, const char *name, enum scrub_action action,
		 int64_t epoch, struct viv_error *err)
{
	bool cleaned = false;
	int r = 0;

	if (action == SCRUB_TRUNCATE) {
		r = truncate_below(dir, name, 0);
		return r < 0 ? viv_error_set(err, -r, "cannot empty %s", path) : 0;
	}
	if (action == SCRUB_KEYSTORE)
		r = clean_keystore(dir, name, epoch, &cleaned, err);
	return r < 0 || cleaned ? r : viv_remove_tree(path, err);
}

/*
 * All in `dir` that the pattern's first name matches; what follows it, in folders only: a package's link
 * must not lead us elsewhere.
 */
static int apply(const char *dir, const char *pattern, enum scrub_action action, int64_t epoch,
		 struct viv_error *err)
{
	size_t len = strcspn(pattern, "/");
	const char *rest = pattern[len] ? pattern + len + 1 : NULL;
	VIV_FREE char *first = viv_asprintf("%.*s", (int)len, pattern);
	VIV_STRV names = VIV_STRV_INIT;
	struct stat st;
	DIR *d = lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(dir) : NULL;
	int r = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		if (!viv_streq(e->d_name, ".") && !viv_streq(e->d_name, "..") &&
		    fnmatch(first, e->d_name, 0) == 0)
			viv_strv_push(&names, e->d_name);
	for (size_t i = 0; i < names.count && r == 0; i++) {
		VIV_FREE char *path = viv_path_join(dir, names.items[i]);

		r = rest ? apply(path, rest, action, epoch, err)
			 : clean(path, dirfd(d), names.items[i], action, epoch, err);
	}
	if (d)
		closedir(d);
	return r;
}

int viv_scrub(const char *root, int64_t epoch, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows) && r == 0; i++)
		r = apply(root, rows[i].path, rows[i].action, epoch, err);
	return r;
}

static const char *const host_keys[] = {"ssh_host_rsa_key", "ssh_host_ecdsa_key",
					"ssh_host_ed25519_key"};

int viv_scrub_prepare(const char *root, struct viv_error *err)
{
	int r = viv_mkdir_below(root, "etc/ssh", 0755, err);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(host_keys) && r == 0; i++) {
		static const char *const endings[] = {"", ".pub"};

		for (size_t k = 0; k < 2 && r == 0; k++) {
			VIV_FREE char *path = viv_asprintf("etc/ssh/%s%s", host_keys[i], endings[k]);
			VIV_FD fd = viv_open_below(root, path, O_WRONLY | O_CREAT, 0600, err);

			r = fd < 0 ? fd : 0;
		}
	}
	return r;
}
