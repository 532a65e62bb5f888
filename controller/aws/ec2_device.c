/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_device.h"

#include "common/num.h"

#include <inttypes.h>

static void add(struct query *q, size_t index, const char *member, const char *value)
{
	query_addf(q, value, "BlockDeviceMapping.%zu.%s", index, member);
}

static void add_number(struct query *q, size_t index, const char *member, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	add(q, index, member, value ? text : NULL);
}

void ec2_device_add(struct query *q, size_t index, const struct ec2_device_new *d)
{
	add(q, index, "DeviceName", d->name);
	add(q, index, "Ebs.SnapshotId", d->snapshot);
	add_number(q, index, "Ebs.VolumeSize", d->bytes / GIB);
	add(q, index, "Ebs.VolumeType", d->type);
	add_number(q, index, "Ebs.Iops", d->iops);
	add_number(q, index, "Ebs.Throughput", d->throughput);
	add(q, index, "Ebs.Encrypted", d->encrypt ? "true" : NULL);
	add(q, index, "Ebs.KmsKeyId", d->encrypt && d->kms_key && *d->kms_key ? d->kms_key : NULL);
	add(q, index, "Ebs.DeleteOnTermination", "true");
}
