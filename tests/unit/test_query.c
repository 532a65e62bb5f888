/* SPDX-License-Identifier: Apache-2.0 */
/* The query protocol against a server that answers what it is told: forms, pages, dry runs. */
#include "common/clock.h"
#include "common/num.h"
#include "controller/aws/ec2_instance.h"
#include "controller/aws/ec2_run.h"
#include "controller/aws/xml.h"
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
#define DONE ANSWER(200, "", "<DoResponse><x>1</x></DoResponse>")

static void test_form(void **state)
{
	auto_query struct query q;
	static const char *const list[] = {"a", "b c", NULL};

	(void)state;
	query_start(&q, ENDPOINT_EC2, "Do", 0, false);
	query_add(&q, "One", "x&y");
	query_add(&q, "None", NULL);
	query_add_number(&q, "Two", UINT64_MAX);
	query_add_flag(&q, "Three", false);
	query_add_list(&q, "Four", list);
	query_add_list(&q, "Five", NULL);
	query_addf(&q, "v", "Six.%d.Key", 7);
	assert_string_equal(buf_str(&q.form),
		"Action=Do&Version=2016-11-15&One=x%26y&Two=18446744073709551615&Three=false&"
		"Four.1=a&Four.2=b+c&Six.7.Key=v");
}

static void test_too_large(void **state)
{
	auto_query_answer struct query_answer a = {0};
	auto_query struct query q;
	struct err e = ERR_INIT;
	struct fixture f;

	(void)state;
	fixture_start(&f, "http://127.0.0.1:1");
	query_start(&q, ENDPOINT_EC2, "Do", clock_deadline(LONG), false);
	for (int i = 0; i < QUERY_FORM_MAX / 16; i++)
		query_add(&q, "Parameter", "0123456789abcdef");
	query_add(&q, "Last", "x");
	assert_int_equal(query_call(&f.client, &q, &a, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_DATA);
	fixture_end(&f);
}

/* clang-format off */
static const struct {
	const char *name, *answer;
	bool dry;
	int rc; /* of query_do() with "Already" */
	enum err_kind kind;
} row[] = {
	{"done", DONE, false, 0, ERR_NONE},
	{"a result within", ANSWER(200, "", "<DoResponse><DoResult/></DoResponse>"), false, 0, ERR_NONE},
	{"would be allowed", EC2(412, "DryRunOperation"), true, 1, ERR_NONE},
	{"would not be allowed", EC2(403, "UnauthorizedOperation"), true, -EREMOTEIO, ERR_REMOTE},
	{"was done all the same", DONE, true, -EPROTO, ERR_DATA},
	{"a dry run that is none", EC2(412, "DryRunOperation"), false, -EREMOTEIO, ERR_REMOTE},
	{"already so", EC2(400, "Already"), false, 0, ERR_NONE},
	{"another code", EC2(400, "Alread"), false, -EREMOTEIO, ERR_REMOTE},
	{"another action's answer", ANSWER(200, "", "<OtherResponse/>"), false, -EPROTO, ERR_DATA},
	{"a page", ANSWER(200, "", "<html><p></html>"), false, -EPROTO, ERR_DATA},
	{"nothing", ANSWER(200, "", ""), false, -EPROTO, ERR_DATA},
	{"cut", ANSWER(200, "", "<DoResponse><x>1</x></DoRes"), false, -EPROTO, ERR_DATA},
};
/* clang-format on */

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		const char *const answers[] = {row[i].answer, NULL};
		struct err e = ERR_INIT;
		struct fixture f;
		struct server s;
		struct query q;
		int rc;

		server_start(&s, answers);
		fixture_start(&f, s.url);
		f.client.dry_run = row[i].dry;
		query_start(&q, ENDPOINT_EC2, "Do", clock_deadline(LONG), true);
		rc = query_do(&f.client, &q, (const char *const[]){"Already", NULL}, &e);
		server_stop(&s);
		if (rc != row[i].rc || e.kind != row[i].kind || s.requests != 1)
			fail_msg("%s: %d, kind %d: %s", row[i].name, rc, e.kind, e.msg);
		if (row[i].dry != (strstr(s.last, "&DryRun=true") != NULL))
			fail_msg("%s: %s", row[i].name, s.last);
		query_free(&q);
		fixture_end(&f);
	}
}

#define PAGE(items, token) ANSWER(200, "", "<DoResponse><set>" items "</set>" token "</DoResponse>")
#define TOKEN(text)        "<nextToken>" text "</nextToken>"

static int count(void *ctx, const struct _xmlNode *item, struct err *e)
{
	unsigned *n = ctx;

	if (strcmp(xml_own_text(item), "bad") == 0)
		return err_set(e, ERR_DATA, EPROTO, "bad item");
	(*n)++;
	return 0;
}

/* clang-format off */
static const struct {
	const char *name;
	const char *answers[4];
	unsigned requests, items;
	const char *says; /* "": it works */
} pages[] = {
	{"one", {PAGE("<item/><item/>", "")}, 1, 2, ""},
	{"an empty token", {PAGE("<item/>", "<nextToken/>")}, 1, 1, ""},
	{"three", {PAGE("<item/>", TOKEN("a&amp;b")), PAGE("", TOKEN("2")), PAGE("<item/>", "")}, 3, 2, ""},
	{"to itself", {PAGE("<item/>", TOKEN("1"))}, 2, 2, "ec2 Do: the answer has no way to its next page"},
	{"for ever", {PAGE("", TOKEN("1")), PAGE("", TOKEN("2")), PAGE("", TOKEN("1")), PAGE("", TOKEN("1"))}, 4, 0,
		"no way to its next page"},
	{"no set", {ANSWER(200, "", "<DoResponse/>")}, 1, 0, "ec2 Do: the answer has no set"},
	{"a bad item", {PAGE("<item/><item>bad</item><item/>", TOKEN("1"))}, 1, 1, "ec2 Do: bad item"},
	{"refused", {PAGE("<item/>", TOKEN("1")), EC2(400, "InvalidPaginationToken")}, 2, 1, "InvalidPaginationToken"},
};
/* clang-format on */

static void test_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		unsigned items = 0;
		const struct query_pages p = {"set", count, &items};
		struct err e = ERR_INIT;
		struct fixture f;
		struct server s;
		struct query q;
		int rc;

		server_start(&s, pages[i].answers);
		fixture_start(&f, s.url);
		query_start(&q, ENDPOINT_EC2, "Do", clock_deadline(LONG), false);
		rc = query_list(&f.client, &q, &p, &e);
		server_stop(&s);
		if ((rc < 0) != (*pages[i].says != '\0') || !strstr(e.msg, pages[i].says) ||
			items != pages[i].items || s.requests != pages[i].requests)
			fail_msg("%s: %d, %u items, %u requests: %s", pages[i].name, rc, items,
				s.requests, e.msg);
		/* The token is that of the page before, and there is one of it. */
		if (strcmp(pages[i].name, "three") == 0)
			assert_non_null(strstr(s.last, "Version=2016-11-15&NextToken=2"));
		query_free(&q);
		fixture_end(&f);
	}
}

/* Nothing of the form stays behind in memory that is given back: the user data has keys in it. */
static void test_run_form(void **state)
{
	static const char *const answers[] = {EC2(500, "InsufficientInstanceCapacity"), NULL};
	static const char *const groups[] = {"sg-1", NULL};
	auto_secret struct secret data = {0};
	struct ec2_instance i;
	struct ec2_run run = {.token = "t",
		.type = "c7a.large",
		.image = "ami-1",
		.subnet = "subnet-1",
		.groups = groups,
		.root = "/dev/xvda",
		.volume = 8 * GIB,
		.user_data = &data,
		.deadline = clock_deadline(LONG)};
	auto_free char *large = calloc(1, EC2_USER_DATA_MAX + 1);
	struct err e = ERR_INIT;
	struct fixture f;
	struct server s;

	(void)state;
	memset(large, 0xff, EC2_USER_DATA_MAX + 1);
	server_start(&s, answers);
	fixture_start(&f, s.url);
	assert_int_equal(secret_set(&data, large, EC2_USER_DATA_MAX + 1, &e), 0);
	assert_int_equal(ec2_run(&f.client, &run, &i, &e), -EFBIG);
	assert_int_equal(secret_set(&data, large, EC2_USER_DATA_MAX, &e), 0);
	assert_int_equal(ec2_run(&f.client, &run, &i, &e), -EREMOTEIO);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_string_equal(f.client.fault.code, "InsufficientInstanceCapacity");
	server_stop(&s);
	assert_int_equal(s.requests, 1);
	fixture_end(&f);
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
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_run_form),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
