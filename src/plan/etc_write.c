/* SPDX-License-Identifier: MIT */
#include "plan/etc.h"

#include "base/fd.h"
#include "base/path.h"
#include "image/erofs.h"
#include "sandbox/sandbox.h"

#include <sys/stat.h>
#include <unistd.h>

struct job {
	const struct viv_etc *etc;
	const char *name; /* of the image, in the folder "out" */
	int64_t time;
};

static int set_time(const char *path, int64_t time, struct viv_error *err)
{
	struct timespec times[2] = {{.tv_sec = time}, {.tv_sec = time}};

	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return viv_error_set(err, errno, "%s", path);
	return 0;
}

static int write_one(const char *tree, const struct viv_etc_file *f, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(tree, f->path), *dir = viv_path_dir(path);
	const char *text = f->content.data ? f->content.data : "";
	int r = viv_mkdir_p(dir, 0755, err);

	if (r < 0)
		return r;
	if (f->kind == VIV_ETC_FOLDER)
		r = viv_mkdir_p(path, 0755, err);
	else if (f->kind == VIV_ETC_LINK)
		r = symlink(text, path) < 0 ? viv_error_set(err, errno, "%s", f->path) : 0;
	else
		r = viv_write_file(path, text, f->content.len, 0600, err);
	if (r < 0)
		return r;
	if (lchown(path, f->uid, f->gid) < 0)
		return viv_error_set(err, errno, "%s: cannot give it to %u:%u", f->path, f->uid,
				     f->gid);
	if (f->kind != VIV_ETC_LINK && chmod(path, f->mode) < 0)
		return viv_error_set(err, errno, "%s", f->path);
	return 0;
}

/* Every folder on the way and every file gets the one time. */
static int set_times(const char *tree, const struct viv_etc *etc, int64_t time,
		     struct viv_error *err)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		VIV_FREE char *path = viv_path_join(tree, etc->files[i].path);
		size_t end = strlen(path);

		while (end >= strlen(tree)) {
			int r;

			path[end] = '\0';
			r = set_time(path, time, err);
			if (r < 0)
				return r;
			while (end > 0 && path[--end] != '/')
				;
		}
	}
	return 0;
}

static int build(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		 struct viv_str *result, struct viv_error *err)
{
	const struct job *job = arg;
	VIV_FREE char *tree = viv_path_join(view->scratch, "tree");
	VIV_FREE char *out = viv_asprintf("%s/out/%s", view->scratch, job->name);
	int r;

	umask(022);
	if (mkdir(tree, 0755) < 0)
		return viv_error_set(err, errno, "%s", tree);
	for (size_t i = 0; i < job->etc->n_files; i++) {
		r = write_one(tree, &job->etc->files[i], err);
		if (r < 0)
			return r;
	}
	r = set_times(tree, job->etc, job->time, err);
	if (r < 0)
		return r;
	return viv_erofs_write(tree, out, job->time, job->name, false, err);
}

int viv_etc_write(const struct viv_etc *etc, const char *dest, int64_t time, struct viv_error *err)
{
	VIV_FREE char *folder = viv_path_dir(dest);
	struct viv_sandbox_bind out = {.host = folder, .name = "out", .writable = true};
	struct viv_sandbox_spec spec = {.binds = &out, .n_binds = 1, .scratch_size = 256 << 20};
	struct job job = {.etc = etc, .name = viv_path_base(dest), .time = time};

	return viv_sandbox_call(&spec, build, &job, NULL, NULL, err);
}
