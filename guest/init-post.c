/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT "/etc/viv/post-boot"

/* boot.postBootCommands: in the root, before anything else of the system runs. What it says is on the console. */
void post_boot_run(const struct params *p)
{
	static char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	char *argv[] = {SCRIPT, NULL};
	int status = 0, null;
	pid_t pid, got;

	if (access(SCRIPT, X_OK) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		setsid();
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null >= 0)
			dup2(null, STDIN_FILENO);
		execve(SCRIPT, argv, env);
		warning("cannot execute " SCRIPT ": %m");
		_exit(127);
	}
	do /* others may end, too: this is PID 1 */
		got = waitpid(-1, &status, 0);
	while (got != pid && (got > 0 || errno == EINTR));
	if (pid < 0 || got != pid)
		warning("cannot run " SCRIPT ": %m");
	else if (status != 0)
		warn_user("boot.postBootCommands ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
			  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	note(p, "boot.postBootCommands done");
}
