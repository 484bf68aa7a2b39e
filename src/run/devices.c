/* SPDX-License-Identifier: MIT */
#include "run/devices.h"

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "config/name.h"
#include "plan/area.h"
#include "run/disks.h"
#include "run/display.h"
#include "run/tpm.h"
#include "run/usb.h"

#include <sys/mman.h>
#include <unistd.h>

#define OPTION(name) ("virtualisation." name)
#define CREDENTIAL_MAX (1u << 20) /* all of a machine's, in systemd */

/* "vm.lua:3: virtualisation.usb.devices: " in front. */
static int at(const struct viv_config *config, const char *option, struct viv_error *err)
{
	return viv_error_context(err, "%s: %s", viv_config_place(config, option), option);
}

/* The screen */

/* What an X server may switch to has a place in the card's memory; its first resolution is the screen's if nothing else is said. */
static void make_resolution(const struct viv_config *config, struct viv_devices *d)
{
	const json_t *all = viv_config_get(config, "services.xserver.resolutions"), *r;
	bool is_set = !viv_streq(viv_config_place(config, OPTION("resolution.x")), "default") ||
		      !viv_streq(viv_config_place(config, OPTION("resolution.y")), "default");
	size_t i;

	d->width = (unsigned)viv_config_int(config, OPTION("resolution.x"));
	d->height = (unsigned)viv_config_int(config, OPTION("resolution.y"));
	if (!viv_config_bool(config, "services.xserver.enable"))
		return;
	json_array_foreach((json_t *)all, i, r) {
		unsigned x = (unsigned)json_integer_value(json_object_get(r, "x"));
		unsigned y = (unsigned)json_integer_value(json_object_get(r, "y"));

		d->pixels = VIV_MAX(d->pixels, (uint64_t)x * y);
		if (i == 0 && !is_set) {
			d->width = x;
			d->height = y;
		}
	}
}

static int make_display(const struct viv_config *config, const char *qemu, struct viv_devices *d,
			struct viv_error *err)
{
	const char *wish = viv_config_string(config, OPTION("display"));
	VIV_FREE char *help = NULL;
	int r;

	if (!viv_has_screen(config))
		return 0;
	d->display = VIV_DISPLAY_OTHER;
	d->is_text = !viv_config_bool(config, OPTION("graphics"));
	make_resolution(config, d);
	if (!qemu)
		return 0;
	r = viv_display_ask(qemu, &help, err);
	if (r < 0)
		return r;
	r = viv_display_choose(wish, viv_display_has_desktop(), help, &d->display, err);
	return r < 0 ? at(config, OPTION("display"), err) : 0;
}

void viv_devices_consoles(const struct viv_config *config, struct viv_strv *ret)
{
	const json_t *wanted = viv_config_get(config, OPTION("qemu.consoles")), *console;
	size_t i;

	if (json_is_null(wanted)) {
		if (viv_has_screen(config))
			viv_strv_push(ret, "console=tty0");
		viv_strv_push(ret, "console=ttyS0");
	}
	json_array_foreach((json_t *)wanted, i, console)
		viv_strv_pushf(ret, "console=%s", json_string_value(console));
}

/* USB */

/* A number, or text as lsusb prints it. */
static unsigned usb_id(const json_t *v)
{
	return json_is_integer(v) ? (unsigned)json_integer_value(v)
				  : (unsigned)strtoul(json_string_value(v), NULL, 16);
}

static void add_usb(const json_t *wish, struct viv_devices *d)
{
	const json_t *bus = json_object_get(wish, "bus"), *port = json_object_get(wish, "port");
	struct viv_usb_wish *u;

	d->usb = viv_realloc(d->usb, (d->n_usb + 1) * sizeof(*d->usb));
	u = &d->usb[d->n_usb++];
	*u = (struct viv_usb_wish){0};
	if (json_is_integer(bus)) {
		u->bus = (unsigned)json_integer_value(bus);
		u->port = json_is_integer(port)
				  ? viv_asprintf("%d", (int)json_integer_value(port))
				  : viv_strdup(json_string_value(port));
	} else {
		u->vendor = usb_id(json_object_get(wish, "vendor"));
		u->product = usb_id(json_object_get(wish, "product"));
	}
}

static int make_usb(const struct viv_config *config, bool check, struct viv_devices *d,
		    struct viv_error *err)
{
	const json_t *wishes = viv_config_get(config, OPTION("usb.devices")), *wish;
	VIV_CLEANUP(viv_usb_list_free) struct viv_usb_list there = {0};
	size_t i;
	int r;

	if (!json_array_size(wishes))
		return 0;
	json_array_foreach((json_t *)wishes, i, wish)
		add_usb(wish, d);
	if (!check)
		return 0;
	r = viv_usb_read("", &there, err);
	for (i = 0; r == 0 && i < d->n_usb; i++)
		if (!viv_usb_find(&there, &d->usb[i], err))
			r = -ENODEV;
	return r < 0 ? at(config, OPTION("usb.devices"), err) : 0;
}

/* Processors and memory */

unsigned viv_devices_cores(const struct viv_config *config)
{
	if (!viv_streq(viv_config_place(config, OPTION("cores")), "default"))
		return (unsigned)viv_config_int(config, OPTION("cores"));
	return (unsigned)(viv_config_int(config, OPTION("sockets")) *
			  viv_config_int(config, OPTION("threads")));
}

static void make_processors(const struct viv_config *config, struct viv_devices *d)
{
	int64_t sockets = viv_config_int(config, OPTION("sockets"));
	int64_t threads = viv_config_int(config, OPTION("threads"));

	if (sockets == 1 && threads == 1)
		return;
	d->sockets = (unsigned)sockets;
	d->threads = (unsigned)threads;
}

/* The i-th of `n` parts of `all`. */
static unsigned part(unsigned all, size_t n, size_t i)
{
	return all / (unsigned)n + (i < all % n);
}

/*
 * Shares `all` out to nodes: what a node names it gets, the rest goes evenly to those that name nothing.
 * False: they name more than there is, or not all of it.
 */
static bool share_out(const json_t *nodes, const char *key, unsigned all, unsigned *ret)
{
	const json_t *node;
	size_t i, n_open = 0, k = 0;
	json_int_t named = 0;

	json_array_foreach((json_t *)nodes, i, node) {
		const json_t *v = json_object_get(node, key);

		named += json_integer_value(v);
		n_open += !json_is_integer(v);
	}
	if (named > all || (!n_open && named != all))
		return false;
	json_array_foreach((json_t *)nodes, i, node) {
		const json_t *v = json_object_get(node, key);

		ret[i] = json_is_integer(v) ? (unsigned)json_integer_value(v)
					    : part(all - (unsigned)named, n_open, k++);
	}
	return true;
}

static int make_nodes(const struct viv_config *config, const struct viv_machine *m,
		      struct viv_devices *d, struct viv_error *err)
{
	static const char option[] = OPTION("numa.nodes");
	const json_t *wanted = viv_config_get(config, option);
	VIV_JSON *even = json_array();
	unsigned memory[64] = {0}, cores[64] = {0}, first = 0;

	for (json_int_t i = 0; i < json_integer_value(wanted); i++)
		json_array_append_new(even, json_object());
	if (json_is_integer(wanted))
		wanted = even;
	if (json_array_size(wanted) > VIV_ARRAY_SIZE(memory))
		return viv_error_say(err, EINVAL, "%s: %s: at most 64 nodes",
				     viv_config_place(config, option), option);
	if (!json_array_size(wanted))
		return 0;
	if (!share_out(wanted, "memorySize", m->memory_mib, memory))
		return viv_error_say(err, EINVAL, "%s: %s: the nodes' memory is not the machine's %u MiB",
				     viv_config_place(config, option), option, m->memory_mib);
	if (!share_out(wanted, "cores", m->cores, cores))
		return viv_error_say(err, EINVAL, "%s: %s: the nodes' cores are not the machine's %u",
				     viv_config_place(config, option), option, m->cores);
	d->n_nodes = json_array_size(wanted);
	d->nodes = viv_new_array(struct viv_numa_node, d->n_nodes);
	for (size_t i = 0; i < d->n_nodes; i++) {
		d->nodes[i] = (struct viv_numa_node){memory[i], first, cores[i]};
		first += cores[i];
	}
	return 0;
}

/* Credentials */

/* A long name's goes another way, whole (qemu/devices.h). */
static int make_long(struct viv_credential *c, struct viv_error *err)
{
	VIV_STR value = VIV_STR_INIT;
	int r = 0;

	if (c->text)
		viv_str_add(&value, c->text);
	else
		r = viv_read_file(c->file, CREDENTIAL_MAX, &value, err);
	if (r < 0)
		return r;
	if (value.len > VIV_CREDENTIAL_SMBIOS_MAX || (value.len && memchr(value.data, 0, value.len)))
		return viv_error_say(err, EINVAL,
				     "with a name of more than %d characters it can't be longer than "
				     "%d bytes, and must be text",
				     VIV_CREDENTIAL_SHORT, VIV_CREDENTIAL_SMBIOS_MAX);
	free(c->file);
	free(c->text);
	c->file = NULL;
	c->text = viv_asprintf("io.systemd.credential:%s=%s", c->name, value.data ? value.data : "");
	return 0;
}

static int add_credential(const char *name, const json_t *entry, struct viv_devices *d,
			  struct viv_error *err)
{
	const char *source = viv_json_str(entry, "source");
	VIV_FD fd = source ? viv_open(source, O_RDONLY, 0, err) : -1;
	struct viv_credential *c;

	if (source && fd < 0)
		return fd;
	d->credentials = viv_realloc(d->credentials, (d->n_credentials + 1) * sizeof(*c));
	c = &d->credentials[d->n_credentials++];
	*c = (struct viv_credential){.name = viv_strdup(name),
				     .file = viv_strdup(source),
				     .text = source ? NULL : viv_strdup(viv_json_str(entry, "text")),
				     .fd = -1};
	return strlen(name) > VIV_CREDENTIAL_SHORT ? make_long(c, err) : 0;
}

static int make_credentials(const struct viv_config *config, struct viv_devices *d,
			    struct viv_error *err)
{
	const json_t *all = viv_config_get(config, OPTION("credentials"));
	VIV_STRV names = VIV_STRV_INIT;

	viv_json_keys(all, &names);
	for (size_t i = 0; i < names.count; i++) {
		bool plain = viv_name_is_identifier(names.items[i]);
		VIV_FREE char *option = viv_asprintf("virtualisation.credentials%s%s%s",
						     plain ? "." : "[\"", names.items[i],
						     plain ? "" : "\"]");

		if (add_credential(names.items[i], json_object_get(all, names.items[i]), d, err) < 0)
			return at(config, option, err);
	}
	return 0;
}

/* All of them */

static int make_tpm(const struct viv_config *config, bool check, struct viv_devices *d,
		    struct viv_error *err)
{
	d->tpm = viv_config_bool(config, OPTION("tpm.enable"));
	if (d->tpm && check && viv_tpm_check(err) < 0)
		return at(config, OPTION("tpm.enable"), err);
	return 0;
}

int viv_devices_keep_tpm(const struct viv_config *config, bool fresh, struct viv_machine *m,
			 struct viv_error *err)
{
	const struct viv_drive *disk = viv_machine_find_drive(m, VIV_DISK_OWN);
	int r;

	if (!m->devices.tpm || !disk || !disk->file)
		return 0;
	if (disk->device) {
		viv_error_say(err, EINVAL, "its state is kept beside the machine's disk, and %s is no file: "
			      "a TPM needs a diskImage that is one", disk->file);
		return at(config, OPTION("tpm.enable"), err);
	}
	m->devices.tpm_state = viv_asprintf("%s.tpm", disk->file);
	r = viv_tpm_check_path(m->devices.tpm_state, err);
	if (r == 0 && fresh && viv_exists(m->devices.tpm_state))
		r = viv_remove_tree(m->devices.tpm_state, err);
	return r < 0 ? at(config, OPTION("tpm.enable"), err) : 0;
}

static int make(const struct viv_config *config, bool script, struct viv_machine *m,
		struct viv_error *err)
{
	VIV_CLEANUP(viv_devices_free_contents) struct viv_devices d = {0};
	int r = make_display(config, script ? NULL : m->qemu, &d, err);

	if (r == 0)
		r = make_usb(config, !script, &d, err);
	if (r == 0)
		r = make_nodes(config, m, &d, err);
	if (r == 0)
		r = make_tpm(config, !script, &d, err);
	if (r == 0 && !script)
		r = make_credentials(config, &d, err);
	if (r < 0)
		return r;
	make_processors(config, &d);
	d.watchdog = viv_config_bool(config, OPTION("watchdog.enable"));
	m->devices = d;
	d = (struct viv_devices){0};
	return 0;
}

int viv_devices_make(const struct viv_config *config, struct viv_machine *m, struct viv_error *err)
{
	return make(config, false, m, err);
}

int viv_devices_make_for_script(const struct viv_config *config, struct viv_machine *m,
				struct viv_error *err)
{
	return make(config, true, m, err);
}

int viv_devices_check(const struct viv_config *config, const char *qemu, struct viv_error *err)
{
	VIV_CLEANUP(viv_machine_free_contents) struct viv_machine m = {
		.qemu = viv_strdup(qemu),
		.cores = viv_devices_cores(config),
		.memory_mib = (unsigned)viv_config_int(config, OPTION("memorySize")),
	};

	return viv_devices_make(config, &m, err);
}

void viv_devices_set_paths(struct viv_devices *d, const char *folder, const char *name)
{
	bool socket = d->display == VIV_DISPLAY_VNC || d->display == VIV_DISPLAY_SPICE;
	const char *kind = d->display == VIV_DISPLAY_VNC ? "vnc" : "spice";

	free(d->display_path);
	free(d->tpm_path);
	d->display_path = socket ? viv_asprintf("%s/%s%s", folder, name, kind) : NULL;
	d->tpm_path = d->tpm ? viv_asprintf("%s/%stpm", folder, name) : NULL;
}

char *viv_devices_before(const struct viv_devices *d)
{
	char *const nothing[] = {NULL};
	VIV_FREE char *tpm = d->tpm && d->tpm_path ? viv_tpm_command_text(d->tpm_path, d->tpm_state)
						  : NULL;
	VIV_STRV env = VIV_STRV_INIT;
	VIV_STR s = VIV_STR_INIT;

	viv_str_add(&s, tpm ? tpm : "");
	viv_display_environment(d, nothing, &env);
	for (size_t i = 0; i < env.count; i++)
		viv_str_addf(&s, "%s ", env.items[i]);
	return viv_str_steal(&s);
}

/* The start */

static int keep(struct viv_wires *w, int fd, struct viv_error *err)
{
	if (w->n_keep == VIV_WIRES_MAX) {
		viv_close(fd);
		return viv_error_say(err, E2BIG, "too many credentials");
	}
	w->keep[w->n_keep] = fd;
	return 3 + (int)w->n_keep++;
}

/* Not on the command line, which everybody on the host can read, and in no file. */
static int hand_over(struct viv_credential *c, struct viv_wires *w, struct viv_error *err)
{
	VIV_FD fd = -1;
	int r;

	if (!c->text)
		return 0;
	fd = memfd_create("viv-credential", MFD_CLOEXEC);
	if (fd < 0)
		return viv_error_set(err, errno, "memfd_create");
	r = viv_write_all(fd, c->text, strlen(c->text), c->name, err);
	if (r == 0)
		r = c->fd = keep(w, viv_steal_fd(&fd), err);
	return r < 0 ? r : 0;
}

int viv_devices_start(struct viv_devices *d, const struct viv_machine_dir *dir, struct viv_wires *w,
		      pid_t *ret_tpm, struct viv_error *err)
{
	VIV_FREE char *log = NULL;
	int r = 0, fd;

	viv_devices_set_paths(d, dir->path, "");
	*ret_tpm = 0;
	for (size_t i = 0; r == 0 && i < d->n_credentials; i++)
		r = hand_over(&d->credentials[i], w, err);
	if (r < 0 || !d->tpm)
		return r;
	log = viv_path_join(dir->path, "tpm.log");
	r = viv_tpm_start(d->tpm_state ? d->tpm_state : d->tpm_path, log, &fd, ret_tpm, err);
	if (r == 0)
		r = d->tpm_fd = keep(w, fd, err);
	return r < 0 ? r : 0;
}
