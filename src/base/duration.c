/* SPDX-License-Identifier: MIT */
#include "base/duration.h"

#include "base/str.h"

int viv_parse_duration(const char *text, int64_t *ret_ms, struct viv_error *err)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}};
	size_t digits = strspn(text, "0123456789");
	uint64_t n;

	if (viv_slice_u64((struct viv_slice){text, digits}, 999999999, &n) && n > 0) {
		for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++) {
			if (viv_streq(text + digits, units[i].unit)) {
				*ret_ms = (int64_t)n * units[i].ms;
				return 0;
			}
		}
	}
	return viv_error_say(err, EINVAL, "expected a time such as 90s, 5m or 2h, got \"%s\"", text);
}
