/* SPDX-License-Identifier: MIT */
#include "deb_world.h"

#include "deb/lock.h"

/* Machines that want the same have the same, and apt is asked once: the mirror of the second ones is not there. */
static void shared_by_machines(void **state)
{
	struct world *w = *state;
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *client = NULL, *server = NULL, *again = NULL, *other = NULL;
	VIV_STRV packages = VIV_STRV_INIT, nowhere = VIV_STRV_INIT, renewed = VIV_STRV_INIT, lines = VIV_STRV_INIT;
	VIV_FREE char *lock_file = NULL;
	struct viv_deb_request req;
	VIV_ERROR err = VIV_ERROR_INIT;

	NEEDS(w);
	lock_file = viv_path_join(w->dir, "machines.lock");
	viv_strv_push(&packages, "hello");
	viv_strv_pushf(&nowhere, "file:%s/nowhere tiny", w->dir);
	viv_strv_push(&renewed, "client");
	req = request(w, &packages);
	req.lock_file = lock_file;
	req.machine = "client";
	assert_int_equal(viv_deb_resolve(&req, NULL, &client, &err), 0);
	req.source.mirrors = &nowhere;
	req.machine = "server";
	if (viv_deb_resolve(&req, NULL, &server, &err) < 0)
		fail_msg("%s", err.msg);
	viv_lock_compare(client, server, &lines);
	assert_int_equal(lines.count, 0);
	assert_int_equal(server->n_layers, client->n_layers);
	/* A renewal asks, but for those that want the same as one that has been renewed. */
	req.renew = true;
	assert_true(viv_deb_resolve(&req, NULL, &again, &err) < 0);
	viv_error_clear(&err);
	req.renewed = &renewed;
	assert_int_equal(viv_deb_resolve(&req, NULL, &again, &err), 0);
	/* What wants something else asks, too. */
	viv_strv_push(&packages, "diverts");
	assert_true(viv_deb_resolve(&req, NULL, &other, &err) < 0);
	viv_error_clear(&err);
	req.renew = false;
	req.machine = "third";
	assert_true(viv_deb_resolve(&req, NULL, &other, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_by_machines),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
