/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/acl.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VERSION    2
#define HEAD_BYTES 4
#define NO_ID      UINT32_MAX

enum tag { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id;
};

#define ENTRIES_MAX ((ACL_VALUE_MAX - HEAD_BYTES) / sizeof(struct acl_entry))

static const struct {
	const char *name;
	uint16_t plain, with_id; /* 0: it has none */
} kinds[] = {
	{"user", USER_OBJ, USER},
	{"group", GROUP_OBJ, GROUP},
	{"mask", MASK, 0},
	{"other", OTHER, 0},
};

static int damaged(struct err *e, const char *why)
{
	return err_set(e, ERR_DATA, EBADMSG, "an access control list is damaged: %s", why);
}

static int add(struct buf *out, const void *data, size_t len, struct err *e)
{
	int rc = buf_add(out, data, len);

	return rc == -EFBIG ? damaged(e, "it is too long") : rc < 0 ? err_oom(e) : 0;
}

struct field {
	const char *text;
	size_t len;
};

/* "user:joe:r-x:1000" as four fields, those that are not there empty; false: there are more. */
static bool split(const char *s, size_t len, struct field out[static 4])
{
	const char *end = s + len;

	for (size_t i = 0; i < 4; i++) {
		const char *colon = s < end ? memchr(s, ':', (size_t)(end - s)) : NULL;

		out[i].text = s;
		out[i].len = (size_t)((colon ? colon : end) - s);
		s = colon ? colon + 1 : end;
		if (colon && i == 3)
			return false;
	}
	return true;
}

static bool read_permissions(const struct field *f, uint16_t *ret)
{
	static const char letters[] = "rwx";

	*ret = 0;
	if (f->len != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (f->text[i] != letters[i] && f->text[i] != '-')
			return false;
		*ret = (uint16_t)(*ret << 1 | (f->text[i] != '-'));
	}
	return true;
}

static bool read_id(const struct field *f, uint32_t *ret)
{
	uint64_t n = 0;

	if (f->len == 0 || f->len > 10)
		return false;
	for (size_t i = 0; i < f->len; i++) {
		if (f->text[i] < '0' || f->text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(f->text[i] - '0');
	}
	*ret = (uint32_t)n;
	return n < NO_ID;
}

static bool find_kind(const struct field *f, size_t *ret)
{
	for (*ret = 0; *ret < ARRAY_LEN(kinds); ++*ret)
		if (strlen(kinds[*ret].name) == f->len &&
			memcmp(kinds[*ret].name, f->text, f->len) == 0)
			return true;
	return false;
}

static int read_entry(const char *s, size_t len, struct acl_entry *ret, struct err *e)
{
	struct field f[4];
	size_t kind;

	if (!split(s, len, f) || !find_kind(&f[0], &kind) ||
		!read_permissions(&f[2], &ret->permissions))
		return damaged(e, "it has an entry that is none");
	ret->tag = f[1].len > 0 ? kinds[kind].with_id : kinds[kind].plain;
	ret->id = NO_ID;
	if (ret->tag == 0)
		return damaged(e, "it has a mask or others with a name");
	if (f[1].len == 0)
		return f[3].len == 0 ? 0 : damaged(e, "it has a number without a name");
	if (f[3].len > 0)
		return read_id(&f[3], &ret->id) ? 0 : damaged(e, "it has a number that is none");
	if (read_id(&f[1], &ret->id))
		return 0;
	return err_set(e, ERR_DATA, ESRCH,
		"an access control list has a name without its number: '%.*s'",
		f[1].len < 40 ? (int)f[1].len : 40, f[1].text);
}

static int by_tag(const void *a, const void *b)
{
	const struct acl_entry *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id == y->id ? 0 : x->id < y->id ? -1 : 1;
}

/* Of sorted entries: the three classes are there once each, and a mask where anybody is named. */
static int check(const struct acl_entry *x, size_t n, struct err *e)
{
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && by_tag(&x[i - 1], &x[i]) >= 0)
			return damaged(e, "it has an entry twice");
		seen |= x[i].tag;
	}
	if ((seen & (USER_OBJ | GROUP_OBJ | OTHER)) != (USER_OBJ | GROUP_OBJ | OTHER))
		return damaged(e, "it lacks the owner, the group or the others");
	if ((seen & (USER | GROUP)) && !(seen & MASK))
		return damaged(e, "it lacks a mask");
	return 0;
}

static int put_value(const struct acl_entry *x, size_t n, struct buf *out, struct err *e)
{
	const uint32_t version = htole32(VERSION);
	int rc = add(out, &version, sizeof(version), e);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct acl_entry little = {
			htole16(x[i].tag), htole16(x[i].permissions), htole32(x[i].id)};

		rc = add(out, &little, sizeof(little), e);
	}
	return rc;
}

int acl_from_text(const char *text, struct buf *out, struct err *e)
{
	auto_buf struct buf entries = BUF_INIT(ENTRIES_MAX * sizeof(struct acl_entry));
	size_t n = 0;
	int rc = 0;

	do {
		size_t len = strcspn(text, ",");
		struct acl_entry x;

		rc = read_entry(text, len, &x, e);
		if (rc == 0)
			rc = add(&entries, &x, sizeof(x), e);
		n++;
		text += len;
	} while (rc == 0 && *text++ == ',');
	if (rc < 0)
		return rc;
	qsort(entries.data, n, sizeof(struct acl_entry), by_tag);
	rc = check((const void *)entries.data, n, e);
	return rc == 0 ? put_value((const void *)entries.data, n, out, e) : rc;
}

static int put_text(const struct acl_entry *x, bool first, struct buf *out, struct err *e)
{
	size_t kind = 0;
	char id[16] = "";
	int rc;

	while (kind < ARRAY_LEN(kinds) && x->tag != kinds[kind].plain &&
		x->tag != kinds[kind].with_id)
		kind++;
	if (x->tag == 0 || kind == ARRAY_LEN(kinds) || x->permissions > 7)
		return damaged(e, "it has an entry that is none");
	if (x->tag != kinds[kind].plain)
		snprintf(id, sizeof(id), "%u", x->id);
	rc = buf_addf(out, "%s%s:%s:%c%c%c", first ? "" : ",", kinds[kind].name, id,
		x->permissions & 4 ? 'r' : '-', x->permissions & 2 ? 'w' : '-',
		x->permissions & 1 ? 'x' : '-');
	return rc == -EFBIG ? damaged(e, "it is too long") : rc < 0 ? err_oom(e) : 0;
}

int acl_to_text(const void *value, size_t len, struct buf *out, struct err *e)
{
	const size_t n = len > HEAD_BYTES ? (len - HEAD_BYTES) / sizeof(struct acl_entry) : 0;
	auto_free struct acl_entry *x = calloc(n + 1, sizeof(*x));
	uint32_t version;
	int rc;

	if (!x)
		return err_oom(e);
	if (n == 0 || n > ENTRIES_MAX || len != HEAD_BYTES + n * sizeof(*x))
		return damaged(e, "it has an impossible length");
	memcpy(&version, value, sizeof(version));
	if (le32toh(version) != VERSION)
		return damaged(e, "it is of another version");
	memcpy(x, (const char *)value + HEAD_BYTES, n * sizeof(*x));
	for (size_t i = 0; i < n; i++)
		x[i] = (struct acl_entry){
			le16toh(x[i].tag), le16toh(x[i].permissions), le32toh(x[i].id)};
	qsort(x, n, sizeof(*x), by_tag);
	rc = check(x, n, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = put_text(&x[i], i == 0, out, e);
	return rc;
}
