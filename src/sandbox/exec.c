/* SPDX-License-Identifier: MIT */
#include "sandbox/internal.h"

#include "base/fd.h"
#include "base/loop.h"

#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (4 << 20)

const char *const viv_sandbox_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"LC_ALL=C.UTF-8",
	"TZ=UTC",
	NULL,
};

/*
 * What dpkg and maintainer scripts need to give files away and to run parts as other users. Not
 * CAP_MKNOD and CAP_DAC_READ_SEARCH: where there is no user namespace they reach the host's disks, by
 * a device node and by open_by_handle_at(2).
 */
static const unsigned char kept_capabilities[] = {
	CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,     CAP_FSETID,  CAP_KILL,
	CAP_SETGID, CAP_SETUID,	      CAP_SYS_CHROOT, CAP_SETFCAP, CAP_AUDIT_WRITE,
};

static void drop_capabilities(bool network_admin)
{
	for (int cap = 0; cap <= 63; cap++)
		if (!memchr(kept_capabilities, cap, sizeof(kept_capabilities)) &&
		    !(network_admin && cap == CAP_NET_ADMIN))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int place_fds(const struct viv_sandbox_exec *s, int output)
{
	size_t n = 3 + s->n_keep;
	int high[16];

	if (n > VIV_ARRAY_SIZE(high))
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		int fd = i == 0 ? s->stdin_fd : i < 3 ? output : s->keep[i - 3];

		if (fd < 0)
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		high[i] = fcntl(fd, F_DUPFD_CLOEXEC, 64);
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < n; i++)
		if (dup2(high[i], (int)i) < 0)
			return -errno;
	return close_range((unsigned)n, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

static const char *step_names[] = {"descriptors", "root", "chdir", "exec"};

/*
 * Makes `root` the root and takes everything else out of sight: a chroot alone can be left by who may
 * chroot, and this system's files are behind it.
 */
static int enter_root(const char *root)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return -1;
	return 0;
}

struct start_failure {
	int step, code;
};

static void in_child(const struct viv_sandbox_exec *s, int output, int report)
{
	struct rlimit no_core = {0, 0}, files = {1024, 4096};
	struct start_failure f = {0};
	int r;

	setsid();
	umask(022);
	report = fcntl(report, F_DUPFD_CLOEXEC, 512);
	r = place_fds(s, output);
	f.code = -r;
	if (r == 0) {
		f.step = 1;
		r = enter_root(s->root);
	}
	if (r == 0) {
		f.step = 2;
		r = chdir(s->cwd ? s->cwd : "/");
	}
	if (r == 0) {
		f.step = 3;
		setrlimit(RLIMIT_CORE, &no_core);
		setrlimit(RLIMIT_NOFILE, &files);
		drop_capabilities(s->network_admin);
		environ = (char **)(s->env ? s->env : viv_sandbox_env); /* its PATH counts */
		execvp(s->argv[0], (char *const *)s->argv);
	}
	if (f.step)
		f.code = errno;
	if (write(report, &f, sizeof(f)) < 0)
		_exit(127);
	_exit(127);
}

int viv_sandbox_start(const struct viv_sandbox_exec *s, pid_t *ret_pid, struct viv_error *err)
{
	struct start_failure f = {0};
	int fds[2];
	ssize_t n;
	pid_t pid;

	if (viv_pipe(fds, err) < 0)
		return -EMFILE;
	pid = fork();
	if (pid == 0)
		in_child(s, s->output_fd, fds[1]);
	viv_close(fds[1]);
	do
		n = pid < 0 ? 0 : read(fds[0], &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	viv_close(fds[0]);
	if (pid < 0)
		return viv_error_set(err, errno, "cannot start %s", s->argv[0]);
	if (n == sizeof(f)) {
		waitpid(pid, NULL, 0);
		return viv_error_set(err, f.code, "cannot start %s in the sandbox (%s)", s->argv[0],
				     step_names[f.step & 3]);
	}
	*ret_pid = pid;
	return 0;
}

/* 1: more may come; 0: at the end. */
static int take_output(int fd, struct viv_str *out)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0 && out && out->len < OUTPUT_MAX)
		viv_str_add_bytes(out, buf, VIV_MIN((size_t)n, OUTPUT_MAX - out->len));
	return n > 0;
}

/*
 * Until the program ends. Its output's end is not waited for: a process it left behind may hold the
 * pipe open for ever.
 */
static int attend(pid_t pid, int fd, const struct viv_sandbox_exec *s, struct viv_error *err)
{
	VIV_FD pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int64_t end = viv_now_ms() + s->timeout_ms;
	struct pollfd p[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	if (pidfd < 0)
		return viv_error_set(err, errno, "cannot watch %s", s->argv[0]);
	for (;;) {
		int64_t left = s->timeout_ms > 0 ? end - viv_now_ms() : -1;
		int r;

		if (s->timeout_ms > 0 && left <= 0)
			return viv_error_say(err, ETIMEDOUT, "%s: not done after %d s", s->argv[0],
					     s->timeout_ms / 1000);
		r = poll(p, 2, (int)left);
		if (r < 0 && errno != EINTR)
			return viv_error_set(err, errno, "cannot watch %s", s->argv[0]);
		if (r > 0 && p[1].revents && !take_output(fd, s->output))
			p[1].fd = -1;
		if (r > 0 && p[0].revents)
			break;
	}
	return 0;
}

/* What is in the pipe now. */
static void take_rest(int fd, struct viv_str *out)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (fd >= 0 && poll(&p, 1, 0) > 0 && take_output(fd, out))
		;
}

int viv_sandbox_exec(const struct viv_sandbox_exec *spec, int *ret_status, struct viv_error *err)
{
	struct viv_sandbox_exec s = *spec;
	int fds[2] = {-1, -1}, status = 0, r;
	pid_t pid;

	if (s.output_fd < 0) {
		r = viv_pipe(fds, err);
		if (r < 0)
			return r;
		s.output_fd = fds[1];
	}
	r = viv_sandbox_start(&s, &pid, err);
	viv_close(fds[1]);
	if (r == 0) {
		r = attend(pid, fds[0], &s, err);
		if (r < 0) {
			viv_sandbox_kill(s.root);
			kill(pid, SIGKILL);
		}
		take_rest(fds[0], s.output);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	viv_close(fds[0]);
	if (r == 0)
		*ret_status = status;
	return r;
}
