/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names of options and of what is in them: virtualisation.cores, users.users.paul.uid,
 * environment.etc["ssh/sshd_config"].text, boot.kernelParams[2].
 */

#include "base/arena.h"

struct viv_name {
	const char *const *parts; /* "[2]" is a list's second item; everything else a name */
	size_t count;
};

/* Text as a user writes it; parts that aren't identifiers come in quotes. */
void viv_name_add(const struct viv_name *name, struct viv_str *ret);
char *viv_name_text(struct viv_arena *arena, const struct viv_name *name);
/*
 * Dots separate, ["…"] quotes. False if it isn't a name (empty parts, an open bracket).
 */
bool viv_name_parse(struct viv_arena *arena, const char *text, struct viv_name *ret);
/* `name` with one part, or another name, more. */
struct viv_name viv_name_with(struct viv_arena *arena, const struct viv_name *name,
			      const char *part);
struct viv_name viv_name_join(struct viv_arena *arena, const struct viv_name *a,
			      const struct viv_name *b);
/* Without its first `n` parts. Borrows. */
struct viv_name viv_name_rest(const struct viv_name *name, size_t n);
bool viv_name_is_identifier(const char *part);
bool viv_name_is_index(const char *part);
