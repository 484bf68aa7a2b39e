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
	"-c", "core.askPass=", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.quotePath=false",
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
	viv_strv_push(env, "LC_ALL=C.UTF-8");
}

/* The last lines of what git said. */
static const char *reason(const struct viv_str *said)
{
	const char *text = said->data ? said->data : "";

	return said->len > 2000 ? text + said->len - 2000 : text;
}

static int run(const char *dir, const char *const *args, struct viv_str *out, int limit_ms,
	       struct viv_error *err)
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
	r = viv_process_run((const char *const *)argv.items, (const char *const *)env.items, NULL,
			    out ? out : &ignored, &said, OUTPUT_MAX, limit_ms, &status, err);
	if (r == -ENOENT)
		viv_error_hint(err, "fetchGit needs the package git.");
	if (r < 0)
		return r;
	text = viv_uri_masked(reason(&said));
	return status ? viv_error_say(err, EIO, "git %s: %s", args[0], text) : 0;
}


/* NUL-separated; names that no tree can have are left out, and said. */
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

int viv_git_list(const char *tree, struct viv_report *report, struct viv_strv *ret,
		 struct viv_error *err)
{
	static const char *const list[] = {"ls-files", "-z", "-c", "-o", "--exclude-standard", "--", ".", NULL};
	static const char *const changes[] = {"status", "--porcelain", "-z", "--untracked-files=all",
					      "--ignore-submodules=all", "--", ".", NULL};
	VIV_STR out = VIV_STR_INIT, status = VIV_STR_INIT;
	VIV_ERROR why = VIV_ERROR_INIT;
	size_t n;
	int r = run(tree, list, &out, LIST_LIMIT_MS, &why);

	if (r == -EIO && strstr(why.msg, "not a git repository"))
		return viv_error_say(err, EINVAL, "%s is no git repository (a plain folder is "
				     "path(\"…\"))", tree);
	if (r == -EIO && strstr(why.msg, "dubious ownership"))
		return viv_error_say(err, EPERM, "the git repository %s belongs to another user", tree);
	if (r == 0)
		r = run(tree, changes, &status, LIST_LIMIT_MS, &why);
	if (r < 0)
		return viv_error_move(err, &why);
	split(&out, ret);
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
	VIV_FREE char *cache = viv_dir_cache(), *dir = viv_asprintf("%s/git-XXXXXX", cache);
	VIV_FREE char *output = viv_asprintf("--output=%s", dest), *masked = viv_uri_masked(url);
	const char *init[] = {"init", "-q", "--bare", ".", NULL};
	const char *fetch[] = {"fetch", "-q", "--depth=1", "--no-tags", "--no-recurse-submodules",
			       "--", url, rev, NULL};
	const char *all[] = {"fetch", "-q", "--no-recurse-submodules", "--", url,
			     "+refs/*:refs/fetched/*", NULL};
	const char *archive[] = {"archive", "--format=tar", "--prefix=source/", output, rev, NULL};
	int r = viv_mkdir_p(cache, 0700, err);

	if (r == 0 && !mkdtemp(dir))
		r = viv_error_set(err, errno, "cannot make a folder in %s", cache);
	if (r < 0)
		return r;
	viv_task_begin(report, 0, "fetching %s", masked);
	r = run(dir, init, NULL, LIST_LIMIT_MS, err);
	/* A server need not hand out a commit by its name; then all of it is fetched. */
	if (r == 0 && run(dir, fetch, NULL, GET_LIMIT_MS, NULL) < 0)
		r = run(dir, all, NULL, GET_LIMIT_MS, err);
	if (r == 0)
		r = run(dir, archive, NULL, GET_LIMIT_MS, err);
	viv_task_end(report, r == 0);
	viv_remove_tree(dir, NULL);
	return r < 0 ? viv_error_context(err, "%s", masked) : 0;
}
