/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "sandbox/internal.h"
#include "sandbox/sandbox.h"
#include "unit.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEEDS_SANDBOX()                                                                            \
	do {                                                                                       \
		VIV_ERROR why = VIV_ERROR_INIT;                                                    \
		if (viv_sandbox_check(&why) < 0) {                                                 \
			print_message("no sandbox here: %s\n", why.msg);                           \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

static int give_files(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		      struct viv_str *result, struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(view->scratch, "f");
	VIV_FD fd = viv_open(path, O_CREAT | O_WRONLY, 0600, err);
	struct stat st;

	viv_say(report, VIV_INFO, "pid %d uid %d", (int)getpid(), (int)getuid());
	if (fd < 0 || fchown(fd, 1234, 65535) < 0 || fstat(fd, &st) < 0)
		return viv_error_set(err, errno, "chown");
	viv_str_addf(result, "%u:%u", st.st_uid, st.st_gid);
	if (mknod(viv_path_join(view->scratch, "w"), S_IFCHR, 0) < 0)
		return viv_error_set(err, errno, "whiteout");
	return 0;
}

struct heard {
	struct viv_report report;
	struct viv_str text;
};

static void hear(struct viv_report *r, enum viv_level level, const char *text)
{
	viv_str_addf(&((struct heard *)r)->text, "%d:%s;", level, text);
}

static void test_ids_and_report(void **state)
{
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20};
	struct heard h = {.report = {.message = hear}};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;

	NEEDS_SANDBOX();
	if (viv_sandbox_call(&spec, give_files, NULL, &h.report, &result, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(result.data, "1234:65535");
	assert_string_equal(h.text.data, "1:pid 1 uid 0;");
	viv_str_free(&h.text);
}

static int fail_inside(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		       struct viv_str *result, struct viv_error *err)
{
	return viv_error_say(err, ENOSPC, "told from inside");
}

static int die_inside(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		      struct viv_str *result, struct viv_error *err)
{
	_exit(3);
}

static void test_errors_come_out(void **state)
{
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20};
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS_SANDBOX();
	assert_int_equal(viv_sandbox_call(&spec, fail_inside, NULL, NULL, NULL, &err), -ENOSPC);
	assert_string_equal(err.msg, "told from inside");
	viv_error_clear(&err);
	assert_int_equal(viv_sandbox_call(&spec, die_inside, NULL, NULL, NULL, &err), -EIO);
	assert_string_equal(err.msg, "the sandbox ended unexpectedly (status 3)");
}

static int read_input(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		      struct viv_str *result, struct viv_error *err)
{
	return viv_read_to_end(view->input, 4096, result, "input", err);
}

/* What is begun goes on beside us, hears what we write, and ends when it is finished. */
static void test_two_halves(void **state)
{
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20};
	struct viv_sandbox *s = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;
	int fds[2];

	NEEDS_SANDBOX();
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (viv_sandbox_begin(&spec, read_input, NULL, fds[0], &s, &err) < 0)
		fail_msg("%s", err.msg);
	close(fds[0]);
	assert_int_equal(write(fds[1], "news", 4), 4);
	close(fds[1]);
	assert_int_equal(viv_sandbox_finish(s, NULL, &result, &err), 0);
	assert_string_equal(result.data, "news");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A tree with a shell in it: the host's folders, read-only. */
static struct viv_sandbox_bind host_tree[] = {
	{"/usr", "root/usr"}, {"/lib", "root/lib"}, {"/lib64", "root/lib64"}, {"/bin", "root/bin"},
};

static int run_script(const struct viv_sandbox_view *view, const char *script, int timeout_ms,
		      struct viv_str *out, int *ret_status, struct viv_error *err)
{
	VIV_FREE char *root = viv_path_join(view->scratch, "root");
	const char *argv[] = {"sh", "-c", script, NULL};
	struct viv_sandbox_exec e = {.root = root, .argv = argv, .stdin_fd = -1, .output_fd = -1,
				     .output = out, .timeout_ms = timeout_ms};
	int r = viv_sandbox_mount_api(root, err);

	if (r == 0)
		r = viv_sandbox_exec(&e, ret_status, err);
	viv_sandbox_unmount_api(root, NULL);
	return r;
}

static int look_around(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		       struct viv_str *result, struct viv_error *err)
{
	int status = -1;
	int r = run_script(view, arg, 20000, result, &status, err);

	viv_str_addf(result, "status %d", status);
	return r;
}

static void test_exec(void **state)
{
	static const struct {
		const char *script, *expect;
	} table[] = {
		{"echo out; echo err >&2; exit 7", "out\nerr\nstatus 1792"},
		{"umask; hostname; echo $LC_ALL $TZ; cat", "0022\nlocalhost\nC.UTF-8 UTC\nstatus 0"},
		{"ls /proc/self/fd | wc -l; set -- /proc/[0-9]*; echo $#", "4\n2\nstatus 0"},
		{"touch /usr/x 2>/dev/null || echo ro", "ro\nstatus 0"},
		{"for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern; do "
		 "test -w $f && echo $f; done; test -r /proc/meminfo", "status 0"},
		{"mknod /tmp/d b 8 0 2>/dev/null || echo no device", "no device\nstatus 0"},
		{"mount -t tmpfs x /tmp 2>/dev/null || echo no mount", "no mount\nstatus 0"},
		{"cat /proc/net/dev | grep -v -e lo: -e '|'", "status 256"},
		{"echo a > /dev/null; head -c 2 /dev/zero | wc -c; test -c /dev/full", "2\nstatus 0"},
		{"(setsid sleep 1000 &) ; echo left", "left\nstatus 0"},
	};

	NEEDS_SANDBOX();
	for (size_t i = 0; i < VIV_ARRAY_SIZE(table); i++) {
		struct viv_sandbox_spec spec = {.scratch_size = 1 << 20, .binds = host_tree,
						.n_binds = VIV_ARRAY_SIZE(host_tree)};
		VIV_ERROR err = VIV_ERROR_INIT;
		VIV_STR out = VIV_STR_INIT;

		if (viv_sandbox_call(&spec, look_around, (void *)table[i].script, NULL, &out,
				     &err) < 0)
			fail_msg("%s: %s", table[i].script, err.msg);
		assert_string_equal(out.data, table[i].expect);
	}
}

static int hang(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		struct viv_str *result, struct viv_error *err)
{
	int status;

	return run_script(view, "echo begin; setsid sleep 1000; echo end", 300, result, &status,
			  err);
}

static void test_time_limit(void **state)
{
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20, .binds = host_tree,
					.n_binds = VIV_ARRAY_SIZE(host_tree)};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR out = VIV_STR_INIT;

	NEEDS_SANDBOX();
	assert_int_equal(viv_sandbox_call(&spec, hang, NULL, NULL, &out, &err), -ETIMEDOUT);
	assert_string_equal(out.data, "begin\n");
}

/* fn is not chrooted: this system's files must stay what they are all the same. */
static int write_outside(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			 struct viv_str *result, struct viv_error *err)
{
	VIV_FREE char *link = viv_path_join(view->scratch, "link");
	VIV_FREE char *inside = viv_path_join(view->scratch, "inside");
	int r = symlink(arg, link) < 0 ? -errno : 0;

	viv_str_addf(result, "%d", open(link, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) < 0 ? errno : 0);
	return r == 0 ? viv_write_file(inside, "x", 1, 0644, err) : r;
}

static void test_host_is_read_only(void **state)
{
	VIV_FREE char *dir = test_dir("outside"), *file = viv_path_join(dir, "file");
	VIV_FREE char *expected = viv_asprintf("%d", EROFS);
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;

	NEEDS_SANDBOX();
	if (viv_sandbox_call(&spec, write_outside, file, NULL, &result, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(result.data, expected);
	assert_false(viv_exists(file));
	viv_remove_tree(dir, NULL);
}

static int leave_files(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		       struct viv_str *result, struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_join(view->scratch, "a/b");
	VIV_FREE char *bound = viv_path_join(view->scratch, "bound/inside");
	int r = viv_mkdir_p(dir, 0700, err);

	if (r == 0 && chown(dir, 55, 55) < 0)
		r = viv_error_set(err, errno, "chown");
	if (r == 0)
		r = viv_write_file(bound, "x", 1, 0644, err);
	viv_str_add(result, view->scratch);
	return r;
}

static void test_scratch_on_disk(void **state)
{
	VIV_FREE char *dir = test_dir("sandbox");
	VIV_FREE char *shown = viv_path_join(dir, "shown"), *disk = viv_path_join(dir, "disk");
	VIV_FREE char *written = viv_path_join(shown, "inside");
	struct viv_sandbox_bind bind = {shown, "bound", true};
	struct viv_sandbox_spec spec = {.binds = &bind, .n_binds = 1, .scratch_on_disk = true,
					.scratch_dir = disk};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;

	NEEDS_SANDBOX();
	assert_int_equal(mkdir(shown, 0755) | mkdir(disk, 0755), 0);
	if (viv_sandbox_call(&spec, leave_files, NULL, NULL, &result, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(viv_starts_with(result.data, disk));
	assert_false(viv_exists(result.data));
	assert_true(viv_exists(written));
	viv_remove_tree(dir, NULL);
}

static void test_subids(void **state)
{
	VIV_FREE char *dir = test_dir("subids");
	VIV_FREE char *file = viv_path_join(dir, "subuid");
	static const char text[] = "ann:100000:65536\nbob:165536:1000\n1234:300000:65536\nbad\n::\n";
	struct viv_subids s = {0};

	assert_int_equal(viv_write_file(file, text, sizeof(text) - 1, 0644, NULL), 0);
	assert_int_equal(viv_subids_find(file, false, 7, "ann", &s, NULL), 0);
	assert_int_equal(s.start, 100000);
	assert_int_equal(viv_subids_find(file, false, 1234, "zoe", &s, NULL), 0);
	assert_int_equal(s.start, 300000);
	assert_int_equal(viv_subids_find(file, false, 7, "bob", &s, NULL), -ENOENT);
	assert_int_equal(viv_subids_free_start(file), 365536);
	viv_remove_tree(dir, NULL);
}

/* In a process of its own, which a filter or a lost right changes for good. 0: as expected. */
static void expect_in_child(int (*fn)(void))
{
	VIV_STR most = VIV_STR_INIT;
	int status = -1;
	bool none;
	pid_t pid;

	none = viv_read_file("/proc/sys/user/max_user_namespaces", 64, &most, NULL) < 0 ||
	       viv_streq(most.data, "0\n");
	viv_str_free(&most); /* a test that is skipped cleans up nothing */
	if (none) {
		print_message("no user namespaces here\n");
		skip();
	}
	pid = fork();
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("needs root that can mount, and seccomp\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static int forbid(unsigned call, unsigned other)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {VIV_ARRAY_SIZE(code), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0;
}

static int refused(void)
{
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;
	int r;

	/* As in a container of Docker's default kind. */
	if (forbid(SYS_unshare, SYS_mount))
		return 77;
	r = viv_sandbox_call(&spec, give_files, NULL, NULL, &result, &err);
	if (r == -EPERM && !result.len && strstr(err.msg, "cannot make a sandbox: cannot make a user") &&
	    strstr(err.msg, "docker run --security-opt seccomp=unconfined"))
		return 0;
	print_message("%d %s\n", r, err.msg);
	return 1;
}

static void test_forbidden(void **state)
{
	NEEDS_SANDBOX();
	expect_in_child(refused);
}

/* A file system without locks: no folder after the other is made there. */
static int unlocked(void)
{
	VIV_FREE char *dir = test_dir("sandbox");
	struct viv_sandbox_spec spec = {.scratch_on_disk = true, .scratch_dir = dir};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;
	int r;

	if (geteuid() != 0 || forbid(SYS_flock, SYS_flock))
		return 77;
	alarm(20);
	r = viv_sandbox_call(&spec, give_files, NULL, NULL, &result, &err);
	if (r == -EPERM && strstr(err.msg, "cannot lock a folder in ") && rmdir(dir) == 0)
		return 0;
	print_message("%d %s\n", r, err.msg);
	return 1;
}

static void test_unlocked(void **state)
{
	NEEDS_SANDBOX();
	expect_in_child(unlocked);
}

/* Root as in a container: without the right to mount, and with a /proc that is partly hidden. */
static int become_contained(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("/dev/null", "/proc/version", NULL, MS_BIND, NULL) < 0 ||
	    prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) < 0 || syscall(SYS_capget, &head, data) < 0)
		return 77;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &head, data) < 0 ? 77 : 0;
}

/* What a script left behind has ended when the tree is unmounted: else this waits for the alarm. */
static int leave_program(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
			 struct viv_str *result, struct viv_error *err)
{
	int status = -1, r;

	viv_str_addf(result, "%d ", kill(1, 0) == 0 && getpid() == 1);
	r = run_script(view, "(setsid sleep 1000 &); echo left", 20000, result, &status, err);
	alarm(20);
	while (waitpid(-1, NULL, 0) > 0)
		;
	return r;
}

static int contained(void)
{
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20, .binds = host_tree,
					.n_binds = VIV_ARRAY_SIZE(host_tree)};
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR result = VIV_STR_INIT;
	int r = become_contained();

	if (r)
		return r;
	r = viv_sandbox_call(&spec, leave_program, NULL, NULL, &result, &err);
	if (r == 0 && viv_streq(result.data, "1 left\n"))
		return 0;
	print_message("%d %s\n", r, err.msg ? err.msg : result.data);
	return 1;
}

static void test_contained(void **state)
{
	NEEDS_SANDBOX();
	expect_in_child(contained);
}

static void test_switches(void **state)
{
	static const struct {
		const char *name, *value;
		bool root, partly;
		const char *says; /* NULL: no reason */
	} rows[] = {
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", false, true,
		 "profile viv /opt/bin/viv flags=(unconfined) {\\n  userns,"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", false, true,
		 "sudo apparmor_parser -r /etc/apparmor.d/viv"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", false, true,
		 "echo kernel.apparmor_restrict_unprivileged_userns=0 | sudo tee"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", false, false, NULL},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", true, true, NULL},
		{"kernel/apparmor_restrict_unprivileged_userns", "0\n", false, true, NULL},
		{"kernel/unprivileged_userns_clone", "0\n", false, false,
		 "echo kernel.unprivileged_userns_clone=1 | sudo tee"},
		{"kernel/unprivileged_userns_clone", "0\n", true, false, NULL},
		{"user/max_user_namespaces", "0\n", true, false, "user.max_user_namespaces=15000"},
		{"user/max_user_namespaces", "7\n", false, false, NULL},
		{"user/max_user_namespaces", "junk", false, false, NULL},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *dir = test_dir("sysctl"), *path = viv_path_join(dir, rows[i].name);
		VIV_FREE char *parent = viv_path_dir(path);
		VIV_ERROR err = VIV_ERROR_INIT;
		int r;

		viv_error_say(&err, EIO, "the first reason");
		assert_int_equal(viv_mkdir_p(parent, 0755, NULL), 0);
		assert_int_equal(viv_write_file(path, rows[i].value, strlen(rows[i].value), 0644, NULL),
				 0);
		r = viv_sandbox_explain_switches(dir, "/opt/bin/viv", rows[i].root, rows[i].partly, &err);
		assert_int_equal(r, rows[i].says ? -EPERM : 0);
		if (!strstr(err.msg, rows[i].says ? rows[i].says : "the first reason"))
			fail_msg("%zu: %s", i, err.msg);
		viv_remove_tree(dir, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_and_report), cmocka_unit_test(test_errors_come_out),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_two_halves),	       cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_scratch_on_disk), cmocka_unit_test(test_host_is_read_only),
		cmocka_unit_test(test_subids), cmocka_unit_test(test_switches),
		cmocka_unit_test(test_forbidden), cmocka_unit_test(test_unlocked),      cmocka_unit_test(test_contained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
