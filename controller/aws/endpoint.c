/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/endpoint.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Kinds of endpoints, as bits of a set. */
enum variant { PLAIN = 1, DUAL = 2, FIPS = 4, FIPS_DUAL = 8, ANY = 15 };

enum partition { AWS = 1, CHINA = 2, GOV = 4, ALL = 7 };

static const struct {
	enum partition partition;
	const char *prefix; /* of its regions */
	const char *suffix, *dual_suffix;
} partitions[] = {
	{CHINA, "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	{GOV, "us-gov-", "amazonaws.com", "api.aws"},
	{AWS, "", "amazonaws.com", "api.aws"},
};

/* Of partitions that we do not know; their names are not under amazonaws.com. */
static const char *const foreign[] = {"us-iso", "eu-iso", "eusc-"};

static const struct {
	const char *name;     /* of the first label of hosts */
	const char *variable; /* AWS_ENDPOINT_URL_… */
	const char *section;  /* in a services section */
	const char *signing;
} services[ENDPOINT_SERVICES] = {
	[ENDPOINT_AUTOSCALING] = {"autoscaling", "AWS_ENDPOINT_URL_AUTO_SCALING", "auto_scaling",
		"autoscaling"},
	[ENDPOINT_BATCH] = {"batch", "AWS_ENDPOINT_URL_BATCH", "batch", "batch"},
	[ENDPOINT_EBS] = {"ebs", "AWS_ENDPOINT_URL_EBS", "ebs", "ebs"},
	[ENDPOINT_EC2] = {"ec2", "AWS_ENDPOINT_URL_EC2", "ec2", "ec2"},
	[ENDPOINT_ECR] = {"api.ecr", "AWS_ENDPOINT_URL_ECR", "ecr", "ecr"},
	[ENDPOINT_IAM] = {"iam", "AWS_ENDPOINT_URL_IAM", "iam", "iam"},
	[ENDPOINT_PRICING] = {"api.pricing", "AWS_ENDPOINT_URL_PRICING", "pricing", "pricing"},
	[ENDPOINT_S3] = {"s3", "AWS_ENDPOINT_URL_S3", "s3", "s3"},
	[ENDPOINT_SERVICE_QUOTAS] = {"servicequotas", "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
		"service_quotas", "servicequotas"},
	[ENDPOINT_SSM] = {"ssm", "AWS_ENDPOINT_URL_SSM", "ssm", "ssm"},
	[ENDPOINT_SSO] = {"portal.sso", "AWS_ENDPOINT_URL_SSO", "sso", "awsssoportal"},
	[ENDPOINT_STS] = {"sts", "AWS_ENDPOINT_URL_STS", "sts", "sts"},
};

#define BIT(service) (1U << (service))
#define EVERY        (BIT(ENDPOINT_SERVICES) - 1)

/*
 * The first row that fits. In host %n is the service's name, %r the region, %s the suffix of the
 * partition and %d that of its dual-stack hosts. region is that of the signature where the service
 * is one for the whole partition.
 */
static const struct {
	unsigned services, partitions, variants;
	const char *host;
	const char *region;
} hosts[] = {
	{BIT(ENDPOINT_IAM), AWS, PLAIN, "iam.%s", "us-east-1"},
	{BIT(ENDPOINT_IAM), AWS, DUAL, "iam.global.%d", "us-east-1"},
	{BIT(ENDPOINT_IAM), AWS, FIPS, "iam-fips.%s", "us-east-1"},
	{BIT(ENDPOINT_IAM), AWS, FIPS_DUAL, "iam-fips.global.%d", "us-east-1"},
	{BIT(ENDPOINT_IAM), CHINA, PLAIN, "iam.cn-north-1.%s", "cn-north-1"},
	{BIT(ENDPOINT_IAM), CHINA, DUAL, "iam.global.%d", "cn-north-1"},
	{BIT(ENDPOINT_IAM), GOV, PLAIN | FIPS, "iam.us-gov.%s", "us-gov-west-1"},
	{BIT(ENDPOINT_IAM), GOV, DUAL | FIPS_DUAL, "iam.us-gov.%d", "us-gov-west-1"},
	{EVERY, CHINA, FIPS | FIPS_DUAL, NULL, NULL},
	{BIT(ENDPOINT_S3), ALL, DUAL, "s3.dualstack.%r.%s", NULL},
	{BIT(ENDPOINT_S3), ALL, FIPS_DUAL, "s3-fips.dualstack.%r.%s", NULL},
	{BIT(ENDPOINT_ECR), ALL, DUAL, "ecr.%r.%d", NULL},
	{BIT(ENDPOINT_ECR), ALL, FIPS_DUAL, "ecr-fips.%r.%d", NULL},
	{BIT(ENDPOINT_BATCH), AWS, FIPS, "fips.batch.%r.%s", NULL},
	{BIT(ENDPOINT_AUTOSCALING) | BIT(ENDPOINT_BATCH) | BIT(ENDPOINT_EC2) |
			BIT(ENDPOINT_SERVICE_QUOTAS) | BIT(ENDPOINT_SSM) | BIT(ENDPOINT_SSO) |
			BIT(ENDPOINT_STS),
		GOV, FIPS, "%n.%r.%s", NULL},
	{EVERY, ALL, PLAIN, "%n.%r.%s", NULL},
	{EVERY, ALL, DUAL, "%n.%r.%d", NULL},
	{EVERY, ALL, FIPS, "%n-fips.%r.%s", NULL},
	{EVERY, ALL, FIPS_DUAL, "%n-fips.%r.%d", NULL},
};

const char *endpoint_service_name(enum endpoint_service service)
{
	return services[service].signing;
}

/* A region becomes part of a host name. */
static int check_region(const char *region, struct err *e)
{
	size_t len = strlen(region);

	if (len == 0 || len >= ENDPOINT_REGION_MAX || region[0] == '-' ||
		strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%.64s' is no region: it should look like us-east-1", region);
	return 0;
}

int endpoint_region(const char *const *env, const struct profiles *p,
	char ret[static ENDPOINT_REGION_MAX], struct err *e)
{
	const char *region = profile_getenv(env, "AWS_REGION");
	int rc;

	if (!region)
		region = profile_getenv(env, "AWS_DEFAULT_REGION");
	if (!region)
		region = profiles_get(p, p->name, "region");
	if (!region || !*region)
		return 0;
	rc = check_region(region, e);
	if (rc < 0)
		return rc;
	snprintf(ret, ENDPOINT_REGION_MAX, "%s", region);
	return 1;
}

/* As every SDK does: only "true" means yes. */
static bool is_on(
	const char *const *env, const struct profiles *p, const char *variable, const char *key)
{
	const char *value = profile_getenv(env, variable);

	if (!value)
		value = profiles_get(p, p->name, key);
	return value && strcasecmp(value, "true") == 0;
}

static int configured(const char *const *env, const struct profiles *p,
	enum endpoint_service service, const char **ret, struct err *e)
{
	const char *section = profiles_get(p, p->name, "services");

	*ret = NULL;
	if (is_on(env, p, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"))
		return 0;
	*ret = profile_getenv(env, services[service].variable);
	if (!*ret)
		*ret = profile_getenv(env, "AWS_ENDPOINT_URL");
	if (*ret)
		return 0;
	if (section && !profiles_have_services(p, section))
		return err_set(e, ERR_CONFIG, ENOENT,
			"profile '%s' names services '%s', but '%s' has no [services %s]", p->name,
			section, p->config.path, section);
	if (section)
		*ret = profiles_get_service(p, section, services[service].section, "endpoint_url");
	if (!*ret || !**ret)
		*ret = profiles_get(p, p->name, "endpoint_url");
	if (*ret && !**ret)
		*ret = NULL;
	return 0;
}

bool endpoint_is_safe(const char *url)
{
	static const char *const loopback[] = {"localhost", "[::1]"};
	const char *host = url + strlen("http://");
	size_t len;

	if (strncmp(url, "https://", strlen("https://")) == 0)
		return true;
	/* A user's name before the host would look like one. */
	if (strncmp(url, "http://", strlen("http://")) != 0 || strchr(host, '@'))
		return false;
	len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
	for (size_t i = 0; i < ARRAY_LEN(loopback); i++) {
		if (strlen(loopback[i]) == len && strncmp(host, loopback[i], len) == 0)
			return true;
	}
	return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

static int take_url(const char *url, struct endpoint *ret, struct err *e)
{
	size_t len = strlen(url);

	if (len >= sizeof(ret->url) || !endpoint_is_safe(url) || strpbrk(url, " \t\r\n?#"))
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%.200s' is no address of a service: it should begin with https:// (or "
			"http:// for this machine)",
			url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	memcpy(ret->url, url, len);
	ret->url[len] = '\0';
	return 0;
}

static size_t partition_of(const char *region)
{
	size_t i = 0;

	while (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) != 0)
		i++;
	return i;
}

static size_t row_of(enum endpoint_service service, size_t partition, enum variant v)
{
	size_t i = 0;

	while (!(hosts[i].services & BIT(service) &&
		 hosts[i].partitions & partitions[partition].partition && hosts[i].variants & v))
		i++;
	return i;
}

static int fill(const char *host, const char *name, const char *region, size_t partition,
	struct endpoint *ret, struct err *e)
{
	struct buf url = BUF_INIT(sizeof(ret->url) - 1);
	int rc = buf_adds(&url, "https://");

	for (const char *c = host; rc == 0 && *c; c++) {
		if (*c != '%')
			rc = buf_add(&url, c, 1);
		else if (*++c == 'n')
			rc = buf_adds(&url, name);
		else if (*c == 'r')
			rc = buf_adds(&url, region);
		else
			rc = buf_adds(&url, *c == 's' ? partitions[partition].suffix
						      : partitions[partition].dual_suffix);
	}
	if (rc == 0)
		memcpy(ret->url, url.data, url.len + 1);
	buf_free(&url);
	return rc < 0 ? err_oom(e) : 0;
}

int endpoint_resolve(const char *const *env, const struct profiles *p,
	enum endpoint_service service, const char *region, struct endpoint *ret, struct err *e)
{
	bool fips = is_on(env, p, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
	bool dual = is_on(env, p, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
	enum variant v = fips ? (dual ? FIPS_DUAL : FIPS) : (dual ? DUAL : PLAIN);
	size_t partition, row;
	const char *url = NULL;
	int rc = check_region(region, e);

	if (rc == 0)
		rc = configured(env, p, service, &url, e);
	if (rc < 0)
		return rc;
	if (url && fips)
		return err_set(e, ERR_CONFIG, EINVAL,
			"use_fips_endpoint and the address '%.200s' exclude each other: unset one",
			url);
	for (size_t i = 0; !url && i < ARRAY_LEN(foreign); i++) {
		if (strncmp(region, foreign[i], strlen(foreign[i])) == 0)
			return err_set(e, ERR_CONFIG, ENOTSUP,
				"region '%s' is of a partition that is not supported: set "
				"AWS_ENDPOINT_URL",
				region);
	}
	partition = partition_of(region);
	row = row_of(service, partition, v);
	if (!url && !hosts[row].host)
		return err_set(e, ERR_CONFIG, ENOTSUP,
			"region '%s' has no FIPS endpoints: unset use_fips_endpoint", region);
	*ret = (struct endpoint){.service = services[service].signing};
	snprintf(ret->region, sizeof(ret->region), "%s",
		hosts[row].region ? hosts[row].region : region);
	return url ? take_url(url, ret, e)
		   : fill(hosts[row].host, services[service].name, region, partition, ret, e);
}
