/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The program: one file per command, each with a `struct viv_command` that is the one place for its
 * name, flags and help. Usage errors, --help, completions and the man page's synopsis derive from
 * it. A command parses nothing itself: it asks its `struct viv_args`, calls the library, prints.
 * Only code in this folder prints or exits.
 */

#include "base/duration.h"
#include "base/error.h"
#include "base/report.h"
#include "base/status.h"
#include "base/str.h"
#include "config/config.h"
#include "store/store.h"

struct viv_flag {
	const char *name;  /* long name without the dashes; NULL ends a list */
	char letter;	   /* short name, or 0 */
	const char *value; /* what the value is called in help; NULL: takes none */
	const char *help;  /* one line */
};

struct viv_cmd;
struct viv_args;

#define VIV_CMD_FAILED (-1) /* a command's result where there is no errno at hand */

struct viv_command {
	const char *name;     /* "run"; two words for a command's subcommand: "store gc" */
	const char *summary;  /* one line for the list of commands */
	const char *operands; /* "[FILE] [-- CMD…]" */
	const char *about;    /* a few lines for --help; may be NULL */
	const struct viv_flag *flags;
	bool takes_command;   /* what follows "--" is a command; a wrong call is 125, not 2 */
	int max_operands;
	/* The program's exit status; or below 0, then main says the error and ends with 125. */
	int (*run)(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err);
};

/* Every command, in the order of --help; ends with NULL. (commands.c) */
extern const struct viv_command *const viv_commands[];

/* What a command is handed. */
struct viv_cmd {
	const struct viv_command *command;
	struct viv_report *report; /* progress on stderr, as --quiet and the terminal ask */
	bool json, quiet, verbose;
	const char *store;  /* --store; NULL: the default */
	const char *status; /* --status; NULL: none. Set where the call was wrong, too */
	char *wrong;	    /* what viv_cmd_usage said */
	int output;	    /* an errno, negative: what writing stdout past stdio failed with; 0: it did not */
};

/* Parsed arguments; valid while argv is. Flags every command has: help, quiet, verbose, json, store. */
struct viv_args {
	struct viv_arg {
		const struct viv_flag *flag;
		const char *value; /* NULL for a flag without one */
	} *given; /* in the order of the command line */
	size_t n_given;
	const char **operands; /* NULL-terminated */
	size_t n_operands;
	const char *const *command; /* after "--", NULL-terminated; NULL when there was no "--" */
};

/* args.c. 0; 1: help was printed; -EINVAL: a message was printed. */
int viv_args_parse(struct viv_cmd *cmd, int argc, char **argv, struct viv_args *ret);
void viv_args_free(struct viv_args *a);
bool viv_args_has(const struct viv_args *a, const char *flag);
const char *viv_args_value(const struct viv_args *a, const char *flag); /* the last one given */
void viv_print_help(const struct viv_command *c); /* NULL: of the program */

/* common.c */
/* A line, or several, in which text may be somebody else's: fit for a terminal (viv_report_text).
 */
void viv_cmd_print(FILE *f, const char *fmt, ...) VIV_PRINTF(2, 3);
/* "viv: <message>" on stderr; frees the message. Returns VIV_EXIT_ENVIRONMENT. */
int viv_cmd_fail(struct viv_cmd *cmd, struct viv_error *err);
/* Of a wrong call: VIV_EXIT_USAGE, or VIV_EXIT_ENVIRONMENT where a command of the user's has the others. NULL: of no command. */
int viv_cmd_wrong_status(const struct viv_command *command);
/* As above for a wrong call; returns its status. */
int viv_cmd_usage(struct viv_cmd *cmd, const char *fmt, ...) VIV_PRINTF(2, 3);
/* "20G", "512M", "4096" (bytes). */
int viv_cmd_parse_size(const char *text, uint64_t *ret_bytes, struct viv_error *err);

/* load.c */
/* The flags of commands that read a machine file: --set, --add, -p; put them in your table. */
#define VIV_CONFIG_FLAGS                                                                           \
	{"set", 0, "OPTION=VALUE", "set an option, over the file's value"},                        \
	{"add", 0, "OPTION=VALUE", "add to a list option"},                                        \
	{"package", 'p', "NAME", "one package more (--add environment.systemPackages=NAME)"}
/* Flags that stand for one option each, for commands that start a machine; rows are in load.c. */
#define VIV_MACHINE_FLAGS                                                                          \
	{"memory", 0, "SIZE", "memory of the guest (virtualisation.memorySize): 2G, 512M"},        \
	{"cores", 0, "N", "its CPUs (virtualisation.cores)"},                                      \
	{"graphics", 0, NULL, "a screen (virtualisation.graphics): a window, or VNC"},             \
	{"kernel", 0, "FILE", "another kernel: a bzImage, a vmlinux, a tree that is built (boot.kernel)"},  \
	{"append", 0, "WORDS", "more for the kernel's command line (boot.kernelParams)"},          \
	{"cdrom", 0, "FILE", "start from an ISO image; nothing of Debian is built"},               \
	{"boot-order", 0, "ORDER", "start from disk (c) and CD-ROM (d) in that order: d,c"},       \
	{"disk", 0, "SIZE|FILE", "one disk more: a blank one, thrown away, or an existing image"},  \
	{"keep", 0, NULL, "keep the machine's own disk: HOSTNAME.qcow2 beside the machine file"},  \
	{"forward", 0, "PORT:PORT", "a host's port that leads into the guest: 2222:22, 0.0.0.0:80:80, 53:53/udp"}
/* The flags of commands that start a machine with the current folder in it (machine.h). */
#define VIV_SHARE_FLAGS                                                                            \
	{"share", 0, "PATH[:TARGET][:rw]", "a folder of the host's in the guest"},                 \
	{"rw", 0, NULL, "the current folder can be written from the guest"},                       \
	{"no-cwd", 0, NULL, "don't put the current folder into the guest"}
/*
 * What all of these flags say, as settings of each machine: *ret_n of them, freed as one, with room for one more; texts
 * keeps what they point to.
 */
int viv_cmd_settings(const struct viv_args *args, struct viv_strv *texts, struct viv_config_setting **ret,
		     size_t *ret_n, struct viv_error *err);
#define VIV_PARAM_FLAG                                                                             \
	{"param", 0, "NAME=VALUE", "what param(NAME) is in the files; may be given several times"}
/* What VIV_PARAM_FLAG says, freed as one; texts keeps what they point to. 0, or the exit status of a wrong call. */
int viv_cmd_params(struct viv_cmd *cmd, const struct viv_args *args, struct viv_strv *texts,
		   struct viv_config_choice **ret, size_t *ret_n);
/* The file operand, else vm.lua of this folder, else the default machine; with the flags above. */
int viv_cmd_load_config(struct viv_cmd *cmd, const struct viv_args *args, const char *file,
			struct viv_config **ret, struct viv_error *err);

/* store.c */
int viv_cmd_open_store(struct viv_cmd *cmd, struct viv_store **ret, struct viv_error *err);
/* "1.4 GiB", "312 kiB"; `out` is returned. */
const char *viv_cmd_size_text(uint64_t bytes, char out[16]);

/* progress.c: a reporter on stderr; a status line on a terminal, lines elsewhere. */
struct viv_report *viv_progress_new(bool quiet, bool verbose);
void viv_progress_free(struct viv_report *r);
/* To a writer instead of stderr; NULL: to stderr again. */
struct viv_writer;
void viv_progress_through(struct viv_report *r, struct viv_writer *writer);
/* Takes the status line away: before anything else writes to the terminal. */
void viv_progress_clear(struct viv_report *r);

extern const struct viv_command viv_command_init, viv_command_run, viv_command_ps,
	viv_command_exec, viv_command_shell, viv_command_cp, viv_command_logs,
	viv_command_screenshot, viv_command_stop, viv_command_wait, viv_command_build,
	viv_command_eval, viv_command_options, viv_command_update, viv_command_doctor, viv_command_doctor_net,
	viv_command_doctor_usb,
	viv_command_store_ls, viv_command_store_du, viv_command_store_gc, viv_command_store_verify,
	viv_command_store_closure, viv_command_store_export, viv_command_store_import,
	viv_command_completions, viv_command_test;
