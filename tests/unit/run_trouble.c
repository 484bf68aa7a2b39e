/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "run/trouble.h"

static const struct {
	const char *line;
	enum viv_trouble_kind kind;
} lines[] = {
	{"", VIV_TROUBLE_NONE},
	{"[    0.000000] Linux version 6.12.0", VIV_TROUBLE_NONE},
	{"[    1.234567] Kernel panic - not syncing: sysrq triggered crash", VIV_TROUBLE_PANIC},
	{"[    1.234567][    T1] Kernel panic - not syncing: VFS: Unable to mount root fs",
	 VIV_TROUBLE_PANIC},
	{"Kernel panic - not syncing: no time stamps here", VIV_TROUBLE_PANIC},
	{"vm login: [    9.876543] Kernel panic - not syncing: Fatal exception", VIV_TROUBLE_PANIC},
	{"[    1.2] Kernel panic - not a stamp", VIV_TROUBLE_NONE},
	{"he said: Kernel panic - not syncing", VIV_TROUBLE_NONE},
	{"[   12.000001] BUG: kernel NULL pointer dereference, address: 0000000000000000",
	 VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG: unable to handle page fault for address: ffff8880", VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG: KASAN: slab-out-of-bounds in kmalloc_oob_right+0xa8/0xbc",
	 VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG: KFENCE: use-after-free read in test", VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG: KCSAN: data-race in a / b", VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG: sleeping function called from invalid context at mm/slab.h:1",
	 VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG: scheduling while atomic: swapper/0/1", VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG kmalloc-64 (Not tainted): Right Redzone overwritten", VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG dentry (Tainted: G    B   W  OE     ): Poison overwritten", VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG <unknown> (Not tainted): Not a valid slab page", VIV_TROUBLE_OOPS},
	{"[   12.000001] BUG 1234 (not reproducible): still open", VIV_TROUBLE_NONE},
	{"[   12.000001] kernel BUG at fs/inode.c:600!", VIV_TROUBLE_OOPS},
	{"[   12.000001] Oops: 0002 [#1] PREEMPT SMP PTI", VIV_TROUBLE_OOPS},
	{"[   12.000001] Oops: general protection fault, probably for non-canonical address",
	 VIV_TROUBLE_OOPS},
	{"[   12.000001] general protection fault: 0000 [#1] SMP", VIV_TROUBLE_OOPS},
	{"[   12.000001] invalid opcode: 0000 [#1] PREEMPT SMP", VIV_TROUBLE_OOPS},
	{"[   12.000001] Internal error: Oops: 96000004 [#1] SMP", VIV_TROUBLE_OOPS},
	{"[   12.000001] Unable to handle kernel paging request at virtual address",
	 VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: possible circular locking dependency detected", VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: possible recursive locking detected", VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: inconsistent lock state", VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: suspicious RCU usage", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ BUG: Invalid wait context ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 1", VIV_TROUBLE_OOPS},
	{"[   12.000001] sh invoked oom-killer: gfp_mask=0xcc0", VIV_TROUBLE_NONE},
	{"[   12.000001] Out of memory: Killed process 7 (sh)", VIV_TROUBLE_NONE},
	{"[   12.000001] WARNING: CPU: 0 PID: 1 at kernel/x.c:3 f+0x1/0x2", VIV_TROUBLE_WARN},
	{"[   12.000001] WARNING: fs/inode.c:397 at drop_nlink+0x2a/0x40, CPU#1: rm/212",
	 VIV_TROUBLE_WARN},
	{"[   12.000001] WARNING: the disk is nearly full", VIV_TROUBLE_NONE},
	{"[   12.000001] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]", VIV_TROUBLE_WARN},
	{"[   12.000001] BUG: workqueue lockup - pool cpus=0", VIV_TROUBLE_WARN},
	{"[   12.000001] rcu: INFO: rcu_preempt self-detected stall on CPU", VIV_TROUBLE_WARN},
	{"[   12.000001] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", VIV_TROUBLE_WARN},
	{"[   12.000001] rcu: INFO: rcu_tasks detected stalls on tasks:", VIV_TROUBLE_WARN},
	{"[   12.000001] rcu: INFO: rcu_tasks_trace detected stalls on tasks:", VIV_TROUBLE_WARN},
	{"[   12.000001] INFO: rcu_tasks_trace detected stalls on tasks:", VIV_TROUBLE_WARN},
	{"INFO: rcu_tasks detected stalls on tasks:", VIV_TROUBLE_WARN},
	{"[   12.000001] INFO: task sh:5 blocked for more than 120 seconds.", VIV_TROUBLE_WARN},
	{"[   12.000001] UBSAN: array-index-out-of-bounds in x.c:3:4", VIV_TROUBLE_WARN},
	{"INFO: task sh:5 blocked for more than 120 seconds.", VIV_TROUBLE_WARN},
	{"watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]", VIV_TROUBLE_WARN},
	{"rcu: INFO: rcu_preempt self-detected stall on CPU", VIV_TROUBLE_WARN},
	{"[   12.000001] Oops - illegal instruction [#1]", VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: x/12 still has locks held!", VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: Nested lock was not taken", VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: bad contention detected!", VIV_TROUBLE_OOPS},
	{"[   12.000001] WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected", VIV_TROUBLE_OOPS},
	{"[   12.000001] alignment check: 0000 [#1] PREEMPT SMP", VIV_TROUBLE_OOPS},
	{"[   12.000001] control protection fault: 0000 [#1] PREEMPT SMP", VIV_TROUBLE_OOPS},
	{"[   12.000001] segment not present: 0018 [#1] SMP", VIV_TROUBLE_OOPS},
	{"[   12.000001] NMI watchdog: Watchdog detected hard LOCKUP on cpu 1", VIV_TROUBLE_OOPS},
	{"NMI watchdog: Watchdog detected hard LOCKUP on cpu 1", VIV_TROUBLE_OOPS},
	{"watchdog: CPU3: Watchdog detected hard LOCKUP on cpu 3", VIV_TROUBLE_OOPS},
	{"CPU3: Watchdog detected hard LOCKUP on cpu 3", VIV_TROUBLE_OOPS},
	{"NMI watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]", VIV_TROUBLE_WARN},
	/* Linux 4.9 and before it. */
	{"[   12.000001] [ BUG: bash/1 still has locks held! ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ BUG: bad unlock balance detected! ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ BUG: held lock freed! ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ INFO: possible circular locking dependency detected ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ INFO: possible recursive locking detected ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ INFO: inconsistent lock state ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ INFO: suspicious RCU usage. ]", VIV_TROUBLE_OOPS},
	{"[   12.000001] [ INFO: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected ]", VIV_TROUBLE_OOPS},
	{"<4>BUG: scheduling while atomic: sh/7/0x00000002", VIV_TROUBLE_OOPS},
	{"<0>Kernel panic - not syncing: Fatal exception", VIV_TROUBLE_PANIC},
	{"<4>[   12.000001] BUG: scheduling while atomic: sh/7/0x00000002", VIV_TROUBLE_OOPS},
	/* Something failed that may: whoever asked for the memory goes on without. */
	{"[   12.000001] kworker/0:1: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)", VIV_TROUBLE_NONE},
	{"[   12.000001] insmod: vmalloc: allocation failure: 17178820608 bytes", VIV_TROUBLE_NONE},
	/* What programs write. */
	{"<x>BUG: in markup", VIV_TROUBLE_NONE},
	{"overflow: hidden", VIV_TROUBLE_NONE},
	{"general protection fault in the text of a program", VIV_TROUBLE_NONE},
	{"backup: the disk was blocked for more than 5 s", VIV_TROUBLE_NONE},
	{"[   12.000001] backup: the disk was blocked for more than 5 s", VIV_TROUBLE_NONE},
	{"a test: self-detected stall on CPU", VIV_TROUBLE_NONE},
	{"Oops - that went wrong", VIV_TROUBLE_NONE},
	{"[   12.000001] systemd[1]: Started BUG: tracker", VIV_TROUBLE_NONE},
	{"[   12.000001] debug: 0 bugs", VIV_TROUBLE_NONE},
	{"[", VIV_TROUBLE_NONE},
	{"[    1.000000]", VIV_TROUBLE_NONE},
	{"[    1.000000][", VIV_TROUBLE_NONE},
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(lines); i++) {
		struct viv_slice message;

		if (viv_trouble_classify(viv_slice(lines[i].line), &message) != lines[i].kind)
			fail_msg("%s: not %s", lines[i].line, viv_trouble_name(lines[i].kind));
	}
}

static void feed(struct viv_trouble *t, const char *text)
{
	struct viv_slice rest = viv_slice(text), line;

	while (viv_slice_line(&rest, &line))
		viv_trouble_feed(t, line);
}

/* What each says last, after the lines before it. */
static const struct {
	const char *text;
	enum viv_trouble_kind kind;
} consoles[] = {
	/* Where the kernel's lines have stamps, one without is a program's. */
	{"[    1.000000] systemd[1]: up\nBUG: my program has one", VIV_TROUBLE_NONE},
	{"[    1.000000] systemd[1]: up\nOops: sorry, no such user", VIV_TROUBLE_NONE},
	{"[    1.000000] systemd[1]: up\nINFO: task 5 is blocked for more than a day", VIV_TROUBLE_NONE},
	{"[    1.000000] systemd[1]: up\nlogin: [    2.000000] BUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"[    1.000000] systemd[1]: up\n[    2.000000][    T1] BUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"[    1.000000] systemd[1]: up\nKernel panic - not syncing: who knows", VIV_TROUBLE_PANIC},
	/* The stamp is cut off by what a program wrote. */
	{"[    1.000000] up\n[    2.0lo\n00000] BUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"[    1.000000] up\n[  lo\n 2.000000] BUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"[    1.000000] up\n[    2.000000lo\n] BUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"[    1.000000] up\n[    2.000000][  lo\n T1] BUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"[    1.000000] up\nx] BUG: of a program", VIV_TROUBLE_NONE},
	/* printk.time=0: before the kernel has read that its lines have stamps, of no time. */
	{"[    0.000000] Linux version 6.12\nBUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"Linux version 6.12\nup\nBUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	/* Another kernel, by kexec: one that has not read that. A program may say its name, too: cat /proc/version. */
	{"[    9.000000] up\n[    0.000000] Linux version 6.12\nBUG: kernel NULL pointer dereference", VIV_TROUBLE_OOPS},
	{"[    9.000000] up\nLinux version 6.12\nBUG: a program's", VIV_TROUBLE_NONE},
	{"[    9.000000] up\n[    9.000000] Linux version 6.12\nBUG: a program's", VIV_TROUBLE_NONE},
	{"[    9.000000] up\n[    0.000000] Linux version 6.12\n[    1.000000] up\nBUG: a program's", VIV_TROUBLE_NONE},
};

static void test_whose_lines(void **state)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(consoles); i++) {
		struct viv_trouble t = {0};

		feed(&t, consoles[i].text);
		if (t.kind != consoles[i].kind)
			fail_msg("%s: not %s", consoles[i].text, viv_trouble_name(consoles[i].kind));
		viv_trouble_free_contents(&t);
	}
}

static void test_oops_then_panic(void **state)
{
	struct viv_trouble t = {0};

	feed(&t, "[    1.000000] all is well\n"
		 "[    2.000000] BUG: kernel NULL pointer dereference, address: 0\r\n"
		 "[    2.000001] RIP: 0010:f+0x1/0x2\n"
		 "[    2.000002] ---[ end trace 0000000000000000 ]---\n"
		 "[    2.000003] Kernel panic - not syncing: Fatal exception\n"
		 "[    2.000004] Kernel Offset: disabled\n"
		 "[    2.000005] ---[ end Kernel panic - not syncing: Fatal exception ]---\n"
		 "afterwards\n");
	assert_int_equal(t.kind, VIV_TROUBLE_PANIC);
	assert_int_equal(t.seen, VIV_TROUBLE_ON_DEFAULT);
	assert_string_equal(t.what, "Kernel panic - not syncing: Fatal exception");
	assert_false(t.open);
	/* The trace had its end: what counts is the panic. */
	assert_int_equal(t.lines.count, 3);
	viv_trouble_free_contents(&t);
}

static void test_open_oops_stays(void **state)
{
	struct viv_trouble t = {0};

	feed(&t, "[    2.000000] BUG: KASAN: bad\n[    2.000001] Call Trace:\n"
		 "[    2.000002] Kernel panic - not syncing: kasan.fault=panic\n");
	assert_true(t.open);
	assert_int_equal(t.lines.count, 3);
	assert_string_equal(t.lines.items[0], "[    2.000000] BUG: KASAN: bad");
	viv_trouble_free_contents(&t);
}

/* Warnings often have no end: what came after one must not take the oops' room. */
static void test_open_warning_goes(void **state)
{
	struct viv_trouble t = {0};

	feed(&t, "[    2.000000] INFO: task sh:5 blocked for more than 120 seconds.\n");
	for (int i = 0; i < 2 * VIV_TROUBLE_LINES_MAX; i++)
		feed(&t, "a service says something\n");
	feed(&t, "[    9.000000] BUG: KASAN: bad\n[    9.000001] Call Trace:\n");
	assert_int_equal(t.kind, VIV_TROUBLE_OOPS);
	assert_int_equal(t.lines.count, 2);
	assert_string_equal(t.lines.items[0], "[    9.000000] BUG: KASAN: bad");
	viv_trouble_free_contents(&t);
}

static void test_bounds(void **state)
{
	struct viv_trouble t = {0};
	char line[2000];

	memset(line, 'x', sizeof(line));
	memcpy(line, "BUG: ", 5);
	for (int i = 0; i < 1000; i++)
		viv_trouble_feed(&t, (struct viv_slice){line, sizeof(line)});
	assert_int_equal(t.lines.count, VIV_TROUBLE_LINES_MAX);
	assert_int_equal(strlen(t.lines.items[0]), VIV_TROUBLE_LINE_MAX);
	viv_trouble_feed(&t, VIV_SLICE("Kernel panic - not syncing: \033[2;3Jx\033c\033[1"));
	assert_int_equal(t.lines.count, VIV_TROUBLE_LINES_MAX + 1);
	assert_string_equal(t.what, "Kernel panic - not syncing: x");
	viv_trouble_free_contents(&t);
}

static void test_init(void **state)
{
	struct viv_trouble t = {0};

	assert_true(viv_trouble_feed(&t, VIV_SLICE("viv-init: fatal: no disk viv-layer-0")));
	assert_false(viv_trouble_feed(&t, VIV_SLICE("viv-init: fatal: again")));
	assert_string_equal(t.fatal, "no disk viv-layer-0");
	assert_int_equal(t.kind, VIV_TROUBLE_NONE);
	viv_trouble_free_contents(&t);
}

static void test_sets(void **state)
{
	unsigned set = 99;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(viv_trouble_parse_set("panic,oops", &set, NULL), 0);
	assert_int_equal(set, VIV_TROUBLE_ON_DEFAULT);
	assert_int_equal(viv_trouble_parse_set("none", &set, NULL), 0);
	assert_int_equal(set, 0);
	assert_int_equal(viv_trouble_parse_set("warn", &set, NULL), 0);
	assert_int_equal(set, VIV_TROUBLE_BIT(VIV_TROUBLE_WARN));
	assert_int_equal(viv_trouble_parse_set("panic,foo", &set, &err), -EINVAL);
	assert_string_equal(err.msg, "\"foo\" is none of panic, oops, warn, none");
}

/* The second kernel's lines are no part of the first one's report. */
static void test_dump(void **state)
{
	VIV_CLEANUP(viv_trouble_free_contents) struct viv_trouble t = {0};
	size_t n;

	assert_false(viv_trouble_feed(&t, VIV_SLICE("viv-init: crash dump: any program's line")));
	assert_false(viv_trouble_feed(&t, VIV_SLICE("viv-init: warning: crash dump: there is no disk viv-crash")));
	assert_false(t.dumping);
	assert_true(viv_trouble_feed(&t, VIV_SLICE("[    1.000000] Kernel panic - not syncing: x")));
	assert_false(viv_trouble_feed(&t, VIV_SLICE("[    1.000001] Call Trace:")));
	n = t.lines.count;
	assert_true(viv_trouble_feed(&t, VIV_SLICE("viv-init: crash dump: 907 MiB")));
	assert_true(t.dumping);
	assert_true(viv_trouble_feed(&t, VIV_SLICE("viv-init: crash dump: 64 MiB are done")));
	assert_false(viv_trouble_feed(&t, VIV_SLICE("[    2.000000] reboot: Power down")));
	assert_int_equal(t.lines.count, n);
	assert_int_equal(t.kind, VIV_TROUBLE_PANIC);
}

static void test_warning(void **state)
{
	static const struct {
		const char *line, *want;
	} said[] = {
		{"[    1.000000] viv-init: warning: raid.a is degraded", "raid.a is degraded"},
		{"viv-init: warning: a\x1b[2Jb", "ab"},
		{"viv-init: raid.a is degraded", NULL},
		{"it said viv-init: warning: x", NULL},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(said); i++) {
		VIV_FREE char *got = viv_trouble_warning((struct viv_slice){said[i].line, strlen(said[i].line)});

		assert_int_equal(!got, !said[i].want);
		if (got)
			assert_string_equal(got, said[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_whose_lines),	     cmocka_unit_test(test_oops_then_panic),
		cmocka_unit_test(test_open_oops_stays), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_open_warning_goes),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_warning),
		cmocka_unit_test(test_init),	     cmocka_unit_test(test_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
