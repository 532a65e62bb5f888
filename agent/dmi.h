/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cloud this is, by what the firmware says (/sys/class/dmi/id, SMBIOS) and no network:
 *
 *   EC2 Nitro, metal  sys_vendor "Amazon EC2"; product_name is the instance type, board_asset_tag
 *                     the instance id
 *   EC2 Xen           sys_vendor "Xen" and a bios_version of Amazon, or a product_uuid or
 *                     /sys/hypervisor/uuid that starts with "ec2"; it tells no type
 *   Azure             sys_vendor "Microsoft Corporation" and the chassis_asset_tag of all its hosts
 *   GCP               product_name "Google Compute Engine" (or "Google", as it once was)
 *
 * Any other firmware names no cloud. Where there is none to ask (an arm64 board with a device tree,
 * a bare namespace) nothing is known; EC2 itself has SMBIOS on every arm64 type.
 */
#ifndef AGENT_DMI_H
#define AGENT_DMI_H

#include "common/err.h"

enum cloud { CLOUD_UNKNOWN, CLOUD_NONE, CLOUD_EC2, CLOUD_AZURE, CLOUD_GCP };

struct dmi {
	enum cloud cloud;       /* UNKNOWN where there is no DMI; NONE where DMI names no cloud */
	char instance_type[64]; /* "" when DMI does not tell (Xen, other clouds) */
	char instance_id[64];
};

/* "ec2", "azure", "gcp", "none", "unknown". */
const char *cloud_name(enum cloud c);

/* A value that cannot be read counts as empty; fails only when the process is out of something. */
must_check int dmi_read(int rootfd, struct dmi *ret, struct err *e);

#endif
