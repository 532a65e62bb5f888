/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/http.h"
#include "common/num.h"
#include "tests/unit/server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define BODY_MAX 64

struct one_answer {
	const char *name;
	const char *answer;
	int rc;
	enum err_kind kind;
	unsigned status;
	const char *body;
};

/* clang-format off */
static const struct one_answer answers[] = {
	{"whole", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, ERR_NONE, 200, "hello"},
	{"HTTP/1.0 until close", "HTTP/1.0 200 OK\r\n\r\nhello", 0, ERR_NONE, 200, "hello"},
	{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
		0, ERR_NONE, 200, "hello"},
	{"status 404", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 0, ERR_NONE, 404, "no"},
	{"status 503", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 0, ERR_NONE, 503, ""},
	{"redirect is not followed",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
		0, ERR_NONE, 302, ""},
	{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, ERR_NONE, 200, ""},
	{"continue first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		0, ERR_NONE, 200, "ok"},
	{"truncated", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", -EPIPE, ERR_TRANSIENT, 0, NULL},
	{"truncated chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhel",
		-EPIPE, ERR_TRANSIENT, 0, NULL},
	{"closed", SERVER_CLOSE, -EPIPE, ERR_TRANSIENT, 0, NULL},
	{"too long by its header", "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nhello",
		-EFBIG, ERR_DATA, 0, NULL},
	{"too long by its bytes", "HTTP/1.0 200 OK\r\n\r\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789",
		-EFBIG, ERR_DATA, 0, NULL},
	{"HTTP/0.9", "hello\n", -EPROTO, ERR_DATA, 0, NULL},
	{"garbage", "\x81\x82\x83\r\n\r\n\x84", -EPROTO, ERR_DATA, 0, NULL},
	{"no status", "HTTP/1.1 000 \r\nContent-Length: 0\r\n\r\n", -EPROTO, ERR_DATA, 0, NULL},
};
/* clang-format on */

static int call(const char *url, const char *method, const char *const *headers, uint64_t ns,
	struct http_response *ret, struct err *e)
{
	return http_call(
		&(struct http_request){
			.method = method,
			.url = url,
			.headers = headers,
			.connect_ns = 500 * NSEC_PER_MSEC,
			.deadline = clock_deadline(ns),
			.max_body = BODY_MAX,
		},
		ret, e);
}

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct one_answer *a = &answers[i];
		const char *const list[] = {a->answer, NULL};
		auto_http_response struct http_response r = {0};
		struct err e = ERR_INIT;
		struct server s;
		int rc;

		server_start(&s, list);
		rc = call(s.url, "GET", NULL, 5 * NSEC_PER_SEC, &r, &e);
		server_stop(&s);
		if (rc != a->rc || e.kind != a->kind)
			fail_msg("%s: %d, kind %d: %s", a->name, rc, e.kind, e.msg);
		assert_int_equal(s.requests, 1);
		if (rc < 0)
			continue;
		assert_int_equal(r.status, a->status);
		assert_string_equal(buf_str(&r.body), a->body);
	}
}

static void test_request(void **state)
{
	static const char *const list[] = {
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", NULL};
	static const char *const headers[] = {"X-One: 1", "X-Two: 2", NULL};
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	struct server s;

	(void)state;
	server_start(&s, list);
	assert_int_equal(call(s.url, "PUT", headers, NSEC_PER_SEC, &r, &e), 0);
	server_stop(&s);
	assert_string_equal(r.content_type, "text/plain");
	assert_non_null(strstr(s.last, "PUT / HTTP/1.1\r\n"));
	assert_non_null(strstr(s.last, "\r\nX-One: 1\r\nX-Two: 2\r\n"));
	assert_non_null(strstr(s.last, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(s.last, "Content-Type"));
	assert_null(strstr(s.last, "Expect"));
}

static void test_no_proxy(void **state)
{
	static const char *const list[] = {"HTTP/1.0 200 OK\r\n\r\nhello", NULL};
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	struct server s;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	server_start(&s, list);
	assert_int_equal(call(s.url, "GET", NULL, NSEC_PER_SEC, &r, &e), 0);
	server_stop(&s);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	assert_string_equal(buf_str(&r.body), "hello");
}

static void test_post(void **state)
{
	static const char *const list[] = {
		"HTTP/1.1 200 OK\r\nDATE:  Thu, 1 \r\nX-Id: a\r\nX-Id: b\r\n"
		"X-Idx: no\r\nContent-Length: 0\r\n\r\n",
		NULL};
	static const char *const headers[] = {"Content-Type: text/x", NULL};
	static const char *const wanted[] = {"Date", "x-id", "X-Absent", NULL};
	auto_http_response struct http_response r = {0};
	struct http_request q = {
		.method = "POST",
		.headers = headers,
		.connect_ns = NSEC_PER_SEC,
		.deadline = clock_deadline(5 * NSEC_PER_SEC),
		.max_body = BODY_MAX,
		.body = "a=1\0b",
		.body_len = 5,
		.wanted = wanted,
	};
	struct err e = ERR_INIT;
	struct server s;
	const char *body;

	(void)state;
	server_start(&s, list);
	q.url = s.url;
	assert_int_equal(http_call(&q, &r, &e), 0);
	server_stop(&s);
	assert_non_null(strstr(s.last, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(s.last, "\r\nContent-Type: text/x\r\n"));
	assert_non_null(strstr(s.last, "\r\nContent-Length: 5\r\n"));
	assert_null(strstr(s.last, "urlencoded"));
	assert_null(strstr(s.last, "Expect"));
	body = strstr(s.last, "\r\n\r\n");
	assert_memory_equal(body + 4, "a=1\0b", 5);
	assert_string_equal(r.header[0], "Thu, 1");
	assert_string_equal(r.header[1], "b");
	assert_string_equal(r.header[2], "");
}

static void test_proxy(void **state)
{
	static const char *const list[] = {"HTTP/1.0 200 OK\r\n\r\nhello", NULL};
	auto_http_response struct http_response r = {0}, direct = {0};
	struct http_request q = {
		.method = "GET",
		.url = "http://somewhere.invalid/x",
		.connect_ns = NSEC_PER_SEC,
		.deadline = clock_deadline(5 * NSEC_PER_SEC),
		.max_body = BODY_MAX,
	};
	struct err e = ERR_INIT;
	struct server s;

	(void)state;
	server_start(&s, list);
	q.proxy = s.url;
	assert_int_equal(http_call(&q, &r, &e), 0);
	assert_non_null(strstr(s.last, "GET http://somewhere.invalid/x HTTP/1.1\r\n"));
	q.url = s.url;
	q.proxy = "http://127.0.0.1:1";
	q.no_proxy = "a.invalid,127.0.0.1";
	assert_int_equal(http_call(&q, &direct, &e), 0);
	server_stop(&s);
	assert_non_null(strstr(s.last, "GET / HTTP/1.1\r\n"));
}

static void test_silence(void **state)
{
	static const char *const list[] = {SERVER_SILENT, NULL};
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	uint64_t start = clock_now();
	struct server s;

	(void)state;
	server_start(&s, list);
	assert_int_equal(call(s.url, "GET", NULL, 200 * NSEC_PER_MSEC, &r, &e), -ETIMEDOUT);
	server_stop(&s);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	assert_in_range(clock_now() - start, 190 * NSEC_PER_MSEC, NSEC_PER_SEC);
}

static void test_no_way(void **state)
{
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	struct server s;

	(void)state;
	server_refuse(&s);
	assert_int_equal(call(s.url, "GET", NULL, NSEC_PER_SEC, &r, &e), -ECONNREFUSED);
	assert_int_equal(e.kind, ERR_TRANSIENT);
	server_stop(&s);
	assert_int_equal(
		call("http://255.255.255.255/", "GET", NULL, NSEC_PER_SEC, &r, &e), -ENETUNREACH);
}

static void test_no_time(void **state)
{
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(call("http://127.0.0.1:1/", "GET", NULL, 0, &r, &e), -ETIMEDOUT);
}

static void test_header_flood(void **state)
{
	auto_buf struct buf text = BUF_INIT(MIB);
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;
	struct server s;

	(void)state;
	assert_int_equal(buf_adds(&text, "HTTP/1.1 200 OK\r\n"), 0);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(buf_addf(&text, "X-Number-%04d: 0123456789\r\n", i), 0);
	assert_int_equal(buf_adds(&text, "Content-Length: 0\r\n\r\n"), 0);
	const char *const list[] = {buf_str(&text), NULL};
	server_start(&s, list);
	assert_int_equal(call(s.url, "GET", NULL, 5 * NSEC_PER_SEC, &r, &e), -EPROTO);
	server_stop(&s);
	assert_int_equal(e.kind, ERR_DATA);
}

static void test_bad_requests(void **state)
{
	static const char *const split[] = {"X-One: 1\r\nX-Two: 2", NULL};
	auto_http_response struct http_response r = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(call("http://127.0.0.1:1/", "GET", split, NSEC_PER_SEC, &r, &e), -EINVAL);
	assert_int_equal(e.kind, ERR_BUG);
	assert_int_equal(call("http://[", "GET", NULL, NSEC_PER_SEC, &r, &e), -EINVAL);
	assert_int_equal(call("file:///etc/passwd", "GET", NULL, NSEC_PER_SEC, &r, &e), -EPROTO);
	assert_int_equal(call("ftp://127.0.0.1/", "GET", NULL, NSEC_PER_SEC, &r, &e), -EPROTO);
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
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_no_proxy),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_no_way),
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_header_flood),
		cmocka_unit_test(test_bad_requests),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
