/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include "transfer/transfer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * viv-agent --get PATH…: their stream to stdout. viv-agent --put [--folder] [--owners] PATH: a stream
 * from stdin. Commands as any other, which the host runs by way of /proc/self/exe.
 */

/* Fewer than a pipe holds: nobody may be reading them before the stream has ended. */
#define COMPLAINTS_MAX 40

static void complain(const char *text, void *arg)
{
	unsigned *count = arg;

	if (++*count <= COMPLAINTS_MAX)
		dprintf(STDERR_FILENO, "%.900s\n", text);
}

static int finish(long result, unsigned complaints)
{
	if (complaints > COMPLAINTS_MAX)
		dprintf(STDERR_FILENO, "… and %u more like these\n", complaints - COMPLAINTS_MAX);
	if (result < 0 && complaints == 0)
		dprintf(STDERR_FILENO, "%s\n", strerror((int)-result));
	return result < 0 ? 2 : result > 0;
}

static int put(char **argv)
{
	struct viv_transfer_target target = {0};
	unsigned complaints = 0;
	const struct viv_transfer_listener l = {.complain = complain, .arg = &complaints};
	long result;

	for (; *argv && strncmp(*argv, "--", 2) == 0; argv++) {
		target.folder |= strcmp(*argv, "--folder") == 0;
		target.owners |= strcmp(*argv, "--owners") == 0;
	}
	if (!*argv || argv[1])
		return 2;
	target.path = *argv;
	signal(SIGHUP, SIG_IGN); /* that the stream ends is enough: what came of a file goes */
	result = viv_transfer_receive(STDIN_FILENO, &target, &l);
	return finish(result, complaints);
}

int files_main(char **argv)
{
	unsigned complaints = 0;
	const struct viv_transfer_listener l = {.complain = complain, .arg = &complaints};
	long result;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(argv[0], "--put") == 0)
		return put(argv + 1);
	if (!argv[1])
		return 2;
	result = viv_transfer_send(STDOUT_FILENO, (const char *const *)argv + 1, &l);
	return finish(result, complaints);
}
