/* SPDX-License-Identifier: MIT */
#include "init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT 60

static unsigned number(const char *name, const char *value, unsigned min, unsigned max)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || n < min || n > max)
		fatal("kernel parameter %s: expected a number from %u to %u, got \"%.40s\"", name,
		      min, max, value);
	return (unsigned)n;
}

static enum upper upper_of(const char *value)
{
	static const char *const names[] = {"memory", "disk", "none"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0)
			return (enum upper)i;
	fatal("kernel parameter viv.upper: expected memory, disk or none, got \"%.40s\"", value);
}

static void set_init(struct params *p, const char *value)
{
	p->none = strcmp(value, "none") == 0;
	p->runit = strcmp(value, "runit") == 0;
	p->init[0] = '\0';
	if (p->none || p->runit || strcmp(value, "systemd") == 0)
		return;
	if (value[0] != '/' || strlen(value) >= sizeof(p->init))
		fatal("kernel parameter viv.init: expected systemd, runit, none or a path, got \"%.40s\"",
		      value);
	snprintf(p->init, sizeof(p->init), "%s", value);
}

static void set_root(struct params *p, const char *value)
{
	static const char *const names[] = {"ext4", "xfs", "btrfs"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			snprintf(p->root_fs, sizeof(p->root_fs), "%s", value);
			return;
		}
	fatal("kernel parameter viv.root: expected ext4, xfs or btrfs, got \"%.40s\"", value);
}

static void set_base(struct params *p, const char *value)
{
	if (!value[0] || strlen(value) >= sizeof(p->base))
		fatal("kernel parameter viv.base: expected an id, got \"%.40s\"", value);
	snprintf(p->base, sizeof(p->base), "%s", value);
}

static void set_device(struct params *p, const char *value)
{
	if (strncmp(value, "/dev/", 5) != 0 || strlen(value) >= sizeof(p->device))
		fatal("kernel parameter viv.device: expected a path below /dev, got \"%.40s\"",
		      value);
	snprintf(p->device, sizeof(p->device), "%s", value);
}

static bool is_user_network(const char *value)
{
	if (strcmp(value, "user") != 0)
		fatal("kernel parameter viv.network: expected user, got \"%.40s\"", value);
	return true;
}

static bool is_fixed(const char *value)
{
	if (strcmp(value, "fixed") != 0)
		fatal("kernel parameter viv.accounts: expected fixed, got \"%.40s\"", value);
	return true;
}

static void take(struct params *p, const char *name, const char *value)
{
	if (strcmp(name, "viv.layers") == 0)
		p->layers = number(name, value, 1, INIT_MAX_LAYERS);
	else if (strcmp(name, "viv.upper") == 0)
		p->upper = upper_of(value);
	else if (strcmp(name, "viv.init") == 0)
		set_init(p, value);
	else if (strcmp(name, "viv.timeout") == 0)
		p->timeout = number(name, value, 1, 3600);
	else if (strcmp(name, "viv.accounts") == 0)
		p->fixed_accounts = is_fixed(value);
	else if (strcmp(name, "viv.network") == 0)
		p->user_network = is_user_network(value);
	else if (strcmp(name, "viv.shell") == 0)
		p->shell = true;
	else if (strcmp(name, "viv.disks") == 0)
		p->disks = number(name, value, 0, 1024);
	else if (strcmp(name, "viv.root") == 0)
		set_root(p, value);
	else if (strcmp(name, "viv.device") == 0)
		set_device(p, value);
	else if (strcmp(name, "viv.base") == 0)
		set_base(p, value);
	else if (strcmp(name, "viv.rebase") == 0)
		p->rebase = true;
	else if (strcmp(name, "viv.share") == 0)
		p->shares = true; /* which ones the agent reads itself */
	else if (strcmp(name, "viv.crash") == 0)
		p->crash = true;
	else if (strcmp(name, "viv.verbose") == 0)
		p->verbose = true;
	else
		warning("kernel parameter %.40s is not known here", name);
}

void params_parse(char *line, struct params *ret)
{
	struct params p = {.upper = UPPER_MEMORY, .timeout = DEFAULT_TIMEOUT};
	char *rest, *word;

	for (word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
		char *value = strchr(word, '=');

		if (strncmp(word, "viv.", 4) != 0)
			continue;
		if (value)
			*value++ = '\0';
		take(&p, word, value ? value : "");
	}
	if (p.root_fs[0] && p.upper != UPPER_DISK)
		fatal("kernel parameter viv.root: needs viv.upper=disk");
	if (p.device[0] && p.upper != UPPER_DISK)
		fatal("kernel parameter viv.device: needs viv.upper=disk");
	if (!p.layers && !p.crash)
		fatal("the kernel parameter viv.layers is missing");
	*ret = p;
}
