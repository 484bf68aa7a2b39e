/* SPDX-License-Identifier: MIT */
#include "cmd/cmd.h"
#include "base/hold.h"
#include "cmd/status.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* The command whose name is argv's first one or two words, rather two. Sets *ret_words. */
static const struct viv_command *find(int argc, char **argv, int *ret_words)
{
	const struct viv_command *one = NULL;

	for (size_t i = 0; argc > 0 && viv_commands[i]; i++) {
		const char *name = viv_commands[i]->name;
		size_t len = strcspn(name, " ");

		if (strlen(argv[0]) != len || memcmp(argv[0], name, len) != 0)
			continue;
		if (!name[len])
			one = viv_commands[i];
		if (name[len] && argc > 1 && viv_streq(name + len + 1, argv[1])) {
			*ret_words = 2;
			return viv_commands[i];
		}
	}
	*ret_words = 1;
	return one;
}

/* Is `word` the first of two-word commands? Prints them if asked. */
static bool is_group(const char *word, bool print)
{
	size_t len = strlen(word);
	bool found = false;

	for (size_t i = 0; viv_commands[i]; i++) {
		const char *name = viv_commands[i]->name;

		if (!viv_starts_with(name, word) || name[len] != ' ')
			continue;
		found = true;
		if (print)
			printf("  %-16s %s\n", name, viv_commands[i]->summary);
	}
	return found;
}

static int unknown(struct viv_cmd *cmd, int argc, char **argv)
{
	bool group = is_group(argv[0], false);
	const char *names[64];
	VIV_STRV near = VIV_STRV_INIT;
	VIV_FREE char *given = NULL;
	size_t n = 0;

	if (group && (argc < 2 || argv[1][0] == '-')) {
		printf("usage: viv %s COMMAND [OPTION…]\n\n", argv[0]);
		is_group(argv[0], true);
		return argc < 2 ? VIV_EXIT_USAGE : VIV_EXIT_OK;
	}
	while (viv_commands[n] && n < VIV_ARRAY_SIZE(names)) {
		names[n] = viv_commands[n]->name;
		n++;
	}
	given = group ? viv_asprintf("%s %s", argv[0], argv[1]) : viv_strdup(argv[0]);
	viv_suggest(given, names, n, 1, &near);
	if (near.count)
		return viv_cmd_usage(cmd, "no command \"%s\" (did you mean %s?)", given,
				     near.items[0]);
	return viv_cmd_usage(cmd, "no command \"%s\"", given);
}

/* Standard descriptors that are closed would be taken by files that we open. */
static void open_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(VIV_EXIT_ENVIRONMENT);
}

/* A shell's 1024, or fewer, are soon used up by many machines; our children can do with as many. */
static void allow_descriptors(void)
{
	const rlim_t enough = 4096;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= enough)
		return;
	limit.rlim_cur = VIV_MIN(limit.rlim_max, enough);
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_command(struct viv_cmd *cmd, int argc, char **argv)
{
	struct viv_args args;
	VIV_ERROR err = VIV_ERROR_INIT;
	int r = viv_args_parse(cmd, argc, argv, &args);
	int status = r < 0 ? viv_cmd_wrong_status(cmd->command) : VIV_EXIT_OK;

	if (cmd->command->takes_command)
		cmd->status = viv_status_find(argc, argv);
	if (r == 0) {
		cmd->report = viv_progress_new(cmd->quiet, cmd->verbose);
		status = cmd->command->run(cmd, &args, &err);
		if (status < 0) {
			viv_status_write_failure(cmd->status, err.msg);
			status = viv_cmd_fail(cmd, &err);
		}
		viv_progress_free(cmd->report);
	}
	viv_status_write_failure(cmd->status, cmd->wrong);
	viv_args_free(&args);
	free(cmd->wrong);
	return status;
}

/* Was all of the output taken? Whoever reads a pipe may have had enough: that needs no words. */
static int check_output(int status, const struct viv_cmd *cmd)
{
	bool failed = ferror(stdout) || cmd->output;
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	errno = -cmd->output;
	if (fflush(stdout) != 0)
		failed = true;
	if (!failed || status != VIV_EXIT_OK)
		return status;
	if (errno == EPIPE || (poll(&p, 1, 0) == 1 && p.revents & POLLERR))
		return VIV_EXIT_SIGNAL + SIGPIPE;
	fprintf(stderr, "viv: cannot write the output%s%s\n", errno ? ": " : "",
		errno ? strerror(errno) : "");
	return VIV_EXIT_ENVIRONMENT;
}

static int run(struct viv_cmd *cmd, int argc, char **argv)
{
	int words = 0;
	bool help = argc > 1 && viv_streq(argv[1], "help");

	if (help) {
		argv++;
		argc--;
	}
	if (argc < 2 || viv_streq(argv[1], "--help") || viv_streq(argv[1], "-h")) {
		viv_print_help(NULL);
		return argc < 2 && !help ? VIV_EXIT_USAGE : VIV_EXIT_OK;
	}
	if (viv_streq(argv[1], "--version")) {
		puts("viv " VIV_VERSION);
		return VIV_EXIT_OK;
	}
	cmd->command = find(argc - 1, argv + 1, &words);
	if (!cmd->command)
		return unknown(cmd, argc - 1, argv + 1);
	if (help) {
		viv_print_help(cmd->command);
		return VIV_EXIT_OK;
	}
	return run_command(cmd, argc - 1 - words, argv + 1 + words);
}

int main(int argc, char **argv)
{
	struct viv_cmd cmd = {0};
	int status;

	open_standard_fds();
	allow_descriptors();
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	status = check_output(run(&cmd, argc, argv), &cmd);
	viv_hold_let_through();
	return status;
}
