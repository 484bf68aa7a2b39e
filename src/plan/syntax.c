/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

#include "base/process.h"
#include "plan/area.h"
#include "plan/service.h"
#include "plan/unit.h"

#include <sys/wait.h>

/*
 * Scripts of the options are read by a shell of the host, which runs nothing of them (-n). Without such a shell they are
 * taken as they are.
 */

#define TIME_LIMIT 10000
#define SAID_MAX   ((size_t)64 << 10)

enum shell { SHELL_NONE, SHELL_BASH, SHELL_SH };

/* What the text itself says that it is for; else `otherwise`. */
static enum shell shell_of(const char *text, enum shell otherwise)
{
	struct viv_slice rest = viv_slice(text), line, word;
	enum shell found = SHELL_NONE;

	if (!viv_starts_with(text, "#!"))
		return otherwise;
	viv_slice_line(&rest, &line);
	line = (struct viv_slice){line.data + 2, line.len - 2};
	while (found == SHELL_NONE && viv_slice_word(&line, &word)) {
		VIV_FREE char *program = viv_slice_dup(word);
		const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;

		if (viv_streq(base, "env"))
			continue;
		if (viv_streq(base, "bash"))
			return SHELL_BASH;
		return viv_streq(base, "sh") || viv_streq(base, "dash") ? otherwise : SHELL_NONE;
	}
	return found;
}

/* "/dev/stdin: line 2: syntax error…" and "/dev/stdin: 2: Syntax error…": from the line's number on. */
static char *first_words(const char *said)
{
	struct viv_slice rest = viv_slice(said), line = {0};
	const char *text;

	viv_slice_line(&rest, &line);
	text = memmem(line.data, line.len, ": ", 2);
	if (text)
		line = (struct viv_slice){text + 2, line.len - (size_t)(text + 2 - line.data)};
	if (line.len > 5 && memcmp(line.data, "line ", 5) == 0)
		line = (struct viv_slice){line.data + 5, line.len - 5};
	return viv_slice_printable(line);
}

static int check(const struct viv_config *config, const char *option, const char *text, enum shell shell,
		 struct viv_error *err)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
	VIV_FREE char *dash = shell == SHELL_SH ? viv_find_program("dash") : NULL;
	VIV_FREE char *other = dash ? NULL : viv_find_program(shell == SHELL_SH ? "sh" : "bash");
	/* What it switches on in itself is not known to who doesn't run it. */
	const char *const in_bash[] = {other, "-O", "extglob", "-n", "/dev/stdin", NULL};
	const char *const in_sh[] = {dash ? dash : other, "-n", "/dev/stdin", NULL};
	const struct viv_slice input = viv_slice(text);
	VIV_STR said = VIV_STR_INIT;
	VIV_FREE char *words = NULL;
	int status, r;

	if (shell == SHELL_NONE || (!dash && !other))
		return 0;
	r = viv_process_run(shell == SHELL_BASH ? in_bash : in_sh, env, &input, NULL, &said, SAID_MAX, TIME_LIMIT,
			    &status, err);
	if (r < 0)
		return viv_error_context(err, "%s: %s", viv_config_place(config, option), option);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 0 || !said.len)
		return 0;
	words = first_words(said.data);
	return viv_error_say(err, EINVAL, "%s: %s: line %s", viv_config_place(config, option), option, words);
}

/* Of each member of a set, such as systemd.services, one field. */
static int check_field(const struct viv_config *config, const char *set, const char *field, enum shell shell,
		       struct viv_error *err)
{
	const char *name;
	json_t *entry;
	int r = 0;

	json_object_foreach((json_t *)viv_config_get(config, set), name, entry) {
		VIV_FREE char *of = viv_unit_option(set, name), *option = viv_asprintf("%s.%s", of, field);
		const char *text = viv_json_str(entry, field);

		if (r == 0 && text && *text)
			r = check(config, option, text, shell_of(text, shell), err);
	}
	return r;
}

int viv_plan_check_syntax(const struct viv_config *config, struct viv_error *err)
{
	static const char *const fields[] = {"run", "finish", "log"};
	const char *commands = viv_config_string(config, "boot.postBootCommands");
	/* Debian's sh is dash. A minimal machine's is busybox's, which knows some of bash, too. */
	enum shell sh = viv_is_minimal(config) ? SHELL_BASH : SHELL_SH;
	int r = *commands ? check(config, "boot.postBootCommands", commands, sh, err) : 0;

	for (size_t i = 0; r == 0 && i < VIV_N_SCRIPTS; i++)
		r = check_field(config, "systemd.services", viv_script_kinds[i].option, SHELL_BASH, err);
	for (size_t i = 0; r == 0 && viv_uses_runit(config) && i < VIV_ARRAY_SIZE(fields); i++)
		r = check_field(config, "runit.services", fields[i], sh, err);
	return r;
}
