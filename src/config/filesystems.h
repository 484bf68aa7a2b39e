/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the machine mounts beside its root: virtualisation.fileSystems, where that has any, else
 * fileSystems without what is a disk's own business on real hardware ("/"), and what declared disks
 * say is to be mounted.
 */

#include "config/layout.h"

struct viv_config_fs {
	const char *option; /* which set it stands in */
	const char *target; /* where it is mounted */
	const char *device; /* never NULL: of what has none ("tmpfs") its type */
	const char *type;   /* "auto": whatever is there */
	const json_t *options;
	bool given; /* is there a device in the description? */
	bool early; /* neededForBoot: there before the init system */
	bool make;  /* autoFormat: made, if the device is empty */
	const struct viv_layout_place *place; /* where it is declared as a part of a disk; NULL: in `option` */
};

struct viv_config_filesystems {
	struct viv_config_fs *items; /* in the order of mounting, which follows from the targets */
	size_t count;
	struct viv_layout layout; /* the declared disks */
};

/* From the options' values. Texts are borrowed from them. */
void viv_filesystems_collect(const json_t *all, const json_t *of_machine,
			     const struct viv_disk_values *disks, struct viv_config_filesystems *ret);
void viv_config_filesystems_get(const struct viv_config *c, struct viv_config_filesystems *ret);
void viv_config_filesystems_free(struct viv_config_filesystems *f); /* the contents */

bool viv_fs_has_option(const struct viv_config_fs *fs, const char *option);

/* "vm.lua:3: fileSystems["/data"]", for messages; not for a place of a disk. The caller frees it. */
char *viv_config_fs_where(const struct viv_config *c, const struct viv_config_fs *fs);

/*
 * What is wrong with it that no type can say; NULL: nothing. `systemd`: is that the init system?
 * The caller frees it.
 */
char *viv_fs_fault(const struct viv_config_fs *fs, bool systemd);

/* A type that can be made: by mkfs.<name>. */
struct viv_fs_type {
	const char *name;
	const char *package;	/* that has its mkfs */
	const char *modules[4]; /* for a machine that can't load them itself; NULL at the end */
};

/* NULL: not one of them. */
const struct viv_fs_type *viv_fs_type_find(const char *name);
