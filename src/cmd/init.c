/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include "base/fd.h"

#include <unistd.h>

/* What `viv init` writes. Every line of it is checked by a test: it must load as it stands. */
static const char start[] =
	"-- A machine, for `viv run`. Each line sets an option; `viv options` lists them.\n"
	"-- Lists append: several files (and lines) may add to one. Anything else may be set "
	"once:\n"
	"-- two different values are an error, unless one is mkDefault(…) or mkForce(…).\n"
	"\n"
	"imports = {\n"
	"\t\"profiles/qemu-guest\",\t-- a stock module\n"
	"\t-- \"./common.lua\",\t-- a file beside this one\n"
	"}\n"
	"\n"
	"networking.hostName = \"vm\"\n"
	"\n"
	"-- Debian packages; a list can be written { \"htop\", \"tmux\" }, too.\n"
	"environment.systemPackages = pkgs[[ htop ]]\n"
	"\n"
	"-- A name with a dash in it is written users.users[\"my-name\"].\n"
	"users.users.me = {\n"
	"\tisNormalUser = true,\n"
	"\tdescription = \"Test user\",\n"
	"\tinitialPassword = \"test\",\n"
	"}\n"
	"\n"
	"-- A value can depend on others.\n"
	"environment.etc.motd.text = function(config)\n"
	"\treturn \"This is \" .. config.networking.hostName .. \".\\n\"\n"
	"end\n"
	"\n"
	"virtualisation.memorySize = 1024\t-- MiB, or \"1G\"\n"
	"virtualisation.cores = 2\n"
	"\n"
	"-- The disk is thrown away after a run; this keeps it:\n"
	"-- virtualisation.diskImage = \"./vm.qcow2\"\n"
	"\n"
	"-- No init system: the quickest way to a command.\n"
	"-- system.init = \"none\"\n";

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	const char *path = args->n_operands ? args->operands[0] : "vm.lua";
	VIV_FD fd = viv_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666, err);

	if (fd < 0 && err->code == EEXIST) {
		viv_error_clear(err);
		viv_error_say(err, EEXIST, "%s is there already; it is left as it is", path);
	}
	if (fd < 0)
		return VIV_CMD_FAILED;
	if (viv_write_all(fd, start, sizeof(start) - 1, path, err) < 0) {
		unlink(path);
		return VIV_CMD_FAILED;
	}
	if (!cmd->quiet)
		printf("%s written; `viv run%s%s` starts the machine.\n", path,
		       viv_streq(path, "vm.lua") ? "" : " ", viv_streq(path, "vm.lua") ? "" : path);
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_init = {
	.name = "init",
	.summary = "Write a commented machine file to start from",
	.operands = "[FILE]",
	.about = "FILE is vm.lua unless it is given. What is there is never overwritten.",
	.max_operands = 1,
	.run = run,
};
