/* SPDX-License-Identifier: MIT */
/* The host's USB devices, read from trees that look like /sys and /dev; what is said of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "run/usb.h"

#include <sys/stat.h>
#include <unistd.h>

static char *root;

static void write_file(const char *path, const char *text, mode_t mode)
{
	VIV_FREE char *full = viv_asprintf("%s/%s", root, path);
	VIV_FREE char *dir = viv_path_dir(full);

	assert_int_equal(viv_mkdir_p(dir, 0755, NULL), 0);
	assert_int_equal(viv_write_file(full, text, strlen(text), mode, NULL), 0);
}

static void attribute(const char *device, const char *name, const char *value)
{
	VIV_FREE char *path = viv_asprintf("sys/bus/usb/devices/%s/%s", device, name);
	VIV_FREE char *line = viv_asprintf("%s\n", value);

	write_file(path, line, 0644);
}

static void device(const char *name, unsigned bus, unsigned number, const char *vendor,
		   const char *product, const char *class)
{
	VIV_FREE char *bus_text = viv_asprintf("%u", bus), *number_text = viv_asprintf("%u", number);

	attribute(name, "busnum", bus_text);
	attribute(name, "devnum", number_text);
	attribute(name, "idVendor", vendor);
	attribute(name, "idProduct", product);
	attribute(name, "bDeviceClass", class);
}

static int make_tree(void **state)
{
	root = viv_strdup("/tmp/viv-usb-XXXXXX");
	assert_non_null(mkdtemp(root));
	device("usb2", 2, 1, "1d6b", "0002", "09");
	device("2-1", 2, 2, "0424", "2514", "09");
	attribute("2-1", "product", "USB 2.0 Hub");
	device("2-1.10", 2, 4, "8564", "1000", "00");
	attribute("2-1.10", "manufacturer", "JetFlash");
	attribute("2-1.10", "product", "Mass Storage\033[31m Device");
	device("2-1.9", 2, 3, "0951", "1666", "00");
	attribute("2-1.9", "manufacturer", "Kingston");
	attribute("2-1.9", "product", "Kingston DataTraveler");
	device("1-4", 1, 7, "abcd", "ffff", "00");
	attribute("2-1.9:1.0", "bInterfaceClass", "08");
	write_file("dev/bus/usb/002/002", "", 0666);
	write_file("dev/bus/usb/002/003", "", 0666);
	write_file("dev/bus/usb/001/007", "", 0666);
	return 0;
}

static int remove_tree(void **state)
{
	viv_remove_tree(root, NULL);
	free(root);
	return 0;
}

static void test_list(void **state)
{
	VIV_CLEANUP(viv_usb_list_free) struct viv_usb_list l = {0};

	assert_int_equal(viv_usb_read(root, &l, NULL), 0);
	assert_int_equal(l.count, 4); /* neither root hub nor interface */
	assert_int_equal(l.devices[0].vendor, 0xabcd);
	assert_int_equal(l.devices[0].product, 0xffff);
	assert_int_equal(l.devices[0].bus, 1);
	assert_string_equal(l.devices[0].port, "4");
	assert_string_equal(l.devices[0].name, "");
	assert_true(l.devices[1].is_hub);
	assert_string_equal(l.devices[2].port, "1.9");
	assert_string_equal(l.devices[2].name, "Kingston DataTraveler");
	assert_string_equal(l.devices[2].node, "/dev/bus/usb/002/003");
	assert_true(l.devices[2].is_ours);
	assert_string_equal(l.devices[3].port, "1.10");
	assert_non_null(strstr(l.devices[3].name, "JetFlash Mass Storage"));
	assert_null(strchr(l.devices[3].name, '\033'));
	assert_false(l.devices[3].is_ours); /* it has no node */
}

static void test_no_usb(void **state)
{
	VIV_CLEANUP(viv_usb_list_free) struct viv_usb_list l = {0};

	assert_int_equal(viv_usb_read("/nonexistent", &l, NULL), 0);
	assert_int_equal(l.count, 0);
}

static void fails(const struct viv_usb_list *l, struct viv_usb_wish wish, const char *text)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_null(viv_usb_find(l, &wish, &err));
	assert_non_null(err.msg);
	if (!strstr(err.msg, text))
		fail_msg("no \"%s\" in: %s", text, err.msg);
}

static void test_find(void **state)
{
	VIV_CLEANUP(viv_usb_list_free) struct viv_usb_list l = {0};
	struct viv_usb_wish by_id = {.vendor = 0x0951, .product = 0x1666};
	struct viv_usb_wish by_port = {.bus = 1, .port = (char[]){"4"}};

	assert_int_equal(viv_usb_read(root, &l, NULL), 0);
	assert_ptr_equal(viv_usb_find(&l, &by_id, NULL), &l.devices[2]);
	assert_ptr_equal(viv_usb_find(&l, &by_port, NULL), &l.devices[0]);
	fails(&l, (struct viv_usb_wish){.vendor = 0x0951, .product = 1},
	      "no USB device 0951:0001 is on this host\n`viv doctor usb`");
	fails(&l, (struct viv_usb_wish){.bus = 2, .port = (char[]){"1.1"}},
	      "no USB device is at port 1.1 of bus 2");
	fails(&l, (struct viv_usb_wish){.vendor = 0x0424, .product = 0x2514}, "is a hub");
	fails(&l, (struct viv_usb_wish){.vendor = 0x8564, .product = 0x1000},
	      "no permission for /dev/bus/usb/002/004");
	fails(&l, (struct viv_usb_wish){.vendor = 0x8564, .product = 0x1000},
	      "ATTR{idVendor}==\"8564\", ATTR{idProduct}==\"1000\", OWNER=");
}

static void test_rule(void **state)
{
	const struct viv_usb_device d = {.vendor = 0x951, .product = 0x1666};
	VIV_STR rule = VIV_STR_INIT;

	viv_usb_udev_rule(&d, "paul", &rule);
	assert_string_equal(rule.data, "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"0951\", "
				       "ATTR{idProduct}==\"1666\", OWNER=\"paul\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_no_usb),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
