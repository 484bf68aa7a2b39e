/* SPDX-License-Identifier: MIT */
#include "plan/minimal.h"

#include "plan/accounts.h"

/* What packages are otherwise in a minimal root than in a whole Debian: owners, and what their scripts do. */

#define STATIC_IDS 100 /* debian-policy 9.2.2: the same everywhere */

/* passwd(5), group(5): the third field. */
static bool has_id(const char *text, unsigned id)
{
	struct viv_slice rest = viv_slice(text), line;

	while (id < STATIC_IDS && viv_slice_line(&rest, &line)) {
		VIV_FREE char *copy = viv_slice_dup(line);
		const char *colon = strchr(copy, ':');

		colon = colon ? strchr(colon + 1, ':') : NULL;
		if (colon && strtoul(colon + 1, NULL, 10) == id)
			return true;
	}
	return false;
}

void viv_minimal_settle_owners(struct viv_pack *pack, const char *users, const char *groups, struct viv_report *report)
{
	for (size_t i = 0; i < pack->n; i++) {
		struct viv_pack_entry *e = &pack->entries[i];
		bool user = has_id(users, e->uid), its_group = has_id(groups, e->gid);
		unsigned lost = e->mode & ((user ? 0 : 04000u) | (its_group ? 0 : 02000u));

		if (e->type == 'f' && lost)
			viv_say(report, VIV_WARNING, "%s: /%s belongs to the %s %u, which a minimal root (system.root) "
				"lacks: its set-%s-id bit is gone", e->origin, e->path, lost & 04000 ? "user" : "group",
				lost & 04000 ? e->uid : e->gid, lost & 04000 ? "user" : "group");
		e->mode &= ~lost;
		e->uid = user ? e->uid : 0;
		e->gid = its_group ? e->gid : 0;
	}
}

static bool is_of_file(const struct viv_take_wish *w)
{
	return viv_starts_with(w->command, "setcap ") || viv_starts_with(w->command, "dpkg-statoverride ");
}

/* Is one of the words an account that is there, or, of a file's owner or mode, no file that was taken? */
static bool is_granted(const struct viv_take_wish *w, const struct viv_pack *pack, const char *users, const char *groups)
{
	bool override = viv_starts_with(w->command, "dpkg-statoverride "), taken = false;
	struct viv_slice rest = viv_slice(w->command), slice;

	while (viv_slice_word(&rest, &slice)) {
		VIV_FREE char *word = viv_slice_dup(slice), *path = word[0] == '/' ? viv_take_path(word) : NULL;

		if (!override && (viv_account_id(users, word) >= 0 || viv_account_id(groups, word) >= 0) &&
		    !viv_streq(word, "root") && !viv_streq(word, "nogroup"))
			return true;
		taken |= path && viv_pack_find(pack, path);
	}
	return override && (!taken || !strstr(w->command, " --add "));
}

void viv_minimal_say_wishes(const struct viv_take_wishes *wishes, const struct viv_pack *pack, const char *users,
			    const char *groups, struct viv_report *report)
{
	for (size_t i = 0; i < wishes->n; i++) {
		const struct viv_take_wish *w = &wishes->items[i];

		if (!is_granted(w, pack, users, groups))
			viv_say(report, VIV_WARNING, "package %s: %s has \"%s\", and nothing does that for a minimal root "
				"(system.root)%s", w->package, w->where, w->command,
				is_of_file(w) ? "" : ": users.users and users.groups make accounts");
	}
}
