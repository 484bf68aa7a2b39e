/* SPDX-License-Identifier: MIT */
/* NETWORK in the guest: in namespaces of the test's own, on their loopback interface. */
#include "unit.h"

#include "../../guest/agent-hosts.c"
#include "../../guest/agent-netlink.c"
#include "../../guest/agent-network.c"

#include "base/fd.h"
#include "base/str.h"

#include <ifaddrs.h>
#include <sched.h>

#define LINK "link 00:00:00:00:00:00 lo\n"

static void write_text(const char *path, const char *text)
{
	VIV_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(viv_write_all(fd, text, strlen(text), path, NULL), 0);
}

static bool enter_namespaces(void)
{
	uid_t uid = geteuid();
	int user = uid ? CLONE_NEWUSER : 0;
	VIV_FREE char *uids = viv_asprintf("0 %u 1\n", uid);
	VIV_FREE char *gids = viv_asprintf("0 %u 1\n", getegid());

	if (unshare(user | CLONE_NEWNET | CLONE_NEWNS) < 0)
		return false;
	if (user) {
		write_text("/proc/self/setgroups", "deny\n");
		write_text("/proc/self/uid_map", uids);
		write_text("/proc/self/gid_map", gids);
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("run", "/run", "tmpfs", 0, NULL) == 0 && mount("etc", "/etc", "tmpfs", 0, NULL) == 0;
}

static struct net_kept kept;

static void tell(const char *text)
{
	assert_int_equal(system_network(&kept, (const uint8_t *)text, strlen(text)), 0);
}

/* The interface's addresses, but for those that a loopback interface has by itself. */
static void assert_addresses(const char *expected)
{
	struct ifaddrs *list, *a;
	VIV_STRV found = VIV_STRV_INIT;
	VIV_FREE char *all = NULL;

	assert_int_equal(getifaddrs(&list), 0);
	for (a = list; a; a = a->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		const void *ip = NULL;

		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET)
			ip = &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr;
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET6)
			ip = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr;
		if (ip && inet_ntop(a->ifa_addr->sa_family, ip, text, sizeof(text)) &&
		    strcmp(text, "::1") != 0 && strcmp(text, "127.0.0.1") != 0)
			viv_strv_push(&found, text);
	}
	freeifaddrs(list);
	viv_strv_sort(&found);
	all = viv_strv_join(&found, " ");
	assert_string_equal(all, expected);
}

static void assert_text(const char *path, const char *expected)
{
	VIV_STR s = VIV_STR_INIT;

	assert_int_equal(viv_read_file(path, 1 << 20, &s, NULL), 0);
	assert_string_equal(s.data, expected);
}

static unsigned lines_with(const char *path, const char *word)
{
	FILE *f = fopen(path, "re");
	char line[4096];
	unsigned n = 0;

	while (fgets(line, sizeof(line), f))
		n += strstr(line, word) != NULL;
	fclose(f);
	return n;
}

/* What a text does not name any more goes; what others have set stays. */
static void addresses_go(void **state)
{
	struct net_item other = {.link = 1, .family = AF_INET, .prefix = 24, .ip = {192, 0, 2, 9}};
	int netlink = netlink_open();

	tell(LINK "address 192.168.7.1/24\naddress 192.168.7.2/24\naddress 2001:db8:7::1/64\ngateway 192.168.7.9\n");
	assert_addresses("192.168.7.1 192.168.7.2 2001:db8:7::1");
	assert_int_equal(netlink_set(netlink, &other, true), 0);
	/* The second of a subnet would go with the first; and the route. */
	tell(LINK "address 192.168.7.2/24\ngateway 192.168.7.9\n");
	assert_addresses("192.0.2.9 192.168.7.2");
	assert_int_equal(lines_with("/proc/net/route", "lo\t00000000\t0907A8C0"), 1);
	tell(LINK "address 192.168.8.1/24\n");
	assert_addresses("192.0.2.9 192.168.8.1");
	assert_int_equal(lines_with("/proc/net/route", "\t00000000\t0"), 0);
	tell("nameserver 192.0.2.1\n");
	assert_addresses("192.0.2.9");
	assert_text("/run/viv/resolv.conf", "nameserver 192.0.2.1\n");
	close(netlink);
}

static void hosts_are_written_anew(void **state)
{
	VIV_STR large = VIV_STR_INIT;
	VIV_FREE char *expected = NULL;

	for (unsigned i = 0; i < 10000; i++)
		viv_str_addf(&large, "192.0.2.1 name-%u\n", i);
	viv_str_add(&large, "192.0.2.2 no-newline");
	write_text("/etc/hosts", large.data);
	tell("host 192.168.1.1 a\nhost 192.168.1.2 b\n");
	tell("host 192.168.1.2 b\n");
	expected = viv_asprintf("%s\n" MARK "192.168.1.2 b\n", large.data);
	assert_text("/etc/hosts", expected);
}

/* One file is mounted over it, however often it changes. */
static void hosts_of_a_read_only_root(void **state)
{
	write_text("/etc/hosts", "127.0.0.1 localhost\n");
	assert_int_equal(mount(NULL, "/etc", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	tell("host 192.168.1.1 a\nhost 192.168.1.2 a-name-that-is-longer\n");
	tell("host 192.168.1.3 c\n");
	assert_text("/etc/hosts", "127.0.0.1 localhost\n" MARK "192.168.1.3 c\n");
	assert_int_equal(lines_with("/proc/self/mountinfo", " /etc/hosts "), 1);
	assert_false(access(OVER "~", F_OK) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_go),
		cmocka_unit_test(hosts_are_written_anew),
		cmocka_unit_test(hosts_of_a_read_only_root),
	};

	if (!enter_namespaces()) {
		printf("no namespaces of network and mounts can be made here\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
