/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of EC2 and of the JSON services as typed values: whole, lean, and wrong ones. moto and
 * the official models are the judges of the rest (tests/aws/services.py). */
#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/ec2_group.h"
#include "controller/aws/ec2_image.h"
#include "controller/aws/ec2_instance.h"
#include "controller/aws/ec2_type.h"
#include "controller/aws/ec2_volume.h"
#include "controller/aws/pricing.h"
#include "tests/unit/aws_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define LONG (60 * NSEC_PER_SEC)

/* A fixture whose server answers once. */
struct one {
	struct fixture f;
	struct server s;
	const char *answers[2];
	struct err e;
	struct ec2_select which;
};

static struct call_client *one_start(struct one *o, const char *answer)
{
	*o = (struct one){.answers = {answer}, .which = {.deadline = clock_deadline(LONG)}};
	server_start(&o->s, o->answers);
	fixture_start(&o->f, o->s.url);
	return &o->f.client;
}

static void one_end(struct one *o)
{
	server_stop(&o->s);
	fixture_end(&o->f);
}

#define INSTANCES(body)                                                                            \
	ANSWER(200, "",                                                                            \
		"<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"   \
		"<requestId>r</requestId><reservationSet><item><instancesSet>" body                \
		"</instancesSet></item></reservationSet></DescribeInstancesResponse>")
#define LEAN                                                                                       \
	"<item><instanceId>i-2</instanceId><instanceType>c5.large</instanceType><instanceState>"   \
	"<code>48</code><name>terminated</name></instanceState></item>"

static void test_instances(void **state)
{
	auto_ec2_instances struct ec2_instances list = {0};
	const struct ec2_instance *i;
	struct one o;

	(void)state;
	assert_int_equal(
		ec2_instances(
			one_start(&o,
				INSTANCES(
					"<item><instanceId>i-1</instanceId><imageId>ami-1</imageId>"
					"<instanceState><code>32</code><name>shutting-down</name>"
					"</instanceState><instanceType>c7a.large</instanceType>"
					"<launchTime>2026-01-01T00:00:00.000Z</launchTime>"
					"<placement><availabilityZone>eu-west-1b</availabilityZone>"
					"</placement><subnetId>subnet-1</subnetId>"
					"<privateIpAddress>10.0.0.1</privateIpAddress>"
					"<ipAddress>203.0.113.7</ipAddress><clientToken>t</clientToken>"
					"<instanceLifecycle>spot</instanceLifecycle>"
					"<stateReason><code>Server.SpotInstanceTermination</code>"
					"<message>m</message></stateReason><tagSet><item><key>a&amp;b</key>"
					"<value/></item><item><key>k</key><value>v</value></item></tagSet>"
					"<networkInterfaceSet><item><ipv6AddressesSet><item><ipv6Address>"
					"2001:db8::7</ipv6Address></item></ipv6AddressesSet></item>"
					"</networkInterfaceSet></item>" LEAN)),
			&o.which, &list, &o.e),
		0);
	assert_int_equal(list.n, 2);
	i = &list.item[0];
	assert_string_equal(i->id, "i-1");
	assert_int_equal(i->state, EC2_SHUTTING_DOWN);
	assert_string_equal(i->zone, "eu-west-1b");
	assert_string_equal(i->public_ip, "203.0.113.7");
	assert_string_equal(i->ipv6, "2001:db8::7");
	assert_string_equal(i->reason, "Server.SpotInstanceTermination");
	assert_int_equal(i->launched, 1767225600);
	assert_true(i->spot);
	assert_string_equal(ec2_tags_get(&i->tags, "a&b"), "");
	assert_string_equal(ec2_tags_get(&i->tags, "k"), "v");
	assert_null(ec2_tags_get(&i->tags, "x"));
	i = &list.item[1];
	assert_int_equal(i->state, EC2_TERMINATED);
	assert_string_equal(i->public_ip, "");
	assert_false(i->spot);
	one_end(&o);
}

/* clang-format off */
static const struct {
	const char *body, *says;
} wrong[] = {
	{"<item><instanceType>t</instanceType></item>", "no instanceId"},
	{"<item><instanceId>i-0123456789012345678901234567890123456789</instanceId></item>", "instanceId of the answer: it has 42"},
	{"<item><instanceId>i-1</instanceId><instanceType>t</instanceType><instanceState><name>odd</name></instanceState></item>",
		"state 'odd'"},
	{"<item><instanceId>i-1</instanceId><instanceType>t</instanceType></item>", "state ''"},
	{"<item><instanceId>i-1</instanceId><instanceType>t</instanceType><launchTime>now</launchTime></item>", "launchTime"},
	{"<item><instanceId>i-1</instanceId><instanceType>t</instanceType><ipAddress>1.2.3.4.5.6.7.8.9</ipAddress></item>",
		"ipAddress"},
	{LEAN "<item><instanceId>i-1</instanceId><instanceType>t</instanceType><instanceState><name>running</name></instanceState>"
		"<tagSet><item><value>v</value></item></tagSet></item>", "without a key"},
};
/* clang-format on */

static void test_wrong_instances(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		auto_ec2_instances struct ec2_instances list = {0};
		auto_buf struct buf answer = BUF_INIT(65536);
		const char *whole = INSTANCES("%");
		const char *at = strchr(whole, '%');
		struct one o;
		int rc = buf_add(&answer, whole, (size_t)(at - whole));

		if (rc == 0)
			rc = buf_adds(&answer, wrong[i].body);
		if (rc == 0)
			rc = buf_adds(&answer, at + 1);
		assert_int_equal(rc, 0);
		rc = ec2_instances(one_start(&o, answer.data), &o.which, &list, &o.e);
		if (rc >= 0 || o.e.kind != ERR_DATA || !strstr(o.e.msg, wrong[i].says))
			fail_msg("%s: %d: %s", wrong[i].says, rc, o.e.msg);
		one_end(&o);
	}
}

static void test_groups(void **state)
{
	auto_ec2_groups struct ec2_groups list = {0};
	const struct ec2_permission *p;
	struct one o;

	(void)state;
	assert_int_equal(
		ec2_groups(
			one_start(&o,
				ANSWER(200, "",
					"<DescribeSecurityGroupsResponse><securityGroupInfo><item>"
					"<groupId>sg-1</groupId><groupName>n</groupName><ipPermissions>"
					"<item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort>"
					"<toPort>22</toPort><ipRanges><item><cidrIp>203.0.113.7/32</cidrIp>"
					"</item><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>"
					"<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>"
					"</item><item><ipProtocol>-1</ipProtocol><groups><item>"
					"<groupId>sg-2</groupId></item></groups><prefixListIds><item>"
					"<prefixListId>pl-1</prefixListId></item></prefixListIds></item>"
					"<item><ipProtocol>icmp</ipProtocol><fromPort>-1</fromPort>"
					"<toPort>-1</toPort><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp>"
					"</item></ipRanges></item></ipPermissions></item>"
					"</securityGroupInfo></DescribeSecurityGroupsResponse>")),
			&o.which, &list, &o.e),
		0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.item[0].n, 6);
	p = list.item[0].item;
	assert_string_equal(p[1].source, "0.0.0.0/0");
	assert_int_equal(p[1].from, 22);
	assert_string_equal(p[2].source, "::/0");
	assert_string_equal(p[3].source, "sg-2");
	assert_int_equal(p[3].from, -1);
	assert_string_equal(p[4].source, "pl-1");
	assert_string_equal(p[5].protocol, "icmp");
	assert_int_equal(p[5].to, -1);
	one_end(&o);
}

static void test_sources(void **state)
{
	static const struct {
		const char *address, *source;
	} row[] = {
		{"203.0.113.7", "203.0.113.7/32"},
		{"2001:DB8:0::0007", "2001:db8::7/128"},
		{"::ffff:203.0.113.7", "::ffff:203.0.113.7/128"},
		{"0.0.0.0", NULL},
		{"::", NULL},
		{"0.0.0.0/0", NULL},
		{"203.0.113.7/32", NULL},
		{"203.0.113", NULL},
		{"", NULL},
		{"host", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct err e = ERR_INIT;
		char got[80];
		int rc = ec2_group_source(row[i].address, got, &e);

		if ((rc == 0) != (row[i].source != NULL) || (rc == 0 && strcmp(got, row[i].source)))
			fail_msg("%s: %s", row[i].address, rc == 0 ? got : e.msg);
		assert_int_equal(e.kind, rc == 0 ? ERR_NONE : ERR_CONFIG);
	}
}

static void test_images(void **state)
{
	auto_ec2_images struct ec2_images list = {0};
	const struct ec2_image *i;
	struct one o;

	(void)state;
	assert_int_equal(
		ec2_images(
			one_start(&o,
				ANSWER(200, "",
					"<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId>"
					"<imageState>available</imageState><rootDeviceName>/dev/xvdb"
					"</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda"
					"</deviceName><virtualName>ephemeral0</virtualName></item><item>"
					"<deviceName>/dev/xvdb</deviceName><ebs><snapshotId>snap-1"
					"</snapshotId><volumeSize>30</volumeSize></ebs></item>"
					"</blockDeviceMapping></item><item><imageId>ami-2</imageId>"
					"<imageState>pending</imageState><rootDeviceName>/dev/xvda"
					"</rootDeviceName></item></imagesSet></DescribeImagesResponse>")),
			&o.which, &list, &o.e),
		0);
	assert_int_equal(list.n, 2);
	i = &list.item[0];
	assert_int_equal(i->n, 2);
	assert_string_equal(i->item[0].snapshot, "");
	assert_ptr_equal(ec2_image_root(i), &i->item[1]);
	assert_true(ec2_image_root(i)->bytes == 30 * GIB);
	assert_null(ec2_image_root(&list.item[1]));
	one_end(&o);
}

static void test_sizes(void **state)
{
	auto_ec2_volumes struct ec2_volumes list = {0};
	struct ec2_types types = {0};
	struct one o;

	(void)state;
	assert_int_equal(
		ec2_volumes(
			one_start(&o,
				ANSWER(200, "",
					"<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1"
					"</volumeId><status>available</status>"
					"<size>18446744073709551615</size></item></volumeSet>"
					"</DescribeVolumesResponse>")),
			&o.which, &list, &o.e),
		0);
	assert_true(list.item[0].bytes == UINT64_MAX);
	one_end(&o);
	assert_int_equal(
		ec2_types(
			one_start(&o,
				ANSWER(200, "",
					"<DescribeInstanceTypesResponse><instanceTypeSet><item>"
					"<instanceType>c7g.large</instanceType><vCpuInfo><defaultVCpus>2"
					"</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>4096</sizeInMiB>"
					"</memoryInfo><processorInfo><supportedArchitectures><item>arm64"
					"</item></supportedArchitectures></processorInfo></item><item>"
					"<instanceType>x</instanceType><vCpuInfo><defaultVCpus>-2"
					"</defaultVCpus></vCpuInfo></item></instanceTypeSet>"
					"</DescribeInstanceTypesResponse>")),
			&o.which, &types, &o.e),
		-EINVAL);
	assert_int_equal(o.e.kind, ERR_DATA);
	assert_non_null(strstr(o.e.msg, "defaultVCpus of the answer: '-2'"));
	assert_true(types.item[0].memory == 4 * GIB && types.item[0].arm64);
	assert_false(types.item[0].x86_64 || types.item[0].spot);
	free(types.item);
	one_end(&o);
}

static void test_prices(void **state)
{
	static const struct {
		const char *text;
		uint64_t price;
	} row[] = {
		{"{\"terms\":{\"OnDemand\":{\"a\":{\"priceDimensions\":{\"b\":{\"unit\":\"Hrs\","
		 "\"pricePerUnit\":{\"USD\":\"0.1026400000\"}}}}}}}",
			102640},
		{"{\"terms\":{\"OnDemand\":{\"a\":{\"priceDimensions\":{\"b\":{\"unit\":\"GB\","
		 "\"pricePerUnit\":{\"USD\":\"9\"}},\"c\":{\"unit\":\"Hrs\",\"pricePerUnit\":"
		 "{\"USD\":\"0.5\"}}}}}}}",
			500000},
		{"{\"terms\":{\"OnDemand\":{\"a\":{\"priceDimensions\":{\"b\":{\"unit\":\"Hrs\","
		 "\"pricePerUnit\":{\"CNY\":\"1\"}}}}}}}",
			0},
		{"{\"terms\":{\"OnDemand\":[]}}", 0},
		{"{\"terms\":\"x\"}", 0},
		{"[]", 0},
		{"", 0},
		{"{\"terms\"", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct err e = ERR_INIT;
		uint64_t got = 0;
		int rc = pricing_read(row[i].text, &got, &e);

		if (got != row[i].price || (rc == 0) != (row[i].price > 0))
			fail_msg("%s: %s", row[i].text, e.msg);
		assert_int_equal(e.kind, rc == 0 ? ERR_NONE : ERR_DATA);
	}
}

static int setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	return http_setup(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instances),
		cmocka_unit_test(test_wrong_instances),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_prices),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
