/* SPDX-License-Identifier: MIT */
#include "deb/fetch.h"

#include "base/fd.h"
#include "base/hold.h"
#include "base/path.h"
#include "base/process.h"
#include "deb/apt.h"
#include "deb/download.h"
#include "deb/layer.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* One archive on its way. */
struct want {
	const struct viv_lock_package *package;
	struct viv_store_build *build;
	json_t *recipe;
	char *partial; /* where it is downloaded to; stays if we are stopped */
	struct viv_strv uris;
	bool done;
	bool wrong; /* a mirror gave something else */
};

struct fetching {
	struct viv_apt *apt;
	const struct viv_lock *lock;
	struct want *wants;
	size_t n;
	struct viv_hold hold; /* else apt could not go on where it was */
};

/* "Sat, 15 Nov 2025 09:54:41 UTC" -> "20251115T095441Z" */
static char *snapshot_time(const char *date)
{
	struct tm t = {0};
	char text[32];
	const char *end = date ? strptime(date, "%a, %d %b %Y %H:%M:%S", &t) : NULL;

	if (!end)
		return NULL;
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &t);
	return viv_strdup(text);
}

static void add_snapshots(const struct fetching *f, const struct viv_lock_package *p,
			  struct viv_strv *uris)
{
	const json_t *index = json_object_get(f->lock->indexes, p->index);
	VIV_FREE char *when = snapshot_time(viv_json_str(index, "date"));
	bool security = strstr(p->index, "-security") != NULL;

	for (size_t i = 0; when && i < f->apt->snapshots.count; i++) {
		const char *m = f->apt->snapshots.items[i];

		if ((strstr(m, "security") != NULL) == security)
			viv_strv_pushf(uris, "%s%s/%s", m, when, p->path);
	}
}

/* Mirrors of the package's suite first, then the other ones, then snapshots. */
static void find_uris(const struct fetching *f, struct want *w)
{
	VIV_FREE char *suite = viv_strndup(w->package->index, strcspn(w->package->index, "/"));

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < f->apt->n_entries; i++) {
			const struct viv_apt_entry *e = &f->apt->entries[i];
			/* For file: apt would only make a link. */
			bool local = viv_starts_with(e->uri, "file:");
			VIV_FREE char *uri = viv_asprintf("%s%s%s", local ? "copy:" : "",
							  e->uri + (local ? 5 : 0), w->package->path);

			if (viv_streq(e->suite, suite) == (pass == 0) && !viv_strv_has(&w->uris, uri))
				viv_strv_push(&w->uris, uri);
		}
	add_snapshots(f, w->package, &w->uris);
}

static bool is_whole(const char *path, const struct viv_lock_package *p)
{
	VIV_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	char hex[VIV_SHA256_HEX];
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size == p->size &&
	       viv_sha256_of_fd(fd, path, hex, NULL) == 0 && viv_streq(hex, p->sha256);
}

/* Into the store's folder; across file systems by copying. */
static int move_file(const char *from, const char *to, struct viv_error *err)
{
	VIV_FD in = -1, out = -1;
	int r;

	if (rename(from, to) == 0)
		return 0;
	if (errno != EXDEV)
		return viv_error_set(err, errno, "cannot move %s", from);
	in = viv_open(from, O_RDONLY, 0, err);
	out = in < 0 ? in : viv_open(to, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	r = out < 0 ? out : viv_copy_content(in, out, to, err);
	if (r == 0)
		unlink(from);
	return r;
}

/*
 * Did a mirror give something else? apt puts what it refuses aside, and each version of it says so
 * in other words; what it left in place is as wrong if it has the full size. It is thrown away.
 */
static bool drop_wrong(const struct want *w)
{
	VIV_FREE char *refused = viv_asprintf("%s.FAILED", w->partial);
	struct stat st;

	if (unlink(refused) == 0)
		return true;
	return stat(w->partial, &st) == 0 && (uint64_t)st.st_size >= w->package->size &&
	       unlink(w->partial) == 0;
}

static int take_whole(struct fetching *f, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; i < f->n && r == 0; i++) {
		struct want *w = &f->wants[i];

		if (w->done)
			continue;
		if (is_whole(w->partial, w->package)) {
			r = move_file(w->partial, viv_store_build_path(w->build), err);
			w->done = r == 0;
		} else if (drop_wrong(w)) {
			w->wrong = true;
		}
	}
	return r;
}

/* One attempt: each missing archive from its k-th place. *ret_said: what the failures were. */
static int attempt(struct fetching *f, size_t k, struct viv_report *report, struct viv_str *ret_said,
		   bool *ret_tried, struct viv_error *err)
{
	struct viv_download *list = viv_new_array(struct viv_download, f->n);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < f->n; i++) {
		const struct want *w = &f->wants[i];

		if (!w->done && k < w->uris.count)
			list[n++] = (struct viv_download){w->uris.items[k], w->partial,
							  w->package->sha256, w->package->size};
	}
	*ret_tried = n > 0;
	r = n ? viv_download(f->apt, list, n, f->hold.fd, report, ret_said, err) : 0;
	free(list);
	return r == 0 ? take_whole(f, err) : r;
}

/* A source package is several files. */
static void add_want(const struct viv_lock_package *p, struct viv_str *names)
{
	viv_str_addf(names, "%s%s %s", names->len ? ", " : "", p->name, p->version);
	if (viv_streq(p->architecture, "source"))
		viv_str_addf(names, " (%s)", viv_path_base(p->path));
}

static int missing(const struct fetching *f, const struct viv_str *said, struct viv_error *err)
{
	VIV_STR names = VIV_STR_INIT;
	VIV_FREE char *text = viv_slice_dup(viv_slice_trim((struct viv_slice){said->data, said->len}));
	bool wrong = false;
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		wrong = wrong || (!f->wants[i].done && f->wants[i].wrong);
	for (size_t i = 0; i < f->n; i++)
		if (!f->wants[i].done && f->wants[i].wrong == wrong && n++ < 5)
			add_want(f->wants[i].package, &names);
	if (n > 5)
		viv_str_addf(&names, " and %zu more", n - 5);
	if (strstr(text, "No space left on device")) {
		viv_error_say(err, ENOSPC, "the disk is full: could not fetch %s", names.data);
		viv_error_hint(err, "Archives are fetched to XDG_CACHE_HOME (default: ~/.cache). What "
				    "was fetched is kept.");
		return -ENOSPC;
	}
	if (wrong) {
		viv_error_say(err, EBADMSG,
			      "a mirror's content of %s is not what the lock file says\n%s",
			      names.data, text);
		viv_error_hint(err, "It was thrown away. Try again later, or name another mirror in "
				    "packages.mirrors.");
		return -EBADMSG;
	}
	if (strstr(text, " 404 ") || strstr(text, "File not found") ||
	    strstr(text, "No such file or directory")) {
		viv_error_say(err, ENODATA, "no mirror has %s any more", names.data);
		viv_error_hint(err, "viv update takes newer versions; packages.snapshotMirrors names "
				    "archives that keep old ones.");
		return -ENODATA;
	}
	viv_error_say(err, ENETUNREACH, "could not fetch %s\n%s", names.data, text);
	viv_error_hint(err, "What was fetched is kept; the next attempt goes on from there.");
	return -ENETUNREACH;
}

static int fetch_all(struct fetching *f, struct viv_report *report, struct viv_error *err)
{
	VIV_STR said = VIV_STR_INIT;
	bool tried = true;
	int r = take_whole(f, err);

	for (size_t i = 0; i < f->n; i++) {
		f->wants[i].wrong = false; /* left from earlier */
		find_uris(f, &f->wants[i]);
	}
	for (size_t k = 0; r == 0 && tried; k++)
		r = attempt(f, k, report, &said, &tried, err);
	for (size_t i = 0; r == 0 && i < f->n; i++)
		if (!f->wants[i].done)
			r = missing(f, &said, err);
	return r;
}

/* Those that came are kept, also when others did not. */
static int commit(struct viv_store *store, struct fetching *f, struct viv_error *err)
{
	struct viv_store_commit *items = viv_new_array(struct viv_store_commit, f->n);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < f->n; i++) {
		struct want *w = &f->wants[i];

		if (w->done)
			items[n++] = (struct viv_store_commit){viv_steal(w->build), w->recipe, NULL,
							       w->package->sha256};
	}
	r = viv_store_commit_many(store, items, n, err);
	free(items);
	return r;
}

static void fetching_clear(struct fetching *f)
{
	for (size_t i = 0; i < f->n; i++) {
		viv_store_abort(f->wants[i].build);
		json_decref(f->wants[i].recipe);
		free(f->wants[i].partial);
		viv_strv_free(&f->wants[i].uris);
	}
	free(f->wants);
	if (f->apt)
		viv_apt_close(f->apt);
}

/* Each store has its own: within one, an archive is one process's to fetch. */
static char *partial_dir(const struct viv_store *store)
{
	VIV_FREE char *cache = viv_dir_cache();
	const char *root = viv_store_root(store);
	char hex[VIV_SHA256_HEX];

	viv_sha256_of(root, strlen(root), hex);
	return viv_asprintf("%s/archives/%.12s", cache, hex);
}

/* Takes the builds of what is not there. */
static int begin(struct viv_store *store, struct fetching *f,
		 const struct viv_lock_package *const *packages, size_t n,
		 struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *dir = partial_dir(store);
	struct viv_store_build **builds = viv_new_array(struct viv_store_build *, n);
	VIV_STRV ids = VIV_STRV_INIT;
	int r = viv_mkdir_p(dir, 0755, err);

	for (size_t i = 0; i < n; i++)
		viv_strv_take(&ids, viv_archive_id(packages[i]));
	if (r == 0)
		r = viv_store_begin_many(store, (const char *const *)ids.items, n, report, builds,
					 err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct want *w = &f->wants[f->n];

		if (!builds[i])
			continue;
		w->package = packages[i];
		w->build = builds[i];
		w->recipe = viv_archive_recipe(packages[i]);
		w->partial = viv_asprintf("%s/%s", dir, packages[i]->sha256);
		f->n++;
	}
	free(builds);
	return r;
}

int viv_deb_fetch(struct viv_store *store, const struct viv_deb_source *source,
		  const struct viv_lock *lock, const struct viv_lock_package *const *packages,
		  size_t n, struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(fetching_clear) struct fetching f = {
		.lock = lock, .wants = viv_new_array(struct want, n)};
	VIV_ERROR first = VIV_ERROR_INIT;
	uint64_t total = 0;
	int r = begin(store, &f, packages, n, report, err), c;

	if (r < 0 || !f.n)
		return r;
	r = viv_apt_open(source, false, report, &f.apt, err);
	if (r < 0)
		return r;
	/* Each archive is one process's to fetch; others need not wait for it. */
	f.apt->lock_fd = viv_close(f.apt->lock_fd);
	for (size_t i = 0; i < f.n; i++)
		total += f.wants[i].package->size;
	viv_hold_begin(&f.hold);
	viv_task_begin(report, total, "fetching %zu packages", f.n);
	r = fetch_all(&f, report, &first);
	c = commit(store, &f, first.code ? NULL : &first);
	viv_task_end(report, r == 0 && c == 0);
	viv_hold_end(&f.hold, r == -EINTR);
	return r < 0 || c < 0 ? viv_error_move(err, &first) : 0;
}
