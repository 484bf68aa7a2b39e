-- A system of a few MB: kernel, initrd and one squashfs image with busybox and runit, whose three stages are
-- all there is to its start (docs/artifacts.md). With services.openssh.enable an ssh server comes along. Packages
-- are taken apart, not installed: system.minimal.packages says what else is taken of which.
system.root = mkDefault("minimal")
system.init = mkDefault("runit")
packages.recommends = mkDefault(false)
virtualisation.diskImage = mkDefault(null)
users.defaultUserShell = mkDefault("/bin/sh")

system.minimal.packages.busybox.files = { "bin/busybox" }
system.minimal.packages.runit.files = {
	"sbin/runit", "usr/bin/chpst", "usr/bin/runsv", "usr/bin/runsvdir", "usr/bin/sv", "usr/bin/svlogd",
}
-- As its package's script would make it; nobody here needs it to.
users.users["_runit-log"] = { isSystemUser = true }
users.groups["_runit-log"] = {}

-- What busybox goes by, where no package has the file.
local applets = [[
	[ [[ ar arp arping ash awk base64 basename bc blkid bunzip2 bzcat bzip2 cal cat chgrp chmod chown chroot chvt clear cmp cp cpio
	cttyhack cut date dc dd df diff dirname dmesg dnsdomainname du echo egrep env expand expr factor fallocate
	false fdisk fgrep find fold free ftpget ftpput getopt getty grep groups gunzip gzip halt head hexdump hostname
	hwclock id ifconfig insmod ionice ip ipcalc kill killall last less link klogd ln loadkmap logger login logname logread losetup ls
	lsmod lsscsi lzcat lzma lzop md5sum mkdir mkfifo mknod mkswap mktemp modinfo modprobe more mount mt mv nc
	netstat nl nologin nproc nsenter nslookup od paste patch pidof ping ping6 pivot_root printf ps pwd rdate readlink
	realpath renice reset rev rm rmdir rmmod route sed seq setpriv setsid sh sha1sum sha256sum sha512sum shred
	shuf sleep sort ssl_client stat strings stty svc swapoff swapon switch_root sync sysctl syslogd tac tail tar taskset
	tee telnet test tftp time timeout top touch tr traceroute true truncate tty udhcpc umount uname
	uncompress unexpand uniq unix2dos unlink unlzma unshare unxz unzip uptime usleep uudecode uuencode vi
	watch watchdog wc wget which who whoami xargs xxd xz xzcat yes zcat
]]
local links = {}
for name in applets:gmatch("%S+") do
	links["/usr/bin/" .. name] = mkDefault("busybox")
end
system.minimal.links = links

mkIf(ref "services.openssh.enable", function()
	-- The libraries are found by themselves. Older releases have all of sshd in one program.
	system.minimal.packages["openssh-server"].files = { "usr/sbin/sshd", "usr/lib/openssh/*" }
	system.minimal.packages["openssh-client"].files = { "usr/bin/ssh-keygen" }
	users.users.sshd = { isSystemUser = true, home = "/run/sshd" }
	users.groups.sshd = {}
	users.groups._ssh = {}
	environment.etc["ssh/sshd_config"].text = mkDefault(
		"Include /etc/ssh/sshd_config.d/*.conf\nSubsystem sftp internal-sftp\n")
end)

-- PAM's modules nobody can see in sudo: it loads them when they are needed. Debian's common-* are a script's work.
mkIf(ref "security.sudo.enable", function()
	system.minimal.packages["libpam-modules"].files = {
		"usr/lib/*/security/pam_deny.so", "usr/lib/*/security/pam_limits.so", "usr/lib/*/security/pam_permit.so",
		"usr/lib/*/security/pam_unix.so", "etc/security/limits.conf",
	}
	system.minimal.packages["libpam-modules-bin"].files = { "usr/sbin/unix_chkpwd" }
	environment.etc["pam.d/common-auth"].text = mkDefault("auth required pam_unix.so nullok\n")
	environment.etc["pam.d/common-account"].text = mkDefault("account required pam_unix.so\n")
	environment.etc["pam.d/common-password"].text = mkDefault("password required pam_unix.so obscure yescrypt\n")
	environment.etc["pam.d/common-session"].text = mkDefault("session required pam_unix.so\n")
	environment.etc["pam.d/common-session-noninteractive"].text = mkDefault("session required pam_unix.so\n")
	environment.etc["pam.d/other"].text = mkDefault("auth required pam_deny.so\naccount required pam_deny.so\n")
end)

mkIf(ref "services.nginx.enable", function()
	system.minimal.packages.nginx.files = { "usr/sbin/nginx" }
	system.minimal.packages["nginx-common"].files = { "etc/nginx/mime.types", "usr/share/nginx/html/index.html" }
	system.minimal.packages.openssl.files = { "usr/bin/openssl", "etc/ssl/openssl.cnf", "usr/lib/ssl/openssl.cnf" }
	users.users["www-data"] = { isSystemUser = true, group = "www-data" }
	users.groups["www-data"] = {}
end)
