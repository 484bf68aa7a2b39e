/* SPDX-License-Identifier: MIT */
#include "config/foreign.h"

#include "base/util.h"

#define NO_GREETER "there is no greeter: services.displayManager.autoLogin says whose session begins"

const struct viv_foreign_option viv_foreign_options[] = {
	{"boot.initrd.extraUtilsCommands", "the initrd holds one program and no shell"},
	{"boot.initrd.luks", "the machine's own disk is not encrypted"},
	{"boot.initrd.postDeviceCommands", "an empty disk is formatted without it: fileSystems.<path>.autoFormat"},
	{"boot.initrd.postMountCommands", "boot.postBootCommands are run when the root is mounted"},
	{"machines", "machines are described in test files, which viv test reads"},
	{"networking.dhcpcd", "networks are set up by the agent, which waits for nobody's ARP: networking.useDHCP"},
	{"networking.wireless", "a virtual machine has no such device"},
	{"nix", "there is no Nix in the machine"},
	{"nodes", "machines are described in test files, which viv test reads"},
	{"services.desktopManager", "a session is a window manager's: services.xserver.windowManager"},
	{"services.ntp", "the machine's clock is the host's, and no daemon sets it"},
	{"services.xserver.desktopManager", "a session is a window manager's: services.xserver.windowManager"},
	{"services.xserver.displayManager.gdm", NO_GREETER},
	{"services.xserver.displayManager.lightdm", NO_GREETER},
	{"services.xserver.displayManager.sddm", NO_GREETER},
	{"system.build", "viv build makes result/bin/run-<hostName>-vm"},
	{"virtualisation.pathsInNixDB", "there is no Nix in the machine; its dpkg knows all packages"},
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
