/* SPDX-License-Identifier: MIT */
#include "source/private.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/layer.h"
#include "sandbox/sandbox.h"

#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The host's side of a build: its folder, and what comes out of it. */

#define QUIET_LIMIT_MS (30 * 60 * 1000)
#define DEB_MAX	       (UINT64_C(8) << 30)

/* The folder of a build. That of a tree of the user's is kept. */
struct folder {
	char *path;
	char *record;  /* what of the tree is in it */
	char *running; /* there while a build runs, and after one that was ended in the middle of a file */
	int lock;
	bool kept;
};

static void folder_clear(struct folder *f)
{
	if (f->path && !f->kept)
		viv_sandbox_remove_tree(f->path, NULL);
	viv_close(f->lock);
	free(f->path);
	free(f->record);
	free(f->running);
}

static char *builds_dir(void)
{
	VIV_FREE char *cache = viv_dir_cache();

	return viv_path_join(cache, "builds");
}

/* A patched tree is not kept: the next patch would be on top of this one. But a kernel's takes them off again. */
static bool is_kept(const struct viv_source_job *j)
{
	return j->kernel || (j->tree.path && !json_array_size(j->patches) && j->style != VIV_STYLE_DEBIAN);
}

/* One process in it at a time; another one's build is waited for. */
static int lock_folder(struct folder *f, const char *name, struct viv_report *report,
		       struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("%s.lock", f->path);

	f->lock = viv_open(path, O_RDWR | O_CREAT, 0644, err);
	if (f->lock < 0)
		return f->lock;
	if (flock(f->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	viv_say(report, VIV_INFO, "waiting for another viv that builds %s", name);
	while (flock(f->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return viv_error_set(err, errno, "%s", path);
	return 0;
}

/*
 * All but the tree's content: with something else here the build begins from nothing. What a kernel's build does
 * itself about another patch or configuration is not in it, either.
 */
static char *state_of(const struct viv_source_job *j)
{
	VIV_JSON *state = json_deep_copy(j->recipe);
	VIV_STR text = VIV_STR_INIT;

	if (j->tree.path)
		json_object_del(state, "source");
	if (j->kernel) {
		json_object_del(state, "patches");
		json_object_del(state, "config");
	}
	viv_json_canonical(state, &text);
	return viv_str_steal(&text);
}

static int start_anew(const struct folder *f, struct viv_error *err)
{
	int r;

	unlink(f->record); /* first: nothing is kept without it */
	r = viv_sandbox_remove_tree(f->path, err);
	unlink(f->running);
	return r < 0 ? r : viv_mkdir_p(f->path, 0755, err);
}

static bool goes_on(const struct folder *f, const char *recipe, const char *state)
{
	VIV_STR before = VIV_STR_INIT;

	return f->kept && viv_exists(f->record) && !viv_exists(f->running) &&
	       viv_read_file(recipe, 16 << 20, &before, NULL) == 0 && before.data &&
	       viv_streq(before.data, state);
}

/* Whose folder it is: a machine's, a tree's, or that of one recipe. The caller frees it. */
static char *owner_of(const struct viv_source_job *j, bool kept)
{
	const struct viv_source_request *req = &j->set->req;

	if (j->kernel)
		return viv_asprintf("%s %s", req->lock_file, req->machine);
	return viv_strdup(kept ? j->tree.path : j->id);
}

static int open_folder(const struct viv_source_job *j, struct folder *f, struct viv_report *report,
		       struct viv_error *err)
{
	VIV_FREE char *builds = builds_dir(), *recipe = NULL, *state = state_of(j), *owner = NULL;
	char hex[VIV_SHA256_HEX];
	int r = viv_mkdir_p(builds, 0755, err);

	if (r < 0)
		return r;
	f->kept = is_kept(j);
	owner = owner_of(j, f->kept);
	viv_sha256_of(owner, strlen(owner), hex);
	f->path = viv_asprintf("%s/%s-%.12s", builds, j->name, hex);
	f->record = viv_asprintf("%s.files", f->path);
	f->running = viv_asprintf("%s.running", f->path);
	/* Another's is of its recipe alone, and the store lets one process at a time make that. */
	r = f->kept ? lock_folder(f, j->name, report, err) : 0;
	if (r < 0)
		return r;
	recipe = viv_asprintf("%s.recipe", f->path);
	r = goes_on(f, recipe, state) ? viv_mkdir_p(f->path, 0755, err) : start_anew(f, err);
	if (r == 0 && f->kept)
		r = viv_write_file(recipe, state, strlen(state), 0644, err);
	/* A tree's is written with its copy; without one it just says that the folder is whole. */
	return r == 0 && f->kept && !j->tree.path ? viv_write_file(f->record, "", 0, 0644, err) : r;
}

/* What a build did to a kept folder is no reason to fail: then it begins from nothing, once. */
static int sync_tree(const struct viv_source_job *j, const struct folder *f, struct viv_error *err)
{
	VIV_ERROR why = VIV_ERROR_INIT;
	int r = viv_own_tree_sync(&j->tree, f->path, f->record, &why);

	if (r == 0 || !f->kept || r == -EAGAIN || r == -ENOSPC) {
		viv_error_move(err, &why);
	} else {
		r = start_anew(f, err);
		if (r == 0)
			r = viv_own_tree_sync(&j->tree, f->path, f->record, err);
	}
	if (!f->kept)
		unlink(f->record);
	return r;
}

static int copy_patch(const json_t *patch, const char *to, struct viv_error *err)
{
	const char *file = viv_json_str(patch, "file");
	VIV_STR text = VIV_STR_INIT;
	char hex[VIV_SHA256_HEX];
	int r = viv_read_file(file, VIV_SOURCE_PATCH_MAX, &text, err);

	if (r < 0)
		return r;
	viv_sha256_of(text.data ? text.data : "", text.len, hex);
	if (!viv_streq(hex, viv_json_str(patch, "sha256")))
		return viv_error_say(err, EAGAIN, "%s changed while it was read: try again", file);
	return viv_write_file(to, text.data ? text.data : "", text.len, 0644, err);
}

int viv_source_copy_patches(const json_t *patches, const char *dir, struct viv_strv *ret,
			    struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(patches); i++) {
		const json_t *patch = json_array_get(patches, i);
		VIV_FREE char *name = viv_asprintf("%03zu-%.200s", i,
						   viv_path_base(viv_json_str(patch, "file")));
		VIV_FREE char *to = viv_path_join(dir, name);

		r = copy_patch(patch, to, err);
		viv_strv_push(ret, name);
	}
	return r;
}

static int make_in(const struct viv_source_job *j, const struct folder *f, struct viv_strv *ret_patches,
		   struct viv_error *err)
{
	VIV_FREE char *in = viv_path_join(f->path, "in"), *dir = viv_path_join(in, "patches");
	int r = viv_sandbox_remove_tree(in, err);

	if (r == 0)
		r = viv_mkdir_p(dir, 0755, err);
	if (r == 0 && j->kernel)
		r = viv_source_kernel_write(j->kernel, in, err);
	return r < 0 ? r : viv_source_copy_patches(j->patches, dir, ret_patches, err);
}

static void make_env(const struct viv_source_job *j, struct viv_strv *env)
{
	const char *name;
	json_t *v;
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	viv_strv_push_all(env, viv_sandbox_env);
	viv_strv_pushf(env, "DEB_BUILD_OPTIONS=nocheck noautodbgsym parallel=%ld", n);
	viv_strv_push(env, "DEB_BUILD_PROFILES=nocheck");
	viv_strv_push(env, "DEBIAN_FRONTEND=noninteractive");
	if (j->style != VIV_STYLE_DEBIAN) { /* there it comes from the changelog */
		viv_strv_pushf(env, "SOURCE_DATE_EPOCH=%" PRId64, j->epoch);
		viv_strv_push(env, "DESTDIR=/build/dest");
		viv_strv_pushf(env, "MAKEFLAGS=-j%ld", n);
	}
	if (viv_source_is_module(j)) {
		viv_strv_pushf(env, "KVER=%s", j->set->req.kernel_release);
		viv_strv_pushf(env, "KDIR=/lib/modules/%s/build", j->set->req.kernel_release);
	}
	json_object_foreach(json_object_get(j->entry, "env"), name, v)
		viv_strv_pushf(env, "%s=%s", name, json_string_value(v));
}

/* A changelog entry of ours on top: dpkg takes the version from it, and the same date as before. */
static const char debian_build[] =
	"cd /build/src\n"
	"name=$(dpkg-parsechangelog -SSource)\n"
	"date=$(dpkg-parsechangelog -SDate)\n"
	"{\n"
	"	printf '%%s (%%s%s) UNRELEASED; urgency=medium\\n\\n' \"$name\" "
	"\"$(dpkg-parsechangelog -SVersion)\"\n"
	"	printf '  * Built from source by viv.\\n\\n -- Nobody <nobody@localhost>  %%s\\n\\n' \"$date\"\n"
	"	cat debian/changelog\n"
	"} > /build/changelog\n"
	"mv /build/changelog debian/changelog\n"
	"chmod +x debian/rules\n"
	"dpkg-buildpackage -b -uc -us\n";

/* Times of the files that a Debian source is made of, and those of our tree, are not those of now. */
static const char unpack_debian[] = "rm -rf src; dpkg-source --no-check -x in/*.dsc src\n";
static const char unpack_archive[] =
	"rm -rf src; mkdir src; tar -xf in/archive -C src --strip-components=1 --no-same-owner\n";

static char *make_steps(const struct viv_source_job *j)
{
	VIV_FREE char *suffix = viv_asprintf("+viv1.%.8s", j->id);

	return j->style == VIV_STYLE_DEBIAN ? viv_asprintf(debian_build, suffix)
					    : viv_source_steps(j);
}

static char *join_depends(const struct viv_source_job *j)
{
	VIV_STR s = VIV_STR_INIT;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(j->entry, "depends"), i, v)
		viv_str_addf(&s, "%s%s", i ? ", " : "", json_string_value(v));
	return viv_str_steal(&s);
}

static int call(struct viv_source_job *j, struct folder *f, const struct viv_strv *patches,
		struct viv_report *report, json_t **ret, struct viv_error *err)
{
	const struct viv_source_request *req = &j->set->req;
	VIV_CLEANUP(viv_deb_source_files_free) struct viv_deb_source_files files = {0};
	VIV_FREE char *steps = make_steps(j), *depends = join_depends(j);
	VIV_STRV env = VIV_STRV_INIT;
	VIV_STR result = VIV_STR_INIT;
	struct viv_sandbox_bind bind = {.host = f->path, .name = VIV_SOURCE_BUILD, .writable = true};
	struct viv_source_inside inside = {
		.name = j->name, .version = j->version, .architecture = req->source.architecture,
		.depends = depends, .steps = steps, .own = j->style != VIV_STYLE_DEBIAN,
		.patches = patches, .env = &env, .archive = j->archive, .programs = !viv_source_is_module(j),
		.quiet_limit_ms = req->quiet_limit_ms ? req->quiet_limit_ms : QUIET_LIMIT_MS,
	};
	int r = 0;

	make_env(j, &env);
	if (j->archive) {
		inside.prepare = unpack_archive;
	} else if (!j->tree.path && !j->kernel) {
		r = viv_deb_source_files(j->debian, &files, err);
		if (r == 0)
			r = viv_deb_source_fetch(req->store, &req->source, j->lock, &files, report, err);
		inside.files = &files;
		inside.prepare = unpack_debian;
	}
	if (j->kernel)
		viv_source_kernel_steps(j, &inside);
	if (r == 0)
		r = viv_deb_build(req->store, &req->source, j->lock, &j->root, report, err);
	if (r == 0 && f->kept)
		r = viv_write_file(f->running, "", 0, 0644, err);
	if (r < 0)
		return r;
	r = viv_deb_run_in(req->store, &req->source, j->lock, &j->root, &bind, 1, viv_source_inside, &inside,
			   report, &result, err);
	if (r == 0 || r == -VIV_SOURCE_FAILED)
		unlink(f->running);
	return r < 0 ? r : viv_json_parse(result.data, result.len, "sandbox", ret, err);
}

static bool is_word(const char *s, const char *more)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.");

	for (; s[n]; n++)
		if (!strchr(more, s[n]) && !(s[n] >= 'a' && s[n] <= 'z') && !(s[n] >= '0' && s[n] <= '9') &&
		    !strchr("+-.", s[n]))
			return false;
	return n > 0 && n < 200 && s[0] != '-' && s[0] != '.';
}

/* A .deb into the store, and what a machine has to know of it. */
static int take_deb(struct viv_source_job *j, const struct folder *f, const json_t *made, json_t *list,
		    struct viv_error *err)
{
	const char *file = viv_json_str(made, "file"), *control = viv_json_str(made, "control");
	VIV_FREE char *path = viv_asprintf("out/%s", file), *text = viv_asprintf("\n%s", control ? control : "");
	VIV_FREE char *name = viv_slice_dup(viv_slice_trim(viv_deb_field(text, "Package")));
	VIV_FREE char *version = viv_slice_dup(viv_slice_trim(viv_deb_field(text, "Version")));
	VIV_FREE char *arch = viv_slice_dup(viv_slice_trim(viv_deb_field(text, "Architecture")));
	VIV_FREE char *depends = viv_slice_dup(viv_deb_field(text, "Depends"));
	VIV_FREE char *before = viv_slice_dup(viv_deb_field(text, "Pre-Depends")), *id = NULL;
	VIV_FD in = viv_open_below(f->path, path, O_RDONLY, 0, err), out = -1;
	struct viv_lock_package p = {.name = name, .version = version, .architecture = arch};
	VIV_JSON *recipe = NULL;
	struct viv_store_build *b = NULL;
	struct stat st;
	int r = in < 0 ? in : viv_sha256_of_fd(in, path, p.sha256, err);

	if (r == 0 && (!is_word(name, "") || !is_word(arch, "") || strchr(version, '/') ||
		       !is_word(version, ":~ABCDEFGHIJKLMNOPQRSTUVWXYZ") || fstat(in, &st) < 0))
		r = viv_error_say(err, EINVAL, "its package %s has a bad name or version", file);
	if (r < 0)
		return r;
	recipe = viv_archive_recipe(&p);
	id = viv_archive_id(&p);
	r = viv_store_begin(j->set->req.store, id, NULL, &b, err);
	if (r == 0) {
		out = viv_open(viv_store_build_path(b), O_WRONLY | O_CREAT | O_EXCL, 0644, err);
		r = out < 0 ? out : lseek(in, 0, SEEK_SET) < 0 ? -errno : viv_copy_content(in, out, path, err);
		r = viv_store_end(b, r, recipe, NULL, err);
	}
	if (r < 0)
		return r;
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "name", name, "version",
					      version, "architecture", arch, "sha256", p.sha256, "size",
					      (json_int_t)st.st_size, "depends", depends, "preDepends",
					      before));
	return 0;
}

/* Where the full log stays after a failure. */
static int keep_log(const struct viv_source_job *j, const struct folder *f, struct viv_error *err)
{
	VIV_FREE char *from = viv_path_join(f->path, "log"), *builds = builds_dir();
	VIV_FREE char *to = viv_asprintf("%s/%s.log", builds, j->name);
	struct stat st;

	/* The build's folder: it need not be a file. */
	if (lstat(from, &st) == 0 && S_ISREG(st.st_mode) && rename(from, to) == 0)
		viv_error_hint(err, "The whole log: %s", to);
	return -err->code;
}

int viv_source_run(struct viv_source_job *j, struct viv_report *report, json_t **ret,
		   struct viv_error *err)
{
	VIV_CLEANUP(folder_clear) struct folder f = {.lock = -1};
	VIV_JSON *made = NULL, *list = json_array();
	VIV_STRV patches = VIV_STRV_INIT;
	VIV_ERROR why = VIV_ERROR_INIT;
	int r = open_folder(j, &f, report, err);

	if (r == 0 && j->tree.path)
		r = sync_tree(j, &f, err);
	if (r == 0)
		r = make_in(j, &f, &patches, err);
	if (r == 0)
		r = call(j, &f, &patches, report, &made, &why);
	if (why.code) {
		keep_log(j, &f, &why);
		return viv_error_move(err, &why);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(made); i++)
		r = take_deb(j, &f, json_array_get(made, i), list, err);
	if (r == 0)
		*ret = viv_steal(list);
	return r;
}
