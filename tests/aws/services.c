/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks AWS through the typed functions (tests/aws/services.py):
 *
 *     services [--dry-run] COMMAND ARGUMENT…
 *
 * What --debug-http would print goes to the file that DEBUG_HTTP names.
 */
#include "tests/aws/services.h"

#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/debug.h"
#include "controller/aws/sts.h"

#include <errno.h>
#include <string.h>

#define TIME      (60 * NSEC_PER_SEC)
#define DEBUG_MAX (64 * MIB)

uint64_t service_deadline(void)
{
	return clock_deadline(TIME);
}

static void note(void *ctx, const struct call_event *event)
{
	auto_buf struct buf text = BUF_INIT(DEBUG_MAX);

	if (debug_event(&text, event) < 0)
		abort();
	fputs(buf_str(&text), ctx);
}

static int run(struct call_client *client, char **argv, int argc, json_t **ret, struct err *e)
{
	const struct service_command *const tables[] = {
		service_ec2, service_image, service_ebs, service_others};

	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (const struct service_command *c = tables[t]; c->name; c++) {
			if (strcmp(c->name, argv[0]) == 0 && argc > c->least)
				return c->run(client, argv + 1, ret, e);
		}
	}
	return err_set(e, ERR_USAGE, EINVAL, "no command '%s', or it wants more", argv[0]);
}

/* Arguments, and NULLs behind them. */
static char **padded(char **argv, int argc, char *out[static 32])
{
	for (int i = 0; i < 28; i++)
		out[i] = i < argc ? argv[i] : NULL;
	return out;
}

static int ask(struct call_client *client, char **argv, int argc, json_t **ret, struct err *e)
{
	char *args[32] = {NULL};
	int rc;

	if (argc > 1 && strcmp(argv[0], "--dry-run") == 0) {
		client->dry_run = true;
		argv++;
		argc--;
	}
	rc = run(client, padded(argv, argc, args), argc, ret, e);
	if (rc == 1)
		*ret = json_pack("{s:b}", "allowed", 1);
	else if (rc == 0 && !*ret)
		*ret = json_object();
	return rc < 0 ? rc : 0;
}

int main(int argc, char **argv)
{
	const char *const *env = (const char *const *)environ;
	auto_profiles struct profiles profiles = {0};
	struct call_client client = {.env = env, .profiles = &profiles, .budget = CALL_BUDGET};
	const struct credentials_sts sts = {sts_assume, &client};
	const struct credentials_source source = {env, &profiles, false, &sts};
	struct credentials_cache cache = {.source = &source};
	auto_file FILE *debug = getenv("DEBUG_HTTP") ? fopen(getenv("DEBUG_HTTP"), "ae") : NULL;
	char region[ENDPOINT_REGION_MAX];
	auto_json json_t *out = NULL;
	struct err e = ERR_INIT;
	int rc = http_setup(&e);

	client.region = region;
	client.credentials = &cache;
	client.observe = debug ? note : NULL;
	client.observer = debug;
	if (rc == 0)
		rc = profiles_load(env, NULL, &profiles, &e);
	if (rc == 0)
		rc = endpoint_region(env, &profiles, region, &e);
	if (rc >= 0)
		rc = argc > 1 ? ask(&client, argv + 1, argc - 1, &out, &e) : -1;
	if (rc == 0)
		rc = json_print(out, stdout, &e);
	credentials_free(&cache.current);
	if (rc < 0)
		fprintf(stderr, "%s\n", e.msg);
	return err_exit_code(&e);
}
