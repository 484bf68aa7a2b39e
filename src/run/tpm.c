/* SPDX-License-Identifier: MIT */
#include "run/tpm.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"

#include <sys/socket.h>

int viv_tpm_check(struct viv_error *err)
{
	VIV_FREE char *program = viv_find_program("swtpm");

	if (program)
		return 0;
	viv_error_say(err, ENOENT, "there is no swtpm on this host");
	return viv_error_hint(err, "install it: apt install swtpm");
}

/* A comma ends a value of swtpm's, and can't be written otherwise. */
int viv_tpm_check_path(const char *path, struct viv_error *err)
{
	if (!strchr(path, ','))
		return 0;
	return viv_error_say(err, EINVAL, "%s: swtpm takes no path with a comma", path);
}

int viv_tpm_start(const char *dir, const char *log, int *ret_fd, pid_t *ret_pid, struct viv_error *err)
{
	VIV_FREE char *state = viv_asprintf("dir=%s", dir);
	VIV_FREE char *say = viv_asprintf("file=%s,level=1", log);
	const char *argv[] = {"swtpm",	    "socket",			    "--tpm2",
			      "--tpmstate", state,			    "--log",
			      say,	    "--ctrl",			    "type=unixio,clientfd=3",
			      "--flags",    "not-need-init,startup-clear", "--terminate",
			      NULL};
	struct viv_process_spec spec = {.argv = argv, .fds = {-1, -1, -1}, .n_keep = 1, .new_session = true};
	int fds[2], r = viv_tpm_check_path(dir, err);

	if (r == 0)
		r = viv_tpm_check_path(log, err);
	if (r == 0)
		r = viv_mkdir_p(dir, 0700, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "socketpair");
	spec.keep = &fds[1];
	r = viv_process_spawn(&spec, ret_pid, NULL, err);
	viv_close(fds[1]);
	if (r < 0)
		viv_close(fds[0]);
	else
		*ret_fd = fds[0];
	return r;
}

char *viv_tpm_command_text(const char *path, const char *state)
{
	VIV_FREE char *dir = state ? viv_strdup(state) : viv_asprintf("%s.state", path);
	VIV_FREE char *where = viv_asprintf("dir=%s", dir);
	VIV_FREE char *control = viv_asprintf("type=unixio,path=%s", path);
	VIV_STR s = VIV_STR_INIT;

	viv_str_add(&s, "mkdir -p ");
	viv_str_add_quoted(&s, dir);
	viv_str_add(&s, " && swtpm socket --daemon --tpm2 --terminate --tpmstate ");
	viv_str_add_quoted(&s, where);
	viv_str_add(&s, " --ctrl ");
	viv_str_add_quoted(&s, control);
	viv_str_add(&s, " &&\n");
	return viv_str_steal(&s);
}
