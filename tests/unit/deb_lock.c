/* SPDX-License-Identifier: MIT */
#include "base/fd.h"
#include "base/path.h"
#include "deb/lock.h"
#include "unit.h"

#include <unistd.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A whole lock file; rows of the table below put one wrong thing into it. */
static const char good[] =
	"{\"version\": 1, \"indexes\": {\"trixie/main\": {\"date\": \"Sat, 15 Nov 2025 09:54:41 UTC\"}},\n"
	"\"packages\": {\"htop_3.4.1-5_amd64\": {\"index\": \"trixie/main\", \"path\": \"pool/h.deb\",\n"
	"\"sha256\": \"" HASH "\", \"size\": 7}},\n"
	"\"machines\": {\"default\": {\"release\": \"trixie\", \"architecture\": \"amd64\",\n"
	"\"components\": [\"main\"], \"recommends\": false, \"kernel\": null,\n"
	"\"accounts\": {\"base\": {\"users\": {}, \"groups\": {\"_ssh\": 101}}},\n"
	"\"layers\": [{\"name\": \"base\", \"requested\": [], \"packages\": [\"htop_3.4.1-5_amd64\"],\n"
	"\"bootstrap\": [], \"unpack\": [\"htop\", \"*\"], \"configure\": [\"htop\"]}]}}}\n";

static void written_and_read(void **state)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *a = NULL, *b = NULL;
	VIV_STR one = VIV_STR_INIT, two = VIV_STR_INIT;
	const struct viv_lock_package *p;

	assert_int_equal(viv_lock_parse(good, sizeof(good) - 1, "vm.lock", "default", &a, NULL), 0);
	p = viv_lock_find(a, "htop");
	assert_non_null(p);
	assert_string_equal(p->version, "3.4.1-5");
	assert_string_equal(p->architecture, "amd64");
	assert_int_equal(p->size, 7);
	viv_lock_format(a, &one);
	assert_int_equal(viv_lock_parse(one.data, one.len, "vm.lock", "default", &b, NULL), 0);
	viv_lock_format(b, &two);
	assert_string_equal(one.data, two.data);
}

static void other_machines_stay(void **state)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *again = NULL;
	VIV_STR text = VIV_STR_INIT;

	assert_int_equal(viv_lock_parse(good, sizeof(good) - 1, "vm.lock", "web", &l, NULL), 0);
	assert_int_equal(l->n_layers, 0);
	l->release = viv_strdup("trixie");
	l->architecture = viv_strdup("amd64");
	viv_lock_add_layer(l, "base");
	viv_lock_format(l, &text);
	assert_int_equal(viv_lock_parse(text.data, text.len, "x", "default", &again, NULL), 0);
	assert_non_null(viv_lock_find(again, "htop"));
}

/* Another archive's package of the same name and version: both are recorded, each with its hash. */
static void same_key(void **state)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL, *a = NULL, *b = NULL;
	struct viv_lock_layer *layer;
	struct viv_lock_package *p;
	VIV_STR text = VIV_STR_INIT, again = VIV_STR_INIT;

	assert_int_equal(viv_lock_parse(good, sizeof(good) - 1, "vm.lock", "default", &a, NULL), 0);
	assert_int_equal(viv_lock_parse(good, sizeof(good) - 1, "vm.lock", "web", &l, NULL), 0);
	l->release = viv_strdup("trixie");
	l->architecture = viv_strdup("amd64");
	layer = viv_lock_add_layer(l, "base");
	p = viv_lock_add_package(layer);
	viv_lock_package_copy(p, viv_lock_find(a, "htop"));
	memset(p->sha256, '9', sizeof(p->sha256) - 1);
	viv_lock_format(l, &text);
	assert_non_null(strstr(text.data, "\"htop_3.4.1-5_amd64@99999999\""));
	assert_int_equal(viv_lock_parse(text.data, text.len, "x", "web", &b, NULL), 0);
	assert_string_equal(viv_lock_find(b, "htop")->sha256, p->sha256);
	assert_string_equal(viv_lock_find(b, "htop")->architecture, "amd64");
	viv_lock_format(b, &again);
	assert_string_equal(text.data, again.data);
	viv_lock_free(b);
	assert_int_equal(viv_lock_parse(text.data, text.len, "x", "default", &b, NULL), 0);
	assert_string_equal(viv_lock_find(b, "htop")->sha256, viv_lock_find(a, "htop")->sha256);
}

/* vm.lock forgets machines whose file is gone; a lock file of another name does not. */
static void gone(void **state)
{
	static const struct {
		const char *file;
		size_t pruned;
	} rows[] = {{"vm.lock", 1}, {"shared.lock", 0}};
	char dir[] = "/tmp/viv-lock-XXXXXX";

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		static const char *const machines[] = {"default", "there.lua", "gone.lua", "new.lua"};
		VIV_FREE char *path = viv_path_join(dir, rows[i].file);
		VIV_FREE char *there = viv_path_join(dir, "there.lua");
		VIV_FREE char *new = viv_path_join(dir, "new.lua");

		assert_int_equal(viv_write_file(there, "", 0, 0644, NULL), 0);
		for (size_t k = 0; k < VIV_ARRAY_SIZE(machines); k++) {
			VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
			VIV_FREE char *now = viv_path_join(dir, "gone.lua");

			if (k == 2)
				assert_int_equal(viv_write_file(now, "", 0, 0644, NULL), 0);
			assert_int_equal(viv_lock_read(path, machines[k], &l, NULL), 0);
			l->release = viv_strdup("trixie");
			l->architecture = viv_strdup("amd64");
			viv_lock_add_layer(l, "base");
			if (k == 3) {
				unlink(now);
				assert_int_equal(viv_write_file(new, "", 0, 0644, NULL), 0);
			}
			assert_int_equal(viv_lock_write(l, path, NULL), 0);
			assert_int_equal(l->pruned.count, k == 3 ? rows[i].pruned : 0);
			if (l->pruned.count)
				assert_string_equal(l->pruned.items[0], "gone.lua");
		}
		unlink(path);
		unlink(there);
		unlink(new);
	}
	rmdir(dir);
}

static void write_machine(const char *path, const char *machine, const struct viv_strv *parts, const char *want_pruned)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
	VIV_FREE char *pruned = NULL;

	assert_int_equal(viv_lock_read(path, machine, &l, NULL), 0);
	if (!l->release) {
		l->release = viv_strdup("trixie");
		l->architecture = viv_strdup("amd64");
	}
	viv_lock_add_layer(l, "base");
	l->parts = parts;
	assert_int_equal(viv_lock_write(l, path, NULL), 0);
	pruned = viv_strv_join(&l->pruned, " ");
	assert_string_equal(pruned, want_pruned);
}

/* Machines of test files have more to their names than the file; they go with it, or when it has them no more. */
static void parts_of_files(void **state)
{
	char *all[] = {(char *)"a:b.test.lua:web", NULL};
	const struct viv_strv parts = {all, 1, 0};
	VIV_FREE char *dir = test_dir("lock"), *path = viv_path_join(dir, "vm.lock");
	VIV_FREE char *test = viv_path_join(dir, "a:b.test.lua"), *vm = viv_path_join(dir, "vm.lua");

	assert_int_equal(viv_write_file(test, "", 0, 0644, NULL), 0);
	assert_int_equal(viv_write_file(vm, "", 0, 0644, NULL), 0);
	write_machine(path, "a:b.test.lua:client[fs=x:y]", NULL, "");
	write_machine(path, "a:b.test.lua:client[fs=x:y]#htop", NULL, "");
	write_machine(path, "a:b.test.lua:web", NULL, "");
	write_machine(path, "vm.lua", NULL, "");
	write_machine(path, "a:b.test.lua:web", &parts, "a:b.test.lua:client[fs=x:y] a:b.test.lua:client[fs=x:y]#htop");
	unlink(test);
	write_machine(path, "vm.lua", NULL, "a:b.test.lua:web");
	viv_remove_tree(dir, NULL);
}

/* The machine's file is in another folder: so may others' be, whose vm.lock this is as well. */
static void of_another_folder(void **state)
{
	static const char *const machines[] = {"web.lua", "db.lua"};
	char dir[] = "/tmp/viv-lock-XXXXXX";

	assert_non_null(mkdtemp(dir));
	VIV_FREE char *path = viv_path_join(dir, "vm.lock");
	for (size_t k = 0; k < VIV_ARRAY_SIZE(machines); k++) {
		VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;

		assert_int_equal(viv_lock_read(path, machines[k], &l, NULL), 0);
		l->release = viv_strdup("trixie");
		l->architecture = viv_strdup("amd64");
		viv_lock_add_layer(l, "base");
		assert_int_equal(viv_lock_write(l, path, NULL), 0);
		assert_int_equal(l->pruned.count, 0);
	}
	unlink(path);
	rmdir(dir);
}

/* What is named by its path is forgotten with its file, whatever the lock file's name. */
static void gone_elsewhere(void **state)
{
	static const char *const machines[] = {"a/one.lua", "", "a/three.lua"};
	char dir[] = "/tmp/viv-lock-XXXXXX";

	assert_non_null(mkdtemp(dir));
	VIV_FREE char *path = viv_path_join(dir, "shared.lock"), *a = viv_path_join(dir, "a");
	assert_int_equal(viv_mkdir_p(a, 0755, NULL), 0);
	for (size_t k = 0; k < VIV_ARRAY_SIZE(machines); k++) {
		VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
		VIV_FREE char *name = k == 1 ? viv_asprintf("../%s/a/two.lua", viv_path_base(dir))
					     : viv_strdup(machines[k]);
		VIV_FREE char *file = viv_path_join(dir, name), *last = viv_path_join(dir, "a/two.lua");

		if (k == 2)
			unlink(last);
		assert_int_equal(viv_write_file(file, "", 0, 0644, NULL), 0);
		assert_int_equal(viv_lock_read(path, name, &l, NULL), 0);
		l->release = viv_strdup("trixie");
		l->architecture = viv_strdup("amd64");
		viv_lock_add_layer(l, "base");
		assert_int_equal(viv_lock_write(l, path, NULL), 0);
		assert_int_equal(l->pruned.count, k == 2);
		if (l->pruned.count)
			assert_true(viv_ends_with(l->pruned.items[0], "/a/two.lua"));
	}
	for (size_t k = 0; k < VIV_ARRAY_SIZE(machines); k += 2) {
		VIV_FREE char *file = viv_path_join(dir, machines[k]);

		unlink(file);
	}
	unlink(path);
	rmdir(a);
	rmdir(dir);
}

/* A machine of another folder was written by its file's name alone once. */
static void by_path(void **state)
{
	static const struct {
		const char *key;
		bool beside;
		size_t layers;
	} rows[] = {
		{"web.lua", false, 1},	  {"a/web.lua", false, 1}, {"../x/web.lua", false, 1},
		{"a/db.lua", false, 0}, {"a/web.lua", true, 0},
	};
	char dir[] = "/tmp/viv-lock-XXXXXX";

	assert_non_null(mkdtemp(dir));
	VIV_FREE char *path = viv_path_join(dir, "vm.lock"), *beside = viv_path_join(dir, "web.lua");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = viv_lock_new("web.lua"), *again = NULL;

		unlink(path);
		l->release = viv_strdup("trixie");
		l->architecture = viv_strdup("amd64");
		viv_lock_add_layer(l, "base");
		assert_int_equal(viv_lock_write(l, path, NULL), 0);
		if (rows[i].beside)
			assert_int_equal(viv_write_file(beside, "", 0, 0644, NULL), 0);
		assert_int_equal(viv_lock_read(path, rows[i].key, &again, NULL), 0);
		assert_int_equal(again->n_layers, rows[i].layers);
		assert_string_equal(again->machine, rows[i].key);
		assert_string_equal(again->file, path);
	}
	unlink(beside);
	unlink(path);
	rmdir(dir);
}

static void add_one(struct viv_lock *l, const char *package, const char *date)
{
	struct viv_lock_package *p = viv_lock_add_package(viv_lock_add_layer(l, "base"));
	char hex[VIV_SHA256_HEX];

	viv_sha256_of(date, strlen(date), hex);
	l->release = viv_strdup("trixie");
	l->architecture = viv_strdup("amd64");
	*p = (struct viv_lock_package){viv_strdup(package),   viv_strdup("1"), viv_strdup("amd64"),
				       viv_strdup("pool/p.deb"), viv_strdup("trixie/main"), 1, HASH};
	json_object_set_new(l->indexes, "trixie/main",
			    json_pack("{s:s, s:s}", "date", date, "sha256", hex));
}

/* Of two processes each saw the index at another time: what came of it then keeps its time. */
static void two_times(void **state)
{
	static const struct {
		const char *machine, *package, *date;
	} rows[] = {{"web.lua", "web", "Sat, 15 Nov 2025 09:54:41 UTC"},
		    {"db.lua", "db", "Sun, 16 Nov 2025 09:54:41 UTC"}};
	char dir[] = "/tmp/viv-lock-XXXXXX";

	assert_non_null(mkdtemp(dir));
	VIV_FREE char *path = viv_path_join(dir, "shared.lock");
	for (size_t first = 0; first < 2; first++) {
		VIV_CLEANUP(viv_lock_freep) struct viv_lock *a = NULL, *b = NULL;
		struct viv_lock *both[2];

		unlink(path);
		assert_int_equal(viv_lock_read(path, rows[0].machine, &a, NULL), 0);
		assert_int_equal(viv_lock_read(path, rows[1].machine, &b, NULL), 0);
		both[0] = a;
		both[1] = b;
		for (size_t i = 0; i < 2; i++)
			add_one(both[i], rows[i].package, rows[i].date);
		assert_int_equal(viv_lock_write(both[first], path, NULL), 0);
		assert_int_equal(viv_lock_write(both[!first], path, NULL), 0);
		assert_int_equal(viv_lock_write(both[first], path, NULL), 0);
		for (size_t i = 0; i < 2; i++) {
			VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
			const struct viv_lock_package *p;

			assert_int_equal(viv_lock_read(path, rows[i].machine, &l, NULL), 0);
			p = viv_lock_find(l, rows[i].package);
			assert_non_null(p);
			assert_string_equal(viv_json_str(json_object_get(l->indexes, p->index), "date"),
					    rows[i].date);
		}
	}
	unlink(path);
	rmdir(dir);
}

/* Versions to stay with: those of machines of the same release, never another one's. */
static void preferences(void **state)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
	static const struct {
		const char *release, *architecture;
		size_t n;
	} rows[] = {{"trixie", "amd64", 1}, {"bookworm", "amd64", 0}, {"trixie", "arm64", 0}};

	assert_int_equal(viv_lock_parse(good, sizeof(good) - 1, "vm.lock", "web", &l, NULL), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct viv_lock_layer all = {0};

		assert_int_equal(viv_lock_everything(l, rows[i].release, rows[i].architecture, &all,
						     NULL), 0);
		assert_int_equal(all.n_packages, rows[i].n);
		viv_lock_layer_clear(&all);
	}
}

static void bad_files(void **state)
{
	static const struct {
		const char *from, *to, *message;
	} rows[] = {
		{"\"version\": 1", "\"version\": 2", "vm.lock: lock file: its version is not 1"},
		{"htop_3.4.1-5_amd64\": {", "htop_3.4.1-6_amd64\": {",
		 "vm.lock: htop_3.4.1-5_amd64: not a package"},
		{"pool/h.deb", "../h.deb", "vm.lock: htop_3.4.1-5_amd64: not a path below a mirror"},
		{"pool/h.deb", "pool/h deb", "vm.lock: htop_3.4.1-5_amd64: not a path below a mirror"},
		{HASH, "abc", "vm.lock: htop_3.4.1-5_amd64: not a SHA-256"},
		{"\"size\": 7", "\"size\": -7", "vm.lock: htop_3.4.1-5_amd64: not a size"},
		{"\"trixie/main\", \"path", "\"sid/main\", \"path",
		 "vm.lock: htop_3.4.1-5_amd64: no such index"},
		{"[\"htop\", \"*\"]", "[\"--root\"]", "vm.lock: base: expected names"},
		{"[\"htop\", \"*\"]", "[\"nano\"]",
		 "vm.lock: base: its order names a package that it doesn't have"},
		{"{\"_ssh\": 101}", "{\"_ssh:\": 101}",
		 "vm.lock: lock file: accounts: not users and groups"},
		{"{\"_ssh\": 101}", "{\"_ssh\": 0}",
		 "vm.lock: lock file: accounts: group _ssh: its gid is not from 100 to 999"},
		{"\"users\": {}", "\"users\": {\"x\": {\"uid\": 0, \"gid\": 100, \"gecos\": \"\", "
				   "\"home\": \"/\", \"shell\": \"/bin/sh\"}}",
		 "vm.lock: lock file: accounts: user x: its uid is not from 100 to 999, or its gid "
		 "not up to 999"},
		{"\"users\": {}", "\"users\": {\"x\": {\"uid\": 100, \"gid\": 65533, \"gecos\": \"\", "
				   "\"home\": \"/\", \"shell\": \"/bin/sh\"}}",
		 "vm.lock: lock file: accounts: user x: its uid is not from 100 to 999, or its gid "
		 "not up to 999"},
		{"\"trixie\", \"arch", "\"../x\", \"arch",
		 "vm.lock: lock file: release and architecture: expected names"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;
		const char *at = strstr(good, rows[i].from);
		VIV_ERROR err = VIV_ERROR_INIT;
		VIV_FREE char *text = NULL;

		assert_non_null(at);
		text = viv_asprintf("%.*s%s%s", (int)(at - good), good, rows[i].to,
				    at + strlen(rows[i].from));
		assert_int_equal(viv_lock_parse(text, strlen(text), "vm.lock", "default", &l, &err),
				 -EINVAL);
		*strchrnul(err.msg, '\n') = '\0';
		assert_string_equal(err.msg, rows[i].message);
	}
}

static void differences(void **state)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *a = NULL, *b = NULL;
	VIV_STRV lines = VIV_STRV_INIT;
	struct viv_lock_package *p;

	assert_int_equal(viv_lock_parse(good, sizeof(good) - 1, "x", "default", &a, NULL), 0);
	assert_int_equal(viv_lock_parse(good, sizeof(good) - 1, "x", "default", &b, NULL), 0);
	p = &b->layers[0].packages[0];
	free(p->version);
	p->version = viv_strdup("3.5");
	p = viv_lock_add_package(&b->layers[0]);
	viv_lock_package_copy(p, &a->layers[0].packages[0]);
	free(p->name);
	p->name = viv_strdup("nano");
	viv_lock_layer_sort(&b->layers[0]);
	viv_lock_compare(a, b, &lines);
	assert_int_equal(lines.count, 2);
	assert_string_equal(lines.items[0], "htop 3.4.1-5 -> 3.5");
	assert_string_equal(lines.items[1], "+ nano 3.4.1-5");
}

static void missing_file(void **state)
{
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *l = NULL;

	assert_int_equal(viv_lock_read("/nonexistent/vm.lock", "default", &l, NULL), 0);
	assert_int_equal(l->n_layers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read), cmocka_unit_test(other_machines_stay),
		cmocka_unit_test(preferences), cmocka_unit_test(bad_files),	    cmocka_unit_test(differences),
		cmocka_unit_test(missing_file), cmocka_unit_test(same_key), cmocka_unit_test(gone),
		cmocka_unit_test(parts_of_files), cmocka_unit_test(of_another_folder), cmocka_unit_test(gone_elsewhere), cmocka_unit_test(by_path),
		cmocka_unit_test(two_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
