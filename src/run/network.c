/* SPDX-License-Identifier: MIT */
#include "run/network.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/process.h"
#include "proto/proto.h"
#include "run/tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX     (128u << 10) /* more than a pipe holds */
#define PASST_END_MS 2000 /* from its end to the warning, unless the machine has ended, too */

struct viv_network {
	struct viv_network_events events;
	struct viv_str fixed; /* of the text: what doesn't change while the machine runs */
	struct viv_vlan *vlans[VIV_NICS_MAX];
	unsigned numbers[VIV_NICS_MAX]; /* of the segments */
	size_t n_vlans;
	struct viv_loop *loop;
	pid_t passt; /* 0: none runs. A machine has one way out of this kind at most */
	struct viv_source *passt_source, *passt_warning;
	bool warned; /* that not all names fit */
	int passt_status, passt_said; /* said: -1 if none was started */
};

static void on_changed(struct viv_vlan *v, void *arg)
{
	struct viv_network *n = arg;

	if (n->events.changed)
		n->events.changed(n, n->events.arg);
}

/* Its last line; NULL: it said nothing. */
static char *last_words(int fd)
{
	struct viv_slice rest, line;
	VIV_STR said = VIV_STR_INIT;
	char *last = NULL;

	viv_read_to_end(fd, SAID_MAX, &said, "passt", NULL);
	rest = (struct viv_slice){said.data ? said.data : "", said.len};
	while (viv_slice_line(&rest, &line)) {
		line = viv_slice_trim(line);
		if (!line.len)
			continue;
		free(last);
		last = viv_slice_printable(line);
	}
	return last;
}

static int on_passt_missed(struct viv_source *s VIV_UNUSED, void *arg)
{
	struct viv_network *n = arg;
	VIV_FREE char *how = viv_process_status_text(n->passt_status);
	VIV_FREE char *said = last_words(n->passt_said);
	VIV_FREE char *text = viv_asprintf("passt has ended (%s%s%s): the guest's network is dead", how,
					   said ? ": " : "", said ? said : "");

	n->passt_warning = NULL;
	if (n->events.warning)
		n->events.warning(n, text, n->events.arg);
	return 0;
}

/* It ends when QEMU does, too, which is heard of in a moment. */
static int on_passt_end(struct viv_source *s VIV_UNUSED, pid_t pid VIV_UNUSED, int status, void *arg)
{
	struct viv_network *n = arg;

	n->passt = 0;
	n->passt_source = NULL;
	n->passt_status = status;
	viv_loop_add_timer(n->loop, PASST_END_MS, on_passt_missed, n, &n->passt_warning, NULL);
	return 0;
}

static int start_passt(struct viv_loop *loop, struct viv_network *n, struct viv_nic *nic,
		       struct viv_error *err)
{
	int r;

	if (n->passt)
		return viv_error_say(err, EINVAL, "a machine has at most one network of kind passt");
	r = viv_passt_start(nic, &nic->fd, &n->passt_said, &n->passt, err);
	if (r == 0)
		r = viv_loop_add_child(loop, n->passt, on_passt_end, n, &n->passt_source, err);
	return r;
}

/* Stays the same for a machine of that name: leases and neighbours' tables stay good. */
static void mac_of_name(const struct viv_machine *m, struct viv_nic *nic)
{
	VIV_FREE char *seed = viv_asprintf("%s\n%s\n%u", m->name ? m->name : "", nic->name,
					   (unsigned)getuid());
	char hex[VIV_SHA256_HEX];

	viv_sha256_of(seed, strlen(seed), hex);
	snprintf(nic->mac, sizeof(nic->mac), "52:54:01:%.2s:%.2s:%.2s", hex, hex + 2, hex + 4);
}

/* Without the lengths of their networks. */
static struct viv_strv own_addresses(const struct viv_nic *nic)
{
	struct viv_strv own = {0};

	for (size_t i = 0; i < nic->addresses.count; i++) {
		const char *a = nic->addresses.items[i];

		viv_strv_take(&own, viv_strndup(a, strcspn(a, "/")));
	}
	return own;
}

static int join(struct viv_loop *loop, struct viv_network *n, const struct viv_machine *m,
		const char *runtime, struct viv_nic *nic, struct viv_error *err)
{
	VIV_STRV own = own_addresses(nic);
	const struct viv_vlan_spec spec = {.runtime = runtime,
					   .vlan = nic->vlan,
					   .number = nic->number,
					   .name = m->name,
					   .addresses = nic->assign ? NULL : &own,
					   .mac = nic->mac,
					   .changed = on_changed,
					   .arg = n};
	struct viv_vlan *v;
	unsigned number;
	int r = viv_vlan_join(loop, &spec, &nic->fd, &v, err);

	if (r < 0)
		return r;
	n->numbers[n->n_vlans] = nic->vlan;
	n->vlans[n->n_vlans++] = v;
	nic->number = number = viv_vlan_number(v);
	snprintf(nic->mac, sizeof(nic->mac), "%s", viv_vlan_mac(v));
	if (nic->assign) {
		viv_strv_pushf(&nic->addresses, "192.168.%u.%u/24", nic->vlan, number);
		viv_strv_pushf(&nic->addresses, "2001:db8:%u::%u/64", nic->vlan, number);
	}
	return 0;
}

static int open_nic(struct viv_loop *loop, struct viv_network *n, const struct viv_machine *m,
		    const char *runtime, struct viv_nic *nic, struct viv_error *err)
{
	int r;

	if (nic->kind == VIV_NIC_VLAN)
		return join(loop, n, m, runtime, nic, err);
	if (!nic->mac[0])
		mac_of_name(m, nic);
	switch (nic->kind) {
	case VIV_NIC_TAP:
		r = viv_tap_open(nic->device, &nic->fd, err);
		break;
	case VIV_NIC_BRIDGE:
		r = viv_bridge_open(nic->device, &nic->fd, err);
		break;
	case VIV_NIC_PASST:
		r = start_passt(loop, n, nic, err);
		break;
	default:
		r = 0;
	}
	return r < 0 ? viv_error_context(err, "network %s", nic->name) : 0;
}

static void write_fixed(const struct viv_machine *m, struct viv_str *s)
{
	for (size_t i = 0; i < m->n_nics; i++) {
		const struct viv_nic *nic = &m->nics[i];

		viv_str_addf(s, "link %s %s\n", nic->mac, nic->name);
		for (size_t k = 0; k < nic->addresses.count; k++)
			viv_str_addf(s, "address %s\n", nic->addresses.items[k]);
		if (nic->gateway)
			viv_str_addf(s, "gateway %s\n", nic->gateway);
		if (nic->gateway6)
			viv_str_addf(s, "gateway %s\n", nic->gateway6);
	}
	for (size_t i = 0; i < m->nameservers.count; i++)
		viv_str_addf(s, "nameserver %s\n", m->nameservers.items[i]);
	if (m->domain)
		viv_str_addf(s, "search %s\n", m->domain);
	for (size_t i = 0; i < m->mirrors.count; i++)
		viv_str_addf(s, "mirror %s\n", m->mirrors.items[i]);
}

int viv_network_open(struct viv_loop *loop, struct viv_machine *m, const char *runtime,
		     const struct viv_network_events *events, struct viv_network **ret,
		     struct viv_error *err)
{
	struct viv_network *n = viv_new(struct viv_network);
	int r = 0;

	n->loop = loop;
	n->events = *events;
	n->passt_said = -1;
	for (size_t i = 0; i < m->n_nics && r == 0; i++)
		r = open_nic(loop, n, m, runtime, &m->nics[i], err);
	write_fixed(m, &n->fixed);
	if (r == 0 && n->fixed.len > VIV_PROTO_MAX_PAYLOAD)
		r = viv_error_say(err, E2BIG, "the guest can't be told its networks: they take %zu bytes to "
				  "describe, at most %d fit\nSet fewer networking.nameservers, "
				  "packages.mirrors or addresses.", n->fixed.len, VIV_PROTO_MAX_PAYLOAD);
	if (r < 0) {
		for (size_t i = 0; i < m->n_nics; i++)
			m->nics[i].fd = viv_close(m->nics[i].fd);
		viv_network_close(n);
		return r;
	}
	*ret = n;
	return 0;
}

void viv_network_close(struct viv_network *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n_vlans; i++)
		viv_vlan_leave(n->vlans[i]);
	viv_source_remove(n->passt_source);
	viv_source_remove(n->passt_warning);
	if (n->passt) {
		kill(n->passt, SIGKILL);
		while (waitpid(n->passt, NULL, 0) < 0 && errno == EINTR)
			;
	}
	viv_close(n->passt_said);
	viv_str_free(&n->fixed);
	free(n);
}

struct viv_vlan *viv_network_vlan(struct viv_network *n, unsigned vlan)
{
	for (size_t i = 0; i < n->n_vlans; i++)
		if (n->numbers[i] == vlan)
			return n->vlans[i];
	return NULL;
}

struct hosts {
	struct viv_str *text;
	unsigned vlan;
	unsigned known, all;
};

/* As many as fit: the guest takes one text only. */
static void add_host(unsigned number, const char *name, const struct viv_strv *addresses, void *arg)
{
	struct hosts *h = arg;
	VIV_STR lines = VIV_STR_INIT;

	if (!addresses)
		viv_str_addf(&lines, "host 192.168.%u.%u %s\nhost 2001:db8:%u::%u %s\n", h->vlan, number, name, h->vlan,
			     number, name);
	for (size_t i = 0; addresses && i < addresses->count; i++)
		viv_str_addf(&lines, "host %s %s\n", addresses->items[i], name);
	if (!lines.len)
		return;
	h->all++;
	if (h->text->len + lines.len > VIV_PROTO_MAX_PAYLOAD)
		return;
	viv_str_add(h->text, lines.data);
	h->known++;
}

char *viv_network_text(struct viv_network *n)
{
	struct viv_str s = VIV_STR_INIT;
	struct hosts h = {.text = &s};

	if (n->fixed.len)
		viv_str_add_bytes(&s, n->fixed.data, n->fixed.len);
	for (size_t i = 0; i < n->n_vlans; i++) {
		h.vlan = n->numbers[i];
		viv_vlan_each(n->vlans[i], add_host, &h);
	}
	if (h.known < h.all && !n->warned && n->events.warning) {
		VIV_FREE char *text = viv_asprintf("the guest is told the names of %u of the %u machines on its "
						   "segments: more do not fit", h.known, h.all);

		n->events.warning(n, text, n->events.arg);
		n->warned = true;
	}
	return s.len ? viv_str_steal(&s) : NULL;
}
