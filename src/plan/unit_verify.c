/* SPDX-License-Identifier: MIT */
#include "plan/unit_verify.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/layer.h"
#include "plan/area.h"
#include "sandbox/sandbox.h"

#include <sys/stat.h>
#include <unistd.h>

/* Changed whenever what is taken out of a layer changes. */
#define BUILDER	     "unit-checker 1"
#define PROGRAM	     "/usr/bin/systemd-analyze"
#define FILE_MAX     ((size_t)64 << 20)
#define TIME_LIMIT   60000

/* ---- the program, out of the machine's own layer ---- */

/* Below the object, which is the folder /usr of the program's root; links in the layer lead nowhere else. */
static int take(const struct viv_sandbox_view *view, const char *root, const char *path, struct viv_error *err)
{
	const char *below = path + (viv_starts_with(path, "/usr/") ? strlen("/usr/") : 1);
	VIV_FREE char *to = viv_asprintf("%s/out/%s", view->scratch, below), *dir = viv_path_dir(to);
	VIV_STR content = VIV_STR_INIT;
	int r = viv_path_is_safe(below) ? viv_read_below(root, path + 1, FILE_MAX, &content, err) : -EINVAL;

	if (r == 0)
		r = viv_mkdir_p(dir, 0755, err);
	return r < 0 ? r : viv_write_file(to, content.data ? content.data : "", content.len, 0755, err);
}

/* Libraries as ldd(1) lists them: "NAME => /PATH (0x…)". */
static int take_libraries(const struct viv_sandbox_view *view, const char *root, const char *listed,
			  struct viv_error *err)
{
	struct viv_slice rest = viv_slice(listed), word;
	int r = 0;

	while (r == 0 && viv_slice_word(&rest, &word)) {
		VIV_FREE char *path = viv_slice_dup(word);

		if (path[0] == '/')
			r = take(view, root, path, err);
	}
	return r;
}

/* A layer without systemd, or of a foreign processor: nothing is taken. */
static int make_checker(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			struct viv_str *result, struct viv_error *err)
{
	static const char *const argv[] = {"/usr/bin/ldd", PROGRAM, NULL};
	VIV_FREE char *root = viv_path_join(view->scratch, "root");
	VIV_STR listed = VIV_STR_INIT;
	const struct viv_sandbox_exec e = {.root = root,
					   .argv = argv,
					   .stdin_fd = -1,
					   .output_fd = -1,
					   .output = &listed,
					   .timeout_ms = TIME_LIMIT};
	VIV_FREE char *layer = viv_path_join(view->scratch, "layer"), *aside = viv_path_join(view->scratch, "aside");
	VIV_FREE char *program = viv_asprintf("%s" PROGRAM, root);
	int status = 0, r = viv_layer_unpack(layer, root, aside, err);

	if (r < 0 || !viv_exists(program))
		return r;
	if (viv_sandbox_exec(&e, &status, NULL) < 0 || status != 0)
		return 0;
	r = take(view, root, PROGRAM, err);
	return r < 0 ? r : take_libraries(view, root, listed.data ? listed.data : "", err);
}

static int build_checker(const char *layer, const char *dest, struct viv_report *report, struct viv_error *err)
{
	const struct viv_sandbox_bind binds[] = {{.host = layer, .name = "layer"},
						 {.host = dest, .name = "out", .writable = true}};
	const struct viv_sandbox_spec spec = {.binds = binds, .n_binds = VIV_ARRAY_SIZE(binds)};

	if (mkdir(dest, 0755) < 0)
		return viv_error_set(err, errno, "%s", dest);
	return viv_sandbox_call(&spec, make_checker, NULL, report, NULL, err);
}

int viv_unit_checker(struct viv_store *store, const char *layer, struct viv_report *report, char **ret_path,
		     struct viv_error *err)
{
	VIV_JSON *recipe = json_pack("{s:s, s:s}", "builder", BUILDER, "layer", layer);
	VIV_FREE char *id = viv_store_id("unit-checker", recipe);
	VIV_FREE char *folder = viv_store_object_path(store, layer);
	VIV_STRV refs = VIV_STRV_INIT;
	struct viv_store_build *b;
	int r = viv_store_begin(store, id, report, &b, err);

	if (r == 0) {
		viv_task_begin(report, 0, "taking systemd's check of units out of the packages");
		r = build_checker(folder, viv_store_build_path(b), report, err);
		viv_task_end(report, r == 0);
		if (r == 0)
			r = viv_store_commit(b, recipe, &refs, err);
		else
			viv_store_abort(b);
	}
	if (r < 0)
		return viv_error_context(err, "systemd's check of units");
	*ret_path = viv_store_object_path(store, id);
	return 0;
}

/* ---- its use ---- */

#define UNITS "/u/" /* where they stand in its root */
#define BELOW "/v/" /* and what a package has, as far as it matters: that it has it */

struct job {
	const struct viv_etc *etc;
};

bool viv_unit_is_users(const struct viv_etc_file *f)
{
	return f->option && (viv_starts_with(f->option, "systemd.") || viv_starts_with(f->option, "environment.etc"));
}

static int write_below(const char *root, const char *folder, const char *name, const char *text, size_t len,
		       struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("%s%s%s", root, folder, name), *dir = viv_path_dir(path);
	int r = viv_mkdir_p(dir, 0755, err);

	return r < 0 ? r : viv_write_file(path, text, len, 0644, err);
}

/* Writes them, and lists them for the command line. */
static int write_units(const char *root, const struct viv_etc *etc, struct viv_strv *argv, struct viv_error *err)
{
	static const char stub[] = "[Unit]\n";
	VIV_STRV units = VIV_STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];
		VIV_FREE char *unit = NULL;
		const char *type;

		if (!viv_unit_is_users(f) || !viv_unit_of_file(f, &unit, &type))
			continue;
		r = write_below(root, UNITS, f->path + strlen(VIV_ETC_UNITS), f->content.data,
				f->content.len, err);
		if (r == 0 && !viv_ends_with(f->path, type))
			r = write_below(root, BELOW, unit, stub, strlen(stub), err);
		viv_strv_take(&units, viv_steal(unit));
	}
	viv_strv_uniq(&units);
	viv_strv_push_all(argv, (const char *const *)units.items);
	return r;
}

static int make_root(const char *root, struct viv_error *err)
{
	static const char *const folders[] = {"tmp", "run", "u", "v"};
	static const char *const links[] = {"lib", "lib64", "bin"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(folders); i++) {
		VIV_FREE char *path = viv_path_join(root, folders[i]);

		r = viv_mkdir_p(path, 0755, err);
	}
	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(links); i++) {
		VIV_FREE char *path = viv_path_join(root, links[i]), *to = viv_path_join("usr", links[i]);

		r = symlink(to, path) < 0 ? viv_error_set(err, errno, "%s", path) : 0;
	}
	return r;
}

static int check(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		 struct viv_str *result, struct viv_error *err)
{
	static const char *const words[] = {PROGRAM, "verify", "--man=no", "--generators=no",
					    "--recursive-errors=no", NULL};
	static const char *const env[] = {"PATH=/usr/bin", "LC_ALL=C", "SYSTEMD_UNIT_PATH=/u:/v",
					  "SYSTEMD_COLORS=0", NULL};
	const struct job *job = arg;
	VIV_FREE char *root = viv_path_join(view->scratch, "root");
	VIV_STRV argv = VIV_STRV_INIT;
	struct viv_sandbox_exec e = {.root = root,
				     .env = env,
				     .stdin_fd = -1,
				     .output_fd = -1,
				     .output = result,
				     .timeout_ms = TIME_LIMIT};
	int status, r = make_root(root, err);

	viv_strv_push_all(&argv, words);
	if (r == 0)
		r = write_units(root, job->etc, &argv, err);
	e.argv = (const char *const *)argv.items;
	/* Its status says that something is wrong, which may be that a program is not there. */
	return r < 0 ? r : viv_sandbox_exec(&e, &status, err);
}

bool viv_units_any_users(const struct viv_etc *etc)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		VIV_FREE char *unit = NULL;
		const char *type;

		if (viv_unit_is_users(&etc->files[i]) && viv_unit_of_file(&etc->files[i], &unit, &type))
			return true;
	}
	return false;
}

int viv_units_verify(const struct viv_etc *etc, const struct viv_config *config, const char *checker,
		     struct viv_error *err)
{
	const struct viv_sandbox_bind bind = {.host = checker, .name = "root/usr"};
	const struct viv_sandbox_spec spec = {.binds = &bind, .n_binds = 1, .scratch_size = 64 << 20};
	VIV_FREE char *program = viv_path_join(checker, &PROGRAM[strlen("/usr/")]);
	struct job job = {.etc = etc};
	VIV_STR said = VIV_STR_INIT;
	int r;

	if (!viv_units_any_users(etc) || !viv_exists(program))
		return 0;
	r = viv_sandbox_call(&spec, check, &job, NULL, &said, err);
	if (r < 0)
		return viv_error_context(err, "systemd-analyze verify");
	return viv_units_judge(etc, config, said.data ? said.data : "", err);
}

/* ---- what it said ---- */

/* "/u/x.service:3: text": the file, the line's number, the text. */
static bool split_place(struct viv_slice line, char **ret_path, size_t *ret_line, struct viv_slice *ret_text)
{
	const char *end = line.data + line.len, *colon, *second;
	uint64_t n;

	if (line.len < strlen(UNITS) || memcmp(line.data, UNITS, strlen(UNITS)) != 0)
		return false;
	colon = memmem(line.data, line.len, ": ", 2);
	second = colon ? memrchr(line.data, ':', (size_t)(colon - line.data)) : NULL;
	if (!second || !viv_slice_u64((struct viv_slice){second + 1, (size_t)(colon - second - 1)}, 1 << 30, &n))
		return false;
	*ret_path = viv_asprintf(VIV_ETC_UNITS "%.*s", (int)(second - line.data - (long)strlen(UNITS)),
				 line.data + strlen(UNITS));
	*ret_line = (size_t)n;
	*ret_text = (struct viv_slice){colon + 2, (size_t)(end - colon - 2)};
	return true;
}

/* The key that stands in that line. NULL: none. The caller frees it. */
static char *key_of_line(const struct viv_etc_file *f, size_t number)
{
	struct viv_slice rest = {f->content.data, f->content.len}, line = {0};
	const char *equals;

	while (number-- > 0)
		if (!viv_slice_line(&rest, &line))
			return NULL;
	equals = memchr(line.data, '=', line.len);
	return equals ? viv_slice_dup((struct viv_slice){line.data, (size_t)(equals - line.data)}) : NULL;
}

/* The option that gave the line: a setting's own where there is one. The caller frees it. */
static char *option_of_line(const struct viv_config *config, const struct viv_etc_file *f, size_t number)
{
	static const char *const sets[] = {"serviceConfig", "timerConfig", "socketConfig", "mountConfig",
					   "unitConfig"};
	VIV_FREE char *key = key_of_line(f, number);

	for (size_t i = 0; key && i < VIV_ARRAY_SIZE(sets); i++) {
		VIV_FREE char *option = viv_asprintf("%s.%s.%s", f->option, sets[i], key);

		if (viv_config_find(config, option))
			return viv_steal(option);
	}
	return viv_strdup(f->option);
}

static void add_fault(struct viv_str *to, const struct viv_config *config, const char *option, const char *file,
		      size_t line, struct viv_slice text)
{
	viv_str_addf(to, "%s%s: %s: %s", to->len ? "\n" : "", viv_config_place(config, option), option, file);
	if (line)
		viv_str_addf(to, " line %zu", line);
	viv_str_addf(to, ": %.*s", (int)text.len, text.data);
}

/* What it says of a line, and goes on without it. Advice ("please use") is none. */
static bool judge_line(const struct viv_etc *etc, const struct viv_config *config, struct viv_slice line,
		       struct viv_str *faults)
{
	VIV_FREE char *path = NULL, *option = NULL;
	struct viv_slice text;
	const struct viv_etc_file *f;
	size_t number;

	if (!split_place(line, &path, &number, &text))
		return false;
	f = viv_etc_find(etc, path);
	if (!f || !viv_unit_is_users(f) || !memmem(text.data, text.len, "gnoring", 7))
		return true;
	option = option_of_line(config, f, number);
	add_fault(faults, config, option, f->path + strlen(VIV_ETC_UNITS), number, text);
	return true;
}

/* "x.service: Service has no ExecStart=… Refusing.": of a whole unit, not of a part of one. */
static void judge_unit(const struct viv_etc *etc, const struct viv_config *config, struct viv_slice line,
		       struct viv_str *faults)
{
	const char *colon = memmem(line.data, line.len, ": ", 2);
	VIV_FREE char *path = NULL;
	const struct viv_etc_file *f;

	if (!colon || !memmem(line.data, line.len, "Refusing.", 9))
		return;
	path = viv_asprintf(VIV_ETC_UNITS "%.*s", (int)(colon - line.data), line.data);
	f = viv_etc_find(etc, path);
	if (f && viv_unit_is_users(f))
		add_fault(faults, config, f->option, viv_path_base(path), 0,
			  (struct viv_slice){colon + 2, line.len - (size_t)(colon + 2 - line.data)});
}

int viv_units_judge(const struct viv_etc *etc, const struct viv_config *config, const char *said,
		    struct viv_error *err)
{
	struct viv_slice rest = viv_slice(said), line;
	VIV_STR faults = VIV_STR_INIT;

	while (viv_slice_line(&rest, &line))
		if (!judge_line(etc, config, line, &faults))
			judge_unit(etc, config, line, &faults);
	return faults.len ? viv_error_say(err, EINVAL, "%s", faults.data) : 0;
}
