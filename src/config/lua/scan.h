/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lua's tokens, read from a machine file when there is an error to report: Lua itself keeps no
 * place for a table's members, and gives a statement of several lines the line of its end. The text
 * can be anything, Lua or not; what is no token comes out as one character.
 */

#include "base/str.h"
#include "config/name.h"

enum viv_token_kind {
	VIV_TOKEN_END,
	VIV_TOKEN_NAME,
	VIV_TOKEN_STRING,
	VIV_TOKEN_NUMBER,
	VIV_TOKEN_OP
};

/* What a token does to the structure around it. */
enum {
	VIV_TOKEN_OPENS = 1,   /* ( [ { function if do repeat */
	VIV_TOKEN_CLOSES = 2,  /* ) ] } end until */
	VIV_TOKEN_KEYWORD = 4, /* a name that is no variable's */
	VIV_TOKEN_OPERAND = 8, /* a value can end with it */
	VIV_TOKEN_JOINS = 16,  /* and, or: a name that goes on with an expression */
	VIV_TOKEN_STOPS = 32,  /* , ; = */
};

struct viv_token {
	enum viv_token_kind kind;
	unsigned role;	       /* of the above */
	struct viv_slice text; /* of a string: what is between its quotes, escapes as they stand */
	int line;	       /* where it begins, from 1 */
	bool long_string;
	bool opens_line; /* the first token on its line */
};

struct viv_tokens {
	struct viv_token *items; /* the last is VIV_TOKEN_END */
	size_t count;		 /* without it */
};

/* All tokens; in the arena. Text after what no memory limit would bear (2 million) is left out. */
struct viv_tokens viv_scan(struct viv_arena *arena, struct viv_slice text);

bool viv_token_is(const struct viv_token *t, const char *text); /* a name or an operator */

/* An assignment: boot.kernelParams = { … }. */
struct viv_statement {
	struct viv_name lhs;
	size_t value, end; /* tokens [value, end) */
	int first_line, last_line;
};

struct viv_statements {
	struct viv_statement *items; /* as they begin in the file */
	size_t count;
};

struct viv_statements viv_scan_statements(struct viv_arena *arena, const struct viv_tokens *t);

/*
 * The line of a name (key, or "[2]") within the value [from, to), one part after the other as far
 * as they are found; 0: not even the first is. Looks into function calls and functions too.
 */
int viv_scan_find(const struct viv_tokens *t, size_t from, size_t to, const struct viv_name *name);

/*
 * The next plain nil in a table, as an item or (*ret_member) as the value of a name, from token *at
 * on; *at is then the token after it. `open` is what is open there: empty at first.
 */
bool viv_scan_nil(struct viv_tokens t, struct viv_str *open, size_t *at, bool *ret_member);
