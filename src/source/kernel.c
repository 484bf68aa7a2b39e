/* SPDX-License-Identifier: MIT */
#include "source/private.h"

#include "base/fd.h"
#include "base/path.h"

/* A kernel from source: what is special about it, compared with a package. */

static const char name[] = "kernel";

/* What kbuild needs on any configuration that a Debian kernel may have. */
static const char *const inputs[] = {"bc", "bison", "cpio", "dwarves", "flex", "kmod", "libelf-dev", "libssl-dev",
				     "perl", "python3-minimal", "xz-utils", "zstd", NULL};

struct viv_source_kernel {
	struct viv_source_set *set;
	struct viv_source_kernel_request req;
	struct viv_source_job job;
	json_t *entry;
};

/*
 * The shell's side. /build has src, the tree as it came, and obj, where make writes. The tree is patched for a build,
 * while `unpatched` has it as it was: hard links, as patch never writes into a file but puts another in its place. So
 * what the patches changed is what is not the same file in both, and no name is read from them. Between builds `after`
 * has these files as they were compiled, and `touched` their names: one that comes out as it was compiled gets its time
 * back, and any other one of today. make goes by what a link leads to: of a build with another link nothing is kept.
 */
static const char unpack[] =
	"[ ! -e unpacked ] || exit 0\n"
	"rm -rf src obj unpatched after touched touched.new patched\n"
	"mkdir src\n"
	"tar -xf /usr/src/linux-source-*.tar.* -C src --strip-components=1 --no-same-owner\n"
	": >unpacked\n";

static const char before_patches[] =
	"rm -rf unpatched unpatched.new touched.new patched\n"
	"touch touched\n"
	"for p in in/patches/*; do\n"
	"	[ -f \"$p\" ] || continue\n"
	"	cp -al src unpatched.new\n"
	"	mv unpatched.new unpatched\n"
	"	break\n"
	"done\n";

static const char configure[] =
	": >touched.new\n"
	"if [ -e unpatched ]; then\n"
	"	for d in src unpatched; do (cd $d && find . ! -type d -printf '%i %P\\n') | LC_ALL=C sort >$d.files; done\n"
	"	for d in 'src unpatched' 'unpatched src'; do\n"
	"		awk 'NR == FNR { is[$0] = 1; next } !($0 in is) { sub(/^[0-9]+ /, \"\"); print }' ${d% *}.files ${d#* }.files\n"
	"	done | LC_ALL=C sort -u >touched.new\n"
	"fi\n"
	"LC_ALL=C sort -u touched touched.new | while IFS= read -r f; do\n"
	"	if [ -L \"src/$f\" ] || [ -L \"after/$f.kept\" ]; then\n"
	"		[ \"$(readlink \"src/$f\")\" = \"$(readlink \"after/$f.kept\")\" ] || rm -rf obj\n"
	"	elif ! [ -f \"src/$f\" ]; then\n"
	"		continue\n"
	"	elif cmp -s \"src/$f\" \"after/$f.kept\"; then\n"
	"		touch -r \"after/$f.kept\" \"src/$f\"\n"
	"	else\n"
	"		touch \"src/$f\"\n"
	"	fi\n"
	"done\n"
	"mv touched.new touched\n"
	": >patched\n"
	"mkdir -p obj\n"
	"export LOCALVERSION=\n"
	"[ ! -e in/kernel.deb ] || dpkg-deb --fsys-tarfile in/kernel.deb |\n"
	"	tar -xO --wildcards './boot/config-*' >in/config\n"
	"if [ -e in/target ]; then make -C src O=/build/obj \"$(cat in/target)\"\n"
	"else cp in/config obj/.config; fi\n"
	"awk 'function name(l) { return match(l, /CONFIG_[A-Za-z0-9_]+/) ? substr(l, RSTART, RLENGTH) : \"\" }\n"
	"	FILENAME == \"in/settings\" { said[name($0)] = 1; next }\n"
	"	!(name($0) in said)' in/settings obj/.config >obj/new\n"
	"cat in/settings >>obj/new\n"
	"mv obj/new obj/.config\n"
	"make -C src O=/build/obj olddefconfig\n"
	"while IFS= read -r l; do\n"
	"	n=${l#\\# }\n"
	"	n=${n%%[= ]*}\n"
	"	is=$(grep -e \"^$n=\" obj/.config) || is=\n"
	"	case $l in\n"
	"	'# '*) [ -z \"$is\" ] || echo \"$n is to be off, and is ${is#*=}: something needs it\" ;;\n"
	"	\"$is\") ;;\n"
	"	*) case $is in\n"
	"		*=0x*) why='a hexadecimal one is a text, \"0x10\"' ;;\n"
	"		*) why='is there such a setting, and what it depends on?' ;;\n"
	"		esac\n"
	"		echo \"$l is asked for, but it is ${is:-not set}: $why\" ;;\n"
	"	esac\n"
	"done <in/checked >wrong\n"
	"! grep -E -x -e 'CONFIG_(GCC_PLUGIN_)?RANDSTRUCT=y' obj/.config >obj/random ||\n"
	"	echo \"$(cat obj/random): each build would be another kernel, with a random layout: RANDSTRUCT_NONE y\""
	" >>wrong\n"
	"cat wrong\n"
	"! [ -s wrong ]\n";

/* As reproducible as the kernel can be built; modules are neither compressed nor signed: they are read right away. */
static const char build[] =
	"export LOCALVERSION= KBUILD_BUILD_USER=viv KBUILD_BUILD_HOST=localhost KBUILD_BUILD_VERSION=1\n"
	"KBUILD_BUILD_TIMESTAMP=$(date -u -d \"@$SOURCE_DATE_EPOCH\")\n"
	"export KBUILD_BUILD_TIMESTAMP\n"
	"modules=$(grep -x CONFIG_MODULES=y obj/.config) || modules=\n"
	"make -C src O=/build/obj bzImage ${modules:+modules}\n"
	"release=$(cat obj/include/config/kernel.release)\n"
	"rm -rf dest\n"
	"mkdir -p dest/boot \"dest/usr/lib/modules/$release\"\n"
	"cp obj/arch/x86/boot/bzImage \"dest/boot/vmlinuz-$release\"\n"
	"cp obj/.config \"dest/boot/config-$release\"\n"
	"if [ \"$modules\" ]; then\n"
	"	make -C src O=/build/obj INSTALL_MOD_PATH=/build/dest/usr INSTALL_MOD_STRIP=1 DEPMOD=true"
	" CONFIG_MODULE_COMPRESS_ALL= CONFIG_MODULE_COMPRESS_GZIP= CONFIG_MODULE_COMPRESS_XZ="
	" CONFIG_MODULE_COMPRESS_ZSTD= CONFIG_MODULE_SIG_ALL= modules_install\n"
	"	rm -f dest/usr/lib/modules/*/build dest/usr/lib/modules/*/source\n"
	"else\n"
	"	for f in modules.builtin modules.builtin.modinfo; do\n"
	"		! [ -e obj/$f ] || cp obj/$f \"dest/usr/lib/modules/$release\"\n"
	"	done\n"
	"fi\n";

static const char at_end[] =
	"if [ -e patched ]; then\n"
	"	rm -rf after\n"
	"	mkdir after\n"
	"	while IFS= read -r f; do\n"
	"		[ -f \"src/$f\" ] || [ -L \"src/$f\" ] || continue\n"
	"		mkdir -p \"after/./${f%/*}\"\n" /* at the tree's top it is a folder of the file's name */
	"		cp -dp \"src/$f\" \"after/$f.kept\"\n"
	"	done <touched\n"
	"fi\n"
	"if [ -e unpatched ]; then\n"
	"	rm -rf src\n"
	"	mv unpatched src\n"
	"fi\n"
	"rm -rf unpatched.new touched.new patched\n";

json_t *viv_source_kernel_describe(const struct viv_source_kernel_request *k)
{
	json_t *j = json_pack("{s:s, s:s}", "settings", k->settings, "checked", k->checked);

	if (k->config_deb)
		json_object_set_new(j, "deb", json_string(k->config_deb));
	if (k->config_target)
		json_object_set_new(j, "target", json_string(k->config_target));
	if (k->config_text) {
		char hex[VIV_SHA256_HEX];

		viv_sha256_of(k->config_text, strlen(k->config_text), hex);
		json_object_set_new(j, "sha256", json_string(hex));
	}
	return j;
}

int viv_source_kernel_write(const struct viv_source_kernel_request *k, const char *dir, struct viv_error *err)
{
	const struct {
		const char *file, *text;
	} files[] = {{"config", k->config_text}, {"target", k->config_target}, {"settings", k->settings},
		     {"checked", k->checked}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < VIV_ARRAY_SIZE(files); i++) {
		VIV_FREE char *path = viv_path_join(dir, files[i].file);

		if (files[i].text)
			r = viv_write_file(path, files[i].text, strlen(files[i].text), 0644, err);
	}
	return r;
}

void viv_source_kernel_steps(const struct viv_source_job *j, struct viv_source_inside *ret)
{
	if (!j->tree.path)
		ret->prepare = unpack;
	ret->before_patches = before_patches;
	ret->after_patches = configure;
	ret->steps = build;
	ret->at_end = at_end;
	ret->kernel_deb = j->kernel->config_deb;
	ret->places = j->kernel->places;
	ret->programs = false;
}

void viv_source_kernel_free(struct viv_source_kernel *k)
{
	if (!k)
		return;
	viv_source_job_clear(&k->job);
	viv_source_set_free(k->set);
	json_decref(k->entry);
	free(k);
}

/* "linux-source-6.12=6.12.43-1" */
static json_t *linux_source(const char *version)
{
	size_t n = strspn(version, "0123456789");

	if (version[n] == '.')
		n += 1 + strspn(version + n + 1, "0123456789");
	return json_sprintf("linux-source-%.*s=%s", (int)n, version, version);
}

static json_t *make_entry(const struct viv_source_kernel_request *req)
{
	json_t *list = json_array(), *e;

	for (size_t i = 0; inputs[i]; i++)
		json_array_append_new(list, json_string(inputs[i]));
	if (req->version)
		json_array_append_new(list, linux_source(req->version));
	e = json_pack("{s:s, s:O, s:o}", "place", req->place, "patches", req->patches, "buildInputs", list);
	if (req->version)
		json_object_set_new(e, "version", json_string(req->version));
	return e;
}

static int plan(struct viv_source_kernel *k, struct viv_report *report, struct viv_error *err)
{
	struct viv_source_job *j = &k->job;
	int r = viv_source_read_patches(j, err);

	if (r == 0 && k->req.tree)
		r = viv_own_tree_read(k->req.tree, true, report, &j->tree, err);
	if (r == 0)
		r = viv_source_make_root(j, report, err);
	if (r == 0)
		viv_source_make_recipe(j);
	return r;
}

int viv_source_kernel_plan(const struct viv_source_request *req, const struct viv_source_kernel_request *kernel,
			   struct viv_report *report, struct viv_source_kernel **ret, struct viv_error *err)
{
	VIV_CLEANUP(viv_source_kernel_freep) struct viv_source_kernel *k = viv_new(struct viv_source_kernel);
	struct viv_source_request own = *req;
	VIV_ERROR why = VIV_ERROR_INIT;

	own.packages = NULL;
	k->set = viv_source_set_new(&own);
	k->req = *kernel;
	k->entry = make_entry(kernel);
	k->job = (struct viv_source_job){.set = k->set, .entry = k->entry, .name = name, .kernel = &k->req,
					 .style = VIV_STYLE_KERNEL};
	if (plan(k, report, &why) < 0) {
		viv_error_context(&why, "%s", kernel->place);
		return viv_error_move(err, &why);
	}
	*ret = viv_steal(k);
	return 0;
}

const char *viv_source_kernel_id(const struct viv_source_kernel *k)
{
	return k->job.id;
}

/* A patch has a place of its own. */
static bool has_place(const struct viv_source_kernel *k, const char *message)
{
	json_t *place;
	size_t i;

	json_array_foreach(k->req.places, i, place)
		if (viv_starts_with(message, json_string_value(place)))
			return true;
	return false;
}

int viv_source_kernel_build(struct viv_source_kernel *k, struct viv_report *report, char **ret,
			    struct viv_error *err)
{
	VIV_JSON *debs = NULL;
	VIV_ERROR why = VIV_ERROR_INIT;
	VIV_STRV ids = VIV_STRV_INIT;

	if (viv_source_build_or_take(&k->job, report, &debs, &why) < 0) {
		if (!has_place(k, why.msg))
			viv_error_context(&why, "%s", k->req.place);
		return viv_error_move(err, &why);
	}
	viv_source_push_archives(debs, &ids);
	*ret = viv_strdup(ids.items[0]);
	return 0;
}
