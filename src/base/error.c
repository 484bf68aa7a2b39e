/* SPDX-License-Identifier: MIT */
#include "base/error.h"

int viv_error_sayv(struct viv_error *err, int code, const char *fmt, va_list ap)
{
	if (code < 0)
		code = -code;
	if (code == 0)
		code = EIO;
	if (!err || err->code)
		return -code;
	err->code = code;
	if (vasprintf(&err->msg, fmt, ap) < 0)
		viv_oom();
	return -code;
}

int viv_error_say(struct viv_error *err, int code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = viv_error_sayv(err, code, fmt, ap);
	va_end(ap);
	return r;
}

int viv_error_set(struct viv_error *err, int code, const char *fmt, ...)
{
	va_list ap;
	bool fresh = err && !err->code;
	int r;

	va_start(ap, fmt);
	r = viv_error_sayv(err, code, fmt, ap);
	va_end(ap);
	if (fresh) {
		char *msg = viv_asprintf("%s: %s", err->msg, strerror(-r));

		free(err->msg);
		err->msg = msg;
	}
	return r;
}

static void rewrite(struct viv_error *err, char *msg)
{
	free(err->msg);
	err->msg = msg;
}

int viv_error_context(struct viv_error *err, const char *fmt, ...)
{
	VIV_FREE char *text = NULL;
	va_list ap;

	if (!err || !err->code)
		return err ? 0 : -EIO;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		viv_oom();
	va_end(ap);
	rewrite(err, viv_asprintf("%s: %s", text, err->msg));
	return -err->code;
}

int viv_error_hint(struct viv_error *err, const char *fmt, ...)
{
	VIV_FREE char *text = NULL;
	va_list ap;

	if (!err || !err->code)
		return err ? 0 : -EIO;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		viv_oom();
	va_end(ap);
	rewrite(err, viv_asprintf("%s\n%s", err->msg, text));
	return -err->code;
}

int viv_error_move(struct viv_error *dst, struct viv_error *src)
{
	int code = src->code;

	if (dst && !dst->code)
		*dst = *src;
	else
		free(src->msg);
	*src = VIV_ERROR_INIT;
	return -code;
}

void viv_error_clear(struct viv_error *err)
{
	free(err->msg);
	*err = VIV_ERROR_INIT;
}
