/* SPDX-License-Identifier: MIT */
#include "deb/ahead.h"

#include "base/fd.h"
#include "base/path.h"

#include <sys/socket.h>
#include <unistd.h>

struct viv_deb_ahead {
	struct viv_store *store;
	struct viv_sandbox *sandbox; /* NULL: nothing is unpacked */
	int input;		     /* our end of its input */
	struct viv_strv ids;	     /* the layers, lowest first */
	struct viv_store_pin *pin;
};

void viv_deb_room_describe(const struct viv_store *store, uint64_t memory, bool on_disk,
			   struct viv_deb_room *ret)
{
	ret->objects = viv_path_join(viv_store_root(store), "objects");
	ret->builds = viv_path_join(viv_store_root(store), "tmp");
	ret->binds[0] = (struct viv_sandbox_bind){ret->objects, VIV_INSTALL_OBJECTS, false};
	ret->binds[1] = (struct viv_sandbox_bind){ret->builds, VIV_INSTALL_BUILDS, true};
	ret->spec = (struct viv_sandbox_spec){.binds = ret->binds,
					      .n_binds = VIV_ARRAY_SIZE(ret->binds),
					      .scratch_size = memory,
					      .scratch_on_disk = on_disk};
}

void viv_deb_room_clear(struct viv_deb_room *room)
{
	free(room->objects);
	free(room->builds);
}

struct viv_deb_ahead *viv_deb_ahead_new(struct viv_store *store)
{
	struct viv_deb_ahead *a = viv_new(struct viv_deb_ahead);

	*a = (struct viv_deb_ahead){.store = store, .input = -1};
	return a;
}

/* The ids of the lock's layers; pinned, and all of them there. */
static bool take_ids(struct viv_deb_ahead *a, const struct viv_lock *lock)
{
	VIV_CLEANUP(viv_deb_plan_free) struct viv_deb_plan plan = {0};

	if (viv_deb_plan(a->store, lock, &plan, NULL) < 0)
		return false;
	for (size_t i = 0; i < plan.n_layers; i++)
		viv_strv_push(&a->ids, plan.layers[i].id);
	if (!a->ids.count || viv_store_pin(a->store, &a->ids, &a->pin, NULL) < 0)
		return false;
	for (size_t i = 0; i < a->ids.count; i++)
		if (!viv_store_has_closure(a->store, a->ids.items[i]))
			return false;
	return true;
}

static int start(struct viv_deb_ahead *a, const struct viv_deb_source *source,
		 const struct viv_lock *lock)
{
	VIV_CLEANUP(viv_deb_room_clear) struct viv_deb_room room = {0};
	VIV_CLEANUP(viv_install_clear) struct viv_install job = {
		.layers = viv_new_array(struct viv_install_layer, lock->n_layers),
		.n_layers = lock->n_layers,
	};
	int pair[2], r;

	for (size_t i = 0; i < lock->n_layers; i++) {
		job.layers[i].lock = &lock->layers[i];
		job.layers[i].there = viv_asprintf(VIV_INSTALL_OBJECTS "/%s", a->ids.items[i]);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	viv_deb_room_describe(a->store, source->memory, false, &room);
	r = viv_sandbox_begin(&room.spec, viv_install_run_ahead, &job, pair[1], &a->sandbox, NULL);
	viv_close(pair[1]);
	if (r == 0)
		a->input = pair[0];
	else
		viv_close(pair[0]);
	return r;
}

void viv_deb_ahead_start(struct viv_deb_ahead *a, const struct viv_deb_source *source,
			 const struct viv_lock *lock)
{
	if (!a || a->sandbox || sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
	    !viv_install_fits_memory(lock, 0, lock->n_layers))
		return;
	if (!take_ids(a, lock) || start(a, source, lock) < 0)
		viv_deb_ahead_drop(a);
}

size_t viv_deb_ahead_layers(const struct viv_deb_ahead *a, const struct viv_deb_plan *plan)
{
	if (!a || !a->sandbox || a->ids.count > plan->n_layers)
		return 0;
	for (size_t i = 0; i < a->ids.count; i++)
		if (!viv_streq(a->ids.items[i], plan->layers[i].id))
			return 0;
	return a->ids.count;
}

/* A sandbox that has ended says itself why, so nothing is said here. */
static void send_all(int fd, const struct viv_str *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = send(fd, text->data + done, text->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return;
		done += n > 0 ? (size_t)n : 0;
	}
}

/* Its input ends: also where another process of ours has it open. */
static int finish(struct viv_deb_ahead *a, struct viv_report *report, struct viv_str *result,
		  struct viv_error *err)
{
	shutdown(a->input, SHUT_WR);
	a->input = viv_close(a->input);
	return viv_sandbox_finish(viv_steal(a->sandbox), report, result, err);
}

int viv_deb_ahead_go_on(struct viv_deb_ahead *a, const struct viv_install *job,
			const struct viv_lock *lock, struct viv_report *report,
			struct viv_str *result, struct viv_error *err)
{
	VIV_STR text = VIV_STR_INIT;
	int r;

	viv_install_format(job, lock, &text);
	send_all(a->input, &text);
	r = finish(a, report, result, err);
	viv_deb_ahead_drop(a);
	return r;
}

void viv_deb_ahead_drop(struct viv_deb_ahead *a)
{
	if (!a)
		return;
	if (a->sandbox)
		finish(a, NULL, NULL, NULL);
	viv_store_unpin(viv_steal(a->pin));
	viv_strv_free(&a->ids);
}

void viv_deb_ahead_free(struct viv_deb_ahead *a)
{
	viv_deb_ahead_drop(a);
	free(a);
}
