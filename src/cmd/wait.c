/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"
#include "cmd/store.h"

#include "base/loop.h"

static const struct viv_flag flags[] = {
	{"timeout", 't', "TIME", "give up after 90s, 5m, 2h with status 124; the machine goes on"},
	{0},
};

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	const char *timeout = viv_args_value(args, "timeout"), *reason;
	VIV_FREE char *name = NULL;
	VIV_JSON *answer = NULL;
	const json_t *outcome;
	int64_t limit_ms = -1, begun = viv_now_ms();
	uint64_t status;
	bool early; /* is its limit reached before we would call it hung? */
	int r = timeout ? viv_parse_duration(timeout, &limit_ms, err) : 0;

	if (r < 0)
		viv_error_context(err, "--timeout");
	if (r == 0)
		r = viv_cmd_find(args->operands[0], &m, &name, err);
	if (r < 0)
		return r;
	early = limit_ms >= 0 && limit_ms < VIV_CLIENT_ANSWER_MS;
	r = viv_client_check(&m, name, early ? limit_ms : VIV_CLIENT_ANSWER_MS, err);
	if (r < 0 && !(r == -ETIMEDOUT && early))
		return r;
	if (limit_ms >= 0)
		limit_ms = VIV_MAX(limit_ms - (viv_now_ms() - begun), 0);
	if (r == 0)
		r = viv_client_call(&m, json_pack("{s:s}", "do", "wait"), limit_ms, &answer, err);
	if (r == -ETIMEDOUT) {
		viv_cmd_print(stderr, "viv: time limit reached\n");
		return VIV_EXIT_TIMEOUT;
	}
	outcome = json_object_get(answer, "outcome");
	if (r == 0 && !viv_json_u64(outcome, "status", 255, &status))
		r = viv_error_say(err, EPROTO, "the machine's viv answers nonsense");
	if (r < 0)
		return r;
	reason = viv_json_str(outcome, "reason");
	if (cmd->json)
		viv_cmd_print_json(json_incref((json_t *)outcome));
	else if (reason)
		viv_cmd_print(stderr, "viv: %s\n", reason);
	return (int)status;
}

const struct viv_command viv_command_wait = {
	.name = "wait",
	.summary = "Wait until a machine has ended",
	.operands = "[NAME]",
	.about = "Without a name: this folder's. Its exit status is that of the run: 0 for one that powered\n"
		 "off or was stopped, 120 after a panic or oops, 121 if the guest went away.",
	.flags = flags,
	.max_operands = 1,
	.run = run,
};
