/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <time.h>

static const struct viv_store_gc everything = {.max_size = UINT64_MAX};

static struct viv_store_gc_result gc(struct place *p, const struct viv_store_gc *options)
{
	struct viv_store_gc_result g = {0};

	ok(viv_store_gc(p->s, options, NULL, &g, err));
	return g;
}

/* Collects; how many objects went? */
static size_t gc_count(struct place *p, const struct viv_store_gc *options)
{
	struct viv_store_gc_result g = gc(p, options);
	size_t n = g.removed.count;

	viv_store_gc_result_free(&g);
	return n;
}

static void set_used(struct place *p, const char *id, int64_t ago)
{
	VIV_FREE char *path = viv_asprintf("%s/info/%s.json", p->root, id);
	struct timespec times[2] = {{.tv_sec = time(NULL) - ago}, {.tv_sec = time(NULL) - ago}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void roots_keep_closures(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *b = put(p->s, "b", a), *c = put(p->s, "c", b);
	VIV_FREE char *other = put(p->s, "other", a), *link = viv_path_join(p->dir, "result");

	ok(viv_store_add_root(p->s, link, b, err));
	reopen(p);
	assert_int_equal(gc_count(p, &everything), 2);
	assert_true(viv_store_has_closure(p->s, b));
	assert_false(viv_store_has(p->s, c));
	assert_false(viv_store_has(p->s, other));
	assert_int_equal(count_in(p, "objects"), 2);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("/", link), 0);
	assert_int_equal(gc_count(p, &everything), 2);
	assert_int_equal(count_in(p, "roots"), 0);
	assert_int_equal(count_in(p, "objects"), 0);
	assert_int_equal(count_in(p, "tmp"), 0);
}

static void files_keep_objects(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *b = put(p->s, "b", NULL), *later = id_of("later");
	VIV_FREE char *lock = viv_path_join(p->dir, "vm.lock");
	VIV_STRV ids = VIV_STRV_INIT;

	write_text(lock, "");
	viv_strv_push(&ids, b);
	viv_strv_push(&ids, later);
	ok(viv_store_add_file_root(p->s, lock, &ids, err));
	reopen(p);
	assert_int_equal(gc_count(p, &everything), 1);
	assert_false(viv_store_has(p->s, a));
	free(put(p->s, "later", NULL));
	reopen(p);
	assert_int_equal(gc_count(p, &everything), 0);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(gc_count(p, &everything), 2);
}

static void pins_keep_objects(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *b = put(p->s, "b", a), *c = put(p->s, "c", NULL);
	struct viv_store_pin *pin = NULL;
	struct viv_store *other = NULL;
	VIV_STRV ids = VIV_STRV_INIT;

	assert_int_equal(gc_count(p, &everything), 0); /* what this store began is pinned */
	reopen(p);
	ok(viv_store_open(p->root, &other, err));
	viv_strv_push(&ids, b);
	ok(viv_store_pin(other, &ids, &pin, err));
	assert_int_equal(gc_count(p, &everything), 1);
	assert_true(viv_store_has_closure(p->s, b));
	free(c);
	c = put(other, "c", NULL);
	assert_int_equal(gc_count(p, &everything), 0);
	viv_store_unpin(pin);
	assert_int_equal(gc_count(p, &everything), 2);
	viv_store_close(other);
	assert_int_equal(gc_count(p, &everything), 1);
}

static void what_was_used_last_goes_last(void **state)
{
	struct place *p = *state;
	VIV_FREE char *lib = put(p->s, "lib", NULL), *old = put(p->s, "old", NULL);
	VIV_FREE char *mid = put(p->s, "middling", NULL), *top = put(p->s, "top", lib);
	struct viv_store_gc o = {.max_size = UINT64_MAX, .keep_recent = 3600};
	struct viv_store_gc_result g;

	reopen(p);
	set_used(p, lib, 99999); /* but top, which needs it, was used just now */
	set_used(p, old, 9000);
	set_used(p, mid, 5000);
	o.dry_run = true;
	assert_int_equal(gc_count(p, &o), 2);
	assert_true(viv_store_has(p->s, old));
	o = (struct viv_store_gc){.max_size = 17};
	g = gc(p, &o); /* 3 + 3 + 8 + 3 bytes: fits */
	assert_int_equal(g.removed.count, 0);
	o.max_size = 16;
	g = gc(p, &o);
	assert_int_equal(g.removed.count, 1);
	assert_string_equal(g.removed.items[0], old);
	assert_int_equal(g.kept_size, 14);
	viv_store_gc_result_free(&g);
	o.max_size = 5;
	g = gc(p, &o);
	assert_int_equal(g.removed.count, 2);
	assert_string_equal(g.removed.items[0], mid);
	assert_string_equal(g.removed.items[1], top);
	viv_store_gc_result_free(&g);
	assert_true(viv_store_has(p->s, lib));
}

static void archives_stay(void **state)
{
	struct place *p = *state;
	VIV_JSON *recipe = json_pack("{s:s}", "kind", "archive");
	VIV_FREE char *id = viv_store_id("htop.deb", recipe);
	struct viv_store_gc o = {.max_size = UINT64_MAX, .keep_archives = true};
	struct viv_store_build *b = NULL;

	free(put(p->s, "x", NULL));
	ok(viv_store_begin(p->s, id, NULL, &b, err));
	write_text(viv_store_build_path(b), "deb");
	ok(viv_store_commit(b, recipe, NULL, err));
	reopen(p);
	assert_int_equal(gc_count(p, &o), 1);
	assert_true(viv_store_has(p->s, id));
	assert_int_equal(gc_count(p, &everything), 1);
}

static void leavings_go(void **state)
{
	struct place *p = *state;
	VIV_FREE char *id = put(p->s, "whole", NULL), *orphan = id_of("orphan");
	VIV_FREE char *object = viv_store_object_path(p->s, orphan);
	VIV_FREE char *file = viv_path_join(object, "file"), *info = NULL;
	VIV_FREE char *tmp = viv_path_join(p->root, "tmp/dead/1/x"), *pin = NULL;
	VIV_FREE char *link = viv_path_join(p->dir, "result");

	ok(viv_store_add_root(p->s, link, id, err));
	reopen(p);
	ok(viv_mkdir_p(object, 0755, err)); /* a commit that ended before its info file */
	write_text(file, "x");
	assert_int_equal(chmod(object, 0555), 0);
	ok(viv_mkdir_p(tmp, 0755, err));
	pin = viv_asprintf("%s/pins/dead", p->root);
	write_text(pin, "");
	assert_int_equal(gc_count(p, &everything), 0);
	assert_int_equal(count_in(p, "objects"), 1);
	assert_int_equal(count_in(p, "tmp"), 0);
	assert_int_equal(count_in(p, "pins"), 0);
	ok(viv_mkdir_p(object, 0755, err)); /* and a builder takes its place */
	write_text(file, "x");
	assert_int_equal(chmod(object, 0555), 0);
	free(put(p->s, "orphan", NULL));
	assert_true(viv_store_has_closure(p->s, orphan));
	info = viv_asprintf("%s/info/%s.json", p->root,
			    id); /* nothing goes if needs can't be told */
	ok(viv_remove_tree(info, err));
	write_text(info, "{");
	assert_int_equal(viv_store_gc(p->s, &everything, NULL, NULL, NULL), -EBADMSG);
}

/* Changes a byte, or the length, of a file that nobody should change. */
static void damage(struct place *p, const char *id, const char *text)
{
	VIV_FREE char *path = viv_store_object_path(p->s, id);

	ok(viv_remove_tree(path, err));
	write_text(path, text);
}

static size_t problems(struct place *p, bool move)
{
	struct viv_store_problems found = {0};
	size_t n;

	ok(viv_store_verify(p->s, NULL, move, NULL, &found, err));
	n = found.n;
	viv_store_problems_free(&found);
	return n;
}

static void damage_is_found_and_mended(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "aaaa", NULL), *b = put(p->s, "b", a), *c = put(p->s, "c", b);
	VIV_FREE char *d = put(p->s, "d", NULL), *info = NULL;

	assert_int_equal(problems(p, true), 0);
	damage(p, a, "aaab");
	assert_true(viv_store_has_closure(p->s, c)); /* it looks at sizes only */
	assert_int_equal(problems(p, false), 3);
	assert_true(viv_store_has(p->s, a));
	assert_int_equal(problems(p, true), 3);
	assert_false(viv_store_has(p->s, a));
	assert_false(viv_store_has(p->s, c));
	assert_true(viv_store_has(p->s, d));
	assert_int_equal(count_in(p, "corrupt"), 3);
	free(put(p->s, "aaaa", NULL));
	free(put(p->s, "b", a));
	free(put(p->s, "c", b));
	assert_int_equal(problems(p, true), 0);
	damage(p, b, "longer");
	assert_false(viv_store_has_closure(p->s, c));
	info = viv_asprintf("%s/info/%s.json", p->root, d);
	ok(viv_remove_tree(info, err));
	write_text(info, "{\"id\": 3}");
	assert_int_equal(problems(p, true), 3);
	assert_int_equal(problems(p, true), 0);
	assert_int_equal(gc_count(p, &everything), 0);
	assert_int_equal(count_in(p, "corrupt"), 0);
}

static void what_is_used_is_mended(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *b = put(p->s, "b", a), *c = put(p->s, "c", b);
	VIV_FREE char *other = put(p->s, "other", NULL), *absent = id_of("absent");
	VIV_FREE char *info = viv_asprintf("%s/info/%s.json", p->root, a);
	VIV_STRV ids = VIV_STRV_INIT;

	viv_strv_push(&ids, absent);
	viv_strv_push(&ids, c);
	ok(viv_store_mend(p->s, &ids, NULL, err));
	damage(p, other, "nobody looks at this");
	ok(viv_store_mend(p->s, &ids, NULL, err));
	damage(p, b, "");
	assert_int_equal(viv_store_mend(p->s, &ids, NULL, NULL), 1);
	assert_true(viv_store_has(p->s, a));
	assert_false(viv_store_has(p->s, b));
	assert_false(viv_store_has(p->s, c));
	ok(viv_store_mend(p->s, &ids, NULL, err));
	free(put(p->s, "b", a));
	free(put(p->s, "c", b));
	ok(viv_remove_tree(info, err));
	write_text(info, "");
	assert_int_equal(viv_store_mend(p->s, &ids, NULL, NULL), 1);
	assert_int_equal(count_in(p, "info"), 1);
}

static void folders_are_looked_into(void **state)
{
	struct place *p = *state;
	VIV_FREE char *id = id_of("layer"), *object = viv_store_object_path(p->s, id);
	VIV_FREE char *image = viv_path_join(object, "image");
	VIV_JSON *recipe = recipe_of("layer");
	struct viv_store_build *b = NULL;
	VIV_FREE char *path = NULL;

	ok(viv_store_begin(p->s, id, NULL, &b, err));
	ok(viv_mkdir_p(viv_store_build_path(b), 0755, err));
	path = viv_path_join(viv_store_build_path(b), "image");
	write_text(path, "an image");
	ok(viv_store_commit(b, recipe, NULL, err));
	assert_true(viv_store_has_closure(p->s, id));
	assert_int_equal(chmod(image, 0644), 0);
	assert_int_equal(truncate(image, 3), 0);
	assert_false(viv_store_has_closure(p->s, id));
}

static void finding(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *b = put(p->s, "b", NULL), *first = NULL;
	VIV_FREE char *link = viv_path_join(p->dir, "result"), *got = NULL, *got2 = NULL;
	VIV_STORE_LIST l = {0};

	ok(viv_store_add_root(p->s, link, b, err));
	ok(viv_store_list(p->s, &l, err));
	assert_int_equal(l.n, 2);
	first = viv_strndup(a, 8);
	ok(viv_store_find(p->s, &l, first, &got, err));
	assert_string_equal(got, a);
	ok(viv_store_find(p->s, &l, link, &got2, err));
	assert_string_equal(got2, b);
	assert_int_equal(viv_store_find(p->s, &l, "thing", &got, NULL), -ENOTUNIQ);
	assert_int_equal(viv_store_find(p->s, &l, "nothing", &got, NULL), -ENOENT);
	assert_int_equal(viv_store_find(p->s, &l, "", &got, NULL), -ENOENT);
}

#define with_store(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_store(roots_keep_closures),
		with_store(files_keep_objects),
		with_store(pins_keep_objects),
		with_store(what_was_used_last_goes_last),
		with_store(archives_stay),
		with_store(leavings_go),
		with_store(damage_is_found_and_mended),
		with_store(what_is_used_is_mended),
		with_store(folders_are_looked_into),
		with_store(finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
