/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * viv.accounts=fixed (users.mutableUsers = false): users, groups and passwords are those of the layers at every
 * start, whatever a disk that is kept says.
 */

#define MAX_SIZE (16 << 20)

static const char *const files[] = {"passwd", "group", "shadow", "gshadow", "subuid", "subgid"};

/* What is not in the upper file system is the layers'. Their copies of before go, too. */
void accounts_uncover(const struct params *p)
{
	for (size_t i = 0; p->fixed_accounts && i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), UPPER "/upper/etc/%s", files[i]);
		if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
			warning("cannot remove /etc/%s from the disk: %m", files[i]);
		snprintf(path, sizeof(path), UPPER "/upper/etc/%s-", files[i]);
		unlink(path);
	}
}

static bool copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;
	ssize_t n = -1;

	if (out >= 0 && fstat(in, &st) == 0 && st.st_size <= MAX_SIZE && fchown(out, st.st_uid, st.st_gid) == 0 &&
	    fchmod(out, st.st_mode & 07777) == 0)
		while ((n = sendfile(out, in, NULL, 65536)) > 0)
			;
	if (out >= 0 && fsync(out) < 0)
		n = -1;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return n == 0;
}

/* The highest layer has them all. */
void accounts_copy(const struct params *p, const char *root)
{
	for (size_t i = 0; p->fixed_accounts && i < sizeof(files) / sizeof(files[0]); i++) {
		char from[64], to[64], spare[72];

		snprintf(from, sizeof(from), "/viv/l/%u/etc/%s", p->layers - 1, files[i]);
		snprintf(to, sizeof(to), "%s/etc/%s", root, files[i]);
		snprintf(spare, sizeof(spare), "%s.viv", to);
		if (access(from, F_OK) < 0)
			continue;
		unlink(spare);
		if (!copy(from, spare) || rename(spare, to) < 0)
			fatal("cannot write /etc/%s: %m", files[i]);
	}
}
