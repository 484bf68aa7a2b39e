/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* /etc/hosts: what others wrote there stays, below it is what we know, after a mark. */

#define HOSTS "/etc/hosts"
#define MARK  "# other machines, as viv knows them: written anew when they change\n"
#define OVER  "/run/viv/etc-hosts" /* where the root is read-only: mounted over it */

/* Up to a line, whole or the end of the file. */
static void copy_lines(FILE *from, FILE *to, const char *end)
{
	char line[512];
	bool whole = true;

	while (fgets(line, sizeof(line), from)) {
		if (whole && end && strcmp(line, end) == 0)
			break;
		fputs(line, to);
		whole = strchr(line, '\n') != NULL;
	}
	if (!whole)
		fputc('\n', to);
}

static int write_to(const char *path, const char *ours)
{
	FILE *to = fopen(path, "we"), *from;
	int r = 0;

	if (!to)
		return errno;
	from = fopen(HOSTS, "re");
	if (from) {
		copy_lines(from, to, MARK);
		fclose(from);
	}
	fputs(MARK, to);
	from = fopen(ours, "re");
	if (from) {
		copy_lines(from, to, NULL);
		fclose(from);
	}
	if (ferror(to))
		r = EIO;
	if (fclose(to) != 0)
		r = errno;
	if (r)
		unlink(path);
	return r;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* What would not fit is found before anything of the old is lost. */
static int overwrite(FILE *from, FILE *to)
{
	struct stat st;

	if (fstat(fileno(from), &st) < 0 || (fallocate(fileno(to), 0, 0, st.st_size) < 0 &&
					     errno != EOPNOTSUPP))
		return errno;
	copy_lines(from, to, NULL);
	return ferror(to) || fflush(to) != 0 || ftruncate(fileno(to), st.st_size) < 0 ? errno : 0;
}

/* Into the file that is mounted already, if it is: others would lie one over the other. */
static int put_over(void)
{
	FILE *from, *to;
	int r = 0;

	if (!same_file(OVER, HOSTS)) {
		if (rename(OVER "~", OVER) < 0 || mount(OVER, HOSTS, NULL, MS_BIND, NULL) < 0)
			return errno;
		return 0;
	}
	from = fopen(OVER "~", "re");
	to = fopen(OVER, "r+e");
	r = from && to ? overwrite(from, to) : errno;
	if (from)
		fclose(from);
	if (to && fclose(to) != 0)
		r = errno;
	unlink(OVER "~");
	return r;
}

int hosts_write(const char *ours)
{
	int r = write_to(HOSTS "~", ours);

	if (r == 0)
		return rename(HOSTS "~", HOSTS) < 0 ? errno : 0;
	if (r != EROFS)
		return r;
	r = write_to(OVER "~", ours);
	return r ? r : put_over();
}
