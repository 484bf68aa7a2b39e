/* SPDX-License-Identifier: MIT */
#include "run/qmp.h"

#include "base/fd.h"

#include <sys/socket.h>
#include <unistd.h>

struct pending {
	uint64_t id; /* 0: free */
	viv_qmp_reply_fn reply;
	void *arg;
};

/*
 * GREETING: nothing may be sent yet. NEGOTIATING: qmp_capabilities is under way, commands wait in
 * `waiting`. READY: commands go out at once. LOST: fd is closed.
 */
enum state { GREETING, NEGOTIATING, READY, LOST };

struct viv_qmp {
	struct viv_loop *loop;
	struct viv_source *source;
	int fd;
	enum state state;
	struct viv_qmp_events events;
	struct viv_str in, out, waiting;
	struct pending pending[VIV_QMP_PENDING_MAX];
	uint64_t last_id;
	int send_fd;	    /* goes with the byte of `out` at send_fd_at; -1: none */
	size_t send_fd_at;
	unsigned busy; /* in a callback of ours: freeing waits */
	bool freed;
};

static void destroy(struct viv_qmp *q)
{
	viv_source_remove(q->source);
	viv_close(q->fd);
	viv_close(q->send_fd);
	viv_str_free(&q->in);
	viv_str_free(&q->out);
	viv_str_free(&q->waiting);
	free(q);
}

void viv_qmp_free(struct viv_qmp *q)
{
	if (!q)
		return;
	q->freed = true;
	if (!q->busy)
		destroy(q);
}

static void lose(struct viv_qmp *q, const char *why)
{
	if (q->state == LOST)
		return;
	q->state = LOST;
	viv_source_remove(q->source);
	q->source = NULL;
	q->fd = viv_close(q->fd);
	if (q->events.lost && !q->freed)
		q->events.lost(q, why, q->events.arg);
}

/* With the descriptor, or up to where it is to go. */
static ssize_t send_some(struct viv_qmp *q)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = q->out.data, .iov_len = q->out.len};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	if (q->send_fd >= 0 && q->send_fd_at) {
		part.iov_len = q->send_fd_at;
	} else if (q->send_fd >= 0) {
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &q->send_fd, sizeof(int));
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
	}
	return sendmsg(q->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void flush(struct viv_qmp *q)
{
	while (q->out.len && q->state != LOST) {
		ssize_t n = send_some(q);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				q->out.len = 0; /* reading will find the end */
			break;
		}
		if (q->send_fd >= 0 && !q->send_fd_at)
			q->send_fd = viv_close(q->send_fd);
		else if (q->send_fd >= 0)
			q->send_fd_at -= (size_t)n;
		viv_str_drop(&q->out, (size_t)n);
	}
	if (q->source)
		viv_source_set_events(q->source, EPOLLIN | (q->out.len ? EPOLLOUT : 0), NULL);
}

static void add_command(struct viv_str *to, const char *command, const json_t *arguments, uint64_t id)
{
	VIV_JSON *j = json_pack("{s:s, s:I}", "execute", command, "id", (json_int_t)id);

	if (arguments)
		json_object_set(j, "arguments", (json_t *)arguments);
	viv_json_canonical(j, to);
	viv_str_add_char(to, '\n');
}

static struct pending *find_pending(struct viv_qmp *q, uint64_t id)
{
	for (size_t i = 0; i < VIV_QMP_PENDING_MAX; i++)
		if (q->pending[i].id == id)
			return &q->pending[i];
	return NULL;
}

int viv_qmp_execute(struct viv_qmp *q, const char *command, json_t *arguments,
		    viv_qmp_reply_fn reply, void *arg, struct viv_error *err)
{
	struct pending *p = find_pending(q, 0);
	VIV_JSON *owned = arguments;

	if (q->state == LOST)
		return viv_error_say(err, ENOTCONN, "%s: QEMU is gone", command);
	if (!p)
		return viv_error_say(err, EBUSY, "%s: QEMU answers no more", command);
	*p = (struct pending){.id = ++q->last_id, .reply = reply, .arg = arg};
	add_command(q->state == READY ? &q->out : &q->waiting, command, owned, p->id);
	flush(q);
	return 0;
}

int viv_qmp_execute_fd(struct viv_qmp *q, const char *command, json_t *arguments, int fd,
		       viv_qmp_reply_fn reply, void *arg, struct viv_error *err)
{
	int r;

	if (q->state < READY || q->send_fd >= 0) {
		viv_close(fd);
		json_decref(arguments);
		return viv_error_say(err, EAGAIN, "%s: QEMU takes no descriptor now", command);
	}
	if (q->state == READY) {
		q->send_fd = fd;
		q->send_fd_at = q->out.len;
	} else {
		viv_close(fd);
	}
	r = viv_qmp_execute(q, command, arguments, reply, arg, err);
	if (r < 0)
		q->send_fd = viv_close(q->send_fd);
	return r;
}

static void on_negotiated(struct viv_qmp *q)
{
	q->state = READY;
	if (q->waiting.len)
		viv_str_add_bytes(&q->out, q->waiting.data, q->waiting.len);
	viv_str_clear(&q->waiting);
	flush(q);
	if (q->events.ready)
		q->events.ready(q, q->events.arg);
}

static void on_greeting(struct viv_qmp *q, const json_t *msg)
{
	if (!json_is_object(json_object_get(msg, "QMP"))) {
		lose(q, "QEMU did not greet");
		return;
	}
	q->state = NEGOTIATING;
	add_command(&q->out, "qmp_capabilities", NULL, 0);
	flush(q);
}

static void on_reply(struct viv_qmp *q, const json_t *msg)
{
	const json_t *error = json_object_get(msg, "error");
	const char *text = NULL;
	struct pending *p, done;
	uint64_t id;

	if (error) {
		text = viv_json_str(error, "desc");
		text = text ? text : "an error without words";
	}
	if (!viv_json_u64(msg, "id", UINT64_MAX >> 1, &id)) {
		lose(q, text ? text : "QEMU answered something that nobody asked");
	} else if (id == 0 && q->state == NEGOTIATING && !text) {
		on_negotiated(q);
	} else if (id == 0 || !(p = find_pending(q, id))) {
		lose(q, text ? text : "QEMU answered something that nobody asked");
	} else {
		done = *p;
		p->id = 0;
		if (done.reply)
			done.reply(q, json_object_get(msg, "return"), text, done.arg);
	}
}

static void on_message(struct viv_qmp *q, const json_t *msg)
{
	const char *event = viv_json_str(msg, "event");

	if (q->state == GREETING)
		on_greeting(q, msg);
	else if (event && q->events.event)
		q->events.event(q, event, json_object_get(msg, "data"), q->events.arg);
	else if (!event)
		on_reply(q, msg);
}

static void on_line(struct viv_qmp *q, struct viv_slice line)
{
	VIV_JSON *msg = NULL;

	line = viv_slice_trim(line);
	if (!line.len)
		return;
	if (viv_json_parse(line.data, line.len, "QMP", &msg, NULL) < 0 || !json_is_object(msg))
		lose(q, "QEMU sent something that is not QMP");
	else
		on_message(q, msg);
}

/* Whole lines; what is left waits for its rest. */
static void on_input(struct viv_qmp *q)
{
	size_t used = 0;

	while (q->state != LOST && !q->freed) {
		struct viv_slice line = {q->in.data + used, 0};
		char *end = memchr(line.data, '\n', q->in.len - used);

		if (!end)
			break;
		line.len = (size_t)(end - line.data);
		used += line.len + 1;
		on_line(q, line);
	}
	viv_str_drop(&q->in, used);
	if (q->in.len >= VIV_QMP_LINE_MAX)
		lose(q, "QEMU sent a line without an end");
}

static int on_io(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_qmp *q = arg;
	ssize_t n = 1;

	q->busy++;
	if (events & EPOLLOUT)
		flush(q);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		n = recv(fd, viv_str_reserve(&q->in, 65536), 65536, MSG_DONTWAIT);
		if (n > 0) {
			viv_str_added(&q->in, (size_t)n);
			on_input(q);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			lose(q, "QEMU closed its monitor");
		}
	}
	q->busy--;
	if (q->freed && !q->busy)
		destroy(q);
	return 0;
}

int viv_qmp_new(struct viv_loop *loop, int fd, const struct viv_qmp_events *events,
		struct viv_qmp **ret, struct viv_error *err)
{
	struct viv_qmp *q = viv_new(struct viv_qmp);
	int r;

	q->loop = loop;
	q->fd = fd;
	q->send_fd = -1;
	q->events = *events;
	r = viv_loop_add_io(loop, fd, EPOLLIN, on_io, q, &q->source, err);
	if (r < 0) {
		viv_qmp_free(q);
		return r;
	}
	*ret = q;
	return 0;
}
