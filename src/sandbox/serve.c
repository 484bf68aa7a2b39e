/* SPDX-License-Identifier: MIT */
#include "sandbox/serve.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "sandbox/internal.h"

#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LISTENING = 3, SYNC = 4 }; /* descriptors in the child */

#define WHAT_FOR "Folders are shared from namespaces of their own"

/* What the child says before it is another program: a message that is no longer than this. */
struct failure {
	int code;
	char msg[1024];
};

static int bind_folder(const char *place, const struct viv_sandbox_bind *b, struct viv_error *err)
{
	VIV_FREE char *target = viv_path_join(place, b->name);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					      (b->writable ? 0 : MOUNT_ATTR_RDONLY)};
	VIV_FD tree = -1;

	if (mkdir(target, 0755) < 0)
		return viv_error_set(err, errno, "%s", target);
	tree = open_tree(AT_FDCWD, b->host,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return viv_error_set(err, errno, "%s", b->host);
	/* The mounts within it, too. */
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return viv_error_set(err, errno, "cannot make %s %s", b->host,
				     b->writable ? "safe" : "read-only");
	if (move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return viv_error_set(err, errno, "cannot mount %s", b->host);
	return 0;
}

static int put_together(const struct viv_sandbox_server *spec, struct viv_error *err)
{
	int r = 0;

	if (mount("viv", spec->place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") < 0)
		return viv_error_set(err, errno, "cannot mount %s", spec->place);
	for (size_t i = 0; i < spec->n_binds && r == 0; i++)
		r = bind_folder(spec->place, &spec->binds[i], err);
	if (r == 0 && mount(NULL, spec->place, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
			    NULL) < 0)
		r = viv_error_set(err, errno, "cannot make %s read-only", spec->place);
	return r;
}

/* The parent maps the ids: 0 is the caller. */
static int take_user_ns(struct viv_error *err)
{
	char answer;

	if (unshare(CLONE_NEWUSER) < 0)
		return viv_error_set(err, errno, "cannot make a user namespace");
	if (write(SYNC, "u", 1) != 1 || read(SYNC, &answer, 1) != 1)
		_exit(127); /* the parent knows why */
	if (setresgid(0, 0, 0) < 0 || setgroups(0, NULL) < 0 || setresuid(0, 0, 0) < 0)
		return viv_error_set(err, errno, "cannot become root in the user namespace");
	return 0;
}

static int take_namespaces(struct viv_error *err)
{
	if (geteuid() != 0 && take_user_ns(err) < 0)
		return -err->code;
	if (unshare(CLONE_NEWNS) < 0)
		return viv_error_set(err, errno, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return viv_error_set(err, errno, "cannot take the mounts apart");
	return 0;
}

static void reset(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	umask(0);
}

static void place_fds(const struct viv_sandbox_server *spec, int sync)
{
	int from[] = {open("/dev/null", O_RDWR | O_CLOEXEC), spec->output, spec->output,
		      spec->listening, sync};
	const int n = VIV_ARRAY_SIZE(from);

	for (int i = 0; i < n; i++)
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 512);
	for (int i = 0; i < n; i++)
		if (from[i] < 0 || dup3(from[i], i, i == SYNC ? O_CLOEXEC : 0) < 0)
			_exit(127);
	close_range(SYNC + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* One descriptor for each file that the guest knows. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static _Noreturn void say_failure(int sync, const struct viv_error *err)
{
	struct failure f = {.code = err->code};

	snprintf(f.msg, sizeof(f.msg), "%s", err->msg);
	_exit(send(sync, &f, sizeof(f), MSG_NOSIGNAL) < 0 ? 126 : 127);
}

static _Noreturn void child(const struct viv_sandbox_server *spec, const char *program, int sync,
			    pid_t parent)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int r;

	reset();
	place_fds(spec, sync);
	r = take_namespaces(&err);
	/* After the ids: changing them clears this. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (r == 0)
		r = put_together(spec, &err);
	if (r == 0) {
		allow_many_files();
		execve(program, (char *const *)spec->argv, environ);
		viv_error_set(&err, errno, "cannot start %s", program);
	}
	say_failure(SYNC, &err);
}

/* What a server does for itself; /proc is refused where the host's own is partly hidden. */
static int take_more_namespaces(struct viv_error *err)
{
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS) < 0)
		return viv_error_set(err, errno, "cannot make namespaces");
	pid = fork();
	if (pid == 0)
		_exit(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ? errno
												 : 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || status)
		return viv_error_set(err, pid < 0 ? errno : WEXITSTATUS(status), "cannot mount /proc");
	return 0;
}

static _Noreturn void try_child(int sync)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	reset();
	place_fds(&(struct viv_sandbox_server){.listening = STDIN_FILENO}, sync);
	if (take_namespaces(&err) < 0 || take_more_namespaces(&err) < 0)
		say_failure(SYNC, &err);
	_exit(0);
}

/* Maps ids when asked; the socket's end says that the program is executed. */
static int attend(int sync, pid_t pid, struct viv_error *err)
{
	struct failure f;
	ssize_t n;

	for (;;) {
		n = recv(sync, &f, sizeof(f), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return 0;
		if (n == sizeof(f)) {
			viv_error_say(err, f.code, "%.*s", (int)sizeof(f.msg), f.msg);
			/* Where namespaces are forbidden, and by what. */
			return f.code == EPERM || f.code == ENOSPC ? viv_sandbox_explain(WHAT_FOR, err)
								   : -f.code;
		}
		if (n != 1)
			return viv_error_set(err, n < 0 ? errno : EIO, "cannot start a server");
		if (viv_sandbox_map_ids(pid, err) < 0)
			return viv_sandbox_explain(WHAT_FOR, err);
		if (send(sync, "g", 1, MSG_NOSIGNAL) != 1)
			return viv_error_set(err, errno, "cannot start a server");
	}
}

static void wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The parent's part, until the child has told how it went. A child that failed is reaped. */
static int lead(int sync[2], pid_t pid, struct viv_error *err)
{
	int r;

	viv_close(sync[1]);
	r = pid < 0 ? viv_error_set(err, errno, "cannot start a server") : attend(sync[0], pid, err);
	viv_close(sync[0]);
	if (pid > 0 && r < 0) {
		kill(pid, SIGKILL);
		wait_for(pid);
	}
	return r;
}

int viv_sandbox_serve(const struct viv_sandbox_server *spec, pid_t *ret_pid, struct viv_error *err)
{
	VIV_FREE char *program = viv_find_program(spec->argv[0]);
	pid_t pid, parent = getpid();
	int sync[2], r;

	if (!program)
		return viv_error_say(err, ENOENT, "%s: no such program", spec->argv[0]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
		return viv_error_set(err, errno, "socketpair");
	pid = fork();
	if (pid == 0)
		child(spec, program, sync[1], parent);
	r = lead(sync, pid, err);
	if (r < 0)
		return r;
	*ret_pid = pid;
	return 0;
}

int viv_sandbox_serve_check(struct viv_error *err)
{
	int sync[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
		return viv_error_set(err, errno, "socketpair");
	pid = fork();
	if (pid == 0)
		try_child(sync[1]);
	r = lead(sync, pid, err);
	if (r == 0)
		wait_for(pid);
	return r;
}
