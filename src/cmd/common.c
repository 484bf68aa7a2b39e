/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"

#include <ctype.h>

void viv_cmd_print(FILE *f, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_FREE char *shown = NULL;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	shown = viv_report_text(text.data);
	fputs(shown, f);
}

int viv_cmd_fail(struct viv_cmd *cmd, struct viv_error *err)
{
	viv_progress_clear(cmd->report);
	viv_cmd_print(stderr, "viv: %s\n", err->msg ? err->msg : strerror(err->code));
	viv_error_clear(err);
	return VIV_EXIT_ENVIRONMENT;
}

/* `git bisect run viv run …` must not take a wrong call for a verdict. */
int viv_cmd_wrong_status(const struct viv_command *command)
{
	return command && command->takes_command ? VIV_EXIT_ENVIRONMENT : VIV_EXIT_USAGE;
}

int viv_cmd_usage(struct viv_cmd *cmd, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	viv_progress_clear(cmd->report);
	viv_cmd_print(stderr, "viv: %s", text.data);
	free(cmd->wrong);
	cmd->wrong = viv_str_steal(&text);
	if (cmd->command)
		fprintf(stderr, "\n`viv %s --help` shows how it is called.\n", cmd->command->name);
	else
		fputs("\n`viv --help` lists the commands.\n", stderr);
	return viv_cmd_wrong_status(cmd->command);
}

/* A number and what follows it. */
static bool split_number(const char *text, uint64_t *ret_number, const char **ret_unit)
{
	size_t n = strspn(text, "0123456789");

	if (!n || !viv_slice_u64((struct viv_slice){text, n}, UINT64_MAX / 2, ret_number))
		return false;
	*ret_unit = text + n;
	return true;
}

int viv_cmd_parse_size(const char *text, uint64_t *ret_bytes, struct viv_error *err)
{
	static const char units[] = "KMGT";
	const char *unit = NULL, *at = NULL;
	unsigned shift = 0;
	uint64_t n;
	bool ok = split_number(text, &n, &unit);

	if (ok && *unit) {
		at = strchr(units, toupper((unsigned char)*unit));
		ok = at && (!unit[1] || viv_streq(unit + 1, "iB") || viv_streq(unit + 1, "B"));
		shift = at ? 10 * (unsigned)(at - units + 1) : 0;
	}
	if (!ok)
		return viv_error_say(err, EINVAL, "expected a size such as 20G, got \"%s\"", text);
	if (n > (UINT64_MAX >> 1) >> shift)
		return viv_error_say(err, ERANGE, "the size %s is too large", text);
	*ret_bytes = n << shift;
	return 0;
}
