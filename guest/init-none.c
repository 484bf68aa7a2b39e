/* SPDX-License-Identifier: MIT */
#include "init.h"
#include "processes.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS       5000
#define KILL_MS	       3000
#define SYNC_MS	       10000
#define AGENT_RESTARTS 3

/* What glibc calls SIGRTMIN+4 and +5: systemd's tools send them to power off and reboot. */
#define SIGNAL_POWEROFF 38
#define SIGNAL_REBOOT	39

/* Until there are none or the time is up (false): one in the kernel's hands may never end. */
static bool wait_children(int ms)
{
	int64_t deadline = now_ms() + ms, left;
	sigset_t child;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		left = deadline - now_ms();
		if (pid < 0 || left <= 0)
			return pid < 0;
		sigtimedwait(&child, NULL,
			     &(struct timespec){left / 1000, left % 1000 * 1000000});
	}
}

/* The agent goes on while the others end: what the commands write then still reaches the host. */
static void end_processes(void)
{
	unsigned left = processes_end(SIGTERM, GRACE_MS);

	if (left)
		warning("%u processes did not end when asked to", left);
	kill(-1, SIGKILL);
	wait_children(KILL_MS);
}

/* The root first: it is above the upper file system, which only the descriptor still reaches. */
static void settle_disks(int upper_fd)
{
	sync();
	filesystems_settle();
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0 && upper_fd >= 0)
		warning("the root is still in use: %m");
	if (upper_fd >= 0 && fchdir(upper_fd) == 0) {
		close(upper_fd);
		mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	}
}

/* A child does what a broken disk could hold up: the power goes off all the same. */
static _Noreturn void power_off(int upper_fd, int how)
{
	pid_t pid;

	end_processes();
	pid = fork();
	if (pid == 0) {
		settle_disks(upper_fd);
		_exit(0);
	}
	if (pid > 0 && !wait_children(SYNC_MS))
		warning("the disks are not written out after %d s", SYNC_MS / 1000);
	tcdrain(STDERR_FILENO);
	reboot(how);
	fatal("cannot power off: %m");
}

/*
 * Reaps what has ended. A new agent takes the place of one that did; the shell's end is the machine's.
 */
static pid_t reap(const struct params *p, pid_t agent, pid_t shell, unsigned *restarts)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == shell)
			raise(SIGUSR2);
		if (pid != agent)
			continue;
		warning("the agent ended, %s %d", WIFSIGNALED(status) ? "signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		if (++*restarts > AGENT_RESTARTS)
			fatal("the agent keeps ending");
		agent = agent_start(p);
	}
	return agent;
}

/* The agent knows how; nobody but it and us is running. */
static void mount_shares(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/run/viv/agent", "@viv-agent", "--shares", NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void ignore(int signo)
{
}

void none_run(const struct params *p, int upper_fd)
{
	unsigned restarts = 0;
	sigset_t all;
	pid_t agent, shell;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/*
	 * Before the agent starts: it takes this as the sign that we understand SIGUSR1. That it is
	 * blocked nobody sees: while sigwaitinfo waits for a signal it is not.
	 */
	sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore}, NULL);
	reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del comes as SIGINT */
	system_set_up();
	if (p->shares)
		mount_shares();
	agent = agent_start(p);
	if (agent < 0)
		fatal("cannot start the agent: %m");
	shell = p->shell ? shell_start() : 0;
	for (;;) {
		switch (sigwaitinfo(&all, NULL)) {
		case SIGCHLD:
			agent = reap(p, agent, shell, &restarts);
			break;
		case SIGUSR1:
		case SIGUSR2:
		case SIGPWR:
		case SIGNAL_POWEROFF:
			power_off(upper_fd, RB_POWER_OFF);
		case SIGINT:
		case SIGTERM:
		case SIGNAL_REBOOT:
			power_off(upper_fd, RB_AUTOBOOT);
		}
	}
}
