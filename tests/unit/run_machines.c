/* SPDX-License-Identifier: MIT */
/* Asking machines whose process stands still. */
#include "unit.h"

#include "base/fd.h"
#include "base/path.h"
#include "run/client.h"
#include "run/control.h"
#include "run/machines.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* A machine that takes no callers; `full`: whose queue of callers takes no more. */
static int stopped_machine(const char *runtime, const char *name, bool full)
{
	VIV_FREE char *path = viv_asprintf("%s/%s", runtime, name);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(viv_mkdir_p(path, 0700, NULL), 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/" VIV_CONTROL_SOCKET, path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, full ? 0 : 10), 0);
	while (full) {
		VIV_FD caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (connect(caller, (const struct sockaddr *)&a, sizeof(a)) < 0) {
			assert_int_equal(errno, EAGAIN);
			break;
		}
	}
	return fd;
}

static void none_is_waited_for_without_limit(void **state)
{
	VIV_FREE char *runtime = test_dir("machines");
	VIV_FREE char *process = viv_asprintf("its viv, process %d, hangs or is stopped", (int)getpid());
	int one = stopped_machine(runtime, "one", false), two = stopped_machine(runtime, "two", true);
	VIV_JSON *list = NULL, *want = json_pack("[{s:s, s:s, s:i}, {s:s, s:s}]", "name", "one", "state",
						 "unresponsive", "pid", (int)getpid(), "name", "two",
						 "state", "unresponsive");
	struct viv_messages m;
	VIV_STRV names = VIV_STRV_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	assert_int_equal(viv_client_connect(runtime, "nobody", 1, &m, NULL), -ENOENT);
	assert_int_equal(viv_machines_list(runtime, &list, NULL), 0);
	assert_true(json_equal(list, want));
	assert_int_equal(viv_machines_names(runtime, &names, NULL), 0);
	assert_int_equal(names.count, 2);
	assert_int_equal(viv_client_connect(runtime, "two", 1, &m, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, "the machine two takes no callers"));
	viv_error_clear(&err);
	assert_int_equal(viv_client_connect(runtime, "one", 1, &m, &err), 0);
	assert_int_equal(viv_client_check(&m, "one", 1, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, process));
	viv_messages_close(&m);
	viv_error_clear(&err);
	assert_int_equal(viv_machines_connect(runtime, NULL, "/", &m, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "one (does not answer), two (does not answer)"));
	close(one);
	close(two);
	viv_remove_tree(runtime, NULL);
}

/* A machine in a process of its own, which answers once. */
static pid_t answering_machine(const char *runtime, const char *name)
{
	int fd = stopped_machine(runtime, name, false);
	pid_t pid = fork();

	if (pid == 0) {
		struct viv_messages m;
		VIV_JSON *asked = NULL;

		viv_messages_open(&m, accept(fd, NULL, NULL));
		while (viv_messages_next(&m, &asked) == 0)
			if (viv_messages_receive(&m, true) <= 0)
				_exit(1);
		viv_messages_send(&m, json_pack("{s:{s:s, s:s}}", "machine", "name", name, "state", "running"),
				  NULL, 0);
		_exit(viv_messages_flush(&m, true) < 0);
	}
	close(fd);
	return pid;
}

/* One that takes no callers leaves the others their time. */
static void the_others_are_heard(void **state)
{
	VIV_FREE char *runtime = test_dir("machines-others");
	int a = stopped_machine(runtime, "a", true), status;
	pid_t pid = answering_machine(runtime, "c");
	VIV_JSON *list = NULL, *want = json_pack("{s:s, s:s}", "name", "c", "state", "running");

	assert_int_equal(viv_machines_list(runtime, &list, NULL), 0);
	assert_true(json_equal(json_array_get(list, 1), want));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(a);
	viv_remove_tree(runtime, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_waited_for_without_limit),
		cmocka_unit_test(the_others_are_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
