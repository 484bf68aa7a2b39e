/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "run/tap.h"

#include <dirent.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYS_NET "/sys/class/net"

/* What `viv doctor net` has to say: what is there, and how to make what isn't. */
struct findings {
	json_t *list;
	bool json;
};

static void VIV_PRINTF(4, 5) add(struct findings *f, const char *name, bool ok, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	json_array_append_new(f->list, json_pack("{s:s, s:b, s:o}", "check", name, "ok", ok, "text",
						 viv_json_text(text.data)));
	if (!f->json)
		viv_cmd_print(stdout, "%-8s %-15s %s\n", ok ? "ok" : "note", name, text.data);
}

static bool has_file(const char *device, const char *file)
{
	VIV_FREE char *path = viv_asprintf(SYS_NET "/%s/%s", device, file);

	return viv_exists(path);
}

/* Whose tap it is; (uid_t)-1: anybody's with the right to it. */
static uid_t owner_of(const char *device)
{
	VIV_FREE char *path = viv_asprintf(SYS_NET "/%s/owner", device);
	VIV_STR text = VIV_STR_INIT;
	uint64_t uid;

	if (viv_read_file(path, 64, &text, NULL) < 0 ||
	    !viv_slice_u64(viv_slice_trim((struct viv_slice){text.data, text.len}), UINT32_MAX, &uid))
		return (uid_t)-1;
	return (uid_t)uid;
}

static void check_devices(struct findings *f)
{
	VIV_STRV names = VIV_STRV_INIT;
	DIR *dir = opendir(SYS_NET);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			viv_strv_push(&names, e->d_name);
	if (dir)
		closedir(dir);
	viv_strv_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];

		if (has_file(name, "tun_flags"))
			add(f, "tap", owner_of(name) == geteuid() || geteuid() == 0, "%s: %s", name,
			    owner_of(name) == geteuid() ? "belongs to you" : "does not belong to you");
		else if (has_file(name, "bridge"))
			add(f, "bridge", true, "%s", name);
	}
}

static void check_tun(struct findings *f)
{
	VIV_FD fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		add(f, "tun", true, "/dev/net/tun can be opened");
	else
		add(f, "tun", false, "/dev/net/tun: %s%s", strerror(errno),
		    errno == ENOENT ? " (sudo modprobe tun)" : "");
}

static void check_helper(struct findings *f)
{
	VIV_FREE char *helper = viv_bridge_helper();
	VIV_STR text = VIV_STR_INIT;
	struct stat st;

	if (!helper) {
		add(f, "bridge helper", false, "qemu-bridge-helper is not there: install the package "
		    "qemu-system-common");
		return;
	}
	if (geteuid() != 0 && stat(helper, &st) == 0 && (!(st.st_mode & S_ISUID) || st.st_uid != 0))
		add(f, "bridge helper", false, "%s is not setuid root: sudo chmod u+s %s", helper,
		    helper);
	else if (viv_read_file("/etc/qemu/bridge.conf", 65536, &text, NULL) < 0)
		add(f, "bridge helper", false, "/etc/qemu/bridge.conf allows no bridge");
	else
		add(f, "bridge helper", true, "%s", helper);
}

static void check_program(struct findings *f, const char *program, const char *why)
{
	VIV_FREE char *path = viv_find_program(program);

	add(f, program, path != NULL, "%s", path ? path : why);
}

static void print_commands(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	VIV_FREE char *found = viv_bridge_helper();
	const char *user = pw ? pw->pw_name : "USER";
	const char *helper = found ? found : "/usr/lib/qemu/qemu-bridge-helper";

	viv_cmd_print(stdout,
		      "\n"
		      "A tap of your own, until the next boot of this host; the guest is 192.168.100.2:\n"
		      "  sudo ip tuntap add dev viv0 mode tap user %s\n"
		      "  sudo ip address add 192.168.100.1/24 dev viv0\n"
		      "  sudo ip link set viv0 up\n"
		      "and in vm.lua:\n"
		      "  virtualisation.networks.lan = { kind = \"tap\", device = \"viv0\",\n"
		      "      addresses = { \"192.168.100.2/24\" } }\n"
		      "\n"
		      "A bridge for several machines:\n"
		      "  sudo ip link add vivbr0 type bridge\n"
		      "  sudo ip address add 192.168.101.1/24 dev vivbr0\n"
		      "  sudo ip link set vivbr0 up\n"
		      "  sudo mkdir -p /etc/qemu\n"
		      "  echo 'allow vivbr0' | sudo tee -a /etc/qemu/bridge.conf\n"
		      "  sudo chmod u+s %s\n"
		      "and in vm.lua, for each another address:\n"
		      "  virtualisation.networks.lan = { kind = \"bridge\", device = \"vivbr0\",\n"
		      "      addresses = { \"192.168.101.2/24\" } }\n"
		      "\n"
		      "A way out through either (gateway = \"192.168.100.1\"):\n"
		      "  sudo sysctl net.ipv4.ip_forward=1\n"
		      "  sudo nft add table ip viv\n"
		      "  sudo nft 'add chain ip viv out { type nat hook postrouting priority 100; }'\n"
		      "  sudo nft add rule ip viv out ip saddr 192.168.100.0/23 masquerade\n",
		      user, helper);
}

static int run(struct viv_cmd *cmd, const struct viv_args *args VIV_UNUSED,
	       struct viv_error *err VIV_UNUSED)
{
	VIV_JSON *list = json_array();
	struct findings f = {list, cmd->json};
	VIV_STR text = VIV_STR_INIT;

	add(&f, "user network", true, "needs nothing");
	check_tun(&f);
	check_devices(&f);
	check_helper(&f);
	check_program(&f, "passt", "is not there: the package passt, for networks of that kind");
	check_program(&f, "nc", "is not there: the package netcat-openbsd, for forwardPorts with "
				"from = \"guest\"");
	if (cmd->json) {
		viv_json_pretty(list, &text);
		viv_cmd_print(stdout, "%s", text.data);
	} else {
		print_commands();
	}
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_doctor_net = {
	.name = "doctor net",
	.summary = "Say which networks this host has for machines, and how to make one",
	.about = "Prints the commands that make a tap or a bridge for you: nothing is changed.",
	.run = run,
};
