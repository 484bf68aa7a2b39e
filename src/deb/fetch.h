/* SPDX-License-Identifier: MIT */
#pragma once

/* Archives, fetched by apt's own methods into the store. Inside deb/ only. */

#include "deb/deb.h"
#include "deb/lock.h"

/*
 * Fetches those of the n packages whose archives the store lacks: several at a time, going on where
 * an earlier attempt was broken off, checked against their hashes. What a mirror has dropped is looked
 * for on the snapshot mirrors at the index's time. ENODATA: nobody has it any more (viv update).
 */
int viv_deb_fetch(struct viv_store *store, const struct viv_deb_source *source,
		  const struct viv_lock *lock, const struct viv_lock_package *const *packages,
		  size_t n, struct viv_report *report, struct viv_error *err);
