/* SPDX-License-Identifier: MIT */
#include "qemu/machine.h"

#include "base/path.h"

static void channel_free(struct viv_channel *c)
{
	free(c->path);
	*c = (struct viv_channel){0};
}

void viv_machine_free_contents(struct viv_machine *m)
{
	char *owned[] = {m->name,	 m->qemu,   m->board,  m->cpu,
			 m->memory_file, m->kernel, m->initrd, m->domain,
			 m->segments};

	for (size_t i = 0; i < VIV_ARRAY_SIZE(owned); i++)
		free(owned[i]);
	for (size_t i = 0; i < m->n_drives; i++)
		viv_drive_free_contents(&m->drives[i]);
	free(m->drives);
	viv_devices_free_contents(&m->devices);
	viv_firmware_free_contents(&m->firmware);
	for (size_t i = 0; i < m->n_nics; i++)
		viv_nic_free_contents(&m->nics[i]);
	free(m->nics);
	viv_strv_free(&m->nameservers);
	viv_strv_free(&m->mirrors);
	for (size_t i = 0; i < m->n_shares; i++) {
		free(m->shares[i].tag);
		free(m->shares[i].source);
		free(m->shares[i].target);
	}
	free(m->shares);
	free(m->virtiofsd);
	channel_free(&m->virtiofs);
	channel_free(&m->qmp);
	channel_free(&m->agent);
	channel_free(&m->console);
	viv_strv_free(&m->kernel_params);
	viv_strv_free(&m->extra);
	*m = (struct viv_machine){0};
}

struct viv_drive *viv_machine_add_drive(struct viv_machine *m)
{
	m->drives = viv_realloc(m->drives, (m->n_drives + 1) * sizeof(*m->drives));
	m->drives[m->n_drives] = (struct viv_drive){.format = "raw"};
	return &m->drives[m->n_drives++];
}

struct viv_drive *viv_machine_find_drive(const struct viv_machine *m, const char *serial)
{
	for (size_t i = 0; i < m->n_drives; i++)
		if (m->drives[i].serial && viv_streq(m->drives[i].serial, serial))
			return &m->drives[i];
	return NULL;
}

struct viv_share *viv_machine_add_share(struct viv_machine *m)
{
	m->shares = viv_realloc(m->shares, (m->n_shares + 1) * sizeof(*m->shares));
	m->shares[m->n_shares] = (struct viv_share){.read_only = true};
	return &m->shares[m->n_shares++];
}

bool viv_machine_shows(const struct viv_machine *m, const char *path)
{
	const struct viv_share *nearest = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < m->n_shares; i++) {
		const struct viv_share *s = &m->shares[i];
		size_t n = strlen(s->target);

		if (n <= longest || s->missing || !viv_path_is_within(path, s->target))
			continue;
		longest = n;
		nearest = s;
	}
	return nearest && nearest->source && viv_streq(nearest->source, nearest->target);
}

bool viv_machine_has_shares(const struct viv_machine *m, enum viv_share_kind kind)
{
	for (size_t i = 0; i < m->n_shares; i++)
		if (m->shares[i].kind == kind)
			return true;
	return false;
}
