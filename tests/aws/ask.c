/* SPDX-License-Identifier: Apache-2.0 */
/* Asks AWS as the environment and the profiles say (tests/aws/calls.py):
 *
 *     ask credentials | ask identity | ask regions | ask ACTION-OF-EC2
 */
#include "common/clock.h"
#include "common/date.h"
#include "common/json.h"
#include "common/num.h"
#include "controller/aws/sts.h"
#include "controller/aws/xml.h"

#include <string.h>

#define TIME     (60 * NSEC_PER_SEC)
#define FORM_MAX 4096

static int identity(struct call_client *client, json_t **ret, struct err *e)
{
	struct sts_identity who;
	int rc = sts_identity(client, clock_deadline(TIME), &who, e);

	if (rc == 0)
		*ret = json_pack("{s:s, s:s, s:s}", "account", who.account, "arn", who.arn,
			"provider", client->credentials->current.provider);
	return rc;
}

static int credentials(struct call_client *client, json_t **ret, struct err *e)
{
	const struct credentials *c;
	int rc = credentials_get(client->credentials, date_now(), clock_deadline(TIME), &c, e);

	if (rc == 0)
		*ret = json_pack("{s:s, s:s, s:b, s:I}", "id", c->id, "provider", c->provider,
			"token", secret_is_set(&c->token), "expires", (json_int_t)c->expires);
	return rc;
}

static int ask_ec2(
	struct call_client *client, const char *action, struct http_response *r, struct err *e)
{
	auto_buf struct buf form = BUF_INIT(FORM_MAX);
	struct fault f;

	if (call_form_add(&form, "Action", action) < 0 ||
		call_form_add(&form, "Version", "2016-11-15") < 0)
		return err_oom(e);
	return call(client,
		&(struct call){
			.service = ENDPOINT_EC2,
			.action = action,
			.type = "application/x-www-form-urlencoded; charset=utf-8",
			.body = form.data,
			.body_len = form.len,
			.deadline = clock_deadline(TIME),
		},
		r, &f, e);
}

static int regions(struct call_client *client, const char *action, json_t **ret, struct err *e)
{
	auto_http_response struct http_response r = {0};
	auto_xml struct _xmlDoc *doc = NULL;
	const struct _xmlNode *info;
	int rc = ask_ec2(client, action, &r, e);

	if (rc == 0)
		rc = xml_parse(buf_str(&r.body), r.body.len, "the answer", &doc, e);
	if (rc < 0)
		return rc;
	*ret = json_array();
	info = xml_child(xml_root(doc), "regionInfo");
	for (const struct _xmlNode *n = info ? xml_child(info, "item") : NULL; n;
		n = xml_next(n, "item"))
		json_array_append_new(*ret, json_string(xml_text(n, "regionName")));
	return 0;
}

static int ask(struct call_client *client, const char *what, json_t **ret, struct err *e)
{
	if (strcmp(what, "credentials") == 0)
		return credentials(client, ret, e);
	if (strcmp(what, "identity") == 0)
		return identity(client, ret, e);
	return regions(client, strcmp(what, "regions") == 0 ? "DescribeRegions" : what, ret, e);
}

int main(int argc, char **argv)
{
	const char *const *env = (const char *const *)environ;
	auto_profiles struct profiles profiles = {0};
	struct call_client client = {.env = env, .profiles = &profiles, .budget = CALL_BUDGET};
	const struct credentials_sts sts = {sts_assume, &client};
	const struct credentials_source source = {env, &profiles, false, &sts};
	struct credentials_cache cache = {.source = &source};
	const char *what = argc > 1 ? argv[1] : "";
	char region[ENDPOINT_REGION_MAX];
	auto_json json_t *out = NULL;
	struct err e = ERR_INIT;
	int rc = http_setup(&e);

	client.region = region;
	client.credentials = &cache;
	if (rc == 0)
		rc = profiles_load(env, NULL, &profiles, &e);
	if (rc == 0)
		rc = endpoint_region(env, &profiles, region, &e);
	if (rc >= 0)
		rc = ask(&client, what, &out, &e);
	if (rc == 0)
		rc = json_print(out, stdout, &e);
	credentials_free(&cache.current);
	if (rc < 0)
		fprintf(stderr, "%s\n", e.msg);
	return err_exit_code(&e);
}
