/* SPDX-License-Identifier: MIT */
#include "cmd/store.h"

#define KEEP_RECENT 86400 /* seconds; today's work stays quick unless --all is said */

static int print_gc(struct viv_cmd *cmd, const struct viv_store_gc *o,
		    const struct viv_store_gc_result *g)
{
	char text[3][16];

	for (size_t i = 0; i < g->removed.count && (o->dry_run || cmd->verbose); i++)
		puts(g->removed.items[i]);
	printf("%s %zu objects (%s), kept %zu (%s)\n", o->dry_run ? "would remove" : "removed",
	       g->removed.count, viv_cmd_size_text(g->removed_size, text[0]), g->kept,
	       viv_cmd_size_text(g->kept_size, text[1]));
	if (g->recent)
		printf("%zu of these (%s) are kept only because they were used in the last 24 "
		       "hours: --all removes them, too\n",
		       g->recent, viv_cmd_size_text(g->recent_size, text[2]));
	if (o->max_size != UINT64_MAX && g->kept_size > o->max_size)
		fprintf(stderr, "viv: the store is still larger than that: the rest is in use\n");
	return VIV_EXIT_OK;
}

static int print_gc_json(const struct viv_store_gc *o, const struct viv_store_gc_result *g)
{
	json_t *removed = json_array();

	for (size_t i = 0; i < g->removed.count; i++)
		json_array_append_new(removed, json_string(g->removed.items[i]));
	return viv_cmd_print_json(json_pack(
		"{s:b, s:o, s:I, s:I, s:I, s:I, s:I}", "dryRun", o->dry_run, "removed", removed,
		"removedSize", (json_int_t)g->removed_size, "kept", (json_int_t)g->kept, "keptSize",
		(json_int_t)g->kept_size, "recent", (json_int_t)g->recent, "recentSize",
		(json_int_t)g->recent_size));
}

static int run_gc(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *s = NULL;
	const char *max = viv_args_value(args, "max-size");
	bool all = viv_args_has(args, "all");
	struct viv_store_gc o = {
		.dry_run = viv_args_has(args, "dry-run"),
		.keep_archives = viv_args_has(args, "keep-archives"),
		.keep_recent = all || max ? 0 : KEEP_RECENT,
		.max_size = UINT64_MAX,
	};
	struct viv_store_gc_result result = {0};

	if (all && max)
		return viv_cmd_usage(cmd, "--all and --max-size contradict each other");
	if (max && viv_cmd_parse_size(max, &o.max_size, err) < 0) {
		viv_error_context(err, "--max-size");
		viv_cmd_fail(cmd, err);
		return VIV_EXIT_USAGE;
	}
	if (viv_cmd_open_store(cmd, &s, err) < 0 ||
	    viv_store_gc(s, &o, cmd->report, &result, err) < 0)
		return VIV_CMD_FAILED;
	viv_progress_clear(cmd->report);
	if (cmd->json)
		print_gc_json(&o, &result);
	else if (!cmd->quiet || o.dry_run)
		print_gc(cmd, &o, &result);
	viv_store_gc_result_free(&result);
	return VIV_EXIT_OK;
}

static const struct viv_flag gc_flags[] = {
	{"max-size", 0, "SIZE", "remove what was used longest ago, until this size (20G, 512M)"},
	{"all", 0, NULL, "also what was used in the last 24 hours"},
	{"keep-archives", 0, NULL, "keep downloaded packages"},
	{"dry-run", 'n', NULL, "only show what would be removed"},
	{0},
};

const struct viv_command viv_command_store_gc = {
	.name = "store gc",
	.summary = "Remove objects that nothing needs",
	.about = "What is kept: objects that a result link or a lock file leads to, those that a\n"
		 "build or a running machine uses, and what these need. It can run beside all of\n"
		 "them.",
	.flags = gc_flags,
	.run = run_gc,
};

static int print_problems(struct viv_cmd *cmd, const struct viv_store_problems *p, bool moved)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n; i++) {
		json_array_append_new(all, json_pack("{s:s, s:s}", "id", p->items[i].id, "problem",
						     p->items[i].what));
		if (!cmd->json)
			viv_cmd_print(stdout, "%s: %s\n", p->items[i].id, p->items[i].what);
	}
	if (cmd->json) {
		viv_cmd_print_json(all);
	} else {
		json_decref(all);
		if (p->n && moved)
			printf("%zu objects were moved aside; the next build makes them again\n",
			       p->n);
		else if (!p->n && !cmd->quiet)
			puts("everything is as it was stored");
	}
	return p->n ? VIV_EXIT_FAILED : VIV_EXIT_OK;
}

static int run_verify(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	struct viv_store_problems problems = {0};
	bool move = !viv_args_has(args, "dry-run");
	VIV_CMD_STORE c = {0};
	int status;

	if (viv_cmd_store_start(cmd, args, &c, err) < 0 ||
	    viv_store_verify(c.s, c.ids.count ? &c.ids : NULL, move, cmd->report, &problems,
			     err) < 0)
		return VIV_CMD_FAILED;
	viv_progress_clear(cmd->report);
	status = print_problems(cmd, &problems, move);
	viv_store_problems_free(&problems);
	return status;
}

static const struct viv_flag verify_flags[] = {
	{"dry-run", 'n', NULL, "only report; leave damaged objects where they are"},
	{0},
};

const struct viv_command viv_command_store_verify = {
	.name = "store verify",
	.summary = "Compare objects with what was recorded of them",
	.operands = "[OBJECT…]",
	.about = "Reads everything. Damaged objects, and those that refer to them, are moved\n"
		 "aside, and the next build makes them again. Exit status 1 if there were any.",
	.flags = verify_flags,
	.max_operands = -1,
	.run = run_verify,
};
