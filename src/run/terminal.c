/* SPDX-License-Identifier: MIT */
#include "run/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define CTRL_A '\001'

int viv_terminal_raw(int fd, struct viv_terminal *ret, struct viv_error *err)
{
	struct viv_terminal t = {.fd = fd};
	struct termios raw;

	if (tcgetattr(fd, &t.before) < 0)
		return viv_error_set(err, errno, "cannot read the terminal's settings");
	raw = t.before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return viv_error_set(err, errno, "cannot change the terminal's settings");
	*ret = t;
	return 0;
}

void viv_terminal_restore(struct viv_terminal *t)
{
	if (t->fd >= 0)
		tcsetattr(t->fd, TCSADRAIN, &t->before);
	t->fd = -1;
}

void viv_terminal_size(int fd, unsigned short *ret_rows, unsigned short *ret_columns)
{
	struct winsize size;
	bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col;

	*ret_rows = known ? size.ws_row : 24;
	*ret_columns = known ? size.ws_col : 80;
}

static bool is_prefix(const struct viv_escape *e, char c)
{
	return e->kind == VIV_ESCAPE_CTRL_A ? c == CTRL_A : c == '~' && e->at_start;
}

static bool is_end(const struct viv_escape *e, char c)
{
	return e->kind == VIV_ESCAPE_CTRL_A ? c == 'x' || c == 'X' : c == '.';
}

bool viv_escape_feed(struct viv_escape *e, const char *in, size_t len, char *out, size_t *ret_len)
{
	char prefix = e->kind == VIV_ESCAPE_CTRL_A ? CTRL_A : '~';
	size_t n = 0;
	bool end = false;

	for (size_t i = 0; i < len && !end; i++) {
		char c = in[i];

		if (e->armed) {
			e->armed = false;
			end = is_end(e, c);
			if (!end)
				out[n++] = prefix;
			if (!end && c != prefix)
				out[n++] = c;
		} else if (is_prefix(e, c)) {
			e->armed = true;
		} else {
			out[n++] = c;
		}
		e->at_start = c == '\r' || c == '\n';
	}
	*ret_len = n;
	return end;
}
