/* SPDX-License-Identifier: MIT */
#include "deb/apt.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/uri.h"

#define LOGINS_MAX (1 << 20)

char *viv_apt_take_login(struct viv_apt *a, const char *uri)
{
	VIV_FREE char *plain = NULL, *user = NULL, *password = NULL, *line = NULL;
	char *whole;

	if (!viv_uri_split(uri, &plain, &user, &password))
		return NULL;
	whole = viv_asprintf("%s%s", plain, viv_ends_with(plain, "/") ? "" : "/");
	if (!user)
		return whole;
	line = viv_asprintf("machine %s login %s%s%s\n", whole, user, password ? " password " : "",
			    password ? password : "");
	if (!a->logins.len || !strstr(a->logins.data, line))
		viv_str_add(&a->logins, line);
	return whole;
}

int viv_apt_write_logins(const struct viv_apt *a, const char *host_file, char **ret_file,
			 struct viv_error *err)
{
	VIV_FREE char *folder = viv_path_join(a->dir, "logins"), *path = NULL;
	VIV_STR text = VIV_STR_INIT, theirs = VIV_STR_INIT;
	char hex[VIV_SHA256_HEX];
	int r;

	if (!a->logins.len) {
		*ret_file = viv_strdup(host_file);
		return 0;
	}
	viv_str_add_bytes(&text, a->logins.data, a->logins.len);
	if (host_file && viv_read_file(host_file, LOGINS_MAX, &theirs, NULL) == 0 && theirs.len)
		viv_str_add_bytes(&text, theirs.data, theirs.len);
	viv_sha256_of(text.data, text.len, hex);
	path = viv_asprintf("%s/auth-%.16s.conf", folder, hex);
	r = viv_mkdir_p(folder, 0700, err); /* a name would let others test what they guess */
	if (r == 0)
		r = viv_write_file(path, text.data, text.len, 0600, err);
	if (r == 0)
		*ret_file = viv_steal(path);
	return r;
}
