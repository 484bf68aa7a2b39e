/* SPDX-License-Identifier: MIT */
/* What a QEMU that was taken over may send to its monitor's client. */
#include "run/qmp.h"

#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MAX 65536 /* fits into a socket's buffer: nobody writes while we read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_lost(struct viv_qmp *q, const char *why, void *arg)
{
	viv_loop_quit(arg, 0);
}

static void on_event(struct viv_qmp *q, const char *name, const json_t *data, void *arg)
{
	viv_json_str(data, "reason");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct viv_qmp_events events = {.event = on_event, .lost = on_lost};
	struct viv_loop *loop;
	struct viv_qmp *q;
	int fds[2];

	if (size > INPUT_MAX || viv_loop_new(&loop, NULL) < 0)
		return 0;
	events.arg = loop;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 &&
	    viv_qmp_new(loop, fds[0], &events, &q, NULL) == 0) {
		viv_qmp_execute(q, "stop", NULL, NULL, NULL, NULL);
		if (size == 0 || write(fds[1], data, size) == (ssize_t)size) {
			shutdown(fds[1], SHUT_WR);
			viv_loop_run(loop, NULL);
		}
		viv_qmp_free(q);
		close(fds[1]);
	}
	viv_loop_free(loop);
	return 0;
}
