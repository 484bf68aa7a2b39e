/* SPDX-License-Identifier: MIT */
#include "test/runner.h"

#include "test/pcap.h"

/* What a test has said of segments holds over all starts of its machines. */

struct runner_link {
	struct runner_link *next;
	const struct guest *g;
	unsigned vlan;
	struct viv_link_spec spec;
};

struct runner_capture {
	struct runner_capture *next;
	unsigned vlan;
	struct viv_pcap *file;
};

static struct viv_vlan *vlan_of(struct guest *g, unsigned vlan)
{
	return guest_is_on(g) ? viv_network_vlan(viv_vm_network(g->vm), vlan) : NULL;
}

static void on_frame(const uint8_t *frame, size_t len, void *arg)
{
	viv_pcap_add(((struct runner_capture *)arg)->file, frame, len);
}

bool runner_set_link(struct runner *r, struct guest *g, unsigned vlan, const struct viv_link_spec *spec)
{
	struct viv_vlan *v = vlan_of(g, vlan);
	struct runner_link *l = r->links;

	if (!v)
		return false;
	while (l && (l->g != g || l->vlan != vlan))
		l = l->next;
	if (!l) {
		l = viv_new(struct runner_link);
		*l = (struct runner_link){.next = r->links, .g = g, .vlan = vlan};
		r->links = l;
	}
	l->spec = *spec;
	viv_vlan_set_link(v, spec);
	return true;
}

void runner_on_started(struct guest *g, void *arg)
{
	struct runner *r = arg;
	struct viv_vlan *v;

	free(g->started_at);
	g->started_at = viv_lua_script_place(r->script);
	for (struct runner_link *l = r->links; l; l = l->next)
		if (l->g == g && (v = vlan_of(g, l->vlan)))
			viv_vlan_set_link(v, &l->spec);
	for (struct runner_capture *c = r->captures; c; c = c->next)
		if ((v = vlan_of(g, c->vlan)))
			viv_vlan_tap(v, on_frame, c);
}

int runner_capture(struct runner *r, unsigned vlan, const char *path, struct viv_error *err)
{
	struct runner_capture *c;
	struct viv_pcap *file;
	int code;

	for (c = r->captures; c; c = c->next)
		if (c->vlan == vlan)
			return viv_error_say(err, EEXIST, "vlan %u is captured already", vlan);
	code = viv_pcap_open(path, &file, err);
	if (code < 0)
		return code;
	c = viv_new(struct runner_capture);
	*c = (struct runner_capture){.next = r->captures, .vlan = vlan, .file = file};
	r->captures = c;
	for (size_t i = 0; i < r->n_guests; i++) {
		struct viv_vlan *v = vlan_of(r->guests[i], vlan);

		if (v)
			viv_vlan_tap(v, on_frame, c);
	}
	return 0;
}

int runner_stop_capture(struct runner *r, unsigned vlan, uint64_t *ret_frames, struct viv_error *err)
{
	struct runner_capture **link = &r->captures, *c;
	int code;

	while (*link && (*link)->vlan != vlan)
		link = &(*link)->next;
	c = *link;
	if (!c)
		return viv_error_say(err, ENOENT, "vlan %u is not captured", vlan);
	*link = c->next;
	for (size_t i = 0; i < r->n_guests; i++) {
		struct viv_vlan *v = vlan_of(r->guests[i], vlan);

		if (v)
			viv_vlan_tap(v, NULL, NULL);
	}
	*ret_frames = viv_pcap_count(c->file);
	code = viv_pcap_close(c->file, err);
	free(c);
	return code;
}

void runner_network_free(struct runner *r)
{
	uint64_t frames;

	while (r->captures)
		runner_stop_capture(r, r->captures->vlan, &frames, NULL);
	while (r->links) {
		struct runner_link *l = r->links;

		r->links = l->next;
		free(l);
	}
}
