/* SPDX-License-Identifier: MIT */
#include "config/layout.h"

#include "config/disks.h"
#include "config/filesystems.h"

/* What is wrong with a layout that can be known before anything is made. */

struct check {
	const struct viv_layout *l;
	void (*fn)(const struct viv_layout_place *p, const char *option, const char *name, const char *text,
		   void *arg);
	void *arg;
};

static bool same(const char *maybe, const char *text)
{
	return maybe && viv_streq(maybe, text);
}

static void VIV_PRINTF(3, 4) at(const struct check *c, const struct viv_layout_place *p, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	c->fn(p, NULL, NULL, text.data, c->arg);
}

static void VIV_PRINTF(4, 5) about(const struct check *c, const char *option, const char *name,
				   const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	c->fn(NULL, option, name, text.data, c->arg);
}

/* What each can have: mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8), mkfs.fat(8), mkswap(8). */
static const struct {
	const char *fs;
	size_t label_max;
	uint64_t min_mib;
} limits[] = {
	{"btrfs", 255, 110}, {"ext4", 16, 1}, {"swap", 15, 1}, {"vfat", 11, 1}, {"xfs", 12, 300},
};

static void check_limits(const struct check *c, const struct viv_layout_place *p)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(limits); i++) {
		if (!viv_streq(limits[i].fs, p->fs))
			continue;
		if (p->label && strlen(p->label) > limits[i].label_max)
			at(c, p, "the label %s has %zu characters: %s takes at most %zu", p->label,
			   strlen(p->label), p->fs, limits[i].label_max);
		if (p->size_mib && p->size_mib < limits[i].min_mib)
			at(c, p, "%llu MiB are too few for %s, which takes at least %llu",
			   (unsigned long long)p->size_mib, p->fs, (unsigned long long)limits[i].min_mib);
	}
}

static bool has_raid(const struct viv_layout *l, const char *name)
{
	for (size_t i = 0; i < l->n_raids; i++)
		if (viv_streq(l->raids[i].name, name))
			return true;
	return false;
}

static bool has_group(const struct viv_layout *l, const char *name)
{
	for (size_t i = 0; i < l->n_groups; i++)
		if (viv_streq(l->groups[i], name))
			return true;
	return false;
}

static void check_place(const struct check *c, const struct viv_layout_place *p)
{
	if (!!p->fs + !!p->raid + !!p->group > 1)
		at(c, p, "of fsType, raid and volumeGroup only one can be given");
	if (p->raid && !has_raid(c->l, p->raid))
		at(c, p, "there is no raid.%s", p->raid);
	if (p->group && !has_group(c->l, p->group))
		at(c, p, "there is no lvm.%s", p->group);
	if (!p->fs && (p->label || p->target))
		at(c, p, "a %s needs an fsType", p->label ? "label" : "mountPoint");
	if (p->fs && p->target && viv_streq(p->fs, "swap"))
		at(c, p, "swap is not mounted: leave out mountPoint");
	if (!p->target && (p->early || json_array_size(p->options)))
		at(c, p, "%s without a mountPoint has no effect", p->early ? "neededForBoot" : "options");
	if (p->fs)
		check_limits(c, p);
}

#define MBR_MAX_MIB ((uint64_t)2 << 20) /* 2^32 sectors of 512 bytes */

/* GPT has a second table at the end. */
static uint64_t end_of_room(const struct viv_layout_disk *d)
{
	return d->size_mib && same(d->table, "gpt") ? d->size_mib - 1 : d->size_mib;
}

static void check_partition(const struct check *c, const struct viv_layout_disk *d, size_t n)
{
	const struct viv_layout_place *p = &c->l->places[d->first + n];
	uint64_t end = p->start_mib + p->size_mib, room = end_of_room(d);
	bool mbr = same(d->table, "mbr");

	if (p->size_mib == 0 && n + 1 < d->n_partitions)
		at(c, p, "it has no size, so it takes the rest of the disk: only the last can");
	if (room && (end > room || (!p->size_mib && end >= room)))
		at(c, p, "it would end at %llu MiB, and the disk has room up to %llu",
		   (unsigned long long)(p->size_mib ? end : end + 1), (unsigned long long)room);
	if (mbr && n == 4)
		at(c, p, "an mbr table has room for four partitions: take gpt");
	if (mbr && (end > MBR_MAX_MIB || (!p->size_mib && room > MBR_MAX_MIB)))
		at(c, p, "an mbr table ends at 2 TiB: take gpt");
	if (mbr && same(p->part_type, "bios"))
		at(c, p, "a bios partition is for gpt: with mbr a boot loader has its gap");
	if (p->part_name && mbr)
		at(c, p, "partitions have names in a gpt table only: leave it out");
	for (size_t i = 0; p->part_name && i < n; i++)
		if (same(c->l->places[d->first + i].part_name, p->part_name))
			at(c, p, "the name %s is partition %zu's already", p->part_name, i + 1);
}

/* What the machine itself is made of. */
static bool is_vivs(const char *device)
{
	static const char *const interfaces[] = {"virtio", "scsi", "ide", "nvme"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(interfaces); i++) {
		VIV_FREE char *begin = viv_disk_link(interfaces[i], "viv-");

		if (viv_starts_with(device, begin))
			return true;
	}
	return false;
}

static void check_disk(const struct check *c, const struct viv_layout_disk *d)
{
	if (!d->is_attached && is_vivs(d->device)) /* else its serial is refused */
		about(c, "disks", d->name, "%s is one of viv's own disks", d->device);
	if (d->has_device && d->is_attached)
		about(c, "disks", d->name,
		      "device is for a disk that the machine has otherwise, size and image give it one");
	if (d->table && !d->n_partitions)
		about(c, "disks", d->name, "a table needs partitions");
	if (d->n_partitions && d->is_whole)
		about(c, "disks", d->name, "what is on a disk with partitions stands in these");
	for (size_t i = 0; i < d->n_partitions; i++)
		check_partition(c, d, i);
}

static void check_raid(const struct check *c, const struct viv_layout_raid *r)
{
	size_t n = 0;

	for (size_t i = 0; i < c->l->n_places; i++) {
		const struct viv_layout_place *p = &c->l->places[i];

		n += same(p->raid, r->name);
		if (p->kind == VIV_LAYOUT_RAID && same(p->raid, r->name))
			at(c, p, "an array can't be a part of one");
	}
	if (n < 2)
		about(c, "raid", r->name, "%s disk or partition says raid = \"%s\": an array has at least two",
		      n ? "only one" : "no", r->name);
}

/* Lvm's own data takes the first MiB of each part. 0: some size is not known. */
static uint64_t room_of_group(const struct viv_layout *l, const char *group, size_t *ret_parts)
{
	uint64_t sum = 0;
	bool known = true;

	*ret_parts = 0;
	for (size_t i = 0; i < l->n_places; i++) {
		const struct viv_layout_place *p = &l->places[i];

		if (!same(p->group, group))
			continue;
		++*ret_parts;
		known = known && p->size_mib;
		sum += p->size_mib ? (p->size_mib - 1) / VIV_LVM_EXTENT_MIB * VIV_LVM_EXTENT_MIB : 0;
	}
	return known ? sum : 0;
}

static void check_group(const struct check *c, const char *group)
{
	const struct viv_layout_place *rest = NULL;
	uint64_t sum = 0, room;
	size_t parts;

	room = room_of_group(c->l, group, &parts);
	if (!parts)
		about(c, "lvm", group, "no disk, partition or array says volumeGroup = \"%s\"", group);
	for (size_t i = 0; i < c->l->n_places; i++) {
		const struct viv_layout_place *p = &c->l->places[i];

		if (p->kind != VIV_LAYOUT_VOLUME || !viv_streq(p->name, group))
			continue;
		sum += viv_lvm_round(p->size_mib);
		if (room && sum > room && p->size_mib)
			at(c, p, "with it the volumes of %s take %llu MiB, and there are %llu", group,
			   (unsigned long long)sum, (unsigned long long)room);
		if (!p->size_mib && rest)
			at(c, p, "it has no size, so it takes the rest, and so does %s", rest->volume);
		if (!p->size_mib)
			rest = p;
	}
	if (rest && room && sum >= room)
		at(c, rest, "the other volumes leave nothing for it");
}

void viv_layout_check(const struct viv_layout *l,
		      void (*fn)(const struct viv_layout_place *p, const char *option, const char *name,
				 const char *text, void *arg),
		      void *arg)
{
	const struct check c = {l, fn, arg};

	for (size_t i = 0; i < l->n_disks; i++)
		check_disk(&c, &l->disks[i]);
	for (size_t i = 0; i < l->n_places; i++)
		check_place(&c, &l->places[i]);
	for (size_t i = 0; i < l->n_raids; i++)
		check_raid(&c, &l->raids[i]);
	for (size_t i = 0; i < l->n_groups; i++)
		check_group(&c, l->groups[i]);
}
