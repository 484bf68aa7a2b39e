/* SPDX-License-Identifier: MIT */
#include "plan/areas/areas.h"

#include "config/filesystems.h"

/* The script that makes what `disks`, `raid` and `lvm` declare: functions of layout.sh, and calls of them. */

extern const char viv_layout_script[];

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* Devices of one kind, which stand in a line each. */
static void add_device(struct viv_str *s, const char *device)
{
	viv_str_add_char(s, ' ');
	viv_str_add_quoted(s, device);
}

/* Where a disk has its mark while it is made; NULL: what is on it is there at once or not at all. */
static const char *mark_of(const struct viv_layout *l, const struct viv_layout_disk *d)
{
	const struct viv_layout_place *p = &l->places[d->first];

	if (d->table)
		return "table";
	if (p->raid || p->group)
		return "part";
	return p->fs && viv_streq(p->fs, "vfat") ? "end" : NULL;
}

static void add_marks(const struct viv_layout *l, struct viv_str *s)
{
	viv_str_add(s, "look_for_marks");
	for (size_t i = 0; i < l->n_disks; i++) {
		const char *mark = mark_of(l, &l->disks[i]);
		VIV_FREE char *word = mark ? viv_asprintf("%s:%s", l->disks[i].device, mark) : NULL;

		if (word)
			add_device(s, word);
	}
	viv_str_add_char(s, '\n');
}

/* As sfdisk names them. */
static const char *type_of(const struct viv_layout_place *p)
{
	static const char *const names[][2] = {
		{"esp", "uefi"}, {"bios", "21686148-6449-6E6F-744E-656564454649"}};

	for (size_t i = 0; p->part_type && i < VIV_ARRAY_SIZE(names); i++)
		if (viv_streq(p->part_type, names[i][0]))
			return names[i][1];
	if (p->part_type)
		return p->part_type;
	if (p->raid || p->group)
		return p->raid ? "raid" : "lvm";
	return p->fs && viv_streq(p->fs, "swap") ? "swap" : "linux";
}

#define SECTORS 2048ull /* of 512 bytes in a MiB */

static void add_table(const struct viv_layout *l, const struct viv_layout_disk *d, struct viv_str *s)
{
	viv_str_addf(s, "table %s", viv_streq(d->table, "mbr") ? "dos" : "gpt");
	add_device(s, d->device);
	viv_str_add(s, " <<.\n");
	for (size_t i = 0; i < d->n_partitions; i++) {
		const struct viv_layout_place *p = &l->places[d->first + i];
		VIV_FREE char *size = p->size_mib ? viv_asprintf("%llu", (unsigned long long)p->size_mib * SECTORS)
						  : viv_strdup("-");

		viv_str_addf(s, "%llu %s %s %s\n", (unsigned long long)p->start_mib * SECTORS, size, type_of(p),
			     or_dash(p->part_name));
	}
	viv_str_add(s, ".\n");
}

static void add_raid(const struct viv_layout *l, const struct viv_layout_raid *r, struct viv_str *s)
{
	viv_str_addf(s, "raid %s %d", r->name, r->level);
	for (size_t i = 0; i < l->n_places; i++)
		if (l->places[i].raid && viv_streq(l->places[i].raid, r->name))
			add_device(s, l->places[i].device);
	viv_str_add_char(s, '\n');
}

/* The one that takes the rest is made last. */
static void add_volumes(const struct viv_layout *l, const char *group, bool rest, struct viv_str *s)
{
	for (size_t i = 0; i < l->n_places; i++) {
		const struct viv_layout_place *p = &l->places[i];

		if (p->kind != VIV_LAYOUT_VOLUME || !viv_streq(p->name, group) || rest == !!p->size_mib)
			continue;
		viv_str_addf(s, "volume %s %s ", group, p->volume);
		if (rest)
			viv_str_add(s, "-\n");
		else
			viv_str_addf(s, "%llu\n", (unsigned long long)viv_lvm_round(p->size_mib));
	}
}

static void add_group(const struct viv_layout *l, const char *group, struct viv_str *s)
{
	viv_str_addf(s, "group %s", group);
	for (size_t i = 0; i < l->n_places; i++)
		if (l->places[i].group && viv_streq(l->places[i].group, group))
			add_device(s, l->places[i].device);
	viv_str_add_char(s, '\n');
	add_volumes(l, group, false, s);
	add_volumes(l, group, true, s);
}

static void add_content(const struct viv_layout_place *p, struct viv_str *s)
{
	if (!p->fs)
		return;
	viv_str_addf(s, "content %s %s", p->fs, or_dash(p->label));
	add_device(s, p->device);
	viv_str_add_char(s, '\n');
}

static void add_contents(const struct viv_layout *l, enum viv_layout_kind kind, const char *name,
			 struct viv_str *s)
{
	for (size_t i = 0; i < l->n_places; i++)
		if (l->places[i].kind == kind && viv_streq(l->places[i].name, name))
			add_content(&l->places[i], s);
}

static bool same(const char *maybe, const char *name)
{
	return maybe && viv_streq(maybe, name);
}

/* The step that makes an array (disks come before) or a group (arrays do); 0: `p` is a part of neither. */
static size_t step_of(const struct viv_layout *l, const struct viv_layout_place *p)
{
	for (size_t i = 0; i < l->n_raids; i++)
		if (same(p->raid, l->raids[i].name))
			return l->n_disks + i;
	for (size_t i = 0; i < l->n_groups; i++)
		if (same(p->group, l->groups[i]))
			return l->n_disks + l->n_raids + i;
	return 0;
}

/* The last step on which each disk has a part, until none takes another along: all of these are whole at once. */
static size_t *last_steps(const struct viv_layout *l)
{
	size_t n_steps = l->n_disks + l->n_raids + l->n_groups;
	size_t *last = viv_calloc(n_steps + 1, sizeof(*last)); /* of disks, arrays, groups */

	for (size_t i = 0; i < n_steps; i++)
		last[i] = i;
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0, disk = 0, raid = l->n_disks; i < l->n_places; i++) {
			const struct viv_layout_place *p = &l->places[i];
			size_t on = step_of(l, p), from;

			while (disk + 1 < l->n_disks && l->disks[disk + 1].first <= i)
				disk++;
			if (p->kind == VIV_LAYOUT_VOLUME)
				continue;
			from = p->kind == VIV_LAYOUT_RAID ? raid++ : disk;
			if (!on || last[from] == last[on])
				continue;
			last[from] = last[on] = VIV_MAX(last[from], last[on]);
			again = true;
		}
	}
	return last;
}

/* These lose their marks now. */
static void add_made(const struct viv_layout *l, const size_t *last, size_t step, struct viv_str *s)
{
	bool any = false;

	for (size_t i = 0; i < l->n_disks; i++) {
		if (last[i] != step || !mark_of(l, &l->disks[i]))
			continue;
		if (!any)
			viv_str_add(s, "made");
		any = true;
		add_device(s, l->disks[i].device);
	}
	if (any)
		viv_str_add_char(s, '\n');
}

void viv_layout_script_add(const struct viv_layout *l, struct viv_str *ret)
{
	VIV_FREE size_t *last = last_steps(l);
	size_t step = 0;

	viv_str_add(ret, viv_layout_script);
	add_marks(l, ret);
	for (size_t i = 0; i < l->n_disks; i++) {
		const struct viv_layout_disk *d = &l->disks[i];

		if (d->table)
			add_table(l, d, ret);
		add_contents(l, d->table ? VIV_LAYOUT_PARTITION : VIV_LAYOUT_DISK, d->name, ret);
		add_made(l, last, step++, ret);
	}
	for (size_t i = 0; i < l->n_raids; i++) {
		add_raid(l, &l->raids[i], ret);
		add_contents(l, VIV_LAYOUT_RAID, l->raids[i].name, ret);
		add_made(l, last, step++, ret);
	}
	for (size_t i = 0; i < l->n_groups; i++) {
		add_group(l, l->groups[i], ret);
		add_contents(l, VIV_LAYOUT_VOLUME, l->groups[i], ret);
		add_made(l, last, step++, ret);
	}
}

/*
 * lvm's rules for udev believe only what happens while udev is there: what viv's init made active before they
 * take for half-made, and systemd would wait for it. It comes again, with nobody the wiser.
 */
static void add_refresh(struct viv_etc *etc, const struct viv_layout *l)
{
	VIV_STR text = VIV_STR_INIT;

	viv_str_add(&text, "[Unit]\n"
			   "Description=Tell udev of the volumes that are there\n"
			   "DefaultDependencies=no\n"
			   "After=systemd-udevd.service systemd-udev-trigger.service\n"
			   "Before=local-fs-pre.target\n"
			   "[Service]\n"
			   "Type=oneshot\n"
			   "RemainAfterExit=yes\n"
			   "ExecStart=/usr/sbin/vgchange --refresh");
	for (size_t i = 0; i < l->n_groups; i++)
		viv_str_addf(&text, " %s", l->groups[i]);
	viv_str_add_char(&text, '\n');
	viv_etc_add_text(etc, "lvm", VIV_ETC_UNITS "viv-volumes.service", text.data);
	viv_etc_add_link(etc, "lvm", VIV_ETC_UNITS "local-fs.target.wants/viv-volumes.service",
			 "../viv-volumes.service");
}

void viv_etc_add_layout(struct viv_etc *etc, const struct viv_config *config)
{
	VIV_CLEANUP(viv_layout_free) struct viv_layout l = {0};
	struct viv_disk_values v;
	VIV_STR text = VIV_STR_INIT;

	viv_disk_values_get(config, &v);
	viv_layout_collect(&v, &l);
	if (!l.n_disks)
		return;
	viv_layout_script_add(&l, &text);
	viv_etc_add(etc, "disks", "etc/viv/disks", VIV_ETC_FILE, 0755, &text);
	if (l.n_groups && viv_uses_systemd(config))
		add_refresh(etc, &l);
}

void viv_layout_packages(const struct viv_layout *l, struct viv_strv *ret)
{
	for (size_t i = 0; i < l->n_disks; i++)
		if (l->disks[i].table)
			viv_strv_push(ret, "fdisk");
	for (size_t i = 0; i < l->n_places; i++)
		if (l->places[i].fs && viv_fs_type_find(l->places[i].fs))
			viv_strv_push(ret, viv_fs_type_find(l->places[i].fs)->package);
	if (l->n_raids)
		viv_strv_push(ret, "mdadm");
	if (l->n_groups)
		viv_strv_push(ret, "lvm2");
}

void viv_layout_modules(const struct viv_layout *l, struct viv_strv *ret, struct viv_strv *optional)
{
	/* The script looks into these before it makes them anew. */
	for (size_t i = 0; i < l->n_places; i++) {
		const struct viv_fs_type *t = l->places[i].fs ? viv_fs_type_find(l->places[i].fs) : NULL;

		if (t)
			viv_strv_push_all(optional, t->modules);
	}
	for (size_t i = 0; i < l->n_raids; i++)
		viv_strv_pushf(ret, "raid%d", l->raids[i].level);
	if (l->n_groups)
		viv_strv_push(ret, "dm-mod");
}
