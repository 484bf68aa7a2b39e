/* SPDX-License-Identifier: MIT */
/* The file of a test's events: complete, or it says that it is not. */
#include "unit.h"

#include "base/fd.h"
#include "test/event.h"

#include <fcntl.h>
#include <sys/stat.h>

struct told {
	unsigned events, warnings;
	char *last;
};

static void take(const json_t *event, void *arg)
{
	struct told *t = arg;

	t->events++;
	if (!viv_streq(json_string_value(json_object_get(event, "event")), "warning"))
		return;
	t->warnings++;
	free(t->last);
	t->last = viv_strdup(json_string_value(json_object_get(event, "text")));
}

static void tell_much(struct viv_events *e, unsigned times)
{
	VIV_FREE char *text = viv_malloc((1 << 20) + 1);

	memset(text, 'x', 1 << 20);
	text[1 << 20] = '\0';
	while (times--)
		viv_events_tell(e, "log", json_pack("{s:s}", "text", text));
}

static void long_file(void **state)
{
	struct told told = {0};
	struct viv_events e = {.fd = -1, .shown = take, .arg = &told};
	VIV_FD fd = -1;
	char end[200] = "";
	struct stat st;

	e.log = open("events.jsonl", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	assert_true(e.log > 0);
	tell_much(&e, 15);
	assert_int_equal(told.warnings, 0);
	assert_true(e.log > 0);
	tell_much(&e, 5);
	assert_int_equal(e.log, 0);
	assert_int_equal(told.events, 21);
	assert_int_equal(told.warnings, 1);
	assert_string_equal(told.last, "events.jsonl ends here: there is more than 16 MiB of them");
	fd = open("events.jsonl", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size < VIV_EVENTS_LOG_MAX);
	assert_true(pread(fd, end, sizeof(end) - 1, st.st_size - (off_t)sizeof(end) + 1) > 0);
	assert_non_null(strstr(end, "\n{\"event\":\"warning\""));
	assert_int_equal(end[sizeof(end) - 2], '\n');
	free(told.last);
}

static void full_disk(void **state)
{
	struct told told = {0};
	struct viv_events e = {.fd = -1, .shown = take, .arg = &told};

	e.log = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(e.log > 0);
	tell_much(&e, 2);
	assert_int_equal(e.log, 0);
	assert_int_equal(told.events, 3);
	assert_int_equal(told.warnings, 1);
	assert_non_null(strstr(told.last, "events.jsonl ends early: "));
	free(told.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(long_file, enter_folder, leave_folder),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
