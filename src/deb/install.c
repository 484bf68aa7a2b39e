/* SPDX-License-Identifier: MIT */
#include "deb/install.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/accounts.h"
#include "deb/bootstrap.h"
#include "deb/dpkg.h"
#include "deb/import.h"
#include "deb/pool.h"
#include "deb/scrub.h"
#include "deb/without.h"
#include "image/diff.h"
#include "image/erofs.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT_TIMEOUT_MS (10 * 60 * 1000)
#define MANIFEST_MAX	  (1 << 30)

/* An image being written by another process while the next layer is installed. */
struct writing {
	pid_t pid; /* 0: none */
	char *tree;
	struct viv_tree manifest;
};

/* The state of the work inside. */
struct work {
	const struct viv_install *job;
	const struct viv_sandbox_view *view;
	struct viv_report *report;
	struct viv_import_job *imports;
	size_t n_imports;
	struct viv_import_pool *pool; /* NULL: nothing to import */
	char *root;
	struct viv_tree now;  /* the tree as of the layer before; hashed */
	int64_t epoch;
	json_t *texts;	      /* accounts as of the layer before */
	json_t *new_accounts; /* by layer */
	struct writing writing;
	int writing_fd; /* what went wrong with it, in words */
};

static char *in_scratch(const struct work *w, const char *name)
{
	return viv_path_join(w->view->scratch, name);
}

/* Imports: what dpkg needs to begin comes first, the largest of it at once; then as it is unpacked. */

static int by_size(const void *a, const void *b)
{
	const struct viv_install_deb *x = *(struct viv_install_deb *const *)a;
	const struct viv_install_deb *y = *(struct viv_install_deb *const *)b;

	if (x->package->size != y->package->size)
		return x->package->size < y->package->size ? 1 : -1;
	return strcmp(x->package->name, y->package->name);
}

static struct viv_install_deb *find_deb(const struct viv_install_layer *layer, const char *name)
{
	const struct viv_lock_package *p = viv_lock_layer_find(layer->lock, name);

	return p ? &layer->debs[p - layer->lock->packages] : NULL;
}

static void queue(struct work *w, const struct viv_install_deb *deb, bool urgent)
{
	if (!deb || !deb->import)
		return;
	for (size_t i = 0; i < w->n_imports; i++)
		if (viv_streq(w->imports[i].id, deb->id))
			return;
	w->imports[w->n_imports++] = (struct viv_import_job){in_scratch(w, deb->archive),
							     in_scratch(w, deb->plain), deb->id,
							     urgent};
}

static void queue_layer(struct work *w, const struct viv_install_layer *layer)
{
	const struct viv_lock_layer *l = layer->lock;
	VIV_FREE struct viv_install_deb **first =
		viv_new_array(struct viv_install_deb *, l->bootstrap.count);

	for (size_t i = 0; i < l->bootstrap.count; i++)
		first[i] = find_deb(layer, l->bootstrap.items[i]);
	qsort(first, l->bootstrap.count, sizeof(struct viv_install_deb *), by_size);
	for (size_t i = 0; i < l->bootstrap.count; i++)
		queue(w, first[i], true);
	for (size_t i = 0; i < l->unpack.count; i++)
		queue(w, find_deb(layer, l->unpack.items[i]), false);
}

static int start_imports(struct work *w, struct viv_error *err)
{
	size_t most = 0;

	for (size_t i = 0; i < w->job->n_layers; i++)
		most += w->job->layers[i].lock->n_packages;
	w->imports = viv_new_array(struct viv_import_job, most);
	for (size_t i = 0; i < w->job->n_layers; i++)
		if (!w->job->layers[i].there)
			queue_layer(w, &w->job->layers[i]);
	return w->n_imports ? viv_import_pool_start(w->imports, w->n_imports, &w->pool, err) : 0;
}

static int wait_import(struct work *w, const struct viv_install_deb *deb, struct viv_error *err)
{
	for (size_t i = 0; deb->import && i < w->n_imports; i++)
		if (viv_streq(w->imports[i].id, deb->id))
			return viv_import_pool_wait(w->pool, i, err);
	return 0;
}

/* /tmp/viv in the tree. Scripts of packages that are there already may have been at it. */
static int open_shown(const struct work *w, struct viv_error *err)
{
	VIV_FD tmp = viv_open_below(w->root, "tmp", O_PATH | O_DIRECTORY, 0, err);
	int dir;

	if (tmp < 0)
		return tmp;
	if (mkdirat(tmp, "viv", 0755) < 0 && errno != EEXIST)
		return viv_error_set(err, errno, "cannot make /tmp/viv");
	dir = openat(tmp, "viv", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return dir >= 0 ? dir
			: viv_error_say(err, EPERM,
					"a package's script put something else in the place of /tmp/viv");
}

/* Shows a package inside the tree, where dpkg can read it. *ret: its path there. */
static int show_deb(struct work *w, const struct viv_install_deb *deb, char **ret,
		    struct viv_error *err)
{
	VIV_FREE char *key = viv_lock_package_key(deb->package);
	VIV_FREE char *name = viv_asprintf("%.150s.deb", key), *to = NULL;
	VIV_FREE char *from = in_scratch(w, deb->plain);
	VIV_FD dir = open_shown(w, err), in = -1, out = -1;
	int r = 0;

	if (dir < 0)
		return dir;
	out = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (out < 0)
		return viv_error_set(err, errno, "/tmp/viv/%s", name);
	to = viv_asprintf("/proc/self/fd/%d", out);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0) {
		in = viv_open(from, O_RDONLY, 0, err);
		r = in < 0 ? in : viv_copy_content(in, out, name, err);
	}
	if (r == 0)
		*ret = viv_asprintf("/tmp/viv/%s", name);
	return r;
}

static int show_list(struct work *w, const struct viv_install_layer *layer,
		     const struct viv_strv *names, struct viv_strv *ret, struct viv_error *err)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct viv_install_deb *deb = find_deb(layer, names->items[i]);
		char *inside = NULL;
		int r = wait_import(w, deb, err);

		if (r == 0)
			r = show_deb(w, deb, &inside, err);
		if (r < 0)
			return r;
		viv_strv_take(ret, inside);
	}
	return 0;
}

static struct viv_dpkg dpkg_of(struct work *w)
{
	return (struct viv_dpkg){.root = w->root, .epoch = w->epoch, .report = w->report,
				 .script_timeout_ms = w->job->script_timeout_ms
							      ? w->job->script_timeout_ms
							      : SCRIPT_TIMEOUT_MS};
}

static int prepare_base(struct work *w, const struct viv_install_layer *layer,
			const char *architecture, struct viv_error *err)
{
	const struct viv_strv *names = &layer->lock->bootstrap;
	VIV_STRV debs = VIV_STRV_INIT;
	int r = viv_bootstrap_skeleton(w->root, architecture, err);

	for (size_t i = 0; i < names->count && r == 0; i++) {
		const struct viv_install_deb *deb = find_deb(layer, names->items[i]);

		r = wait_import(w, deb, err);
		viv_strv_take(&debs, in_scratch(w, deb->plain));
	}
	if (r == 0)
		r = viv_bootstrap_extract(w->root, &debs, err);
	return r == 0 ? viv_without_prepare(w->root, w->job->without, err) : r;
}

/* invoke-rc.d and its like ask this: nothing is started in a tree that is being made. */
static int forbid_services(const struct work *w, bool forbid, struct viv_error *err)
{
	static const char text[] = "#!/bin/sh\nexit 101\n", dir[] = "usr/sbin", name[] = "policy-rc.d";
	VIV_FD at = viv_open_below(w->root, dir, O_PATH | O_DIRECTORY, 0, err), fd = -1;

	if (at < 0)
		return at;
	if (!forbid)
		return unlinkat(at, name, 0) < 0 && errno != ENOENT
			       ? viv_error_set(err, errno, "%s/%s", dir, name) : 0;
	fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	return fd < 0 ? viv_error_set(err, errno, "%s/%s", dir, name)
		      : viv_write_all(fd, text, sizeof(text) - 1, name, err);
}

/* Configures what is unpacked and not yet configured, in apt's order. */
static int configure(struct viv_dpkg *d, const struct viv_lock_layer *l,
		     const struct viv_strv *unpacked, struct viv_strv *configured,
		     struct viv_error *err)
{
	static const char *const action[] = {"--configure", NULL};
	VIV_STRV names = VIV_STRV_INIT;

	for (size_t i = 0; i < l->configure.count; i++) {
		const char *name = l->configure.items[i];

		if (!viv_strv_has(unpacked, name) || viv_strv_has(configured, name))
			continue;
		viv_strv_push(&names, name);
		viv_strv_push(configured, name);
	}
	return names.count ? viv_dpkg_run(d, action, &names, err) : 0;
}

static int unpack(struct work *w, struct viv_dpkg *d, const struct viv_install_layer *layer,
		  struct viv_strv *names, struct viv_strv *unpacked, struct viv_error *err)
{
	static const char *const action[] = {"--no-triggers", "--unpack", NULL};
	VIV_STRV debs = VIV_STRV_INIT;
	int r = show_list(w, layer, names, &debs, err);

	if (r == 0 && debs.count)
		r = viv_dpkg_run(d, action, &debs, err);
	for (size_t i = 0; i < names->count; i++)
		viv_strv_push(unpacked, names->items[i]);
	viv_strv_free(names);
	return r;
}

static int unpack_and_configure(struct work *w, struct viv_dpkg *d,
				const struct viv_install_layer *layer, struct viv_error *err)
{
	const struct viv_lock_layer *l = layer->lock;
	VIV_STRV waiting = VIV_STRV_INIT, unpacked = VIV_STRV_INIT, configured = VIV_STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < l->unpack.count && r == 0; i++) {
		if (!viv_streq(l->unpack.items[i], "*")) {
			viv_strv_push(&waiting, l->unpack.items[i]);
			continue;
		}
		r = unpack(w, d, layer, &waiting, &unpacked, err);
		if (r == 0)
			r = configure(d, l, &unpacked, &configured, err);
	}
	if (r == 0)
		r = unpack(w, d, layer, &waiting, &unpacked, err);
	return r == 0 ? configure(d, l, &unpacked, &configured, err) : r;
}

static int run_dpkg(struct work *w, const struct viv_install_layer *layer, struct viv_error *err)
{
	static const char *const first[] = {"--install", "--force-depends", NULL};
	const struct viv_lock_layer *l = layer->lock;
	struct viv_dpkg d = dpkg_of(w);
	VIV_STRV debs = VIV_STRV_INIT;
	int r = show_list(w, layer, &l->bootstrap, &debs, err);

	if (r == 0 && debs.count)
		r = viv_dpkg_run(&d, first, &debs, err);
	if (r == 0 && l->accounts)
		r = viv_accounts_create(w->root, l->accounts, w->epoch, err);
	if (r == 0)
		r = unpack_and_configure(w, &d, layer, err);
	return r == 0 ? viv_dpkg_check(w->root, err) : r;
}

static int install(struct work *w, const struct viv_install_layer *layer, bool base,
		   const char *architecture, struct viv_error *err)
{
	int r = base ? prepare_base(w, layer, architecture, err) : 0;

	if (r == 0 && viv_lock_layer_find(layer->lock, "openssh-server"))
		r = viv_scrub_prepare(w->root, err);
	if (r == 0)
		r = viv_sandbox_mount_api(w->root, err);
	if (r == 0)
		r = forbid_services(w, true, err);
	if (r == 0) {
		viv_task_begin(w->report, 2 * layer->lock->n_packages, "installing the %s layer",
			       layer->lock->name);
		r = run_dpkg(w, layer, err);
		viv_task_end(w->report, r == 0);
	}
	if (r < 0)
		return r;
	r = viv_sandbox_unmount_api(w->root, err);
	if (r == 0)
		r = forbid_services(w, false, err);
	if (r == 0)
		r = viv_accounts_clamp(w->root, w->epoch, err);
	return r == 0 ? viv_scrub(w->root, w->epoch, err) : r;
}

static int write_json(const char *dir, const char *name, const json_t *j, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dir, name);
	VIV_STR text = VIV_STR_INIT;
	VIV_FD fd = viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);

	viv_json_pretty(j, &text);
	return fd < 0 ? fd : viv_write_all(fd, text.data, text.len, path, err);
}

static int write_side_files(struct work *w, const struct viv_install_layer *layer, const char *out,
			    const struct viv_tree *manifest, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(out, VIV_LAYER_MANIFEST);
	VIV_FD fd = viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	VIV_JSON *texts = NULL, *made = NULL, *info = NULL;
	VIV_STR text = VIV_STR_INIT;
	int r = fd < 0 ? fd : viv_accounts_read(w->root, &texts, err);

	if (r < 0)
		return r;
	viv_tree_write_manifest(manifest, &text);
	r = viv_write_all(fd, text.data, text.len, path, err);
	if (r == 0)
		r = write_json(out, VIV_LAYER_ACCOUNTS, texts, err);
	made = viv_accounts_new(w->root, texts, w->texts);
	info = json_pack("{s:s, s:I, s:O}", "name", layer->lock->name, "epoch",
			 (json_int_t)w->epoch, "accounts", made);
	if (r == 0)
		r = write_json(out, VIV_LAYER_INFO, info, err);
	json_object_set(w->new_accounts, layer->lock->name, made);
	json_decref(w->texts);
	w->texts = viv_steal(texts);
	return r;
}

/* Waits for the image that is being written. EAGAIN: its files were changed meanwhile. */
static int finish_writing(struct work *w, struct viv_error *err)
{
	struct writing *x = &w->writing;
	VIV_STR said = VIV_STR_INIT;
	int status = 0, r = 0;

	if (!x->pid)
		return 0;
	viv_read_to_end(w->writing_fd, 65536, &said, "error", NULL);
	w->writing_fd = viv_close(w->writing_fd);
	while (waitpid(x->pid, &status, 0) < 0 && errno == EINTR)
		;
	x->pid = 0;
	if (status)
		r = viv_error_say(err, EIO, "%s", said.data ? said.data : "writing an image failed");
	else if (!viv_tree_is_untouched(x->tree, &x->manifest))
		r = viv_error_say(err, EAGAIN, "a script changed files of the layer below in place");
	if (r == 0)
		r = viv_remove_tree(x->tree, err);
	viv_tree_free(&x->manifest);
	free(viv_steal(x->tree));
	return r;
}

static _Noreturn void write_in_child(const char *diff, const char *image, int64_t epoch,
				     const char *id, bool caps, int report)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = viv_erofs_write(diff, image, epoch, id, caps, &err);
	if (r < 0)
		viv_write_all(report, err.msg, strlen(err.msg), "error", NULL);
	_exit(r < 0);
}

/* In another process; w->writing takes `diff` and the manifest. */
static int start_writing(struct work *w, const struct viv_install_layer *layer, const char *image,
			 char *diff, struct viv_tree *manifest, struct viv_error *err)
{
	int fds[2], r = viv_pipe(fds, err);
	pid_t pid;

	w->writing = (struct writing){.tree = diff, .manifest = *manifest};
	*manifest = VIV_TREE_INIT;
	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		write_in_child(diff, image, w->epoch, layer->id,
			       viv_tree_has_caps(&w->writing.manifest), fds[1]);
	viv_close(fds[1]);
	w->writing_fd = fds[0];
	if (pid < 0)
		return viv_error_set(err, errno, "cannot write an image");
	w->writing.pid = pid;
	return 0;
}

/* The tree after the layer; what is new has its hash from the difference, the rest from before. */
static int take_stock(struct work *w, const struct viv_tree *after, struct viv_error *err)
{
	VIV_TREE again = VIV_TREE_INIT;
	int r = viv_tree_scan(w->root, &again, err);

	if (r < 0)
		return r;
	viv_tree_take_hashes(&again, &w->now);
	viv_tree_take_manifest_hashes(&again, after);
	viv_tree_free(&w->now);
	w->now = again;
	again = VIV_TREE_INIT;
	return 0;
}

/* The tree is finished: what changed becomes the image. w->now is the tree afterwards. */
static int store_layer(struct work *w, const struct viv_install_layer *layer, bool base, bool last,
		       struct viv_error *err)
{
	VIV_FREE char *out = in_scratch(w, layer->out), *image = NULL;
	VIV_FREE char *diff = viv_asprintf("%s/new-%s", w->view->scratch, layer->lock->name);
	const struct viv_tree *before = base ? NULL : &w->now;
	VIV_TREE after = VIV_TREE_INIT;
	int r = viv_tree_scan(w->root, &after, err);

	if (r == 0)
		r = viv_tree_hash_files(w->root, &after, before, err);
	if (r == 0)
		r = viv_scrub_check_keys(w->root, before, &after, err);
	if (r == 0)
		r = viv_mkdir_p(out, 0755, err);
	if (r == 0)
		r = viv_tree_collect(w->root, diff, before, &after, w->epoch,
				     !last && !w->job->one_by_one, err);
	if (r == 0)
		r = write_side_files(w, layer, out, &after, err);
	if (r == 0 && !last)
		r = take_stock(w, &after, err);
	if (r == 0)
		r = finish_writing(w, err);
	if (r < 0)
		return r;
	image = viv_path_join(out, VIV_LAYER_IMAGE);
	r = start_writing(w, layer, image, viv_steal(diff), &after, err);
	return r == 0 && (last || w->job->one_by_one) ? finish_writing(w, err) : r;
}

/* A layer that is there already is unpacked over the tree. */
static int restore(struct work *w, const struct viv_install_layer *layer, struct viv_error *err)
{
	VIV_FREE char *dir = in_scratch(w, layer->there);
	VIV_FREE char *image = viv_path_join(dir, VIV_LAYER_IMAGE);
	VIV_FREE char *path = viv_path_join(dir, VIV_LAYER_MANIFEST);
	VIV_FREE char *aside = in_scratch(w, "restored");
	VIV_TREE manifest = VIV_TREE_INIT, tree = VIV_TREE_INIT;
	VIV_JSON *info = NULL, *texts = NULL;
	VIV_STR text = VIV_STR_INIT;
	uint64_t epoch;
	int r = viv_read_file(path, MANIFEST_MAX, &text, err);

	if (r == 0)
		r = viv_tree_read_manifest(text.data ? text.data : "", text.len, path, &manifest, err);
	if (r == 0)
		r = viv_erofs_extract(image, &manifest, w->root, aside, err);
	if (r == 0)
		r = viv_layer_read_info(dir, &info, err);
	if (r == 0)
		r = viv_layer_read_accounts(dir, &texts, err);
	if (r == 0)
		r = viv_tree_scan(w->root, &tree, err);
	if (r < 0)
		return r;
	if (viv_json_u64(info, "epoch", INT64_MAX, &epoch))
		w->epoch = VIV_MAX(w->epoch, (int64_t)epoch);
	json_decref(w->texts);
	w->texts = viv_steal(texts);
	viv_tree_overlay(&w->now, &manifest);
	viv_tree_take_manifest_hashes(&tree, &w->now);
	viv_tree_free(&w->now);
	w->now = tree;
	tree = VIV_TREE_INIT;
	return 0;
}

static int raise_epoch(struct work *w, const struct viv_install_layer *layer, struct viv_error *err)
{
	for (size_t i = 0; i < layer->lock->n_packages; i++) {
		const struct viv_install_deb *deb = &layer->debs[i];
		VIV_FREE char *path = in_scratch(w, deb->import ? deb->archive : deb->plain);
		int64_t epoch;
		int r = viv_deb_epoch(path, &epoch, err);

		if (r < 0)
			return r;
		w->epoch = VIV_MAX(w->epoch, epoch);
	}
	return 0;
}

static int one_layer(struct work *w, size_t i, struct viv_error *err)
{
	const struct viv_install_layer *layer = &w->job->layers[i];
	int r;

	if (layer->there)
		return restore(w, layer, err);
	r = raise_epoch(w, layer, err);
	if (r == 0)
		r = install(w, layer, i == 0, w->job->architecture, err);
	if (r == 0)
		r = store_layer(w, layer, i == 0, i + 1 == w->job->n_layers, err);
	return r < 0 ? viv_error_context(err, "layer %s", layer->lock->name) : 0;
}

/*
 * The caller commits what was imported: all of it, or after a failure what is done by now, so that
 * the next attempt goes on from there.
 */
static int list_imports(struct work *w, bool all, json_t *imports, struct viv_error *err)
{
	for (size_t i = 0; i < w->n_imports && w->pool; i++) {
		int r = 0;

		if (!all && !viv_import_pool_is_done(w->pool, i))
			continue;
		r = viv_import_pool_wait(w->pool, i, err);
		if (r < 0)
			return r;
		json_object_set_new(imports, w->imports[i].id,
				    json_string(viv_import_pool_sha256(w->pool, i)));
	}
	return 0;
}

static void work_clear(struct work *w)
{
	viv_import_pool_free(w->pool);
	if (w->writing.pid) {
		kill(w->writing.pid, SIGKILL);
		finish_writing(w, NULL);
	}
	for (size_t i = 0; i < w->n_imports; i++) {
		free(w->imports[i].from);
		free(w->imports[i].to);
	}
	free(w->imports);
	free(w->root);
	viv_tree_free(&w->now);
	json_decref(w->texts);
	json_decref(w->new_accounts);
}

/* The layers from `from` on; then what the caller is told. */
static int do_layers(struct work *w, size_t from, struct viv_str *result, struct viv_error *err)
{
	VIV_JSON *imports = json_object(), *j = NULL;
	int r = start_imports(w, err);

	for (size_t i = from; i < w->job->n_layers && r == 0; i++)
		r = one_layer(w, i, err);
	if (r == 0)
		r = finish_writing(w, err);
	if (r == 0)
		r = list_imports(w, true, imports, err);
	else
		list_imports(w, false, imports, NULL);
	j = json_pack("{s:O, s:O}", "imports", imports, "accounts", w->new_accounts);
	viv_json_canonical(j, result);
	return r;
}

static void work_init(struct work *w, const struct viv_sandbox_view *view,
		      const struct viv_install *job, struct viv_report *report)
{
	*w = (struct work){.job = job, .view = view, .report = report,
			   .new_accounts = json_object(), .writing_fd = -1};
	w->root = in_scratch(w, "root");
}

int viv_install_run(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		    struct viv_str *result, struct viv_error *err)
{
	VIV_CLEANUP(work_clear) struct work w;

	work_init(&w, view, arg, report);
	return do_layers(&w, 0, result, err);
}

int viv_install_restore(const struct viv_sandbox_view *view, const struct viv_install *job,
			struct viv_report *report, struct viv_error *err)
{
	VIV_CLEANUP(work_clear) struct work w;
	int r = 0;

	work_init(&w, view, job, report);
	for (size_t i = 0; i < job->n_layers && r == 0; i++)
		r = one_layer(&w, i, err);
	return r;
}

int viv_install_run_ahead(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			  struct viv_str *result, struct viv_error *err)
{
	const struct viv_install *there = arg;
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL; /* the job's layers look into it */
	VIV_CLEANUP(viv_install_clear) struct viv_install job = {0};
	VIV_CLEANUP(work_clear) struct work w;
	VIV_STR text = VIV_STR_INIT;
	int r = 0;

	work_init(&w, view, there, report);
	for (size_t i = 0; i < there->n_layers && r == 0; i++)
		r = one_layer(&w, i, err);
	if (r == 0)
		r = viv_read_to_end(view->input, VIV_INSTALL_MAX, &text, "the work", err);
	if (r == 0 && !text.len)
		r = -ECANCELED;
	if (r == 0)
		r = viv_install_parse(&text, &job, &lock, err);
	if (r < 0)
		return r;
	w.job = &job;
	return do_layers(&w, there->n_layers, result, err);
}
