/* SPDX-License-Identifier: MIT */
#include "qemu/program.h"

#include "base/json.h"
#include "base/path.h"
#include "base/process.h"

#include <sys/stat.h>

#define HELP_MAX   (1u << 20)
#define TIMEOUT_MS 20000
#define CACHE_MAX  16384

void viv_qemu_program_free(struct viv_qemu_program *p)
{
	free(p->path);
	free(p->q35);
	*p = (struct viv_qemu_program){0};
}

char *viv_qemu_newest_q35(const char *help)
{
	struct viv_slice rest = viv_slice(help), line;

	while (viv_slice_line(&rest, &line)) {
		static const char mark[] = "(alias of ";
		char *alias, *end;

		if (line.len < 4 || memcmp(line.data, "q35 ", 4) != 0)
			continue;
		alias = memmem(line.data, line.len, mark, sizeof(mark) - 1);
		if (!alias)
			return NULL;
		alias += sizeof(mark) - 1;
		end = memchr(alias, ')', (size_t)(line.data + line.len - alias));
		return end ? viv_strndup(alias, (size_t)(end - alias)) : NULL;
	}
	return NULL;
}

const char *viv_qemu_tcg_cpu(const struct viv_qemu_program *p)
{
	static const char mark[] = "pc-q35-";
	long major = viv_starts_with(p->q35, mark) ? strtol(p->q35 + sizeof(mark) - 1, NULL, 10) : 0;

	return major < 8 ? "qemu64,-cx16" : NULL;
}

/* Another file at the same path is another QEMU. NULL if it can't be told. */
static char *file_key(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	return viv_asprintf("%s:%llu:%lld:%lld.%09ld", path, (unsigned long long)st.st_ino,
			    (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			    (long)st.st_mtim.tv_nsec);
}

static char *cache_path(void)
{
	VIV_FREE char *dir = viv_dir_cache();

	return viv_path_join(dir, "qemu.json");
}

static char *recall(const char *key)
{
	VIV_FREE char *path = cache_path();
	VIV_JSON *j = NULL;
	const char *kept;

	if (!key || viv_json_read_file(path, CACHE_MAX, &j, NULL) < 0)
		return NULL;
	kept = viv_json_str(j, "file");
	return kept && viv_streq(kept, key) ? viv_strdup(viv_json_str(j, "q35")) : NULL;
}

static void remember(const char *key, const char *q35)
{
	VIV_FREE char *path = cache_path();
	VIV_FREE char *dir = viv_path_dir(path);
	VIV_JSON *j = json_pack("{s:s, s:s}", "file", key, "q35", q35);

	if (j && viv_mkdir_p(dir, 0700, NULL) == 0)
		viv_json_write_file(path, j, 0600, NULL);
}

static int ask(const char *program, char **ret, struct viv_error *err)
{
	const char *argv[] = {program, "-machine", "help", NULL};
	VIV_STR out = VIV_STR_INIT;
	char *q35;
	int r = viv_process_check(argv, &out, HELP_MAX, TIMEOUT_MS, err);

	if (r < 0)
		return r;
	q35 = viv_qemu_newest_q35(out.data ? out.data : "");
	if (!q35)
		return viv_error_say(err, ENOTSUP, "%s has no machine type q35", program);
	*ret = q35;
	return 0;
}

int viv_qemu_find(const char *wanted, struct viv_qemu_program *ret, struct viv_error *err)
{
	VIV_FREE char *path = viv_find_program(wanted), *key = NULL, *q35 = NULL;
	int r;

	if (!path) {
		viv_error_say(err, ENOENT, "%s: no such program", wanted);
		return viv_error_hint(err, "install QEMU: apt install qemu-system-x86");
	}
	key = file_key(path);
	q35 = recall(key);
	if (!q35) {
		r = ask(path, &q35, err);
		if (r < 0)
			return r;
		if (key)
			remember(key, q35);
	}
	ret->path = viv_steal(path);
	ret->q35 = viv_steal(q35);
	return 0;
}
