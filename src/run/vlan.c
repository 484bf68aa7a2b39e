/* SPDX-License-Identifier: MIT */
#include "run/vlan.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "run/dir.h"
#include "run/switch.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HELLO_MAX     512
#define ADDRESSES_MAX 8 /* they fit */
#define JOIN_MS	     10000 /* joining takes milliseconds */
#define BURST	     64 /* frames before others have their turn */
#define SOCKET_BYTES (1 << 20)

/* Another member. */
struct peer {
	struct viv_vlan *vlan;
	struct peer *next;
	int fd;
	struct viv_source *source;
	unsigned number; /* 0: it has not said it yet */
	char *name;
	bool own_addresses; /* those below, not what follows from the number */
	struct viv_strv addresses;
	char mac[VIV_MAC_SIZE];
};

struct viv_vlan {
	struct viv_loop *loop;
	struct viv_vlan_spec spec; /* strings are not ours */
	char *folder;
	char *name;
	struct viv_strv addresses; /* if spec.addresses */
	unsigned number;
	char mac[VIV_MAC_SIZE];
	int dir, listener, qemu, spare; /* spare: see viv_accept */
	struct viv_source *accepting, *from_qemu;
	struct peer *peers;
	struct viv_switch table;
	struct viv_link *out, *in; /* the cable, each way */
	void (*tap)(const uint8_t *frame, size_t len, void *arg);
	void *tap_arg;
	uint8_t frame[VIV_FRAME_MAX];
};

unsigned viv_vlan_number(const struct viv_vlan *v)
{
	return v->number;
}

const char *viv_vlan_mac(const struct viv_vlan *v)
{
	return v->mac;
}

void viv_vlan_each(const struct viv_vlan *v,
		   void (*fn)(unsigned number, const char *name, const struct viv_strv *addresses, void *arg), void *arg)
{
	for (unsigned n = 1; n <= VIV_VLAN_MEMBER_MAX; n++) {
		if (n == v->number)
			fn(n, v->name, v->spec.addresses ? &v->addresses : NULL, arg);
		for (const struct peer *p = v->peers; p; p = p->next)
			if (p->number == n && n != v->number)
				fn(n, p->name, p->own_addresses ? &p->addresses : NULL, arg);
	}
}

/* Frames */

/* A queue that is full loses frames, as any switch does: a member that hangs holds up nobody. */
static void send_frame(int fd, const uint8_t *frame, size_t len)
{
	ssize_t n;

	do
		n = send(fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
}

static void send_out(const uint8_t *frame, size_t len, void *arg)
{
	struct viv_vlan *v = arg;
	int port = viv_switch_port(&v->table, frame, len);

	if (v->tap)
		v->tap(frame, len, v->tap_arg);
	if (port == VIV_SWITCH_NONE)
		return;
	for (struct peer *p = v->peers; p; p = p->next)
		if (p->number && (port == VIV_SWITCH_ALL || port == (int)p->number))
			send_frame(p->fd, frame, len);
}

static void send_in(const uint8_t *frame, size_t len, void *arg)
{
	struct viv_vlan *v = arg;

	if (v->from_qemu)
		send_frame(v->qemu, frame, len);
}

void viv_vlan_set_link(struct viv_vlan *v, const struct viv_link_spec *spec)
{
	viv_link_set(v->out, spec);
	viv_link_set(v->in, spec);
}

void viv_vlan_tap(struct viv_vlan *v, void (*fn)(const uint8_t *frame, size_t len, void *arg), void *arg)
{
	v->tap = fn;
	v->tap_arg = arg;
}

static int on_qemu(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_vlan *v = arg;

	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(fd, v->frame, sizeof(v->frame), MSG_DONTWAIT);

		if (n >= 0) {
			viv_link_send(v->out, v->frame, (size_t)n);
		} else if (errno == EAGAIN && !(events & (EPOLLHUP | EPOLLERR))) {
			return 0;
		} else if (errno != EINTR) { /* QEMU has ended */
			viv_source_remove(s);
			v->from_qemu = NULL;
			return 0;
		}
	}
	return 0;
}

/* Members */

static void free_peer(struct peer *p)
{
	viv_source_remove(p->source);
	viv_close(p->fd);
	free(p->name);
	viv_strv_free(&p->addresses);
	free(p);
}

static void drop(struct peer *p)
{
	struct viv_vlan *v = p->vlan;
	bool known = p->number;

	for (struct peer **at = &v->peers; *at; at = &(*at)->next) {
		if (*at != p)
			continue;
		*at = p->next;
		break;
	}
	viv_switch_forget(&v->table, (int)p->number);
	free_peer(p);
	if (known && v->spec.changed)
		v->spec.changed(v, v->spec.arg);
}

static struct peer *find_number(const struct viv_vlan *v, unsigned number)
{
	for (struct peer *p = v->peers; p; p = p->next)
		if (p->number == number)
			return p;
	return NULL;
}

/* None is "-". */
static bool take_addresses(struct peer *p, struct viv_slice rest)
{
	struct viv_slice word;

	p->own_addresses = false;
	viv_strv_free(&p->addresses);
	while (viv_slice_word(&rest, &word)) {
		VIV_FREE char *text = viv_slice_dup(word);
		char any[sizeof(struct in6_addr)];

		p->own_addresses = true;
		if (viv_streq(text, "-"))
			continue;
		if (p->addresses.count == ADDRESSES_MAX ||
		    (!inet_pton(AF_INET, text, any) && !inet_pton(AF_INET6, text, any)))
			return false;
		viv_strv_take(&p->addresses, viv_steal(text));
	}
	return true;
}

/*
 * "NUMBER MAC NAME", as a member's file and its first message say, and its addresses, where they don't follow from the
 * number. False: it is nothing such.
 */
static bool take_hello(struct peer *p, const char *text, size_t len)
{
	struct viv_slice rest = {text, len}, number, mac, name;
	uint64_t n;

	if (!viv_slice_word(&rest, &number) || !viv_slice_word(&rest, &mac) ||
	    !viv_slice_word(&rest, &name) || mac.len != VIV_MAC_SIZE - 1 ||
	    !viv_slice_u64(number, VIV_VLAN_MEMBER_MAX, &n) || !n ||
	    n == p->vlan->number || find_number(p->vlan, (unsigned)n))
		return false;
	free(p->name);
	p->name = viv_slice_dup(name);
	memcpy(p->mac, mac.data, VIV_MAC_SIZE - 1);
	if (!viv_machine_name_is_valid(p->name) || !take_addresses(p, rest))
		return false;
	p->number = (unsigned)n;
	return true;
}

static void take_message(struct peer *p, size_t len)
{
	struct viv_vlan *v = p->vlan;

	if (p->number) {
		viv_switch_learn(&v->table, v->frame, len, (int)p->number);
		if (len >= VIV_FRAME_MIN)
			viv_link_send(v->in, v->frame, len);
	} else if (!take_hello(p, (const char *)v->frame, len)) {
		drop(p);
	} else if (v->spec.changed) {
		v->spec.changed(v, v->spec.arg);
	}
}

static int on_peer(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct peer *p = arg;
	struct viv_vlan *v = p->vlan;

	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(fd, v->frame, sizeof(v->frame), MSG_DONTWAIT);
		bool new = !p->number;

		if (n > 0) {
			take_message(p, (size_t)n);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			drop(p);
			return 0;
		} else if (errno == EAGAIN) {
			return 0;
		}
		if (new) /* it may be gone */
			return 0;
	}
	return 0;
}

static void enlarge(int fd)
{
	const int bytes = SOCKET_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)); /* as far as it is allowed */
}

/* Takes over fd. */
static int add_peer(struct viv_vlan *v, int fd, struct peer **ret, struct viv_error *err)
{
	struct peer *p = viv_new(struct peer);
	int r;

	p->vlan = v;
	p->fd = fd;
	enlarge(fd);
	r = viv_loop_add_io(v->loop, fd, EPOLLIN, on_peer, p, &p->source, err);
	if (r < 0) {
		free_peer(p);
		return r;
	}
	p->next = v->peers;
	v->peers = p;
	*ret = p;
	return 0;
}

static int on_listener(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_vlan *v = arg;
	int conn = viv_accept(fd, &v->spare);
	struct peer *p;

	if (conn >= 0)
		add_peer(v, conn, &p, NULL);
	return 0;
}

/* Joining */

/* Through the open folder: the path may be longer than an address can be. */
static void address_of(const struct viv_vlan *v, unsigned number, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%u", v->dir, number);
}

static void remove_member(const struct viv_vlan *v, unsigned number)
{
	VIV_FREE char *socket_name = viv_asprintf("%u", number);
	VIV_FREE char *file = viv_asprintf("%u.member", number);

	/* While the socket is there nobody takes the number: what comes after it would hit another. */
	unlinkat(v->dir, file, 0);
	unlinkat(v->dir, socket_name, 0);
}

/*
 * A member that is there; *ret_there is false for what a killed one left, which is removed. One that
 * has removed its file is on its way out: it has its number, but is no peer any more.
 */
static int connect_to(struct viv_vlan *v, unsigned number, bool *ret_there, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("%s/%u.member", v->folder, number);
	VIV_STR text = VIV_STR_INIT;
	VIV_ERROR unread = VIV_ERROR_INIT;
	struct sockaddr_un a;
	struct peer *p;
	int r, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return viv_error_set(err, errno, "vlan %u: socket", v->spec.vlan);
	address_of(v, number, &a);
	*ret_there = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
	if (!*ret_there) {
		int code = errno;

		viv_close(fd);
		if (code == EAGAIN) /* to the two of them the segment would be another */
			return viv_error_say(err, ETIMEDOUT, "vlan %u: its machine %u takes no others: is its viv "
					     "stopped (SIGSTOP, Ctrl-Z)? Let it go on, or end it",
					     v->spec.vlan, number);
		if (code == ECONNREFUSED)
			remove_member(v, number);
		return 0;
	}
	r = add_peer(v, fd, &p, err);
	if (r < 0)
		return r;
	r = viv_read_file(path, HELLO_MAX, &text, &unread);
	if (r == -ENOENT) {
		drop(p);
		return 0;
	}
	if (r < 0)
		return viv_error_move(err, &unread);
	if (!take_hello(p, text.data, text.len) || p->number != number)
		r = viv_error_say(err, EPROTO, "vlan %u: %s does not describe a machine", v->spec.vlan,
				  path);
	return r;
}

static int connect_to_all(struct viv_vlan *v, struct viv_error *err)
{
	bool there[VIV_VLAN_MEMBER_MAX + 1] = {false};
	const struct peer *other;
	int r = 0;

	for (unsigned n = 1; n <= VIV_VLAN_MEMBER_MAX && r == 0; n++) {
		VIV_FREE char *name = viv_asprintf("%u", n);

		if (faccessat(v->dir, name, F_OK, 0) == 0)
			r = connect_to(v, n, &there[n], err);
	}
	if (r < 0)
		return r;
	v->number = v->spec.number;
	for (unsigned n = 1; !v->number && n <= VIV_VLAN_MEMBER_MAX; n++)
		if (!there[n])
			v->number = n;
	if (!v->number)
		return viv_error_say(err, ENOSPC, "vlan %u: %d machines are on it already", v->spec.vlan,
				     VIV_VLAN_MEMBER_MAX);
	other = find_number(v, v->number);
	if (there[v->number])
		return viv_error_say(err, EADDRINUSE, "vlan %u: %s has the number %u already",
				     v->spec.vlan, other ? other->name : "a machine that is ending", v->number);
	return 0;
}

static int check_mac(struct viv_vlan *v, struct viv_error *err)
{
	if (v->spec.mac[0])
		snprintf(v->mac, sizeof(v->mac), "%s", v->spec.mac);
	else
		snprintf(v->mac, sizeof(v->mac), "52:54:00:13:%02x:%02x", v->spec.vlan, v->number);
	for (const struct peer *p = v->peers; p; p = p->next)
		if (strcasecmp(p->mac, v->mac) == 0)
			return viv_error_say(err, EADDRINUSE,
					     "vlan %u: the MAC address %s is %s's already",
					     v->spec.vlan, v->mac, p->name);
	return 0;
}

static int listen_for_others(struct viv_vlan *v, struct viv_error *err)
{
	VIV_FREE char *path = viv_asprintf("%s/%u.member", v->folder, v->number);
	VIV_FREE char *addresses = viv_strv_join(&v->addresses, " ");
	VIV_FREE char *hello = viv_asprintf("%u %s %s%s%s\n", v->number, v->mac, v->name, v->spec.addresses ? " " : "",
					    v->addresses.count ? addresses : v->spec.addresses ? "-" : "");
	struct sockaddr_un a;
	int r;

	remove_member(v, v->number);
	r = viv_write_file(path, hello, strlen(hello), 0600, err);
	if (r < 0)
		return r;
	address_of(v, v->number, &a);
	v->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	v->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (v->listener < 0 || bind(v->listener, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(v->listener, VIV_VLAN_MEMBER_MAX) < 0)
		return viv_error_set(err, errno, "%s/%u", v->folder, v->number);
	for (struct peer *p = v->peers; p; p = p->next)
		if (send(p->fd, hello, strlen(hello), MSG_NOSIGNAL) < 0)
			p->number = 0; /* it is going: its end will be heard of */
	return viv_loop_add_io(v->loop, v->listener, EPOLLIN, on_listener, v, &v->accepting, err);
}

static int open_folder(struct viv_vlan *v, struct viv_error *err)
{
	int r;

	v->folder = viv_asprintf("%s/.vlans/%u", v->spec.runtime, v->spec.vlan);
	r = viv_mkdir_p(v->folder, 0700, err);
	if (r < 0)
		return r;
	v->dir = viv_open(v->folder, O_RDONLY | O_DIRECTORY, 0, err);
	if (v->dir < 0)
		return v->dir;
	r = viv_lock_within(v->dir, JOIN_MS, err);
	if (r == -ETIMEDOUT)
		return viv_error_say(err, -r, "vlan %u: another machine is joining it and does not get on: is "
				     "its viv stopped (SIGSTOP, Ctrl-Z)? Let it go on, or end it",
				     v->spec.vlan);
	return r < 0 ? viv_error_context(err, "%s", v->folder) : 0;
}

static int open_qemu(struct viv_vlan *v, int *ret_theirs, struct viv_error *err)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "socketpair");
	enlarge(fds[0]);
	enlarge(fds[1]);
	v->qemu = fds[0];
	*ret_theirs = fds[1];
	/* Another seed for each machine and way: what is lost is the same in every run. */
	v->out = viv_link_new(v->loop, (uint64_t)v->spec.vlan << 32 | v->number << 1, send_out, v);
	v->in = viv_link_new(v->loop, (uint64_t)v->spec.vlan << 32 | v->number << 1 | 1, send_in, v);
	return viv_loop_add_io(v->loop, v->qemu, EPOLLIN, on_qemu, v, &v->from_qemu, err);
}

int viv_vlan_join(struct viv_loop *loop, const struct viv_vlan_spec *spec, int *ret_fd,
		  struct viv_vlan **ret, struct viv_error *err)
{
	struct viv_vlan *v = viv_new(struct viv_vlan);
	int theirs = -1, r;

	v->loop = loop;
	v->spec = *spec;
	v->name = viv_strdup(spec->name);
	if (spec->addresses)
		for (size_t i = 0; i < spec->addresses->count && i < ADDRESSES_MAX; i++)
			viv_strv_push(&v->addresses, spec->addresses->items[i]);
	v->dir = v->listener = v->qemu = v->spare = -1;
	r = open_folder(v, err);
	if (r == 0)
		r = connect_to_all(v, err);
	if (r == 0)
		r = check_mac(v, err);
	if (r == 0)
		r = listen_for_others(v, err);
	if (r == 0)
		r = open_qemu(v, &theirs, err);
	if (r < 0) {
		viv_close(theirs);
		viv_vlan_leave(v);
		return r;
	}
	flock(v->dir, LOCK_UN);
	*ret_fd = theirs;
	*ret = v;
	return 0;
}

void viv_vlan_leave(struct viv_vlan *v)
{
	if (!v)
		return;
	/* First: others are to hear of our end before somebody else comes with our number. */
	while (v->peers) {
		struct peer *p = v->peers;

		v->peers = p->next;
		free_peer(p);
	}
	if (v->listener >= 0)
		remove_member(v, v->number);
	viv_source_remove(v->accepting);
	viv_source_remove(v->from_qemu);
	viv_link_free(v->out);
	viv_link_free(v->in);
	viv_close(v->listener);
	viv_close(v->spare);
	viv_close(v->qemu);
	viv_close(v->dir);
	free(v->folder);
	free(v->name);
	viv_strv_free(&v->addresses);
	free(v);
}
