/* SPDX-License-Identifier: MIT */
#include "cmd/store.h"

#include "base/fd.h"

#include <sys/stat.h>
#include <unistd.h>

/* To a name beside the file, so that a half-written one is never taken for whole. */
static int export_to_file(struct viv_cmd *cmd, struct viv_cmd_store *c, const char *path,
			  struct viv_error *err)
{
	VIV_FREE char *tmp = viv_asprintf("%s.tmp-XXXXXX", path);
	VIV_FD fd = mkostemp(tmp, O_CLOEXEC);
	int r;

	if (fd < 0)
		return viv_error_set(err, errno, "%s", path);
	r = viv_store_export(c->s, &c->ids, fd, cmd->report, err);
	if (r == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0))
		r = viv_error_set(err, errno, "writing %s", path);
	if (r < 0)
		unlink(tmp);
	return r;
}

static int run_export(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	const char *output = viv_args_value(args, "output");
	VIV_CMD_STORE c = {0};
	struct stat st;
	int r;

	if (!args->n_operands)
		return viv_cmd_usage(cmd, "which object?");
	if (!output && isatty(STDOUT_FILENO))
		return viv_cmd_usage(cmd, "an export can't go to a terminal: use -o FILE or a pipe");
	r = viv_cmd_store_start(cmd, args, &c, err);
	/* Not through a link: /dev/stdout must stay one. */
	if (r == 0 && output && (lstat(output, &st) < 0 || S_ISREG(st.st_mode))) {
		r = export_to_file(cmd, &c, output, err);
	} else if (r == 0) {
		VIV_FD fd = output ? viv_open(output, O_WRONLY | O_TRUNC, 0, err) : -1;

		r = output && fd < 0 ? fd
				     : viv_store_export(c.s, &c.ids, output ? fd : STDOUT_FILENO,
							cmd->report, err);
	}
	return r < 0 ? VIV_CMD_FAILED : VIV_EXIT_OK;
}

static const struct viv_flag export_flags[] = {
	{"output", 'o', "FILE", "write to FILE, not to stdout"},
	{0},
};

const struct viv_command viv_command_store_export = {
	.name = "store export",
	.summary = "Write objects and all that they need as a tar",
	.operands = "OBJECT…",
	.about = "`viv store import` reads it: on another machine, or later. The same objects\n"
		 "always give the same bytes.",
	.flags = export_flags,
	.max_operands = -1,
	.run = run_export,
};

static int run_import(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_store_closep) struct viv_store *s = NULL;
	VIV_FD file = -1;
	VIV_STRV ids = VIV_STRV_INIT;
	json_t *all;

	if (args->n_operands) {
		file = viv_open(args->operands[0], O_RDONLY, 0, err);
		if (file < 0)
			return VIV_CMD_FAILED;
	}
	if (viv_cmd_open_store(cmd, &s, err) < 0 ||
	    viv_store_import(s, file < 0 ? STDIN_FILENO : file, cmd->report, &ids, err) < 0)
		return VIV_CMD_FAILED;
	viv_progress_clear(cmd->report);
	all = json_array();
	for (size_t i = 0; i < ids.count; i++) {
		json_array_append_new(all, json_string(ids.items[i]));
		if (!cmd->json)
			puts(ids.items[i]);
	}
	if (cmd->json)
		return viv_cmd_print_json(all);
	json_decref(all);
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_store_import = {
	.name = "store import",
	.summary = "Read objects that viv store export wrote",
	.operands = "[FILE]",
	.about = "Everything in it is checked, but for one thing: that an object was really made\n"
		 "from what it says. Import only from those whom you would let build for you.",
	.max_operands = 1,
	.run = run_import,
};
