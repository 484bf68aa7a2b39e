/* SPDX-License-Identifier: MIT */
#include "cmd/status.h"

#include "base/fd.h"
#include "base/hold.h"
#include "base/status.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor that /dev/stderr, /dev/fd/3 and their like stand for; -1: another file. */
static int descriptor_of(const char *file)
{
	uint64_t n;

	if (viv_streq(file, "/dev/stdout"))
		return STDOUT_FILENO;
	if (viv_streq(file, "/dev/stderr"))
		return STDERR_FILENO;
	if (!viv_starts_with(file, "/dev/fd/") ||
	    !viv_slice_u64(viv_slice(file + strlen("/dev/fd/")), INT_MAX, &n))
		return -1;
	return (int)n;
}

/* What must not be replaced by a new file. */
static bool is_in_place(const char *file)
{
	struct stat st;

	return descriptor_of(file) >= 0 ||
	       (stat(file, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* Closed, or one of ours, which end with exec: EBADF. */
static int check_descriptor(const char *file, int fd, struct viv_error *err)
{
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0 || fcntl(fd, F_GETFD) || (mode & O_ACCMODE) == O_RDONLY)
		return viv_error_set(err, EBADF, "%s", file);
	return 0;
}

static int check_in_place(const char *file, struct viv_error *err)
{
	int fd = descriptor_of(file);

	if (fd >= 0)
		return check_descriptor(file, fd, err);
	return access(file, W_OK) == 0 ? 0 : viv_error_set(err, errno, "%s", file);
}

static int write_in_place(const char *file, const json_t *j, struct viv_error *err)
{
	int fd = descriptor_of(file), r = check_in_place(file, err);
	VIV_STR text = VIV_STR_INIT;
	VIV_FD opened = -1;

	viv_json_pretty(j, &text);
	if (r == 0 && fd < 0)
		r = fd = opened = viv_open(file, O_WRONLY | O_NOCTTY, 0, err);
	return r < 0 ? r : viv_write_all(fd, text.data, text.len, file, err);
}

static json_t *failure(const char *reason)
{
	return json_pack("{s:i, s:s, s:o}", "status", VIV_EXIT_ENVIRONMENT, "kind", "environment",
			 "reason", viv_json_text(reason));
}

int viv_status_write(const char *file, const json_t *j, struct viv_error *err)
{
	mode_t mask;
	int r;

	if (!file)
		return 0;
	if (is_in_place(file)) {
		r = write_in_place(file, j, err);
	} else {
		mask = umask(0);
		umask(mask);
		r = viv_json_write_file(file, j, 0666 & ~mask, err);
	}
	return r < 0 ? viv_error_context(err, "--status") : 0;
}

int viv_status_begin(const char *file, struct viv_error *err)
{
	VIV_JSON *j = NULL;

	if (!file)
		return 0;
	if (is_in_place(file))
		return check_in_place(file, err) < 0 ? viv_error_context(err, "--status") : 0;
	j = failure("viv has not ended yet, or was killed");
	return viv_status_write(file, j, err);
}

void viv_status_write_failure(const char *file, const char *reason)
{
	int signo = viv_hold_pending();
	VIV_JSON *j = NULL;

	if (!file || !reason)
		return;
	j = failure(reason);
	if (signo) { /* which ends us right after this */
		json_object_set_new(j, "status", json_integer(VIV_EXIT_SIGNAL + signo));
		json_object_set_new(j, "kind", json_string("signal"));
	}
	viv_status_write(file, j, NULL);
}

const char *viv_status_find(int argc, char **argv)
{
	const char *found = NULL;

	for (int i = 0; i < argc && !viv_streq(argv[i], "--"); i++) {
		if (viv_streq(argv[i], "--status") && i + 1 < argc)
			found = argv[++i];
		else if (viv_starts_with(argv[i], "--status="))
			found = argv[i] + strlen("--status=");
	}
	return found;
}
