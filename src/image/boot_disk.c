/* SPDX-License-Identifier: MIT */
#include "image/boot_disk.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/process.h"
#include "image/tool.h"

#include <sys/stat.h>
#include <unistd.h>

#define SECTOR	      512
#define START	      ((off_t)1 << 20)	/* of the partition */
#define TAIL	      ((off_t)1 << 20)	/* room for the GPT's copy */
#define MBR_CODE      440
#define SMALLEST      ((uint64_t)8 << 20)
#define SPARE	      ((uint64_t)2 << 20) /* FAT's own tables, and what clusters waste */

/* mtools, mkfs.fat and sfdisk take the time from here, or are told not to use any. */
static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"SOURCE_DATE_EPOCH=315532800", /* 1980, where FAT begins */
	"MTOOLS_SKIP_CHECK=1",
	"LC_ALL=C",
	"TZ=UTC",
	NULL,
};

static int size_of(const struct viv_boot_disk *d, uint64_t *ret, struct viv_error *err)
{
	uint64_t size = SPARE;

	for (size_t i = 0; i < d->n_files; i++) {
		const struct viv_boot_file *f = &d->files[i];
		struct stat st;

		if (f->source && stat(f->source, &st) < 0)
			return viv_error_set(err, errno, "%s", f->source);
		size += (f->source ? (uint64_t)st.st_size : strlen(f->text)) + 65536;
	}
	size = VIV_MAX(size, SMALLEST);
	*ret = (size + (1 << 20) - 1) >> 20 << 20;
	return 0;
}

/* Four groups of hexadecimal digits as a UUID of version 8 (RFC 9562). */
static char *uuid(const char *hex)
{
	return viv_asprintf("%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15,
			    hex + 18);
}

static int write_table(const struct viv_boot_disk *d, const char *dest, uint64_t size,
		       const char *hex, struct viv_error *err)
{
	const char *argv[] = {"sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", dest, NULL};
	VIV_FREE char *disk = uuid(hex), *part = uuid(hex + 30), *script = NULL;

	if (d->mbr)
		script = viv_asprintf("label: dos\nlabel-id: 0x%.8s\nunit: sectors\n"
				      "start=%lld, size=%llu, type=c, bootable\n",
				      hex, (long long)START / SECTOR,
				      (unsigned long long)size / SECTOR);
	else
		script = viv_asprintf("label: gpt\nlabel-id: %s\nunit: sectors\n"
				      "start=%lld, size=%llu, type=uefi, uuid=%s, name=%s\n",
				      disk, (long long)START / SECTOR,
				      (unsigned long long)size / SECTOR, part, d->label);
	return viv_image_tool(argv, environment, script, "fdisk", err);
}

static int make_fat(const struct viv_boot_disk *d, const char *dest, uint64_t size, const char *hex,
		    struct viv_error *err)
{
	VIV_FREE char *id = viv_strndup(hex, 8);
	VIV_FREE char *offset = viv_asprintf("--offset=%lld", (long long)START / SECTOR);
	VIV_FREE char *blocks = viv_asprintf("%llu", (unsigned long long)size / 1024);
	const char *argv[] = {"mkfs.fat", "--invariant", "-i", id, "-n", d->label, offset, dest,
			      blocks, NULL};

	return viv_image_tool(argv, environment, NULL, "dosfstools", err);
}

/* Every folder of the paths, parents first, each once. */
static int make_folders(const struct viv_boot_disk *d, const char *image, struct viv_error *err)
{
	VIV_STRV made = VIV_STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < d->n_files; i++)
		for (const char *p = strchr(d->files[i].path, '/'); r == 0 && p; p = strchr(p + 1, '/')) {
			VIV_FREE char *folder = viv_asprintf("::/%.*s", (int)(p - d->files[i].path),
							     d->files[i].path);
			const char *argv[] = {"mmd", "-i", image, folder, NULL};

			if (viv_strv_has(&made, folder))
				continue;
			r = viv_image_tool(argv, environment, NULL, "mtools", err);
			viv_strv_push(&made, folder);
		}
	return r;
}

static int copy_files(const struct viv_boot_disk *d, const char *dest, const char *image,
		      struct viv_error *err)
{
	VIV_FREE char *tmp = viv_asprintf("%s.text", dest);
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->n_files; i++) {
		const struct viv_boot_file *f = &d->files[i];
		VIV_FREE char *to = viv_asprintf("::/%s", f->path);
		const char *argv[] = {"mcopy", "-i", image, f->source ? f->source : tmp, to, NULL};

		if (!f->source)
			r = viv_write_file(tmp, f->text, strlen(f->text), 0644, err);
		if (r == 0)
			r = viv_image_tool(argv, environment, NULL, "mtools", err);
	}
	unlink(tmp);
	return r;
}

/* The file's first `most` bytes. */
static int put(int fd, const char *file, size_t most, off_t at, struct viv_error *err)
{
	VIV_STR s = VIV_STR_INIT;
	int r = viv_read_file(file, (size_t)START, &s, err);
	size_t len = VIV_MIN(s.len, most);
	ssize_t n = r < 0 ? 0 : pwrite(fd, s.data, len, at);

	if (r < 0)
		return r;
	if (n != (ssize_t)len)
		return viv_error_set(err, n < 0 ? errno : ENOSPC, "cannot write the boot disk");
	return 0;
}

/* After the table, which shares the first sector. */
static int put_code(const struct viv_boot_disk *d, const char *dest, struct viv_error *err)
{
	VIV_FD fd = -1;
	struct stat st;
	int r;

	if (!d->mbr)
		return 0;
	if (stat(d->core, &st) < 0)
		return viv_error_set(err, errno, "%s", d->core);
	if (st.st_size > START - SECTOR)
		return viv_error_say(err, EFBIG, "the boot loader's core has %lld bytes: there is room for %lld",
				     (long long)st.st_size, (long long)START - SECTOR);
	fd = viv_open(dest, O_WRONLY, 0, err);
	r = fd < 0 ? fd : put(fd, d->mbr, MBR_CODE, 0, err);
	return r < 0 ? r : put(fd, d->core, (size_t)(START - SECTOR), SECTOR, err);
}

static int make_empty(const char *dest, uint64_t size, struct viv_error *err)
{
	VIV_FD fd = viv_open(dest, O_WRONLY | O_CREAT | O_EXCL, 0644, err);

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size) < 0)
		return viv_error_set(err, errno, "%s", dest);
	return 0;
}

int viv_boot_disk_write(const struct viv_boot_disk *d, const char *dest, struct viv_error *err)
{
	VIV_FREE char *image = viv_asprintf("%s@@%lld", dest, (long long)START);
	char hex[VIV_SHA256_HEX];
	uint64_t size = 0;
	int r = size_of(d, &size, err);

	viv_sha256_of(d->seed, strlen(d->seed), hex);
	if (r == 0)
		r = make_empty(dest, START + size + TAIL, err);
	if (r == 0)
		r = write_table(d, dest, size, hex, err);
	if (r == 0)
		r = make_fat(d, dest, size, hex, err);
	if (r == 0)
		r = make_folders(d, image, err);
	if (r == 0)
		r = copy_files(d, dest, image, err);
	return r < 0 ? r : put_code(d, dest, err);
}

static const struct {
	const char *argv[3], *package;
} tools[] = {
	{{"sfdisk", "--version", NULL}, "fdisk"},
	{{"mkfs.fat", NULL}, "dosfstools"},
	{{"mtools", "--version", NULL}, "mtools"},
};

int viv_boot_disk_check(struct viv_error *err)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(tools); i++) {
		VIV_FREE char *path = viv_find_program(tools[i].argv[0]);

		if (path)
			continue;
		viv_error_say(err, ENOENT, "there is no %s on this host", tools[i].argv[0]);
		viv_error_hint(err, "install it: apt install %s", tools[i].package);
		return -ENOENT;
	}
	return 0;
}

int viv_boot_disk_version(char **ret, struct viv_error *err)
{
	VIV_STR all = VIV_STR_INIT;

	for (size_t i = 0; i < VIV_ARRAY_SIZE(tools); i++) {
		VIV_STR out = VIV_STR_INIT, said = VIV_STR_INIT;
		struct viv_slice rest, line = {"", 0};
		int status, r;

		r = viv_process_run(tools[i].argv, environment, NULL, &out, &said, 65536, 20000,
				    &status, err);
		if (r == -ENOENT)
			viv_error_hint(err, "install the package %s", tools[i].package);
		if (r < 0)
			return r;
		rest = out.len ? (struct viv_slice){out.data, out.len}
			       : (struct viv_slice){said.data, said.len};
		viv_slice_line(&rest, &line);
		viv_str_addf(&all, "%s%.*s", i ? ", " : "", (int)VIV_MIN(line.len, 100u), line.data);
	}
	*ret = viv_str_steal(&all);
	return 0;
}
