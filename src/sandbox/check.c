/* SPDX-License-Identifier: MIT */
#include "sandbox/internal.h"

#include "base/fd.h"
#include "base/process.h"

#include <inttypes.h>
#include <pwd.h>
#include <unistd.h>

/* A sysctl's number, or -1 if the kernel has no such switch. */
static long read_switch(const char *sysctls, const char *name)
{
	VIV_FREE char *path = viv_asprintf("%s/%s", sysctls, name);
	VIV_STR text = VIV_STR_INIT;
	uint64_t v;

	if (viv_read_file(path, 64, &text, NULL) < 0 ||
	    !viv_slice_u64(viv_slice_trim((struct viv_slice){text.data, text.len}), INT32_MAX, &v))
		return -1;
	return (long)v;
}

/* Kernel switches that forbid user namespaces, and how each is turned. */
static const struct {
	const char *path;
	long forbids; /* the value that forbids */
	bool root_too;
	bool partly; /* some programs may all the same: other reasons come first */
	const char *advice;
} switches[] = {
	{"user/max_user_namespaces", 0, true, false,
	 "user namespaces are switched off (user.max_user_namespaces = 0). To allow them:\n"
	 "  echo user.max_user_namespaces=15000 | sudo tee /etc/sysctl.d/60-viv.conf\n"
	 "  sudo sysctl --system"},
	{"kernel/unprivileged_userns_clone", 0, false, false,
	 "user namespaces are for root only (kernel.unprivileged_userns_clone = 0). To allow them:\n"
	 "  echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/60-viv.conf\n"
	 "  sudo sysctl --system"},
	{"kernel/apparmor_restrict_unprivileged_userns", 1, false, true,
	 "AppArmor forbids user namespaces to programs without a profile\n"
	 "(kernel.apparmor_restrict_unprivileged_userns = 1). Either give viv a profile,\n"
	 "  printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\n"
	 "profile viv %s flags=(unconfined) {\\n  userns,\\n}\\n' |\n"
	 "    sudo tee /etc/apparmor.d/viv && sudo apparmor_parser -r /etc/apparmor.d/viv\n"
	 "or allow them to all programs:\n"
	 "  echo kernel.apparmor_restrict_unprivileged_userns=0 | sudo tee /etc/sysctl.d/60-viv.conf\n"
	 "  sudo sysctl --system"},
};

static int replace(struct viv_error *err, int code, const char *fmt, ...) VIV_PRINTF(3, 4);
static int replace(struct viv_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err)
		viv_error_clear(err);
	va_start(ap, fmt);
	viv_error_sayv(err, code, fmt, ap);
	va_end(ap);
	return -code;
}

int viv_sandbox_explain_switches(const char *sysctls, const char *self, bool root, bool partly,
				 struct viv_error *err)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(switches); i++) {
		VIV_STR text = VIV_STR_INIT;
		const char *slot;

		if ((root && !switches[i].root_too) || switches[i].partly != partly ||
		    read_switch(sysctls, switches[i].path) != switches[i].forbids)
			continue;
		slot = strstr(switches[i].advice, "%s");
		viv_str_add_bytes(&text, switches[i].advice,
				  slot ? (size_t)(slot - switches[i].advice)
				       : strlen(switches[i].advice));
		if (slot) {
			viv_str_add(&text, self);
			viv_str_add(&text, slot + 2);
		}
		return replace(err, EPERM, "cannot make a sandbox: %s", text.data);
	}
	return 0;
}

static int explain_switches(bool partly, struct viv_error *err)
{
	char self[4096] = "/usr/bin/viv";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0)
		self[n] = '\0';
	return viv_sandbox_explain_switches("/proc/sys", self, geteuid() == 0, partly, err);
}

static int explain_ids(struct viv_error *err)
{
	struct passwd *pw = getpwuid(getuid());
	VIV_FREE char *user = pw ? viv_strdup(pw->pw_name) : viv_asprintf("%u", getuid());
	struct viv_subids ids;
	bool no_uids = viv_subids_find("/etc/subuid", false, getuid(), user, &ids, NULL) < 0;
	bool no_gids = viv_subids_find("/etc/subgid", true, getuid(), user, &ids, NULL) < 0;
	uint64_t start = VIV_MAX(viv_subids_free_start("/etc/subuid"),
				 viv_subids_free_start("/etc/subgid"));
	VIV_STR text = VIV_STR_INIT;

	if (!no_uids && !no_gids)
		return 0;
	viv_str_addf(&text, "%s has no subordinate ids. Add, as root,", user);
	if (no_uids)
		viv_str_addf(&text, "\n  to /etc/subuid the line  %s:%" PRIu64 ":65536", user, start);
	if (no_gids)
		viv_str_addf(&text, "\n  to /etc/subgid the line  %s:%" PRIu64 ":65536", user, start);
	return replace(err, ENOENT, "cannot make a sandbox: %s", text.data);
}

/* Nothing that could be switched on here: whoever started the container must. */
static int explain_container(const char *what_for, struct viv_error *err)
{
	if (!err || (err->code != EPERM && err->code != EACCES))
		return err ? -err->code : -EPERM;
	viv_error_context(err, "cannot make a sandbox");
	return viv_error_hint(
		err, "%s, and these are forbidden here. If this is a container, start it with\n"
		     "  docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined\n"
		     "or with --privileged; podman takes the same.",
		what_for);
}

int viv_sandbox_explain(const char *what_for, struct viv_error *err)
{
	int r = 0;

	if (geteuid() != 0) {
		VIV_FREE char *u = viv_find_program("newuidmap"), *g = viv_find_program("newgidmap");

		if (!u || !g)
			return replace(err, ENOENT,
				       "cannot make a sandbox: %s is missing\n"
				       "Install the package uidmap (on Fedora shadow-utils, on Arch "
				       "shadow).", u ? "newgidmap" : "newuidmap");
	}
	r = explain_switches(false, err);
	if (r == 0 && geteuid() != 0)
		r = explain_ids(err);
	if (r == 0)
		r = explain_switches(true, err);
	return r ? r : explain_container(what_for, err);
}

static int do_nothing(const struct viv_sandbox_view *view, void *arg, struct viv_report *report,
		      struct viv_str *result, struct viv_error *err)
{
	return 0;
}

int viv_sandbox_check(struct viv_error *err)
{
	struct viv_sandbox_spec spec = {.scratch_size = 1 << 20};

	return viv_sandbox_call(&spec, do_nothing, NULL, NULL, NULL, err);
}
