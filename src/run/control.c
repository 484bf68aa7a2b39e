/* SPDX-License-Identifier: MIT */
#include "run/control-private.h"

#include "base/fd.h"
#include "base/status.h"
#include "run/display.h"
#include "run/nics.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWERS_MAX (1u << 20) /* bytes that wait for a caller */

static int on_caller(struct viv_source *s, int fd, uint32_t events, void *arg);

static void free_caller(struct control_caller *k)
{
	struct viv_control *c = k->control;

	if (k->prev)
		k->prev->next = k->next;
	else
		c->first = k->next;
	if (k->next)
		k->next->prev = k->prev;
	c->n_callers--;
	control_console_end(k);
	control_screen_leave(k);
	viv_source_remove(k->source);
	viv_messages_close(&k->messages);
	for (size_t i = 0; i < VIV_MESSAGE_FDS; i++)
		viv_close(k->fds[i]);
	json_decref(k->request);
	free(k->lost);
	free(k);
}

void control_check_gone(struct control_caller *k)
{
	if (k->gone && !k->command)
		free_caller(k);
}

/* As when a terminal is closed: a command that goes on nevertheless keeps its descriptors. */
static void caller_gone(struct control_caller *k)
{
	viv_source_remove(k->source);
	k->source = NULL;
	k->gone = true;
	if (k->command) {
		viv_command_signal(k->command, SIGHUP);
		viv_command_signal(k->command, SIGCONT);
	}
	viv_agent_unwatch(viv_steal(k->watch));
	control_check_gone(k);
}

/* Who does not take answers is not listened to. */
static void update_events(struct control_caller *k)
{
	size_t waits = k->messages.out.len;

	if (k->source)
		viv_source_set_events(k->source, (waits < ANSWERS_MAX ? EPOLLIN : 0) | (waits ? EPOLLOUT : 0),
				      NULL);
}

void control_answer(struct control_caller *k, json_t *message, const int *fds, size_t n_fds)
{
	if (k->gone) {
		json_decref(message);
		return;
	}
	/* That it can't be sent shows when it is read from next. */
	viv_messages_send(&k->messages, message, fds, n_fds);
	update_events(k);
}

void control_error(struct control_caller *k, const struct viv_error *err)
{
	control_answer(k,
		       json_pack("{s:o, s:i}", "error",
				 viv_json_text(err->msg ? err->msg : strerror(err->code)), "code",
				 err->code),
		       NULL, 0);
}

static int take_messages(struct control_caller *k)
{
	json_t *message;
	int r;

	while ((r = viv_messages_next(&k->messages, &message)) > 0) {
		r = control_request(k, message);
		json_decref(message);
		if (r < 0)
			break;
	}
	return r;
}

static int on_caller(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct control_caller *k = arg;
	int r = 1;

	if (events & EPOLLOUT)
		r = viv_messages_flush(&k->messages, false) < 0 ? 0 : 1;
	if (r > 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		r = viv_messages_receive(&k->messages, false);
	if (r > 0 && take_messages(k) < 0)
		r = -EPROTO;
	if (r > 0 || r == -EAGAIN)
		update_events(k);
	else
		caller_gone(k);
	return 0;
}

int viv_control_add(struct viv_control *c, int fd, struct viv_error *err)
{
	struct control_caller *k = viv_new(struct control_caller);
	int r;

	k->control = c;
	viv_messages_open(&k->messages, fd);
	for (size_t i = 0; i < VIV_MESSAGE_FDS; i++)
		k->fds[i] = -1;
	k->next = c->first;
	if (k->next)
		k->next->prev = k;
	c->first = k;
	c->n_callers++;
	r = viv_loop_add_io(c->loop, fd, EPOLLIN, on_caller, k, &k->source, err);
	if (r < 0) {
		k->source = NULL;
		free_caller(k);
	}
	return r;
}

/* The directory is closed to others already; this says it once more. */
static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

/* With a word why: to be hung up on means that the machine has ended. */
static void turn_away(int fd)
{
	struct viv_messages m;

	viv_messages_open(&m, fd);
	viv_messages_send(&m, json_pack("{s:s, s:i}", "error", "the machine has too many callers", "code", EAGAIN),
			  NULL, 0);
	viv_messages_close(&m);
}

static int on_listener(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_control *c = arg;
	int caller = viv_accept(fd, &c->spare);

	if (caller < 0)
		return 0;
	if (!is_allowed(caller))
		viv_close(caller);
	else if (c->n_callers >= VIV_CONTROL_CALLERS_MAX)
		turn_away(caller);
	else
		viv_control_add(c, caller, NULL);
	return 0;
}

/* By way of the open directory: its path may be longer than a socket's address can be. */
static int listen_in(struct viv_control *c, const struct viv_machine_dir *dir, struct viv_error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" VIV_CONTROL_SOCKET,
		 dir->lock);
	c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    fchmodat(dir->lock, VIV_CONTROL_SOCKET, 0600, 0) < 0 || listen(c->fd, 128) < 0)
		return viv_error_set(err, errno, "%s/" VIV_CONTROL_SOCKET, dir->path);
	return viv_loop_add_io(c->loop, c->fd, EPOLLIN, on_listener, c, &c->source, err);
}

int viv_control_new(struct viv_loop *loop, const struct viv_machine_dir *dir,
		    const struct viv_control_host *host, struct viv_control **ret,
		    struct viv_error *err)
{
	struct viv_control *c = viv_new(struct viv_control);
	int r = 0;

	c->loop = loop;
	c->host = *host;
	c->fd = c->spare = -1;
	if (dir)
		r = listen_in(c, dir, err);
	if (r < 0) {
		viv_control_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

json_t *viv_control_status(const char *name, const char *state, const struct viv_machine *m, pid_t qemu, int64_t since,
			   int64_t uptime_ms)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:I, s:I, s:i, s:i, s:s, s:o, s:o}", "name", name, "state", state, "pid",
			 (int)getpid(), "qemu_pid", (int)qemu, "started", (json_int_t)since, "uptime_ms",
			 (json_int_t)uptime_ms, "memory_mib", (int)m->memory_mib, "cores", (int)m->cores, "accelerator",
			 m->accel == VIV_ACCEL_KVM ? "kvm" : "tcg", "ports", viv_nics_ports(m), "screen",
			 viv_display_json(&m->devices));
}

static void start_waiting(struct viv_control *c)
{
	for (struct control_caller *k = c->first; k; k = k->next)
		control_start_waiting(k);
}

void viv_control_ready(struct viv_control *c)
{
	c->ready = true;
	start_waiting(c);
}

void viv_control_up(struct viv_control *c)
{
	c->up = true;
	start_waiting(c);
}

/* A command that the machine took with it: was it the kernel's fault? */
static json_t *lost_answer(const struct control_caller *k, const json_t *outcome)
{
	const char *kind = viv_json_str(outcome, "kind"), *reason = viv_json_str(outcome, "reason");
	uint64_t status;

	if (kind && reason && viv_json_u64(outcome, "status", 255, &status) && status == VIV_EXIT_PANIC)
		return json_pack("{s:i, s:s, s:s, s:O?}", "status", VIV_EXIT_PANIC, "error", reason, "kind",
				 kind, "trouble", json_object_get(outcome, "trouble"));
	return json_pack("{s:i, s:o, s:s}", "status", VIV_EXIT_GONE, "error", viv_json_text(k->lost), "kind",
			 "gone");
}

void viv_control_agent_gone(struct viv_control *c)
{
	c->agent_gone = true;
	for (struct control_caller *k = c->first; k; k = k->next) {
		control_start_waiting(k); /* which fails, and is said */
		if (k->lost)
			control_answer(k, lost_answer(k, NULL), NULL, 0);
		free(viv_steal(k->lost));
	}
}

void viv_control_output(struct viv_control *c, const char *data, size_t len)
{
	for (struct control_caller *k = c->first; k; k = k->next)
		if (k->console)
			control_console_output(k, data, len);
}

void viv_control_finish(struct viv_control *c, const json_t *outcome)
{
	for (struct control_caller *k = c->first; k; k = k->next) {
		if (k->lost)
			control_answer(k, lost_answer(k, outcome), NULL, 0);
		else if (k->waits)
			control_answer(k, json_pack("{s:O}", "outcome", (json_t *)outcome), NULL, 0);
	}
}

void viv_control_free(struct viv_control *c)
{
	if (!c)
		return;
	while (c->first)
		free_caller(c->first);
	control_screens_free(c);
	viv_source_remove(c->source);
	viv_close(c->fd);
	viv_close(c->spare);
	free(c);
}
