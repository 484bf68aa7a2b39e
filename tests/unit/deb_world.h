/* SPDX-License-Identifier: MIT */
#pragma once

/* A small signed archive of our own, and a store: for set-up, tear-down and requests. */

#include "unit.h"

#include "base/process.h"
#include "deb/deb.h"
#include "sandbox/sandbox.h"

#ifdef __aarch64__
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "amd64"
#endif

struct world {
	char *dir, *mirror, *lock_file, *keyring;
	struct viv_store *store;
	struct viv_strv mirrors, none, without;
	const char *missing; /* why nothing can be tested here */
};

static inline bool have_programs(void)
{
	static const char *const programs[] = {"apt-get", "dpkg-deb", "gpg", "mkfs.erofs", "ldd"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(programs); i++) {
		VIV_FREE char *path = viv_find_program(programs[i]);

		if (!path)
			return false;
	}
	return true;
}

static inline VIV_UNUSED int set_up(void **state)
{
	struct world *w = viv_new(struct world);
	VIV_FREE char *script = viv_path_join(TEST_DATA, "deb/make-repo"), *cache = NULL, *store = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	*state = w;
	if (!have_programs()) {
		w->missing = "apt, dpkg-deb, gpg, ldd or mkfs.erofs is missing";
		return 0;
	}
	if (viv_sandbox_check(&err) < 0) {
		w->missing = viv_steal(err.msg);
		return 0;
	}
	w->dir = test_dir("repo");
	const char *argv[] = {script, w->dir, NULL};
	if (viv_process_check(argv, NULL, 1 << 20, 60000, &err) < 0)
		fail_msg("%s", err.msg);
	cache = viv_path_join(w->dir, "cache");
	store = viv_path_join(w->dir, "store");
	setenv("XDG_CACHE_HOME", cache, 1);
	w->lock_file = viv_path_join(w->dir, "vm.lock");
	w->keyring = viv_path_join(w->dir, "key.gpg");
	viv_strv_pushf(&w->mirrors, "file:%s/repo tiny", w->dir);
	if (viv_store_open(store, &w->store, &err) < 0)
		fail_msg("%s", err.msg);
	return 0;
}

static inline VIV_UNUSED int tear_down(void **state)
{
	struct world *w = *state;

	if (w->store)
		viv_store_close(w->store);
	if (w->dir)
		viv_remove_tree(w->dir, NULL);
	free(w->dir);
	free(w->lock_file);
	free(w->keyring);
	viv_strv_free(&w->mirrors);
	viv_strv_free(&w->without);
	free(w);
	return 0;
}

#define NEEDS(w)                                                                                   \
	do {                                                                                       \
		if ((w)->missing) {                                                                \
			print_message("not tested: %s\n", (w)->missing);                           \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

static inline VIV_UNUSED struct viv_deb_request request(struct world *w, const struct viv_strv *packages)
{
	return (struct viv_deb_request){
		.source = {.release = "tiny", .architecture = ARCHITECTURE, .mirrors = &w->mirrors,
			   .keyring = w->keyring, .without = &w->without,
			   /* Long for a script of a busy machine, short for one that hangs. */
			   .script_timeout_ms = viv_strv_has(packages, "hangs") ? 5000 : 0},
		.base = &w->none, .packages = packages, .lock_file = w->lock_file};
}
