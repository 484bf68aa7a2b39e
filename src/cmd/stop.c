/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"
#include "cmd/store.h"

#include "base/loop.h"
#include "base/path.h"
#include "run/machines.h"

static const struct viv_flag flags[] = {
	{"all", 'a', NULL, "all of them"},
	{"now", 0, NULL, "at once, as if the power failed"},
	{"timeout", 't', "TIME", "how long the guest may take before it is cut off (30s)"},
	{0},
};

#define END_MS 30000 /* from the guest's limit to the machine's end, with all that it has to write */

static int ask(struct viv_messages *m, const struct viv_args *args, int64_t limit_ms,
	       struct viv_error *err)
{
	return viv_messages_send(m,
				 json_pack("{s:s, s:b, s:I}", "do", "stop", "hard",
					   viv_args_has(args, "now"), "limit_ms",
					   (json_int_t)limit_ms),
				 NULL, 0) < 0
		       ? viv_error_say(err, ENOTCONN, "the machine has ended")
		       : 0;
}

/* One of those that are to end. */
struct stopping {
	const char *name;
	struct viv_messages m; /* fd -1: it is over */
	json_t *outcome;       /* as `viv wait --json` prints it; NULL: nobody was there to say it */
	bool failed;
};

/* One that is not there any more has ended as it was to; by its name it was perhaps never there. */
static void begin(struct viv_cmd *cmd, const struct viv_args *args, int64_t limit_ms, struct stopping *s)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	int r = viv_cmd_connect(s->name, &s->m, NULL, &err);

	if (r == 0)
		r = ask(&s->m, args, limit_ms, &err);
	if (r == 0)
		return;
	viv_messages_close(&s->m);
	s->failed = r != -ENOTCONN && !(r == -ENOENT && viv_args_has(args, "all"));
	if (s->failed)
		viv_cmd_fail(cmd, &err);
	else
		viv_error_clear(&err);
}

static void finish(struct stopping *s, int64_t deadline)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	VIV_JSON *answer = NULL;

	if (s->m.fd < 0)
		return;
	s->failed = viv_client_answer(&s->m, VIV_MAX(deadline - viv_now_ms(), 0), &answer, &err) == -ETIMEDOUT;
	if (s->failed)
		viv_cmd_print(stderr, "viv: the machine %s does not end: its viv, or the host's disk, hangs\n",
			      s->name);
	s->outcome = json_incref(json_object_get(answer, "outcome"));
	viv_error_clear(&err);
	viv_messages_close(&s->m);
}

/* All are asked first, and go down side by side. */
static int stop_all(struct viv_cmd *cmd, const struct viv_args *args, const struct viv_strv *names,
		    int64_t limit_ms)
{
	VIV_FREE struct stopping *all = viv_new_array(struct stopping, names->count + 1);
	int status = VIV_EXIT_OK;
	int64_t deadline;
	json_t *list = json_array();

	for (size_t i = 0; i < names->count; i++) {
		all[i] = (struct stopping){.name = names->items[i], .m = VIV_MESSAGES_INIT};
		begin(cmd, args, limit_ms, &all[i]);
	}
	deadline = viv_now_ms() + limit_ms + END_MS; /* one that hangs has taken its time to be asked */
	for (size_t i = 0; i < names->count; i++) {
		finish(&all[i], deadline);
		json_array_append_new(list, json_pack("{s:s, s:b, s:o?}", "name", all[i].name, "stopped",
						      !all[i].failed, "outcome", all[i].outcome));
		if (all[i].failed)
			status = VIV_EXIT_FAILED;
	}
	if (cmd->json)
		viv_cmd_print_json(list);
	else
		json_decref(list);
	return status;
}

static int choose(const struct viv_args *args, struct viv_strv *names, struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	VIV_FREE char *runtime = NULL;
	char *name;
	int r;

	if (viv_args_has(args, "all")) {
		r = viv_dir_runtime(&runtime, err);
		return r < 0 ? r : viv_machines_names(runtime, names, err);
	}
	viv_strv_push_all(names, args->operands);
	if (names->count)
		return 0;
	r = viv_cmd_connect(NULL, &m, &name, err);
	if (r == 0)
		viv_strv_take(names, name);
	return r;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	const char *timeout = viv_args_value(args, "timeout");
	VIV_STRV names = VIV_STRV_INIT;
	int64_t limit_ms = 30000;
	int r = 0;

	if (viv_args_has(args, "all") && args->n_operands)
		return viv_cmd_usage(cmd, "--all means all of them: no names besides");
	if (timeout && viv_parse_duration(timeout, &limit_ms, err) < 0)
		return viv_error_context(err, "--timeout");
	r = choose(args, &names, err);
	return r < 0 ? r : stop_all(cmd, args, &names, limit_ms);
}

const struct viv_command viv_command_stop = {
	.name = "stop",
	.summary = "End machines that run",
	.operands = "[NAME…]",
	.about = "Without a name: this folder's. The guest is asked to power off, and cut off when it has\n"
		 "not done so in time. Ends when they have ended. --json: how each has.",
	.flags = flags,
	.max_operands = 256,
	.run = run,
};
