/* SPDX-License-Identifier: MIT */
#include "deb/install.h"

#include "base/fd.h"

#include <unistd.h>

void viv_install_clear(struct viv_install *job)
{
	for (size_t i = 0; i < job->n_layers; i++) {
		struct viv_install_layer *x = &job->layers[i];

		for (size_t k = 0; x->debs && k < x->lock->n_packages; k++) {
			free(x->debs[k].archive);
			free(x->debs[k].plain);
			free(x->debs[k].id);
		}
		free(x->debs);
		free(x->id);
		free(x->there);
		free(x->out);
	}
	free(job->layers);
	*job = (struct viv_install){0};
}

static json_t *debs_to_json(const struct viv_install_layer *x)
{
	json_t *a = json_array();

	for (size_t i = 0; x->debs && i < x->lock->n_packages; i++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:b}", "archive",
						   x->debs[i].archive, "plain", x->debs[i].plain,
						   "id", x->debs[i].id, "import",
						   x->debs[i].import));
	return a;
}

void viv_install_format(const struct viv_install *job, const struct viv_lock *lock,
			struct viv_str *ret)
{
	VIV_STR text = VIV_STR_INIT;
	json_t *layers = json_array();
	VIV_JSON *j = NULL;

	viv_lock_format(lock, &text);
	for (size_t i = 0; i < job->n_layers; i++) {
		const struct viv_install_layer *x = &job->layers[i];

		json_array_append_new(layers,
				      json_pack("{s:s, s:s?, s:s?, s:o}", "id", x->id, "there",
						x->there, "out", x->out, "debs", debs_to_json(x)));
	}
	j = json_pack("{s:s, s:s, s:o, s:i}", "machine", lock->machine, "lock", text.data, "layers",
		      layers, "timeout", job->script_timeout_ms);
	viv_json_canonical(j, ret);
}

static char *copy(const json_t *j, const char *key)
{
	return viv_strdup(viv_json_str(j, key));
}

static int take_layer(const json_t *j, const struct viv_lock_layer *lock,
		      struct viv_install_layer *ret, struct viv_error *err)
{
	const json_t *debs = json_object_get(j, "debs");

	ret->lock = lock;
	ret->id = copy(j, "id");
	ret->there = copy(j, "there");
	ret->out = copy(j, "out");
	if (ret->there)
		return 0;
	if (json_array_size(debs) != lock->n_packages)
		return viv_error_say(err, EINVAL, "the work's packages are not the lock's");
	ret->debs = viv_new_array(struct viv_install_deb, lock->n_packages);
	for (size_t i = 0; i < lock->n_packages; i++) {
		const json_t *deb = json_array_get(debs, i);

		ret->debs[i] = (struct viv_install_deb){
			.package = &lock->packages[i],
			.archive = copy(deb, "archive"),
			.plain = copy(deb, "plain"),
			.id = copy(deb, "id"),
			.import = json_is_true(json_object_get(deb, "import")),
		};
	}
	return 0;
}

int viv_install_parse(const struct viv_str *text, struct viv_install *ret,
		      struct viv_lock **ret_lock, struct viv_error *err)
{
	VIV_CLEANUP(viv_install_clear) struct viv_install job = {0};
	VIV_CLEANUP(viv_lock_freep) struct viv_lock *lock = NULL;
	const char *machine, *lock_text;
	const json_t *layers;
	VIV_JSON *j = NULL;
	int r = viv_json_parse(text->data, text->len, "the work", &j, err);

	if (r < 0)
		return r;
	machine = viv_json_str(j, "machine");
	lock_text = viv_json_str(j, "lock");
	layers = json_object_get(j, "layers");
	if (!machine || !lock_text)
		return viv_error_say(err, EINVAL, "the work has no lock");
	r = viv_lock_parse(lock_text, strlen(lock_text), "the work's lock", machine, &lock, err);
	if (r == 0 && json_array_size(layers) > lock->n_layers)
		r = viv_error_say(err, EINVAL, "the work has more layers than its lock");
	if (r < 0)
		return r;
	job.architecture = lock->architecture;
	job.without = &lock->without;
	job.script_timeout_ms = (int)json_integer_value(json_object_get(j, "timeout"));
	job.layers = viv_new_array(struct viv_install_layer, json_array_size(layers));
	while (r == 0 && job.n_layers < json_array_size(layers)) {
		size_t i = job.n_layers++;

		r = take_layer(json_array_get(layers, i), &lock->layers[i], &job.layers[i], err);
	}
	if (r < 0)
		return r;
	*ret = job;
	job = (struct viv_install){0};
	*ret_lock = viv_steal(lock);
	return 0;
}

/* MemAvailable of /proc/meminfo, in bytes. */
static uint64_t available_memory(void)
{
	static const char key[] = "MemAvailable:";
	VIV_STR text = VIV_STR_INIT;
	struct viv_slice rest, word;
	const char *p;
	uint64_t kib;

	if (viv_read_file("/proc/meminfo", 65536, &text, NULL) < 0)
		return 0;
	p = strstr(text.data ? text.data : "", key);
	rest = viv_slice(p ? p + sizeof(key) - 1 : "");
	return viv_slice_word(&rest, &word) && viv_slice_u64(word, UINT64_MAX >> 10, &kib)
		       ? kib << 10 : 0;
}

/* Uncompressed, a package is about four times as large; some files are there twice for a while. */
bool viv_install_fits_memory(const struct viv_lock *lock, size_t from, size_t n)
{
	uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t whole = UINT64_C(256) << 20, more = whole;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lock->layers[i].n_packages; k++) {
			uint64_t size = 5 * lock->layers[i].packages[k].size;

			whole += size;
			more += i < from ? 0 : size;
		}
	return more < available_memory() && whole < all / 2;
}
