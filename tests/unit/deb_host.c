/* SPDX-License-Identifier: MIT */

/*
 * Hosts of other Debian families: apt is asked with a configuration and an os-release of ours.
 */

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "deb/apt.h"
#include "unit.h"

#include <unistd.h>

#define ZERO "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct host {
	char *dir, *os_release;
};

static int set_up(void **state)
{
	struct host *h = viv_new(struct host);
	VIV_FREE char *cache = NULL;

	h->dir = test_dir("host");
	h->os_release = viv_path_join(h->dir, "os-release");
	cache = viv_path_join(h->dir, "cache");
	setenv("XDG_CACHE_HOME", cache, 1);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct host *h = *state;

	viv_remove_tree(h->dir, NULL);
	free(h->dir);
	free(h->os_release);
	free(h);
	return 0;
}

static void put(struct host *h, const char *name, const char *text)
{
	VIV_FREE char *path = viv_path_join(h->dir, name), *parent = viv_path_dir(path);

	assert_int_equal(viv_mkdir_p(parent, 0755, NULL), 0);
	assert_int_equal(viv_write_file(path, text, strlen(text), 0644, NULL), 0);
}

/* What apt keeps of each archive's release file. */
static void put_lists(struct host *h)
{
	static const struct {
		const char *archive, *suites, *origin;
	} rows[] = {
		{"archive.example.org_ubuntu", "noble noble-updates jammy jammy-updates", "Ubuntu"},
		{"security.example.org_ubuntu", "noble-security jammy-security", "Ubuntu"},
		{"ports.example.org_ubuntu-ports", "noble noble-security", "Ubuntu"},
		{"deb.example.org_debian", "bookworm bookworm-updates bookworm-backports", "Debian"},
		{"sec.example.org_debian-security", "bookworm-security", "Debian"},
		{"vendor.example.org_apt", "bookworm", "Vendor"},
	};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct viv_slice rest = viv_slice(rows[i].suites), suite;

		while (viv_slice_word(&rest, &suite)) {
			VIV_FREE char *name = viv_asprintf("state/lists/%s_dists_%.*s_Release",
							   rows[i].archive, (int)suite.len, suite.data);
			VIV_FREE char *text = viv_asprintf("Origin: %s\nSuite: %.*s\nCodename: %.*s\n"
							   "Date: Tue, 14 Nov 2023 22:13:20 UTC\n"
							   "Architectures: amd64\n"
							   "Components: main universe restricted contrib stable\n"
							   "SHA256:\n " ZERO " 0 main/binary-amd64/Packages\n",
							   rows[i].origin, (int)suite.len, suite.data,
							   (int)suite.len, suite.data);

			put(h, name, text);
		}
	}
}

/* This system becomes one with those sources: a sources.list or a .sources file. */
static void become(struct host *h, const char *codename, const char *file, const char *sources,
		   bool lists)
{
	VIV_FREE char *os = viv_asprintf("ID=x\n%s%s\n", codename ? "VERSION_CODENAME=" : "",
					 codename ? codename : "");
	VIV_FREE char *conf = viv_path_join(h->dir, "apt.conf"), *etc = viv_path_join(h->dir, "etc");
	VIV_FREE char *text = viv_asprintf("Dir::Etc \"%s\";\nDir::Etc::parts \"/dev/null\";\n"
					   "Dir::State \"%s/state\";\nDir::Cache \"%s/aptcache\";\n"
					   "APT::Architecture \"amd64\";\n"
					   "APT::Architectures { \"amd64\"; };\n"
					   "Dir::State::status \"/dev/null\";\n",
					   etc, h->dir, h->dir);
	VIV_FREE char *name = viv_asprintf("etc/%s", file), *state = viv_path_join(h->dir, "state");
	VIV_FREE char *cache = viv_path_join(h->dir, "cache");

	viv_remove_tree(etc, NULL);
	viv_remove_tree(cache, NULL);
	put(h, "os-release", os);
	put(h, "apt.conf", text);
	viv_remove_tree(state, NULL);
	put(h, "state/lists/partial/x", "");
	if (lists)
		put_lists(h);
	put(h, "etc/sources.list.d/x", "");
	put(h, name, sources);
	setenv("APT_CONFIG", conf, 1);
}

#define UBUNTU_DEB822                                                                              \
	"# Comments alone\n\n\n# are no stanza\n"                                                 \
	"Types: deb\nURIs: http://archive.example.org/ubuntu\n"                                   \
	"Suites: noble noble-updates noble-backports\nComponents: main universe\n"                \
	"Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n\n"                           \
	"Types: deb\nURIs: http://security.example.org/ubuntu\nSuites: noble-security\n"          \
	"Components: main universe\nSigned-By: /usr/share/keyrings/security.gpg\n"
#define UBUNTU_LINES                                                                               \
	"deb http://archive.example.org/ubuntu jammy main restricted\n"                           \
	"deb-src http://archive.example.org/ubuntu jammy main\n"                                  \
	"# deb http://archive.example.org/ubuntu jammy universe\n"                                \
	"deb [arch=amd64 signed-by=/usr/share/keyrings/ubuntu-archive-keyring.gpg] "              \
	"http://archive.example.org/ubuntu jammy-updates main\n"                                  \
	"deb http://security.example.org/ubuntu jammy-security main\n"                            \
	"deb http://ppa.example.org/x/ubuntu focal main\n"
#define PORTS                                                                                      \
	"Types: deb\nURIs: http://ports.example.org/ubuntu-ports\nSuites: noble noble-security\n" \
	"Components: main\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n"
#define DEBIAN                                                                                     \
	"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "                         \
	"http://deb.example.org/debian bookworm main contrib\n"                                   \
	"deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "              \
	"http://deb.example.org/debian bookworm-updates main\n"                                   \
	"deb http://sec.example.org/debian-security bookworm-security main\n"                     \
	"deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.example.org/apt bookworm stable\n" \
	"deb http://deb.example.org/debian bookworm-backports main\n"

#define KEY "/usr/share/keyrings/ubuntu-archive-keyring.gpg"

/* "URI suite component,… [keyring]" a line. */
static char *entries_of(const char *release)
{
	struct viv_strv none = VIV_STRV_INIT;
	struct viv_deb_source source = {.release = release, .mirrors = &none};
	VIV_CLEANUP(viv_apt_closep) struct viv_apt *a = viv_new(struct viv_apt);
	VIV_STR text = VIV_STR_INIT;
	VIV_ERROR err = VIV_ERROR_INIT;

	a->lock_fd = -1;
	if (viv_apt_host_entries(&source, a, &err) < 0)
		fail_msg("%s", err.msg);
	viv_str_add(&text, "");
	for (size_t i = 0; i < a->n_entries; i++) {
		VIV_FREE char *components = viv_strv_join(&a->entries[i].components, ",");

		viv_str_addf(&text, "%s %s %s%s%s\n", a->entries[i].uri, a->entries[i].suite, components,
			     a->entries[i].signed_by ? " " : "",
			     a->entries[i].signed_by ? a->entries[i].signed_by : "");
	}
	return viv_str_steal(&text);
}

static void families(void **state)
{
	static const struct {
		const char *codename, *file, *sources, *release, *entries;
	} rows[] = {
		{"noble", "sources.list.d/ubuntu.sources", UBUNTU_DEB822, "noble",
		 "http://archive.example.org/ubuntu/ noble main,universe " KEY "\n"
		 "http://archive.example.org/ubuntu/ noble-updates main,universe " KEY "\n"
		 "http://security.example.org/ubuntu/ noble-security main,universe /usr/share/keyrings/security.gpg\n"},
		{"jammy", "sources.list", UBUNTU_LINES, "jammy",
		 "http://archive.example.org/ubuntu/ jammy main,restricted\n"
		 "http://archive.example.org/ubuntu/ jammy-updates main " KEY "\n"
		 "http://security.example.org/ubuntu/ jammy-security main\n"},
		{"noble", "sources.list.d/ubuntu.sources", PORTS, "noble",
		 "http://ports.example.org/ubuntu-ports/ noble main " KEY "\n"
		 "http://ports.example.org/ubuntu-ports/ noble-security main " KEY "\n"},
		{"bookworm", "sources.list", DEBIAN, "trixie",
		 "http://deb.example.org/debian/ trixie main,contrib "
		 "/usr/share/keyrings/debian-archive-keyring.gpg\n"
		 "http://deb.example.org/debian/ trixie-updates main "
		 "/usr/share/keyrings/debian-archive-keyring.gpg\n"
		 "http://sec.example.org/debian-security/ trixie-security main\n"},
		/* Ubuntu with Debian's archive beside its own; of neither family's name; none at all. */
		{"jammy", "sources.list", UBUNTU_LINES DEBIAN, "trixie", NULL},
		{"\"noble\"", "sources.list.d/ubuntu.sources", UBUNTU_DEB822, "noble", NULL},
		{NULL, "sources.list", UBUNTU_LINES, "trixie", ""},
		{"jammy", "sources.list", "", "trixie", ""},
		{"jammy", "sources.list", "deb http://x.example.org/y focal main\n", "trixie", NULL},
	};
	VIV_FREE char *program = viv_find_program("apt-get");

	if (!program) {
		print_message("not tested: apt is missing\n");
		skip();
	}
	for (size_t i = 0; i < VIV_ARRAY_SIZE(rows); i++) {
		struct host *h = *state;
		VIV_FREE char *release = NULL, *entries = NULL;

		become(h, rows[i].codename, rows[i].file, rows[i].sources, true);
		release = viv_apt_default_release(h->os_release);
		if (!viv_streq(release, rows[i].release))
			fail_msg("%zu: %s, not %s", i, release, rows[i].release);
		entries = entries_of(release);
		if (rows[i].entries && !viv_streq(entries, rows[i].entries))
			fail_msg("%zu:\n%s", i, entries);
		/* A new container, whose apt has no lists yet. */
		become(h, rows[i].codename, rows[i].file, rows[i].sources, false);
		free(release);
		release = viv_apt_default_release(h->os_release);
		free(entries);
		entries = entries_of(release);
		assert_string_equal(release, rows[i].release);
		if (rows[i].entries)
			assert_int_equal(*entries == '\0', *rows[i].entries == '\0');
	}
}

/* A login is for apt alone: the guest is told the address without it. */
static void logins(void **state)
{
	struct viv_strv mirrors = VIV_STRV_INIT, guest = VIV_STRV_INIT;
	struct viv_deb_source source = {.release = "trixie", .mirrors = &mirrors};
	VIV_CLEANUP(viv_apt_closep) struct viv_apt *a = viv_new(struct viv_apt);
	VIV_FREE char *program = viv_find_program("apt-get"), *file = NULL, *folder = NULL;
	struct host *h = *state;

	a->lock_fd = -1;
	viv_strv_push(&mirrors, "http://paul:s%40cret@deb.example.org/debian");
	viv_strv_push(&mirrors, "http://[2001:db8::1]:8080/debian trixie");
	viv_deb_guest_mirrors(&source, &guest);
	assert_int_equal(guest.count, 3);
	assert_string_equal(guest.items[0], "http://deb.example.org/debian/ trixie main");
	assert_string_equal(guest.items[1], "http://deb.example.org/debian/ trixie-updates main");
	assert_string_equal(guest.items[2], "http://[2001:db8::1]:8080/debian/ trixie main");
	viv_strv_free(&guest);
	viv_strv_free(&mirrors);
	if (!program) {
		print_message("not tested: apt is missing\n");
		skip();
	}
	become(h, "bookworm", "sources.list",
	       "deb http://paul:s3cret@deb.example.org/debian bookworm main\n", true);
	assert_int_equal(viv_apt_host_entries(&source, a, NULL), 0);
	assert_int_equal(a->n_entries, 1);
	assert_string_equal(a->entries[0].uri, "http://deb.example.org/debian/");
	assert_string_equal(a->logins.data,
			    "machine http://deb.example.org/debian/ login paul password s3cret\n");
	viv_apt_host_logins(&file, &folder);
	assert_true(viv_starts_with(file, h->dir) && viv_ends_with(file, "/etc/auth.conf"));
	assert_true(viv_starts_with(folder, h->dir) && strstr(folder, "/etc/auth.conf.d"));
}

/* Whose index a file's address stands in: security has an archive of its own, and a folder more in its paths. */
static void indexes_of_files(void **state)
{
	struct viv_apt a = {.release = viv_strdup("trixie")};
	VIV_FREE char *key = NULL, *other = NULL, *none = NULL;

	viv_apt_add_entry(&a, "http://deb.example.org/debian-security/", "trixie-security");
	viv_apt_add_entry(&a, "http://deb.example.org/debian/", "trixie-updates");
	viv_apt_add_entry(&a, "http://deb.example.org/debian/", "trixie");
	assert_string_equal(viv_apt_suite_of(&a, "http://deb.example.org/debian-security/pool/updates/main/x/xz/xz_1.dsc"),
			    "trixie-security");
	assert_string_equal(viv_apt_suite_of(&a, "http://deb.example.org/debian/pool/main/x/xz/xz_1.dsc"), "trixie");
	assert_string_equal(viv_apt_suite_of(&a, "http://other.example.org/debian/pool/main/x/xz/xz_1.dsc"), "trixie");
	free(a.entries[2].suite);
	a.entries[2].suite = viv_strdup("trixie-backports");
	assert_string_equal(viv_apt_suite_of(&a, "http://deb.example.org/debian/pool/main/x/xz/xz_1.dsc"), "trixie-updates");
	key = viv_apt_index_key("trixie-security", viv_slice("pool/updates/main/x/xz/"));
	other = viv_apt_index_key("trixie", viv_slice("pool/non-free-firmware/f/"));
	none = viv_apt_index_key("tiny", viv_slice("./x_1.dsc"));
	assert_string_equal(key, "trixie-security/main");
	assert_string_equal(other, "trixie/non-free-firmware");
	assert_string_equal(none, "tiny");
	for (size_t i = 0; i < a.n_entries; i++) {
		free(a.entries[i].uri);
		free(a.entries[i].suite);
	}
	free(a.entries);
	free(a.release);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(families), cmocka_unit_test(logins),
					   cmocka_unit_test(indexes_of_files)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
