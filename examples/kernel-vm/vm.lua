-- A machine for work on the kernel and its file systems, line by line what "Linux Kernel VM in NixOS" describes as
-- vm.nix. docs/from-nixos.md has every name of it.
--
--   viv run examples/kernel-vm/vm.lua               a shell in it
--   viv run --console examples/kernel-vm/vm.lua     its serial console; Ctrl-A X ends it
--   viv build examples/kernel-vm/vm.lua && ./result/bin/run-vm-vm

-- Custom local xfstests: an own tree, with what is not committed yet. One changed file is one file compiled.
local xfstests_overlay = function(final, prev)
	return {
		xfstests = mkPackage{
			name = "xfstests",
			version = "0~git",
			src = path("./xfstests-dev"),
		},
	}
end

-- Custom remote xfstests:
-- local xfstests_overlay_remote = function(final, prev)
-- 	return {
-- 		xfstests = mkPackage{
-- 			name = "xfstests",
-- 			version = "0~git",
-- 			src = fetchGit{
-- 				url = "https://git.example.org/alberand/xfstests",
-- 				rev = "6e6fb1c6cc619afb790678f9530ff5c06bb8f24c",
-- 			},
-- 		},
-- 	}
-- end

imports = { "profiles/qemu-guest" }

boot.kernelParams = { "console=ttyS0,115200n8", "console=ttyS0" }
boot.consoleLogLevel = mkDefault(7)
-- This happens before systemd
boot.postBootCommands = "echo 'Not much to do before systemd :)' > /dev/kmsg"
boot.crashDump.enable = true

-- Set my custom kernel: a tree that is built. It is taken as it is, also its modules.
-- boot.kernelPackages = path("~/kernel")
-- or name the package. The full kernel, not the cloud one: with drivers for hardware, and 9p
boot.kernelPackages = pkgs["linux-image-amd64"]

-- Auto-login with empty password
users.extraUsers.root.initialHashedPassword = ""
services.getty.autologinUser = mkDefault("root")

networking.firewall.enable = false
networking.hostName = "vm"
networking.useDHCP = false
services.getty.helpLine = [[
Log in as "root" with an empty password.
If you are connect via serial console:
Type CTRL-A X to exit QEMU
]]

-- Not needed in VM
documentation.doc.enable = false
documentation.man.enable = false
documentation.nixos.enable = false
documentation.info.enable = false
programs.bash.enableCompletion = false
programs["command-not-found"].enable = false

-- Do something after systemd started
systemd.services.foo = {
	serviceConfig = { Type = "oneshot" },
	wantedBy = { "multi-user.target" },
	script = [[
		echo 'This service runs right near login' > /dev/kmsg
	]],
}

-- Setup environment
environment.variables.TERM = "xterm"

virtualisation = {
	diskSize = 20000, -- MiB
	memorySize = 4096, -- MiB
	cores = 4,
	writableStoreUseTmpfs = false,
	useDefaultFilesystems = true,
	-- Run QEMU in the terminal, not in a window (--console: Ctrl-A X ends it)
	graphics = false,
	-- Create 2 virtual disks with 8G and 4G (run `lsblk` in the VM)
	emptyDiskImages = { 8192, 4096 },

	qemu = {
		options = {
			-- A kernel which I compiled somewhere is boot.kernel = "/home/user/my-linux/arch/x86/boot/bzImage",
			-- or for one run `viv run --kernel FILE`.
			-- OR
			-- You can set a variable not to change the configuration every time; then nothing is built anew:
			--   export VIV_KERNEL=/path/to/arch/x86/boot/bzImage
			-- For the run script the seeds' own name does it, too: NIXPKGS_QEMU_KERNEL_<networking.hostName>
			--   export NIXPKGS_QEMU_KERNEL_vm=/path/to/arch/x86/boot/bzImage

			-- Real partitions are drives, too: file = "/dev/sda4", below

			-- "-serial mon:stdio" is not needed: the console is in the terminal with `viv run --console`, with
			-- the run script always
		},

		-- Append images as partitions to the VM
		-- Don't forget to create images. For example, with:
		--   xfs_io -f -c "falloc 0 10g" test.img
		-- OR much slower version:
		--   dd if=/dev/null of=test.img bs=4k count=2450
		drives = {
			-- { name = "vdc", file = "./test.img" },
			-- { name = "vdb", file = "./scratch.img" },
		},
	},

	sharedDirectories = {
		-- fstests = {
		-- 	source = path("~/Projects/xfstests-dev"),
		-- 	target = "/root/xfstests",
		-- },
	},
}

-- Add packages to VM, by Debian's names; what xfstests needs is among them, for an own tree brings nothing along
environment.systemPackages = pkgs[[
	htop
	util-linux
	xfstests
	xfsprogs
	vim
	tmux
	fsverity
	trace-cmd
	perf-tools-unstable
	linux-perf
	openssl
]]

-- Apply overlay on the package
nixpkgs.overlays = { xfstests_overlay }

-- xfstests related
users.users.paul = {
	isNormalUser = true,
	description = "Test user",
}

-- Accepted, as NixOS's files have it; it has no effect here: releases are named in packages.release.
system.stateVersion = "22.11"
