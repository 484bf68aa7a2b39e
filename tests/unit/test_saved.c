/* SPDX-License-Identifier: MIT */
/* States' names and copies, and what keeps a machine from being saved. */
#include "unit.h"

#include "base/fd.h"
#include "run/disk.h"
#include "test/saved.h"

static struct saved *add(struct guest *g, const char *name)
{
	struct saved *s;

	assert_int_equal(saved_new(g, name, &s, NULL), 0);
	saved_keep(g, s);
	return s;
}

static void check_message(int r, struct viv_error *err, int code, const char *part)
{
	assert_int_equal(r, -code);
	assert_non_null(strstr(err->msg, part));
	viv_error_clear(err);
}

static void test_names(void **state)
{
	struct viv_error err = VIV_ERROR_INIT;
	struct guest g = {0};
	struct saved *first;

	check_message(saved_unknown(&g, "up", &err), &err, ENOENT, "no state of it is saved: save(\"up\") comes before");
	first = add(&g, "booted");
	add(&g, "logged in");
	assert_ptr_equal(saved_find(&g, "booted"), first);
	first = add(&g, "booted");
	assert_ptr_equal(saved_find(&g, "booted"), first);
	assert_null(saved_find(&g, "boot"));
	check_message(saved_unknown(&g, "bootde", &err), &err, ENOENT, "did you mean booted?");
	check_message(saved_unknown(&g, "something", &err), &err, ENOENT, "there are: booted, logged in");
	assert_int_equal(saved_check_name(&g, "up", &err), 0);
	check_message(saved_check_name(&g, "", &err), &err, EINVAL, "1 to 64");
	for (int i = 2; i < SAVED_MAX; i++) {
		VIV_FREE char *name = viv_asprintf("state %d", i);

		add(&g, name);
	}
	assert_int_equal(saved_check_name(&g, "booted", &err), 0);
	check_message(saved_check_name(&g, "up", &err), &err, ENOSPC, "take a name of theirs again");
	saved_free_all(&g);
	assert_null(g.saved);
}

static void test_machine(void **state)
{
	struct viv_machine m = {0};
	struct viv_error err = VIV_ERROR_INIT;
	struct viv_drive *d = viv_machine_add_drive(&m);
	struct viv_share *s;

	d->file = viv_strdup("/layer");
	d->read_only = true;
	viv_machine_add_drive(&m)->fd = 7;
	assert_int_equal(saved_check_machine(&m, &err), 0);
	d = viv_machine_add_drive(&m);
	d->file = viv_strdup("/srv/data.qcow2");
	d->serial = viv_strdup("data");
	check_message(saved_check_machine(&m, &err), &err, ENOTSUP, "its disk data is /srv/data.qcow2, which is kept");
	d->read_only = true;
	d->interface = VIV_DRIVE_NVME;
	check_message(saved_check_machine(&m, &err), &err, ENOTSUP, "its disk data is an nvme one");
	d->interface = VIV_DRIVE_IDE;
	m.devices.n_usb = 1;
	check_message(saved_check_machine(&m, &err), &err, ENOTSUP, "leave virtualisation.usb.devices out");
	m.devices.n_usb = 0;
	s = viv_machine_add_share(&m);
	s->target = viv_strdup("/tmp/xchg");
	s->optional = true;
	check_message(saved_check_machine(&m, &err), &err, ENOTSUP, "Write into the test file: machine.virtualisation.exchangeFolders = false");
	m.name = viv_strdup("web-1");
	check_message(saved_check_machine(&m, &err), &err, ENOTSUP,
		      "Write into the test file: machines[\"web-1\"].virtualisation.exchangeFolders = false");
	s = viv_machine_add_share(&m);
	s->source = viv_strdup("/home/src");
	s->target = viv_strdup("/src");
	check_message(saved_check_machine(&m, &err), &err, ENOTSUP, "it shares /home/src (at /src)");
	viv_machine_free_contents(&m);
}

static void test_disks(void **state)
{
	const struct guest gone = {0};
	struct runner r = {0};
	int from[] = {-1, -1, -1}, folder, *to = NULL;
	char buf[4] = "";

	assert_int_equal(viv_loop_new(&r.loop, NULL), 0);
	assert_int_equal(saved_copy_disks(&r, NULL, from, 0, 0, &to, NULL), 0);
	saved_close_disks(to, 0);
	assert_int_equal(viv_disk_unnamed(&from[1], NULL), 0);
	assert_int_equal(pwrite(from[1], "abc", 3, 1 << 20), 3);
	assert_int_equal(saved_copy_disks(&r, NULL, from, 3, 0, &to, NULL), 0);
	assert_int_equal(to[0], -1);
	assert_int_equal(pread(to[1], buf, 3, 1 << 20), 3);
	assert_string_equal(buf, "abc");
	saved_close_disks(to, 3);
	/* Of a machine that is gone. */
	to = NULL;
	assert_int_equal(saved_copy_disks(&r, &gone, from, 3, 0, &to, NULL), -ENOTCONN);
	assert_null(to);
	/* What can't be copied. */
	folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(saved_copy_disks(&r, NULL, &folder, 1, 0, &to, NULL) < 0);
	assert_null(to);
	close(folder);
	close(from[1]);
	viv_loop_free(r.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
