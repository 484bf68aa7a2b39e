/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "cmd/machine.h"

#include "deb/lock.h"
#include "test/files.h"
#include "test/run.h"
#include "test/suite.h"

static const struct viv_flag flags[] = {
	{"flatten", 0, NULL, "merge the package layers into one again"},
	VIV_PARAM_FLAG,
	VIV_CONFIG_FLAGS,
	{0},
};

/* Machines of one file may have lock files of their own (packages.lockFile). */
struct lock_file {
	char *path;
	struct viv_lock *lock;	 /* as it was written last; NULL: not yet */
	struct viv_strv renewed; /* machines of this file in it, so far */
};

struct update {
	struct viv_cmd *cmd;
	const struct viv_args *args;
	bool changed;
	struct viv_config_choice *params;
	size_t n_params;
	const char *file; /* that is being renewed, where there are several; else NULL */
	struct lock_file *locks;
	size_t n_locks, cap_locks;
};

static void forget_locks(struct update *u)
{
	for (size_t i = 0; i < u->n_locks; i++) {
		free(u->locks[i].path);
		viv_lock_free(u->locks[i].lock);
		viv_strv_free(&u->locks[i].renewed);
	}
	free(viv_steal(u->locks));
	u->n_locks = u->cap_locks = 0;
}

static struct lock_file *lock_file_at(struct update *u, const char *path)
{
	for (size_t i = 0; i < u->n_locks; i++)
		if (viv_streq(u->locks[i].path, path))
			return &u->locks[i];
	u->locks = viv_grow(u->locks, &u->cap_locks, u->n_locks + 1, sizeof(*u->locks));
	u->locks[u->n_locks] = (struct lock_file){.path = viv_strdup(path)};
	return &u->locks[u->n_locks++];
}

static void print_changes(struct update *u, const struct viv_config *config, const struct viv_lock *old,
			  const struct viv_lock *now)
{
	const char *part = viv_config_part(config);
	VIV_STRV lines = VIV_STRV_INIT;

	viv_lock_compare(old, now, &lines);
	viv_progress_clear(u->cmd->report);
	for (size_t i = 0; i < lines.count; i++)
		viv_cmd_print(stdout, "%s%s%s%s%s\n", u->file ? u->file : "", u->file ? ": " : "", part ? part : "",
			      part ? ": " : "", lines.items[i]);
	u->changed = u->changed || lines.count;
}

static int update_machine(struct update *u, struct viv_cmd_machine *m, struct viv_error *err)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *before = NULL;
	struct viv_plan_options options = {
		.renew = !viv_args_has(u->args, "flatten"),
		.flatten = viv_args_has(u->args, "flatten"),
	};
	struct lock_file *file;
	int r = viv_cmd_machine_open(u->cmd, m, err);

	if (r == 0)
		r = viv_plan_read_lock(m->config, &before, err);
	if (r < 0)
		return r;
	file = lock_file_at(u, before->file);
	options.renewed = &file->renewed;
	r = viv_cmd_machine_plan(u->cmd, options, m, err);
	if (r < 0)
		return r;
	viv_lock_free(viv_steal(file->lock));
	r = viv_plan_read_lock(m->config, &file->lock, err);
	if (r < 0)
		return r;
	viv_strv_push(&file->renewed, file->lock->machine);
	print_changes(u, m->config, before, file->lock);
	return 0;
}

/* The machines of one combination of a test file's matrix. */
static int update_combination(struct update *u, const struct viv_suite_spec *spec, const struct viv_test_case *c,
			      struct viv_error *err)
{
	VIV_FREE struct viv_config_choice *choices = viv_test_case_choices(c);
	size_t i;
	json_t *name;

	json_array_foreach(c->machines, i, name) {
		VIV_CLEANUP(viv_cmd_machine_free_contents) struct viv_cmd_machine m = {0};
		const struct viv_config_test test = {.machine = json_string_value(name), .matrix = choices,
						     .n_matrix = c->axes.count, .params = spec->params,
						     .n_params = spec->n_params, .reserved = viv_test_reserved()};
		const struct viv_config_request req = {.file = c->shown, .settings = spec->settings,
						       .n_settings = spec->n_settings, .test = &test};
		int r = viv_config_load(&req, NULL, &m.config, err);

		if (r == 0)
			r = update_machine(u, &m, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Cases of one combination stand together. */
static bool is_next_combination(const struct viv_suite *s, size_t i)
{
	const char *before = i ? s->cases[i - 1].combination : NULL, *now = s->cases[i].combination;

	return !i || (now && !viv_streq(before, now));
}

/* Machines that the file has no more are forgotten. */
static int update_tests(struct update *u, const struct viv_suite_spec *spec, struct viv_error *err)
{
	VIV_CLEANUP(viv_suite_free_contents) struct viv_suite suite = {0};
	int r = viv_suite_collect(spec, u->cmd->report, &suite, err);

	for (size_t i = 0; i < suite.n && r == 0; i++) {
		const struct viv_test_case *c = &suite.cases[i];

		if (c->error)
			return viv_error_say(err, EINVAL, "%s", c->error);
		if (is_next_combination(&suite, i))
			r = update_combination(u, spec, c, err);
	}
	for (size_t i = 0; i < u->n_locks && r == 0; i++) {
		struct viv_lock *lock = u->locks[i].lock;

		lock->parts = &u->locks[i].renewed;
		r = viv_lock_write(lock, lock->file, err);
		if (r == 0)
			viv_lock_tell(lock, u->cmd->report);
	}
	return r;
}

static int update_file(struct update *u, const char *file, struct viv_error *err)
{
	VIV_CLEANUP(viv_cmd_machine_free_contents) struct viv_cmd_machine m = {0};
	VIV_FREE struct viv_config_setting *settings = NULL;
	VIV_STRV texts = VIV_STRV_INIT;
	const char *const paths[] = {file, NULL};
	struct viv_suite_spec tests = {.paths = paths, .params = u->params, .n_params = u->n_params};
	int r;

	/* Another file's lock may have machines of the same names, which are not these. */
	forget_locks(u);
	u->file = u->args->n_operands > 1 ? file : NULL;
	if (file && viv_ends_with(file, VIV_TEST_SUFFIX)) {
		r = viv_cmd_settings(u->args, &texts, &settings, &tests.n_settings, err);
		tests.settings = settings;
		return r < 0 ? r : update_tests(u, &tests, err);
	}
	r = viv_cmd_load_config(u->cmd, u->args, file, &m.config, err);
	return r < 0 ? r : update_machine(u, &m, err);
}

/* Those of --param that no file asks for are wrong before anything is written. */
static int check_params(const struct update *u, struct viv_error *err)
{
	VIV_CLEANUP(viv_suite_free_contents) struct viv_suite suite = {0};
	VIV_STRV tests = VIV_STRV_INIT;
	struct viv_suite_spec spec = {.params = u->params, .n_params = u->n_params};
	const char *unused = u->n_params ? u->params[0].name : NULL;
	int r = 0;

	for (size_t i = 0; unused && i < u->args->n_operands; i++)
		if (viv_ends_with(u->args->operands[i], VIV_TEST_SUFFIX))
			viv_strv_push(&tests, u->args->operands[i]);
	if (tests.count) {
		spec.paths = (const char *const *)tests.items;
		r = viv_suite_collect(&spec, NULL, &suite, err);
		unused = suite.unused_params.count ? suite.unused_params.items[0] : NULL;
	}
	for (size_t i = 0; i < suite.n; i++)
		if (suite.cases[i].error)
			return viv_error_say(err, EINVAL, "%s", suite.cases[i].error);
	if (r == 0 && unused)
		return viv_error_say(err, ENOENT, "--param %s: no test file asks for it", unused);
	return r;
}

static int update_files(struct update *u, struct viv_error *err)
{
	size_t i = 0;
	int r = check_params(u, err);

	while (r == 0) {
		r = update_file(u, u->args->operands[i], err);
		if (++i >= u->args->n_operands)
			break;
	}
	if (r == 0 && !u->changed && !u->cmd->quiet)
		fputs("viv: nothing changed\n", stderr);
	return r;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	struct update u = {.cmd = cmd, .args = args};
	VIV_STRV texts = VIV_STRV_INIT;
	int r = viv_cmd_params(cmd, args, &texts, &u.params, &u.n_params);

	if (r == 0)
		r = update_files(&u, err);
	forget_locks(&u);
	free(u.params);
	return r;
}

const struct viv_command viv_command_update = {
	.name = "update",
	.summary = "Renew the lock file and print what changed",
	.operands = "[FILE…]",
	.about = "Asks the mirrors for the newest versions of everything that the machine is made of: FILE's, else\n"
		 "vm.lua's of this folder, else the default one. FILE may be a test file (NAME" VIV_TEST_SUFFIX "):\n"
		 "then all of its machines, in all combinations of its matrix, and those that it has no more are\n"
		 "forgotten. Nothing is built; the next build, run or test does that.",
	.flags = flags,
	.max_operands = 1000,
	.run = run,
};
