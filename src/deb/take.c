/* SPDX-License-Identifier: MIT */
#include "deb/take.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"
#include "deb/contents.h"
#include "deb/elf.h"
#include "deb/fetch.h"
#include "deb/import.h"
#include "deb/layer.h"
#include "deb/records.h"
#include "deb/scripts.h"

#include <sys/stat.h>

#define MAX_FILE    (512 << 20)
#define MAX_CONTROL (1 << 20)

struct package {
	const struct viv_lock_package *lock;
	const struct viv_take_package *asked; /* NULL: for its libraries */
	char *archive;
	struct viv_contents contents;
	struct viv_strv depends;
};

struct work {
	const struct viv_take_request *req;
	struct viv_report *report;
	struct package *packages;
	size_t n, cap;
};

void viv_take_depends(struct viv_slice field, struct viv_strv *ret)
{
	const char *p = field.data, *end = field.data + field.len;

	while (p < end) {
		const char *start;

		while (p < end && strchr(" ,|\t\n", *p))
			p++;
		for (start = p; p < end && !strchr(" ,|:(\t\n", *p);)
			p++;
		if (p > start)
			viv_strv_take(ret, viv_strndup(start, (size_t)(p - start)));
		while (p < end && *p != ',' && *p != '|')
			p++;
	}
}

static void free_work(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct package *p = &w->packages[i];

		viv_contents_free(&p->contents);
		free(p->archive);
		viv_strv_free(&p->depends);
	}
	free(w->packages);
}

static int read_text(const char *archive, struct archive *tar, struct archive_entry *e, struct viv_str *ret,
		     struct viv_error *err)
{
	la_ssize_t n;

	do {
		n = sym_archive_read_data(tar, viv_str_reserve(ret, 65536), 65536);
		viv_str_added(ret, n > 0 ? (size_t)n : 0);
	} while (n > 0 && ret->len < MAX_CONTROL);
	if (n != 0)
		return viv_error_say(err, EBADMSG, "%s has no readable %s", archive,
				     viv_path_base(sym_archive_entry_pathname(e)));
	return 0;
}

static int read_control(struct archive *tar, struct archive_entry *e, void *arg, struct viv_error *err)
{
	static const char *const fields[] = {"Pre-Depends", "Depends"};
	struct package *p = arg;
	VIV_STR text = VIV_STR_INIT;
	int r;

	if (!viv_streq(viv_path_base(sym_archive_entry_pathname(e)), "control"))
		return 0;
	r = read_text(p->archive, tar, e, &text, err);
	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(fields); i++)
		viv_take_depends(viv_record_field(text.data ? text.data : "", fields[i]), &p->depends);
	return r < 0 ? r : 1;
}

static bool is_loaded(const struct work *w, const struct viv_lock_package *lock)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->packages[i].lock == lock)
			return true;
	return false;
}

/* Fetches packages, and reads what is in them. */
static int load(struct work *w, const struct viv_lock_package *const *list, size_t n, struct viv_error *err)
{
	int r = viv_dl_libarchive(err);

	if (r == 0 && n)
		r = viv_deb_fetch(w->req->store, w->req->source, w->req->lock, list, n, w->report, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		VIV_FREE char *id = viv_archive_id(list[i]);
		struct package *p;

		if (w->n == w->cap) {
			w->cap = w->cap ? 2 * w->cap : 16;
			w->packages = viv_realloc(w->packages, w->cap * sizeof(*w->packages));
		}
		p = &w->packages[w->n++];
		*p = (struct package){.lock = list[i], .archive = viv_store_object_path(w->req->store, id)};
		r = viv_deb_each_entry(p->archive, "control.tar", read_control, p, err);
		if (r >= 0)
			r = viv_contents_read(p->archive, &p->contents, err);
	}
	return r;
}

static int choose_by_patterns(struct package *p, struct viv_error *err)
{
	const struct viv_strv *patterns = p->asked->patterns;

	if (!patterns->count)
		viv_contents_choose_all(&p->contents);
	for (size_t i = 0; i < patterns->count; i++)
		if (!viv_contents_choose_matching(&p->contents, patterns->items[i]))
			return viv_error_say(err, ENOENT, "%s.files: \"%s\" matches no file of %s %s",
					     p->asked->place, patterns->items[i], p->lock->name,
					     p->lock->version);
	return 0;
}

struct extracting {
	struct package *package;
	const char *folder;
	struct viv_strv *fresh;
};

static int extract_entry(struct archive *tar, struct archive_entry *e, void *arg, struct viv_error *err)
{
	struct extracting *x = arg;
	VIV_FREE char *path = viv_take_path(sym_archive_entry_pathname(e));
	struct viv_contents_file *f = path ? viv_contents_find(&x->package->contents, path) : NULL;
	VIV_FREE char *to = NULL, *dir = NULL;
	VIV_STR text = VIV_STR_INIT;
	la_ssize_t n;
	int r;

	if (!f || f->type != 'f' || !f->chosen || f->extracted)
		return 0;
	to = viv_path_join(x->folder, path);
	dir = viv_path_dir(to);
	do {
		n = sym_archive_read_data(tar, viv_str_reserve(&text, 1 << 20), 1 << 20);
		viv_str_added(&text, n > 0 ? (size_t)n : 0);
	} while (n > 0 && text.len < MAX_FILE);
	if (n != 0)
		return viv_error_say(err, EBADMSG, "%s: cannot unpack %s", x->package->archive, path);
	r = viv_mkdir_p(dir, 0755, err);
	if (r == 0)
		r = viv_write_file(to, text.data ? text.data : "", text.len, 0644, err);
	f->extracted = true;
	viv_strv_push(x->fresh, path);
	return r;
}

/* Unpacks what was chosen since the last time; the paths are pushed to *fresh. */
static int extract(const struct work *w, struct package *p, struct viv_strv *fresh, struct viv_error *err)
{
	struct extracting x = {p, w->req->folder, fresh};

	for (size_t i = 0; i < p->contents.n; i++)
		if (p->contents.files[i].type == 'f' && p->contents.files[i].chosen && !p->contents.files[i].extracted)
			return viv_deb_each_entry(p->archive, "data.tar", extract_entry, &x, err);
	return 0;
}

/* Something that a file needs and that is not there yet. */
struct need {
	char *name; /* a library's name, or a program interpreter's path */
	char *of;   /* the file that needs it */
	size_t package; /* whose it is */
};

struct needs {
	struct need *items;
	size_t n;
};

static void free_needs(struct needs *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->items[i].name);
		free(n->items[i].of);
	}
	free(n->items);
	*n = (struct needs){0};
}

static void add_need(struct needs *n, const char *name, const char *of, size_t package)
{
	for (size_t i = 0; i < n->n; i++)
		if (viv_streq(n->items[i].name, name) && n->items[i].package == package)
			return;
	n->items = viv_realloc(n->items, (n->n + 1) * sizeof(*n->items));
	n->items[n->n++] = (struct need){viv_strdup(name), viv_strdup(of), package};
}

static bool satisfies(const struct viv_contents_file *f, const char *name)
{
	VIV_FREE char *path = strchr(name, '/') ? viv_take_path(name) : NULL;

	if (f->type == 'd')
		return false;
	return path ? viv_streq(f->path, path)
		    : viv_starts_with(f->path, "usr/lib") && viv_streq(viv_path_base(f->path), name);
}

/* Chooses the library in one of the packages read so far; what is chosen already is best. */
static bool find_library(struct work *w, const char *name)
{
	for (int chosen = 1; chosen >= 0; chosen--)
		for (size_t i = 0; i < w->n; i++) {
			struct viv_contents *c = &w->packages[i].contents;

			for (size_t k = 0; k < c->n; k++)
				if (c->files[k].chosen == chosen && satisfies(&c->files[k], name)) {
					viv_contents_choose(c, &c->files[k]);
					return true;
				}
		}
	return false;
}

/* Unpacks what is chosen and notes what it needs, until nothing new is found in the packages read. */
static int close_over(struct work *w, struct needs *open, struct viv_error *err)
{
	unsigned machine = viv_elf_machine(w->req->source->architecture);
	bool more = true;
	int r = 0;

	while (more && r == 0) {
		more = false;
		for (size_t i = 0; r == 0 && i < w->n; i++) {
			VIV_STRV fresh = VIV_STRV_INIT;

			r = extract(w, &w->packages[i], &fresh, err);
			more |= fresh.count > 0;
			for (size_t k = 0; r == 0 && k < fresh.count; k++) {
				VIV_CLEANUP(viv_elf_needs_free) struct viv_elf_needs n = {0};
				VIV_FREE char *path = viv_path_join(w->req->folder, fresh.items[k]);
				VIV_STR data = VIV_STR_INIT;

				r = viv_read_file(path, MAX_FILE, &data, err);
				if (r == 0)
					r = viv_elf_needs(data.data, data.len, machine, fresh.items[k], &n, err);
				for (size_t l = 0; r == 0 && l < n.libraries.count; l++)
					add_need(open, n.libraries.items[l], fresh.items[k], i);
				if (r == 0 && n.interpreter)
					add_need(open, n.interpreter, fresh.items[k], i);
			}
		}
		for (size_t i = 0; r == 0 && i < open->n;) {
			if (!find_library(w, open->items[i].name)) {
				i++;
				continue;
			}
			free(open->items[i].name);
			free(open->items[i].of);
			open->items[i] = open->items[--open->n];
			more = true;
		}
	}
	return r;
}

/* Reads what the packages depend on that still need something. 0: nothing new. */
static int load_depended_on(struct work *w, const struct needs *open, bool libraries, struct viv_error *err)
{
	const struct viv_lock_package **list = NULL;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < open->n; i++) {
		const struct viv_strv *depends = &w->packages[open->items[i].package].depends;

		for (size_t k = 0; k < depends->count; k++) {
			const struct viv_lock_package *p = viv_lock_find(w->req->lock, depends->items[k]);
			bool known = !p || is_loaded(w, p) || (libraries && !strstr(p->name, "lib"));

			for (size_t l = 0; l < n && !known; l++)
				known = list[l] == p;
			if (known)
				continue;
			list = viv_realloc(list, (n + 1) * sizeof(*list));
			list[n++] = p;
		}
	}
	r = load(w, list, n, err);
	free(list);
	return r < 0 ? r : (int)n;
}

static int find_libraries(struct work *w, struct viv_error *err)
{
	VIV_CLEANUP(free_needs) struct needs open = {0};
	int r;

	for (;;) {
		r = close_over(w, &open, err);
		if (r < 0 || !open.n)
			return r;
		r = load_depended_on(w, &open, true, err);
		if (r == 0)
			r = load_depended_on(w, &open, false, err);
		if (r < 0)
			return r;
		if (r == 0)
			return viv_error_say(err, ENOENT, "/%s of the package %s needs %s, which no package "
					     "that it depends on has", open.items[0].of,
					     w->packages[open.items[0].package].lock->name,
					     open.items[0].name);
	}
}

static void pack(const struct work *w, struct viv_pack *ret)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct viv_contents *c = &w->packages[i].contents;
		VIV_FREE char *origin = viv_asprintf("package %s", w->packages[i].lock->name);

		for (size_t k = 0; k < c->n; k++) {
			const struct viv_contents_file *f = &c->files[k], *real = viv_contents_real(c, f);
			struct viv_pack_entry *e;
			bool hard = f->type == 'h';
			VIV_FREE char *from = f->type == 'l' ? viv_strdup(f->target) : f->type == 'd' ? NULL
				: viv_path_join(w->req->folder, hard ? f->target : f->path);

			if (!f->chosen)
				continue;
			e = viv_pack_add(ret, hard ? 'f' : f->type, f->path, real->mode, from, origin);
			e->uid = real->uid;
			e->gid = real->gid;
		}
	}
}

static int find_epoch(const struct work *w, int64_t *ret, struct viv_error *err)
{
	int64_t newest = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		int64_t t = 0;

		r = viv_deb_epoch(w->packages[i].archive, &t, err);
		newest = VIV_MAX(newest, t);
	}
	if (r == 0)
		*ret = newest;
	return r;
}

void viv_take_wishes_free(struct viv_take_wishes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->items[i].package);
		free(w->items[i].where);
		free(w->items[i].command);
	}
	free(w->items);
	*w = (struct viv_take_wishes){0};
}

struct wishing {
	const struct package *package;
	struct viv_take_wishes *wishes;
};

static int read_wishes(struct archive *tar, struct archive_entry *e, void *arg, struct viv_error *err)
{
	const struct wishing *x = arg;
	VIV_FREE char *path = viv_take_path(sym_archive_entry_pathname(e));
	bool sysusers = path && viv_starts_with(path, "usr/lib/sysusers.d/");
	VIV_STR text = VIV_STR_INIT;
	VIV_STRV commands = VIV_STRV_INIT;
	int r;

	if (!path || !(sysusers || viv_streq(path, "preinst") || viv_streq(path, "postinst")) ||
	    sym_archive_entry_filetype(e) != AE_IFREG)
		return 0;
	r = read_text(x->package->archive, tar, e, &text, err);
	(sysusers ? viv_script_sysusers : viv_script_commands)((struct viv_slice){text.data, text.len}, &commands);
	for (size_t i = 0; r == 0 && i < commands.count; i++) {
		struct viv_take_wishes *w = x->wishes;

		w->items = viv_realloc(w->items, (w->n + 1) * sizeof(*w->items));
		w->items[w->n++] = (struct viv_take_wish){viv_strdup(x->package->asked->name),
							  viv_strdup(path), viv_strdup(commands.items[i])};
	}
	return r;
}

static bool has_sysusers(const struct viv_contents *c)
{
	return viv_contents_find(c, "usr/lib/sysusers.d") != NULL;
}

static int find_wishes(const struct work *w, struct viv_take_wishes *ret, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		struct wishing x = {&w->packages[i], ret};

		if (!x.package->asked)
			continue;
		r = viv_deb_each_entry(x.package->archive, "control.tar", read_wishes, &x, err);
		if (r == 0 && has_sysusers(&x.package->contents))
			r = viv_deb_each_entry(x.package->archive, "data.tar", read_wishes, &x, err);
	}
	return r;
}

static int load_asked(struct work *w, struct viv_error *err)
{
	const struct viv_take_request *req = w->req;
	VIV_FREE const struct viv_lock_package **list =
		viv_new_array(const struct viv_lock_package *, req->n_packages);
	int r = 0;

	for (size_t i = 0; i < req->n_packages; i++) {
		list[i] = viv_lock_find(req->lock, req->packages[i].name);
		if (!list[i])
			return viv_error_say(err, ENOENT, "%s: the lock file has no package %s",
					     req->packages[i].place, req->packages[i].name);
	}
	r = load(w, list, req->n_packages, err);
	for (size_t i = 0; r == 0 && i < req->n_packages; i++) {
		w->packages[i].asked = &req->packages[i];
		r = choose_by_patterns(&w->packages[i], err);
	}
	return r;
}

int viv_deb_take(const struct viv_take_request *req, struct viv_report *report, struct viv_pack *ret,
		 int64_t *ret_epoch, struct viv_take_wishes *ret_wishes, struct viv_error *err)
{
	VIV_CLEANUP(free_work) struct work w = {.req = req, .report = report};
	int r = load_asked(&w, err);

	if (r == 0)
		r = find_libraries(&w, err);
	if (r == 0)
		r = find_epoch(&w, ret_epoch, err);
	if (r == 0)
		r = find_wishes(&w, ret_wishes, err);
	if (r == 0)
		pack(&w, ret);
	return r;
}
