/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * PID 1 of the initrd (docs/boot.md): loads the modules that the root needs, finds the layers' disks
 * by serial, puts them together with overlayfs, starts the agent and the real init. With viv.init=none
 * it stays PID 1 and looks after the machine until it is to power off.
 *
 * It never ends: what makes going on impossible is said on the console in a line that starts with
 * INIT_FATAL, which the host knows, and the machine powers off. Little memory is used and none
 * allocated but by scandir; every list has a bound.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INIT_FATAL	"viv-init: fatal: "
#define INIT_MAX_LAYERS 64
#define ROOT		"/viv/root"
#define UPPER		"/viv/upper"
#define INIT_MAX_PATH	128 /* of what the command line names */

#define PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

enum upper {
	UPPER_MEMORY, /* writes go to a tmpfs */
	UPPER_DISK,   /* … to the disk viv-disk */
	UPPER_NONE,   /* the root is read-only */
};

/* The kernel's command line, as far as it is ours. */
struct params {
	unsigned layers;	  /* viv.layers=N: disks viv-layer-0 (lowest) to viv-layer-(N-1) */
	enum upper upper;	  /* viv.upper=memory|disk|none; memory */
	bool none;		  /* viv.init=none: there is no real init */
	bool runit;		  /* viv.init=runit: the real init does none of what udev and systemd do */
	bool user_network;	  /* viv.network=user: eth0 is in QEMU's user network */
	char init[INIT_MAX_PATH]; /* viv.init=/path; "": systemd */
	unsigned timeout;	  /* viv.timeout=SECONDS: how long to wait for disks; 60 */
	bool shares;		  /* viv.share=…: the agent mounts them; with none before anything else runs */
	bool shell;		  /* viv.shell: with none, a root shell on the console; its end powers off */
	unsigned disks;		  /* viv.disks=N: so many others to wait for */
	char root_fs[8];	  /* viv.root=ext4|xfs|btrfs: the whole system is on viv-disk, no overlay */
	char base[68];		  /* viv.base=ID: what the layers are; "" where nobody cares */
	char device[INIT_MAX_PATH]; /* viv.device=/dev/…: takes the place of viv-disk; "": none does */
	bool rebase;		  /* viv.rebase: a disk made on other layers is brought onto these */
	bool fixed_accounts;	  /* viv.accounts=fixed: users are the layers', not a kept disk's */
	bool crash;		  /* viv.crash: the kernel before this one crashed; nothing else is done */
	bool verbose;		  /* viv.verbose: says on the console what it does and when */
};

/* Device names below /dev, "" while unknown. */
struct disks {
	char layer[INIT_MAX_LAYERS][32];
	char writable[32]; /* viv-disk, or what viv.device names */
	unsigned further;  /* neither of these, and with a serial */
};

/* init-util.c */
_Noreturn void fatal(const char *fmt, ...) PRINTF(1, 2); /* the errno is not added: say it with %m */
void warning(const char *fmt, ...) PRINTF(1, 2);
void warn_user(const char *fmt, ...) PRINTF(1, 2); /* the host shows it, too */
/* Only with viv.verbose, with the time since the kernel started. */
void note(const struct params *p, const char *fmt, ...) PRINTF(2, 3);
/* The start of a small file, without the newline at its end; the length, or -1. */
int read_text(const char *path, char *buf, size_t size);
void make_folder(const char *path, mode_t mode); /* there already: fine; else fatal */
/* Fatal unless it works. */
void must_mount(const char *what, const char *where, const char *type, unsigned long flags,
		const char *data);
int64_t now_ms(void);

/* init-params.c: changes `line`. Warns of what it doesn't know; fatal where it can't go on. */
void params_parse(char *line, struct params *ret);

/* init-shell.c: a root shell on the console; its pid, or -1. */
pid_t shell_start(void);

/* init-modules.c: loads what is in /viv/modules in the order of the names. */
void modules_load(const struct params *p);

/* init-disks.c */
int disks_listen(void); /* before the modules are loaded: a socket for the kernel's events, or -1 */
/* Waits until all are there; fatal with the names of those that are not. Closes `events`. */
void disks_find(const struct params *p, int events, struct disks *ret);
/* False: it has none. */
bool disk_serial(const char *disk, char *buf, size_t size);

/*
 * What the user knows the disk by that the machine writes to. A fatal line that begins with "the
 * disk " and this is no fault of the system's: the host tells it apart.
 */
const char *disk_name(const struct params *p);

/*
 * init-device.c: the device's name below /dev, of one of the disks that are there: by id, label or
 * UUID of ext4, xfs or btrfs, by partition label or UUID, or its own. False: there is none.
 */
bool device_find(const char *path, char *ret, size_t size);

/* init-root.c: mounts the root at /viv/root; a descriptor of the upper file system, or -1. */
int root_assemble(const struct params *p, const struct disks *d);
/* Makes it the root, with /dev, /proc, /sys and /run, and frees the initrd's memory. */
void root_switch(void);
/* The disk that the root writes to, for runit. upper_fd may be -1. */
void root_show_upper(const struct params *p, int upper_fd);

/* init-format.c */
bool device_is_empty(const char *device); /* all zero where file systems and tables have their marks */
/* Makes that file system on viv-disk, if it is empty, with the root's own mkfs. */
bool format_if_empty(const struct params *p, const struct disks *d, const char *type);
/* Runs a program of the layers', which are mounted; its exit status, 127 where it is not there. */
int layers_run(char *const argv[]);
/* Mounts the layers, top first, without an upper at /viv/root. */
void root_mount_lower(const struct params *p);

/* Copies `text` to a file of its own, and sees that it is on the disk. */
void write_record(const char *path, const char *text);

/* init-base.c: a disk that was made on other layers is rebased, or that is fatal. */
void base_check(const struct params *p);
#define BASE_PACKAGES "/usr", "/boot", "/var/lib/dpkg" /* where packages' files are */

/* init-real.c: mounts viv-disk as the root, with the system copied onto it if it is new. */
void real_root(const struct params *p, const struct disks *d);

/* init-accounts.c: with viv.accounts=fixed, from the upper file system, or onto a real root. */
void accounts_uncover(const struct params *p);
void accounts_copy(const struct params *p, const char *root);

/* init-links.c: /dev/disk/by-id, as udev makes it. */
void links_make(void);

/* init-filesystems.c: makes what declared disks hold, in the root; fatal where it can't be. */
void filesystems_make(const struct params *p);
/* Mounts what /etc/fstab says; without an init system it turns swap on, too. Fatal where that can't be. */
void filesystems_mount(const struct params *p);
/* Makes all that is on disks read-only, beside the root. */
void filesystems_settle(void);

/* init-setup.c: what udev or systemd would have made: folders of the kernel's, lo, the host name. */
void system_set_up(void);
/* init-post.c: runs /etc/viv/post-boot, if it is there, and waits for its end. */
void post_boot_run(const struct params *p);

/*
 * init-crash.c: has the kernel keep the second one that the initrd brings; without one nothing. And what that one is
 * for: copies the first one's memory to the disk of that serial, and powers off.
 */
void crash_load(const struct params *p);
_Noreturn void crash_dump(void);
#define INIT_CRASH_DISK	  "viv-crash-dump"
#define INIT_CRASH_STARTS "crash dump: " /* and what it does; the host knows the line */
#define INIT_CRASH_MARK	  "viv crash dump, bytes: "

/* init-none.c: the life of a machine without an init system; starts the agent. */
_Noreturn void none_run(const struct params *p, int upper_fd);

/* init.c */
pid_t agent_start(const struct params *p); /* -1: it could not be forked */
