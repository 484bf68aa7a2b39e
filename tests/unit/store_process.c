/* SPDX-License-Identifier: MIT */

/* Several processes and one store: waiting, killing, collecting, a full disk. */

#include "store.h"

#include "base/loop.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const struct viv_store_gc everything = {.max_size = UINT64_MAX};

/* A child that ends with fn's result; 0 is good. It opens the store itself. */
typedef int (*child_fn)(const char *root, int to_parent, int from_parent, unsigned seed);

struct child {
	pid_t pid;
	int from, to;
};

static struct child start(const struct place *p, child_fn fn, unsigned seed)
{
	int up[2], down[2];
	struct child c;

	ok(viv_pipe(up, err));
	ok(viv_pipe(down, err));
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(up[0]);
		close(down[1]);
		_exit(fn(p->root, up[1], down[0], seed));
	}
	close(up[1]);
	close(down[0]);
	c.from = up[0];
	c.to = down[1];
	return c;
}

static void hear(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 1);
}

static int finish(struct child *c)
{
	int status = -1;

	close(c->to);
	close(c->from);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return status;
}

static void kill_child(struct child *c)
{
	int status;

	kill(c->pid, SIGKILL);
	status = finish(c);
	assert_true(WIFSIGNALED(status)); /* else it had found something wrong */
}

/* In a child: 0, 1 or what went wrong. */
static int make(struct viv_store *s, const char *text, const char *ref)
{
	VIV_JSON *recipe = recipe_of(text);
	VIV_FREE char *id = id_of(text);
	VIV_STRV refs = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_store_build *b = NULL;
	int r = viv_store_begin(s, id, NULL, &b, &err);

	if (ref)
		viv_strv_push(&refs, ref);
	if (r == 0 &&
	    (r = viv_write_file(viv_store_build_path(b), text, strlen(text), 0600, &err)) == 0)
		r = viv_store_commit(b, recipe, &refs, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.msg);
	return r;
}

static int build_when_told(const char *root, int to_parent, int from_parent, unsigned seed)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *s = NULL;
	VIV_CLEANUP(viv_store_abortp) struct viv_store_build *b = NULL;
	VIV_FREE char *id = id_of("shared");
	VIV_JSON *recipe = recipe_of("shared");
	char c;

	if (viv_store_open(root, &s, NULL) < 0 || viv_store_begin(s, id, NULL, &b, NULL) != 0)
		return 1;
	if (viv_write_file(viv_store_build_path(b), "shared", 6, 0600, NULL) < 0)
		return 2;
	if (write(to_parent, "x", 1) != 1 || read(from_parent, &c, 1) != 1)
		return 3;
	return viv_store_commit(viv_steal(b), recipe, NULL, NULL) < 0 ? 4 : 0;
}

struct listener {
	struct viv_report report;
	int to_builder;
	char *heard;
};

/* The report comes while the wait is on: only then the builder may go on. */
static void listen_in(struct viv_report *r, enum viv_level level, const char *text)
{
	struct listener *l = (struct listener *)r;

	l->heard = viv_strdup(text);
	assert_int_equal(write(l->to_builder, "x", 1), 1);
}

static void one_builds_the_other_waits(void **state)
{
	struct place *p = *state;
	struct child c = start(p, build_when_told, 0);
	struct listener l = {.report = {.message = listen_in}, .to_builder = c.to};
	VIV_FREE char *id = id_of("shared");
	struct viv_store_build *b = NULL;

	hear(c.from);
	assert_false(viv_store_has(p->s, id));
	assert_int_equal(viv_store_begin(p->s, id, &l.report, &b, NULL), 1);
	assert_non_null(l.heard);
	assert_string_equal(l.heard, "waiting for another process: it makes thing");
	assert_true(viv_store_has(p->s, id));
	assert_int_equal(finish(&c), 0);
	free(l.heard);
}

static void a_killed_builder_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct child c = start(p, build_when_told, 0);
	VIV_FREE char *id = id_of("shared");
	struct viv_store_gc_result g = {0};

	hear(c.from);
	ok(viv_store_gc(p->s, &everything, NULL, &g, err)); /* the builder is alive */
	assert_int_equal(count_in(p, "tmp"), 1);
	assert_int_equal(count_in(p, "pins"), 1);
	kill_child(&c);
	assert_false(viv_store_has(p->s, id));
	assert_int_equal(count_in(p, "tmp"), 1);
	free(put(p->s, "shared", NULL)); /* no wait; and the leavings are cleared */
	assert_int_equal(count_in(p, "tmp"), 1);
	reopen(p);
	assert_int_equal(count_in(p, "tmp"), 0);
	assert_int_equal(count_in(p, "pins"), 0);
}

static int collect_once(const char *root, int to_parent, int from_parent, unsigned seed)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *s = NULL;
	struct viv_store_gc_result g = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_store_open(root, &s, &err) < 0 ||
	    viv_store_gc(s, &everything, NULL, &g, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	return 0;
}

static void two_collections(void **state)
{
	struct place *p = *state;
	VIV_FREE char *link = viv_path_join(p->dir, "result"), *kept = NULL;
	struct child a, b;

	for (int i = 0; i < 200; i++) {
		VIV_FREE char *text = viv_asprintf("object %d", i);

		free(put(p->s, text, NULL));
	}
	kept = put(p->s, "kept", NULL);
	ok(viv_store_add_root(p->s, link, kept, err));
	reopen(p);
	a = start(p, collect_once, 0);
	b = start(p, collect_once, 0);
	assert_int_equal(finish(&a), 0);
	assert_int_equal(finish(&b), 0);
	assert_int_equal(count_in(p, "objects"), 1);
	assert_int_equal(count_in(p, "info"), 1);
	assert_int_equal(count_in(p, "tmp"), 0);
	assert_true(viv_store_has_closure(p->s, kept));
}

enum { GROUP = 5 };

/* In a child: begins and commits several objects at once, each on top of the one before. */
static int make_group(struct viv_store *s, unsigned n)
{
	struct viv_store_build *builds[GROUP];
	struct viv_store_commit items[GROUP];
	VIV_STRV ids = VIV_STRV_INIT;
	struct viv_strv refs[GROUP] = {0};
	json_t *recipes[GROUP];
	size_t left = 0;
	int r;

	for (unsigned i = 0; i < GROUP; i++) {
		VIV_FREE char *text = viv_asprintf("group %u %u", n, i);

		recipes[i] = recipe_of(text);
		viv_strv_take(&ids, id_of(text));
		if (i)
			viv_strv_push(&refs[i], ids.items[i - 1]);
	}
	r = viv_store_begin_many(s, (const char *const *)ids.items, GROUP, NULL, builds, NULL);
	for (unsigned i = 0; r == 0 && i < GROUP; i++) {
		if (!builds[i])
			continue;
		r = viv_write_file(viv_store_build_path(builds[i]), "group", 5, 0600, NULL);
		items[left++] = (struct viv_store_commit){builds[i], recipes[i], &refs[i], NULL};
	}
	if (r == 0)
		r = viv_store_commit_many(s, items, left, NULL);
	for (unsigned i = 0; i < GROUP; i++) {
		json_decref(recipes[i]);
		viv_strv_free(&refs[i]);
	}
	return r == 0 && !viv_store_has_closure(s, ids.items[GROUP - 1]) ? -ENOENT : r;
}

/* Makes objects, some on top of others, and checks that what it has begun stays. Until killed. */
static int build_for_ever(const char *root, int to_parent, int from_parent, unsigned seed)
{
	for (;;) {
		VIV_CLEANUP(viv_store_closep) struct viv_store *s = NULL;
		VIV_FREE char *below = NULL;

		if (viv_store_open(root, &s, NULL) < 0)
			return 1;
		if (make_group(s, (unsigned)rand_r(&seed) % 8) < 0)
			return 5;
		for (int i = 0; i < 4; i++) {
			VIV_FREE char *text = viv_asprintf("random %d", rand_r(&seed) % 40 * 4 + i);
			VIV_FREE char *ref = viv_steal(below);

			below = id_of(text);
			/* What it refers to depends on nothing but its recipe. */
			if (i % 2 == 0)
				free(viv_steal(ref));
			if (make(s, text, ref) < 0)
				return 2;
			if (!viv_store_has_closure(s, below))
				return 3;
		}
	}
}

static int collect_for_ever(const char *root, int to_parent, int from_parent, unsigned seed)
{
	for (int r = 0; r == 0;)
		r = collect_once(root, to_parent, from_parent, seed);
	return 4;
}

static void check_whole(struct place *p)
{
	struct viv_store_problems found = {0};
	struct viv_store_gc_result g = {0};

	ok(viv_store_verify(p->s, NULL, false, NULL, &found, err));
	for (size_t i = 0; i < found.n; i++)
		print_error("%s: %s\n", found.items[i].id, found.items[i].what);
	assert_int_equal(found.n, 0);
	viv_store_problems_free(&found);
	ok(viv_store_gc(p->s, &everything, NULL, &g, err));
	viv_store_gc_result_free(&g);
	assert_int_equal(count_in(p, "objects"), 0);
	assert_int_equal(count_in(p, "info"), 0);
	assert_int_equal(count_in(p, "tmp"), 0);
	assert_int_equal(count_in(p, "pins"), 0);
}

/* Waits for `ms` while all children must live. */
static void let_run(const struct child *children, size_t n, int ms)
{
	sigset_t chld;
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	assert_int_equal(sigtimedwait(&chld, NULL, &t), -1);
	assert_int_equal(errno, EAGAIN);
}

static void builds_beside_collections(void **state)
{
	struct place *p = *state;
	struct child c[4];
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	for (unsigned i = 0; i < 4; i++)
		c[i] = start(p, i < 2 ? build_for_ever : collect_for_ever, i);
	let_run(c, 4, 3000);
	for (int i = 0; i < 4; i++)
		kill_child(&c[i]);
	sigtimedwait(&chld, NULL, &(struct timespec){0});
	sigprocmask(SIG_UNBLOCK, &chld, NULL);
	check_whole(p);
}

/* Whenever a process ends, nothing half-made is to be seen. */
static void kills_at_any_point(void **state)
{
	struct place *p = *state;
	int64_t end = viv_now_ms() + 5000;
	unsigned seed = 1;
	int rounds = 0;

	for (; viv_now_ms() < end; rounds++) {
		struct child c[3];

		for (unsigned i = 0; i < 3; i++)
			c[i] = start(p, i < 2 ? build_for_ever : collect_for_ever, rand_r(&seed));
		poll(NULL, 0, rand_r(&seed) % 30);
		for (int i = 0; i < 3; i++)
			kill_child(&c[i]);
		check_whole(p);
	}
	print_message("%d rounds\n", rounds);
}

static bool write_proc(const char *path, const char *text)
{
	VIV_FD fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* A mount namespace, and a user namespace where we aren't root. */
static bool enter_namespace(void)
{
	VIV_FREE char *uid = viv_asprintf("0 %u 1", (unsigned)geteuid());
	VIV_FREE char *gid = viv_asprintf("0 %u 1", (unsigned)getegid());

	if (geteuid() == 0)
		return unshare(CLONE_NEWNS) == 0;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_proc("/proc/self/setgroups", "deny") &&
	       write_proc("/proc/self/uid_map", uid) && write_proc("/proc/self/gid_map", gid);
}

/* A small disk of its own. */
static bool mount_small(const char *dir)
{
	return enter_namespace() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", dir, "tmpfs", 0, "size=2m,nr_inodes=200") == 0;
}

enum { NO_NAMESPACE = 77 };

static int fill_disk(const char *root, int to_parent, int from_parent, unsigned seed)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *s = NULL;
	VIV_FREE char *dir = viv_path_dir(root), *big = viv_malloc(3 << 20), *id = id_of("big");
	struct viv_store_build *b = NULL;
	struct viv_store_gc_result g = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	int n = 0, r = 0;

	if (!mount_small(dir))
		return NO_NAMESPACE;
	if (viv_store_open(root, &s, NULL) < 0 || viv_store_begin(s, id, NULL, &b, NULL) != 0)
		return 1;
	memset(big, 'x', 3 << 20);
	if (viv_write_file(viv_store_build_path(b), big, 3 << 20, 0600, NULL) != -ENOSPC)
		return 2;
	viv_store_abort(b);
	for (; r == 0 && n < 1000; n++) { /* until there is no room for a file more */
		VIV_FREE char *text = viv_asprintf("small %d", n);
		VIV_JSON *recipe = recipe_of(text);

		free(id);
		id = id_of(text);
		r = viv_store_begin(s, id, NULL, &b, &err);
		if (r == 0) {
			r = viv_mkdir_p(viv_store_build_path(b), 0755, &err);
			if (r < 0)
				viv_store_abort(b);
			else
				r = viv_store_commit(b, recipe, NULL, &err);
		}
	}
	if (r != -ENOSPC || viv_store_has(s, id))
		return 3;
	viv_store_close(viv_steal(s));
	if (viv_store_open(root, &s, NULL) < 0 || viv_store_gc(s, &everything, NULL, &g, NULL) < 0)
		return 4;
	return (int)g.removed.count == n - 1 && make(s, "again", NULL) == 0 ? 0 : 5;
}

static int only_read(const char *root, int to_parent, int from_parent, unsigned seed)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *s = NULL;
	VIV_CLEANUP(viv_store_unpinp) struct viv_store_pin *pin = NULL;
	VIV_FREE char *dir = viv_path_dir(root), *id = id_of("there"), *other = id_of("other");
	struct viv_store_build *b = NULL;
	struct viv_store_problems found = {0};
	struct viv_store_gc_result g = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (!mount_small(dir))
		return NO_NAMESPACE;
	if (viv_store_open(root, &s, NULL) < 0 || make(s, "there", NULL) < 0)
		return 1;
	viv_store_close(viv_steal(s));
	if (mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return NO_NAMESPACE;
	if (viv_store_open(root, &s, NULL) < 0 || !viv_store_has_closure(s, id))
		return 2;
	if (viv_store_begin(s, id, NULL, &b, NULL) != 1 ||
	    viv_store_begin(s, other, NULL, &b, &err) != -EROFS ||
	    !strstr(err.msg, "can only be read"))
		return 3;
	if (viv_store_gc(s, &everything, NULL, &g, NULL) != -EROFS ||
	    viv_store_verify(s, NULL, true, NULL, &found, NULL) != -EROFS ||
	    viv_store_verify(s, NULL, false, NULL, &found, NULL) != 0 || found.n)
		return 4;
	return viv_store_pin(s, NULL, &pin, NULL);
}

static void in_namespace(struct place *p, child_fn fn)
{
	struct child c = start(p, fn, 0);
	int status = finish(&c);

	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE) {
		print_message("no mount namespace to be had: skipped\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void full_disk(void **state)
{
	in_namespace(*state, fill_disk);
}

static void read_only(void **state)
{
	in_namespace(*state, only_read);
}

#define with_store(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_store(one_builds_the_other_waits),
		with_store(a_killed_builder_leaves_nothing),
		with_store(two_collections),
		with_store(builds_beside_collections),
		with_store(kills_at_any_point),
		with_store(full_disk),
		with_store(read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
