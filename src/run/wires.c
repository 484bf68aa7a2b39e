/* SPDX-License-Identifier: MIT */
#include "run/wires.h"

#include "base/fd.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHARED_MIB 8

void viv_wires_close_theirs(struct viv_wires *w)
{
	for (size_t i = 0; i < w->n_keep; i++)
		viv_close(w->keep[i]);
	w->n_keep = 0;
	w->errors_out = viv_close(w->errors_out);
}

void viv_wires_close(struct viv_wires *w)
{
	viv_wires_close_theirs(w);
	viv_close(w->qmp);
	viv_close(w->agent);
	viv_close(w->console);
	viv_close(w->errors);
	viv_close(w->shared);
}

static int add_socket(struct viv_wires *w, struct viv_channel *channel, int *ret_ours,
		      struct viv_error *err)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return viv_error_set(err, errno, "socketpair");
	free(channel->path);
	*channel = (struct viv_channel){.fd = 3 + (int)w->n_keep};
	w->keep[w->n_keep++] = fds[0];
	*ret_ours = fds[1];
	return 0;
}

int viv_wires_hand_over(struct viv_wires *w, int fd, struct viv_channel *channel,
			struct viv_error *err)
{
	if (w->n_keep == VIV_WIRES_MAX - 3) {
		viv_close(fd);
		return viv_error_say(err, E2BIG, "too many disks and shares");
	}
	free(channel->path);
	*channel = (struct viv_channel){.fd = 3 + (int)w->n_keep};
	w->keep[w->n_keep++] = fd;
	return 0;
}

static int add_drives(struct viv_wires *w, struct viv_machine *m, struct viv_error *err)
{
	for (size_t i = 0; i < m->n_drives; i++) {
		if (m->drives[i].file || m->drives[i].forgets)
			continue;
		if (w->n_keep == VIV_WIRES_MAX - 4)
			return viv_error_say(err, E2BIG, "too many disks");
		w->keep[w->n_keep] = m->drives[i].fd;
		m->drives[i].fd = 3 + (int)w->n_keep++;
	}
	return 0;
}

static int add_firmware(struct viv_wires *w, struct viv_firmware *f, struct viv_error *err)
{
	if (!f->code || f->variables)
		return 0;
	if (w->n_keep == VIV_WIRES_MAX - 3)
		return viv_error_say(err, E2BIG, "too many disks");
	w->keep[w->n_keep] = f->variables_fd;
	f->variables_fd = 3 + (int)w->n_keep++;
	return 0;
}

static int add_nics(struct viv_wires *w, struct viv_machine *m, struct viv_error *err)
{
	for (size_t i = 0; i < m->n_nics; i++) {
		if (m->nics[i].fd < 0)
			continue;
		if (w->n_keep == VIV_WIRES_MAX - 4)
			return viv_error_say(err, E2BIG, "too many disks and networks");
		w->keep[w->n_keep] = m->nics[i].fd;
		m->nics[i].fd = 3 + (int)w->n_keep++;
	}
	return 0;
}

/* Memory is only taken as far as it is used. Without it `viv cp` is slower. */
static void add_shared(struct viv_wires *w, struct viv_machine *m)
{
	VIV_FD fd = (int)syscall(SYS_memfd_create, "viv-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int theirs;

	if (fd < 0 || w->n_keep == VIV_WIRES_MAX || ftruncate(fd, (off_t)SHARED_MIB << 20) < 0)
		return;
	/* Else a QEMU that was taken over could kill whoever reads what it has cut off. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return;
	theirs = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (theirs < 0)
		return;
	m->shared_mib = SHARED_MIB;
	m->shared_fd = 3 + (int)w->n_keep;
	w->keep[w->n_keep++] = theirs;
	w->shared = viv_steal_fd(&fd);
}

int viv_wires_make(struct viv_machine *m, struct viv_wires *w, struct viv_error *err)
{
	int fds[2], r;

	r = add_drives(w, m, err);
	if (r == 0)
		r = add_firmware(w, &m->firmware, err);
	if (r == 0)
		r = add_nics(w, m, err);
	if (r == 0)
		r = add_socket(w, &m->qmp, &w->qmp, err);
	if (r == 0)
		r = add_socket(w, &m->agent, &w->agent, err);
	if (r == 0)
		r = add_socket(w, &m->console, &w->console, err);
	if (r == 0)
		r = viv_pipe(fds, err);
	if (r < 0)
		return r;
	add_shared(w, m);
	w->errors = fds[0];
	w->errors_out = fds[1];
	return viv_set_nonblocking(w->errors, true, err);
}
