/* SPDX-License-Identifier: MIT */

/* Export and import, also of streams that mean harm. */

#include "store.h"

#include "base/hash.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>

static const struct viv_store_gc everything = {.max_size = UINT64_MAX};

static int memory(void)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void export(struct viv_store *s, const char *id, int fd)
{
	VIV_STRV ids = VIV_STRV_INIT;

	viv_strv_push(&ids, id);
	ok(viv_store_export(s, &ids, fd, NULL, err));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static int import(struct viv_store *s, int fd, struct viv_strv *ids, struct viv_error *err)
{
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return viv_store_import(s, fd, NULL, ids, err);
}

/* A folder with all that can be in one, and a name that no locale knows. */
static char *put_folder(struct viv_store *s, const char *ref)
{
	VIV_JSON *recipe = recipe_of("folder");
	VIV_STRV refs = VIV_STRV_INIT;
	VIV_FREE char *sub = NULL, *file = NULL, *tool = NULL, *link = NULL, *deep = NULL;
	struct viv_store_build *b = NULL;
	char *id = id_of("folder");
	const char *top;

	ok(viv_store_begin(s, id, NULL, &b, err));
	top = viv_store_build_path(b);
	sub = viv_asprintf("%s/a \xff\n/%0200d", top, 1);
	ok(viv_mkdir_p(sub, 0700, err));
	file = viv_path_join(sub, "empty");
	tool = viv_path_join(sub, "tool");
	link = viv_asprintf("%s/%0150d", top, 2);
	deep = viv_asprintf("../%0180d", 3);
	write_text(file, "");
	write_text(tool, "#!/bin/sh\n");
	assert_int_equal(chmod(tool, 0700), 0);
	assert_int_equal(symlink(deep, link), 0);
	viv_strv_push(&refs, ref);
	ok(viv_store_commit(b, recipe, &refs, err));
	return id;
}

static void there_and_back(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *folder = put_folder(p->s, a), *other_root = NULL;
	VIV_CLEANUP(viv_store_closep) struct viv_store *other = NULL;
	char first[VIV_SHA256_HEX], second[VIV_SHA256_HEX];
	struct viv_store_problems found = {0};
	VIV_FD fd = memory(), again = memory();
	VIV_STRV ids = VIV_STRV_INIT;

	other_root = viv_path_join(p->dir, "other");
	ok(viv_store_open(other_root, &other, err));
	export(p->s, folder, fd);
	ok(import(other, fd, &ids, err));
	assert_int_equal(ids.count, 2);
	assert_string_equal(ids.items[0], a);
	assert_string_equal(ids.items[1], folder);
	assert_true(viv_store_has_closure(other, folder));
	ok(viv_store_verify(other, NULL, true, NULL, &found, err));
	assert_int_equal(found.n, 0);
	ok(import(other, fd, NULL, err)); /* all there already */
	export(other, folder, again);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	ok(viv_sha256_of_fd(fd, "first", first, err));
	ok(viv_sha256_of_fd(again, "second", second, err));
	assert_string_equal(first, second);
}

enum { HARD_LINK = 1 }; /* beside the S_IF… */

/* A stream, made by hand. */
struct item {
	const char *path;    /* "@" stands for the object's id */
	const char *content; /* of a file; a link's target */
	mode_t type;	     /* S_IF… or HARD_LINK; 0: a file */
};

/* Replaces the "@". The caller frees it. */
static char *expand(const char *path, const char *id)
{
	const char *at = strchr(path, '@');

	return at ? viv_asprintf("%.*s%s%s", (int)(at - path), path, id, at + 1) : viv_strdup(path);
}

static void add_item(struct archive *a, const struct item *i, const char *id)
{
	struct archive_entry *e = archive_entry_new();
	VIV_FREE char *path = expand(i->path, id);
	VIV_FREE char *content = expand(i->content ? i->content : "", id);

	archive_entry_copy_pathname(e, path);
	archive_entry_set_mode(e, (i->type > HARD_LINK ? i->type : S_IFREG) | 0644);
	if (i->type == S_IFLNK)
		archive_entry_copy_symlink(e, content);
	else if (i->type == HARD_LINK)
		archive_entry_copy_hardlink(e, content);
	else if (!i->type)
		archive_entry_set_size(e, (int64_t)strlen(content));
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (!i->type)
		archive_write_data(a, content, strlen(content));
	archive_entry_free(e);
}

static int write_stream(const struct item *items, const char *id)
{
	struct archive *a = archive_write_new();
	int fd = memory();

	archive_write_set_format_gnutar(a);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_fd(a, fd), ARCHIVE_OK);
	for (; items->path; items++)
		add_item(a, items, id);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return fd;
}

/* The info file of the object "x" whose content is "x". */
static char *info_text(const char *kind, const char *sha256, const char *size, const char *refs,
		       const char *text)
{
	VIV_FREE char *id = id_of("x");

	return viv_asprintf("{\"id\":\"%s\",\"kind\":\"%s\",\"recipe\":{\"kind\":\"test\",\"text\":"
			    "\"%s\"},\"refs\":%s,\"size\":%s,\"sha256\":\"%s\"}",
			    id, kind, text, refs, size, sha256);
}

#define X_SHA256 "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
/* Of a folder with nothing in it. */
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void hostile(void **state)
{
	struct place *p = *state;
	VIV_FREE char *id = id_of("x"), *good = info_text("file", X_SHA256, "1", "[]", "x");
	VIV_FREE char *recipe = info_text("file", X_SHA256, "1", "[]", "y");
	VIV_FREE char *hash = info_text("file", EMPTY_SHA256, "1", "[]", "x");
	VIV_FREE char *small = info_text("file", X_SHA256, "0", "[]", "x");
	VIV_FREE char *huge = info_text("file", X_SHA256, "1099511627777", "[]", "x");
	VIV_FREE char *full = info_text("file", X_SHA256, "1099511627776", "[]", "x");
	VIV_FREE char *negative = info_text("file", X_SHA256, "-1", "[]", "x");
	VIV_FREE char *folder = info_text("folder", EMPTY_SHA256, "4", "[]", "x");
	VIV_FREE char *self = viv_asprintf("[\"%s\"]", id);
	VIV_FREE char *itself = info_text("file", X_SHA256, "1", self, "x");
	VIV_FREE char *missing =
		info_text("file", X_SHA256, "1", "[\"0123456789abcdef0123456789abcdef-a\"]", "x");
	VIV_FREE char *refs = info_text("file", X_SHA256, "1", "[\"../../x\"]", "x");
	VIV_FREE char *outside = viv_path_join(p->dir, "outside");
#define START {"format", "1\n@\n"}, {"info/@.json"
#define TOP                                \
	{                                  \
		"objects/@", NULL, S_IFDIR \
	}
	const struct {
		const char *what; /* part of the message; NULL: it is fine */
		struct item items[8];
	} rows[] = {{NULL, {START, good}, {"objects/@", "x"}}}, {NULL, {{"format", "1\n"}}},
	  {"no export of a store", {{"info/@.json", good}, {"objects/@", "x"}}},
	  {"no export of a store", {{"format", NULL, S_IFDIR}}},
	  {"ends before", {{"format", "1\n@\n"}}},
	  {"ends before", {{"format", "1\n@\nmore\n"}, {"info/@.json", good}, {"objects/@", "x"}}},
	  {"not announced", {{"format", "1\n"}, {"info/@.json", good}, {"objects/@", "x"}}},
	  {"not announced", {{"format", "1\n@x\n"}, {"info/@.json", good}, {"objects/@", "x"}}},
	  {"doesn't know", {{"format", "2\n"}}},
	  {"can't come here", {{"format", "1\n"}, {"objects/@", "x"}}},
	{
		"can't come here", {START, good},
		{
			"objects/@x", "x"
		}
	}
}
,
{
	"can't come here", {START, good},
	{
		"/etc/passwd", "x"
	}
}
}
,
{
	"can't come here", {START, good},
	{
		"objects/@/a", "x"
	}
}
}
,
{
	"can't come here", {START, good}, {"objects/@", "x"},
	{
		"objects/@", "x"
	}
}
}
, {"not the id", {{"format", "1\n"}, {"info/../../x.json", good}}},
	{"not the id", {{"format", "1\n"}, {"info/.json", good}}},
{
	"wrong recipe", {START, recipe},
	{
		"objects/@", "x"
	}
}
}
,
{
	"wrong size", {START, negative},
	{
		"objects/@", "x"
	}
}
}
,
{
	"wrong refs", {START, itself},
	{
		"objects/@", "x"
	}
}
}
,
{
	"wrong refs", {START, refs},
	{
		"objects/@", "x"
	}
}
}
,
{
	"is missing", {START, missing},
	{
		"objects/@", "x"
	}
}
}
,
{
	"wrong id", {START, "{}"},
	{
		"objects/@", "x"
	}
}
}
,
{
	"expected", {START, "{"},
	{
		"objects/@", "x"
	}
}
}
,
{
	"does not match its hash", {START, hash},
	{
		"objects/@", "x"
	}
}
}
,
{
	"does not match its hash", {START, good},
	{
		"objects/@", "y"
	}
}
}
,
{
	"is larger than announced", {START, small},
	{
		"objects/@", "x"
	}
}
}
,
{
	"would have", {START, huge},
	{
		"objects/@", "x"
	}
}
}
,
{
	"", {START, full},
	{
		"objects/@", "x"
	}
}
}
, /* no room, or not complete */
{
	"not complete", {START, good},
	{
		"objects/@", ""
	}
}
}
,
{
	"not complete",
	{
		START, good
	}
}
}
,
{
	"not a file, a folder", {START, good},
	{
		"objects/@", outside, S_IFLNK
	}
}
}
,
{
	"not a file, a folder", {START, good},
	{
		"objects/@", outside, HARD_LINK
	}
}
}
,
{
	"not a file, a folder", {START, good},
	{
		"objects/@", NULL, S_IFIFO
	}
}
}
,
{
	"not of the kind", {START, good}, TOP,
	{
		"objects/@/a", "x"
	}
}
}
,
{
	"not a file, a folder", {START, folder}, TOP,
	{
		"objects/@/a", NULL, S_IFCHR
	}
}
}
,
{
	"not a file, a folder", {START, folder}, TOP,
	{
		"objects/@/a", "/etc/passwd", HARD_LINK
	}
}
}
,
{
	"can't come here", {START, folder}, TOP,
	{
		"objects/@/../a", "x"
	}
}
}
,
{
	"can't come here", {START, folder}, TOP,
	{
		"objects/@/a//b", "x"
	}
}
}
,
{
	"can't come here", {START, folder}, TOP,
	{
		"objects/@/.", NULL, S_IFDIR
	}
}
}
,
{
	"can't come here", {START, folder}, TOP, TOP
}
}
,
{
	"comes twice", {START, folder}, TOP, {"objects/@/a", "x"},
	{
		"objects/@/a", "x"
	}
}
}
,
{
	"comes twice", {START, folder}, TOP, {"objects/@/a", "..", S_IFLNK},
	{
		"objects/@/a", "x"
	}
}
}
,
{
	"is not in a folder", {START, folder}, TOP, {"objects/@/a", "..", S_IFLNK},
	{
		"objects/@/a/b", "x"
	}
}
}
,
{
	"is not in a folder", {START, folder}, TOP, {"objects/@/a", "x"},
	{
		"objects/@/a/b", "x"
	}
}
}
,
{
	"is not in a folder", {START, folder}, TOP,
	{
		"objects/@/a/b", "x"
	}
}
}
,
{
	"is larger than announced", {START, folder}, TOP,
	{
		"objects/@/a", "12345", S_IFLNK
	}
}
}
,
{
	"is larger than announced", {START, folder}, TOP, {"objects/@/a", "123"},
	{
		"objects/@/b", "12"
	}
}
}
,
}
;

for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
	VIV_FD fd = write_stream(rows[i].items, id);
	VIV_ERROR e = VIV_ERROR_INIT;
	struct viv_store_gc_result g = {0};
	int r = import(p->s, fd, NULL, &e);

	if (!rows[i].what)
		assert_int_equal(r, 0);
	else if (r >= 0 || !strstr(e.msg, rows[i].what))
		fail_msg("row %zu: expected \"%s\", got %s", i, rows[i].what, e.msg);
	if (rows[i].what && !viv_streq(rows[i].what, "ends before"))
		assert_false(viv_store_has(p->s, id));
	reopen(p);
	assert_false(viv_exists(outside));
	ok(viv_store_gc(p->s, &everything, NULL, &g, err));
	viv_store_gc_result_free(&g);
	assert_int_equal(count_in(p, "objects"), 0);
	assert_int_equal(count_in(p, "tmp"), 0);
}
}

/* Cut off anywhere, or with any byte changed, a stream is refused or was not harmed. */
static void damaged(void **state)
{
	struct place *p = *state;
	VIV_FREE char *a = put(p->s, "a", NULL), *b = put(p->s, "b", a);
	VIV_FREE char *root = viv_path_join(p->dir, "other");
	VIV_FD fd = memory();
	VIV_STR whole = VIV_STR_INIT;

	export(p->s, b, fd);
	ok(viv_read_to_end(fd, 1 << 20, &whole, "stream", err));
	for (size_t i = 0; i < whole.len; i += 64) {
		VIV_CLEANUP(viv_store_closep) struct viv_store *other = NULL;
		VIV_FD cut = memory(), changed = memory();
		char byte = (char)(whole.data[i] ^ 1);
		struct viv_store_problems found = {0};

		ok(viv_store_open(root, &other, err));
		ok(viv_write_all(cut, whole.data, i, "cut", err));
		if (import(other, cut, NULL, NULL) == 0)
			assert_true(i >= whole.len - 1024); /* only the end mark is gone */
		ok(viv_write_all(changed, whole.data, whole.len, "changed", err));
		assert_int_equal(pwrite(changed, &byte, 1, (off_t)i), 1);
		import(other, changed, NULL, NULL);
		ok(viv_store_verify(other, NULL, true, NULL, &found, err));
		assert_int_equal(found.n, 0);
		ok(viv_remove_tree(root, err));
	}
}

/* A package under another one's hash. */
static void wrong_package(void **state)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	VIV_JSON *recipe = json_pack("{s:s, s:s}", "kind", "archive", "sha256", zeros);
	VIV_FREE char *id = viv_store_id("a.deb", recipe);
	struct place *p = *state;
	VIV_FREE char *root = viv_path_join(p->dir, "other");
	VIV_CLEANUP(viv_store_closep) struct viv_store *other = NULL;
	struct viv_store_build *b = NULL;
	VIV_FD fd = memory();

	ok(viv_store_begin(p->s, id, NULL, &b, err));
	write_text(viv_store_build_path(b), "not it");
	ok(viv_store_commit(b, recipe, NULL, err));
	export(p->s, id, fd);
	ok(viv_store_open(root, &other, err));
	assert_int_equal(import(other, fd, NULL, NULL), -EBADMSG);
	assert_false(viv_store_has(other, id));
}

static void not_a_tar(void **state)
{
	struct place *p = *state;
	VIV_FD fd = memory(), dir = open("/", O_RDONLY | O_CLOEXEC);

	assert_int_equal(import(p->s, fd, NULL, NULL), -EBADMSG);
	ok(viv_write_all(fd, "what is this?", 13, "stream", err));
	assert_int_equal(import(p->s, fd, NULL, NULL), -EBADMSG);
	assert_int_equal(import(p->s, dir, NULL, NULL), -EISDIR);
}

#define with_store(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_store(there_and_back),
		with_store(hostile),
		with_store(damaged),
		with_store(wrong_package),
		with_store(not_a_tar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
