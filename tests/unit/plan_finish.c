/* SPDX-License-Identifier: MIT */

/* The etc layer's files as they are finished over layers that have something already. */

#include "machine.h"

#include "base/fd.h"
#include "base/path.h"
#include "plan/accounts.h"
#include "plan/area.h"
#include "plan/step.h"
#include "plan/units.h"

#include <unistd.h>

static const char manifest[] =
	"d 755 0 0 0 1 - - etc\n"
	"d 755 0 0 0 1 - - etc/ssl\n"
	"d 710 0 42 0 1 - - etc/ssl/private\n"
	"l 777 0 0 0 1 - - etc/mtab -> ../proc/self/mounts\n"
	"f 644 0 0 1 1 - - etc/fstab\n"
	"d 755 33 33 0 1 - - srv/www\n"
	"d 755 0 0 0 1 - - usr\n"
	"f 755 0 0 1 1 - - usr/bin/bash\n"
	"f 644 0 0 1 1 - - usr/lib/systemd/system/cron.service\n"
	"f 644 0 0 1 1 - - usr/lib/systemd/system/dbus.service\n"
	"f 644 0 0 1 1 - - etc/init.d/old\n"
	"d 755 0 0 0 1 - - usr/share/games\n";

static json_t *below(void)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "passwd",
			 "root:x:0:0:root:/root:/bin/bash\n"
			 "www-data:x:33:33:www-data:/srv/www:/usr/sbin/nologin\n",
			 "group", "root:x:0:\nshadow:x:42:\nwww-data:x:33:\n",
			 "shadow", "root:*:19000:0:99999:7:::\nwww-data:*:19000::::::\n",
			 "gshadow", "root:*::\nshadow:*::\nwww-data:*::\n");
}

/* vm.lua's text; the plan's etc is to be freed even after an error. */
static int finish(const char *text, struct viv_config **config, struct viv_etc *ret, struct viv_error *err)
{
	VIV_JSON *b = below(), *ids = NULL, *groups = NULL;
	struct viv_str one = VIV_STR_INIT;
	const struct viv_manifests layers = {.texts = &one, .n = 1};
	struct viv_plan p = {0};
	int r = test_machine(text, config, err);

	if (r < 0)
		return r;
	viv_str_add(&one, manifest);
	p.config = *config;
	p.groups = groups = viv_accounts_groups(viv_config_get(*config, "users.users"),
						viv_config_get(*config, "users.groups"), false);
	p.ids = ids = viv_accounts_assign(viv_config_get(*config, "users.users"), groups, NULL);
	r = viv_etc_collect(*config, &p.etc, err);
	if (r == 0)
		r = viv_plan_finish_etc(&p, b, &layers, err);
	viv_str_free(&one);
	*ret = p.etc;
	return r;
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *want; /* how the message begins */
	} cases[] = {
		/* Homes. */
		{"users.users.c = { isNormalUser = true, home = '/etc' }",
		 "vm.lua:1: users.users.c.home: /etc is the system's and can't be given to c\n"
		 "With createHome = false it stays as it is."},
		{"users.users.c = { isNormalUser = true, home = '/' }", "vm.lua:1: users.users.c.home: / is the system's"},
		{"users.users.c = { isNormalUser = true, home = '/tmp' }", "vm.lua:1: users.users.c.home: /tmp is"},
		{"users.users.c = { isNormalUser = true, home = '/sys/x' }", "vm.lua:1: users.users.c.home: /sys/x is"},
		{"users.users.c = { isNormalUser = true, home = '/usr/share/games' }",
		 "vm.lua:1: users.users.c.home: /usr/share/games is"},
		{"users.users.c = { isNormalUser = true, home = '/etc/fstab' }", "vm.lua:1: users.users.c.home: /etc/fstab"},
		{"users.users.c = { isNormalUser = true, home = '/etc/mtab/c' }",
		 "vm.lua:1: users.users.c.home: /etc/mtab/c can't be written: /etc/mtab is a package's link"},
		{"users.users.c = { isNormalUser = true, home = '/srv/c' }\n"
		 "users.users.d = { isNormalUser = true, home = '/srv/c' }",
		 "vm.lua:2: users.users.d.home: /srv/c is made for c already"},
		/* Accounts, with their places. */
		{"users.users.p = { isNormalUser = true, extraGroups = { 'nogrp' } }",
		 "vm.lua:1: users.users.p.extraGroups: no group \"nogrp\""},
		{"users.users.p = { isNormalUser = true, uid = 33 }",
		 "vm.lua:1: users.users.p.uid: the id 33 belongs to www-data"},
		{"\nusers.users.d = {}", "vm.lua:2: users.users.d: no package makes it\nTo make it, "},
		{"users.users.p = { isNormalUser = true,\nshell = '/bin/nosuch' }",
		 "vm.lua:2: users.users.p.shell: there is no /bin/nosuch in the machine: have its package in it"},
		{"users.users.p = { isNormalUser = true }\nusers.defaultUserShell = mkDefault('/bin/nosuch')",
		 "vm.lua:2: users.defaultUserShell: there is no /bin/nosuch in the machine"},
		{"users.defaultUserShell = '/usr/bin/zsh'", "vm.lua:1: users.defaultUserShell: there is no /usr/bin/zsh"},
		{"\ntime.timeZone = 'US/Pacific'", "vm.lua:2: time.timeZone: there is no time zone US/Pacific in the machine"},
		{"console.font = 'Nosuch'", "vm.lua:1: console.font: there is no font Nosuch in the machine"},
		/* Scripts, as far as a shell that does not run them knows. */
		{"systemd.services.x.script = [[\ntrue\nif then fi\n]]", "vm.lua:4: systemd.services.x.script: line 2: syntax"},
		{"systemd.services['a-b'] = { script = 'true',\npreStart = 'for' }",
		 "vm.lua:2: systemd.services[\"a-b\"].preStart: line 1: syntax error"},
		{"boot.postBootCommands = 'if then fi'", "vm.lua:1: boot.postBootCommands: line 1: "},
		{"system.init = 'runit'\nrunit.services.x = { run = 'if then fi' }",
		 "vm.lua:2: runit.services.x.run: line 1: "},
		{"system.init = 'runit'\nrunit.services.x = { run = 'true',\nfinish = '#!/bin/bash -e\\nif then fi' }",
		 "vm.lua:3: runit.services.x.finish: line 2: syntax error"},
		{"system.init = 'runit'\nrunit.services.x = { run = 'true', log = '#! /usr/bin/env bash\\nif then fi' }",
		 "vm.lua:2: runit.services.x.log: line 2: syntax error"},
		/* Owners of files. */
		{"environment.etc.own = { text = '',\nuser = 'nosuch' }",
		 "vm.lua:2: environment.etc[\"own\"].user: no user \"nosuch\""},
		{"environment.etc['o-n'] = { text = '', group = 'nosuch' }",
		 "vm.lua:1: environment.etc[\"o-n\"].group: no group \"nosuch\""},
		/* Who is nobody. */
		{"services.cron.systemCronJobs = { '* * * * * root true',\n'@daily nosuch true' }",
		 "vm.lua:1: services.cron.systemCronJobs[2]: no user \"nosuch\""},
		{"systemd.services.x = { script = 'true',\nserviceConfig = { User = 'nosuch' } }",
		 "vm.lua:2: systemd.services.x.serviceConfig.User: no user \"nosuch\""},
		{"systemd.services.x = { script = 'true', serviceConfig = { Group = 'nosuch' } }",
		 "vm.lua:1: systemd.services.x.serviceConfig.Group: no group \"nosuch\""},
		{"system.init = 'runit'\nsystemd.services.x = { script = 'true', serviceConfig = { User = 'nosuch' } }",
		 "vm.lua:2: systemd.services.x.serviceConfig.User: no user \"nosuch\""},
		{"systemd.tmpfiles.rules = { 'd /x 0755 www-data',\n'd /y 0755 nosuch nosuch -' }",
		 "vm.lua:1: systemd.tmpfiles.rules[2]: no user \"nosuch\""},
		{"systemd.tmpfiles.rules = { 'd /y - - :nosuch' }", "vm.lua:1: systemd.tmpfiles.rules[1]: no group \"nosuch\""},
		/* What is required and can't be had. */
		{"systemd.services.x = { script = 'true',\nrequires = { 'dbus.service', 'y.service' } }",
		 "vm.lua:2: systemd.services.x.requires: there is no y.service, neither an option's nor a package's"},
		{"systemd.services['a-b'] = { script = 'true', bindsTo = { 'y@1.service' } }",
		 "vm.lua:1: systemd.services[\"a-b\"].bindsTo: there is no y@1.service, "},
		{"systemd.services.dbus.unitConfig.Requisite = 'y.target'",
		 "vm.lua:1: systemd.services.dbus: there is no y.target, "},
		{"environment.etc['systemd/system/x.service'].text = '[Unit]\\nRequires=y.service\\n[Service]\\nExecStart=/bin/true\\n'",
		 "vm.lua:1: environment.etc[\"systemd/system/x.service\"]: there is no y.service, "},
		{"systemd.services.x = { script = 'true', requires = { 'y.service' } }\n"
		 "systemd.services.y = { script = 'true', enable = false }",
		 "vm.lua:1: systemd.services.x.requires: y.service is masked (enable = false)"},
		/* Two that write one file, seen late. */
		{"systemd.services.dbus.serviceConfig.Nice = 5\n"
		 "environment.etc['systemd/system/dbus.service.d/options.conf'].text = '[Service]'",
		 "vm.lua:1: systemd.services.dbus: writes /etc/systemd/system/dbus.service.d/options.conf, which is "
		 "written by vm.lua:2: environment.etc[\"systemd/system/dbus.service.d/options.conf\"] already"},
		{"environment.etc.passwd.text = ''", "vm.lua:1: environment.etc.passwd: "},
		{"environment.etc.gshadow.text = ''", "vm.lua:1: environment.etc.gshadow: "},
		/* What starts nothing. */
		{"systemd.timers.t = { timerConfig = { OnCalendar = 'daily' } }",
		 "vm.lua:1: systemd.timers.t: it is to start t.service, which is neither an option's nor a package's"},
		{"systemd.timers.cron = { timerConfig = { OnCalendar = 'daily', Unit = 'corn.service' } }",
		 "vm.lua:1: systemd.timers.cron: it is to start corn.service, "},
		{"systemd.sockets.dbus = { listenStreams = { '/run/x' }, socketConfig = { Accept = true } }",
		 "vm.lua:1: systemd.sockets.dbus: it is to start dbus@.service, "},
		{"environment.etc['systemd/system/x.socket'].text = '[Socket]\\nListenStream=1\\nService=y.service\\n'",
		 "vm.lua:1: environment.etc[\"systemd/system/x.socket\"]: it is to start y.service, "},
		/* Below what is no folder. */
		{"environment.etc['resolv.conf/x'].text = ''",
		 "vm.lua:1: environment.etc[\"resolv.conf/x\"]: /etc/resolv.conf/x can't be written: /etc/resolv.conf is a "},
		{"environment.etc['mtab/x'].text = ''",
		 "vm.lua:1: environment.etc[\"mtab/x\"]: /etc/mtab/x can't be written: /etc/mtab is a package's link"},
		{"environment.etc['fstab/x'].text = ''",
		 "vm.lua:1: environment.etc[\"fstab/x\"]: /etc/fstab/x can't be written: /etc/fstab is a "},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(cases); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
		VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		if (finish(cases[i].text, &config, &etc, &err) == 0)
			fail_msg("no error: %s", cases[i].text);
		if (!viv_starts_with(err.msg, cases[i].want))
			fail_msg("got\n%s\nnot\n%s", err.msg, cases[i].want);
	}
}

static const struct viv_etc_file *file(const struct viv_etc *etc, const char *path)
{
	const struct viv_etc_file *f = viv_etc_find(etc, path);

	if (!f)
		fail_msg("no %s", path);
	return f;
}

/* In an overlay the highest layer's attributes are a folder's. */
static void folders_stay_private(void **state)
{
	static const char text[] = "environment.etc['ssl/private/x.pem'].text = 'x'\n"
				   "users.defaultUserShell = '/bin/bash'\n"
				   "users.users.root.shell = '/srv/shell'\n"
				   "environment.etc['own/x'].text = 'x'\n"
				   "users.users.p = { isNormalUser = true }\n"
				   "users.users['www-data'].createHome = true";
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
	VIV_ERROR err = VIV_ERROR_INIT;
	const struct viv_etc_file *f;

	if (finish(text, &config, &etc, &err) < 0)
		fail_msg("%s", err.msg);
	f = file(&etc, "etc/ssl/private");
	assert_int_equal(f->kind, VIV_ETC_FOLDER);
	assert_int_equal(f->mode, 0710);
	assert_int_equal(f->uid, 0);
	assert_int_equal(f->gid, 42);
	assert_null(viv_etc_find(&etc, "etc/own"));
	f = file(&etc, "home/p");
	assert_int_equal(f->mode, 0700);
	assert_int_equal(f->uid, 1000);
	/* There already, and his. */
	assert_null(viv_etc_find(&etc, "srv/www"));
	for (size_t i = 1; i < etc.n_files; i++)
		assert_true(strcmp(etc.files[i - 1].path, etc.files[i].path) < 0);
}

static void partners(void **state)
{
	static const char text[] =
		"systemd.timers.cron.timerConfig.OnCalendar = 'daily'\n"
		"systemd.timers.old.timerConfig.OnCalendar = 'daily'\n"
		"systemd.services.own.script = 'true'\n"
		"systemd.timers.own.timerConfig.OnCalendar = 'daily'\n"
		"systemd.timers.other.timerConfig = { OnCalendar = 'daily', Unit = 'own.service' }\n"
		"systemd.timers.mount.timerConfig = { OnCalendar = 'daily', Unit = 'srv-x.mount' }\n"
		"systemd.services['a@'].script = 'true'\n"
		"systemd.services.own.requires = { 'dbus.service', 'old.service', 'a@x.service', 'own.socket', 'dev-vda.device' }\n"
		"systemd.services.own.bindsTo = { 'systemd-cryptsetup@x.service' }\n"
		"systemd.services.own.wants = { 'nosuch.service' }\n"
		"systemd.sockets.a = { listenStreams = { '1' }, socketConfig = { Accept = true } }\n"
		"systemd.sockets['a@b'] = { listenStreams = { '1' } }\n"
		"systemd.sockets.b = { listenStreams = { '1' }, socketConfig = { Service = 'a@x.service' } }";
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (finish(text, &config, &etc, &err) < 0)
		fail_msg("%s", err.msg);
}

/* What is for others is theirs to read, and what bash alone takes is taken where it is bash. */
static void scripts(void **state)
{
	static const char text[] =
		"system.init = 'runit'\n"
		"boot.postBootCommands = 'echo $(( 1 + 1 )) >/dev/null'\n"
		"systemd.services.x.script = 'shopt -s extglob\\nls !(a) <(true)\\nwait'\n"
		"systemd.services.x.preStart = 'cat <<EOF\\nif then fi\\nEOF'\n"
		"systemd.services.x.serviceConfig.Type = 'oneshot'\n"
		"runit.services.y = { run = '#!/usr/bin/python3\\nif True: pass', finish = '#!/bin/bash\\ncat <(true)' }\n";
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (finish(text, &config, &etc, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Packages' accounts and the options', and what is no account and works. */
static void runs_as(void **state)
{
	static const char *const texts[] = {
		"users.users.p = { isNormalUser = true }\n"
		"services.cron.systemCronJobs = { '*/5 0-23/2 1,15 jan-mar mon-fri www-data true', '@reboot p true' }\n"
		"systemd.services.a = { script = 'true', serviceConfig = { User = 'www-data', Group = 'shadow' } }\n"
		"systemd.services.b = { script = 'true', serviceConfig = { User = 4711 } }\n"
		"systemd.services['c@'] = { script = 'true', serviceConfig = { User = '%i' } }\n"
		"systemd.services.d = { script = 'true', serviceConfig = { User = 'dyn', DynamicUser = true } }",
		"systemd.tmpfiles.rules = { 'd /a 0755 :www-data shadow -', 'd /b - 33 4711', 'd /c', 'd \"/a b\" 0755 x',\n"
		"'# a b c', 'd /d 0755 %u %g' }",
		"environment.etc['sysusers.d/x.conf'].text = 'u x'\n"
		"systemd.services.a = { script = 'true', serviceConfig = { User = 'x' } }",
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(texts); i++) {
		VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
		VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
		VIV_ERROR err = VIV_ERROR_INIT;

		if (finish(texts[i], &config, &etc, &err) < 0)
			fail_msg("%s", err.msg);
	}
}

static void instances_of_own_templates(void **state)
{
	static const char text[] = "systemd.services['foo@'] = { script = 'true' }\n"
				   "systemd.services['foo@bar'] = { wantedBy = { 'multi-user.target' } }\n"
				   "systemd.services['foo@-x'] = { serviceConfig = { Nice = 5 } }";
	VIV_CLEANUP(viv_config_freep) struct viv_config *config = NULL;
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};
	VIV_ERROR err = VIV_ERROR_INIT;

	if (finish(text, &config, &etc, &err) < 0)
		fail_msg("%s", err.msg);
	file(&etc, VIV_ETC_UNITS "foo@.service");
	file(&etc, VIV_ETC_UNITS "foo@bar.service.d/options.conf");
	file(&etc, VIV_ETC_UNITS "foo@-x.service.d/options.conf");
	assert_string_equal(file(&etc, VIV_ETC_WANTED "foo@bar.service")->content.data,
			    "/" VIV_ETC_UNITS "foo@.service");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(folders_stay_private),
		cmocka_unit_test(partners),
		cmocka_unit_test(scripts),
		cmocka_unit_test(runs_as),
		cmocka_unit_test(instances_of_own_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
