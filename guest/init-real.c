/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The whole system on viv-disk. It is copied by the system's own cp while the layers are mounted at
 * ROOT and the disk at /run in them, where nothing of either is seen later; a record is written
 * last, so that a copy that was interrupted is not taken for a system.
 */

#define TARGET ROOT "/run"
#define RECORD "/var/lib/viv/base"

static void mount_disk(const struct params *p, const struct disks *d, const char *where)
{
	char device[48];

	snprintf(device, sizeof(device), "/dev/%s", d->writable);
	must_mount(device, where, p->root_fs, 0,
		   strcmp(p->root_fs, "btrfs") == 0 ? "discard=async" : "discard");
}

/* Mounts layers and disk, for copying; end with close_layers. */
static void open_layers(const struct params *p, const struct disks *d)
{
	root_mount_lower(p);
	mount_disk(p, d, TARGET);
}

/* The folder that it is in keeps its time. */
static void record(const struct params *p)
{
	struct stat st;
	bool known;

	make_folder(TARGET "/var", 0755);
	make_folder(TARGET "/var/lib", 0755);
	known = stat(TARGET "/var/lib", &st) == 0;
	make_folder(TARGET "/var/lib/viv", 0755);
	if (known)
		utimensat(AT_FDCWD, TARGET "/var/lib", (struct timespec[]){st.st_atim, st.st_mtim},
			  0);
	write_record(TARGET RECORD, p->base[0] ? p->base : "-");
}

static void close_layers(const struct params *p)
{
	char where[32];

	sync(); /* the copy first, then the word that it is whole */
	record(p);
	if (umount(TARGET) < 0 || umount(ROOT) < 0)
		fatal("cannot unmount the layers: %m");
	for (unsigned i = 0; i < p->layers; i++) {
		snprintf(where, sizeof(where), "/viv/l/%u", i);
		umount(where);
	}
}

static void copy_all(const struct params *p)
{
	char *argv[] = {"cp", "-ax", "/.", "/run/", NULL};
	int status = layers_run(argv);

	if (status)
		fatal("the disk %s could not take the system: cp ended with status %d (is it large "
		      "enough? virtualisation.diskSize)",
		      disk_name(p), status);
	note(p, "system copied");
}

/* What is new is added; of what is there, only packages' files are replaced. */
static void copy_packages(const struct params *p)
{
	static const char *const folders[] = {BASE_PACKAGES};
	char *add[] = {"cp", "-axn", "/.", "/run/", NULL};
	int status = layers_run(add);

	/* Newer versions of cp fail where a file was there: that is what was asked for. */
	if (status > 1)
		fatal("cannot copy what is new onto the disk %s: cp ended with status %d",
		      disk_name(p), status);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char from[32], to[40];
		char *argv[] = {"cp", "-ax", "--remove-destination", from, to, NULL};

		snprintf(from, sizeof(from), "%s/.", folders[i]);
		snprintf(to, sizeof(to), "/run%s/", folders[i]);
		status = layers_run(argv);
		if (status)
			fatal("cannot copy %s onto the disk %s: cp ended with status %d",
			      folders[i], disk_name(p), status);
	}
	warning("the disk %s has the packages' files of the new layers", disk_name(p));
}

static void make_new(const struct params *p, const struct disks *d)
{
	open_layers(p, d);
	copy_all(p);
	close_layers(p);
}

static void rebase(const struct params *p, const struct disks *d)
{
	if (umount(ROOT) < 0)
		fatal("cannot unmount the disk %s: %m", disk_name(p));
	open_layers(p, d);
	copy_packages(p);
	accounts_copy(p, TARGET);
	close_layers(p);
}

void real_root(const struct params *p, const struct disks *d)
{
	char base[sizeof(p->base)];

	make_folder(ROOT, 0755);
	if (format_if_empty(p, d, p->root_fs))
		make_new(p, d);
	mount_disk(p, d, ROOT);
	if (read_text(ROOT RECORD, base, sizeof(base)) < 0)
		fatal("the disk %s holds no whole system (was its making interrupted?): "
		      "--fresh makes it anew",
		      disk_name(p));
	if (!p->base[0] || strcmp(base, p->base) == 0) {
		accounts_copy(p, ROOT);
		return;
	}
	if (!p->rebase)
		fatal("the disk %s holds the system of another description: --rebase brings "
		      "the packages' files on it up to this one's, --fresh throws it away",
		      disk_name(p));
	rebase(p, d);
	mount_disk(p, d, ROOT);
}
