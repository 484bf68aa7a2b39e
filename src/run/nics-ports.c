/* SPDX-License-Identifier: MIT */
#include "run/nics.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define NET_OPTIONS "QEMU_NET_OPTS"

/* As QEMU will, a moment later. */
static int try_port(const struct viv_forward *f)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->host_port)};
	const int on = 1;
	VIV_FD fd = socket(AF_INET, (f->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, f->host_address, &a.sin_addr) != 1)
		return 0; /* QEMU will say what is wrong */
	if (!f->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || (!f->udp && listen(fd, 1) < 0))
		return errno;
	return 0;
}

/* what: the option that wants it, with its place. */
static int check_port(const struct viv_forward *f, const char *what, struct viv_error *err)
{
	int code = f->from_guest || !f->host_port ? 0 : try_port(f);

	if (code == EADDRINUSE)
		return viv_error_say(err, code, "%s: port %u of %s is in use already: end the program that "
				     "has it, or choose another port", what, f->host_port, f->host_address);
	if (code == EADDRNOTAVAIL)
		return viv_error_say(err, code, "%s: %s is no address of this host", what, f->host_address);
	if (code)
		return viv_error_set(err, code, "%s: port %u of %s cannot be had%s", what, f->host_port,
				     f->host_address, code == EACCES ? " (ports below 1024 are root's)" : "");
	return 0;
}

static int take_port(struct viv_slice text, unsigned min, const char *what, unsigned *ret,
		     struct viv_error *err)
{
	uint64_t port;

	if (!viv_slice_u64(text, UINT16_MAX, &port) || port < min)
		return viv_error_say(err, EINVAL, "%s: expected a port from %u to 65535, got \"%.*s\"", what,
				     min, (int)text.len, text.data);
	*ret = (unsigned)port;
	return 0;
}

/* Up to the separator, which is dropped; false: it does not come. */
static bool take_until(struct viv_slice *rest, char end, struct viv_slice *ret)
{
	const char *at = rest->len ? memchr(rest->data, end, rest->len) : NULL;

	if (!at)
		return false;
	*ret = (struct viv_slice){rest->data, (size_t)(at - rest->data)};
	rest->len -= ret->len + 1;
	rest->data = at + 1;
	return true;
}

/* "[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT", as qemu(1) has it. What is not for us to judge passes. */
static int check_hostfwd(struct viv_slice text, struct viv_error *err)
{
	VIV_FREE char *what = viv_asprintf(NET_OPTIONS ": hostfwd=%.*s", (int)text.len, text.data);
	VIV_FREE char *address = NULL;
	struct viv_slice rest = text, protocol, host, port, guest;
	struct viv_forward f = {0};
	int r;

	if (!take_until(&rest, ':', &protocol))
		protocol.len = 0;
	f.udp = viv_slice_eq(protocol, "udp");
	if (protocol.len && !f.udp && !viv_slice_eq(protocol, "tcp"))
		return 0;
	if (!take_until(&rest, ':', &host) || !take_until(&rest, '-', &port) ||
	    !take_until(&rest, ':', &guest))
		return viv_error_say(err, EINVAL, "%s: expected hostfwd=[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT",
				     what);
	f.host_address = address = host.len ? viv_slice_dup(host) : viv_strdup("0.0.0.0");
	r = take_port(port, 0, what, &f.host_port, err); /* 0: any that is free */
	if (r == 0)
		r = take_port(rest, 1, what, &f.guest_port, err);
	return r < 0 ? r : check_port(&f, what, err);
}

static int check_net_options(const char *options, struct viv_error *err)
{
	static const char key[] = "hostfwd=";
	int r = 0;

	while (options && *options && r == 0) {
		struct viv_slice one = {options, strcspn(options, ",")};

		options += one.len + (options[one.len] == ',');
		if (!viv_starts_with(one.data, key))
			continue;
		one.data += strlen(key);
		one.len -= strlen(key);
		r = check_hostfwd(one, err);
	}
	return r;
}

int viv_nics_check_ports(const struct viv_config *config, const struct viv_machine *m,
			 struct viv_error *err)
{
	const struct viv_nic *nic = viv_nics_user(m);
	int r = nic ? check_net_options(nic->options, err) : 0;

	for (size_t i = 0; nic && i < nic->n_forwards && r == 0; i++) {
		VIV_FREE char *what = viv_asprintf("%s: virtualisation.forwardPorts[%zu]",
						   viv_config_place(config, "virtualisation.forwardPorts"),
						   i + 1);

		r = check_port(&nic->forwards[i], what, err);
	}
	return r;
}

json_t *viv_nics_ports(const struct viv_machine *m)
{
	const struct viv_nic *nic = viv_nics_user(m);
	json_t *list = json_array();

	for (size_t i = 0; nic && i < nic->n_forwards; i++) {
		const struct viv_forward *f = &nic->forwards[i];
		bool plain = viv_streq(f->host_address, "127.0.0.1");

		if (!f->from_guest)
			json_array_append_new(list, json_sprintf("%s%s%u:%u%s", plain ? "" : f->host_address,
								 plain ? "" : ":", f->host_port,
								 f->guest_port, f->udp ? "/udp" : ""));
	}
	return list;
}
