/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "base/fd.h"
#include "base/path.h"
#include "test/ktap.h"

#include <sys/stat.h>
#include <unistd.h>

/*
 * Commands whose output is the point: it is told as it comes, and TAP in it becomes subtests. stderr goes with
 * stdout, so that the order is that in which it was written.
 */

#define OUTPUT_MAX (64u << 20)
#define SKIP_KSELFTEST 4  /* KSFT_SKIP of the kernel's kselftest.h */
#define SKIP_AUTOMAKE  77 /* of automake's test harness, and others */

/* The script stands in a folder of its own, for the other users of the guest, too. */
#define COPY_IN "d=$(mktemp -d /tmp/viv-test-XXXXXX) && cat >\"$d/$0\" && chmod 755 \"$d\" \"$d/$0\" && printf %s \"$d\""
#define RUN	"exec \"$0\" \"$@\" 2>&1"
#define RUN_IN	"\"$0\" \"$@\" 2>&1; s=$?; rm -rf \"${0%/*}\"; exit $s"

#define OPTIONS "user:u cwd:w"

struct watching {
	struct call *c;
	struct viv_ktap *tap;
	size_t seen; /* bytes that were handed on as lines */
};

static bool on_line(struct viv_slice line, void *arg)
{
	struct watching *w = arg;
	VIV_FREE char *text = viv_slice_printable(line);

	viv_events_say(&w->c->r->out, "output", w->c->g->name, "%s", text);
	viv_ktap_feed(w->tap, line.data, line.len);
	viv_ktap_feed(w->tap, "\n", 1);
	w->seen += line.len + 1;
	return true;
}

static void take_subtests(struct call *c, const struct viv_ktap_summary *tap)
{
	struct viv_test_subtests *all = &c->r->result.subtests;

	for (size_t i = 0; i < tap->subtests.count; i++) {
		const struct viv_test_subtest *from = &tap->subtests.items[i];
		struct viv_test_subtest *to = viv_test_subtests_add(all, c->r->depth + from->depth, from->name);

		if (!to)
			continue;
		to->verdict = from->verdict;
		to->ms = from->ms;
		to->reason = viv_strdup(from->reason);
	}
	all->dropped += tap->subtests.dropped;
}

/* Runs it and reads what it says: 0, or the call's failure. */
static int watch(struct call *c, const char *shown, const char *const *argv, struct runner_output *out,
		 struct viv_ktap_summary *tap)
{
	VIV_CLEANUP(viv_ktap_freep) struct viv_ktap *reader = viv_ktap_new();
	VIV_ERROR err = VIV_ERROR_INIT;
	struct watching w = {.c = c, .tap = reader};
	const struct runner_command spec = {
		.argv = argv,
		.user = call_option_text(c, "user"),
		.cwd = call_option_text(c, "cwd"),
		.deadline = c->deadline,
		.max_output = OUTPUT_MAX,
		.line = on_line,
		.arg = &w,
	};
	int code = runner_command_run(c->r, c->g, &spec, out, &err);

	if (out->out.len > w.seen) /* a last line that has no end */
		on_line((struct viv_slice){out->out.data + w.seen, out->out.len - w.seen}, &w);
	viv_ktap_finish(reader, tap);
	take_subtests(c, tap);
	if (code < 0 && err.code)
		return call_error(c, &err);
	if (code == -EFBIG)
		call_fail(c, VIV_VERDICT_FAIL, "%s: more than %u MiB of output: %s", c->g->name, OUTPUT_MAX >> 20, shown);
	else if (code < 0)
		call_waited(c, code, "the end of: %s", shown);
	if (code < 0)
		methods_add_stream(c, "output", &out->out);
	return code < 0 ? -1 : 0;
}

static int judge(struct call *c, const char *shown, const struct runner_output *out, const struct viv_ktap_summary *tap,
		 bool skips)
{
	int status = out->status;
	bool failed = tap->found && tap->verdict == VIV_VERDICT_FAIL;

	if (skips && !failed && (status == SKIP_KSELFTEST || status == SKIP_AUTOMAKE))
		return call_fail(c, VIV_VERDICT_SKIP, "%s: it can't be done here (status %d)", shown, status);
	if (failed)
		call_fail(c, VIV_VERDICT_FAIL, "%s: %s: %s", c->g->name, shown, tap->reason ? tap->reason : "a subtest failed");
	else if (status != 0)
		call_fail(c, VIV_VERDICT_FAIL, "%s: failed with status %d%s%s: %s", c->g->name, status,
			  out->error ? ": " : "", out->error ? out->error : "", shown);
	else if (skips && tap->found && tap->verdict == VIV_VERDICT_SKIP)
		return call_fail(c, VIV_VERDICT_SKIP, "%s: %s", shown, tap->reason ? tap->reason : "all of it was skipped");
	else
		return 0;
	call_details(c, "command on %s:\n  %s\n", c->g->name, shown);
	methods_add_stream(c, "output", &out->out);
	call_add_console(c);
	return -1;
}

static int watch_and_judge(struct call *c, const char *shown, const char *const *argv, bool tap_only)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	VIV_CLEANUP(viv_ktap_summary_free_contents) struct viv_ktap_summary tap = {0};
	int r;

	call_step(c, "running: %s", shown);
	r = watch(c, shown, argv, &out, &tap);
	if (r < 0)
		return r;
	if (tap_only && !tap.found && out.status == 0) {
		call_fail(c, VIV_VERDICT_FAIL, "%s: no TAP in the output of: %s", c->g->name, shown);
		methods_add_stream(c, "output", &out.out);
		return -1;
	}
	r = judge(c, shown, &out, &tap, !tap_only || tap.found);
	if (r < 0)
		return r;
	lua_pushinteger(c->L, (lua_Integer)tap.passed);
	lua_pushinteger(c->L, (lua_Integer)tap.skipped);
	return 2;
}

static char *join(const char *program, const struct call *c, int from)
{
	VIV_STR all = VIV_STR_INIT;

	viv_str_add(&all, program);
	for (int i = from; i < c->n; i++)
		viv_str_addf(&all, " %s", call_text(c, i));
	return viv_str_steal(&all);
}

/* {"sh", "-c", how, program, ARG…}: the arguments from the `from`th on. Freed as one. */
static const char **make_argv(const struct call *c, const char *how, const char *program, int from)
{
	const char **argv = viv_new_array(const char *, (size_t)c->n + 5);
	size_t n = 0;

	argv[n++] = "sh";
	argv[n++] = "-c";
	argv[n++] = how;
	argv[n++] = program;
	for (int i = from; i < c->n; i++)
		argv[n++] = call_text(c, i);
	return argv;
}

static int do_run_command(struct call *c)
{
	VIV_FREE const char **argv = make_argv(c, RUN, call_text(c, 0), 1);
	VIV_FREE char *shown = join(call_text(c, 0), c, 1);

	return watch_and_judge(c, shown, argv, false);
}

static int open_script(struct call *c, const char *path, const char *named)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		call_fail(c, VIV_VERDICT_ERROR, "%s: %s", named, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		call_fail(c, VIV_VERDICT_ERROR, "%s: it is no file that could be run", named);
	else
		return fd;
	viv_close(fd);
	return -1;
}

/* Copies the script into the guest; *ret_path is where it is there. */
static int copy_in(struct call *c, const char *path, const char *named, char **ret_path)
{
	VIV_CLEANUP(runner_output_free) struct runner_output out = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_FD fd = open_script(c, path, named);
	const char *const argv[] = {"sh", "-c", COPY_IN, viv_path_base(path), NULL};
	const struct runner_command spec = {.argv = argv, .input_fd = fd, .deadline = c->deadline, .max_output = 4096};
	int code;

	if (fd < 0)
		return -1;
	code = runner_command_run(c->r, c->g, &spec, &out, &err);
	if (code < 0 && err.code)
		return call_error(c, &err);
	if (code < 0)
		return call_waited(c, code, "the copy of %s", named);
	if (out.status != 0) {
		call_fail(c, VIV_VERDICT_ERROR, "%s: %s can't be copied into it", c->g->name, named);
		methods_add_stream(c, "stderr", &out.err);
		return -1;
	}
	*ret_path = viv_asprintf("%.*s/%s", (int)out.out.len, out.out.data ? out.out.data : "", viv_path_base(path));
	return 0;
}

static int do_run_script(struct call *c)
{
	VIV_FREE const char **argv = NULL;
	VIV_FREE char *there = NULL, *shown = NULL;
	const char *path;
	int r;

	path = methods_path(c, 0);
	if (!path)
		return -1;
	r = copy_in(c, path, call_text(c, 0), &there);
	if (r < 0)
		return r;
	argv = make_argv(c, RUN_IN, there, 1);
	shown = join(viv_path_base(path), c, 1);
	return watch_and_judge(c, shown, argv, false);
}

static int do_succeed_tap(struct call *c)
{
	const char *command = call_text(c, 0);
	VIV_FREE char *script = viv_asprintf("exec 2>&1\n%s", command);
	const char *const argv[] = {"sh", "-c", script, NULL};

	return watch_and_judge(c, command, argv, true);
}

static int do_kselftest(struct call *c)
{
	const char *folder = call_option_text(c, "folder"), *test = call_option_text(c, "test");
	VIV_FREE char *one = test ? viv_asprintf("%s:%s", call_text(c, 0), test) : NULL;
	const char *const argv[] = {"sh", "-c", "cd \"$0\" && exec ./run_kselftest.sh \"$@\" 2>&1",
				    folder ? folder : "/usr/libexec/kselftest", test ? "-t" : "-c",
				    test ? one : call_text(c, 0), NULL};
	VIV_FREE char *shown = viv_asprintf("%s/run_kselftest.sh %s %s", argv[3], argv[4], argv[5]);

	return watch_and_judge(c, shown, argv, true);
}

const struct method methods_script[] = {
	{"run_script", "s?s*", "(file, argument…, {timeout, user, cwd})", OPTIONS,
	 "copies a script or program of this host in and runs it: 0 passes, 4 and 77 skip, TAP becomes subtests",
	 do_run_script},
	{"run_command", "s?s*", "(program, argument…, {timeout, user, cwd})", OPTIONS,
	 "the same with a program of the machine's; without a shell", do_run_command},
	{"succeed_tap", "s", "(command, {timeout, user, cwd})", OPTIONS,
	 "runs a command that writes TAP or KTAP: its tests become subtests; fails if one does, or if there is no TAP",
	 do_succeed_tap},
	{"kselftest", "s", "(collection, {test, folder, timeout, user})", OPTIONS " test:w folder:w",
	 "runs tests of the kernel's (run_kselftest.sh) from a folder in the machine, as succeed_tap does", do_kselftest},
	{0},
};
