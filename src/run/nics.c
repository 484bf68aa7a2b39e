/* SPDX-License-Identifier: MIT */
#include "run/nics.h"

#include "base/process.h"
#include "proto/proto.h"
#include "run/tap.h"

#include <arpa/inet.h>

#define USER_ADDRESS	"10.0.2.15/24"
#define USER_GATEWAY	"10.0.2.2"
#define USER_NAMESERVER "10.0.2.3"

static struct viv_nic *add(struct viv_machine *m, enum viv_nic_kind kind, const char *name,
			   const char *mac)
{
	struct viv_nic *nic = viv_machine_add_nic(m);

	nic->kind = kind;
	nic->name = viv_strdup(name);
	snprintf(nic->mac, sizeof(nic->mac), "%s", mac ? mac : "");
	return nic;
}

static struct viv_nic *find(const struct viv_machine *m, const char *name)
{
	for (size_t i = 0; i < m->n_nics; i++)
		if (viv_streq(m->nics[i].name, name))
			return &m->nics[i];
	return NULL;
}

/* passt is told to be what QEMU's own network is. */
static bool is_user(const struct viv_nic *nic)
{
	return nic->kind == VIV_NIC_USER || nic->kind == VIV_NIC_PASST;
}

struct viv_nic *viv_nics_user(const struct viv_machine *m)
{
	for (size_t i = 0; i < m->n_nics; i++)
		if (is_user(&m->nics[i]))
			return &m->nics[i];
	return NULL;
}

static void push_all(struct viv_strv *to, const json_t *list)
{
	size_t i;
	json_t *v;

	json_array_foreach((json_t *)list, i, v)
		viv_strv_push(to, json_string_value(v));
}

static void add_network(struct viv_machine *m, const char *name, const json_t *n)
{
	static const char *const kinds[] = {
		[VIV_NIC_USER] = "user",	 [VIV_NIC_VLAN] = "",
		[VIV_NIC_TAP] = "tap",		 [VIV_NIC_BRIDGE] = "bridge",
		[VIV_NIC_PASST] = "passt",
	};
	const char *kind = viv_json_str(n, "kind"), *gateway = viv_json_str(n, "gateway");
	struct viv_nic *nic;
	size_t k = 0;

	while (k + 1 < VIV_ARRAY_SIZE(kinds) && kind && !viv_streq(kinds[k], kind))
		k++;
	nic = add(m, (enum viv_nic_kind)k, name, viv_json_str(n, "mac"));
	nic->device = viv_strdup(viv_json_str(n, "device"));
	push_all(&nic->addresses, json_object_get(n, "addresses"));
	if (is_user(nic) && !nic->addresses.count)
		viv_strv_push(&nic->addresses, USER_ADDRESS);
	if (gateway || is_user(nic))
		nic->gateway = viv_strdup(gateway ? gateway : USER_GATEWAY);
	if (is_user(nic) && !nic->mac[0] && viv_streq(name, "eth0"))
		snprintf(nic->mac, sizeof(nic->mac), "%s", VIV_PROTO_USER_MAC);
}

static void add_segment(struct viv_machine *m, const char *name, unsigned vlan, bool assign,
			const char *mac)
{
	struct viv_nic *nic = add(m, VIV_NIC_VLAN, name, mac);

	nic->vlan = vlan;
	nic->assign = assign;
}

/* eth1, eth2… in the order of the list. */
static void add_vlans(const struct viv_config *config, struct viv_machine *m)
{
	const json_t *vlans = viv_config_get(config, "virtualisation.vlans"), *v;
	unsigned number = 1;
	size_t i;

	json_array_foreach((json_t *)vlans, i, v) {
		VIV_FREE char *name = viv_asprintf("eth%u", number++);

		add_segment(m, name, (unsigned)json_integer_value(v), true, NULL);
	}
}

static void add_segments(const struct viv_config *config, struct viv_machine *m)
{
	const json_t *all = viv_config_get(config, "virtualisation.interfaces");
	VIV_STRV names = VIV_STRV_INIT;

	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++) {
		const json_t *s = json_object_get(all, names.items[i]);

		add_segment(m, names.items[i],
			    (unsigned)json_integer_value(json_object_get(s, "vlan")),
			    json_is_true(json_object_get(s, "assignIP")), viv_json_str(s, "mac"));
	}
}

static void add_networks(const struct viv_config *config, struct viv_machine *m)
{
	const json_t *all = viv_config_get(config, "virtualisation.networks");
	const json_t *eth0 = json_object_get(all, "eth0");
	VIV_STRV names = VIV_STRV_INIT;
	VIV_JSON *plain = json_object();

	add_network(m, "eth0", eth0 ? eth0 : plain);
	add_vlans(config, m);
	add_segments(config, m);
	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++)
		if (!viv_streq(names.items[i], "eth0"))
			add_network(m, names.items[i], json_object_get(all, names.items[i]));
}

static int check_names(const struct viv_config *config, const struct viv_machine *m,
		       struct viv_error *err)
{
	if (m->n_nics > VIV_NICS_MAX)
		return viv_error_say(err, E2BIG, "%s: virtualisation.vlans: a machine has at most %d "
				     "network interfaces", viv_config_place(config, "virtualisation.vlans"),
				     VIV_NICS_MAX);
	for (size_t i = 0; i < m->n_nics; i++) {
		const char *name = m->nics[i].name;
		VIV_FREE char *option = NULL;

		if (find(m, name) == &m->nics[i])
			continue;
		option = viv_asprintf("virtualisation.%s.%s",
				      m->nics[i].kind == VIV_NIC_VLAN ? "interfaces" : "networks", name);
		return viv_error_say(err, EEXIST,
				     "%s: %s: %s is already the name of another interface",
				     viv_config_place(config, option), option, name);
	}
	return 0;
}

static long long prefix_of(const json_t *address, long long otherwise)
{
	const json_t *prefix = json_object_get(address, "prefixLength");

	return json_is_integer(prefix) ? (long long)json_integer_value(prefix) : otherwise;
}

/* Is the address (no prefix) in the network of "ADDRESS/PREFIX"? */
static bool is_in_network(const char *address, const char *network)
{
	VIV_FREE char *of = viv_strndup(network, strcspn(network, "/"));
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	uint8_t a[16], b[16];
	uint64_t bits;

	if (!viv_slice_u64(viv_slice(network + strlen(of) + 1), 128, &bits) || inet_pton(family, address, a) != 1 ||
	    inet_pton(family, of, b) != 1)
		return false;
	for (size_t i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static bool reaches(const struct viv_nic *nic, const char *gateway)
{
	VIV_FREE char *four = viv_asprintf("192.168.%u.0/24", nic->vlan);
	VIV_FREE char *six = viv_asprintf("2001:db8:%u::/64", nic->vlan);

	for (size_t i = 0; i < nic->addresses.count; i++)
		if (is_in_network(gateway, nic->addresses.items[i]))
			return true;
	return nic->assign && (is_in_network(gateway, four) || is_in_network(gateway, six));
}

/* The way out leads through the interface whose network it is in, and through no other one. */
static int set_gateway(const struct viv_config *config, struct viv_machine *m, const char *option,
		       struct viv_error *err)
{
	const char *gateway = viv_config_string(config, option);
	struct viv_nic *by = NULL;
	bool six = gateway && strchr(gateway, ':');

	for (size_t i = 0; gateway && i < m->n_nics; i++) {
		struct viv_nic *nic = &m->nics[i];

		if (!by && reaches(nic, gateway))
			by = nic;
		if (nic->gateway && !strchr(nic->gateway, ':') == !six)
			free(viv_steal(nic->gateway));
	}
	if (gateway && !by)
		return viv_error_say(err, EINVAL, "%s: %s: no interface of the machine has an address in the network "
				     "of %s", viv_config_place(config, option), option, gateway);
	if (gateway)
		*(six ? &by->gateway6 : &by->gateway) = viv_strdup(gateway);
	return 0;
}

/* networking.interfaces: takes the place of addresses that would be assigned. */
static int add_addresses(const struct viv_config *config, struct viv_machine *m,
			 struct viv_error *err)
{
	const json_t *all = viv_config_get(config, "networking.interfaces");
	static const char *const families[] = {"ipv4", "ipv6"};
	const char *name;
	json_t *one, *a;
	size_t k;

	json_object_foreach((json_t *)all, name, one) {
		struct viv_nic *nic = find(m, name);
		VIV_STRV list = VIV_STRV_INIT;

		if (!nic) {
			VIV_FREE char *option = viv_asprintf("networking.interfaces.%s", name);

			return viv_error_say(err, ENODEV, "%s: %s: the machine has no such interface "
					     "(virtualisation.vlans and virtualisation.networks make them)",
					     viv_config_place(config, option), option);
		}
		for (size_t f = 0; f < VIV_ARRAY_SIZE(families); f++)
			json_array_foreach(json_object_get(json_object_get(one, families[f]), "addresses"), k, a)
				viv_strv_pushf(&list, "%s/%lld", viv_json_str(a, "address"),
					       prefix_of(a, f ? 64 : 24));
		if (!list.count)
			continue;
		viv_strv_free(&nic->addresses);
		viv_strv_push_all(&nic->addresses, (const char *const *)list.items);
		nic->assign = false;
	}
	return 0;
}

static unsigned port_of(const json_t *forward, const char *end)
{
	return (unsigned)json_integer_value(
		json_object_get(json_object_get(forward, end), "port"));
}

static int add_forwards(const struct viv_config *config, struct viv_machine *m,
			struct viv_error *err)
{
	const json_t *all = viv_config_get(config, "virtualisation.forwardPorts"), *f;
	const char *place = viv_config_place(config, "virtualisation.forwardPorts");
	struct viv_nic *nic = viv_nics_user(m);
	size_t i;

	if (json_array_size(all) && !nic)
		return viv_error_say(err, EINVAL, "%s: virtualisation.forwardPorts: the machine is on "
				     "no user network, so nothing can be forwarded", place);
	json_array_foreach((json_t *)all, i, f) {
		const json_t *host = json_object_get(f, "host"), *guest = json_object_get(f, "guest");
		struct viv_forward *to = viv_nic_add_forward(nic);

		to->udp = viv_streq(viv_json_str(f, "proto"), "udp");
		to->from_guest = viv_streq(viv_json_str(f, "from"), "guest");
		to->host_address = viv_strdup(viv_json_str(host, "address"));
		to->guest_address = viv_strdup(viv_json_str(guest, "address"));
		to->host_port = port_of(f, "host");
		to->guest_port = port_of(f, "guest");
	}
	if (nic && viv_nic_spawns(nic)) {
		if (nic->kind == VIV_NIC_PASST)
			return viv_error_say(err, EINVAL, "%s: virtualisation.forwardPorts: from = "
					     "\"guest\" needs the kind user: with passt the guest reaches the "
					     "host as %s", place, USER_GATEWAY);
		nic->connect_program = viv_find_program("nc");
		if (!nic->connect_program)
			return viv_error_say(err, ENOENT, "%s: virtualisation.forwardPorts: from = "
					     "\"guest\" needs nc on the host\ninstall the package "
					     "netcat-openbsd", place);
	}
	return 0;
}

int viv_nics_add(const struct viv_config *config, const char *net_options, struct viv_machine *m,
		 struct viv_error *err)
{
	struct viv_nic *user;
	int r;

	add_networks(config, m);
	user = viv_nics_user(m);
	r = check_names(config, m, err);
	if (r == 0)
		r = add_addresses(config, m, err);
	if (r == 0)
		r = set_gateway(config, m, "networking.defaultGateway", err);
	if (r == 0)
		r = set_gateway(config, m, "networking.defaultGateway6", err);
	if (r == 0)
		r = add_forwards(config, m, err);
	if (r < 0)
		return r;
	if (net_options && (!user || user->kind != VIV_NIC_USER))
		return viv_error_say(err, EINVAL, "QEMU_NET_OPTS: the machine is on no user network");
	if (net_options)
		user->options = viv_strdup(net_options);
	if (user && user->kind == VIV_NIC_USER)
		user->restricted = viv_config_bool(config, "virtualisation.restrictNetwork");
	push_all(&m->nameservers, viv_config_get(config, "networking.nameservers"));
	if (user && !m->nameservers.count)
		viv_strv_push(&m->nameservers, USER_NAMESERVER);
	m->domain = viv_strdup(viv_config_string(config, "networking.domain"));
	return 0;
}

bool viv_nics_have_plain_user(const struct viv_machine *m)
{
	const struct viv_nic *nic = m->n_nics ? &m->nics[0] : NULL;

	return nic && is_user(nic) && viv_streq(nic->name, "eth0") &&
	       viv_streq(nic->mac, VIV_PROTO_USER_MAC) && nic->addresses.count == 1 &&
	       viv_streq(nic->addresses.items[0], USER_ADDRESS);
}

int viv_nics_check_host(const struct viv_config *config, struct viv_error *err)
{
	const json_t *all = viv_config_get(config, "virtualisation.networks"), *one;
	const char *name;

	json_object_foreach((json_t *)all, name, one) {
		VIV_FREE char *option = viv_asprintf("virtualisation.networks.%s", name);
		const char *kind = viv_json_str(one, "kind"), *device = viv_json_str(one, "device");
		int r = 0;

		if (viv_streq(kind, "passt"))
			r = viv_passt_check(err);
		else if (viv_streq(kind, "bridge") && device)
			r = viv_bridge_check(device, err);
		else if (viv_streq(kind, "tap") && device)
			r = viv_tap_check(device, err);
		if (r < 0)
			return viv_error_context(err, "%s: %s", viv_config_place(config, option), option);
	}
	return 0;
}
