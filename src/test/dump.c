/* SPDX-License-Identifier: MIT */
#include "test/dump.h"

#include "base/fd.h"
#include "base/path.h"
#include "run/crash.h"

struct dump {
	struct dump *next;
	struct guest *guest;
	int disk;
	struct viv_crash_dump *file; /* NULL: those before it are not there yet */
	struct viv_source *turn;     /* of the loop's; NULL: likewise */
};

static void drop(struct dump *d)
{
	viv_source_remove(d->turn);
	viv_crash_dump_free(d->file);
	viv_close(d->disk);
	free(d);
}

static void tell(struct guest *g, const char *what, const char *path)
{
	VIV_FREE char *text = viv_asprintf("crash dump: %s%s", what, path);

	g->events.log(g, text, g->events.arg);
}

/* One that failed makes room for another. */
static void give_up(struct guest *g, const char *why)
{
	g->n_dumps--;
	g->events.warning(g, why, g->events.arg);
}

static int go_on(struct viv_source *s, int fd, uint32_t events, void *arg);

/* 1: it goes on with the loop's turns; 0: it is there already. */
static int begin(struct dump *d, struct viv_error *err)
{
	struct guest *g = d->guest;
	VIV_FREE char *to = viv_path_join(g->results, g->name);
	int r = viv_crash_begin(d->disk, NULL, to, &d->file, err);

	if (r == 0)
		r = viv_crash_go_on(d->file, err);
	if (r <= 0)
		return r;
	tell(g, "copied to ", viv_crash_path(d->file));
	r = viv_loop_add_io(g->loop, d->disk, EPOLLIN, go_on, d, &d->turn, err);
	return r < 0 ? r : 1;
}

/* The first of them is over: r, as begin() says. The next begins, until one takes its time. */
static void over(struct guest *g, int r, struct viv_error *err)
{
	while (r <= 0) {
		struct dump *d = g->dumps;

		if (r < 0)
			give_up(g, err->msg);
		else
			tell(g, "", viv_crash_path(d->file));
		viv_error_clear(err);
		g->dumps = d->next;
		drop(d);
		if (!g->dumps)
			break;
		r = begin(g->dumps, err);
	}
}

static int go_on(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct guest *g = ((struct dump *)arg)->guest;
	VIV_ERROR err = VIV_ERROR_INIT;
	int r = viv_crash_go_on(g->dumps->file, &err);

	if (r > 0)
		return 0;
	over(g, r, &err);
	g->events.changed(g, g->events.arg);
	return 0;
}

static bool there_is_room(struct guest *g)
{
	VIV_FREE char *said = viv_asprintf("%d crash dumps of it are kept: no more is", GUEST_DUMPS_MAX);

	if (g->n_dumps < GUEST_DUMPS_MAX)
		return true;
	if (!g->dumps_told)
		g->events.log(g, said, g->events.arg);
	g->dumps_told = true;
	return false;
}

void dump_fetch(struct guest *g)
{
	VIV_ERROR err = VIV_ERROR_INIT;
	struct dump **at = &g->dumps;
	int r;

	if (!g->results || !viv_crash_size(g->dump) || !there_is_room(g))
		return;
	while (*at)
		at = &(*at)->next;
	*at = viv_new(struct dump);
	**at = (struct dump){.guest = g, .disk = viv_steal_fd(&g->dump)};
	g->n_dumps++;
	if (at != &g->dumps)
		return;
	r = begin(g->dumps, &err);
	over(g, r, &err);
}

bool dump_is_under_way(const struct guest *g)
{
	return g->dumps;
}

void dump_drop_all(struct guest *g)
{
	while (g->dumps) {
		struct dump *d = g->dumps;

		g->dumps = d->next;
		drop(d);
		give_up(g, "the crash dump: the test's end came before it was copied");
	}
}
