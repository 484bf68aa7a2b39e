/* SPDX-License-Identifier: MIT */
#include "run/disk-image.h"

#include "base/fd.h"
#include "base/path.h"

#include <endian.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD 65536 /* so much of an image is looked at */

/* Images known by what they begin with. */
static const struct {
	const char *magic, *name;
	size_t len;
} formats[] = {
	{"QFI\xfb", "qcow2", 4}, {"KDMV", "vmdk", 4}, {"COWD", "vmdk", 4}, {"vhdxfile", "vhdx", 8},
	{"conectix", "vpc", 8},	 {"QED\0", "qed", 4}, {"<<< ", "vdi", 4},
};

/* "raw" where nothing is known. */
static const char *format_of(const char *head, size_t n)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(formats); i++)
		if (n >= formats[i].len && memcmp(head, formats[i].magic, formats[i].len) == 0)
			return formats[i].name;
	return "raw";
}

static int check_format(const char *path, const char *format, const char *is, struct viv_error *err)
{
	if (viv_streq(format, is))
		return 0;
	if (viv_streq(is, "raw"))
		return viv_error_say(err, EINVAL,
				     "%s is not a %s image\nif it is a raw one, say so: format = "
				     "\"raw\", or a name that does not end in .%s",
				     path, format, format);
	if (viv_streq(is, "qcow2"))
		return viv_error_say(
			err, EINVAL,
			"%s begins like a qcow2 image, and is to be a raw one\nif you "
			"made it as one, say so: format = \"qcow2\", or a name that ends "
			"in .qcow2; a guest can have written that, too",
			path);
	return viv_error_say(err, EINVAL,
			     "%s is a %s image\nconvert it: qemu-img convert -O qcow2 %s NEW.qcow2",
			     path, is, path);
}

static uint32_t be32_at(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

/* docs/interop/qcow2.txt in QEMU: bytes 8 to 19 name the image below, an extension its format. */
static bool names_backing_format(const char *head, size_t n)
{
	size_t at = be32_at(head + 4) >= 3 && n >= 104 ? be32_at(head + 100) : 72;

	while (at < n && n - at >= 8) {
		uint32_t type = be32_at(head + at), len = be32_at(head + at + 4);

		if (type == 0xe2792aca)
			return true;
		if (type == 0 || len > n)
			return false;
		at += 8 + (len + 7) / 8 * 8;
	}
	return false;
}

static int check_qcow2(const char *path, const char *head, size_t n, struct viv_error *err)
{
	static const char none[8] = "";

	if (n < 72)
		return viv_error_say(err, EINVAL, "%s ends within its header: it is damaged", path);
	if (memcmp(head + 8, none, 8) != 0 && !names_backing_format(head, n))
		return viv_error_say(err, EINVAL,
				     "%s does not say which format the image below it has\n"
				     "tell it: qemu-img rebase -u -F FORMAT -b FILE %s",
				     path, path);
	return 0;
}

int viv_disk_image_check(const char *path, const char *format, const char *head, size_t n,
			 struct viv_error *err)
{
	int r = check_format(path, format, format_of(head, n), err);

	return r == 0 && viv_streq(format, "qcow2") ? check_qcow2(path, head, n, err) : r;
}

static int check_content(int fd, const char *path, const char *format, struct viv_error *err)
{
	VIV_FREE char *head = viv_calloc(1, HEAD);
	ssize_t n = pread(fd, head, HEAD, 0);

	if (n < 0)
		return viv_error_set(err, errno, "%s can't be read", path);
	if (n == 0)
		return viv_error_say(err, EINVAL, "%s is empty: a disk has a size", path);
	return viv_disk_image_check(path, format, head, (size_t)n, err);
}

static int cannot_open(const char *path, bool read_only, struct viv_error *err)
{
	int code = errno, r;
	struct stat st;

	r = viv_error_set(err, code, "%s", path);
	if (code == EACCES && stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		viv_error_hint(err, "let yourself use it: sudo setfacl -m u:%d:%s %s",
			       (int)getuid(), read_only ? "r" : "rw", path);
	else if ((code == EACCES || code == EROFS) && !read_only && access(path, R_OK) == 0)
		viv_error_hint(err, "it can be read: readOnly = true would do");
	else if (code == ENXIO || code == ENOMEDIUM)
		viv_error_hint(err, "there is nothing in it");
	return r;
}

static int open_image(const char *path, bool read_only, struct stat *st, struct viv_error *err)
{
	int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	VIV_FD fd = -1;

	if (stat(path, st) < 0)
		return viv_error_set(err, errno, "%s", path);
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return viv_error_say(err, EINVAL, "%s is neither a file nor a disk", path);
	/* The kernel gives a disk to one only who asks this way: what is mounted, or a swap, is not
	 * ours. */
	fd = open(path, flags | (S_ISBLK(st->st_mode) && !read_only ? O_EXCL : 0));
	if (fd < 0 && errno == EBUSY)
		return -EBUSY;
	if (fd < 0)
		return cannot_open(path, read_only, err);
	return viv_steal_fd(&fd);
}

int viv_disk_busy(const char *path, const char *user, struct viv_error *err)
{
	struct stat st;
	bool device = stat(path, &st) == 0 && S_ISBLK(st.st_mode);

	if (user)
		return viv_error_say(err, EBUSY,
				     "%s is in use by the machine %s\n`viv stop %s` ends it", path,
				     user, user);
	return viv_error_say(err, EBUSY, "%s is in use%s", path,
			     device ? " on this host, mounted perhaps, or by another machine"
				    : " by another QEMU");
}

/* An exclusive disk can still be looked at, for who has it. */
static int busy_device(const char *path, struct viv_error *err)
{
	VIV_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	VIV_FREE char *user = NULL;

	if (fd >= 0)
		viv_disk_lock(fd, true, &user);
	return viv_disk_busy(path, user, err);
}

int viv_disk_image_open(const char *path, const char *format, struct viv_drive *d,
			struct viv_error *err)
{
	VIV_FREE char *user = NULL;
	struct stat st;
	VIV_FD fd = open_image(path, d->read_only, &st, err);
	int r;

	if (fd == -EBUSY && !(err && err->msg))
		return busy_device(path, err);
	if (fd < 0)
		return fd;
	r = check_content(fd, path, format, err);
	if (r < 0)
		return r;
	if (viv_disk_lock(fd, d->read_only, &user) < 0)
		return viv_disk_busy(path, user, err);
	d->file = viv_strdup(path);
	d->format = format;
	d->device = S_ISBLK(st.st_mode);
	d->lock = viv_steal_fd(&fd);
	return 0;
}
