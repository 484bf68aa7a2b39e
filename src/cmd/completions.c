/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

/* "viv completions bash": the script that `make install` installs, derived from the command table. */

static void add_flags(struct viv_str *s, const struct viv_flag *f)
{
	for (; f && f->name; f++)
		viv_str_addf(s, " --%s%s", f->name, f->value ? "=" : "");
}

/* The second words of a command such as "store gc"; without `of`, each first word once. */
static void list_words(const char *of, struct viv_strv *ret)
{
	for (size_t i = 0; viv_commands[i]; i++) {
		const char *name = viv_commands[i]->name;
		size_t len = strcspn(name, " ");
		VIV_FREE char *first = viv_strndup(name, len);

		if (!of && !viv_strv_has(ret, first))
			viv_strv_push(ret, first);
		if (of && name[len] && viv_streq(of, first))
			viv_strv_push(ret, name + len + 1);
	}
}

static void add_cases(struct viv_str *s, const struct viv_strv *firsts)
{
	for (size_t i = 0; i < firsts->count; i++) {
		VIV_STRV seconds = VIV_STRV_INIT;
		VIV_FREE char *words = NULL;

		list_words(firsts->items[i], &seconds);
		words = viv_strv_join(&seconds, " ");
		if (seconds.count)
			viv_str_addf(s, "\t%s) subs=\"%s\" ;;\n", firsts->items[i], words);
	}
	for (size_t i = 0; viv_commands[i]; i++) {
		viv_str_addf(s, "\t\"%s\") flags=\"", viv_commands[i]->name);
		add_flags(s, viv_commands[i]->flags);
		viv_str_add(s, " --help --quiet --verbose --json --store=\" ;;\n");
	}
}

/* Commands whose operand is a running machine. */
static void add_machine_commands(struct viv_str *s)
{
	const char *between = "";

	for (size_t i = 0; viv_commands[i]; i++) {
		const char *operands = viv_commands[i]->operands;

		if (!operands || !viv_starts_with(operands, "[NAME"))
			continue;
		viv_str_addf(s, "%s%s", between, viv_commands[i]->name);
		between = "|";
	}
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_STRV firsts = VIV_STRV_INIT;
	VIV_FREE char *all = NULL;
	VIV_STR s = VIV_STR_INIT;

	if (args->n_operands != 1 || !viv_streq(args->operands[0], "bash"))
		return viv_cmd_usage(cmd, "completions are there for: bash");
	list_words(NULL, &firsts);
	all = viv_strv_join(&firsts, " ");
	viv_str_addf(&s,
		     "# bash completion for viv; made by `viv completions bash`\n"
		     "_viv() {\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} key=${COMP_WORDS[1]} flags= subs=\n"
		     "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
		     "\t\tCOMPREPLY=($(compgen -W \"%s help --help --version\" -- \"$cur\"))\n"
		     "\t\treturn\n"
		     "\tfi\n"
		     "\t[ \"$key\" = store ] && [ \"$COMP_CWORD\" -gt 2 ] && key=\"store ${COMP_WORDS[2]}\"\n"
		     "\tcase $key in\n",
		     all);
	add_cases(&s, &firsts);
	viv_str_add(&s, "\tesac\n\tcase $key in\n\t");
	add_machine_commands(&s);
	viv_str_add(&s, ") [[ $cur == -* ]] || subs=$(viv ps --names 2>/dev/null) ;;\n"
			"\tcp) [[ $cur == -* || $cur == */* ]] ||\n"
			"\t\tCOMPREPLY=($(compgen -W \"$(viv ps --names 2>/dev/null | sed 's/$/:/')\" -- \"$cur\")) ;;\n"
			"\tesac\n"
			"\tif [ -n \"$subs\" ]; then\n"
			"\t\tCOMPREPLY=($(compgen -W \"$subs\" -- \"$cur\"))\n"
			"\telif [[ $cur == -* ]]; then\n"
			"\t\tCOMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
			"\t\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
			"\telse\n"
			"\t\tcompopt -o filenames\n"
			"\t\tCOMPREPLY+=($(compgen -f -- \"$cur\"))\n"
			"\tfi\n"
			"}\n"
			"complete -F _viv viv\n");
	fputs(s.data, stdout);
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_completions = {
	.name = "completions",
	.summary = "Print the completion script for a shell",
	.operands = "bash",
	.max_operands = 1,
	.run = run,
};
