/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/account/cloud.h"

#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/debug.h"
#include "controller/aws/instance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define METADATA_TIME (5 * NSEC_PER_SEC)
#define EVENT_MAX     (1 * MIB)

static int set_region(struct cloud *c, const char *region, struct err *e)
{
	size_t len = strlen(region);

	if (len == 0 || len >= sizeof(c->region) ||
		strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return err_set(e, ERR_CONFIG, EINVAL, "'%.64s' is no region", region);
	memcpy(c->region, region, len + 1);
	return 0;
}

static void print_event(void *ctx, const struct call_event *event)
{
	auto_buf struct buf text = BUF_INIT(EVENT_MAX);

	(void)ctx;
	if (debug_event(&text, event) == 0)
		fputs(buf_str(&text), stderr);
}

static int find_region(struct cloud *c, const char *wanted, struct err *e)
{
	const char *const *env = c->client.env;
	int rc;

	if (wanted && *wanted)
		return set_region(c, wanted, e);
	rc = endpoint_region(env, &c->profiles, c->region, e);
	if (rc == 0)
		rc = instance_region(
			env, &c->profiles, clock_deadline(METADATA_TIME), c->region, e);
	if (rc == 0 || (rc < 0 && e->kind == ERR_TRANSIENT))
		return err_set(e, ERR_CONFIG, ENOENT,
			"no region is known: AWS_REGION, region= of the profile, [aws] region= of the project or --region");
	return rc < 0 ? rc : 0;
}

int cloud_open(const struct cloud_options *o, struct cloud *ret, struct err *e)
{
	const char *const *env = (const char *const *)environ;
	bool chosen = o->profile && *o->profile;
	int rc;

	*ret = (struct cloud){
		.sts = {sts_assume, &ret->client},
		.source = {env, &ret->profiles, chosen, &ret->sts},
		.cache = {.source = &ret->source},
		.client = {.env = env,
			.profiles = &ret->profiles,
			.region = ret->region,
			.credentials = &ret->cache,
			.budget = CALL_BUDGET},
	};
	if (o->debug_http)
		ret->client.observe = print_event;
	if ((rc = http_setup(e)) < 0 ||
		(rc = profiles_load(env, chosen ? o->profile : NULL, &ret->profiles, e)) < 0)
		return rc;
	return find_region(ret, o->region, e);
}

void cloud_close(struct cloud *c)
{
	credentials_free(&c->cache.current);
	profiles_free(&c->profiles);
}
