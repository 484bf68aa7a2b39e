/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * apt with a state of its own for each release and source, below the cache folder. The host's state
 * and configuration are never touched; of the latter the mirrors (when none are given), proxies and
 * TLS settings are taken, as apt itself reports them. Inside deb/ only.
 */

#include "base/error.h"
#include "base/report.h"
#include "base/str.h"
#include "deb/deb.h"
#include "deb/lock.h"

/* One line of sources.list. */
struct viv_apt_entry {
	char *uri; /* ends with '/'; without a login */
	char *suite;
	struct viv_strv components;
	char *signed_by; /* a keyring's path or NULL: the host's trusted keys */
};

/* An index that apt has: what `apt-get indextargets` says of it. */
struct viv_apt_index {
	char *uri, *suite, *component, *label, *archive;
	char *release_file; /* the InRelease beside it */
};

struct viv_apt {
	char *dir;    /* "<cache>/apt/trixie-0123456789ab" */
	char *config; /* the apt.conf in it */
	char *release, *architecture;
	char *place; /* "vm.lua:3: packages.release: ", for messages; or "" */
	struct viv_apt_entry *entries;
	size_t n_entries, cap_entries;
	struct viv_apt_index *indexes; /* filled by viv_apt_read_indexes */
	size_t n_indexes, cap_indexes;
	struct viv_strv snapshots; /* each ends with '/'; without a login */
	struct viv_str logins; /* apt_auth.conf(5): secret */
	int lock_fd; /* one process at a time; -1: not locked */
	viv_deb_whose_fn whose; /* the request's, borrowed; NULL: messages name nobody */
	const void *whose_data;
};

/*
 * Finds the mirrors and writes the configuration. ENOENT: no mirror is known. With `lock` no other
 * process has it open so: for what reads or writes the indexes. Fetching archives needs no lock, and
 * nobody should wait for it.
 */
int viv_apt_open(const struct viv_deb_source *source, bool lock, struct viv_report *report,
		 struct viv_apt **ret, struct viv_error *err);
void viv_apt_close(struct viv_apt *a);
VIV_DEFINE_CLEANUP(struct viv_apt, viv_apt_close)

/* Fetches and verifies the indexes. EKEYREJECTED: a signature is missing or wrong. */
int viv_apt_update(struct viv_apt *a, struct viv_report *report, struct viv_error *err);
/* Are there indexes, and of less than `max_age` seconds? 0: any age will do. */
bool viv_apt_has_indexes(const struct viv_apt *a, int64_t max_age);
int viv_apt_read_indexes(struct viv_apt *a, struct viv_error *err);

/*
 * Runs an apt program with the private configuration and returns what it prints. A failure is told
 * by its "E:" lines. *ret_said (may be NULL) is what it said on stderr, also when it failed.
 */
int viv_apt_run(const struct viv_apt *a, const char *const *argv, struct viv_str *out,
		struct viv_str *ret_said, struct viv_error *err);
/* Environment for apt: ours, with the private configuration; the caller frees it. */
void viv_apt_env(const struct viv_apt *a, struct viv_strv *ret);

/* Adds the host's entries that fit the release. */
int viv_apt_host_entries(const struct viv_deb_source *source, struct viv_apt *a,
			 struct viv_error *err);
/*
 * The keyring that an entry of sources.list or a stanza of a .sources file names: `place` is what apt
 * says: "FILE:LINE", for .sources "FILE:STANZA", counted from one. NULL: none, or keys written out. The caller frees it.
 */
char *viv_apt_signed_by(struct viv_slice place);
/* viv_deb_default_release of a host whose os-release(5) is that file. */
char *viv_apt_default_release(const char *os_release);
/* The host's Acquire settings that are worth having, as lines of apt.conf. */
void viv_apt_host_settings(struct viv_str *ret);
/* Where the host's apt finds logins: a file and a folder, NULL if it doesn't say. The caller frees them. */
void viv_apt_host_logins(char **ret_file, char **ret_folder);
/* `uri` is without a login: viv_apt_take_login. */
struct viv_apt_entry *viv_apt_add_entry(struct viv_apt *a, const char *uri, const char *suite);
/*
 * The suite of an entry whose archive has the file at `uri`. Of several suites in one archive the release's own, else the first:
 * a file's address does not say which one names it. Nobody's: the release's.
 */
const char *viv_apt_suite_of(const struct viv_apt *a, const char *uri);
/* "trixie/main", with the component out of the file's path: "pool/main/h/htop/…". The caller frees it. */
char *viv_apt_index_key(const char *suite, struct viv_slice path);

/*
 * An address as it may be shown: its login, if there is one, is kept for apt alone. It ends with '/';
 * the caller frees it. NULL: it is no proper address.
 */
char *viv_apt_take_login(struct viv_apt *a, const char *uri);
/*
 * Writes the logins into a file that nobody else may read, with those of the host's file behind them.
 * *ret_file: where apt is to look; may be NULL, and is the caller's. Machines with the same mirrors
 * share the private state, perhaps at the same time: each set of logins has a file of its own there,
 * which stays.
 */
int viv_apt_write_logins(const struct viv_apt *a, const char *host_file, char **ret_file,
			 struct viv_error *err);

/* A codename or an alias of a Debian release? */
bool viv_apt_is_debian_release(const char *name);
