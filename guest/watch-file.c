/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>

int watch_file_begin(struct watch *w)
{
	w->own = malloc(sizeof(struct watch_path));
	if (!w->own)
		return ENOMEM;
	if (w->words[0][0] != '/')
		return watch_say(w, EINVAL, "%.200s: not an absolute path", w->words[0]);
	watch_path_begin(w, w->own);
	return WATCH_NOT_YET;
}

static bool comes_later(int r)
{
	return r == ENOENT || r == ENOTDIR || r == EACCES || r == ELOOP || r == ESTALE || r == EIO;
}

int watch_file_look(struct watch *w)
{
	int r = watch_path_look(w, w->own, w->words[0], NULL);

	return comes_later(r) ? WATCH_NOT_YET : r;
}

int watch_no_file_look(struct watch *w)
{
	int r = watch_path_look(w, w->own, w->words[0], NULL);

	return r == 0 ? WATCH_NOT_YET : r == ENOENT || r == ENOTDIR ? 0 : r;
}
