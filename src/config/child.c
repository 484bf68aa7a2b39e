/* SPDX-License-Identifier: MIT */
#include "config/child.h"

#include "base/fd.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * The answer: frames of a kind, a length (4 bytes, our own byte order) and as many bytes. Lines
 * that files print come as they are printed; then one error, or the definitions, what a test file
 * declares, and the values.
 */
enum {
	FRAME_PRINT = 'p',
	FRAME_ERROR = 'e',
	FRAME_DEFINITIONS = 'd',
	FRAME_DECLARED = 't',
	FRAME_VALUES = 'v',
	HEADER = 5
};

/* A sanitizer reserves more address space than there is memory. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* ---- the child ---- */

struct child_report {
	struct viv_report report; /* first */
	int fd;
};

static void send_frame(int fd, char kind, const char *data, size_t len)
{
	char header[HEADER];
	uint32_t n = (uint32_t)len;

	header[0] = kind;
	memcpy(header + 1, &n, sizeof(n));
	if (len > VIV_CONFIG_MAX_ANSWER || viv_write_all(fd, header, HEADER, "pipe", NULL) < 0 ||
	    viv_write_all(fd, data, len, "pipe", NULL) < 0)
		_exit(1);
}

static void send_json(int fd, char kind, const json_t *j)
{
	VIV_STR text = VIV_STR_INIT;

	viv_json_canonical(j, &text);
	send_frame(fd, kind, text.data, text.len);
}

static void send_message(struct viv_report *r, enum viv_level level, const char *text)
{
	(void)level;
	send_frame(((struct child_report *)r)->fd, FRAME_PRINT, text, strlen(text));
}

static void limit(int what, rlim_t value)
{
	/* Processor time: SIGXCPU first, which tells it from the kernel's own SIGKILL. */
	struct rlimit l = {value, what == RLIMIT_CPU ? value + 1 : value};

	setrlimit(what, &l);
}

/* What the process has mapped now, in bytes (proc(5), statm); 0 if that can't be told. */
static rlim_t mapped(void)
{
	VIV_STR text = VIV_STR_INIT;
	uint64_t pages;

	if (viv_read_file("/proc/self/statm", 4096, &text, NULL) < 0 ||
	    !viv_slice_u64((struct viv_slice){text.data, strcspn(text.data, " ")}, UINT32_MAX,
			   &pages))
		return 0;
	return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void confine(int *fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		dup2(null, i);
	*fd = dup2(*fd, 3);
	close_range(4, ~0u, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, 32);
	limit(RLIMIT_CPU, SANITIZED ? VIV_CONFIG_CPU_SECONDS_SANITIZED : VIV_CONFIG_CPU_SECONDS);
	if (!SANITIZED)
		limit(RLIMIT_AS, mapped() + ((rlim_t)VIV_CONFIG_MEMORY_MIB << 20));
}

static void reset_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child(const struct viv_config_request *req, const char *folder, int fd,
			    struct viv_lua_note *note, pid_t parent)
{
	struct child_report report = {.report.message = send_message};
	VIV_ERROR err = VIV_ERROR_INIT;
	struct viv_config_answer result = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	reset_signals();
	confine(&fd);
	report.fd = fd;
	if (viv_config_evaluate(req, folder, &report.report, note, &result, &err) < 0) {
		send_frame(fd, FRAME_ERROR, err.msg, strlen(err.msg));
	} else {
		send_frame(fd, FRAME_DEFINITIONS, result.definitions.data, result.definitions.len);
		if (result.declared)
			send_json(fd, FRAME_DECLARED, result.declared);
		send_json(fd, FRAME_VALUES, result.values);
	}
	_exit(0);
}

/* ---- the parent ---- */

struct answer {
	struct viv_report *report;
	struct viv_str data, definitions, declared;
	size_t total;
	char kind; /* of the last frame: FRAME_ERROR or FRAME_VALUES; 0: not there yet */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Takes whole frames off the buffer's start; the last one's content stays in it. */
static void take_frames(struct answer *a)
{
	while (!a->kind && a->data.len >= HEADER) {
		char kind = a->data.data[0];
		uint32_t n;

		memcpy(&n, a->data.data + 1, sizeof(n));
		if (a->data.len - HEADER < n)
			return;
		if (kind == FRAME_PRINT) {
			viv_say(a->report, VIV_INFO, "%.*s", (int)n, a->data.data + HEADER);
			viv_str_drop(&a->data, HEADER + n);
		} else if (kind == FRAME_DEFINITIONS || kind == FRAME_DECLARED) {
			struct viv_str *to =
				kind == FRAME_DECLARED ? &a->declared : &a->definitions;

			viv_str_clear(to);
			viv_str_add_bytes(to, a->data.data + HEADER, n);
			viv_str_drop(&a->data, HEADER + n);
		} else {
			viv_str_drop(&a->data, HEADER);
			a->kind = kind;
		}
	}
}

/* 0 at the end of the stream; -ETIMEDOUT; -EFBIG. */
static int receive(int fd, struct answer *a, struct viv_error *err)
{
	int64_t end = now_ms() + VIV_CONFIG_WALL_SECONDS * 1000;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end - now_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, viv_str_reserve(&a->data, 65536), 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return viv_error_set(err, errno, "cannot read the configuration's values");
		if (n == 0)
			return 0;
		viv_str_added(&a->data, (size_t)n);
		a->total += (size_t)n;
		if (a->total > VIV_CONFIG_MAX_ANSWER)
			return -EFBIG;
		take_frames(a);
	}
}

/* "vm.lua:7: " where the child was last, as far as is known. */
static void add_place(const struct viv_config_request *req, const struct viv_lua_note *note,
		      struct viv_str *to)
{
	if (note->line > 0)
		viv_str_addf(to, "%.*s:%d: ", (int)strnlen(note->file, sizeof(note->file)),
			     note->file, note->line);
	else if (req->file)
		viv_str_addf(to, "%s: ", req->file);
}

static int died(const struct viv_config_request *req, const struct viv_lua_note *note, int why,
		int status, struct viv_error *err)
{
	VIV_STR place = VIV_STR_INIT;
	const char *at;

	add_place(req, note, &place);
	at = place.data ? place.data : "";
	if (why == -EFBIG)
		return viv_error_say(err, EINVAL, "%smore than %d MiB come out of the files", at,
				     VIV_CONFIG_MAX_ANSWER >> 20);
	if (why == -ETIMEDOUT)
		return viv_error_say(err, EINVAL, "%s" VIV_LUA_TIME_IS_UP, at);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return viv_error_say(err, EINVAL, "%s" VIV_LUA_TIME_IS_UP, at);
	if (WIFSIGNALED(status))
		return viv_error_say(err, EINVAL, "%sthe evaluation ended with signal %d (%s)", at,
				     WTERMSIG(status), strsignal(WTERMSIG(status)));
	return viv_error_say(err, EINVAL, "%smore memory is needed than a configuration may take",
			     at);
}

static int finish(struct answer *a, const struct viv_config_request *req,
		  const struct viv_lua_note *note, int why, int status,
		  struct viv_config_answer *ret, struct viv_error *err)
{
	int r;

	if (err && err->code)
		return -err->code;
	if (why < 0 || !a->kind)
		return died(req, note, why, status, err);
	if (a->kind == FRAME_ERROR)
		return viv_error_say(err, EINVAL, "%.*s", (int)a->data.len, a->data.data);
	r = viv_json_parse(a->data.data, a->data.len, "configuration", &ret->values, err);
	if (r == 0 && a->declared.len)
		r = viv_json_parse(a->declared.data, a->declared.len, "declaration", &ret->declared,
				   err);
	if (r == 0) {
		ret->definitions = a->definitions;
		a->definitions = VIV_STR_INIT;
	}
	return r;
}

static int watch(pid_t pid, int fd, const struct viv_config_request *req,
		 const struct viv_lua_note *note, struct viv_report *report,
		 struct viv_config_answer *ret, struct viv_error *err)
{
	struct answer a = {.report = report};
	int status = 0, why = receive(fd, &a, err), r;

	if (why < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	r = finish(&a, req, note, why, status, ret, err);
	viv_str_free(&a.data);
	viv_str_free(&a.definitions);
	viv_str_free(&a.declared);
	return r;
}

int viv_config_evaluate_in_child(const struct viv_config_request *req, const char *folder,
				 struct viv_report *report, struct viv_config_answer *ret,
				 struct viv_error *err)
{
	struct viv_lua_note *note = mmap(NULL, sizeof(*note), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), pid;
	int fds[2], r;

	if (note == MAP_FAILED)
		return viv_error_set(err, errno, "cannot evaluate");
	r = viv_pipe(fds, err);
	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		child(req, folder, fds[1], note, parent);
	viv_close(fds[1]);
	if (pid < 0)
		r = viv_error_set(err, errno, "cannot start the evaluation");
	else
		r = watch(pid, fds[0], req, note, report, ret, err);
	viv_close(fds[0]);
	munmap(note, sizeof(*note));
	return r;
}
