/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Imports done by processes beside the one that installs: dpkg works on one processor, the others
 * uncompress what it will want next. Inside the sandbox only.
 */

#include "base/error.h"
#include "base/hash.h"
#include "base/util.h"

struct viv_import_job {
	char *from, *to;
	const char *id; /* the caller's name for it */
	bool urgent; /* dpkg can't begin without it */
};

struct viv_import_pool;

/* Starts on the jobs, in this order; they must live as long as the pool. */
int viv_import_pool_start(const struct viv_import_job *jobs, size_t n, struct viv_import_pool **ret,
			  struct viv_error *err);
/* Waits for a job. EBADMSG and so on: as viv_deb_import. */
int viv_import_pool_wait(struct viv_import_pool *p, size_t job, struct viv_error *err);
/* Done, and well: waiting for it succeeds at once. */
bool viv_import_pool_is_done(const struct viv_import_pool *p, size_t job);
/* Of a job that was waited for. */
const char *viv_import_pool_sha256(const struct viv_import_pool *p, size_t job);
void viv_import_pool_free(struct viv_import_pool *p); /* ends what still runs; NULL is fine */
VIV_DEFINE_CLEANUP(struct viv_import_pool, viv_import_pool_free)
