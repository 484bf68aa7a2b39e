/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct unix_file {
	struct watch_path path;
	int type;
};

int watch_unix_begin(struct watch *w)
{
	const char *type = w->n > 1 ? w->words[1] : "stream";
	struct unix_file *u = calloc(1, sizeof(*u));

	if (!u)
		return ENOMEM;
	w->own = u;
	u->type = strcmp(type, "dgram") == 0 ? SOCK_DGRAM : SOCK_STREAM;
	if (u->type == SOCK_STREAM && strcmp(type, "stream") != 0)
		return watch_say(w, EINVAL, "%.100s: neither stream nor dgram", type);
	if (w->words[0][0] != '/')
		return watch_say(w, EINVAL, "%.200s: not an absolute path", w->words[0]);
	watch_path_begin(w, &u->path);
	return WATCH_NOT_YET;
}

/* The file comes with bind(2), an event; of listen(2) nothing tells. */
int watch_unix_look(struct watch *w)
{
	struct unix_file *u = w->own;
	struct stat st;
	int r = watch_path_look(w, &u->path, w->words[0], &st);

	if (r || !S_ISSOCK(st.st_mode))
		return r == EINVAL || r == ENAMETOOLONG ? r : WATCH_NOT_YET;
	if (watch_unix_socket(w, u->type, &st, u->path.real) ||
	    watch_unix_socket(w, u->type, &st, w->words[0]))
		return 0;
	watch_look_again(w);
	return WATCH_NOT_YET;
}
