/* SPDX-License-Identifier: MIT */
#include "test/line.h"

#include "base/dl.h"
#include "base/path.h"

#include <locale.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_LINES 1000
#define LINE_BYTES    (1u << 20)

struct viv_line {
	struct viv_line_spec spec;
	char *history_file;
	EditLine *edit; /* NULL: lines come as they are */
	History *history;
	FILE *in;
	const char *prompt; /* while a line is read */
	int stopped;	    /* what wait returned */
	struct viv_str typed; /* without libedit: what was read */
	bool at_end;
};

/* With libedit */

static char *edit_prompt(EditLine *e)
{
	struct viv_line *l = NULL;

	sym_el_get(e, EL_CLIENTDATA, &l);
	return (char *)l->prompt;
}

/* One character, of as many bytes as it has: 1, 0 at the end, -1. */
static int edit_getc(EditLine *e, wchar_t *ret)
{
	struct viv_line *l = NULL;
	mbstate_t state = {0};

	sym_el_get(e, EL_CLIENTDATA, &l);
	for (;;) {
		char byte;
		ssize_t n;
		size_t used;

		l->stopped = l->spec.wait(l->spec.in_fd, l->spec.arg);
		if (l->stopped < 0)
			return -1;
		n = read(l->spec.in_fd, &byte, 1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return (int)n;
		used = mbrtowc(ret, &byte, 1, &state);
		if (used == (size_t)-2)
			continue;
		if (used == (size_t)-1)
			*ret = (unsigned char)byte;
		return 1;
	}
}

static size_t common_length(const struct viv_strv *list)
{
	size_t n = strlen(list->items[0]);

	for (size_t i = 1; i < list->count; i++)
		for (size_t k = 0; k < n; k++)
			if (list->items[i][k] != list->items[0][k])
				n = k;
	return n;
}

static unsigned char edit_complete(EditLine *e, int key)
{
	const LineInfo *info = sym_el_line(e);
	struct viv_line *l = NULL;
	VIV_FREE char *line = viv_strndup(info->buffer, (size_t)(info->lastchar - info->buffer)), *more = NULL;
	size_t cursor = (size_t)(info->cursor - info->buffer), from = cursor, n;
	VIV_STRV list = VIV_STRV_INIT;

	sym_el_get(e, EL_CLIENTDATA, &l);
	l->spec.complete(line, cursor, &list, &from, l->spec.arg);
	if (!list.count)
		return CC_REFRESH_BEEP;
	n = common_length(&list);
	if (n > cursor - from) {
		more = viv_strndup(list.items[0] + (cursor - from), n - (cursor - from));
		sym_el_insertstr(e, more);
		return CC_REFRESH;
	}
	fputc('\n', l->spec.out);
	for (size_t i = 0; i < list.count; i++)
		fprintf(l->spec.out, "%s%s", list.items[i], i + 1 < list.count ? "  " : "\n");
	fflush(l->spec.out);
	return CC_REDISPLAY;
}

static void open_history(struct viv_line *l)
{
	HistEvent event;

	l->history = sym_history_init();
	if (!l->history)
		return;
	sym_history(l->history, &event, H_SETSIZE, HISTORY_LINES);
	sym_history(l->history, &event, H_SETUNIQUE, 1);
	if (l->history_file)
		sym_history(l->history, &event, H_LOAD, l->history_file);
	sym_el_set(l->edit, EL_HIST, sym_history, l->history);
}

static void open_edit(struct viv_line *l)
{
	if (!isatty(l->spec.in_fd) || !isatty(fileno(l->spec.out)) || viv_dl_libedit(NULL) < 0)
		return;
	setlocale(LC_CTYPE, ""); /* this process is the prompt's alone */
	l->in = fdopen(dup(l->spec.in_fd), "r");
	if (!l->in)
		return;
	l->edit = sym_el_init("viv", l->in, l->spec.out, l->spec.out);
	if (!l->edit)
		return;
	sym_el_set(l->edit, EL_CLIENTDATA, l);
	sym_el_set(l->edit, EL_EDITOR, "emacs");
	sym_el_set(l->edit, EL_PROMPT, edit_prompt);
	sym_el_set(l->edit, EL_GETCFN, edit_getc);
	sym_el_set(l->edit, EL_ADDFN, "viv-complete", "completes names", edit_complete);
	sym_el_set(l->edit, EL_BIND, "\t", "viv-complete", NULL);
	sym_el_set(l->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	open_history(l);
}

static int read_edited(struct viv_line *l, char **ret)
{
	HistEvent event;
	int n = 0;
	const char *line;

	l->stopped = 0;
	line = sym_el_gets(l->edit, &n);
	if (l->stopped < 0) {
		fputc('\n', l->spec.out);
		fflush(l->spec.out);
		return l->stopped;
	}
	if (!line || n <= 0)
		return -ENODATA;
	*ret = viv_strndup(line, (size_t)n - (line[n - 1] == '\n'));
	if (**ret && l->history)
		sym_history(l->history, &event, H_ENTER, *ret);
	return 0;
}

static void save_history(struct viv_line *l)
{
	VIV_FREE char *folder = l->history_file ? viv_path_dir(l->history_file) : NULL;
	VIV_FREE char *fresh = l->history_file ? viv_asprintf("%s.%d", l->history_file, (int)getpid()) : NULL;
	HistEvent event;

	if (!fresh || !l->history || viv_mkdir_p(folder, 0700, NULL) < 0)
		return;
	if (sym_history(l->history, &event, H_SAVE, fresh) < 0 || rename(fresh, l->history_file) < 0)
		unlink(fresh);
}

/* Without */

static int read_plain(struct viv_line *l, char **ret)
{
	char *end = NULL;

	fputs(l->prompt, l->spec.out);
	fflush(l->spec.out);
	while (!(end = l->typed.len ? memchr(l->typed.data, '\n', l->typed.len) : NULL) && !l->at_end &&
	       l->typed.len < LINE_BYTES) {
		int r = l->spec.wait(l->spec.in_fd, l->spec.arg);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(l->spec.in_fd, viv_str_reserve(&l->typed, 4096), 4096);
		if (n > 0)
			viv_str_added(&l->typed, (size_t)n);
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			l->at_end = true;
	}
	if (!l->typed.len)
		return -ENODATA;
	*ret = viv_strndup(l->typed.data, end ? (size_t)(end - l->typed.data) : l->typed.len);
	viv_str_drop(&l->typed, VIV_MIN(strlen(*ret) + 1, l->typed.len));
	return 0;
}

/* Both */

struct viv_line *viv_line_new(const struct viv_line_spec *spec)
{
	struct viv_line *l = viv_new(struct viv_line);

	l->spec = *spec;
	l->history_file = viv_strdup(spec->history);
	open_edit(l);
	return l;
}

void viv_line_free(struct viv_line *l)
{
	if (!l)
		return;
	if (l->edit) {
		save_history(l);
		sym_el_end(l->edit);
	}
	if (l->history)
		sym_history_end(l->history);
	if (l->in)
		fclose(l->in);
	viv_str_free(&l->typed);
	free(l->history_file);
	free(l);
}

int viv_line_read(struct viv_line *l, const char *prompt, char **ret)
{
	int r;

	l->prompt = prompt;
	r = l->edit ? read_edited(l, ret) : read_plain(l, ret);
	l->prompt = NULL;
	return r;
}

void viv_line_hide(struct viv_line *l)
{
	if (!l->edit || !l->prompt)
		return;
	fputs("\r\033[K", l->spec.out);
	fflush(l->spec.out);
}

void viv_line_show(struct viv_line *l)
{
	if (l->edit && l->prompt)
		sym_el_set(l->edit, EL_REFRESH);
}
