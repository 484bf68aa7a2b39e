/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "plan/accounts.h"

static json_t *below(void)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "passwd",
			 "root:x:0:0:root:/root:/bin/bash\n"
			 "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
			 "sshd:x:998:65534::/run/sshd:/usr/sbin/nologin\n",
			 "group", "root:x:0:\ndaemon:x:1:\nsudo:x:27:\nshadow:x:42:\n", "shadow",
			 "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nsshd:!:19000::::::\n",
			 "gshadow", "root:*::\ndaemon:*::\nsudo:*::\nshadow:*::\n");
}

static int make(const char *users, const char *groups, const char *recorded, bool open_root,
		struct viv_accounts *ret, struct viv_error *err)
{
	VIV_JSON *b = below(), *u = NULL, *g = NULL, *rec = NULL, *ids = NULL;
	struct viv_accounts_request req = {.below = b, .open_root = open_root};

	assert_int_equal(viv_json_parse(users, strlen(users), "users", &u, NULL), 0);
	assert_int_equal(viv_json_parse(groups, strlen(groups), "groups", &g, NULL), 0);
	assert_int_equal(viv_json_parse(recorded, strlen(recorded), "recorded", &rec, NULL), 0);
	req.users = u;
	req.groups = g;
	ids = viv_accounts_assign(u, g, rec);
	req.ids = ids;
	return viv_accounts_make(&req, ret, err);
}

static void a_user_as_described(void **state)
{
	struct viv_accounts a;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(make("{\"paul\": {\"isNormalUser\": true, \"description\": \"Test user\","
			      " \"extraGroups\": [\"sudo\"], \"hashedPassword\": \"$6$x$y\"}}",
			      "{}", "{}", true, &a, &err),
			 0);
	assert_non_null(strstr(a.passwd.data,
			       "\npaul:x:1000:1000:Test user:/home/paul:/bin/bash\n"));
	assert_non_null(strstr(a.group.data, "\nsudo:x:27:paul\n"));
	assert_non_null(strstr(a.group.data, "\npaul:x:1000:\n"));
	assert_non_null(strstr(a.gshadow.data, "\nsudo:*::paul\n"));
	assert_non_null(strstr(a.shadow.data, "\npaul:$6$x$y:::::::\n"));
	assert_true(viv_starts_with(a.shadow.data, "root::19000:"));
	assert_int_equal(a.n_homes, 1);
	assert_string_equal(a.homes[0].path, "/home/paul");
	assert_int_equal(a.homes[0].uid, 1000);
	viv_accounts_free_contents(&a);
}

/* A locked one ("!") would keep out keys, too, where sshd works without PAM. */
static void no_password_is_no_lock(void **state)
{
	static const char *const lines[] = {"\npaul:*:::::::\n", "\nd:!:::::::\n", "\noff:!:::::::\n",
					    "\ngit:*:::::::\n", "\nup:*:::::::\n", "\nget:*:::::::\n"};
	struct viv_accounts a;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(make("{\"paul\": {\"isNormalUser\": true}, \"d\": {\"isSystemUser\": true},"
			      " \"off\": {\"isSystemUser\": true, \"shell\": \"/bin/false\","
			      " \"openssh\": {\"authorizedKeys\": {\"keys\": [], \"keyFiles\": []}}},"
			      " \"git\": {\"isSystemUser\": true, \"shell\": \"/usr/bin/git-shell\"},"
			      " \"up\": {\"isSystemUser\": true, \"openssh\": {\"authorizedKeys\": {\"keys\": [\"k\"]}}},"
			      " \"get\": {\"isSystemUser\": true, \"openssh\": {\"authorizedKeys\": {\"keyFiles\": [\"k\"]}}}}",
			      "{}", "{}", true, &a, &err), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(lines); i++)
		assert_non_null(strstr(a.shadow.data, lines[i]));
	viv_accounts_free_contents(&a);
}

/* NixOS's group is there for who names it, with a system's id. */
static void wheel(void **state)
{
	VIV_JSON *users = json_pack("{s:{s:n}, s:{s:n, s:[s]}}", "a", "group", "b", "group", "extraGroups", "wheel");
	VIV_JSON *none = json_pack("{s:{s:n}}", "a", "group"), *groups = json_object();
	VIV_JSON *with = viv_accounts_groups(users, groups, false);
	VIV_JSON *without = viv_accounts_groups(none, groups, false), *sudo = viv_accounts_groups(none, groups, true);
	VIV_JSON *ids = viv_accounts_assign(users, with, NULL);

	assert_non_null(json_object_get(with, "wheel"));
	assert_null(json_object_get(without, "wheel"));
	assert_non_null(json_object_get(sudo, "wheel"));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(ids, "groups"), "wheel")), 400);
}

static void homes_and_shells(void **state)
{
	VIV_JSON *b = below(), *users = json_pack("{s:{s:b, s:b}, s:{s:b, s:b, s:s}}", "anna", "isNormalUser", true,
						  "createHome", false, "svc", "isSystemUser", true, "createHome", true,
						  "home", "/srv/svc");
	VIV_JSON *groups = json_object(), *ids = viv_accounts_assign(users, groups, NULL);
	struct viv_accounts_request req = {.below = b, .users = users, .groups = groups, .ids = ids,
					   .shell = "/bin/zsh"};
	struct viv_accounts a;

	assert_int_equal(viv_accounts_make(&req, &a, NULL), 0);
	assert_non_null(strstr(a.passwd.data, "\nanna:x:1000:1000::/home/anna:/bin/zsh\n"));
	assert_non_null(strstr(a.passwd.data, ":/srv/svc:/usr/sbin/nologin\n"));
	assert_int_equal(a.n_homes, 1);
	assert_string_equal(a.homes[0].path, "/srv/svc");
	viv_accounts_free_contents(&a);
}

static void recorded_ids_stay(void **state)
{
	struct viv_accounts a;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(make("{\"alice\": {\"isNormalUser\": true}, \"paul\": {\"isNormalUser\": true}}",
			      "{}", "{\"users\": {\"paul\": 1000}, \"groups\": {\"paul\": 1000}}",
			      false, &a, &err),
			 0);
	assert_int_equal(viv_account_id(a.passwd.data, "paul"), 1000);
	assert_int_equal(viv_account_id(a.passwd.data, "alice"), 1001);
	assert_int_equal(viv_account_id(a.group.data, "alice"), 1001);
	assert_true(viv_starts_with(a.shadow.data, "root:*:"));
	viv_accounts_free_contents(&a);
}

static void a_user_of_a_package_is_changed_not_doubled(void **state)
{
	struct viv_accounts a;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(make("{\"sshd\": {\"shell\": \"/bin/sh\"}, \"root\": {\"initialPassword\": \"\"}}",
			      "{\"web\": {\"members\": [\"sshd\"]}}", "{}", false, &a, &err),
			 0);
	assert_non_null(strstr(a.passwd.data, "sshd:x:998:65534::/run/sshd:/bin/sh\n"));
	assert_non_null(strstr(a.group.data, "web:x:1000:sshd\n"));
	assert_true(viv_starts_with(a.shadow.data, "root::"));
	viv_accounts_free_contents(&a);
}

/* What agrees with the package is no fault, and a home is made where it is asked for. */
static void a_user_of_a_package_gets_a_home(void **state)
{
	struct viv_accounts a;

	assert_int_equal(make("{\"sshd\": {\"uid\": 998, \"createHome\": true, \"home\": \"/srv/s\"},"
			      " \"daemon\": {\"group\": \"daemon\", \"isSystemUser\": true}}",
			      "{\"sudo\": {\"gid\": 27, \"members\": [\"daemon\"]}}", "{}", false, &a, NULL),
			 0);
	assert_int_equal(a.n_homes, 1);
	assert_string_equal(a.homes[0].path, "/srv/s");
	assert_int_equal(a.homes[0].uid, 998);
	assert_int_equal(a.homes[0].gid, 65534);
	viv_accounts_free_contents(&a);
}

/* A recipe is in the store: it has the hash, and differs where the password does. */
static void recipes_have_no_password(void **state)
{
	static const char *const passwords[] = {"secret", "secret", "other"};
	VIV_STRV texts = VIV_STRV_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(passwords); i++) {
		VIV_JSON *users = json_pack("{s:{s:b, s:s}, s:{s:s, s:n}, s:{s:s}}", "p", "isNormalUser", 1,
					    "password", passwords[i], "q", "initialPassword", passwords[i],
					    "password", "root", "password", "");
		VIV_JSON *shown = NULL;
		VIV_STR text = VIV_STR_INIT;

		assert_int_equal(viv_accounts_describe(users, &shown, NULL), 0);
		viv_json_canonical(shown, &text);
		assert_null(strstr(text.data, passwords[i]));
		assert_non_null(strstr(text.data, "\"p\":{\"isNormalUser\":true,\"password\":\"$6$"));
		assert_non_null(strstr(text.data, "\"root\":{\"password\":\"\"}"));
		viv_strv_push(&texts, text.data);
	}
	assert_string_equal(texts.items[0], texts.items[1]);
	assert_string_not_equal(texts.items[0], texts.items[2]);
	/* The salt tells nothing of the password. */
	for (size_t i = 0; i < texts.count; i++)
		texts.items[i][strcspn(texts.items[i], "$") + strlen("$6$0123456789abcdef$")] = '\0';
	assert_string_equal(texts.items[0], texts.items[2]);
}

static void passwords_hash_the_same_each_time(void **state)
{
	struct viv_accounts a, b;

	for (int i = 0; i < 2; i++)
		assert_int_equal(make("{\"p\": {\"isNormalUser\": true, \"password\": \"secret\"}}", "{}", "{}", false,
				      i ? &b : &a, NULL),
				 0);
	assert_string_equal(a.shadow.data, b.shadow.data);
	assert_non_null(strstr(a.shadow.data, "\np:$6$"));
	viv_accounts_free_contents(&a);
	viv_accounts_free_contents(&b);
}

static void refusals(void **state)
{
	static const struct {
		const char *users, *groups, *message;
	} rows[] = {
		{"{\"p\": {}}", "{}",
		 "users.users.p: no package makes it\nTo make it, set isNormalUser or isSystemUser."},
		{"{\"a b\": {}}", "{}",
		 "users.users[\"a b\"]: a name is 1 to 32 letters, digits, '_', '.' or '-'"},
		{"{\"p\": {\"uid\": 998}}", "{}", "users.users.p.uid: the id 998 belongs to sshd"},
		{"{\"p\": {\"uid\": 70000, \"group\": \"sudo\"}}", "{}",
		 "users.users.p.uid: ids go up to 65533"},
		{"{\"p\": {\"isNormalUser\": true, \"group\": \"nope\"}}", "{}", "users.users.p.group: no group \"nope\""},
		{"{\"p\": {\"isNormalUser\": true, \"extraGroups\": [\"x\"]}}", "{}",
		 "users.users.p.extraGroups: no group \"x\""},
		{"{\"p\": {\"description\": \"a:b\"}}", "{}",
		 "users.users.p.description: no ':' and no newline"},
		{"{\"p\": {\"isSystemUser\": true, \"hashedPassword\": \"a:b\"}}", "{}",
		 "users.users.p.hashedPassword: not a crypt(5) hash"},
		{"{}", "{\"sudo\": {\"gid\": 5000}}",
		 "users.groups.sudo.gid: it has 27 by its package, which stays"},
		{"{}", "{\"sudo\": {\"members\": [\"nobodythere\"]}}",
		 "users.groups.sudo.members: no user \"nobodythere\""},
		{"{\"sshd\": {\"uid\": 5000}}", "{}",
		 "users.users.sshd.uid: it has 998 by its package, which stays"},
		{"{\"sshd\": {\"group\": \"sudo\"}}", "{}",
		 "users.users.sshd.group: its group is that of its package\nextraGroups adds it to others."},
		{"{\"sshd\": {\"group\": \"nope\"}}", "{}", "users.users.sshd.group: no group \"nope\""},
		{"{\"a\": {\"isNormalUser\": true, \"home\": \"/home/x\"}, "
		 "\"b\": {\"isNormalUser\": true, \"home\": \"/home/x\"}}", "{}",
		 "users.users.b.home: /home/x is made for a already"},
		{"{}", "{\"g\": {\"gid\": 27}}", "users.groups.g.gid: the id 27 belongs to sudo"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct viv_accounts a;
		VIV_ERROR err = VIV_ERROR_INIT;

		assert_int_equal(make(rows[i].users, rows[i].groups, "{}", false, &a, &err), -EINVAL);
		assert_string_equal(err.msg, rows[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wheel), cmocka_unit_test(homes_and_shells),
		cmocka_unit_test(a_user_as_described),
		cmocka_unit_test(no_password_is_no_lock),
		cmocka_unit_test(recorded_ids_stay),
		cmocka_unit_test(a_user_of_a_package_is_changed_not_doubled),
		cmocka_unit_test(a_user_of_a_package_gets_a_home),
		cmocka_unit_test(recipes_have_no_password),
		cmocka_unit_test(passwords_hash_the_same_each_time),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
