/* SPDX-License-Identifier: MIT */
#include "run/copy.h"

#include "base/fd.h"
#include "base/status.h"
#include "run/client.h"
#include "transfer/transfer.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMPLAINTS_MAX 60
#define WORD_BYTES     16
#define MEMORY_FROM    (1u << 20) /* bytes for which the shared memory is worth asking for */
#define SAID_MAX       (256u << 10)
#define PIPE_SIZE      (1 << 20)
#define SHOWN_FROM     (32u << 20) /* bytes after which people want to see something */
#define AGENT	       "/proc/self/exe" /* what starts the command: the agent */

/* One copy on its way. */
struct copying {
	const struct viv_copy *copy;
	struct viv_strv *complaints;
	size_t left_out; /* complaints beyond what is kept */
	int said;	 /* the guest's complaints */
	struct viv_transfer_memory memory; /* base is NULL where there is none */
	char word[2 * WORD_BYTES + 1];	   /* that it begins with */
	const char *what; /* "in", "out" */
	bool shown;	 /* that it is under way */
};

static void add_complaint(struct copying *c, struct viv_slice text)
{
	if (c->complaints->count < COMPLAINTS_MAX)
		viv_strv_take(c->complaints, viv_slice_printable(text));
	else
		c->left_out++;
}

static void on_complaint(const char *text, void *arg)
{
	add_complaint(arg, viv_slice(text));
}

static void on_advance(uint64_t bytes, const char *name, void *arg)
{
	struct copying *c = arg;
	VIV_FREE char *shown = NULL;

	if (bytes < SHOWN_FROM)
		return;
	if (!c->shown)
		viv_task_begin(c->copy->report, 0, "copying %s", c->what);
	c->shown = true;
	shown = viv_slice_printable(viv_slice(name));
	viv_task_advance(c->copy->report, bytes, shown);
}

/* The agent as a command: its stream is `theirs` in the direction that there is. */
static int start(struct copying *c, struct viv_messages *m, const char *const *argv, int in_fd,
		 int out_fd, struct viv_error *err)
{
	struct viv_client_command command = {
		.argv = argv, .user = c->copy->user, .in_fd = in_fd, .out_fd = out_fd};
	int fds[2], r = viv_pipe(fds, err);

	if (r < 0)
		return r;
	c->said = fds[0];
	command.err_fd = fds[1];
	r = viv_client_start(m, &command, err);
	viv_close(fds[1]);
	return r;
}

/* A larger pipe costs less switching; where it may not be larger it works, too. */
static int make_pipe(int ret_fds[2], struct viv_error *err)
{
	int r = viv_pipe(ret_fds, err);

	if (r == 0)
		fcntl(ret_fds[0], F_SETPIPE_SZ, PIPE_SIZE);
	return r;
}

static void take_said(struct copying *c)
{
	VIV_STR said = VIV_STR_INIT;
	struct viv_slice rest, line;

	viv_read_to_end(c->said, SAID_MAX, &said, "the guest's words", NULL);
	rest = (struct viv_slice){said.data ? said.data : "", said.len};
	while (viv_slice_line(&rest, &line))
		if (line.len)
			add_complaint(c, line);
	if (c->left_out)
		viv_strv_pushf(c->complaints, "… and %zu more", c->left_out);
}

/* done: what our half came to. The guest's half may know better why it was cut short. */
static int finish(struct copying *c, struct viv_messages *m, long done, struct viv_error *err)
{
	VIV_FREE char *reason = NULL;
	int status, r = viv_client_finish(m, &status, &reason, err);

	if (r < 0)
		return r;
	take_said(c);
	if (reason)
		return viv_error_say(err, EIO, "%s", reason);
	if (status > 2)
		return viv_error_say(err, EIO, "the guest's agent ended with %d", status);
	if ((done < 0 || status) && !c->complaints->count)
		return viv_error_set(err, done < 0 ? (int)-done : EIO, "the copy was cut short");
	return 0;
}

/* Is there so much to copy that it is worth it? What is in folders is not looked at. */
static bool is_much(const struct viv_copy *copy)
{
	for (const char *const *p = copy->from; *p; p++) {
		struct stat st;

		if (stat(*p, &st) == 0 && (S_ISDIR(st.st_mode) || st.st_size >= MEMORY_FROM))
			return true;
	}
	return false;
}

/* The guest knows the memory by the word that we write there. */
static void write_word(struct copying *c)
{
	uint8_t random[WORD_BYTES];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memset(random, 0, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(c->word + 2 * i, 3, "%02x", random[i]);
	memcpy(c->memory.base, c->word, 2 * WORD_BYTES);
}

/* Somebody else may have it, or nobody: then it goes without. */
static void ask_for_memory(struct copying *c, struct viv_messages *m)
{
	VIV_JSON *answer = NULL;
	VIV_FD fd = -1;
	struct stat st;
	void *p;

	if (viv_client_call(m, json_pack("{s:s}", "do", "memory"), VIV_CLIENT_ANSWER_MS, &answer,
			    NULL) < 0)
		return;
	fd = viv_messages_take_fd(m, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < VIV_TRANSFER_SLOT)
		return;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return;
	c->memory = (struct viv_transfer_memory){
		.base = p, .slots = (unsigned)(st.st_size / VIV_TRANSFER_SLOT), .back = -1};
	write_word(c);
}

static void add_start(const struct copying *c, const char *what, struct viv_strv *argv)
{
	viv_strv_push(argv, AGENT);
	viv_strv_push(argv, what);
	if (c->memory.base)
		viv_strv_pushf(argv, "--memory=%s", c->word);
}

/* A path of the guest's, which must not look like one of the agent's options. */
static void push_path(struct viv_strv *argv, const char *path)
{
	viv_strv_pushf(argv, "%s%s", path[0] == '-' ? "./" : "", path);
}

/* The guest's first byte says whether it has found the memory. NULL: no memory, or no answer. */
static const struct viv_transfer_memory *agree(struct copying *c, int from_guest)
{
	char there = 0;

	if (!c->memory.base || read(from_guest, &there, 1) != 1 || there != 'm')
		return NULL;
	return &c->memory;
}

static int put(struct copying *c, struct viv_messages *m, struct viv_error *err)
{
	const struct viv_copy *copy = c->copy;
	const struct viv_transfer_listener l = {on_complaint, on_advance, c};
	VIV_STRV argv = VIV_STRV_INIT;
	int fds[2], back[2], r = make_pipe(fds, err);
	long done = 0;

	if (r == 0)
		r = make_pipe(back, err);
	if (r < 0)
		return r;
	if (is_much(copy))
		ask_for_memory(c, m);
	add_start(c, "--put", &argv);
	if (copy->folder)
		viv_strv_push(&argv, "--folder");
	if (copy->owners)
		viv_strv_push(&argv, "--owners");
	push_path(&argv, copy->to);
	r = start(c, m, (const char *const *)argv.items, fds[0], back[1], err);
	viv_close(fds[0]);
	viv_close(back[1]);
	c->memory.back = back[0];
	if (r == 0)
		done = viv_transfer_send(fds[1], copy->from, agree(c, back[0]), &l);
	viv_close(fds[1]);
	if (r == 0)
		r = finish(c, m, done, err);
	viv_close(back[0]);
	return r;
}

/* What may come for it: see viv_transfer_target. */
static void add_names(const struct viv_copy *copy, struct viv_strv *names)
{
	for (const char *const *p = copy->from; *p; p++) {
		char name[VIV_TRANSFER_NAME_MAX + 1];

		viv_strv_push(names, viv_transfer_last_name(*p, name) ? name : "");
	}
}

static int get(struct copying *c, struct viv_messages *m, struct viv_error *err)
{
	const struct viv_copy *copy = c->copy;
	const struct viv_transfer_listener l = {on_complaint, on_advance, c};
	struct viv_transfer_target target = {.path = copy->to, .folder = copy->folder};
	VIV_STRV argv = VIV_STRV_INIT, names = VIV_STRV_INIT;
	int fds[2], back[2], r = make_pipe(fds, err);
	long done = 0;

	if (r == 0)
		r = make_pipe(back, err);
	if (r < 0)
		return r;
	ask_for_memory(c, m);
	add_start(c, "--get", &argv);
	for (const char *const *p = copy->from; *p; p++)
		push_path(&argv, *p);
	add_names(copy, &names);
	target.names = (const char *const *)names.items;
	r = start(c, m, (const char *const *)argv.items, back[0], fds[1], err);
	viv_close(fds[1]);
	viv_close(back[0]);
	c->memory.back = back[1];
	if (r == 0)
		done = viv_transfer_receive(fds[0], &target, agree(c, fds[0]), &l);
	viv_close(fds[0]);
	viv_close(back[1]);
	return r == 0 ? finish(c, m, done, err) : r;
}

static int copy(int (*way)(struct copying *, struct viv_messages *, struct viv_error *),
		const char *what, struct viv_messages *m, const struct viv_copy *copy,
		struct viv_strv *complaints, struct viv_error *err)
{
	struct copying c = {.copy = copy, .complaints = complaints, .said = -1, .what = what};
	int r = way(&c, m, err);

	if (c.shown)
		viv_task_end(copy->report, r == 0);
	viv_close(c.said);
	if (c.memory.base)
		munmap(c.memory.base, (size_t)c.memory.slots * VIV_TRANSFER_SLOT);
	return r;
}

int viv_copy_in(struct viv_messages *m, const struct viv_copy *c, struct viv_strv *complaints,
		struct viv_error *err)
{
	return copy(put, "in", m, c, complaints, err);
}

int viv_copy_out(struct viv_messages *m, const struct viv_copy *c, struct viv_strv *complaints,
		 struct viv_error *err)
{
	return copy(get, "out", m, c, complaints, err);
}
