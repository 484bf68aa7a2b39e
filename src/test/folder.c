/* SPDX-License-Identifier: MIT */
#include "test/folder.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "test/junit.h"
#include "test/tap.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER	 VIV_TEST_FOLDER_MARKER
#define HEADER	 "viv test results 1\n"
#define JSONL	 "results.jsonl"
#define PLANNED	 "planned.jsonl"
#define NAME_MAX_OWN 80
#define MARKER_MAX   (16u << 20)
#define JSONL_MAX    (256u << 20)
#define MAX_TRIES    1000
#define HASH_DIGITS  8

struct viv_test_folder {
	char *path;
	int marker_fd, jsonl_fd;
};

void viv_test_folder_free(struct viv_test_folder *f)
{
	if (!f)
		return;
	viv_close(f->marker_fd);
	viv_close(f->jsonl_fd);
	free(f->path);
	free(f);
}

const char *viv_test_folder_path(const struct viv_test_folder *f)
{
	return f->path;
}

/* Is nothing in it? */
static int is_empty(const char *path, bool *ret, struct viv_error *err)
{
	DIR *d = opendir(path);

	if (!d)
		return viv_error_set(err, errno, "%s", path);
	*ret = true;
	for (struct dirent *e; (e = readdir(d));)
		if (!viv_streq(e->d_name, ".") && !viv_streq(e->d_name, ".."))
			*ret = false;
	closedir(d);
	return 0;
}

/* "web.lua-page-a7574d7f", and perhaps "-2": as name_of and viv_test_folder_begin make them. */
static bool is_name(const char *name)
{
	const char *at = name + strlen(name), *number = at;

	if (!viv_path_is_safe(name) || strchr(name, '/'))
		return false;
	while (number > name && isdigit((unsigned char)number[-1]))
		number--;
	/* What is only digits may be the hash of a name without a number. */
	if (*number && number[0] != '0' && at - number <= 4 && number > name && number[-1] == '-')
		at = number - 1;
	return at - name > HASH_DIGITS && at[-HASH_DIGITS - 1] == '-' &&
	       strspn(at - HASH_DIGITS, "0123456789abcdef") >= HASH_DIGITS;
}

/* The folders that a marker lists; what a stranger may have put there is left out. ENOENT: no marker. */
static int read_marker(const char *path, struct viv_strv *ret, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;
	int r = viv_read_below(path, MARKER, MARKER_MAX, &text, err);

	if (r < 0)
		return r;
	/* Empty: killed as it was made. */
	if (text.len && !viv_starts_with(text.data, HEADER))
		return viv_error_say(err, EINVAL, "%s/" MARKER ": not of this version of viv", path);
	rest = (struct viv_slice){text.data, text.len};
	if (!viv_slice_line(&rest, &line))
		return 0;
	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *name = viv_slice_dup(line);

		if (is_name(name))
			viv_strv_push(ret, name);
	}
	return 0;
}

static int check_is_ours(const char *path, struct viv_error *err)
{
	VIV_STRV folders = VIV_STRV_INIT;
	VIV_ERROR why = VIV_ERROR_INIT;
	bool empty = false;
	int r = is_empty(path, &empty, err);

	if (r < 0 || empty)
		return r;
	r = read_marker(path, &folders, &why);
	if (r != -ENOENT)
		return r < 0 ? viv_error_move(err, &why) : 0;
	viv_error_say(err, ENOTEMPTY, "%s is not empty, and holds no results of viv test", path);
	viv_error_hint(err, "name another folder for the results");
	return -ENOTEMPTY;
}

/* Of an earlier run: exactly what it has made. */
static int clear(const char *path, struct viv_error *err)
{
	static const char *const files[] = {JSONL, PLANNED, "results.tap", "junit.xml"};
	VIV_STRV folders = VIV_STRV_INIT;
	int r = read_marker(path, &folders, err);

	for (size_t i = 0; r == 0 && i < folders.count; i++) {
		VIV_FREE char *folder = viv_path_join(path, folders.items[i]);

		r = viv_remove_tree(folder, err);
	}
	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(files); i++) {
		VIV_FREE char *file = viv_path_join(path, files[i]);

		if (unlink(file) < 0 && errno != ENOENT)
			r = viv_error_set(err, errno, "%s", file);
	}
	return r;
}

static int open_in(const char *path, const char *name, int flags, struct viv_error *err)
{
	VIV_FREE char *file = viv_path_join(path, name);

	return viv_open(file, flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644, err);
}

static int take_over(struct viv_test_folder *f, struct viv_error *err)
{
	int r;

	f->marker_fd = open_in(f->path, MARKER, O_RDWR | O_APPEND, err);
	if (f->marker_fd < 0)
		return f->marker_fd;
	if (flock(f->marker_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? viv_error_say(err, EBUSY,
							    "%s: another viv test writes its results there",
							    f->path)
					    : viv_error_set(err, errno, "%s", f->path);
	r = clear(f->path, err);
	if (r < 0)
		return r;
	if (ftruncate(f->marker_fd, 0) < 0)
		return viv_error_set(err, errno, "%s/" MARKER, f->path);
	r = viv_write_all(f->marker_fd, HEADER, strlen(HEADER), MARKER, err);
	if (r < 0)
		return r;
	f->jsonl_fd = open_in(f->path, JSONL, O_WRONLY | O_APPEND, err);
	return f->jsonl_fd < 0 ? f->jsonl_fd : 0;
}

int viv_test_folder_open(const char *path, struct viv_test_folder **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_test_folder_freep) struct viv_test_folder *f = viv_new(struct viv_test_folder);
	int r;

	f->marker_fd = f->jsonl_fd = -1;
	r = viv_path_absolute(path, &f->path, err);
	if (r == 0)
		r = viv_mkdir_p(f->path, 0755, err);
	if (r == 0)
		r = check_is_ours(f->path, err);
	if (r == 0)
		r = take_over(f, err);
	if (r < 0)
		return r;
	*ret = viv_steal(f);
	return 0;
}

/* What is odd becomes a dash; the hash makes up for what is lost. */
static char *name_of(const char *title)
{
	VIV_STR s = VIV_STR_INIT;
	char hex[VIV_SHA256_HEX];

	viv_sha256_of(title, strlen(title), hex);
	for (const char *p = title; *p && s.len < NAME_MAX_OWN; p++)
		if (isalnum((unsigned char)*p) || (s.len && strchr("._=", *p)))
			viv_str_add_char(&s, *p);
		else if (s.len && s.data[s.len - 1] != '-')
			viv_str_add_char(&s, '-');
	if (!s.len)
		viv_str_add(&s, "test");
	if (s.data[s.len - 1] != '-')
		viv_str_add_char(&s, '-');
	viv_str_addf(&s, "%.*s", HASH_DIGITS, hex);
	return viv_str_steal(&s);
}

int viv_test_folder_begin(struct viv_test_folder *f, const char *title, char **ret_name,
			  struct viv_error *err)
{
	VIV_FREE char *base = name_of(title), *name = viv_strdup(base);

	for (unsigned i = 2;; i++) {
		VIV_FREE char *line = viv_asprintf("%s\n", name), *path = viv_path_join(f->path, name);
		int r;

		if (!viv_exists(path)) {
			r = viv_write_all(f->marker_fd, line, strlen(line), MARKER, err);
			if (r < 0)
				return r;
			if (mkdir(path, 0755) == 0)
				break;
			if (errno != EEXIST)
				return viv_error_set(err, errno, "%s", path);
		}
		if (i > MAX_TRIES)
			return viv_error_set(err, EEXIST, "%s", path);
		free(name);
		name = viv_asprintf("%s-%u", base, i);
	}
	*ret_name = viv_steal(name);
	return 0;
}

static int write_in(const char *path, const char *name, const struct viv_str *text,
		    struct viv_error *err)
{
	VIV_FREE char *file = viv_path_join(path, name);

	return viv_write_file(file, text->data, text->len, 0644, err);
}

int viv_test_folder_plan(struct viv_test_folder *f, const struct viv_test_results *planned,
			 struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;

	for (size_t i = 0; i < planned->count; i++) {
		VIV_JSON *j = viv_test_result_json(&planned->items[i]);

		viv_json_canonical(j, &text);
		viv_str_add_char(&text, '\n');
	}
	if (text.len > JSONL_MAX)
		return viv_error_say(err, EFBIG, "%s/" PLANNED ": more than %u MiB of tests", f->path, JSONL_MAX >> 20);
	return write_in(f->path, PLANNED, &text, err);
}

int viv_test_folder_add(struct viv_test_folder *f, const struct viv_test_result *r,
			struct viv_error *err)
{
	VIV_JSON *j = viv_test_result_json(r);
	VIV_STR line = VIV_STR_INIT;
	struct stat st;
	int code;

	viv_json_canonical(j, &line);
	viv_str_add_char(&line, '\n');
	if (fstat(f->jsonl_fd, &st) < 0)
		return viv_error_set(err, errno, "%s/" JSONL, f->path);
	/* Else nobody could read any of it. */
	if ((uint64_t)st.st_size + line.len > JSONL_MAX)
		return viv_error_say(err, EFBIG, "%s/" JSONL ": more than %u MiB of results", f->path, JSONL_MAX >> 20);
	code = viv_write_all(f->jsonl_fd, line.data, line.len, JSONL, err);
	/* No half of a line (the disk is full): the next one would be lost with it. */
	if (code < 0 && ftruncate(f->jsonl_fd, st.st_size) < 0)
		viv_error_hint(err, "%s/" JSONL " ends in half a line", f->path);
	return code < 0 ? viv_error_context(err, "%s", f->path) : 0;
}

int viv_test_folder_finish(struct viv_test_folder *f, struct viv_error *err)
{
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results list = {0};
	VIV_STR text = VIV_STR_INIT;
	int r = viv_test_folder_read(f->path, &list, NULL, err);

	if (r < 0)
		return r;
	viv_test_tap(&list, &text);
	r = write_in(f->path, "results.tap", &text, err);
	if (r < 0)
		return r;
	viv_str_clear(&text);
	viv_test_junit(&list, &text);
	return write_in(f->path, "junit.xml", &text, err);
}

static int read_line(struct viv_slice line, struct viv_test_results *list, struct viv_error *err)
{
	struct viv_test_result result = {0};
	VIV_JSON *j = NULL;
	int r;

	if (line.len > VIV_TEST_LINE_MAX)
		return viv_error_say(err, EINVAL, "too long");
	r = viv_json_parse(line.data, line.len, "JSON", &j, err);
	if (r == 0)
		r = viv_test_result_parse(j, &result, err);
	if (r == 0)
		viv_test_results_take(list, &result);
	return r;
}

static int read_results(const char *path, const char *name, struct viv_test_results *list,
			struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_ERROR why = VIV_ERROR_INIT;
	struct viv_slice rest, line;
	int r = viv_read_below(path, name, JSONL_MAX, &text, &why);

	if (r < 0)
		return r == -ENOENT ? 0 : viv_error_move(err, &why);
	/* Killed while it wrote. */
	while (text.len && text.data[text.len - 1] != '\n')
		text.len--;
	rest = (struct viv_slice){text.data, text.len};
	for (size_t n = 1; viv_slice_line(&rest, &line); n++)
		if ((r = read_line(line, list, err)) < 0)
			return viv_error_context(err, "%s/%s:%zu", path, name, n);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_unfinished(const struct viv_strv *folders, const struct viv_test_results *list,
			    struct viv_strv *ret)
{
	VIV_STRV done = VIV_STRV_INIT;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].folder)
			viv_strv_push(&done, list->items[i].folder);
	viv_strv_uniq(&done);
	for (size_t i = 0; i < folders->count; i++)
		if (!done.count || !bsearch(&folders->items[i], done.items, done.count,
					    sizeof(*done.items), compare_names))
			viv_strv_push(ret, folders->items[i]);
}

/* Of tests that were to run and have no result: those that had begun have a folder. */
static int add_planned(const char *path, const struct viv_strv *folders, struct viv_test_results *list,
		       struct viv_error *err)
{
	VIV_CLEANUP(viv_test_results_free) struct viv_test_results planned = {0};
	int r = read_results(path, PLANNED, &planned, err);

	for (size_t i = 0; r == 0 && i < planned.count; i++) {
		struct viv_test_result *p = &planned.items[i];
		VIV_FREE char *folder = name_of(p->title);

		if (!viv_strv_has(folders, folder))
			continue;
		free(p->reason);
		p->reason = viv_strdup("the run was cut off before it ended");
		free(p->folder);
		p->folder = viv_steal(folder);
	}
	if (r == 0)
		viv_test_results_fill(list, &planned);
	return r;
}

int viv_test_folder_read(const char *path, struct viv_test_results *ret,
			 struct viv_strv *unfinished, struct viv_error *err)
{
	struct viv_test_results list = {0};
	VIV_STRV folders = VIV_STRV_INIT;
	VIV_ERROR why = VIV_ERROR_INIT;
	int r = read_marker(path, &folders, &why);

	if (r == -ENOENT)
		return viv_error_say(err, ENOENT, "%s: no results of viv test are there", path);
	r = r < 0 ? viv_error_move(err, &why) : read_results(path, JSONL, &list, err);
	if (r == 0)
		r = add_planned(path, &folders, &list, err);
	if (r < 0) {
		viv_test_results_free(&list);
		return r;
	}
	if (unfinished)
		find_unfinished(&folders, &list, unfinished);
	viv_test_results_free(ret);
	*ret = list;
	return 0;
}
