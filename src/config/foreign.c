/* SPDX-License-Identifier: MIT */
#include "config/foreign.h"

#include "base/util.h"

#define NO_GREETER "there is no greeter: services.displayManager.autoLogin says whose session begins"
#define PACKAGE(p, unit) \
	"Debian's package " p " brings the unit " unit ": environment.systemPackages = { \"" p "\" }"
#define UNIT(type)	 "write the unit itself: environment.etc[\"systemd/system/NAME." type "\"].text"

const struct viv_foreign_option viv_foreign_options[] = {
	{"boot.initrd.extraUtilsCommands", "the initrd holds one program and no shell"},
	{"boot.initrd.luks", "the machine's own disk is not encrypted"},
	{"boot.initrd.postDeviceCommands", "an empty disk is formatted without it: fileSystems.<path>.autoFormat"},
	{"boot.initrd.postMountCommands", "boot.postBootCommands are run when the root is mounted"},
	{"boot.supportedFilesystems", "fileSystems brings what it names, else it is a package: "
	 "environment.systemPackages = { \"btrfs-progs\" }"},
	{"environment.sessionVariables", "write environment.variables"},
	{"machines", "machines are described in test files, which viv test reads"},
	{"networking.bridges", "a unit makes it: systemd.services.<name>, with ip(8) of the package iproute2"},
	{"networking.dhcpcd", "networks are set up by the agent, which waits for nobody's ARP: networking.useDHCP"},
	{"networking.nat", "boot.sysctl[\"net.ipv4.ip_forward\"] = 1, "
	 "and a unit (systemd.services.<name>) that calls nft(8) of the package nftables"},
	{"networking.vlans", "a unit makes it: systemd.services.<name>, with ip(8) of the package iproute2"},
	{"networking.wireless", "a virtual machine has no such device"},
	{"nix", "there is no Nix in the machine"},
	{"nodes", "machines are described in test files, which viv test reads"},
	{"services.acpid", PACKAGE("acpid", "acpid")},
	{"services.atd", PACKAGE("at", "atd")},
	{"services.autofs", PACKAGE("autofs", "autofs")},
	{"services.avahi", PACKAGE("avahi-daemon", "avahi-daemon")},
	{"services.bind", PACKAGE("bind9", "named")},
	{"services.bird", PACKAGE("bird2", "bird")},
	{"services.caddy", PACKAGE("caddy", "caddy")},
	{"services.chrony", PACKAGE("chrony", "chrony")},
	{"services.clamav", PACKAGE("clamav-daemon", "clamav-daemon")},
	{"services.dbus", PACKAGE("dbus", "dbus")},
	{"services.desktopManager", "a session is a window manager's: services.xserver.windowManager"},
	{"services.dnsmasq", PACKAGE("dnsmasq", "dnsmasq")},
	{"services.dovecot2", PACKAGE("dovecot-core", "dovecot")},
	{"services.etcd", PACKAGE("etcd-server", "etcd")},
	{"services.fail2ban", PACKAGE("fail2ban", "fail2ban")},
	{"services.frr", PACKAGE("frr", "frr")},
	{"services.haproxy", PACKAGE("haproxy", "haproxy")},
	{"services.httpd", PACKAGE("apache2", "apache2")},
	{"services.keepalived", PACKAGE("keepalived", "keepalived")},
	{"services.lighttpd", PACKAGE("lighttpd", "lighttpd")},
	{"services.lldpd", PACKAGE("lldpd", "lldpd")},
	{"services.logrotate", PACKAGE("logrotate", "logrotate.timer")},
	{"services.memcached", PACKAGE("memcached", "memcached")},
	{"services.mosquitto", PACKAGE("mosquitto", "mosquitto")},
	{"services.mysql", PACKAGE("mariadb-server", "mariadb")},
	{"services.nfs", PACKAGE("nfs-kernel-server", "nfs-server")},
	{"services.nsd", PACKAGE("nsd", "nsd")},
	{"services.ntp", "the machine's clock is the host's, and no daemon sets it"},
	{"services.openntpd", PACKAGE("openntpd", "openntpd")},
	{"services.openvpn", PACKAGE("openvpn", "openvpn")},
	{"services.postfix", PACKAGE("postfix", "postfix")},
	{"services.postgresql", PACKAGE("postgresql", "postgresql")},
	{"services.printing", PACKAGE("cups", "cups")},
	{"services.prometheus.exporters.node", PACKAGE("prometheus-node-exporter", "prometheus-node-exporter")},
	{"services.prometheus", PACKAGE("prometheus", "prometheus")},
	{"services.qemuGuest", PACKAGE("qemu-guest-agent", "qemu-guest-agent")},
	{"services.rabbitmq", PACKAGE("rabbitmq-server", "rabbitmq-server")},
	{"services.radvd", PACKAGE("radvd", "radvd")},
	{"services.redis", PACKAGE("redis-server", "redis-server")},
	{"services.rpcbind", PACKAGE("rpcbind", "rpcbind")},
	{"services.rsyslogd", PACKAGE("rsyslog", "rsyslog")},
	{"services.samba", PACKAGE("samba", "smbd")},
	{"services.smartd", PACKAGE("smartmontools", "smartmontools")},
	{"services.snmpd", PACKAGE("snmpd", "snmpd")},
	{"services.squid", PACKAGE("squid", "squid")},
	{"services.tftpd", PACKAGE("tftpd-hpa", "tftpd-hpa")},
	{"services.timesyncd", PACKAGE("systemd-timesyncd", "systemd-timesyncd")},
	{"services.tor", PACKAGE("tor", "tor")},
	{"services.udev", "write environment.etc[\"udev/rules.d/NAME.rules\"].text"},
	{"services.unbound", PACKAGE("unbound", "unbound")},
	{"services.varnish", PACKAGE("varnish", "varnish")},
	{"services.vsftpd", PACKAGE("vsftpd", "vsftpd")},
	{"services.xrdp", PACKAGE("xrdp", "xrdp")},
	{"services.xserver.desktopManager", "a session is a window manager's: services.xserver.windowManager"},
	{"services.xserver.displayManager.gdm", NO_GREETER},
	{"services.xserver.displayManager.lightdm", NO_GREETER},
	{"services.xserver.displayManager.sddm", NO_GREETER},
	{"specialisation", "a machine file of its own, with this one among its imports"},
	{"system.build", "viv build makes result/bin/run-<hostName>-vm"},
	{"systemd.automounts", UNIT("automount")},
	{"systemd.network", "write environment.etc[\"systemd/network/NAME.network\"].text, for systemd-networkd"},
	{"systemd.paths", UNIT("path")},
	{"systemd.slices", UNIT("slice")},
	{"systemd.user", "write environment.etc[\"systemd/user/NAME.service\"].text"},
	{"users.motd", "write environment.etc.motd.text"},
	{"virtualisation.docker", PACKAGE("docker.io", "docker")},
	{"virtualisation.libvirtd", PACKAGE("libvirt-daemon-system", "libvirtd")},
	{"virtualisation.pathsInNixDB", "there is no Nix in the machine; its dpkg knows all packages"},
	{"virtualisation.podman", PACKAGE("podman", "podman.socket")},
	{NULL, NULL},
};

const char *viv_foreign_hint(const char *name)
{
	for (const struct viv_foreign_option *f = viv_foreign_options; f->name; f++) {
		size_t n = strlen(f->name);

		if (viv_starts_with(name, f->name) && (!name[n] || name[n] == '.' || name[n] == '['))
			return f->hint;
	}
	return NULL;
}

const char *viv_foreign_group_hint(const char *group)
{
	if (viv_streq(group, "services"))
		return "a Debian package brings its units (environment.systemPackages), one of your own is "
		       "systemd.services.<name>";
	if (viv_streq(group, "programs"))
		return "a program is a Debian package: environment.systemPackages";
	return NULL;
}
