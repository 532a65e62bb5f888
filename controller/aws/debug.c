/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/debug.h"

#include "controller/aws/debug_private.h"

#include <string.h>
#include <strings.h>

#define HEADER_LINE 4096
#define BINARY      "application/octet-stream"

/* Of names, in small letters. */
static const char *const secret_parts[] = {"secret", "password", "passphrase", "privatekey",
	"private_key", "keymaterial", "token", "authorization", "userdata", "signature",
	"assertion", "canonicalrequest", "stringtosign", "cookie", "api_key", "apikey"};
static const char *const secret_names[] = {"output", "credential"};

/* They hold "token" and give access to nothing. */
static const char *const open_names[] = {"clienttoken", "nexttoken", "clientrequesttoken",
	"paginationtoken", "continuationtoken", "nextcontinuationtoken", "httptokens",
	"signatureversion"};

/* Headers that are shown whole. */
static const char *const open_headers[] = {"Host", "Content-Type", "Content-Length", "X-Amz-Target",
	"X-Amz-Date", "X-Amz-Content-Sha256", "Range", "If-Match", "If-None-Match"};

static bool is_among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

bool debug_is_secret(const char *name)
{
	if (is_among(name, open_names, ARRAY_LEN(open_names)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(secret_parts); i++) {
		if (strcasestr(name, secret_parts[i]))
			return true;
	}
	return is_among(name, secret_names, ARRAY_LEN(secret_names));
}

/* What a terminal might act on is no part of a text. */
static int add_clean(struct buf *out, const char *text, size_t len)
{
	size_t from = out->len;
	int rc = buf_add(out, text, len);

	for (size_t i = from; rc == 0 && i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			out->data[i] = '?';
	}
	return rc;
}

int debug_lines(struct buf *out, const char *mark, const char *text)
{
	int rc = 0;

	while (rc == 0 && *text) {
		size_t len = strcspn(text, "\n");

		rc = buf_adds(out, mark);
		if (rc == 0)
			rc = add_clean(out, text, len);
		if (rc == 0)
			rc = buf_adds(out, "\n");
		text += len + (text[len] == '\n');
	}
	return rc;
}

/* The parameters of a query, one by one. */
static int add_query(struct buf *line, const char *query)
{
	int rc = 0;

	for (const char *sep = "?"; rc == 0 && *query; sep = "&") {
		size_t len = strcspn(query, "&"), name = strcspn(query, "=&");
		char text[128];

		snprintf(text, sizeof(text), "%.*s", (int)name, query);
		rc = buf_adds(line, sep);
		if (rc == 0 && debug_is_secret(text))
			rc = buf_addf(line, "%s=" DEBUG_HIDDEN, text);
		else if (rc == 0)
			rc = buf_add(line, query, len);
		query += len + (query[len] == '&');
	}
	return rc;
}

static int add_request_line(struct buf *out, const struct call_event *event)
{
	auto_buf struct buf line = BUF_INIT(64 * 1024);
	const struct call *c = event->call;
	size_t path = strcspn(event->url, "?");
	int rc = buf_addf(&line, "%s ", c->method ? c->method : "POST");

	if (rc == 0)
		rc = buf_add(&line, event->url, path);
	if (rc == 0 && event->url[path])
		rc = add_query(&line, event->url + path + 1);
	if (rc == 0 && event->tries > 1)
		rc = buf_addf(&line, " (try %u)", event->tries);
	return rc == 0 ? debug_lines(out, "> ", buf_str(&line)) : rc;
}

/* Of the authorization all but its last part, which is the signature. */
static int add_header(struct buf *out, const char *header)
{
	static const char authorization[] = "Authorization: AWS4-HMAC-SHA256 ";
	char name[64], line[HEADER_LINE];
	size_t len = strcspn(header, ":");
	const char *signature = strstr(header, "Signature=");

	snprintf(name, sizeof(name), "%.*s", (int)len, header);
	if (is_among(name, open_headers, ARRAY_LEN(open_headers)))
		return debug_lines(out, "> ", header);
	if (strncmp(header, authorization, strlen(authorization)) == 0 && signature)
		snprintf(line, sizeof(line), "%.*sSignature=" DEBUG_HIDDEN,
			(int)(signature - header), header);
	else
		snprintf(line, sizeof(line), "%s: " DEBUG_HIDDEN, name);
	return debug_lines(out, "> ", line);
}

static int add_sent(struct buf *out, const struct call_event *event)
{
	const struct call *c = event->call;
	int rc = add_request_line(out, event);

	for (const char *const *h = event->headers; rc == 0 && h && *h; h++)
		rc = add_header(out, *h);
	if (rc < 0 || c->body_len == 0)
		return rc;
	if (c->type && strncmp(c->type, "application/x-www-form-urlencoded", 33) == 0)
		return debug_form(out, "> ", c->body, c->body_len);
	if (c->service == ENDPOINT_S3 || (c->type && strcmp(c->type, BINARY) == 0))
		return debug_length(out, "> ", c->body_len);
	return debug_body(out, "> ", c->body, c->body_len);
}

static int add_answer(struct buf *out, const struct call_event *event)
{
	const struct http_response *r = event->answer;
	char line[128];
	int rc;

	snprintf(line, sizeof(line), "%u %s", r->status, r->content_type);
	rc = debug_lines(out, "< ", line);
	if (rc < 0 || r->body.len == 0)
		return rc;
	/* An object is its owner's affair. */
	if (event->call->service == ENDPOINT_S3 && r->status < 300)
		return debug_length(out, "< ", r->body.len);
	return debug_body(out, "< ", buf_str(&r->body), r->body.len);
}

int debug_event(struct buf *out, const struct call_event *event)
{
	switch (event->what) {
	case CALL_SENT:
		return add_sent(out, event);
	case CALL_ANSWERED:
		return add_answer(out, event);
	default:
		return debug_lines(out, "! ", event->failure->msg);
	}
}
