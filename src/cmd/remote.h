/* SPDX-License-Identifier: MIT */
#pragma once

/* What the commands share that ask a running machine for something. */

#include "cmd/cmd.h"
#include "run/client.h"

/*
 * The machine named; NULL: this folder's. *ret_name, the caller's, may be NULL. ETIMEDOUT: it is there and
 * does not answer (viv_client_check).
 */
int viv_cmd_connect(const char *name, struct viv_messages *ret, char **ret_name,
		    struct viv_error *err);
/* The same without knowing that it answers. */
int viv_cmd_find(const char *name, struct viv_messages *ret, char **ret_name,
		    struct viv_error *err);

/* Are our streams one terminal, so that the command is to have one, too? command NULL: a shell. */
bool viv_cmd_wants_pty(const char *const *command);
/* What runs without a command: a login shell in a terminal (true), else what stdin holds. */
bool viv_cmd_choose_shell(const char *const **ret_argv);
/* `viv run -- "ls | wc"`: a program of that name is hardly what was meant. */
void viv_cmd_hint_at_shell(const char *const *command, int status);

/* For exec and shell: the flags of one command in a machine. */
#define VIV_REMOTE_FLAGS                                                                           \
	{"user", 'u', "USER", "as this user of the guest (default: root)"},                        \
	{"cwd", 'C', "FOLDER", "in this folder of the guest (default: ours if it is there, else home)"},          \
	{"env", 'e', "NAME=VALUE", "with this variable; without =VALUE: with ours"},               \
	{"timeout", 0, "TIME", "give up after 90s, 5m, 2h with status 124"},                       \
	{"fail-on", 0, "EVENTS", "events that give status 120: panic,oops (default), warn, none"}

/* Runs argv with our streams; the exit status, or a negative errno. Prints the reason if there is one. */
int viv_cmd_remote_run(const struct viv_cmd *cmd, const struct viv_args *args, const char *machine,
		       const char *const *argv, bool pty, struct viv_error *err);
