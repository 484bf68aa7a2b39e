/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SOCKET_FD 3
#define SPEC_MAX  (32 * 1024)
#define N_FDS	  4 /* stdin, stdout, stderr, status */
#define LIMIT_S	  10 /* for an answer that takes no time */

/* Says that it waits for the next command again; else an answer is a process id or a negative errno. */
enum { IDLE = 0 };

/* The starter's side */

/* There is one starter a process: what it needs is there from the start, as the agent's is. */
static struct starting {
	struct viv_proto_run run;
	char **argv;
	int fds[N_FDS];
	uint8_t spec[SPEC_MAX];
	_Alignas(64) char stack[64 * 1024];
} starting;

static void answer(int32_t value)
{
	if (send(SOCKET_FD, &value, sizeof(value), MSG_NOSIGNAL) != sizeof(value))
		_exit(1);
}

/* The fork's other side, in the starter's memory while that waits. */
static int begin(void *arg)
{
	struct starting *s = arg;

	answer((int32_t)getpid());
	child_main(&s->run, s->argv, s->fds, s->fds[N_FDS - 1]);
}

/* The length of the command, with its descriptors; none any more: the agent is gone. */
static size_t receive(struct starting *s)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(N_FDS * sizeof(int))];
	} control;
	struct iovec data = {s->spec, sizeof(s->spec)};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(SOCKET_FD, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (!c || c->cmsg_len != CMSG_LEN(N_FDS * sizeof(int)))
		_exit(0);
	memcpy(s->fds, CMSG_DATA(c), sizeof(s->fds));
	return (size_t)n;
}

/* The command is the agent's child (CLONE_PARENT), and we go on when it is executed (CLONE_VFORK). */
static void start_one(struct starting *s)
{
	size_t n = receive(s);

	s->argv = viv_proto_get_run(s->spec, n, &s->run)
			  ? calloc(s->run.argc + 1u, sizeof(*s->argv))
			  : NULL;
	if (!s->argv || clone(begin, s->stack + sizeof(s->stack),
			      CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, s) < 0)
		answer(s->argv ? -errno : -ENOMEM);
	free(s->argv);
	for (unsigned i = 0; i < N_FDS; i++)
		close(s->fds[i]);
	answer(IDLE);
}

_Noreturn static void serve(int socket)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	child_reset_signals();
	if (dup3(socket, SOCKET_FD, O_CLOEXEC) < 0 && socket != SOCKET_FD)
		_exit(1);
	child_close_others(SOCKET_FD + 1);
	for (;;)
		start_one(&starting);
}

/* The agent's side */

static bool make(struct starter *s)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return false;
	s->pid = fork();
	if (s->pid == 0)
		serve(fds[1]);
	close(fds[1]);
	s->socket = fds[0];
	setsockopt(s->socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	s->busy = false;
	if (s->pid < 0)
		starter_ended(s);
	return s->pid > 0;
}

void starter_ended(struct starter *s)
{
	close_fd(&s->socket);
	s->pid = 0;
}

static bool is_idle(struct starter *s)
{
	int32_t value;

	if (s->busy && recv(s->socket, &value, sizeof(value), MSG_DONTWAIT) == sizeof(value))
		s->busy = false;
	return !s->busy;
}

static bool hand_over(struct starter *s, const uint8_t *spec, size_t len, const int fds[3], int status)
{
	const int all[N_FDS] = {fds[0], fds[1], fds[2], status};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(all))];
	} control = {.space = {0}};
	struct iovec data = {(void *)spec, len};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};

	control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(all)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), all, sizeof(all));
	return sendmsg(s->socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

pid_t starter_start(struct starter *s, const uint8_t *spec, size_t len, const int fds[3], int status)
{
	int32_t pid;
	ssize_t n;

#ifdef __SANITIZE_ADDRESS__ /* knows no stack but its own */
	return 0;
#endif
	/* A machine that runs one command does without. */
	if (s->asked < 2 && ++s->asked < 2)
		return 0;
	if (len > SPEC_MAX || (s->pid == 0 && !make(s)) || !is_idle(s) ||
	    !hand_over(s, spec, len, fds, status))
		return 0;
	s->busy = true;
	/* The first thing that the command does, or the starter if it can't: nothing that may hang. */
	do
		n = recv(s->socket, &pid, sizeof(pid), 0);
	while (n < 0 && errno == EINTR);
	if (n == sizeof(pid) && pid != IDLE)
		return pid;
	/* It has ended, and the command was not begun: who begins one says so first. */
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	kill(s->pid, SIGKILL); /* somebody has stopped it */
	return -EIO;
}
