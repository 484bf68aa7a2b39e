/* SPDX-License-Identifier: MIT */
#include "plan/step.h"

#include "plan/accounts.h"
#include "plan/service.h"
#include "plan/unit.h"

#include <ctype.h>

/* Users and groups that options name, and that are no accounts of the machine's. */

/* Where others than /etc/passwd may know of accounts, what is not there is not nobody. */
static bool has_other_accounts(const struct viv_etc *etc, const struct viv_manifests *layers)
{
	static const char *const modules[] = {"/libnss_sss.so", "/libnss_ldap.so", "/libnss_extrausers.so",
					      "/libnss_winbind.so", "/libnss_nis.so"};

	for (size_t i = 0; i < etc->n_files; i++)
		if (viv_starts_with(etc->files[i].path, "etc/sysusers.d/") ||
		    viv_starts_with(etc->files[i].path, "etc/userdb/") ||
		    viv_streq(etc->files[i].path, "etc/nsswitch.conf"))
			return true;
	for (size_t i = 0; i < layers->n; i++)
		for (size_t k = 0; layers->texts[i].len && k < VIV_ARRAY_SIZE(modules); k++)
			if (strstr(layers->texts[i].data, modules[k]))
				return true;
	return false;
}

/* A name that is one: no number, nor what is known when it starts. */
static bool is_name(const char *s)
{
	return *s && !viv_streq(s, "-") && !isdigit((unsigned char)*s) && !strchr(s, '%');
}

static int check_job(const struct viv_config *config, const char *text, size_t i, const struct viv_accounts *a,
		     struct viv_error *err)
{
	static const char option[] = "services.cron.systemCronJobs";
	struct viv_slice rest = viv_slice(text), word = {0};
	VIV_FREE char *user = NULL, *place = NULL;

	for (size_t n = *text == '@' ? 2 : 6; n > 0; n--)
		viv_slice_word(&rest, &word);
	user = viv_slice_dup(word);
	if (viv_account_id(a->passwd.data, user) >= 0)
		return 0;
	place = viv_config_item_place(config, option, i);
	return viv_error_say(err, EINVAL, "%s: %s[%zu]: no user \"%s\"", place ? place : viv_config_place(config, option),
			     option, i + 1, user);
}

static int check_setting(const struct viv_config *config, const struct viv_service *s, const char *key,
			 const char *kind, const char *accounts, struct viv_error *err)
{
	VIV_FREE char *name = viv_service_setting(s, key);
	VIV_FREE char *option = viv_asprintf("%s.serviceConfig.%s", s->option, key);

	if (!name || !is_name(name) || viv_account_id(accounts, name) >= 0)
		return 0;
	return viv_error_say(err, EINVAL, "%s: %s: no %s \"%s\"", viv_config_place(config, option), option, kind, name);
}

static int check_service(const struct viv_config *config, const char *name, const json_t *entry,
			 const struct viv_accounts *a, struct viv_error *err)
{
	struct viv_service s;
	VIV_FREE char *dynamic = NULL;
	int r = 0;

	viv_service_get(name, entry, &s);
	dynamic = viv_service_setting(&s, "DynamicUser");
	if (s.enable && (!dynamic || viv_streq(dynamic, "false") || viv_streq(dynamic, "no"))) {
		r = check_setting(config, &s, "User", "user", a->passwd.data, err);
		if (r == 0)
			r = check_setting(config, &s, "Group", "group", a->group.data, err);
	}
	viv_service_free(&s);
	return r;
}

/* tmpfiles.d(5): TYPE PATH MODE USER GROUP …, where a colon means those that it makes. */
static int check_rule(const struct viv_config *config, const char *text, size_t i, const struct viv_accounts *a,
		      struct viv_error *err)
{
	static const char option[] = "systemd.tmpfiles.rules";
	const struct {
		const char *kind, *accounts;
	} words[] = {{NULL}, {NULL}, {NULL}, {"user", a->passwd.data}, {"group", a->group.data}};
	struct viv_slice rest = viv_slice(text), word;

	/* Quoted words may have blanks in them, and comments say what they like. */
	if (strpbrk(text, "\"'\\#"))
		return 0;
	for (size_t k = 0; k < VIV_ARRAY_SIZE(words) && viv_slice_word(&rest, &word); k++) {
		VIV_FREE char *name = viv_slice_dup(word), *place = NULL;
		const char *bare = *name == ':' ? name + 1 : name;

		if (!words[k].kind || !is_name(bare) || viv_account_id(words[k].accounts, bare) >= 0)
			continue;
		place = viv_config_item_place(config, option, i);
		return viv_error_say(err, EINVAL, "%s: %s[%zu]: no %s \"%s\"",
				     place ? place : viv_config_place(config, option), option, i + 1, words[k].kind, bare);
	}
	return 0;
}

int viv_plan_check_runs_as(const struct viv_plan *p, const struct viv_accounts *a, const struct viv_manifests *layers,
			   struct viv_error *err)
{
	const char *name;
	json_t *item;
	size_t i;
	int r = 0;

	if (has_other_accounts(&p->etc, layers))
		return 0;
	json_array_foreach((json_t *)viv_config_get(p->config, "services.cron.systemCronJobs"), i, item)
		if (r == 0)
			r = check_job(p->config, json_string_value(item), i, a, err);
	json_array_foreach((json_t *)viv_config_get(p->config, "systemd.tmpfiles.rules"), i, item)
		if (r == 0)
			r = check_rule(p->config, json_string_value(item), i, a, err);
	json_object_foreach((json_t *)viv_config_get(p->config, "systemd.services"), name, item)
		if (r == 0)
			r = check_service(p->config, name, item, a, err);
	return r;
}
