/* SPDX-License-Identifier: MIT */
#pragma once

/* What jansson lacks: scoped references, bounded files, text that is always the same bytes. */

#include "base/error.h"
#include "base/str.h"

#include <jansson.h>

static inline void viv_json_decrefp(json_t **j)
{
	json_decref(*j);
}
#define VIV_JSON VIV_CLEANUP(viv_json_decrefp) json_t

/* Compact, keys sorted: what is hashed. */
void viv_json_canonical(const json_t *j, struct viv_str *ret);
/* Indented by two, keys sorted, newline at the end: what people read. */
void viv_json_pretty(const json_t *j, struct viv_str *ret);
/* `what` names the text in messages. The caller owns *ret. */
int viv_json_parse(const char *text, size_t len, const char *what, json_t **ret,
		   struct viv_error *err);
int viv_json_read_file(const char *path, size_t max, json_t **ret, struct viv_error *err);
int viv_json_write_file(const char *path, const json_t *j, mode_t mode, struct viv_error *err);

/* A string; of text that is not UTF-8 what is printable in ASCII. NULL: null. The caller owns it. */
json_t *viv_json_text(const char *text);

/* An object's keys, sorted; pushed to *ret. NULL has none. */
void viv_json_keys(const json_t *obj, struct viv_strv *ret);

/* A member that must be there with that type; NULL otherwise. */
const char *viv_json_str(const json_t *obj, const char *key);
bool viv_json_u64(const json_t *obj, const char *key, uint64_t max, uint64_t *ret);
