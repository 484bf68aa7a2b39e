/* SPDX-License-Identifier: MIT */
#include "config/check-private.h"

#include <ctype.h>

/* Rules of the system's own settings: /etc/hosts, sysctl, cron. */

static bool is_text(const struct viv_slot *s)
{
	return s->state == VIV_SLOT_DONE && s->value && s->value->kind == VIV_VALUE_STRING;
}

static bool is_name(const char *s)
{
	while (isalnum((unsigned char)*s) || (*s && strchr("._-", *s)))
		s++;
	return !*s;
}

/* hosts(5): an address, perhaps with its interface (fe80::1%eth0), and names. */
static bool is_host_line(struct viv_slice line)
{
	VIV_FREE char *text = viv_slice_dup(line);
	VIV_FREE char *address = NULL;
	struct viv_slice rest, word;
	bool named = false, ok = true;

	text[strcspn(text, "#")] = '\0';
	rest = viv_slice(text);
	if (!viv_slice_word(&rest, &word))
		return true;
	address = viv_slice_dup(word);
	address[strcspn(address, "%")] = '\0';
	while (viv_slice_word(&rest, &word)) {
		VIV_FREE char *name = viv_slice_dup(word);

		ok &= is_name(name);
		named = true;
	}
	return ok && named && viv_rule_ip.ok(address);
}

static void check_hosts(struct viv_eval *ev)
{
	const struct viv_slot *s = option(ev, "networking.extraHosts");
	struct viv_slice rest = viv_slice(is_text(s) ? s->value->text : ""), line;

	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *text = viv_slice_printable(line);

		if (!is_host_line(line))
			fault(ev, s, s, "expected an address and names on each line, got \"%s\"", text);
	}
}

/* Without systemd they are words of the kernel's command line, where a quote can't be written. */
static void check_sysctl(struct viv_eval *ev)
{
	const struct viv_slot *init = option(ev, "system.init"), *all = option(ev, "boot.sysctl");

	if (!is_text(init) || viv_streq(init->value->text, "systemd"))
		return;
	for (size_t i = 0; i < all->n_children; i++) {
		const struct viv_slot *s = all->children[i];

		if (is_text(s) && strchr(s->value->text, '"'))
			fault(ev, s, s, "a value with \" needs system.init = \"systemd\", and it is \"%s\"",
			      init->value->text);
	}
}

/* Jobs start cron, unless somebody says that it is not to be. */
static void check_cron(struct viv_eval *ev)
{
	const struct viv_slot *enable = option(ev, "services.cron.enable");
	const struct viv_slot *jobs = option(ev, "services.cron.systemCronJobs");

	if (jobs->state == VIV_SLOT_DONE && jobs->value && jobs->value->kind == VIV_VALUE_LIST &&
	    jobs->value->list.count && enable->state == VIV_SLOT_DONE && enable->value &&
	    enable->value->kind == VIV_VALUE_BOOL && !enable->value->b && origin_of(enable))
		fault(ev, enable, enable, "is false, and services.cron.systemCronJobs has jobs for it");
}

void viv_check_system(struct viv_eval *ev)
{
	check_hosts(ev);
	check_sysctl(ev);
	check_cron(ev);
}
