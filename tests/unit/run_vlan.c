/* SPDX-License-Identifier: MIT */
/* Segments: members, frames, what killed ones leave. All in one process, with us at QEMU's ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "run/switch.h"
#include "run/vlan.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LIMIT_MS 10000

struct segment {
	char *runtime;
	struct viv_loop *loop;
	unsigned changes; /* members that were told of a change */
};

static int set_up(void **state)
{
	struct segment *s = viv_new(struct segment);
	char folder[] = "/tmp/viv-vlan-XXXXXX";

	assert_non_null(mkdtemp(folder));
	s->runtime = viv_strdup(folder);
	assert_int_equal(viv_loop_new(&s->loop, NULL), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct segment *s = *state;

	viv_loop_free(s->loop);
	viv_remove_tree(s->runtime, NULL);
	free(s->runtime);
	free(s);
	return 0;
}

static void on_changed(struct viv_vlan *v, void *arg)
{
	struct segment *s = arg;

	s->changes++;
	viv_loop_quit(s->loop, 0);
}

static struct viv_vlan_spec spec_of(struct segment *s, const char *name)
{
	return (struct viv_vlan_spec){.runtime = s->runtime,
				      .vlan = 7,
				      .name = name,
				      .mac = "",
				      .changed = on_changed,
				      .arg = s};
}

static struct viv_vlan *join(struct segment *s, const char *name, int *ret_fd)
{
	struct viv_vlan_spec spec = spec_of(s, name);
	struct viv_vlan *v = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_vlan_join(s->loop, &spec, ret_fd, &v, &err) < 0)
		fail_msg("%s", err.msg);
	return v;
}

static void leave(struct viv_vlan *v, int fd)
{
	viv_vlan_leave(v);
	close(fd);
}

static int on_limit(struct viv_source *src, void *arg)
{
	fail_msg("nothing happened");
	return -ETIMEDOUT;
}

static int on_frame(struct viv_source *src, int fd, uint32_t events, void *arg)
{
	viv_loop_quit(arg, 0);
	return 0;
}

static void run(struct segment *s)
{
	struct viv_source *limit;

	assert_int_equal(viv_loop_add_timer(s->loop, LIMIT_MS, on_limit, NULL, &limit, NULL), 0);
	assert_int_equal(viv_loop_run(s->loop, NULL), 0);
	viv_source_remove(limit);
}

static void until_changes(struct segment *s, unsigned n)
{
	while (s->changes < n)
		run(s);
}

/* Runs until a frame arrives at `fd`; its first byte after the header. */
static int receive(struct segment *s, int fd)
{
	uint8_t frame[100];
	struct viv_source *source;
	ssize_t n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);

	while (n < 0) {
		assert_int_equal(viv_loop_add_io(s->loop, fd, EPOLLIN, on_frame, s->loop, &source,
						 NULL),
				 0);
		run(s);
		viv_source_remove(source);
		n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);
	}
	assert_int_equal(n, 60);
	return frame[VIV_FRAME_MIN];
}

static void transmit(int fd, uint8_t to, uint8_t from, uint8_t what)
{
	uint8_t frame[60] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0, what};

	if (to == 0xff)
		memset(frame, 0xff, VIV_MAC_BYTES);
	assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
}

static bool is_empty(int fd)
{
	uint8_t frame[100];

	return recv(fd, frame, sizeof(frame), MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void add_name(unsigned number, const char *name, const struct viv_strv *addresses, void *arg)
{
	VIV_FREE char *list = addresses ? viv_strv_join(addresses, " ") : NULL;

	viv_str_addf(arg, "%u %s%s%s%s,", number, name, list ? "(" : "", list ? list : "", list ? ")" : "");
}

static void assert_members(const struct viv_vlan *v, const char *expected)
{
	VIV_STR text = VIV_STR_INIT;

	viv_vlan_each(v, add_name, &text);
	assert_string_equal(text.data, expected);
}

/* Who was there first hears it as a message, who comes later reads it. */
static void own_addresses_are_told(void **state)
{
	struct segment *s = *state;
	char *two[] = {(char *)"10.0.0.1", (char *)"2001:db8::1", NULL};
	const struct viv_strv own = {two, 2, 0}, none = {0};
	struct viv_vlan_spec of_b = spec_of(s, "b"), of_c = spec_of(s, "c");
	struct viv_vlan *a, *b, *c;
	int a_fd, b_fd, c_fd;

	of_b.addresses = &own;
	of_c.addresses = &none;
	a = join(s, "a", &a_fd);
	assert_int_equal(viv_vlan_join(s->loop, &of_b, &b_fd, &b, NULL), 0);
	assert_int_equal(viv_vlan_join(s->loop, &of_c, &c_fd, &c, NULL), 0);
	until_changes(s, 3);
	assert_members(a, "1 a,2 b(10.0.0.1 2001:db8::1),3 c(),");
	assert_members(b, "1 a,2 b(10.0.0.1 2001:db8::1),3 c(),");
	assert_members(c, "1 a,2 b(10.0.0.1 2001:db8::1),3 c(),");
	leave(a, a_fd);
	leave(b, b_fd);
	leave(c, c_fd);
}

static void members_know_each_other(void **state)
{
	struct segment *s = *state;
	int a_fd, b_fd, c_fd;
	struct viv_vlan *a = join(s, "a", &a_fd), *b = join(s, "b", &b_fd), *c;

	assert_int_equal(viv_vlan_number(a), 1);
	assert_int_equal(viv_vlan_number(b), 2);
	assert_string_equal(viv_vlan_mac(b), "52:54:00:13:07:02");
	assert_members(b, "1 a,2 b,"); /* at once */
	until_changes(s, 1);
	assert_members(a, "1 a,2 b,");
	c = join(s, "c", &c_fd);
	until_changes(s, 3);
	viv_vlan_leave(b);
	until_changes(s, 5);
	assert_members(a, "1 a,3 c,");
	assert_members(c, "1 a,3 c,");
	close(b_fd);
	b = join(s, "d", &b_fd);
	assert_int_equal(viv_vlan_number(b), 2);
	leave(a, a_fd);
	leave(b, b_fd);
	leave(c, c_fd);
}

static void frames_find_their_way(void **state)
{
	struct segment *s = *state;
	int a_fd, b_fd, c_fd;
	struct viv_vlan *a = join(s, "a", &a_fd), *b = join(s, "b", &b_fd), *c = join(s, "c", &c_fd);

	until_changes(s, 3);
	transmit(a_fd, 0xff, 0xa, 1); /* to all */
	assert_int_equal(receive(s, b_fd), 1);
	assert_int_equal(receive(s, c_fd), 1);
	assert_true(is_empty(a_fd));
	transmit(b_fd, 0xa, 0xb, 2); /* to who is known by now */
	assert_int_equal(receive(s, a_fd), 2);
	transmit(a_fd, 0xb, 0xa, 3);
	assert_int_equal(receive(s, b_fd), 3);
	transmit(a_fd, 0xff, 0xa, 4); /* nothing came to c between */
	assert_int_equal(receive(s, c_fd), 4);
	assert_true(send(a_fd, "short", 5, 0) == 5); /* no frame: goes nowhere */
	transmit(a_fd, 0xff, 0xa, 5);
	assert_int_equal(receive(s, c_fd), 5);
	leave(a, a_fd);
	leave(b, b_fd);
	leave(c, c_fd);
}

/* A member whose guest takes nothing holds up nobody. */
static void full_queues_lose_frames(void **state)
{
	struct segment *s = *state;
	int a_fd, b_fd, c_fd;
	struct viv_vlan *a = join(s, "a", &a_fd), *b = join(s, "b", &b_fd), *c = join(s, "c", &c_fd);

	until_changes(s, 3);
	for (int i = 0; i < 5000; i++) {
		transmit(a_fd, 0xff, 0xa, 1);
		assert_int_equal(receive(s, c_fd), 1);
	}
	assert_false(is_empty(b_fd));
	leave(a, a_fd);
	leave(b, b_fd);
	leave(c, c_fd);
}

/* What a killed member leaves: its files, with nobody at the socket. */
static void leftovers_are_taken_over(void **state)
{
	struct segment *s = *state;
	VIV_FREE char *folder = viv_asprintf("%s/.vlans/7", s->runtime);
	VIV_FREE char *file = viv_path_join(folder, "1.member");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), v_fd;
	struct viv_vlan *v;

	assert_int_equal(viv_mkdir_p(folder, 0700, NULL), 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/1", folder);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	assert_int_equal(viv_write_file(file, "1 x y z", 7, 0600, NULL), 0);
	v = join(s, "new", &v_fd);
	assert_int_equal(viv_vlan_number(v), 1);
	assert_members(v, "1 new,");
	viv_vlan_leave(v);
	assert_false(viv_exists(file));
	assert_false(viv_exists(a.sun_path));
	close(v_fd);
}

/* A member that is just leaving: it has its socket still, but no file. */
static void leaving_is_no_obstacle(void **state)
{
	struct segment *s = *state;
	VIV_FREE char *file = viv_asprintf("%s/.vlans/7/1.member", s->runtime);
	struct viv_vlan_spec spec = spec_of(s, "c");
	int a_fd, b_fd;
	struct viv_vlan *a = join(s, "a", &a_fd), *b, *c;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(unlink(file), 0);
	b = join(s, "b", &b_fd);
	assert_int_equal(viv_vlan_number(b), 2);
	assert_members(b, "2 b,");
	spec.number = 1;
	assert_int_equal(viv_vlan_join(s->loop, &spec, &b_fd, &c, &err), -EADDRINUSE);
	leave(a, a_fd);
	leave(b, b_fd);
}

static void taken_twice(void **state)
{
	struct segment *s = *state;
	struct viv_vlan_spec spec = spec_of(s, "b");
	struct viv_vlan *v = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	int a_fd, fd;
	struct viv_vlan *a = join(s, "a", &a_fd);

	spec.mac = "52:54:00:13:07:01";
	assert_int_equal(viv_vlan_join(s->loop, &spec, &fd, &v, &err), -EADDRINUSE);
	assert_string_equal(err.msg, "vlan 7: the MAC address 52:54:00:13:07:01 is a's already");
	viv_error_clear(&err);
	spec.mac = "";
	spec.number = 1;
	assert_int_equal(viv_vlan_join(s->loop, &spec, &fd, &v, &err), -EADDRINUSE);
	assert_string_equal(err.msg, "vlan 7: a has the number 1 already");
	spec.number = 200;
	assert_int_equal(viv_vlan_join(s->loop, &spec, &fd, &v, NULL), 0);
	assert_int_equal(viv_vlan_number(v), 200);
	viv_vlan_leave(v);
	viv_vlan_leave(a);
	close(fd);
	close(a_fd);
}

/* Something else than a member connects: it is heard of no more. */
static void strangers_are_dropped(void **state)
{
	static const char *const words[] = {"hello", "1 52:54:00:13:07:09 twin",
					    "2 52:54:00:13:07:09 twin", "0 52:54:00:13:07:09 x",
					    "9 52:54:00:13:07:09 ../x", "9 52:54 x", "999 52:54:00:13:07:09 x"};
	struct segment *s = *state;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int a_fd, b_fd;
	struct viv_vlan *v = join(s, "a", &a_fd), *b;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/.vlans/7/1", s->runtime);
	b = join(s, "b", &b_fd);
	until_changes(s, 1);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(words); i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		struct viv_source *source;
		char byte;

		assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
		assert_true(send(fd, words[i], strlen(words[i]), 0) > 0);
		assert_int_equal(viv_loop_add_io(s->loop, fd, EPOLLIN, on_frame, s->loop, &source,
						 NULL),
				 0);
		run(s);
		viv_source_remove(source);
		assert_true(recv(fd, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
		close(fd);
	}
	assert_members(v, "1 a,2 b,");
	viv_vlan_leave(v);
	viv_vlan_leave(b);
	close(a_fd);
	close(b_fd);
}

/* One that stands still and takes nobody is not joined around. */
static void full_members_are_said(void **state)
{
	struct segment *s = *state;
	struct viv_vlan_spec spec = spec_of(s, "c");
	struct viv_vlan *v = NULL;
	VIV_FREE char *folder = viv_asprintf("%s/.vlans/%u", spec.runtime, spec.vlan);
	VIV_ERROR err = VIV_ERROR_INIT;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	VIV_FD listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	VIV_FD first = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fd;

	assert_int_equal(viv_mkdir_p(folder, 0700, NULL), 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/1", folder);
	assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(connect(first, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(viv_vlan_join(s->loop, &spec, &fd, &v, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, "its machine 1 takes no others"));
	viv_error_clear(&err);
	unlink(a.sun_path);
}

static void the_table_forgets(void **state)
{
	struct viv_switch *t = viv_new(struct viv_switch);
	uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint8_t answer[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

	assert_int_equal(viv_switch_port(t, answer, sizeof(answer)), VIV_SWITCH_ALL);
	viv_switch_learn(t, frame, sizeof(frame), 5);
	assert_int_equal(viv_switch_port(t, answer, sizeof(answer)), 5);
	viv_switch_learn(t, frame, sizeof(frame), 6); /* it has moved */
	assert_int_equal(viv_switch_port(t, answer, sizeof(answer)), 6);
	viv_switch_forget(t, 6);
	assert_int_equal(viv_switch_port(t, answer, sizeof(answer)), VIV_SWITCH_ALL);
	assert_int_equal(viv_switch_port(t, answer, 13), VIV_SWITCH_NONE);
	frame[6] = 1; /* a group sends nothing */
	answer[0] = 1;
	viv_switch_learn(t, frame, sizeof(frame), 5);
	assert_int_equal(viv_switch_port(t, answer, sizeof(answer)), VIV_SWITCH_ALL);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(members_know_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(own_addresses_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(frames_find_their_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_queues_lose_frames, set_up, tear_down),
		cmocka_unit_test_setup_teardown(leftovers_are_taken_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(leaving_is_no_obstacle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(taken_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strangers_are_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_members_are_said, set_up, tear_down),
		cmocka_unit_test(the_table_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
