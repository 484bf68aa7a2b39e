/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"
#include "cmd/store.h"

#include "base/loop.h"

static const struct viv_flag flags[] = {
	{"unit", 0, "UNIT", "until a unit is active instead: nginx.service"},
	{"port", 0, "[ADDRESS:]PORT[/udp]", "until a port is open in it instead"},
	{"file", 0, "PATH", "until a file is there instead"},
	{"timeout", 't', "TIME", "give up after 90s, 5m, 2h with status 124; the machine goes on"},
	{0},
};

static int64_t time_left(int64_t deadline)
{
	return deadline < 0 ? -1 : VIV_MAX(deadline - viv_now_ms(), 0);
}

static int wait_for_end(struct viv_cmd *cmd, struct viv_messages *m, int64_t deadline, struct viv_error *err)
{
	VIV_JSON *answer = NULL;
	const json_t *outcome;
	const char *reason;
	uint64_t status;
	int r = viv_client_call(m, json_pack("{s:s}", "do", "wait"), time_left(deadline), &answer, err);

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

/* An address's own colons are within brackets: else nobody knows which one is before the port. */
static bool is_clear(const char *port)
{
	const char *end = port[0] == '[' ? strchr(port, ']') : NULL, *colon = strchr(port, ':');

	return port[0] == '[' ? end && end[1] == ':' && !strchr(end + 2, ':') : !colon || !strchr(colon + 1, ':');
}

/* Before anything is asked: of the machine nothing is known yet. */
static bool check_ports(const struct viv_args *args)
{
	for (size_t i = 0; i < args->n_given; i++) {
		const char *port = args->given[i].value;

		if (!viv_streq(args->given[i].flag->name, "port") || is_clear(port))
			continue;
		viv_cmd_print(stderr, "viv: --port %s: an address with colons is written in brackets, and then the port: "
			      "[::1]:80\n", port);
		return false;
	}
	return true;
}

/* "80", "10.0.2.15:53/udp", "[::1]:80", as the agent wants it. */
static void split_port(const char *text, struct viv_strv *words)
{
	VIV_FREE char *all = viv_strdup(text);
	char *slash = strrchr(all, '/'), *colon = strrchr(all, ':');
	bool udp = slash && viv_streq(slash, "/udp");

	if (udp || (slash && viv_streq(slash, "/tcp")))
		*slash = '\0';
	viv_strv_push(words, udp ? "udp" : "tcp");
	viv_strv_push(words, colon ? colon + 1 : all);
	if (!colon)
		return;
	*colon = '\0';
	if (all[0] == '[' && viv_ends_with(all, "]"))
		colon[-1] = '\0';
	viv_strv_push(words, all + (all[0] == '[' && !colon[-1]));
}

/* A condition's request. */
static json_t *request_for(const char *kind, const char *value)
{
	VIV_STRV words = VIV_STRV_INIT;
	json_t *list = json_array();

	if (viv_streq(kind, "port"))
		split_port(value, &words);
	else
		viv_strv_push(&words, value);
	if (viv_streq(kind, "unit"))
		viv_strv_push(&words, "active");
	for (size_t i = 0; i < words.count; i++)
		json_array_append_new(list, viv_messages_bytes(words.items[i]));
	return json_pack("{s:s, s:s, s:o}", "do", "watch", "kind", kind, "words", list);
}

/* 0, or a status that says that it won't come. */
static int wait_for(struct viv_messages *m, const char *kind, const char *value, int64_t deadline, struct viv_error *err)
{
	VIV_JSON *answer = NULL;
	const char *text;
	uint64_t code;
	int r = viv_client_call(m, request_for(kind, value), time_left(deadline), &answer, err);

	if (r == 0 && !viv_json_u64(answer, "watch", 4095, &code))
		r = viv_error_say(err, EPROTO, "the machine's viv answers nonsense");
	if (r < 0 || code == 0)
		return r;
	text = viv_json_str(answer, "answer");
	viv_cmd_print(stderr, "viv: --%s %s: %s\n", kind, value, text && *text ? text : strerror((int)code));
	return code == EINVAL ? VIV_EXIT_USAGE : code == EOPNOTSUPP ? VIV_EXIT_ENVIRONMENT : VIV_EXIT_FAILED;
}

/* One after the other: all of them shall be so. */
static int wait_for_all(struct viv_messages *m, const struct viv_args *args, int64_t deadline, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; i < args->n_given && r == 0; i++) {
		const char *name = args->given[i].flag->name;

		if (viv_streq(name, "unit") || viv_streq(name, "port") || viv_streq(name, "file"))
			r = wait_for(m, name, args->given[i].value, deadline, err);
	}
	if (r == -ENOTCONN) {
		viv_cmd_print(stderr, "viv: %s\n", err->msg);
		viv_error_clear(err);
		return VIV_EXIT_GONE;
	}
	return r;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	const char *timeout = viv_args_value(args, "timeout");
	VIV_FREE char *name = NULL;
	int64_t limit_ms = -1, deadline;
	bool early; /* is its limit reached before we would call it hung? */
	int r = timeout ? viv_parse_duration(timeout, &limit_ms, err) : 0;

	if (r < 0)
		viv_error_context(err, "--timeout");
	if (r == 0 && !check_ports(args))
		return VIV_EXIT_USAGE;
	deadline = limit_ms < 0 ? -1 : viv_now_ms() + limit_ms;
	if (r == 0)
		r = viv_cmd_find(args->operands[0], &m, &name, err);
	if (r < 0)
		return r;
	early = limit_ms >= 0 && limit_ms < VIV_CLIENT_ANSWER_MS;
	r = viv_client_check(&m, name, early ? limit_ms : VIV_CLIENT_ANSWER_MS, err);
	if (r < 0 && !(r == -ETIMEDOUT && early))
		return r;
	if (r == 0)
		r = viv_args_has(args, "unit") || viv_args_has(args, "port") || viv_args_has(args, "file")
			    ? wait_for_all(&m, args, deadline, err)
			    : wait_for_end(cmd, &m, deadline, err);
	if (r == -ETIMEDOUT) {
		viv_error_clear(err);
		viv_cmd_print(stderr, "viv: time limit reached\n");
		return VIV_EXIT_TIMEOUT;
	}
	return r;
}

const struct viv_command viv_command_wait = {
	.name = "wait",
	.summary = "Wait until a machine has ended, or something in it is so",
	.operands = "[NAME]",
	.about = "Without a name: this folder's. Its exit status is that of the run: 0 for one that powered\n"
		 "off or was stopped, 120 after a panic or oops, 121 if the guest went away.\n"
		 "With --unit, --port or --file, of which there can be several: 0 as soon as all are so, 1 if that\n"
		 "can't come any more: a unit has failed, or is not there.",
	.flags = flags,
	.max_operands = 1,
	.run = run,
};
