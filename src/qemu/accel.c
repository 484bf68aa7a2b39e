/* SPDX-License-Identifier: MIT */
#include "qemu/accel.h"

#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"

#include <unistd.h>

#define DEVICE	   "/dev/kvm"
#define TIMEOUT_MS 1000 /* a working one needs less than 20 */
#define CACHE_MAX  4096

int viv_accel_wish_parse(const char *text, enum viv_accel_wish *ret, struct viv_error *err)
{
	static const char *const names[] = {"auto", "kvm", "tcg"};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(names); i++)
		if (viv_streq(text, names[i])) {
			*ret = (enum viv_accel_wish)i;
			return 0;
		}
	return viv_error_say(err, EINVAL, "no accelerator \"%s\": auto, kvm or tcg", text);
}

/* What an answer is good for: this boot of the host. NULL: unknown, keep nothing. */
static char *boot_id(void)
{
	VIV_STR id = VIV_STR_INIT;

	if (viv_read_file("/proc/sys/kernel/random/boot_id", 100, &id, NULL) < 0)
		return NULL;
	return viv_slice_dup(viv_slice_trim((struct viv_slice){id.data, id.len}));
}

static char *cache_path(void)
{
	VIV_FREE char *dir = viv_dir_cache();

	return viv_path_join(dir, "kvm.json");
}

/* True: *ret_why is the kept answer (NULL: KVM works). */
static bool recall(const char *boot, char **ret_why)
{
	VIV_FREE char *path = cache_path();
	VIV_JSON *j = NULL;
	const char *kept, *why;

	if (!boot || viv_json_read_file(path, CACHE_MAX, &j, NULL) < 0)
		return false;
	kept = viv_json_str(j, "boot");
	why = viv_json_str(j, "why");
	if (!kept || !why || !viv_streq(kept, boot))
		return false;
	*ret_why = why[0] ? viv_strdup(why) : NULL;
	return true;
}

static void remember(const char *boot, const char *why)
{
	VIV_FREE char *path = cache_path();
	VIV_FREE char *dir = viv_path_dir(path);
	VIV_JSON *j = json_pack("{s:s, s:s}", "boot", boot, "why", why ? why : "");

	if (viv_mkdir_p(dir, 0700, NULL) == 0)
		viv_json_write_file(path, j, 0600, NULL);
}

/* NULL: KVM works. */
static char *why_no_kvm(void)
{
	VIV_FREE char *boot = boot_id();
	char *why = NULL;
	bool keep;

	/* Permissions change without a boot; asking costs nothing. */
	if (access(DEVICE, R_OK | W_OK) == 0 && recall(boot, &why))
		return why;
	why = viv_kvm_test(DEVICE, TIMEOUT_MS, &keep);
	if (keep && boot)
		remember(boot, why);
	return why;
}

int viv_accel_choose(enum viv_accel_wish wish, enum viv_accel *ret, char **ret_why,
		     struct viv_error *err)
{
	VIV_FREE char *why = NULL;

	if (wish == VIV_ACCEL_WISH_TCG) {
		*ret = VIV_ACCEL_TCG;
		*ret_why = viv_strdup("using TCG, as asked");
		return 0;
	}
	why = why_no_kvm();
	if (why && wish == VIV_ACCEL_WISH_KVM)
		return viv_error_say(err, ENODEV, "KVM is asked for and doesn't work: %s", why);
	*ret = why ? VIV_ACCEL_TCG : VIV_ACCEL_KVM;
	*ret_why = why ? viv_asprintf("using TCG, which is slow: %s", why)
		       : viv_strdup("using KVM: a test guest ran in it");
	return 0;
}
