/* SPDX-License-Identifier: MIT */
#include "deb/source.h"

#include "base/path.h"
#include "deb/fetch.h"
#include "deb/records.h"
#include "deb/resolve.h"

#define FRESH_SECONDS (12 * 3600) /* as for packages */
#define FILES_MAX     64
#define DEPENDS_MAX   2000

/* Does "linux-any", "any-amd64", "!hurd-any" name the architecture? */
static bool names_architecture(struct viv_slice word, const char *arch)
{
	VIV_FREE char *s = viv_slice_dup(word);
	const char *name = s + (s[0] == '!');
	VIV_FREE char *any_arch = viv_asprintf("any-%s", arch), *linux_arch = viv_asprintf("linux-%s", arch);

	return viv_streq(name, arch) || viv_streq(name, "any") || viv_streq(name, "linux-any") ||
	       viv_streq(name, any_arch) || viv_streq(name, linux_arch);
}

/* "[amd64 arm64]" or "[!i386]". */
static bool fits_architecture(struct viv_slice list, const char *arch)
{
	struct viv_slice word;
	bool negated = false, named = false;

	while (viv_slice_word(&list, &word)) {
		negated = word.data[0] == '!';
		named |= names_architecture(word, arch);
	}
	return named != negated;
}

/* "<!nocheck> <cross !stage1>": one of them must hold; of the profiles only nocheck is ours. */
static bool fits_profiles(struct viv_slice s)
{
	bool any = false, holds = false;

	while (s.len) {
		const char *open = memchr(s.data, '<', s.len);
		const char *close = open ? memchr(open, '>', (size_t)(s.data + s.len - open)) : NULL;
		struct viv_slice group, word;
		bool all = true;

		if (!close)
			break;
		group = (struct viv_slice){open + 1, (size_t)(close - open - 1)};
		while (viv_slice_word(&group, &word)) {
			bool negated = word.data[0] == '!';
			struct viv_slice name = {word.data + negated, word.len - negated};

			all = all && viv_slice_eq(name, "nocheck") != negated;
		}
		any = true;
		holds |= all;
		s.len -= (size_t)(close + 1 - s.data);
		s.data = close + 1;
	}
	return !any || holds;
}

static void add_clause(struct viv_slice clause, const char *arch, struct viv_strv *ret)
{
	const char *bar = memchr(clause.data, '|', clause.len);
	struct viv_slice one = viv_slice_trim(
		(struct viv_slice){clause.data, bar ? (size_t)(bar - clause.data) : clause.len});
	const char *open = memchr(one.data, '[', one.len);
	const char *close = open ? memchr(open, ']', (size_t)(one.data + one.len - open)) : NULL;
	size_t n = 0;
	VIV_FREE char *name = NULL;

	while (n < one.len && !strchr(" \t\n:([<", one.data[n]))
		n++;
	name = viv_strndup(one.data, n);
	if (!n || (close && !fits_architecture((struct viv_slice){open + 1, (size_t)(close - open - 1)}, arch)) ||
	    !fits_profiles(one))
		return;
	if (ret->count < DEPENDS_MAX && !viv_strv_has(ret, name))
		viv_strv_push(ret, name);
}

void viv_deb_depends_names(struct viv_slice field, const char *architecture, struct viv_strv *ret)
{
	while (field.len) {
		const char *comma = memchr(field.data, ',', field.len);
		size_t n = comma ? (size_t)(comma - field.data) : field.len;

		add_clause((struct viv_slice){field.data, n}, architecture, ret);
		n += comma != NULL;
		field.data += n;
		field.len -= n;
	}
}

struct viv_slice viv_deb_field(const char *stanza, const char *field)
{
	VIV_FREE char *mark = viv_asprintf("\n%s:", field);
	const char *p = strstr(stanza, mark), *end;

	if (!p)
		return (struct viv_slice){0};
	p += strlen(mark);
	end = p + strcspn(p, "\n");
	while (*end == '\n' && end[1] == ' ')
		end += 1 + strcspn(end + 1, "\n");
	return (struct viv_slice){p, (size_t)(end - p)};
}

void viv_deb_build_depends(const char *stanza, const char *architecture, struct viv_strv *ret)
{
	static const char *const fields[] = {"Build-Depends", "Build-Depends-Arch",
					     "Build-Depends-Indep"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(fields); i++)
		viv_deb_depends_names(viv_deb_field(stanza, fields[i]), architecture, ret);
}

static json_t *build_depends(const char *stanza, const char *arch)
{
	VIV_STRV names = VIV_STRV_INIT;
	json_t *j = json_array();

	viv_deb_build_depends(stanza, arch, &names);
	viv_strv_uniq(&names);
	for (size_t i = 0; i < names.count; i++)
		json_array_append_new(j, json_string(names.items[i]));
	return j;
}

/* " HASH SIZE NAME" lines. */
static json_t *list_files(const char *stanza)
{
	VIV_FREE char *dir = viv_slice_dup(viv_record_field(stanza, "Directory"));
	struct viv_slice rest = viv_deb_field(stanza, "Checksums-Sha256"), line;
	json_t *j = json_array();

	while (viv_slice_line(&rest, &line)) {
		struct viv_slice word[3];
		size_t n = 0;
		uint64_t size;

		while (n < 3 && viv_slice_word(&line, &word[n]))
			n++;
		if (n < 3 || !viv_slice_u64(word[1], INT64_MAX, &size))
			continue;
		json_array_append_new(
			j, json_pack("{s:s%, s:o, s:s%, s:I}", "name", word[2].data, word[2].len, "path",
				     json_sprintf("%s/%.*s", dir, (int)word[2].len, word[2].data),
				     "sha256", word[0].data, word[0].len, "size", (json_int_t)size));
	}
	return j;
}

static bool has_file(const char *stanza, struct viv_slice name)
{
	struct viv_slice f = viv_deb_field(stanza, "Checksums-Sha256");

	return f.len && name.len && memmem(f.data, f.len, name.data, name.len);
}

/* The .dsc that apt would take, and the suite that it is from: "'URI' NAME SIZE SHA256:…" for each file. */
static int choose(struct viv_apt *a, const char *name, const char *version, struct viv_str *ret_dsc,
		  const char **ret_suite, struct viv_error *err)
{
	VIV_FREE char *wanted = version ? viv_asprintf("%s=%s", name, version) : viv_strdup(name);
	const char *argv[] = {"apt-get", "source", "--print-uris", "-qq", wanted, NULL};
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line, uri, word;
	int r = viv_apt_run(a, argv, &out, NULL, NULL);

	rest = (struct viv_slice){out.data, out.len};
	while (r == 0 && viv_slice_line(&rest, &line)) {
		VIV_FREE char *address = NULL;

		if (!viv_slice_word(&line, &uri) || !viv_slice_word(&line, &word) || uri.len < 3 || word.len < 5 ||
		    memcmp(word.data + word.len - 4, ".dsc", 4) != 0)
			continue;
		address = viv_strndup(uri.data + 1, uri.len - 2);
		viv_str_add_bytes(ret_dsc, word.data, word.len);
		*ret_suite = viv_apt_suite_of(a, address);
		return 0;
	}
	return viv_error_say(err, ENOENT, "%s has no source package %s%s%s", a->release, name,
			     version ? " of version " : "", version ? version : "");
}

static json_t *index_of(const char *suite, const char *stanza)
{
	VIV_FREE char *folder = viv_slice_dup(viv_record_field(stanza, "Directory"));
	VIV_FREE char *path = viv_asprintf("%s/", folder);
	VIV_FREE char *key = viv_apt_index_key(suite, viv_slice(path));

	return json_string(key);
}

static int describe(struct viv_apt *a, const char *name, const struct viv_str *dsc, const char *suite, json_t **ret,
		    struct viv_error *err)
{
	const char *argv[] = {"apt-cache", "showsrc", name, NULL};
	VIV_STR out = VIV_STR_INIT;
	int r = viv_apt_run(a, argv, &out, NULL, err);

	for (char *p = out.data, *end; r == 0 && p && *p; p = end) {
		VIV_FREE char *stanza = NULL, *source = NULL, *version = NULL;

		end = strstr(p, "\n\n");
		end = end ? end + 2 : p + strlen(p);
		stanza = viv_strndup(p, (size_t)(end - p));
		if (!has_file(stanza, (struct viv_slice){dsc->data, dsc->len}))
			continue;
		source = viv_slice_dup(viv_record_field(stanza, "Package"));
		version = viv_slice_dup(viv_record_field(stanza, "Version"));
		*ret = json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", source, "version", version, "index",
				 index_of(suite, stanza), "buildDepends",
				 build_depends(stanza, a->architecture), "files", list_files(stanza));
		return 0;
	}
	return r < 0 ? r : viv_error_say(err, EIO, "apt has no record of the source of %s", name);
}

int viv_deb_source_find(const struct viv_deb_source *source, const char *name, const char *version,
			struct viv_report *report, json_t **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_apt_closep) struct viv_apt *apt = NULL;
	struct viv_strv names = {(char *[]){(char *)name, NULL}, 1, 0};
	struct viv_deb_source s = *source;
	VIV_CLEANUP(viv_deb_source_files_free) struct viv_deb_source_files files = {0};
	VIV_STR dsc = VIV_STR_INIT;
	const char *suite = NULL;
	VIV_JSON *j = NULL;
	int r = viv_resolve_check_names(&names, err);

	s.sources = true;
	if (r == 0)
		r = viv_apt_open(&s, true, report, &apt, err);
	if (r == 0 && !viv_apt_has_indexes(apt, FRESH_SECONDS))
		r = viv_apt_update(apt, report, err);
	if (r == 0)
		r = choose(apt, name, version, &dsc, &suite, err);
	if (r == 0)
		r = describe(apt, name, &dsc, suite, &j, err);
	if (r == 0)
		r = viv_deb_source_files(j, &files, err);
	if (r == 0)
		*ret = viv_steal(j);
	return r;
}

void viv_deb_source_files_free(struct viv_deb_source_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].name);
		viv_lock_package_clear(&f->items[i].package);
	}
	free(f->items);
	*f = (struct viv_deb_source_files){0};
}

static bool is_file_name(const char *s)
{
	return s && viv_path_is_safe(s) && !strchr(s, '/') && s[0] != '-' && !strpbrk(s, " '\"\n\t");
}

static int take_file(const json_t *source, const json_t *j, struct viv_deb_source_file *ret,
		     struct viv_error *err)
{
	const char *name = viv_json_str(j, "name"), *path = viv_json_str(j, "path");
	const char *hash = viv_json_str(j, "sha256"), *index = viv_json_str(source, "index");
	const char *package = viv_json_str(source, "name"), *version = viv_json_str(source, "version");
	uint64_t size;

	if (!is_file_name(name) || !path || !viv_path_is_safe(path) || strpbrk(path, " '\"\n\t") || !hash ||
	    !viv_sha256_is_hex(hash) || !index || !is_file_name(package) || !is_file_name(version) ||
	    !viv_json_u64(j, "size", INT64_MAX, &size))
		return viv_error_say(err, EINVAL, "a source package's file is not described as it should be");
	*ret = (struct viv_deb_source_file){
		.name = viv_strdup(name),
		.package = {.name = viv_strdup(package), .version = viv_strdup(version),
			    .architecture = viv_strdup("source"), .path = viv_strdup(path),
			    .index = viv_strdup(index), .size = size}};
	memcpy(ret->package.sha256, hash, VIV_SHA256_HEX);
	return 0;
}

int viv_deb_source_files(const json_t *source, struct viv_deb_source_files *ret, struct viv_error *err)
{
	const json_t *list = json_object_get(source, "files");
	VIV_CLEANUP(viv_deb_source_files_free) struct viv_deb_source_files f = {0};
	size_t n = json_array_size(list);
	int r = n && n <= FILES_MAX ? 0 : viv_error_say(err, EINVAL, "a source package without files");

	f.items = viv_new_array(struct viv_deb_source_file, n + 1);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = take_file(source, json_array_get(list, i), &f.items[f.n], err);
		f.n += r == 0;
	}
	for (size_t i = 1; r == 0 && i < f.n; i++)
		if (viv_ends_with(f.items[i].name, ".dsc")) {
			struct viv_deb_source_file first = f.items[0];

			f.items[0] = f.items[i];
			f.items[i] = first;
		}
	if (r == 0 && !viv_ends_with(f.items[0].name, ".dsc"))
		r = viv_error_say(err, EINVAL, "a source package without a .dsc");
	if (r == 0) {
		*ret = f;
		f = (struct viv_deb_source_files){0};
	}
	return r;
}

int viv_deb_source_fetch(struct viv_store *store, const struct viv_deb_source *source,
			 const struct viv_lock *lock, const struct viv_deb_source_files *files,
			 struct viv_report *report, struct viv_error *err)
{
	const struct viv_lock_package *list[FILES_MAX];

	for (size_t i = 0; i < files->n; i++)
		list[i] = &files->items[i].package;
	return viv_deb_fetch(store, source, lock, list, files->n, report, err);
}
