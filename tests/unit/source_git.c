/* SPDX-License-Identifier: MIT */

/* Work trees of git's: what is in them, and that a stranger's runs nothing. */

#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "source/git.h"

#include <unistd.h>

static const char prepare[] =
	"exec 2>&1; set -e\n"
	"export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x "
	"GIT_COMMITTER_EMAIL=x\n"
	"commit() { git -C \"$1\" add -A; git -C \"$1\" commit -qm x; }\n"
	"printf '#!/bin/sh\\necho $0 >>%s/PWNED\\ncat\\n' \"$PWD\" >evil; chmod +x evil; evil=$PWD/evil\n";

static void shell(const char *script)
{
	VIV_FREE char *all = viv_asprintf("%s%s", prepare, script);
	const char *argv[] = {"sh", "-c", all, NULL};
	VIV_STR out = VIV_STR_INIT;
	int status;

	assert_int_equal(viv_process_run(argv, NULL, NULL, &out, NULL, 1 << 20, 60000, &status, NULL), 0);
	if (status)
		fail_msg("%s", out.data ? out.data : "");
}

static int enter(void **state)
{
	int r = enter_folder(state);

	setenv("XDG_CACHE_HOME", *state, 1);
	return r;
}

static void need_git(void)
{
	VIV_FREE char *git = viv_find_program("git");

	if (!git) {
		print_message("git is missing\n");
		skip();
	}
}

struct heard {
	struct viv_report report; /* first */
	struct viv_str *said;
};

static void hear(struct viv_report *r, enum viv_level level, const char *text)
{
	viv_str_addf(((struct heard *)r)->said, "%s\n", text);
}

static int list(const char *tree, struct viv_str *said, struct viv_strv *ret)
{
	VIV_FREE char *path = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct heard h = {.report = {.message = hear}, .said = said};
	int r;

	assert_int_equal(viv_path_absolute(tree, &path, NULL), 0);
	r = viv_git_list(path, &h.report, ret, &err);
	if (r < 0)
		viv_str_addf(said, "%s\n", err.msg);
	assert_false(viv_exists("PWNED"));
	return r;
}

static void assert_list(const char *tree, const char *names, const char *says)
{
	VIV_STRV got = VIV_STRV_INIT;
	VIV_STR said = VIV_STR_INIT;
	VIV_FREE char *text = NULL;

	assert_int_equal(list(tree, &said, &got), 0);
	text = viv_strv_join(&got, " ");
	assert_string_equal(text, names);
	if (!strstr(said.data ? said.data : "", says))
		fail_msg("%s does not say: %s", said.data ? said.data : "", says);
}

static void what_git_has(void **state)
{
	need_git();
	shell("git init -q tree; cd tree; echo a >a; echo b >b; mkdir sub; echo c >sub/c; echo '*.o' >.gitignore\n"
	      "commit .; echo x >x.o; echo new >sub/new; echo changed >a; rm b; echo d >.git/info/exclude; echo d >d");
	assert_list("tree", ".gitignore a b sub/c sub/new", "3 uncommitted changes");
	assert_list("tree/sub", "c new", "1 uncommitted change");
	shell("git -C tree worktree add -q ../other; echo y >other/y; git init -q --object-format=sha256 young;"
	      "echo z >young/z");
	assert_list("other", ".gitignore a b sub/c y", "1 uncommitted change");
	assert_list("young", "z", "1 uncommitted change");
}

static void submodules_are_said(void **state)
{
	need_git();
	shell("git init -q tree; git init -q tree/sub; echo a >tree/sub/a; commit tree/sub; commit tree");
	assert_list("tree", "sub", "sub is left out");
}

/* The repository's own configuration names programs for all that git does. */
static void a_repository_runs_nothing(void **state)
{
	need_git();
	shell("git init -q tree; cd tree; echo a >a; echo '* filter=x diff=x' >.gitattributes; commit .\n"
	      "for k in filter.x.clean filter.x.process filter.x.smudge core.fsmonitor diff.x.textconv diff.x.command "
	      "diff.external core.sshCommand core.pager core.editor; do git config $k \"$evil\"; done\n"
	      "git config filter.x.required true; git config extensions.partialClone o; git config remote.o.promisor true\n"
	      "git config remote.o.url $PWD; git config remote.o.uploadpack \"$evil\"; git config core.repositoryformatversion 1\n"
	      "mkdir -p .git/hooks; cp \"$evil\" .git/hooks/post-index-change; cp \"$evil\" .git/hooks/fsmonitor-watchman\n"
	      "echo b >a; rm -f ../PWNED");
	assert_list("tree", ".gitattributes a", "1 uncommitted change");
}

static void committed_folders_are_no_repositories(void **state)
{
	VIV_STRV got = VIV_STRV_INIT;
	VIV_STR said = VIV_STR_INIT;

	need_git();
	shell("git init -q tree; mkdir -p tree/sub/objects tree/sub/refs; cd tree/sub; : >objects/keep; : >refs/keep\n"
	      "echo 'ref: refs/heads/x' >HEAD; echo a >a; echo '* filter=x' >.gitattributes\n"
	      "printf '[core]\\nrepositoryformatversion=0\\nbare=false\\nworktree=.\\n' >config\n"
	      "GIT_DIR=. git add a; printf '[filter \"x\"]\\nclean=%s\\n' \"$evil\" >>config; echo b >a; commit ..");
	assert_true(list("tree/sub", &said, &got) < 0);
	assert_non_null(strstr(said.data, "without a work tree"));
}

static void a_commit_is_taken_as_it_is(void **state)
{
	VIV_STR rev = VIV_STR_INIT, tar = VIV_STR_INIT;
	VIV_FREE char *url = viv_asprintf("file://%s/tree", (const char *)*state);
	VIV_FREE char *dest = viv_path_join(*state, "source.tar");

	need_git();
	shell("git init -q tree; cd tree; echo '$Format:%D$' >a; echo '* export-subst' >.gitattributes; commit .\n"
	      "git rev-parse HEAD | tr -d '\\n' >../rev");
	assert_int_equal(viv_read_file("rev", 100, &rev, NULL), 0);
	assert_int_equal(viv_git_fetch(url, rev.data, dest, NULL, NULL), 0);
	assert_int_equal(viv_read_file(dest, 1 << 20, &tar, NULL), 0);
	assert_non_null(memmem(tar.data, tar.len, "$Format:%D$", 11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_git_has, enter, leave_folder),
		cmocka_unit_test_setup_teardown(submodules_are_said, enter, leave_folder),
		cmocka_unit_test_setup_teardown(a_repository_runs_nothing, enter, leave_folder),
		cmocka_unit_test_setup_teardown(committed_folders_are_no_repositories, enter, leave_folder),
		cmocka_unit_test_setup_teardown(a_commit_is_taken_as_it_is, enter, leave_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
