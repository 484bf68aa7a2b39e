/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an option's value may be, and how several definitions of it become one. A type is constant
 * data: rows of the option table name one, machine files make theirs with `types.…`.
 */

#include "config/value.h"

enum viv_type_kind {
	VIV_TYPE_BOOL,
	VIV_TYPE_INT,	 /* from min to max */
	VIV_TYPE_NUMBER, /* an integer or a fraction */
	VIV_TYPE_SIZE,	 /* MiB as a number, or "4G"; from min to max MiB. Becomes a number */
	VIV_TYPE_STRING,
	VIV_TYPE_LINES, /* a string; several are joined, a line each */
	VIV_TYPE_ENUM,
	VIV_TYPE_PATH,	    /* path("…"), or a string: "./x" is beside the file that says it */
	VIV_TYPE_PACKAGE,   /* pkgs.x, "x", "x=version". Becomes a string */
	VIV_TYPE_SOURCE,    /* a path, fetchGit, fetchTarball */
	VIV_TYPE_LIST,	    /* of `of`; several are appended */
	VIV_TYPE_SET,	    /* any names, each of type `of`; several are united */
	VIV_TYPE_SUBMODULE, /* the names in `fields`, each with its type */
	VIV_TYPE_NULL_OR,
	VIV_TYPE_EITHER, /* `of` or `other` */
	VIV_TYPE_ANY,	 /* data of any form; lists are appended */
	VIV_TYPE_FUNCTION,
};

/* What texts (values, or the names in a set) are let through. */
struct viv_text_rule {
	const char *expected; /* "a host name (…)" */
	bool (*ok)(const char *text);
};

struct viv_option;

struct viv_type {
	enum viv_type_kind kind;
	int64_t min, max;		  /* INT, SIZE; both 0: any */
	const struct viv_text_rule *rule; /* STRING, LINES: the text; SET: its names. May be NULL */
	const char *const *values;	  /* ENUM; ends with NULL */
	const struct viv_type *of, *other;
	const struct viv_option *fields; /* SUBMODULE */
	size_t n_fields;
	unsigned height; /* as of a value; 0 in the table */
	const char *key; /* SET: what a name stands for in the reference: "<name>" */
};

#define VIV_T(...)	      (&(const struct viv_type){__VA_ARGS__})
#define VIV_T_INT(lo, hi)     VIV_T(.kind = VIV_TYPE_INT, .min = (lo), .max = (hi))
#define VIV_T_SIZE(lo, hi)    VIV_T(.kind = VIV_TYPE_SIZE, .min = (lo), .max = (hi))
#define VIV_T_TEXT(text_rule) VIV_T(.kind = VIV_TYPE_STRING, .rule = (text_rule))
#define VIV_T_ENUM(...) \
	VIV_T(.kind = VIV_TYPE_ENUM, .values = (const char *const[]){__VA_ARGS__, NULL})
#define VIV_T_LIST(type)    VIV_T(.kind = VIV_TYPE_LIST, .of = (type))
#define VIV_T_NULL_OR(type) VIV_T(.kind = VIV_TYPE_NULL_OR, .of = (type))
#define VIV_T_EITHER(a, b)  VIV_T(.kind = VIV_TYPE_EITHER, .of = (a), .other = (b))
#define VIV_T_SET(name_rule, name, type) \
	VIV_T(.kind = VIV_TYPE_SET, .rule = (name_rule), .key = (name), .of = (type))
#define VIV_T_SUBMODULE(array) \
	VIV_T(.kind = VIV_TYPE_SUBMODULE, .fields = (array), .n_fields = VIV_ARRAY_SIZE(array))
#define VIV_T_BOOL    VIV_T(.kind = VIV_TYPE_BOOL)
#define VIV_T_STRING  VIV_T(.kind = VIV_TYPE_STRING)
#define VIV_T_LINES   VIV_T(.kind = VIV_TYPE_LINES)
#define VIV_T_PATH    VIV_T(.kind = VIV_TYPE_PATH)
#define VIV_T_PACKAGE VIV_T(.kind = VIV_TYPE_PACKAGE)

/* Does the type hold names that are settings of their own (SET, SUBMODULE)? */
bool viv_type_is_branch(const struct viv_type *t);
/* Do several definitions of one priority become one list? */
bool viv_type_appends(const struct viv_type *t);
/* Whether a value of this kind can be looked at further: the alternative of EITHER that fits. */
const struct viv_type *viv_type_pick(const struct viv_type *t, const struct viv_value *v);
/* "an integer from 1 to 512": for "expected …" and the reference. */
void viv_type_expected(const struct viv_type *t, struct viv_str *ret);

/*
 * Checks one value that is neither list nor set, and gives it the form in which the option shows
 * it. NULL: it isn't of the type.
 */
struct viv_value *viv_type_convert(struct viv_arena *arena, const struct viv_type *t,
				   struct viv_value *v);

/* "4G", "512M", "4096" (MiB). False if it is no size. */
bool viv_size_parse(const char *text, int64_t *ret_mib);

extern const struct viv_text_rule viv_rule_host_name, viv_rule_word, viv_rule_module,
	viv_rule_package, viv_rule_variable, viv_rule_user, viv_rule_etc_path, viv_rule_guest_path,
	viv_rule_mode, viv_rule_time_zone, viv_rule_release, viv_rule_url, viv_rule_mirror, viv_rule_line,
	viv_rule_hash, viv_rule_ip, viv_rule_ip4, viv_rule_cidr, viv_rule_mac, viv_rule_interface,
	viv_rule_boot_order, viv_rule_domain, viv_rule_ssh_key, viv_rule_serial, viv_rule_label,
	viv_rule_device, viv_rule_fs_type, viv_rule_usb_id, viv_rule_usb_port, viv_rule_credential, viv_rule_share_tag,
	viv_rule_service, viv_rule_unit, viv_rule_unit_name, viv_rule_unit_key, viv_rule_unit_value,
	viv_rule_unit_text, viv_rule_cron_job, viv_rule_alias, viv_rule_kconfig,
	viv_rule_sysctl, viv_rule_locale, viv_rule_locale_line, viv_rule_locale_category, viv_rule_key_map, viv_rule_font, viv_rule_ip6,
	viv_rule_server_name, viv_rule_algorithm, viv_rule_tmpfs_size, viv_rule_swap_option, viv_rule_statement,
	viv_rule_location, viv_rule_listen, viv_rule_listen_parameter, viv_rule_plain_path, viv_rule_sudo_command,
	viv_rule_window_manager, viv_rule_xkb;
