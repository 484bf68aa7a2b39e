/* SPDX-License-Identifier: MIT */
#include "source/private.h"

#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/process.h"
#include "deb/install.h"
#include "deb/layer.h"
#include "sandbox/sandbox.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * What happens in the sandbox. /build is a folder of the host's: src (the tree), in (what is unpacked),
 * dest (where it is installed to), out (the packages), log.
 */

#define LOG_MAX	     (UINT64_C(256) << 20)
#define TAIL_LINES   15
#define TAIL_MAX     4000
#define READ_MAX     65536
#define DEBS_MAX     500
#define CONTROL_MAX  (1 << 20)

struct work {
	const struct viv_source_inside *job;
	struct viv_report *report;
	char *scratch, *root;
	int log;
	uint64_t logged;
	struct viv_str tail; /* the end of what was printed */
};

static void take_line(struct work *w)
{
	size_t end = w->tail.len;
	VIV_FREE char *line = NULL;

	while (end && w->tail.data[end - 1] == '\n')
		end--;
	for (size_t i = end; i-- > 0;)
		if (i == 0 || w->tail.data[i - 1] == '\n') {
			line = viv_slice_printable((struct viv_slice){w->tail.data + i,
								      VIV_MIN(end - i, 100u)});
			viv_task_advance(w->report, 0, line);
			return;
		}
}

static bool take_output(struct work *w, int fd)
{
	ssize_t n = read(fd, viv_str_reserve(&w->tail, READ_MAX), READ_MAX);

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	if (w->logged < LOG_MAX)
		viv_write_all(w->log, w->tail.data + w->tail.len, (size_t)n, "log", NULL);
	w->logged += (size_t)n;
	viv_str_added(&w->tail, (size_t)n);
	take_line(w);
	if (w->tail.len > 4 * READ_MAX)
		viv_str_drop(&w->tail, w->tail.len - READ_MAX);
	return true;
}

/* Until it ends; -ETIMEDOUT when it was quiet for too long. */
static int attend(struct work *w, pid_t pid, int fd, struct viv_error *err)
{
	VIV_FD pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	if (pidfd < 0)
		return viv_error_set(err, errno, "cannot watch a build");
	for (;;) {
		int n = poll(p, 2, w->job->quiet_limit_ms);

		if (n < 0 && errno != EINTR)
			return viv_error_set(err, errno, "cannot watch a build");
		if (n == 0)
			return viv_error_say(err, ETIMEDOUT, "it printed nothing for %d s and was ended",
					     w->job->quiet_limit_ms / 1000);
		if (n > 0 && p[1].revents && !take_output(w, fd))
			p[1].fd = -1;
		if (n > 0 && p[0].revents)
			break;
	}
	p[1].fd = fd;
	while (poll(&p[1], 1, 0) > 0 && take_output(w, fd))
		;
	return 0;
}

/* The last lines, indented. */
static void add_tail(const struct work *w, struct viv_error *err)
{
	struct viv_slice t = viv_slice_trim((struct viv_slice){w->tail.data, w->tail.len}), line;
	size_t lines = 0, i = t.len;

	while (i > 0 && t.len - i < TAIL_MAX && (t.data[i - 1] != '\n' || ++lines < TAIL_LINES))
		i--;
	t = (struct viv_slice){t.data + i, t.len - i};
	while (viv_slice_line(&t, &line)) {
		VIV_FREE char *text = viv_slice_printable(line);

		viv_error_hint(err, "  %s", text);
	}
}

/* Runs a program there; its failure is told with `what` and its last lines. */
static int run(struct work *w, const char *const *argv, const char *what, struct viv_error *err)
{
	int out[2], status = 0, r = viv_pipe(out, err);
	struct viv_sandbox_exec e = {.root = w->root, .argv = argv, .cwd = "/build", .stdin_fd = -1,
				     .env = (const char *const *)w->job->env->items};
	VIV_FREE char *how = NULL;
	pid_t pid;

	if (r < 0)
		return r;
	viv_str_clear(&w->tail);
	e.output_fd = out[1];
	r = viv_sandbox_start(&e, &pid, err);
	viv_close(out[1]);
	if (r == 0) {
		r = attend(w, pid, out[0], err);
		viv_sandbox_kill(w->root); /* and what it left behind */
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	viv_close(out[0]);
	if (r == 0 && status) {
		how = viv_process_status_text(status);
		r = viv_error_say(err, WIFSIGNALED(status) ? ECHILD : VIV_SOURCE_FAILED, "%s failed (%s):", what, how);
		add_tail(w, err);
	} else if (r == -ETIMEDOUT) {
		add_tail(w, err);
		viv_error_context(err, "%s", what);
	}
	return r;
}

static int run_shell(struct work *w, const char *text, const char *what, struct viv_error *err)
{
	const char *argv[] = {"sh", "-e", "-c", text, NULL};

	return run(w, argv, what, err);
}

/* /build of the tree is the host's folder. The tree is packages' own, so no link in it counts. */
static int mount_build(const struct work *w, struct viv_error *err)
{
	VIV_FREE char *from = viv_path_join(w->scratch, VIV_SOURCE_BUILD), *to = NULL;
	VIV_FD dir = -1;
	int r = viv_mkdir_below(w->root, "build", 0755, err);

	if (r < 0)
		return r;
	dir = viv_open_below(w->root, "build", O_PATH | O_DIRECTORY, 0, err);
	if (dir < 0)
		return dir;
	to = viv_asprintf("/proc/self/fd/%d", dir);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return viv_error_set(err, errno, "cannot mount the build's folder");
	return 0;
}

static int copy_in(const struct work *w, const char *id, const char *name, struct viv_error *err)
{
	VIV_FREE char *objects = viv_path_join(w->scratch, VIV_INSTALL_OBJECTS);
	VIV_FREE char *from = viv_path_join(objects, id), *path = viv_asprintf("build/in/%s", name);
	VIV_FD in = viv_open(from, O_RDONLY, 0, err), out = -1;

	if (in < 0)
		return in;
	out = viv_open_below(w->root, path, O_WRONLY | O_CREAT | O_EXCL, 0644, err);
	return out < 0 ? out : viv_copy_content(in, out, name, err);
}

static int copy_sources(const struct work *w, struct viv_error *err)
{
	const struct viv_source_inside *job = w->job;
	int r = viv_mkdir_below(w->root, "build/in", 0755, err);

	for (size_t i = 0; job->files && r == 0 && i < job->files->n; i++) {
		VIV_FREE char *id = viv_archive_id(&job->files->items[i].package);

		r = copy_in(w, id, job->files->items[i].name, err);
	}
	if (r == 0 && job->archive)
		r = copy_in(w, job->archive, "archive", err);
	if (r == 0 && job->kernel_deb)
		r = copy_in(w, job->kernel_deb, "kernel.deb", err);
	return r;
}

static int apply_patches(struct work *w, struct viv_error *err)
{
	const struct viv_strv *names = w->job->patches;
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->count; i++) {
		VIV_FREE char *inside = viv_asprintf("/build/in/patches/%s", names->items[i]);
		const char *place = json_string_value(json_array_get(w->job->places, i));
		VIV_FREE char *what = viv_asprintf("%s%sthe patch %s does not apply: patch", place ? place : "",
						   place ? ": " : "", names->items[i] + 4);
		const char *argv[] = {"patch", "-p1", "-f", "--no-backup-if-mismatch", "-d", "/build/src",
				      "-i", inside, NULL};

		r = run(w, argv, what, err);
	}
	return r;
}

/* Programs and libraries, for dpkg-shlibdeps: "-eFILE" each. */
static int find_elf(const struct work *w, struct viv_strv *ret, struct viv_error *err)
{
	VIV_FREE char *dest = viv_path_join(w->root, "build/dest");
	VIV_TREE t = VIV_TREE_INIT;
	int r = viv_tree_scan(dest, &t, err);

	for (size_t i = 0; r == 0 && i < t.n; i++) {
		const struct viv_tree_entry *e = &t.entries[i];
		VIV_FD fd = e->type == 'f' ? viv_open_below(dest, e->path, O_RDONLY, 0, NULL) : -1;
		char magic[4];

		if (fd >= 0 && read(fd, magic, 4) == 4 && memcmp(magic, "\177ELF", 4) == 0)
			viv_strv_pushf(ret, "-edest/%s", e->path);
	}
	if (r == 0 && t.n < 2)
		r = viv_error_say(err, ENODATA, "its install step put nothing into $DESTDIR (/build/dest)");
	return r;
}

static int write_below(const struct work *w, const char *path, const char *text, struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_dir(path);
	int r = viv_mkdir_below(w->root, dir, 0755, err);
	VIV_FD fd = r < 0 ? r : viv_open_below(w->root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);

	return fd < 0 ? fd : viv_write_all(fd, text, strlen(text), path, err);
}

/* "shlibs:Depends=libc6 (>= 2.38)"; nothing where there is no such program. */
static int library_depends(struct work *w, const struct viv_strv *elf, struct viv_str *ret,
			   struct viv_error *err)
{
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_FREE char *control = viv_asprintf("Source: %s\n\nPackage: %s\nArchitecture: any\n",
					      w->job->name, w->job->name);
	struct viv_str text = VIV_STR_INIT;
	VIV_FD program = viv_open_below(w->root, "usr/bin/dpkg-shlibdeps", O_RDONLY, 0, NULL);
	const char *mark;
	int r;

	if (!elf->count || program < 0)
		return 0;
	r = write_below(w, "build/debian/control", control, err);
	viv_strv_push(&argv, "dpkg-shlibdeps");
	viv_strv_push(&argv, "--ignore-missing-info");
	viv_strv_push(&argv, "-ldest/usr/lib");
	viv_strv_push(&argv, "-Tlibraries");
	viv_strv_push_all(&argv, (const char *const *)elf->items);
	if (r == 0)
		r = run(w, (const char *const *)argv.items, "finding its libraries (dpkg-shlibdeps)", err);
	if (r == 0)
		r = viv_read_below(w->root, "build/libraries", CONTROL_MAX, &text, err);
	mark = r == 0 && text.data ? strstr(text.data, "shlibs:Depends=") : NULL;
	if (mark)
		viv_str_addf(ret, "%.*s", (int)strcspn(mark + 15, "\n"), mark + 15);
	viv_str_free(&text);
	return r;
}

static int pack(struct work *w, struct viv_error *err)
{
	const struct viv_source_inside *job = w->job;
	VIV_STRV elf = VIV_STRV_INIT;
	VIV_STR control = VIV_STR_INIT, depends = VIV_STR_INIT;
	int r = job->programs ? find_elf(w, &elf, err) : 0;

	if (r == 0)
		r = library_depends(w, &elf, &depends, err);
	if (r < 0)
		return r;
	viv_str_addf(&control, "Package: %s\nVersion: %s\nArchitecture: %s\n", job->name, job->version,
		     job->architecture);
	viv_str_add(&control, "Maintainer: Nobody <nobody@localhost>\nSection: local\nPriority: optional\n");
	viv_str_addf(&depends, "%s%s", depends.len && *job->depends ? ", " : "", job->depends);
	if (depends.len)
		viv_str_addf(&control, "Depends: %s\n", depends.data);
	viv_str_add(&control, "Description: built from source by viv\n");
	r = write_below(w, "build/dest/DEBIAN/control", control.data, err);
	return r < 0 ? r : run_shell(w, "chown -R -h 0:0 dest 2>/dev/null || :\n"
					"dpkg-deb --root-owner-group -Zgzip -z1 -b dest out", "packing it", err);
}

static int list_debs(struct work *w, json_t *list, struct viv_error *err)
{
	VIV_FREE char *out = viv_path_join(w->root, "build/out");
	VIV_TREE t = VIV_TREE_INIT;
	int r = viv_tree_scan(out, &t, err);

	for (size_t i = 0; r == 0 && i < t.n; i++) {
		VIV_FREE char *path = viv_asprintf("/build/out/%s", t.entries[i].path);
		const char *argv[] = {"dpkg-deb", "-f", path, NULL};

		if (t.entries[i].type != 'f' || !viv_ends_with(path, ".deb") ||
		    strchr(t.entries[i].path, '/') || json_array_size(list) >= DEBS_MAX)
			continue;
		r = run(w, argv, "reading a package", err);
		if (r == 0)
			json_array_append_new(list, json_pack("{s:s, s:o}", "file", t.entries[i].path,
							      "control", viv_json_text(w->tail.data)));
	}
	if (r == 0 && !json_array_size(list))
		r = viv_error_say(err, ENODATA, "its build made no package");
	return r;
}

static int run_if(struct work *w, const char *text, const char *what, struct viv_error *err)
{
	return text ? run_shell(w, text, what, err) : 0;
}

static int compile(struct work *w, struct viv_error *err)
{
	const struct viv_source_inside *job = w->job;
	VIV_ERROR why = VIV_ERROR_INIT;
	int r = run_if(w, job->before_patches, "making ready for patches", err), end;

	if (r == 0)
		r = apply_patches(w, err);
	if (r == 0)
		r = run_if(w, job->after_patches, "configuring it", err);
	if (r == 0)
		r = run_shell(w, job->steps, "its build", err);
	end = run_if(w, job->at_end, "putting its tree in order", &why);
	if (end < 0 && r < 0 && err)
		err->code = ECHILD; /* not VIV_SOURCE_FAILED */
	else if (end < 0)
		why.code = ECHILD;
	return end < 0 ? (r < 0 ? -ECHILD : viv_error_move(err, &why)) : r;
}

static int build(struct work *w, json_t *list, struct viv_error *err)
{
	const struct viv_source_inside *job = w->job;
	int r = mount_build(w, err);

	if (r == 0) {
		w->log = viv_open_below(w->root, "build/log", O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
		r = w->log < 0 ? w->log : copy_sources(w, err);
	}
	if (r == 0)
		r = run_if(w, job->prepare, "unpacking the source", err);
	if (r == 0)
		r = compile(w, err);
	if (r == 0)
		r = run_shell(w, "rm -rf out && mkdir out", "clearing its folder", err);
	if (r == 0)
		r = job->own ? pack(w, err)
			     : run_shell(w, "for f in *.deb; do [ ! -e \"$f\" ] || mv \"$f\" out/; done",
					 "finding its packages", err);
	return r == 0 ? list_debs(w, list, err) : r;
}

int viv_source_inside(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		      struct viv_str *result, struct viv_error *err)
{
	struct work w = {.job = arg, .report = report, .scratch = viv_strdup(view->scratch), .log = -1,
			 .root = viv_path_join(view->scratch, VIV_DEB_ROOT)};
	VIV_JSON *list = json_array();
	VIV_FREE char *mounted = NULL;
	int r;

	viv_task_begin(report, 0, "building %s", w.job->name);
	r = build(&w, list, err);
	viv_task_end(report, r == 0);
	viv_json_canonical(list, result);
	viv_close(w.log);
	mounted = viv_path_join(w.root, "build");
	umount2(mounted, MNT_DETACH | UMOUNT_NOFOLLOW);
	viv_str_free(&w.tail);
	free(w.scratch);
	free(w.root);
	return r;
}
