/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "TAG:KIND:TARGET" or "TAG:KIND:TARGET:ro" */
static void mount_one(char *value)
{
	struct viv_proto_mount m = {.folder = "", .options = ""};
	char *rest = value;
	int r;

	m.tag = strsep(&rest, ":");
	m.kind = strsep(&rest, ":");
	m.target = strsep(&rest, ":");
	if (rest)
		m.options = rest;
	if (!m.kind || !m.target)
		return;
	r = system_mount(&m);
	if (r)
		fprintf(stderr, "viv-agent: cannot mount %s at %s: %s\n", m.tag, m.target, strerror(r));
}

void shares_mount(void)
{
	static char line[8192];
	FILE *f = fopen("/proc/cmdline", "re");
	char *rest, *word;

	if (!f)
		return;
	word = fgets(line, sizeof(line), f);
	fclose(f);
	for (word = word ? strtok_r(line, " \n", &rest) : NULL; word;
	     word = strtok_r(NULL, " \n", &rest))
		if (strncmp(word, "viv.share=", 10) == 0)
			mount_one(word + 10);
}
