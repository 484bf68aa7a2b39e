/* SPDX-License-Identifier: MIT */
#include "run/messages.h"

#include "base/fd.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK	 65536u
#define BLOCK_MS 10000 /* without the other side's taking anything */

void viv_messages_open(struct viv_messages *m, int fd)
{
	*m = VIV_MESSAGES_INIT;
	m->fd = fd;
}

void viv_messages_close(struct viv_messages *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		viv_close(m->fds[i]);
	viv_close(m->fd);
	viv_str_free(&m->in);
	viv_str_free(&m->out);
	*m = VIV_MESSAGES_INIT;
}

/* Returns -EPROTO, and closes them, if they are too many. */
static int take_fds(struct viv_messages *m, struct msghdr *h)
{
	int r = h->msg_flags & MSG_CTRUNC ? -EPROTO : 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fds[VIV_MESSAGE_FDS + 1];

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = VIV_MIN(n, VIV_ARRAY_SIZE(fds));
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (size_t i = 0; i < n; i++) {
			if (m->n_fds == VIV_MESSAGE_FDS) {
				viv_close(fds[i]);
				r = -EPROTO;
			} else {
				m->fds[m->n_fds++] = fds[i];
			}
		}
	}
	return r;
}

int viv_messages_receive(struct viv_messages *m, bool block)
{
	/* Room for one more than there may be: else the kernel would drop them in silence. */
	char control[CMSG_SPACE((VIV_MESSAGE_FDS + 1) * sizeof(int))];
	struct iovec iov = {.iov_base = viv_str_reserve(&m->in, CHUNK), .iov_len = CHUNK};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n;

	do
		n = recvmsg(m->fd, &h, MSG_CMSG_CLOEXEC | (block ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (take_fds(m, &h) < 0)
		return -EPROTO;
	viv_str_added(&m->in, (size_t)n);
	return n > 0;
}

int viv_messages_next(struct viv_messages *m, json_t **ret)
{
	char *end;
	size_t len;
	int r;

	end = m->in.len > m->searched
		      ? memchr(m->in.data + m->searched, '\n', m->in.len - m->searched)
		      : NULL;
	m->searched = m->in.len;
	if (!end)
		return m->in.len > VIV_MESSAGE_MAX ? -EPROTO : 0;
	len = (size_t)(end - m->in.data);
	if (len > VIV_MESSAGE_MAX)
		return -EPROTO;
	r = viv_json_parse(m->in.data, len, "a message", ret, NULL);
	viv_str_drop(&m->in, len + 1);
	m->searched = 0;
	if (r == 0 && !json_is_object(*ret)) {
		json_decref(viv_steal(*ret));
		r = -EPROTO;
	}
	return r < 0 ? -EPROTO : 1;
}

int viv_messages_take_fd(struct viv_messages *m, size_t i)
{
	int fd = -1;

	if (i < m->n_fds) {
		fd = m->fds[i];
		m->fds[i] = -1;
	}
	while (m->n_fds && m->fds[m->n_fds - 1] < 0)
		m->n_fds--;
	return fd;
}

static ssize_t send_some(struct viv_messages *m, const int *fds, size_t n_fds)
{
	char control[CMSG_SPACE(VIV_MESSAGE_FDS * sizeof(int))] = {0};
	struct iovec iov = {.iov_base = m->out.data, .iov_len = m->out.len};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (n_fds) {
		h.msg_control = control;
		h.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	return sendmsg(m->fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int viv_messages_flush(struct viv_messages *m, bool block)
{
	while (m->out.len) {
		ssize_t n = send_some(m, NULL, 0);
		struct pollfd p = {.fd = m->fd, .events = POLLOUT};

		if (n > 0)
			viv_str_drop(&m->out, (size_t)n);
		else if (n < 0 && errno == EAGAIN && block && poll(&p, 1, BLOCK_MS) == 0)
			return -ETIMEDOUT;
		else if (n < 0 && errno == EAGAIN && block)
			continue;
		else if (n < 0 && errno == EAGAIN)
			return 0;
		else if (n < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

int viv_messages_send(struct viv_messages *m, json_t *message, const int *fds, size_t n_fds)
{
	VIV_JSON *owned = message;
	ssize_t n;

	if (n_fds && (m->out.len || n_fds > VIV_MESSAGE_FDS))
		return -EAGAIN;
	viv_json_canonical(owned, &m->out);
	viv_str_add_char(&m->out, '\n');
	if (n_fds) {
		do
			n = send_some(m, fds, n_fds);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		viv_str_drop(&m->out, (size_t)n);
	}
	return viv_messages_flush(m, false);
}

json_t *viv_messages_bytes(const char *bytes)
{
	VIV_STR s = VIV_STR_INIT;

	for (const unsigned char *p = (const unsigned char *)bytes; *p; p++) {
		if (*p < 0x80) {
			viv_str_add_char(&s, (char)*p);
		} else {
			viv_str_add_char(&s, (char)(0xc0 | *p >> 6));
			viv_str_add_char(&s, (char)(0x80 | (*p & 0x3f)));
		}
	}
	return json_string(s.data ? s.data : "");
}

char *viv_messages_get_bytes(const json_t *text)
{
	const unsigned char *p = (const unsigned char *)json_string_value(text);
	VIV_STR s = VIV_STR_INIT;

	if (!p || strlen((const char *)p) != json_string_length(text))
		return NULL;
	for (; *p; p++) {
		if (*p < 0x80) {
			viv_str_add_char(&s, (char)*p);
		} else if (*p == 0xc2 || *p == 0xc3) { /* jansson vouches for what follows */
			viv_str_add_char(&s, (char)((*p & 3) << 6 | (p[1] & 0x3f)));
			p++;
		} else {
			return NULL;
		}
	}
	return viv_str_steal(&s);
}
