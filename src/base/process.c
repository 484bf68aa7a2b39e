/* SPDX-License-Identifier: MIT */
#include "base/process.h"

#include "base/fd.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char *viv_find_program(const char *name)
{
	const char *path = getenv("PATH");
	VIV_FREE char *all = viv_asprintf("%s:/usr/local/sbin:/usr/sbin:/sbin",
					  path ? path : "/usr/local/bin:/usr/bin:/bin");

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? viv_strdup(name) : NULL;
	for (const char *p = all; *p;) {
		size_t n = strcspn(p, ":");
		char *full = viv_asprintf("%.*s/%s", (int)n, p, name);

		if (n && access(full, X_OK) == 0)
			return full;
		free(full);
		p += n + (p[n] == ':');
	}
	return NULL;
}

/* The lowest number that stands in nobody's way. */
static int above(const struct viv_process_spec *spec)
{
	return 3 + (int)spec->n_keep;
}

/* Moves the wanted descriptors to 0, 1, 2, 3, …; all are first moved out of the way. */
static int place_fds(const struct viv_process_spec *spec)
{
	size_t n = 3 + spec->n_keep;
	int *high = malloc(n * sizeof(*high));

	if (!high)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int fd = i < 3 ? spec->fds[i] : spec->keep[i - 3];

		if (fd < 0)
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		high[i] = fcntl(fd, F_DUPFD_CLOEXEC, above(spec));
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < n; i++)
		if (dup2(high[i], (int)i) < 0)
			return -errno;
	free(high);
	return 0;
}

static void report_and_die(int fd, int code)
{
	if (write(fd, &code, sizeof(code)) < 0)
		_exit(127);
	_exit(127);
}

static void child(const struct viv_process_spec *spec, const char *program, int report, pid_t parent)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;
	int r, safe;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	if (spec->new_session)
		setsid();
	if (spec->no_mknod)
		prctl(PR_CAPBSET_DROP, CAP_MKNOD);
	if (!spec->outlive_us) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
	}
	/* The report's descriptor must survive place_fds. */
	safe = fcntl(report, F_DUPFD_CLOEXEC, above(spec));
	if (safe < 0)
		report_and_die(report, errno);
	report = safe;
	r = place_fds(spec);
	if (r < 0)
		report_and_die(report, -r);
	/* Also what our own caller left open for us. Before Linux 5.11 that stays open. */
	close_range(3 + (unsigned)spec->n_keep, ~0u, CLOSE_RANGE_CLOEXEC);
	if (spec->cwd && chdir(spec->cwd) < 0)
		report_and_die(report, errno);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(program, (char *const *)spec->argv,
	       spec->env ? (char *const *)spec->env : environ);
	report_and_die(report, errno);
}

int viv_process_spawn(const struct viv_process_spec *spec, pid_t *ret_pid, int *ret_pidfd,
		      struct viv_error *err)
{
	VIV_FREE char *program = viv_find_program(spec->argv[0]);
	int fds[2], failed = 0;
	pid_t pid, parent = getpid();
	ssize_t n;

	if (!program)
		return viv_error_say(err, ENOENT, "%s: no such program", spec->argv[0]);
	if (viv_pipe(fds, err) < 0)
		return -EMFILE;
	pid = fork();
	if (pid == 0)
		child(spec, program, fds[1], parent);
	viv_close(fds[1]);
	if (pid < 0) {
		viv_close(fds[0]);
		return viv_error_set(err, errno, "cannot start %s", spec->argv[0]);
	}
	do
		n = read(fds[0], &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	viv_close(fds[0]);
	if (n == sizeof(failed)) {
		waitpid(pid, NULL, 0);
		return viv_error_set(err, failed, "cannot start %s", spec->argv[0]);
	}
	if (ret_pidfd) {
		*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*ret_pidfd < 0) {
			int code = errno;

			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return viv_error_set(err, code, "cannot watch %s", spec->argv[0]);
		}
	}
	*ret_pid = pid;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void kill_and_reap(pid_t pid, bool group)
{
	if (group)
		kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int viv_process_wait(pid_t pid, int timeout_ms, bool group, int *ret_status, struct viv_error *err)
{
	int64_t end = timeout_ms < 0 ? 0 : now_ms() + timeout_ms;
	int status;

	if (timeout_ms >= 0) {
		VIV_FD pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		struct pollfd p = {.fd = pidfd, .events = POLLIN};
		int r;

		if (pidfd < 0)
			return viv_error_set(err, errno, "cannot watch process %d", (int)pid);
		do {
			int64_t left = end - now_ms();

			r = poll(&p, 1, left < 0 ? 0 : (int)left);
		} while (r < 0 && errno == EINTR);
		if (r == 0) {
			kill_and_reap(pid, group);
			return viv_error_say(err, ETIMEDOUT, "not done after %d s",
					     timeout_ms / 1000);
		}
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return viv_error_set(err, errno, "cannot wait for process %d", (int)pid);
	*ret_status = status;
	return 0;
}

/* A child of ours waits, as nobody can wait for a lock and a clock; what it gets is also ours. */
int viv_lock_within(int fd, int timeout_ms, struct viv_error *err)
{
	pid_t pid, we = getpid();
	int status, r;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return viv_error_set(err, errno, "cannot lock");
	pid = fork();
	if (pid < 0)
		return viv_error_set(err, errno, "cannot start a process");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == we && flock(fd, LOCK_EX) == 0 ? 0 : 1);
	}
	r = viv_process_wait(pid, timeout_ms, false, &status, NULL);
	if (r == 0 && status)
		r = viv_error_say(err, ENOLCK, "cannot lock");
	return r;
}

/* The three streams of a running child, until all are at their end. */
struct streams {
	int in, out, err;
	struct viv_slice input;
	struct viv_str *to_out, *to_err;
	size_t max;
};

static int drain(int *fd, struct viv_str *to, size_t max)
{
	ssize_t n = read(*fd, viv_str_reserve(to, 65536), 65536);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	viv_str_added(to, (size_t)n);
	if (n == 0)
		*fd = viv_close(*fd);
	return to->len > max ? -EFBIG : 0;
}

static int feed(struct streams *s)
{
	ssize_t n = write(s->in, s->input.data, s->input.len);

	if (n < 0 && errno != EINTR && errno != EAGAIN)
		n = (ssize_t)s->input.len; /* it closed its stdin: that is its business */
	if (n > 0) {
		s->input.data += n;
		s->input.len -= (size_t)n;
	}
	if (!s->input.len)
		s->in = viv_close(s->in);
	return 0;
}

static int pump(struct streams *s, int64_t end)
{
	while (s->in >= 0 || s->out >= 0 || s->err >= 0) {
		struct pollfd p[3] = {
			{.fd = s->in, .events = POLLOUT},
			{.fd = s->out, .events = POLLIN},
			{.fd = s->err, .events = POLLIN},
		};
		int64_t left = end ? end - now_ms() : -1;
		int r;

		if (end && left <= 0)
			return -ETIMEDOUT;
		r = poll(p, 3, (int)left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		r = 0;
		if (p[0].revents)
			r = feed(s);
		if (r == 0 && p[1].revents)
			r = drain(&s->out, s->to_out, s->max);
		if (r == 0 && p[2].revents)
			r = drain(&s->err, s->to_err, s->max);
		if (r < 0)
			return r;
	}
	return 0;
}

int viv_process_run(const char *const *argv, const char *const *env, const struct viv_slice *input,
		    struct viv_str *out, struct viv_str *err_out, size_t max_output, int timeout_ms,
		    int *ret_status, struct viv_error *err)
{
	int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
	bool want[3] = {input != NULL, out != NULL, err_out != NULL};
	struct viv_process_spec spec = {.argv = argv, .env = env, .new_session = true};
	struct streams s = {.to_out = out, .to_err = err_out, .max = max_output};
	int64_t end = timeout_ms < 0 ? 0 : now_ms() + timeout_ms;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	pid_t pid = -1;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++)
		if (want[i])
			r = viv_pipe(pipes[i], err);
	spec.fds[0] = pipes[0][0];
	spec.fds[1] = pipes[1][1];
	spec.fds[2] = pipes[2][1];
	if (r == 0)
		r = viv_process_spawn(&spec, &pid, NULL, err);
	viv_close(pipes[0][0]);
	viv_close(pipes[1][1]);
	viv_close(pipes[2][1]);
	s.in = pipes[0][1];
	s.out = pipes[1][0];
	s.err = pipes[2][0];
	if (input)
		s.input = *input;
	if (r == 0) {
		if (s.in >= 0)
			viv_set_nonblocking(s.in, true, NULL);
		sigaction(SIGPIPE, &ignore, &old);
		r = pump(&s, end);
		sigaction(SIGPIPE, &old, NULL);
		if (r < 0) {
			kill_and_reap(pid, true);
			viv_error_set(err, -r, "%s", argv[0]);
		} else {
			int left = end ? (int)VIV_MAX(end - now_ms(), 0) : -1;

			r = viv_process_wait(pid, left, true, ret_status, err);
			if (r < 0)
				viv_error_context(err, "%s", argv[0]);
		}
	}
	viv_close(s.in);
	viv_close(s.out);
	viv_close(s.err);
	return r;
}

/* The last few lines of what a program said. */
static struct viv_slice tail(const struct viv_str *s)
{
	struct viv_slice t = viv_slice_trim((struct viv_slice){s->data, s->len});
	size_t lines = 0, i = t.len;

	while (i > 0 && t.len - i < 2000) {
		if (t.data[i - 1] == '\n' && ++lines == 8)
			break;
		i--;
	}
	return (struct viv_slice){t.data + i, t.len - i};
}

int viv_process_check(const char *const *argv, struct viv_str *out, size_t max_output,
		      int timeout_ms, struct viv_error *err)
{
	VIV_STR said = VIV_STR_INIT;
	VIV_FREE char *how = NULL;
	struct viv_slice last;
	int status, r;

	r = viv_process_run(argv, NULL, NULL, out, &said, max_output, timeout_ms, &status, err);
	if (r < 0 || status == 0)
		return r;
	how = viv_process_status_text(status);
	last = tail(&said);
	return viv_error_say(err, EIO, "%s: %s%s%.*s", argv[0], how, last.len ? "\n" : "",
			     (int)last.len, last.data ? last.data : "");
}

char *viv_process_status_text(int status)
{
	if (WIFSIGNALED(status))
		return viv_asprintf("killed by signal %d (%s)", WTERMSIG(status),
				    strsignal(WTERMSIG(status)));
	return viv_asprintf("exit status %d", WEXITSTATUS(status));
}

int viv_process_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
