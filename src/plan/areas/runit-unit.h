/* SPDX-License-Identifier: MIT */
#pragma once

/* An entry of systemd.services on its way to runit: what the files areas/runit-*.c share. */

#include "plan/areas/runit.h"
#include "plan/service.h"

struct viv_runit_unit {
	struct viv_etc *etc;
	const struct viv_config *config;
	struct viv_service service;
	const struct viv_strv *reached; /* units that a boot starts */
	bool oneshot, wanted;
	bool logs; /* a stream of its goes to the log */
	struct viv_str run, finish;
};

/* What runs once leaves a mark of its name there when it has come to its end. */
#define VIV_RUNIT_DONE "/run/runit/done/"
/* Stage 1 leaves one there when it has ended, however (guest/watch-runit.c reads both, and the file of targets). */
#define VIV_RUNIT_ENDED "/run/runit/ended/"
#define VIV_RUNIT_TARGETS "etc/runit/targets" /* those that a boot reaches, a line each */

/* EINVAL: "<place>: systemd.services.x.<field>: <text> on runit". field NULL: the entry. */
int viv_runit_refuse(const struct viv_runit_unit *u, const char *field, struct viv_error *err, const char *fmt, ...)
	VIV_PRINTF(4, 5);
/* The same of serviceConfig.<key>. */
int viv_runit_refuse_setting(const struct viv_runit_unit *u, const char *key, struct viv_error *err,
			     const char *fmt, ...) VIV_PRINTF(4, 5);

/* The scripts run and finish (runit-script.c); what they take for granted is added to the etc layer. */
int viv_runit_add_scripts(struct viv_runit_unit *u, struct viv_error *err);
/* Where output goes (runit-output.c): shell's redirections to *ret; sets u->logs. */
int viv_runit_add_output(struct viv_runit_unit *u, struct viv_str *ret, struct viv_error *err);
/* The script that gets the output; NULL: none is needed. The caller frees it. */
char *viv_runit_log(const struct viv_runit_unit *u);

/* What starts, and when (runit-order.c). */

/* Units that a boot starts: targets, services and what those want; sorted by nothing. */
void viv_runit_reach(const struct viv_config *config, struct viv_strv *ret);
/* The names of systemd.services, each after those that it waits for. ELOOP: they wait for each other. */
int viv_runit_sort(const struct viv_config *config, struct viv_strv *ret, struct viv_error *err);
/* Can what after, before, wants … say be had? */
int viv_runit_check_units(const struct viv_runit_unit *u, struct viv_error *err);
/* The lines that wait for other services, or start them. */
void viv_runit_add_waits(struct viv_runit_unit *u);
