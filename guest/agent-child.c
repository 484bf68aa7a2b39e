/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STATUS_FD 3

#define PATH_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_USER "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"

_Noreturn static void fail(enum viv_proto_stage stage, int code)
{
	struct viv_proto_failed failed = {stage, (uint32_t)code};

	if (write(STATUS_FD, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(127);
}

void child_close_others(unsigned first)
{
	/* Without the call (before Linux 5.9) they stay open until exec: all are O_CLOEXEC. */
	syscall(SYS_close_range, first, ~0u, 0);
}

void child_reset_signals(void)
{
	/* The kernel's structure, all zero; the C library refuses the signals that it uses itself. */
	unsigned long dfl[8] = {0};
	sigset_t none;

	for (int s = 1; s < 65; s++)
		syscall(SYS_rt_sigaction, s, dfl, NULL, 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Descriptors of the agent are all above 2, so none of these can overwrite another. */
static void place_fds(const int fds[3], int status)
{
	int high = fcntl(status, F_DUPFD_CLOEXEC, 64);

	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(127);
	if (high < 0 || dup3(high, STATUS_FD, O_CLOEXEC) < 0)
		_exit(127);
	child_close_others(STATUS_FD + 1);
}

static void take_terminal(const struct passwd *pw)
{
	if (ioctl(0, TIOCSCTTY, 0) < 0)
		fail(VIV_PROTO_STAGE_SETUP, errno);
	if (geteuid() == 0 && pw->pw_uid != 0 && fchown(0, pw->pw_uid, (gid_t)-1) < 0)
		fail(VIV_PROTO_STAGE_SETUP, errno);
}

static void be_killable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) == 1)
		close(fd);
}

/* A user that has a number but no entry can be run as, too. */
static void find_user(const char *name, struct passwd *ret)
{
	static char root[] = "root", home[] = "/", shell[] = "/bin/sh";
	const struct passwd *pw = *name ? getpwnam(name) : getpwuid(geteuid());
	char *end;
	unsigned long uid;

	if (!pw && isdigit((unsigned char)*name)) {
		uid = strtoul(name, &end, 10);
		if (*end || uid >= (uid_t)-1)
			fail(VIV_PROTO_STAGE_USER, ENOENT);
		pw = getpwuid((uid_t)uid);
		*ret = (struct passwd){.pw_name = (char *)name,
				       .pw_uid = (uid_t)uid,
				       .pw_gid = (gid_t)uid,
				       .pw_dir = home,
				       .pw_shell = shell};
	} else if (!pw && *name) {
		fail(VIV_PROTO_STAGE_USER, ENOENT);
	} else if (!pw) {
		*ret = (struct passwd){.pw_name = root,
				       .pw_uid = geteuid(),
				       .pw_gid = getegid(),
				       .pw_dir = home,
				       .pw_shell = shell};
	}
	if (pw)
		*ret = *pw;
	if (!ret->pw_shell || !*ret->pw_shell)
		ret->pw_shell = shell;
	if (!ret->pw_dir || !*ret->pw_dir)
		ret->pw_dir = home;
}

static void become(const struct passwd *pw)
{
	gid_t groups[256];
	int n = 256;

	if (geteuid() != 0 && pw->pw_uid == geteuid())
		return;
	if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		n = 256; /* as many as fit */
	if (setgroups((size_t)n, groups) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0)
		fail(VIV_PROTO_STAGE_USER, errno);
}

static void go_to(const char *cwd, const struct passwd *pw)
{
	if (*cwd) {
		if (chdir(cwd) < 0)
			fail(VIV_PROTO_STAGE_CWD, errno);
	} else if (chdir(pw->pw_dir) < 0 && chdir("/") < 0) {
		fail(VIV_PROTO_STAGE_CWD, errno);
	}
}

static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1) < 0)
		fail(VIV_PROTO_STAGE_SETUP, errno);
}

/* One line of /etc/environment: [export ]NAME=value, the value possibly in quotes. */
static void set_from_line(char *line)
{
	char *name = line + strspn(line, " \t"), *value, *end;

	if (strncmp(name, "export ", 7) == 0)
		name += 7;
	value = strchr(name, '=');
	if (*name == '#' || !value || value == name)
		return;
	*value++ = '\0';
	end = value + strlen(value);
	while (end > value && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (end - value >= 2 && (*value == '"' || *value == '\'') && end[-1] == *value) {
		end[-1] = '\0';
		value++;
	}
	set(name, value);
}

static void set_from_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[4096];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		set_from_line(line);
	fclose(f);
}

/* Returns what follows the string; all of them are known to be terminated. */
static const char *next(const char *s)
{
	return s + strlen(s) + 1;
}

static void make_environment(const struct viv_proto_run *run, const struct passwd *pw,
			     const char *strings)
{
	clearenv();
	set("HOME", pw->pw_dir);
	set("USER", pw->pw_name);
	set("LOGNAME", pw->pw_name);
	set("SHELL", pw->pw_shell);
	set("PATH", pw->pw_uid == 0 ? PATH_ROOT : PATH_USER);
	if (run->flags & VIV_PROTO_RUN_PTY)
		set("TERM", "linux");
	set_from_file("/etc/default/locale");
	set_from_file("/etc/environment");
	set_from_file("/etc/viv/environment"); /* what PAM would misread there */
	for (unsigned i = 0; i < run->envc; i++, strings = next(strings)) {
		const char *eq = strchr(strings, '=');
		char *name = eq && eq != strings ? strndup(strings, (size_t)(eq - strings)) : NULL;

		if (!name)
			fail(VIV_PROTO_STAGE_SPEC, eq && eq != strings ? ENOMEM : EINVAL);
		set(name, eq + 1);
		free(name);
	}
}

_Noreturn static void execute(const char *program, char *const *argv)
{
	execve(program, argv, environ);
	/* ENOENT although it is there: what its #! line or its ELF header names isn't. */
	fail(errno == ENOENT && access(program, F_OK) < 0 ? VIV_PROTO_STAGE_FIND
							  : VIV_PROTO_STAGE_EXEC,
	     errno);
}

/* Looks as a shell does: a file that can't be executed counts only if there is no better one. */
_Noreturn static void search_and_execute(char *const *argv)
{
	const char *path = getenv("PATH");
	char program[4096], found[4096] = "";

	for (const char *p = path ? path : ""; *p;) {
		size_t n = strcspn(p, ":");
		struct stat st;

		if ((size_t)snprintf(program, sizeof(program), "%.*s%s%s", (int)n, p, n ? "/" : "",
				     argv[0]) < sizeof(program) &&
		    stat(program, &st) == 0 && S_ISREG(st.st_mode)) {
			if (access(program, X_OK) == 0)
				execute(program, argv);
			if (!*found)
				memcpy(found, program, sizeof(found));
		}
		p += n + (p[n] == ':');
	}
	if (*found)
		execute(found, argv);
	fail(VIV_PROTO_STAGE_FIND, ENOENT);
}

_Noreturn void child_main(const struct viv_proto_run *run, char **argv, const int fds[3], int status)
{
	const char *user = run->strings, *cwd = next(user), *strings = next(cwd);
	struct passwd pw;

	child_reset_signals();
	setsid();
	umask(022);
	place_fds(fds, status);
	be_killable();
	for (unsigned i = 0; i < run->argc; i++, strings = next(strings))
		argv[i] = (char *)strings;
	find_user(user, &pw);
	if (run->flags & VIV_PROTO_RUN_PTY)
		take_terminal(&pw);
	become(&pw);
	make_environment(run, &pw, strings);
	go_to(cwd, &pw);
	if (strchr(argv[0], '/'))
		execute(argv[0], argv);
	search_and_execute(argv);
}
