/* SPDX-License-Identifier: MIT */
/* The machine itself: processors, memory, QEMU. */

#include "config/options/area.h"

#include <sys/utsname.h>

static const char *host_architecture(void)
{
	static const char *const known[] = {"x86_64", "aarch64", "riscv64"};
	struct utsname u;

	for (size_t i = 0; uname(&u) == 0 && i < VIV_ARRAY_SIZE(known); i++)
		if (viv_streq(u.machine, known[i]))
			return known[i];
	return known[0];
}

static const struct viv_option numa_fields[] = {
	{.name = "memorySize",
	 .type = VIV_T_NULL_OR(VIV_T_SIZE(0, 1 << 26)),
	 .fallback = "null",
	 .fallback_text = "an even part of what the others leave",
	 .example = "\"1G\"",
	 .text = "The node's memory; 0 for a node of processors only."},
	{.name = "cores",
	 .type = VIV_T_NULL_OR(VIV_T_INT(0, 512)),
	 .fallback = "null",
	 .fallback_text = "an even part of what the others leave",
	 .example = "2",
	 .text = "The node's processors; 0 for a node of memory only."},
};

static const struct viv_option rows[] = {
	{.name = "virtualisation.accel",
	 .type = VIV_T_ENUM("auto", "kvm", "tcg"),
	 .fallback = "\"auto\"",
	 .example = "\"tcg\"",
	 .text = "How the processor is provided: by KVM, by emulation (tcg), or by whichever "
		 "works. "
		 "With kvm it is an error if KVM doesn't work."},
	{.name = "virtualisation.architecture",
	 .type = VIV_T_ENUM("x86_64", "aarch64", "riscv64"),
	 .fallback_host = host_architecture,
	 .fallback_text = "the host's",
	 .example = "\"aarch64\"",
	 .text = "The machine's architecture; a foreign one is emulated."},
	{.name = "virtualisation.cores",
	 .type = VIV_T_INT(1, 512),
	 .fallback = "1",
	 .fallback_text = "1, or as many as sockets and threads make",
	 .example = "4",
	 .text = "Virtual processors, all together."},
	{.name = "virtualisation.memorySize",
	 .type = VIV_T_SIZE(32, 1 << 26),
	 .fallback = "1024",
	 .example = "\"4G\"",
	 .text = "The machine's memory, in MiB or as \"4G\"."},
	{.name = "virtualisation.numa.nodes",
	 .type = VIV_T_EITHER(VIV_T_INT(0, 64), VIV_T_LIST(VIV_T_SUBMODULE(numa_fields))),
	 .fallback = "0",
	 .example = "{ { memorySize = \"1G\", cores = 2 }, { memorySize = \"3G\", cores = 0 } }",
	 .text = "NUMA nodes. A number: so many, with memory and processors shared out evenly. A list: "
		 "each with its part of memorySize and cores."},
	{.name = "virtualisation.qemu.consoles",
	 .type = VIV_T_NULL_OR(VIV_T_LIST(VIV_T_TEXT(&viv_rule_word))),
	 .fallback = "null",
	 .fallback_text = "ttyS0, with graphics tty0 before it",
	 .example = "{ \"ttyS0,115200n8\", \"tty0\" }",
	 .text = "Where the kernel's messages go; the last is /dev/console. Without ttyS0 nothing is "
		 "seen of a kernel's trouble on the host."},
	{.name = "virtualisation.qemu.options",
	 .type = VIV_T_LIST(VIV_T_STRING),
	 .fallback = "[]",
	 .example = "{ \"-device\", \"virtio-tablet-pci\" }",
	 .text = "Further arguments for QEMU, as they are, after all others."},
	{.name = "virtualisation.qemu.package",
	 .type = VIV_T_NULL_OR(VIV_T_PATH),
	 .fallback = "null",
	 .fallback_text = "the QEMU in PATH",
	 .example = "\"/opt/qemu/bin/qemu-system-x86_64\"",
	 .text = "The QEMU program on the host."},
	{.name = "virtualisation.sockets",
	 .type = VIV_T_INT(1, 512),
	 .fallback = "1",
	 .example = "2",
	 .text = "Processor sockets that the cores are in."},
	{.name = "virtualisation.threads",
	 .type = VIV_T_INT(1, 512),
	 .fallback = "1",
	 .example = "2",
	 .text = "How many of the cores are threads of one physical core each."},
};

const struct viv_option_area viv_options_machine = VIV_OPTION_AREA(rows);
