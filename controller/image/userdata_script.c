/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/userdata_script.h"

#include "common/num.h"
#include "controller/aws/base64.h"
#include "controller/aws/endpoint.h"
#include "controller/aws/uri.h"
#include "controller/machine/userdata.h"
#include "controller/shell.h"

#include <errno.h>
#include <string.h>

#define URL_MAX      1024
#define NAME_MAX_RPM 255

/* No line of shell begins so. */
#define BOUNDARY "==shared-prep=="

static const char boot[] =
#include "controller/image/userdata_boot.inc"
	;

static bool is_plain(const char *text, size_t max)
{
	for (const char *s = text; *s; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return *text && strlen(text) <= max;
}

static bool is_s3(const char *url)
{
	return strncmp(url, "s3://", 5) == 0;
}

int userdata_script_url(const char *url, struct err *e)
{
	const char *host = strstr(url, "://");

	if (!is_plain(url, URL_MAX))
		return err_set(e, ERR_USAGE, EINVAL,
			"--url '%.200s': it has a blank or what is not ASCII, or is too long: use %%20 "
			"and the like",
			url);
	if (!is_s3(url) && !endpoint_is_safe(url))
		return err_set(e, ERR_USAGE, EINVAL,
			"--url '%.200s': use https:// or s3:// (http:// only for this machine)",
			url);
	host += 3;
	if (strcspn(host, "/") == 0 || strpbrk(host, "?#") || memchr(host, '@', strcspn(host, "/")))
		return err_set(e, ERR_USAGE, EINVAL,
			"--url '%.200s': give host and folder alone; who may read user data would see "
			"a user, a password or a signature",
			url);
	return 0;
}

static bool is_name(const char *text)
{
	return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789._+-") == strlen(text);
}

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Two thirds of the hexadecimal form; the '=' behind it is known. */
static int add_digest(struct buf *b, const char *hex)
{
	unsigned char raw[(DIGEST_TEXT - 1) / 2];
	int rc;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	rc = base64_encode(b, raw, sizeof(raw));
	if (rc == 0)
		b->data[--b->len] = '\0';
	return rc;
}

static bool is_digest(const char *hex)
{
	return strlen(hex) == DIGEST_TEXT - 1 && strspn(hex, "0123456789abcdef") == DIGEST_TEXT - 1;
}

/* "rpm_ARCH='NAME'\nsum_ARCH='…'\n", NAME as the URL has it. */
static int add_rpm(const struct userdata_script *u, const struct userdata_rpm *r, struct buf *b)
{
	auto_buf struct buf name = BUF_INIT(4 * NAME_MAX_RPM);
	char variable[32];
	int rc = is_s3(u->url) ? buf_adds(&name, r->name)
			       : uri_encode(&name, r->name, strlen(r->name), "");

	snprintf(variable, sizeof(variable), "rpm_%s", r->arch);
	if (rc == 0)
		rc = shell_assign(b, variable, buf_str(&name));
	snprintf(variable, sizeof(variable), "sum_%s", r->arch);
	return rc < 0 ? rc : shell_assign(b, variable, r->digest);
}

/* A line for each key and what follows of its archives; none of it needs quoting. */
static int add_list(const struct userdata_script *u, struct buf *b)
{
	const char *key = "";
	int rc = buf_adds(b, "list='");

	for (size_t i = 0; i < u->n_archives && rc == 0; i++) {
		const struct userdata_archive *a = &u->archive[i];

		if (strcmp(key, a->key) != 0)
			rc = buf_addf(b, "%s- %s %s %s", i ? "\n" : "", a->key, a->arch, a->march);
		key = a->key;
		if (rc == 0)
			rc = buf_addf(b, "\n%s ", a->app);
		if (rc == 0)
			rc = add_digest(b, a->digest);
	}
	return rc < 0 ? rc : buf_adds(b, "'\n");
}

static int add_all(const struct userdata_script *u, struct buf *b)
{
	const size_t len = strlen(u->url);
	auto_buf struct buf url = BUF_INIT(URL_MAX);
	int rc = buf_add(&url, u->url, len - (u->url[len - 1] == '/'));

	if (rc == 0 && u->mime)
		rc = buf_adds(b, "MIME-Version: 1.0\n"
				 "Content-Type: multipart/mixed; boundary=\"" BOUNDARY "\"\n\n"
				 "--" BOUNDARY "\n"
				 "Content-Type: text/x-shellscript; charset=\"us-ascii\"\n\n");
	if (rc == 0)
		rc = buf_addf(b, "#!/bin/bash\n# %s: by 'controller userdata'\n", u->project);
	if (rc == 0)
		rc = shell_assign(b, "url", buf_str(&url));
	for (size_t i = 0; i < u->n_rpms && rc == 0; i++)
		rc = add_rpm(u, &u->rpm[i], b);
	if (rc == 0)
		rc = add_list(u, b);
	if (rc == 0)
		rc = buf_adds(b, boot);
	return rc == 0 && u->mime ? buf_adds(b, "\n--" BOUNDARY "--\n") : rc;
}

static int check(const struct userdata_script *u, struct err *e)
{
	for (size_t i = 0; i < u->n_rpms; i++) {
		const struct userdata_rpm *r = &u->rpm[i];

		for (const char *s = r->name; *s; s++) {
			if (*s < ' ' || *s > '~' || strlen(r->name) > NAME_MAX_RPM)
				return err_set(e, ERR_CONFIG, EINVAL,
					"the RPM '%.200s': use a name of printable ASCII", r->name);
		}
		if (!is_name(r->arch) || !is_digest(r->digest))
			return err_set(e, ERR_DATA, EINVAL, "user data: no digest of an RPM");
	}
	for (size_t i = 0; i < u->n_archives; i++) {
		const struct userdata_archive *a = &u->archive[i];

		/* A key's line begins with '-'. */
		if (!is_name(a->app) || *a->app == '-' || !is_name(a->key) || !is_name(a->arch) ||
			(*a->march && !is_name(a->march)) || !is_digest(a->digest))
			return err_set(
				e, ERR_DATA, EINVAL, "user data: an archive of '%.64s'", a->app);
	}
	return is_name(u->project) ? userdata_script_url(u->url, e)
				   : err_set(e, ERR_DATA, EINVAL, "user data: '%.64s'", u->project);
}

int userdata_script_make(const struct userdata_script *u, struct buf *ret, struct err *e)
{
	auto_buf struct buf b = BUF_INIT(4 * MIB);
	int rc = check(u, e);

	if (rc < 0)
		return rc;
	/* The ceiling is above what MATRIX_MAX archives need. */
	if (add_all(u, &b) < 0)
		return err_oom(e);
	if (b.len > USERDATA_MAX)
		return err_set(e, ERR_CONFIG, EFBIG,
			"user data of %zu bytes for %zu archives is %zu over the limit of %d: choose "
			"with --app and --target, or bake an image",
			b.len, u->n_archives, b.len - USERDATA_MAX, USERDATA_MAX);
	return buf_add(ret, b.data, b.len) < 0 ? err_oom(e) : 0;
}
