/* SPDX-License-Identifier: MIT */
#include "config/lua/test.h"

/*
 * Blocks: mkIf(condition, function() … end) that nobody assigned. With a plain true the function
 * runs when its file is done, with a plain false never. Where the condition is a ref or a function,
 * evaluation goes in rounds: conditions are asked, blocks whose condition holds run, and what they
 * set is there in the next round, until no block is left that wants to run. Conditions are looked
 * at once more in the end; what a block printed or did wrong counts only if it holds then.
 *
 * Names that a block sets in its own lines are expected (viv_eval_expect) before it runs: a
 * condition that needs one of them waits for that block, or is a cycle.
 */

struct viv_lua_block {
	const struct viv_value *value;
	struct viv_cond *cond;
	uint64_t major;
	bool ran;
	struct viv_fault *faults;
	size_t n_faults;
	const char **printed;
	size_t n_printed, cap_printed;
	size_t reads_from, reads_to;
};

static bool is_block(const struct viv_lua_wrapper *w)
{
	return !w->used && w->value->kind == VIV_VALUE_IF &&
	       w->value->wrap.inner->kind == VIV_VALUE_FUNCTION;
}

static void call_block(struct viv_lua *lua, const struct viv_value *value, struct viv_cond *cond,
		       uint64_t major)
{
	struct viv_cond *outer = lua->cond;
	uint64_t outer_major = lua->major;
	size_t mine = lua->n_wrappers;

	lua->cond = cond;
	lua->major = major;
	lua_rawgeti(lua->L, LUA_REGISTRYINDEX, value->wrap.inner->handle);
	if (viv_lua_call(lua, 0, NULL))
		lua_pop(lua->L, 1);
	lua->block_depth++;
	if (lua->n_wrappers > mine)
		viv_lua_take_blocks(lua, mine);
	lua->block_depth--;
	lua->cond = outer;
	lua->major = outer_major;
}

static void postpone(struct viv_lua *lua, const struct viv_value *value, struct viv_cond *cond,
		     uint64_t major)
{
	struct viv_lua_block *b = viv_arena_new(lua->arena, struct viv_lua_block);

	*b = (struct viv_lua_block){.value = value, .cond = cond, .major = major};
	lua->blocks = viv_arena_grow(lua->arena, lua->blocks, &lua->cap_blocks, lua->n_blocks + 1,
				     sizeof(*lua->blocks));
	lua->blocks[lua->n_blocks++] = b;
}

void viv_lua_take_blocks(struct viv_lua *lua, size_t from)
{
	if (lua->block_depth >= VIV_LUA_MAX_NESTING) {
		viv_fault_add(lua->faults, lua->wrappers[from].value->origin, NULL,
			      "blocks more than %d deep in each other", VIV_LUA_MAX_NESTING);
		lua->exhausted = true;
	}
	for (size_t i = from; i < lua->n_wrappers && !lua->exhausted; i++) {
		struct viv_lua_wrapper w = lua->wrappers[i];
		uint64_t major = lua->major ? lua->major : w.seq;
		const struct viv_value *test = w.value->wrap.test;
		struct viv_cond *cond;

		if (!is_block(&w))
			continue;
		lua->wrappers[i].used = true;
		cond = viv_arena_new(lua->arena, struct viv_cond);
		*cond = (struct viv_cond){
			.outer = w.cond, .test = w.value->wrap.test, .origin = w.value->origin};
		if (test->kind == VIV_VALUE_REF || test->kind == VIV_VALUE_FUNCTION)
			postpone(lua, w.value, cond, major);
		else if (test->kind != VIV_VALUE_BOOL || test->b)
			call_block(lua, w.value, cond, major);
	}
}

/* The lines of a block's function, as tokens between `function` and `end`. */
struct body {
	struct viv_lua_file *file;
	size_t from, to;
};

static size_t matching_end(const struct viv_tokens *t, size_t i)
{
	int depth = 0;

	for (; i < t->count; i++) {
		depth += t->items[i].role & VIV_TOKEN_OPENS    ? 1
			 : t->items[i].role & VIV_TOKEN_CLOSES ? -1
							       : 0;
		if (depth == 0)
			return i;
	}
	return t->count;
}

/*
 * The function that begins and ends on those lines: mkIf's last one. False where there is none, or
 * several mkIf on the line with more than one.
 */
static bool find_function(const struct viv_tokens *t, const lua_Debug *ar, struct body *ret)
{
	size_t found = 0, ifs = 0, end;

	for (size_t i = 0; i < t->count && t->items[i].line <= ar->linedefined; i++) {
		if (t->items[i].line != ar->linedefined)
			continue;
		ifs += viv_token_is(&t->items[i], "mkIf");
		if (!viv_token_is(&t->items[i], "function"))
			continue;
		end = matching_end(t, i);
		if (end == t->count || t->items[end].line != ar->lastlinedefined)
			continue;
		ret->from = i;
		ret->to = i = end;
		found++;
	}
	return found == 1 || (found && ifs == 1);
}

static bool find_body(struct viv_lua *lua, const struct viv_lua_block *b, struct body *ret)
{
	lua_Debug ar;

	lua_rawgeti(lua->L, LUA_REGISTRYINDEX, b->value->wrap.inner->handle);
	lua_getinfo(lua->L, ">S", &ar);
	ret->file = (struct viv_lua_file *)viv_lua_file_of_chunk(lua, ar.source);
	return ret->file && find_function(&viv_lua_scanned(lua, ret->file)->tokens, &ar, ret);
}

static void expect(struct viv_lua *lua, const struct viv_lua_block *b)
{
	const struct viv_statements *all;
	struct body body = {0};

	if (!find_body(lua, b, &body))
		return;
	all = &body.file->scanned->statements;
	for (size_t i = 0; i < all->count; i++) {
		const struct viv_statement *s = &all->items[i];
		struct viv_name name = s->lhs;
		struct viv_origin *origin;

		if (s->value <= body.from || s->value >= body.to ||
		    (lua->test && !viv_lua_statement_option(lua, body.file, &s->lhs, &name)))
			continue;
		origin = viv_arena_new(lua->arena, struct viv_origin);
		*origin = (struct viv_origin){
			.file = &body.file->file, .line = s->first_line, .lhs = s->lhs};
		origin->within = (struct viv_name){s->lhs.parts, s->lhs.count - name.count};
		viv_eval_expect(lua->ev, &name, origin, b->cond);
	}
}

void viv_lua_expect_blocks(struct viv_lua *lua)
{
	for (size_t i = 0; i < lua->n_blocks; i++) {
		lua->blocks[i]->cond->state = VIV_COND_NEW;
		if (!lua->blocks[i]->ran)
			expect(lua, lua->blocks[i]);
	}
}

static void forget_reads(struct viv_lua *lua, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		lua->reads[i].done = true;
}

/* Asks the conditions of blocks that did not run yet; what goes wrong on the way counts later. */
static size_t ask(struct viv_lua *lua, struct viv_lua_block **ret)
{
	size_t faults = lua->faults->count, reads = lua->n_reads, made = lua->n_wrappers, n = 0;

	lua->muted = true;
	for (size_t i = 0; i < lua->n_blocks && !lua->exhausted; i++)
		if (!lua->blocks[i]->ran && viv_cond_test(lua->ev, lua->blocks[i]->cond) > 0)
			ret[n++] = lua->blocks[i];
	lua->muted = false;
	if (lua->exhausted)
		return 0;
	lua->faults->count = faults;
	forget_reads(lua, reads, lua->n_reads);
	for (size_t i = made; i < lua->n_wrappers; i++)
		lua->wrappers[i].used = true;
	return n;
}

static void run_block(struct viv_lua *lua, struct viv_lua_block *b)
{
	struct viv_faults *f = lua->faults;
	size_t faults = f->count;

	b->ran = true;
	b->reads_from = lua->n_reads;
	lua->block = b;
	lua->evaluating = false;
	call_block(lua, b->value, b->cond, b->major);
	lua->block = NULL;
	b->reads_to = lua->n_reads;
	if (lua->exhausted)
		return;
	b->n_faults = f->count - faults;
	b->faults = viv_arena_array(lua->arena, struct viv_fault, b->n_faults + 1);
	for (size_t i = 0; i < b->n_faults; i++)
		b->faults[i] = f->items[faults + i];
	f->count = faults;
}

bool viv_lua_run_blocks(struct viv_lua *lua)
{
	struct viv_lua_block **hold;
	size_t n;

	if (!lua->n_blocks || lua->exhausted || lua->settled)
		return false;
	hold = viv_arena_array(lua->arena, struct viv_lua_block *, lua->n_blocks);
	n = ask(lua, hold);
	for (size_t i = 0; i < n && !lua->exhausted; i++)
		run_block(lua, hold[i]);
	lua->settled = n == 0;
	return !lua->exhausted;
}

/* A test file's own lines run for what it declares and for each machine: what they print is for the first. */
static bool is_said_already(struct viv_lua *lua)
{
	return lua->test && lua->test->spec->machine && !lua->evaluating && !lua->block && viv_lua_in_test_file(lua);
}

void viv_lua_print(struct viv_lua *lua, const char *text)
{
	struct viv_lua_block *b = lua->block;

	if (lua->muted || is_said_already(lua))
		return;
	if (!b) {
		viv_say(lua->report, VIV_INFO, "%s", text);
		return;
	}
	b->printed = viv_arena_grow(lua->arena, b->printed, &b->cap_printed, b->n_printed + 1,
				    sizeof(*b->printed));
	b->printed[b->n_printed++] = viv_arena_strdup(lua->arena, text);
}

/* What the block said and did wrong, now that it holds. */
static void tell(struct viv_lua *lua, const struct viv_lua_block *b)
{
	for (size_t i = 0; i < b->n_printed; i++)
		viv_say(lua->report, VIV_INFO, "%s", b->printed[i]);
	for (size_t i = 0; i < b->n_faults; i++)
		viv_fault_add(lua->faults, &b->faults[i].origin, &b->faults[i].name, "%s",
			      b->faults[i].text);
}

void viv_lua_settle_blocks(struct viv_lua *lua)
{
	for (size_t i = 0; i < lua->n_blocks && !lua->exhausted; i++) {
		const struct viv_lua_block *b = lua->blocks[i];
		bool holds = viv_cond_test(lua->ev, b->cond) > 0;

		if (b->ran && holds)
			tell(lua, b);
		else if (b->ran)
			forget_reads(lua, b->reads_from, b->reads_to);
	}
}
