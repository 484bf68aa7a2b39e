/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

static const struct viv_flag common[] = {
	{"help", 'h', NULL, "show this help"},
	{"quiet", 'q', NULL, "no progress, only warnings and errors"},
	{"verbose", 'v', NULL, "say more of what is done"},
	{"json", 0, NULL, "print JSON, for programs"},
	{"store", 0, "FOLDER", "use this store (default: $VIV_STORE)"},
	{0},
};

static const struct viv_flag *find(const struct viv_flag *list, const char *name, size_t len,
				   char letter)
{
	for (; list && list->name; list++) {
		if (letter ? list->letter == letter
			   : strlen(list->name) == len && memcmp(list->name, name, len) == 0)
			return list;
	}
	return NULL;
}

static const struct viv_flag *find_any(const struct viv_command *c, const char *name, size_t len,
				       char letter)
{
	const struct viv_flag *f = find(c->flags, name, len, letter);

	return f ? f : find(common, name, len, letter);
}

static void suggest_flag(const struct viv_command *c, const char *name, struct viv_strv *ret)
{
	const struct viv_flag *lists[] = {c->flags, common};
	const char *names[64];
	size_t n = 0;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(lists); i++)
		for (const struct viv_flag *f = lists[i]; f && f->name && n < 64; f++)
			names[n++] = f->name;
	viv_suggest(name, names, n, 1, ret);
}

static int unknown(struct viv_cmd *cmd, const char *arg)
{
	VIV_STRV near = VIV_STRV_INIT;

	if (arg[1] == '-') {
		VIV_FREE char *name = viv_strndup(arg + 2, strcspn(arg + 2, "="));

		suggest_flag(cmd->command, name, &near);
	}
	if (near.count)
		viv_cmd_usage(cmd, "unknown option %s (did you mean --%s?)", arg, near.items[0]);
	else
		viv_cmd_usage(cmd, "unknown option %s", arg);
	return -EINVAL;
}

static void add(struct viv_args *a, const struct viv_flag *f, const char *value)
{
	a->given = viv_realloc(a->given, (a->n_given + 1) * sizeof(*a->given));
	a->given[a->n_given++] = (struct viv_arg){f, value};
}

/* One flag and its value; advances *i past what it used. */
static int parse_flag(struct viv_cmd *cmd, int argc, char **argv, int *i, struct viv_args *a)
{
	const char *arg = argv[*i], *value = NULL;
	const struct viv_flag *f;

	if (arg[1] == '-') {
		size_t len = strcspn(arg + 2, "=");

		f = find_any(cmd->command, arg + 2, len, 0);
		if (arg[2 + len] == '=')
			value = arg + 3 + len;
	} else {
		f = find_any(cmd->command, NULL, 0, arg[1]);
		if (arg[2])
			value = arg + 2;
	}
	if (!f)
		return unknown(cmd, arg);
	if (!f->value && value) {
		viv_cmd_usage(cmd, "%s: --%s takes no value", arg, f->name);
		return -EINVAL;
	}
	if (f->value && !value) {
		if (*i + 1 >= argc) {
			viv_cmd_usage(cmd, "--%s wants %s", f->name, f->value);
			return -EINVAL;
		}
		value = argv[++*i];
	}
	add(a, f, value);
	return 0;
}

static int add_operand(struct viv_cmd *cmd, const char *operand, struct viv_args *a)
{
	if ((int)a->n_operands == cmd->command->max_operands) {
		viv_cmd_usage(cmd, "\"%s\" is one too many%s", operand,
			      cmd->command->takes_command ? " (a command goes after --)" : "");
		return -EINVAL;
	}
	a->operands[a->n_operands++] = operand;
	return 0;
}

int viv_args_parse(struct viv_cmd *cmd, int argc, char **argv, struct viv_args *ret)
{
	*ret = (struct viv_args){0};
	ret->operands = viv_new_array(const char *, (size_t)argc + 1);
	for (int i = 0; i < argc; i++) {
		int r;

		if (viv_streq(argv[i], "--") && cmd->command->takes_command) {
			ret->command = (const char *const *)argv + i + 1;
			break;
		}
		if (argv[i][0] == '-' && argv[i][1])
			r = parse_flag(cmd, argc, argv, &i, ret);
		else
			r = add_operand(cmd, argv[i], ret);
		if (r < 0)
			return r;
	}
	cmd->json = viv_args_has(ret, "json");
	cmd->quiet = viv_args_has(ret, "quiet");
	cmd->verbose = viv_args_has(ret, "verbose");
	cmd->store = viv_args_value(ret, "store");
	if (viv_args_has(ret, "help")) {
		viv_print_help(cmd->command);
		return 1;
	}
	if (ret->command && !ret->command[0]) {
		viv_cmd_usage(cmd, "no command after --");
		return -EINVAL;
	}
	return 0;
}

void viv_args_free(struct viv_args *a)
{
	free(a->given);
	free(a->operands);
	*a = (struct viv_args){0};
}

const char *viv_args_value(const struct viv_args *a, const char *flag)
{
	const char *v = NULL;

	for (size_t i = 0; i < a->n_given; i++)
		if (viv_streq(a->given[i].flag->name, flag))
			v = a->given[i].value;
	return v;
}

bool viv_args_has(const struct viv_args *a, const char *flag)
{
	for (size_t i = 0; i < a->n_given; i++)
		if (viv_streq(a->given[i].flag->name, flag))
			return true;
	return false;
}

static void print_flags(const struct viv_flag *f)
{
	for (; f && f->name; f++) {
		VIV_STR s = VIV_STR_INIT;

		if (f->letter)
			viv_str_addf(&s, "-%c, ", f->letter);
		else
			viv_str_add(&s, "    ");
		viv_str_addf(&s, "--%s%s%s", f->name, f->value ? " " : "",
			     f->value ? f->value : "");
		printf("  %-26s %s\n", s.data, f->help);
	}
}

static void print_program_help(void)
{
	puts("One file describes a Linux machine; viv builds it, boots it and runs commands in it.\n"
	     "\n"
	     "usage: viv COMMAND [OPTION…]\n");
	for (size_t i = 0; viv_commands[i]; i++)
		printf("  %-16s %s\n", viv_commands[i]->name, viv_commands[i]->summary);
	puts("\n`viv COMMAND --help` tells about one. The manual: man viv.");
}

void viv_print_help(const struct viv_command *c)
{
	if (!c) {
		print_program_help();
		return;
	}
	printf("usage: viv %s [OPTION…]%s%s\n\n%s.\n", c->name, c->operands ? " " : "",
	       c->operands ? c->operands : "", c->summary);
	if (c->about)
		printf("\n%s\n", c->about);
	putchar('\n');
	print_flags(c->flags);
	print_flags(common);
}
