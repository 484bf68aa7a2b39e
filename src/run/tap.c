/* SPDX-License-Identifier: MIT */
#include "run/tap.h"

#include "base/fd.h"
#include "base/process.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELPER_MS 10000

unsigned if_nametoindex(const char *name); /* net/if.h and linux/if.h don't go together */

int viv_tap_check(const char *device, struct viv_error *err)
{
	if (if_nametoindex(device))
		return 0;
	return viv_error_say(err, ENODEV, "there is no device %s\n`viv doctor net` says how to make it",
			     device);
}

int viv_tap_open(const char *device, int *ret_fd, struct viv_error *err)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	VIV_FD fd = -1;
	int code = viv_tap_check(device, err);

	if (code < 0)
		return code;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
	fd = viv_open("/dev/net/tun", O_RDWR | O_NONBLOCK, 0, err);
	if (fd < 0)
		return fd;
	if (ioctl(fd, TUNSETIFF, &r) == 0) {
		*ret_fd = viv_steal_fd(&fd);
		return 0;
	}
	code = errno;
	if (code == EBUSY)
		return viv_error_say(err, code, "another machine has %s", device);
	if (code == EPERM)
		return viv_error_say(err, code, "%s belongs to another user\n`viv doctor net` says how to "
				     "make one that is yours", device);
	if (code == EINVAL)
		return viv_error_say(err, code, "%s is no tap device", device);
	return viv_error_set(err, code, "%s", device);
}

char *viv_bridge_helper(void)
{
	static const char *const places[] = {"/usr/lib/qemu/qemu-bridge-helper",
					     "/usr/libexec/qemu-bridge-helper",
					     "/usr/local/libexec/qemu-bridge-helper"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return viv_strdup(places[i]);
	return viv_find_program("qemu-bridge-helper");
}

/* The descriptor that comes with one byte; -1: none came. */
static int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	const struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

static int run_helper(const char *helper, const char *bridge, int fds[2], struct viv_str *said,
		      struct viv_error *err)
{
	VIV_FREE char *br = viv_asprintf("--br=%s", bridge);
	const char *argv[] = {helper, "--use-vnet", br, "--fd=3", NULL};
	int pipe_fds[2], status = 0, r;
	struct viv_process_spec spec = {
		.argv = argv, .fds = {-1, -1, -1}, .keep = &fds[1], .n_keep = 1};
	VIV_FD in = -1;
	pid_t pid;

	r = viv_pipe(pipe_fds, err);
	if (r < 0)
		return r;
	in = pipe_fds[0];
	spec.fds[2] = pipe_fds[1];
	r = viv_process_spawn(&spec, &pid, NULL, err);
	viv_close(pipe_fds[1]);
	if (r == 0)
		r = viv_process_wait(pid, HELPER_MS, false, &status, err);
	if (r == 0)
		viv_read_to_end(in, 4096, said, "qemu-bridge-helper", NULL);
	return r;
}

int viv_bridge_check(const char *bridge, struct viv_error *err)
{
	VIV_FREE char *helper = viv_bridge_helper();

	if (!helper)
		return viv_error_say(err, ENOENT, "qemu-bridge-helper is not there\n"
						  "install it: apt install qemu-system-common");
	if (!if_nametoindex(bridge))
		return viv_error_say(err, ENODEV, "there is no bridge %s\n`viv doctor net` says how to "
				     "make it", bridge);
	return 0;
}

int viv_bridge_open(const char *bridge, int *ret_fd, struct viv_error *err)
{
	VIV_FREE char *helper = viv_bridge_helper();
	VIV_STR said = VIV_STR_INIT;
	struct viv_slice text;
	int fds[2], fd, r = viv_bridge_check(bridge, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "socketpair");
	r = run_helper(helper, bridge, fds, &said, err);
	fd = r == 0 ? receive_fd(fds[0]) : -1;
	viv_close(fds[0]);
	viv_close(fds[1]);
	if (r < 0)
		return r;
	if (fd < 0) {
		text = viv_slice_trim((struct viv_slice){said.data ? said.data : "", said.len});
		return viv_error_say(err, EPERM, "bridge %s: qemu-bridge-helper made no device: %.*s\n"
				     "`viv doctor net` says how it is allowed to", bridge,
				     (int)text.len, text.data);
	}
	*ret_fd = fd;
	return 0;
}

/* passt's "-t ADDRESS/HOST:GUEST". */
static void add_forwards(const struct viv_nic *nic, struct viv_strv *argv)
{
	for (size_t i = 0; i < nic->n_forwards; i++) {
		const struct viv_forward *f = &nic->forwards[i];

		viv_strv_push(argv, f->udp ? "-u" : "-t");
		viv_strv_pushf(argv, "%s/%u:%u", f->host_address, f->host_port, f->guest_port);
	}
}

int viv_passt_check(struct viv_error *err)
{
	VIV_FREE char *program = viv_find_program("passt");

	if (program)
		return 0;
	return viv_error_say(err, ENOENT, "passt is not there\ninstall it: apt install passt; or use "
					  "kind = \"user\"");
}

int viv_passt_start(const struct viv_nic *nic, int *ret_fd, int *ret_said, pid_t *ret_pid,
		    struct viv_error *err)
{
	static const char *const fixed[] = {"passt", "--foreground", "--quiet", "--one-off", "--fd",
					    "3", "--address", "10.0.2.15", "--netmask",
					    "255.255.255.0", "--gateway", "10.0.2.2",
					    "--dns-forward", "10.0.2.3", NULL};
	VIV_STRV argv = VIV_STRV_INIT;
	struct viv_process_spec spec = {.fds = {-1, -1, -1}, .n_keep = 1};
	VIV_FD said = -1, theirs = -1;
	int fds[2], pipe_fds[2], r = viv_passt_check(err);

	if (r == 0)
		r = viv_pipe(pipe_fds, err);
	if (r < 0)
		return r;
	said = pipe_fds[0];
	spec.fds[2] = theirs = pipe_fds[1];
	/* Nobody reads it before its end: what is too much is lost, and holds up nothing. */
	r = viv_set_nonblocking(theirs, true, err);
	if (r == 0)
		r = viv_set_nonblocking(said, true, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "socketpair");
	viv_strv_push_all(&argv, fixed);
	add_forwards(nic, &argv);
	spec.argv = (const char *const *)argv.items;
	spec.keep = &fds[1];
	r = viv_process_spawn(&spec, ret_pid, NULL, err);
	viv_close(fds[1]);
	if (r < 0) {
		viv_close(fds[0]);
		return r;
	}
	*ret_fd = fds[0];
	*ret_said = viv_steal_fd(&said);
	return 0;
}
