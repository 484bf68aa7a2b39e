/* SPDX-License-Identifier: MIT */
/* Watches, from the host's client to the agent's children: what needs nothing of a guest. */
#include "agent_fixture.h"

#include "base/path.h"
#include "proto/proto.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

struct answer {
	struct fixture *f;
	struct viv_watch *watch;
	bool done;
	int code;
	char *text;
};

static void on_answer(struct viv_agent *a, int code, const char *text, void *arg)
{
	struct answer *answer = arg;

	assert_false(answer->done);
	answer->done = true;
	answer->code = code;
	answer->text = viv_strdup(text);
	viv_loop_quit(answer->f->loop, 0);
}

static int begin(struct fixture *f, struct answer *answer, const char *kind, const char *a, const char *b, const char *c)
{
	const char *words[] = {a, b, c, NULL};
	struct viv_watch_spec spec = {kind, words};

	*answer = (struct answer){.f = f};
	return viv_agent_watch(f->agent, &spec, on_answer, answer, &answer->watch, NULL);
}

static void finish(struct answer *answer, int code, const char *text)
{
	run_until(answer->f, &answer->done);
	assert_string_equal(answer->text, text);
	assert_int_equal(answer->code, code);
	free(answer->text);
}

static void check(struct fixture *f, int code, const char *text, const char *kind, const char *a, const char *b, const char *c)
{
	struct answer answer;

	assert_int_equal(begin(f, &answer, kind, a, b, c), 0);
	finish(&answer, code, text);
}

/* What was asked for before is under way: the agent has begun it, in the order in which it was asked. */
static void settle(struct fixture *f)
{
	check(f, 0, "", "file", "/", NULL, NULL);
}

struct folder {
	char name[32];
	char file[64], deep[96];
};

static struct folder make_folder(void)
{
	struct folder d = {.name = "/tmp/viv-watch-XXXXXX"};

	assert_non_null(mkdtemp(d.name));
	snprintf(d.file, sizeof(d.file), "%s/file", d.name);
	snprintf(d.deep, sizeof(d.deep), "%s/a/b/c", d.name);
	return d;
}

static void make(const char *path)
{
	VIV_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
}

static char *in(const struct folder *d, const char *name)
{
	return viv_asprintf("%s/%s", d->name, name);
}

static void files(void **state)
{
	struct fixture *f = *state;
	struct folder d = make_folder();
	struct answer there, gone;

	assert_int_equal(begin(f, &there, "file", d.file, NULL, NULL), 0);
	settle(f);
	assert_false(there.done);
	make(d.file);
	finish(&there, 0, "");
	check(f, 0, "", "file", d.file, NULL, NULL);
	assert_int_equal(begin(f, &gone, "no-file", d.file, NULL, NULL), 0);
	settle(f);
	assert_false(gone.done);
	unlink(d.file);
	finish(&gone, 0, "");
	check(f, 0, "", "no-file", d.file, NULL, NULL);
	rmdir(d.name);
}

/* Folders come one after the other, by mkdir and by rename; a link's target comes later than the link. */
static void files_below_what_comes(void **state)
{
	struct fixture *f = *state;
	struct folder d = make_folder();
	VIV_FREE char *a = in(&d, "a"), *x = in(&d, "x"), *xb = in(&d, "x/b"), *c = in(&d, "x/b/c");
	VIV_FREE char *link = in(&d, "link"), *via = in(&d, "./link/../b//c");
	struct answer deep, linked;

	assert_int_equal(begin(f, &deep, "file", d.deep, NULL, NULL), 0);
	assert_int_equal(begin(f, &linked, "file", via, NULL, NULL), 0);
	settle(f);
	assert_int_equal(mkdir(a, 0755), 0);
	settle(f);
	assert_int_equal(rmdir(a), 0);
	assert_int_equal(symlink("x/b/.", link), 0);
	assert_int_equal(mkdir(x, 0755), 0);
	settle(f);
	assert_int_equal(mkdir(xb, 0755), 0);
	settle(f);
	assert_false(deep.done || linked.done);
	make(c);
	finish(&linked, 0, "");
	assert_false(deep.done);
	assert_int_equal(rename(x, a), 0);
	finish(&deep, 0, "");
	assert_int_equal(viv_remove_tree(d.name, NULL), 0);
}

static int listen_at(int family, const char *ip, bool udp, bool only_v6, char ret_port[8])
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	void *addr = family == AF_INET ? (void *)&v4 : (void *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0), on = only_v6;

	inet_pton(family, ip, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
	if (fd >= 0 && family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (fd < 0 || bind(fd, addr, len) < 0)
		return viv_close(fd);
	assert_int_equal(getsockname(fd, addr, &len), 0);
	snprintf(ret_port, 8, "%d", ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port));
	return fd;
}

/* Bound, not listening; then listening; then closed. */
static void port_comes_and_goes(struct fixture *f, int family, const char *ip, bool udp, const char *at)
{
	const char *kind = udp ? "udp" : "tcp";
	struct answer open, closed;
	char port[8];
	int fd = listen_at(family, ip, udp, false, port);

	if (fd < 0) {
		print_message("no %s here\n", ip);
		return;
	}
	assert_int_equal(begin(f, &open, "port", kind, port, at), 0);
	if (!udp) {
		settle(f);
		assert_false(open.done);
		assert_int_equal(listen(fd, 5), 0);
	}
	finish(&open, 0, "");
	assert_int_equal(begin(f, &closed, "no-port", kind, port, at), 0);
	settle(f);
	assert_false(closed.done);
	close(fd);
	finish(&closed, 0, "");
}

static void ports(void **state)
{
	port_comes_and_goes(*state, AF_INET, "127.0.0.1", false, NULL);
	port_comes_and_goes(*state, AF_INET, "0.0.0.0", false, "127.0.0.1");
	port_comes_and_goes(*state, AF_INET, "127.0.0.1", true, "localhost");
	port_comes_and_goes(*state, AF_INET6, "::1", false, NULL);
	port_comes_and_goes(*state, AF_INET6, "::", false, "127.0.0.1");
	port_comes_and_goes(*state, AF_INET6, "::ffff:127.0.0.1", false, "127.0.0.1");
	port_comes_and_goes(*state, AF_INET6, "::", true, NULL);
}

/* What listens elsewhere is not open here. */
static void ports_elsewhere(void **state)
{
	struct fixture *f = *state;
	char port[8];
	VIV_FD fd = listen_at(AF_INET, "127.0.0.2", false, false, port), v6 = -1;

	assert_int_equal(listen(fd, 1), 0);
	check(f, 0, "", "no-port", "tcp", port, NULL);
	check(f, 0, "", "no-port", "udp", port, "127.0.0.2");
	check(f, 0, "", "port", "tcp", port, "127.0.0.2");
	v6 = listen_at(AF_INET6, "::", false, true, port);
	if (v6 < 0)
		return;
	assert_int_equal(listen(v6, 1), 0);
	check(f, 0, "", "no-port", "tcp", port, "127.0.0.1");
	check(f, 0, "", "port", "tcp", port, "::1");
}

static void unix_socket(struct fixture *f, int type, const char *word)
{
	struct folder d = make_folder();
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	VIV_FREE char *link = in(&d, "link"), *via = in(&d, "link/file");
	VIV_FD fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct answer direct, linked;

	assert_int_equal(symlink(".", link), 0);
	memcpy(addr.sun_path, d.file, sizeof(d.file));
	assert_int_equal(begin(f, &direct, "unix", d.file, word, NULL), 0);
	assert_int_equal(begin(f, &linked, "unix", via, word, NULL), 0);
	settle(f);
	make(d.file);
	settle(f);
	unlink(d.file);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	if (type == SOCK_STREAM) {
		settle(f);
		assert_false(direct.done || linked.done);
		assert_int_equal(listen(fd, 1), 0);
	}
	finish(&direct, 0, "");
	finish(&linked, 0, "");
	assert_int_equal(viv_remove_tree(d.name, NULL), 0);
}

static void unix_sockets(void **state)
{
	unix_socket(*state, SOCK_STREAM, NULL);
	unix_socket(*state, SOCK_DGRAM, "dgram");
}

static void what_makes_no_sense(void **state)
{
	struct fixture *f = *state;
	VIV_FREE char *long_word = viv_malloc(9000);
	const char *words[] = {"a", "b", "c", "d", "e", NULL}, *empty[] = {"", NULL};
	struct viv_watch_spec spec = {"file", words};
	struct answer a;

	check(f, -EINVAL, "file: 2 words", "file", "/", "x", NULL);
	check(f, -EINVAL, "port: 1 words", "port", "tcp", NULL, NULL);
	check(f, -EINVAL, "x: not an absolute path", "file", "x", NULL, NULL);
	check(f, -EINVAL, "sctp: neither tcp nor udp", "port", "sctp", "1", NULL);
	check(f, -EINVAL, "65536: not a port", "port", "tcp", "65536", NULL);
	check(f, -EINVAL, "1x: not a port", "port", "tcp", "1x", NULL);
	check(f, -EINVAL, "raw: neither stream nor dgram", "unix", "/x", "raw", NULL);
	check(f, -EINVAL, "a/b: not a unit", "unit", "a/b", "active", NULL);
	check(f, -EINVAL, "1/../x: not a virtual terminal", "tty", "1/../x", NULL, NULL);
	check(f, -EINVAL, "xyz: not a mark", "tty", "1", "xyz", NULL);
	check(f, -EOPNOTSUPP, "this guest has no init system with units", "unit", "a", "active", NULL);
	check(f, -EOPNOTSUPP, "moon: this guest's agent does not know how to wait for that", "moon", "full", NULL, NULL);
	assert_int_equal(viv_agent_watch(f->agent, &spec, on_answer, NULL, NULL, NULL), -EINVAL);
	spec.words = empty;
	assert_int_equal(viv_agent_watch(f->agent, &spec, on_answer, NULL, NULL, NULL), -EINVAL);
	memset(long_word, 'x', 8999);
	long_word[8999] = '\0';
	assert_int_equal(begin(f, &a, "file", long_word, NULL, NULL), -EINVAL);
	long_word[0] = '/';
	long_word[6000] = '\0';
	check(f, -ENAMETOOLONG, "", "file", long_word, NULL, NULL);
	long_word[300] = '\0';
	check(f, -ENAMETOOLONG, "", "file", long_word, NULL, NULL);
}

static void too_many(void **state)
{
	struct fixture *f = *state;
	struct answer answers[VIV_PROTO_MAX_WATCHES];

	for (size_t i = 0; i < VIV_ARRAY_SIZE(answers); i++)
		assert_int_equal(begin(f, &answers[i], "file", "/no/such/file", NULL, NULL), 0);
	check(f, -EAGAIN, "the guest waits for 64 things already", "file", "/", NULL, NULL);
	viv_agent_unwatch(answers[7].watch);
	/* That its child is gone is heard of later than this is asked: the next command comes after it. */
	for (int code = -EAGAIN; code == -EAGAIN;) {
		struct answer a;

		check_shell(f, "true", NULL, 0, "", "");
		assert_int_equal(begin(f, &a, "file", "/", NULL, NULL), 0);
		run_until(f, &a.done);
		code = a.code;
		free(a.text);
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(answers); i++) {
		assert_false(answers[i].done);
		if (i != 7)
			viv_agent_unwatch(answers[i].watch);
	}
	settle(f);
}

static void cancelled(void **state)
{
	struct fixture *f = *state;
	struct folder d = make_folder();
	struct answer first, second;

	viv_agent_unwatch(NULL);
	assert_int_equal(begin(f, &first, "file", d.file, NULL, NULL), 0);
	assert_int_equal(begin(f, &second, "file", d.file, NULL, NULL), 0);
	viv_agent_unwatch(first.watch);
	make(d.file);
	finish(&second, 0, "");
	settle(f);
	assert_false(first.done);
	unlink(d.file);
	rmdir(d.name);
}

/* The process that waits for what never comes. */
static pid_t begin_for_ever(struct fixture *f, struct answer *a)
{
	VIV_FREE char *path = viv_asprintf("/proc/%d/task/%d/children", f->pid, f->pid);
	VIV_STR children = VIV_STR_INIT;
	pid_t pid;

	assert_int_equal(begin(f, a, "file", "/no/such/file", NULL, NULL), 0);
	settle(f);
	assert_int_equal(viv_read_file(path, 4096, &children, NULL), 0);
	pid = (pid_t)strtol(children.data ? children.data : "", NULL, 10);
	assert_int_not_equal(pid, 0);
	return pid;
}

static void guest_gone(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	pid_t pid = begin_for_ever(f, &a);

	kill(f->pid, SIGKILL);
	finish(&a, -ENOTCONN, "");
	wait_gone(pid);
}

static void next_connection(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	pid_t pid = begin_for_ever(f, &a);

	viv_agent_free(f->agent);
	connect_client(f);
	run_until(f, &f->ready);
	wait_gone(pid);
	settle(f);
	assert_false(a.done);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(files),
		WITH(files_below_what_comes),
		WITH(ports),
		WITH(ports_elsewhere),
		WITH(unix_sockets),
		WITH(what_makes_no_sense),
		WITH(too_many),
		WITH(cancelled),
		WITH(guest_gone),
		WITH(next_connection),
	};

	return run_with_each_agent(tests, VIV_ARRAY_SIZE(tests));
}
