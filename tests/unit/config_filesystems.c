/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "config/filesystems.h"

static json_t *json(const char *text)
{
	json_t *j = NULL;

	assert_int_equal(viv_json_parse(text, strlen(text), "test", &j, NULL), 0);
	return j;
}

static void check(const char *all, const char *of_machine, const char *want)
{
	VIV_CLEANUP(viv_config_filesystems_free) struct viv_config_filesystems f = {0};
	VIV_JSON *a = json(all), *b = json(of_machine);
	VIV_STR got = VIV_STR_INIT;

	viv_filesystems_collect(a, b, &(struct viv_disk_values){.interface = "virtio"}, &f);
	for (size_t i = 0; i < f.count; i++)
		viv_str_addf(&got, "%s%s ", f.items[i].target, f.items[i].early ? "!" : "");
	assert_string_equal(got.data ? got.data : "", want);
}

#define ON(device) "{\"fsType\": \"auto\", \"device\": \"" device "\"}"

/* What is needed comes first; of a circle all are there, once. */
static void order(void **state)
{
	check("{}", "{}", "");
	check("{\"/b/c\": " ON("/dev/x") ", \"/b\": " ON("/dev/y") ", \"/a\": " ON("/b/c") "}", "{}",
	      "/b /b/c /a ");
	check("{\"/b\": {\"device\": \"/a/b\", \"fsType\": \"none\", \"neededForBoot\": true}, "
	      "\"/a\": " ON("/dev/x") ", \"/c\": " ON("/dev/y") "}",
	      "{}", "/a! /b! /c ");
	check("{\"/bc\": " ON("/dev/x") ", \"/a\": " ON("/b") "}", "{}", "/a /bc ");
	check("{\"/b\": " ON("/a") ", \"/a\": " ON("/b/x") ", \"/c\": " ON("/d") "}", "{}", "/c /a /b ");
}

/* The machine's own stand for all; the root is real hardware's. */
static void which(void **state)
{
	check("{\"/\": " ON("/dev/x") ", \"/a\": " ON("/dev/y") "}", "{}", "/a ");
	check("{\"/a\": " ON("/dev/y") "}", "{\"/b\": " ON("/dev/y") "}", "/b ");
	check("{\"/a\": " ON("/dev/y") "}", "{\"/\": " ON("/dev/y") "}", "/ ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(order), cmocka_unit_test(which)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
