/* SPDX-License-Identifier: MIT */
#include "run/virtiofsd.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "sandbox/serve.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX   4096u
#define TIMEOUT_MS 10000

struct viv_virtiofsd {
	viv_virtiofsd_ended_fn ended;
	void *arg;
	pid_t pid; /* 0: reaped */
	int output_fd;
	struct viv_source *child, *output;
	struct viv_str said; /* the end of it */
};

/* Where distributions put it; nobody has it in PATH. The one in Rust first: it is the one kept up. */
static const char *const places[] = {"virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd",
				     "/usr/lib/qemu/virtiofsd"};

/*
 * QEMU's own drops supplementary groups before it looks at its arguments, which outside a user
 * namespace it may not: that it says so tells as much as its version.
 */
static int ask_version(const char *program, bool *ret_qemus, struct viv_error *err)
{
	const char *const argv[] = {program, "--version", NULL};
	VIV_STR out = VIV_STR_INIT, said = VIV_STR_INIT;
	int status, r = viv_process_run(argv, NULL, NULL, &out, &said, 4096, TIMEOUT_MS, &status, err);
	bool dropped = said.data && strstr(said.data, "setgroups() failed");

	if (r < 0)
		return r;
	if (status && !dropped)
		return viv_error_say(err, EIO, "%s: %s", program, said.data ? said.data : "failed");
	*ret_qemus = dropped || (out.data && strstr(out.data, "QEMU"));
	return 0;
}

int viv_virtiofsd_find(char **ret_program, bool *ret_qemus, struct viv_error *err)
{
	VIV_FREE char *program = NULL;
	int r;

	for (size_t i = 0; !program && i < VIV_ARRAY_SIZE(places); i++)
		program = viv_find_program(places[i]);
	if (!program)
		return viv_error_say(err, ENOENT,
				     "virtiofsd is not there\ninstall the package virtiofsd (on Debian "
				     "12 qemu-system-common)");
	r = ask_version(program, ret_qemus, err);
	if (r == 0)
		*ret_program = viv_steal(program);
	return r;
}

/*
 * Names and attributes are believed for a second (cache=auto), contents are asked for anew at each
 * open. What the guest's root makes has no device nodes in it. One process: the queue's own thread is
 * quicker than a pool.
 */
void viv_virtiofsd_command(const struct viv_machine *m, const char *place, struct viv_strv *ret)
{
	static const char *const qemus[] = {"--fd=3", "--rlimit-nofile=0", "--thread-pool-size=0", "-o",
					    "sandbox=namespace,cache=auto,announce_submounts", "-o",
					    "log_level=err,modcaps=-mknod", "-o", NULL};
	static const char *const own[] = {"--fd=3", "--rlimit-nofile=0", "--thread-pool-size=0",
					  "--sandbox=namespace", "--cache=auto",
					  "--announce-submounts", "--log-level=error",
					  "--modcaps=-mknod", NULL};

	VIV_STR last = VIV_STR_INIT;

	viv_str_add(&last, m->virtiofsd_is_qemus ? "source=" : "--shared-dir=");
	for (const char *p = place; *p; p++) {
		if (m->virtiofsd_is_qemus && strchr(",\\", *p))
			viv_str_add_char(&last, '\\');
		viv_str_add_char(&last, *p);
	}
	viv_strv_push(ret, m->virtiofsd);
	viv_strv_push_all(ret, m->virtiofsd_is_qemus ? qemus : own);
	viv_strv_take(ret, viv_str_steal(&last));
}

/* A listening socket and the first who connected to it, without a path that stays. */
static int make_connection(const struct viv_machine_dir *dir, int *ret_listening, int *ret_fd,
			   struct viv_error *err)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	VIV_FD listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	VIV_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (listening < 0 || fd < 0)
		return viv_error_set(err, errno, "cannot make a socket");
	/* The directory's own path may be longer than an address. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/virtiofs", dir->lock);
	if (bind(listening, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listening, 1) < 0 ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		r = viv_error_set(err, errno, "cannot connect to %s/virtiofs", dir->path);
	unlinkat(dir->lock, "virtiofs", 0);
	if (r < 0)
		return r;
	*ret_listening = viv_steal_fd(&listening);
	*ret_fd = viv_steal_fd(&fd);
	return 0;
}

static void tell_end(struct viv_virtiofsd *d, int status)
{
	VIV_FREE char *text = viv_process_status_text(status);
	struct viv_slice said = viv_slice_trim((struct viv_slice){d->said.data, d->said.len});
	VIV_FREE char *how = viv_asprintf("virtiofsd ended: %s%s%.*s", text, said.len ? "\n" : "",
					  (int)said.len, said.len ? said.data : "");

	d->ended(how, d->arg);
}

static int on_child(struct viv_source *s, pid_t pid, int status, void *arg)
{
	struct viv_virtiofsd *d = arg;

	d->child = NULL;
	d->pid = 0;
	tell_end(d, status);
	return 0;
}

static int on_output(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct viv_virtiofsd *d = arg;
	ssize_t n = read(fd, viv_str_reserve(&d->said, SAID_MAX), SAID_MAX);

	if (n > 0) {
		viv_str_added(&d->said, (size_t)n);
		if (d->said.len > SAID_MAX)
			viv_str_drop(&d->said, d->said.len - SAID_MAX);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		viv_source_remove(s);
		d->output = NULL;
	}
	return 0;
}

static int spawn(struct viv_virtiofsd *d, const struct viv_machine *m, const char *place, int listening,
		 struct viv_error *err)
{
	VIV_FREE struct viv_sandbox_bind *binds = viv_new_array(struct viv_sandbox_bind, m->n_shares);
	VIV_STRV argv = VIV_STRV_INIT;
	struct viv_sandbox_server spec = {.place = place, .binds = binds, .listening = listening};
	int output[2], r;

	for (size_t i = 0; i < m->n_shares; i++) {
		const struct viv_share *s = &m->shares[i];

		if (s->kind == VIV_SHARE_VIRTIOFS)
			binds[spec.n_binds++] = (struct viv_sandbox_bind){
				.host = s->source, .name = s->tag, .writable = !s->read_only};
	}
	r = viv_pipe(output, err);
	if (r < 0)
		return r;
	d->output_fd = output[0];
	viv_virtiofsd_command(m, place, &argv);
	spec.argv = (const char *const *)argv.items;
	spec.output = output[1];
	r = viv_sandbox_serve(&spec, &d->pid, err);
	viv_close(output[1]);
	return r;
}

int viv_virtiofsd_start(struct viv_loop *loop, const struct viv_machine *m,
			const struct viv_machine_dir *dir, viv_virtiofsd_ended_fn ended, void *arg,
			struct viv_virtiofsd **ret, int *ret_fd, struct viv_error *err)
{
	struct viv_virtiofsd *d = viv_new(struct viv_virtiofsd);
	VIV_FREE char *place = viv_path_join(dir->path, "shares");
	VIV_FD listening = -1, fd = -1;
	int r;

	d->ended = ended;
	d->arg = arg;
	d->output_fd = -1;
	r = viv_mkdir_p(place, 0700, err);
	if (r == 0)
		r = make_connection(dir, &listening, &fd, err);
	if (r == 0)
		r = spawn(d, m, place, listening, err);
	if (r == 0)
		r = viv_set_nonblocking(d->output_fd, true, err);
	if (r == 0)
		r = viv_loop_add_io(loop, d->output_fd, EPOLLIN, on_output, d, &d->output, err);
	if (r == 0)
		r = viv_loop_add_child(loop, d->pid, on_child, d, &d->child, err);
	if (r < 0) {
		viv_virtiofsd_free(d);
		return viv_error_context(err, "virtiofsd");
	}
	*ret = d;
	*ret_fd = viv_steal_fd(&fd);
	return 0;
}

void viv_virtiofsd_free(struct viv_virtiofsd *d)
{
	if (!d)
		return;
	viv_source_remove(d->child);
	viv_source_remove(d->output);
	if (d->pid) {
		/* Its own session: what it has forked, too. */
		kill(-d->pid, SIGKILL);
		while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	viv_close(d->output_fd);
	viv_str_free(&d->said);
	free(d);
}
