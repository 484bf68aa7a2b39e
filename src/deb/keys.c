/* SPDX-License-Identifier: MIT */
#include "deb/scrub.h"

#include "base/fd.h"
#include "base/path.h"

#include <dirent.h>
#include <unistd.h>

/* What is larger is no key and no text with one. */
#define KEY_FILE_MAX (8 << 20)
#define LIST_MAX     (64 << 20)

static bool has(struct viv_slice s, const char *what)
{
	return s.len && memmem(s.data, s.len, what, strlen(what));
}

static bool begins(struct viv_slice s, const char *what)
{
	return s.len >= strlen(what) && memcmp(s.data, what, strlen(what)) == 0;
}

/*
 * "-----BEGIN … PRIVATE KEY-----" (RFC 7468, OpenSSH) or "… PRIVATE KEY BLOCK-----" (RFC 9580) and a
 * line's end, which may be written as "\n". Programs that only know of keys have no line's end there.
 */
static bool is_armor(struct viv_slice s)
{
	static const char *const ends[] = {"PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"};

	s.len = VIV_MIN(s.len, 80u);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(ends); i++) {
		const char *p = memmem(s.data, s.len, ends[i], strlen(ends[i]));
		const char *after = p ? p + strlen(ends[i]) : NULL;

		if (p && !memchr(s.data, '\n', (size_t)(p - s.data)) && after < s.data + s.len &&
		    memchr("\r\n\\", *after, 3))
			return true;
	}
	return false;
}

static bool has_armor(struct viv_slice s)
{
	static const char mark[] = "-----BEGIN ";

	for (const char *p; s.len && (p = memmem(s.data, s.len, mark, sizeof(mark) - 1));) {
		s.len -= (size_t)(p - s.data) + 1;
		s.data = p + 1;
		if (is_armor(s))
			return true;
	}
	return false;
}

/* A secret-key packet as the first (RFC 9580: 4.2, 5.5): length, version, time, a known algorithm. */
static bool is_openpgp(struct viv_slice s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	size_t at;

	if (s.len < 64)
		return false;
	if (p[0] == 0x94 || p[0] == 0x95)
		at = p[0] == 0x94 ? 2 : 3;
	else if (p[0] == 0xc5)
		at = p[1] < 192 ? 2 : p[1] < 224 ? 3 : 6;
	else
		return false;
	return p[at] >= 4 && p[at] <= 6 && memchr("\1\2\3\20\21\22\23\26\31\32\33\34", p[at + 5], 12);
}

/* gpg-agent's files (libgcrypt's S-expressions), PuTTY's, and those of the SSH of old. */
static bool is_other(struct viv_slice s)
{
	return begins(s, "PuTTY-User-Key-File-") || begins(s, "(11:private-key") ||
	       begins(s, "(21:protected-private-key") || begins(s, "SSH PRIVATE KEY FILE FORMAT") ||
	       has((struct viv_slice){s.data, VIV_MIN(s.len, 4096u)}, "\nKey: (private-key") ||
	       has((struct viv_slice){s.data, VIV_MIN(s.len, 4096u)}, "\nKey: (protected-private-key") ||
	       begins(s, "Key: (private-key") || begins(s, "Key: (protected-private-key") ||
	       begins(s, "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY");
}

bool viv_scrub_is_key(struct viv_slice content)
{
	return has_armor(content) || is_openpgp(content) || is_other(content);
}

/* The same file's name in a tree whose /bin, /lib… are links below usr. */
static char *merged_name(struct viv_slice line)
{
	static const char *const moved[] = {"bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/"};
	struct viv_slice name = {line.data + 1, line.len - 1};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(moved); i++)
		if (begins(name, moved[i]))
			return viv_asprintf("usr/%.*s", (int)name.len, name.data);
	return viv_slice_dup(name);
}

/* All that the packages' lists name, sorted. */
static int list_shipped(const char *root, struct viv_strv *ret, struct viv_error *err)
{
	static const char info[] = "var/lib/dpkg/info";
	int fd = viv_open_below(root, info, O_RDONLY | O_DIRECTORY, 0, err), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		viv_close(fd);
		return fd < 0 ? fd : viv_error_set(err, errno, "%s", info);
	}
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		VIV_FREE char *path = viv_asprintf("%s/%s", info, e->d_name);
		VIV_STR text = VIV_STR_INIT;
		struct viv_slice rest, line;

		if (!viv_ends_with(e->d_name, ".list"))
			continue;
		r = viv_read_below(root, path, LIST_MAX, &text, err);
		rest = (struct viv_slice){text.data, text.len};
		while (viv_slice_line(&rest, &line))
			if (line.len > 1 && line.data[0] == '/')
				viv_strv_take(ret, merged_name(line));
	}
	closedir(d);
	viv_strv_sort(ret);
	return r;
}

static int compare(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

static bool is_in(const struct viv_strv *sorted, const char *path)
{
	return sorted->count &&
	       bsearch(path, sorted->items, sorted->count, sizeof(char *), compare);
}

/* x/__pycache__/y.cpython-313.pyc, made when x/y.py was installed: it holds what that holds. */
static bool is_compiled(const struct viv_strv *shipped, const char *path)
{
	static const char cache[] = "/__pycache__/";
	const char *p = strstr(path, cache), *name = p ? p + sizeof(cache) - 1 : NULL;
	VIV_FREE char *source = NULL;

	if (!p || !viv_ends_with(path, ".pyc"))
		return false;
	source = viv_asprintf("%.*s/%.*s.py", (int)(p - path), path, (int)strcspn(name, "."), name);
	return is_in(shipped, source);
}

/* Where secrets are kept. Elsewhere a package's keys are examples and tests, which everybody has. */
static bool is_state(const char *path)
{
	static const char *const dirs[] = {"etc/", "root/", "home/", "srv/", "var/"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(dirs); i++)
		if (viv_starts_with(path, dirs[i]))
			return true;
	return false;
}

static int check_one(const char *root, const struct viv_tree_entry *e, bool shipped,
		     struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	int r = viv_read_below(root, e->path, KEY_FILE_MAX, &text, err);

	if (r < 0 || !viv_scrub_is_key((struct viv_slice){text.data, text.len}))
		return r;
	viv_error_say(err, EACCES, "a package%s the private key /%s",
		      shipped ? " ships" : "'s script made", e->path);
	viv_error_hint(err, "Secrets never enter the store: let the machine make the key when it "
			    "boots.");
	return -EACCES;
}

int viv_scrub_check_keys(const char *root, const struct viv_tree *before,
			 const struct viv_tree *now, struct viv_error *err)
{
	VIV_STRV shipped = VIV_STRV_INIT;
	int r = list_shipped(root, &shipped, err);

	for (size_t i = 0; i < now->n && r == 0; i++) {
		const struct viv_tree_entry *e = &now->entries[i], *old;
		bool is_shipped;

		/* dpkg's own: the packages' scripts, which ask for a key by its mark. */
		if (e->type != 'f' || !e->size || e->size > KEY_FILE_MAX ||
		    viv_starts_with(e->path, "var/lib/dpkg/"))
			continue;
		is_shipped = is_in(&shipped, e->path) || is_compiled(&shipped, e->path);
		if (is_shipped && !is_state(e->path))
			continue;
		old = before ? viv_tree_find(before, e->path) : NULL;
		if (!old || !viv_streq(old->sha256, e->sha256))
			r = check_one(root, e, is_shipped, err);
	}
	return r;
}
