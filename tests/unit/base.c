/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/hold.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/process.h"
#include "base/report.h"
#include "base/str.h"
#include "base/uri.h"
#include "base/worker.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void errors_keep_the_first(void **state)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(viv_error_set(&err, ENOENT, "cannot open %s", "x"), -ENOENT);
	assert_int_equal(viv_error_say(&err, EIO, "second"), -EIO);
	assert_string_equal(err.msg, "cannot open x: No such file or directory");
	viv_error_context(&err, "vm.lua:%d", 3);
	viv_error_hint(&err, "make it");
	assert_string_equal(err.msg, "vm.lua:3: cannot open x: No such file or directory\nmake it");
	assert_int_equal(viv_error_say(NULL, EINVAL, "nobody listens"), -EINVAL);
}

static void quoting(void **state)
{
	static const struct {
		const char *word, *quoted;
	} rows[] = {
		{"plain-1.0_x/y:z", "plain-1.0_x/y:z"}, {"", "''"}, {"a b", "'a b'"},
		{"it's", "'it'\\''s'"},			{"$x", "'$x'"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_STR s = VIV_STR_INIT;

		viv_str_add_quoted(&s, rows[i].word);
		assert_string_equal(s.data, rows[i].quoted);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{"0", 10, true, 0},	{"10", 10, true, 10}, {"11", 10, false, 0},
		{"", 10, false, 0},	{"1x", 99, false, 0}, {"-1", 99, false, 0},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		uint64_t v = 0;

		assert_int_equal(viv_slice_u64(viv_slice(rows[i].text), rows[i].max, &v), rows[i].ok);
		assert_true(v == rows[i].value);
	}
}

static void paths(void **state)
{
	static const struct {
		const char *path, *clean;
		bool safe;
	} rows[] = {
		{"a/b", "a/b", true},	 {"/a//b/./c/", "/a/b/c", false}, {"a/../b", "a/../b", false},
		{".", ".", false},	 {"", ".", false},		  {"..", "..", false},
		{"a/", "a", false},	 {"...", "...", true},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *clean = viv_path_clean(rows[i].path);

		assert_string_equal(clean, rows[i].clean);
		assert_int_equal(viv_path_is_safe(rows[i].path), rows[i].safe);
	}
}

static void relative_paths(void **state)
{
	static const struct {
		const char *folder, *path, *relative;
	} rows[] = {
		{"/a", "/a/vm.lua", "vm.lua"},	 {"/a", "/a/b/vm.lua", "b/vm.lua"},
		{"/a/d", "/a/b/c", "../b/c"},	 {"/a/bc", "/a/b/vm.lua", "../b/vm.lua"},
		{"/a/b", "/a/bc/x", "../bc/x"},	 {"/", "/vm.lua", "vm.lua"},
		{"/a/b", "/vm.lua", "../../vm.lua"}, {"/a/b", "/a", ".."},
		{"/a", "/a", "."},		 {"/a/b/c", "/x/y", "../../../x/y"},
		{"/", "/", "."},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *relative = viv_path_relative(rows[i].folder, rows[i].path);

		assert_string_equal(relative, rows[i].relative);
	}
	assert_true(viv_path_is_within("/a", "/a"));
	assert_true(viv_path_is_within("/a/b", "/a"));
	assert_true(viv_path_is_within("/a", "/"));
	assert_false(viv_path_is_within("/ab", "/a"));
	assert_false(viv_path_is_within("/", "/a"));
}

static void addresses(void **state)
{
	static const struct {
		const char *uri, *plain, *user, *password, *masked;
	} rows[] = {
		{"http://deb.example.org/debian", "http://deb.example.org/debian", NULL, NULL, NULL},
		{"https://paul:s3cret@deb.example.org:8080/d", "https://deb.example.org:8080/d", "paul",
		 "s3cret", "https://…@deb.example.org:8080/d"},
		{"http://a:p%40s%2fs@[2001:db8::1]:80/d", "http://[2001:db8::1]:80/d", "a", "p@s/s",
		 "http://…@[2001:db8::1]:80/d"},
		{"http://[2001:db8::1]/debian/", "http://[2001:db8::1]/debian/", NULL, NULL, NULL},
		{"http://token@h/", "http://h/", "token", NULL, "http://…@h/"},
		{"http://a:b@c@h/~x@y", "http://h/~x@y", "a", "b@c", "http://…@y"},
		{"http://h/~x@y/", "http://h/~x@y/", NULL, NULL, "http://…@y/"},
		{"file:///srv/debian", "file:///srv/debian", NULL, NULL, NULL},
		{"file:/srv/debian", "file:/srv/debian", NULL, NULL, NULL},
		{"http://a:b/c@h/", NULL, NULL, NULL, "http://…@h/"},
		{"https://a:12/34@h/debian", NULL, NULL, NULL, "https://…@h/debian"},
		{"http://h/a:12/x@y", "http://h/a:12/x@y", NULL, NULL, "http://…@y"},
		{"http://[::1]:80/~x@y", "http://[::1]:80/~x@y", NULL, NULL, "http://…@y"},
		{"http://a:b%20c@h/", NULL, NULL, NULL, "http://…@h/"},
		{"http://a:b%00@h/", NULL, NULL, NULL, "http://…@h/"},
		{"http://[2001:db8::1/", NULL, NULL, NULL, NULL},
		{"http://[]/", NULL, NULL, NULL, NULL},
		{"http://[::1]x/", NULL, NULL, NULL, NULL},
		{"http://h:x/", NULL, NULL, NULL, NULL},
		{"http://a@/d", NULL, NULL, NULL, "http://…@/d"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *plain = NULL, *user = NULL, *password = NULL;
		VIV_FREE char *masked = viv_uri_masked(rows[i].uri);

		assert_int_equal(viv_uri_split(rows[i].uri, &plain, &user, &password),
				 rows[i].plain != NULL);
		assert_string_equal(plain ? plain : "", rows[i].plain ? rows[i].plain : "");
		assert_string_equal(user ? user : "-", rows[i].user ? rows[i].user : "-");
		assert_string_equal(password ? password : "-", rows[i].password ? rows[i].password : "-");
		assert_string_equal(masked, rows[i].masked ? rows[i].masked : rows[i].uri);
	}
}

static void near_names(void **state)
{
	static const char *const names[] = {"networking.hostName", "networking.domain", "htop"};
	static const struct {
		const char *name, *near;
	} rows[] = {
		{"networking.hostname", "networking.hostName"},
		{"htpo", "htop"},
		{"something-else", NULL},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_STRV near = VIV_STRV_INIT;

		viv_suggest(rows[i].name, names, VIV_ARRAY_SIZE(names), 3, &near);
		if (!rows[i].near) {
			assert_int_equal(near.count, 0);
			continue;
		}
		assert_int_equal(near.count, 1);
		assert_string_equal(near.items[0], rows[i].near);
	}
}

static void hashes(void **state)
{
	char hex[VIV_SHA256_HEX];

	viv_sha256_of("abc", 3, hex);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(viv_sha256_is_hex(hex));
	assert_false(viv_sha256_is_hex("abc"));
}

static void files_and_trees(void **state)
{
	char dir[] = "/tmp/viv-unit-XXXXXX";
	VIV_FREE char *deep = NULL, *file = NULL, *link = NULL;
	VIV_STR text = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_non_null(mkdtemp(dir));
	deep = viv_path_join(dir, "a/b/c");
	file = viv_path_join(dir, "a/b/c/f");
	link = viv_path_join(dir, "a/etc");
	assert_int_equal(viv_mkdir_p(deep, 0755, &err), 0);
	assert_int_equal(viv_write_file(file, "hello", 5, 0600, &err), 0);
	assert_int_equal(viv_read_file(file, 5, &text, &err), 0);
	assert_string_equal(text.data, "hello");
	assert_int_equal(viv_read_file(file, 4, &text, &err), -EFBIG);
	assert_int_equal(symlink("/etc", link), 0);
	assert_int_equal(chmod(deep, 0500), 0);
	assert_int_equal(viv_remove_tree(dir, NULL), 0);
	assert_false(viv_exists(dir));
	assert_true(viv_exists("/etc/passwd"));
	assert_int_equal(viv_remove_tree(dir, NULL), 0);
}

static void programs(void **state)
{
	static const char *const cat[] = {"cat", NULL};
	static const char *const fail[] = {"sh", "-c", "echo why >&2; exit 3", NULL};
	static const char *const hang[] = {"sh", "-c", "cat /dev/zero | cat >/dev/null", NULL};
	struct viv_slice in = VIV_SLICE("in\0side");
	VIV_STR out = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	int status;

	assert_int_equal(viv_process_run(cat, NULL, &in, &out, NULL, 100, 5000, &status, &err), 0);
	assert_int_equal(status, 0);
	assert_int_equal(out.len, 7);
	assert_int_equal(viv_process_run(cat, NULL, &in, &out, NULL, 3, 5000, &status, NULL), -EFBIG);
	assert_int_equal(viv_process_run(hang, NULL, NULL, NULL, NULL, 3, 100, &status, NULL),
			 -ETIMEDOUT);
	assert_int_equal(viv_process_check(fail, NULL, 100, 5000, &err), -EIO);
	assert_string_equal(err.msg, "sh: exit status 3\nwhy");
	viv_error_clear(&err);
	assert_int_equal(viv_process_check((const char *const[]){"no-such-program", NULL}, NULL, 1, 1,
					   &err),
			 -ENOENT);
	assert_string_equal(err.msg, "no-such-program: no such program");
}

struct seen {
	int timers, children, signals, ios;
};

static int on_timer(struct viv_source *s, void *arg)
{
	((struct seen *)arg)->timers++;
	kill(getpid(), SIGUSR1);
	return 0;
}

static int on_signal(struct viv_source *s, int signo, void *arg)
{
	((struct seen *)arg)->signals++;
	viv_loop_quit(viv_source_loop(s), 7);
	return 0;
}

static int on_child(struct viv_source *s, pid_t pid, int status, void *arg)
{
	struct seen *seen = arg;

	seen->children += WEXITSTATUS(status);
	return viv_loop_add_timer(viv_source_loop(s), 1, on_timer, seen, NULL, NULL);
}

static int on_io(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	((struct seen *)arg)->ios++;
	viv_source_remove(s);
	return 0;
}

static void event_loop(void **state)
{
	VIV_CLEANUP(viv_loop_freep) struct viv_loop *loop = NULL;
	static const char *const argv[] = {"sh", "-c", "exit 5", NULL};
	struct viv_process_spec spec = {.argv = argv, .fds = {-1, -1, -1}};
	struct seen seen = {0};
	VIV_FD file = viv_open("/proc/self/exe", O_RDONLY, 0, NULL);
	pid_t pid;

	assert_int_equal(viv_loop_new(&loop, NULL), 0);
	assert_int_equal(viv_loop_run(loop, NULL), -ENODATA);
	assert_int_equal(viv_process_spawn(&spec, &pid, NULL, NULL), 0);
	assert_int_equal(viv_loop_add_child(loop, pid, on_child, &seen, NULL, NULL), 0);
	assert_int_equal(viv_loop_add_signal(loop, SIGUSR1, on_signal, &seen, NULL, NULL), 0);
	assert_int_equal(viv_loop_add_io(loop, file, EPOLLIN, on_io, &seen, NULL, NULL), 0);
	assert_int_equal(viv_loop_run(loop, NULL), 7);
	assert_int_equal(seen.children, 5);
	assert_int_equal(seen.timers, 1);
	assert_int_equal(seen.signals, 1);
	assert_int_equal(seen.ios, 1);
}

/* What our caller left open stays ours. */
static void no_descriptor_leaks(void **state)
{
	const char *const argv[] = {"sh", "-c", "! test -e /proc/$$/fd/77", NULL};

	assert_int_equal(dup2(2, 77), 77);
	assert_int_equal(viv_process_check(argv, NULL, 100, 5000, NULL), 0);
	close(77);
}

static void text_for_terminals(void **state)
{
	static const char *const rows[][2] = {
		{"plain\n\ttext", "plain\n\ttext"},
		{"größer → 日本 🙂", "größer → 日本 🙂"},
		{"\033[31mred\033]0;title\a", "\\x1b[31mred\\x1b]0;title\\x07"},
		{"over\rwritten\b\177", "over\\x0dwritten\\x08\\x7f"},
		{"C1 \xc2\x9b"
		 "31m, bare \x9b",
		 "C1 \\xc2\\x9b31m, bare \\x9b"},
		{"\xc0\x9b \xe0\x80\x9b \xed\xa0\x80",
		 "\\xc0\\x9b \\xe0\\x80\\x9b \\xed\\xa0\\x80"},
		{"cut \xe2\x86", "cut \\xe2\\x86"},
		{"a\xe2\x80\xae" "b\xef\xbb\xbf", "a\\xe2\\x80\\xaeb\\xef\\xbb\\xbf"},
		{"\xf4\x90\x80\x80 \xf5", "\\xf4\\x90\\x80\\x80 \\xf5"},
		{"", ""},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *got = viv_report_text(rows[i][0]);

		assert_string_equal(got, rows[i][1]);
	}
}

static void lines_of_guests(void **state)
{
	static const char *const rows[][2] = {
		{"plain\ttext", "plain text"},
		{"● größer → 日本 🙂 ⚠\xef\xb8\x8f", "● größer → 日本 🙂 ⚠\xef\xb8\x8f"},
		/* Sequences */
		{"\033[1;31mred\033[0m \033(Bplain\033=\033M", "red plain"},
		{"\033]104\a\033]0;title\033\\\033P+q\033\\\033_x\033\\text", "text"},
		{"\033]0;größer\atext", "text"},
		{"a\033]0;no end", "a0;no end"},
		{"\033]0;cut\033[1mtext", "0;cuttext"},
		{"\033P no end\atext", " no end?text"},
		{"a\033", "a"},
		{"a\033[", "a"},
		{"a\033[12", "a"},
		{"a\033[1\rb", "a?b"},
		{"a\033\303\244", "aä"},
		{"a\033]", "a"},
		{"\033\033]0;x\ab", "b"},
		/* Controls: C0, DEL, C1 as bytes and as characters */
		{"a\rb\b\177", "a?b??"},
		{"\233" "31m \xc2\x9b" "31m", "?31m ?31m"},
		/* Directions, what has no look, what is nobody's, no characters */
		{"a\xe2\x80\xae" "b\xe2\x81\xa6" "c\xd8\x9c", "a?b?c?"},
		{"\xe2\x80\xa8 \xe2\x80\x8b \xc2\xad \xef\xbb\xbf \xee\x80\x80", "? ? ? ? ?"},
		{"\xef\xbf\xbe \xf3\xa0\x80\x81 \xf1\x80\x80\x80 \xf4\x8f\xbf\xbf", "? ? ? ?"},
		/* No UTF-8: overlong, surrogates, too large, cut */
		{"\xc0\x9b", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xe2\x86", "?"},
		{"\xe2\x86z\xf0\x9f\x99z\xe4", "?z?z?"},
		{"", ""},
	};
	static const char zero[] = "a\0b";

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *got = viv_slice_printable(viv_slice(rows[i][0]));

		assert_string_equal(got, rows[i][1]);
	}
	VIV_FREE char *got = viv_slice_printable((struct viv_slice){zero, 3});
	assert_string_equal(got, "a?b");
}

/* What can't be started is an error where descriptors are few, too. */
static void locks_with_a_limit(void **state)
{
	char path[] = "/tmp/viv-base-XXXXXX";
	int holder = mkostemp(path, O_CLOEXEC), other = open(path, O_RDWR | O_CLOEXEC), status;
	VIV_ERROR err = VIV_ERROR_INIT;
	pid_t child;

	assert_int_equal(viv_lock_within(holder, 0, &err), 0);
	assert_int_equal(viv_lock_within(other, 1, &err), -ETIMEDOUT);
	assert_null(err.msg);
	/* It is ours, not the child's that waited for it, when the holder lets it go meanwhile. */
	child = fork();
	if (child == 0) {
		close(holder);
		_exit(viv_lock_within(other, 10000, NULL) == 0 ? 0 : 1);
	}
	close(holder);
	assert_int_equal(viv_process_wait(child, 20000, false, &status, NULL), 0);
	assert_int_equal(status, 0);
	holder = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(viv_lock_within(holder, 1, &err), -ETIMEDOUT);
	close(holder);
	close(other);
	unlink(path);
}

/* A caller that there is no descriptor for is hung up on: it must not be announced for ever. */
static void callers_without_descriptors(void **state)
{
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	const struct sockaddr *address = (const struct sockaddr *)&any;
	socklen_t len = sizeof(any);
	struct rlimit before, none;
	struct pollfd p = {.events = POLLIN};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), spare = -1;
	int callers[3], lowest;
	char c;

	assert_int_equal(bind(listener, address, sizeof(any.sun_family)), 0); /* a name of its own */
	assert_int_equal(listen(listener, 10), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&any, &len), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(callers); i++) {
		callers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(callers[i], address, len), 0);
	}
	viv_close(viv_accept(listener, &spare));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	lowest = dup(0);
	close(lowest);
	none = (struct rlimit){(rlim_t)lowest, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(viv_accept(listener, &spare), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	p.fd = listener;
	assert_int_equal(poll(&p, 1, 0), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(callers); i++) {
		assert_int_equal(read(callers[i], &c, 1), 0);
		close(callers[i]);
	}
	close(spare);
	close(listener);
}

static void few_descriptors(void **state)
{
	const char *const argv[] = {"true", NULL};
	struct viv_process_spec spec = {.argv = argv, .cwd = "/nowhere", .fds = {-1, -1, -1}};
	struct rlimit before, few;
	pid_t pid = -1;
	int r, good;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){64, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = viv_process_spawn(&spec, &pid, NULL, NULL);
	good = viv_process_check(argv, NULL, 100, 5000, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -ENOENT);
	assert_int_equal(good, 0);
}

static void canonical_json(void **state)
{
	VIV_JSON *j = NULL;
	VIV_STR s = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	static const char sorted[] = "{\"b\": [1, 2], \"a\": \"x\"}", twice[] = "{\"a\":1,\"a\":2}";

	assert_int_equal(viv_json_parse(sorted, strlen(sorted), "x", &j, &err), 0);
	viv_json_canonical(j, &s);
	assert_string_equal(s.data, "{\"a\":\"x\",\"b\":[1,2]}");
	json_decref(viv_steal(j));
	assert_int_equal(viv_json_parse(twice, strlen(twice), "f.json", &j, &err), -EINVAL);
	assert_true(viv_starts_with(err.msg, "f.json:1: "));
	j = json_pack("[o, o, o]", viv_json_text("\u00e4"), viv_json_text("a\xff"), viv_json_text(NULL));
	viv_str_clear(&s);
	viv_json_canonical(j, &s);
	assert_string_equal(s.data, "[\"\u00e4\",\"a?\",null]");
}

static int work(void *arg, struct viv_report *report, struct viv_error *err)
{
	viv_say(report, VIV_WARNING, "half done");
	return *(int *)arg ? viv_error_say(err, *(int *)arg, "it broke") : 0;
}

static void heard(struct viv_report *r, enum viv_level level, const char *text)
{
	assert_int_equal(level, VIV_WARNING);
	assert_string_equal(text, "half done");
}

static int never_ends(void *arg, struct viv_report *report, struct viv_error *err)
{
	return pause();
}

static void workers(void **state)
{
	struct viv_report report = {.message = heard};
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_worker *w;
	int code = 0;

	assert_int_equal(viv_worker_start(work, &code, &w, &err), 0);
	assert_int_equal(viv_worker_wait(w, &report, &err), 0);
	code = ENOSPC;
	assert_int_equal(viv_worker_start(work, &code, &w, &err), 0);
	assert_int_equal(viv_worker_wait(w, &report, &err), -ENOSPC);
	assert_string_equal(err.msg, "it broke");
	assert_int_equal(viv_worker_start(never_ends, NULL, &w, NULL), 0);
	viv_worker_kill(w);
}

/* nohup viv build: what is ignored interrupts nothing. */
static void ignored_signals_are_not_held(void **state)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct viv_hold h;

	sigaction(SIGHUP, &ignore, &old);
	viv_hold_begin(&h);
	assert_true(h.fd >= 0);
	raise(SIGHUP);
	assert_int_equal(poll(&(struct pollfd){.fd = h.fd, .events = POLLIN}, 1, 0), 0);
	raise(SIGTERM);
	assert_int_equal(poll(&(struct pollfd){.fd = h.fd, .events = POLLIN}, 1, 0), 1);
	signal(SIGTERM, SIG_IGN); /* takes it away */
	viv_hold_end(&h, false);
	signal(SIGTERM, SIG_DFL);
	sigaction(SIGHUP, &old, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_keep_the_first),
		cmocka_unit_test(quoting),
		cmocka_unit_test(numbers),
		cmocka_unit_test(paths),
		cmocka_unit_test(relative_paths),
		cmocka_unit_test(addresses),
		cmocka_unit_test(near_names),
		cmocka_unit_test(hashes),
		cmocka_unit_test(files_and_trees),
		cmocka_unit_test(programs),
		cmocka_unit_test(event_loop),
		cmocka_unit_test(canonical_json),
		cmocka_unit_test(workers),
		cmocka_unit_test(ignored_signals_are_not_held),
		cmocka_unit_test(no_descriptor_leaks),
		cmocka_unit_test(locks_with_a_limit),
		cmocka_unit_test(callers_without_descriptors),
		cmocka_unit_test(few_descriptors),
		cmocka_unit_test(text_for_terminals),
		cmocka_unit_test(lines_of_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
