/* SPDX-License-Identifier: MIT */
#include "sandbox/internal.h"

#include "base/fd.h"
#include "base/hold.h"
#include "base/process.h"

#include <dirent.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHER_NS (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET)

/*
 * Two processes: the outer child takes the namespaces, the inner one is process 1 of the new pid
 * namespace, where fn runs. All that the inner one starts dies with it, it dies with the outer one,
 * and that with the thread that called.
 */
struct call {
	const struct viv_sandbox_spec *spec;
	viv_sandbox_fn fn;
	void *arg;
	enum viv_sandbox_level level;
	int sync;  /* socket: 'u' our user namespace is there, 'g' its ids are; 'r' set up */
	int up;	   /* the channel's writing end */
	int input; /* for the view; -1: none */
};

/* One that is under way. */
struct viv_sandbox {
	pid_t pid; /* the outer process */
	int up;	   /* the channel's reading end */
};

static void wait_status(pid_t pid, int *status)
{
	*status = 0;
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
}

static _Noreturn void fail_setup(struct call *c, struct viv_error *err)
{
	struct viv_child_channel ch;

	viv_channel_init(&ch, c->up);
	viv_channel_finish(&ch, -err->code, NULL, err);
	_exit(1);
}

static int become_process_one(struct call *c, char **ret_scratch, struct viv_error *err)
{
	static const char host_name[] = "localhost";
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDIN_FILENO);
	viv_close(null);
	umask(022);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return viv_error_set(err, errno, "cannot take the mounts apart");
	if (sethostname(host_name, sizeof(host_name) - 1) < 0)
		return viv_error_set(err, errno, "cannot set the sandbox's host name");
	/*
	 * Refused where the host's own /proc is partly hidden, as in containers. In a user namespace of
	 * ours that one can be shown: it gives no rights to what runs outside.
	 */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 &&
	    c->level != VIV_SANDBOX_USER_NS)
		return viv_error_set(err, errno, "cannot mount the sandbox's /proc");
	return viv_sandbox_make_scratch(c->spec, ret_scratch, err);
}

static _Noreturn void inner(struct call *c)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_str result = VIV_STR_INIT;
	struct viv_sandbox_view view;
	struct viv_child_channel ch;
	char *scratch = NULL;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	viv_channel_init(&ch, c->up);
	r = become_process_one(c, &scratch, &err);
	if (r < 0)
		fail_setup(c, &err);
	if (write(c->sync, "r", 1) != 1)
		_exit(1);
	close(c->sync);
	view = (struct viv_sandbox_view){.scratch = scratch, .input = c->input};
	r = c->fn(&view, c->arg, &ch.report, &result, &err);
	viv_sandbox_drop_scratch(c->spec, scratch);
	viv_channel_finish(&ch, r, &result, &err);
	_exit(0);
}

static void end_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGCHLD);
}

/* Until the inner process has ended, and all others of its pid namespace with it. SIGTERM ends it. */
static int attend_inner(pid_t pid)
{
	int status = 0, sig = 0;
	sigset_t set;

	end_signals(&set);
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (sigwait(&set, &sig) == 0 && sig == SIGTERM)
			kill(pid, SIGKILL);
	return status;
}

static int take_user_ns(struct call *c, struct viv_error *err)
{
	char answer = 0;

	if (unshare(CLONE_NEWUSER) < 0)
		return viv_error_set(err, errno, "cannot make a user namespace");
	if (write(c->sync, "u", 1) != 1 || read(c->sync, &answer, 1) != 1 || answer != 'g')
		_exit(1); /* the parent knows why */
	if (setresgid(0, 0, 0) < 0 || setgroups(0, NULL) < 0 || setresuid(0, 0, 0) < 0)
		return viv_error_set(err, errno, "cannot become root in the user namespace");
	return 0;
}

static _Noreturn void outer(struct call *c, pid_t parent)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none, ends;
	int r = 0;
	pid_t pid;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	/* Ours become 3 to 5, all else is closed. None is below 3: 0 to 2 are open. */
	c->up = fcntl(c->up, F_DUPFD_CLOEXEC, 512);
	c->sync = fcntl(c->sync, F_DUPFD_CLOEXEC, 512);
	if (c->input >= 0)
		c->input = fcntl(c->input, F_DUPFD_CLOEXEC, 512);
	c->up = dup3(c->up, 3, O_CLOEXEC);
	c->sync = dup3(c->sync, 4, O_CLOEXEC);
	if (c->input >= 0)
		c->input = dup3(c->input, 5, O_CLOEXEC);
	close_range(c->input >= 0 ? 6 : 5, ~0U, 0);
	if (c->level == VIV_SANDBOX_USER_NS)
		r = take_user_ns(c, &err);
	/* After the ids: changing them clears this. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (r == 0 && unshare(OTHER_NS) < 0)
		r = viv_error_set(&err, errno, "cannot make namespaces");
	if (r < 0)
		fail_setup(c, &err);
	end_signals(&ends);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	pid = fork();
	if (pid < 0) {
		viv_error_set(&err, errno, "cannot start the sandbox");
		fail_setup(c, &err);
	}
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &none, NULL);
		inner(c);
	}
	close(c->up);
	close(c->sync);
	_exit(viv_process_exit_code(attend_inner(pid)));
}

/* Maps the ids when asked and waits until the inner process is set up. False: it is not. */
static bool attend_setup(int sync, pid_t pid, struct viv_error *err)
{
	char c;
	ssize_t n;

	for (;;) {
		n = read(sync, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if (c == 'r')
			return true;
		if (viv_sandbox_map_ids(pid, err) < 0)
			return false;
		if (send(sync, "g", 1, MSG_NOSIGNAL) != 1)
			return false;
	}
}

static int died(int status, struct viv_error *err)
{
	int code = viv_process_exit_code(status);

	if (code == 128 + SIGKILL)
		return viv_error_say(err, ENOMEM,
				     "the sandbox was killed: is the memory full? (see dmesg)");
	return viv_error_say(err, EIO, "the sandbox ended unexpectedly (status %d)", code);
}

/* The outer process ends when all others have. */
static void end_all(pid_t pid, int up)
{
	char rest[4096];
	ssize_t n;

	kill(pid, SIGTERM);
	do
		n = read(up, rest, sizeof(rest));
	while (n > 0 || (n < 0 && errno == EINTR));
}

/* Until it is set up, or will not be: *ret_set_up, and then what went wrong is heard at its end. */
static int start_at(struct call *c, struct viv_sandbox *ret, bool *ret_set_up,
		    struct viv_error *map_err, struct viv_error *err)
{
	pid_t pid, parent = getpid();
	int sync[2], up[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sync) < 0)
		return viv_error_set(err, errno, "cannot start a sandbox");
	if (pipe2(up, O_CLOEXEC) < 0) {
		r = viv_error_set(err, errno, "cannot start a sandbox");
		viv_close(sync[0]);
		viv_close(sync[1]);
		return r;
	}
	c->sync = sync[1];
	c->up = up[1];
	pid = fork();
	if (pid == 0)
		outer(c, parent);
	viv_close(sync[1]);
	viv_close(up[1]);
	*ret_set_up = pid > 0 && attend_setup(sync[0], pid, map_err);
	viv_close(sync[0]); /* the child sees its end and gives up, if it waits */
	if (pid < 0) {
		viv_close(up[0]);
		return viv_error_set(err, errno, "cannot start a sandbox");
	}
	*ret = (struct viv_sandbox){pid, up[0]};
	return 0;
}

static int hear_out(struct viv_sandbox *s, struct viv_report *report, struct viv_str *result,
		    struct viv_error *err)
{
	struct viv_hold hold;
	bool finished;
	int status, r;

	viv_hold_begin(&hold);
	r = viv_channel_receive(s->up, hold.fd, report, result, &finished, err);
	if (!finished && r == -EINTR)
		end_all(s->pid, s->up);
	viv_close(s->up);
	wait_status(s->pid, &status);
	viv_hold_end(&hold, r == -EINTR);
	if (err && err->code && !finished)
		return -err->code;
	return finished ? r : died(status, err);
}

/* *ret_set_up false: why it can't be made is in *err. */
static int try_level(struct call *c, struct viv_sandbox *ret, bool *ret_set_up,
		     struct viv_error *err)
{
	VIV_ERROR map_err = VIV_ERROR_INIT;
	int r;

	*ret_set_up = false;
	r = start_at(c, ret, ret_set_up, &map_err, err);
	if (r < 0 || *ret_set_up)
		return r;
	r = hear_out(ret, NULL, NULL, map_err.code ? NULL : err);
	return map_err.code ? viv_error_move(err, &map_err) : r;
}

int viv_sandbox_begin(const struct viv_sandbox_spec *spec, viv_sandbox_fn fn, void *arg, int input,
		      struct viv_sandbox **ret, struct viv_error *err)
{
	enum viv_sandbox_level last = geteuid() == 0 ? VIV_SANDBOX_ROOT_NS : VIV_SANDBOX_USER_NS;
	struct call c = {.spec = spec, .fn = fn, .arg = arg};
	VIV_ERROR first = VIV_ERROR_INIT;
	struct viv_sandbox s;
	bool set_up = false;

	fflush(NULL);
	for (c.level = VIV_SANDBOX_USER_NS;; c.level++) {
		VIV_ERROR now = VIV_ERROR_INIT;

		c.input = input;
		try_level(&c, &s, &set_up, &now);
		if (set_up) {
			*ret = viv_new(struct viv_sandbox);
			**ret = s;
			return 0;
		}
		if (!first.code)
			viv_error_move(&first, &now);
		if (c.level == last)
			break;
	}
	if (!first.code)
		viv_error_say(&first, EPERM, "cannot make a sandbox");
	viv_sandbox_explain("Package scripts run in namespaces", &first);
	return viv_error_move(err, &first);
}

int viv_sandbox_finish(struct viv_sandbox *s, struct viv_report *report, struct viv_str *result,
		       struct viv_error *err)
{
	VIV_ERROR now = VIV_ERROR_INIT;
	int r = hear_out(s, report, result, &now);

	free(s);
	if (r < 0 && now.code)
		viv_error_move(err, &now);
	return r;
}

int viv_sandbox_call(const struct viv_sandbox_spec *spec, viv_sandbox_fn fn, void *arg,
		     struct viv_report *report, struct viv_str *result, struct viv_error *err)
{
	struct viv_sandbox *s;
	int r = viv_sandbox_begin(spec, fn, arg, -1, &s, err);

	return r < 0 ? r : viv_sandbox_finish(s, report, result, err);
}
