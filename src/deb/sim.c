/* SPDX-License-Identifier: MIT */
#include "deb/records.h"

#include "base/fd.h"
#include "base/path.h"

#define STEPS_MAX 200000

void viv_sim_free(struct viv_sim *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->steps[i].name);
		free(s->steps[i].version);
		free(s->steps[i].label);
		free(s->steps[i].archive);
	}
	free(s->steps);
	*s = (struct viv_sim){0};
}

static bool take(struct viv_slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->len < n || memcmp(s->data, text, n) != 0)
		return false;
	s->data += n;
	s->len -= n;
	return true;
}

static struct viv_slice until(struct viv_slice *s, const char *stops)
{
	struct viv_slice r = {s->data, 0};

	while (r.len < s->len && !strchr(stops, s->data[r.len]))
		r.len++;
	s->data += r.len;
	s->len -= r.len;
	return r;
}

/*
 * "Debian:13.7/stable, Debian-Security:13/stable-security [amd64]": of the first index the label is
 * before the last ':', the archive after the last '/'.
 */
static void take_origin(struct viv_slice rest, struct viv_sim_step *step)
{
	struct viv_slice first = until(&rest, ",[)");
	const char *slash, *colon;

	first = viv_slice_trim(first);
	slash = first.data && first.len ? memrchr(first.data, '/', first.len) : NULL;
	colon = slash ? memrchr(first.data, ':', (size_t)(slash - first.data)) : NULL;
	step->label = colon ? viv_strndup(first.data, (size_t)(colon - first.data)) : viv_strdup("");
	step->archive = slash ? viv_strndup(slash + 1, (size_t)(first.data + first.len - slash - 1))
			      : viv_strdup("");
}

/* "Inst name [old] (version origin [arch])", "Conf name (version …)", "Remv name [version]" */
static bool parse_line(struct viv_slice line, struct viv_sim_step *step)
{
	struct viv_slice name, version = {0};

	if (take(&line, "Inst "))
		step->kind = VIV_SIM_UNPACK;
	else if (take(&line, "Conf "))
		step->kind = VIV_SIM_CONFIGURE;
	else if (take(&line, "Remv "))
		step->kind = VIV_SIM_REMOVE;
	else
		return false;
	name = until(&line, " ");
	take(&line, " ");
	if (take(&line, "[")) {
		step->upgrade = true;
		version = until(&line, "]");
		take(&line, "] ");
	}
	if (step->kind != VIV_SIM_REMOVE) {
		if (!take(&line, "("))
			return false;
		version = until(&line, " )");
	}
	if (!name.len || !version.len)
		return false;
	step->name = viv_slice_dup(name);
	step->version = viv_slice_dup(version);
	take_origin(line, step);
	return true;
}

int viv_sim_parse(const char *text, size_t len, struct viv_sim *ret, struct viv_error *err)
{
	struct viv_slice rest = {text, len}, line;
	struct viv_sim s = {0};

	while (viv_slice_line(&rest, &line)) {
		struct viv_sim_step step = {0};

		if (line.len < 5 || (memcmp(line.data, "Inst ", 5) && memcmp(line.data, "Conf ", 5) &&
				     memcmp(line.data, "Remv ", 5)))
			continue;
		if (!parse_line(line, &step) || s.n >= STEPS_MAX) {
			viv_sim_free(&s);
			return viv_error_say(err, EINVAL, "apt-get -s printed \"%.*s\"",
					     (int)line.len, line.data);
		}
		s.steps = viv_grow(s.steps, &s.cap, s.n + 1, sizeof(*s.steps));
		s.steps[s.n++] = step;
	}
	*ret = s;
	return 0;
}

/* What apt reads as installed. */
static int write_status(struct viv_apt *a, const struct viv_records *installed, char **ret,
			struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(a->dir, "state/status.installed");
	VIV_STR text = VIV_STR_INIT;
	VIV_FD fd = -1;
	int r;

	for (size_t i = 0; installed && i < installed->n; i++)
		viv_str_addf(&text, "%sStatus: install ok installed\n\n", installed->items[i].text);
	if (!text.len) {
		*ret = viv_path_join(a->dir, "state/status");
		return 0;
	}
	fd = viv_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	r = fd < 0 ? fd : viv_write_all(fd, text.data, text.len, path, err);
	if (r == 0)
		*ret = viv_steal(path);
	return r;
}

void viv_sim_add_whose(const struct viv_apt *a, const char *package, struct viv_str *text)
{
	VIV_FREE char *whose = a->whose ? a->whose(a->whose_data, package) : NULL;

	if (whose)
		viv_str_addf(text, "%s: ", whose);
}

/* Near names for each package that apt doesn't know. */
static int unknown_packages(struct viv_apt *a, const char *said, struct viv_error *err)
{
	const char *argv[] = {"apt-cache", "pkgnames", NULL};
	static const char mark[] = "Unable to locate package ";
	VIV_STRV names = VIV_STRV_INIT;
	VIV_STR out = VIV_STR_INIT, text = VIV_STR_INIT;
	struct viv_slice rest, line;

	viv_apt_run(a, argv, &out, NULL, NULL);
	rest = (struct viv_slice){out.data, out.len};
	while (viv_slice_line(&rest, &line))
		viv_strv_take(&names, viv_slice_dup(line));
	for (const char *p = said; (p = strstr(p, mark));) {
		VIV_STRV near = VIV_STRV_INIT;
		VIV_FREE char *name = NULL, *joined = NULL;

		p += sizeof(mark) - 1;
		name = viv_strndup(p, strcspn(p, " \n"));
		viv_suggest(name, (const char *const *)names.items, names.count, 3, &near);
		joined = viv_strv_join(&near, ", ");
		if (text.len)
			viv_str_add_char(&text, '\n');
		viv_sim_add_whose(a, name, &text);
		viv_str_addf(&text, "%s has no package %s", a->release, name);
		if (near.count)
			viv_str_addf(&text, " (did you mean %s?)", joined);
	}
	return viv_error_say(err, ENOENT, "%s", text.data ? text.data : said);
}

/* "Version '9' for 'hello' was not found" */
static int unknown_version(struct viv_apt *a, const char *said, const struct viv_error *now, struct viv_error *err)
{
	static const char mark[] = "' for '";
	const char *p = strstr(said, mark);
	VIV_FREE char *name = p ? viv_strndup(p + strlen(mark), strcspn(p + strlen(mark), "'\n")) : NULL;
	VIV_STR text = VIV_STR_INIT;

	if (name)
		viv_sim_add_whose(a, name, &text);
	return viv_error_say(err, ENOENT, "%s%s", text.data ? text.data : "", now->msg);
}

/* From the line that starts with `from` on, at most a screenful. */
static int tell_output(const struct viv_str *out, const char *from, const char *first,
		       struct viv_error *err)
{
	const char *p = out->data ? strstr(out->data, from) : NULL;

	return viv_error_say(err, EINVAL, "%s\n%.*s", first, p ? (int)strnlen(p, 2000) : 0,
			     p ? p : "");
}

static int explain(struct viv_apt *a, const struct viv_str *out, const struct viv_str *said,
		   struct viv_error *now, struct viv_error *err)
{
	const char *text = said->data ? said->data : "";

	if (strstr(text, "Unable to locate package"))
		return unknown_packages(a, text, err);
	if (strstr(text, "was not found"))
		return unknown_version(a, text, now, err);
	if (strstr(text, "no installation candidate"))
		return viv_error_say(err, ENOENT, "%s\n%.*s", now->msg,
				     (int)VIV_MIN(out->len, 2000u), out->data ? out->data : "");
	if (out->data && strstr(out->data, "unmet dependencies"))
		return tell_output(out, "The following packages have unmet",
				   "these packages can't be installed together", err);
	return viv_error_move(err, now);
}

int viv_sim_run(struct viv_apt *a, const struct viv_strv *wanted, const struct viv_records *installed,
		bool recommends, struct viv_sim *ret, struct viv_error *err)
{
	VIV_STRV argv = VIV_STRV_INIT;
	VIV_STR out = VIV_STR_INIT, said = VIV_STR_INIT;
	VIV_ERROR now = VIV_ERROR_INIT;
	VIV_FREE char *status = NULL;
	int r = write_status(a, installed, &status, err);

	if (r < 0)
		return r;
	viv_strv_push(&argv, "apt-get");
	viv_strv_push(&argv, "-s");
	viv_strv_push(&argv, "-y");
	viv_strv_pushf(&argv, "-oDir::State::status=%s", status);
	/*
	 * A cache with these packages would serve this once: it is made in memory, not written. The plain
	 * one stays good for what asks about packages.
	 */
	if (installed && installed->n)
		viv_strv_push(&argv, "-oDir::Cache::pkgcache=");
	viv_strv_pushf(&argv, "-oAPT::Install-Recommends=%d", recommends);
	viv_strv_push(&argv, "install");
	viv_strv_push_all(&argv, (const char *const *)wanted->items);
	r = viv_apt_run(a, (const char *const *)argv.items, &out, &said, &now);
	if (r < 0)
		return explain(a, &out, &said, &now, err);
	return viv_sim_parse(out.data ? out.data : "", out.len, ret, err);
}
