/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical forms of path, query and headers. */
#include "controller/aws/sigv4_private.h"
#include "controller/aws/uri.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\n\v\f"

/* Hop-by-hop headers, and those that proxies, load balancers and libcurl write anew. */
static const char *const unsigned_headers[] = {"authorization", "connection", "expect",
	"keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
	"transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id"};

static bool is_signed(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(unsigned_headers); i++) {
		if (strcasecmp(name, unsigned_headers[i]) == 0)
			return false;
	}
	return true;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Behind those of the same name: their values are joined in the order of the request. */
static void insert(struct sigv4_headers *h, struct sigv4_header new)
{
	size_t at = h->n++;

	for (; at > 0 && strcmp(h->header[at - 1].name, new.name) > 0; at--)
		h->header[at] = h->header[at - 1];
	h->header[at] = new;
}

static size_t names_size(const struct sigv4_header *h, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += strlen(h[i].name) + 1;
	return size;
}

static char *add_all(
	struct sigv4_headers *to, char *names, const struct sigv4_header *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *name = names;

		if (!is_signed(from[i].name))
			continue;
		for (const char *c = from[i].name; *c; c++)
			*names++ = lower(*c);
		*names++ = '\0';
		insert(to, (struct sigv4_header){name, from[i].value});
	}
	return names;
}

int sigv4_headers_make(const struct sigv4_request *r, const struct sigv4_header *extra,
	size_t n_extra, struct sigv4_headers *ret, struct err *e)
{
	char *names;

	*ret = (struct sigv4_headers){0};
	if (r->n_headers + n_extra > SIGV4_HEADERS_MAX)
		return err_set(
			e, ERR_DATA, EFBIG, "more than %d headers to sign", SIGV4_HEADERS_MAX);
	ret->names = malloc(names_size(r->headers, r->n_headers) + names_size(extra, n_extra) + 1);
	if (!ret->names)
		return err_oom(e);
	names = add_all(ret, ret->names, r->headers, r->n_headers);
	add_all(ret, names, extra, n_extra);
	return 0;
}

void sigv4_headers_free(struct sigv4_headers *h)
{
	free(h->names);
	h->names = NULL;
	h->n = 0;
}

/* Without the blanks around it; one for several within. */
static int add_trimmed(struct buf *out, const char *value)
{
	const char *p = value + strspn(value, BLANKS);
	int rc = 0;

	while (rc == 0 && *p) {
		size_t word = strcspn(p, BLANKS);

		rc = buf_add(out, p, word);
		p += word;
		p += strspn(p, BLANKS);
		if (rc == 0 && *p)
			rc = buf_adds(out, " ");
	}
	return rc;
}

static bool same_name(const struct sigv4_headers *h, size_t i)
{
	return i > 0 && i < h->n && strcmp(h->header[i - 1].name, h->header[i].name) == 0;
}

int sigv4_headers_canonical(const struct sigv4_headers *h, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < h->n; i++) {
		rc = same_name(h, i) ? buf_adds(out, ",") : buf_addf(out, "%s:", h->header[i].name);
		if (rc == 0)
			rc = add_trimmed(out, h->header[i].value);
		if (rc == 0 && !same_name(h, i + 1))
			rc = buf_adds(out, "\n");
	}
	return rc;
}

int sigv4_headers_signed(const struct sigv4_headers *h, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < h->n; i++) {
		if (!same_name(h, i))
			rc = buf_addf(out, "%s%s", i ? ";" : "", h->header[i].name);
	}
	return rc;
}

/* Cuts the last segment off, never the leading '/'. */
static void go_up(struct buf *path)
{
	while (path->len > 1 && path->data[path->len - 1] != '/')
		path->len--;
	if (path->len > 1)
		path->len--;
	path->data[path->len] = '\0';
}

/* RFC 3986, "Remove Dot Segments", and no empty ones; a '/' at the end stays where there is
 * something before it. */
static int normalize(const char *path, struct buf *out)
{
	size_t path_len = strlen(path);
	int rc = buf_adds(out, "/");

	for (const char *p = path + strspn(path, "/"); rc == 0 && *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			go_up(out);
		} else if (len != 1 || p[0] != '.') {
			if (out->len > 1)
				rc = buf_adds(out, "/");
			if (rc == 0)
				rc = buf_add(out, p, len);
		}
		p += len;
	}
	if (rc == 0 && out->len > 1 && path[path_len - 1] == '/')
		rc = buf_adds(out, "/");
	return rc;
}

/* However a segment was encoded, encoded anew: "%2F" is no '/'. */
static int encode_once(struct buf *out, const char *path)
{
	int rc = 0;

	for (const char *p = path; rc == 0 && *p;) {
		auto_buf struct buf plain = BUF_INIT(SIGV4_MAX);
		size_t len = strcspn(p, "/");

		rc = uri_decode(&plain, p, len);
		if (rc == 0)
			rc = uri_encode(out, buf_str(&plain), plain.len, "");
		p += len;
		if (rc == 0 && *p)
			rc = buf_add(out, p++, 1);
	}
	return rc;
}

int sigv4_path_canonical(const char *path, unsigned flags, struct buf *out)
{
	auto_buf struct buf normal = BUF_INIT(SIGV4_MAX);
	int rc = flags & SIGV4_NO_NORMALIZE ? buf_adds(&normal, path) : normalize(path, &normal);

	if (rc < 0)
		return rc;
	return flags & SIGV4_SINGLE_ENCODE ? encode_once(out, buf_str(&normal))
					   : uri_encode(out, buf_str(&normal), normal.len, "/");
}

struct pair {
	size_t name, value; /* offsets in the text of all */
};

static int compare(const void *left, const void *right, void *text)
{
	const struct pair *a = left, *b = right;
	const char *t = text;
	int names = strcmp(t + a->name, t + b->name);

	return names ? names : strcmp(t + a->value, t + b->value);
}

/* However it was encoded, encoded anew, and a NUL behind it. */
static int add_encoded(struct buf *text, const char *p, size_t len, size_t *ret_at)
{
	auto_secret_buf struct buf plain = BUF_INIT(SIGV4_MAX);
	int rc = uri_decode(&plain, p, len);

	*ret_at = text->len;
	if (rc == 0)
		rc = uri_encode(text, buf_str(&plain), plain.len, "");
	return rc == 0 ? buf_add(text, "", 1) : rc;
}

static int split(const char *query, struct buf *text, struct pair *pairs, size_t *ret_n)
{
	size_t n = 0;
	int rc = 0;

	for (const char *p = query; rc == 0 && *p; p += *p == '&') {
		size_t len = strcspn(p, "&");
		const char *equals = memchr(p, '=', len);
		size_t name = equals ? (size_t)(equals - p) : len;

		if (n == SIGV4_QUERY_MAX)
			return -E2BIG;
		rc = add_encoded(text, p, name, &pairs[n].name);
		if (rc == 0)
			rc = equals ? add_encoded(text, equals + 1, len - name - 1, &pairs[n].value)
				    : add_encoded(text, "", 0, &pairs[n].value);
		n += len > 0;
		p += len;
	}
	*ret_n = n;
	return rc;
}

int sigv4_query_canonical(const char *query, struct buf *out)
{
	auto_secret_buf struct buf text = BUF_INIT(SIGV4_MAX);
	struct pair pairs[SIGV4_QUERY_MAX];
	size_t n = 0;
	int rc = split(query, &text, pairs, &n);

	if (rc < 0)
		return rc;
	qsort_r(pairs, n, sizeof(*pairs), compare, text.data);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = buf_addf(out, "%s%s=%s", i ? "&" : "", text.data + pairs[i].name,
			text.data + pairs[i].value);
	return rc;
}
