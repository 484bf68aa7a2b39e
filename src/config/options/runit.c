/* SPDX-License-Identifier: MIT */
/* Services as runit has them. */

#include "config/options/area.h"

static const struct viv_option service_fields[] = {
	{.name = "run",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"exec nginx -g 'daemon off;'\\n\"",
	 .text = "The script that becomes the service (exec): started again a second after it ends. A shell's, but "
		 "for one with a #! line."},
	{.name = "finish",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .example = "\"rm -rf /run/nginx\\n\"",
	 .text = "A script to be run each time it has ended, with its exit status and signal as arguments."},
	{.name = "log",
	 .type = VIV_T_LINES,
	 .fallback = "\"\"",
	 .fallback_text = "its output goes to the console",
	 .example = "\"exec svlogd /var/log/nginx\\n\"",
	 .text = "A script that gets the service's output as its input."},
};

static const struct viv_option rows[] = {
	{.name = "runit.services",
	 .type = VIV_T_SET(&viv_rule_service, "<name>", VIV_T_SUBMODULE(service_fields)),
	 .fallback = "{}",
	 .example = "{ hello = { run = \"exec sleep inf\" } }",
	 .inits = VIV_INIT_RUNIT,
	 .text = "Services that runit looks after: the folders of /etc/service (runsv(8))."},
};

const struct viv_option_area viv_options_runit = VIV_OPTION_AREA(rows);
