/* SPDX-License-Identifier: MIT */
#include "cmd/run.h"

#include "base/detach.h"
#include "base/path.h"
#include "cmd/status.h"

/*
 * A child does all of it, from the configuration on, and goes into the background when the system is
 * up. What it is to tell its parent is JSON: {name}, or how it ended: {status, reason, lines}.
 */
struct background {
	struct run *run;
	struct viv_child_channel *channel;
	bool up;
};

static void on_up(const struct viv_machine_dir *dir, void *arg)
{
	struct background *b = arg;
	VIV_JSON *j = json_pack("{s:s}", "name", dir->name);
	VIV_FREE char *log = viv_path_join(dir->path, "viv.log");
	VIV_STR text = VIV_STR_INIT;

	viv_json_canonical(j, &text);
	viv_detach_leave(b->channel, &text, log);
	b->up = true;
}

static void tell_end(const struct viv_session_result *result, struct viv_str *ret)
{
	VIV_JSON *lines = json_array();
	VIV_JSON *j = json_pack("{s:i, s:o, s:O}", "status", result->outcome.status, "reason",
				viv_json_text(result->outcome.reason), "lines", lines);

	for (size_t i = 0; i < result->lines.count; i++)
		json_array_append_new(lines, viv_json_text(result->lines.items[i]));
	viv_json_canonical(j, ret);
}

static int in_child(struct viv_child_channel *channel, struct viv_str *text, void *arg, struct viv_error *err)
{
	VIV_CLEANUP(viv_session_result_free_contents) struct viv_session_result result = {0};
	struct background b = {.run = arg, .channel = channel};
	struct viv_cmd cmd = *b.run->cmd;
	int r;

	cmd.report = &channel->report;
	b.run->cmd = &cmd;
	r = viv_run_prepare(b.run, err);
	if (r == 0) {
		b.run->spec.up = on_up;
		b.run->spec.up_arg = &b;
		r = viv_session_run(&b.run->spec, &result, err);
	}
	if (r == 0)
		r = viv_status_write(cmd.status, result.json, err);
	else if (b.up)
		viv_status_write_failure(cmd.status, err->msg);
	if (r == 0 && !b.up)
		tell_end(&result, text);
	viv_run_free_contents(b.run);
	return r;
}

/* It did not come up. */
static int print_end(const json_t *j, uint64_t status)
{
	const char *reason = viv_json_str(j, "reason");
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(j, "lines"), i, line)
		viv_cmd_print(stderr, "%s\n", json_string_value(line));
	if (reason)
		viv_cmd_print(stderr, "viv: %s\n", reason);
	return (int)status;
}

int viv_run_detached(struct run *run, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_JSON *j = NULL;
	uint64_t status;
	int r = viv_detach(in_child, run, run->cmd->report, &text, err);

	if (r == 0)
		r = viv_json_parse(text.data ? text.data : "", text.len, "the machine's process", &j, err);
	if (r < 0)
		return r;
	viv_progress_clear(run->cmd->report);
	if (viv_json_u64(j, "status", 255, &status))
		return print_end(j, status);
	if (run->cmd->json)
		json_dumpf(j, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	else
		fputs(viv_json_str(j, "name"), stdout);
	putchar('\n');
	return VIV_EXIT_OK;
}
