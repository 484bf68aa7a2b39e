/* SPDX-License-Identifier: MIT */
#include "test/saved.h"

#include "base/channel.h"
#include "base/fd.h"
#include "run/disk.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int saved_new(const struct guest *g, const char *name, struct saved **ret, struct viv_error *err)
{
	VIV_CLEANUP(saved_freep) struct saved *s = viv_new(struct saved);
	int r;

	s->name = viv_strdup(name);
	s->memory = -1;
	r = viv_disk_unnamed(&s->memory, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < g->machine.n_nics && i < VIV_NICS_MAX; i++)
		s->numbers[i] = g->machine.nics[i].number;
	*ret = viv_steal(s);
	return 0;
}

void saved_close_disks(int *disks, size_t n)
{
	for (size_t i = 0; disks && i < n; i++)
		viv_close(disks[i]);
	free(disks);
}

void saved_free(struct saved *s)
{
	if (!s)
		return;
	viv_close(s->memory);
	saved_close_disks(s->disks, s->n_disks);
	free(s->name);
	free(s);
}

struct saved *saved_find(const struct guest *g, const char *name)
{
	struct saved *s = g->saved;

	while (s && !viv_streq(s->name, name))
		s = s->next;
	return s;
}

void saved_keep(struct guest *g, struct saved *s)
{
	struct saved **at = &g->saved;

	while (*at && !viv_streq((*at)->name, s->name))
		at = &(*at)->next;
	if (*at) {
		struct saved *old = *at;

		s->next = old->next;
		saved_free(old);
	}
	*at = s;
}

void saved_free_all(struct guest *g)
{
	while (g->saved) {
		struct saved *s = g->saved;

		g->saved = s->next;
		saved_free(s);
	}
}

/* Names */

static void names_of(const struct guest *g, struct viv_strv *ret)
{
	for (const struct saved *s = g->saved; s; s = s->next)
		viv_strv_push(ret, s->name);
}

int saved_unknown(const struct guest *g, const char *name, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT, near = VIV_STRV_INIT;
	VIV_FREE char *list = NULL;

	names_of(g, &names);
	if (!names.count)
		return viv_error_say(err, ENOENT, "no state of it is saved: save(\"%.64s\") comes before", name);
	viv_suggest(name, (const char *const *)names.items, names.count, 3, &near);
	list = viv_strv_join(near.count ? &near : &names, ", ");
	return viv_error_say(err, ENOENT, "no state \"%.64s\" is saved (%s%s%s)", name,
			     near.count ? "did you mean " : "there are: ", list, near.count ? "?" : "");
}

int saved_check_name(const struct guest *g, const char *name, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	VIV_FREE char *list = NULL;

	if (!*name || strlen(name) > SAVED_NAME_MAX)
		return viv_error_say(err, EINVAL, "a state's name has 1 to %d characters", SAVED_NAME_MAX);
	names_of(g, &names);
	if (names.count < SAVED_MAX || saved_find(g, name))
		return 0;
	list = viv_strv_join(&names, ", ");
	return viv_error_say(err, ENOSPC, "%d states of it are saved already (%s): take a name of theirs again", SAVED_MAX,
			     list);
}

/* What can be saved */

/* The line to write is one to copy. */
static int refuse_exchange(const struct viv_machine *m, struct viv_error *err)
{
	bool usual = !m->name || viv_streq(m->name, "machine");

	return viv_error_say(err, ENOTSUP, "it shares /tmp/xchg and /tmp/shared with the host, and what the host serves to it can't "
			     "be saved. Write into the test file: %s%s%svirtualisation.exchangeFolders = false",
			     usual ? "machine" : "machines[\"", usual ? "" : m->name, usual ? "." : "\"].");
}

static int check_shares(const struct viv_machine *m, struct viv_error *err)
{
	bool exchange = false;

	for (size_t i = 0; i < m->n_shares; i++) {
		const struct viv_share *s = &m->shares[i];

		exchange |= s->optional;
		if (!s->optional)
			return viv_error_say(err, ENOTSUP, "it shares %s (at %s), and what the host serves to it can't be saved: "
					     "leave virtualisation.sharedDirectories out, and take copy_from_host",
					     s->source, s->target);
	}
	return exchange ? refuse_exchange(m, err) : 0;
}

static int check_drive(const struct viv_drive *d, struct viv_error *err)
{
	const char *serial = d->serial ? d->serial : "?";

	if (d->interface == VIV_DRIVE_NVME)
		return viv_error_say(err, ENOTSUP, "its disk %s is an nvme one, which QEMU can't save: take the interface "
				     "virtio, scsi or ide", serial);
	if (d->read_only || !d->file)
		return 0;
	return viv_error_say(err, ENOTSUP, "its disk %s is %s, which is kept: going back to a state would throw away what was written "
			     "to it since. Take one that is thrown away (diskImage = \"fresh\", emptyDiskImages)", serial, d->file);
}

int saved_check_machine(const struct viv_machine *m, struct viv_error *err)
{
	int r = check_shares(m, err);

	for (size_t i = 0; r == 0 && i < m->n_drives; i++)
		r = check_drive(&m->drives[i], err);
	if (r == 0 && m->devices.n_usb)
		r = viv_error_say(err, ENOTSUP, "it has a USB device of the host's, whose state nobody can save: leave "
				  "virtualisation.usb.devices out");
	return r;
}

/* Disks */

struct copying {
	const int *from, *to;
	size_t n;
};

/* In the child. */
static int copy_all(struct viv_child_channel *c, struct viv_str *result, void *arg, struct viv_error *err)
{
	const struct copying *job = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->n; i++)
		if (job->from[i] >= 0)
			r = viv_copy_content(job->from[i], job->to[i], "a disk", err);
	return r;
}

struct waiting {
	struct runner *r;
	struct viv_source *source;
	bool over;
};

static int on_over(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct waiting *w = arg;

	w->over = true;
	viv_source_remove(viv_steal(w->source));
	runner_wake(w->r);
	return 0;
}

static bool is_over(void *arg)
{
	return ((const struct waiting *)arg)->over;
}

static int run_copying(struct runner *r, const struct guest *g, struct copying *job, int64_t deadline,
		       struct viv_error *err)
{
	struct waiting w = {.r = r};
	bool finished = false;
	VIV_FD fd = -1;
	pid_t pid;
	int code = viv_channel_fork(copy_all, job, &pid, &fd, err);

	if (code < 0)
		return code;
	code = viv_loop_add_io(r->loop, fd, EPOLLIN, on_over, &w, &w.source, err);
	if (code == 0)
		code = runner_wait(r, g, is_over, &w, deadline);
	viv_source_remove(w.source);
	if (code == 0)
		code = viv_channel_receive(fd, -1, &r->report, NULL, &finished, err);
	if (!finished)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return code;
}

int saved_copy_disks(struct runner *r, const struct guest *g, const int *from, size_t n, int64_t deadline, int **ret,
		     struct viv_error *err)
{
	int *to = viv_new_array(int, n ? n : 1);
	struct copying job = {from, to, n};
	bool any = false;
	int code = 0;

	for (size_t i = 0; i < n; i++)
		to[i] = -1;
	for (size_t i = 0; code == 0 && i < n; i++) {
		if (from[i] < 0)
			continue;
		any = true;
		code = viv_disk_unnamed(&to[i], err);
	}
	if (code == 0 && any)
		code = run_copying(r, g, &job, deadline, err);
	if (code < 0)
		saved_close_disks(to, n);
	else
		*ret = to;
	return code;
}
