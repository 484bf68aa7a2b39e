/* SPDX-License-Identifier: MIT */
/* Command lines against the files in tests/data/qemu. VIV_UPDATE_GOLDEN=1 writes them anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "qemu/machine.h"
#include "qemu/program.h"

static void check(const char *name, struct viv_machine *m)
{
	VIV_FREE char *path = viv_asprintf("%s/qemu/%s.txt", TEST_DATA, name);
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_STR text = VIV_STR_INIT, want = VIV_STR_INIT;

	viv_qemu_command(m, &argv);
	viv_qemu_command_text(&argv, &text);
	if (getenv("VIV_UPDATE_GOLDEN"))
		assert_int_equal(viv_write_file(path, text.data, text.len, 0644, NULL), 0);
	assert_int_equal(viv_read_file(path, 65536, &want, NULL), 0);
	assert_string_equal(text.data, want.data);
	viv_machine_free_contents(m);
	viv_machine_free_contents(m);
}

static void test_smallest(void **state)
{
	struct viv_machine m = {.accel = VIV_ACCEL_TCG, .memory_mib = 512, .cores = 1};

	check("smallest", &m);
}

static void add_params(struct viv_machine *m, const char *const *list)
{
	viv_strv_push_all(&m->kernel_params, list);
}

/* UEFI with Secure Boot and variables of its own, an ISO before the disk, a reboot that is one. */
static void test_firmware(void **state)
{
	struct viv_machine m = {
		.accel = VIV_ACCEL_TCG,
		.memory_mib = 512,
		.cores = 1,
		.foreign = true,
		.devices.display = VIV_DISPLAY_NONE,
		.firmware = {.code = viv_strdup("/fw/code, 1.fd"),
			     .variables_fd = 7,
			     .secure = true,
			     .cdrom = viv_strdup("/isos/a.iso"),
			     .cdrom_index = 2,
			     .reboots = true},
	};
	struct viv_drive *d = viv_machine_add_drive(&m);

	d->file = viv_strdup("/vm.qcow2");
	d->format = "qcow2";
	viv_strv_push(&d->device_options, "bootindex=3");
	check("firmware", &m);
}

static void test_full(void **state)
{
	static const char *const params[] = {"console=ttyS0", "panic=-1", "dyndbg=\"file x +p\"", NULL};
	static const char *const extra[] = {"-device", "edu", NULL};
	struct viv_machine m = {
		.name = viv_strdup("vm, the second"),
		.qemu = viv_strdup("/usr/bin/qemu-system-x86_64"),
		.accel = VIV_ACCEL_KVM,
		.board = viv_strdup("pc-q35-7.2"),
		.memory_mib = 1024,
		.cores = 2,
		.kernel = viv_strdup("/store/k, 1/vmlinux"),
		.initrd = viv_strdup("/store/initrd"),
		.spare_ports = 2,
		.qmp.fd = 3,
		.agent.fd = 4,
		.console.fd = 5,
	};
	struct viv_drive *d;
	struct viv_nic *nic;

	nic = viv_machine_add_nic(&m);
	nic->restricted = true;
	nic->options = viv_strdup("hostfwd=tcp:127.0.0.1:2222-:22");
	add_params(&m, params);
	viv_strv_push_all(&m.extra, extra);
	d = viv_machine_add_drive(&m);
	d->file = viv_strdup("/store/a,b.erofs");
	d->serial = viv_strdup("viv-layer0");
	d->read_only = true;
	d = viv_machine_add_drive(&m);
	d->fd = 6;
	d->serial = viv_strdup("viv-disk");
	d->scratch = true;
	d = viv_machine_add_drive(&m);
	d->file = viv_strdup("./kept.qcow2");
	d->format = "qcow2";
	check("full", &m);
}

static struct viv_drive *add_further(struct viv_machine *m, enum viv_drive_interface interface,
				     const char *serial)
{
	struct viv_drive *d = viv_machine_add_drive(m);

	d->interface = interface;
	d->serial = viv_strdup(serial);
	d->further = true;
	return d;
}

/* All interfaces, more disks of one than a controller or a slot holds, and what has no image. */
static void test_drives(void **state)
{
	struct viv_machine m = {.accel = VIV_ACCEL_TCG, .memory_mib = 512, .cores = 1};
	struct viv_drive *d;

	for (int i = 0; i < 7; i++) {
		d = add_further(&m, VIV_DRIVE_IDE, "ide");
		d->fd = 10 + i;
	}
	for (int i = 0; i < 9; i++) {
		d = add_further(&m, VIV_DRIVE_VIRTIO, "virtio");
		d->fd = 20 + i;
	}
	for (int i = 0; i < 2; i++) {
		d = add_further(&m, VIV_DRIVE_SCSI, "scsi");
		d->file = viv_strdup("/srv/a,b.qcow2");
		d->format = "qcow2";
		d->read_only = i == 1;
	}
	d = add_further(&m, VIV_DRIVE_NVME, "nvme");
	d->file = viv_strdup("/dev/sdz");
	d->device = true;
	viv_strv_push(&d->drive_options, "detect-zeroes=on");
	viv_strv_push(&d->device_options, "logical_block_size=4096");
	d = add_further(&m, VIV_DRIVE_VIRTIO, "nothing");
	d->blank_mib = 64;
	d->forgets = true;
	for (int i = 0; i < 2; i++) {
		d = add_further(&m, VIV_DRIVE_VIRTIO, "common");
		d->fd = 3;
		d->in_common = true;
		d->blank_mib = 64;
		d->at_mib = 64 * (uint64_t)i;
	}
	check("drives", &m);
}

static void test_interfaces(void **state)
{
	enum viv_drive_interface i;

	assert_true(viv_drive_interface_parse("nvme", &i));
	assert_int_equal(i, VIV_DRIVE_NVME);
	assert_false(viv_drive_interface_parse("sata", &i));
	assert_int_equal(i, VIV_DRIVE_NVME);
}

static void test_terminal(void **state)
{
	struct viv_machine m = {
		.accel = VIV_ACCEL_TCG,
		.memory_mib = 512,
		.cores = 1,
		.cpu = viv_strdup("qemu64,-cx16"),
		.memory_file = viv_strdup("/run/viv/ram"),
		.terminal = true,
		.agent.path = viv_strdup("/run/viv/vm.agent"),
	};

	check("terminal", &m);
}

/* A program of the host's for each connection: the only thing that QEMU may start. */
static void test_forward_from_guest(void **state)
{
	struct viv_machine m = {.accel = VIV_ACCEL_TCG, .memory_mib = 512, .cores = 1};
	struct viv_nic *nic = viv_machine_add_nic(&m);
	struct viv_forward *f = viv_nic_add_forward(nic);

	nic->connect_program = viv_strdup("/usr/bin/nc");
	f->from_guest = true;
	f->host_address = viv_strdup("127.0.0.1");
	f->guest_address = viv_strdup("10.0.2.100");
	f->host_port = 8080;
	f->guest_port = 80;
	nic = viv_machine_add_nic(&m);
	nic->kind = VIV_NIC_VLAN;
	nic->fd = 6;
	nic = viv_machine_add_nic(&m);
	nic->kind = VIV_NIC_TAP;
	nic->fd = 7;
	nic = viv_machine_add_nic(&m);
	nic->kind = VIV_NIC_BRIDGE;
	nic->fd = 8;
	nic = viv_machine_add_nic(&m);
	nic->kind = VIV_NIC_PASST;
	nic->fd = 9;
	check("networks", &m);
}

static void test_devices(void **state)
{
	static struct viv_usb_wish usb[] = {{.vendor = 0x951, .product = 0x1666}, {.bus = 2}};
	static struct viv_numa_node nodes[] = {{512, 0, 3}, {0, 3, 1}, {1536, 0, 0}};
	static struct viv_credential credentials[] = {{.fd = -1}, {.fd = -1}, {.fd = 7}, {.fd = 8}};
	struct viv_machine m = {
		.accel = VIV_ACCEL_TCG,
		.memory_mib = 2048,
		.cores = 4,
		.memory_file = viv_strdup("/run/viv/ram"),
		.devices = {.display = VIV_DISPLAY_VNC,
			    .display_path = viv_strdup("/run/a,b/vnc"),
			    .width = 1920,
			    .height = 1080,
			    .sockets = 2,
			    .threads = 2,
			    .watchdog = true,
			    .tpm = true,
			    .tpm_path = viv_strdup("/run/a,b/tpm")},
	};
	struct viv_devices *d = &m.devices;

	d->usb = viv_new_array(struct viv_usb_wish, 2);
	memcpy(d->usb, usb, sizeof(usb));
	d->usb[1].port = viv_strdup("1.4");
	d->n_usb = 2;
	d->nodes = viv_new_array(struct viv_numa_node, 3);
	memcpy(d->nodes, nodes, sizeof(nodes));
	d->n_nodes = 3;
	d->credentials = viv_new_array(struct viv_credential, 4);
	memcpy(d->credentials, credentials, sizeof(credentials));
	d->n_credentials = 4;
	d->credentials[0].name = viv_strdup("a");
	d->credentials[0].file = viv_strdup("/etc/a,b");
	d->credentials[1].name = viv_strdup("b");
	d->credentials[1].text = viv_strdup("one, two");
	d->credentials[2].name = viv_strdup("c");
	d->credentials[2].text = viv_strdup("secret");
	d->credentials[3].name = viv_strdup("passwd.hashed-password.somebody");
	d->credentials[3].text = viv_strdup("secret");
	check("devices", &m);
}

static void check_display(const char *name, enum viv_display display, bool tpm)
{
	struct viv_machine m = {.accel = VIV_ACCEL_TCG, .memory_mib = 512, .cores = 1};

	m.devices.display = display;
	if (display == VIV_DISPLAY_SPICE)
		m.devices.display_path = viv_strdup("/run/viv/vm/spice");
	m.devices.tpm = tpm;
	m.devices.tpm_fd = 6;
	check(name, &m);
}

static void test_displays(void **state)
{
	check_display("gtk", VIV_DISPLAY_GTK, true);
	check_display("spice", VIV_DISPLAY_SPICE, false);
	check_display("screen", VIV_DISPLAY_NONE, false);
}

static void add_share(struct viv_machine *m, enum viv_share_kind kind, const char *tag,
		      const char *source, bool read_only)
{
	struct viv_share *s = viv_machine_add_share(m);

	s->kind = kind;
	s->tag = viv_strdup(tag);
	s->source = viv_strdup(source);
	s->target = viv_strdup("/mnt");
	s->read_only = read_only;
}

static void test_shares(void **state)
{
	struct viv_machine m = {.accel = VIV_ACCEL_TCG, .memory_mib = 512, .cores = 1, .spare_ports = 1, .incoming = true};

	m.virtiofs.fd = 7;
	add_share(&m, VIV_SHARE_VIRTIOFS, "cwd", "/home/a, b", true);
	add_share(&m, VIV_SHARE_9P, "src", "/usr/src/a, b", true);
	add_share(&m, VIV_SHARE_VIRTIOFS, "xchg", NULL, false);
	add_share(&m, VIV_SHARE_9P, "out", "/tmp", false);
	check("shares", &m);
}

static void test_newest_q35(void **state)
{
	VIV_FREE char *found = viv_qemu_newest_q35("Supported machines are:\n"
						   "pc-q35-7.1    Standard PC\n"
						   "q35           Standard PC (Q35 + ICH9, 2009) "
						   "(alias of pc-q35-7.2)\n");

	assert_string_equal(found, "pc-q35-7.2");
	assert_null(viv_qemu_newest_q35("virt  ARM (alias of virt-7.2)\n"));
	assert_null(viv_qemu_newest_q35("q35   PC (alias of pc-q35-7"));
	assert_null(viv_qemu_newest_q35(""));
}

static void test_cpu(void **state)
{
	struct viv_qemu_program old = {.q35 = (char[]){"pc-q35-7.2"}};
	struct viv_qemu_program new = {.q35 = (char[]){"pc-q35-10.0"}};

	assert_string_equal(viv_qemu_tcg_cpu(&old), "qemu64,-cx16");
	assert_null(viv_qemu_tcg_cpu(&new));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest), cmocka_unit_test(test_full),
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_drives), cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_forward_from_guest), cmocka_unit_test(test_newest_q35),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_devices), cmocka_unit_test(test_displays),
		cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
