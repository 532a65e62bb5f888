/* SPDX-License-Identifier: Apache-2.0 */
/* Signs what it reads: a JSON array of requests, each answered by what was signed and how
 * (tests/aws/signatures.py). */
#include "common/fs.h"
#include "common/json.h"
#include "controller/aws/sigv4.h"

#define INPUT_MAX (64 * 1024 * 1024)

static const char *text(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static int set(const json_t *j, const char *key, struct secret *ret, struct err *e)
{
	const char *value = text(j, key);

	return value ? secret_set(ret, value, strlen(value), e) : 0;
}

static int sign(const json_t *j, json_t **ret, struct err *e)
{
	const json_t *headers = json_object_get(j, "headers");
	struct sigv4_header header[SIGV4_HEADERS_MAX];
	auto_secret struct secret secret = {0}, token = {0};
	auto_sigv4_signed struct sigv4_signed s = {0};
	const struct sigv4_key key = {text(j, "id"), &secret, &token};
	const struct sigv4_scope scope = {
		.region = text(j, "region"),
		.service = text(j, "service"),
		.time = json_integer_value(json_object_get(j, "time")),
		.flags = (unsigned)json_integer_value(json_object_get(j, "flags")),
		.expires = (unsigned)json_integer_value(json_object_get(j, "expires")),
	};
	struct sigv4_request r = {
		.method = text(j, "method"),
		.path = text(j, "path"),
		.query = text(j, "query"),
		.headers = header,
		.body = text(j, "body"),
		.body_len = json_string_length(json_object_get(j, "body")),
		.payload = text(j, "payload"),
	};
	int rc = set(j, "secret", &secret, e);

	for (; r.n_headers < json_array_size(headers); r.n_headers++) {
		const json_t *pair = json_array_get(headers, r.n_headers);

		header[r.n_headers].name = json_string_value(json_array_get(pair, 0));
		header[r.n_headers].value = json_string_value(json_array_get(pair, 1));
	}
	if (rc == 0)
		rc = set(j, "token", &token, e);
	if (rc == 0)
		rc = sigv4_sign(&r, &key, &scope, &s, e);
	if (rc == 0)
		*ret = json_pack("{s:s, s:s, s:s, s:s, s:s}", "canonical", buf_str(&s.canonical),
			"to_sign", buf_str(&s.to_sign), "signature", s.signature, "authorization",
			buf_str(&s.authorization), "query", secret_reveal(&s.query));
	return rc;
}

int main(void)
{
	auto_buf struct buf input = BUF_INIT(INPUT_MAX);
	auto_json json_t *in = NULL;
	auto_json json_t *out = json_array();
	struct err e = ERR_INIT;
	int rc = fs_read_fd(STDIN_FILENO, "standard input", &input, &e);

	if (rc == 0)
		rc = json_parse(buf_str(&input), input.len, "standard input", &in, &e);
	for (size_t i = 0; rc == 0 && i < json_array_size(in); i++) {
		json_t *one = NULL;

		rc = sign(json_array_get(in, i), &one, &e);
		if (rc == 0)
			json_array_append_new(out, one);
	}
	if (rc == 0)
		rc = json_print(out, stdout, &e);
	if (rc < 0)
		fprintf(stderr, "%s\n", e.msg);
	return err_exit_code(&e);
}
