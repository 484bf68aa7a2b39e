/* SPDX-License-Identifier: MIT */

/* The option table, the command line's settings, site files, places: what needs no file of data. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "config/config.h"
#include "config/option.h"
#include "config/reference.h"

#include <sys/stat.h>
#include <unistd.h>

/* A folder of this test's own, which is the current one; the user's config.lua is in config/viv. */
static int set_up(void **state)
{
	char dir[] = "/tmp/viv-test-XXXXXX";
	VIV_FREE char *config = NULL;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	*state = viv_strdup(dir);
	config = viv_path_join(dir, "config");
	return setenv("XDG_CONFIG_HOME", config, 1);
}

static int tear_down(void **state)
{
	int r = chdir("/") < 0 ? -1 : viv_remove_tree(*state, NULL);

	free(*state);
	return r;
}

static void write_file(const char *path, const char *text)
{
	VIV_FREE char *dir = viv_path_dir(path);

	assert_int_equal(viv_mkdir_p(dir, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

/* Settings are given as "set OPTION=VALUE", "add OPTION=VALUE"; the list ends with NULL. */
static int load(const char *file, const char *const *settings, struct viv_config **ret,
		struct viv_error *err)
{
	struct viv_config_setting list[16];
	struct viv_config_request req = {.file = file, .settings = list};

	for (; settings && *settings; settings++)
		list[req.n_settings++] =
			(struct viv_config_setting){*settings + 4, (*settings)[0] == 'a'};
	return viv_config_load(&req, NULL, ret, err);
}

static int check_row(const char *name, const struct viv_option *o, void *arg)
{
	struct viv_str *file = arg;
	VIV_STR written = VIV_STR_INIT;
	const char *p;

	if (o->alias_of)
		return 0;
	assert_non_null(o->text);
	assert_true(viv_ends_with(o->text, "."));
	assert_true(o->fallback || o->fallback_host);
	/* The example must be one: it goes into a machine file, "<name>" being xy. */
	if (!o->example || strstr(name, "[]") || strstr(o->example, "./") || strstr(o->example, "…"))
		return 0;
	viv_reference_assigned(name, &written);
	for (p = written.data; *p; p++) {
		if (*p != '<' && !viv_starts_with(p, ".<path>")) {
			viv_str_add_char(file, *p);
			continue;
		}
		viv_str_add(file, *p == '<' ? "xy" : strstr(name, "fileSystems") || strstr(name, "locations") ? "[\"/x\"]" : ".x");
		p += strcspn(p, ">");
	}
	viv_str_addf(file, " = mkForce(%s)\n", o->example);
	return 0;
}

/* What an option of a disk's layout can't be without; the file has it: "disks.x.label = …". */
static void add_layout(const char *name, struct viv_str *file)
{
	static const struct {
		const char *end, *field;
	} needed[] = {
		{".label", "fsType = \"ext4\""},
		{".mountPoint", "fsType = \"ext4\""},
		{".options", "fsType = \"ext4\""},
		{".options", "mountPoint = \"/x\""},
		{".neededForBoot", "fsType = \"ext4\""},
		{".neededForBoot", "mountPoint = \"/x\""},
		{".table", "partitions = { {} }"},
	};
	VIV_FREE char *of = viv_strndup(file->data, strcspn(file->data, " "));
	const char *raid = viv_starts_with(name, "raid.") ? "xy" : "mirror";
	const char *group = viv_starts_with(name, "lvm.") ? "xy" : "pool";
	char *dot = strrchr(of, '.');

	if (dot)
		*dot = '\0';
	for (size_t i = 0; i < VIV_ARRAY_SIZE(needed); i++)
		if (viv_ends_with(name, needed[i].end))
			viv_str_addf(file, "%s.%s\n", of, needed[i].field);
	if (viv_starts_with(name, "raid") || viv_ends_with(name, ".raid"))
		viv_str_addf(file, "raid.%s.level = mkDefault(1)\ndisks = { a = { raid = \"%s\" }, b = { raid = \"%s\" } }\n",
			     raid, raid, raid);
	if (viv_starts_with(name, "lvm") || viv_ends_with(name, ".volumeGroup"))
		viv_str_addf(file, "lvm.%s = {}\ndisks.c.volumeGroup = \"%s\"\n",
			     group, group);
}

/* Examples that can't stand beside each other; each is tried alone as well. */
static int check_example(const char *name, const struct viv_option *o, void *arg)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_STR text = VIV_STR_INIT;

	check_row(name, o, &text);
	if (!text.len)
		return 0;
	if (viv_streq(name, "virtualisation.useSecureBoot"))
		viv_str_add(&text, "virtualisation.useEFIBoot = true\nvirtualisation.useBootLoader = true\n");
	if (viv_streq(name, "boot.loader.grub.enable")) /* its example is false */
		viv_str_add(&text, "boot.loader[\"systemd-boot\"].enable = true\n");
	if (viv_starts_with(name, "disks.") || viv_starts_with(name, "raid") || viv_starts_with(name, "lvm"))
		add_layout(name, &text);
	if (viv_starts_with(name, "runit.") || viv_streq(name, "system.root"))
		viv_str_add(&text, "system.init = \"runit\"\n");
	if (viv_streq(name, "services.xserver.enable"))
		viv_str_add(&text, "virtualisation.graphics = true\n");
	if (viv_ends_with(name, ".sslCertificate") || viv_ends_with(name, ".sslCertificateKey"))
		viv_str_addf(&text, "services.nginx.virtualHosts.xy.sslCertificate%s = \"/x\"\n",
			     viv_ends_with(name, "Key") ? "" : "Key");
	if (viv_ends_with(name, ".proxyWebsockets"))
		viv_str_addf(&text, "services.nginx.virtualHosts.xy.locations[\"/x\"].proxyPass = \"http://127.0.0.1:1\"\n");
	if (viv_starts_with(name, "environment.etc.<path>."))
		viv_str_add(&text, "environment.etc.x.text = mkDefault(\"x\")\n");
	if (strstr(name, "fileSystems.<path>."))
		viv_str_addf(&text, "%.*s[\"/x\"] = mkDefault({ device = \"/dev/vda\", fsType = \"ext4\" })\n",
			     (int)strcspn(name, "<") - 1, name);
	write_file("example.lua", text.data);
	if (load("example.lua", NULL, &c, &err) < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(err.code, 0);
	return 0;
}

static int count_names(const char *name, const struct viv_option *o, void *arg)
{
	size_t *names = arg;

	*names += viv_streq(name, o->name); /* not those in submodules */
	return 0;
}

static void rows_are_complete(void **state)
{
	size_t options = 0, names = 0;

	VIV_FOREACH_OPTION(o) {
		assert_true(o == (*area_)->rows || strcmp(o[-1].name, o->name) < 0);
		options++;
	}
	assert_int_equal(viv_option_each(count_names, &names), 0);
	assert_int_equal(names, options); /* a name that stood in two areas would come once */
	assert_int_equal(viv_option_each(check_example, NULL), 0);
}

/* A default, given as a value, is of its type and comes out as it went in. */
static void defaults_are_of_their_types(void **state)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL, *again = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(load(NULL, NULL, &c, NULL), 0);
	VIV_FOREACH_OPTION(o) {
		VIV_FREE char *setting = viv_asprintf("set %s=", o->name);
		const char *settings[] = {NULL, NULL};
		VIV_STR s = VIV_STR_INIT;
		const json_t *j;

		if (o->alias_of)
			continue;
		j = viv_config_get(c, o->name);
		viv_str_add(&s, setting);
		if (json_is_string(j))
			viv_str_add(&s, json_string_value(j));
		else
			viv_json_canonical(j, &s);
		settings[0] = s.data;
		if (load(NULL, settings, &again, &err) < 0)
			print_error("%s\n", err.msg);
		assert_int_equal(err.code, 0);
		assert_true(json_equal(viv_config_get(again, o->name), j));
		viv_config_free(viv_steal(again));
	}
}

static void settings_replace_and_append(void **state)
{
	static const char *const settings[] = {
		"set virtualisation.cores=2",
		"set virtualisation.cores=3",
		"set virtualisation.memorySize=2G",
		"set virtualisation.diskImage=null",
		"set boot.kernelParams=a b",
		"add boot.kernelParams=c",
		"add environment.systemPackages=strace gdb",
		"add packages.components=contrib",
		"set environment.variables.A=x=y",
		"set users.extraUsers.paul.description=Paul P.",
		"set environment.etc[\"a/b.conf\"].text=hi",
		"set users.groups={\"g\": {\"gid\": 7}}",
		"set my.list=[\"one two\"]",
		NULL,
	};
	static const struct {
		const char *name, *value;
	} rows[] = {
		{"virtualisation.cores", "3"},
		{"virtualisation.memorySize", "2048"},
		{"virtualisation.diskImage", "null"},
		{"boot.kernelParams", "[\"a\",\"b\",\"c\"]"},
		{"environment.systemPackages", "[\"htop\",\"strace\",\"gdb\"]"},
		{"packages.components", "[\"main\",\"contrib\"]"},
		{"environment.variables", "{\"A\":\"x=y\",\"B\":\"b\"}"},
		{"users.users.paul.description", "\"Paul P.\""},
		{"environment.etc[\"a/b.conf\"].text", "\"hi\""},
		{"users.groups", "{\"g\":{\"gid\":7,\"members\":[]}}"},
		{"my.list", "[\"one two\"]"},
	};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	write_file("vm.lua", "virtualisation.cores = mkVMOverride(8)\n"
			     "boot.kernelParams = { 'file' }\n"
			     "environment.systemPackages = { 'htop' }\n"
			     "environment.variables = { A = 'a', B = 'b' }\n"
			     "users.users.paul.isNormalUser = true\n"
			     "users.groups.h = mkForce{}\n"
			     "options.my.list = mkOption{ type = types.listOf(types.str) }\n");
	if (load("vm.lua", settings, &c, &err) < 0)
		print_error("%s\n", err.msg);
	assert_non_null(c);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_STR s = VIV_STR_INIT;

		viv_json_canonical(viv_config_find(c, rows[i].name), &s);
		assert_string_equal(s.data, rows[i].value);
	}
}

static void wrong_settings(void **state)
{
	static const struct {
		const char *setting, *message;
	} rows[] = {
		{"set virtualisation.cores=four", "command line: virtualisation.cores: expected an "
						  "integer from 1 to 512, got \"four\""},
		{"set virtualisation.core=4", "command line: no option virtualisation.core (did "
					      "you mean virtualisation.cores?)"},
		{"add virtualisation.cores=4",
		 "command line: virtualisation.cores: --add is for lists; use --set"},
		{"set virtualisation=4",
		 "command line: virtualisation is a group of options, not one"},
		{"set virtualisation.graphics=yes",
		 "command line: virtualisation.graphics: expected true or false, got \"yes\": "
		 "write it without quotes"},
		{"set cores", "command line: --set cores: expected OPTION=VALUE"},
		{"add .=4", "command line: --add .=4: expected OPTION=VALUE"},
		{"add environment.systemPackages=Bad",
		 "command line: environment.systemPackages[1]: expected a package (\"name\", "
		 "\"name=version\" or pkgs.name), got \"Bad\""},
		{"set users.users={",
		 "command line: users.users: JSON:1: string or '}' expected near "
		 "end of file"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		const char *settings[] = {rows[i].setting, NULL};
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(load(NULL, settings, &c, &err), -EINVAL);
		assert_string_equal(err.msg, rows[i].message);
	}
}

/* The user's file yields to the machine's, whatever is forced in it; sets are united by name. */
static void the_users_file_is_weakest(void **state)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	write_file("config/viv/config.lua",
		   "virtualisation.cores = mkForce(8)\n"
		   "virtualisation.memorySize = 4096\n"
		   "environment.variables = { EDITOR = 'vi', A = 'user' }\n"
		   "time.timeZone = mkForce('Europe/Lisbon')\n");
	write_file("vm.lua", "virtualisation.cores = mkDefault(2)\n"
			     "environment.variables.A = mkDefault('machine')\n");
	if (load("vm.lua", NULL, &c, &err) < 0)
		print_error("%s\n", err.msg);
	assert_non_null(c);
	assert_int_equal(viv_config_int(c, "virtualisation.cores"), 2);
	assert_int_equal(viv_config_int(c, "virtualisation.memorySize"), 4096);
	assert_string_equal(viv_config_string(c, "time.timeZone"), "Europe/Lisbon");
	assert_string_equal(json_string_value(viv_config_find(c, "environment.variables.A")),
			    "machine");
	assert_string_equal(json_string_value(viv_config_find(c, "environment.variables.EDITOR")),
			    "vi");
}

static void places(void **state)
{
	static const char *const settings[] = {"add boot.kernelParams=c", NULL};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_JSON *why = NULL;
	VIV_STR text = VIV_STR_INIT;

	write_file("sub/vm.lua", "imports = { '../part.lua' }\n"
				 "virtualisation.cores =\n"
				 "\tmkForce(4)\n"
				 "environment.etc = {\n"
				 "\tmotd = {\n"
				 "\t\ttext = 'x',\n"
				 "\t},\n"
				 "}\n"
				 "users.extraUsers.paul.uid = 7\n");
	write_file("part.lua", "virtualisation.cores = 2\n"
			       "boot.kernelParams = { 'a' }\n");
	assert_int_equal(load("sub/vm.lua", settings, &c, NULL), 0);
	assert_string_equal(viv_config_place(c, "virtualisation.cores"), "sub/vm.lua:2");
	assert_string_equal(viv_config_place(c, "environment.etc.motd.text"), "sub/vm.lua:6");
	assert_string_equal(viv_config_place(c, "users.extraUsers.paul.uid"), "sub/vm.lua:9");
	assert_string_equal(viv_config_place(c, "boot.kernelParams"), "part.lua:2");
	assert_string_equal(viv_config_place(c, "networking.hostName"), "default");
	assert_int_equal(viv_config_why(c, "virtualisation.cores", &why, NULL), 0);
	viv_json_canonical(why, &text);
	assert_string_equal(text.data, "[{\"place\":\"sub/vm.lua:2\",\"priority\":50,\"used\":true,"
				       "\"value\":4},{\"place\":\"part.lua:1\",\"priority\":100,"
				       "\"used\":false,\"value\":2}]");
	assert_int_equal(viv_config_why(c, "virtualisation.core", &why, NULL), -ENOENT);
}

struct printed {
	struct viv_report report; /* first */
	struct viv_str text;
};

static void collect(struct viv_report *r, enum viv_level level, const char *text)
{
	struct printed *p = (struct printed *)r;

	assert_int_equal(level, VIV_INFO);
	viv_str_addf(&p->text, "%s\n", text);
}

static void prints(void **state)
{
	struct printed p = {.report.message = collect};
	struct viv_config_request req = {.file = "vm.lua", .no_site_files = true};
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;

	write_file("vm.lua", "print('a', 1, true, nil)\nprint({ b = { 1 }, a = 'x' })\n"
			     "print(tostring({}), print, string.format('%s', {}))\n");
	assert_int_equal(viv_config_load(&req, &p.report, &c, NULL), 0);
	assert_string_equal(p.text.data, "a\t1\ttrue\tnil\n{\"a\":\"x\",\"b\":[1]}\n"
					 "table\tfunction\ttable\n");
	viv_str_free(&p.text);
}

static void a_missing_file(void **state)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(load("nothing.lua", NULL, &c, &err), -EINVAL);
	assert_string_equal(err.msg, "cannot read nothing.lua: No such file or directory");
}

/* Two evaluations of the same files are the same bytes. */
static void same_input_same_bytes(void **state)
{
	VIV_STR first = VIV_STR_INIT;

	write_file("vm.lua", "for i = 1, 50 do environment.variables['V' .. i] = 'x' .. i end\n"
			     "users.users = { c = {}, a = {}, b = {} }\n");
	for (int i = 0; i < 5; i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_STR text = VIV_STR_INIT;

		assert_int_equal(load("vm.lua", NULL, &c, NULL), 0);
		viv_json_canonical(viv_config_all(c), &text);
		if (i)
			assert_string_equal(text.data, first.data);
		else
			viv_str_add(&first, text.data);
	}
}

static void reference(void **state)
{
	VIV_STR one = VIV_STR_INIT, man = VIV_STR_INIT;
	VIV_JSON *all = NULL;

	assert_int_equal(viv_reference_text("TION.CORES", &one), 1);
	assert_string_equal(one.data, "virtualisation.cores\n    Virtual processors, all together.\n"
				      "    Type:    an integer from 1 to 512\n"
				      "    Default: 1, or as many as sockets and threads make\n"
				      "    Example: virtualisation.cores = 4\n");
	viv_str_clear(&one);
	assert_int_equal(viv_reference_text("users.users.paul.uid", &one), 1);
	assert_int_equal(viv_reference_text("nothing like it", &one), 0);
	viv_reference_json(NULL, &all);
	viv_reference_man(&man);
	VIV_FOREACH_OPTION(o) {
		VIV_FREE char *entry = NULL;
		VIV_STR name = VIV_STR_INIT;

		for (const char *p = o->name; *p; p++)
			*p == '-' ? viv_str_add(&name, "\\-") : viv_str_add_char(&name, *p);
		entry = viv_asprintf(".B %s\n", name.data);
		assert_non_null(strstr(man.data, entry));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_are_complete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(defaults_are_of_their_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(settings_replace_and_append, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_settings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_users_file_is_weakest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(prints, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_missing_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(same_input_same_bytes, set_up, tear_down),
		cmocka_unit_test(reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
