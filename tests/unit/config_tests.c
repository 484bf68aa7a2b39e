/* SPDX-License-Identifier: MIT */

/*
 * Test files: what they declare, and the configurations of their machines. In tests/data/config/tests,
 *   errors/NAME.lua gives the message in NAME.txt: what the declaration says, else what each machine says
 * With VIV_TEST_UPDATE=1 in the environment the messages are written instead of compared.
 */

#include "config_expected.h"

#include "base/fd.h"
#include "base/path.h"
#include "config/config.h"
#include "config/load.h"

#include <unistd.h>

static const char *const reserved[] = {"log", "subtest", "start_all", NULL};

struct given {
	const struct viv_config_choice *matrix, *params;
};

static size_t count(const struct viv_config_choice *c)
{
	size_t n = 0;

	while (c && c[n].name)
		n++;
	return n;
}

/* In a child, as ever, and in this process, where a sanitizer sees what happens: the same answer. */
static int load(const char *file, const char *machine, const struct given *g, struct viv_config **ret,
		struct viv_error *err)
{
	const struct viv_config_test test = {.machine = machine,
					     .matrix = g ? g->matrix : NULL,
					     .n_matrix = count(g ? g->matrix : NULL),
					     .params = g ? g->params : NULL,
					     .n_params = count(g ? g->params : NULL),
					     .reserved = reserved};
	const struct viv_config_request req = {.file = file, .no_site_files = true, .test = &test};
	struct viv_config_answer answer = {0};
	VIV_ERROR here = VIV_ERROR_INIT;
	int r = viv_config_load(&req, NULL, ret, err);

	assert_int_equal(viv_config_evaluate(&req, "/", NULL, NULL, &answer, &here), r);
	if (r < 0)
		assert_string_equal(err->msg, here.msg);
	viv_config_answer_clear(&answer);
	return r;
}

static void write_file(const char *path, const char *text)
{
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

static void enter_folder(char *path)
{
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
}

static void leave_folder(const char *path)
{
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(viv_remove_tree(path, NULL), 0);
}

/* Loads the text as x.test.lua. */
static struct viv_config *load_text(const char *text, const char *machine, const struct given *g)
{
	struct viv_config *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	write_file("x.test.lua", text);
	if (load("x.test.lua", machine, g, &c, &err) < 0)
		print_error("%s\n", err.msg);
	assert_non_null(c);
	return c;
}

static void check_message(const char *text, const char *machine, const struct given *g,
			  const char *want)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	write_file("x.test.lua", text);
	assert_int_equal(load("x.test.lua", machine, g, &c, &err), -EINVAL);
	assert_string_equal(err.msg, want);
}

#define TEST "test('a', function() end)\n"

/* ---- what a file declares ---- */

static void declarations(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"-- a comment\nfunction test()\nend\n",
		 "{'lone': true, 'machines': ['machine'], 'matrix': [], 'params': [], 'tests': "
		 "[{'expect': [], 'line': 2, 'name': 'x', 'needs': [], 'skip': null, 'timeout_ms': null}]}"},
		{"machine.virtualisation.cores = 2\n" TEST,
		 "{'lone': true, 'machines': ['machine'], 'matrix': [], 'params': [], 'tests': "
		 "[{'expect': [], 'line': 2, 'name': 'a', 'needs': [], 'skip': null, 'timeout_ms': null}]}"},
		{"machines['*'].virtualisation.cores = 2\n" TEST,
		 "{'lone': true, 'machines': ['machine'], 'matrix': [], 'params': [], 'tests': "
		 "[{'expect': [], 'line': 2, 'name': 'a', 'needs': [], 'skip': null, 'timeout_ms': null}]}"},
		{"nodes.machine = {}\n" TEST,
		 "{'lone': false, 'machines': ['machine'], 'matrix': [], 'params': [], 'tests': "
		 "[{'expect': [], 'line': 2, 'name': 'a', 'needs': [], 'skip': null, 'timeout_ms': null}]}"},
		{"machines['web-1'].services.nginx.enable = true\n"
		 "machines['*'].virtualisation.cores = 2\n"
		 "nodes.client = { virtualisation = { memorySize = '1G' } }\n"
		 "machines = { b = {}, a = { virtualisation = { diskSize = 700 } } }\n"
		 "function helper() return 1 end\n"
		 "limit = 5\n"
		 "test('page', { timeout = '5m', skip = 'why', expect = 'oops', needs = { 'ssh', '/etc' } },\n"
		 "function() end)\n"
		 "test('b', { timeout = 0.5, expect = { 'lockdep', { kind = 'x' } }, needs = 'cc' }, helper)\n",
		 "{'lone': false, 'machines': ['a', 'b', 'client', 'web-1'], 'matrix': [], 'params': [], "
		 "'tests': [{'expect': ['oops'], 'line': 7, 'name': 'page', 'needs': ['ssh', '/etc'], 'skip': 'why', "
		 "'timeout_ms': 300000}, {'expect': ['lockdep', {'kind': 'x'}], 'line': 9, 'name': 'b', "
		 "'needs': ['cc'], 'skip': null, 'timeout_ms': 500}]}"},
		{"local k = matrix('kernel', { pkgs.linux, pkgs['linux-image'], { name = 'own', v = 1 }, "
		 "6.12, true })\n"
		 "local fs = matrix('fs', { 'ext4', 'xfs' })\n"
		 "local n = param('size', 4) + param('size', 4)\n"
		 "local s = param('word', 'a') .. 'x'\n"
		 "local b = not param('flag', false)\n" TEST,
		 "{'lone': true, 'machines': ['machine'], 'matrix': [{'name': 'kernel', 'values': "
		 "['linux', 'linux-image', 'own', '6.12', 'true']}, {'name': 'fs', 'values': ['ext4', "
		 "'xfs']}], 'params': [{'default': 4, 'name': 'size'}, {'default': 'a', 'name': 'word'}, "
		 "{'default': false, 'name': 'flag'}], 'tests': [{'expect': [], 'line': 6, 'name': 'a', "
		 "'needs': [], 'skip': null, 'timeout_ms': null}]}"},
	};
	char folder[] = "/tmp/viv-tests-XXXXXX";

	enter_folder(folder);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = load_text(cases[i].text, NULL, NULL);
		VIV_CLEANUP(viv_config_freep) struct viv_config *again = NULL;
		VIV_FREE char *got = json_dumps(viv_config_declared(c), JSON_SORT_KEYS);
		json_t *machines = json_object_get(viv_config_declared(c), "machines"), *m;
		size_t k;

		for (char *p = got; *p; p++)
			*p = *p == '"' ? '\'' : *p;
		assert_string_equal(got, cases[i].want);
		json_array_foreach(machines, k, m)
		{
			again = load_text(cases[i].text, json_string_value(m), NULL);
			assert_true(json_equal(viv_config_declared(c), viv_config_declared(again)));
			viv_config_free(viv_steal(again));
		}
	}
	leave_folder(folder);
}

/* ---- the configuration of one machine ---- */

static void check_value(const struct viv_config *c, const char *option, const char *want)
{
	VIV_FREE char *got = json_dumps(viv_config_find(c, option), JSON_ENCODE_ANY | JSON_SORT_KEYS);

	assert_string_equal(got, want);
}

static void machines(void **state)
{
	static const char text[] = "local lib = require './lib.lua'\n"
				   "machines['*'].virtualisation.memorySize = 2048\n"
				   "nodes['*'].options.my.port = mkOption { type = types.int, default = 80 }\n"
				   "machines.client = './client.lua'\n"
				   "lib.web(machines['web-1'], 3)\n"
				   "machines['web-2'] = {\n"
				   "  imports = { './client.lua' },\n"
				   "  networking = { hostName = 'other' },\n"
				   "  virtualisation = { cores = mkForce(7) },\n"
				   "}\n"
				   "machines['web-1'].my.port = 8080\n"
				   "machines['web-1'].environment.etc.port.text = function(config)\n"
				   "  return tostring(config.my.port) end\n"
				   "machines.client.environment.etc.name.text = ref 'networking.hostName'\n"
				   "mkIf(ref 'my.big', function()\n"
				   "  machines['web-2'].virtualisation.memorySize = mkForce(4096)\n"
				   "  machines.client.virtualisation.memorySize = mkForce(8192)\n"
				   "end)\n"
				   "options.my.big = mkOption { type = types.bool, default = false }\n"
				   "local c = machines.client\n"
				   "c.my.big = true\n"
				   "test('a', function() end)\n";
	static const struct {
		const char *machine, *option, *want;
	} cases[] = {
		{"client", "virtualisation.cores", "4"},
		{"client", "virtualisation.memorySize", "8192"},
		{"client", "networking.hostName", "\"client\""},
		{"client", "environment.etc.name.text", "\"client\""},
		{"client", "my.port", "80"},
		{"web-1", "virtualisation.cores", "3"},
		{"web-1", "virtualisation.memorySize", "2048"},
		{"web-1", "networking.hostName", "\"web-1\""},
		{"web-1", "environment.etc.port.text", "\"8080\""},
		{"web-2", "virtualisation.cores", "7"},
		{"web-2", "virtualisation.memorySize", "2048"},
		{"web-2", "networking.hostName", "\"other\""},
		{"web-2", "my.big", "false"},
	};
	char folder[] = "/tmp/viv-tests-XXXXXX";

	enter_folder(folder);
	write_file("client.lua", "virtualisation.cores = 4\n");
	write_file("lib.lua", "local M = {}\nfunction M.web(m, n) m.virtualisation.cores = n end\nreturn M\n");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c =
			load_text(text, cases[i].machine, NULL);

		check_value(c, cases[i].option, cases[i].want);
	}
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = load_text(text, "web-2", NULL);
	assert_string_equal(viv_config_place(c, "virtualisation.cores"), "x.test.lua:9");
	leave_folder(folder);
}

static void lone(void **state)
{
	char folder[] = "/tmp/viv-tests-XXXXXX";
	VIV_CLEANUP(viv_config_freep) struct viv_config *a = NULL, *b = NULL, *c = NULL;

	enter_folder(folder);
	write_file("vm.lua", "virtualisation.cores = 4\nboot.consoleLogLevel = mkDefault(7)\n");
	a = load_text("machine = './vm.lua'\nmachine.virtualisation.memorySize = 999\n" TEST, "machine",
		      NULL);
	check_value(a, "virtualisation.cores", "4");
	check_value(a, "virtualisation.memorySize", "999");
	check_value(a, "networking.hostName", "\"machine\"");
	check_value(a, "boot.consoleLogLevel", "7");
	b = load_text("machines['*'].virtualisation.cores = 3\n" TEST, "machine", NULL);
	check_value(b, "virtualisation.cores", "3");
	check_value(b, "boot.consoleLogLevel", "5");
	c = load_text("machine = mkIf(ref 'virtualisation.useEFIBoot', { virtualisation = { cores = 3 } })\n"
		      TEST, "machine", NULL);
	check_value(c, "virtualisation.cores", "1");
	leave_folder(folder);
}

/* ---- this run's choices ---- */

static void choices(void **state)
{
	static const char text[] = "local k = matrix('kernel', { { name = 'stock' }, { name = 'own', cores = 9 } })\n"
				   "machine.virtualisation.cores = k.cores or matrix('n', { 2, 3 })\n"
				   "machine.virtualisation.memorySize = param('size', 512)\n"
				   "machine.virtualisation.graphics = param('graphics', false)\n"
				   "machine.networking.hostName = param('name', 'vm')\n" TEST;
	const struct viv_config_choice n[] = {{"n", "2"}, {"n", "3"}, {0}};
	const struct viv_config_choice own[] = {{"kernel", "own"}, {0}};
	const struct viv_config_choice params[] = {
		{"size", "700"}, {"graphics", "true"}, {"name", "x"}, {"other", "y"}, {0}};
	const struct viv_config_choice no_number[] = {{"size", "much"}, {0}};
	const struct viv_config_choice no_bool[] = {{"graphics", "1"}, {0}};
	const struct viv_config_choice no_value[] = {{"n", "4"}, {0}};
	char folder[] = "/tmp/viv-tests-XXXXXX";
	VIV_CLEANUP(viv_config_freep) struct viv_config *a = NULL, *b = NULL, *c = NULL;

	enter_folder(folder);
	a = load_text(text, "machine", &(struct given){n, params});
	check_value(a, "virtualisation.cores", "3");
	check_value(a, "virtualisation.memorySize", "700");
	check_value(a, "virtualisation.graphics", "true");
	check_value(a, "networking.hostName", "\"x\"");
	b = load_text(text, "machine", &(struct given){own, NULL});
	check_value(b, "virtualisation.cores", "9");
	c = load_text(text, "machine", NULL);
	check_value(c, "virtualisation.cores", "2");
	check_value(c, "virtualisation.memorySize", "512");
	check_message(text, NULL, &(struct given){NULL, no_number},
		      "x.test.lua:3: --param size=much: expected a number");
	check_message(text, NULL, &(struct given){NULL, no_bool},
		      "x.test.lua:4: --param graphics=1: expected true or false");
	check_message(text, NULL, &(struct given){no_value, NULL},
		      "x.test.lua:2: matrix \"n\" has no value \"4\" (it has 2, 3)");
	check_message(TEST, "web", NULL, "x.test.lua: no machine \"web\" (it has machine)");
	check_message("machines.b = {} machines.a = {}\n" TEST, "web", NULL,
		      "x.test.lua: no machine \"web\" (it has a, b)");
	leave_folder(folder);
}

/* ---- errors ---- */

/* Every message of the file: those of the declaration, else those of its machines. */
static void messages(const char *file, struct viv_str *ret)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;
	json_t *m;
	size_t i;

	if (load(file, NULL, NULL, &c, &err) < 0) {
		viv_str_addf(ret, "%s\n", err.msg);
		return;
	}
	json_array_foreach(json_object_get(viv_config_declared(c), "machines"), i, m)
	{
		struct viv_config *one = NULL;
		VIV_ERROR wrong = VIV_ERROR_INIT;

		if (load(file, json_string_value(m), NULL, &one, &wrong) < 0)
			viv_str_addf(ret, "[%s]\n%s\n", json_string_value(m), wrong.msg);
		viv_config_free(one);
	}
}

static bool compare(const char *file)
{
	VIV_STR got = VIV_STR_INIT;

	messages(file, &got);
	if (!got.len)
		print_error("%s: no error\n", file);
	return got.len && is_as_expected(file, got.data);
}

static void one_line(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"test('a')",
		 "x.test.lua:1: it is written test(\"name\", function() … end) or test(\"name\", { timeout = \"5m\" }, function() … end)\n"},
		{"test(function() end)",
		 "x.test.lua:1: it is written test(\"name\", function() … end) or test(\"name\", { timeout = \"5m\" }, function() … end)\n"},
		{"test('a', { timeuot = 3 }, function() end)",
		 "x.test.lua:1: test: no option timeuot (did you mean timeout?)\n"},
		{"test('a', { ever = 3 }, function() end)",
		 "x.test.lua:1: test: no option ever (there are expect, needs, skip and timeout)\n"},
		{"test('a', { timeout = 'soon' }, function() end)",
		 "x.test.lua:1: test: timeout: expected seconds or a time such as \"90s\" or \"5m\"\n"},
		{"test('a', { timeout = 0 }, function() end)",
		 "x.test.lua:1: test: timeout: expected seconds or a time such as \"90s\" or \"5m\"\n"},
		{"test('a', { skip = true }, function() end)",
		 "x.test.lua:1: test: skip: expected the reason, as text\n"},
		{"test('a', { needs = { 'cc', './x' } }, function() end)\n",
		 "x.test.lua:1: test: needs: expected names of programs of this host, or paths that begin with /\n"},
		{"test('a', { needs = 3 }, function() end)\n",
		 "x.test.lua:1: test: needs: expected names of programs of this host, or paths that begin with /\n"},
		{"test('a', { expect = { 'oops', '' } }, function() end)\n",
		 "x.test.lua:1: test: expect: expected a kind of report, or text of one, not an empty one\n"},
		{"test('a\\nb', function() end)",
		 "x.test.lua:1: a test's name: expected text of one line, at most 200 bytes\n"},
		{"test('a', { expect = { nil, function() end } }, function() end)",
		 "x.test.lua:1: nil in a list leaves a hole in it: leave it out (a value of null is written null)\n"
		 "x.test.lua:1: expect: item 1 of the list is nil\n"},
		{"mkIf(true, function() test('a', function() end) end)",
		 "x.test.lua:1: test(…) can't depend on a condition\n"},
		{"mkIf(true, function() machines.x = {} end)",
		 "x.test.lua:1: machines.x: machines can't depend on a condition: name it outside of mkIf first\n"},
		{"local x",
		 "x.test.lua: no test in this file: write test(\"name\", function() … end)\n"},
		{"matrix('fs', {})",
		 "x.test.lua:1: matrix \"fs\": expected a list of values\n"},
		{"matrix('fs', { 'a', 'a' })",
		 "x.test.lua:1: matrix \"fs\": two values are called \"a\"\n"},
		{"matrix('fs', { 'a', { 1 } })",
		 "x.test.lua:1: matrix \"fs\": value 2 needs a name: write { name = \"…\", … } and use what is in it\n"},
		{"matrix('fs', { a = 1 })",
		 "x.test.lua:1: matrix \"fs\": expected a list of values\n"},
		{"matrix('fs')",
		 "x.test.lua:1: it is written matrix(\"name\", { value, value, … })\n"},
		{"matrix('f s', { 1 })",
		 "x.test.lua:1: a matrix's name is a word without blanks, = and ,\n"},
		{"matrix('fs', { 1 }) matrix('fs', { 2 })",
		 "x.test.lua:1: matrix \"fs\" is there already, in x.test.lua:1\n"},
		{"matrix('fs', { 'a', nil, 'b' })",
		 "x.test.lua:1: nil in a list leaves a hole in it: leave it out (a value of null is written null)\n"
		 "x.test.lua:1: matrix \"fs\": expected a list of values, without names or holes\n"},
		{"param('x')",
		 "x.test.lua:1: param \"x\" must be given: --param x=…\n"},
		{"param('x', {})",
		 "x.test.lua:1: it is written param(\"name\") or param(\"name\", default), with text, a number, true or false as the default\n"},
		{"param('x', 1) param('x', 2)",
		 "x.test.lua:1: param \"x\" has another default in x.test.lua:1\n"},
		{"param('x=y', 2)",
		 "x.test.lua:1: a parameter's name is a word without blanks, = and ,\n"},
		{"machine.virtualisation.cores = function(config) test('b', print) return 1 end test('a', function() end)",
		 "[machine]\n"
		 "x.test.lua:1: virtualisation.cores: test(…) stands at the top level of the file, not in a value\n"},
		{"test('a', function() end) function helper( end",
		 "x.test.lua:1: not valid Lua: <name> or '...' expected near 'end'\n"},
		/* A method's call is no setting: what Lua says, and where. */
		{"test('a', function()\n  machine:succeed(\"true\"\nend)",
		 "x.test.lua:3: not valid Lua: ')' expected (to close '(' at line 2) near 'end'\n"},
		{"test('a', function()\n  machine:succeed(\"true))\nend)",
		 "x.test.lua:2: not valid Lua: unfinished string near '\"true))'\n"},
		{"test('a', function()\n  if true then\n    machine:succeed(\"true\")\nend)\n",
		 "x.test.lua:4: not valid Lua: unexpected symbol near ')'\n"},
		{"test('a', function()\n  machine:succeed(\"true\")\n",
		 "x.test.lua:3: not valid Lua: 'end' expected (to close 'function' at line 1) near <eof>\n"},
		{"test('a', function()\n  machine:wait_for_unit(\"a\" timeout = 3)\nend)",
		 "x.test.lua:2: not valid Lua: ')' expected near 'timeout'\n"},
		{"machine.a: 'x'", "x.test.lua:1: a setting is written name = value, not name: value\n"},
		{"machine = { enable: true }", "x.test.lua:1: a setting is written name = value, not name: value\n"},
		{"pcall(print)",
		 "x.test.lua: no test in this file: write test(\"name\", function() … end)\n"
		 "x.test.lua:1: no pcall here: an error ends a machine file, nothing catches it\n"},
		{"machine = './one.test.lua' test('a', function() end)",
		 "[machine]\n"
		 "x.test.lua:1: cannot read one.test.lua: No such file or directory\n"},
		{"machine = 'nothing' test('a', function() end)",
		 "[machine]\n"
		 "x.test.lua:1: imports: no stock module \"nothing\" (a file is written \"./nothing\")\n"},
		{"mkIf(true, function() machine.imports = { './x.lua' } end)",
		 "x.test.lua:1: imports can't depend on a condition\n"},
		{"machines.web = {} mkIf(true, function() machines.web = { imports = { './x.lua' } } end)",
		 "x.test.lua:1: imports can't depend on a condition\n"},
		{"machines = { web = {}, db = {} } test('a', function() end) mkIf(ref 'virtualisation.writableStore',\n"
		 "function() machines.web = { imports = { './x.lua' } } end)",
		 "[db]\nx.test.lua:2: imports can't depend on a condition\n"
		 "[web]\nx.test.lua:2: imports can't depend on a condition\n"},
		{"test('a', function() end) machine = mkMerge { 3 }",
		 "[machine]\n"
		 "x.test.lua:1: a machine is a group of options: expected { name = value, … }, got 3\n"},
		{"function test() end test('one29', function() end) function test() end",
		 "x.test.lua:1: there is a test \"x\" already, in x.test.lua:1\n"},
		{"mkIf(ref 'virtualisation.graphic', function() machine.virtualisation.cores = 2 end) test('a', function() end)",
		 "[machine]\n"
		 "x.test.lua:1: no option virtualisation.graphic (did you mean virtualisation.graphics?)\n"},
		{"test('a', function() end) machine.virtualisation.cores = function(config) machine.virtualisation.cores = 2 return 1 end",
		 "[machine]\n"
		 "x.test.lua:1: virtualisation.cores: machine.virtualisation.cores is assigned within a value's function: a function only returns a value\n"},
		{"machins.client.virtualisation.cores = 2 test('a', function() end)",
		 "x.test.lua:1: machins.client.virtualisation.cores = …: did you mean machines?\n"},
		{"machine1.virtualisation.cores = 2 test('a', function() end)",
		 "x.test.lua:1: machine1.virtualisation.cores = … in a test file: the settings of a machine machine1 are written machines.machine1.virtualisation.cores\n"},
		{"test('a', function() end) machine.options.x = 3",
		 "[machine]\n"
		 "x.test.lua:1: options.x: expected mkOption{ type = …, description = … }\n"},
		{"test('a', function() end) mkIf(true, function() machine.x = 3 end)",
		 "[machine]\n"
		 "x.test.lua:1: no option x\n"},
		{"machine = {} mkIf(true, function() machine.imports = { './x' } machine.options.x = 3 end) test('a', function() end)",
		 "x.test.lua:1: imports can't depend on a condition\n"},
		{"machines = { ['*'] = { options = { my = 3 }, imports = 4 }, b = pkgs.htop } test('a', function() end)",
		 "[b]\n"
		 "x.test.lua:1: imports: expected a list of file names\n"
		 "x.test.lua:1: options.my: expected mkOption{ type = …, description = … }\n"
		 "x.test.lua:1: machines.b: expected a file (\"./b.lua\") or settings ({ name = value, … }), got the package htop\n"},
	};
	char folder[] = "/tmp/viv-tests-XXXXXX";

	enter_folder(folder);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_STR got = VIV_STR_INIT;

		write_file("x.test.lua", cases[i].text);
		messages("x.test.lua", &got);
		assert_string_equal(got.data, cases[i].want);
	}
	leave_folder(folder);
}

static void errors(void **state)
{
	VIV_STRV files = VIV_STRV_INIT;
	bool ok = true;

	assert_int_equal(chdir(TEST_DATA), 0);
	assert_int_equal(chdir("config/tests/errors"), 0);
	list_lua(".", &files);
	for (size_t i = 0; i < files.count; i++)
		ok &= compare(files.items[i]);
	assert_true(ok);
}

/* ---- what is printed ---- */

struct heard {
	struct viv_report report; /* first */
	struct viv_str text;
};

static void hear(struct viv_report *r, enum viv_level level, const char *text)
{
	viv_str_addf(&((struct heard *)r)->text, "%s\n", text);
}

/* The file's own lines run for what it declares and for each machine: what they print comes once. */
static void prints(void **state)
{
	static const char text[] = "local lib = require './lib.lua'\n"
				   "print('top') lib.say()\n"
				   "mkIf(true, function() print('block') end)\n"
				   "machine.imports = { './part.lua' }\n"
				   "machine.networking.hostName = function() print('value') return 'x' end\n"
				   "mkIf(ref 'virtualisation.writableStore', function() print('late') end)\n" TEST;
	static const char *const machines[] = {NULL, "machine"};
	static const char *const want[] = {"top\nlib\nblock\n", "part\nlate\nvalue\n"};
	char folder[] = "/tmp/viv-tests-XXXXXX";

	enter_folder(folder);
	write_file("lib.lua", "return { say = function() print('lib') end }\n");
	write_file("part.lua", "print('part')\n");
	write_file("x.test.lua", text);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(machines); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		const struct viv_config_test test = {.machine = machines[i], .reserved = reserved};
		const struct viv_config_request req = {.file = "x.test.lua", .no_site_files = true, .test = &test};
		struct heard h = {.report.message = hear};

		assert_int_equal(viv_config_load(&req, &h.report, &c, NULL), 0);
		assert_string_equal(h.text.data, want[i]);
		viv_str_free(&h.text);
	}
	leave_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(declarations), cmocka_unit_test(machines), cmocka_unit_test(lone),
		cmocka_unit_test(choices),	cmocka_unit_test(one_line),
		cmocka_unit_test(errors),
		cmocka_unit_test(prints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
