/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An image, or a disk of the host's, that a machine is about to use: checked before the boot, and
 * held for as long as the machine lives.
 */

#include "base/error.h"
#include "qemu/drive.h"
#include "run/dir.h"

/*
 * Sets d's file, format, device and lock, for what `path` holds; the caller has set d->read_only.
 * Not there, not readable, empty, of another format, mounted here, or in use (EBUSY; the machine is
 * named where it is one of this user's): an error that says so. The content is never believed: it
 * must be what `format` says, since a guest can write a qcow2 header onto a raw disk, one that
 * names any file of the host's as the image below. For the same reason a qcow2 image must say the
 * format of the one below it.
 */
int viv_disk_image_open(const char *path, const char *format, struct viv_drive *d,
			struct viv_error *err);

/* The check of the content alone: an image's first n bytes. path is for the message. */
int viv_disk_image_check(const char *path, const char *format, const char *head, size_t n,
			 struct viv_error *err);

/* The error for it: EBUSY. user: as viv_disk_lock says; NULL: unknown. */
int viv_disk_busy(const char *path, const char *user, struct viv_error *err);

/* Writes which images the machine holds into its directory, where the next one finds its name. */
void viv_disk_image_note(const struct viv_drive *drives, size_t n,
			 const struct viv_machine_dir *dir);

/* disk-lock.c */
/*
 * Keeps other machines off what fd has open; other readers may stay, if `shared`. EBUSY: somebody
 * else, QEMUs that are not ours among them, has it; *ret_user (the caller's) is a machine's name,
 * or NULL. File systems without locks let everybody through.
 */
int viv_disk_lock(int fd, bool shared, char **ret_user);
