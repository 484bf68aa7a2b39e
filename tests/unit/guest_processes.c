/* SPDX-License-Identifier: MIT */
/* The end of all processes: of a PID namespace, whose PID 1 the test is. */
#include "unit.h"

#include "../../guest/processes.c"

#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static pid_t begin(void (*fn)(int ready))
{
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		fn(ready[1]);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &(char){0}, 1), 1);
	close(ready[0]);
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void say_ready(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(2);
}

static void heed(int ready)
{
	say_ready(ready);
	for (;;)
		pause();
}

static void heed_not(int ready)
{
	signal(SIGTERM, SIG_IGN);
	heed(ready);
}

static void ends(void **state)
{
	pid_t a = begin(heed), b = begin(heed_not);

	assert_int_equal(processes_end(SIGTERM, 100), 1);
	assert_int_equal(end_of(a), SIGTERM);
	assert_int_equal(processes_end(SIGKILL, 60000), 0);
	assert_int_equal(end_of(b), SIGKILL);
}

static void *outlive(void *arg)
{
	heed(*(int *)arg);
	return NULL;
}

static void leave_to_other(int ready)
{
	static int its; /* the stack of this thread may be gone when the other reads it */
	pthread_t other;

	its = ready;
	if (pthread_create(&other, NULL, outlive, &its) == 0)
		pthread_exit(NULL);
}

/* The first thread of a process has ended, and it goes on. */
static void first_thread_gone(void **state)
{
	pid_t pid = begin(leave_to_other);
	char name[16], stat[512];

	snprintf(name, sizeof(name), "%d", pid);
	do
		assert_true(read_of(name, "stat", stat, sizeof(stat)) > 0);
	while (!strstr(stat, ") Z "));
	assert_int_equal(processes_end(SIGTERM, 60000), 0);
	assert_int_equal(end_of(pid), SIGTERM);
}

/* More than are waited for at once, of which the first heed nothing. */
static void very_many(void **state)
{
	pid_t deaf[MAX_WATCHED], others[20];

	for (size_t i = 0; i < VIV_ARRAY_SIZE(deaf); i++)
		deaf[i] = begin(heed_not);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(others); i++)
		others[i] = begin(heed);
	assert_true(processes_end(SIGTERM, 100) >= MAX_WATCHED);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(others); i++)
		assert_int_equal(end_of(others[i]), SIGTERM);
	assert_int_equal(processes_end(SIGKILL, 60000), 0);
	for (size_t i = 0; i < VIV_ARRAY_SIZE(deaf); i++)
		assert_int_equal(end_of(deaf[i]), SIGKILL);
}

static int run_as_first(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends), cmocka_unit_test(first_thread_gone), cmocka_unit_test(very_many),
	};

	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	int status = 0;
	pid_t pid;

	if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWPID) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		printf("needs root, and to be allowed processes of its own\n");
		return 77;
	}
	pid = fork();
	if (pid == 0) {
		int r = run_as_first();

		fflush(NULL);
		_exit(r);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	/* No more processes can be made where the first one is gone, which a leak checker would do at exit. */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
