/* SPDX-License-Identifier: MIT */
#include "deb/apt.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/process.h"
#include "base/uri.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APT_TIME_LIMIT_MS (20 * 60 * 1000)
#define APT_OUTPUT_MAX	  (256 << 20)
#define DEBIAN_KEYRING	  "/usr/share/keyrings/debian-archive-keyring.gpg"

static void entry_clear(struct viv_apt_entry *e)
{
	free(e->uri);
	free(e->suite);
	free(e->signed_by);
	viv_strv_free(&e->components);
}

static void index_clear(struct viv_apt_index *x)
{
	free(x->uri);
	free(x->suite);
	free(x->component);
	free(x->label);
	free(x->archive);
	free(x->release_file);
}

void viv_apt_close(struct viv_apt *a)
{
	for (size_t i = 0; i < a->n_entries; i++)
		entry_clear(&a->entries[i]);
	for (size_t i = 0; i < a->n_indexes; i++)
		index_clear(&a->indexes[i]);
	free(a->entries);
	free(a->indexes);
	free(a->dir);
	free(a->config);
	free(a->release);
	free(a->place);
	free(a->architecture);
	viv_strv_free(&a->snapshots);
	viv_str_free(&a->logins);
	viv_close(a->lock_fd);
	free(a);
}

struct viv_apt_entry *viv_apt_add_entry(struct viv_apt *a, const char *uri, const char *suite)
{
	struct viv_apt_entry *e;

	a->entries = viv_grow(a->entries, &a->cap_entries, a->n_entries + 1, sizeof(*e));
	e = &a->entries[a->n_entries++];
	*e = (struct viv_apt_entry){
		.uri = viv_strdup(uri),
		.suite = viv_strdup(suite),
	};
	return e;
}

/*
 * "URI" or "URI suite…". Without suites: the release and its updates, or on a URI that says so the
 * security suite.
 */
static int add_mirror(struct viv_apt *a, const struct viv_deb_source *s, const char *text,
		      struct viv_error *err)
{
	struct viv_slice rest = viv_slice(text), uri, word;
	VIV_FREE char *secret = NULL, *uri_text = NULL, *masked = viv_uri_masked(text);
	VIV_STRV suites = VIV_STRV_INIT;

	if (viv_slice_word(&rest, &uri) && memmem(uri.data, uri.len, ":/", 2) &&
	    !strpbrk(text, "\n\"'")) {
		secret = viv_slice_dup(uri);
		uri_text = viv_apt_take_login(a, secret);
	}
	if (!uri_text)
		return viv_error_say(err, EINVAL,
				     "packages.mirrors: expected \"URI\" or \"URI suite\", got \"%s\"",
				     masked);
	while (viv_slice_word(&rest, &word))
		viv_strv_take(&suites, viv_slice_dup(word));
	if (!suites.count && strstr(uri_text, "security")) {
		viv_strv_pushf(&suites, "%s-security", s->release);
	} else if (!suites.count) {
		viv_strv_push(&suites, s->release);
		if (!viv_streq(s->release, "sid") && !viv_streq(s->release, "unstable"))
			viv_strv_pushf(&suites, "%s-updates", s->release);
	}
	for (size_t i = 0; i < suites.count; i++)
		viv_apt_add_entry(a, uri_text, suites.items[i])->signed_by =
			viv_strdup(s->keyring);
	return 0;
}

/* Names that Debian's releases have or will have; any other needs a mirror that is named. */
static const char *const releases[] = {"bullseye", "bookworm", "trixie",	   "forky",
				       "duke",	   "sid",      "oldoldstable", "oldstable",
				       "stable",   "testing",  "unstable",     "experimental"};

/* The release that was meant; NULL if it is one, or near none. */
static const char *near_release(const char *name)
{
	VIV_STRV near = VIV_STRV_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(releases); i++)
		if (viv_streq(name, releases[i]))
			return NULL;
	viv_suggest(name, releases, VIV_ARRAY_SIZE(releases), 1, &near);
	for (size_t i = 0; near.count && i < VIV_ARRAY_SIZE(releases); i++)
		if (viv_streq(near.items[0], releases[i]))
			return releases[i];
	return NULL;
}

static int no_mirror(const struct viv_apt *a, struct viv_error *err)
{
	const char *meant = near_release(a->release);

	if (meant)
		return viv_error_say(err, ENOENT, "%sno Debian release %s (did you mean %s?)", a->place, a->release,
				     meant);
	viv_error_say(err, ENOENT, "%sno mirror of Debian %s is known", a->place, a->release);
	viv_error_hint(err,
		       "This system's apt configuration names none. Write one into vm.lua, or for all\n"
		       "machines into /etc/viv/config.lua or ~/.config/viv/config.lua:\n"
		       "  packages.mirrors = { \"http://deb.example.org/debian\", "
		       "\"http://deb.example.org/debian-security\" }");
	return -ENOENT;
}

static int find_entries(struct viv_apt *a, const struct viv_deb_source *s, struct viv_error *err)
{
	int r = 0;

	if (s->mirrors && s->mirrors->count) {
		for (size_t i = 0; i < s->mirrors->count && r == 0; i++)
			r = add_mirror(a, s, s->mirrors->items[i], err);
	} else {
		r = viv_apt_host_entries(s, a, err);
	}
	if (r == 0 && !a->n_entries)
		r = no_mirror(a, err);
	for (size_t i = 0; r == 0 && i < a->n_entries; i++) {
		struct viv_strv *c = &a->entries[i].components;

		if (s->components && s->components->count) {
			viv_strv_free(c);
			viv_strv_push_all(c, (const char *const *)s->components->items);
		} else if (!c->count) {
			viv_strv_push(c, "main");
		}
	}
	return r;
}

static int find_snapshots(struct viv_apt *a, const struct viv_deb_source *s, struct viv_error *err)
{
	for (size_t i = 0; s->snapshot_mirrors && i < s->snapshot_mirrors->count; i++) {
		VIV_FREE char *masked = viv_uri_masked(s->snapshot_mirrors->items[i]);
		char *plain = viv_apt_take_login(a, s->snapshot_mirrors->items[i]);

		if (!plain)
			return viv_error_say(err, EINVAL,
					     "packages.snapshotMirrors: expected an address, got \"%s\"",
					     masked);
		viv_strv_take(&a->snapshots, plain);
	}
	return 0;
}

void viv_deb_guest_mirrors(const struct viv_deb_source *source, struct viv_strv *ret)
{
	VIV_CLEANUP(viv_apt_closep) struct viv_apt *a = viv_new(struct viv_apt);

	a->lock_fd = -1;
	if (find_entries(a, source, NULL) < 0)
		return;
	for (size_t i = 0; i < a->n_entries; i++) {
		const struct viv_apt_entry *e = &a->entries[i];
		VIV_FREE char *components = viv_strv_join(&e->components, " ");

		if (viv_starts_with(e->uri, "http"))
			viv_strv_pushf(ret, "%s %s %s", e->uri, e->suite, components);
	}
}

static void format_sources(const struct viv_apt *a, const char *types, struct viv_str *ret)
{
	for (size_t i = 0; i < a->n_entries; i++) {
		const struct viv_apt_entry *e = &a->entries[i];
		VIV_FREE char *components = viv_strv_join(&e->components, " ");

		viv_str_addf(ret, "Types: %s\nURIs: %s\nSuites: %s\n", types, e->uri, e->suite);
		/* A suite that ends with '/' is a flat archive and has no components. */
		if (!viv_ends_with(e->suite, "/"))
			viv_str_addf(ret, "Components: %s\n", components);
		if (e->signed_by)
			viv_str_addf(ret, "Signed-By: %s\n", e->signed_by);
		viv_str_add(ret, "\n");
	}
}

static void format_config(const struct viv_apt *a, const char *logins, const char *login_folder,
			  struct viv_str *ret)
{
	viv_str_addf(ret,
		     "Dir \"%s\";\n"
		     "Dir::State \"%s/state\";\n"
		     "Dir::State::lists \"lists\";\n"
		     "Dir::State::status \"%s/state/status\";\n"
		     "Dir::Cache \"%s/cache\";\n"
		     "Dir::Log \"%s/log\";\n"
		     "Dir::Etc \"%s/etc\";\n"
		     "Dir::Etc::sourcelist \"/dev/null\";\n"
		     "Dir::Etc::sourceparts \"sources.d\";\n"
		     "Dir::Etc::parts \"/dev/null\";\n"
		     "Dir::Etc::main \"/dev/null\";\n"
		     "Dir::Etc::preferences \"/dev/null\";\n"
		     "Dir::Etc::preferencesparts \"preferences.d\";\n"
		     "Dir::Etc::trusted \"/etc/apt/trusted.gpg\";\n"
		     "Dir::Etc::trustedparts \"/etc/apt/trusted.gpg.d\";\n"
		     "Dir::Etc::netrc \"%s\";\n"
		     "Dir::Etc::netrcparts \"%s\";\n"
		     "APT::Architecture \"%s\";\n"
		     "APT::Architectures { \"%s\"; };\n"
		     "APT::Sandbox::User \"root\";\n"
		     "APT::Install-Suggests \"0\";\n"
		     "APT::Get::Show-User-Simulation-Note \"0\";\n"
		     /* Else apt counts itself among the essential packages. */
		     "pkgCacheGen::ForceEssential \",\";\n"
		     "APT::Periodic::Enable \"0\";\n"
		     "Acquire::Languages \"none\";\n"
		     "Acquire::ForceHash \"SHA256\";\n"
		     "Acquire::AllowInsecureRepositories \"0\";\n"
		     "Acquire::AllowWeakRepositories \"0\";\n"
		     "Acquire::AllowDowngradeToInsecureRepositories \"0\";\n",
		     a->dir, a->dir, a->dir, a->dir, a->dir, a->dir, logins ? logins : "/dev/null",
		     login_folder ? login_folder : "/dev/null", a->architecture, a->architecture);
}

/* apt doesn't notice that a setting it made its caches with has changed. */
static void drop_caches(const char *dir)
{
	static const char *const names[] = {"cache/pkgcache.bin", "cache/srcpkgcache.bin"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++) {
		VIV_FREE char *path = viv_path_join(dir, names[i]);

		unlink(path);
	}
}

static int write_if_new(const char *dir, const char *name, const struct viv_str *text, mode_t mode,
			struct viv_error *err)
{
	VIV_FREE char *path = viv_path_join(dir, name);
	VIV_STR old = VIV_STR_INIT;

	if (viv_read_file(path, 1 << 20, &old, NULL) == 0 && old.len == text->len &&
	    (!text->len || memcmp(old.data, text->data, text->len) == 0))
		return 0;
	drop_caches(dir);
	return viv_write_file(path, text->data ? text->data : "", text->len, mode, err);
}

static int make_folders(const char *dir, struct viv_error *err)
{
	static const char *const folders[] = {"state/lists/partial", "cache/archives/partial",
					      "etc/sources.d", "etc/preferences.d", "log"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(folders); i++) {
		VIV_FREE char *path = viv_path_join(dir, folders[i]);
		int r = viv_mkdir_p(path, 0755, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Whoever holds apt's lock says so in it: a build's own halves wait for each other without a word. */
struct lock_holder {
	pid_t pid, parent;
};

static bool is_of_this_build(int fd)
{
	struct lock_holder holder = {0};

	return pread(fd, &holder, sizeof(holder), 0) == sizeof(holder) &&
	       (holder.pid == getppid() || holder.parent == getpid());
}

static int take_lock(struct viv_apt *a, struct viv_report *report, struct viv_error *err)
{
	const struct lock_holder us = {.pid = getpid(), .parent = getppid()};
	VIV_FREE char *path = viv_path_join(a->dir, "lock");

	a->lock_fd = viv_open(path, O_RDWR | O_CREAT, 0644, err);
	if (a->lock_fd < 0)
		return a->lock_fd;
	if (flock(a->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		viv_say(report, is_of_this_build(a->lock_fd) ? VIV_DEBUG : VIV_INFO,
			"waiting for another viv that asks apt");
		while (flock(a->lock_fd, LOCK_EX) < 0)
			if (errno != EINTR)
				return viv_error_set(err, errno, "%s", path);
	}
	if (pwrite(a->lock_fd, &us, sizeof(us), 0) != sizeof(us))
		return viv_error_set(err, errno, "%s", path);
	return 0;
}

/* The state's own apt.conf is for all; who has logins of his own has another one of the same settings. */
static int write_configs(struct viv_apt *a, struct viv_error *err)
{
	VIV_STR settings = VIV_STR_INIT, shared = VIV_STR_INIT, own = VIV_STR_INIT;
	VIV_FREE char *host_logins = NULL, *folder = NULL, *logins = NULL;
	int r;

	viv_str_add(&settings, "Acquire::Retries \"3\";\n"); /* the host's comes behind it */
	viv_apt_host_settings(&settings);
	viv_apt_host_logins(&host_logins, &folder);
	format_config(a, host_logins, folder, &shared);
	viv_str_add_bytes(&shared, settings.data, settings.len);
	r = write_if_new(a->dir, "apt.conf", &shared, 0600, err); /* a proxy may have a login */
	if (r == 0)
		r = viv_apt_write_logins(a, host_logins, &logins, err);
	if (r < 0)
		return r;
	if (!a->logins.len) {
		a->config = viv_path_join(a->dir, "apt.conf");
		return 0;
	}
	a->config = viv_asprintf("%s.apt", logins);
	format_config(a, logins, folder, &own);
	viv_str_add_bytes(&own, settings.data, settings.len);
	return viv_write_file(a->config, own.data, own.len, 0600, err);
}

static int set_up(struct viv_apt *a, bool sources_only, bool lock, struct viv_report *report,
		  struct viv_error *err)
{
	VIV_STR sources = VIV_STR_INIT;
	struct viv_str nothing = VIV_STR_INIT;
	VIV_FREE char *cache = viv_dir_cache();
	char hex[VIV_SHA256_HEX];
	int r;

	format_sources(a, sources_only ? "deb-src" : "deb", &sources);
	viv_sha256_of(sources.data, sources.len, hex);
	a->dir = viv_asprintf("%s/apt/%s-%s-%.12s", cache, a->release, a->architecture, hex);
	r = make_folders(a->dir, err);
	if (r == 0 && lock)
		r = take_lock(a, report, err);
	if (r == 0)
		r = write_configs(a, err);
	if (r == 0)
		r = write_if_new(a->dir, "etc/sources.d/viv.sources", &sources, 0644, err);
	if (r == 0)
		r = write_if_new(a->dir, "state/status", &nothing, 0644, err);
	return r;
}

int viv_apt_open(const struct viv_deb_source *source, bool lock, struct viv_report *report,
		 struct viv_apt **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_apt_closep) struct viv_apt *a = viv_new(struct viv_apt);
	VIV_FREE char *program = viv_find_program("apt-get");
	struct viv_deb_source s = *source;
	int r;

	a->lock_fd = -1;
	a->release = viv_strdup(s.release);
	a->place = s.release_place ? viv_asprintf("%s: packages.release: ", s.release_place) : viv_strdup("");
	a->architecture = viv_strdup(s.architecture);
	if (!program) {
		viv_error_say(err, ENOENT, "apt is not installed");
		viv_error_hint(err, "Install the package apt (Fedora and Arch have it under that name).");
		return -ENOENT;
	}
	if (!s.keyring && viv_apt_is_debian_release(s.release))
		s.keyring = DEBIAN_KEYRING;
	if (s.keyring && access(s.keyring, R_OK) < 0) {
		r = viv_error_set(err, errno, "the keyring %s", s.keyring);
		viv_error_hint(err, "Install the package debian-archive-keyring.");
		return r;
	}
	if (s.keyring && strpbrk(s.keyring, "\n"))
		return viv_error_say(err, EINVAL, "the keyring's name has two lines");
	r = find_entries(a, &s, err);
	if (r == 0)
		r = find_snapshots(a, &s, err);
	if (r == 0)
		r = set_up(a, s.sources, lock, report, err);
	if (r == 0)
		*ret = viv_steal(a);
	return r;
}

void viv_apt_env(const struct viv_apt *a, struct viv_strv *ret)
{
	static const char *const ours[] = {"APT_CONFIG=", "LC_", "LANG", "TZ=", "DEBIAN_FRONTEND="};

	for (char **e = environ; *e; e++) {
		bool skip = false;

		for (size_t i = 0; i < VIV_ARRAY_SIZE(ours); i++)
			skip = skip || viv_starts_with(*e, ours[i]);
		if (!skip)
			viv_strv_push(ret, *e);
	}
	viv_strv_pushf(ret, "APT_CONFIG=%s", a->config);
	viv_strv_push(ret, "LC_ALL=C.UTF-8");
	viv_strv_push(ret, "TZ=UTC");
}

/* The "E:" lines, without the mark. */
static char *errors_of(const struct viv_str *said)
{
	struct viv_slice rest = {said->data, said->len}, line;
	VIV_STR text = VIV_STR_INIT;

	while (viv_slice_line(&rest, &line)) {
		if (line.len < 3 || memcmp(line.data, "E: ", 3) != 0)
			continue;
		if (text.len)
			viv_str_add_char(&text, '\n');
		viv_str_add_bytes(&text, line.data + 3, line.len - 3);
	}
	if (!text.len)
		viv_str_addf(&text, "%.*s", (int)VIV_MIN(said->len, 2000u),
			     said->data ? said->data : "no reason given");
	return viv_str_steal(&text);
}

int viv_apt_run(const struct viv_apt *a, const char *const *argv, struct viv_str *out,
		struct viv_str *ret_said, struct viv_error *err)
{
	VIV_STR said = VIV_STR_INIT, ignored = VIV_STR_INIT;
	VIV_STRV env = VIV_STRV_INIT;
	VIV_FREE char *why = NULL;
	int status, r;

	viv_apt_env(a, &env);
	r = viv_process_run(argv, (const char *const *)env.items, NULL, out ? out : &ignored, &said,
			    APT_OUTPUT_MAX, APT_TIME_LIMIT_MS, &status, err);
	if (r < 0)
		return r;
	why = errors_of(&said);
	if (ret_said)
		viv_str_add_bytes(ret_said, said.data, said.len);
	return status ? viv_error_say(err, EIO, "%s: %s", argv[0], why) : 0;
}

static const char key_advice[] =
	"Nothing was taken from it. Try again later, or name another mirror in packages.mirrors. The\n"
	"keys are those of the package debian-archive-keyring; packages.keyring names others.";
static const char mirror_advice[] =
	"Nothing was taken from it. Try again later, or name another mirror in packages.mirrors.";

static const struct {
	const char *sign;
	int code;
	const char *text, *advice;
} update_failures[] = {
	{"No space left on device", ENOSPC, "the disk is full",
	 "Package lists are kept below XDG_CACHE_HOME (default: ~/.cache): make room there, or move it."},
	{" 401 ", EACCES, "a mirror asks for a login, or refuses the one it was given",
	 "It belongs into packages.mirrors, as in https://NAME:PASSWORD@deb.example.org/debian, written in\n"
	 "~/.config/viv/config.lua and not in a file for others; or into /etc/apt/auth.conf.d."},
	/* gpgv's words, then those of sqv, which apt asks since Debian 13. */
	{"NO_PUBKEY", EKEYREJECTED, "an index is not signed by a key that is trusted", key_advice},
	{"BADSIG", EKEYREJECTED, "the signature of an index is wrong", key_advice},
	{"EXPKEYSIG", EKEYREJECTED, "an index is signed by a key that has expired", key_advice},
	{"REVKEYSIG", EKEYREJECTED, "an index is signed by a key that was revoked", key_advice},
	{"Missing key ", EKEYREJECTED, "an index is not signed by a key that is trusted", key_advice},
	{"Message has been manipulated", EKEYREJECTED, "the signature of an index is wrong", key_advice},
	{"sqv returned an error", EKEYREJECTED, "the signature of an index can't be verified",
	 key_advice},
	{"is not signed", EKEYREJECTED, "an index is not signed", key_advice},
	{"couldn't be verified", EKEYREJECTED, "the signature of an index can't be verified",
	 key_advice},
	{"not valid yet", EKEYREJECTED, "an index is of the future",
	 "Is this system's clock right?"},
	{"is expired", EKEYREJECTED, "an index has expired", mirror_advice},
	{"Hash Sum mismatch", EBADMSG, "an index has not the content that was signed", mirror_advice},
	{"does not have a Release file", ENOENT, "a mirror doesn't have this release",
	 "packages.release names the release, packages.mirrors the mirrors."},
	{"", ENETUNREACH, "the package lists could not be fetched",
	 "Is the network up? packages.mirrors names other mirrors."},
};

static int explain_update(const struct viv_apt *a, const struct viv_str *said, const char *apt_says,
			  struct viv_error *err)
{
	size_t i = 0;

	while (!strstr(said->data ? said->data : "", update_failures[i].sign))
		i++;
	viv_error_say(err, update_failures[i].code, "%s%s\n%s", update_failures[i].code == ENOENT ? a->place : "",
		      update_failures[i].text, apt_says);
	viv_error_hint(err, "%s", update_failures[i].advice);
	return -update_failures[i].code;
}

int viv_apt_update(struct viv_apt *a, struct viv_report *report, struct viv_error *err)
{
	const char *argv[] = {"apt-get", "update", "--error-on=any", "-q", NULL};
	VIV_STR said = VIV_STR_INIT;
	VIV_ERROR now = VIV_ERROR_INIT;
	VIV_FREE char *stamp = viv_path_join(a->dir, "updated");
	int r;

	viv_task_begin(report, 0, "package lists of %s", a->release);
	r = viv_apt_run(a, argv, NULL, &said, &now);
	viv_task_end(report, r == 0);
	if (r == 0)
		return viv_write_file(stamp, "", 0, 0644, err);
	return explain_update(a, &said, now.msg ? now.msg : "", err);
}

/* apt names the file after the index's address; the release file's name starts the same way. */
static char *release_file_of(const char *file, const char *meta_key)
{
	static const char *const names[] = {"InRelease", "Release"};
	VIV_FREE char *key = viv_strdup(meta_key);
	char *found;

	for (char *p = key; *p; p++)
		if (*p == '/')
			*p = '_';
	found = strstr(file, key);
	for (size_t i = 0; found && i < VIV_ARRAY_SIZE(names); i++) {
		char *path = viv_asprintf("%.*s%s", (int)(found - file), file, names[i]);

		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

int viv_apt_read_indexes(struct viv_apt *a, struct viv_error *err)
{
	const char *argv[] = {"apt-get", "indextargets", "--format",
			      "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(LABEL)|$(SUITE)|$(FILENAME)|"
			      "$(METAKEY)",
			      "Created-By: Packages", NULL};
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line;
	int r = viv_apt_run(a, argv, &out, NULL, err);

	for (size_t i = 0; i < a->n_indexes; i++)
		index_clear(&a->indexes[i]);
	a->n_indexes = 0;
	rest = (struct viv_slice){out.data, out.len};
	while (r == 0 && viv_slice_line(&rest, &line)) {
		char *f[7];
		size_t n = 0;
		struct viv_apt_index *x;

		for (; n < VIV_ARRAY_SIZE(f); n++) {
			const char *bar = memchr(line.data, '|', line.len);
			size_t len = bar ? (size_t)(bar - line.data) : line.len;

			f[n] = viv_strndup(line.data, len);
			line.data += len + (bar != NULL);
			line.len -= len + (bar != NULL);
		}
		a->indexes = viv_grow(a->indexes, &a->cap_indexes, a->n_indexes + 1, sizeof(*x));
		x = &a->indexes[a->n_indexes++];
		*x = (struct viv_apt_index){f[0], f[1], f[2], f[3], f[4], NULL};
		x->release_file = release_file_of(f[5], f[6]);
		free(f[5]);
		free(f[6]);
	}
	return r;
}

bool viv_apt_has_indexes(const struct viv_apt *a, int64_t max_age)
{
	VIV_FREE char *stamp = viv_path_join(a->dir, "updated");
	struct stat st;

	return stat(stamp, &st) == 0 && (max_age == 0 || time(NULL) - st.st_mtime < max_age);
}

const char *viv_apt_suite_of(const struct viv_apt *a, const char *uri)
{
	const char *first = NULL;

	for (size_t i = 0; i < a->n_entries; i++) {
		const struct viv_apt_entry *e = &a->entries[i];

		if (!viv_starts_with(uri, e->uri))
			continue;
		if (viv_streq(e->suite, a->release))
			return e->suite;
		first = first ? first : e->suite;
	}
	return first ? first : a->release;
}

char *viv_apt_index_key(const char *suite, struct viv_slice path)
{
	const char *start = path.data, *end;

	if (path.len < 5 || memcmp(start, "pool/", 5) != 0)
		return viv_strdup(suite);
	start += 5;
	/* The security archive has pool/updates/main. */
	if (path.len > 13 && memcmp(start, "updates/", 8) == 0)
		start += 8;
	end = memchr(start, '/', (size_t)(path.data + path.len - start));
	return end ? viv_asprintf("%s/%.*s", suite, (int)(end - start), start) : viv_strdup(suite);
}
