/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"

#include "run/copy.h"

static const struct viv_flag flags[] = {
	{"archive", 'a', NULL, "into the machine: keep owners (as numbers) and set-user-id bits"},
	{"user", 'u', "USER", "as this user of the guest (default: root)"},
	{0},
};

#define OPERANDS_MAX 4096

/* "NAME:PATH", ":PATH": the path; *ret_len: the name's length. NULL: a path of this host. */
static const char *split(const char *operand, size_t *ret_len)
{
	size_t n = strcspn(operand, ":/");

	if (operand[n] != ':')
		return NULL;
	*ret_len = n;
	return operand + n + 1;
}

/* All operands of one side name the same machine. */
static bool take_side(const char *const *operands, size_t n, struct viv_strv *paths, char **name,
		      bool *ret_guest)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = 0;
		const char *path = split(operands[i], &len);

		if (i && (path != NULL) != *ret_guest)
			return false;
		*ret_guest = path != NULL;
		viv_strv_push(paths, !path ? operands[i] : path[0] ? path : ".");
		if (!path)
			continue;
		if (*name && (strlen(*name) != len || memcmp(*name, operands[i], len) != 0))
			return false;
		if (!*name)
			*name = viv_strndup(operands[i], len);
	}
	return true;
}

static int run_copy(struct viv_cmd *cmd, const struct viv_copy *copy, const char *name, bool in,
		    struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	VIV_STRV complaints = VIV_STRV_INIT;
	int r = viv_cmd_connect(name[0] ? name : NULL, &m, NULL, err);

	if (r == 0)
		r = (in ? viv_copy_in : viv_copy_out)(&m, copy, &complaints, err);
	viv_progress_clear(cmd->report);
	for (size_t i = 0; i < complaints.count; i++)
		viv_cmd_print(stderr, "viv: %s\n", complaints.items[i]);
	if (r < 0)
		return r;
	return complaints.count ? VIV_EXIT_FAILED : VIV_EXIT_OK;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_STRV from = VIV_STRV_INIT, to = VIV_STRV_INIT;
	VIV_FREE char *from_name = NULL, *to_name = NULL;
	bool from_guest = false, to_guest = false;
	size_t n = args->n_operands;
	struct viv_copy copy;

	if (n < 2)
		return viv_cmd_usage(cmd, "what is to be copied where? viv cp FILE… NAME:PATH");
	if (!take_side(args->operands, n - 1, &from, &from_name, &from_guest))
		return viv_cmd_usage(cmd, "all sources are of this host or all of one machine");
	take_side(args->operands + n - 1, 1, &to, &to_name, &to_guest);
	if (from_guest == to_guest)
		return viv_cmd_usage(cmd, from_guest ? "one side must be this host"
						     : "which machine? NAME:PATH, or :PATH for this "
						       "folder's");
	copy = (struct viv_copy){
		.from = (const char *const *)from.items,
		.to = to.items[0][0] ? to.items[0] : ".",
		.folder = n > 2 || viv_ends_with(to.items[0], "/") || !to.items[0][0],
		.owners = viv_args_has(args, "archive"),
		.user = viv_args_value(args, "user"),
		.report = cmd->report,
	};
	return run_copy(cmd, &copy, from_guest ? from_name : to_name, to_guest, err);
}

const struct viv_command viv_command_cp = {
	.name = "cp",
	.summary = "Copy files and folders into a machine or out of it",
	.operands = "SRC… DST",
	.about = "One side is a machine's: NAME:PATH, or :PATH for this folder's; a relative PATH begins at\n"
		 "the user's home. DST is a folder that is there, or a new name for the one SRC. Folders\n"
		 "go with all that is in them, links as links (a SRC or DST that is one is followed), files\n"
		 "with modes, times and holes; each appears whole or not at all. Links in a folder that have\n"
		 "the name of what comes are replaced. It all belongs to USER in the guest, to you here.\n"
		 "Exit status 1: something was left out; it is said what.",
	.flags = flags,
	.max_operands = OPERANDS_MAX,
	.run = run,
};
