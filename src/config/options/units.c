/* SPDX-License-Identifier: MIT */
/* systemd.*: units of any name, as NixOS has them. */

#include "config/options/area.h"

/* A setting as systemd.syntax(7) has it; a list is the same key several times. */
#define SCALAR VIV_T_EITHER(VIV_T_BOOL, VIV_T_EITHER(VIV_T_INT(0, 0), VIV_T_TEXT(&viv_rule_unit_value)))
#define SETTINGS VIV_T_SET(&viv_rule_unit_key, "<key>", VIV_T_EITHER(VIV_T_LIST(SCALAR), SCALAR))
#define UNITS	 VIV_T_LIST(VIV_T_TEXT(&viv_rule_unit))
#define SCRIPT	 VIV_T_LINES

#define UNIT_LIST(field, example_text, what) \
	{.name = (field), .type = UNITS, .fallback = "[]", .example = (example_text), .text = (what)}
#define SETTINGS_OF(field, section, example_text)                                                  \
	{.name = (field),                                                                          \
	 .type = SETTINGS,                                                                         \
	 .fallback = "{}",                                                                         \
	 .example = (example_text),                                                                \
	 .text = "Settings of the unit's section [" section "], in systemd's own syntax (% begins a " \
		 "specifier). A list is the same key several times."}

/* What every unit has. */
#define UNIT_FIELDS                                                                                \
	{.name = "enable",                                                                         \
	 .type = VIV_T_BOOL,                                                                       \
	 .fallback = "true",                                                                       \
	 .example = "false",                                                                       \
	 .text = "Whether it can be started at all: a unit that is off is masked, also one that a "  \
		 "package brings."},                                                               \
	{.name = "description",                                                                    \
	 .type = VIV_T_TEXT(&viv_rule_unit_text),                                                  \
	 .fallback = "\"\"",                                                                       \
	 .example = "\"Count the files\"",                                                         \
	 .text = "What people see as its name; %i and its like are replaced, a % is written %%."}, \
	{.name = "documentation",                                                                  \
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_word)),                                           \
	 .fallback = "[]",                                                                         \
	 .example = "{ \"man:cron(8)\" }",                                                         \
	 .text = "Where it is described: man:, http:, https:, file: or info: addresses."},         \
	UNIT_LIST("after", "{ \"network.target\" }",                                               \
		  "It starts after these, if they are started, too."),                             \
	UNIT_LIST("before", "{ \"multi-user.target\" }",                                           \
		  "It starts before these, if they are started, too."),                            \
	UNIT_LIST("wants", "{ \"network-online.target\" }", "Units that are started with it."),    \
	UNIT_LIST("requires", "{ \"foo.socket\" }",                                                \
		  "Units that are started with it, and without which it is stopped."),             \
	UNIT_LIST("requisite", "{ \"foo.socket\" }",                                               \
		  "Units that must be running already when it is started."),                       \
	UNIT_LIST("bindsTo", "{ \"dev-vdb.device\" }",                                             \
		  "As requires, and it is stopped when one of them goes away by itself."),         \
	UNIT_LIST("partOf", "{ \"foo.target\" }",                                                  \
		  "Units whose stop or restart is its own, too."),                                 \
	UNIT_LIST("conflicts", "{ \"foo.service\" }", "Units that can't run beside it."),          \
	UNIT_LIST("onFailure", "{ \"mail.service\" }", "Units that are started when it fails."),   \
	UNIT_LIST("wantedBy", "{ \"multi-user.target\" }",                                         \
		  "Units that start it along with them: without one nothing does."),               \
	UNIT_LIST("requiredBy", "{ \"multi-user.target\" }",                                       \
		  "Units that start it along with them, and fail with it."),                       \
	SETTINGS_OF("unitConfig", "Unit", "{ ConditionPathExists = \"/dev/vdb\" }")

#define SCRIPT_FIELD(field, example_text, what) \
	{.name = (field), .type = SCRIPT, .fallback = "\"\"", .example = (example_text), .text = (what)}

static const struct viv_option service_fields[] = {
	UNIT_FIELDS,
	SETTINGS_OF("serviceConfig", "Service",
		    "{ Type = \"oneshot\", ExecStart = \"/usr/bin/htop -h\" }"),
	{.name = "environment",
	 .type = VIV_T_SET(&viv_rule_variable, "<name>", VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_line))),
	 .fallback = "{}",
	 .example = "{ LANG = \"C.UTF-8\" }",
	 .text = "Its environment variables, taken as they are; null: none of that name."},
	{.name = "path",
	 .type = VIV_T_LIST(VIV_T_PACKAGE),
	 .fallback = "[]",
	 .example = "{ \"jq\" }",
	 .text = "Packages with the programs that it uses: they are installed in the machine."},
	SCRIPT_FIELD("script", "[[ echo up > /dev/kmsg ]]",
		     "What it runs: a script for bash, which ends at the first command that fails."),
	SCRIPT_FIELD("preStart", "[[ mkdir -p /run/foo ]]",
		     "A script that runs before it; if it fails, the service does."),
	SCRIPT_FIELD("postStart", "[[ echo started ]]", "A script that runs when it has started."),
	SCRIPT_FIELD("preStop", "[[ echo stopping ]]", "A script that runs to stop it."),
	SCRIPT_FIELD("postStop", "[[ rm -rf /run/foo ]]",
		     "A script that runs when it has stopped, for whatever reason."),
	SCRIPT_FIELD("reload", "[[ kill -HUP $MAINPID ]]",
		     "A script that makes it read its configuration again."),
	{.name = "startAt",
	 .type = VIV_T_EITHER(VIV_T_LIST(VIV_T_TEXT(&viv_rule_unit_value)),
			      VIV_T_TEXT(&viv_rule_unit_value)),
	 .fallback = "[]",
	 .example = "\"hourly\"",
	 .text = "When it is started, as systemd.time(7) has it (OnCalendar): a timer of its name."},
};

static const struct viv_option timer_fields[] = {
	UNIT_FIELDS,
	SETTINGS_OF("timerConfig", "Timer", "{ OnBootSec = \"5min\", Unit = \"foo.service\" }"),
};

static const struct viv_option socket_fields[] = {
	UNIT_FIELDS,
	SETTINGS_OF("socketConfig", "Socket", "{ ListenStream = { 80, 8080 }, Accept = true }"),
	{.name = "listenStreams",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_unit_value)),
	 .fallback = "[]",
	 .example = "{ \"0.0.0.0:993\", \"/run/foo.sock\" }",
	 .text = "Addresses and paths of streams that it listens on (ListenStream)."},
	{.name = "listenDatagrams",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_unit_value)),
	 .fallback = "[]",
	 .example = "{ \"0.0.0.0:993\", \"/run/foo.sock\" }",
	 .text = "Addresses and paths of datagrams that it listens on (ListenDatagram)."},
};

static const struct viv_option mount_fields[] = {
	{.name = "what",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_unit_value)),
	 .fallback = "null",
	 .example = "\"/dev/disk/by-label/data\"",
	 .text = "What is mounted: a device, a file or, where there is neither, any word."},
	{.name = "where",
	 .type = VIV_T_NULL_OR(VIV_T_TEXT(&viv_rule_guest_path)),
	 .fallback = "null",
	 .example = "\"/data\"",
	 .text = "The folder that it is mounted on; the unit's name follows from it."},
	{.name = "type",
	 .type = VIV_T_TEXT(&viv_rule_unit_value),
	 .fallback = "\"\"",
	 .example = "\"ext4\"",
	 .text = "The file system's type."},
	{.name = "options",
	 .type = VIV_T_TEXT(&viv_rule_unit_value),
	 .fallback = "\"\"",
	 .example = "\"noatime\"",
	 .text = "Options of mount(8), with commas between."},
	UNIT_FIELDS,
	SETTINGS_OF("mountConfig", "Mount", "{ DirectoryMode = \"0700\" }"),
};

static const struct viv_option target_fields[] = {UNIT_FIELDS};

#define NAMED(fields) VIV_T_SET(&viv_rule_unit_name, "<name>", VIV_T_SUBMODULE(fields))

static const struct viv_option rows[] = {
	{.name = "systemd.mounts",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(mount_fields)),
	 .fallback = "[]",
	 .example = "{ { what = \"tmpfs\", where = \"/scratch\", type = \"tmpfs\", wantedBy = { "
		    "\"local-fs.target\" } } }",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "Mount units, each named after its folder. fileSystems is for what is always mounted."},
	{.name = "systemd.services",
	 .type = NAMED(service_fields),
	 .fallback = "{}",
	 .example = "{ foo = { script = \"echo up > /dev/kmsg\", wantedBy = { \"multi-user.target\" } } }",
	 .inits = VIV_INIT_SYSTEMD | VIV_INIT_RUNIT,
	 .text = "Services, by name (without .service). Where a package has one of that name, what is "
		 "said here changes that one (a drop-in): commands take the place of its own. On runit, simple ones "
		 "(Type simple, exec, oneshot) are translated; what it can't do is an error."},
	{.name = "systemd.sockets",
	 .type = NAMED(socket_fields),
	 .fallback = "{}",
	 .example = "{ foo = { listenStreams = { \"/run/foo.sock\" }, wantedBy = { \"sockets.target\" } } }",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "Sockets, by name: who connects starts the service of that name."},
	{.name = "systemd.targets",
	 .type = NAMED(target_fields),
	 .fallback = "{}",
	 .example = "{ ready = { wants = { \"foo.service\" }, wantedBy = { \"multi-user.target\" } } }",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "Targets, by name: units that stand for others."},
	{.name = "systemd.timers",
	 .type = NAMED(timer_fields),
	 .fallback = "{}",
	 .example = "{ foo = { timerConfig = { OnBootSec = \"1min\" }, wantedBy = { \"timers.target\" } } }",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "Timers, by name: each starts the service of that name when its time has come."},
	{.name = "systemd.tmpfiles.rules",
	 .type = VIV_T_LIST(VIV_T_TEXT(&viv_rule_line)),
	 .fallback = "[]",
	 .example = "{ \"d /var/cache/foo 0750 www-data www-data -\" }",
	 .inits = VIV_INIT_SYSTEMD,
	 .text = "Lines of tmpfiles.d(5): files and folders that are made, and removed, as the system starts."},
};

const struct viv_option_area viv_options_units = VIV_OPTION_AREA(rows);
