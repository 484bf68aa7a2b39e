/* SPDX-License-Identifier: MIT */
#include "cmd/test-output.h"

#include "base/writer.h"

#include <sys/stat.h>
#include <unistd.h>

#define HURRY_MS 3000 /* for who reads, after a signal that asks for the end */

/* Bytes that may wait for who reads, before lines of that weight are left out; 0: any number. */
static const size_t rooms[] = {
	[VIV_TEST_CONSOLE] = 4 << 20,
	[VIV_TEST_EVENT] = 8 << 20,
	[VIV_TEST_RESULT] = 0,
};

/* A terminal that is both, for one: then the order of lines is to stay. */
static bool is_one_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int viv_test_output_open(struct viv_test_output *o, struct viv_error *err)
{
	int r;

	fflush(stdout);
	r = viv_writer_new(STDOUT_FILENO, &o->out, err);
	if (r == 0 && is_one_file(STDOUT_FILENO, STDERR_FILENO))
		o->err = o->out;
	else if (r == 0)
		r = viv_writer_new(STDERR_FILENO, &o->err, err);
	if (r == 0)
		viv_progress_through(o->cmd->report, o->err);
	return r;
}

static void add_note(const struct viv_test_output *o, struct viv_str *text)
{
	if (o->left_out && o->cmd->json)
		viv_str_addf(text, "{\"event\":\"left-out\",\"lines\":%llu}\n", (unsigned long long)o->left_out);
	else if (o->left_out)
		viv_str_addf(text, "[%llu lines are left out: nobody read them]\n", (unsigned long long)o->left_out);
}

void viv_test_output_add(struct viv_test_output *o, enum viv_test_weight weight, const struct viv_str *text)
{
	VIV_STR all = VIV_STR_INIT;

	if (!text->len)
		return;
	if (!o->out) {
		fwrite(text->data, 1, text->len, stdout);
		fflush(stdout);
		return;
	}
	add_note(o, &all);
	viv_str_add_bytes(&all, text->data, text->len);
	if (viv_writer_add(o->out, all.data, all.len, rooms[weight]))
		o->left_out = 0;
	else
		o->left_out++;
}

void viv_test_output_close(struct viv_test_output *o, bool hurry)
{
	VIV_STR note = VIV_STR_INIT;
	int r;

	if (!o->out)
		return;
	add_note(o, &note);
	viv_writer_add(o->out, note.data, note.len, 0);
	r = viv_writer_flush(o->out, hurry ? HURRY_MS : -1);
	o->cmd->output = r == -ETIMEDOUT ? 0 : r;
	viv_progress_through(o->cmd->report, NULL);
	if (o->err && o->err != o->out) { /* none: it could not be opened */
		viv_writer_flush(o->err, hurry ? HURRY_MS : -1);
		viv_writer_free(o->err);
	}
	viv_writer_free(o->out);
	*o = (struct viv_test_output){.cmd = o->cmd};
}
