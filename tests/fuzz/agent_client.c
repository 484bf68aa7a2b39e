/* SPDX-License-Identifier: MIT */
/* A hostile guest: the input is what it sends to the client after it was greeted. */

#include "base/fd.h"
#include "proto/proto.h"
#include "run/agent.h"

#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_ready(struct viv_agent *a, void *arg)
{
	viv_loop_quit(arg, 0);
}

static void on_lost(struct viv_agent *a, const char *why, void *arg)
{
	viv_loop_quit(arg, 0);
}

static void on_done(struct viv_command *c, int status, const char *error, void *arg)
{
	if (status < 0 || status > 255)
		abort();
}

/* Takes the client's greeting and answers it. */
static void welcome(int fd)
{
	static uint8_t in[VIV_PROTO_PADDING + VIV_PROTO_HEADER + VIV_PROTO_HELLO_SIZE];
	uint8_t out[VIV_PROTO_HEADER + VIV_PROTO_HELLO_SIZE];
	struct viv_proto_hello m;
	struct viv_frame f;

	if (recv(fd, in, sizeof(in), MSG_WAITALL) != sizeof(in) ||
	    viv_proto_parse(in + VIV_PROTO_PADDING, sizeof(in) - VIV_PROTO_PADDING, true, &f) <=
		    0 ||
	    !viv_proto_get_hello(&f, &m))
		abort();
	m.oldest = m.newest = VIV_PROTO_NEWEST;
	viv_proto_header(out, VIV_PROTO_WELCOME, 0, 0, VIV_PROTO_HELLO_SIZE);
	viv_proto_put_hello(out + VIV_PROTO_HEADER, &m);
	if (viv_write_all(fd, out, sizeof(out), "port", NULL) < 0)
		abort();
}

static int send_greeting(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	viv_source_remove(s);
	welcome(fd);
	return 0;
}

static void on_watch(struct viv_agent *a, int code, const char *answer, void *arg)
{
	if (code > 0 || strlen(answer) > VIV_PROTO_MAX_ANSWER)
		abort();
}

static void start_commands(struct viv_agent *a, int null)
{
	const char *argv[] = {"x", NULL};
	struct viv_command_spec spec = {
		.argv = argv, .in_fd = null, .out_fd = null, .err_fd = null};
	const char *words[] = {"/x", NULL};
	const struct viv_watch_spec watch = {"file", words};
	struct viv_watch *given_up = NULL;

	viv_agent_run(a, &spec, on_done, NULL, NULL, NULL); /* channels 1 to 3 */
	spec.err_fd = -1;
	viv_agent_run(a, &spec, on_done, NULL, NULL, NULL);
	viv_agent_sync(a, NULL, NULL, NULL);
	viv_agent_watch(a, &watch, on_watch, NULL, NULL, NULL); /* 4, and 5, which is given up */
	viv_agent_watch(a, &watch, on_watch, NULL, &given_up, NULL);
	viv_agent_unwatch(given_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct viv_agent_events events = {.ready = on_ready, .lost = on_lost};
	VIV_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct viv_agent *a = NULL;
	struct viv_loop *loop = NULL;
	int ends[2];

	if (size > 65536) /* what a socket surely takes at once */
		return 0;
	if (null < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ||
	    viv_loop_new(&loop, NULL) < 0)
		abort();
	events.arg = loop;
	if (viv_agent_new(loop, ends[0], &events, &a, NULL) < 0 ||
	    viv_loop_add_io(loop, ends[1], EPOLLIN, send_greeting, NULL, NULL, NULL) < 0 ||
	    viv_loop_run(loop, NULL) < 0 || !viv_agent_is_ready(a))
		abort();
	start_commands(a, null);
	if (viv_write_all(ends[1], data, size, "port", NULL) < 0)
		abort();
	shutdown(ends[1], SHUT_WR);
	viv_loop_run(loop, NULL);
	viv_agent_free(a);
	viv_loop_free(loop);
	close(ends[1]);
	return 0;
}
