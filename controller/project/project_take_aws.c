/* SPDX-License-Identifier: Apache-2.0 */
#include "common/num.h"
#include "controller/money.h"
#include "controller/project/project_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define HEX DIGITS "abcdef"

#define HOST_LEN 255
#define USER_LEN 32
#define URL_LEN  1024

/* Amazon EC2 User Guide, "Tag restrictions"; their number is 50, of which some are ours. */
#define TAG_KEY_LEN   128
#define TAG_VALUE_LEN 256

#define MINUTE (60 * NSEC_PER_SEC)
#define HOUR   (60 * MINUTE)

int project_take_market(const char *value, void *field, struct err *e)
{
	static const char *const word[] = {
		[MARKET_SPOT_FIRST] = "spot-first",
		[MARKET_SPOT] = "spot",
		[MARKET_ON_DEMAND] = "on-demand",
		NULL,
	};
	unsigned found;
	int rc = project_one_of(value, word, &found, e);

	if (rc == 0)
		*(enum market *)field = (enum market)found;
	return rc;
}

int project_take_vcpus(const char *value, void *field, struct err *e)
{
	return project_number(value, 1, 448, field, e);
}

int project_take_lifetime(const char *value, void *field, struct err *e)
{
	static const struct project_range r = {MINUTE, 24 * HOUR, "is not between 1min and 24h"};

	return project_duration(value, &r, field, e);
}

int project_take_volume(const char *value, void *field, struct err *e)
{
	static const struct project_range r = {8 * GIB, 16 * TIB, "is not between 8G and 16T"};

	return project_size(value, &r, field, e);
}

int project_take_price(const char *value, void *field, struct err *e)
{
	return money_parse(value, field, e);
}

int project_take_kernel(const char *value, void *field, struct err *e)
{
	size_t major = strspn(value, DIGITS);
	size_t minor = value[major] == '.' ? strspn(value + major + 1, DIGITS) : 0;

	if (*value && (major == 0 || minor == 0 || value[major + 1 + minor]))
		return project_bad(value, "is not the line of a kernel: use '6.1' or the like", e);
	return project_take_text(value, field, e);
}

static bool is_id(const char *s, const char *prefix)
{
	size_t len = strlen(prefix), digits;

	if (strncmp(s, prefix, len) != 0)
		return false;
	digits = strspn(s + len, HEX);
	return digits >= 8 && digits <= 17 && !s[len + digits];
}

int project_take_base(const char *value, void *field, struct err *e)
{
	static const char *const known[] = {"al2023", "al2", "al2023-ecs", "al2-ecs"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i], value) == 0)
			return project_set(field, value, e);
	}
	if (!is_id(value, "ami-"))
		return project_bad(value,
			"is no base: use al2023, al2, al2023-ecs, al2-ecs or the ID of an image, "
			"ami-…",
			e);
	return project_set(field, value, e);
}

int project_take_user(const char *value, void *field, struct err *e)
{
	if (*value && !project_is_of(value, LOWER "_", LOWER DIGITS "_-", USER_LEN))
		return project_bad(value, "is not the name of a user", e);
	return project_set(field, value, e);
}

/* "host", "host:22", "[::1]:22": ret_host without the rest; an IPv6 address alone may stand bare.
 */
static bool split_host(const char *s, char ret_host[static HOST_LEN + 1], struct err *e)
{
	struct in6_addr six;
	const char *end = *s == '[' ? strchr(s, ']') : s + strcspn(s, ":");
	const char *begin = s + (*s == '[');
	const char *port;
	uint64_t n;

	if (strlen(s) > HOST_LEN || !end)
		return false;
	snprintf(ret_host, HOST_LEN + 1, "%s", s);
	if (inet_pton(AF_INET6, s, &six) == 1)
		return true;
	port = *s == '[' ? end + 1 : end;
	snprintf(ret_host, HOST_LEN + 1, "%.*s", (int)(end - begin), begin);
	if (*s == '[' && inet_pton(AF_INET6, ret_host, &six) != 1)
		return false;
	return !*port || (*port == ':' && num_u64(port + 1, 1, 65535, &n, e) == 0);
}

static bool is_user(const char *user, size_t len)
{
	char copy[USER_LEN + 1];

	if (len > USER_LEN)
		return false;
	memcpy(copy, user, len);
	copy[len] = '\0';
	return project_is_of(copy, LOWER UPPER "_", LOWER UPPER DIGITS "._-", USER_LEN);
}

int project_take_address(const char *value, void *field, struct err *e)
{
	const char *at = strchr(value, '@');
	char host[HOST_LEN + 1];

	if ((at && !is_user(value, (size_t)(at - value))) ||
		!split_host(at ? at + 1 : value, host, e) ||
		!project_is_of(host, LOWER UPPER DIGITS ":_", LOWER UPPER DIGITS "._:-", HOST_LEN))
		return project_bad(value, "is not [user@]host[:port]", e);
	return project_set(field, value, e);
}

static int check_subnet(const char *word, struct err *e)
{
	return is_id(word, "subnet-") ? 0 : project_bad(word, "is not the ID of a subnet", e);
}

int project_take_subnets(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_list, check_subnet};

	return project_take_each(&t, value, field, e);
}

/* Characters of UTF-8. */
static size_t characters(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static int check_tag(const char *word, struct err *e)
{
	const char *equals = strchr(word, '=');

	if (!equals || equals == word)
		return project_bad(word, "is not KEY=VALUE", e);
	for (const char *s = word; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 127)
			return project_bad(word, "holds a control character", e);
	}
	if (strncasecmp(word, "aws:", 4) == 0 || strncasecmp(word, "shared-prep:", 12) == 0)
		return project_bad(
			word, "begins as tags do that are reserved: name it otherwise", e);
	if (characters(word, (size_t)(equals - word)) > TAG_KEY_LEN)
		return project_bad(word, "has a key of more than 128 characters", e);
	if (characters(equals + 1, strlen(equals + 1)) > TAG_VALUE_LEN)
		return project_bad(word, "has a value of more than 256 characters", e);
	return 0;
}

int project_take_tags(const char *value, void *field, struct err *e)
{
	static const struct project_taken t = {config_quoted, check_tag};

	return project_take_each(&t, value, field, e);
}

static bool is_loopback(const char *host)
{
	struct in_addr four;

	return strcmp(host, "::1") == 0 ||
	       (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* A service that tells our address; only one on this machine may be asked in the clear. */
static int take_service(const char *url, void *field, struct err *e)
{
	const bool plain = strncmp(url, "http://", 7) == 0;
	const char *host = strstr(url, "//") + 2;
	char authority[HOST_LEN + 1], name[HOST_LEN + 1];

	for (const char *s = url; *s; s++) {
		if (*s <= ' ' || *s > '~' || strlen(url) > URL_LEN)
			return project_bad(url, "is not an address that can be asked", e);
	}
	snprintf(authority, sizeof(authority), "%.*s", (int)strcspn(host, "/?#"), host);
	if (strchr(authority, '@') || !split_host(authority, name, e) || !*name)
		return project_bad(url, "has no host, or one that is none", e);
	if (plain && !is_loopback(name))
		return project_bad(url, "is asked in the clear: use https://", e);
	return project_set(field, url, e);
}

int project_take_caller(const char *value, void *field, struct err *e)
{
	struct in_addr four;
	struct in6_addr six;

	if (strncmp(value, "https://", 8) == 0 || strncmp(value, "http://", 7) == 0)
		return take_service(value, field, e);
	if (strchr(value, '/'))
		return project_bad(
			value, "is a range: give the one address that workers are used from", e);
	if (inet_pton(AF_INET, value, &four) != 1 && inet_pton(AF_INET6, value, &six) != 1)
		return project_bad(value, "is neither an address nor an https:// that tells it", e);
	if (strcmp(value, "0.0.0.0") == 0 || (strchr(value, ':') && IN6_IS_ADDR_UNSPECIFIED(&six)))
		return project_bad(value, "is every address: give your own", e);
	return project_set(field, value, e);
}
