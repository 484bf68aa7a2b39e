/* SPDX-License-Identifier: MIT */
#include "base/dl.h"

#include <dlfcn.h>
#include <pthread.h>

#define DEFINE(name) __typeof__(&name) sym_##name;
VIV_LIBARCHIVE(DEFINE)
VIV_LIBKMOD(DEFINE)
VIV_LIBCRYPTO(DEFINE)
VIV_LIBEDIT(DEFINE)

struct symbol {
	const char *name;
	void *at; /* the pointer to set */
};

#define ROW(name) {#name, &sym_##name},
static const struct symbol libarchive[] = {VIV_LIBARCHIVE(ROW)};
static const struct symbol libkmod[] = {VIV_LIBKMOD(ROW)};
static const struct symbol libcrypto[] = {VIV_LIBCRYPTO(ROW)};
static const struct symbol libedit[] = {VIV_LIBEDIT(ROW)};

#define LIBARCHIVE "libarchive.so.13"
#define LIBKMOD	   "libkmod.so.2"
#define LIBCRYPTO  "libcrypto.so.3"
#define LIBEDIT	   "libedit.so.2"

/* The note's layout: ELF's note header, "FDO", and the text, padded to 4 bytes. */
#define NOTE_TEXT                                                                                  \
	"[{\"soname\":[\"" LIBARCHIVE "\"],\"feature\":\"archive\",\"priority\":\"required\"},"    \
	"{\"soname\":[\"" LIBKMOD "\"],\"feature\":\"kmod\",\"priority\":\"required\"},"           \
	"{\"soname\":[\"" LIBCRYPTO "\"],\"feature\":\"hash\",\"priority\":\"required\"},"    \
	"{\"soname\":[\"" LIBEDIT "\"],\"feature\":\"prompt\",\"priority\":\"recommended\"}]"

__attribute__((used, aligned(4), section(".note.dlopen"))) static const struct {
	uint32_t name_size, text_size, type;
	char name[4];
	_Alignas(4) char text[sizeof(NOTE_TEXT)];
} note = {4, sizeof(NOTE_TEXT), 0x407c0c0a, "FDO", NOTE_TEXT};

static int not_loaded(const char *soname, struct viv_error *err)
{
	const char *why = dlerror(); /* starts with the library's name or path */

	return viv_error_say(err, ELIBACC,
			     "cannot load a library: %s\ninstall the package that has %s",
			     why ? why : soname, soname);
}

/* All symbols or none: a half-filled table is never used. */
static int load(const char *soname, const struct symbol *symbols, size_t count,
		struct viv_error *err)
{
	void *library = dlopen(soname, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);

	if (!library)
		return not_loaded(soname, err);
	for (size_t i = 0; i < count; i++)
		if (!dlsym(library, symbols[i].name))
			return not_loaded(soname, err);
	for (size_t i = 0; i < count; i++) {
		void *p = dlsym(library, symbols[i].name);

		memcpy(symbols[i].at, &p, sizeof(p));
	}
	return 0;
}

/* `last` is the table's last pointer: set when all are. */
static int load_once(const char *soname, const struct symbol *symbols, size_t count,
		     struct viv_error *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	void *last;
	int r = 0;

	pthread_mutex_lock(&lock);
	memcpy(&last, symbols[count - 1].at, sizeof(last));
	if (!last)
		r = load(soname, symbols, count, err);
	pthread_mutex_unlock(&lock);
	return r;
}

int viv_dl_libarchive(struct viv_error *err)
{
	return load_once(LIBARCHIVE, libarchive, VIV_ARRAY_SIZE(libarchive), err);
}

int viv_dl_libkmod(struct viv_error *err)
{
	return load_once(LIBKMOD, libkmod, VIV_ARRAY_SIZE(libkmod), err);
}

int viv_dl_libcrypto(struct viv_error *err)
{
	return load_once(LIBCRYPTO, libcrypto, VIV_ARRAY_SIZE(libcrypto), err);
}

int viv_dl_libedit(struct viv_error *err)
{
	return load_once(LIBEDIT, libedit, VIV_ARRAY_SIZE(libedit), err);
}
