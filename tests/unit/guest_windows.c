/* SPDX-License-Identifier: MIT */

/* viv-agent --windows against a small X server of our own. */

#include "unit.h"

#include "base/fd.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../guest/windows.c"
#include "../../guest/x11.c"

#define ROOT	  0x100
#define NAME_ATOM 300

struct window {
	uint32_t id, parent;
	bool shown;
	const char *old_name, *name; /* NULL: it has none */
};

/* What the server does when the names have been told so often: the windows change, and an event says so. */
struct step {
	uint32_t window;
	bool shown;
	const char *name;
	uint8_t event;
	const char *told; /* after that */
};

struct server {
	int fd;
	struct window *windows;
	size_t n;
	uint16_t sequence;
	bool refuses, loud; /* events and errors between all replies */
	pthread_t thread;
};

static void send_bytes(struct server *s, const void *data, size_t len)
{
	if (!write_all(s->fd, data, len))
		pthread_exit(NULL);
}

static struct window *find(struct server *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->windows[i].id == id)
			return &s->windows[i];
	return NULL;
}

static void send_event(struct server *s, uint8_t type)
{
	uint8_t event[X11_PACKET] = {type};

	put32(event + 8, NAME_ATOM);
	send_bytes(s, event, sizeof(event));
}

static void send_reply(struct server *s, uint8_t reply[X11_PACKET], const void *rest, size_t len)
{
	static const uint8_t pad[4];

	if (s->loud) {
		uint8_t error[X11_PACKET] = {0}; /* of a request without a reply */

		put16(error + 2, (uint16_t)(s->sequence - 1));
		send_bytes(s, error, sizeof(error));
		send_event(s, 22); /* a window was moved */
	}
	put16(reply + 2, s->sequence);
	put32(reply + 4, (uint32_t)(padded(len) / 4));
	send_bytes(s, reply, X11_PACKET);
	send_bytes(s, rest, len);
	send_bytes(s, pad, padded(len) - len);
}

static void send_error(struct server *s)
{
	uint8_t error[X11_PACKET] = {0, 3};

	put16(error + 2, s->sequence);
	send_bytes(s, error, sizeof(error));
}

static void answer_name(struct server *s, const struct window *w, uint32_t property)
{
	const char *name = property == X11_WM_NAME ? w->old_name : w->name;
	uint8_t reply[X11_PACKET] = {1, name ? 8 : 0};

	put32(reply + 8, property == X11_WM_NAME ? X11_STRING : 301);
	put32(reply + 16, name ? (uint32_t)strlen(name) : 0);
	send_reply(s, reply, name, name ? strlen(name) : 0);
}

static void answer_tree(struct server *s, const struct window *w)
{
	uint8_t reply[X11_PACKET] = {1}, children[64];
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->windows[i].parent == w->id)
			put32(children + 4 * n++, s->windows[i].id);
	put16(reply + 16, (uint16_t)n);
	send_reply(s, reply, children, n * 4);
}

static void answer(struct server *s, const uint8_t *request)
{
	uint8_t reply[X11_PACKET] = {1};
	const struct window *w = find(s, get32(request + 4));

	s->sequence++;
	if (request[0] == INTERN_ATOM) {
		put32(reply + 8, NAME_ATOM);
		send_reply(s, reply, NULL, 0);
	} else if (!w) {
		send_error(s);
	} else if (request[0] == GET_ATTRIBUTES) {
		reply[26] = w->shown ? VIEWABLE : 0;
		send_reply(s, reply, "123456789012", 12);
	} else if (request[0] == GET_PROPERTY) {
		answer_name(s, w, get32(request + 8));
	} else if (request[0] == QUERY_TREE) {
		answer_tree(s, w);
	}
}

/* One screen, a vendor of five bytes, one format. */
static void answer_setup(struct server *s)
{
	uint8_t greeting[12], more[64], head[X11_HEAD] = {s->refuses ? 0 : 1, 13}, rest[32 + 8 + 8 + 40] = {0};

	if (!read_all(s->fd, greeting, sizeof(greeting)) ||
	    !read_all(s->fd, more, padded(get16(greeting + 6)) + padded(get16(greeting + 8))))
		pthread_exit(NULL);
	put16(head + 6, sizeof(rest) / 4);
	put16(rest + 16, 5);
	rest[20] = rest[21] = 1;
	put32(rest + 48, ROOT);
	if (s->refuses)
		memcpy(rest, "No, thank\033you", 13);
	send_bytes(s, head, sizeof(head));
	send_bytes(s, rest, sizeof(rest));
}

static void *serve(void *arg)
{
	struct server *s = arg;
	uint8_t request[256];

	answer_setup(s);
	while (read_all(s->fd, request, 4) && get16(request + 2) * 4u <= sizeof(request) &&
	       read_all(s->fd, request + 4, get16(request + 2) * 4u - 4))
		answer(s, request);
	return NULL;
}

/* What is told next, up to its empty line. */
static char *told(int fd)
{
	VIV_STR s = VIV_STR_INIT;
	char c, last = '\n';

	while (read_all(fd, &c, 1)) {
		if (c == '\n' && last == '\n')
			return viv_str_steal(&s);
		viv_str_add_char(&s, c);
		last = c;
	}
	fail_msg("it ended: %s", s.data ? s.data : "");
	return NULL;
}

static void expect(int fd, const char *want)
{
	VIV_FREE char *text = told(fd);

	assert_string_equal(text ? text : "", want);
}

struct watcher {
	int fd, out, status;
	pthread_t thread;
};

static void *watch(void *arg)
{
	static const uint8_t cookie[16];
	struct watcher *w = arg;

	w->status = windows_watch(w->fd, cookie, sizeof(cookie), w->out);
	return NULL;
}

static void names_and_their_changes(void **state VIV_UNUSED)
{
	struct window windows[] = {
		{ROOT, 0, true, NULL, NULL},	     {1, ROOT, true, "old", NULL},     {2, ROOT, true, NULL, NULL},
		{3, 2, true, "gr\xfc\xdf\n", NULL},  {4, 3, true, "old", "n\xc3\xa4her"}, {5, ROOT, false, "hidden", NULL},
		{6, 5, true, "in it", NULL},
	};
	static const struct step steps[] = {
		{1, true, "renamed", PROPERTY, "renamed\ngr\xc3\xbc\xc3\x9f \nn\xc3\xa4her\n"},
		{5, true, NULL, MAPPED, "renamed\ngr\xc3\xbc\xc3\x9f \nn\xc3\xa4her\nhidden\nin it\n"},
		{2, false, NULL, UNMAPPED, "renamed\nhidden\nin it\n"},
		{ROOT, true, "all", PROPERTY | 0x80, "all\nrenamed\nhidden\nin it\n"},
	};
	struct server s = {.windows = windows, .n = VIV_ARRAY_SIZE(windows), .loud = true};
	struct watcher w;
	int pair[2], out[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(out), 0);
	s.fd = pair[0];
	w = (struct watcher){.fd = pair[1], .out = out[1]};
	pthread_create(&s.thread, NULL, serve, &s);
	pthread_create(&w.thread, NULL, watch, &w);
	expect(out[0], "old\ngr\xc3\xbc\xc3\x9f \nn\xc3\xa4her\n");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(steps); i++) {
		struct window *changed = find(&s, steps[i].window);

		changed->shown = steps[i].shown;
		changed->name = steps[i].name ? steps[i].name : changed->name;
		send_event(&s, steps[i].event);
		expect(out[0], steps[i].told);
	}
	shutdown(pair[0], SHUT_RDWR);
	pthread_join(w.thread, NULL);
	pthread_join(s.thread, NULL);
	assert_int_equal(w.status, 1);
	close(pair[0]);
	close(pair[1]);
	close(out[0]);
	close(out[1]);
}

static void refused(void **state VIV_UNUSED)
{
	struct server s = {.refuses = true};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	s.fd = pair[0];
	pthread_create(&s.thread, NULL, serve, &s);
	assert_int_equal(windows_watch(pair[1], NULL, 0, -1), 2);
	shutdown(pair[0], SHUT_RDWR);
	pthread_join(s.thread, NULL);
	close(pair[0]);
	close(pair[1]);
}

static void cookies(void **state VIV_UNUSED)
{
	static const char file[] = "\1\0\0\2hi\0\0010\0\5OTHER\0\2xy"
				   "\377\377\0\0\0\0\0\022MIT-MAGIC-COOKIE-1\0\020"
				   "0123456789abcdef";
	struct x11_cookie c;

	assert_true(x11_find_cookie((const uint8_t *)file, sizeof(file) - 1, &c));
	assert_memory_equal(c.data, "0123456789abcdef", 16);
	for (size_t n = 0; n < sizeof(file) - 1; n++)
		assert_false(x11_find_cookie((const uint8_t *)file, n, &c));
}

/* Where the cookie is: files in a folder of the test's own, and a server that is another program. */

static void idle(void)
{
	if (write(STDOUT_FILENO, "", 1) == 1)
		pause();
	_exit(0);
}

/* Listens as that user, with `-auth PATH` on its command line (NULL: none). ret_to: its address. */
static pid_t start_server(uid_t uid, const char *auth, struct sockaddr_un *ret_to, socklen_t *ret_len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), ready[2];
	pid_t pid;
	char c;

	*ret_to = (struct sockaddr_un){.sun_family = AF_UNIX};
	*ret_len = sizeof(*ret_to);
	assert_int_equal(bind(fd, (struct sockaddr *)ret_to, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret_to, ret_len), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (dup2(ready[1], STDOUT_FILENO) < 0 || setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
		    setresuid(uid, uid, uid) < 0 || listen(fd, 5) < 0)
			_exit(3);
		execl("/proc/self/exe", "X", "--idle", auth ? "-auth" : "-no", auth ? auth : "-auth", NULL);
		_exit(4);
	}
	close(fd);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

/* How long the cookie is that this server gets; it takes one of our processes to find out, which gives its rights up. */
static void check_cookie(uid_t uid, const char *auth, int len)
{
	struct sockaddr_un to;
	socklen_t to_len;
	pid_t server = start_server(uid, auth, &to, &to_len), pid = fork();
	int status;

	if (pid == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		struct x11_cookie cookie;

		alarm(60);
		if (connect(fd, (struct sockaddr *)&to, to_len) < 0 || !find_cookie(fd, &cookie) || geteuid() != uid)
			_exit(99);
		_exit((int)cookie.len);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), len);
}

#define USER 1234

static char *put_cookie(const char *folder, const char *name, uid_t owner)
{
	static const char file[] = "\377\377\0\0\0\0\0\022MIT-MAGIC-COOKIE-1\0\0200123456789abcdef";
	char *path = viv_path_join(folder, name);

	assert_int_equal(viv_write_file(path, file, sizeof(file) - 1, 0600, NULL), 0);
	assert_int_equal(chown(path, owner, owner), 0);
	return path;
}

/* Only what who listens may read himself; no device, no pipe. */
static void whose_cookies(void **state VIV_UNUSED)
{
	char folder[] = "/tmp/unit-windows.XXXXXX";
	VIV_FREE char *roots = NULL, *users = NULL, *pipe = NULL;

	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	roots = put_cookie(folder, ".Xauthority", 0);
	users = put_cookie(folder, "user's", USER);
	pipe = viv_path_join(folder, "pipe");
	assert_int_equal(mkfifo(pipe, 0666), 0);
	setenv("HOME", folder, 1);
	unsetenv("XAUTHORITY");
	check_cookie(0, roots, 16);
	check_cookie(0, users, 16);
	check_cookie(0, NULL, 16);
	check_cookie(0, pipe, 0);
	check_cookie(0, "/dev/zero", 0);
	check_cookie(USER, users, 16);
	check_cookie(USER, roots, 0);
	check_cookie(USER, NULL, 0);
	viv_remove_tree(folder, NULL);
}

/* Servers that mean no good. */

/* Windows without end. Width 0: answers that are longer than any can be. */
struct hostile {
	int fd;
	uint16_t sequence;
	unsigned width; /* as many children the root has; */
	bool deep;	/* so has each of them */
	unsigned asked; /* for how many windows' children */
	unsigned events; /* before each answer */
	pthread_t thread;
};

static void answer_badly(struct hostile *h, const uint8_t *request)
{
	struct server s = {.fd = h->fd, .sequence = ++h->sequence};
	static uint8_t children[65535 * 4];
	uint8_t reply[X11_PACKET] = {1};

	for (unsigned i = 0; i < h->events; i++)
		send_event(&s, MAPPED);
	if (request[0] == INTERN_ATOM) {
		put32(reply + 8, NAME_ATOM);
		send_reply(&s, reply, NULL, 0);
	} else if (request[0] == GET_ATTRIBUTES && !h->width) {
		put16(reply + 2, h->sequence);
		put32(reply + 4, X11_LENGTH_MAX / 4 + 1);
		send_bytes(&s, reply, X11_PACKET);
	} else if (request[0] == GET_ATTRIBUTES) {
		reply[26] = VIEWABLE;
		send_reply(&s, reply, "123456789012", 12);
	} else if (request[0] == GET_PROPERTY) {
		answer_name(&s, &(struct window){.old_name = "w"}, get32(request + 8));
	} else if (request[0] == QUERY_TREE) {
		unsigned n = h->deep || h->asked == 0 ? h->width : 0;

		h->asked++;
		put16(reply + 16, (uint16_t)n);
		send_reply(&s, reply, children, n * 4u);
	}
}

static void *serve_badly(void *arg)
{
	struct hostile *h = arg;
	uint8_t request[256];

	answer_setup(&(struct server){.fd = h->fd});
	while (read_all(h->fd, request, 4) && get16(request + 2) * 4u <= sizeof(request) &&
	       read_all(h->fd, request + 4, get16(request + 2) * 4u - 4))
		answer_badly(h, request);
	return NULL;
}

/* How many windows the first telling has; 0: there is none, and it ends. */
static unsigned count_told(struct hostile h)
{
	VIV_FREE char *text = NULL;
	struct watcher w;
	unsigned n = 0;
	int pair[2], out[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(out), 0);
	h.fd = pair[0];
	w = (struct watcher){.fd = pair[1], .out = out[1]};
	pthread_create(&h.thread, NULL, serve_badly, &h);
	pthread_create(&w.thread, NULL, watch, &w);
	text = h.width ? told(out[0]) : NULL;
	for (const char *p = text; p && *p; p++)
		n += *p == '\n';
	if (text)
		shutdown(pair[0], SHUT_RDWR);
	pthread_join(w.thread, NULL);
	shutdown(pair[0], SHUT_RDWR);
	pthread_join(h.thread, NULL);
	assert_int_equal(w.status, 1);
	assert_true(!text || h.asked >= n);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(out[i]);
	}
	return n;
}

static void hostile(void **state VIV_UNUSED)
{
	assert_int_equal(count_told((struct hostile){.width = 0}), 0);
	assert_int_equal(count_told((struct hostile){.width = 1, .deep = true}), 1 + DEPTH_MAX);
	assert_int_equal(count_told((struct hostile){.width = 2, .deep = true}), 1 + WINDOWS_MAX);
	assert_int_equal(count_told((struct hostile){.width = 65535, .events = 2}), 1 + WINDOWS_MAX);
	assert_int_equal(count_told((struct hostile){.width = 1, .deep = true, .events = 200}), 1 + DEPTH_MAX);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_their_changes),
		cmocka_unit_test(refused),
		cmocka_unit_test(cookies),
		cmocka_unit_test(whose_cookies),
		cmocka_unit_test(hostile),
	};

	if (argc > 1 && viv_streq(argv[1], "--idle"))
		idle();
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
