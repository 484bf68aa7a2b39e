/* SPDX-License-Identifier: MIT */
#include "config/load.h"

#include "base/path.h"
#include "config/check.h"
#include "config/merge.h"
#include "config/settings.h"

#include <unistd.h>

#define MAX_MESSAGES 100

struct load {
	struct viv_arena arena;
	struct viv_faults faults;
	struct viv_lua *lua;
	struct viv_eval ev;
};

static void clear_load(struct load *l)
{
	viv_lua_free(l->lua);
	viv_arena_free(&l->arena);
}

static void load_if_there(struct load *l, const char *path, int tier)
{
	if (access(path, F_OK) == 0)
		viv_lua_load(l->lua, path, path, tier);
}

/*
 * The machine's first: what several import belongs to the strongest of them.
 */
static int load_files(struct load *l, const struct viv_config_request *req, struct viv_error *err)
{
	VIV_FREE char *user_dir = viv_dir_config(), *user = NULL, *absolute = NULL;
	int r;

	if (req->file || (req->test && req->test->text)) {
		const char *file = req->file ? req->file : "machine";

		r = viv_path_absolute(file, &absolute, err);
		if (r < 0)
			return r;
		viv_lua_load(l->lua, absolute, file, VIV_TIER_MACHINE);
	}
	if (req->no_site_files || (req->test && !req->test->machine))
		return 0;
	user = viv_path_join(user_dir, "config.lua");
	load_if_there(l, user, VIV_TIER_USER);
	load_if_there(l, "/etc/viv/config.lua", VIV_TIER_SITE);
	return 0;
}

static void add_place(struct load *l, const struct viv_origin *origin, const struct viv_name *name, struct viv_str *to)
{
	struct viv_place p = {0};

	if (origin) {
		p = (struct viv_place){origin->file, origin->line};
		viv_lua_locate_place(l->lua, origin, name, &p);
	}
	viv_place_add(&p, to);
}

static bool is_text(const struct viv_value *v)
{
	return v->kind != VIV_VALUE_SET && v->kind != VIV_VALUE_FUNCTION && v->kind != VIV_VALUE_REF;
}

/* Of what is a list with sets, or with what comes to one: where each of its items stands, one a line. */
static void add_items(struct load *l, const struct viv_name *name, const struct viv_def *d, struct viv_str *to)
{
	size_t n = d->value->kind == VIV_VALUE_LIST ? d->value->list.count : 0, texts = 0;

	for (size_t i = 0; i < n; i++)
		texts += is_text(d->value->list.items[i]);
	for (size_t i = 0; texts < n && i < n; i++) {
		struct viv_name part = viv_name_with(&l->arena, name, viv_arena_printf(&l->arena, "[%zu]", i + 1));

		add_place(l, viv_def_origin(d->value->list.items[i], d), &part, to);
		viv_str_add_char(to, '\n');
	}
}

static void add_definition(struct load *l, const char *name, const struct viv_slot *s,
			   const struct viv_def *d, struct viv_str *to)
{
	VIV_JSON *value = viv_value_to_json(d->value);
	struct viv_name parts = viv_slot_name(&l->ev, s);

	viv_str_add(to, name);
	viv_str_add_char(to, '\0');
	add_place(l, d->origin, &parts, to);
	viv_str_add_char(to, '\0');
	add_items(l, &parts, d, to);
	viv_str_add_char(to, '\0');
	viv_str_addf(to, "%lld %d", (long long)d->priority, d->used);
	viv_str_add_char(to, '\0');
	viv_json_canonical(value, to);
	viv_str_add_char(to, '\0');
}

static void add_definitions(struct load *l, const struct viv_slot *s, struct viv_str *to)
{
	struct viv_name name = viv_slot_name(&l->ev, s);
	const char *text = s->n_defs ? viv_name_text(&l->arena, &name) : NULL;

	if (s->alias)
		return;
	for (int used = 1; used >= 0; used--)
		for (size_t i = 0; i < s->n_defs; i++)
			if (s->defs[i].used == used && !s->defs[i].rest.count)
				add_definition(l, text, s, &s->defs[i], to);
	for (size_t i = 0; i < s->n_children; i++)
		add_definitions(l, s->children[i], to);
}

void viv_config_answer_clear(struct viv_config_answer *a)
{
	json_decref(a->values);
	json_decref(a->declared);
	viv_str_free(&a->definitions);
	*a = (struct viv_config_answer){0};
}

/* All definitions, those of conditional blocks that hold among them. */
static void define(struct load *l, const struct viv_config_request *req, const char *folder)
{
	size_t faults = l->faults.count;

	do {
		l->faults.count = faults; /* those of the definitions come again */
		viv_eval_init(&l->ev, &l->arena, &l->faults, viv_lua_frontend(l->lua));
		viv_lua_define(l->lua);
		viv_settings_define(&l->ev, req->settings, req->n_settings, folder);
	} while (viv_lua_run_blocks(l->lua));
	viv_lua_settle(l->lua);
}

static int fail(struct load *l, struct viv_error *err)
{
	VIV_STR messages = VIV_STR_INIT;

	viv_faults_format(&l->faults, viv_lua_frontend(l->lua), MAX_MESSAGES, &messages);
	return viv_error_say(err, EINVAL, "%s",
			     messages.data ? messages.data : "the files can't be evaluated");
}

/* What the test file declares is all that is wanted. */
static int finish_declaration(struct load *l, struct viv_config_answer *ret, struct viv_error *err)
{
	viv_lua_finish(l->lua);
	if (l->faults.count)
		return fail(l, err);
	ret->values = json_object();
	return 0;
}

static int run(struct load *l, const struct viv_config_request *req, const char *folder,
	       struct viv_config_answer *ret, struct viv_error *err)
{
	struct viv_value *all = NULL;
	VIV_JSON *packages = NULL;
	int r = load_files(l, req, err);

	if (r < 0)
		return r;
	if (req->test)
		ret->declared = viv_lua_test_declared(l->lua);
	if (req->test && !req->test->machine)
		return finish_declaration(l, ret, err);
	define(l, req, folder);
	viv_eval_all(&l->ev);
	if (!l->faults.count)
		viv_check(&l->ev);
	if (!l->faults.count)
		packages = viv_lua_packages(l->lua);
	viv_lua_finish(l->lua);
	r = viv_slot_value(&l->ev, l->ev.root, &all);
	if (l->faults.count || r < 0)
		return fail(l, err);
	ret->values = viv_value_to_json(all);
	json_object_set(json_object_get(ret->values, "packages"), "fromSource", packages);
	add_definitions(l, l->ev.root, &ret->definitions);
	return 0;
}

int viv_config_evaluate(const struct viv_config_request *req, const char *folder,
			struct viv_report *report, struct viv_lua_note *note,
			struct viv_config_answer *ret, struct viv_error *err)
{
	VIV_CLEANUP(clear_load) struct load l = {0};

	l.faults.arena = &l.arena;
	l.lua = viv_lua_new(&l.arena, &l.faults, report, note);
	viv_eval_init(&l.ev, &l.arena, &l.faults, viv_lua_frontend(l.lua));
	viv_lua_set_eval(l.lua, &l.ev);
	if (req->test)
		viv_lua_set_test(l.lua, req->test);
	return run(&l, req, folder, ret, err);
}
