/* SPDX-License-Identifier: MIT */
#include "test/methods.h"

#include "base/duration.h"
#include "run/vlan.h"

/* block, unblock */

/* As the cable of every network but the one to the host. */
static int set_cables(struct call *c, bool up)
{
	const struct viv_machine *m = &c->g->machine;

	call_step(c, up ? "connecting it to its networks" : "cutting it off from its networks");
	for (size_t i = 0; i < m->n_nics; i++) {
		VIV_FREE char *id = viv_asprintf("net%zu", i);

		if (m->nics[i].kind == VIV_NIC_USER || m->nics[i].kind == VIV_NIC_PASST)
			continue;
		if (methods_qmp(c, "set_link", json_pack("{s:s, s:b}", "name", id, "up", up), NULL) < 0)
			return -1;
	}
	return 0;
}

static int do_block(struct call *c)
{
	return set_cables(c, false);
}

static int do_unblock(struct call *c)
{
	return set_cables(c, true);
}

/* forward_port */

static int find_user_network(const struct viv_machine *m)
{
	for (size_t i = 0; i < m->n_nics; i++)
		if (m->nics[i].kind == VIV_NIC_USER)
			return (int)i;
	return -1;
}

/* For people only: the answer is a text, and an error is one that is not empty. */
static int monitor(struct call *c, const char *line, char **ret_answer)
{
	VIV_JSON *answer = NULL;

	if (methods_qmp(c, "human-monitor-command", json_pack("{s:s}", "command-line", line), &answer) < 0)
		return -1;
	*ret_answer = viv_strdup(json_is_string(answer) ? json_string_value(answer) : "");
	return 0;
}

/*
 * The port that the host chose: of the lines of `info usernet`,
 * "  TCP[HOST_FORWARD]  12        127.0.0.1 43210       10.0.2.15    80     0     0", the last one for the guest's port.
 */
static unsigned find_port(const char *info, bool udp, unsigned guest_port)
{
	struct viv_slice rest = viv_slice(info), line, word;
	unsigned found = 0;

	while (rest.len && viv_slice_line(&rest, &line)) {
		struct viv_slice words[6];
		uint64_t host, guest;
		size_t n = 0;

		while (n < VIV_ARRAY_SIZE(words) && viv_slice_word(&line, &word))
			words[n++] = word;
		if (n == VIV_ARRAY_SIZE(words) && viv_slice_eq(words[0], udp ? "UDP[HOST_FORWARD]" : "TCP[HOST_FORWARD]") &&
		    viv_slice_u64(words[3], 65535, &host) && viv_slice_u64(words[5], 65535, &guest) &&
		    guest == guest_port)
			found = (unsigned)host;
	}
	return found;
}

static int do_forward_port(struct call *c)
{
	int64_t host = call_int(c, 0, 8080), guest = call_int(c, 1, 80);
	bool udp = call_option_bool(c, "udp", false);
	int nic = find_user_network(&c->g->machine);
	VIV_FREE char *line = NULL, *answer = NULL, *info = NULL;

	if (host < 0 || host > 65535 || guest < 1 || guest > 65535)
		return call_fail(c, VIV_VERDICT_ERROR, "forward_port: ports are numbers up to 65535; the host's may be 0: "
				 "any that is free");
	if (nic < 0)
		return call_fail(c, VIV_VERDICT_ERROR, "%s: forward_port: it has no network of QEMU's own, of which ports could "
				 "be forwarded", c->g->name);
	call_step(c, "forwarding port %d of this host to its port %d", (int)host, (int)guest);
	line = viv_asprintf("hostfwd_add net%d %s:127.0.0.1:%d-:%d", nic, udp ? "udp" : "tcp", (int)host, (int)guest);
	if (monitor(c, line, &answer) < 0)
		return -1;
	if (*answer) {
		VIV_FREE char *shown = viv_slice_printable(viv_slice_trim(viv_slice(answer)));

		return call_fail(c, VIV_VERDICT_FAIL, "%s: forward_port: QEMU says: %s", c->g->name, shown);
	}
	if (!host) {
		if (monitor(c, "info usernet", &info) < 0)
			return -1;
		host = find_port(info, udp, (unsigned)guest);
		if (!host)
			return call_fail(c, VIV_VERDICT_ERROR, "%s: forward_port: QEMU does not say which port it took",
					 c->g->name);
	}
	lua_pushinteger(c->L, host);
	return 1;
}

/* set_link */

/* "10mbit", as tc(8) writes it; or bits a second. */
static int read_rate(struct call *c, uint64_t *ret)
{
	static const struct { const char *unit; double bits; } units[] = {
		{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}};
	const char *text = call_option_text(c, "rate");
	double rate = call_option_number(c, "rate", text ? -1 : 0);
	char *end;

	if (text) {
		double n = strtod(text, &end);

		for (size_t i = 0; i < VIV_ARRAY_SIZE(units); i++)
			if (viv_streq(end, units[i].unit))
				rate = n * units[i].bits;
	}
	*ret = (uint64_t)VIV_MAX(VIV_MIN(rate, 1e12), 0);
	return rate == 0 || (rate >= VIV_LINK_RATE_MIN && rate <= 1e12)
		       ? 0
		       : call_fail(c, VIV_VERDICT_ERROR, "set_link: rate is to be bits a second, from %d, or a text such as "
				   "\"10mbit\"", VIV_LINK_RATE_MIN);
}

/* "5%", or 0.05. */
static int read_loss(struct call *c, double *ret)
{
	const char *text = call_option_text(c, "loss");
	double loss = call_option_number(c, "loss", text ? -1 : 0);
	char *end;

	if (text) {
		loss = strtod(text, &end) / 100;
		if (!viv_streq(end, "%"))
			loss = -1;
	}
	*ret = loss;
	return loss >= 0 && loss <= 1 ? 0 : call_fail(c, VIV_VERDICT_ERROR, "set_link: loss is to be from 0 (none) to 1 (all), or "
						      "a text such as \"5%%\"");
}

/* "50ms", or seconds. */
static int read_delay(struct call *c, unsigned *ret)
{
	const char *text = call_option_text(c, "delay");
	double ms = call_option_number(c, "delay", text ? -1 : 0) * 1000;
	int64_t parsed;

	if (text && viv_parse_duration(text, &parsed, NULL) == 0)
		ms = (double)parsed;
	*ret = (unsigned)VIV_MAX(VIV_MIN(ms, VIV_LINK_DELAY_MAX_MS), 0);
	return ms >= 0 && ms <= VIV_LINK_DELAY_MAX_MS
		       ? 0
		       : call_fail(c, VIV_VERDICT_ERROR, "set_link: delay is to be seconds, up to %d, or a text such as \"50ms\"",
				   VIV_LINK_DELAY_MAX_MS / 1000);
}

static int do_set_link(struct call *c)
{
	const struct viv_machine *m = &c->g->machine;
	double vlan = call_option_number(c, "vlan", 0);
	struct viv_link_spec spec = {0};
	unsigned met = 0;

	if (read_rate(c, &spec.rate) < 0 || read_loss(c, &spec.loss) < 0 || read_delay(c, &spec.delay_ms) < 0)
		return -1;
	call_step(c, "its link: %.3g Mbit/s (0: no limit), %u ms, %.3g %% lost", (double)spec.rate / 1e6, spec.delay_ms,
		  spec.loss * 100);
	for (size_t i = 0; i < m->n_nics; i++)
		if (m->nics[i].kind == VIV_NIC_VLAN && (vlan == 0 || vlan == m->nics[i].vlan))
			met += runner_set_link(c->r, c->g, m->nics[i].vlan, &spec);
	if (met)
		return 0;
	return vlan == 0 ? call_fail(c, VIV_VERDICT_ERROR, "%s: set_link: it is on no vlan", c->g->name)
			 : call_fail(c, VIV_VERDICT_ERROR, "%s: set_link: it is not on vlan %g", c->g->name, vlan);
}

/* capture, stop_capture */

static int check_vlan(struct call *c, int64_t vlan)
{
	return vlan >= 1 && vlan <= VIV_VLAN_MAX
		       ? 0
		       : call_fail(c, VIV_VERDICT_ERROR, "%s: a vlan is a number from 1 to %d", c->method->name, VIV_VLAN_MAX);
}

/* A name that stays in its folder and hides nothing of it. */
static bool is_plain(const char *name)
{
	return *name && strlen(name) <= 100 && !strchr(name, '/') && name[0] != '.';
}

static int do_capture(struct call *c)
{
	int64_t vlan = call_int(c, 0, 1);
	const char *name = call_option_text(c, "name");
	VIV_FREE char *own = viv_asprintf("vlan-%d", (int)vlan), *path = NULL;
	VIV_ERROR err = VIV_ERROR_INIT;

	if (check_vlan(c, vlan) < 0)
		return -1;
	if (name && !is_plain(name))
		return call_fail(c, VIV_VERDICT_ERROR, "capture: \"%s\" is no name of a file", name);
	if (!c->r->run->folder)
		return call_fail(c, VIV_VERDICT_ERROR, "capture: this test has no folder for results");
	path = viv_asprintf("%s/%s.pcap", c->r->run->folder, name ? name : own);
	call_step(c, "capturing vlan %d", (int)vlan);
	if (runner_capture(c->r, (unsigned)vlan, path, &err) < 0)
		return call_error(c, &err);
	lua_pushstring(c->L, path);
	return 1;
}

static int do_stop_capture(struct call *c)
{
	int64_t vlan = call_int(c, 0, 1);
	VIV_ERROR err = VIV_ERROR_INIT;
	uint64_t frames = 0;

	if (check_vlan(c, vlan) < 0)
		return -1;
	if (runner_stop_capture(c->r, (unsigned)vlan, &frames, &err) < 0)
		return call_error(c, &err);
	call_step(c, "captured %llu frames of vlan %d", (unsigned long long)frames, (int)vlan);
	lua_pushinteger(c->L, (lua_Integer)frames);
	return 1;
}

const struct method methods_network[] = {
	{"block", "", "()", NULL, "unplugs its cables, but for the one to the host", do_block},
	{"unblock", "", "()", NULL, "plugs them in again", do_unblock},
	{"forward_port", "?ii", "(host_port, guest_port, {udp})", "udp:b",
	 "leads a port of this host's loopback (8080; 0: any) to one of the machine's (80); returns the host's", do_forward_port},
	{"set_link", "", "({rate, loss, delay, vlan})", "rate:q loss:q delay:q vlan:i",
	 "makes its cables worse, each way: { rate = \"10mbit\", loss = 0.05, delay = \"50ms\" }; {}: perfect again", do_set_link},
	{0},
};

const struct method functions_network[] = {
	{"capture", "?i", "(vlan, {name})", "name:w",
	 "keeps all that is sent on a vlan (1) in a pcap file of the test's results; returns where", do_capture},
	{"stop_capture", "?i", "(vlan)", NULL, "ends that; returns how many frames there were", do_stop_capture},
	{0},
};
