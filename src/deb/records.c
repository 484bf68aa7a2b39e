/* SPDX-License-Identifier: MIT */
#include "deb/records.h"

#include "base/fd.h"
#include "base/path.h"

void viv_records_free(struct viv_records *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->items[i].name);
		free(r->items[i].version);
		free(r->items[i].text);
	}
	free(r->items);
	*r = (struct viv_records){0};
}

struct viv_slice viv_record_field(const char *stanza, const char *field)
{
	struct viv_slice rest = viv_slice(stanza), line;
	size_t n = strlen(field);

	while (viv_slice_line(&rest, &line))
		if (line.len > n && line.data[n] == ':' && strncasecmp(line.data, field, n) == 0)
			return viv_slice_trim(
				(struct viv_slice){line.data + n + 1, line.len - n - 1});
	return (struct viv_slice){"", 0};
}

static void add_one(struct viv_records *r, struct viv_slice text)
{
	VIV_FREE char *stanza = viv_asprintf("%.*s\n", (int)text.len, text.data);
	struct viv_slice name = viv_record_field(stanza, "Package");
	struct viv_slice version = viv_record_field(stanza, "Version");
	struct viv_record *x;

	if (!name.len || !version.len || text.len > 1 << 20)
		return;
	r->items = viv_grow(r->items, &r->cap, r->n + 1, sizeof(*r->items));
	x = &r->items[r->n++];
	x->name = viv_slice_dup(name);
	x->version = viv_slice_dup(version);
	x->text = viv_steal(stanza);
	r->sorted = false;
}

void viv_records_add(struct viv_records *r, struct viv_slice text)
{
	while (text.len) {
		const char *end = memmem(text.data, text.len, "\n\n", 2);
		size_t n = end ? (size_t)(end - text.data) : text.len;
		struct viv_slice one = viv_slice_trim((struct viv_slice){text.data, n});

		if (one.len)
			add_one(r, one);
		n += end ? 2 : 0;
		text.data += n;
		text.len -= n;
	}
}

static int compare(const void *a, const void *b)
{
	const struct viv_record *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->version, y->version);
}

const char *viv_records_find(struct viv_records *r, const char *name, const char *version)
{
	struct viv_record key = {.name = (char *)name, .version = (char *)version}, *found;

	if (!r->n)
		return NULL;
	if (!r->sorted)
		qsort(r->items, r->n, sizeof(*r->items), compare);
	r->sorted = true;
	found = bsearch(&key, r->items, r->n, sizeof(key), compare);
	return found ? found->text : NULL;
}

/* A name that no index has makes apt-cache fail, after it has printed the others. */
int viv_records_load(struct viv_apt *a, const struct viv_strv *wanted, struct viv_records *ret,
		     struct viv_error *err)
{
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_STR out = VIV_STR_INIT;
	int r;

	if (!wanted->count)
		return 0;
	viv_strv_push(&argv, "apt-cache");
	viv_strv_push(&argv, "show");
	viv_strv_push_all(&argv, (const char *const *)wanted->items);
	r = viv_apt_run(a, (const char *const *)argv.items, &out, NULL, out.len ? NULL : err);
	viv_records_add(ret, (struct viv_slice){out.data, out.len});
	return out.len ? 0 : r;
}

static char *kept_path(const char *sha256)
{
	VIV_FREE char *cache = viv_dir_cache();

	return viv_asprintf("%s/apt/records/%s", cache, sha256);
}

void viv_records_keep(struct viv_records *r, const struct viv_lock_layer *layer)
{
	for (size_t i = 0; i < layer->n_packages; i++) {
		const struct viv_lock_package *p = &layer->packages[i];
		const char *text = viv_records_find(r, p->name, p->version);
		VIV_FREE char *path = kept_path(p->sha256), *dir = viv_path_dir(path);

		if (!text || viv_exists(path) || viv_mkdir_p(dir, 0755, NULL) < 0)
			continue;
		/* Not synced: what is lost is asked for again, and the hash below finds damage. */
		VIV_FD fd = viv_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644, NULL);
		if (fd >= 0)
			viv_write_all(fd, text, strlen(text), path, NULL);
	}
}

void viv_records_recall(const struct viv_lock_layer *layer, struct viv_records *ret)
{
	for (size_t i = 0; i < layer->n_packages; i++) {
		const struct viv_lock_package *p = &layer->packages[i];
		VIV_FREE char *path = kept_path(p->sha256);
		VIV_STR text = VIV_STR_INIT;

		if (viv_records_find(ret, p->name, p->version))
			continue;
		if (viv_read_file(path, 1 << 20, &text, NULL) == 0 && text.len &&
		    viv_slice_eq(viv_record_field(text.data, "SHA256"), p->sha256))
			viv_records_add(ret, (struct viv_slice){text.data, text.len});
	}
}
