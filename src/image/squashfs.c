/* SPDX-License-Identifier: MIT */
#include "image/squashfs.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "image/tool.h"

#include <inttypes.h>
#include <unistd.h>

struct viv_pack_entry *viv_pack_add(struct viv_pack *p, char type, const char *path, unsigned mode,
				    const char *from, const char *origin)
{
	struct viv_pack_entry *e;

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->entries = viv_realloc(p->entries, p->cap * sizeof(*p->entries));
	}
	e = &p->entries[p->n];
	*e = (struct viv_pack_entry){.path = viv_strdup(path), .type = type, .mode = mode,
				     .from = viv_strdup(from), .origin = viv_strdup(origin),
				     .number = p->n++};
	return e;
}

void viv_pack_free(struct viv_pack *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->entries[i].path);
		free(p->entries[i].from);
		free(p->entries[i].origin);
	}
	free(p->entries);
	*p = (struct viv_pack){0};
}

const struct viv_pack_entry *viv_pack_find(const struct viv_pack *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (viv_streq(p->entries[i].path, path))
			return &p->entries[i];
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct viv_pack_entry *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : x->number < y->number ? -1 : x->number > y->number;
}

/* In quotes, as gensquashfs reads it. */
static void add_path(struct viv_str *s, const char *text)
{
	viv_str_add(s, "\"/");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			viv_str_add_char(s, '\\');
		viv_str_add_char(s, *text);
	}
	viv_str_add_char(s, '"');
}

static int add_line(struct viv_str *s, const struct viv_pack_entry *e, struct viv_error *err)
{
	const char *kind = e->type == 'f' ? "file" : e->type == 'l' ? "slink" : "dir";

	if (!viv_path_is_safe(e->path) || strpbrk(e->path, "\n\r") || (e->from && strpbrk(e->from, "\n\r")))
		return viv_error_say(err, EINVAL, "%s: an odd path: %s", e->origin, e->path);
	viv_str_addf(s, "%s ", kind);
	add_path(s, e->path);
	viv_str_addf(s, " %04o %u %u", e->mode, e->uid, e->gid);
	if (e->type != 'd') /* to the end of the line, as it is */
		viv_str_addf(s, " %s", e->from);
	viv_str_add_char(s, '\n');
	return 0;
}

static int describe(struct viv_pack *p, struct viv_str *ret, struct viv_error *err)
{
	int r = 0;

	qsort(p->entries, p->n, sizeof(*p->entries), compare);
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		const struct viv_pack_entry *e = &p->entries[i], *before = i ? e - 1 : NULL;

		if (before && viv_streq(before->path, e->path)) {
			if (before->type != 'd' || e->type != 'd')
				return viv_error_say(err, EEXIST, "%s: /%s is there already, from %s",
						     e->origin, e->path, before->origin);
			continue;
		}
		r = add_line(ret, e, err);
	}
	return r;
}

int viv_squashfs_write(struct viv_pack *p, const char *dest, int64_t time, struct viv_error *err)
{
	VIV_FREE char *list = viv_asprintf("%s.list", dest);
	VIV_FREE char *defaults = viv_asprintf("mtime=%" PRId64, time);
	VIV_FREE char *epoch = viv_asprintf("SOURCE_DATE_EPOCH=%" PRId64, time);
	VIV_FREE char *path = viv_asprintf("PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin");
	const char *env[] = {epoch, path, "LC_ALL=C", "TZ=UTC", NULL};
	/* zstd: quicker to read for an emulated processor than xz, and 9 % larger. Levels above are 2 % smaller. */
	const char *argv[] = {"gensquashfs", "--quiet", "--pack-file", list, "--pack-dir", "/", "--defaults",
			      defaults, "--compressor", "zstd", "--comp-extra", "level=15", dest, NULL};
	VIV_STR text = VIV_STR_INIT;
	int r = describe(p, &text, err);

	if (r == 0)
		r = viv_write_file(list, text.data ? text.data : "", text.len, 0644, err);
	if (r == 0)
		r = viv_image_tool(argv, env, NULL, "squashfs-tools-ng", err);
	unlink(list);
	return r;
}

int viv_squashfs_version(char **ret, struct viv_error *err)
{
	const char *argv[] = {"gensquashfs", "--version", NULL};
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line, word = {0};
	int r = viv_process_check(argv, &out, 65536, 10000, err);

	if (r == -ENOENT)
		viv_error_hint(err, "Install the package squashfs-tools-ng.");
	if (r < 0)
		return r;
	rest = (struct viv_slice){out.data, out.len};
	if (!viv_slice_line(&rest, &line))
		return viv_error_say(err, EIO, "gensquashfs --version says nothing");
	while (viv_slice_word(&line, &word)) /* "gensquashfs (squashfs-tools-ng) 1.2.0" */
		;
	*ret = viv_asprintf("gensquashfs %.*s", (int)word.len, word.data ? word.data : "");
	return 0;
}
