/* SPDX-License-Identifier: Apache-2.0 */
#include "common/instance_type.h"
#include "common/auto.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* EC2's series, and the letters that may follow the generation (d: local disk, n: network, …). */
static const char *const series[] = {"a", "c", "cc", "cg", "cr", "d", "dl", "f", "g", "gr", "h",
	"hi", "hpc", "hs", "i", "im", "inf", "is", "m", "p", "r", "t", "trn", "u", "vt", "x", "z"};
#define ATTRIBUTES     "abdefghinquz"
#define ATTRIBUTES_MAX 5

static bool is_one_of(const char *const *list, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(list[i]) == len && memcmp(list[i], s, len) == 0)
			return true;
	}
	return false;
}

/* Moves *p behind 1 to max of these characters; false: there is none, or more. */
static bool take(const char **p, const char *accept, size_t max)
{
	size_t n = strspn(*p, accept);

	if (n == 0 || n > max)
		return false;
	*p += n;
	return true;
}

static bool take_word(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

/* Behind the "-" of a family: "flex", the memory of a high-memory machine ("12tb", "12tb1"), the
 * accelerator of "p6-b200" and "p6e-gb200". */
static bool is_variant(const char *p)
{
	if (strcmp(p, "flex") == 0)
		return true;
	if (take(&p, DIGITS, 2)) {
		if (!take_word(&p, "tb"))
			return false;
		(void)take(&p, DIGITS, 1);
		return !*p;
	}
	(void)take_word(&p, "g");
	return take_word(&p, "b") && take(&p, DIGITS, 3) && !*p;
}

/*
 * Two-digit generations start with 1 and have an attribute letter: "c11", "x86" and "p99" are more
 * often part of an app's name. A first-generation high-memory family, "u-6tb1", has none.
 */
static bool is_ec2_family(const char *s)
{
	const char *p = s, *generation;
	size_t digits, letters;

	if (strncmp(s, "u-", 2) == 0 && s[2] >= '0' && s[2] <= '9')
		return is_variant(s + 2);
	p += strspn(p, LOWER);
	if (!is_one_of(series, ARRAY_LEN(series), s, (size_t)(p - s)))
		return false;
	generation = p;
	digits = strspn(p, DIGITS);
	p += digits;
	letters = strspn(p, ATTRIBUTES);
	p += letters;
	if (digits < 1 || digits > 2 || *generation == '0' || letters > ATTRIBUTES_MAX)
		return false;
	if (digits == 2 && (*generation != '1' || letters == 0))
		return false;
	return !*p || (*p == '-' && is_variant(p + 1));
}

static bool is_ec2_size(const char *s)
{
	static const char *const sizes[] = {
		"nano", "micro", "small", "medium", "large", "xlarge", "metal"};

	if (is_one_of(sizes, ARRAY_LEN(sizes), s, strlen(s)))
		return true;
	if (take_word(&s, "metal-"))
		return take(&s, DIGITS, 3) && strcmp(s, "xl") == 0;
	return *s != '0' && take(&s, DIGITS, 3) && strcmp(s, "xlarge") == 0;
}

static bool is_ec2_type(const char *s)
{
	char family[INSTANCE_FAMILY];
	const char *dot = strchr(s, '.');

	if (!dot || (size_t)(dot - s) >= sizeof(family))
		return false;
	memcpy(family, s, (size_t)(dot - s));
	family[dot - s] = '\0';
	return is_ec2_family(family) && is_ec2_size(dot + 1);
}

/* Standard_ + letters, size, "-constrained size", letters, then parts as "_A100" and "_v4". */
static bool is_azure_type(const char *s)
{
	if (!take_word(&s, "Standard_") && !take_word(&s, "Basic_"))
		return false;
	if (!take(&s, UPPER, 4) || !take(&s, DIGITS, 4))
		return false;
	if (*s == '-' && (s++, !take(&s, DIGITS, 4)))
		return false;
	s += strspn(s, LOWER);
	while (*s == '_') {
		s++;
		if (!take(&s, LOWER UPPER DIGITS, 16))
			return false;
	}
	return !*s;
}

static bool is_gcp_type(const char *s)
{
	static const char *const kinds[] = {"standard", "highmem", "highcpu", "megamem", "ultramem",
		"hypermem", "highgpu", "megagpu", "ultragpu", "edgegpu", "custom", "micro", "small",
		"medium"};
	size_t len;

	if (!take(&s, LOWER, 2) || !take(&s, DIGITS, 1))
		return false;
	s += strspn(s, LOWER);
	if (*s++ != '-')
		return false;
	len = strcspn(s, "-");
	if (!is_one_of(kinds, ARRAY_LEN(kinds), s, len))
		return false;
	for (s += len; *s == '-'; s += strspn(s, LOWER DIGITS)) {
		if (!s[1] || s[1] == '-')
			return false;
		s++;
	}
	return !*s;
}

bool instance_type_is_key(const char *key)
{
	return is_ec2_family(key) || is_ec2_type(key) || is_azure_type(key) || is_gcp_type(key);
}

/* "Standard_D8-4s_v5" is of the Dsv5 series. */
static void azure_family(const char *type, char *out, size_t size)
{
	const char *p = strchr(type, '_') + 1;
	size_t len = strspn(p, UPPER), letters;
	const char *rest = p + len + strspn(p + len, DIGITS "-");
	const char *version = strrchr(p, '_');

	letters = strspn(rest, LOWER);
	snprintf(out, size, "%.*s%.*s%s", (int)len, p, (int)letters, rest,
		version && version[1] == 'v' ? version + 1 : "");
}

void instance_type_family(const char *type, char out[static INSTANCE_FAMILY])
{
	size_t len = strcspn(type, ".");

	out[0] = '\0';
	if (is_azure_type(type)) {
		azure_family(type, out, INSTANCE_FAMILY);
		return;
	}
	if (is_gcp_type(type))
		len = strcspn(type, "-");
	if (type[len] && len < INSTANCE_FAMILY)
		snprintf(out, INSTANCE_FAMILY, "%.*s", (int)len, type);
}

void instance_type_base_family(const char *family, char out[static INSTANCE_FAMILY])
{
	size_t letters = strspn(family, LOWER);
	size_t len = letters + strspn(family + letters, DIGITS);

	out[0] = '\0';
	if (letters > 0 && len > letters && family[len] && len < INSTANCE_FAMILY)
		snprintf(out, INSTANCE_FAMILY, "%.*s", (int)len, family);
}
