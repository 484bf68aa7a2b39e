/* SPDX-License-Identifier: MIT */
#include "test/pcap.h"

#include "base/fd.h"
#include "base/str.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SNAP_LENGTH 65536
#define ETHERNET    1 /* LINKTYPE_ETHERNET */

struct viv_pcap {
	FILE *file;
	char *path;
	uint64_t count;
	int failed; /* errno of the first write that failed; 0: none */
};

static void write_some(struct viv_pcap *p, const void *data, size_t len)
{
	if (!p->failed && fwrite(data, 1, len, p->file) != len)
		p->failed = errno ? errno : EIO;
}

int viv_pcap_open(const char *path, struct viv_pcap **ret, struct viv_error *err)
{
	/* In this host's order of bytes: the first number says which it is. */
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snap_length, type;
	} head = {0xa1b2c3d4, 2, 4, 0, 0, SNAP_LENGTH, ETHERNET};
	VIV_FD fd = viv_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644, err);
	struct viv_pcap *p;
	FILE *file;

	if (fd < 0)
		return fd;
	file = fdopen(fd, "w");
	if (!file)
		return viv_error_set(err, errno, "%s", path);
	viv_steal_fd(&fd);
	p = viv_new(struct viv_pcap);
	p->file = file;
	p->path = viv_strdup(path);
	write_some(p, &head, sizeof(head));
	*ret = p;
	return 0;
}

void viv_pcap_add(struct viv_pcap *p, const uint8_t *frame, size_t len)
{
	struct timespec now;
	struct {
		uint32_t seconds, micros, kept, len;
	} head;

	clock_gettime(CLOCK_REALTIME, &now);
	head.seconds = (uint32_t)now.tv_sec;
	head.micros = (uint32_t)(now.tv_nsec / 1000);
	head.kept = (uint32_t)VIV_MIN(len, (size_t)SNAP_LENGTH);
	head.len = (uint32_t)len;
	write_some(p, &head, sizeof(head));
	write_some(p, frame, head.kept);
	p->count++;
}

uint64_t viv_pcap_count(const struct viv_pcap *p)
{
	return p->count;
}

int viv_pcap_close(struct viv_pcap *p, struct viv_error *err)
{
	int code;

	if (!p)
		return 0;
	code = fclose(p->file) < 0 && !p->failed ? errno : p->failed;
	if (code)
		viv_error_set(err, code, "%s", p->path);
	free(p->path);
	free(p);
	return -code;
}
