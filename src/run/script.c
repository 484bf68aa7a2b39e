/* SPDX-License-Identifier: MIT */
#include "run/script.h"

#include "base/path.h"
#include "config/disks.h"
#include "run/disks.h"
#include "run/firmware.h"
#include "run/loader.h"
#include "run/script-private.h"
#include "run/system.h"

#include <ctype.h>

/*
 * In the machine of which the command line is made these stand for what the script finds out. No
 * option's value holds such a byte.
 */
#define MARK(c) "\001" c

static const struct {
	const char *mark, *variable;
} variables[] = {
	{"," MARK("n"), "${QEMU_NET_OPTS:+,$QEMU_NET_OPTS}"},
	{MARK("q"), "$qemu"},
	{MARK("c"), "$cpu"},
	{MARK("s"), "$store_q"},
	{MARK("i"), "$store"},
	{MARK("k"), "$kernel"},
	{MARK("p"), "$params"},
	{MARK("d"), "$disk_q"},
	{MARK("f"), "$format"},
	{MARK("v"), "$variables_q"},
	{MARK("w"), "$display"},
	{MARK("t"), "$tpm_q/socket"},
	{"accel=kvm", "accel=$accel"},
};

/* The variable that p begins with; *ret_len is what it takes. */
static const char *variable_at(const char *p, size_t *ret_len)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(variables); i++)
		if (viv_starts_with(p, variables[i].mark)) {
			*ret_len = strlen(variables[i].mark);
			return variables[i].variable;
		}
	return NULL;
}

/* A word of the command line; between variables it is quoted. */
static void add_word(struct viv_str *s, const char *word)
{
	VIV_STR plain = VIV_STR_INIT;

	for (const char *p = word; *p;) {
		size_t len;
		const char *variable = variable_at(p, &len);

		if (!variable) {
			viv_str_add_char(&plain, *p++);
			continue;
		}
		if (plain.len)
			viv_str_add_quoted(s, plain.data);
		viv_str_clear(&plain);
		viv_str_addf(s, "\"%s\"", variable);
		p += len;
	}
	if (plain.len || !*word)
		viv_str_add_quoted(s, plain.data ? plain.data : "");
}

/* `more`: as they are, whatever is in them. */
static void add_command(struct viv_str *s, const struct viv_strv *argv, const struct viv_strv *more)
{
	viv_str_add(s, "\n# QEMU_OPTS are words.\n# shellcheck disable=SC2086\nexec ");
	for (size_t i = 0; i < argv->count; i++) {
		if (i)
			viv_str_add(s, argv->items[i][0] == '-' ? " \\\n\t" : " ");
		add_word(s, argv->items[i]);
	}
	for (size_t i = 0; i < more->count; i++) {
		viv_str_add(s, more->items[i][0] == '-' ? " \\\n\t" : " ");
		viv_str_add_quoted(s, more->items[i]);
	}
	viv_str_add(s, " \\\n\t${QEMU_OPTS:-} \"$@\"\n");
}

static void assign(struct viv_str *s, const char *name, const char *value)
{
	viv_str_addf(s, "%s='", name);
	for (const char *p = value ? value : ""; *p; p++)
		*p == '\'' ? viv_str_add(s, "'\\''") : viv_str_add_char(s, *p);
	viv_str_add(s, "'\n");
}

/* A path in the store, from the store on; others as they are. */
static const char *below(const struct viv_store *store, const char *path)
{
	const char *root = viv_store_root(store);
	size_t n = strlen(root);

	return viv_starts_with(path, root) && path[n] == '/' ? path + n + 1 : path;
}

/* Of the seeds: NIXPKGS_QEMU_KERNEL_<hostName, every odd character as _>. */
static void add_kernel_variable(struct viv_str *s, const char *name)
{
	viv_str_add(s, "other_kernel=${NIXPKGS_QEMU_KERNEL_");
	for (; *name; name++)
		viv_str_add_char(s, isalnum((unsigned char)*name) ? *name : '_');
	viv_str_add(s, ":-}\n");
}

/* What the guest's init and kernel are told, and what only without KVM. */
static void add_params(const struct viv_machine *m, struct viv_str *s)
{
	VIV_STRV with = VIV_STRV_INIT, without = VIV_STRV_INIT, more = VIV_STRV_INIT;
	VIV_FREE char *all = viv_strv_join(&m->kernel_params, " "), *tcg = NULL;
	struct viv_machine other = *m;

	viv_system_kernel_params(&other, 0, "memory", &with);
	other.accel = VIV_ACCEL_TCG;
	viv_system_kernel_params(&other, 0, "memory", &without);
	for (size_t i = 0; i < without.count; i++)
		if (!viv_strv_has(&with, without.items[i]))
			viv_strv_push(&more, without.items[i]);
	tcg = viv_strv_join(&more, " ");
	assign(s, "params", all);
	assign(s, "params_tcg", tcg);
}

/* Kept beside where the script is called, unless the machine says otherwise. */
static char *disk_of(const struct viv_config *config, bool own)
{
	const char *image = viv_config_string(config, "virtualisation.diskImage");

	if (!own)
		return viv_strdup("");
	if (viv_streq(image, "fresh"))
		return viv_asprintf("%s.qcow2", viv_config_string(config, "networking.hostName"));
	return viv_path_join(viv_config_folder(config), image);
}

/* The size of all blank disks together. */
static void add_blanks(const struct viv_machine *m, struct viv_str *s)
{
	unsigned long long all = 0;

	for (size_t i = 0; i < m->n_drives; i++)
		all += m->drives[i].blank_mib;
	viv_str_addf(s, "blank_mib=%llu\n", all);
}

static void add_head(const struct viv_store *store, const struct viv_config *config,
		     const struct viv_system *system, const struct viv_machine *m,
		     const struct viv_script_shares *shares, bool own, struct viv_str *s)
{
	const char *name = viv_config_string(config, "networking.hostName");
	VIV_FREE char *disk = disk_of(config, own);

	viv_str_addf(s,
		     "#!/bin/sh\n"
		     "# Starts the machine %s in QEMU. Made by `viv build`: docs/run-script.md of vivarium.\n"
		     "# It listens to QEMU_OPTS, QEMU_NET_OPTS, QEMU_KERNEL_PARAMS, VIV_DISK_IMAGE,\n"
		     "# VIV_KERNEL, VIV_STORE, VIV_ACCEL, SHARED_DIR, TMPDIR, USE_TMPDIR; its arguments\n"
		     "# go to QEMU.\n"
		     "# What is in single quotes is meant as it stands.\n"
		     "# shellcheck disable=SC2016,SC2089,SC2090\n",
		     name);
	assign(s, "made_in", viv_store_root(store));
	assign(s, "system", system->id);
	assign(s, "kernel", m->kernel ? below(store, m->kernel) : "");
	add_kernel_variable(s, name);
	assign(s, "qemu", m->qemu);
	assign(s, "accel", viv_config_string(config, "virtualisation.accel"));
	add_params(m, s);
	assign(s, "disk", disk);
	assign(s, "display", m->devices.display == VIV_DISPLAY_OTHER
				     ? viv_config_string(config, "virtualisation.display")
				     : "");
	assign(s, "tpm", m->devices.tpm ? "yes" : "");
	viv_str_addf(s, "disk_mib=%lld\n",
		     (long long)viv_config_int(config, "virtualisation.diskSize"));
	viv_str_addf(s, "disk_blank=%s\n", viv_disks_own_is_blank(config) ? "yes" : "");
	add_blanks(m, s);
	assign(s, "uefi", m->firmware.variables);
	assign(s, "keep_variables", viv_config_bool(config, "virtualisation.efi.keepVariables")
					    ? viv_firmware_variables_suffix(config)
					    : "");
	assign(s, "plan9", shares->has_9p && !m->foreign ? "yes" : "");
	assign(s, "shares", shares->lines);
	viv_str_add_char(s, '\n');
}

static void replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

static char *marked(const struct viv_store *store, const char *mark, const char *path)
{
	const char *rest = below(store, path);

	return rest == path ? viv_strdup(path) : viv_asprintf("%s/%s", mark, rest);
}

/* Nobody holds passt for a script. */
static void mark_nics(struct viv_machine *m)
{
	bool first = true;

	for (size_t i = 0; i < m->n_nics; i++) {
		struct viv_nic *nic = &m->nics[i];

		if (nic->kind == VIV_NIC_PASST)
			nic->kind = VIV_NIC_USER;
		if (nic->kind == VIV_NIC_USER && first)
			replace(&nic->options, viv_strdup(MARK("n")));
		first = first && nic->kind != VIV_NIC_USER;
	}
}

/* Marks instead of what the script finds out. */
static void mark(const struct viv_store *store, const struct viv_config *config, bool own,
		 struct viv_machine *m)
{
	replace(&m->qemu, viv_strdup(MARK("q")));
	replace(&m->cpu, viv_strdup(MARK("c")));
	if (m->kernel)
		replace(&m->kernel, viv_strdup(MARK("k")));
	if (m->initrd)
		replace(&m->initrd, marked(store, MARK("i"), m->initrd));
	if (m->firmware.variables)
		replace(&m->firmware.variables, viv_strdup(MARK("v")));
	mark_nics(m);
	if (m->devices.display == VIV_DISPLAY_OTHER)
		replace(&m->devices.display_path, viv_strdup(MARK("w")));
	if (m->devices.tpm)
		replace(&m->devices.tpm_path, viv_strdup(MARK("t")));
	viv_strv_free(&m->kernel_params);
	viv_strv_push(&m->kernel_params, MARK("p"));
	for (size_t i = 0; i < m->n_drives; i++)
		if (m->drives[i].file && !m->drives[i].further)
			replace(&m->drives[i].file, marked(store, MARK("s"), m->drives[i].file));
	if (own) {
		struct viv_drive *d = viv_machine_add_drive(m);

		d->file = viv_strdup(MARK("d"));
		d->format = MARK("f");
		d->serial = viv_strdup(VIV_DISK_OWN);
		d->interface = viv_disks_default_interface(config);
		if (m->firmware.own_index)
			viv_strv_pushf(&d->device_options, "bootindex=%u", m->firmware.own_index);
	}
}

/* What starts it: on a boot disk, or handed to QEMU. */
static int choose_start(struct viv_store *store, const struct viv_config *config,
			const struct viv_system *system, struct viv_report *report,
			struct viv_machine *m, struct viv_strv *ret_refs, struct viv_error *err)
{
	VIV_FREE char *boot_disk = NULL;
	int r;

	if (viv_streq(system->init, "none"))
		viv_strv_push(&m->kernel_params, "viv.shell");
	if (!viv_firmware_uses_loader(config))
		return 0;
	r = viv_loader_apply(store, config, system, report, m, &boot_disk, err);
	if (r == 0)
		viv_strv_push(ret_refs, boot_disk);
	return r;
}

static void add_kept(const struct viv_config *config, struct viv_str *s)
{
	VIV_CLEANUP(viv_config_disks_free) struct viv_config_disks disks = {0};

	viv_config_disks_get(config, &disks);
	for (size_t i = 0; i < disks.count; i++) {
		if (!disks.items[i].file || !disks.items[i].size_mib)
			continue;
		viv_str_add(s, "make_kept ");
		viv_str_add_quoted(s, disks.items[i].file);
		viv_str_addf(s, " %llu || exit 1\n", (unsigned long long)disks.items[i].size_mib);
	}
}

static void free_shares(struct viv_script_shares *s)
{
	free(s->lines);
}

int viv_script_write(struct viv_store *store, const struct viv_config *config,
		     const struct viv_system *system, struct viv_report *report, struct viv_str *ret,
		     struct viv_strv *ret_refs, struct viv_error *err)
{
	VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {0};
	const struct viv_system_extra extra = {.for_script = true};
	bool own = viv_disks_has_own(config, &extra);
	VIV_FREE char *why = NULL;
	VIV_CLEANUP(free_shares) struct viv_script_shares shares = {0};
	VIV_STRV argv = VIV_STRV_INIT, more = VIV_STRV_INIT;
	int r = viv_system_machine(config, system, &extra, &m, &why, err);

	if (r == 0)
		viv_script_add_shares(config, system, report, &m, &shares);
	if (r == 0)
		r = choose_start(store, config, system, report, &m, ret_refs, err);
	if (r < 0)
		return r;
	m.name = viv_strdup(viv_config_string(config, "networking.hostName"));
	m.terminal = true;
	add_head(store, config, system, &m, &shares, own, ret);
	viv_str_add(ret, viv_script_body);
	add_kept(config, ret);
	mark(store, config, own, &m);
	viv_strv_push_all(&more, (const char *const *)m.extra.items);
	viv_strv_free(&m.extra);
	viv_qemu_command(&m, &argv);
	add_command(ret, &argv, &more);
	return 0;
}
