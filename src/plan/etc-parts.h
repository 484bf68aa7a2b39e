/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of the etc layer share; inside plan/ only. */

#include "plan/etc.h"

/* 0644 */
void viv_etc_add_text(struct viv_etc *etc, const char *path, const char *text);
void viv_etc_add_link(struct viv_etc *etc, const char *path, const char *target);

/* etc-network.c: each adds the files of some options. */
void viv_etc_add_names(struct viv_etc *etc, const struct viv_config *config);
/* systemd's client, where there is systemd: else EINVAL. */
int viv_etc_add_dhcp(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err);
int viv_etc_add_ssh(struct viv_etc *etc, const struct viv_config *config, struct viv_error *err);

/* etc-fstab.c */
void viv_etc_add_fstab(struct viv_etc *etc, const struct viv_config *config);

#define VIV_ETC_UNITS "etc/systemd/system/"
/* Units that make again, at first boot, what deb/scrub.h takes out of the layers. */
void viv_etc_add_first_boot(struct viv_etc *etc);
