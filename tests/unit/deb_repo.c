/* SPDX-License-Identifier: MIT */

/* Packages from a small signed archive of our own, all the way to layers, and what goes wrong. */

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "deb/ahead.h"
#include "deb/deb.h"
#include "deb/layer.h"
#include "deb/lock.h"
#include "image/tree.h"
#include "sandbox/sandbox.h"
#include "deb_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Resolves and builds "a b c"; *ret_plan may be NULL. */
static int build(struct world *w, const char *names, struct viv_deb_plan *ret_plan,
		 struct viv_error *err)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL;
	VIV_STRV packages = VIV_STRV_INIT;
	struct viv_slice rest = viv_slice(names), word;
	struct viv_deb_plan plan = {0};
	struct viv_deb_request req;
	int r;

	while (viv_slice_word(&rest, &word))
		viv_strv_take(&packages, viv_slice_dup(word));
	req = request(w, &packages);
	r = viv_deb_resolve(&req, NULL, &lock, err);
	if (r == 0)
		r = viv_deb_plan(w->store, lock, &plan, err);
	if (r == 0)
		r = viv_deb_build(w->store, &req.source, lock, &plan, NULL, err);
	if (r == 0 && ret_plan)
		*ret_plan = plan;
	else
		viv_deb_plan_free(&plan);
	return r;
}

static void manifest_of(struct world *w, const char *id, struct viv_tree *ret)
{
	VIV_FREE char *dir = viv_store_object_path(w->store, id);
	VIV_FREE char *path = viv_path_join(dir, VIV_LAYER_MANIFEST);
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_read_file(path, 1 << 26, &text, NULL), 0);
	assert_int_equal(viv_tree_read_manifest(text.data, text.len, path, ret, NULL), 0);
}

struct heard {
	struct viv_report report;
	struct viv_str text;
};

static void hear(struct viv_report *r, enum viv_level level, const char *text)
{
	if (level >= VIV_INFO)
		viv_str_addf(&((struct heard *)r)->text, "%s\n", text);
}

static void layers(void **state)
{
	struct world *w = *state;
	struct viv_deb_plan one = {0}, two = {0}, three = {0};
	VIV_TREE t = VIV_TREE_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	const struct viv_tree_entry *e;

	NEEDS(w);
	if (build(w, "hello", &one, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(one.n_layers, 2);
	manifest_of(w, one.layers[1].id, &t);
	e = viv_tree_find(&t, "etc/hello.state");
	assert_non_null(e);
	assert_int_equal(e->uid, 201);
	assert_non_null(viv_tree_find(&t, "usr/share/hello/text"));
	assert_null(viv_tree_find(&t, "usr/bin/dpkg"));

	/* One more is a layer on top; what it removes is a whiteout, what it diverts is moved. */
	if (build(w, "hello removes diverts", &two, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(two.n_layers, 3);
	assert_string_equal(two.layers[1].id, one.layers[1].id);
	manifest_of(w, two.layers[2].id, &t);
	e = viv_tree_find(&t, "usr/lib/greet");
	assert_true(e && viv_tree_is_whiteout(e));
	e = viv_tree_find(&t, "etc/hello.state");
	assert_true(e && viv_tree_is_whiteout(e));
	assert_null(viv_tree_find(&t, "usr/lib/greet/data"));
	assert_non_null(viv_tree_find(&t, "usr/share/hello/text.orig"));

	/* One less: a clean plan, and the base is the same. */
	if (build(w, "diverts", &three, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(three.n_layers, 2);
	assert_string_equal(three.layers[0].id, one.layers[0].id);
	viv_deb_plan_free(&one);
	viv_deb_plan_free(&two);
	viv_deb_plan_free(&three);
}

/* A memory that the trees don't fit into: the base, or what comes on top of it. */
static void memory_too_small(void **state)
{
	static const uint64_t sizes[] = {1 << 20, 9 << 20, 12 << 20, 13 << 20};
	struct world *w = *state;

	NEEDS(w);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(sizes); i++) {
		VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL;
		VIV_FREE char *name = viv_asprintf("small-%zu", i), *path = viv_path_join(w->dir, name);
		struct heard h = {.report = {.message = hear}};
		VIV_STRV packages = VIV_STRV_INIT;
		struct viv_deb_plan plan = {0};
		struct viv_deb_request req;
		VIV_ERROR err = VIV_ERROR_INIT;
		struct world fresh = *w;

		assert_int_equal(viv_store_open(path, &fresh.store, NULL), 0);
		viv_strv_push(&packages, "large");
		req = request(&fresh, &packages);
		req.source.memory = sizes[i];
		if (viv_deb_resolve(&req, NULL, &lock, &err) < 0 ||
		    viv_deb_plan(fresh.store, lock, &plan, &err) < 0 ||
		    viv_deb_build(fresh.store, &req.source, lock, &plan, &h.report, &err) < 0)
			fail_msg("%zu: %s", i, err.msg);
		assert_true(viv_store_has(fresh.store, plan.layers[1].id));
		/* How large a base is depends on this system's programs. */
		if (i == 0)
			assert_string_equal(h.text.data, "the layers don't fit into memory: they are "
							 "built on disk instead\n");
		viv_str_free(&h.text);
		viv_deb_plan_free(&plan);
		viv_store_close(fresh.store);
	}
}

/* Whatever a script leaves behind ends with it, however much it has to say. */
static void left_behind(void **state)
{
	struct world *w = *state;
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	if (build(w, "babbles", NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static void failures(void **state)
{
	static const struct {
		const char *packages;
		int code;
		const char *says, *also;
	} rows[] = {
		{"fails", EPROTO, "package fails", "exit status 3"},
		{"fails", EPROTO, "exit status 3", "the disk of tears is missing"},
		{"hangs", ETIMEDOUT,
		 "package hangs: its postinst did nothing for 5 s and was ended. Last output:",
		 "about to wait"},
		{"misled", EPERM, "a package's script put something else in the place of /tmp/viv"},
		{"makes-key", EACCES, "the private key /etc/secret.pem"},
		{"helo", ENOENT, "tiny has no package helo (did you mean hello?)"},
		{"hello=9", ENOENT, "Version '9' for 'hello' was not found"},
		{"h*", EINVAL, "\"h*\" is not a package name"},
		{"-o", EINVAL, "\"-o\" is not a package name"},
	};
	struct world *w = *state;

	NEEDS(w);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(build(w, rows[i].packages, NULL, &err), -rows[i].code);
		if (!strstr(err.msg, rows[i].says) || (rows[i].also && !strstr(err.msg, rows[i].also)))
			fail_msg("%s: %s", rows[i].says, err.msg);
	}
}

/* The same packages in another store, the images one after the other's base: the same bytes. */
static void same_bytes(void **state)
{
	struct world *w = *state, other = *w;
	VIV_FREE char *path = NULL;
	struct viv_deb_plan a = {0}, b = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	if (build(w, "hello", NULL, &err) < 0 || build(w, "hello removes", &a, &err) < 0)
		fail_msg("%s", err.msg);
	path = viv_path_join(w->dir, "other");
	assert_int_equal(viv_store_open(path, &other.store, NULL), 0);
	if (build(&other, "hello removes", &b, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(a.n_layers, b.n_layers);
	for (size_t i = 0; i < a.n_layers; i++) {
		VIV_JSON *x = NULL, *y = NULL;

		assert_string_equal(a.layers[i].id, b.layers[i].id);
		assert_int_equal(viv_store_info(w->store, a.layers[i].id, &x, NULL), 0);
		assert_int_equal(viv_store_info(other.store, b.layers[i].id, &y, NULL), 0);
		assert_string_equal(viv_json_str(x, "sha256"), viv_json_str(y, "sha256"));
	}
	viv_store_close(other.store);
	viv_deb_plan_free(&a);
	viv_deb_plan_free(&b);
}

struct ahead_case {
	const char *then; /* the packages asked for with something begun */
	size_t begun;	  /* so many layers are found good */
	int code;
};

static int build_ahead(struct world *w, const struct ahead_case *c, bool ahead, char **ret_sha256,
		       struct viv_error *err)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL;
	VIV_STRV packages = VIV_STRV_INIT;
	struct viv_slice rest = viv_slice(c->then), word;
	struct viv_deb_plan plan = {0};
	struct viv_deb_request req;
	VIV_JSON *info = NULL;
	int r;

	while (viv_slice_word(&rest, &word))
		viv_strv_take(&packages, viv_slice_dup(word));
	req = request(w, &packages);
	req.ahead = ahead ? viv_deb_ahead_new(w->store) : NULL;
	r = viv_deb_resolve(&req, NULL, &lock, err);
	if (r == 0)
		r = viv_deb_plan(w->store, lock, &plan, err);
	/* On one processor, or with little memory, nothing is begun. */
	if (r == 0 && ahead && sysconf(_SC_NPROCESSORS_ONLN) > 1)
		assert_int_equal(viv_deb_ahead_layers(req.ahead, &plan), c->begun);
	plan.ahead = req.ahead;
	if (r == 0)
		r = viv_deb_build(w->store, &req.source, lock, &plan, NULL, err);
	if (r == 0) {
		assert_int_equal(viv_deb_ahead_layers(req.ahead, &plan), 0);
		assert_int_equal(viv_store_info(w->store, plan.layers[plan.n_layers - 1].id, &info,
						err), 0);
		*ret_sha256 = viv_strdup(viv_json_str(info, "sha256"));
	}
	viv_deb_ahead_free(req.ahead);
	viv_deb_plan_free(&plan);
	return r;
}

static char *layer_after(struct world *w, const struct ahead_case *c, size_t i, bool ahead)
{
	VIV_FREE char *name = viv_asprintf("ahead-%zu-%d", i, ahead);
	VIV_FREE char *path = viv_path_join(w->dir, name);
	VIV_FREE char *lock = viv_asprintf("%s.lock", path);
	VIV_ERROR err = VIV_ERROR_INIT;
	struct world fresh = *w;
	char *sha256 = NULL;
	int r;

	fresh.lock_file = lock;
	assert_int_equal(viv_store_open(path, &fresh.store, NULL), 0);
	if (build(&fresh, "hello", NULL, &err) < 0)
		fail_msg("%s", err.msg);
	r = build_ahead(&fresh, c, ahead, &sha256, &err);
	if (r != c->code)
		fail_msg("%s: %s", c->then, err.msg ? err.msg : "no error");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left running */
	viv_store_close(fresh.store);
	return sha256;
}

/* Unpacked while apt resolves: the same bytes; another answer, or none, and it is dropped. */
static void ahead(void **state)
{
	static const struct ahead_case rows[] = {
		{"hello removes diverts", 2, 0},
		{"diverts", 0, 0},
		{"hello fails", 2, -EPROTO},
		{"hello helo", 0, -ENOENT},
	};
	struct world *w = *state;

	NEEDS(w);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_FREE char *with = layer_after(w, &rows[i], i, true);
		VIV_FREE char *without = layer_after(w, &rows[i], i, false);

		if (rows[i].code == 0)
			assert_string_equal(with, without);
	}
}

/* The answer is begun upon, and then another one is built: the base was taken away meanwhile. */
static void ahead_of_another(void **state)
{
	struct world *w = *state, fresh = *w;
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL, *other = NULL;
	VIV_FREE char *path = NULL, *lock_file = NULL;
	VIV_STRV more = VIV_STRV_INIT, less = VIV_STRV_INIT;
	struct viv_deb_plan plan = {0};
	struct viv_deb_request req;
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	path = viv_path_join(w->dir, "ahead-other");
	fresh.lock_file = lock_file = viv_path_join(w->dir, "ahead-other.lock");
	assert_int_equal(viv_store_open(path, &fresh.store, NULL), 0);
	if (build(&fresh, "hello", NULL, &err) < 0)
		fail_msg("%s", err.msg);
	viv_strv_push(&more, "hello");
	viv_strv_push(&more, "removes");
	viv_strv_push(&less, "diverts");
	req = request(&fresh, &more);
	req.ahead = viv_deb_ahead_new(fresh.store);
	assert_int_equal(viv_deb_resolve(&req, NULL, &lock, &err), 0);
	req.packages = &less;
	assert_int_equal(viv_deb_resolve(&req, NULL, &other, &err), 0);
	assert_int_equal(viv_deb_plan(fresh.store, other, &plan, &err), 0);
	assert_int_equal(viv_deb_ahead_layers(req.ahead, &plan), 0);
	plan.ahead = req.ahead;
	if (viv_deb_build(fresh.store, &req.source, other, &plan, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* dropped before the build began */
	assert_true(viv_store_has(fresh.store, plan.layers[1].id));
	viv_deb_ahead_free(req.ahead);
	viv_deb_plan_free(&plan);
	viv_store_close(fresh.store);
}

/* The kernel's package asked for as a package, too: its archive is fetched once. */
static void kernel_among_packages(void **state)
{
	struct world *w = *state, fresh = *w;
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL;
	VIV_FREE char *path = NULL, *lock_file = NULL;
	VIV_STRV packages = VIV_STRV_INIT;
	struct viv_deb_plan plan = {0};
	struct viv_deb_request req;
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	path = viv_path_join(w->dir, "with-kernel");
	fresh.lock_file = lock_file = viv_path_join(w->dir, "kernel.lock");
	assert_int_equal(viv_store_open(path, &fresh.store, NULL), 0);
	viv_strv_push(&packages, "hello");
	req = request(&fresh, &packages);
	req.kernel = "hello";
	if (viv_deb_resolve(&req, NULL, &lock, &err) < 0 ||
	    viv_deb_plan(fresh.store, lock, &plan, &err) < 0 ||
	    viv_deb_build(fresh.store, &req.source, lock, &plan, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(viv_store_has(fresh.store, plan.kernel_deb));
	viv_deb_plan_free(&plan);
	viv_store_close(fresh.store);
}

static void locked(void **state)
{
	struct world *w = *state;
	VIV_STRV packages = VIV_STRV_INIT;
	struct viv_deb_request req;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_lock *l = NULL;

	NEEDS(w);
	assert_int_equal(build(w, "hello", NULL, &err), 0);
	viv_strv_push(&packages, "hello");
	req = request(w, &packages);
	req.locked = true;
	assert_int_equal(viv_deb_resolve(&req, NULL, &l, &err), 0);
	viv_lock_free(l);
	viv_strv_push(&packages, "removes");
	assert_int_equal(viv_deb_resolve(&req, NULL, &l, &err), -ESTALE);
	assert_non_null(strstr(err.msg, "packages: + removes"));
}

/* dpkg is told in the base; the packages stay those of the lock, with other ids. */
static void without_documentation(void **state)
{
	static const char doc[] = "usr/share/doc/documented/NEWS", man[] = "usr/share/man/man1/documented.1";
	struct world *w = *state;
	struct viv_deb_plan with = {0}, less = {0}, again = {0};
	VIV_STRV packages = VIV_STRV_INIT;
	VIV_TREE t = VIV_TREE_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_deb_request req;
	struct viv_lock *l = NULL;

	NEEDS(w);
	assert_int_equal(build(w, "documented", &with, &err), 0);
	manifest_of(w, with.layers[1].id, &t);
	assert_non_null(viv_tree_find(&t, doc));
	assert_non_null(viv_tree_find(&t, man));

	viv_strv_push(&w->without, "doc");
	viv_strv_push(&packages, "documented");
	req = request(w, &packages);
	req.locked = true;
	assert_int_equal(viv_deb_resolve(&req, NULL, &l, &err), -ESTALE);
	assert_non_null(strstr(err.msg, "without: + doc"));
	viv_error_clear(&err);
	if (build(w, "documented", &less, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_not_equal(less.layers[0].id, with.layers[0].id);
	manifest_of(w, less.layers[0].id, &t);
	assert_non_null(viv_tree_find(&t, "etc/dpkg/dpkg.cfg.d/viv-documentation"));
	manifest_of(w, less.layers[1].id, &t);
	assert_null(viv_tree_find(&t, doc));
	assert_non_null(viv_tree_find(&t, "usr/share/doc/documented/copyright"));
	assert_non_null(viv_tree_find(&t, man));

	viv_strv_free(&w->without);
	assert_int_equal(build(w, "documented", &again, &err), 0);
	assert_string_equal(again.layers[0].id, with.layers[0].id);
	assert_string_equal(again.layers[1].id, with.layers[1].id);
	viv_deb_plan_free(&with);
	viv_deb_plan_free(&less);
	viv_deb_plan_free(&again);
}

static void change_byte(const char *path, off_t at)
{
	VIV_FD fd = open(path, O_RDWR | O_CLOEXEC);
	char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

static void bad_signature(void **state)
{
	struct world *w = *state;
	VIV_FREE char *release = NULL, *lock = NULL;
	VIV_STRV packages = VIV_STRV_INIT;
	struct viv_deb_request req;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_lock *l = NULL;

	NEEDS(w);
	release = viv_path_join(w->dir, "repo/dists/tiny/InRelease");
	lock = viv_path_join(w->dir, "signed.lock");
	viv_strv_push(&packages, "hello");
	req = request(w, &packages);
	req.lock_file = lock;
	req.renew = true;
	change_byte(release, 120);
	assert_int_equal(viv_deb_resolve(&req, NULL, &l, &err), -EKEYREJECTED);
	assert_false(viv_exists(lock));
	change_byte(release, 120);
	viv_error_clear(&err);
	if (viv_deb_resolve(&req, NULL, &l, &err) < 0)
		fail_msg("%s", err.msg);
	viv_lock_free(l);
}

static void resolve(struct world *w, const char *names, const char *lock_file, bool renew,
		    struct viv_lock **ret)
{
	VIV_STRV packages = VIV_STRV_INIT;
	struct viv_slice rest = viv_slice(names), word;
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_deb_request req;

	while (viv_slice_word(&rest, &word))
		viv_strv_take(&packages, viv_slice_dup(word));
	req = request(w, &packages);
	req.lock_file = lock_file;
	req.renew = renew;
	if (viv_deb_resolve(&req, NULL, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

/* What is added comes from an index of another day: the older ones' day stays known. */
static void indexes_of_two_days(void **state)
{
	struct world *w = *state;
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL, *later = NULL, *renewed = NULL;
	VIV_FREE char *script = viv_path_join(TEST_DATA, "deb/make-repo"), *lock = NULL, *other = NULL;
	const char *old, *new;

	NEEDS(w);
	const char *argv[] = {script, w->dir, "sign", NULL};
	lock = viv_path_join(w->dir, "days.lock");
	other = viv_path_join(w->dir, "other.lock");
	resolve(w, "hello", lock, false, &l);
	setenv("REPO_DATE", "Wed, 15 Nov 2023 10:00:00 UTC", 1);
	if (viv_process_check(argv, NULL, 1 << 20, 60000, NULL) < 0)
		fail_msg("make-repo failed");
	unsetenv("REPO_DATE");
	resolve(w, "hello", other, true, &renewed);
	resolve(w, "hello large", lock, false, &later);
	old = viv_lock_find(later, "hello")->index;
	new = viv_lock_find(later, "large")->index;
	assert_string_equal(old, viv_lock_find(l, "hello")->index);
	assert_string_not_equal(old, new);
	assert_true(json_equal(json_object_get(l->indexes, old), json_object_get(later->indexes, old)));
	assert_string_equal(viv_json_str(json_object_get(later->indexes, new), "date"),
			    "Wed, 15 Nov 2023 10:00:00 UTC");
	viv_lock_free(viv_steal(renewed));
	resolve(w, "hello large", lock, true, &renewed);
	assert_string_equal(viv_lock_find(renewed, "hello")->index, old);
	assert_string_equal(viv_lock_find(renewed, "large")->index, old);
}

/* A mirror serves other content than was signed; afterwards the right one, and the build goes on. */
static void wrong_hash(void **state)
{
	struct world *w = *state;
	VIV_FREE char *deb = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	deb = viv_path_join(w->dir, "repo/pool/main/writes-in-place_1.0_" ARCHITECTURE ".deb");
	change_byte(deb, 300);
	assert_int_equal(build(w, "hello writes-in-place", NULL, &err), -EBADMSG);
	if (!strstr(err.msg, "writes-in-place 1.0 is not what the lock file says"))
		fail_msg("%s", err.msg);
	change_byte(deb, 300);
	viv_error_clear(&err);
	if (build(w, "hello writes-in-place", NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static void gone_from_the_mirror(void **state)
{
	struct world *w = *state;
	VIV_FREE char *deb = NULL, *aside = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	deb = viv_path_join(w->dir, "repo/pool/main/large_1.0_" ARCHITECTURE ".deb");
	aside = viv_path_join(w->dir, "large");
	assert_int_equal(rename(deb, aside), 0);
	assert_int_equal(build(w, "large", NULL, &err), -ENODATA);
	assert_non_null(strstr(err.msg, "no mirror has large 1.0 any more"));
	assert_non_null(strstr(err.msg, "viv update"));
	assert_int_equal(rename(aside, deb), 0);
}

/* A mirror on loopback: serves files, knows ranges, breaks the first large answer off. */

struct answer {
	char path[256];
	long start;
	bool ranged;
};

static bool read_request(int fd, struct answer *a)
{
	VIV_STR text = VIV_STR_INIT;
	const char *range;

	*a = (struct answer){0};
	while (!text.data || !strstr(text.data, "\r\n\r\n")) {
		ssize_t n = read(fd, viv_str_reserve(&text, 4096), 4096);

		if (n <= 0)
			return false;
		viv_str_added(&text, (size_t)n);
	}
	if (sscanf(text.data, "GET %255s", a->path) != 1)
		return false;
	range = strcasestr(text.data, "\r\nRange: bytes=");
	a->ranged = range && sscanf(range + 15, "%ld", &a->start) == 1;
	return true;
}

static void serve_one(int fd, const char *root, const char *log)
{
	struct answer a;
	bool broken = false;

	while (!broken && read_request(fd, &a)) {
		VIV_FREE char *path = viv_asprintf("%s%s", root, a.path), *head = NULL, *line = NULL;
		VIV_STR body = VIV_STR_INIT;
		VIV_FD out = -1;
		size_t len;

		if (viv_read_file(path, 1 << 26, &body, NULL) < 0) {
			static const char no[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

			viv_write_all(fd, no, sizeof(no) - 1, "socket", NULL);
			continue;
		}
		if (a.start > (long)body.len)
			a.start = 0;
		len = body.len - (size_t)a.start;
		head = viv_asprintf("HTTP/1.1 %s\r\nContent-Length: %zu\r\nContent-Range: bytes %ld-%zu/%zu\r\n"
				    "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\n",
				    a.ranged ? "206 Partial Content" : "200 OK", len, a.start,
				    body.len - 1, body.len);
		broken = !a.ranged && body.len > 1000000 && strstr(a.path, "large");
		line = viv_asprintf("%s %ld\n", a.path, a.ranged ? a.start : -1);
		out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		viv_write_all(out, line, strlen(line), "log", NULL);
		viv_write_all(fd, head, strlen(head), "socket", NULL);
		viv_write_all(fd, body.data + a.start, broken ? len / 2 : len, "socket", NULL);
	}
	close(fd);
}

static pid_t start_server(const char *root, const char *log, int *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(at);
	pid_t pid;

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

			if (c >= 0 && fork() == 0) {
				serve_one(c, root, log);
				_exit(0);
			}
			viv_close(c);
		}
	}
	viv_close(fd);
	return pid;
}

static void mirror_breaks_off(void **state)
{
	struct world *w = *state, http = *w;
	VIV_FREE char *log = NULL, *root = NULL;
	struct viv_strv mirrors = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;
	int port, status;
	pid_t pid;

	NEEDS(w);
	log = viv_path_join(w->dir, "log");
	root = viv_path_join(w->dir, "repo");
	pid = start_server(root, log, &port);
	viv_strv_pushf(&mirrors, "http://127.0.0.1:%d/ tiny", port);
	http.mirrors = mirrors;
	setenv("no_proxy", "127.0.0.1", 1);
	/* apt itself tries again and goes on; if it gave up, the next build would. */
	if (build(&http, "large", NULL, &err) < 0) {
		viv_error_clear(&err);
		if (build(&http, "large", NULL, &err) < 0)
			fail_msg("%s", err.msg);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(viv_read_file(log, 1 << 20, &text, NULL), 0);
	/* It was asked for twice, the second time from the middle on. */
	assert_non_null(strstr(text.data, "large_1.0_" ARCHITECTURE ".deb -1\n"));
	assert_non_null(strstr(text.data, "large_1.0_" ARCHITECTURE ".deb 15"));
	viv_strv_free(&mirrors);
}

static void no_mirror(void **state)
{
	struct world *w = *state, down = *w;
	struct viv_strv mirrors = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	viv_strv_push(&mirrors, "http://127.0.0.1:1/ tiny");
	down.mirrors = mirrors;
	assert_int_equal(build(&down, "hello nothing", NULL, &err), -ENETUNREACH);
	viv_strv_free(&mirrors);
	viv_error_clear(&err);
	viv_strv_push(&mirrors, "not a mirror");
	down.mirrors = mirrors;
	assert_int_equal(build(&down, "hello nothing", NULL, &err), -EINVAL);
	viv_strv_free(&mirrors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers),	 cmocka_unit_test(left_behind), cmocka_unit_test(failures),
		cmocka_unit_test(ahead),	 cmocka_unit_test(ahead_of_another),
		cmocka_unit_test(same_bytes),	 cmocka_unit_test(kernel_among_packages),
		cmocka_unit_test(locked),	 cmocka_unit_test(memory_too_small),
		cmocka_unit_test(bad_signature), cmocka_unit_test(wrong_hash),
		cmocka_unit_test(gone_from_the_mirror), cmocka_unit_test(mirror_breaks_off),
		cmocka_unit_test(without_documentation),
		cmocka_unit_test(no_mirror),	 cmocka_unit_test(indexes_of_two_days),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
