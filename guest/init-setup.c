/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void set_hostname(void)
{
	char name[65];

	if (read_text("/etc/hostname", name, sizeof(name)) <= 0)
		return;
	name[strcspn(name, " \t\n#")] = '\0';
	if (name[0] && sethostname(name, strlen(name)) < 0)
		warning("cannot set the host name: %m");
}

static void loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &r) < 0) {
		warning("no loopback interface: %m");
	} else {
		r.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
			warning("cannot bring up lo: %m");
	}
	if (fd >= 0)
		close(fd);
}

/* What a kernel has of these is there as an empty folder. */
static void mount_more_of_the_kernel(void)
{
	static const char *const rows[][2] = {
		{"debugfs", "/sys/kernel/debug"}, {"tracefs", "/sys/kernel/tracing"},
		{"securityfs", "/sys/kernel/security"}, {"configfs", "/sys/kernel/config"},
		{"efivarfs", "/sys/firmware/efi/efivars"}, {"mqueue", "/dev/mqueue"},
	};

	mkdir("/dev/mqueue", 0755);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		mount(rows[i][0], rows[i][1], rows[i][0], MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

void system_set_up(void)
{
	mount_more_of_the_kernel();
	(void)!symlink("/proc/self/fd", "/dev/fd");
	(void)!symlink("/proc/self/fd/0", "/dev/stdin");
	(void)!symlink("/proc/self/fd/1", "/dev/stdout");
	(void)!symlink("/proc/self/fd/2", "/dev/stderr");
	mkdir("/dev/shm", 01777);
	if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		warning("cannot mount /dev/shm: %m");
	mkdir("/run/lock", 01777);
	chmod("/run/lock", 01777);
	set_hostname();
	loopback_up();
}
