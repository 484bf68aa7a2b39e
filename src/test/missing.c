/* SPDX-License-Identifier: MIT */
#include "test/missing.h"

#include "base/path.h"
#include "base/status.h"
#include "base/util.h"

#define SAID_MAX    4096 /* bytes of what a shell says */
#define PROGRAM_MAX 255	 /* bytes */

/* What people expect to be there. The same in bookworm and trixie. */
static const struct {
	const char *package, *programs;
} packages[] = {
	{"acl", "getfacl setfacl"},
	{"apache2-utils", "ab htpasswd"},
	{"bc", "bc"},
	{"bind9-dnsutils", "dig nslookup nsupdate"},
	{"bind9-host", "host"},
	{"bpftool", "bpftool"},
	{"bpftrace", "bpftrace"},
	{"bsdextrautils", "hexdump"},
	{"btrfs-progs", "btrfs mkfs.btrfs"},
	{"conntrack", "conntrack"},
	{"cryptsetup-bin", "cryptsetup veritysetup"},
	{"curl", "curl"},
	{"dnsmasq-base", "dnsmasq"},
	{"dosfstools", "mkfs.fat mkfs.vfat"},
	{"e2fsprogs", "mkfs.ext4"},
	{"ethtool", "ethtool"},
	{"f2fs-tools", "mkfs.f2fs"},
	{"fdisk", "fdisk sfdisk"},
	{"file", "file"},
	{"fio", "fio"},
	{"gcc", "gcc"},
	{"gdb", "gdb"},
	{"git", "git"},
	{"iperf3", "iperf3"},
	{"iproute2", "bridge ip ss tc"},
	{"iptables", "ip6tables iptables"},
	{"iputils-arping", "arping"},
	{"iputils-ping", "ping"},
	{"jq", "jq"},
	{"keyutils", "keyctl"},
	{"less", "less"},
	{"libcap2-bin", "capsh getcap setcap"},
	{"linux-perf", "perf"},
	{"lsof", "lsof"},
	{"lvm2", "lvcreate pvcreate vgcreate"},
	{"make", "make"},
	{"mdadm", "mdadm"},
	{"net-tools", "ifconfig netstat route"},
	{"netcat-openbsd", "nc"},
	{"nfs-common", "mount.nfs showmount"},
	{"nfs-kernel-server", "exportfs"},
	{"nftables", "nft"},
	{"openssh-client", "scp ssh ssh-keygen"},
	{"parted", "parted"},
	{"pciutils", "lspci setpci"},
	{"procps", "free pgrep pkill ps sysctl top vmstat watch"},
	{"psmisc", "fuser killall pstree"},
	{"python3", "python3"},
	{"rsync", "rsync"},
	{"socat", "socat"},
	{"strace", "strace"},
	{"stress-ng", "stress-ng"},
	{"sudo", "sudo"},
	{"tcpdump", "tcpdump"},
	{"trace-cmd", "trace-cmd"},
	{"traceroute", "traceroute"},
	{"usbutils", "lsusb"},
	{"vim", "vim"},
	{"wget", "wget"},
	{"xfsprogs", "mkfs.xfs xfs_io"},
	{"xxd", "xxd"},
};

const char *viv_test_package_of(const char *program)
{
	const char *name = viv_path_base(program);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(packages); i++) {
		struct viv_slice rest = viv_slice(packages[i].programs), word;

		while (viv_slice_word(&rest, &word))
			if (viv_slice_eq(word, name))
				return packages[i].package;
	}
	return NULL;
}

char *viv_test_package_hint(const char *program)
{
	const char *package = viv_test_package_of(program);

	return package ? viv_asprintf("Debian's package %s has %s: environment.systemPackages = { \"%s\" }", package,
				      viv_path_base(program), package) : NULL;
}

static struct viv_slice last_line(struct viv_slice text)
{
	size_t from;

	text = viv_slice_trim(text);
	for (from = text.len; from && text.data[from - 1] != '\n'; from--)
		;
	return (struct viv_slice){text.data + from, text.len - from};
}

/* "sh: 1: eval: ip" and "timeout: failed to run command 'ip'" are ip. */
static const char *name_in(char *said)
{
	static const char *const quotes[][2] = {{"'", "'"}, {"‘", "’"}};
	char *name = said;

	for (char *p = said; (p = strstr(p, ": ")); p += 2)
		name = p + 2;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(quotes); i++) {
		char *begin = strstr(name, quotes[i][0]);

		if (begin && viv_ends_with(begin + strlen(quotes[i][0]), quotes[i][1])) {
			name = begin + strlen(quotes[i][0]);
			name[strlen(name) - strlen(quotes[i][1])] = '\0';
		}
	}
	return name;
}

static bool is_name(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ')
			return false;
	return len && len <= PROGRAM_MAX;
}

char *viv_test_missing(int status, struct viv_slice err)
{
	static const char *const ends[] = {": command not found", ": not found", ": No such file or directory"};
	VIV_FREE char *line = NULL;
	const char *name;

	if (!status || !err.len)
		return NULL;
	err = last_line(err);
	if (err.len > SAID_MAX)
		return NULL;
	line = viv_slice_dup(err);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(ends); i++) {
		if (!viv_ends_with(line, ends[i]) || (status != VIV_EXIT_FIND && i == 2))
			continue;
		line[strlen(line) - strlen(ends[i])] = '\0';
		name = name_in(line);
		if (!is_name(name) || (status != VIV_EXIT_FIND && !viv_test_package_of(name)))
			return NULL;
		return viv_slice_printable(viv_slice(name));
	}
	return NULL;
}
