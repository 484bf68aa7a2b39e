/* SPDX-License-Identifier: MIT */
#include "run/client.h"

#include "base/fd.h"
#include "base/loop.h"
#include "base/path.h"
#include "run/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What a killed supervisor left behind refuses; a directory that is going has no socket. */
static bool is_gone(int code)
{
	return code == ENOENT || code == ECONNREFUSED || code == ENOTDIR || code == ELOOP;
}

/* connect(2) waits where too many callers do already, as long as it is allowed to send. */
static void limit_sending(int fd, int64_t ms)
{
	struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

int viv_client_connect(const char *runtime, const char *name, int64_t timeout_ms,
		       struct viv_messages *ret, struct viv_error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	VIV_FREE char *path = viv_path_join(runtime, name);
	VIV_FD dir = -1, fd = -1;
	int code;

	if (viv_machine_name_is_valid(name))
		dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	else
		errno = ENOENT;
	if (dir >= 0)
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		limit_sending(fd, VIV_MAX(timeout_ms, 1));
	/* By way of the open directory: its path may be longer than a socket's address can be. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" VIV_CONTROL_SOCKET, dir);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		code = errno;
		if (is_gone(code))
			return viv_error_say(err, ENOENT, "no machine named %s is running", name);
		if (code == EAGAIN)
			return viv_error_say(err, ETIMEDOUT, "the machine %s takes no callers: its viv hangs, "
					     "or is stopped", name);
		return viv_error_set(err, code, "cannot reach the machine %s", name);
	}
	limit_sending(fd, 0);
	viv_messages_open(ret, viv_steal_fd(&fd));
	return 0;
}

static int wait_for_bytes(struct viv_messages *m, int64_t deadline, struct viv_error *err)
{
	struct pollfd p = {.fd = m->fd, .events = POLLIN};
	int64_t left = deadline < 0 ? -1 : VIV_MAX(deadline - viv_now_ms(), 0);
	int r = poll(&p, 1, (int)VIV_MIN(left, 1 << 30));

	if (r == 0)
		return viv_error_say(err, ETIMEDOUT, "the machine's viv does not answer");
	if (r < 0)
		return errno == EINTR ? 0 : viv_error_set(err, errno, "poll");
	r = viv_messages_receive(m, true);
	if (r == 0 || r == -ECONNRESET)
		return viv_error_say(err, ENOTCONN, "the machine has ended");
	return r < 0 ? viv_error_set(err, -r, "the machine's socket") : 0;
}

/* The next message, whatever it says. */
static int next_answer(struct viv_messages *m, int64_t deadline, json_t **ret, struct viv_error *err)
{
	int r;

	while ((r = viv_messages_next(m, ret)) == 0) {
		r = wait_for_bytes(m, deadline, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? viv_error_say(err, EPROTO, "the machine's viv answers nonsense") : 0;
}

int viv_client_finish(struct viv_messages *m, int *ret_status, char **ret_reason,
		      struct viv_error *err)
{
	VIV_JSON *answer = NULL;
	uint64_t status;
	const char *error;
	int r = next_answer(m, -1, &answer, err);

	if (r < 0)
		return r;
	error = viv_json_str(answer, "error");
	if (!viv_json_u64(answer, "status", 255, &status))
		return viv_error_say(err, EIO, "%s", error ? error : "the machine's viv answers nonsense");
	*ret_status = (int)status;
	*ret_reason = viv_strdup(error);
	return 0;
}

/* The answer itself, or the error that it is. */
static int read_answer(struct viv_messages *m, int64_t deadline, json_t **ret, struct viv_error *err)
{
	VIV_JSON *answer = NULL;
	const char *error;
	uint64_t code = EIO;
	int r = next_answer(m, deadline, &answer, err);

	if (r < 0)
		return r;
	error = viv_json_str(answer, "error");
	viv_json_u64(answer, "code", 4095, &code);
	if (error)
		return viv_error_say(err, code ? (int)code : EIO, "%s", error);
	*ret = viv_steal(answer);
	return 0;
}

/* Who was turned away, or whose machine has ended, may have a word on it lying there. */
static int hung_up(struct viv_messages *m, struct viv_error *err)
{
	VIV_JSON *answer = NULL;
	int r = read_answer(m, 0, &answer, err);

	return r < 0 ? r : viv_error_say(err, ENOTCONN, "the machine has ended");
}

int viv_client_ask(struct viv_messages *m, json_t *request, struct viv_error *err)
{
	int r = viv_messages_send(m, request, NULL, 0);

	if (r == 0)
		r = viv_messages_flush(m, true);
	if (r == -EPIPE || r == -ECONNRESET)
		return hung_up(m, err);
	return r < 0 ? viv_error_set(err, -r, "the machine's socket") : 0;
}

int viv_client_answer(struct viv_messages *m, int64_t timeout_ms, json_t **ret,
		      struct viv_error *err)
{
	return read_answer(m, timeout_ms < 0 ? -1 : viv_now_ms() + timeout_ms, ret, err);
}

int viv_client_call(struct viv_messages *m, json_t *request, int64_t timeout_ms, json_t **ret,
		    struct viv_error *err)
{
	int r = viv_client_ask(m, request, err);

	return r < 0 ? r : viv_client_answer(m, timeout_ms, ret, err);
}

pid_t viv_client_pid(const struct viv_messages *m)
{
	struct ucred peer = {.pid = 0};
	socklen_t len = sizeof(peer);

	getsockopt(m->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return peer.pid;
}

int viv_client_check(struct viv_messages *m, const char *name, int64_t timeout_ms,
		     struct viv_error *err)
{
	VIV_ERROR first = VIV_ERROR_INIT;
	VIV_JSON *answer = NULL;
	int r = viv_client_call(m, json_pack("{s:s}", "do", "status"), timeout_ms, &answer, &first);

	if (r == -ENOTCONN)
		return viv_error_say(err, -r, "the machine %s has ended", name);
	if (r != -ETIMEDOUT)
		return r < 0 ? viv_error_move(err, &first) : 0;
	return viv_error_say(err, -r, "the machine %s does not answer: its viv, process %d, hangs or is "
			     "stopped\n`kill -CONT %d` lets a stopped one go on, `kill -9 %d` ends it and "
			     "the machine", name, (int)viv_client_pid(m), (int)viv_client_pid(m),
			     (int)viv_client_pid(m));
}
