/* SPDX-License-Identifier: MIT */
#include "run/share.h"

#include "base/fd.h"
#include "base/path.h"
#include "run/virtiofsd.h"
#include "sandbox/serve.h"

#include <unistd.h>

#define OPTION	   "virtualisation.sharedDirectories"
#define CONFIG_MAX (4u << 20)

enum want { WANT_AUTO, WANT_VIRTIOFS, WANT_9P };

struct viv_share_request {
	struct viv_share share;
	enum want want;
	char *place;   /* what messages begin with */
	bool optional; /* nobody asked for it */
	bool is_cwd;
};

static void free_request(struct viv_share_request *r)
{
	free(r->share.tag);
	free(r->share.source);
	free(r->share.target);
	free(r->place);
}

void viv_shares_free_contents(struct viv_shares *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_request(&s->items[i]);
	free(s->items);
	free(s->cwd);
	*s = (struct viv_shares){0};
}

static struct viv_share_request *add(struct viv_shares *s)
{
	s->items = viv_realloc(s->items, (s->n + 1) * sizeof(*s->items));
	s->items[s->n] = (struct viv_share_request){.share.read_only = true};
	return &s->items[s->n++];
}

/* Where they come from */

static int add_option(const struct viv_config *config, const char *tag, const json_t *v,
		      struct viv_shares *s, struct viv_error *err)
{
	VIV_FREE char *name = viv_asprintf(OPTION "[\"%s\"].%s", tag,
					   viv_json_str(v, "source") ? "source" : "target");
	struct viv_share_request *q = add(s);
	const char *source = viv_json_str(v, "source"), *target = viv_json_str(v, "target");
	const char *kind = viv_json_str(v, "kind");

	q->place = viv_asprintf("%s: " OPTION ".%s", viv_config_place(config, name), tag);
	if (!source || !target)
		return viv_error_say(err, EINVAL, "%s: %s is missing", q->place,
				     source ? "target, where it is in the guest," : "source, the folder,");
	q->share.tag = viv_strdup(tag);
	q->share.source = viv_path_join(viv_config_folder(config), source);
	q->share.target = viv_path_clean(target);
	q->share.read_only = json_is_true(json_object_get(v, "readOnly"));
	q->want = viv_streq(kind, "9p")		? WANT_9P
		  : viv_streq(kind, "virtiofs") ? WANT_VIRTIOFS
						: WANT_AUTO;
	if (q->want == WANT_9P && strlen(tag) > VIV_SHARE_9P_MAX)
		return viv_error_say(err, EINVAL, "%s: with 9p a tag has at most %d characters",
				     q->place, VIV_SHARE_9P_MAX);
	return 0;
}

static int add_options(const struct viv_config *config, struct viv_shares *s, struct viv_error *err)
{
	const json_t *all = viv_config_get(config, OPTION);
	VIV_STRV tags = VIV_STRV_INIT;
	int r = 0;

	viv_json_keys(all, &tags);
	for (size_t i = 0; i < tags.count && r == 0; i++)
		r = add_option(config, tags.items[i], json_object_get(all, tags.items[i]), s, err);
	return r;
}

static int add_flags(const struct viv_share_wish *wish, struct viv_shares *s, struct viv_error *err)
{
	for (size_t i = 0; i < wish->n_flags; i++) {
		struct viv_share_request *q = add(s);
		bool write = false;
		int r;

		q->place = viv_asprintf("--share %s", wish->flags[i]);
		q->share.tag = viv_asprintf("viv.%zu", i);
		r = viv_share_parse_flag(wish->flags[i], &q->share.source, &q->share.target, &write, err);
		if (r < 0)
			return viv_error_context(err, "%s", q->place);
		q->share.read_only = !write;
	}
	return 0;
}

static bool has_tag(const struct viv_shares *s, const char *tag)
{
	for (size_t i = 0; i < s->n; i++)
		if (viv_streq(s->items[i].share.tag, tag))
			return true;
	return false;
}

/* Those that every machine has, unless it says that it wants none; a share of the same tag takes their place. */
static void add_exchange(const struct viv_config *config, const struct viv_share_wish *wish, struct viv_shares *s)
{
	static const char *const tags[] = {"xchg", "shared"};
	bool wanted = viv_config_bool(config, "virtualisation.exchangeFolders");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(tags); i++) {
		struct viv_share_request *q;
		bool named = i == 1 && wish->shared_dir;

		if (has_tag(s, tags[i]) || (!wanted && !named))
			continue;
		q = add(s);
		q->place = viv_strdup(named ? "SHARED_DIR" : tags[i]);
		q->share.tag = viv_strdup(tags[i]);
		q->share.target = viv_asprintf("/tmp/%s", tags[i]);
		q->share.read_only = false;
		if (named)
			q->share.source = viv_strdup(wish->shared_dir);
		q->optional = !named;
	}
}

/* Are they readable, and no two in one place? */
static int check_folder(const struct viv_share_request *q, struct viv_error *err)
{
	const char *path = q->share.source;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) < 0) {
		viv_close(fd);
		return viv_error_set(err, errno, "%s: %s", q->place, path);
	}
	viv_close(fd);
	return 0;
}

static int by_target(const void *a, const void *b)
{
	const struct viv_share_request *x = a, *y = b;

	return strcmp(x->share.target, y->share.target);
}

/* Sorted by target: what stands in another share is mounted after it. */
static int check_all(struct viv_shares *s, struct viv_error *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct viv_share_request *q = &s->items[i];
		int r = check_folder(q, err);

		if (r < 0)
			return r;
		if (q->share.target[1] && !viv_path_is_safe(q->share.target + 1))
			return viv_error_say(err, EINVAL, "%s: %s: a target has no \"..\" in it",
					     q->place, q->share.target);
		if (viv_share_breaks(q->share.target))
			return viv_error_say(err, EINVAL,
					     "%s: a share at %s would hide the machine's own files",
					     q->place, q->share.target);
	}
	qsort(s->items, s->n, sizeof(*s->items), by_target);
	for (size_t i = 1; i < s->n; i++)
		if (by_target(&s->items[i - 1], &s->items[i]) == 0)
			return viv_error_say(err, EINVAL, "%s: %s is the target of another share (%s)",
					     s->items[i].place, s->items[i].share.target,
					     s->items[i - 1].place);
	return 0;
}

/* The current folder */

/* The share that the guest has at this path; NULL: none. */
static const struct viv_share_request *find_nearest(const struct viv_shares *s, const char *path)
{
	const struct viv_share_request *nearest = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct viv_share_request *q = &s->items[i];

		if (viv_path_is_within(path, q->share.target) &&
		    (!nearest || viv_path_is_within(q->share.target, nearest->share.target)))
			nearest = q;
	}
	return nearest;
}

static bool is_at_own_path(const struct viv_share *s)
{
	return s->source && viv_streq(s->source, s->target);
}

static char *find_home(void)
{
	const char *home = getenv("HOME");

	return home && home[0] ? realpath(home, NULL) : NULL;
}

static const char *why_no_cwd(const char *cwd, const struct viv_share_request *there)
{
	VIV_FREE char *home = find_home();

	if (!cwd || cwd[0] != '/')
		return "it is gone";
	if (there)
		return "another share is there in the guest";
	if (faccessat(AT_FDCWD, cwd, R_OK | X_OK, AT_EACCESS) < 0)
		return "it can't be read";
	return viv_share_hides(cwd, home);
}

/* The guest has it, in a share that is at the host's own path. */
static int take_share_for_cwd(const struct viv_share_wish *wish, const struct viv_share_request *there,
			      const char *cwd, struct viv_shares *s, struct viv_error *err)
{
	if (wish->write_cwd && there->share.read_only)
		return viv_error_say(err, EINVAL,
				     "--rw: the current folder is in a share that is read-only (%s)",
				     there->place);
	s->cwd = viv_strdup(cwd);
	return 0;
}

static int add_cwd(const struct viv_share_wish *wish, struct viv_report *report, struct viv_shares *s,
		   struct viv_error *err)
{
	VIV_FREE char *cwd = getcwd(NULL, 0);
	const struct viv_share_request *there = cwd ? find_nearest(s, cwd) : NULL;
	struct viv_share_request *q;
	const char *why;

	if (there && is_at_own_path(&there->share))
		return take_share_for_cwd(wish, there, cwd, s, err);
	why = why_no_cwd(cwd, there);
	if (why && wish->write_cwd)
		return viv_error_say(err, EINVAL, "--rw: the current folder%s%s can't be in the guest: %s",
				     cwd ? " " : "", cwd ? cwd : "", why);
	if (why) {
		viv_say(report, VIV_INFO, "the current folder%s%s is not in the guest: %s",
			cwd ? " " : "", cwd ? cwd : "", why);
		return 0;
	}
	q = add(s);
	q->place = viv_strdup("the current folder");
	q->share.tag = viv_strdup("viv.cwd");
	q->share.read_only = !wish->write_cwd;
	q->share.overlay = q->share.read_only;
	q->share.source = viv_strdup(cwd);
	q->share.target = viv_strdup(cwd);
	q->optional = !wish->write_cwd;
	q->is_cwd = true;
	s->cwd = viv_steal(cwd);
	return 0;
}

int viv_shares_collect(const struct viv_config *config, const struct viv_share_wish *wish,
		       struct viv_report *report, struct viv_shares *ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_shares_free_contents) struct viv_shares s = {0};
	int r = add_options(config, &s, err);

	if (r == 0)
		r = add_flags(wish, &s, err);
	if (r < 0)
		return r;
	add_exchange(config, wish, &s);
	r = check_all(&s, err);
	if (r < 0)
		return r;
	if (wish->cwd)
		r = add_cwd(wish, report, &s, err);
	if (r < 0)
		return r;
	qsort(s.items, s.n, sizeof(*s.items), by_target);
	*ret = s;
	s = (struct viv_shares){0};
	return 0;
}

/* virtiofs or 9p */

/* What this host and this kernel have. */
struct facts {
	bool kernel_virtiofs, kernel_9p;
	char *virtiofsd;
	bool qemus;
	char *why_not; /* there is no virtiofs */
};

static bool is_set(const char *config, const char *name)
{
	VIV_FREE char *line = viv_asprintf("\n%s=", name);

	return strstr(config, line) != NULL;
}

static int find_facts(const struct viv_system *system, bool foreign_kernel, struct facts *f,
		      struct viv_error *err)
{
	VIV_STR config = VIV_STR_INIT;
	VIV_ERROR missing = VIV_ERROR_INIT;
	/* Of one whose configuration nobody knows the guest finds out. */
	int r = foreign_kernel || !system->kernel_config ? 0 : viv_read_file(system->kernel_config, CONFIG_MAX, &config, err);

	if (r < 0)
		return r;
	foreign_kernel |= !system->kernel_config;
	f->kernel_virtiofs = foreign_kernel || is_set(config.data, "CONFIG_VIRTIO_FS");
	f->kernel_9p = foreign_kernel || (is_set(config.data, "CONFIG_9P_FS") &&
					  is_set(config.data, "CONFIG_NET_9P_VIRTIO"));
	if (!f->kernel_virtiofs)
		f->why_not = viv_strdup("the kernel has no virtiofs");
	else if (viv_virtiofsd_find(&f->virtiofsd, &f->qemus, &missing) < 0 ||
		 viv_sandbox_serve_check(&missing) < 0)
		f->why_not = viv_steal(missing.msg);
	return 0;
}

static void free_facts(struct facts *f)
{
	free(f->virtiofsd);
	free(f->why_not);
}

static int cannot(const struct viv_share_request *q, const struct facts *f, struct viv_error *err)
{
	if (q->want == WANT_9P)
		return viv_error_say(err, ENOTSUP, "%s: the kernel has no 9p", q->place);
	viv_error_say(err, ENOTSUP, "%s: virtiofs can't be had: %s", q->place, f->why_not);
	if (q->want == WANT_AUTO)
		viv_error_hint(err, "or use 9p, which takes Debian's full kernel: "
				    "boot.kernel = \"linux-image-amd64\"");
	return err ? -err->code : -ENOTSUP;
}

/* 0: it has a kind now; 1: it is left out. */
static int choose(struct viv_share_request *q, const struct facts *f, struct viv_report *report,
		  struct viv_error *err)
{
	VIV_ERROR e = VIV_ERROR_INIT;

	if (q->want != WANT_9P && !f->why_not) {
		q->share.kind = VIV_SHARE_VIRTIOFS;
		return 0;
	}
	if (q->want != WANT_VIRTIOFS && f->kernel_9p) {
		q->share.kind = VIV_SHARE_9P;
		return 0;
	}
	cannot(q, f, &e);
	if (!q->optional)
		return viv_error_move(err, &e);
	if (q->is_cwd)
		viv_say(report, VIV_WARNING, "%s", e.msg);
	return 1;
}

static void say_how(const struct viv_machine *m, const struct facts *f, struct viv_report *report)
{
	if (viv_machine_has_shares(m, VIV_SHARE_VIRTIOFS))
		viv_say(report, VIV_DEBUG, "shares: virtiofs, by %s", f->virtiofsd);
	if (viv_machine_has_shares(m, VIV_SHARE_9P))
		viv_say(report, f->why_not ? VIV_INFO : VIV_DEBUG, "shares: 9p%s%.*s",
			f->why_not ? ", because " : ", as asked for",
			f->why_not ? (int)strcspn(f->why_not, "\n") : 0,
			f->why_not ? f->why_not : "");
}

int viv_shares_give(struct viv_shares *s, const struct viv_system *system, bool foreign_kernel,
		    struct viv_report *report, struct viv_machine *m, struct viv_error *err)
{
	VIV_CLEANUP(free_facts) struct facts f = {0};
	int r = s->n ? find_facts(system, foreign_kernel, &f, err) : 0;

	for (size_t i = 0; i < s->n && r >= 0; i++) {
		struct viv_share_request *q = &s->items[i];

		r = choose(q, &f, report, err);
		if (r == 0) {
			q->share.optional = q->optional;
			*viv_machine_add_share(m) = q->share;
			q->share = (struct viv_share){0};
		} else if (r == 1 && q->is_cwd) {
			free(s->cwd);
			s->cwd = NULL;
		}
	}
	if (r < 0)
		return r;
	say_how(m, &f, report);
	m->virtiofsd = viv_steal(f.virtiofsd);
	m->virtiofsd_is_qemus = f.qemus;
	return 0;
}

void viv_shares_leave_to_qemu(struct viv_machine *m, struct viv_report *report)
{
	VIV_STR left_out = VIV_STR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < m->n_shares; i++) {
		struct viv_share *s = &m->shares[i];

		if (s->kind == VIV_SHARE_9P && s->source) {
			m->shares[n++] = *s;
			continue;
		}
		viv_str_addf(&left_out, "%s%s", left_out.len ? ", " : "",
			     s->source ? s->source : s->target);
		free(s->tag);
		free(s->source);
		free(s->target);
	}
	m->n_shares = n;
	if (left_out.len)
		viv_say(report, VIV_INFO, "the command line is without what only viv run can share: %s",
			left_out.data);
}
