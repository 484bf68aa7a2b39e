/* SPDX-License-Identifier: MIT */
#include "test/command.h"

#include "base/path.h"
#include "base/str.h"

#include <sys/stat.h>
#include <unistd.h>

void viv_test_command_free_contents(struct viv_test_command *c)
{
	free(c->file);
	free(c->shown);
	free(c->text);
	*c = (struct viv_test_command){0};
}

/* As a text of Lua's, whatever is in it. */
static void add_quoted(struct viv_str *to, const char *text)
{
	viv_str_add_char(to, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < ' ' || *p == '"' || *p == '\\' || *p >= 0x7f)
			viv_str_addf(to, "\\%03u", *p);
		else
			viv_str_add_char(to, (char)*p);
	}
	viv_str_add_char(to, '"');
}

/* 1: a file of this host; 0: the guest's. */
static int is_file(const char *program, struct viv_error *err)
{
	struct stat st;

	if (stat(program, &st) < 0)
		return viv_starts_with(program, "./") || viv_starts_with(program, "../")
			       ? viv_error_set(err, errno, "%s", program)
			       : 0;
	if (S_ISREG(st.st_mode))
		return 1;
	return strchr(program, '/') ? viv_error_say(err, EINVAL, "%s is no file that could be run", program) : 0;
}

static int find_machine(const char *machine, char **ret, struct viv_error *err)
{
	const char *path = machine ? machine : "vm.lua";

	if (access(path, F_OK) == 0)
		return viv_path_absolute(path, ret, err);
	return machine ? viv_error_set(err, errno, "--machine %s", machine) : 0;
}

int viv_test_command_make(const char *const *argv, const char *machine, struct viv_test_command *ret,
			  struct viv_error *err)
{
	VIV_FREE char *machine_file = NULL, *program = NULL;
	VIV_STR text = VIV_STR_INIT, shown = VIV_STR_INIT;
	int r = is_file(argv[0], err), copied = r;

	if (r >= 0)
		r = find_machine(machine, &machine_file, err);
	if (r == 0 && copied)
		r = viv_path_absolute(argv[0], &program, err);
	if (r < 0)
		return r;
	if (machine_file) {
		viv_str_add(&text, "machine = ");
		add_quoted(&text, machine_file);
	}
	viv_str_add(&text, "\ntest(");
	add_quoted(&text, viv_path_base(argv[0]));
	viv_str_addf(&text, ", function() machine:%s(", copied ? "run_script" : "run_command");
	for (size_t i = 0; argv[i]; i++) {
		viv_str_add(&text, i ? ", " : "");
		add_quoted(&text, i == 0 && copied ? program : argv[i]);
		viv_str_addf(&shown, "%s%s", i ? " " : "", argv[i]);
	}
	viv_str_add(&text, ") end)\n");
	*ret = (struct viv_test_command){.file = viv_steal(machine_file), .shown = viv_str_steal(&shown),
					 .text = viv_str_steal(&text)};
	return 0;
}
