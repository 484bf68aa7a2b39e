/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>


/* A layer is EROFS, a whole root squashfs, which begins with its name. */
static const char *type_of(const char *device)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	char magic[4] = "";

	if (fd < 0 || read(fd, magic, sizeof(magic)) != sizeof(magic))
		fatal("cannot read %s: %m", device);
	close(fd);
	return memcmp(magic, "hsqs", 4) == 0 ? "squashfs" : "erofs";
}

static void mount_layers(const struct params *p, const struct disks *d)
{
	make_folder("/viv/l", 0755);
	make_folder(ROOT, 0755);
	for (unsigned i = 0; i < p->layers; i++) {
		char device[48], where[32];

		snprintf(device, sizeof(device), "/dev/%s", d->layer[i]);
		snprintf(where, sizeof(where), "/viv/l/%u", i);
		make_folder(where, 0755);
		must_mount(device, where, type_of(device), MS_RDONLY, NULL);
	}
}

/* "lowerdir=" with the top layer first, as overlayfs wants it. */
static size_t lower_option(const struct params *p, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "lowerdir=");

	for (unsigned i = p->layers; i-- > 0;)
		n += (size_t)snprintf(buf + n, size - n, "/viv/l/%u%s", i, i ? ":" : "");
	return n;
}

void root_mount_lower(const struct params *p)
{
	char options[INIT_MAX_LAYERS * 12 + 64];

	/* overlayfs without an upper wants two layers. */
	if (p->layers == 1) {
		must_mount("/viv/l/0", ROOT, NULL, MS_BIND, NULL);
		return;
	}
	lower_option(p, options, sizeof(options));
	must_mount("viv", ROOT, "overlay", MS_RDONLY, options);
}

static int mount_upper(const struct params *p, const struct disks *d)
{
	char device[48];

	make_folder(UPPER, 0755);
	if (p->upper == UPPER_MEMORY) {
		must_mount("viv", UPPER, "tmpfs", 0, "mode=0755,size=75%,nr_inodes=0");
	} else {
		format_if_empty(p, d, "ext4");
		snprintf(device, sizeof(device), "/dev/%s", d->writable);
		/* What is removed takes no room on the host. */
		must_mount(device, UPPER, "ext4", 0, "discard");
	}
	make_folder(UPPER "/upper", 0755);
	make_folder(UPPER "/work", 0755);
	return open(UPPER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int root_assemble(const struct params *p, const struct disks *d)
{
	char options[INIT_MAX_LAYERS * 12 + 128];
	size_t n;
	int fd;

	mount_layers(p, d);
	note(p, "%u layers mounted", p->layers);
	if (p->upper == UPPER_NONE) {
		root_mount_lower(p);
		return -1;
	}
	if (p->root_fs[0]) {
		real_root(p, d);
		return -1;
	}
	fd = mount_upper(p, d);
	accounts_uncover(p);
	if (p->upper == UPPER_DISK)
		base_check(p);
	n = lower_option(p, options, sizeof(options));
	/* redirect_dir: a folder of a layer can be renamed, as on any other file system. */
	snprintf(options + n, sizeof(options) - n,
		 ",upperdir=" UPPER "/upper,workdir=" UPPER "/work,redirect_dir=on");
	must_mount("viv", ROOT, "overlay", 0, options);
	note(p, "root mounted");
	return fd;
}

/*
 * runit's stage 3 finds there what is below the root, and leaves it clean. Nobody else is to look in: a folder around
 * it is root's.
 */
void root_show_upper(const struct params *p, int upper_fd)
{
	if (p->upper != UPPER_DISK || upper_fd < 0)
		return;
	make_folder("/run/viv/upper", 0700);
	make_folder("/run/viv/upper/disk", 0700);
	if (fchdir(upper_fd) < 0 || mount(".", "/run/viv/upper/disk", NULL, MS_BIND, NULL) < 0)
		warning("the disk is not left clean: %m");
	if (chdir("/") < 0)
		fatal("cannot go to the root: %m");
}

static void move(const char *from)
{
	char to[32];

	snprintf(to, sizeof(to), ROOT "%s", from);
	if (mkdir(to, 0755) < 0 && errno != EEXIST)
		fatal("the root has no folder %s: %m", from);
	if (mount(from, to, NULL, MS_MOVE, NULL) < 0)
		fatal("cannot move %s into the root: %m", from);
}

void root_switch(void)
{
	unlink("/init");
	unlink("/viv/agent");
	move("/dev");
	move("/proc");
	move("/sys");
	move("/run");
	if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		fatal("cannot switch to the root: %m");
}
