/* SPDX-License-Identifier: MIT */
#pragma once

/* What the store's tests share: a store in a fresh folder, and objects to put into it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "store/store.h"

#include <sys/stat.h>
#include <unistd.h>

struct place {
	char dir[64]; /* removed at the end */
	char *root;   /* the store's folder in it */
	struct viv_store *s;
};

#define ok(call)                                     \
	do {                                         \
		VIV_ERROR e_ = VIV_ERROR_INIT;       \
		struct viv_error *err = &e_;         \
		int r_ = (call);                     \
		if (r_ < 0)                          \
			print_error("%s\n", e_.msg); \
		assert_int_equal(r_, 0);             \
	} while (0)

static VIV_UNUSED int set_up(void **state)
{
	struct place *p = viv_new(struct place);

	snprintf(p->dir, sizeof(p->dir), "/tmp/viv-store-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->root = viv_path_join(p->dir, "store");
	ok(viv_store_open(p->root, &p->s, err));
	*state = p;
	return 0;
}

static VIV_UNUSED int tear_down(void **state)
{
	struct place *p = *state;

	viv_store_close(p->s);
	viv_remove_tree(p->dir, NULL);
	free(p->root);
	free(p);
	return 0;
}

static VIV_UNUSED void reopen(struct place *p)
{
	viv_store_close(p->s);
	p->s = NULL;
	ok(viv_store_open(p->root, &p->s, err));
}

static VIV_UNUSED json_t *recipe_of(const char *text)
{
	return json_pack("{s:s, s:s}", "kind", "test", "text", text);
}

static VIV_UNUSED char *id_of(const char *text)
{
	VIV_JSON *recipe = recipe_of(text);

	return viv_store_id("thing", recipe);
}

static VIV_UNUSED void write_text(const char *path, const char *text)
{
	ok(viv_write_file(path, text, strlen(text), 0644, err));
}

/* A file object whose content is its recipe's text; `ref` may be NULL. The caller frees the id. */
static VIV_UNUSED char *put(struct viv_store *s, const char *text, const char *ref)
{
	VIV_JSON *recipe = recipe_of(text);
	VIV_STRV refs = VIV_STRV_INIT;
	struct viv_store_build *b = NULL;
	char *id = id_of(text);

	if (ref)
		viv_strv_push(&refs, ref);
	ok(viv_store_begin(s, id, NULL, &b, err));
	write_text(viv_store_build_path(b), text);
	ok(viv_store_commit(b, recipe, &refs, err));
	return id;
}

static VIV_UNUSED size_t count_in(const struct place *p, const char *folder)
{
	VIV_FREE char *path = viv_path_join(p->root, folder);
	VIV_STR out = VIV_STR_INIT;
	const char *argv[] = {"find", path,	 "-mindepth", "1", "-maxdepth",
			      "1",    "-printf", "x",	      NULL};

	ok(viv_process_check(argv, &out, 1 << 20, 10000, err));
	return out.len;
}
