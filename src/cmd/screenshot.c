/* SPDX-License-Identifier: MIT */
#include "cmd/remote.h"

#include "base/fd.h"
#include "base/path.h"

#include <sys/stat.h>
#include <unistd.h>

#define PICTURE_MAX (256u << 20)

/* QEMU made it, and a hostile guest may have QEMU: at least it is a picture. */
static int check(int fd, struct viv_error *err)
{
	static const char png[] = "\x89PNG\r\n\x1a\n";
	char start[sizeof(png) - 1];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PICTURE_MAX ||
	    pread(fd, start, sizeof(start), 0) != sizeof(start) ||
	    memcmp(start, png, sizeof(start)) != 0)
		return viv_error_say(err, EPROTO, "QEMU's screenshot is not a PNG picture");
	return 0;
}

static int take(struct viv_messages *m, const char *file, struct viv_error *err)
{
	VIV_STR picture = VIV_STR_INIT;
	VIV_JSON *answer = NULL;
	VIV_FD fd = -1;
	int r = viv_client_call(m, json_pack("{s:s}", "do", "screenshot"), VIV_CLIENT_ANSWER_MS,
				&answer, err);

	if (r < 0)
		return r;
	fd = viv_messages_take_fd(m, 0);
	r = check(fd, err);
	if (r == 0)
		r = viv_read_to_end(fd, PICTURE_MAX, &picture, "the screenshot", err);
	if (r == 0 && viv_streq(file, "-"))
		return viv_write_all(STDOUT_FILENO, picture.data, picture.len, "stdout", err);
	return r == 0 ? viv_write_file(file, picture.data, picture.len, 0644, err) : r;
}

static int run(struct viv_cmd *cmd, const struct viv_args *args, struct viv_error *err)
{
	VIV_CLEANUP(viv_messages_close) struct viv_messages m = VIV_MESSAGES_INIT;
	const char *file;
	int r;

	if (!args->n_operands)
		return viv_cmd_usage(cmd, "where is the picture to go? viv screenshot [NAME] FILE.png");
	file = args->operands[args->n_operands - 1];
	if (!viv_ends_with(file, ".png") && !viv_streq(file, "-"))
		return viv_cmd_usage(cmd, "%s: it is a PNG picture: name it .png", file);
	r = viv_cmd_connect(args->n_operands == 2 ? args->operands[0] : NULL, &m, NULL, err);
	if (r == 0)
		r = take(&m, file, err);
	return r;
}

const struct viv_command viv_command_screenshot = {
	.name = "screenshot",
	.summary = "Take a picture of a machine's screen",
	.operands = "[NAME] FILE.png",
	.about = "Without a name: this folder's machine. FILE - is stdout. A machine has a screen if\n"
		 "virtualisation.graphics is true.",
	.max_operands = 2,
	.run = run,
};
