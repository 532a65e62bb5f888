/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/dmi.h"

#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DMI_DIR   "/sys/class/dmi/id"
#define DMI_VALUE 256

/* Every Azure host has this one. */
#define AZURE_CHASSIS "7783-7084-3265-9085-8269-3286-77"

const char *cloud_name(enum cloud c)
{
	static const char *const name[] = {
		[CLOUD_UNKNOWN] = "unknown",
		[CLOUD_NONE] = "none",
		[CLOUD_EC2] = "ec2",
		[CLOUD_AZURE] = "azure",
		[CLOUD_GCP] = "gcp",
	};

	return name[c];
}

/* "" where the file is absent, empty, or for root only (product_uuid). */
static int read_value(int rootfd, const char *path, char out[static DMI_VALUE], struct err *e)
{
	int rc = fs_read_line(rootfd, path, out, DMI_VALUE, e);

	if (rc >= 0)
		return 0;
	out[0] = '\0';
	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM)
		return rc;
	*e = (struct err)ERR_INIT;
	return 0;
}

/* A type has one dot between lower-case words: "u-6tb1.112xlarge", "c5.metal". */
static bool is_instance_type(const char *s)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t family = strspn(s, word), size;

	if (family == 0 || s[family] != '.' || s[0] < 'a' || s[0] > 'z')
		return false;
	size = strspn(s + family + 1, word);
	return size > 0 && s[family + 1 + size] == '\0';
}

static bool is_instance_id(const char *s)
{
	size_t digits;

	if (strncmp(s, "i-", 2) != 0)
		return false;
	digits = strspn(s + 2, "0123456789abcdef");
	return digits >= 8 && digits <= 17 && s[2 + digits] == '\0';
}

static void keep(char *out, size_t size, const char *value, bool good)
{
	out[0] = '\0';
	if (good && strlen(value) < size)
		memcpy(out, value, strlen(value) + 1);
}

static int read_nitro(int rootfd, struct dmi *d, struct err *e)
{
	char value[DMI_VALUE];
	int rc;

	d->cloud = CLOUD_EC2;
	rc = read_value(rootfd, DMI_DIR "/product_name", value, e);
	if (rc < 0)
		return rc;
	keep(d->instance_type, sizeof(d->instance_type), value, is_instance_type(value));
	rc = read_value(rootfd, DMI_DIR "/board_asset_tag", value, e);
	if (rc < 0)
		return rc;
	keep(d->instance_id, sizeof(d->instance_id), value, is_instance_id(value));
	return 0;
}

/* A uuid of EC2 starts with "ec2"; SMBIOS may show its first field with the bytes swapped:
 * "45e12aec-…". EC2 User Guide, "Find out whether a host is an EC2 instance". */
static bool is_ec2_uuid(const char *s)
{
	if (strncasecmp(s, "ec2", 3) == 0)
		return true;
	return strlen(s) == 36 && s[4] == '2' && strncasecmp(s + 6, "ec", 2) == 0;
}

/* Not every Xen is EC2: the BIOS is named after Amazon, or a uuid says so. */
static int read_xen(int rootfd, struct dmi *d, struct err *e)
{
	char value[DMI_VALUE];
	int rc = read_value(rootfd, DMI_DIR "/bios_version", value, e);

	if (rc == 0 && strcasestr(value, "amazon")) {
		d->cloud = CLOUD_EC2;
		return 0;
	}
	if (rc == 0)
		rc = read_value(rootfd, DMI_DIR "/product_uuid", value, e);
	if (rc == 0 && is_ec2_uuid(value))
		d->cloud = CLOUD_EC2;
	return rc;
}

static int read_hypervisor(int rootfd, struct dmi *d, struct err *e)
{
	char value[DMI_VALUE];
	int rc = read_value(rootfd, "/sys/hypervisor/uuid", value, e);

	if (rc == 0 && strncasecmp(value, "ec2", 3) == 0)
		d->cloud = CLOUD_EC2;
	return rc;
}

static int read_vendor(int rootfd, struct dmi *d, struct err *e)
{
	char vendor[DMI_VALUE], product[DMI_VALUE], chassis[DMI_VALUE];
	int rc = read_value(rootfd, DMI_DIR "/sys_vendor", vendor, e);

	if (rc == 0)
		rc = read_value(rootfd, DMI_DIR "/product_name", product, e);
	if (rc == 0)
		rc = read_value(rootfd, DMI_DIR "/chassis_asset_tag", chassis, e);
	if (rc < 0)
		return rc;
	d->cloud = CLOUD_NONE;
	if (strcmp(vendor, "Amazon EC2") == 0)
		return read_nitro(rootfd, d, e);
	if (strcmp(vendor, "Xen") == 0)
		return read_xen(rootfd, d, e);
	if (strcmp(vendor, "Microsoft Corporation") == 0 && strcmp(chassis, AZURE_CHASSIS) == 0)
		d->cloud = CLOUD_AZURE;
	/* The vendor of a Chromebook is Google too: the product decides. */
	if (strcmp(product, "Google Compute Engine") == 0 || strcmp(product, "Google") == 0)
		d->cloud = CLOUD_GCP;
	return 0;
}

int dmi_read(int rootfd, struct dmi *ret, struct err *e)
{
	struct dmi d = {.cloud = CLOUD_UNKNOWN};
	int rc = 0;

	if (fs_exists(rootfd, DMI_DIR))
		rc = read_vendor(rootfd, &d, e);
	if (rc == 0 && (d.cloud == CLOUD_UNKNOWN || d.cloud == CLOUD_NONE))
		rc = read_hypervisor(rootfd, &d, e);
	if (rc == 0)
		*ret = d;
	return rc;
}
