/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http.h"

#include "common/clock.h"
#include "common/num.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* All header lines of one answer together; a flood of 100 Continue counts as well. */
#define HEADERS_MAX (64 * KIB)

/* What stopped a transfer from inside a callback. */
enum stop { STOP_NONE, STOP_BODY, STOP_HEADERS, STOP_MEMORY };

struct transfer {
	struct buf *body;
	const char *const *wanted;
	struct http_response *ret;
	size_t headers; /* bytes of header lines so far */
	enum stop stop;
};

static CURLcode setup_code;

static void setup_once(void)
{
	setup_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_setup(struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, setup_once);
	if (setup_code != CURLE_OK)
		return err_set(e, ERR_SYSTEM, ENOMEM, "libcurl cannot start: %s",
			curl_easy_strerror(setup_code));
	return 0;
}

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	int rc = buf_add(t->body, data, size * n);

	if (rc < 0) {
		t->stop = rc == -EFBIG ? STOP_BODY : STOP_MEMORY;
		return 0;
	}
	return size * n;
}

/* A line of the headers, "Name: value\r\n"; of several of a name the last one stays. */
static void keep_wanted(struct transfer *t, const char *line, size_t len)
{
	for (size_t i = 0; t->wanted && i < HTTP_WANTED && t->wanted[i]; i++) {
		size_t name = strlen(t->wanted[i]);
		size_t at = name + 1;
		size_t end = len;

		if (len <= name || line[name] != ':' || strncasecmp(line, t->wanted[i], name) != 0)
			continue;
		while (at < end && (line[at] == ' ' || line[at] == '\t'))
			at++;
		while (end > at && strchr(" \t\r\n", line[end - 1]))
			end--;
		snprintf(t->ret->header[i], sizeof(t->ret->header[i]), "%.*s", (int)(end - at),
			line + at);
	}
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	keep_wanted(t, data, size * n);
	t->headers += size * n;
	if (t->headers > HEADERS_MAX) {
		t->stop = STOP_HEADERS;
		return 0;
	}
	return size * n;
}

/* Called about once a second while nothing comes. */
static int look_for_stop(
	void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	const atomic_bool *stop = ctx;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up_now;
	return atomic_load(stop) ? 1 : 0;
}

static void handle_free(CURL **c)
{
	curl_easy_cleanup(*c);
}

/* A header may hold a secret. */
static void headers_free(struct curl_slist **list)
{
	for (struct curl_slist *s = *list; s; s = s->next)
		explicit_bzero(s->data, strlen(s->data));
	curl_slist_free_all(*list);
}

static int headers_add(struct curl_slist **list, const char *header, struct err *e)
{
	struct curl_slist *longer;

	if (strpbrk(header, "\r\n"))
		return err_set(e, ERR_BUG, EINVAL, "a header of the request has a line break");
	longer = curl_slist_append(*list, header);
	if (!longer)
		return err_oom(e);
	*list = longer;
	return 0;
}

static int headers_make(const struct http_request *r, struct curl_slist **list, struct err *e)
{
	int rc = 0;

	/* libcurl would announce a form, and wait before it sends a long body. */
	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0)
		rc = headers_add(list, "Content-Type:", e);
	if (rc == 0 && r->body_len > 0)
		rc = headers_add(list, "Expect:", e);
	for (const char *const *h = r->headers; rc == 0 && h && *h; h++)
		rc = headers_add(list, *h, e);
	return rc;
}

/* Milliseconds, rounded up: 0 would mean "no limit" to libcurl. */
static long milliseconds(uint64_t ns)
{
	uint64_t ms = ns / NSEC_PER_MSEC + 1;

	return ms > INT32_MAX ? INT32_MAX : (long)ms;
}

/* The options a small libcurl may be built without; what they turn off is then not there. */
static void set_may_be_missing(CURL *c, bool proxy)
{
	if (!proxy) {
		(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
		(void)curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	}
	(void)curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	if (curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK)
		(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
}

static CURLcode set_proxy(CURL *c, const struct http_request *r)
{
	CURLcode rc = CURLE_OK;

	if (r->ca_file)
		rc = curl_easy_setopt(c, CURLOPT_CAINFO, r->ca_file);
	if (rc == CURLE_OK && r->proxy)
		rc = curl_easy_setopt(c, CURLOPT_PROXY, r->proxy);
	if (rc == CURLE_OK && r->proxy)
		rc = curl_easy_setopt(c, CURLOPT_NOPROXY, r->no_proxy ? r->no_proxy : "");
	return rc;
}

static CURLcode set_method(CURL *c, const struct http_request *r)
{
	CURLcode rc;

	if (strcmp(r->method, "GET") == 0)
		return curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	if (strcmp(r->method, "HEAD") == 0)
		return curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	rc = curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body ? r->body : "");
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method) : rc;
}

static CURLcode set_options(CURL *c, const struct http_request *r)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_FRESH_CONNECT, 1},
		{CURLOPT_FORBID_REUSE, 1},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_HTTP09_ALLOWED, 0},
		{CURLOPT_CONNECTTIMEOUT_MS, milliseconds(r->connect_ns)},
		{CURLOPT_TIMEOUT_MS, milliseconds(clock_left(r->deadline))},
	};
	CURLcode rc = curl_easy_setopt(c, CURLOPT_URL, r->url);

	set_may_be_missing(c, r->proxy != NULL);
	if (rc == CURLE_OK)
		rc = set_proxy(c, r);
	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_LEN(numbers); i++)
		rc = curl_easy_setopt(c, numbers[i].option, numbers[i].value);
	/* Refused by its Content-Length before a byte of it is read; chunked bodies are counted.
	 * The length that answers HEAD is that of what does not come. */
	if (rc == CURLE_OK && strcmp(r->method, "HEAD") != 0)
		rc = curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->max_body);
	return rc == CURLE_OK ? set_method(c, r) : rc;
}

static CURLcode set_stop(CURL *c, const atomic_bool *stop)
{
	CURLcode rc = curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_for_stop);

	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_XFERINFODATA, stop);
	return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) : rc;
}

static CURLcode set_callbacks(CURL *c, struct transfer *t, struct curl_slist *headers)
{
	CURLcode rc = curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);

	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) : rc;
}

/* A blackhole route gives EINVAL, a missing address family EAFNOSUPPORT: no way there, all. */
static int connect_error(CURL *c, struct err *e)
{
	long os = 0;
	int num;

	(void)curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &os);
	switch (os) {
	case ECONNREFUSED:
		num = ECONNREFUSED;
		break;
	case ETIMEDOUT:
		num = ETIMEDOUT;
		break;
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		num = ENETUNREACH;
		break;
	default:
		num = EHOSTUNREACH;
	}
	return err_set(e, ERR_TRANSIENT, num, "cannot connect: %s", strerror(num));
}

static int stop_error(const struct transfer *t, const struct http_request *r, struct err *e)
{
	char limit[NUM_TEXT];

	switch (t->stop) {
	case STOP_BODY:
		return err_set(e, ERR_DATA, EFBIG, "the answer is longer than %s",
			num_size_text(r->max_body, limit));
	case STOP_HEADERS:
		return err_set(e, ERR_DATA, EPROTO, "the headers of the answer are longer than %s",
			num_size_text(HEADERS_MAX, limit));
	default:
		return err_oom(e);
	}
}

static int transfer_error(CURL *c, CURLcode code, const struct transfer *t,
	const struct http_request *r, struct err *e)
{
	char limit[NUM_TEXT];

	switch (code) {
	case CURLE_WRITE_ERROR:
		return stop_error(t, r, e);
	case CURLE_COULDNT_CONNECT:
		return connect_error(c, e);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_set(e, ERR_TRANSIENT, EHOSTUNREACH, "no address known for the proxy");
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(e, ERR_REMOTE, EACCES, "the certificate is not trusted");
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(e, ERR_CONFIG, ENOENT, "'%s' cannot be read as certificates",
			r->ca_file ? r->ca_file : "the system's list");
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(e, ERR_TRANSIENT, EHOSTUNREACH, "no address known for the host");
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_TRANSIENT, ETIMEDOUT, "no whole answer in time");
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return err_set(e, ERR_TRANSIENT, EPIPE, "the answer is cut short");
	case CURLE_FILESIZE_EXCEEDED:
		return err_set(e, ERR_DATA, EFBIG, "the answer is longer than %s",
			num_size_text(r->max_body, limit));
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(e, ERR_TRANSIENT, ECANCELED, "stopped");
	case CURLE_OUT_OF_MEMORY:
		return err_oom(e);
	case CURLE_URL_MALFORMAT:
		return err_set(e, ERR_USAGE, EINVAL, "'%s' is no http address", r->url);
	default:
		return err_set(e, ERR_DATA, EPROTO, "the answer is not HTTP: %s",
			curl_easy_strerror(code));
	}
}

static void take_facts(CURL *c, struct http_response *ret)
{
	const char *type = NULL;
	long status = 0;

	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
	ret->status = status > 0 ? (unsigned)status : 0;
	snprintf(ret->content_type, sizeof(ret->content_type), "%s", type ? type : "");
}

static int perform(CURL *c, const struct http_request *r, struct curl_slist *headers,
	struct http_response *ret, struct err *e)
{
	struct transfer t = {.body = &ret->body, .wanted = r->wanted, .ret = ret};
	CURLcode code = set_options(c, r);

	if (code == CURLE_OK)
		code = set_callbacks(c, &t, headers);
	if (code == CURLE_OK && r->stop)
		code = set_stop(c, r->stop);
	if (code != CURLE_OK)
		return err_set(e, ERR_BUG, EINVAL, "libcurl: %s", curl_easy_strerror(code));
	code = curl_easy_perform(c);
	if (code != CURLE_OK)
		return transfer_error(c, code, &t, r, e);
	take_facts(c, ret);
	if (ret->status < 200 || ret->status > 599)
		return err_set(e, ERR_DATA, EPROTO, "the answer has no status of HTTP");
	return 0;
}

int http_call(const struct http_request *r, struct http_response *ret, struct err *e)
{
	__attribute__((cleanup(headers_free))) struct curl_slist *headers = NULL;
	__attribute__((cleanup(handle_free))) CURL *c = NULL;
	int rc;

	*ret = (struct http_response){.body = BUF_INIT(r->max_body)};
	if (clock_left(r->deadline) == 0)
		return err_set(e, ERR_TRANSIENT, ETIMEDOUT, "no time left to ask");
	rc = headers_make(r, &headers, e);
	if (rc < 0)
		return rc;
	c = curl_easy_init();
	if (!c)
		return err_oom(e);
	return perform(c, r, headers, ret, e);
}

void http_response_free(struct http_response *r)
{
	if (r->body.data)
		explicit_bzero(r->body.data, r->body.cap);
	buf_free(&r->body);
}
