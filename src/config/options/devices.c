/* SPDX-License-Identifier: MIT */
/* Screens and other devices. */

#include "config/options/area.h"

static const struct viv_option credential_fields[] = {
	{.name = "text",
	 .type = VIV_T_NULL_OR(VIV_T_STRING),
	 .fallback = "null",
	 .example = "\"secret\"",
	 .text = "The value. Anyone who can read the machine file knows it."},
	{.name = "source",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .example = "\"./token\"",
	 .text = "A file on the host that holds the value."},
};

static const struct viv_option usb_fields[] = {
	{.name = "vendor",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_INT(1, 0xffff), VIV_T_TEXT(&viv_rule_usb_id))),
	 .fallback = "null",
	 .example = "\"0951\"",
	 .text = "The vendor's number: text is hexadecimal, as lsusb prints it."},
	{.name = "product",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_INT(1, 0xffff), VIV_T_TEXT(&viv_rule_usb_id))),
	 .fallback = "null",
	 .example = "\"1666\"",
	 .text = "The product's number."},
	{.name = "bus",
	 .type = VIV_T_NULL_OR(VIV_T_INT(1, 255)),
	 .fallback = "null",
	 .example = "2",
	 .text = "The bus that the device is plugged into."},
	{.name = "port",
	 .type = VIV_T_NULL_OR(VIV_T_EITHER(VIV_T_INT(1, 255), VIV_T_TEXT(&viv_rule_usb_port))),
	 .fallback = "null",
	 .example = "\"1.2\"",
	 .text = "The port there; behind hubs the ports on the way, with dots."},
};

static const struct viv_option rows[] = {
	{.name = "virtualisation.credentials",
	 .type = VIV_T_SET(&viv_rule_credential, "<name>", VIV_T_SUBMODULE(credential_fields)),
	 .fallback = "{}",
	 .example = "{ token = { source = \"./token\" } }",
	 .text = "Credentials for the machine's systemd and its services (LoadCredential=). They are "
		 "given to it at the start and never enter the store. Without systemd nobody takes them: "
		 "those with names of up to 28 characters are files for root, "
		 "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/NAME/raw."},
	{.name = "virtualisation.display",
	 .type = VIV_T_ENUM("auto", "gtk", "sdl", "vnc", "spice", "none"),
	 .fallback = "\"auto\"",
	 .example = "\"vnc\"",
	 .text = "Where the screen of a machine with graphics is: a window (gtk, sdl), a socket for a "
		 "viewer (vnc, spice), or nowhere but in screenshots (none). auto: a window where "
		 "there is a desktop and QEMU can make one, else vnc."},
	{.name = "virtualisation.graphics",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "The machine has a screen (see virtualisation.display), a pointer and a kernel "
		 "that knows both; without it the serial console is all."},
	{.name = "virtualisation.resolution.x",
	 .type = VIV_T_INT(320, 7680),
	 .fallback = "1024",
	 .example = "1920",
	 .text = "Width of a screen, in pixels."},
	{.name = "virtualisation.resolution.y",
	 .type = VIV_T_INT(200, 4320),
	 .fallback = "768",
	 .example = "1080",
	 .text = "Height of a screen, in pixels."},
	{.name = "virtualisation.textScreen",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "The machine has a plain screen: text of 80x25 and a keyboard, on the smaller kernel too. It takes "
		 "less to boot than virtualisation.graphics, which has all of it and more."},
	{.name = "virtualisation.tpm.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "A TPM 2.0. Its state is kept beside a disk that is kept, in <disk>.tpm; else it is empty at "
		 "each start. The host needs swtpm."},
	{.name = "virtualisation.usb.devices",
	 .type = VIV_T_LIST(VIV_T_SUBMODULE(usb_fields)),
	 .fallback = "[]",
	 .example = "{ { vendor = \"0951\", product = \"1666\" }, { bus = 2, port = \"4\" } }",
	 .text = "USB devices of the host's to hand over, by vendor and product or by bus and port; "
		 "`viv doctor usb` lists them."},
	{.name = "virtualisation.watchdog.enable",
	 .type = VIV_T_BOOL,
	 .fallback = "false",
	 .example = "true",
	 .text = "A watchdog (i6300esb): if nothing in the machine resets it in time, the machine is "
		 "ended. systemd does so by itself; elsewhere whoever opens /dev/watchdog does."},
	{.name = "virtualisation.watchdog.timeout",
	 .type = VIV_T_INT(2, 2046),
	 .fallback = "30",
	 .example = "60",
	 .text = "The time that systemd sets the watchdog to, in seconds."},
};

const struct viv_option_area viv_options_devices = VIV_OPTION_AREA(rows);
