/* SPDX-License-Identifier: MIT */
/* What a receiver takes of a stream that a hostile guest made. tests/fuzz/transfer.c tries all else. */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "transfer/transfer.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream {
	struct viv_str bytes;
	struct viv_str said;
};

static void add(struct stream *s, uint8_t type, const char *name)
{
	uint8_t head[VIV_TRANSFER_HEAD];

	viv_transfer_put(head, &(struct viv_transfer_record){
				       .type = type, .name_len = (uint16_t)strlen(name), .mode = 0700});
	viv_str_add_bytes(&s->bytes, head, sizeof(head));
	viv_str_add_bytes(&s->bytes, name, strlen(name));
}

static void add_file(struct stream *s, const char *name)
{
	add(s, VIV_TRANSFER_FILE, name);
	add(s, VIV_TRANSFER_DONE, "");
}

static void add_link(struct stream *s, const char *name, const char *target)
{
	uint8_t head[VIV_TRANSFER_HEAD];

	viv_transfer_put(head, &(struct viv_transfer_record){.type = VIV_TRANSFER_LINK,
							     .name_len = (uint16_t)strlen(name),
							     .size = strlen(target)});
	viv_str_add_bytes(&s->bytes, head, sizeof(head));
	viv_str_add_bytes(&s->bytes, name, strlen(name));
	viv_str_add_bytes(&s->bytes, target, strlen(target));
}

static void on_complaint(const char *text, void *arg)
{
	viv_str_addf(arg, "%s\n", text);
}

static long receive(struct stream *s, const char *path, const char *const *names)
{
	const struct viv_transfer_target target = {.path = path, .names = names};
	const struct viv_transfer_listener l = {.complain = on_complaint, .arg = &s->said};
	VIV_FD fd = memfd_create("stream", MFD_CLOEXEC);
	long result;

	add(s, VIV_TRANSFER_END, "");
	assert_int_equal(viv_write_all(fd, VIV_TRANSFER_MAGIC, VIV_TRANSFER_MAGIC_LEN, "", NULL), 0);
	assert_int_equal(viv_write_all(fd, s->bytes.data, s->bytes.len, "", NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	result = viv_transfer_receive(fd, &target, NULL, &l);
	viv_str_free(&s->bytes);
	return result;
}

static bool is_there(const char *folder, const char *name)
{
	VIV_FREE char *path = viv_path_join(folder, name);

	return access(path, F_OK) == 0;
}

/* Whoever copies one file into his home does not get a .profile with it. */
static void only_what_was_asked_for(void **state)
{
	static const char *const names[] = {"hosts", "dir", "dir", NULL}, *const any[] = {"", NULL};
	VIV_FREE char *dir = test_dir("transfer");
	struct stream s = {VIV_STR_INIT, VIV_STR_INIT};

	add_file(&s, "hosts");
	add(&s, VIV_TRANSFER_FOLDER, "dir");
	add_file(&s, "whatever");
	add(&s, VIV_TRANSFER_UP, "");
	assert_int_equal(receive(&s, dir, names), 0);
	assert_true(is_there(dir, "hosts") && is_there(dir, "dir/whatever"));
	add_file(&s, "dir"); /* "hosts" could not be read there */
	add_file(&s, ".profile");
	assert_int_equal(receive(&s, dir, names), -EPROTO);
	assert_false(is_there(dir, ".profile"));
	assert_non_null(strstr(s.said.data, "/.profile: the guest sends what was not asked for"));
	add_file(&s, "hosts"); /* each once */
	add_file(&s, "hosts");
	assert_int_equal(receive(&s, dir, names), -EPROTO);
	/* A folder whose name only the guest knows. */
	add_file(&s, ".profile");
	assert_int_equal(receive(&s, dir, any), -EPROTO);
	assert_false(is_there(dir, ".profile"));
	add(&s, VIV_TRANSFER_FOLDER, "root");
	add(&s, VIV_TRANSFER_UP, "");
	assert_int_equal(receive(&s, dir, any), 0);
	assert_true(is_there(dir, "root"));
	viv_str_free(&s.said);
	viv_remove_tree(dir, NULL);
}

/* A link that the user names is followed, as cp does; one that came, or is in the way, never. */
static void links_in_the_way(void **state)
{
	static const char *const names[] = {"hosts", NULL}, *const tree[] = {"tree", NULL};
	VIV_FREE char *dir = test_dir("transfer-links"), *to = viv_path_join(dir, "link");
	VIV_FREE char *real = viv_path_join(dir, "real"), *dangling = viv_path_join(dir, "dangling");
	VIV_FREE char *in_tree = viv_path_join(dir, "hosts"), *sub = viv_path_join(dir, "tree");
	struct stream s = {VIV_STR_INIT, VIV_STR_INIT};
	struct stat st;

	assert_int_equal(viv_write_file(real, "before", 6, 0600, NULL), 0);
	assert_int_equal(symlink("real", to) | symlink("nowhere", dangling) | symlink("real", in_tree), 0);
	add_file(&s, "hosts");
	assert_int_equal(receive(&s, to, names), 0);
	assert_true(lstat(to, &st) == 0 && S_ISLNK(st.st_mode));
	assert_true(lstat(real, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0);
	add_file(&s, "hosts");
	assert_int_equal(receive(&s, dangling, names), -ENOENT);
	assert_false(is_there(dir, "nowhere"));
	assert_non_null(strstr(s.said.data, "dangling: a link that leads nowhere"));
	add_file(&s, "hosts");
	assert_int_equal(receive(&s, dir, names), 0);
	assert_true(lstat(in_tree, &st) == 0 && S_ISREG(st.st_mode));
	/* A folder that is a link here, and a link that comes instead of the file that was asked for. */
	assert_int_equal(symlink("/tmp", sub), 0);
	add(&s, VIV_TRANSFER_FOLDER, "tree");
	add_file(&s, "viv-was-here");
	add(&s, VIV_TRANSFER_UP, "");
	assert_int_equal(receive(&s, dir, tree), 1);
	assert_false(is_there("/tmp", "viv-was-here"));
	add_link(&s, "hosts", "/etc/passwd");
	assert_int_equal(receive(&s, dir, names), -EPROTO);
	assert_true(lstat(in_tree, &st) == 0 && S_ISREG(st.st_mode));
	viv_str_free(&s.said);
	viv_remove_tree(dir, NULL);
}

/* A file that says that it is empty and is not, as those of proc. */
static void files_of_unknown_size(void **state)
{
	VIV_FREE char *dir = test_dir("transfer-proc"), *path = viv_path_join(dir, "status");
	static const char *const paths[] = {"/proc/self/status", NULL};
	const struct viv_transfer_target target = {.path = dir, .folder = true};
	const struct viv_transfer_listener none = {0};
	VIV_FD fd = memfd_create("stream", MFD_CLOEXEC);
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_transfer_send(fd, paths, NULL, &none), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(viv_transfer_receive(fd, &target, NULL, &none), 0);
	assert_int_equal(viv_read_file(path, 1 << 20, &text, NULL), 0);
	assert_true(text.len > 500 && viv_starts_with(text.data, "Name:"));
	viv_remove_tree(dir, NULL);
}

/* One without an end, nearly: not the whole of it is read. */
static void files_without_end(void **state)
{
	static const char *const paths[] = {"/proc/self/pagemap", NULL};
	VIV_FD fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	VIV_STR said = VIV_STR_INIT;
	const struct viv_transfer_listener l = {.complain = on_complaint, .arg = &said};

	if (access(paths[0], R_OK) < 0)
		skip();
	assert_int_equal(viv_transfer_send(fd, paths, NULL, &l), 1);
	assert_string_equal(said.data, "/proc/self/pagemap: has no size and more than 64 MiB\n");
	viv_str_free(&said);
}

static void last_names(void **state)
{
	static const struct {
		const char *path, *name;
	} cases[] = {{"a", "a"}, {"/a/b", "b"}, {"a//", "a"}, {"/", NULL}, {"", NULL},
		     {"a/..", NULL}, {"a/.", NULL}, {".a", ".a"}, {"./-x", "-x"}};
	char name[VIV_TRANSFER_NAME_MAX + 1];

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		assert_int_equal(viv_transfer_last_name(cases[i].path, name), cases[i].name != NULL);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_asked_for),
		cmocka_unit_test(links_in_the_way),
		cmocka_unit_test(files_of_unknown_size),
		cmocka_unit_test(files_without_end),
		cmocka_unit_test(last_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
