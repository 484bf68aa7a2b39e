/* SPDX-License-Identifier: MIT */

/* The option table and what is written of it: the reference has every row, docs/from-nixos.md speaks the truth. */

#include "base/fd.h"
#include "config/foreign.h"
#include "config/option.h"
#include "config/reference.h"
#include "unit.h"

#define FROM_NIXOS TEST_DATA "/../../docs/from-nixos.md"

/* As man(7) has it. */
static char *escaped(const char *text)
{
	struct viv_str s = VIV_STR_INIT;

	for (; *text; text++) {
		if (*text == '-' || *text == '\\')
			viv_str_add(&s, *text == '-' ? "\\" : "\\e");
		if (*text != '\\')
			viv_str_add_char(&s, *text);
	}
	return viv_str_steal(&s);
}

struct page {
	struct viv_str text;
	size_t entries;
	bool ok;
};

/* The option's part of the page, from its name to the next one's; the caller frees it. NULL: it has none. */
static char *entry_of(struct page *page, const char *name)
{
	VIV_FREE char *written = escaped(name);
	VIV_FREE char *head = viv_asprintf("\n.TP\n.B %s\n", written);
	const char *at = strstr(page->text.data, head), *end;

	if (!at)
		return NULL;
	at += strlen(head) - 1;
	end = strstr(at, "\n.TP\n");
	return end ? viv_strndup(at, (size_t)(end - at)) : viv_strdup(at);
}

static void expect_part(struct page *page, const char *name, const char *entry, const char *part)
{
	if (strstr(entry, part))
		return;
	print_error("%s: its entry has no \"%s\"\n", name, part + 1);
	page->ok = false;
}

static int check_entry(const char *name, const struct viv_option *o, void *arg)
{
	struct page *page = arg;
	VIV_FREE char *entry = entry_of(page, name);

	page->entries++;
	if (!entry) {
		print_error("the reference has no %s\n", name);
		page->ok = false;
		return 0;
	}
	if (o->alias_of) {
		expect_part(page, name, entry, "\nAnother name for ");
		return 0;
	}
	expect_part(page, name, entry, "\nType: ");
	expect_part(page, name, entry, "\nDefault: ");
	/* What is in a set or a list may be shown with that. */
	if (o->example || !strpbrk(name, "<["))
		expect_part(page, name, entry, "\nExample: ");
	return 0;
}

static void every_row_is_in_the_reference(void **state)
{
	struct page page = {.ok = true};
	size_t heads = 0;

	viv_reference_man(&page.text);
	assert_int_equal(viv_option_each(check_entry, &page), 0);
	for (const char *p = strstr(page.text.data, ".SH OPTIONS"); p && (p = strstr(p, "\n.TP\n.B ")); p += 5)
		heads++;
	assert_true(page.ok);
	assert_true(heads >= page.entries); /* and nothing is there twice for one that is missing */
	viv_str_free(&page.text);
}

static bool is_option(const char *name)
{
	VIV_FOREACH_OPTION(o)
		if (viv_streq(o->name, name))
			return true;
	return false;
}

/* "| `name` | what it is here |" */
static bool split_row(struct viv_slice line, char **name, char **here)
{
	const char *end;

	if (line.len < 4 || memcmp(line.data, "| `", 3) != 0)
		return false;
	end = memchr(line.data + 3, '`', line.len - 3);
	if (!end || line.len - (size_t)(end - line.data) < 4)
		return false;
	*name = viv_strndup(line.data + 3, (size_t)(end - line.data) - 3);
	*here = viv_strndup(end + 4, line.len - (size_t)(end + 4 - line.data));
	return true;
}

/* An error where the page says so, an option where it doesn't. */
static bool check_row(const char *name, const char *here, bool *was_error)
{
	bool error = viv_starts_with(here, "an error") || (*was_error && viv_starts_with(here, "the same"));

	*was_error = error;
	if (error ? viv_foreign_hint(name) && !is_option(name) : is_option(name) && !viv_foreign_hint(name))
		return true;
	print_error("%s: the page says it is %s\n", name, error ? "an error" : "an option");
	return false;
}

static void every_name_of_nixos(void **state)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_STRV named = VIV_STRV_INIT;
	struct viv_slice rest, line;
	bool ok = true, inside = false, was_error = false;

	assert_int_equal(viv_read_file(FROM_NIXOS, 1 << 20, &text, NULL), 0);
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		VIV_FREE char *name = NULL, *here = NULL;

		if (line.len > 2 && memcmp(line.data, "##", 2) == 0)
			inside = viv_slice_eq(line, "## Options");
		if (!inside || !split_row(line, &name, &here))
			continue;
		ok &= check_row(name, here, &was_error);
		viv_strv_push(&named, name);
	}
	assert_true(named.count > 40);
	assert_true(ok);
}

/* An option's name is never an error, too: nobody could set it. */
static void no_option_is_foreign(void **state)
{
	VIV_FOREACH_OPTION(o)
		assert_null(viv_foreign_hint(o->name));
	assert_non_null(viv_foreign_hint("services.xserver.desktopManager.gnome.enable"));
	assert_non_null(viv_foreign_hint("virtualisation.pathsInNixDB"));
	assert_null(viv_foreign_hint("networking.wirelessly"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_in_the_reference),
		cmocka_unit_test(every_name_of_nixos),
		cmocka_unit_test(no_option_is_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
