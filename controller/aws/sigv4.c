/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/sigv4.h"

#include "common/date.h"
#include "controller/aws/sigv4_private.h"
#include "controller/aws/uri.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define MAC_LEN   32
#define SCOPE_MAX 256

/* Bytes of the parameters that are added, without the token; more only with very many headers. */
#define PARAMETERS_MAX 4096

/* What all parts of one signature share. */
struct work {
	const struct sigv4_request *r;
	const struct sigv4_key *key;
	const struct sigv4_scope *scope;
	char stamp[DATE_TEXT];      /* 20150830T123600Z */
	char scope_text[SCOPE_MAX]; /* 20150830/us-east-1/ec2/aws4_request */
	char payload[DIGEST_TEXT];
};

static bool has_token(const struct work *w)
{
	return w->key->token && secret_is_set(w->key->token);
}

static void headers_free(struct sigv4_headers *h)
{
	sigv4_headers_free(h);
}

#define auto_headers __attribute__((cleanup(headers_free)))

/* Buffers fail for want of memory or at their ceiling. */
static int filled(int rc, struct err *e)
{
	if (rc == -EFBIG || rc == -E2BIG)
		return err_set(e, ERR_DATA, EFBIG, "the request is too long to be signed");
	return rc < 0 ? err_oom(e) : 0;
}

static int set_times(struct work *w, struct err *e)
{
	char text[DATE_TEXT];
	size_t n = 0;
	int len;

	date_text(w->scope->time, text);
	for (const char *c = text; *c; c++) {
		if (*c != '-' && *c != ':')
			w->stamp[n++] = *c;
	}
	w->stamp[n] = '\0';
	len = snprintf(w->scope_text, sizeof(w->scope_text), "%.8s/%s/%s/aws4_request", w->stamp,
		w->scope->region, w->scope->service);
	if (n == 0 || len < 0 || (size_t)len >= sizeof(w->scope_text))
		return err_set(e, ERR_BUG, EINVAL, "time, region or service cannot be signed");
	return 0;
}

static int check(const struct work *w, struct err *e)
{
	const struct sigv4_request *r = w->r;

	for (size_t i = 0; i < r->n_headers; i++) {
		if (!*r->headers[i].name || strpbrk(r->headers[i].name, ": \t\r\n") ||
			strpbrk(r->headers[i].value, "\r\n"))
			return err_set(e, ERR_BUG, EINVAL, "header %zu cannot be sent", i);
	}
	if (r->path[0] != '/')
		return err_set(e, ERR_BUG, EINVAL, "the path of the request has no '/'");
	if (r->payload && strlen(r->payload) >= sizeof(w->payload))
		return err_set(e, ERR_BUG, EINVAL, "the digest of the body is none");
	return 0;
}

static void set_payload(struct work *w)
{
	struct digest d;

	if (w->r->payload) {
		memcpy(w->payload, w->r->payload, strlen(w->r->payload) + 1);
		return;
	}
	digest_start(&d);
	digest_add(&d, w->r->body, w->r->body_len);
	digest_end(&d, w->payload);
}

static int add_canonical(
	const struct work *w, const char *query, const struct sigv4_headers *h, struct buf *out)
{
	int rc = buf_addf(out, "%s\n", w->r->method);

	if (rc == 0)
		rc = sigv4_path_canonical(w->r->path, w->scope->flags, out);
	if (rc == 0)
		rc = buf_adds(out, "\n");
	if (rc == 0 && query)
		rc = sigv4_query_canonical(query, out);
	if (rc == 0)
		rc = buf_adds(out, "\n");
	if (rc == 0)
		rc = sigv4_headers_canonical(h, out);
	if (rc == 0)
		rc = buf_adds(out, "\n");
	if (rc == 0)
		rc = sigv4_headers_signed(h, out);
	return rc == 0 ? buf_addf(out, "\n%s", w->payload) : rc;
}

static int add_to_sign(const struct work *w, const struct buf *canonical, struct buf *out)
{
	char sum[DIGEST_TEXT];
	struct digest d;

	digest_start(&d);
	digest_add(&d, canonical->data, canonical->len);
	digest_end(&d, sum);
	return buf_addf(out, ALGORITHM "\n%s\n%s\n%s", w->stamp, w->scope_text, sum);
}

static bool mac(const void *key, size_t key_len, const char *text, unsigned char out[MAC_LEN])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	bool ok = HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text),
			  sum, NULL) != NULL;

	/* The key may be what stands in out. */
	if (ok)
		memcpy(out, sum, MAC_LEN);
	explicit_bzero(sum, sizeof(sum));
	return ok;
}

/* The key of one day, region and service signs the text. */
static int add_signature(
	const struct work *w, const char *text, char out[static DIGEST_TEXT], struct err *e)
{
	static const char hex[] = "0123456789abcdef";
	auto_secret_buf struct buf first = BUF_INIT(SECRET_MAX + 4);
	unsigned char key[MAC_LEN];
	char day[9];
	bool ok;

	if (buf_reserve(&first, w->key->secret->len + 4) < 0 || buf_adds(&first, "AWS4") < 0 ||
		buf_add(&first, secret_reveal(w->key->secret), w->key->secret->len) < 0)
		return err_oom(e);
	memcpy(day, w->stamp, 8);
	day[8] = '\0';
	ok = mac(first.data, first.len, day, key) && mac(key, MAC_LEN, w->scope->region, key) &&
	     mac(key, MAC_LEN, w->scope->service, key) && mac(key, MAC_LEN, "aws4_request", key) &&
	     mac(key, MAC_LEN, text, key);
	for (size_t i = 0; ok && i < MAC_LEN; i++) {
		out[2 * i] = hex[key[i] >> 4];
		out[2 * i + 1] = hex[key[i] & 15];
	}
	out[DIGEST_TEXT - 1] = '\0';
	explicit_bzero(key, sizeof(key));
	return ok ? 0 : err_set(e, ERR_SYSTEM, ENOTSUP, "libcrypto has no HMAC-SHA-256");
}

static int finish(const struct work *w, const char *query, const struct sigv4_headers *h,
	struct sigv4_signed *ret, struct err *e)
{
	int rc = filled(add_canonical(w, query, h, &ret->canonical), e);

	if (rc == 0)
		rc = filled(add_to_sign(w, &ret->canonical, &ret->to_sign), e);
	return rc == 0 ? add_signature(w, buf_str(&ret->to_sign), ret->signature, e) : rc;
}

static int add_authorization(
	const struct work *w, const struct sigv4_headers *h, struct sigv4_signed *ret)
{
	struct buf *out = &ret->authorization;
	int rc = buf_addf(out,
		"Authorization: " ALGORITHM " Credential=%s/%s, SignedHeaders=", w->key->id,
		w->scope_text);

	if (rc == 0)
		rc = sigv4_headers_signed(h, out);
	return rc == 0 ? buf_addf(out, ", Signature=%s", ret->signature) : rc;
}

static int set_token(const struct work *w, struct secret *ret, struct err *e)
{
	static const char name[] = "X-Amz-Security-Token: ";
	auto_secret_buf struct buf text = BUF_INIT(SECRET_MAX + sizeof(name));

	if (!has_token(w))
		return 0;
	if (buf_reserve(&text, w->key->token->len + sizeof(name)) < 0 ||
		buf_adds(&text, name) < 0 || buf_adds(&text, secret_reveal(w->key->token)) < 0)
		return err_oom(e);
	secret_take(ret, &text);
	return 0;
}

static int sign_header(const struct work *w, struct sigv4_signed *ret, struct err *e)
{
	struct sigv4_header extra[3] = {{"X-Amz-Date", w->stamp}};
	auto_headers struct sigv4_headers h = {0};
	size_t n = 1;
	int rc;

	snprintf(ret->date, sizeof(ret->date), "X-Amz-Date: %s", w->stamp);
	if (w->scope->flags & SIGV4_CONTENT_SHA256) {
		extra[n++] = (struct sigv4_header){"X-Amz-Content-Sha256", w->payload};
		snprintf(ret->content_sha256, sizeof(ret->content_sha256),
			"X-Amz-Content-Sha256: %s", w->payload);
	}
	if (has_token(w) && !(w->scope->flags & SIGV4_TOKEN_AFTER))
		extra[n++] =
			(struct sigv4_header){"X-Amz-Security-Token", secret_reveal(w->key->token)};
	rc = set_token(w, &ret->token, e);
	if (rc == 0)
		rc = sigv4_headers_make(w->r, extra, n, &h, e);
	if (rc == 0)
		rc = finish(w, w->r->query, &h, ret, e);
	return rc == 0 ? filled(add_authorization(w, &h, ret), e) : rc;
}

static int add_token_parameter(const struct work *w, struct buf *out)
{
	int rc = buf_adds(out, "&X-Amz-Security-Token=");

	return rc == 0 ? uri_encode(out, secret_reveal(w->key->token), w->key->token->len, "") : rc;
}

static int add_parameters(const struct work *w, const struct sigv4_headers *h, struct buf *out)
{
	const char *query = w->r->query ? w->r->query : "";
	auto_buf struct buf names = BUF_INIT(SIGV4_MAX);
	size_t token = has_token(w) ? 3 * w->key->token->len : 0;
	int rc = buf_reserve(out, strlen(query) + token + PARAMETERS_MAX);

	if (rc == 0)
		rc = buf_addf(out, "%s%sX-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=", query,
			*query ? "&" : "");
	if (rc == 0)
		rc = uri_encode(out, w->key->id, strlen(w->key->id), "");
	if (rc == 0)
		rc = buf_adds(out, "%2F");
	if (rc == 0)
		rc = uri_encode(out, w->scope_text, strlen(w->scope_text), "");
	if (rc == 0)
		rc = buf_addf(out, "&X-Amz-Date=%s&X-Amz-SignedHeaders=", w->stamp);
	if (rc == 0)
		rc = sigv4_headers_signed(h, &names);
	if (rc == 0)
		rc = uri_encode(out, buf_str(&names), names.len, "");
	if (rc == 0)
		rc = buf_addf(out, "&X-Amz-Expires=%u", w->scope->expires);
	if (rc == 0 && has_token(w) && !(w->scope->flags & SIGV4_TOKEN_AFTER))
		rc = add_token_parameter(w, out);
	return rc;
}

static int sign_query(const struct work *w, struct sigv4_signed *ret, struct err *e)
{
	auto_secret_buf struct buf query = BUF_INIT(SIGV4_MAX);
	auto_headers struct sigv4_headers h = {0};
	int rc = sigv4_headers_make(w->r, NULL, 0, &h, e);

	if (rc == 0)
		rc = filled(add_parameters(w, &h, &query), e);
	if (rc == 0)
		rc = finish(w, buf_str(&query), &h, ret, e);
	if (rc == 0 && has_token(w) && (w->scope->flags & SIGV4_TOKEN_AFTER))
		rc = filled(add_token_parameter(w, &query), e);
	if (rc == 0)
		rc = filled(buf_addf(&query, "&X-Amz-Signature=%s", ret->signature), e);
	if (rc == 0)
		secret_take(&ret->query, &query);
	return rc;
}

int sigv4_sign(const struct sigv4_request *r, const struct sigv4_key *key,
	const struct sigv4_scope *scope, struct sigv4_signed *ret, struct err *e)
{
	struct work w = {.r = r, .key = key, .scope = scope};
	int rc;

	*ret = (struct sigv4_signed){
		.canonical = BUF_INIT(SIGV4_MAX),
		.to_sign = BUF_INIT(SIGV4_MAX),
		.authorization = BUF_INIT(SIGV4_MAX),
	};
	rc = check(&w, e);
	if (rc == 0)
		rc = set_times(&w, e);
	if (rc < 0)
		return rc;
	set_payload(&w);
	return scope->flags & SIGV4_QUERY ? sign_query(&w, ret, e) : sign_header(&w, ret, e);
}

void sigv4_signed_free(struct sigv4_signed *s)
{
	secret_buf_free(&s->canonical);
	buf_free(&s->to_sign);
	buf_free(&s->authorization);
	secret_free(&s->token);
	secret_free(&s->query);
}
