/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: the vectors of the environment's VECTORS, the examples of AWS's documents, and what
 * cannot be signed. */
#include "common/date.h"
#include "common/fs.h"
#include "common/json.h"
#include "controller/aws/sigv4.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#define FILE_MAX     65536
#define VECTOR_COUNT 28

/* One vector's request, cut apart in its text. */
struct parsed {
	struct sigv4_header headers[SIGV4_HEADERS_MAX];
	struct sigv4_request r;
};

static void parse(char *text, struct parsed *ret)
{
	char *body = strstr(text, "\n\n");
	char *line, *target, *end;

	*ret = (struct parsed){.r.headers = ret->headers, .r.body = ""};
	if (body) {
		body[1] = '\0';
		ret->r.body = body + 2;
		ret->r.body_len = strlen(body + 2);
	}
	line = strsep(&text, "\n");
	target = strchr(line, ' ');
	end = strstr(line, " HTTP/1.1");
	assert_non_null(target);
	assert_non_null(end);
	*target++ = *end = '\0';
	ret->r.method = line;
	ret->r.path = strsep(&target, "?");
	ret->r.query = target;
	while ((line = strsep(&text, "\n"))) {
		char *value = strchr(line, ':');

		if (!*line)
			continue;
		assert_non_null(value);
		*value++ = '\0';
		ret->headers[ret->r.n_headers++] = (struct sigv4_header){line, value};
	}
}

static void read_file(int dir, const char *name, struct buf *out)
{
	struct err e = ERR_INIT;

	if (fs_read(dir, name, out, &e) < 0)
		fail_msg("%s", e.msg);
}

static void same_as_file(
	int dir, const char *vector, const char *form, const char *what, const char *got)
{
	auto_buf struct buf want = BUF_INIT(FILE_MAX);
	char name[64];

	snprintf(name, sizeof(name), "%s-%s.txt", form, what);
	read_file(dir, name, &want);
	if (strcmp(buf_str(&want), got) != 0)
		fail_msg("%s, %s: '%s' instead of '%s'", vector, name, got, buf_str(&want));
}

/* Every header that we add stands in the signed request as the vector has it. */
static void sent_as_file(int dir, const char *vector, const struct sigv4_signed *s)
{
	auto_buf struct buf want = BUF_INIT(FILE_MAX);
	const char *const sent[] = {
		s->date, s->content_sha256, secret_reveal(&s->token), buf_str(&s->authorization)};

	read_file(dir, "header-signed-request.txt", &want);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		const char *value = strchr(sent[i], ' ');

		if (value && !strstr(buf_str(&want), value + 1))
			fail_msg("%s: '%s' is not sent", vector, sent[i]);
	}
}

static void secret_from(const json_t *object, const char *key, struct secret *ret)
{
	const char *text = json_string_value(json_object_get(object, key));
	struct err e = ERR_INIT;

	if (text)
		assert_int_equal(secret_set(ret, text, strlen(text), &e), 0);
}

static void check_form(
	int dir, const char *vector, const char *form, struct parsed *p, const json_t *context)
{
	const json_t *keys = json_object_get(context, "credentials");
	auto_secret struct secret secret = {0}, token = {0};
	auto_sigv4_signed struct sigv4_signed s = {0};
	struct sigv4_scope scope = {
		.region = json_string_value(json_object_get(context, "region")),
		.service = json_string_value(json_object_get(context, "service")),
		.expires = (unsigned)json_integer_value(
			json_object_get(context, "expiration_in_seconds")),
	};
	struct err e = ERR_INIT;

	secret_from(keys, "secret_access_key", &secret);
	secret_from(keys, "token", &token);
	assert_int_equal(date_parse(json_string_value(json_object_get(context, "timestamp")),
				 &scope.time, &e),
		0);
	if (!json_is_true(json_object_get(context, "normalize")))
		scope.flags |= SIGV4_NO_NORMALIZE;
	if (json_is_true(json_object_get(context, "sign_body")))
		scope.flags |= SIGV4_CONTENT_SHA256;
	if (json_is_true(json_object_get(context, "omit_session_token")))
		scope.flags |= SIGV4_TOKEN_AFTER;
	if (strcmp(form, "query") == 0)
		scope.flags |= SIGV4_QUERY;
	if (sigv4_sign(&p->r,
		    &(struct sigv4_key){json_string_value(json_object_get(keys, "access_key_id")),
			    &secret, &token},
		    &scope, &s, &e) < 0)
		fail_msg("%s: %s", vector, e.msg);
	same_as_file(dir, vector, form, "canonical-request", buf_str(&s.canonical));
	same_as_file(dir, vector, form, "string-to-sign", buf_str(&s.to_sign));
	same_as_file(dir, vector, form, "signature", s.signature);
	if (!(scope.flags & SIGV4_QUERY))
		sent_as_file(dir, vector, &s);
}

static void check_vector(int vectors, const char *name)
{
	auto_buf struct buf request = BUF_INIT(FILE_MAX), context = BUF_INIT(FILE_MAX);
	auto_close int dir = openat(vectors, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	auto_json json_t *j = NULL;
	struct err e = ERR_INIT;
	struct parsed p;

	assert_true(dir >= 0);
	read_file(dir, "request.txt", &request);
	read_file(dir, "context.json", &context);
	assert_int_equal(json_parse(buf_str(&context), context.len, name, &j, &e), 0);
	parse(request.data, &p);
	check_form(dir, name, "header", &p, j);
	check_form(dir, name, "query", &p, j);
}

static void test_vectors(void **state)
{
	const char *top = getenv("VECTORS");
	char path[4096];
	auto_dir DIR *d = NULL;
	size_t n = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/sigv4", top ? top : "");
	d = opendir(path);
	/* cmocka's skip() prints "not ok", which counts as a failure. */
	if (!d && !getenv("CI"))
		return;
	if (!d)
		fail_msg("no vectors in '%s'", path);
	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		check_vector(dirfd(d), entry->d_name);
		n++;
	}
	assert_true(n >= VECTOR_COUNT);
}

#define HOST                                                                                       \
	{                                                                                          \
		"Host", "examplebucket.s3.amazonaws.com"                                           \
	}
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Amazon S3 API Reference, the examples of "Authenticating Requests". */
static const struct {
	struct sigv4_header headers[4];
	const char *method, *path, *query, *body, *payload;
	unsigned flags;
	const char *signature;
} examples[] = {
	{{HOST, {"Range", "bytes=0-9"}}, "GET", "/test.txt", NULL, "", NULL, SIGV4_S3,
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
	{{HOST, {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
		 {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
		"PUT", "/test%24file.text", NULL, "Welcome to Amazon S3.", NULL, SIGV4_S3,
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
	{{HOST}, "GET", "/", "lifecycle", "", EMPTY, SIGV4_S3,
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
	{{HOST}, "GET", "/", "max-keys=2&prefix=J", "", NULL, SIGV4_S3,
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	{{HOST}, "GET", "/test.txt", NULL, "", SIGV4_UNSIGNED, SIGV4_S3 | SIGV4_QUERY,
		"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"},
};

static int sign(const struct sigv4_request *r, unsigned flags, const char *token_text,
	struct sigv4_signed *ret, struct err *e)
{
	static const char key[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
	auto_secret struct secret secret = {0}, token = {0};

	assert_int_equal(secret_set(&secret, key, strlen(key), e), 0);
	if (token_text)
		assert_int_equal(secret_set(&token, token_text, strlen(token_text), e), 0);
	return sigv4_sign(r, &(struct sigv4_key){"AKIAIOSFODNN7EXAMPLE", &secret, &token},
		&(struct sigv4_scope){"us-east-1", "s3", 1369353600, flags, 86400}, ret, e);
}

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		auto_sigv4_signed struct sigv4_signed s = {0};
		struct sigv4_request r = {
			.method = examples[i].method,
			.path = examples[i].path,
			.query = examples[i].query,
			.headers = examples[i].headers,
			.body = examples[i].body,
			.body_len = strlen(examples[i].body),
			.payload = examples[i].payload,
		};
		struct err e = ERR_INIT;

		while (r.n_headers < 4 && examples[i].headers[r.n_headers].name)
			r.n_headers++;
		assert_int_equal(sign(&r, examples[i].flags, NULL, &s, &e), 0);
		if (strcmp(s.signature, examples[i].signature) != 0)
			fail_msg("example %zu: %s", i, buf_str(&s.canonical));
	}
}

static const struct {
	const char *path;
	unsigned flags;
	const char *canonical;
} paths[] = {
	{"/", 0, "/"},
	{"//", 0, "/"},
	{"/a//b/", 0, "/a/b/"},
	{"/a/./b/../c", 0, "/a/c"},
	{"/..", 0, "/"},
	{"/../../a/..", 0, "/"},
	{"/a/..b/.c", 0, "/a/..b/.c"},
	{"/a%20b", 0, "/a%2520b"},
	{"/v1/tags/arn%3Aaws", 0, "/v1/tags/arn%253Aaws"},
	{"/a:b", 0, "/a%3Ab"},
	{"/a%20b//../c", SIGV4_S3, "/a%20b//../c"},
	{"/a+b=c@d%c3", SIGV4_S3, "/a%2Bb%3Dc%40d%C3"},
	{"/100%", SIGV4_S3, "/100%25"},
	{"/a%2fb/%2F", SIGV4_S3, "/a%2Fb/%2F"},
	{"/a/../b%20c", SIGV4_SINGLE_ENCODE, "/b%20c"},
};

static const struct {
	const char *query, *canonical;
} queries[] = {
	{NULL, ""},
	{"", ""},
	{"uploads", "uploads="},
	{"b=2&a=1", "a=1&b=2"},
	{"a-b=1&a=2&a=1", "a=1&a=2&a-b=1"},
	{"a=%2f&b=/", "a=%2F&b=%2F"},
	{"a=b=c", "a=b%3Dc"},
	{"A=1&a=2&%41=3", "A=1&A=3&a=2"},
	{"&&a=1&", "a=1"},
	{"p=a%20b+c*d~", "p=a%20b%2Bc%2Ad~"},
};

/* The second and third lines. */
static void same_lines(const char *canonical, const char *path, const char *query)
{
	char want[256];

	snprintf(want, sizeof(want), "GET\n%s\n%s\nhost:h\n", path, query);
	if (strncmp(canonical, want, strlen(want)) != 0)
		fail_msg("'%s' instead of '%s'", canonical, want);
}

static void test_canonical(void **state)
{
	static const struct sigv4_header host = {"hOST", "h"};
	struct sigv4_request r = {.method = "GET", .path = "/", .headers = &host, .n_headers = 1};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		auto_sigv4_signed struct sigv4_signed s = {0};

		r.path = paths[i].path;
		assert_int_equal(sign(&r, paths[i].flags, NULL, &s, &e), 0);
		same_lines(buf_str(&s.canonical), paths[i].canonical, "");
	}
	r.path = "/";
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		auto_sigv4_signed struct sigv4_signed s = {0};

		r.query = queries[i].query;
		assert_int_equal(sign(&r, 0, NULL, &s, &e), 0);
		same_lines(buf_str(&s.canonical), "/", queries[i].canonical);
	}
}

static void test_headers(void **state)
{
	static const struct sigv4_header headers[] = {
		{"X-Amz-A-B", " 1 "},
		{"User-Agent", "changes"},
		{"Host", "h"},
		{"X-AMZ-A", "\t2  3\t4 "},
		{"x-amz-a", "1"},
		{"Connection", "close"},
		{"X-Empty", ""},
	};
	const struct sigv4_request r = {
		.method = "GET", .path = "/", .headers = headers, .n_headers = ARRAY_LEN(headers)};
	auto_sigv4_signed struct sigv4_signed s = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(sign(&r, SIGV4_CONTENT_SHA256, "tok/en", &s, &e), 0);
	assert_string_equal(buf_str(&s.canonical),
		"GET\n/\n\nhost:h\nx-amz-a:2 3 4,1\nx-amz-a-b:1\n"
		"x-amz-content-sha256:" EMPTY "\nx-amz-date:20130524T000000Z\n"
		"x-amz-security-token:tok/en\nx-empty:\n\n"
		"host;x-amz-a;x-amz-a-b;x-amz-content-sha256;x-amz-date;x-amz-security-token;"
		"x-empty\n" EMPTY);
	assert_string_equal(secret_reveal(&s.token), "X-Amz-Security-Token: tok/en");
	assert_string_equal(s.content_sha256, "X-Amz-Content-Sha256: " EMPTY);
	assert_string_equal(s.date, "X-Amz-Date: 20130524T000000Z");
	sigv4_signed_free(&s);
	assert_int_equal(sign(&r, SIGV4_TOKEN_AFTER, "tok/en", &s, &e), 0);
	assert_null(strstr(buf_str(&s.canonical), "tok/en"));
	assert_string_equal(secret_reveal(&s.token), "X-Amz-Security-Token: tok/en");
	assert_string_equal(s.content_sha256, "");
}

static void test_query_form(void **state)
{
	static const struct sigv4_header host = {"Host", "h"};
	const struct sigv4_request r = {
		.method = "GET", .path = "/", .query = "z=1", .headers = &host, .n_headers = 1};
	auto_sigv4_signed struct sigv4_signed signed_one = {0}, after = {0};
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(sign(&r, SIGV4_QUERY, "t/k", &signed_one, &e), 0);
	assert_non_null(strstr(buf_str(&signed_one.canonical), "&X-Amz-Security-Token=t%2Fk&"));
	assert_int_equal(sign(&r, SIGV4_QUERY | SIGV4_TOKEN_AFTER, "t/k", &after, &e), 0);
	assert_null(strstr(buf_str(&after.canonical), "t%2Fk"));
	assert_string_not_equal(signed_one.signature, after.signature);
	assert_non_null(strstr(secret_reveal(&after.query),
		"z=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F"
		"20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
		"X-Amz-SignedHeaders=host&X-Amz-Expires=86400&X-Amz-Security-Token=t%2Fk&"
		"X-Amz-Signature="));
	assert_non_null(strstr(secret_reveal(&after.query), after.signature));
}

static void test_refused(void **state)
{
	static const struct sigv4_header bad[] = {
		{"A\nB", "1"}, {"", "1"}, {"A:", "1"}, {"A", "1\r\nX: 2"}};
	struct sigv4_header many[SIGV4_HEADERS_MAX];
	struct sigv4_request r = {.method = "GET", .path = "a", .headers = many};
	auto_free char *query = malloc(2 * SIGV4_QUERY_MAX + 3);
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct sigv4_request one = {
			.method = "GET", .path = "/", .headers = &bad[i], .n_headers = 1};
		auto_sigv4_signed struct sigv4_signed s = {0};

		assert_int_equal(sign(&one, 0, NULL, &s, &e), -EINVAL);
		assert_int_equal(e.kind, ERR_BUG);
	}
	auto_sigv4_signed struct sigv4_signed s = {0};
	assert_int_equal(sign(&r, 0, NULL, &s, &e), -EINVAL);
	r.path = "/";
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct sigv4_header){"A", "1"};
	r.n_headers = ARRAY_LEN(many);
	sigv4_signed_free(&s);
	assert_int_equal(sign(&r, 0, NULL, &s, &e), -EFBIG);
	r.n_headers = 1;
	sigv4_signed_free(&s);
	for (size_t i = 0; i <= SIGV4_QUERY_MAX; i++)
		memcpy(query + 2 * i, "&a", 3);
	r.query = query;
	assert_int_equal(sign(&r, 0, NULL, &s, &e), -EFBIG);
	assert_int_equal(e.kind, ERR_DATA);
	query[2 * SIGV4_QUERY_MAX] = '\0';
	sigv4_signed_free(&s);
	assert_int_equal(sign(&r, 0, NULL, &s, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_query_form),
		cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
