/* SPDX-License-Identifier: MIT */
/* What a caller may send to a machine's control socket. */
#include "run/control.h"

#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MAX 65536 /* fits into a socket's buffer: nobody writes while we read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *on_status(void *arg)
{
	return json_object();
}

static void on_stop(bool hard, int64_t limit_ms, void *arg)
{
}

static int on_time(struct viv_source *s, void *arg)
{
	viv_loop_quit(arg, 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct viv_control_host host = {.shared = -1, .dir = "/nonexistent", .status = on_status, .stop = on_stop};
	const struct viv_agent_events events = {0};
	struct viv_agent *agent = NULL;
	struct viv_control *control = NULL;
	struct viv_loop *loop;
	int fds[2], port[2];

	if (size > INPUT_MAX || viv_loop_new(&loop, NULL) < 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port) == 0 &&
	    viv_agent_new(loop, port[0], &events, &agent, NULL) == 0) {
		host.agent = agent;
		if (viv_control_new(loop, NULL, &host, &control, NULL) == 0 &&
		    viv_control_add(control, fds[0], NULL) == 0 &&
		    (size == 0 || write(fds[1], data, size) == (ssize_t)size)) {
			if (size & 1)
				viv_control_up(control);
			viv_loop_add_timer(loop, 1, on_time, loop, NULL, NULL);
			viv_loop_run(loop, NULL);
		}
		viv_agent_free(agent);
		viv_control_free(control);
		close(fds[1]);
		close(port[1]);
	}
	viv_loop_free(loop);
	return 0;
}
