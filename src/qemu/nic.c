/* SPDX-License-Identifier: MIT */
#include "qemu/nic.h"

#include "qemu/machine.h"

/* Where the segments of a pasted command line meet: multicast that does not leave this host. */
#define MULTICAST_PORT 12300

struct viv_nic *viv_machine_add_nic(struct viv_machine *m)
{
	m->nics = viv_realloc(m->nics, (m->n_nics + 1) * sizeof(*m->nics));
	m->nics[m->n_nics] = (struct viv_nic){.fd = -1};
	return &m->nics[m->n_nics++];
}

struct viv_forward *viv_nic_add_forward(struct viv_nic *nic)
{
	nic->forwards =
		viv_realloc(nic->forwards, (nic->n_forwards + 1) * sizeof(*nic->forwards));
	nic->forwards[nic->n_forwards] = (struct viv_forward){0};
	return &nic->forwards[nic->n_forwards++];
}

void viv_nic_free_contents(struct viv_nic *nic)
{
	for (size_t i = 0; i < nic->n_forwards; i++) {
		free(nic->forwards[i].host_address);
		free(nic->forwards[i].guest_address);
	}
	free(nic->forwards);
	free(nic->name);
	free(nic->device);
	free(nic->gateway);
	free(nic->gateway6);
	free(nic->options);
	free(nic->connect_program);
	viv_strv_free(&nic->addresses);
	*nic = (struct viv_nic){.fd = -1};
}

bool viv_nic_spawns(const struct viv_nic *nic)
{
	for (size_t i = 0; i < nic->n_forwards; i++)
		if (nic->forwards[i].from_guest)
			return true;
	return false;
}

/* QEMU knows no way to a host's port that makes a connection for each but a program. */
static void add_forward(const struct viv_nic *nic, const struct viv_forward *f, struct viv_str *s)
{
	const char *proto = f->udp ? "udp" : "tcp";

	if (f->from_guest)
		viv_str_addf(s, ",guestfwd=%s:%s:%u-cmd:%s %s %u", proto, f->guest_address,
			     f->guest_port, nic->connect_program, f->host_address, f->host_port);
	else
		viv_str_addf(s, ",hostfwd=%s:%s:%u-%s:%u", proto, f->host_address, f->host_port,
			     f->guest_address ? f->guest_address : "", f->guest_port);
}

static void add_user(const struct viv_nic *nic, size_t i, struct viv_str *s)
{
	viv_str_addf(s, "user,id=net%zu%s", i, nic->restricted ? ",restrict=on" : "");
	for (size_t k = 0; k < nic->n_forwards; k++)
		add_forward(nic, &nic->forwards[k], s);
	if (nic->options)
		viv_str_addf(s, ",%s", nic->options);
}

static void add_netdev(const struct viv_nic *nic, size_t i, struct viv_str *s)
{
	switch (nic->kind) {
	case VIV_NIC_USER:
		add_user(nic, i, s);
		break;
	case VIV_NIC_VLAN:
		if (nic->fd >= 0)
			viv_str_addf(s, "socket,id=net%zu,fd=%d", i, nic->fd);
		else
			viv_str_addf(s, "socket,id=net%zu,mcast=230.0.0.1:%u,localaddr=127.0.0.1", i,
				     MULTICAST_PORT + nic->vlan);
		break;
	case VIV_NIC_TAP:
		if (nic->fd >= 0)
			viv_str_addf(s, "tap,id=net%zu,fd=%d", i, nic->fd);
		else
			viv_str_addf(s, "tap,id=net%zu,ifname=%s,script=no,downscript=no", i,
				     nic->device);
		break;
	case VIV_NIC_BRIDGE:
		if (nic->fd >= 0)
			viv_str_addf(s, "tap,id=net%zu,fd=%d", i, nic->fd);
		else
			viv_str_addf(s, "bridge,id=net%zu,br=%s", i, nic->device);
		break;
	case VIV_NIC_PASST:
		viv_str_addf(s, "socket,id=net%zu,fd=%d", i, nic->fd);
		break;
	}
}

void viv_qemu_add_nics(const struct viv_machine *m, struct viv_strv *v)
{
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct viv_nic *nic = &m->nics[i];
		struct viv_str s = VIV_STR_INIT;

		add_netdev(nic, i, &s);
		viv_strv_push(v, "-netdev");
		viv_strv_take(v, viv_str_steal(&s));
		/* The ROM is for booting from the network, and costs a moment of every boot. */
		viv_strv_push(v, "-device");
		viv_strv_pushf(v, "virtio-net-pci,netdev=net%zu,romfile=%s%s", i,
			       nic->mac[0] ? ",mac=" : "", nic->mac);
	}
}
