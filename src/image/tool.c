/* SPDX-License-Identifier: MIT */
#include "image/tool.h"

#include "base/process.h"

#define TIME_LIMIT_MS (15 * 60 * 1000)

int viv_image_tool(const char *const *argv, const char *const *env, const char *input, const char *package,
		   struct viv_error *err)
{
	struct viv_slice in = viv_slice(input ? input : ""), text;
	VIV_STR said = VIV_STR_INIT;
	VIV_FREE char *how = NULL;
	int status, r;

	r = viv_process_run(argv, env, input ? &in : NULL, NULL, &said, 4 << 20, TIME_LIMIT_MS, &status, err);
	if (r == -ENOENT)
		viv_error_hint(err, "Install the package %s.", package);
	if (r < 0 || status == 0)
		return r;
	how = viv_process_status_text(status);
	text = viv_slice_trim((struct viv_slice){said.data, said.len});
	return viv_error_say(err, EIO, "%s: %s\n%.*s", argv[0], how, (int)VIV_MIN(text.len, 2000u),
			     text.data ? text.data : "");
}
