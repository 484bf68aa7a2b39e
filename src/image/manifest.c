/* SPDX-License-Identifier: MIT */
#include "image/tree.h"

#include <inttypes.h>
#include <sys/sysmacros.h>

#define LINES_MAX 4000000

static void add_escaped(struct viv_str *s, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p <= ' ' || *p == 0x7f || *p == '\\')
			viv_str_addf(s, "\\%03o", *p);
		else
			viv_str_add_char(s, (char)*p);
	}
}

static void write_entry(const struct viv_tree_entry *e, struct viv_str *s)
{
	viv_str_addf(s, "%c %04o %u %u %" PRIu64 " %" PRId64 " %s %s ", e->type, e->mode, e->uid,
		     e->gid, e->size, e->mtime, e->sha256[0] ? e->sha256 : "-",
		     e->caps ? e->caps : "-");
	add_escaped(s, e->path);
	if (e->target) {
		viv_str_add(s, " -> ");
		add_escaped(s, e->target);
	} else if (e->type == 'c' || e->type == 'b') {
		viv_str_addf(s, " -> %u:%u", major(e->rdev), minor(e->rdev));
	}
	viv_str_add_char(s, '\n');
}

void viv_tree_write_manifest(const struct viv_tree *t, struct viv_str *ret)
{
	for (size_t i = 0; i < t->n; i++)
		write_entry(&t->entries[i], ret);
}

/* NULL: a broken escape, or a byte that may not be there. */
static char *unescape(struct viv_slice s)
{
	VIV_STR out = VIV_STR_INIT;

	for (size_t i = 0; i < s.len; i++) {
		unsigned v = 0;

		if (s.data[i] == '\0')
			return NULL;
		if (s.data[i] != '\\') {
			viv_str_add_char(&out, s.data[i]);
			continue;
		}
		if (s.len - i < 4)
			return NULL;
		for (int k = 1; k <= 3; k++) {
			char c = s.data[i + (size_t)k];

			if (c < '0' || c > '7')
				return NULL;
			v = v * 8 + (unsigned)(c - '0');
		}
		if (v == 0 || v > 255)
			return NULL;
		viv_str_add_char(&out, (char)v);
		i += 3;
	}
	return viv_str_steal(&out);
}

static bool parse_octal(struct viv_slice s, unsigned max, unsigned *ret)
{
	unsigned v = 0;

	if (s.len == 0 || s.len > 6)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '7')
			return false;
		v = v * 8 + (unsigned)(s.data[i] - '0');
	}
	*ret = v;
	return v <= max;
}

static bool parse_time(struct viv_slice s, int64_t *ret)
{
	bool negative = s.len && s.data[0] == '-';
	uint64_t v;

	if (negative) {
		s.data++;
		s.len--;
	}
	if (!viv_slice_u64(s, INT64_MAX, &v))
		return false;
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

static bool parse_device(struct viv_slice s, dev_t *ret)
{
	const char *colon = s.len ? memchr(s.data, ':', s.len) : NULL;
	struct viv_slice a, b;
	uint64_t x, y;

	if (!colon)
		return false;
	a = (struct viv_slice){s.data, (size_t)(colon - s.data)};
	b = (struct viv_slice){colon + 1, s.len - a.len - 1};
	if (!viv_slice_u64(a, 0xfff, &x) || !viv_slice_u64(b, 0xfffff, &y))
		return false;
	*ret = makedev((unsigned)x, (unsigned)y);
	return true;
}

static bool parse_sums(struct viv_slice digest, struct viv_slice caps, struct viv_tree_entry *e)
{
	if (!viv_slice_eq(digest, "-")) {
		if (digest.len != VIV_SHA256_HEX - 1)
			return false;
		memcpy(e->sha256, digest.data, digest.len);
		if (!viv_sha256_is_hex(e->sha256))
			return false;
	}
	if (!viv_slice_eq(caps, "-")) {
		if (caps.len == 0 || caps.len > 128 || caps.len % 2)
			return false;
		e->caps = viv_slice_dup(caps);
		if (strspn(e->caps, "0123456789abcdef") != caps.len)
			return false;
	}
	return true;
}

static bool path_is_fine(const char *path)
{
	if (viv_streq(path, "."))
		return true;
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n <= 2 && strspn(p, ".") >= n))
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

static bool parse_target(struct viv_slice target, bool given, struct viv_tree_entry *e)
{
	if (e->type == 'c' || e->type == 'b')
		return given && parse_device(target, &e->rdev);
	if (e->type != 'l' && e->type != 'h')
		return !given;
	e->target = given ? unescape(target) : NULL;
	return e->target && (e->type == 'l' || path_is_fine(e->target));
}

static bool parse_line(struct viv_slice line, struct viv_tree_entry *e)
{
	struct viv_slice w[12];
	uint64_t uid, gid;
	size_t n = 0;

	while (n < VIV_ARRAY_SIZE(w) && viv_slice_word(&line, &w[n]))
		n++;
	if ((n != 9 && n != 11) || w[0].len != 1 || !memchr("fhdlcbps", w[0].data[0], 8) ||
	    (n == 11 && !viv_slice_eq(w[9], "->")))
		return false;
	e->type = w[0].data[0];
	if (!parse_octal(w[1], 07777, &e->mode) || !viv_slice_u64(w[2], UINT32_MAX - 1, &uid) ||
	    !viv_slice_u64(w[3], UINT32_MAX - 1, &gid) || !viv_slice_u64(w[4], INT64_MAX, &e->size) ||
	    !parse_time(w[5], &e->mtime) || !parse_sums(w[6], w[7], e))
		return false;
	e->uid = (uid_t)uid;
	e->gid = (gid_t)gid;
	e->path = unescape(w[8]);
	return e->path && path_is_fine(e->path) &&
	       parse_target(n == 11 ? w[10] : (struct viv_slice){0}, n == 11, e);
}

int viv_tree_read_manifest(const char *text, size_t len, const char *what, struct viv_tree *ret,
			   struct viv_error *err)
{
	struct viv_slice rest = {text, len}, line;
	VIV_TREE t = VIV_TREE_INIT;

	while (viv_slice_line(&rest, &line)) {
		struct viv_tree_entry *e;

		if (t.n >= LINES_MAX)
			return viv_error_say(err, EFBIG, "%s has too many lines", what);
		t.entries = viv_grow(t.entries, &t.cap, t.n + 1, sizeof(*t.entries));
		e = &t.entries[t.n++];
		*e = (struct viv_tree_entry){0};
		if (!parse_line(line, e))
			return viv_error_say(err, EINVAL, "%s:%zu: not a manifest's line", what,
					     t.n);
		if (t.n > 1 && strcmp(e[-1].path, e->path) >= 0)
			return viv_error_say(err, EINVAL, "%s:%zu: not in order", what, t.n);
	}
	viv_tree_free(ret);
	*ret = t;
	t = VIV_TREE_INIT;
	return 0;
}
