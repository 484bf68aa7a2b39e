/* SPDX-License-Identifier: MIT */
/* Watches of ports, in a network of the test's own: what the whole agent's tests (run_agent_watch.c) can't bring about. */
#include "guest_watch.h"

#include <fcntl.h>
#include <netdb.h>

static int play_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	if (name && strcmp(name, "slow.example.org") == 0)
		return EAI_AGAIN;
	if (name && strcmp(name, "none.example.org") == 0)
		return EAI_NONAME;
	return getaddrinfo(name, service, hints, ret);
}
#define getaddrinfo play_getaddrinfo

#include "../../guest/agent-netlink.c"
#include "../../guest/watch-port.c"
#include "../../guest/watch-sockets.c"
#include "../../guest/watch-trace.c"

#include "base/path.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void begin_port(const char *protocol, const char *port, const char *address)
{
	assert_int_equal(begin(INIT_NONE, (const char *[3]){protocol, port, address}, watch_port_begin), WATCH_NOT_YET);
}

/* Both kinds' looks; the text is no-port's. */
static void check(const char *protocol, const char *address, int open, int closed, const char *text)
{
	begin_port(protocol, "9", address);
	assert_true(pauses_after(watch_port_look, open));
	assert_string_equal(the_watch.answer_len ? the_watch.answer : "", "");
	begin_port(protocol, "9", address);
	assert_true(pauses_after(watch_no_port_look, closed));
	assert_string_equal(the_watch.answer, text);
}

static void names(void **state)
{
	check("tcp", "slow.example.org", WATCH_NOT_YET, WATCH_NOT_YET, "");
	check("udp", "slow.example.org", WATCH_NOT_YET, WATCH_NOT_YET, "");
	check("tcp", "none.example.org", WATCH_NOT_YET, EINVAL, "none.example.org: the guest knows no such name");
}

static int listen_at(uint32_t ip, int type)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(ip)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void check_look(const char *protocol, const char *address, int (*look_at)(struct watch *w), int code)
{
	begin_port(protocol, "9", address);
	assert_int_equal(look_at(&the_watch), code);
}

/* Any address can be bound to, and is not this guest's for that. */
static void others_addresses(void **state)
{
	static const char text[] = "10.9.9.9: not an address of this guest's: of another's UDP ports nothing is known";
	VIV_FD any = open("/proc/sys/net/ipv4/ip_nonlocal_bind", O_WRONLY | O_CLOEXEC), tcp = -1, udp = -1;

	if (any < 0 || write(any, "1", 1) != 1) {
		print_message("net.ipv4.ip_nonlocal_bind can't be set\n");
		skip();
	}
	tcp = listen_at(0x0a090909, SOCK_STREAM);
	udp = listen_at(INADDR_ANY, SOCK_DGRAM);
	check_look("tcp", "10.9.9.9", watch_port_look, WATCH_NOT_YET);
	check_look("udp", "10.9.9.9", watch_port_look, WATCH_NOT_YET);
	check_look("udp", "127.0.0.2", watch_port_look, 0);
	check_look("udp", "0.0.0.0", watch_port_look, 0);
	check_look("udp", "::1", watch_port_look, WATCH_NOT_YET);
	assert_int_equal(viv_mkdir_p("/run/viv", 0755, NULL), 0);
	assert_int_equal(viv_write_file(BOOTED_FILE, "", 0, 0644, NULL), 0);
	check_look("udp", "10.9.9.9", watch_port_look, EINVAL);
	assert_string_equal(the_watch.answer, text);
	check_look("udp", "10.9.9.9", watch_no_port_look, EINVAL);
	assert_string_equal(the_watch.answer, text);
}

/* No descriptor, no answer: that says neither that a port is closed, nor what the kernel lacks. */
static void want_of_descriptors(void **state)
{
	VIV_FD fd = listen_at(INADDR_LOOPBACK, SOCK_STREAM), next = dup(fd);
	struct rlimit limit, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (const char *const *a = (const char *[]){"localhost", "127.0.0.1", NULL}; *a; a++) {
		begin_port("tcp", "9", *a);
		next = viv_close(next);
		next = dup(fd);
		none = (struct rlimit){(rlim_t)next, limit.rlim_max};
		next = viv_close(next);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
		assert_true(pauses_after(watch_no_port_look, WATCH_NOT_YET));
		assert_false(the_watch.no_diag);
		assert_int_equal(watch_port_look(&the_watch), WATCH_NOT_YET);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		assert_int_equal(watch_port_look(&the_watch), 0);
		assert_int_equal(watch_no_port_look(&the_watch), WATCH_NOT_YET);
	}
}

/* Without sock_diag: what /proc/net says. */
static void tables(void **state)
{
	VIV_FD fd = -1;

	begin_port("tcp", "9", NULL);
	the_watch.no_diag = true;
	assert_int_equal(watch_no_port_look(&the_watch), 0);
	fd = listen_at(INADDR_LOOPBACK, SOCK_STREAM);
	assert_int_equal(watch_port_look(&the_watch), 0);
}

/* An event can be lost: it is looked again without one, but not often. */
static void idles(void **state)
{
	begin_port("tcp", "9", NULL);
	assert_true(the_watch.idle_ms > 0 && the_watch.idle_ms <= 2000);
	assert_int_equal(pauses_after(watch_port_look, WATCH_NOT_YET), !((struct port *)the_watch.own)->traced);
	((struct port *)the_watch.own)->traced = true;
	assert_false(pauses_after(watch_port_look, WATCH_NOT_YET));
	the_watch.fresh = 1;
	assert_true(pauses_after(watch_port_look, WATCH_NOT_YET));
	((struct port *)the_watch.own)->traced = false;
	assert_true(pauses_after(watch_port_look, WATCH_NOT_YET));
}

static void cpus(void **state)
{
	static const struct {
		const char *list;
		uint64_t cpus; /* 0: it can't be used */
	} rows[] = {{"0\n", 1}, {"0-3\n", 0xf}, {"0-1,4,6-7", 0xd3}, {"0-63\n", UINT64_MAX}, {"63\n", UINT64_C(1) << 63},
		    {"0-64\n", 0}, {"64", 0}, {"", 0}, {"\n", 0}, {"3-1\n", 0}, {"0-\n", 0}, {"0,\n", 0}, {"0x\n", 0},
		    {"0-18446744073709551616\n", 0}};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		uint64_t r = 0;

		assert_int_equal(parse_cpus(rows[i].list, &r), rows[i].cpus != 0);
		assert_int_equal(rows[i].cpus ? r : 0, rows[i].cpus);
	}
}

static bool enter_namespace(void)
{
	int netlink, r;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("run", "/run", "tmpfs", 0, NULL) < 0)
		return false;
	netlink = netlink_open();
	r = netlink_flags(netlink, if_nametoindex("lo"), IFF_UP);
	close(netlink);
	return r == 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names), cmocka_unit_test(others_addresses), cmocka_unit_test(want_of_descriptors),
		cmocka_unit_test(tables), cmocka_unit_test(idles), cmocka_unit_test(cpus),
	};
	int failed;

	if (geteuid() != 0 || !enter_namespace()) {
		printf("needs root, and to be allowed a network of its own\n");
		return 77;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(the_watch.own);
	return failed;
}
