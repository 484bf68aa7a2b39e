/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "plan/area.h"
#include "plan/etc.h"

/* What options of every day write: a machine file, one of its files, what stands in that. */
static const struct {
	const char *lua, *path, *has[6];
	const char *sudo[6]; /* the commands that sudo takes it for, as JSON */
} rows[] = {
	{"networking.firewall = { enable = true, allowedTCPPorts = { 443, 80, 2022 },\n"
	 "allowedTCPPortRanges = { { from = 8000, to = 8010 }, { from = 8005, to = 8020 } } }\n"
	 "services.openssh = { enable = true, ports = { 2022 } }",
	 "etc/nftables.conf",
	 {"policy drop;", "\t\ttcp dport { 80, 443, 2022, 8000-8020 } accept\n", "icmp type echo-request accept"}},
	{"networking.firewall = { enable = true, allowPing = false, extraInputRules = \"ip saddr 192.0.2.1 accept\",\n"
	 "interfaces = { eth1 = { allowedUDPPorts = { 53 } } } }\n"
	 "services.openssh = { enable = true, openFirewall = false }",
	 "etc/nftables.conf",
	 {"\t\tiifname \"eth1\" udp dport { 53 } accept\n\t}\n}\n", "-echo-request", "-tcp dport", "-192.0.2.1"}},
	{"networking.firewall = { enable = true, extraInputRules = \"ip saddr 192.0.2.1 accept\" }",
	 "etc/viv/firewall-extra.nft", {"table inet viv {\n\tchain input {\n\t\tip saddr 192.0.2.1 accept\n\t}\n}\n"}},
	{"networking.firewall = { enable = true, extraInputRules = \"ip saddr 192.0.2.1 accept\" }",
	 "etc/systemd/system/nftables.service.d/viv.conf",
	 {"ExecStart=\nExecStart=/usr/lib/viv/firewall\nExecReload=/usr/sbin/nft -f /etc/viv/firewall-extra.nft\n"}},
	{"networking.firewall.enable = true", "usr/lib/viv/firewall",
	 {"viv-init: fatal: networking.firewall", "systemctl --force poweroff\nfi\n", "-extra"}},
	{"system.init = \"runit\"\nnetworking.firewall.enable = true", "usr/lib/viv/firewall",
	 {"\t>/run/runit/end; exit 1\nfi\n"}},
	{"security.sudo = { enable = true, wheelNeedsPassword = false, extraConfig = \"Defaults !lecture\", extraRules = {\n"
	 "{ users = { \"a\" }, groups = { \"b\" }, runAs = \"www-data\", commands = {\n"
	 "{ command = \"/bin/ls a:b\", options = { \"NOPASSWD\", \"SETENV\" } }, {} } } } }",
	 "etc/sudoers.d/zz-viv",
	 {"%wheel ALL=(ALL:ALL) NOPASSWD: ALL\n", "%sudo ALL=(ALL:ALL) NOPASSWD: ALL\n",
	  "a, %b ALL=(www-data) NOPASSWD: SETENV: /bin/ls a\\:b, ALL\nDefaults !lecture\n"},
	 {"/bin/ls a:b", "ALL"}},
	/* No text of a command's makes it another one. */
	{"security.sudo = { enable = true, extraRules = { { users = { \"a\" }, commands = {\n"
	 "{ command = \"/usr/bin/id # -un\" }, { command = \"/bin/ls a\\\\:b=c\\\\\\\\,d *\" } } } } }",
	 "etc/sudoers.d/zz-viv",
	 {"a ALL=(ALL:ALL) /usr/bin/id \\# -un, /bin/ls a\\:b\\=c\\\\\\,d *\n"},
	 {"/usr/bin/id # -un", "/bin/ls a:b=c\\\\,d *"}},
	/* As NixOS has them: a command by itself, numbers of users and groups, and nobody at all. */
	{"security.sudo = { enable = true, extraRules = { { commands = { \"ALL\" } },\n"
	 "{ users = { \"a\", 1000 }, groups = { 1337 }, commands = { \"/bin/ls a:b\", { command = \"/bin/id\" } } } } }",
	 "etc/sudoers.d/zz-viv",
	 {"ALL\na, #1000, %#1337 ALL=(ALL:ALL) /bin/ls a\\:b, /bin/id\n"},
	 {"/bin/ls a:b", "/bin/id"}},
	{"services.openssh = { enable = true, ports = { 22, 2022 }, settings = { AllowUsers = { \"a\", \"b\" }, X11Forwarding = true,\n"
	 "Ciphers = { \"x\", \"y\" }, PubkeyAcceptedAlgorithms = { \"x\", \"y\" }, UseDNS = null, MaxAuthTries = 3 } }",
	 "etc/ssh/sshd_config.d/viv.conf",
	 {"Port 22\nPort 2022\nAuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\nAllowUsers a b\n"
	  "Ciphers x,y\nMaxAuthTries 3\nPubkeyAcceptedAlgorithms x,y\nX11Forwarding yes\n", "-UseDNS"}},
	{"services.openssh = { enable = true, settings = { authorizedKeysFile = \"/k/%u\" } }",
	 "etc/ssh/sshd_config.d/viv.conf", {"authorizedKeysFile /k/%u\n", "-.ssh/"}},
	{"services.nginx = { enable = true, appendConfig = \"worker_processes 2;\", virtualHosts = {\n"
	 "[\"a.example\"] = { forceSSL = true, root = \"/srv/a\" } } }",
	 "etc/nginx/nginx.conf",
	 {"\tserver {\n\t\tlisten 0.0.0.0:80;\n\t\tlisten [::]:80;\n\t\tserver_name a.example;\n",
	  "return 301 https://$host$request_uri;", "\t\tlisten 0.0.0.0:443 ssl;\n",
	  "ssl_certificate_key /var/lib/viv/nginx/a.example.key;\n\t\troot /srv/a;\n", "}\nworker_processes 2;\n"}},
	{"services.nginx = { enable = true, virtualHosts = { b = { default = true, listen = { { port = 9443, ssl = true } },\n"
	 "sslCertificate = \"/etc/b.pem\", sslCertificateKey = \"/root/b.key\", locations = {\n"
	 "[\"= /x\"] = { [\"return\"] = 404 }, [\"/p/\"] = { proxyPass = \"http://127.0.0.1:1\", proxyWebsockets = true } } } } }",
	 "etc/nginx/nginx.conf",
	 {"\t\tlisten 0.0.0.0:9443 ssl default_server;\n\t\tserver_name b;\n\t\tssl_certificate /etc/b.pem;\n",
	  "\t\tlocation = /x {\n\t\t\treturn 404;\n\t\t}\n", "proxy_pass http://127.0.0.1:1;", "Upgrade $http_upgrade",
	  "-listen 0.0.0.0:80"}},
	{"services.nginx = { enable = true, virtualHosts = { [\"*.c.example\"] = { addSSL = true, serverAliases = { \"c.example\" } } } }",
	 "usr/lib/viv/nginx-certificates",
	 {"\nmake %2a.c.example 'DNS:*.c.example,DNS:c.example' '*.c.example'\n"}},
	{"services.nginx = { enable = true, virtualHosts = { a = { onlySSL = true } } }", "etc/nginx/nginx.conf",
	 {"listen 0.0.0.0:443 ssl;\n\t\tlisten [::]:443 ssl;\n\t\tserver_name a;\n", "-:80"}},
	{"services.nginx = { enable = true, virtualHosts = { a = { onlySSL = true, listen = { { port = 9443, ssl = true } } } } }",
	 "etc/nginx/nginx.conf", {"\tserver {\n\t\tlisten 0.0.0.0:9443 ssl;\n\t\tserver_name a;\n\t\tssl_certificate ", "-:443"}},
	{"services.nginx = { enable = true, virtualHosts = { a = { addSSL = true, listen = { { port = 9080 }, { port = 9443, ssl = true } } } } }",
	 "etc/nginx/nginx.conf", {"\t\tlisten 0.0.0.0:9080;\n\t\tlisten 0.0.0.0:9443 ssl;\n\t\tserver_name a;\n", "-return 301"}},
	{"services.nginx = { enable = true, virtualHosts = { a = { forceSSL = true, root = \"/a\", listen = { { port = 9080 }, { ssl = true } } } } }",
	 "etc/nginx/nginx.conf",
	 {"\tserver {\n\t\tlisten 0.0.0.0:9080;\n\t\tserver_name a;\n\t\tlocation / {\n\t\t\treturn 301 https://$host$request_uri;\n",
	  "\tserver {\n\t\tlisten 0.0.0.0:443 ssl;\n\t\tserver_name a;\n\t\tssl_certificate "}},
	{"boot.sysctl = { [\"vm.swappiness\"] = 7, [\"net.ipv4.ip_forward\"] = true, [\"kernel.core_pattern\"] = \"|/bin/x %p\", [\"a.b\"] = null }",
	 "etc/sysctl.d/zz-viv.conf",
	 {"kernel.core_pattern = |/bin/x %p\nnet.ipv4.ip_forward = 1\nvm.swappiness = 7\n", "-a.b"}},
	{"boot.tmp = { useTmpfs = true, tmpfsSize = \"64M\" }", "etc/systemd/system/tmp.mount",
	 {"Options=mode=1777,strictatime,nosuid,nodev,size=64M\n"}},
	{"boot.tmp.cleanOnBoot = true", "etc/tmpfiles.d/00-viv-tmp.conf", {"D! /tmp 1777 root root 0\n"}},
	{"swapDevices = { { device = \"/dev/disk/by-label/my-swap\", priority = 7, options = { \"discard\" } } }",
	 "etc/systemd/system/dev-disk-by\\x2dlabel-my\\x2dswap.swap",
	 {"[Swap]\nWhat=/dev/disk/by-label/my-swap\nPriority=7\nOptions=discard\n", "-RequiresMountsFor"}},
	{"fileSystems[\"/data\"] = { device = \"/dev/vdb\", fsType = \"ext4\" }\n"
	 "swapDevices = { { device = \"/data/swap\", size = \"1G\" } }",
	 "etc/systemd/system/data-swap.swap",
	 {"RequiresMountsFor=/data/swap\n", "Requires=viv-swap-data-swap.service\n", "-Priority"}},
	{"zramSwap = { enable = true, memoryPercent = 25 }", "usr/lib/viv/zram-swap",
	 {"value * 25 / 100", "echo zstd >comp_algorithm", "swapon --priority 5"}},
	{"i18n = { defaultLocale = \"de_DE.UTF-8\", extraLocaleSettings = { LC_TIME = \"C.UTF-8\" } }", "etc/locale.conf",
	 {"LANG=de_DE.UTF-8\nLC_TIME=C.UTF-8\n"}},
	{"i18n.defaultLocale = \"C.UTF-8\"\nenvironment.variables.LANG = \"C\"", "etc/environment", {"LANG=\"C\"\n"}},
	{"environment.variables = { COLOUR = \"it's #ff0000\", EDITOR = \"vim\" }", "etc/environment", {"EDITOR=\"vim\"\n", "-COLOUR"}},
	{"environment.variables = { COLOUR = \"it's #ff0000\", EDITOR = \"vim\" }", "etc/viv/environment",
	 {"COLOUR=\"it's #ff0000\"\n", "-EDITOR"}},
	{"environment.variables = { COLOUR = \"it's #ff0000\", EDITOR = \"vim\" }", "etc/profile.d/viv-variables.sh",
	 {"export COLOUR='it'\\''s #ff0000'\n", "-EDITOR"}},
	{"console.keyMap = \"us-dvorak\"", "etc/default/keyboard", {"XKBLAYOUT=\"us\"\nXKBVARIANT=\"dvorak\"\n"}},
	{"console.keyMap = \"uk\"", "etc/default/keyboard", {"XKBLAYOUT=\"gb\"\nXKBVARIANT=\"\"\n"}},
	{"virtualisation.graphics = true\nservices.xserver = { enable = true, defaultDepth = 16, monitorSection = \"HorizSync 30-140\",\n"
	 "resolutions = { { x = 1000, y = 700 }, { x = 800, y = 600 } }, xkb = { layout = \"de\", variant = \"nodeadkeys\" } }",
	 "etc/X11/xorg.conf.d/10-viv.conf",
	 {"\tModeline \"1000x700\" 50.81 1000 1048 1080 1160 700 703 709 730 +hsync -vsync\n\tModeline \"800x600\" ",
	  "HorizSync 30-140\nEndSection\nSection \"Device\"\n\tIdentifier \"modesetting\"\n",
	  "\tMonitor \"viv\"\n\tDefaultDepth 16\n\tSubSection \"Display\"\n\t\tDepth 16\n\t\tModes \"1000x700\" \"800x600\"\n",
	  "Section \"ServerLayout\"\n\tIdentifier \"viv\"\n\tScreen \"modesetting\"\nEndSection\n",
	  "\tOption \"XkbLayout\" \"de\"\n\tOption \"XkbVariant\" \"nodeadkeys\"\n"}},
	{"virtualisation.graphics = true\nservices.xserver = { enable = true, videoDrivers = { \"vesa\", \"fbdev\" } }",
	 "etc/X11/xorg.conf.d/10-viv.conf",
	 {"\tScreen \"vesa\"\n\tScreen \"fbdev\"\nEndSection\n", "HorizSync 5-1000\n", "-AccelMethod", "-Modeline", "-Display", "-InputClass"}},
	{"virtualisation.graphics = true\nservices.xserver = { enable = true, videoDrivers = { \"vesa\" } }",
	 "etc/modprobe.d/viv-x.conf", {"blacklist bochs\n"}},
	{"virtualisation.graphics = true\nservices.xserver.enable = true",
	 "usr/lib/viv/x-server", {"su -l -w DISPLAY root -c /usr/lib/viv/x-session <$run/cookie", "-kill"}},
	{"virtualisation.graphics = true\nservices.xserver = { enable = true, windowManager = { icewm = { enable = true } } }",
	 "usr/lib/viv/x-server", {"\tkill $$ # the session is over\n"}},
	{"virtualisation.graphics = true\nusers.users.a.isNormalUser = true\nservices.displayManager.autoLogin.user = \"a\"\n"
	 "services.xserver = { enable = true, displayManager = { sessionCommands = \"one\\ntwo &\" },\n"
	 "windowManager = { icewm = { enable = true }, twm = {} } }",
	 "usr/lib/viv/x-session", {"exec </dev/null\none\ntwo &\nexec icewm-session\n"}},
	{"virtualisation.graphics = true\nservices.xserver = { enable = true, displayManager = { autoLogin = { enable = false } } }",
	 "usr/lib/viv/x-server", {"-su -l"}},
	{"virtualisation.graphics = true\nservices.xserver.enable = true\nsystem.init = \"runit\"",
	 "etc/runit/boot.d/40-udev", {"systemd-udevd --daemon\nudevadm trigger "}},
	{"virtualisation.graphics = true\nservices.xserver.enable = true\nsystem.init = \"runit\"",
	 "etc/sv/display-manager/run", {"exec /usr/lib/viv/x-server\n"}},
	{"networking.primaryIPAddress = \"192.168.1.2\"\nnetworking.domain = \"example.org\"\n"
	 "networking.hosts = { [\"192.0.2.9\"] = { \"b\", \"c.example.org\" }, [\"192.0.2.8\"] = {} }",
	 "etc/hosts", {"192.168.1.2 vm.example.org vm\n", "192.0.2.9 b c.example.org\n", "-192.0.2.8"}},
};

static const struct viv_etc_file *find(const struct viv_etc *etc, const char *path)
{
	for (size_t i = 0; i < etc->n_files; i++)
		if (viv_streq(etc->files[i].path, path))
			return &etc->files[i];
	return NULL;
}

/* "-x": x is not there. */
static void files(void **state VIV_UNUSED)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_ERROR err = VIV_ERROR_INIT;
		const struct viv_etc_file *f;
		struct viv_etc etc;

		test_good_machine(rows[i].lua, &c);
		if (viv_etc_collect(c, &etc, &err) < 0)
			fail_msg("%s", err.msg);
		f = find(&etc, rows[i].path);
		if (!f)
			fail_msg("%zu: no file %s", i, rows[i].path);
		for (size_t k = 0; k < 6 && rows[i].has[k]; k++) {
			const char *want = rows[i].has[k];
			bool not = want[0] == '-';

			if (!strstr(f->content.data, want + not) == !not)
				fail_msg("%zu: \"%s\" in\n%s", i, want, f->content.data);
		}
		viv_etc_free_contents(&etc);
	}
}

static void run_on(const char *const argv[], struct viv_str *said)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	if (viv_process_check(argv, said, 1 << 20, 60000, &err) < 0)
		fail_msg("%s", err.msg);
}

/* What sudo itself reads out of its rules. */
static void sudo_agrees(void **state VIV_UNUSED)
{
	VIV_FREE char *visudo = viv_find_program("visudo"), *convert = viv_find_program("cvtsudoers");
	VIV_FREE char *dir = NULL, *path = NULL;

	if (!visudo || !convert) {
		print_message("visudo and cvtsudoers are missing\n");
		skip();
	}
	dir = test_dir("sudo"), path = viv_path_join(dir, "sudoers");
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		const struct viv_etc_file *f;
		VIV_STR said = VIV_STR_INIT;
		struct viv_etc etc;

		if (!viv_streq(rows[i].path, "etc/sudoers.d/zz-viv"))
			continue;
		test_good_machine(rows[i].lua, &c);
		assert_int_equal(viv_etc_collect(c, &etc, NULL), 0);
		f = find(&etc, rows[i].path);
		assert_non_null(f);
		assert_int_equal(viv_write_file(path, f->content.data, f->content.len, 0440, NULL), 0);
		run_on((const char *const[]){visudo, "-cf", path, NULL}, &said);
		viv_str_clear(&said);
		run_on((const char *const[]){convert, "-c", "/dev/null", "-f", "json", path, NULL}, &said);
		for (size_t k = 0; k < 6 && rows[i].sudo[k]; k++) {
			VIV_FREE char *want = viv_asprintf("{ \"command\": \"%s\" }", rows[i].sudo[k]);

			if (!strstr(said.data, want))
				fail_msg("%s in\n%s", want, said.data);
		}
		viv_etc_free_contents(&etc);
	}
	viv_remove_tree(dir, NULL);
}

/* Without systemd the kernel sets them. */
static void sysctl_as_parameters(void **state VIV_UNUSED)
{
	VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
	VIV_STRV params = VIV_STRV_INIT;

	test_good_machine("system.init = \"none\"\nusers.mutableUsers = false\n"
	     "boot.sysctl = { [\"vm.swappiness\"] = 7, [\"kernel.printk\"] = \"4 4 1 7\" }", &c);
	for (const struct viv_area *const *a = viv_areas; *a; a++)
		if ((*a)->params)
			(*a)->params(c, &params);
	assert_true(viv_strv_has(&params, "sysctl.vm.swappiness=7"));
	assert_true(viv_strv_has(&params, "sysctl.kernel.printk=\"4 4 1 7\""));
	assert_true(viv_strv_has(&params, "viv.accounts=fixed"));
}

/* What is wrong, in words with a place. */
static void refused(void **state VIV_UNUSED)
{
	static const char *const bad[][2] = {
		{"swapDevices = { { device = \"/var/swap\", size = 16 } }",
		 "vm.lua:1: swapDevices[1]: /var/swap lies on the machine's overlay"},
		{"security.pki.certificates = { \"-----BEGIN EC PRIVATE KEY-----\" }",
		 "vm.lua:1: security.pki.certificates[1] holds a private key"},
		{"security.pki.certificates = { \"nothing\" }",
		 "vm.lua:1: security.pki.certificates[1] holds no certificate"},
		{"services.openssh.enable = true\n"
		 "users.users.paul = { isNormalUser = true, openssh = { authorizedKeys = { keyFiles = { \"" TEST_DATA "/ssh/paul\" } } } }",
		 "vm.lua:2: users.users.paul.openssh.authorizedKeys.keyFiles[1]: " TEST_DATA "/ssh/paul is a private key: name the public one"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(bad); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *c = NULL;
		VIV_ERROR err = VIV_ERROR_INIT;
		struct viv_etc etc;

		test_good_machine(bad[i][0], &c);
		assert_true(viv_etc_collect(c, &etc, &err) < 0);
		if (!viv_starts_with(strstr(err.msg, "vm.lua:") ? strstr(err.msg, "vm.lua:") : "", bad[i][1]))
			fail_msg("%s", err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(sudo_agrees),
		cmocka_unit_test(sysctl_as_parameters),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
