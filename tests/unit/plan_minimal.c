/* SPDX-License-Identifier: MIT */

/* What of packages changes in a minimal root: owners, set-id bits. */

#include "unit.h"

#include "plan/minimal.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\npaul:x:1000:1000::/home/paul:/bin/sh\n";
static const char group[] = "root:x:0:\ntty:x:5:\nshadow:x:42:\npaul:x:1000:\nstaff:x:51:\nalice:x:50:\n";

struct heard {
	struct viv_report report; /* first */
	struct viv_str text;
};

static void hear(struct viv_report *r, enum viv_level level, const char *text)
{
	viv_str_addf(&((struct heard *)r)->text, "%s\n", text);
}

static void owners(void **state VIV_UNUSED)
{
	static const struct {
		char type;
		unsigned mode, uid, gid;
		unsigned want_mode, want_uid, want_gid;
		const char *said; /* NULL: nothing */
	} rows[] = {
		{'f', 04755, 0, 0, 04755, 0, 0, NULL},
		{'f', 02755, 0, 42, 02755, 0, 42, NULL},
		{'f', 02755, 0, 5, 02755, 0, 5, NULL},
		{'f', 02755, 0, 8, 0755, 0, 0, "package p: /x belongs to the group mail (8), which"},
		{'f', 02755, 0, 50, 0755, 0, 0, "package p: /x belongs to the group staff (50), which"},
		{'f', 02755, 0, 51, 0755, 0, 0, "package p: /x belongs to the group 51, which"},
		{'f', 06755, 1, 1, 0755, 0, 0, "package p: /x belongs to the user daemon (1), which"},
		{'f', 04755, 1000, 1000, 0755, 0, 0, "package p: /x belongs to the user 1000, which"},
		{'f', 0644, 1000, 1000, 0644, 0, 0, NULL},
		{'d', 02775, 0, 8, 0775, 0, 0, NULL},
		{'d', 01730, 0, 101, 01730, 0, 0, NULL},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_pack_free) struct viv_pack pack = {0};
		struct heard h = {.report = {.message = hear}};
		struct viv_pack_entry *e = viv_pack_add(&pack, rows[i].type, "x", rows[i].mode, NULL, "package p");

		e->uid = rows[i].uid;
		e->gid = rows[i].gid;
		viv_minimal_settle_owners(&pack, passwd, group, &h.report);
		assert_int_equal(e->mode, rows[i].want_mode);
		assert_int_equal(e->uid, rows[i].want_uid);
		assert_int_equal(e->gid, rows[i].want_gid);
		if (rows[i].said ? !viv_starts_with(h.text.data ? h.text.data : "", rows[i].said) : h.text.len > 0)
			fail_msg("%zu: %s", i, h.text.data ? h.text.data : "nothing");
		viv_str_free(&h.text);
	}
}

/* What nobody does is said; what is there already, or is about files that were not taken, is not. */
static void wishes(void **state VIV_UNUSED)
{
	static const struct {
		const char *command;
		bool said;
	} rows[] = {
		{"adduser --system --home /var/lib/x dnsmasq", true}, {"adduser --system paul", false},
		{"addgroup --system shadow", false},
		{"useradd --gid nogroup $USER", true},		      {"setcap cap_net_raw+ep $PROGRAM", true},
		{"dpkg-statoverride --add root tty 2755 /usr/bin/x", true},
		{"dpkg-statoverride --add root tty 2755 /usr/bin/y", false},
		{"dpkg-statoverride --list /usr/bin/x", false},
	};
	VIV_CLEANUP(viv_pack_free) struct viv_pack pack = {0};

	viv_pack_add(&pack, 'f', "usr/bin/x", 0755, NULL, "package p");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct viv_take_wish w = {"p", "postinst", (char *)rows[i].command};
		const struct viv_take_wishes all = {&w, 1};
		struct heard h = {.report = {.message = hear}};

		viv_minimal_say_wishes(&all, &pack, passwd, group, &h.report);
		if (rows[i].said != (h.text.len > 0))
			fail_msg("%s: %s", rows[i].command, h.text.data ? h.text.data : "nothing");
		viv_str_free(&h.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(owners), cmocka_unit_test(wishes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
