/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/aws_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>

void fixture_start(struct fixture *f, const char *url)
{
	struct err e = ERR_INIT;

	*f = (struct fixture){
		.env = {f->url, "AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=" SECRET,
			"AWS_SESSION_TOKEN=TOKEN/1"},
		.source = {.env = f->env, .profiles = &f->profiles},
		.cache = {.source = &f->source},
		.client = {.env = f->env,
			.profiles = &f->profiles,
			.region = "eu-west-1",
			.credentials = &f->cache,
			.budget = CALL_BUDGET},
	};
	snprintf(f->url, sizeof(f->url), "AWS_ENDPOINT_URL=%s", url);
	assert_int_equal(profiles_load(f->env, NULL, &f->profiles, &e), 0);
}

void fixture_end(struct fixture *f)
{
	credentials_free(&f->cache.current);
	profiles_free(&f->profiles);
}
