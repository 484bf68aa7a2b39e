/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One entry of systemd.services with its parts laid out, for whoever makes something of it: a unit
 * (areas/units.c), or what another init system has instead. Inside plan/ only.
 */

#include "plan/etc.h"

enum viv_script {
	VIV_SCRIPT_START,
	VIV_SCRIPT_PRE_START,
	VIV_SCRIPT_POST_START,
	VIV_SCRIPT_PRE_STOP,
	VIV_SCRIPT_POST_STOP,
	VIV_SCRIPT_RELOAD,
	VIV_N_SCRIPTS,
};

/* How the scripts are called; in the order of the enum. */
extern const struct viv_script_kind {
	const char *option; /* "preStart" */
	const char *key;    /* "ExecStartPre" */
	const char *file;   /* "pre-start" */
} viv_script_kinds[VIV_N_SCRIPTS];

struct viv_service {
	const char *name;	     /* without ".service" */
	char *option;		     /* 'systemd.services.foo', for places; owned */
	const char *shell;	     /* of the scripts: /bin/bash */
	bool enable;
	const char *description;     /* "" if there is none */
	const char *scripts[VIV_N_SCRIPTS]; /* what follows the first line; NULL: none */
	const json_t *environment;   /* {NAME: text or null} */
	const json_t *settings;	     /* serviceConfig: {key: bool, int, text or a list of these} */
	const json_t *unit_settings; /* unitConfig, likewise */
	const json_t *all;	     /* the whole entry: after, wantedBy, startAt, … as the options have them */
};

/* All but `option` is borrowed from the configuration. */
void viv_service_get(const char *name, const json_t *entry, struct viv_service *ret);
void viv_service_free(struct viv_service *s); /* the contents */

/*
 * A setting's texts ("true" and "false" of a bool), into *ret, which is empty: one that is "" takes those before it
 * away, as systemd has it.
 */
void viv_service_settings(const struct viv_service *s, const char *key, struct viv_strv *ret);
/* Of a setting that counts once: the last. NULL: not there. The caller frees it. */
char *viv_service_setting(const struct viv_service *s, const char *key);

/* Where a script stands in the machine: "/usr/lib/viv/services/foo/start". The caller frees it. */
char *viv_service_script_path(const struct viv_service *s, enum viv_script which);
/* Adds the files of those that are there: 0755, for its shell, which ends at the first command that fails. */
void viv_service_add_scripts(struct viv_etc *etc, const struct viv_service *s);
/* Packages that services use (path): they are installed. */
void viv_service_push_packages(struct viv_strv *to, const struct viv_config *config);
