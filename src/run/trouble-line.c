/* SPDX-License-Identifier: MIT */
#include "run/trouble-line.h"

#include <ctype.h>

#define STAMP_MAX 24 /* of "[ 1234567.123456]" and more */

#define START	 VIV_TROUBLE_AT_START
#define ANYWHERE VIV_TROUBLE_ANYWHERE
#define STAMPED	 VIV_TROUBLE_STAMPED
#define JOINS	 true
#define WITH(t)	 .too = t
#define KIND(k)	  VIV_TROUBLE_##k
#define REPORT(k) VIV_REPORT_##k
#define END(k)	  VIV_TROUBLE_END_##k

/* What kernels print. The first row that fits decides, so exceptions stand before the rule. */
static const struct viv_trouble_mark marks[] = {
	{"Kernel panic - not syncing", START, KIND(PANIC), REPORT(PANIC), END(TRACE)},
	{"---[ end Kernel panic", START, KIND(PANIC), REPORT(PANIC), END(TRACE), JOINS},
	/* Time, not wrong-doing. */
	{"watchdog: BUG: soft lockup", START, KIND(WARN), REPORT(SOFT_LOCKUP), END(STACK)},
	{"NMI watchdog: BUG: soft lockup", START, KIND(WARN), REPORT(SOFT_LOCKUP), END(STACK)},
	{"BUG: soft lockup", START, KIND(WARN), REPORT(SOFT_LOCKUP), END(STACK)},
	{"BUG: soft lockup", STAMPED, KIND(WARN), REPORT(SOFT_LOCKUP), END(STACK)},
	{"BUG: workqueue lockup", START, KIND(WARN), REPORT(WORKQUEUE_LOCKUP), END(STACK)},
	{"INFO: task ", START, KIND(WARN), REPORT(HUNG_TASK), END(STACK), WITH(" blocked for more than ")},
	{"rcu: INFO: ", START, KIND(WARN), REPORT(RCU_STALL), END(STACK), WITH("detected stalls on CPUs")},
	{"rcu: INFO: ", START, KIND(WARN), REPORT(RCU_STALL), END(STACK), WITH("self-detected stall on CPU")},
	{"rcu: INFO: ", START, KIND(WARN), REPORT(RCU_STALL), END(STACK), WITH("detected expedited stalls on CPUs")},
	{"rcu: INFO: rcu_tasks", START, KIND(WARN), REPORT(RCU_STALL), END(STACK), WITH(" detected stalls on tasks:")},
	{"INFO: rcu_tasks", START, KIND(WARN), REPORT(RCU_STALL), END(STACK), WITH(" detected stalls on tasks:")},
	{"detected stalls on CPUs", STAMPED, KIND(WARN), REPORT(RCU_STALL), END(STACK)},
	{"self-detected stall on CPU", STAMPED, KIND(WARN), REPORT(RCU_STALL), END(STACK)},
	{"detected expedited stalls on CPUs", STAMPED, KIND(WARN), REPORT(RCU_STALL), END(STACK)},
	/* Checkers of the kernel's. */
	{"BUG: KASAN: ", START, KIND(OOPS), REPORT(KASAN), END(TRACE)},
	{"BUG: KFENCE: ", START, KIND(OOPS), REPORT(KFENCE), END(TRACE)},
	{"BUG: KMSAN: ", START, KIND(OOPS), REPORT(KMSAN), END(TRACE)},
	{"BUG: KCSAN: ", START, KIND(OOPS), REPORT(KCSAN), END(TRACE)},
	{"BUG: MAX_LOCK", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"[ BUG: ", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK), WITH(" ]")},
	/* Oopses: by the generic code, then by x86, arm64, riscv. */
	{"BUG: kernel NULL pointer", START, KIND(OOPS), REPORT(OOPS), END(TRACE)},
	{"BUG: unable to handle", START, KIND(OOPS), REPORT(OOPS), END(TRACE)},
	{"BUG: ", START, KIND(OOPS), REPORT(BUG), END(STACK)},
	/* SLUB's slab_bug(): the cache's name, and the kernel's taints. */
	{"BUG ", START, KIND(OOPS), REPORT(BUG), END(STACK), WITH(" (Not tainted): ")},
	{"BUG ", START, KIND(OOPS), REPORT(BUG), END(STACK), WITH(" (Tainted: ")},
	{"kernel BUG at ", START, KIND(OOPS), REPORT(BUG), END(TRACE)},
	{"Oops: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS},
	{"Oops - ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"Oops [#", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS},
	/* What the CPU raised: "%s: %04lx [#%d]", of newer kernels after "Oops: ". */
	{"general protection fault", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"invalid opcode: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"divide error: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"double fault: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"stack segment: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"alignment check: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"control protection fault: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"segment not present: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"invalid TSS: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"bounds: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"overflow: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"simd exception: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"fpu exception: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"int3: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS, WITH(" [#")},
	{"Unable to handle kernel ", START, KIND(OOPS), REPORT(OOPS), END(TRACE)},
	{"Internal error: ", START, KIND(OOPS), REPORT(OOPS), END(TRACE), JOINS},
	{"Kernel stack is corrupted", STAMPED, KIND(OOPS), REPORT(OOPS), END(TRACE)},
	{"NMI watchdog: Watchdog detected hard LOCKUP", START, KIND(OOPS), REPORT(HARD_LOCKUP), END(STACK)},
	{"watchdog: ", START, KIND(OOPS), REPORT(HARD_LOCKUP), END(STACK), WITH("Watchdog detected hard LOCKUP")},
	{"CPU", START, KIND(OOPS), REPORT(HARD_LOCKUP), END(STACK), WITH(": Watchdog detected hard LOCKUP")},
	{"Watchdog detected hard LOCKUP", STAMPED, KIND(OOPS), REPORT(HARD_LOCKUP), END(STACK)},
	/* Lockdep. */
	{"WARNING: possible circular locking dependency", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: possible recursive locking", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: possible irq lock inversion", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: inconsistent lock state", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: bad unlock balance", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: bad contention detected", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: Nested lock was not taken", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: ", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK), WITH(" still has locks held!")},
	{"WARNING: ", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK), JOINS, WITH(" lock order detected")},
	{"WARNING: held lock freed", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: lock held when returning to user space", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"WARNING: suspicious RCU usage", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	/* As Linux 4.9 and before it have it. */
	{"[ INFO: ", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK), WITH(" locking d")},
	{"[ INFO: ", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK), WITH(" lock inversion dependency")},
	{"[ INFO: ", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK), WITH(" lock order detected")},
	{"[ INFO: inconsistent lock state ]", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"[ INFO: suspicious RCU usage", START, KIND(OOPS), REPORT(LOCKDEP), END(STACK)},
	{"-> possible unsafe locking scenario", STAMPED, KIND(OOPS), REPORT(LOCKDEP), END(STACK), JOINS},
	{"INFO: trying to register non-static key", START, KIND(WARN), REPORT(LOCKDEP), END(STACK)},
	{"UBSAN: ", START, KIND(WARN), REPORT(UBSAN), END(TRACE)},
	{"WARNING: CPU: ", START, KIND(WARN), REPORT(WARN), END(TRACE)},
	/* Not the kernel's fault, and of no interest to --fail-on. */
	{"invoked oom-killer: gfp_mask=", ANYWHERE, KIND(NONE), REPORT(OOM_KILL), END(TRACE)},
	{"Out of memory: Kill", START, KIND(NONE), REPORT(OOM_KILL), END(LINE), JOINS},
	{"Memory cgroup out of memory: Kill", START, KIND(NONE), REPORT(OOM_KILL), END(LINE), JOINS},
	{"kmemleak: ", START, KIND(NONE), REPORT(KMEMLEAK), END(LINE), WITH(" new suspected memory leak")},
};

/* Since Linux 6.18: "WARNING: fs/inode.c:397 at drop_nlink+0x2a/0x40, CPU#1: rm/212". */
static const struct viv_trouble_mark new_warning = {"WARNING: ", START, KIND(WARN), REPORT(WARN), END(TRACE)};

/*
 * "[    1.234567] ", as printk writes it; returns its length, or 0. *ret_us: the time, if it isn't
 * beyond anything.
 */
static size_t stamp_at(const char *p, const char *end, int64_t *ret_us)
{
	const char *at = p;
	size_t digits = 0, fraction = 0;
	int64_t us = 0;

	if (at >= end || *at++ != '[')
		return 0;
	while (at < end && *at == ' ')
		at++;
	for (; at < end && isdigit((unsigned char)*at) && digits < 12; at++, digits++)
		us = us * 10 + (*at - '0');
	if (at >= end || *at++ != '.' || !digits)
		return 0;
	for (; at < end && isdigit((unsigned char)*at) && fraction < 7; at++, fraction++)
		us = us * 10 + (*at - '0');
	if (fraction != 6 || at >= end || *at++ != ']')
		return 0;
	*ret_us = us;
	return (size_t)(at - p);
}

/* "[    T1]", "[  C0]": the caller, where the kernel prints that too. */
static size_t caller_at(const char *p, const char *end)
{
	const char *at = p;

	if (at >= end || *at++ != '[')
		return 0;
	while (at < end && *at == ' ')
		at++;
	if (at >= end || (*at != 'T' && *at != 'C'))
		return 0;
	for (at++; at < end && isdigit((unsigned char)*at); at++)
		;
	return at < end && *at == ']' ? (size_t)(at + 1 - p) : 0;
}

/* "<4>": the level, as old kernels and raw logs have it. */
static size_t level_at(const char *p, const char *end)
{
	const char *at = p;

	if (at >= end || *at++ != '<')
		return 0;
	for (; at < end && isdigit((unsigned char)*at); at++)
		;
	return at < end && *at == '>' && at > p + 1 && at <= p + 4 ? (size_t)(at + 1 - p) : 0;
}

/* "67] " of a stamp, or of a caller, that what a program wrote has cut in two. */
static size_t rest_at(const char *p, const char *end)
{
	const char *at = p;

	for (; at < end && (isdigit((unsigned char)*at) || memchr(" .TC", *at, 4)) && at - p < STAMP_MAX; at++)
		;
	return at < end && *at == ']' ? (size_t)(at + 1 - p) : 0;
}

/*
 * The kernel's message. What a program wrote without a newline may stand before it ("login: "), so
 * the stamp is looked for in the whole line; without one (printk.time=0) the line is the message.
 * *stamped: the kernel's lines have stamps; *ret_own: so this one, that has none, is a program's.
 */
static struct viv_slice message_of(struct viv_slice line, bool *stamped, int64_t *ret_us, bool *ret_own)
{
	const char *end = line.data + line.len, *at = line.data;
	size_t n = 0, rest;
	struct viv_slice m;

	*ret_us = -1;
	for (const char *p = line.data; p < end && !n; p++) {
		n = *p == '[' ? stamp_at(p, end, ret_us) : 0;
		if (n)
			at = p + n;
	}
	rest = *stamped && !n ? rest_at(at, end) : 0;
	at += rest;
	at += caller_at(at, end);
	at += level_at(at, end);
	m = viv_slice_trim((struct viv_slice){at, (size_t)(end - at)});
	/* A kernel begins (kexec). Until it has read printk.time=0 its lines have stamps, of no time; without one a program may say it. */
	if (*ret_us > 0)
		*stamped = true;
	else if (*ret_us == 0 && viv_trouble_begins(m, "Linux version "))
		*stamped = false;
	*ret_own = *stamped && !n && !rest;
	return m;
}

bool viv_trouble_contains(struct viv_slice message, const char *text)
{
	return message.data && memmem(message.data, message.len, text, strlen(text));
}

bool viv_trouble_begins(struct viv_slice message, const char *text)
{
	return message.len >= strlen(text) && memcmp(message.data, text, strlen(text)) == 0;
}

struct viv_slice viv_trouble_clip(struct viv_slice line)
{
	line.len = VIV_MIN(line.len, VIV_TROUBLE_LINE_MAX);
	while (line.len && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' '))
		line.len--;
	return line;
}

static bool fits(const struct viv_trouble_mark *mark, struct viv_slice m, int64_t us)
{
	if (mark->too && !viv_trouble_contains(m, mark->too))
		return false;
	if (mark->place == VIV_TROUBLE_AT_START)
		return viv_trouble_begins(m, mark->text);
	return (mark->place == VIV_TROUBLE_ANYWHERE || us >= 0) && viv_trouble_contains(m, mark->text);
}

const struct viv_trouble_mark *viv_trouble_find(struct viv_slice line, bool *stamped, struct viv_slice *ret_message,
						int64_t *ret_us)
{
	bool own;
	struct viv_slice m = message_of(line, stamped, ret_us, &own);

	*ret_message = m;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(marks); i++)
		if ((!own || marks[i].report == VIV_REPORT_PANIC) && fits(&marks[i], m, *ret_us))
			return &marks[i];
	return !own && fits(&new_warning, m, *ret_us) && viv_trouble_contains(m, " at ") &&
			       viv_trouble_contains(m, ", CPU#")
		       ? &new_warning
		       : NULL;
}
