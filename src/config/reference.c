/* SPDX-License-Identifier: MIT */
#include "config/reference.h"

#include "config/option.h"

#include <fnmatch.h>

#define WIDTH 78

struct search {
	const char *pattern; /* NULL: all */
	bool in_text;
	size_t found;
	void (*add)(struct search *s, const char *name, const struct viv_option *o);
	struct viv_str *text;
	json_t *list;
};

/* "a.<name>.b" as a pattern for fnmatch: "a.*.b". */
static char *wildcards(const char *name)
{
	struct viv_str s = VIV_STR_INIT;

	for (; *name; name++) {
		if (*name == '<' || *name == '[') {
			viv_str_add_char(&s, '*');
			name += strcspn(name, ">]");
		} else {
			viv_str_add_char(&s, *name);
		}
	}
	return viv_str_steal(&s);
}

void viv_reference_assigned(const char *name, struct viv_str *ret)
{
	const char *item = strstr(name, "[].");

	if (item) {
		viv_reference_assigned(item + 3, ret);
		return;
	}
	for (; *name; name += strspn(name, ".")) {
		size_t len = strcspn(name, ".");

		/* A dash is no letter in Lua, and return a word of its own. */
		if (memchr(name, '-', len) || viv_slice_eq((struct viv_slice){name, len}, "return"))
			viv_str_addf(ret, "[\"%.*s\"]", (int)len, name);
		else
			viv_str_addf(ret, "%s%.*s", ret->len ? "." : "", (int)len, name);
		name += len;
	}
}

/* "virtualisation.cores = 4" */
static void add_example(const char *name, const struct viv_option *o, struct viv_str *ret)
{
	viv_reference_assigned(name, ret);
	viv_str_addf(ret, " = %s", o->example);
}

static bool matches(const struct search *s, const char *name, const struct viv_option *o)
{
	VIV_FREE char *own = NULL, *anywhere = NULL;

	if (!s->pattern)
		return true;
	if (s->in_text)
		return o->text && strcasestr(o->text, s->pattern);
	own = wildcards(name);
	anywhere = viv_asprintf("*%s*", s->pattern);
	return fnmatch(anywhere, name, FNM_CASEFOLD) == 0 ||
	       (strchr(own, '*') && fnmatch(own, s->pattern, FNM_CASEFOLD) == 0);
}

static int visit(const char *name, const struct viv_option *o, void *arg)
{
	struct search *s = arg;

	if (!matches(s, name, o))
		return 0;
	s->add(s, name, o);
	s->found++;
	return 0;
}

static size_t search(struct search *s)
{
	viv_option_each(visit, s);
	if (!s->found && s->pattern) {
		s->in_text = true;
		viv_option_each(visit, s);
	}
	return s->found;
}

static void type_text(const struct viv_option *o, struct viv_str *ret)
{
	viv_type_expected(o->type, ret);
}

static const char *needs_text(const struct viv_option *o, struct viv_str *ret)
{
	viv_init_describe(o->inits, ret);
	return ret->data;
}

/* As it is written in a machine file. */
static void add_lua(const json_t *j, struct viv_str *ret)
{
	const json_t *item;
	size_t i;

	if (json_is_array(j) || json_is_object(j)) {
		viv_str_add(ret, json_array_size(j) ? "{ " : "{}");
		json_array_foreach((json_t *)j, i, item)
		{
			viv_str_add(ret, i ? ", " : "");
			add_lua(item, ret);
		}
		viv_str_add(ret, json_array_size(j) ? " }" : "");
		return;
	}
	viv_json_canonical(j, ret);
}

static void default_text(const struct viv_option *o, struct viv_str *ret)
{
	VIV_JSON *j = NULL;

	if (o->fallback_text)
		viv_str_add(ret, o->fallback_text);
	else if (o->fallback &&
		 viv_json_parse(o->fallback, strlen(o->fallback), o->name, &j, NULL) == 0)
		add_lua(j, ret);
}

/* Wraps at blanks; each line starts with `indent`. */
static void add_wrapped(struct viv_str *to, const char *indent, const char *text)
{
	struct viv_slice rest = viv_slice(text), word;
	size_t column = 0;

	while (viv_slice_word(&rest, &word)) {
		if (column && column + 1 + word.len > WIDTH) {
			viv_str_add_char(to, '\n');
			column = 0;
		}
		viv_str_add(to, column ? " " : indent);
		viv_str_add_bytes(to, word.data, word.len);
		column += (column ? 1 : strlen(indent)) + word.len;
	}
	viv_str_add_char(to, '\n');
}

static void add_text(struct search *s, const char *name, const struct viv_option *o)
{
	VIV_STR type = VIV_STR_INIT, fallback = VIV_STR_INIT, needs = VIV_STR_INIT;
	VIV_STR example = VIV_STR_INIT;

	viv_str_addf(s->text, "%s%s\n", s->found ? "\n" : "", name);
	if (o->alias_of) {
		viv_str_addf(s->text, "    Another name for %s.\n", o->alias_of);
		return;
	}
	add_wrapped(s->text, "    ", o->text);
	type_text(o, &type);
	default_text(o, &fallback);
	viv_str_addf(s->text, "    Type:    %s\n", type.data);
	if (fallback.len)
		viv_str_addf(s->text, "    Default: %s\n", fallback.data);
	if (o->inits)
		viv_str_addf(s->text, "    Needs:   system.init = %s\n", needs_text(o, &needs));
	if (o->example)
		add_example(name, o, &example);
	if (example.len)
		viv_str_addf(s->text, "    Example: %s\n", example.data);
}

size_t viv_reference_text(const char *pattern, struct viv_str *ret)
{
	struct search s = {.pattern = pattern, .add = add_text, .text = ret};

	return search(&s);
}

static void set_text(json_t *j, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(j, key, json_string(text));
}

static void add_inits(json_t *j, unsigned set)
{
	static const char *const names[] = {"systemd", "runit", "none"};
	json_t *list = json_array();

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++)
		if (set & viv_init_of(names[i]))
			json_array_append_new(list, json_string(names[i]));
	json_object_set_new(j, "inits", list);
}

static void add_json(struct search *s, const char *name, const struct viv_option *o)
{
	VIV_STR type = VIV_STR_INIT, fallback = VIV_STR_INIT;
	json_t *j = json_object();

	set_text(j, "name", name);
	set_text(j, "alias", o->alias_of);
	if (o->type) {
		type_text(o, &type);
		default_text(o, &fallback);
		set_text(j, "type", type.data);
		set_text(j, "default", fallback.data);
	}
	if (o->inits)
		add_inits(j, o->inits);
	set_text(j, "example", o->example);
	set_text(j, "description", o->text);
	json_array_append_new(s->list, j);
}

size_t viv_reference_json(const char *pattern, json_t **ret)
{
	struct search s = {.pattern = pattern, .add = add_json, .list = json_array()};

	*ret = s.list;
	return search(&s);
}

#define ELLIPSIS "\u2026" /* the one character of the table that troff doesn't know */

/* Text for roff: backslashes and dashes escaped, no line that begins with a request. */
static void add_roff(struct viv_str *to, const char *text)
{
	if (*text == '.' || *text == '\'')
		viv_str_add(to, "\\&");
	for (; *text; text++) {
		if (viv_starts_with(text, ELLIPSIS)) {
			viv_str_add(to, "...");
			text += strlen(ELLIPSIS) - 1;
		} else if (*text == '\\')
			viv_str_add(to, "\\e");
		else if (*text == '-')
			viv_str_add(to, "\\-");
		else
			viv_str_add_char(to, *text);
	}
}

static void add_man_line(struct viv_str *to, const char *label, const char *text)
{
	viv_str_addf(to, ".br\n%s: ", label);
	add_roff(to, text);
	viv_str_add_char(to, '\n');
}

static void add_man(struct search *s, const char *name, const struct viv_option *o)
{
	VIV_STR type = VIV_STR_INIT, fallback = VIV_STR_INIT, example = VIV_STR_INIT;
	VIV_STR needs = VIV_STR_INIT;

	viv_str_add(s->text, ".TP\n.B ");
	add_roff(s->text, name);
	viv_str_add_char(s->text, '\n');
	if (o->alias_of) {
		viv_str_addf(s->text, "Another name for %s.\n", o->alias_of);
		return;
	}
	add_roff(s->text, o->text);
	viv_str_add_char(s->text, '\n');
	type_text(o, &type);
	add_man_line(s->text, "Type", type.data);
	default_text(o, &fallback);
	if (fallback.len)
		add_man_line(s->text, "Default", fallback.data);
	if (o->inits) {
		viv_str_add(&needs, "system.init = ");
		add_man_line(s->text, "Needs", needs_text(o, &needs));
	}
	if (!o->example)
		return;
	add_example(name, o, &example);
	add_man_line(s->text, "Example", example.data);
}

static const char man_head[] =
	".TH VM.LUA 5 \"\" \"Vivarium " VIV_VERSION "\" \"Machine files\"\n"
	".SH NAME\nvm.lua \\- a machine's description, for viv(1)\n"
	".SH DESCRIPTION\n"
	"A machine file is Lua and reads as a list of settings:\n"
	".PP\n.nf\n"
	"imports = { \"profiles/qemu\\-guest\", \"./common.lua\" }\n"
	"networking.hostName = \"vm\"\n"
	"environment.systemPackages = pkgs[[ htop tmux ]]\n"
	"users.users.paul = { isNormalUser = true }\n"
	"environment.etc.motd.text = function(config) return config.networking.hostName end\n"
	".fi\n"
	".PP\n"
	"Lists append; two different values of anything else are an error, unless one of them is\n"
	"weaker: \\fBmkDefault\\fR(v) yields to a plain value, this to \\fBmkForce\\fR(v), this "
	"to\n"
	"\\fBmkVMOverride\\fR(v); \\fBmkOverride\\fR(n, v) says how strong, a smaller number "
	"being\n"
	"stronger (1000, 100, 50, 10). \\fBmkIf\\fR(condition, v) counts only if the condition\n"
	"holds, as does each assignment in \\fBmkIf\\fR(condition, function() ... end), a "
	"function\n"
	"that runs in any case;\n"
	"\\fBmkBefore\\fR(v) and \\fBmkAfter\\fR(v) place a list's items; \\fBmkMerge\\fR{ a, b } "
	"is\n"
	"several definitions in one.\n"
	".PP\n"
	"A value may be a function of the finished configuration, or \\fBref\\fR \"name\", "
	"another\n"
	"option's value. Options of your own are declared with \\fBoptions.my.thing\\fR =\n"
	"\\fBmkOption\\fR{ type = types.int, default = 3, description = \"...\" }.\n"
	"\\fBpath\\fR(\"./file\") names a file beside the machine file, \\fBrequire\\fR "
	"\"./lib.lua\"\n"
	"loads functions. A value of null is written \\fBnull\\fR.\n"
	".SH OPTIONS\n";

void viv_reference_man(struct viv_str *ret)
{
	struct search s = {.add = add_man, .text = ret};

	viv_str_add(ret, man_head);
	search(&s);
	viv_str_add(ret, ".SH SEE ALSO\nviv(1)\n");
}
