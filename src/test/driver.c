/* SPDX-License-Identifier: MIT */
#include "test/driver.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "test/remains.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS   20000 /* from a test's limit to the end of a process that does not end */
#define CLEAR_MS   40000 /* for machines to go when a signal came */
#define SECOND_MS  500	 /* two signals within count as one */
#define SPARE_MIB  1024	 /* of the host's memory, for all else */
#define PREPARE_MS (2 * 3600 * 1000) /* for downloads and builds before a test begins */
#define KILL_MS    3000

/* A case, and how far it is. */
struct job {
	const struct viv_test_case *test;
	unsigned attempts; /* begun */
	bool done;
};

/* A process that runs one. */
struct worker {
	struct driver *driver;
	struct worker *next;
	struct job *job;
	pid_t pid;
	int fd;
	struct viv_source *readable, *child, *limit;
	struct viv_str in;
	struct viv_lua_note *note; /* shared with it */
	struct viv_test_result result;
	bool has_result, killed, kept, begun, babbles;
	int status;
	int64_t started, begun_at; /* viv_now_ms; the second of its own time */
};

struct driver {
	const struct viv_driver_spec *spec;
	struct viv_loop *loop;
	struct job *jobs;
	size_t n_jobs, next;
	struct worker *workers;
	unsigned n_workers, max;
	uint64_t memory, memory_max; /* MiB of machines that run, and may */
	uint64_t cores, cores_max;   /* likewise */
	int signal;
	int64_t signalled; /* viv_now_ms */
	struct viv_error *err;
	int failed; /* the driver's own failure */
};

static int64_t limit_of(const struct driver *d, const struct viv_test_case *c)
{
	if (d->spec->prompt)
		return 0;
	return c->limit_ms ? c->limit_ms : d->spec->limit_ms ? d->spec->limit_ms : VIV_TEST_LIMIT_MS;
}

static int start_some(struct driver *d);

/* A verdict where the test's process has none. */
static void conclude(struct worker *w)
{
	const struct viv_test_case *c = w->job->test;
	struct viv_test_result *r = &w->result;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*r = viv_test_case_result(c, w->killed && w->begun && !w->babbles && !w->driver->signal ? VIV_VERDICT_TIMEOUT
											: VIV_VERDICT_ERROR);
	r->attempt = w->job->attempts;
	r->ms = viv_now_ms() - w->started;
	r->prepared = w->begun ? w->begun_at - w->started : 0;
	r->begun = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - r->ms;
	if (w->driver->signal)
		r->reason = viv_strdup("interrupted");
	else if (w->babbles)
		r->reason = viv_strdup("it told more at once than a test may");
	else if (w->killed && !w->begun)
		r->reason = viv_strdup("its machines were not built in time");
	else if (w->killed)
		r->reason = viv_strdup("the test's time was up (an endless loop?)");
	else if (WIFSIGNALED(w->status))
		r->reason = viv_asprintf("the process that ran the test was ended by signal %d (%s)", WTERMSIG(w->status),
					 strsignal(WTERMSIG(w->status)));
	else
		r->reason = viv_asprintf("the process that ran the test ended with status %d", WEXITSTATUS(w->status));
	if (w->note->line > 0)
		r->place = viv_asprintf("%.*s:%d", (int)strnlen(w->note->file, sizeof(w->note->file)), w->note->file,
					w->note->line);
}

static void end_job(struct driver *d, struct job *job, const struct viv_test_result *result)
{
	bool again = !viv_verdict_is_ok(result->verdict) && job->attempts <= d->spec->retry && !d->signal && job->test->name;

	job->done = !again;
	if (again && (size_t)(job - d->jobs) < d->next)
		d->next = (size_t)(job - d->jobs);
	d->spec->end(job->test, result, !again, d->spec->arg);
}

/* What a process that was killed could not take away: its machines' folders, which nobody holds any more. */
static void sweep(pid_t pid)
{
	VIV_FREE char *runtime = NULL;

	if (viv_dir_runtime(&runtime, NULL) < 0)
		return;
	if (pid > 0)
		viv_test_remains_remove(runtime, pid);
	else
		viv_test_remains_remove_all(runtime);
}

static void free_worker(struct worker *w)
{
	struct driver *d = w->driver;
	struct worker **at = &d->workers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	d->n_workers--;
	d->memory -= w->job->test->memory_mib;
	d->cores -= w->job->test->cores;
	if (w->pid > 0 && !w->kept)
		sweep(w->pid);
	viv_source_remove(w->readable);
	viv_source_remove(w->child); /* one that stays */
	viv_source_remove(w->limit);
	viv_close(w->fd);
	viv_str_free(&w->in);
	viv_test_result_free_contents(&w->result);
	munmap(w->note, sizeof(*w->note));
	free(w);
}

/* It has ended and all that it said was read. */
static int finish(struct worker *w)
{
	struct driver *d = w->driver;
	struct job *job = w->job;

	if ((w->child && !w->kept) || w->readable)
		return 0;
	if (!w->has_result)
		conclude(w);
	end_job(d, job, &w->result);
	free_worker(w);
	return start_some(d);
}

/* Once it is reaped its number may be another process's. */
static void put_down(struct worker *w, int signo)
{
	w->killed = w->killed || signo == SIGKILL;
	if (w->child)
		kill(w->pid, signo);
}

static int on_limit(struct viv_source *s, void *arg)
{
	struct worker *w = arg;

	w->limit = NULL;
	put_down(w, SIGKILL);
	return 0;
}

static void take_line(struct worker *w, const char *line, size_t len)
{
	struct driver *d = w->driver;
	VIV_JSON *j = NULL;
	const char *event;

	if (viv_json_parse(line, len, "a test's event", &j, NULL) < 0)
		return;
	event = viv_json_str(j, "event");
	if (event && viv_streq(event, "result")) {
		w->has_result = viv_test_result_parse(json_object_get(j, "result"), &w->result, NULL) == 0;
		return;
	}
	if (event && viv_streq(event, "begin") && !w->begun) {
		viv_source_remove(viv_steal(w->limit));
		w->begun = true;
		w->begun_at = viv_now_ms();
		if (limit_of(d, w->job->test))
			viv_loop_add_timer(d->loop, limit_of(d, w->job->test) + GRACE_MS, on_limit, w, &w->limit, NULL);
	}
	w->kept = w->kept || (event && viv_streq(event, "kept"));
	if (event)
		d->spec->event(w->job->test, j, d->spec->arg);
}

/* 1: there may be more; 0: the end, or more than there may be. */
static int read_some(struct worker *w)
{
	size_t at = w->in.len;
	ssize_t n = read(w->fd, viv_str_reserve(&w->in, 65536), 65536);
	char *end;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return -EAGAIN;
	if (n <= 0)
		return 0;
	viv_str_added(&w->in, (size_t)n);
	while ((end = memchr(w->in.data + at, '\n', w->in.len - at))) {
		take_line(w, w->in.data, (size_t)(end - w->in.data));
		viv_str_drop(&w->in, (size_t)(end - w->in.data) + 1);
		at = 0;
	}
	w->babbles = w->babbles || w->in.len > VIV_TEST_LINE_MAX;
	return !w->babbles;
}

static void stop_reading(struct worker *w)
{
	viv_source_remove(viv_steal(w->readable));
	w->fd = viv_close(w->fd);
}

static int on_readable(struct viv_source *s, int fd, uint32_t events, void *arg)
{
	struct worker *w = arg;

	if (read_some(w) != 0)
		return 0;
	stop_reading(w);
	if (w->babbles)
		put_down(w, SIGKILL);
	return finish(w);
}

/* What it has said is in the pipe; that a child of its own may hold the other end is nothing to wait for. */
static int on_child(struct viv_source *s, pid_t pid, int status, void *arg)
{
	struct worker *w = arg;

	w->child = NULL;
	w->status = status;
	while (w->readable && read_some(w) > 0)
		;
	if (w->readable)
		stop_reading(w);
	return finish(w);
}

/* A test's process has none of ours but its standard streams and its pipe: not the others' pipes, no locks. */
static int keep_only(int fd)
{
	int kept = STDERR_FILENO + 1;

	if (fd != kept && dup3(fd, kept, O_CLOEXEC) < 0)
		return fd;
	close_range((unsigned)kept + 1, ~0u, 0);
	return kept;
}

static _Noreturn void work(struct worker *w, const char *folder, int fd, pid_t parent)
{
	const struct driver *d = w->driver;
	const struct viv_test_case *c = w->job->test;
	const struct viv_test_run run = {
		.file = c->file,
		.text = c->text,
		.shown = c->shown,
		.name = c->name,
		.title = c->title,
		.combination = c->combination,
		.line = c->line,
		.matrix = viv_test_case_choices(c),
		.n_matrix = c->axes.count,
		.params = d->spec->params,
		.n_params = d->spec->n_params,
		.settings = d->spec->settings,
		.n_settings = d->spec->n_settings,
		.machines = c->machines,
		.expect = c->expect,
		.limit_ms = limit_of(d, c),
		.wait_ms = d->spec->wait_ms ? d->spec->wait_ms : VIV_TEST_WAIT_MS,
		.attempt = w->job->attempts,
		.folder = folder,
		.store = d->spec->store,
		.programs = d->spec->programs,
		.prompt = d->spec->prompt,
		.keep = d->spec->keep,
		.note = w->note,
	};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fd = keep_only(fd);
	viv_test_run(&run, fd);
	_exit(0);
}

static int start(struct driver *d, struct job *job)
{
	struct worker *w = viv_new(struct worker);
	VIV_FREE char *folder = NULL;
	pid_t parent = getpid();
	int fds[2] = {-1, -1}, r;

	*w = (struct worker){.driver = d, .job = job, .fd = -1, .started = viv_now_ms(), .next = d->workers};
	d->workers = w;
	d->n_workers++;
	d->memory += job->test->memory_mib;
	d->cores += job->test->cores;
	w->note = mmap(NULL, sizeof(*w->note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->note == MAP_FAILED)
		viv_oom();
	job->attempts++;
	folder = d->spec->folder ? d->spec->folder(job->test, job->attempts, d->spec->arg) : NULL;
	d->spec->begin(job->test, job->attempts, d->spec->arg);
	r = viv_pipe(fds, d->err);
	if (r < 0)
		return r;
	fflush(NULL); /* else what waits is written twice */
	w->fd = fds[0];
	w->pid = fork();
	if (w->pid == 0) {
		close(fds[0]);
		work(w, folder, fds[1], parent);
	}
	viv_close(fds[1]);
	if (w->pid < 0)
		return viv_error_set(d->err, errno, "cannot start a test");
	r = viv_loop_add_child(d->loop, w->pid, on_child, w, &w->child, d->err);
	if (r == 0)
		r = viv_set_nonblocking(w->fd, true, d->err);
	if (r == 0)
		r = viv_loop_add_io(d->loop, w->fd, EPOLLIN, on_readable, w, &w->readable, d->err);
	if (r < 0 || !limit_of(d, job->test)) /* somebody sits at a prompt */
		return r;
	return viv_loop_add_timer(d->loop, PREPARE_MS, on_limit, w, &w->limit, d->err);
}

/* One that can't be run, or isn't to be, has its result at once. */
static void pass_over(struct driver *d, struct job *job)
{
	const struct viv_test_case *c = job->test;
	VIV_CLEANUP(viv_test_result_free_contents) struct viv_test_result r =
		viv_test_case_result(c, c->error ? VIV_VERDICT_ERROR : VIV_VERDICT_SKIP);
	struct timespec now;

	r.reason = viv_strdup(c->error ? "the file can't be loaded" : c->skip);
	r.details = viv_strdup(c->error);
	clock_gettime(CLOCK_REALTIME, &now);
	r.begun = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	job->attempts = 1;
	d->spec->begin(c, 1, d->spec->arg);
	job->done = true;
	d->spec->end(c, &r, true, d->spec->arg);
}

static bool is_running(const struct driver *d, const struct job *job)
{
	for (const struct worker *w = d->workers; w; w = w->next)
		if (w->job == job)
			return true;
	return false;
}

static bool has_room(const struct driver *d, const struct viv_test_case *c)
{
	return d->memory + c->memory_mib <= d->memory_max && d->cores + c->cores <= d->cores_max;
}

/* The next ones, as many as may run at once; a large one waits until there is room, and lets smaller ones by. */
static int start_some(struct driver *d)
{
	for (size_t i = d->next; i < d->n_jobs && !d->signal && d->n_workers < d->max; i++) {
		struct job *job = &d->jobs[i];
		int r;

		if (job->done || is_running(d, job)) {
			d->next += i == d->next && job->done;
			continue;
		}
		if (job->test->error || job->test->skip) {
			pass_over(d, job);
			continue;
		}
		if (d->n_workers && !has_room(d, job->test))
			continue;
		r = start(d, job);
		if (r < 0)
			return r;
	}
	if (!d->n_workers)
		viv_loop_quit(d->loop, 0);
	return 0;
}

static int on_give_up(struct viv_source *s, void *arg)
{
	struct driver *d = arg;

	for (struct worker *w = d->workers; w; w = w->next)
		put_down(w, SIGKILL);
	return 0;
}

static int on_signal(struct viv_source *s, int signo, void *arg)
{
	struct driver *d = arg;

	if (signo == SIGINT && d->spec->prompt)
		return 0;
	/* Whoever means it says it again, later: timeout(1) signals its child and then its group. */
	if (d->signal && viv_now_ms() - d->signalled < SECOND_MS)
		return 0;
	for (struct worker *w = d->workers; w; w = w->next)
		put_down(w, d->signal ? SIGKILL : SIGTERM);
	d->signalled = viv_now_ms();
	if (d->signal == 0)
		viv_loop_add_timer(d->loop, CLEAR_MS, on_give_up, d, NULL, NULL);
	d->signal = signo;
	if (!d->n_workers)
		viv_loop_quit(d->loop, 0);
	return 0;
}

static int watch_signals(struct driver *d)
{
	static const int all[] = {SIGINT, SIGTERM, SIGHUP};
	int r = 0;

	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(all); i++)
		r = viv_loop_add_signal(d->loop, all[i], on_signal, d, NULL, d->err);
	return r;
}

/* What programs could still get (proc(5), meminfo), in MiB. */
static uint64_t available_memory(void)
{
	VIV_STR text = VIV_STR_INIT;
	const char *at;
	uint64_t kib;

	if (viv_read_file("/proc/meminfo", 65536, &text, NULL) < 0 || !(at = strstr(text.data, "MemAvailable:")))
		return 0;
	at += strlen("MemAvailable:");
	at += strspn(at, " ");
	return viv_slice_u64((struct viv_slice){at, strspn(at, "0123456789")}, UINT64_MAX, &kib) ? kib >> 10 : 0;
}

unsigned viv_driver_at_once(const struct viv_driver_spec *spec)
{
	return spec->jobs ? spec->jobs : (unsigned)VIV_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
}

/* Who says how many are to run at once knows what the machines do; else each processor of theirs is one of ours. */
static void measure_host(struct driver *d)
{
	uint64_t memory = available_memory();

	d->max = viv_driver_at_once(d->spec);
	d->cores_max = d->spec->jobs ? UINT64_MAX : d->max;
	d->memory_max = memory > SPARE_MIB ? memory - SPARE_MIB : memory;
}

/* After a failure of ours: nobody reads what they tell any more, so they are not waited for long. */
static void end_workers(struct driver *d)
{
	for (struct worker *w = d->workers; w; w = d->workers) {
		viv_source_remove(viv_steal(w->child));
		stop_reading(w);
		if (w->pid > 0) {
			kill(w->pid, SIGTERM);
			viv_process_wait(w->pid, KILL_MS, false, &w->status, NULL);
		}
		free_worker(w);
	}
}

int viv_driver_run(const struct viv_driver_spec *spec, int *ret_signal, struct viv_error *err)
{
	struct driver d = {.spec = spec, .n_jobs = spec->suite->n, .err = err};
	int r = viv_loop_new(&d.loop, err);

	if (r < 0)
		return r;
	d.jobs = viv_new_array(struct job, d.n_jobs);
	for (size_t i = 0; i < d.n_jobs; i++)
		d.jobs[i].test = &spec->suite->cases[i];
	measure_host(&d);
	sweep(0); /* drivers that were killed could not do that */
	r = watch_signals(&d);
	if (r == 0)
		r = start_some(&d);
	if (r == 0 && d.n_workers)
		r = viv_loop_run(d.loop, err);
	end_workers(&d);
	*ret_signal = d.signal;
	free(d.jobs);
	viv_loop_free(d.loop);
	return r;
}
