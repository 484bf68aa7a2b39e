/* SPDX-License-Identifier: MIT */
#include "plan/minimal.h"

#include "plan/accounts.h"

/* What packages are otherwise in a minimal root than in a whole Debian: owners, and what their scripts do. */

/* debian-policy 9.2.2: ids that are the same everywhere, with the names that base-passwd gives them. */
struct static_id {
	unsigned id;
	const char *name;
};
static const struct static_id static_users[] = {
	{0, "root"}, {1, "daemon"}, {2, "bin"}, {3, "sys"}, {4, "sync"}, {5, "games"}, {6, "man"}, {7, "lp"}, {8, "mail"},
	{9, "news"}, {10, "uucp"}, {13, "proxy"}, {33, "www-data"}, {34, "backup"}, {38, "list"}, {39, "irc"}, {42, "_apt"},
};
static const struct static_id static_groups[] = {
	{0, "root"}, {1, "daemon"}, {2, "bin"}, {3, "sys"}, {4, "adm"}, {5, "tty"}, {6, "disk"}, {7, "lp"}, {8, "mail"},
	{9, "news"}, {10, "uucp"}, {12, "man"}, {13, "proxy"}, {15, "kmem"}, {20, "dialout"}, {21, "fax"}, {22, "voice"},
	{24, "cdrom"}, {25, "floppy"}, {26, "tape"}, {27, "sudo"}, {29, "audio"}, {30, "dip"}, {33, "www-data"},
	{34, "backup"}, {37, "operator"}, {38, "list"}, {39, "irc"}, {40, "src"}, {42, "shadow"}, {43, "utmp"},
	{44, "video"}, {45, "sasl"}, {46, "plugdev"}, {50, "staff"}, {60, "games"}, {100, "users"},
};

static const char *static_name(const struct static_id *all, size_t n, unsigned id)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].id == id)
			return all[i].name;
	return NULL;
}

/* What of a file's owner or group is lost: its set-id bit. */
static void settle(struct viv_pack_entry *e, unsigned bit, const char *kind, unsigned *id, const char *name,
		   const char *accounts, struct viv_report *report)
{
	VIV_FREE char *said = name ? viv_asprintf("%s (%u)", name, *id) : viv_asprintf("%u", *id);

	/* An account that only has the number is somebody else's. */
	if (name && viv_account_id(accounts, name) == (int64_t)*id)
		return;
	if (e->type == 'f' && (e->mode & bit))
		viv_say(report, VIV_WARNING, "%s: /%s belongs to the %s %s, which a minimal root (system.root) "
			"lacks: its set-%s-id bit is gone", e->origin, e->path, kind, said, kind);
	e->mode &= ~bit;
	*id = 0;
}

void viv_minimal_settle_owners(struct viv_pack *pack, const char *users, const char *groups, struct viv_report *report)
{
	for (size_t i = 0; i < pack->n; i++) {
		struct viv_pack_entry *e = &pack->entries[i];

		settle(e, 04000, "user", &e->uid, static_name(static_users, VIV_ARRAY_SIZE(static_users), e->uid), users,
		       report);
		settle(e, 02000, "group", &e->gid, static_name(static_groups, VIV_ARRAY_SIZE(static_groups), e->gid),
		       groups, report);
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
