/* SPDX-License-Identifier: MIT */
#include "run/machines.h"

#include "base/loop.h"
#include "run/client.h"
#include "run/dir.h"

#include <dirent.h>

#define STATUS_MS 3000
#define ANSWER_MS 200 /* for each at least, whatever those before it took */

/* Every directory that may be a machine's. */
static int directory_names(const char *runtime, struct viv_strv *ret, struct viv_error *err)
{
	DIR *dir = opendir(runtime);
	struct dirent *e;

	if (!dir)
		return viv_error_set(err, errno, "%s", runtime);
	while ((e = readdir(dir)))
		if (viv_machine_name_is_valid(e->d_name))
			viv_strv_push(ret, e->d_name);
	closedir(dir);
	viv_strv_sort(ret);
	return 0;
}

int viv_machines_names(const char *runtime, struct viv_strv *ret, struct viv_error *err)
{
	VIV_STRV all = VIV_STRV_INIT;
	int r = directory_names(runtime, &all, err);

	for (size_t i = 0; r == 0 && i < all.count; i++) {
		struct viv_messages m = VIV_MESSAGES_INIT;
		int there = viv_client_connect(runtime, all.items[i], 0, &m, NULL);

		if (there == 0 || there == -ETIMEDOUT)
			viv_strv_push(ret, all.items[i]);
		viv_messages_close(&m);
	}
	return r;
}

/* A machine that is being asked. */
struct asked {
	const char *name;
	struct viv_messages m;
	int r; /* of asking */
};

/* Where no more callers are taken nobody is waited for: the others' time goes by. */
static void ask(const char *runtime, const char *name, struct asked *a)
{
	a->name = name;
	a->m = VIV_MESSAGES_INIT;
	a->r = viv_client_connect(runtime, name, 0, &a->m, NULL);
	if (a->r == 0)
		a->r = viv_client_ask(&a->m, json_pack("{s:s}", "do", "status"), NULL);
}

/* NULL if it is not there any more. */
static json_t *take_answer(struct asked *a, int64_t deadline)
{
	VIV_JSON *answer = NULL;
	json_t *machine;
	pid_t pid;
	int r = a->r;

	if (r == 0)
		r = viv_client_answer(&a->m, VIV_MAX(deadline - viv_now_ms(), ANSWER_MS), &answer, NULL);
	if (r == -ENOENT || r == -ENOTCONN)
		return NULL;
	machine = json_object_get(answer, "machine");
	if (r == 0 && json_is_object(machine))
		return json_incref(machine);
	machine = json_pack("{s:s, s:s}", "name", a->name, "state", "unresponsive");
	pid = viv_client_pid(&a->m);
	if (pid)
		json_object_set_new(machine, "pid", json_integer(pid));
	return machine;
}

/* All are asked first: one that stands still holds up the others' answers once, not each of them. */
int viv_machines_list(const char *runtime, json_t **ret, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT;
	int r = directory_names(runtime, &names, err);
	VIV_FREE struct asked *all = viv_new_array(struct asked, names.count + 1);
	int64_t deadline = viv_now_ms() + STATUS_MS;

	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < names.count; i++)
		ask(runtime, names.items[i], &all[i]);
	for (size_t i = 0; i < names.count; i++) {
		json_t *machine = take_answer(&all[i], deadline);

		if (machine)
			json_array_append_new(*ret, machine);
		viv_messages_close(&all[i].m);
	}
	return 0;
}

static int none_named(const char *runtime, const char *name, struct viv_error *err)
{
	VIV_STRV names = VIV_STRV_INIT, near = VIV_STRV_INIT;
	VIV_FREE char *all = NULL;

	viv_machines_names(runtime, &names, NULL);
	if (!names.count)
		return viv_error_say(err, ENOENT, "no machine named %s is running: none is", name);
	viv_suggest(name, (const char *const *)names.items, names.count, 1, &near);
	if (near.count)
		return viv_error_say(err, ENOENT,
				     "no machine named %s is running (did you mean %s?)", name,
				     near.items[0]);
	all = viv_strv_join(&names, ", ");
	return viv_error_say(err, ENOENT, "no machine named %s is running; there is: %s", name, all);
}

static int of_folder(const char *runtime, const char *folder, char **ret, struct viv_error *err)
{
	VIV_STRV here = VIV_STRV_INIT, all = VIV_STRV_INIT;
	VIV_FREE char *text = NULL;
	VIV_JSON *list = NULL;
	const json_t *machine;
	size_t i;
	int r = viv_machines_list(runtime, &list, err);

	if (r < 0)
		return r;
	json_array_foreach(list, i, machine) {
		const char *name = viv_json_str(machine, "name");
		const char *where = viv_json_str(machine, "folder");
		const char *state = viv_json_str(machine, "state");

		if (name)
			viv_strv_pushf(&all, "%s%s", name, state && viv_streq(state, "unresponsive")
								   ? " (does not answer)" : "");
		if (name && where && viv_streq(where, folder))
			viv_strv_push(&here, name);
	}
	if (here.count == 1) {
		*ret = viv_strdup(here.items[0]);
		return 0;
	}
	text = viv_strv_join(here.count ? &here : &all, ", ");
	if (here.count)
		return viv_error_say(err, ENOTUNIQ,
				     "several machines of this folder are running: %s\n"
				     "Say which by its name.",
				     text);
	viv_error_say(err, ENOENT, "no machine of this folder is running%s%s",
		      all.count ? "; there is: " : "", text);
	if (!all.count)
		viv_error_hint(err, "`viv run -d` starts it in the background.");
	return -ENOENT;
}

int viv_machines_connect(const char *runtime, const char *name, const char *folder,
			 struct viv_messages *ret, char **ret_name, struct viv_error *err)
{
	VIV_FREE char *found = viv_strdup(name);
	VIV_ERROR first = VIV_ERROR_INIT;
	int r = 0;

	if (!found)
		r = of_folder(runtime, folder, &found, err);
	if (r < 0)
		return r;
	r = viv_client_connect(runtime, found, VIV_CLIENT_ANSWER_MS, ret, &first);
	if (r == -ENOENT && name)
		return none_named(runtime, name, err);
	if (r < 0)
		return viv_error_move(err, &first);
	if (ret_name)
		*ret_name = viv_steal(found);
	return 0;
}
