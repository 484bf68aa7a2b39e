/* SPDX-License-Identifier: MIT */
#include "plan/commands.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "deb/layer.h"
#include "image/erofs.h"
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_LIMIT   600000
#define SAID_MAX     2000
#define NOT_FOUND    127 /* sh's word for a program that isn't there */

struct viv_command *viv_commands_add(struct viv_commands *c, const char *option, const char *inputs, const char *script)
{
	c->items = viv_realloc(c->items, (c->count + 1) * sizeof(*c->items));
	c->items[c->count] = (struct viv_command){.option = viv_strdup(option),
						  .inputs = viv_strdup(inputs),
						  .script = viv_strdup(script)};
	return &c->items[c->count++];
}

void viv_commands_free(struct viv_commands *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->items[i].option);
		free(c->items[i].inputs);
		free(c->items[i].script);
	}
	free(c->items);
	*c = (struct viv_commands){0};
}

/* Does a command read the file? Their owners are not known yet: all are root's. */
static bool is_input(const struct viv_commands *c, const struct viv_etc_file *f)
{
	for (size_t i = 0; f->kind == VIV_ETC_FILE && i < c->count; i++) {
		struct viv_slice rest = viv_slice(c->items[i].inputs ? c->items[i].inputs : ""), word;

		while (viv_slice_word(&rest, &word))
			if (strncmp(f->path, word.data, word.len) == 0)
				return true;
	}
	return false;
}

/* A borrowed part of etc; its list alone is to be freed. */
static struct viv_etc inputs_of(const struct viv_commands *c, const struct viv_etc *etc)
{
	struct viv_etc some = {.files = viv_new_array(struct viv_etc_file, etc->n_files + 1)};

	for (size_t i = 0; i < etc->n_files; i++)
		if (is_input(c, &etc->files[i]))
			some.files[some.n_files++] = etc->files[i];
	return some;
}

json_t *viv_commands_describe(const struct viv_commands *c, const struct viv_etc *etc)
{
	struct viv_etc inputs = inputs_of(c, etc);
	json_t *scripts = json_array();

	for (size_t i = 0; i < c->count; i++)
		json_array_append_new(scripts, json_string(c->items[i].script));
	scripts = json_pack("{s:o, s:o}", "scripts", scripts, "files", viv_etc_describe(&inputs));
	free(inputs.files);
	return scripts;
}

struct job {
	const struct viv_commands *commands;
	struct viv_etc inputs;
	const struct viv_pack *pack; /* instead of layers and inputs */
	const char *folder;	     /* of the pack's files, outside */
	const struct viv_config *config;
	const char *name; /* of the image, in the folder "out" */
	int64_t time;
};

/* The tree is the packages': its links lead nowhere but into it. */
static int write_input(const char *root, const struct viv_etc_file *f, struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_dir(f->path);
	int r = viv_mkdir_below(root, dir, 0755, err);
	VIV_FD fd = r < 0 ? -1 : viv_open_below(root, f->path, O_WRONLY | O_CREAT | O_TRUNC, 0600, err);

	if (r == 0 && fd < 0)
		r = fd;
	if (r == 0)
		r = viv_write_all(fd, f->content.data ? f->content.data : "", f->content.len, f->path, err);
	if (r == 0 && fchmod(fd, f->mode) < 0)
		r = viv_error_set(err, errno, "%s", f->path);
	return r;
}

/* Its last lines, for a person. */
static char *last_words(const struct viv_str *said)
{
	size_t from = said->len > SAID_MAX ? said->len - SAID_MAX : 0;
	struct viv_slice rest = {said->data ? said->data + from : "", said->len - from}, line;
	struct viv_str s = VIV_STR_INIT;

	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *plain = viv_slice_printable(line);

		if (*plain)
			viv_str_addf(&s, "%s%s", s.len ? "\n" : "", plain);
	}
	return viv_str_steal(&s);
}

static int run(const char *root, const struct viv_command *c, const struct viv_config *config,
	       bool only_some, struct viv_error *err)
{
	const char *argv[] = {"/bin/sh", "-ec", c->script, NULL};
	VIV_STR said = VIV_STR_INIT;
	VIV_FREE char *words = NULL;
	const struct viv_sandbox_exec e = {
		.root = root,
		.argv = argv,
		.stdin_fd = -1,
		.output_fd = -1,
		.output = &said,
		.network_admin = c->network_admin,
		.timeout_ms = TIME_LIMIT,
	};
	int status, r = viv_sandbox_exec(&e, &status, err);

	if (r < 0 || status == 0)
		return r < 0 ? viv_error_context(err, "%s", c->option) : 0;
	if (only_some && WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return 0;
	words = last_words(&said);
	return viv_error_say(err, EINVAL, "%s: %s: %s", viv_config_place(config, c->option), c->option,
			     *words ? words : "the machine's own check failed");
}

static void close_walk(FTS **walk)
{
	if (*walk)
		fts_close(*walk);
}

/* A folder that the packages have keeps its owner and mode: the highest layer's are the machine's. */
static int keep_attributes(const char *root, const char *made, struct viv_error *err)
{
	char *const paths[] = {(char *)made, NULL};
	VIV_CLEANUP(close_walk) FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	if (!walk)
		return viv_error_set(err, errno, "%s", made);
	for (FTSENT *e; (e = fts_read(walk));) {
		VIV_FD there = -1;
		struct stat st;

		if (e->fts_info != FTS_D || e->fts_level == 0)
			continue;
		there = viv_open_below(root, e->fts_path + strlen(made) + 1, O_PATH | O_DIRECTORY, 0, NULL);
		if (there < 0)
			continue;
		if (fstat(there, &st) < 0 || lchown(e->fts_path, st.st_uid, st.st_gid) < 0 ||
		    chmod(e->fts_path, st.st_mode & 07777) < 0)
			return viv_error_set(err, errno, "%s", e->fts_path);
	}
	return 0;
}

static int copy_file(const struct viv_sandbox_view *view, const char *root, const struct job *job,
		     const struct viv_pack_entry *e, struct viv_error *err)
{
	VIV_FREE char *from = viv_asprintf("%s/pack%s", view->scratch, e->from + strlen(job->folder));
	VIV_FD in = viv_open(from, O_RDONLY, 0, err), out = -1;
	int r = 0;

	if (in < 0)
		return in;
	out = viv_open_below(root, e->path, O_WRONLY | O_CREAT | O_TRUNC, 0600, err);
	r = out < 0 ? out : viv_copy_content(in, out, e->path, err);
	if (r == 0 && (fchown(out, e->uid, e->gid) < 0 || fchmod(out, e->mode) < 0))
		r = viv_error_set(err, errno, "%s", e->path);
	return r;
}

static int lay_entry(const struct viv_sandbox_view *view, const char *root, const struct job *job,
		     const struct viv_pack_entry *e, struct viv_error *err)
{
	VIV_FREE char *dir = viv_path_dir(e->path);
	VIV_FD parent = -1;
	int r = viv_mkdir_below(root, e->type == 'd' ? e->path : dir, 0755, err);

	if (r < 0 || e->type == 'f')
		return r < 0 ? r : copy_file(view, root, job, e, err);
	parent = viv_open_below(root, e->type == 'd' ? e->path : dir, O_RDONLY | O_DIRECTORY, 0, err);
	if (parent < 0)
		return parent;
	if (e->type == 'd' ? fchown(parent, e->uid, e->gid) < 0 || fchmod(parent, e->mode) < 0
			   : symlinkat(e->from, parent, viv_path_base(e->path)) < 0)
		return viv_error_set(err, errno, "%s", e->path);
	return 0;
}

/* What the commands find: their inputs above the packages' layers, or all of a pack. */
static int lay(const struct viv_sandbox_view *view, const char *root, const struct job *job, struct viv_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < job->inputs.n_files; i++)
		r = write_input(root, &job->inputs.files[i], err);
	for (size_t i = 0; r == 0 && job->pack && i < job->pack->n; i++)
		if (!i || !viv_streq(job->pack->entries[i - 1].path, job->pack->entries[i].path))
			r = lay_entry(view, root, job, &job->pack->entries[i], err);
	return r;
}

static int make(const struct viv_sandbox_view *view, void *arg, struct viv_report *report VIV_UNUSED,
		struct viv_str *result VIV_UNUSED, struct viv_error *err)
{
	const struct job *job = arg;
	VIV_FREE char *root = viv_path_join(view->scratch, "root");
	VIV_FREE char *made = viv_asprintf("%s" VIV_COMMANDS_OUT, root);
	VIV_FREE char *out = viv_asprintf("%s/out/%s", view->scratch, job->name);
	int r = viv_mkdir_p(root, 0755, err);

	if (r == 0)
		r = lay(view, root, job, err);
	if (r == 0 && mkdir(made, 0755) < 0)
		r = viv_error_set(err, errno, "%s", made);
	if (r == 0)
		r = viv_sandbox_mount_api(root, err);
	if (r < 0)
		viv_error_context(err, "building made");
	for (size_t i = 0; r == 0 && i < job->commands->count; i++)
		r = run(root, &job->commands->items[i], job->config, job->pack != NULL, err);
	if (r == 0)
		r = viv_sandbox_unmount_api(root, err);
	if (r == 0)
		r = keep_attributes(root, made, err);
	return r < 0 || job->pack ? r : viv_erofs_write(made, out, job->time, job->name, false, err);
}

int viv_commands_run(const struct viv_commands *c, const struct viv_etc *etc, const struct viv_config *config,
		     const struct viv_strv *layers, const char *dest, int64_t time, struct viv_report *report,
		     struct viv_error *err)
{
	VIV_FREE char *folder = viv_path_dir(dest);
	struct job job = {.commands = c,
			  .inputs = inputs_of(c, etc),
			  .config = config,
			  .name = viv_path_base(dest),
			  .time = time};
	int r = viv_layers_call(layers, folder, make, &job, report, err);

	free(job.inputs.files);
	return r;
}

int viv_commands_check(const struct viv_commands *c, const struct viv_config *config, const struct viv_pack *pack,
		       const char *folder, struct viv_report *report, struct viv_error *err)
{
	const struct viv_sandbox_bind bind = {.host = folder, .name = "pack"};
	const struct viv_sandbox_spec spec = {.binds = &bind, .n_binds = 1};
	struct job job = {.commands = c, .pack = pack, .folder = folder, .config = config, .name = "root"};

	if (!c->count || !viv_pack_find(pack, "usr/bin/sh"))
		return 0;
	return viv_sandbox_call(&spec, make, &job, report, NULL, err);
}
