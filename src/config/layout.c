/* SPDX-License-Identifier: MIT */
#include "config/layout.h"

#include "config/config.h"
#include "config/disks.h"

#include <ctype.h>

void viv_disk_values_get(const struct viv_config *c, struct viv_disk_values *ret)
{
	*ret = (struct viv_disk_values){
		.empty = viv_config_get(c, "virtualisation.emptyDiskImages"),
		.drives = viv_config_get(c, "virtualisation.qemu.drives"),
		.disks = viv_config_get(c, "disks"),
		.raid = viv_config_get(c, "raid"),
		.lvm = viv_config_get(c, "lvm"),
		.interface = viv_config_string(c, "virtualisation.qemu.diskInterface"),
	};
}

static uint64_t size_in(const json_t *entry)
{
	return (uint64_t)json_integer_value(json_object_get(entry, "size"));
}

static struct viv_layout_place *add_place(struct viv_layout *l, enum viv_layout_kind kind, const char *name,
				   const json_t *content)
{
	struct viv_layout_place *p;

	l->places = viv_realloc(l->places, (l->n_places + 1) * sizeof(*l->places));
	p = &l->places[l->n_places++];
	*p = (struct viv_layout_place){
		.kind = kind,
		.name = name,
		.size_mib = size_in(content),
		.fs = viv_json_str(content, "fsType"),
		.label = viv_json_str(content, "label"),
		.target = viv_json_str(content, "mountPoint"),
		.options = json_object_get(content, "options"),
		.early = json_is_true(json_object_get(content, "neededForBoot")),
		.raid = viv_json_str(content, "raid"),
		.group = viv_json_str(content, "volumeGroup"),
	};
	return p;
}

/* The kernel's and udev's names. */
static char *partition_device(const char *disk, size_t number)
{
	if (viv_starts_with(disk, "/dev/disk/"))
		return viv_asprintf("%s-part%zu", disk, number);
	return viv_asprintf("%s%s%zu", disk, isdigit((unsigned char)disk[strlen(disk) - 1]) ? "p" : "",
			    number);
}

#define FIRST_MIB 1 /* before it are the table and a boot loader's gap */

static void add_partitions(struct viv_layout *l, const struct viv_layout_disk *d, const json_t *list)
{
	uint64_t at = FIRST_MIB;
	const json_t *entry;
	size_t i;

	json_array_foreach((json_t *)list, i, entry)
	{
		struct viv_layout_place *p = add_place(l, VIV_LAYOUT_PARTITION, d->name, entry);

		p->number = i + 1;
		p->part_name = viv_json_str(entry, "name");
		p->part_type = viv_json_str(entry, "type");
		p->device = partition_device(d->device, i + 1);
		p->start_mib = at;
		at += p->size_mib;
	}
}

/* One of this serial that the machine has; NULL: none. */
static const struct viv_config_disk *find_disk(const struct viv_config_disks *have, const char *serial)
{
	for (size_t i = 0; i < have->count; i++)
		if (viv_streq(have->items[i].serial, serial))
			return &have->items[i];
	return NULL;
}

static bool has_content(const struct viv_layout_place *p)
{
	return p->fs || p->label || p->target || p->raid || p->group;
}

static void add_disk(struct viv_layout *l, const struct viv_config_disks *have, const char *name,
		     const json_t *entry, const char *interface)
{
	const json_t *partitions = json_object_get(entry, "partitions");
	const char *device = viv_json_str(entry, "device"), *table = viv_json_str(entry, "table");
	const char *asked = viv_json_str(entry, "interface");
	const struct viv_config_disk *disk = find_disk(have, name);
	struct viv_layout_disk *d;

	l->disks = viv_realloc(l->disks, (l->n_disks + 1) * sizeof(*l->disks));
	d = &l->disks[l->n_disks++];
	*d = (struct viv_layout_disk){
		.name = name,
		.table = table ? table : json_array_size(partitions) ? "gpt" : NULL,
		.device = device ? viv_strdup(device)
				 : viv_disk_link(disk ? disk->interface : asked ? asked : interface, name),
		.size_mib = device || !disk ? 0 : disk->size_mib,
		.first = l->n_places,
		.n_partitions = json_array_size(partitions),
		.is_attached = size_in(entry) || viv_json_str(entry, "image"),
		.has_device = device,
	};
	add_partitions(l, d, partitions);
	if (!d->n_partitions) {
		struct viv_layout_place *p = add_place(l, VIV_LAYOUT_DISK, name, entry);

		p->device = viv_strdup(d->device);
		p->size_mib = d->size_mib;
		d->is_whole = has_content(p);
	} else {
		struct viv_layout_place whole = *add_place(l, VIV_LAYOUT_DISK, name, entry);

		l->n_places--;
		d->is_whole = has_content(&whole);
	}
}

static void add_raid(struct viv_layout *l, const char *name, const json_t *entry)
{
	l->raids = viv_realloc(l->raids, (l->n_raids + 1) * sizeof(*l->raids));
	l->raids[l->n_raids++] = (struct viv_layout_raid){
		name, (int)json_integer_value(json_object_get(entry, "level"))};
	add_place(l, VIV_LAYOUT_RAID, name, entry)->device = viv_asprintf("/dev/md/%s", name);
}

static void add_group(struct viv_layout *l, const char *name, const json_t *entry)
{
	const json_t *volumes = json_object_get(entry, "volumes");
	VIV_STRV keys = VIV_STRV_INIT;

	l->groups = viv_realloc(l->groups, (l->n_groups + 1) * sizeof(*l->groups));
	l->groups[l->n_groups++] = name;
	viv_json_keys(volumes, &keys);
	for (size_t i = 0; i < keys.count; i++) {
		void *at = json_object_iter_at((json_t *)volumes, keys.items[i]);
		struct viv_layout_place *p = add_place(l, VIV_LAYOUT_VOLUME, name, json_object_iter_value(at));

		p->volume = json_object_iter_key(at);
		p->device = viv_asprintf("/dev/%s/%s", name, p->volume);
	}
}

void viv_layout_collect(const struct viv_disk_values *v, struct viv_layout *ret)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks have = {0};
	const json_t *const sets[] = {v->disks, v->raid, v->lvm};

	*ret = (struct viv_layout){0};
	viv_disks_collect(v, &have);
	for (size_t s = 0; s < VIV_ARRAY_SIZE(sets); s++) {
		VIV_STRV keys = VIV_STRV_INIT;

		viv_json_keys(sets[s], &keys);
		for (size_t i = 0; i < keys.count; i++) {
			void *at = json_object_iter_at((json_t *)sets[s], keys.items[i]);
			const char *name = json_object_iter_key(at);
			const json_t *entry = json_object_iter_value(at);

			if (s == 0)
				add_disk(ret, &have, name, entry, v->interface);
			else if (s == 1)
				add_raid(ret, name, entry);
			else
				add_group(ret, name, entry);
		}
	}
}

void viv_layout_free(struct viv_layout *l)
{
	for (size_t i = 0; i < l->n_places; i++)
		free(l->places[i].device);
	for (size_t i = 0; i < l->n_disks; i++)
		free(l->disks[i].device);
	free(l->disks);
	free(l->raids);
	free(l->groups);
	free(l->places);
	*l = (struct viv_layout){0};
}

char *viv_layout_place_name(const struct viv_layout_place *p)
{
	switch (p->kind) {
	case VIV_LAYOUT_DISK:
		return viv_asprintf("disks.%s", p->name);
	case VIV_LAYOUT_PARTITION:
		return viv_asprintf("disks.%s.partitions[%zu]", p->name, p->number);
	case VIV_LAYOUT_RAID:
		return viv_asprintf("raid.%s", p->name);
	case VIV_LAYOUT_VOLUME:
		return viv_asprintf("lvm.%s.volumes.%s", p->name, p->volume);
	}
	return viv_strdup("");
}
