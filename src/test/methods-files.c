/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "base/fd.h"
#include "base/path.h"

#include <unistd.h>

#define RESULT_MODE 0755

/* Copies, and fails with what could not be. */
static int copy(struct call *c, bool in, const char *from, const char *to, bool folder, int keep)
{
	const char *const sources[] = {from, NULL};
	const struct viv_copy spec = {
		.from = sources, .to = to, .folder = folder, .user = call_option_text(c, "user")};
	VIV_STRV complaints = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	int code = runner_copy(c->r, c->g, in, &spec, keep, c->deadline, &complaints, &err);

	if (code == 0 && !complaints.count)
		return 0;
	if (complaints.count)
		call_fail(c, VIV_VERDICT_FAIL, "%s: %s: %s", c->g->name, c->method->name, complaints.items[0]);
	else if (err.code)
		call_fail(c, VIV_VERDICT_FAIL, "%s: %s: %s", c->g->name, c->method->name, err.msg);
	else
		call_waited(c, code, "%s to be copied", from);
	for (size_t i = 1; i < complaints.count; i++)
		call_details(c, "  %s\n", complaints.items[i]);
	return -1;
}

/* Its parents, as NixOS's driver makes them; itself, if it is written as a folder. */
static int make_parents(struct call *c, const char *target)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	const char *const argv[] = {"sh", "-c", "case $1 in */) p=$1 ;; *) p=$(dirname -- \"$1\") ;; esac; mkdir -p -- \"$p\"",
				    "sh", target, NULL};
	int code = methods_ask(c, argv, call_option_text(c, "user"), &out);

	if (code == 0 && out.status) {
		VIV_FREE char *why = viv_slice_printable(viv_slice_trim((struct viv_slice){out.err.data, out.err.len}));

		return call_fail(c, VIV_VERDICT_FAIL, "%s: %s: %s", c->g->name, c->method->name, why);
	}
	return code;
}

static int do_copy_from_host(struct call *c)
{
	const char *source = methods_path(c, 0), *target = call_text(c, 1);

	if (!source)
		return -1;
	if (access(source, F_OK) < 0)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: %s: %s", c->method->name, source, strerror(errno));
	if (!*target)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: the target is empty", c->method->name);
	if (call_need(c) < 0)
		return -1;
	call_step(c, "copying %s to %s", viv_path_base(source), target);
	if (make_parents(c, target) < 0)
		return -1;
	return copy(c, true, source, target, viv_ends_with(target, "/"), -1);
}

/* A folder within the test's own: whatever came there before, links do not lead out of it. */
static int open_target(struct call *c, const char *target)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	const char *folder = c->r->run->folder;
	int fd;

	if (!folder)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: this test has no folder for results", c->method->name);
	if (*target && !viv_path_is_safe(target))
		return call_fail(c, VIV_VERDICT_ERROR, "%s: \"%s\" is no name of a folder within the test's results",
				 c->method->name, target);
	if (*target && viv_mkdir_below(folder, target, RESULT_MODE, &err) < 0)
		return call_error(c, &err);
	fd = viv_open_below(folder, *target ? target : ".", O_RDONLY | O_DIRECTORY, 0, &err);
	return fd < 0 ? call_error(c, &err) : fd;
}

int methods_copy_out(struct call *c, const char *source, const char *target)
{
	VIV_FD fd = open_target(c, target);
	char path[32];

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return copy(c, false, source, path, true, fd);
}

/* "-2.vmcore" */
static bool is_numbered(const char *text, const char *before, const char *after)
{
	size_t n = strlen(before), digits;

	if (strncmp(text, before, n) != 0)
		return false;
	digits = strspn(text + n, "0123456789");
	return digits && viv_streq(text + n + digits, after);
}

/* Does viv itself write a file of this name into the test's results? */
static bool is_own(const struct runner *r, const char *name)
{
	bool own = viv_streq(name, "events.jsonl") || is_numbered(name, "vlan-", ".pcap");

	for (size_t i = 0; i < r->n_guests && !own; i++) {
		size_t n = strlen(r->guests[i]->name);
		const char *rest = name + n;

		if (strncmp(name, r->guests[i]->name, n) == 0)
			own = viv_streq(rest, ".console.log") || viv_streq(rest, ".vmcore") || is_numbered(rest, "-", ".vmcore");
	}
	return own;
}

static int do_copy_from_machine(struct call *c)
{
	const char *source = call_text(c, 0), *target = call_text(c, 1) ? call_text(c, 1) : "";
	VIV_FREE char *clean = viv_path_clean(source);
	const char *first = *target ? target : viv_path_base(clean);
	VIV_FREE char *top = viv_strndup(first, strcspn(first, "/")), *where = NULL;

	if (source[0] != '/')
		return call_fail(c, VIV_VERDICT_ERROR, "%s: \"%s\" does not begin with /", c->method->name, source);
	if (is_own(c->r, top))
		return call_fail(c, VIV_VERDICT_ERROR, "%s: %s is viv's own among the test's results: name a folder, or another",
				 c->method->name, top);
	call_step(c, "copying %s into the results", source);
	if (methods_copy_out(c, source, target) < 0)
		return -1;
	where = viv_asprintf("%s%s%s/%s", c->r->run->folder, *target ? "/" : "", target, viv_path_base(clean));
	lua_pushstring(c->L, where);
	return 1;
}

/* collect_coverage */

/*
 * Files below debugfs have no size, and so are read there (the kernel's Documentation/dev-tools/gcov.rst): by a cp that reads
 * until the end, as there are hundreds, or else one by one. The links beside them lead to where the kernel was built, where
 * gcov looks for its notes. Prints the copy's folder.
 */
#define READ_KERNEL \
	"d=/sys/kernel/debug\n" \
	"[ -d $d/gcov ] || mount -t debugfs none $d 2>/dev/null\n" \
	"[ -d $d/gcov ] || { echo \"there is no $d/gcov: its kernel was built without CONFIG_GCOV_KERNEL\" >&2; exit 1; }\n" \
	"to=$(mktemp -d) && cp -RP $d/gcov \"$to/kernel\" && cd \"$to/kernel\" || exit 1\n" \
	"rm -f reset\n" \
	"find . -name '*.gcda' -size 0 | while read -r f; do cat <\"$d/gcov/$f\" >\"$f\"; done\n" \
	"[ -n \"$(find . -name '*.gcda' | head -n 1)\" ] || {\n" \
	"	echo \"there is nothing in $d/gcov: no part of its kernel was built with GCOV_PROFILE\" >&2; exit 1; }\n" \
	"echo \"$to/kernel\"\n"

/* Programs write theirs when they end, below GCOV_PREFIX. Prints the folder. */
#define LOOK_FOR_FILES \
	"[ -n \"$(find \"$1\" -name '*.gcda' 2>/dev/null)\" ] || {\n" \
	"	echo \"there is no .gcda file in $1: a program writes them when it ends, below GCOV_PREFIX\" >&2; exit 1; }\n" \
	"echo \"$1\"\n"

static int do_collect_coverage(struct call *c)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0}, ignored = {0};
	const char *folder = call_text(c, 0);
	const char *const argv[] = {"sh", "-c", folder ? LOOK_FOR_FILES : READ_KERNEL, "sh", folder ? folder : "", NULL};
	const char *clear[] = {"sh", "-c", "rm -rf \"${1%/*}\"", "sh", NULL, NULL};
	VIV_FREE char *target = viv_asprintf("coverage/%s", c->g->name), *from = NULL;
	int code;

	if (folder && folder[0] != '/')
		return call_fail(c, VIV_VERDICT_ERROR, "%s: \"%s\" does not begin with /", c->method->name, folder);
	call_step(c, "collecting coverage of %s", folder ? folder : "its kernel");
	if (methods_ask(c, argv, NULL, &out) < 0)
		return -1;
	if (out.status) {
		VIV_FREE char *why = viv_slice_printable(viv_slice_trim((struct viv_slice){out.err.data, out.err.len}));

		return call_fail(c, VIV_VERDICT_FAIL, "%s: collect_coverage: %s", c->g->name, why);
	}
	from = viv_slice_dup(viv_slice_trim((struct viv_slice){out.out.data, out.out.len}));
	code = methods_copy_out(c, from, target);
	clear[4] = from;
	return code == 0 && !folder ? methods_ask(c, clear, NULL, &ignored) : code;
}

#define HOST(name) \
	{name, "as", "(source, target, {timeout, user})", "user:u early:b", \
	 "copies a file or a folder of the host, found from the test file's folder, into the machine", do_copy_from_host, \
	 .early = true}
#define MACHINE(name) \
	{name, "s?s", "(source, target_folder, {timeout, user})", "user:u early:b", \
	 "copies a file or a folder of the machine into the test's results; returns where it is", do_copy_from_machine}

const struct method methods_files[] = {
	HOST("copy_from_host"), HOST("copy_from_host_via_shell"), MACHINE("copy_from_machine"), MACHINE("copy_from_vm"),
	{"collect_coverage", "?s", "(folder, {timeout})", "early:b",
	 "copies gcov's data, the kernel's or a folder of a program's (GCOV_PREFIX), into coverage/ of the test's results",
	 do_collect_coverage},
	{0},
};
