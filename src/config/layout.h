/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What disks hold, as `disks`, `raid` and `lvm` declare it: one list of all that can have content (whole disks,
 * partitions, arrays, volumes), each with the device that it is in the guest. For the checks, for what is
 * mounted (config/filesystems.h) and for the script that makes it (plan/areas/layout.c).
 */

#include "base/json.h"
#include "base/str.h"

struct viv_config;
struct viv_config_disks;

/* The options' values; each may be NULL. */
struct viv_disk_values {
	const json_t *empty, *drives, *disks, *raid, *lvm;
	const char *interface; /* virtualisation.qemu.diskInterface */
};

void viv_disk_values_get(const struct viv_config *c, struct viv_disk_values *ret);

enum viv_layout_kind { VIV_LAYOUT_DISK, VIV_LAYOUT_PARTITION, VIV_LAYOUT_RAID, VIV_LAYOUT_VOLUME };

/* Something that can have content. Texts are borrowed from the values, but for device. */
struct viv_layout_place {
	enum viv_layout_kind kind;
	const char *name;   /* of the disk (also a partition's), array, volume group */
	const char *volume; /* a volume's */
	size_t number;	    /* a partition's, from 1 */
	const char *part_name, *part_type; /* a partition's name and type; may be NULL */
	char *device;	    /* "/dev/disk/by-id/virtio-data-part1", "/dev/md/mirror", "/dev/pool/home" */
	uint64_t start_mib; /* a partition's */
	uint64_t size_mib;  /* 0: not given (a partition, a volume: the rest), or not known */
	const char *fs, *label, *target; /* "ext4", "swap"; what is in it; where it is mounted. NULL: none */
	const json_t *options;
	bool early;		  /* neededForBoot */
	const char *raid, *group; /* it is a part of these; NULL: it is not */
};

struct viv_layout_disk {
	const char *name, *table; /* "gpt", "mbr"; NULL: none */
	char *device;
	uint64_t size_mib;	   /* 0: not known */
	size_t first, n_partitions; /* places[first…] are its partitions; without a table places[first] is itself */
	bool is_attached;	   /* size or image give the machine this disk */
	bool has_device;	   /* its device was given */
	bool is_whole; /* content was given for the disk itself */
};

struct viv_layout_raid {
	const char *name;
	int level;
};

struct viv_layout {
	struct viv_layout_disk *disks;
	struct viv_layout_raid *raids;
	const char **groups; /* names of volume groups */
	struct viv_layout_place *places; /* disks with their partitions, arrays, volumes: each by name */
	size_t n_disks, n_raids, n_groups, n_places;
};

void viv_layout_collect(const struct viv_disk_values *v, struct viv_layout *ret);
void viv_layout_free(struct viv_layout *l); /* the contents */

/* "disks.data.partitions[2]", "raid.mirror", "lvm.pool.volumes.home". The caller frees it. */
char *viv_layout_place_name(const struct viv_layout_place *p);

/*
 * What no type can say. Calls fn for each fault: at `p`, or at `option`.`name` where that is NULL
 * ("disks", "raid", "lvm").
 */
void viv_layout_check(const struct viv_layout *l,
		      void (*fn)(const struct viv_layout_place *p, const char *option, const char *name,
				 const char *text, void *arg),
		      void *arg);

/* A volume's size as lvm rounds it. */
#define VIV_LVM_EXTENT_MIB 4
static inline uint64_t viv_lvm_round(uint64_t mib)
{
	return (mib + VIV_LVM_EXTENT_MIB - 1) / VIV_LVM_EXTENT_MIB * VIV_LVM_EXTENT_MIB;
}
