/* SPDX-License-Identifier: MIT */
/* From options to interfaces: what QEMU is told, and what can't be. */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "proto/proto.h"
#include "run/network.h"
#include "run/nics.h"
#include "run/tap.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_SETTINGS 8

static void load(const char *const *settings, struct viv_config **ret)
{
	struct viv_config_setting list[MAX_SETTINGS];
	struct viv_config_request req = {.settings = list, .no_site_files = true};
	VIV_ERROR err = VIV_ERROR_INIT;

	for (; *settings; settings++)
		list[req.n_settings++] = (struct viv_config_setting){*settings, false};
	if (viv_config_load(&req, NULL, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static char *netdevs(const struct viv_machine *m)
{
	VIV_STRV argv = VIV_STRV_INIT;

	viv_qemu_add_nics(m, &argv);
	return viv_strv_join(&argv, " ");
}

#define USER_DEVICE "-device virtio-net-pci,netdev=net0,romfile=,mac=52:54:00:12:34:56"

static void command_lines(void **state)
{
	static const struct {
		const char *settings[MAX_SETTINGS], *options, *expected;
		bool plain_user;
	} rows[] = {
		{{NULL}, NULL, "-netdev user,id=net0 " USER_DEVICE, true},
		{{"virtualisation.restrictNetwork=true"},
		 "hostfwd=tcp::80-:80",
		 "-netdev user,id=net0,restrict=on,hostfwd=tcp::80-:80 " USER_DEVICE,
		 true},
		{{"virtualisation.forwardPorts=[{\"host\":{\"port\":2222},\"guest\":{\"port\":22}},"
		  "{\"proto\":\"udp\",\"host\":{\"port\":53,\"address\":\"0.0.0.0\"},"
		  "\"guest\":{\"port\":53,\"address\":\"10.0.2.16\"}}]"},
		 NULL,
		 "-netdev user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22,"
		 "hostfwd=udp:0.0.0.0:53-10.0.2.16:53 " USER_DEVICE,
		 true},
		{{"virtualisation.vlans=[3,1]"},
		 NULL,
		 "-netdev user,id=net0 " USER_DEVICE
		 " -netdev socket,id=net1,mcast=230.0.0.1:12303,localaddr=127.0.0.1"
		 " -device virtio-net-pci,netdev=net1,romfile="
		 " -netdev socket,id=net2,mcast=230.0.0.1:12301,localaddr=127.0.0.1"
		 " -device virtio-net-pci,netdev=net2,romfile=",
		 true},
		{{"virtualisation.networks={\"eth0\":{\"kind\":\"tap\",\"device\":\"tap7\","
		  "\"addresses\":[\"192.168.9.2/24\"],\"mac\":\"52:54:00:00:00:01\"},"
		  "\"lan\":{\"kind\":\"bridge\",\"device\":\"br0\"}}"},
		 NULL,
		 "-netdev tap,id=net0,ifname=tap7,script=no,downscript=no"
		 " -device virtio-net-pci,netdev=net0,romfile=,mac=52:54:00:00:00:01"
		 " -netdev bridge,id=net1,br=br0 -device virtio-net-pci,netdev=net1,romfile=",
		 false},
		{{"networking.interfaces={\"eth0\":{\"ipv4\":{\"addresses\":"
		  "[{\"address\":\"10.0.2.77\",\"prefixLength\":24}]}}}"},
		 NULL,
		 "-netdev user,id=net0 " USER_DEVICE,
		 false},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
		VIV_ERROR err = VIV_ERROR_INIT;
		VIV_FREE char *text = NULL;
		VIV_JSON *ports = NULL;

		load(rows[i].settings, &c);
		if (viv_nics_add(c, rows[i].options, &m, &err) < 0)
			fail_msg("%zu: %s", i, err.msg);
		text = netdevs(&m);
		assert_string_equal(text, rows[i].expected);
		assert_int_equal(viv_nics_have_plain_user(&m), rows[i].plain_user);
		ports = viv_nics_ports(&m);
		assert_int_equal(json_array_size(ports), i == 2 ? 2 : 0);
		if (i == 2) {
			assert_string_equal(json_string_value(json_array_get(ports, 0)), "2222:22");
			assert_string_equal(json_string_value(json_array_get(ports, 1)),
					    "0.0.0.0:53:53/udp");
		}
	}
}

static void what_the_guest_is_told(void **state)
{
	const char *const settings[] = {
		"virtualisation.vlans=[5]", "networking.nameservers=192.0.2.1",
		"networking.defaultGateway=192.168.5.9", "networking.domain=example.org",
		"networking.interfaces={\"eth1\":{\"ipv4\":{\"addresses\":[{\"address\":\"192.168.5.7\"}]},\"ipv6\":{\"addresses\":[{\"address\":\"2001:db8::7\","
		"\"prefixLength\":64}]}}}", NULL};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};

	load(settings, &c);
	assert_int_equal(viv_nics_add(c, NULL, &m, NULL), 0);
	assert_int_equal(m.n_nics, 2);
	assert_string_equal(m.nics[0].addresses.items[0], "10.0.2.15/24");
	assert_null(m.nics[0].gateway); /* the way out is another */
	assert_string_equal(m.nics[1].name, "eth1");
	assert_int_equal(m.nics[1].addresses.count, 2);
	assert_string_equal(m.nics[1].addresses.items[0], "192.168.5.7/24");
	assert_string_equal(m.nics[1].addresses.items[1], "2001:db8::7/64");
	assert_false(m.nics[1].assign);
	assert_string_equal(m.nics[1].gateway, "192.168.5.9");
	assert_string_equal(m.domain, "example.org");
	assert_int_equal(m.nameservers.count, 1);
	assert_string_equal(m.nameservers.items[0], "192.0.2.1");
}

static void on_warning(struct viv_network *n, const char *text, void *arg)
{
	viv_str_addf(arg, "%s\n", text);
}

/* One text is all that a guest takes: an error before the start, or names that are missing. */
static void more_than_the_guest_takes(void **state)
{
	VIV_FREE char *runtime = test_dir("nics");
	const char *name = "abcdefgh";
	VIV_STR said = VIV_STR_INIT;
	const struct viv_network_events events = {.warning = on_warning, .arg = &said};
	VIV_CLEANUP(viv_loop_freep) struct viv_loop *loop = NULL;

	assert_int_equal(viv_loop_new(&loop, NULL), 0);
	for (unsigned step = 0, times; step < 3; step++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
		VIV_FREE char *text = NULL;
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_network *n = NULL;
		int r;

		load((const char *const[]){"virtualisation.vlans=[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", NULL}, &c);
		assert_int_equal(viv_nics_add(c, NULL, &m, NULL), 0);
		m.name = viv_asprintf("%s%s%s%s%s%s%s%s", name, name, name, name, name, name, name, name);
		times = (const unsigned[]){150, 500, 900}[step];
		for (unsigned i = 0; i < times; i++)
			viv_strv_push(&m.nameservers, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
		r = viv_network_open(loop, &m, runtime, &events, &n, &err);
		if (step == 2) {
			assert_int_equal(r, -E2BIG);
			break;
		}
		assert_int_equal(r, 0);
		text = viv_network_text(n);
		assert_in_range(strlen(text), 1, VIV_PROTO_MAX_PAYLOAD);
		assert_int_equal(text[strlen(text) - 1], '\n');
		free(viv_steal(text));
		text = viv_network_text(n); /* said once */
		for (size_t i = 0; i < m.n_nics; i++)
			viv_close(m.nics[i].fd);
		viv_network_close(n);
		assert_int_equal(said.len > 0, step == 1);
	}
	assert_string_equal(strchr(said.data, '\n'), "\n");
	viv_remove_tree(runtime, NULL);
}

static void what_cannot_be(void **state)
{
	static const struct {
		const char *settings[MAX_SETTINGS], *options, *error;
	} rows[] = {
		{{"networking.interfaces={\"eth7\":{}}"},
		 NULL,
		 "command line: networking.interfaces.eth7: the machine has no such interface "
		 "(virtualisation.vlans and virtualisation.networks make them)"},
		{{"virtualisation.vlans=[1]", "virtualisation.interfaces={\"eth1\":{\"vlan\":2}}"},
		 NULL,
		 "command line: virtualisation.interfaces.eth1: eth1 is already the name of another "
		 "interface"},
		{{"virtualisation.networks={\"eth0\":{\"kind\":\"bridge\",\"device\":\"br0\"}}",
		  "virtualisation.forwardPorts=[{\"host\":{\"port\":22},\"guest\":{\"port\":22}}]"},
		 NULL,
		 "command line: virtualisation.forwardPorts: the machine is on no user network, so "
		 "nothing can be forwarded"},
		{{"virtualisation.networks={\"eth0\":{\"kind\":\"bridge\",\"device\":\"br0\"}}"},
		 "hostfwd=tcp::1-:1",
		 "QEMU_NET_OPTS: the machine is on no user network"},
		{{"virtualisation.vlans=[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7]"},
		 NULL,
		 "command line: virtualisation.vlans: a machine has at most 16 network interfaces"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		load(rows[i].settings, &c);
		assert_true(viv_nics_add(c, rows[i].options, &m, &err) < 0);
		assert_string_equal(err.msg, rows[i].error);
	}
}

/* A port of loopback that is ours, and the option that wants it. */
static int take_port(int type, char **ret_setting, unsigned *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	*ret_setting = viv_asprintf("virtualisation.forwardPorts=[{\"proto\":\"%s\",\"host\":{\"port\":%u},"
				    "\"guest\":{\"port\":22}}]",
				    type == SOCK_STREAM ? "tcp" : "udp", *ret_port);
	return fd;
}

static void ports_in_use(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(types); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
		VIV_ERROR err = VIV_ERROR_INIT;
		VIV_FREE char *setting = NULL, *expected = NULL;
		unsigned port;
		int fd = take_port(types[i], &setting, &port);
		const char *settings[] = {setting, NULL};

		load(settings, &c);
		assert_int_equal(viv_nics_add(c, NULL, &m, NULL), 0);
		assert_int_equal(viv_nics_check_ports(c, &m, &err), -EADDRINUSE);
		expected = viv_asprintf("command line: virtualisation.forwardPorts[1]: port %u of "
					"127.0.0.1 is in use already: end the program that has it, or "
					"choose another port", port);
		assert_string_equal(err.msg, expected);
		close(fd);
		assert_int_equal(viv_nics_check_ports(c, &m, NULL), 0);
	}
}

static void ports_of_net_options(void **state)
{
	static const struct {
		const char *options, *error;
	} rows[] = {
		{"dns=10.0.2.9,hostfwd=tcp::99999-:22",
		 "hostfwd=tcp::99999-:22: expected a port from 0 to 65535, got \"99999\""},
		{"hostfwd=tcp::2222-:0", "hostfwd=tcp::2222-:0: expected a port from 1 to 65535, got \"0\""},
		{"hostfwd=tcp:2222-:22",
		 "hostfwd=tcp:2222-:22: expected hostfwd=[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT"},
		{"hostfwd=", "hostfwd=: expected hostfwd=[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT"},
		{"hostfwd=tcp:127.0.0.1:0-:22", NULL},
		{"hostfwd=unix:/run/x-:22", NULL},
		{"hostname=hostfwd", NULL},
	};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_FREE char *setting = NULL, *options = NULL, *expected = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	unsigned port;
	int fd = take_port(SOCK_STREAM, &setting, &port);

	load((const char *const[]){NULL}, &c);
	options = viv_asprintf("hostfwd=:127.0.0.1:%u-:22", port);
	expected = viv_asprintf("QEMU_NET_OPTS: %s: port %u of 127.0.0.1 is in use already: end the program "
				"that has it, or choose another port", options, port);
	for (size_t i = 0; i <= VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
		bool last = i == VIV_ARRAY_SIZE(rows);
		const char *error = last ? NULL : rows[i].error;
		VIV_FREE char *want = error ? viv_asprintf("QEMU_NET_OPTS: %s", error) : NULL;

		assert_int_equal(viv_nics_add(c, last ? options : rows[i].options, &m, NULL), 0);
		assert_int_equal(viv_nics_check_ports(c, &m, &err), last ? -EADDRINUSE : error ? -EINVAL : 0);
		if (last || error)
			assert_string_equal(err.msg, last ? expected : want);
		viv_error_clear(&err);
	}
	close(fd);
}

static void devices_that_are_not_there(void **state)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int fd;

	assert_int_equal(viv_tap_open("no-such-tap", &fd, &err), -ENODEV);
	assert_string_equal(err.msg, "there is no device no-such-tap\n`viv doctor net` says how to make it");
	viv_error_clear(&err);
	assert_true(viv_bridge_open("no-such-br", &fd, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines),
		cmocka_unit_test(what_the_guest_is_told),
		cmocka_unit_test(more_than_the_guest_takes),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(ports_in_use),
		cmocka_unit_test(ports_of_net_options),
		cmocka_unit_test(devices_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
