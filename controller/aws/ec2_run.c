/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/ec2_run.h"

#include "controller/aws/base64.h"
#include "controller/aws/ec2_device.h"
#include "controller/aws/field.h"
#include "controller/money.h"

#include <errno.h>
#include <inttypes.h>

/* In dollars, without a sign. */
static void add_price(struct query *q, uint64_t price)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, price / MONEY_DOLLAR,
		price % MONEY_DOLLAR);
	query_add(q, "InstanceMarketOptions.SpotOptions.MaxPrice", text);
}

static void add_market(struct query *q, const struct ec2_run *run)
{
	if (!run->spot)
		return;
	query_add(q, "InstanceMarketOptions.MarketType", "spot");
	query_add(q, "InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time");
	query_add(q, "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", "terminate");
	if (run->max_price > 0)
		add_price(q, run->max_price);
}

/* The address can be chosen for an interface only, which then has subnet and groups too. */
static void add_network(struct query *q, const struct ec2_run *run)
{
	query_add_number(q, "NetworkInterface.1.DeviceIndex", 0);
	query_add(q, "NetworkInterface.1.SubnetId", run->subnet);
	query_add_list(q, "NetworkInterface.1.SecurityGroupId", run->groups);
	query_add_flag(q, "NetworkInterface.1.AssociatePublicIpAddress", run->public_address);
	query_add_flag(q, "NetworkInterface.1.DeleteOnTermination", true);
}

static void add_volume(struct query *q, const struct ec2_run *run)
{
	ec2_device_add(q, 1,
		&(struct ec2_device_new){
			.name = run->root,
			.bytes = run->volume,
			.type = "gp3",
			.iops = run->iops,
			.throughput = run->throughput,
			.encrypt = run->encrypt,
			.kms_key = run->kms_key,
		});
}

static int add_user_data(struct query *q, const struct secret *data, struct err *e)
{
	auto_secret_buf struct buf text = BUF_INIT(2 * EC2_USER_DATA_MAX);

	if (!data)
		return 0;
	if (data->len > EC2_USER_DATA_MAX)
		return err_set(e, ERR_DATA, EFBIG, "user data of %zu bytes: EC2 takes %d",
			data->len, EC2_USER_DATA_MAX);
	if (buf_reserve(&text, 2 * EC2_USER_DATA_MAX) < 0 ||
		base64_encode(&text, secret_reveal(data), data->len) < 0)
		return err_oom(e);
	query_add(q, "UserData", buf_str(&text));
	return 0;
}

static int add_all(struct query *q, const struct ec2_run *run, struct err *e)
{
	query_add(q, "ClientToken", run->token);
	query_add_number(q, "MinCount", 1);
	query_add_number(q, "MaxCount", 1);
	query_add(q, "InstanceType", run->type);
	query_add(q, "ImageId", run->image);
	query_add(q, "InstanceInitiatedShutdownBehavior", "terminate");
	query_add(q, "MetadataOptions.HttpEndpoint", "enabled");
	query_add(q, "MetadataOptions.HttpTokens", "required");
	query_add_number(q, "MetadataOptions.HttpPutResponseHopLimit", 1);
	query_add(q, "IamInstanceProfile.Name", run->profile);
	add_market(q, run);
	add_network(q, run);
	add_volume(q, run);
	ec2_tags_add(q, 1, "instance", &run->tags);
	ec2_tags_add(q, 2, "volume", &run->tags);
	return add_user_data(q, run->user_data, e);
}

int ec2_run(struct call_client *client, const struct ec2_run *run, struct ec2_instance *ret,
	struct err *e)
{
	auto_query_answer struct query_answer a = {0};
	auto_query struct query q;
	const struct _xmlNode *item;
	int rc;

	*ret = (struct ec2_instance){0};
	query_start(&q, ENDPOINT_EC2, "RunInstances", run->deadline, true);
	q.call.names_new = true;
	rc = add_all(&q, run, e);
	if (rc == 0)
		rc = query_call(client, &q, &a, e);
	if (rc != 0)
		return rc;
	item = field_node(a.result, "instancesSet/item");
	if (!item)
		return call_bad_answer(&q.call, e, "no instance");
	return ec2_instance_take(item, ret, e);
}
