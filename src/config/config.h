/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * From machine files to one checked configuration. Evaluation happens in a child process with
 * limits (the files may be a stranger's); what comes back is data: every option's value, and
 * every definition with its place.
 */

#include "base/error.h"
#include "base/json.h"
#include "base/report.h"
#include "base/str.h"

struct viv_config; /* immutable once loaded */

struct viv_config_setting {
	const char *text; /* "virtualisation.cores=2" */
	bool append;	  /* --add; else --set */
	const char *flag; /* the flag that stands for it: "disk"; NULL: --add, --set */
};

struct viv_config_choice {
	const char *name, *value;
};

/* What is wanted of a test file: a machine file that describes several machines and has test functions. */
struct viv_config_test {
	const char *machine; /* whose configuration is wanted; NULL: only what the file declares is */
	const struct viv_config_choice *matrix; /* this run's value of each, by its label */
	size_t n_matrix;
	const struct viv_config_choice *params; /* --param NAME=VALUE; of several the last */
	size_t n_params;
	/*
	 * Names that the script has in tests ("log", "subtest"): no machine and no variable of the file
	 * can have one of them. Ends with NULL; NULL: none.
	 */
	const char *const *reserved;
	/* Instead of what is in the file: a text that names it as a machine's. It counts as one beside it. NULL: it is read. */
	const char *text;
};

struct viv_config_request {
	const char *file;			   /* the machine file; NULL: the default machine */
	const struct viv_config_setting *settings; /* from the command line, in order */
	size_t n_settings;
	bool no_site_files; /* leave out /etc/viv/config.lua and the user's config.lua */
	const struct viv_config_test *test; /* NULL: a plain machine file */
};

/*
 * EINVAL: the error's message holds every error of the files, one per line, each with its place.
 * What the files print goes to report as VIV_INFO; what a test file's own lines print, which run for each of its
 * machines, only without a machine.
 */
int viv_config_load(const struct viv_config_request *req, struct viv_report *report,
		    struct viv_config **ret, struct viv_error *err);
void viv_config_free(struct viv_config *c);
VIV_DEFINE_CLEANUP(struct viv_config, viv_config_free)

/* Absolute folder of the machine file; the current folder without one. */
const char *viv_config_folder(const struct viv_config *c);
/* The machine file, absolute; NULL without one. */
const char *viv_config_file(const struct viv_config *c);

/*
 * Which of the machines that its file describes it is, and with which values of the matrix: "client[fs=ext4]".
 * NULL: the file's only one.
 */
const char *viv_config_part(const struct viv_config *c);

/*
 * What a test file declares; NULL if it isn't loaded as one. Borrowed.
 *   {"machines": ["client", "web-1"] (sorted; ["machine"] for a lone one), "lone": bool: `machine.…`,
 *    "tests": [{"name", "line", "timeout_ms": int or null, "skip": why or null,
 *               "expect": [whatever the test says],
 *               "needs": [programs' names, paths]}] as they stand in the file,
 *    "matrix": [{"name": "fs", "values": ["ext4", "xfs"]: labels}] in the order of the calls,
 *    "params": [{"name", "default": a number, bool, text or null}] likewise}
 * Without a machine (test.machine) there are no values: no function below but this one may be called.
 */
const json_t *viv_config_declared(const struct viv_config *c);

/*
 * Values, merged, with defaults. The option must exist (an unknown name is a bug and aborts). Sizes
 * are whole MiB. A submodule or attribute set is an object, a list an array, null is JSON null.
 * Borrowed.
 */
const json_t *viv_config_get(const struct viv_config *c, const char *option);
/*
 * As above for any name, also of what is within an option ("users.users.paul.uid",
 * 'environment.etc["ssh/sshd_config"].text'). NULL if there is no such thing.
 */
const json_t *viv_config_find(const struct viv_config *c, const char *name);
const char *viv_config_string(const struct viv_config *c, const char *option); /* NULL if null */
bool viv_config_bool(const struct viv_config *c, const char *option);
int64_t viv_config_int(const struct viv_config *c, const char *option);
/*
 * "packages.fromSource" is no option but what overlays and overrides come to (viv_config_find): {name:
 * {"package": whose name it has, "debian": does it begin with Debian's package of that name, "place":
 * "vm.lua:12", and of what was overridden "src": {"fetch": "path", "git" or "tarball", "path", "url", "rev",
 * "sha256"}, "patches": [absolute path], "version", "configure", "build", "install": shell commands,
 * "buildInputs", "depends": [package], "env": {name: text}}}. Without "place" it is another name for a package and nothing else.
 */
/* The whole configuration as one object (nested by the dots in names). Borrowed. */
const json_t *viv_config_all(const struct viv_config *c);

/*
 * "vm.lua:12" for the definition that decided, or for one of something within the option;
 * "default" where nobody set it. The option can be a name within one, as for viv_config_find. Borrowed.
 */
const char *viv_config_place(const struct viv_config *c, const char *option);
/*
 * Every definition of an option, in the order of priority:
 * [{place, priority, value, used: bool}], and of a list with sets places: where each of its items stands. The caller
 * owns *ret.
 */
int viv_config_why(const struct viv_config *c, const char *option, json_t **ret,
		   struct viv_error *err);
/* The place of the definition that a list's item came from. The caller frees it. */
char *viv_config_item_place(const struct viv_config *c, const char *option, size_t index);
