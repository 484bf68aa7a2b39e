/* SPDX-License-Identifier: MIT */
#include "source/git.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/uri.h"

#include <unistd.h>

#define OUTPUT_MAX    (256 << 20)
#define LIST_LIMIT_MS (5 * 60 * 1000)
#define GET_LIMIT_MS  (60 * 60 * 1000)

static const char *const settings[] = {
	"-c", "core.fsmonitor=false",	"-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat",
	"-c", "protocol.allow=never",	"-c", "protocol.https.allow=always",
	"-c", "protocol.file.allow=always", "-c", "credential.helper=", "-c", "core.sshCommand=false",
	"-c", "core.askPass=", "-c", "safe.bareRepository=explicit", "-c", "core.attributesFile=/dev/null",
	"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.quotePath=false",
	NULL,
};

static void make_env(struct viv_strv *env)
{
	static const char *const drop[] = {"GIT_", "SSH_ASKPASS", "LC_", "LANG"};

	for (char **e = environ; *e; e++) {
		bool skip = false;

		for (size_t i = 0; i < VIV_ARRAY_SIZE(drop); i++)
			skip = skip || viv_starts_with(*e, drop[i]);
		if (!skip)
			viv_strv_push(env, *e);
	}
	viv_strv_push(env, "GIT_CONFIG_NOSYSTEM=1");
	viv_strv_push(env, "GIT_CONFIG_GLOBAL=/dev/null");
	viv_strv_push(env, "GIT_ATTR_NOSYSTEM=1");
	viv_strv_push(env, "GIT_TERMINAL_PROMPT=0");
	viv_strv_push(env, "GIT_OPTIONAL_LOCKS=0");
	viv_strv_push(env, "GIT_NO_LAZY_FETCH=1");
	viv_strv_push(env, "LC_ALL=C.UTF-8");
}

/* The last lines of what git said. */
static const char *reason(const struct viv_str *said)
{
	const char *text = said->data ? said->data : "";

	return said->len > 2000 ? text + said->len - 2000 : text;
}

/* `more`: further variables; NULL: none. */
static int run(const char *dir, const char *const *args, const struct viv_strv *more, struct viv_str *out,
	       int limit_ms, struct viv_error *err)
{
	VIV_STRV argv = VIV_STRV_INIT, env = VIV_STRV_INIT;
	VIV_STR said = VIV_STR_INIT, ignored = VIV_STR_INIT;
	VIV_FREE char *text = NULL;
	int status, r;

	viv_strv_push(&argv, "git");
	viv_strv_push_all(&argv, settings);
	viv_strv_push(&argv, "-C");
	viv_strv_push(&argv, dir);
	viv_strv_push_all(&argv, args);
	make_env(&env);
	if (more)
		viv_strv_push_all(&env, (const char *const *)more->items);
	r = viv_process_run((const char *const *)argv.items, (const char *const *)env.items, NULL,
			    out ? out : &ignored, &said, OUTPUT_MAX, limit_ms, &status, err);
	if (r == -ENOENT)
		viv_error_hint(err, "fetchGit needs the package git.");
	if (r < 0)
		return r;
	text = viv_uri_masked(reason(&said));
	return status ? viv_error_say(err, EIO, "git %s: %s", args[0], text) : 0;
}

/* A folder of ours for git's own files. The caller removes and frees it. */
static int make_folder(char **ret, struct viv_error *err)
{
	VIV_FREE char *cache = viv_dir_cache(), *dir = viv_asprintf("%s/git-XXXXXX", cache);
	int r = viv_mkdir_p(cache, 0700, err);

	if (r == 0 && !mkdtemp(dir))
		r = viv_error_set(err, errno, "cannot make a folder in %s", cache);
	if (r == 0)
		*ret = viv_steal(dir);
	return r;
}

static int write_info(const char *dir, const char *name, const char *text, struct viv_error *err)
{
	VIV_FREE char *info = viv_path_join(dir, "info"), *path = viv_path_join(info, name);
	int r = viv_mkdir_p(info, 0755, err);

	return r < 0 ? r : viv_write_file(path, text, strlen(text), 0644, err);
}

/*
 * A work tree may be a stranger's, and its configuration names programs: filters, monitors, other places to
 * fetch from. So the repository is only found with it, and then read through a configuration of ours.
 */
struct repository {
	char *ours; /* the git folder that counts */
	struct viv_strv env;
};

static void repository_clear(struct repository *r)
{
	if (r->ours)
		viv_remove_tree(r->ours, NULL);
	free(r->ours);
	viv_strv_free(&r->env);
}

static int explain(const char *tree, struct viv_error *why, struct viv_error *err)
{
	int code = why->code;

	if (code == EIO && strstr(why->msg, "not a git repository"))
		return viv_error_say(err, EINVAL, "%s is no git repository (a plain folder is "
				     "path(\"…\"))", tree);
	if (code == EIO && strstr(why->msg, "bare repository"))
		return viv_error_say(err, EINVAL, "%s is a git repository without a work tree (a plain folder is "
				     "path(\"…\"))", tree);
	if (code == EIO && strstr(why->msg, "dubious ownership"))
		return viv_error_say(err, EPERM, "the git repository %s belongs to another user", tree);
	return viv_error_move(err, why);
}

enum { PLACE_DIR, PLACE_COMMON, PLACE_TOP, PLACE_FORMAT, N_PLACES };

/* rev-parse runs nothing, whatever the repository says. */
static int find_places(const char *tree, struct viv_str *text, struct viv_strv *ret, struct viv_error *err)
{
	static const char *const find[] = {"rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir",
					   "--show-toplevel", "--show-object-format", NULL};
	VIV_ERROR why = VIV_ERROR_INIT;
	struct viv_slice rest, line;
	int r = run(tree, find, NULL, text, LIST_LIMIT_MS, &why);

	if (r < 0)
		return explain(tree, &why, err);
	rest = (struct viv_slice){text->data, text->len};
	while (viv_slice_line(&rest, &line))
		viv_strv_take(ret, viv_slice_dup(line));
	return ret->count == N_PLACES ? 0 : viv_error_say(err, EINVAL, "%s: git cannot say where it is", tree);
}

static int make_ours(const char *format, const char *commit, struct repository *ret, struct viv_error *err)
{
	VIV_FREE char *option = viv_asprintf("--object-format=%s", format);
	const char *init[] = {"init", "-q", "--bare", "--template=", option, ".", NULL};
	VIV_FREE char *head = NULL, *line = viv_asprintf("%s\n", commit);
	int r = make_folder(&ret->ours, err);

	if (r == 0)
		r = run(ret->ours, init, NULL, NULL, LIST_LIMIT_MS, err);
	if (r < 0 || !*commit)
		return r;
	head = viv_path_join(ret->ours, "HEAD");
	return viv_write_file(head, line, strlen(line), 0644, err);
}

/* What is ignored here alone: names, nothing that is run. */
static int take_exclude(const char *from, const char *to, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("%s/info/exclude", from);
	VIV_STR text = VIV_STR_INIT;

	if (viv_read_file(path, 1 << 20, &text, NULL) < 0 || !text.data)
		return 0;
	return write_info(to, "exclude", text.data, err);
}

static int open_repository(const char *tree, struct repository *ret, struct viv_error *err)
{
	static const char *const head[] = {"rev-parse", "-q", "--verify", "HEAD", NULL};
	VIV_STR text = VIV_STR_INIT, commit = VIV_STR_INIT;
	VIV_STRV places = VIV_STRV_INIT;
	int r = find_places(tree, &text, &places, err);

	if (r < 0)
		return r;
	if (run(tree, head, NULL, &commit, LIST_LIMIT_MS, NULL) < 0)
		viv_str_clear(&commit); /* there is none yet */
	while (commit.len && commit.data[commit.len - 1] == '\n')
		commit.data[--commit.len] = '\0';
	r = make_ours(places.items[PLACE_FORMAT], commit.len && viv_git_is_commit(commit.data) ? commit.data : "",
		      ret, err);
	viv_strv_pushf(&ret->env, "GIT_DIR=%s", ret->ours);
	viv_strv_pushf(&ret->env, "GIT_WORK_TREE=%s", places.items[PLACE_TOP]);
	viv_strv_pushf(&ret->env, "GIT_INDEX_FILE=%s/index", places.items[PLACE_DIR]);
	viv_strv_pushf(&ret->env, "GIT_OBJECT_DIRECTORY=%s/objects", places.items[PLACE_COMMON]);
	return r < 0 ? r : take_exclude(places.items[PLACE_COMMON], ret->ours, err);
}

/* NUL-separated; a name that no tree can have is left out, as is the folder of another repository. */
static void split(const struct viv_str *out, struct viv_strv *ret)
{
	for (size_t i = 0; i < out->len; i += strlen(out->data + i) + 1)
		if (viv_path_is_safe(out->data + i))
			viv_strv_push(ret, out->data + i);
	viv_strv_uniq(ret);
}

static size_t count_changes(const struct viv_str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < out->len; n++) {
		bool two = out->data[i] == 'R' || out->data[i] == 'C'; /* a rename has both names */

		i += strlen(out->data + i) + 1;
		if (two && i < out->len)
			i += strlen(out->data + i) + 1;
	}
	return n;
}

/* "160000 … TAB name" each, of ls-files -s or ls-tree. */
static void say_submodules(const struct viv_str *out, const char *where, struct viv_report *report)
{
	static const char mode[] = "160000 ";
	const char *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < out->len; i += strlen(out->data + i) + 1) {
		const char *tab = viv_starts_with(out->data + i, mode) ? strchr(out->data + i, '\t') : NULL;

		n += tab != NULL;
		first = first ? first : tab;
	}
	if (first) {
		VIV_FREE char *name = viv_slice_printable(viv_slice(first + 1));

		viv_say(report, VIV_INFO, "%s: %s%s%s left out: fetchGit takes no submodules", where, name,
			n > 1 ? " and others" : "", n > 1 ? " are" : " is");
	}
}

int viv_git_list(const char *tree, struct viv_report *report, struct viv_strv *ret,
		 struct viv_error *err)
{
	VIV_CLEANUP(repository_clear) struct repository repo = {0};
	VIV_STR out = VIV_STR_INIT, status = VIV_STR_INIT, stages = VIV_STR_INIT;
	int r = open_repository(tree, &repo, err);
	static const char *const list[] = {"ls-files", "-z", "-c", "-o", "--exclude-standard", "--", ".", NULL};
	static const char *const stage[] = {"ls-files", "-z", "-s", "--", ".", NULL};
	static const char *const changes[] = {"status", "--porcelain", "-z", "--untracked-files=all",
					      "--ignore-submodules=all", "--", ".", NULL};
	size_t n;

	if (r == 0)
		r = run(tree, list, &repo.env, &out, LIST_LIMIT_MS, err);
	if (r == 0)
		r = run(tree, stage, &repo.env, &stages, LIST_LIMIT_MS, err);
	if (r == 0)
		r = run(tree, changes, &repo.env, &status, LIST_LIMIT_MS, err);
	if (r < 0)
		return r;
	split(&out, ret);
	say_submodules(&stages, tree, report);
	n = count_changes(&status);
	if (n)
		viv_say(report, VIV_INFO, "taking %s with %zu uncommitted change%s", tree, n, n == 1 ? "" : "s");
	return 0;
}

bool viv_git_is_commit(const char *rev)
{
	size_t n = strlen(rev);

	return (n == 40 || n == 64) && strspn(rev, "0123456789abcdef") == n;
}

int viv_git_fetch(const char *url, const char *rev, const char *dest, struct viv_report *report,
		  struct viv_error *err)
{
	VIV_FREE char *dir = NULL, *output = viv_asprintf("--output=%s", dest), *masked = viv_uri_masked(url);
	VIV_STR names = VIV_STR_INIT;
	VIV_STRV env = VIV_STRV_INIT;
	const char *init[] = {"init", "-q", "--bare", "--template=", ".", NULL};
	const char *fetch[] = {"fetch", "-q", "--depth=1", "--no-tags", "--no-recurse-submodules",
			       "--", url, rev, NULL};
	const char *all[] = {"fetch", "-q", "--no-recurse-submodules", "--", url,
			     "+refs/*:refs/fetched/*", NULL};
	const char *archive[] = {"archive", "--format=tar", "--prefix=source/", output, rev, NULL};
	const char *tree[] = {"ls-tree", "-r", "-z", rev, NULL};
	int r = make_folder(&dir, err);

	if (r < 0)
		return r;
	viv_strv_pushf(&env, "GIT_DIR=%s", dir);
	viv_task_begin(report, 0, "fetching %s", masked);
	r = run(dir, init, NULL, NULL, LIST_LIMIT_MS, err);
	/* A server need not hand out a commit by its name; then all of it is fetched. */
	if (r == 0 && run(dir, fetch, &env, NULL, GET_LIMIT_MS, NULL) < 0)
		r = run(dir, all, &env, NULL, GET_LIMIT_MS, err);
	if (r == 0)
		r = run(dir, tree, &env, &names, LIST_LIMIT_MS, err);
	/* "$Format:%D$" would become what else is in the repository: other bytes of the same commit. */
	if (r == 0)
		r = write_info(dir, "attributes", "* -export-subst\n", err);
	if (r == 0)
		r = run(dir, archive, &env, NULL, GET_LIMIT_MS, err);
	viv_task_end(report, r == 0);
	if (r == 0)
		say_submodules(&names, masked, report);
	viv_remove_tree(dir, NULL);
	return r < 0 ? viv_error_context(err, "%s", masked) : 0;
}
