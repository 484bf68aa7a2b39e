/* SPDX-License-Identifier: MIT */
#include "run/control-private.h"

#include "base/fd.h"
#include "base/status.h"

#include <unistd.h>

#define PENDING_MAX (256u << 10) /* for a terminal that takes nothing; what follows is left out */
#define CHUNK	    4096u

static int on_out(struct viv_source *s, int fd, uint32_t events, void *arg);

static void watch_out(struct control_caller *k)
{
	struct sink *out = &k->console->out;

	local_watch(&out->local, k->control->loop, sink_is_empty(out) ? 0 : EPOLLOUT, on_out, k, NULL);
}

static int on_out(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct control_caller *k = arg;
	int code;

	sink_flush(&k->console->out, &code);
	watch_out(k);
	return 0;
}

static int on_in(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct control_caller *k = arg;
	char chunk[CHUNK];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n > 0) {
		viv_console_write(k->control->host.console, chunk, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		local_close(&k->console->in);
		control_answer(k, json_pack("{s:i}", "status", VIV_EXIT_OK), NULL, 0);
	}
	return 0;
}

int control_console_start(struct control_caller *k, struct viv_error *err)
{
	struct control_console *c = viv_new(struct control_console);
	int r = 0;

	local_open(&c->in, k->fds[0], false);
	sink_open(&c->out, k->fds[1]);
	k->console = c;
	if (c->in.fd >= 0)
		r = local_watch(&c->in, k->control->loop, EPOLLIN, on_in, k, err);
	if (r < 0)
		control_console_end(k);
	return r;
}

void control_console_output(struct control_caller *k, const char *data, size_t len)
{
	struct sink *out = &k->console->out;
	int code;

	if (out->local.fd < 0 || out->closed || out->pending.len + len > PENDING_MAX)
		return;
	sink_write(out, data, len, &code);
	watch_out(k);
}

void control_console_end(struct control_caller *k)
{
	struct control_console *c = k->console;

	if (!c)
		return;
	local_close(&c->in);
	sink_close(&c->out);
	free(c);
	k->console = NULL;
}
