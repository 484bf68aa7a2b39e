/* SPDX-License-Identifier: MIT */
#include "sandbox/internal.h"

#include "base/fd.h"
#include "base/process.h"

#include <inttypes.h>
#include <pwd.h>
#include <unistd.h>

#define SUBID_FILE_MAX (4 << 20)

/* "name:start:count" */
static bool parse_line(struct viv_slice line, struct viv_slice *ret_who, struct viv_subids *ret)
{
	struct viv_slice field[3];
	const char *p = line.data, *end = line.data + line.len;

	for (int i = 0; i < 3; i++) {
		const char *colon = i < 2 ? memchr(p, ':', (size_t)(end - p)) : end;

		if (!colon)
			return false;
		field[i] = (struct viv_slice){p, (size_t)(colon - p)};
		p = colon + (i < 2);
	}
	*ret_who = field[0];
	return viv_slice_u64(field[1], UINT32_MAX, &ret->start) &&
	       viv_slice_u64(viv_slice_trim(field[2]), UINT32_MAX, &ret->count);
}

/* getsubids prints "0: name start count". */
static int ask_name_service(bool groups, const char *user, struct viv_subids *ret)
{
	const char *argv[] = {"getsubids", groups ? "-g" : user, groups ? user : NULL, NULL};
	VIV_STR out = VIV_STR_INIT, ignored = VIV_STR_INIT;
	struct viv_slice rest, line, word[4];
	int status;

	if (viv_process_run(argv, NULL, NULL, &out, &ignored, 65536, 5000, &status, NULL) < 0 ||
	    status)
		return -ENOENT;
	rest = (struct viv_slice){out.data, out.len};
	while (viv_slice_line(&rest, &line)) {
		struct viv_subids found;
		int n = 0;

		while (n < 4 && viv_slice_word(&line, &word[n]))
			n++;
		if (n == 4 && viv_slice_u64(word[2], UINT32_MAX, &found.start) &&
		    viv_slice_u64(word[3], UINT32_MAX, &found.count) &&
		    found.count >= VIV_SANDBOX_IDS - 1) {
			*ret = found;
			return 0;
		}
	}
	return -ENOENT;
}

int viv_subids_find(const char *file, bool groups, uid_t uid, const char *user,
		    struct viv_subids *ret, struct viv_error *err)
{
	VIV_FREE char *number = viv_asprintf("%u", (unsigned)uid);
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line, who;
	struct viv_subids found;

	viv_read_file(file, SUBID_FILE_MAX, &text, NULL); /* not there: nothing in it */
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line)) {
		if (!parse_line(line, &who, &found) || found.count < VIV_SANDBOX_IDS - 1)
			continue;
		if (viv_slice_eq(who, user) || viv_slice_eq(who, number)) {
			*ret = found;
			return 0;
		}
	}
	if (ask_name_service(groups, user, ret) == 0)
		return 0;
	return viv_error_say(err, ENOENT, "%s has no range of %d ids in %s", user,
			     VIV_SANDBOX_IDS - 1, file);
}

uint64_t viv_subids_free_start(const char *file)
{
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, line, who;
	struct viv_subids found;
	uint64_t start = 100000;

	viv_read_file(file, SUBID_FILE_MAX, &text, NULL);
	rest = (struct viv_slice){text.data, text.len};
	while (viv_slice_line(&rest, &line))
		if (parse_line(line, &who, &found))
			start = VIV_MAX(start, found.start + found.count);
	return start;
}

static int map_with_program(const char *program, pid_t pid, unsigned self,
			    const struct viv_subids *sub, struct viv_error *err)
{
	VIV_FREE char *pid_text = viv_asprintf("%d", (int)pid);
	VIV_FREE char *self_text = viv_asprintf("%u", self);
	VIV_FREE char *start = viv_asprintf("%" PRIu64, sub->start);
	VIV_FREE char *count = viv_asprintf("%d", VIV_SANDBOX_IDS - 1);
	const char *argv[] = {program, pid_text, "0", self_text, "1", "1", start, count, NULL};

	return viv_process_check(argv, NULL, 65536, 10000, err);
}

static int map_as_user(pid_t pid, struct viv_error *err)
{
	struct passwd *pw = getpwuid(getuid());
	VIV_FREE char *user = pw ? viv_strdup(pw->pw_name) : viv_asprintf("%u", getuid());
	struct viv_subids uids, gids;
	int r;

	r = viv_subids_find("/etc/subuid", false, getuid(), user, &uids, err);
	if (r == 0)
		r = viv_subids_find("/etc/subgid", true, getuid(), user, &gids, err);
	if (r == 0)
		r = map_with_program("newuidmap", pid, getuid(), &uids, err);
	if (r == 0)
		r = map_with_program("newgidmap", pid, getgid(), &gids, err);
	return r;
}

static int map_as_root(pid_t pid, struct viv_error *err)
{
	static const char *const files[] = {"uid_map", "gid_map"};
	VIV_FREE char *map = viv_asprintf("0 0 %d\n", VIV_SANDBOX_IDS);

	for (size_t i = 0; i < VIV_ARRAY_SIZE(files); i++) {
		VIV_FREE char *path = viv_asprintf("/proc/%d/%s", (int)pid, files[i]);
		VIV_FD fd = viv_open(path, O_WRONLY, 0, err);
		int r = fd < 0 ? fd : viv_write_all(fd, map, strlen(map), path, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int viv_sandbox_map_ids(pid_t pid, struct viv_error *err)
{
	return geteuid() == 0 ? map_as_root(pid, err) : map_as_user(pid, err);
}
