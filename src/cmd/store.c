/* SPDX-License-Identifier: MIT */
#include "cmd/store.h"

#include <time.h>

#define OBJECTS                                                                                    \
	"OBJECT is an id or its first digits, the name of an object if only one has it, or\n"      \
	"a link into the store such as ./result."

int viv_cmd_open_store(struct viv_cmd *cmd, struct viv_store **ret, struct viv_error *err)
{
	return viv_store_open(cmd->store, ret, err);
}

const char *viv_cmd_size_text(uint64_t bytes, char out[16])
{
	static const char *const units[] = {"B", "kiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double n = (double)bytes;
	size_t i = 0;

	for (; n >= 1000 && i + 1 < VIV_ARRAY_SIZE(units); i++)
		n /= 1024;
	snprintf(out, 16, i && n < 10 ? "%.1f %s" : "%.0f %s", n, units[i]);
	return out;
}

int viv_cmd_print_json(json_t *j)
{
	VIV_STR text = VIV_STR_INIT;

	viv_json_pretty(j, &text);
	fputs(text.data, stdout);
	json_decref(j);
	return VIV_EXIT_OK;
}

int viv_cmd_store_start(struct viv_cmd *cmd, const struct viv_args *args,
			struct viv_cmd_store *ret, struct viv_error *err)
{
	int r = viv_cmd_open_store(cmd, &ret->s, err);

	if (r == 0)
		r = viv_store_list(ret->s, &ret->list, err);
	for (size_t i = 0; r == 0 && i < args->n_operands; i++) {
		char *id = NULL;

		r = viv_store_find(ret->s, &ret->list, args->operands[i], &id, err);
		if (r == 0)
			viv_strv_take(&ret->ids, id);
	}
	return r;
}

void viv_cmd_store_end(struct viv_cmd_store *c)
{
	viv_strv_free(&c->ids);
	viv_store_list_free(&c->list);
	viv_store_close(c->s);
}

static const char *age_text(int64_t used, char out[16])
{
	int64_t s = VIV_MAX((int64_t)time(NULL) - used, 0);

	if (s < 7200)
		snprintf(out, 16, "%d min", (int)(s / 60));
	else if (s < 2 * 86400)
		snprintf(out, 16, "%d h", (int)(s / 3600));
	else
		snprintf(out, 16, "%d days", (int)VIV_MIN(s / 86400, 99999));
	return out;
}

static json_t *entry_json(const struct viv_store_entry *e)
{
	json_t *refs = json_array();

	for (size_t i = 0; i < e->refs.count; i++)
		json_array_append_new(refs, json_string(e->refs.items[i]));
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:s?}", "id", e->id, "kind", e->kind, "size",
			 (json_int_t)e->size, "used", (json_int_t)e->used, "refs", refs, "damage",
			 e->damage);
}

static int run_ls(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CMD_STORE c = {0};
	json_t *all;
	char size[16], age[16];

	if (viv_cmd_store_start(cmd, args, &c, err) < 0)
		return VIV_CMD_FAILED;
	all = json_array();
	if (!cmd->json && c.list.n)
		printf("%10s  %10s  %-10s  %s\n", "SIZE", "USED", "KIND", "OBJECT");
	for (size_t i = 0; i < c.list.n; i++) {
		const struct viv_store_entry *e = &c.list.entries[i];

		if (c.ids.count && !viv_strv_has(&c.ids, e->id))
			continue;
		if (cmd->json)
			json_array_append_new(all, entry_json(e));
		else
			printf("%10s  %10s  %-10s  %s%s\n", viv_cmd_size_text(e->size, size),
			       age_text(e->used, age), *e->kind ? e->kind : "-", e->id,
			       e->damage ? "  (damaged)" : "");
	}
	if (cmd->json)
		return viv_cmd_print_json(all);
	json_decref(all);
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_store_ls = {
	.name = "store ls",
	.summary = "List the objects of the store",
	.operands = "[OBJECT…]",
	.about = "The store is the folder $VIV_STORE, else $XDG_DATA_HOME/viv/store.\n" OBJECTS,
	.max_operands = -1,
	.run = run_ls,
};

static int run_closure(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CMD_STORE c = {0};
	VIV_STRV closure = VIV_STRV_INIT;
	json_t *all;

	if (!args->n_operands)
		return viv_cmd_usage(cmd, "which object?");
	if (viv_cmd_store_start(cmd, args, &c, err) < 0 ||
	    viv_store_closure(&c.list, &c.ids, &closure, err) < 0)
		return VIV_CMD_FAILED;
	all = json_array();
	for (size_t i = 0; i < closure.count; i++) {
		json_array_append_new(all, json_string(closure.items[i]));
		if (!cmd->json)
			puts(closure.items[i]);
	}
	if (cmd->json)
		return viv_cmd_print_json(all);
	json_decref(all);
	return VIV_EXIT_OK;
}

const struct viv_command viv_command_store_closure = {
	.name = "store closure",
	.summary = "List what objects need in order to be used",
	.operands = "OBJECT…",
	.about = "Each object comes after those that it needs.\n" OBJECTS,
	.max_operands = -1,
	.run = run_closure,
};

/* One row of du: of an object, and of it with all that it needs. */
struct row {
	const char *id;
	uint64_t size, disk, closure_size, closure_disk;
};

static int measure(const struct viv_cmd_store *c, const char *id, struct row *ret,
		   struct viv_error *err)
{
	VIV_STRV closure = VIV_STRV_INIT, one = VIV_STRV_INIT;
	struct row row = {.id = id};
	int r;

	viv_strv_push(&one, id);
	r = viv_store_closure(&c->list, &one, &closure, err);
	for (size_t i = 0; r == 0 && i < closure.count; i++) {
		row.size = viv_store_list_find(&c->list, closure.items[i])->size;
		r = viv_store_disk_size(c->s, closure.items[i], &row.disk, err);
		row.closure_size += row.size;
		row.closure_disk += row.disk;
	}
	if (r == 0)
		*ret = row; /* the object itself was the last */
	return r;
}

static void print_row(const struct row *row)
{
	char text[4][16];

	printf("%10s  %10s  %10s  %10s  %s\n", viv_cmd_size_text(row->size, text[0]),
	       viv_cmd_size_text(row->disk, text[1]), viv_cmd_size_text(row->closure_size, text[2]),
	       viv_cmd_size_text(row->closure_disk, text[3]), row->id);
}

static int by_closure(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->closure_size != y->closure_size)
		return x->closure_size > y->closure_size ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int print_rows(struct viv_cmd *cmd, struct row *rows, size_t n)
{
	json_t *all = json_array();
	uint64_t size = 0, disk = 0;
	char text[2][16];

	qsort(rows, n, sizeof(*rows), by_closure);
	if (!cmd->json)
		printf("%10s  %10s  %10s  %10s  %s\n", "SIZE", "ON DISK", "WITH REFS", "ON DISK",
		       "OBJECT");
	for (size_t i = 0; i < n; i++) {
		size += rows[i].size;
		disk += rows[i].disk;
		json_array_append_new(all, json_pack("{s:s, s:I, s:I, s:I, s:I}", "id", rows[i].id,
						     "size", rows[i].size, "disk", rows[i].disk,
						     "closureSize", rows[i].closure_size,
						     "closureDisk", rows[i].closure_disk));
		if (!cmd->json)
			print_row(&rows[i]);
	}
	if (cmd->json)
		return viv_cmd_print_json(all);
	json_decref(all);
	printf("%10s  %10s  %22s  %zu objects\n", viv_cmd_size_text(size, text[0]),
	       viv_cmd_size_text(disk, text[1]), "", n);
	return VIV_EXIT_OK;
}

static int run_du(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CMD_STORE c = {0};
	VIV_FREE struct row *rows = NULL;
	size_t n;

	if (viv_cmd_store_start(cmd, args, &c, err) < 0)
		return VIV_CMD_FAILED;
	n = c.ids.count ? c.ids.count : c.list.n;
	rows = viv_new_array(struct row, n + 1);
	for (size_t i = 0; i < n; i++)
		if (measure(&c, c.ids.count ? c.ids.items[i] : c.list.entries[i].id, &rows[i],
			    err) < 0)
			return VIV_CMD_FAILED;
	return print_rows(cmd, rows, n);
}

const struct viv_command viv_command_store_du = {
	.name = "store du",
	.summary = "Show how much room objects take",
	.operands = "[OBJECT…]",
	.about = "For each object its files' sizes and what they take on the disk, alone and with\n"
		 "all that it needs; largest first.\n" OBJECTS,
	.max_operands = -1,
	.run = run_du,
};
