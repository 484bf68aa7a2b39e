/* SPDX-License-Identifier: MIT */
#include "test/event.h"

#include "base/fd.h"
#include "base/loop.h"
#include "test/text.h"

void viv_events_end(struct viv_events *e)
{
	if (e->log > 0)
		viv_close(e->log);
	e->log = 0;
}

/* The consoles have files of their own, the result as well. The file's end is told, in it where that can be. */
static void write_down(struct viv_events *e, const char *event, const struct viv_str *line)
{
	VIV_ERROR err = VIV_ERROR_INIT;

	if (e->log <= 0 || viv_streq(event, "console") || viv_streq(event, "result"))
		return;
	e->logged += line->len;
	if (e->logged > VIV_EVENTS_LOG_MAX && !e->ending) {
		e->ending = true;
		viv_events_say(e, "warning", NULL, "events.jsonl ends here: there is more than %u MiB of them", VIV_EVENTS_LOG_MAX >> 20);
		viv_events_end(e);
	} else if (viv_write_all(e->log, line->data, line->len, "events.jsonl", &err) < 0) {
		viv_events_end(e);
		viv_events_say(e, "warning", NULL, "events.jsonl ends early: %s", err.msg);
	}
}

void viv_events_tell(struct viv_events *e, const char *event, json_t *more)
{
	VIV_JSON *j = more ? more : json_object();
	VIV_STR line = VIV_STR_INIT;

	json_object_set_new(j, "event", json_string(event));
	json_object_set_new(j, "ms", json_integer(viv_now_ms() - e->begun));
	if (e->shown)
		e->shown(j, e->arg);
	viv_json_canonical(j, &line);
	viv_str_add_char(&line, '\n');
	write_down(e, event, &line);
	if (e->fd >= 0 && viv_write_all(e->fd, line.data, line.len, "events", NULL) < 0)
		e->fd = -1; /* whoever listened is gone, and we are about to be */
}

void viv_events_say(struct viv_events *e, const char *event, const char *machine, const char *fmt, ...)
{
	VIV_STR text = VIV_STR_INIT;
	VIV_FREE char *cut = NULL;
	json_t *j = json_object();
	va_list ap;

	va_start(ap, fmt);
	viv_str_addv(&text, fmt, ap);
	va_end(ap);
	json_object_set_new(j, "machine", viv_json_text(machine));
	cut = viv_test_cut(text.data ? text.data : "", VIV_EVENT_TEXT_MAX, true);
	json_object_set_new(j, "text", viv_json_text(cut));
	viv_events_tell(e, event, j);
}
