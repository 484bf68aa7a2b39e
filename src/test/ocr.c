/* SPDX-License-Identifier: MIT */
#include "test/ocr.h"

#include "base/fd.h"
#include "base/process.h"
#include "test/console-text.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX (4u << 20)

/* One picture that is being read. */
struct reading {
	struct runner *r;
	pid_t pid; /* 0: it is done */
	int status;
	struct viv_source *child;
	int in, out, errors;
};

static int on_child(struct viv_source *s, pid_t pid, int status, void *arg)
{
	struct reading *d = arg;

	d->pid = 0;
	d->status = status;
	d->child = NULL;
	runner_wake(d->r);
	return 0;
}

static int open_file(int *ret, struct viv_error *err)
{
	*ret = memfd_create("viv-ocr", MFD_CLOEXEC);
	return *ret < 0 ? viv_error_set(err, errno, "memfd_create") : 0;
}

/* "--psm 6" would take a screen for one block of text, "11" for words anywhere: the default finds blocks. */
static int begin(struct reading *d, const char *program, const struct picture *p, bool inverted,
		 struct viv_error *err)
{
	const char *argv[] = {program, "stdin", "stdout", "-l", "eng", "--dpi", "300", NULL};
	VIV_STRV env = VIV_STRV_INIT;
	struct viv_process_spec spec = {.argv = argv};
	VIV_STR pgm = VIV_STR_INIT;
	int r = open_file(&d->in, err);

	if (r == 0)
		r = open_file(&d->out, err);
	if (r == 0)
		r = open_file(&d->errors, err);
	if (r < 0)
		return r;
	picture_write(p, inverted, &pgm);
	r = viv_write_all(d->in, pgm.data, pgm.len, "a picture", err);
	if (r < 0 || lseek(d->in, 0, SEEK_SET) < 0)
		return r < 0 ? r : viv_error_set(err, errno, "a picture");
	/* Its threads wait for each other more than they read. */
	for (char **e = environ; *e; e++)
		if (!viv_starts_with(*e, "OMP_"))
			viv_strv_push(&env, *e);
	viv_strv_push(&env, "OMP_THREAD_LIMIT=1");
	spec.env = (const char *const *)env.items;
	spec.fds[0] = d->in;
	spec.fds[1] = d->out;
	spec.fds[2] = d->errors;
	r = viv_process_spawn(&spec, &d->pid, NULL, err);
	return r < 0 ? r : viv_loop_add_child(d->r->loop, d->pid, on_child, d, &d->child, err);
}

static int read_output(int fd, struct viv_str *ret, struct viv_error *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return viv_error_set(err, errno, "tesseract's output");
	return viv_read_to_end(fd, TEXT_MAX, ret, "tesseract's output", err);
}

/* Pages end with form feeds; the end of a line is the end of the text. */
static int finish(struct reading *d, char **ret, struct viv_error *err)
{
	VIV_STR out = VIV_STR_INIT, errors = VIV_STR_INIT;
	VIV_FREE char *how = NULL;
	int r = read_output(d->out, &out, err);

	if (r == 0)
		r = read_output(d->errors, &errors, err);
	if (r < 0)
		return r;
	if (d->status) {
		VIV_FREE char *said = viv_slice_printable(viv_slice_trim((struct viv_slice){errors.data, errors.len}));

		how = viv_process_status_text(d->status);
		viv_error_say(err, EIO, "tesseract reads no screen: %s: %.400s", how, said);
		return viv_error_hint(err, "it needs the English data: apt install tesseract-ocr-eng");
	}
	while (out.len && strchr(" \n\f", out.data[out.len - 1]))
		out.data[--out.len] = '\0';
	viv_str_add(&out, "\n");
	*ret = viv_str_steal(&out);
	return 0;
}

static void end(struct reading *d)
{
	viv_source_remove(d->child);
	if (d->pid) {
		kill(d->pid, SIGKILL);
		while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	viv_close(d->in);
	viv_close(d->out);
	viv_close(d->errors);
}

static bool are_done(void *arg)
{
	const struct reading *d = arg;

	return !d[0].pid && !d[1].pid;
}

static int read_by_tesseract(struct runner *r, struct guest *g, const struct picture *p, bool both, int64_t deadline,
	     char *ret_texts[2], struct viv_error *err)
{
	VIV_FREE char *program = viv_find_program("tesseract");
	struct reading d[2] = {{.r = r, .in = -1, .out = -1, .errors = -1}, {.r = r, .in = -1, .out = -1, .errors = -1}};
	char *texts[2] = {NULL, NULL};
	bool dark = picture_is_dark(p);
	int code;

	if (!program) {
		viv_error_say(err, ENOENT, "reading a screen needs tesseract, and it is not there");
		return viv_error_hint(err, "install it: apt install tesseract-ocr tesseract-ocr-eng");
	}
	code = begin(&d[0], program, p, dark, err);
	if (code == 0 && both)
		code = begin(&d[1], program, p, !dark, err);
	if (code == 0)
		code = runner_wait(r, g, are_done, d, deadline);
	if (code == 0)
		code = finish(&d[0], &texts[0], err);
	if (code == 0 && both)
		code = finish(&d[1], &texts[1], err);
	end(&d[0]);
	end(&d[1]);
	if (code < 0) {
		free(texts[0]);
		free(texts[1]);
		return code;
	}
	ret_texts[0] = texts[0];
	ret_texts[1] = texts[1];
	return 0;
}

int ocr_read(struct runner *r, struct guest *g, const struct picture *p, bool both, int64_t deadline,
	     char *ret_texts[2], struct viv_error *err)
{
	VIV_FREE struct console_font *font = viv_new(struct console_font);
	VIV_STR text = VIV_STR_INIT;

	if (!console_font_load(font) || !console_text_read(p, font, &text))
		return read_by_tesseract(r, g, p, both, deadline, ret_texts, err);
	ret_texts[0] = viv_str_steal(&text);
	ret_texts[1] = both ? viv_strdup(ret_texts[0]) : NULL;
	return 0;
}
