/* SPDX-License-Identifier: MIT */
#include "plan/unit_verify.h"

#include "base/fd.h"
#include "base/path.h"
#include "deb/layer.h"
#include "plan/area.h"
#include "plan/unit.h"
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
	VIV_FREE char *program = viv_asprintf("%s" PROGRAM, root);
	int status = 0, r;

	if (!viv_exists(program))
		return 0;
	if (viv_sandbox_exec(&e, &status, NULL) < 0 || status != 0)
		return 0;
	r = take(view, root, PROGRAM, err);
	return r < 0 ? r : take_libraries(view, root, listed.data ? listed.data : "", err);
}

static int build_checker(const char *layer, const char *dest, struct viv_report *report, struct viv_error *err)
{
	VIV_STRV layers = VIV_STRV_INIT;

	if (mkdir(dest, 0755) < 0)
		return viv_error_set(err, errno, "%s", dest);
	viv_strv_push(&layers, layer);
	return viv_layers_call(&layers, dest, make_checker, NULL, report, err);
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
		r = viv_store_end(b, r, recipe, &refs, err);
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

/* An instance of a template that is the options', too: that is what it is made from. */
static bool has_own_template(const struct viv_etc *etc, const char *unit)
{
	VIV_FREE char *template = viv_unit_template(unit);
	VIV_FREE char *path = template ? viv_asprintf(VIV_ETC_UNITS "%s", template) : NULL;

	return path && viv_etc_find(etc, path);
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
		if (r == 0 && !viv_ends_with(f->path, type) && !has_own_template(etc, unit))
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

/* What was found. */
struct verdict {
	const struct viv_etc *etc;
	const struct viv_config *config;
	struct viv_str faults;
	struct viv_strv units; /* that have any */
};

/* `line` 0: of no line. */
static void add_fault(struct verdict *v, const struct viv_etc_file *f, size_t line, struct viv_slice text)
{
	VIV_FREE char *option = line ? option_of_line(v->config, f, line) : viv_strdup(f->option);
	VIV_FREE char *unit = NULL, *number = line ? viv_asprintf(" line %zu", line) : viv_strdup("");
	VIV_FREE char *fault = viv_asprintf("%s: %s: %s%s: %.*s\n", viv_config_place(v->config, option), option,
					    line ? f->path + strlen(VIV_ETC_UNITS) : viv_path_base(f->path), number,
					    (int)text.len, text.data);
	const char *type;

	/* Of a template each instance says it again. */
	if (!v->faults.data || !strstr(v->faults.data, fault))
		viv_str_add(&v->faults, fault);
	if (viv_unit_of_file(f, &unit, &type))
		viv_strv_take(&v->units, viv_steal(unit));
}

static bool has(struct viv_slice text, const char *words)
{
	return memmem(text.data, text.len, words, strlen(words));
}

/* What systemd does as it is told, and says that another way is better (252 to 257). */
static bool is_advice(struct viv_slice text)
{
	static const char *const words[] = {
		"please use", "please update", "Please update", "Please specify", "is obsolete, automatically",
		"is deprecated", "this is not safe!",
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(words); i++)
		if (has(text, words[i]))
			return !has(text, "gnoring");
	return false;
}

/* Of a line: what it goes on without, or does not start the unit for. */
static bool judge_line(struct verdict *v, struct viv_slice line)
{
	VIV_FREE char *path = NULL;
	struct viv_slice text;
	const struct viv_etc_file *f;
	size_t number;

	if (!split_place(line, &path, &number, &text))
		return false;
	f = viv_etc_find(v->etc, path);
	if (f && viv_unit_is_users(f) && !is_advice(text))
		add_fault(v, f, number, text);
	return true;
}

/* The file of a whole unit, or of the template of an instance. NULL: it is none of the options'. */
static const struct viv_etc_file *file_of(const struct verdict *v, const char *unit)
{
	VIV_FREE char *template = viv_unit_template(unit);
	const char *const names[] = {unit, template};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names) && names[i]; i++) {
		VIV_FREE char *path = viv_asprintf(VIV_ETC_UNITS "%s", names[i]);
		const struct viv_etc_file *f = viv_etc_find(v->etc, path);

		if (f)
			return viv_unit_is_users(f) ? f : NULL;
	}
	return NULL;
}

/*
 * "x.service: Service has no ExecStart=… Refusing.": of a whole unit, not of a part of one. "Unit
 * x.service has a bad unit file setting." comes after what is wrong with it.
 */
static void judge_unit(struct verdict *v, struct viv_slice line)
{
	static const char bad[] = " has a bad unit file setting";
	const char *colon = memmem(line.data, line.len, ": ", 2), *end = memmem(line.data, line.len, bad, strlen(bad));
	bool is_bad = end && line.len > 5 && memcmp(line.data, "Unit ", 5) == 0;
	struct viv_slice name = {line.data, colon ? (size_t)(colon - line.data) : 0}, text = line;
	VIV_FREE char *unit = NULL;
	const struct viv_etc_file *f;

	if (is_bad)
		name = (struct viv_slice){line.data + 5, (size_t)(end - line.data - 5)};
	else if (name.len && (has(line, "Refusing.") || has(line, "fatal error")))
		text = (struct viv_slice){colon + 2, line.len - (size_t)(colon + 2 - line.data)};
	else
		return;
	unit = viv_slice_dup(name);
	f = file_of(v, unit);
	if (f && (has(text, "Refusing.") || !viv_strv_has(&v->units, viv_path_base(f->path))))
		add_fault(v, f, 0, text);
}

/* Where a unit says KEY=NAME: its line, from 1; 0: nowhere. */
static size_t line_with(const struct viv_etc_file *f, const char *name)
{
	struct viv_slice rest = {f->content.data, f->content.len}, line;
	VIV_FREE char *end = viv_asprintf("=%s", name);

	for (size_t n = 1; viv_slice_line(&rest, &line); n++)
		if (line.len > strlen(end) &&
		    memcmp(line.data + line.len - strlen(end), end, strlen(end)) == 0)
			return n;
	return 0;
}

/* It takes nearly any name for a user's, and finds at the start that there is nobody of it. */
static void judge_name(struct verdict *v, struct viv_slice line)
{
	static const char start[] = "Accepting user/group name '";
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	VIV_FREE char *name = NULL;

	if (line.len < strlen(start) || memcmp(line.data, start, strlen(start)) != 0)
		return;
	name = viv_slice_dup((struct viv_slice){line.data + strlen(start), line.len - strlen(start)});
	name[strcspn(name, "'")] = '\0';
	if (name[strspn(name, letters)] == '\0')
		return;
	for (size_t i = 0; i < v->etc->n_files; i++) {
		const struct viv_etc_file *f = &v->etc->files[i];
		VIV_FREE char *unit = NULL;
		const char *type;
		size_t n;

		if (viv_unit_is_users(f) && viv_unit_of_file(f, &unit, &type) && (n = line_with(f, name)))
			add_fault(v, f, n, viv_slice("nobody can have this name"));
	}
}

int viv_units_judge(const struct viv_etc *etc, const struct viv_config *config, const char *said,
		    struct viv_error *err)
{
	struct viv_slice rest = viv_slice(said), line;
	struct verdict v = {.etc = etc, .config = config};
	int r = 0;

	while (viv_slice_line(&rest, &line)) {
		judge_name(&v, line);
		if (!judge_line(&v, line))
			judge_unit(&v, line);
	}
	if (v.faults.len)
		r = viv_error_say(err, EINVAL, "%.*s", (int)v.faults.len - 1, v.faults.data);
	viv_str_free(&v.faults);
	viv_strv_free(&v.units);
	return r;
}
