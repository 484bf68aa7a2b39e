/* SPDX-License-Identifier: MIT */
#include "source/private.h"

/* Build systems: how they are known, what they need, what is run. */

static const struct {
	enum viv_source_style style;
	const char *sign; /* a file at the tree's top */
	const char *const inputs[5];
	const char *configure, *build, *install;
} styles[] = {
	{VIV_STYLE_DEBIAN, "debian/rules", {NULL}, NULL, NULL, NULL},
	{VIV_STYLE_MESON, "meson.build", {"meson", "ninja-build", "pkg-config", NULL},
	 "meson setup --reconfigure --prefix=/usr --buildtype=debugoptimized /build/obj . ||\n"
	 "meson setup --prefix=/usr --buildtype=debugoptimized /build/obj .",
	 "ninja -C /build/obj", "meson install --no-rebuild -C /build/obj"},
	{VIV_STYLE_CMAKE, "CMakeLists.txt", {"cmake", "pkg-config", NULL},
	 "cmake -S . -B /build/obj -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_BUILD_TYPE=RelWithDebInfo",
	 "cmake --build /build/obj", "cmake --install /build/obj"},
	{VIV_STYLE_CONFIGURE, "configure", {"pkg-config", NULL},
	 "./configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var", "make",
	 "make install DESTDIR=\"$DESTDIR\""},
	{VIV_STYLE_AUTOTOOLS, "configure.ac", {"autoconf", "automake", "libtool", "pkg-config", NULL},
	 "autoreconf -fi\n./configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var", "make",
	 "make install DESTDIR=\"$DESTDIR\""},
	{VIV_STYLE_MAKE, "Makefile", {NULL}, NULL, "make PREFIX=/usr prefix=/usr",
	 "make install DESTDIR=\"$DESTDIR\" PREFIX=/usr prefix=/usr"},
	{VIV_STYLE_MAKE, "GNUmakefile", {NULL}, NULL, "make PREFIX=/usr prefix=/usr",
	 "make install DESTDIR=\"$DESTDIR\" PREFIX=/usr prefix=/usr"},
	{VIV_STYLE_MAKE, "makefile", {NULL}, NULL, "make PREFIX=/usr prefix=/usr",
	 "make install DESTDIR=\"$DESTDIR\" PREFIX=/usr prefix=/usr"},
	{VIV_STYLE_MODULE, "Kbuild", {"kmod", NULL}, NULL, "make -C \"$KDIR\" M=\"$PWD\" modules",
	 "make -C \"$KDIR\" M=\"$PWD\" INSTALL_MOD_PATH=\"$DESTDIR/usr\" DEPMOD=true modules_install"},
};

bool viv_source_is_sign(const char *path)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(styles); i++)
		if (viv_streq(path, styles[i].sign))
			return true;
	return false;
}

static bool has(const struct viv_source_job *j, const char *path)
{
	return j->tree.path ? viv_own_tree_has(&j->tree, path) : viv_strv_has(&j->archive_files, path);
}

enum viv_source_style viv_source_style_of(const struct viv_source_job *j)
{
	bool steps = viv_json_str(j->entry, "build") || viv_json_str(j->entry, "install") ||
		     viv_json_str(j->entry, "configure");

	for (size_t i = 0; i < VIV_ARRAY_SIZE(styles); i++) {
		bool make = styles[i].style == VIV_STYLE_MAKE || styles[i].style == VIV_STYLE_MODULE;

		if (!has(j, styles[i].sign) || (steps && styles[i].style == VIV_STYLE_DEBIAN))
			continue;
		if (make && viv_source_is_module(j))
			return VIV_STYLE_MODULE;
		if (styles[i].style != VIV_STYLE_MODULE)
			return styles[i].style;
	}
	return VIV_STYLE_NONE;
}

void viv_source_style_inputs(enum viv_source_style style, struct viv_strv *ret)
{
	for (size_t i = 0; i < VIV_ARRAY_SIZE(styles); i++)
		if (styles[i].style == style) {
			viv_strv_push_all(ret, styles[i].inputs);
			return;
		}
}

static const char *step(const struct viv_source_job *j, const char *key, const char *usual)
{
	const char *own = viv_json_str(j->entry, key);

	return own ? own : usual ? usual : ":";
}

char *viv_source_steps(const struct viv_source_job *j)
{
	size_t i = 0;
	VIV_STR s = VIV_STR_INIT;

	while (i < VIV_ARRAY_SIZE(styles) && styles[i].style != j->style)
		i++;
	viv_str_add(&s, "cd /build/src\n");
	viv_str_addf(&s, "if ! [ -e /build/configured ]; then\n%s\n: > /build/configured\nfi\n",
		     step(j, "configure", i < VIV_ARRAY_SIZE(styles) ? styles[i].configure : NULL));
	viv_str_addf(&s, "cd /build/src\n%s\n",
		     step(j, "build", i < VIV_ARRAY_SIZE(styles) ? styles[i].build : NULL));
	viv_str_addf(&s, "rm -rf /build/dest\nmkdir /build/dest\ncd /build/src\n%s\n",
		     step(j, "install", i < VIV_ARRAY_SIZE(styles) ? styles[i].install : NULL));
	return viv_str_steal(&s);
}
