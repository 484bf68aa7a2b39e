/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the evaluation asks of a language that machine files are written in. A front end reads
 * files, calls viv_eval_define for each definition in them, and keeps the functions among their
 * values; everything else happens without it.
 */

#include "config/fault.h"

struct viv_frontend {
	/*
	 * Calls a FUNCTION value with the finished configuration. NULL: it failed and the fault was
	 * reported, or it came upon another's. `name` is the option that wants it, for messages.
	 */
	struct viv_value *(*call)(struct viv_frontend *fe, const struct viv_value *function,
				  const struct viv_name *name);
	/*
	 * The exact line of a name in the file that an origin points to. ret comes with the
	 * origin's own line; it is left alone when nothing better is found.
	 */
	void (*locate)(struct viv_frontend *fe, const struct viv_origin *origin,
		       const struct viv_name *name, struct viv_place *ret);
};
