/* SPDX-License-Identifier: Apache-2.0 */
/* The providers, one by one and in their order; STS is a fake, the services are servers here. */
#include "common/clock.h"
#include "common/http.h"
#include "common/num.h"
#include "controller/aws/credentials.h"
#include "controller/aws/instance.h"
#include "tests/unit/scratch.h"
#include "tests/unit/server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define SECRET "SEKRET/a+b"
#define LONG   (20 * NSEC_PER_SEC)
#define ENV    24

/* Says what it was asked: "ARN SESSION [EXTERNAL] [DURATION] with ID" is the next ID's text. */
struct fake_sts {
	char asked[4][256];
	size_t n;
};

static int fake_assume(void *ctx, const struct credentials_role *role,
	const struct credentials *with, struct credentials *ret, struct err *e)
{
	struct fake_sts *f = ctx;

	assert_true(f->n < ARRAY_LEN(f->asked));
	assert_in_range(clock_left(role->deadline), 1, LONG);
	snprintf(f->asked[f->n++], sizeof(f->asked[0]), "%s %s %s %s %s", role->arn, role->session,
		role->external_id ? role->external_id : "-", role->duration ? role->duration : "-",
		role->web_token ? secret_reveal(role->web_token) : with->id);
	if (strcmp(role->arn, "arn:refused") == 0)
		return err_set(e, ERR_REMOTE, EACCES, "AccessDenied");
	snprintf(ret->id, sizeof(ret->id), "ASIA%zu", f->n);
	ret->expires = 4000000000;
	return secret_set(&ret->secret, SECRET, strlen(SECRET), e);
}

/* One question: files and environment. */
#define CHOSEN "CHOSEN=" /* the profile was named by an option */
struct question {
	const char *config, *credentials;
	const char *env[6];
};

struct answer {
	struct credentials found;
	struct fake_sts sts;
	struct err e;
	int rc;
};

static void answer_free(struct answer *a)
{
	credentials_free(&a->found);
}

#define auto_answer __attribute__((cleanup(answer_free)))

static void ask(const struct scratch *t, const struct question *q, struct answer *ret)
{
	char *env[ENV] = {0};
	auto_profiles struct profiles p = {0};
	const struct credentials_sts sts = {fake_assume, &ret->sts};
	size_t n = 0;
	bool chosen;

	*ret = (struct answer){0};
	scratch_write(t, ".aws/config", q->config ? q->config : "");
	scratch_write(t, ".aws/credentials", q->credentials ? q->credentials : "");
	assert_true(asprintf(&env[n++], "HOME=%s", t->path) > 0);
	assert_true(asprintf(&env[n++], "PATH=%s", getenv("PATH")) > 0);
	for (size_t i = 0; i < ARRAY_LEN(q->env) && q->env[i]; i++)
		assert_non_null(env[n++] = strdup(q->env[i]));
	chosen = n > 0 && strcmp(env[n - 1], CHOSEN) == 0;
	assert_non_null(env[n++] = strdup("AWS_EC2_METADATA_DISABLED=true"));
	ret->rc = profiles_load((const char *const *)env, NULL, &p, &ret->e);
	if (ret->rc == 0)
		ret->rc = credentials_find(
			&(struct credentials_source){(const char *const *)env, &p, chosen, &sts},
			clock_deadline(LONG), &ret->found, &ret->e);
	for (size_t i = 0; i < n; i++)
		free(env[i]);
	if (strstr(ret->e.msg, "SEKRET") || strstr(ret->e.msg, "TOKEN/1"))
		fail_msg("a secret is in '%s'", ret->e.msg);
}

#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = " SECRET "\n"
#define ENV_KEYS "AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=" SECRET

/* clang-format off */
static const struct {
	const char *name;
	struct question q;
	const char *id, *token, *provider;
	int64_t expires;
} found[] = {
	{"environment", {NULL, NULL, {ENV_KEYS}}, "AKENV", "", "environment", 0},
	{"environment with a token", {NULL, NULL,
		{ENV_KEYS, "AWS_SESSION_TOKEN=TOKEN/1",
			"AWS_CREDENTIAL_EXPIRATION=2030-01-01T02:00:00+02:00"}},
		"AKENV", "TOKEN/1", "environment", 1893456000},
	{"environment before a profile", {NULL, "[default]\n" KEYS("AKFILE"), {ENV_KEYS}},
		"AKENV", "", "environment", 0},
	{"a chosen profile before the environment",
		{NULL, "[default]\n" KEYS("AKFILE"), {ENV_KEYS, CHOSEN}}, "AKFILE", "",
		"credentials file", 0},
	{"credentials file", {NULL, "[default]\n" KEYS("AKFILE") "aws_session_token=TOKEN/1\n", {0}},
		"AKFILE", "TOKEN/1", "credentials file", 0},
	{"config file", {"[default]\n" KEYS("AKCONF"), NULL, {0}}, "AKCONF", "", "config file", 0},
	{"credentials file before config file",
		{"[default]\n" KEYS("AKCONF"), "[default]\n" KEYS("AKFILE"), {0}}, "AKFILE", "",
		"credentials file", 0},
	{"AWS_PROFILE", {"[profile a b]\n[profile \"c d\"]\n" KEYS("AKCD"), NULL, {"AWS_PROFILE=c d"}},
		"AKCD", "", "config file", 0},
	{"process", {"[default]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"AKPROC\","
		"\"SecretAccessKey\":\"" SECRET "\",\"SessionToken\":\"TOKEN/1\","
		"\"Expiration\":\"2030-01-01T00:00:00Z\"}'", NULL, {0}},
		"AKPROC", "TOKEN/1", "credential_process", 1893456000},
	{"process, for ever", {"[default]\ncredential_process = printf '{\"Version\":1,"
		"\"AccessKeyId\":\"AKPROC\",\"SecretAccessKey\":\"" SECRET "\"}'", NULL, {0}},
		"AKPROC", "", "credential_process", 0},
	{"keys before a process", {"[default]\ncredential_process = false\n",
		"[default]\n" KEYS("AKFILE"), {0}}, "AKFILE", "", "credentials file", 0},
	{"role before keys", {"[default]\nrole_arn=arn:1\nsource_profile=default\n" KEYS("AKCONF"),
		NULL, {0}}, "ASIA1", "", "role", 4000000000},
};
/* clang-format on */

static void test_found(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(found); i++) {
		auto_answer struct answer a;

		ask(*state, &found[i].q, &a);
		if (a.rc < 0)
			fail_msg("%s: %s", found[i].name, a.e.msg);
		assert_string_equal(a.found.id, found[i].id);
		assert_string_equal(a.found.provider, found[i].provider);
		assert_string_equal(secret_reveal(&a.found.secret), SECRET);
		assert_string_equal(secret_reveal(&a.found.token), found[i].token);
		assert_int_equal(a.found.expires, found[i].expires);
	}
}

/* clang-format off */
static const struct {
	const char *name;
	struct question q;
	enum err_kind kind;
	const char *says[3]; /* all of them in the message */
} refused[] = {
	{"nothing", {0}, ERR_CONFIG, {"no credentials", "'default'", "aws configure"}},
	{"half of a pair", {NULL, NULL, {"AWS_ACCESS_KEY_ID=AK"}}, ERR_CONFIG,
		{"by environment", "AWS_SECRET_ACCESS_KEY is not"}},
	{"half in a file", {NULL, "[default]\naws_access_key_id=AK\n", {0}}, ERR_CONFIG,
		{"by credentials file", "/.aws/credentials'", "aws_secret_access_key"}},
	{"an ID that is none", {NULL, NULL, {"AWS_ACCESS_KEY_ID=a b", "AWS_SECRET_ACCESS_KEY=x"}},
		ERR_CONFIG, {"environment", "ID"}},
	{"a date that is none", {NULL, NULL, {ENV_KEYS, "AWS_CREDENTIAL_EXPIRATION=soon"}}, ERR_DATA,
		{"AWS_CREDENTIAL_EXPIRATION", "'soon'"}},
	{"no such profile", {NULL, "[a]\n", {"AWS_PROFILE=b"}}, ERR_CONFIG, {"profile 'b'", "/.aws/config"}},
	{"a file that is wrong", {"[default]\naws_secret_access_key " SECRET "\n", NULL, {0}}, ERR_CONFIG,
		{"/.aws/config:2", "neither"}},
	{"process that fails", {"[default]\ncredential_process = false\n", NULL, {0}}, ERR_REMOTE,
		{"credential_process", "status 1"}},
	{"process that is not there", {"[default]\ncredential_process = /absent/x\n", NULL, {0}}, ERR_SYSTEM,
		{"credential_process", "'/absent/x'"}},
	{"process that a shell would read", {"[default]\ncredential_process = a | b\n", NULL, {0}},
		ERR_CONFIG, {"credential_process"}},
	{"process of another version", {"[default]\ncredential_process = printf '{\"Version\":2,"
		"\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"" SECRET "\"}'\n", NULL, {0}}, ERR_DATA,
		{"credential_process", "Version"}},
	{"process with half of it", {"[default]\ncredential_process = printf '{\"Version\":1,"
		"\"SecretAccessKey\":\"" SECRET "\"}'\n", NULL, {0}}, ERR_DATA, {"'AccessKeyId'"}},
	{"process that prints no JSON", {"[default]\ncredential_process = printf " SECRET "\n", NULL, {0}},
		ERR_DATA, {"what it prints"}},
	{"role without a source", {"[default]\nrole_arn=arn:1\n", NULL, {0}}, ERR_CONFIG,
		{"by role", "source_profile or credential_source"}},
	{"role with two sources", {"[default]\nrole_arn=arn:1\nsource_profile=a\ncredential_source=Environment\n"
		"[profile a]\n", NULL, {0}}, ERR_CONFIG, {"exclude each other"}},
	{"a source that is not there", {"[default]\nrole_arn=arn:1\nsource_profile=b\n", NULL, {0}},
		ERR_CONFIG, {"'default'", "'b'"}},
	{"a source without keys", {"[default]\nrole_arn=arn:1\nsource_profile=b\n[profile b]\nregion=x\n",
		NULL, {0}}, ERR_CONFIG, {"'b'", "no credentials"}},
	{"a circle", {"[default]\nrole_arn=arn:1\nsource_profile=b\n"
		"[profile b]\nrole_arn=arn:2\nsource_profile=default\n", NULL, {0}}, ERR_CONFIG, {"'b'", "'default'"}},
	{"a role that is its own source", {"[default]\nrole_arn=arn:1\nsource_profile=default\n", NULL, {0}},
		ERR_CONFIG, {"leads back"}},
	{"a source of another name", {"[default]\nrole_arn=arn:1\ncredential_source=Moon\n", NULL, {0}},
		ERR_CONFIG, {"'Moon'", "EcsContainer"}},
	{"an empty source", {"[default]\nrole_arn=arn:1\ncredential_source=Environment\n", NULL, {0}},
		ERR_CONFIG, {"'Environment'", "no credentials"}},
	{"a role that wants a code", {"[default]\nrole_arn=arn:1\nsource_profile=default\nmfa_serial=x\n"
		KEYS("AK"), NULL, {0}}, ERR_CONFIG, {"mfa_serial"}},
	{"a role that is refused", {"[default]\nrole_arn=arn:refused\nsource_profile=default\n" KEYS("AK"),
		NULL, {0}}, ERR_REMOTE, {"by role", "AccessDenied"}},
	{"web identity without a role", {NULL, NULL, {"AWS_WEB_IDENTITY_TOKEN_FILE=/x"}}, ERR_CONFIG,
		{"by web identity", "'/x'", "AWS_ROLE_ARN"}},
	{"web identity without its file", {NULL, NULL,
		{"AWS_WEB_IDENTITY_TOKEN_FILE=/absent", "AWS_ROLE_ARN=arn:1"}}, ERR_SYSTEM, {"'/absent'"}},
	{"container elsewhere", {NULL, NULL, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://10.0.0.1/x"}},
		ERR_CONFIG, {"by container", "'http://10.0.0.1/x'"}},
	{"container of a name that looks right", {NULL, NULL,
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.2.example.com/"}}, ERR_CONFIG, {"container"}},
	{"container with a token of two lines", {NULL, NULL,
		{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN=TOKEN/1\r\nX: 1"}}, ERR_CONFIG, {"line break"}},
	{"SSO without a region", {"[default]\nsso_role_name=r\nsso_account_id=1\nsso_start_url=u\n", NULL, {0}},
		ERR_CONFIG, {"by SSO", "sso_region is missing"}},
	{"SSO without its session", {"[default]\nsso_role_name=r\nsso_account_id=1\nsso_session=s\n", NULL, {0}},
		ERR_CONFIG, {"[sso-session s]"}},
	{"SSO that contradicts itself", {"[default]\nsso_role_name=r\nsso_account_id=1\nsso_session=s\n"
		"sso_region=a\n[sso-session s]\nsso_region=b\nsso_start_url=u\n", NULL, {0}},
		ERR_CONFIG, {"sso_region", "'a'", "'b'"}},
	{"SSO without a login", {"[default]\nsso_role_name=r\nsso_account_id=1\nsso_region=us-east-1\n"
		"sso_start_url=https://x/never\n", NULL, {0}}, ERR_CONFIG, {"aws sso login --profile default"}},
	{"login", {"[default]\nlogin_session=x\n", NULL, {0}}, ERR_CONFIG, {"login_session"}},
};
/* clang-format on */

static void test_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		auto_answer struct answer a;

		ask(*state, &refused[i].q, &a);
		if (a.rc >= 0)
			fail_msg("%s: found by %s", refused[i].name, a.found.provider);
		if (a.e.kind != refused[i].kind || strchr(a.e.msg, '\n'))
			fail_msg("%s: kind %d: %s", refused[i].name, a.e.kind, a.e.msg);
		for (size_t k = 0; k < 3 && refused[i].says[k]; k++) {
			if (!strstr(a.e.msg, refused[i].says[k]))
				fail_msg("%s: %s", refused[i].name, a.e.msg);
		}
		assert_false(secret_is_set(&a.found.secret));
	}
}

static void test_roles(void **state)
{
	static const struct question chained = {
		"[profile top]\nrole_arn=arn:top\nsource_profile=mid\nrole_session_name=me\n"
		"external_id=ext\nduration_seconds=900\n"
		"[profile mid]\nrole_arn=arn:mid\nsource_profile=base\nduration_seconds=1h\n",
		"[base]\n" KEYS("AKBASE"), {"AWS_PROFILE=top"}};
	static const struct question named = {
		"[default]\nrole_arn=arn:1\ncredential_source=Environment\n", NULL,
		{ENV_KEYS, CHOSEN}};
	auto_answer struct answer a, b;

	ask(*state, &chained, &a);
	assert_int_equal(a.rc, 0);
	assert_string_equal(a.sts.asked[0], "arn:mid shared-prep - - AKBASE");
	assert_string_equal(a.sts.asked[1], "arn:top me ext 900 ASIA1");
	assert_string_equal(a.found.id, "ASIA2");
	assert_string_equal(a.found.provider, "role");
	ask(*state, &named, &b);
	assert_int_equal(b.rc, 0);
	assert_string_equal(b.sts.asked[0], "arn:1 shared-prep - - AKENV");
}

static void test_web_identity(void **state)
{
	const struct scratch *t = *state;
	char file[128];
	const struct question q = {
		"[default]\nrole_session_name=conf\n", NULL, {file, "AWS_ROLE_ARN=arn:env"}};
	const struct question of_profile = {
		"[default]\nweb_identity_token_file=~/token\nrole_arn=arn:conf\n", NULL, {0}};
	auto_answer struct answer a, b;

	snprintf(file, sizeof(file), "AWS_WEB_IDENTITY_TOKEN_FILE=%s/token", t->path);
	scratch_write(t, "token", "eyJ.x.y\n");
	ask(t, &q, &a);
	if (a.rc < 0)
		fail_msg("%s", a.e.msg);
	assert_string_equal(a.sts.asked[0], "arn:env conf - - eyJ.x.y");
	assert_string_equal(a.found.provider, "web identity");
	ask(t, &of_profile, &b);
	assert_int_equal(b.rc, 0);
	assert_string_equal(b.sts.asked[0], "arn:conf shared-prep - - eyJ.x.y");
}

#define JSON(text) "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" text
#define STATUS(n)  "HTTP/1.1 " #n " X\r\nContent-Length: 0\r\n\r\n"
#define ROLE(id)                                                                                   \
	JSON("{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"" SECRET      \
	     "\",\"Token\":\"TOKEN/1\",\"Expiration\":\"2030-01-01T00:00:00Z\"}")

static const struct {
	const char *answer[4];
	const char *id; /* NULL: refused … */
	enum err_kind kind;
	const char *says;
	unsigned requests;
} container[] = {
	{{ROLE("AKCONT")}, "AKCONT", ERR_NONE, NULL, 1},
	{{STATUS(503), SERVER_CLOSE, ROLE("AKCONT")}, "AKCONT", ERR_NONE, NULL, 3},
	{{STATUS(503)}, NULL, ERR_TRANSIENT, "status 503", 3},
	{{STATUS(403)}, NULL, ERR_REMOTE, "status 403", 1},
	{{JSON("<html>")}, NULL, ERR_DATA, "the answer", 1},
	{{JSON("{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"" SECRET "\"}")}, NULL, ERR_DATA,
		"'Token'", 1},
	{{JSON("[]")}, NULL, ERR_DATA, "'AccessKeyId'", 1},
	{{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"}, NULL, ERR_TRANSIENT, "cut", 3},
};

static void test_container(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(container); i++) {
		auto_answer struct answer a;
		char url[128];
		const struct question q = {
			NULL, NULL, {url, "AWS_CONTAINER_AUTHORIZATION_TOKEN=TOKEN/1"}};
		struct server s;

		server_start(&s, container[i].answer);
		snprintf(url, sizeof(url), "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s/x?y", s.url);
		ask(*state, &q, &a);
		server_stop(&s);
		if ((a.rc == 0) != (container[i].id != NULL) || a.e.kind != container[i].kind ||
			s.requests != container[i].requests)
			fail_msg("row %zu, %u requests: %s", i, s.requests, a.e.msg);
		assert_non_null(strstr(s.last, "GET /x?y HTTP/1.1\r\n"));
		assert_non_null(strstr(s.last, "\r\nAuthorization: TOKEN/1\r\n"));
		if (a.rc == 0)
			assert_string_equal(a.found.id, container[i].id);
		else if (!strstr(a.e.msg, container[i].says) || !strstr(a.e.msg, s.url))
			fail_msg("row %zu: %s", i, a.e.msg);
	}
}

static void test_container_token_file(void **state)
{
	static const char *const answer[] = {ROLE("AKCONT"), NULL};
	const struct scratch *t = *state;
	auto_answer struct answer a;
	char url[128], file[128];
	const struct question q = {
		NULL, NULL, {url, file, "AWS_CONTAINER_AUTHORIZATION_TOKEN=other"}};
	struct server s;

	scratch_write(t, "auth", "TOKEN/1\n");
	server_start(&s, answer);
	snprintf(url, sizeof(url), "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s/", s.url);
	snprintf(file, sizeof(file), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s/auth", t->path);
	ask(t, &q, &a);
	server_stop(&s);
	assert_int_equal(a.rc, 0);
	assert_non_null(strstr(s.last, "\r\nAuthorization: TOKEN/1\r\n"));
}

static void test_sso(void **state)
{
	static const char *const answers[] = {STATUS(500),
		JSON("{\"roleCredentials\":{\"accessKeyId\":\"AKSSO\",\"secretAccessKey\":\"" SECRET
		     "\",\"sessionToken\":\"TOKEN/1\",\"expiration\":1893456000000}}"),
		STATUS(401), NULL};
	const struct scratch *t = *state;
	char url[128];
	/* SHA-1 of "corp" */
	static const char session[] =
		".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
	static const char config[] =
		"[default]\nsso_session=corp\nsso_role_name=a/b\nsso_account_id=1\n"
		"[sso-session corp]\nsso_region=eu-west-1\nsso_start_url=https://x/start\n";
	const struct question q = {config, NULL, {url}};
	auto_answer struct answer a, b, c;
	struct server s;

	scratch_write(t, session,
		"{\"accessToken\":\"TOKEN/1\",\"expiresAt\":\"2099-01-01T00:00:00UTC\"}");
	server_start(&s, answers);
	snprintf(url, sizeof(url), "AWS_ENDPOINT_URL_SSO=%s", s.url);
	ask(t, &q, &a);
	if (a.rc < 0)
		fail_msg("%s", a.e.msg);
	assert_string_equal(a.found.id, "AKSSO");
	assert_string_equal(a.found.provider, "SSO");
	assert_int_equal(a.found.expires, 1893456000);
	assert_non_null(
		strstr(s.last, "GET /federation/credentials?role_name=a%2Fb&account_id=1 HTTP"));
	assert_non_null(strstr(s.last, "\r\nx-amz-sso_bearer_token: TOKEN/1\r\n"));
	ask(t, &q, &b);
	server_stop(&s);
	assert_int_equal(b.e.kind, ERR_CONFIG);
	assert_non_null(strstr(b.e.msg, "aws sso login"));
	scratch_write(
		t, session, "{\"accessToken\":\"TOKEN/1\",\"expiresAt\":\"2020-01-01T00:00:00Z\"}");
	ask(t, &q, &c);
	assert_non_null(strstr(c.e.msg, "expired"));
}

static int ask_instance(
	const char *const *answers, unsigned *ret_requests, struct credentials *ret, struct err *e)
{
	auto_profiles struct profiles p = {0};
	char url[128];
	const char *env[] = {url, NULL};
	struct server s;
	int rc;

	server_start(&s, answers);
	snprintf(url, sizeof(url), "AWS_EC2_METADATA_SERVICE_ENDPOINT=%s", s.url);
	rc = profiles_load(env, NULL, &p, e);
	if (rc == 0)
		rc = credentials_find(&(struct credentials_source){.env = env, .profiles = &p},
			clock_deadline(LONG), ret, e);
	server_stop(&s);
	*ret_requests = s.requests;
	return rc;
}

/* The token is asked for anew by each question: TOKEN, list, TOKEN, role. */
static void test_instance(void **state)
{
	static const char *const good[] = {JSON("tok=="), STATUS(503), JSON("role-1\nother"),
		JSON("tok=="), ROLE("AKINST"), NULL};
	static const char *const no_role[] = {JSON("tok=="), STATUS(404), NULL};
	static const char *const old_one[] = {STATUS(403), NULL};
	static const char *const broken[] = {
		JSON("tok=="), JSON("role"), JSON("tok=="), JSON("{"), NULL};
	static const char *const page[] = {JSON("<html>"), NULL};
	auto_credentials struct credentials c = {0};
	struct err e = ERR_INIT;
	unsigned n;

	(void)state;
	if (ask_instance(good, &n, &c, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(c.id, "AKINST");
	assert_string_equal(c.provider, "instance metadata");
	assert_int_equal(n, 5);
	credentials_free(&c);
	assert_true(ask_instance(no_role, &n, &c, &e) < 0);
	assert_non_null(strstr(e.msg, "no credentials"));
	assert_true(ask_instance(old_one, &n, &c, &e) < 0);
	assert_non_null(strstr(e.msg, "no credentials"));
	assert_int_equal(n, 1);
	assert_true(ask_instance(broken, &n, &c, &e) < 0);
	assert_int_equal(e.kind, ERR_DATA);
	assert_true(ask_instance(page, &n, &c, &e) < 0);
	assert_non_null(strstr(e.msg, "no token"));
}

static void test_region(void **state)
{
	static const char *const answers[] = {
		JSON("tok=="), JSON("ap-south-2"), JSON("tok=="), JSON("A b"), NULL};
	struct profiles p = {0};
	char region[ENDPOINT_REGION_MAX] = "", url[128];
	const char *env[] = {url, NULL};
	struct err e = ERR_INIT;
	struct server s;

	(void)state;
	server_start(&s, answers);
	snprintf(url, sizeof(url), "AWS_EC2_METADATA_SERVICE_ENDPOINT=%s", s.url);
	assert_int_equal(instance_region(env, &p, clock_deadline(LONG), region, &e), 1);
	assert_string_equal(region, "ap-south-2");
	assert_non_null(strstr(s.last, "GET /latest/meta-data/placement/region HTTP"));
	assert_non_null(strstr(s.last, "X-aws-ec2-metadata-token: tok=="));
	assert_true(instance_region(env, &p, clock_deadline(LONG), region, &e) < 0);
	server_stop(&s);
	assert_int_equal(instance_region(env, &p, clock_deadline(LONG), region, &e), 0);
}

/* Anew five minutes before the end, and not before that. */
static void test_refresh(void **state)
{
	const struct scratch *t = *state;
	char home[128];
	const char *env[] = {home, NULL};
	auto_profiles struct profiles p = {0};
	struct fake_sts f = {0};
	const struct credentials_sts sts = {fake_assume, &f};
	const struct credentials_source source = {env, &p, false, &sts};
	struct credentials_cache cache = {.source = &source};
	const struct credentials *c;
	struct err e = ERR_INIT;

	snprintf(home, sizeof(home), "HOME=%s", t->path);
	scratch_write(
		t, ".aws/config", "[default]\nrole_arn=arn:1\nsource_profile=default\n" KEYS("AK"));
	scratch_write(t, ".aws/credentials", "");
	assert_int_equal(profiles_load(env, NULL, &p, &e), 0);
	assert_int_equal(credentials_get(&cache, 1, clock_deadline(LONG), &c, &e), 0);
	assert_string_equal(c->id, "ASIA1");
	assert_int_equal(
		credentials_get(&cache, 4000000000 - 301, clock_deadline(LONG), &c, &e), 0);
	assert_string_equal(c->id, "ASIA1");
	assert_int_equal(
		credentials_get(&cache, 4000000000 - 300, clock_deadline(LONG), &c, &e), 0);
	assert_string_equal(c->id, "ASIA2");
	assert_true(credentials_get(&cache, 4000000000, clock_deadline(LONG), &c, &e) < 0);
	assert_non_null(strstr(e.msg, "expired"));
	credentials_free(&cache.current);
}

static int setup(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	return http_setup(&e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found),
		TEST(test_refused),
		TEST(test_roles),
		TEST(test_web_identity),
		TEST(test_container),
		TEST(test_container_token_file),
		TEST(test_sso),
		TEST(test_instance),
		TEST(test_region),
		TEST(test_refresh),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
