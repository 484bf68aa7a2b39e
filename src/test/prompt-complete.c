/* SPDX-License-Identifier: MIT */
#include "test/methods.h"
#include "test/prompt.h"

#include <ctype.h>

static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Each of the table that begins so; as it is called. */
static void add_table(const struct method *m, struct viv_slice begin, struct viv_strv *ret)
{
	for (; m->name; m++)
		if (strncmp(m->name, begin.data, begin.len) == 0)
			viv_strv_pushf(ret, "%s(", m->name);
}

static void add_name(const char *name, struct viv_slice begin, struct viv_strv *ret)
{
	if (strncmp(name, begin.data, begin.len) == 0)
		viv_strv_push(ret, name);
}

static bool is_machine(const struct runner *r, struct viv_slice name)
{
	for (size_t i = 0; i < r->n_guests; i++)
		if (viv_slice_eq(name, r->guests[i]->global))
			return true;
	return false;
}

void prompt_complete(const struct runner *r, const char *line, size_t cursor, struct viv_strv *ret, size_t *ret_from)
{
	size_t from = cursor, of;
	struct viv_slice begin, object;

	while (from && is_of_name(line[from - 1]))
		from--;
	begin = (struct viv_slice){line + from, cursor - from};
	*ret_from = of = from;
	if (from && (line[from - 1] == ':' || line[from - 1] == '.')) {
		for (of = from - 1; of && is_of_name(line[of - 1]); of--)
			;
		object = (struct viv_slice){line + of, from - 1 - of};
		if (line[from - 1] == ':' && is_machine(r, object))
			for (const struct method *const *t = method_tables; *t; t++)
				add_table(*t, begin, ret);
		else if (line[from - 1] == '.' && viv_slice_eq(object, "t"))
			add_table(functions_assert, begin, ret);
	} else {
		for (size_t i = 0; i < r->n_guests; i++)
			add_name(r->guests[i]->global, begin, ret);
		for (const struct method *const *t = function_tables; *t; t++)
			add_table(*t, begin, ret);
		add_table(functions_prompt, begin, ret);
		add_name("t", begin, ret);
		add_name("print", begin, ret);
	}
	viv_strv_sort(ret);
}
