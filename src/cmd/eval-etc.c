/* SPDX-License-Identifier: MIT */
#include "cmd/eval.h"

#include "cmd/store.h"
#include "plan/etc.h"

static const char *const kinds[] = {
	[VIV_ETC_FILE] = "file", [VIV_ETC_LINK] = "link", [VIV_ETC_FOLDER] = "folder"};

static struct viv_slice content_of(const struct viv_etc_file *f)
{
	return (struct viv_slice){f->content.data ? f->content.data : "", f->content.len};
}

/* UTF-8 without a NUL: NULL if it isn't. The caller owns it. */
static json_t *text_of(const struct viv_etc_file *f)
{
	struct viv_slice s = content_of(f);

	return memchr(s.data, '\0', s.len) ? NULL : json_stringn(s.data, s.len);
}

static json_t *to_json(const struct viv_config *config, const struct viv_etc_file *f)
{
	VIV_FREE char *path = viv_asprintf("/%s", f->path), *mode = viv_asprintf("%04o", f->mode);
	VIV_FREE char *drop_in = f->drop_in ? viv_asprintf("/%s.d/options.conf", f->path) : NULL;
	VIV_JSON *text = text_of(f);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s?, s:s?, s:s?, s:O?}", "path", path, "kind",
			 kinds[f->kind], "mode", mode, "user", f->user ? f->user : "root", "group",
			 f->group ? f->group : "root", "size", (json_int_t)f->content.len, "option",
			 f->option, "place", f->option ? viv_config_place(config, f->option) : NULL,
			 "dropIn", drop_in, f->kind == VIV_ETC_LINK ? "target" : "content", text);
}

static void print_one(const struct viv_config *config, const struct viv_etc_file *f)
{
	VIV_FREE char *where = viv_etc_where(config, f);
	VIV_JSON *text = text_of(f);
	const char *shown = json_string_value(text);

	if (f->kind == VIV_ETC_LINK)
		viv_cmd_print(stdout, "# /%s -> %s\n# %s\n\n", f->path, shown, where);
	if (f->kind != VIV_ETC_FILE)
		return;
	viv_cmd_print(stdout, "# /%s %04o %s:%s\n# %s\n", f->path, f->mode, f->user ? f->user : "root",
		      f->group ? f->group : "root", where);
	if (f->drop_in)
		viv_cmd_print(stdout, "# (where a package has this unit: /%s.d/options.conf)\n", f->path);
	if (shown)
		viv_cmd_print(stdout, "%s%s\n", shown, !*shown || viv_ends_with(shown, "\n") ? "" : "\n");
	else
		viv_cmd_print(stdout, "(%zu bytes that are no text)\n\n", f->content.len);
}

static int print_contents(struct viv_cmd *cmd, const struct viv_etc *etc, const char *const *paths)
{
	for (; *paths; paths++) {
		const struct viv_etc_file *f = viv_etc_find(etc, *paths + strspn(*paths, "/"));
		struct viv_slice s;

		if (!f) {
			viv_progress_clear(cmd->report);
			viv_cmd_print(stderr, "viv: no option writes %s (`viv eval --etc` lists the files)\n",
				      *paths);
			return VIV_EXIT_USAGE;
		}
		s = content_of(f);
		fwrite(s.data, 1, s.len, stdout);
		if (f->kind == VIV_ETC_LINK)
			fputc('\n', stdout);
	}
	return VIV_EXIT_OK;
}

static void print_all(const struct viv_cmd *cmd, const struct viv_config *config, const struct viv_etc *etc)
{
	VIV_JSON *all = json_array();

	for (size_t i = 0; i < etc->n_files; i++) {
		if (cmd->json)
			json_array_append_new(all, to_json(config, &etc->files[i]));
		else
			print_one(config, &etc->files[i]);
	}
	if (cmd->json)
		viv_cmd_print_json(json_incref(all));
	else
		fputs("# /etc/passwd, /etc/group, /etc/shadow, /etc/gshadow 0644, 0640 root:root, root:shadow\n"
		      "# users.users and users.groups, with those of the packages\n", stdout);
}

int viv_cmd_eval_etc(struct viv_cmd *cmd, const struct viv_config *config, const char *const *paths,
		     struct viv_error *err)
{
	VIV_CLEANUP(viv_etc_free_contents) struct viv_etc etc = {0};

	if (viv_etc_collect(config, &etc, err) < 0)
		return VIV_CMD_FAILED;
	if (paths[0] && !cmd->json)
		return print_contents(cmd, &etc, paths);
	if (paths[0])
		return viv_cmd_usage(cmd, "--json prints all files: name none");
	print_all(cmd, config, &etc);
	return VIV_EXIT_OK;
}
