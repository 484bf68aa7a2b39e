/* SPDX-License-Identifier: MIT */

/*
 * The units that options make, in tests/data/units:
 *   valid/    NAME.lua gives the files in NAME.txt, and systemd-analyze has nothing to say of them
 *   errors/   NAME.lua gives exactly the message in NAME.txt
 * With VIV_TEST_UPDATE=1 in the environment the texts are written instead of compared.
 */

#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "config/config.h"
#include "plan/unit.h"
#include "plan/unit_verify.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

/* The cases of this folder. One whose half is lost would not be missed. */
static void list(struct viv_strv *ret)
{
	VIV_STRV wanted = VIV_STRV_INIT;
	DIR *d = opendir(".");

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		char *name = viv_strndup(e->d_name, strcspn(e->d_name, "."));

		if (viv_ends_with(e->d_name, ".lua"))
			viv_strv_take(ret, name);
		else if (viv_ends_with(e->d_name, ".txt"))
			viv_strv_take(&wanted, name);
		else
			free(name);
	}
	closedir(d);
	viv_strv_sort(ret);
	viv_strv_sort(&wanted);
	assert_true(ret->count > 0);
	for (size_t i = 0; i < wanted.count; i++)
		if (!viv_strv_has(ret, wanted.items[i]))
			fail_msg("%s.txt has no machine file", wanted.items[i]);
}

static void enter(const char *folder)
{
	assert_int_equal(chdir(TEST_DATA), 0);
	assert_int_equal(chdir("units"), 0);
	assert_int_equal(chdir(folder), 0);
}

static int load(const char *name, struct viv_config **ret, struct viv_error *err)
{
	VIV_FREE char *file = viv_asprintf("%s.lua", name);
	struct viv_config_request req = {.file = file, .no_site_files = true};

	return viv_config_load(&req, NULL, ret, err);
}

static int collect(const char *name, struct viv_config **ret_config, struct viv_etc *ret, struct viv_error *err)
{
	int r = load(name, ret_config, err);

	return r < 0 ? r : viv_etc_collect(*ret_config, ret, err);
}

static bool compare(const char *name, const char *got)
{
	VIV_FREE char *path = viv_asprintf("%s.txt", name);
	VIV_STR want = VIV_STR_INIT;

	if (getenv("VIV_TEST_UPDATE"))
		return viv_write_file(path, got, strlen(got), 0644, NULL) == 0;
	if (viv_read_file(path, 1 << 20, &want, NULL) == 0 && viv_streq(want.data, got))
		return true;
	print_error("%s: expected\n%s\ngot\n%s\n", name, want.data ? want.data : "nothing", got);
	return false;
}

static void describe(const struct viv_etc *etc, struct viv_str *to)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];

		if (!viv_unit_is_users(f))
			continue;
		viv_str_addf(to, "=== %s %s %o, from %s%s\n%s%s", f->path, f->kind == VIV_ETC_LINK ? "link" : "file",
			     f->mode, f->option, f->drop_in ? ", or a drop-in" : "", f->content.data,
			     viv_ends_with(f->content.data, "\n") ? "" : "\n");
		if (f->drop_in && *f->drop_in)
			viv_str_addf(to, "--- in a drop-in first\n%s", f->drop_in);
	}
}

static void valid(void **state)
{
	VIV_STRV names = VIV_STRV_INIT;
	bool ok = true;

	enter("valid");
	list(&names);
	for (size_t i = 0; i < names.count; i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
		VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
		VIV_ERROR err = VIV_ERROR_INIT;
		VIV_STR text = VIV_STR_INIT;

		if (collect(names.items[i], &config, &etc, &err) < 0)
			fail_msg("%s", err.msg);
		describe(&etc, &text);
		ok &= compare(names.items[i], text.data);
	}
	assert_true(ok);
}

static void errors(void **state)
{
	VIV_STRV names = VIV_STRV_INIT;
	bool ok = true;

	enter("errors");
	list(&names);
	for (size_t i = 0; i < names.count; i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
		VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
		VIV_ERROR err = VIV_ERROR_INIT;
		VIV_FREE char *text = NULL;

		if (collect(names.items[i], &config, &etc, &err) == 0)
			print_error("%s: no error\n", names.items[i]);
		text = viv_asprintf("%s\n", err.msg ? err.msg : "none");
		ok &= compare(names.items[i], text);
	}
	assert_true(ok);
}

/* ---- systemd's own opinion ---- */

static void write_units(const char *dir, const struct viv_etc *etc, struct viv_strv *argv)
{
	for (size_t i = 0; i < etc->n_files; i++) {
		const struct viv_etc_file *f = &etc->files[i];
		VIV_FREE char *unit = NULL, *path = NULL;
		const char *type;

		if (!viv_unit_is_users(f) || !viv_unit_of_file(f, &unit, &type))
			continue;
		path = viv_path_join(dir, viv_path_base(f->path));
		assert_int_equal(viv_write_file(path, f->content.data, f->content.len, 0644, NULL), 0);
		viv_strv_push(argv, path);
	}
}

static char *replace(const char *text, const char *what, const char *with)
{
	VIV_STR s = VIV_STR_INIT;

	for (const char *at; (at = strstr(text, what)); text = at + strlen(what)) {
		viv_str_add_bytes(&s, text, (size_t)(at - text));
		viv_str_add(&s, with);
	}
	viv_str_add(&s, text);
	return viv_str_steal(&s);
}

static void verify(const char *name)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
	VIV_FREE char *dir = test_dir("units"), *path = viv_asprintf("SYSTEMD_UNIT_PATH=%s", dir);
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_FREE char *at_u = NULL;
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_STR said = VIV_STR_INIT;
	static const char *const words[] = {"systemd-analyze", "verify", "--man=no", "--generators=no",
					    "--recursive-errors=no", NULL};
	const char *env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", path, NULL};
	int status;

	assert_int_equal(collect(name, &config, &etc, NULL), 0);
	viv_strv_push_all(&argv, words);
	write_units(dir, &etc, &argv);
	assert_int_equal(viv_process_run((const char *const *)argv.items, env, NULL, NULL, &said, 1 << 20, 60000,
					 &status, NULL), 0);
	/* As the build judges it, where units stand in /u. */
	at_u = replace(said.data ? said.data : "", dir, "/u");
	if (viv_units_judge(&etc, config, at_u, &err) < 0)
		fail_msg("%s", err.msg);
	viv_remove_tree(dir, NULL);
}

static void systemd_agrees(void **state)
{
	VIV_FREE char *program = viv_find_program("systemd-analyze");
	VIV_STRV names = VIV_STRV_INIT;

	if (!program) {
		print_message("systemd-analyze is missing\n");
		skip();
	}
	enter("valid");
	list(&names);
	for (size_t i = 0; i < names.count; i++)
		verify(names.items[i]);
}

static void judges(void **state)
{
	static const struct {
		const char *said, *want; /* NULL: nothing is wrong */
	} cases[] = {
		{"/u/foo.service:3: Unknown key 'X' in section [Service], ignoring.\n",
		 "service.lua:2: systemd.services.foo: foo.service line 3: Unknown key 'X' in section [Service], "
		 "ignoring."},
		/* A setting's own place. */
		{"/u/foo.service:14: Failed to parse Nice=5, ignoring: Invalid argument\n",
		 "service.lua:10: systemd.services.foo.serviceConfig.Nice: foo.service line 14: Failed to parse "
		 "Nice=5, ignoring: Invalid argument"},
		{"/u/foo.service:5: PIDFile= references a path below legacy directory /var/run/, please update\n"
		 "foo.service: Command /usr/lib/viv/services/foo/start is not executable: No such file\n"
		 "/usr/lib/systemd/system/x.service:1: Unknown key 'X', ignoring.\n"
		 "/u/none.service:1: Unknown key 'X', ignoring.\n"
		 "/u/foo.service: ignoring\n/u/foo.service:x: ignoring\n/u/\n:\n\n", NULL},
		/* Nothing is ignored: it does not start. */
		{"/u/foo.service:9: Neither a valid executable name nor an absolute path: ./foo\n"
		 "/u/foo.service:9: Neither a valid executable name nor an absolute path: ./foo\n"
		 "foo.service: Unit configuration has fatal error, unit will not be started.\n"
		 "Unit foo.service has a bad unit file setting.\n",
		 "service.lua:2: systemd.services.foo: foo.service line 9: Neither a valid executable name nor an absolute "
		 "path: ./foo"},
		{"/u/foo.service:14: Support for option Nice= has been removed and it is ignored\n",
		 "service.lua:10: systemd.services.foo.serviceConfig.Nice: foo.service line 14: Support for option Nice= has "
		 "been removed and it is ignored"},
		{"foo.service: Unit configuration has fatal error, unit will not be started.\n"
		 "Unit foo.service has a bad unit file setting.\n",
		 "service.lua:2: systemd.services.foo: foo.service: Unit configuration has fatal error, unit will not be "
		 "started."},
		{"Unit foo.service has a bad unit file setting.\nUnit none.service has a bad unit file setting.\n",
		 "service.lua:2: systemd.services.foo: foo.service: Unit foo.service has a bad unit file setting."},
		{"Accepting user/group name '5 %', which does not match strict user/group name rules.\n"
		 "Accepting user/group name '5', which does not match strict user/group name rules.\n", NULL},
		/* Advice of 252 and 257. */
		{"/u/foo.service:3: Standard output type syslog is obsolete, automatically updating to journal. Please update "
		 "your unit file, and consider removing the setting altogether.\n"
		 "/u/foo.service:4: Special user nobody configured, this is not safe!\n"
		 "/u/foo.service:5: Unit uses MemoryLimit=; please use MemoryMax= instead. Support for MemoryLimit= will be "
		 "removed soon.\n"
		 "/u/foo.service:6: Unit uses KillMode=none. This is unsafe, as it disables systemd's process lifecycle "
		 "management for the service. Please update the service to use a safer KillMode=, such as 'mixed' or "
		 "'control-group'. Support for KillMode=none is deprecated and will eventually be removed.\n"
		 "/u/foo.service:7: ListenStream= references a path below legacy directory /var/run/, updating /var/run/foo "
		 "→ /run/foo; please update the unit file accordingly.\n", NULL},
		{"foo.service: Service has no ExecStart=. Refusing.\nUnit foo.service has a bad unit file setting.\n"
		 "none.service: Service has no ExecStart=. Refusing.\n",
		 "service.lua:2: systemd.services.foo: foo.service: Service has no ExecStart=. Refusing."},
	};
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};

	enter("valid");
	assert_int_equal(collect("service", &config, &etc, NULL), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_ERROR err = VIV_ERROR_INIT;
		int r = viv_units_judge(&etc, config, cases[i].said, &err);

		assert_int_equal(r, cases[i].want ? -EINVAL : 0);
		if (cases[i].want)
			assert_string_equal(err.msg, cases[i].want);
	}
}

/* ---- units that packages have ---- */

static void write_layer(const char *dir, const char *name, const char *manifest, struct viv_strv *layers)
{
	VIV_FREE char *layer = viv_path_join(dir, name), *path = viv_path_join(layer, "manifest");

	assert_int_equal(viv_mkdir_p(layer, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, manifest, strlen(manifest), 0644, NULL), 0);
	viv_strv_push(layers, layer);
}

#define UNIT(type, path) type " 644 0 0 1 1 - - usr/lib/systemd/system/" path "\n"

static void placed(void **state)
{
	static const struct {
		const char *unit, *path; /* as it ends up; "": where it was */
	} cases[] = {
		{"foo.service", "foo.service.d/options.conf"},
		{"plain.service", ""},	     /* gone in the upper layer */
		{"foo.timer", ""},	     /* masked by its package */
		{"a\\x2db@.service", "a\\x2db@.service.d/options.conf"},
		{"a\\x2db@x:1.service", "a\\x2db@x:1.service.d/options.conf"}, /* by its template */
	};
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
	VIV_CLEANUP(viv_manifests_free) struct viv_manifests manifests = {0};
	VIV_FREE char *dir = test_dir("layers");
	VIV_STRV layers = VIV_STRV_INIT;
	const struct viv_etc_file *link;

	write_layer(dir, "base", UNIT("f", "foo.service") UNIT("f", "plain.service") UNIT("f", "off.service"), &layers);
	write_layer(dir, "top", UNIT("f", "a\\134x2db@.service") UNIT("l", "foo.timer -> /dev/null")
		    UNIT("f", "foo.service.other") UNIT("c", "plain.service -> 0:0"), &layers);
	enter("valid");
	assert_int_equal(collect("service", &config, &etc, NULL), 0);
	assert_int_equal(viv_manifests_read(&layers, &manifests, NULL), 0);
	viv_etc_place_units(&etc, &manifests);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_FREE char *path = viv_asprintf("etc/systemd/system/%s", cases[i].unit);
		VIV_FREE char *moved = viv_asprintf("etc/systemd/system/%s", cases[i].path);

		assert_int_equal(!viv_etc_find(&etc, path), cases[i].path[0] != '\0');
		assert_non_null(viv_etc_find(&etc, cases[i].path[0] ? moved : path));
	}
	/* What starts it points to where it is, and its commands begin anew. */
	link = viv_etc_find(&etc, "etc/systemd/system/multi-user.target.wants/foo.service");
	assert_non_null(link);
	assert_string_equal(link->content.data, "/usr/lib/systemd/system/foo.service");
	assert_true(viv_starts_with(viv_etc_find(&etc, "etc/systemd/system/foo.service.d/options.conf")->content.data,
				    "[Service]\nExecStartPre=\nExecStart=\n"));
	/* A mask stays one. */
	link = viv_etc_find(&etc, "etc/systemd/system/off.service");
	assert_string_equal(link->content.data, "/dev/null");
	viv_remove_tree(dir, NULL);
}

/* An ordering that only what systemd adds makes a circle, where the unit is not a package's. */
static void default_orderings(void **state)
{
	static const struct {
		const char *setting;
		bool fine, fine_when_placed;
	} cases[] = {
		{"systemd.services.x.before=[\"sysinit.target\"]", true, false},
		{"systemd.services.x.before=[\"multi-user.target\"]", true, true},
		{"systemd.sockets.x.before=[\"local-fs.target\"]", true, false},
		{"systemd.services.x={\"before\": [\"sysinit.target\"], \"unitConfig\": {\"DefaultDependencies\": \"no\"}}",
		 true, true},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		const struct viv_config_setting setting = {.text = cases[i].setting};
		const struct viv_config_request req = {.settings = &setting, .n_settings = 1, .no_site_files = true};
		VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
		VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		if (viv_config_load(&req, NULL, &config, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(viv_etc_collect(config, &etc, NULL) == 0, cases[i].fine);
		assert_int_equal(viv_units_check(&etc, config, true, &err) == 0, cases[i].fine_when_placed);
	}
}

static void paths_escaped(void **state)
{
	static const char *const cases[][2] = {
		{"/", "-"}, {"/a", "a"}, {"/a/b-c", "a-b\\x2dc"}, {"//a//b/", "a-b"}, {"/.a", "\\x2ea"},
		{"/a/.b", "a-.b"}, {"/a b", "a\\x20b"}, {"/\xc3\xa9", "\\xc3\\xa9"}, {"/a:_.b", "a:_.b"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_FREE char *got = viv_unit_escape_path(cases[i][0]);

		assert_string_equal(got, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid),   cmocka_unit_test(errors),
		cmocka_unit_test(systemd_agrees), cmocka_unit_test(judges),
		cmocka_unit_test(placed),  cmocka_unit_test(default_orderings),
		cmocka_unit_test(paths_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
