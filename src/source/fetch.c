/* SPDX-License-Identifier: MIT */
#include "source/private.h"

#include "base/dl.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/uri.h"
#include "source/git.h"

#include <unistd.h>

/* Sources from elsewhere: tar files in the store. They are unpacked in the sandbox. */

#define SIZE_MAX_TEXT "8589934592" /* 8 GiB */
#define FETCH_LIMIT_MS (60 * 60 * 1000)

/* curl is what everybody has; https and file alone, also after a redirection. */
static int fetch_url(const char *url, const char *dest, struct viv_report *report, struct viv_error *err)
{
	VIV_FREE char *masked = viv_uri_masked(url);
	const char *argv[] = {"curl", "-q", "--globoff", "--silent", "--show-error", "--fail", "--location",
			      "--proto", "=http,https,file", "--proto-redir", "=https", "--max-filesize",
			      SIZE_MAX_TEXT, "--speed-limit", "1", "--speed-time", "120", "--retry", "2",
			      "--output", dest, "--", url, NULL};
	VIV_STR said = VIV_STR_INIT;
	int status, r;

	viv_task_begin(report, 0, "fetching %s", masked);
	r = viv_process_run(argv, NULL, NULL, NULL, &said, 1 << 20, FETCH_LIMIT_MS, &status, err);
	viv_task_end(report, r == 0 && status == 0);
	if (r == -ENOENT)
		viv_error_hint(err, "fetchTarball needs the package curl.");
	if (r == 0 && status)
		r = viv_error_say(err, EIO, "cannot fetch %s: %.1000s", masked, said.data ? said.data : "");
	return r;
}

static int check_hash(const char *path, const char *want, const char *url, struct viv_error *err)
{
	VIV_FREE char *masked = viv_uri_masked(url);
	VIV_FD fd = viv_open(path, O_RDONLY, 0, err);
	char hex[VIV_SHA256_HEX];
	int r = fd < 0 ? fd : viv_sha256_of_fd(fd, path, hex, err);

	if (r == 0 && !viv_streq(hex, want))
		r = viv_error_say(err, EBADMSG, "%s has the sha256 %s, not %s", masked, hex, want);
	return r;
}

static struct archive *open_archive(void)
{
	struct archive *a = sym_archive_read_new();

	sym_archive_read_support_filter_gzip(a);
	sym_archive_read_support_filter_bzip2(a);
	sym_archive_read_support_filter_xz(a);
	sym_archive_read_support_filter_zstd(a);
	sym_archive_read_support_filter_lzma(a);
	sym_archive_read_support_format_tar(a);
	return a;
}

static void take_name(const char *name, struct viv_strv *ret)
{
	const char *slash;

	if (name && viv_starts_with(name, "./"))
		name += 2;
	slash = name ? strchr(name, '/') : NULL;
	if (slash && viv_source_is_sign(slash + 1) && !viv_strv_has(ret, slash + 1))
		viv_strv_push(ret, slash + 1);
}

int viv_source_archive_signs(const char *path, struct viv_strv *ret, struct viv_error *err)
{
	struct archive *a;
	struct archive_entry *e;
	int r = viv_dl_libarchive(err), next = ARCHIVE_OK;

	if (r < 0)
		return r;
	a = open_archive();
	if (sym_archive_read_open_filename(a, path, 65536) != ARCHIVE_OK)
		r = viv_error_say(err, EBADMSG, "it is no tar file: %s", sym_archive_error_string(a));
	while (r == 0 && (next == ARCHIVE_OK || next == ARCHIVE_WARN)) {
		next = sym_archive_read_next_header(a, &e);
		if (next == ARCHIVE_OK || next == ARCHIVE_WARN)
			take_name(sym_archive_entry_pathname(e), ret);
	}
	if (r == 0 && next != ARCHIVE_EOF)
		r = viv_error_say(err, EBADMSG, "the tar file cannot be read: %s", sym_archive_error_string(a));
	sym_archive_read_free(a);
	return r;
}

static int fill(struct viv_source_job *j, const json_t *src, const char *dest, struct viv_report *report,
		struct viv_error *err)
{
	const char *url = viv_json_str(src, "url"), *rev = viv_json_str(src, "rev");
	const char *hash = viv_json_str(src, "sha256");
	int r;

	if (viv_streq(viv_json_str(src, "fetch"), "git"))
		return viv_git_fetch(url, rev, dest, report, err);
	r = fetch_url(url, dest, report, err);
	return r < 0 ? r : check_hash(dest, hash, url, err);
}

int viv_source_fetch_archive(struct viv_source_job *j, const json_t *src, struct viv_report *report,
			     struct viv_error *err)
{
	struct viv_store *store = j->set->req.store;
	const char *rev = viv_json_str(src, "rev");
	VIV_JSON *recipe = NULL;
	VIV_FREE char *path = NULL;
	struct viv_store_build *b = NULL;
	int r;

	if (rev && !viv_git_is_commit(rev))
		return viv_error_say(err, EINVAL, "fetchGit: rev \"%s\" is not a whole commit's name (40 digits), "
				     "which alone is the same every time", rev);
	/* A commit, a hash: where it came from does not matter. */
	recipe = rev ? json_pack("{s:s, s:s}", "kind", "git", "rev", rev)
		     : json_pack("{s:s, s:s}", "kind", "tarball", "sha256", viv_json_str(src, "sha256"));
	j->archive = viv_store_id("source", recipe);
	r = viv_store_begin(store, j->archive, report, &b, err);
	if (r == 0 && b) {
		r = fill(j, src, viv_store_build_path(b), report, err);
		r = viv_store_end(b, r, recipe, NULL, err);
	}
	path = viv_store_object_path(store, j->archive);
	return r < 0 ? r : viv_source_archive_signs(path, &j->archive_files, err);
}
