/* SPDX-License-Identifier: MIT */
#include "deb/apt.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const debian_releases[] = {
	"buster", "bullseye",  "bookworm",     "trixie",  "forky",	 "duke",
	"sid",	  "oldstable", "oldoldstable", "stable",  "testing", "unstable",
};

bool viv_apt_is_debian_release(const char *name)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(debian_releases); i++)
		if (viv_streq(name, debian_releases[i]))
			return true;
	return false;
}

/* The suites of one release differ by these endings; others (backports) are left out. */
static const char *const endings[] = {"", "-updates", "-security"};

/* The ending of a suite of `release`, or NULL. */
static const char *ending_of(const char *suite, const char *release)
{
	size_t n = strlen(release);

	if (strncmp(suite, release, n) != 0)
		return NULL;
	for (size_t i = 0; i < VIV_ARRAY_SIZE(endings); i++)
		if (viv_streq(suite + n, endings[i]))
			return endings[i];
	return NULL;
}

/* The same for any Debian release: the host's entries are renamed. */
static const char *debian_ending(const char *suite)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(debian_releases); i++) {
		const char *e = ending_of(suite, debian_releases[i]);

		if (e)
			return e;
	}
	return NULL;
}

struct host_entry {
	struct viv_slice uri, suite, component, place, origin;
	char *signed_by; /* a keyring's path, or NULL */
};

/* A field that apt doesn't know stays as it was written in the format: "$(ORIGIN)". */
static struct viv_slice known(struct viv_slice s)
{
	if (s.len > 1 && s.data[0] == '$' && s.data[1] == '(')
		return (struct viv_slice){"", 0};
	return s;
}

static bool split_line(struct viv_slice line, struct host_entry *ret)
{
	struct viv_slice *fields[] = {&ret->uri, &ret->suite, &ret->component, &ret->place,
				      &ret->origin};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(fields); i++) {
		const char *bar = memchr(line.data, '|', line.len);
		size_t n = bar ? (size_t)(bar - line.data) : line.len;

		*fields[i] = known((struct viv_slice){line.data, n});
		if (!bar && i + 1 < VIV_ARRAY_SIZE(fields))
			return false;
		line.data += n + (bar != NULL);
		line.len -= n + (bar != NULL);
	}
	return ret->uri.len && ret->suite.len;
}

static bool contains(struct viv_slice s, const char *what)
{
	return s.len && memmem(s.data, s.len, what, strlen(what)) != NULL;
}

/*
 * Only the archive of Debian itself: others use its suites' names too. Lists that are not there (a
 * container without them) tell no origin; then the keyring decides, or that none is named.
 */
static bool is_debian_archive(const struct host_entry *e)
{
	if (contains(e->uri, "cdrom:"))
		return false;
	if (e->origin.len)
		return viv_slice_eq(e->origin, "Debian");
	if (e->signed_by)
		return strstr(e->signed_by, "debian-archive") != NULL;
	return contains(e->component, "main");
}

static void add_component(struct viv_apt *a, const struct host_entry *e, const char *suite,
			  const char *keyring)
{
	VIV_FREE char *secret = viv_slice_dup(e->uri), *uri = viv_apt_take_login(a, secret);
	VIV_FREE char *component = viv_slice_dup(e->component);
	struct viv_apt_entry *entry = NULL;

	if (!uri)
		return;
	for (size_t i = 0; i < a->n_entries; i++)
		if (viv_streq(a->entries[i].uri, uri) && viv_streq(a->entries[i].suite, suite))
			entry = &a->entries[i];
	if (!entry) {
		entry = viv_apt_add_entry(a, uri, suite);
		entry->signed_by = keyring	? viv_strdup(keyring)
				   : e->signed_by ? viv_strdup(e->signed_by)
						  : NULL;
	}
	if (!viv_strv_has(&entry->components, component))
		viv_strv_push(&entry->components, component);
}

static void consider(const struct viv_deb_source *source, struct viv_apt *a,
		     const struct host_entry *e)
{
	bool debian = viv_apt_is_debian_release(source->release);
	VIV_FREE char *host_suite = viv_slice_dup(e->suite), *suite = NULL;
	const char *ending = debian ? debian_ending(host_suite)
				    : ending_of(host_suite, source->release);

	if (!ending || (debian && !is_debian_archive(e)))
		return;
	suite = viv_asprintf("%s%s", source->release, ending);
	add_component(a, e, suite, debian ? source->keyring : NULL);
}

/* What apt's answer depends on. Two answers are the same while none of these was touched. */
static const char *const host_files[] = {
	"/etc/apt",	    "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf",
	"/etc/apt/apt.conf.d", "/var/lib/apt/lists",
};

static void add_stamp(const char *path, struct viv_str *key)
{
	struct stat st;

	if (stat(path, &st) == 0)
		viv_str_addf(key, "%s %jd.%09ld %jd\n", path, (intmax_t)st.st_mtim.tv_sec,
			     st.st_mtim.tv_nsec, (intmax_t)st.st_size);
}

static char *host_state(void)
{
	VIV_STR key = VIV_STR_INIT;
	char hex[VIV_SHA256_HEX];

	for (size_t i = 0; i < VIV_ARRAY_SIZE(host_files); i++) {
		VIV_STRV names = VIV_STRV_INIT;
		DIR *d = opendir(host_files[i]);

		add_stamp(host_files[i], &key);
		for (struct dirent *e; d && (e = readdir(d));)
			viv_strv_take(&names, viv_path_join(host_files[i], e->d_name));
		viv_strv_sort(&names);
		for (size_t k = 0; k < names.count; k++)
			add_stamp(names.items[k], &key);
		if (d)
			closedir(d);
	}
	viv_str_addf(&key, "%s\nformat 3\n", getenv("APT_CONFIG") ? getenv("APT_CONFIG") : "");
	viv_sha256_of(key.data, key.len, hex);
	return viv_strdup(hex);
}

/* Asking takes half a second where apt has no cache of its own: the answer is kept. */
static int ask_host(struct viv_str *ret, struct viv_error *err)
{
	const char *argv[] = {"apt-get", "indextargets", "--format",
			      "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SOURCESENTRY)|$(ORIGIN)",
			      "Created-By: Packages", NULL, NULL};
	VIV_FREE char *cache = viv_dir_cache(), *state = host_state();
	VIV_FREE char *dir = viv_path_join(cache, "apt"), *path = viv_path_join(dir, "host");
	VIV_STR kept = VIV_STR_INIT;
	int r;

	if (viv_read_file(path, 16 << 20, &kept, NULL) == 0 && kept.len > 65 &&
	    memcmp(kept.data, state, 64) == 0) {
		viv_str_add_bytes(ret, kept.data + 65, kept.len - 65);
		return 0;
	}
	r = viv_process_check(argv, ret, 16 << 20, 60000, err);
	/* Of lists that were never fetched, as in a new container, apt says nothing unless asked so. */
	argv[5] = "--no-release-info";
	if (r == 0 && !ret->len)
		r = viv_process_check(argv, ret, 16 << 20, 60000, err);
	if (r < 0)
		return viv_error_context(err, "asking apt for this system's mirrors");
	viv_str_clear(&kept);
	viv_str_addf(&kept, "%s\n%s", state, ret->data ? ret->data : "");
	if (viv_mkdir_p(dir, 0755, NULL) == 0)
		viv_write_file(path, kept.data, kept.len, 0600, NULL); /* a mirror may have a login */
	return 0;
}

int viv_apt_host_entries(const struct viv_deb_source *source, struct viv_apt *a,
			 struct viv_error *err)
{
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line;
	struct host_entry e;
	int r = ask_host(&out, err);

	if (r < 0)
		return r;
	rest = (struct viv_slice){out.data, out.len};
	while (viv_slice_line(&rest, &line))
		if (split_line(line, &e)) {
			e.signed_by = viv_apt_signed_by(e.place);
			consider(source, a, &e);
			free(e.signed_by);
		}
	return 0;
}

/* Settings that decide whether a download works here; all others are ours. */
static bool is_wanted(struct viv_slice line)
{
	static const char *const prefixes[] = {
		"Acquire::http::",	"Acquire::https::",    "Acquire::ftp::",
		"Acquire::socks::",	"Acquire::Check-Date", "Acquire::Check-Valid-Until",
		"Acquire::Retries",	"Acquire::ForceIPv4",  "Acquire::ForceIPv6",
		"Acquire::Max-Default-Age",
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(prefixes); i++)
		if (line.len > strlen(prefixes[i]) &&
		    strncasecmp(line.data, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

void viv_apt_host_settings(struct viv_str *ret)
{
	const char *argv[] = {"apt-config", "dump", "--no-empty", "Acquire", NULL};
	VIV_STR out = VIV_STR_INIT, said = VIV_STR_INIT;
	struct viv_slice rest, line;
	int status;

	if (viv_process_run(argv, NULL, NULL, &out, &said, 1 << 20, 30000, &status, NULL) < 0)
		return;
	rest = (struct viv_slice){out.data, out.len};
	while (viv_slice_line(&rest, &line))
		if (is_wanted(line))
			viv_str_addf(ret, "%.*s\n", (int)line.len, line.data);
}

void viv_apt_host_logins(char **ret_file, char **ret_folder)
{
	const char *argv[] = {"apt-config",	  "shell", "file", "Dir::Etc::netrc/f", "folder",
			      "Dir::Etc::netrcparts/d", NULL};
	VIV_STR out = VIV_STR_INIT;
	struct viv_slice rest, line;

	if (viv_process_check(argv, &out, 1 << 20, 30000, NULL) < 0)
		return;
	rest = (struct viv_slice){out.data, out.len};
	while (viv_slice_line(&rest, &line)) { /* file='/etc/apt/auth.conf' */
		const char *quote = line.len ? memchr(line.data, '\'', line.len) : NULL;
		size_t n = quote ? (size_t)(line.data + line.len - quote) : 0;

		if (n < 3 || quote[n - 1] != '\'' || memchr(quote, '"', n))
			continue;
		*(line.data[1] == 'i' ? ret_file : ret_folder) = viv_strndup(quote + 1, n - 2);
	}
}

/* VERSION_CODENAME of os-release(5). */
static char *host_codename(const char *os_release)
{
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line;

	if (viv_read_file(os_release, 1 << 20, &text, NULL) < 0)
		return NULL;
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		static const char key[] = "VERSION_CODENAME=";

		if (line.len <= sizeof(key) - 1 || memcmp(line.data, key, sizeof(key) - 1) != 0)
			continue;
		line.data += sizeof(key) - 1;
		line.len -= sizeof(key) - 1;
		if (line.len > 2 && strchr("\"'", line.data[0]) &&
		    line.data[line.len - 1] == line.data[0]) {
			line.data++;
			line.len -= 2;
		}
		return viv_slice_dup(line);
	}
	return NULL;
}

char *viv_apt_default_release(const char *os_release)
{
	struct viv_strv none = VIV_STRV_INIT;
	struct viv_deb_source debian = {.release = "trixie", .mirrors = &none}, own = debian;
	VIV_CLEANUP(viv_apt_closep) struct viv_apt *a = viv_new(struct viv_apt);
	VIV_FREE char *codename = host_codename(os_release);

	a->lock_fd = -1;
	if (!codename || viv_apt_is_debian_release(codename))
		return viv_strdup("trixie");
	if (viv_apt_host_entries(&debian, a, NULL) < 0 || a->n_entries)
		return viv_strdup("trixie");
	own.release = codename;
	if (viv_apt_host_entries(&own, a, NULL) < 0 || !a->n_entries)
		return viv_strdup("trixie");
	return viv_steal(codename);
}

char *viv_deb_default_release(void)
{
	return viv_apt_default_release("/etc/os-release");
}
