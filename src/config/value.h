/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Values as machine files give them: data, what a function will make of the finished
 * configuration, and the wrappers (mkIf, mkForce, …) around either. They live in an arena, are
 * never changed once built, and know nothing of the language that they were written in.
 */

#include "base/json.h"
#include "config/name.h"

enum viv_value_kind {
	VIV_VALUE_NULL,
	VIV_VALUE_BOOL,
	VIV_VALUE_INT,
	VIV_VALUE_FLOAT,
	VIV_VALUE_STRING,
	VIV_VALUE_PATH,	   /* path("…"): absolute already */
	VIV_VALUE_PACKAGE, /* pkgs.name */
	VIV_VALUE_SOURCE,  /* fetchGit, fetchTarball: a set with the member "fetch" */
	VIV_VALUE_LIST,
	VIV_VALUE_SET,	    /* names and values, sorted by name */
	VIV_VALUE_EMPTY,    /* {}: a list or a set, as the option's type says */
	VIV_VALUE_FUNCTION, /* called with the finished configuration when it is needed */
	VIV_VALUE_REF,	    /* another option's value */
	VIV_VALUE_IF,
	VIV_VALUE_OVERRIDE,
	VIV_VALUE_ORDER,
	VIV_VALUE_MERGE,  /* several definitions in one */
	VIV_VALUE_BROKEN, /* an error was reported already: anything made of it fails silently */
};

/* A source of definitions: a machine file, a stock module, the command line. */
struct viv_file {
	const char *shown;  /* as messages name it */
	const char *path;   /* absolute; NULL if it is no file */
	const char *folder; /* absolute: what relative paths in it start from */
	const char *text;   /* its content; NULL if it is no file */
	size_t len;
	int tier;      /* see struct viv_def */
	unsigned rank; /* files that others import come first */
};

/* Where a value was written. */
struct viv_origin {
	const struct viv_file *file;
	int line;	     /* as the front end knows it; 0: none */
	struct viv_name lhs; /* what was assigned to, as far as it was written out */
	struct viv_name within; /* what names of options stand below in lhs: machines.client; mostly nothing */
	bool is_end;	     /* the line is the statement's last, not one within it */
};

struct viv_value;

struct viv_member {
	const char *key;
	struct viv_value *value;
};

/*
 * A package that is not what its name stands for in the machine's set: changes, one on the other. What
 * they come to is known when all overlays are (packages.overlays).
 */
struct viv_made {
	const struct viv_made *below; /* what is changed; NULL: `from` says where it begins */
	enum {
		VIV_MADE_FROM_SET,    /* what `name` stands for after all overlays */
		VIV_MADE_FROM_DEBIAN, /* Debian's */
		VIV_MADE_NEW,	      /* nothing */
	} from;
	const char *name;
	struct viv_value *change; /* a SET, or a FUNCTION of what was before; NULL: none */
	const struct viv_origin *origin;
};

struct viv_value {
	enum viv_value_kind kind;
	unsigned height; /* how deep values stand in it; front ends bound it, code recurses over it
			  */
	const struct viv_origin *origin; /* NULL for defaults */
	const struct viv_made *made;	 /* PACKAGE: NULL: what its name stands for */
	union {
		bool b;
		int64_t i;
		double d;
		const char *text; /* STRING, PATH, PACKAGE: UTF-8 */
		struct {
			struct viv_value **items;
			size_t count;
		} list; /* LIST, MERGE */
		struct {
			struct viv_member *items;
			size_t count;
		} set; /* SET, SOURCE */
		struct {
			int64_t number;		/* OVERRIDE, ORDER */
			struct viv_value *test; /* IF */
			struct viv_value *inner;
		} wrap;
		int handle;	     /* FUNCTION: the front end's */
		struct viv_name ref; /* REF */
	};
};

struct viv_value *viv_value_new(struct viv_arena *arena, enum viv_value_kind kind,
				const struct viv_origin *origin);
struct viv_value *viv_value_text(struct viv_arena *arena, enum viv_value_kind kind,
				 const char *text, const struct viv_origin *origin);
/* Sorts a set's members; false if a name is there twice. */
bool viv_value_sort_set(struct viv_value *set);
struct viv_value *viv_value_member(const struct viv_value *set, const char *key);

/* Data only: of anything else the answer is false. */
bool viv_value_equal(const struct viv_value *a, const struct viv_value *b);
/* For "expected …, got …": "four" in quotes, 3, a list, the package htop. Short. */
void viv_value_describe(const struct viv_value *v, struct viv_str *ret);
bool viv_value_is_wrapper(const struct viv_value *v);
/* Data as JSON; functions and wrappers as the text that describes them. The caller owns it. */
json_t *viv_value_to_json(const struct viv_value *v);
struct viv_value *viv_value_from_json(struct viv_arena *arena, const json_t *j,
				      const struct viv_origin *origin);
