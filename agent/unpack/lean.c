/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/lean.h"

#include "agent/pack_header.h"
#include "agent/unpack/acl.h"
#include "common/num.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* What the records of an extended header say; NULL: nothing. */
struct records {
	struct lean *lean;
	const char *path, *link, *sparse_name;
	bool has_size, has_uid, has_gid, has_mtime, has_real_size;
	uint64_t size, uid, gid, real_size;
	struct timespec mtime;
	unsigned sparse; /* members of the version 1.0: 2 */
};

void lean_init(struct lean *l)
{
	l->text = (struct buf)BUF_INIT(4 * PACK_EXTENDED_MAX);
	lean_start(l, NULL, 0);
}

void lean_free(struct lean *l)
{
	buf_free(&l->text);
}

void lean_start(struct lean *l, const void *data, size_t len)
{
	l->data = data;
	l->len = len;
	l->at = 0;
	l->cut = false;
}

uint64_t lean_end(const struct lean_content *c)
{
	return c->at + c->stored + (-c->stored & (PACK_BLOCK - 1));
}

void lean_skip(struct lean *l, const struct lean_content *c)
{
	l->at = (size_t)lean_end(c);
}

static int damaged(struct err *e, const char *why)
{
	return err_set(e, ERR_DATA, EBADMSG, "its tar is damaged: %s", why);
}

/* The next n bytes, or NULL where there are fewer. */
static const uint8_t *take(struct lean *l, uint64_t n)
{
	const uint8_t *p = l->data + l->at;

	if (n > l->len - l->at) {
		l->cut = true;
		return NULL;
	}
	l->at += (size_t)n;
	return p;
}

static bool is_zero(const uint8_t *block)
{
	return block[0] == 0 && memcmp(block, block + 1, PACK_BLOCK - 1) == 0;
}

/* Octal digits and then only blanks or NULs. */
static bool octal(const uint8_t *field, size_t size, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(field[i] - '0');
	if (i == 0)
		return false;
	for (; i < size; i++)
		if (field[i] != '\0' && field[i] != ' ')
			return false;
	*ret = n;
	return true;
}

static bool has_sum(const uint8_t *block)
{
	const size_t at = 148, size = 8;
	uint64_t want;
	unsigned sum = 0;

	for (size_t i = 0; i < PACK_BLOCK; i++)
		sum += block[i];
	for (size_t i = at; i < at + size; i++)
		sum = sum - block[i] + ' ';
	return octal(block + at, size, &want) && want == sum;
}

static bool digits(const char *s, size_t len, uint64_t *ret)
{
	uint64_t n = 0;

	if (len == 0 || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(n, 10U, &n) ||
			__builtin_add_overflow(n, (uint64_t)(s[i] - '0'), &n))
			return false;
	}
	*ret = n;
	return true;
}

/* "1700000000", "1700000000.25", "-1.5" */
static bool seconds(const char *s, struct timespec *ret)
{
	bool negative = *s == '-';
	const char *dot = strchr(s, '.');
	size_t len = dot ? (size_t)(dot - s) : strlen(s);
	size_t places = dot ? strlen(dot + 1) : 0;
	uint64_t whole, part = 0;
	int64_t sec;

	if (!digits(s + negative, len - negative, &whole) || whole > INT64_MAX - 1 ||
		(dot && (places > 9 || !digits(dot + 1, places, &part))))
		return false;
	for (size_t i = places; i < 9 && part > 0; i++)
		part *= 10;
	sec = negative ? -(int64_t)whole : (int64_t)whole;
	*ret = (struct timespec){.tv_sec = sec, .tv_nsec = (long)part};
	if (negative && part > 0)
		*ret = (struct timespec){.tv_sec = sec - 1, .tv_nsec = 1000000000 - (long)part};
	return true;
}

/* Keeps bytes until the next entry and adds a NUL. The text must not move: NULL where what was
 * reserved is used up. */
static char *keep(struct lean *l, const void *data, size_t len)
{
	char *p = l->text.data + l->text.len;

	if (len + 2 > l->text.cap - l->text.len || buf_add(&l->text, data, len) < 0 ||
		buf_add(&l->text, "", 1) < 0)
		return NULL;
	return p;
}

static int add_xattr(
	struct entry *n, const char *name, const void *value, size_t len, struct err *e)
{
	if (n->n_xattrs >= ENTRY_XATTRS)
		return err_set(e, ERR_DATA, E2BIG, "an entry has more than %d extended attributes",
			ENTRY_XATTRS);
	n->xattr[n->n_xattrs++] = (struct entry_xattr){.name = name, .value = value, .len = len};
	return 0;
}

static int add_acl(
	struct lean *l, struct entry *n, const char *name, const char *text, struct err *e)
{
	auto_buf struct buf value = BUF_INIT(ACL_VALUE_MAX);
	int rc = acl_from_text(text, &value, e);
	const char *kept = rc == 0 ? keep(l, value.data, value.len) : NULL;

	if (rc < 0)
		return rc;
	return kept ? add_xattr(n, name, kept, value.len, e) : err_oom(e);
}

/* One record; key and value end with a NUL. */
static int read_record(
	struct records *r, struct entry *n, char *key, char *value, size_t len, struct err *e)
{
	static const char xattr[] = "SCHILY.xattr.user.";
	const bool is_xattr = strncmp(key, xattr, sizeof(xattr) - 1) == 0;
	bool good = true;

	if (is_xattr)
		return add_xattr(n, key + strlen("SCHILY.xattr."), value, len, e);
	if (strlen(value) != len)
		return damaged(e, "an extended header has a NUL in it");
	if (strcmp(key, "path") == 0)
		r->path = value;
	else if (strcmp(key, "linkpath") == 0)
		r->link = value;
	else if (strcmp(key, "GNU.sparse.name") == 0)
		r->sparse_name = value;
	else if (strcmp(key, "size") == 0)
		good = r->has_size = digits(value, len, &r->size);
	else if (strcmp(key, "uid") == 0)
		good = r->has_uid = digits(value, len, &r->uid);
	else if (strcmp(key, "gid") == 0)
		good = r->has_gid = digits(value, len, &r->gid);
	else if (strcmp(key, "mtime") == 0)
		good = r->has_mtime = seconds(value, &r->mtime);
	else if (strcmp(key, "SCHILY.acl.access") == 0)
		return add_acl(r->lean, n, ACL_ACCESS, value, e);
	else if (strcmp(key, "SCHILY.acl.default") == 0)
		return add_acl(r->lean, n, ACL_DEFAULT, value, e);
	else if (strcmp(key, "GNU.sparse.realsize") == 0)
		good = r->has_real_size = digits(value, len, &r->real_size);
	else if (strcmp(key, "GNU.sparse.major") == 0 && strcmp(value, "1") == 0)
		r->sparse++;
	else if (strcmp(key, "GNU.sparse.minor") == 0 && strcmp(value, "0") == 0)
		r->sparse++;
	else
		good = false;
	return good ? 0 : damaged(e, "an extended header has a record that pack does not write");
}

/* "LENGTH KEY=VALUE\n" …; LENGTH counts itself. */
static int read_records(struct lean *l, struct records *r, struct entry *n, const uint8_t *data,
	size_t size, struct err *e)
{
	const char *p = (const char *)data, *end = p + size;

	if (buf_reserve(&l->text, 2 * size) < 0)
		return err_oom(e);
	while (p < end) {
		const char *blank = memchr(p, ' ', (size_t)(end - p));
		uint64_t len;
		char *key, *equals;
		int rc;

		if (!blank || !digits(p, (size_t)(blank - p), &len) || len > (uint64_t)(end - p) ||
			len < (uint64_t)(blank - p) + 4 || p[len - 1] != '\n')
			return damaged(e, "an extended header has a record of a wrong length");
		key = keep(l, blank + 1, (size_t)(p + len - 2 - blank));
		equals = key ? memchr(key, '=', (size_t)(p + len - 2 - blank)) : NULL;
		if (!equals)
			return damaged(e, "an extended header has a record without '='");
		*equals = '\0';
		if (memchr(key, '\0', (size_t)(equals - key)))
			return damaged(e, "an extended header has a NUL in it");
		rc = read_record(r, n, key, equals + 1,
			(size_t)(key + (p + len - 2 - blank) - equals - 1), e);
		if (rc < 0)
			return rc;
		p += len;
	}
	return 0;
}

/* What follows the link's name in a ustar header, all of it always the same. */
static bool has_tail(const uint8_t *h)
{
	static const struct {
		char magic[6], version[2], names[64], major[8], minor[8], rest[167];
	} tail = {"ustar", "00", "", "0000000", "0000000", ""};

	return memcmp(h + 257, &tail, sizeof(tail)) == 0;
}

static const char *field(char out[static ENTRY_PATH], const uint8_t *from, size_t size)
{
	size_t len = strnlen((const char *)from, size);

	memcpy(out, from, len);
	out[len] = '\0';
	return out;
}

static bool read_kind(uint8_t type, struct entry *ret)
{
	switch (type) {
	case '0':
		ret->kind = ENTRY_FILE;
		return true;
	case '1':
		ret->kind = ENTRY_HARDLINK;
		return true;
	case '2':
		ret->kind = ENTRY_SYMLINK;
		return true;
	case '5':
		ret->kind = ENTRY_DIR;
		return true;
	default:
		return false;
	}
}

/* To other readers a file of such a name is a directory. */
static bool ends_with_slash(const char *path)
{
	size_t len = strlen(path);

	return len > 0 && path[len - 1] == '/';
}

/* The fields of a ustar header, and the records before it, which win. */
static int read_fields(
	struct lean *l, const uint8_t *h, const struct records *r, struct entry *ret, struct err *e)
{
	uint64_t mode, uid, gid, size, mtime;

	if (!read_kind(h[156], ret))
		return damaged(e, "an entry is of a kind that pack does not write");
	if (!octal(h + 100, 8, &mode) || !octal(h + 108, 8, &uid) || !octal(h + 116, 8, &gid) ||
		!octal(h + 124, 12, &size) || !octal(h + 136, 12, &mtime))
		return damaged(e, "a header has a number that is none");
	if (!has_tail(h))
		return damaged(e, "a header has fields that pack does not write");
	ret->path = r->path ? r->path : field(l->path, h, 100);
	if (r->sparse_name)
		ret->path = r->sparse_name;
	if (ret->kind != ENTRY_DIR && ends_with_slash(ret->path))
		return damaged(e, "a name ends with a slash and is of no directory");
	ret->link = r->link ? r->link : field(l->link, h + 157, 100);
	ret->mode = (mode_t)mode & 07777;
	ret->uid = r->has_uid ? r->uid : uid;
	ret->gid = r->has_gid ? r->gid : gid;
	ret->size = r->has_size ? r->size : size;
	ret->mtime = r->has_mtime ? r->mtime : (struct timespec){.tv_sec = (time_t)mtime};
	ret->device = 0;
	return 0;
}

/* A decimal number and a newline of the sparse map. */
static bool map_number(struct lean *l, uint64_t *ret)
{
	const char *p = (const char *)l->data + l->at;
	size_t room = l->len - l->at;
	const char *newline = memchr(p, '\n', room < 21 ? room : 21);

	if (!newline) {
		l->cut = room < 21;
		return false;
	}
	l->at += (size_t)(newline - p) + 1;
	return digits(p, (size_t)(newline - p), ret);
}

/* The map of a sparse file stands before its content, padded to a block. GNU tar takes it
 * like this only if each piece but the last stored one is of whole blocks, and the last piece ends
 * the file. */
static int read_map(struct lean *l, const struct entry *n, struct lean_content *c, struct err *e)
{
	const size_t start = l->at;
	uint64_t count, end = 0, sum = 0;

	if (!map_number(l, &count))
		return damaged(e, "a sparse file has no map");
	if (count > ARCHIVE_EXTENTS + 1)
		return damaged(e, "a sparse file has too many pieces");
	for (uint64_t i = 0; i < count; i++) {
		struct lean_extent *x = &l->extent[i];

		if (!map_number(l, &x->offset) || !map_number(l, &x->len))
			return damaged(e, "a sparse file has a damaged map");
		if (x->offset < end || x->offset > n->size || x->len > n->size - x->offset)
			return err_set(e, ERR_DATA, EBADMSG,
				"a sparse file has pieces that overlap or pass its end");
		if (x->len > 0 && sum % PACK_BLOCK != 0)
			return damaged(e, "a sparse file has a piece that is not of whole blocks");
		end = x->offset + x->len;
		sum += x->len;
	}
	if (!take(l, -(l->at - start) & (PACK_BLOCK - 1)))
		return damaged(e, "a sparse file's map is cut short");
	if (end != n->size || l->at - start > c->stored || c->stored - (l->at - start) != sum)
		return damaged(e, "a sparse file's map does not fit its size");
	c->at = l->at;
	c->stored = sum;
	c->extent = l->extent;
	c->n_extents = (unsigned)count;
	return 0;
}

static int read_content(struct lean *l, const struct records *r, struct entry *n,
	struct lean_content *c, struct err *e)
{
	*c = (struct lean_content){
		.at = l->at,
		.stored = n->kind == ENTRY_FILE ? n->size : 0,
		.extent = l->extent,
		.n_extents = 1,
	};
	if (c->stored > INT64_MAX)
		return damaged(e, "an entry has an impossible size");
	l->extent[0] = (struct lean_extent){.offset = 0, .len = c->stored};
	if (r->sparse == 0 && !r->has_real_size && !r->sparse_name)
		return 0;
	if (r->sparse != 2 || !r->has_real_size || !r->sparse_name || n->kind != ENTRY_FILE)
		return damaged(e, "a sparse file is not of version 1.0");
	n->size = r->real_size;
	return read_map(l, n, c, e);
}

/* The extended header before the entry's own, if there is one. */
static int read_extended(
	struct lean *l, const uint8_t **header, struct records *r, struct entry *ret, struct err *e)
{
	const uint8_t *data;
	uint64_t size;

	if ((*header)[156] != 'x')
		return 0;
	if (!octal(*header + 124, 12, &size) || size == 0 || size > PACK_EXTENDED_MAX)
		return damaged(e, "an extended header has an impossible size");
	data = take(l, size + (-size & (PACK_BLOCK - 1)));
	if (!data)
		return damaged(e, "an extended header is cut short");
	if (read_records(l, r, ret, data, (size_t)size, e) < 0)
		return -e->num;
	*header = take(l, PACK_BLOCK);
	if (!*header)
		return damaged(e, "a header is cut short");
	return has_sum(*header) ? 0 : damaged(e, "a header has a wrong checksum");
}

int lean_next(struct lean *l, struct entry *ret, struct lean_content *ret_content, struct err *e)
{
	const uint8_t *header = take(l, PACK_BLOCK);
	struct records r = {.lean = l};

	buf_reset(&l->text);
	ret->n_xattrs = 0;
	if (!header)
		return damaged(e, "a header is cut short");
	if (is_zero(header)) {
		l->at -= PACK_BLOCK;
		return 0;
	}
	if (!has_sum(header))
		return damaged(e, "a header has a wrong checksum");
	if (read_extended(l, &header, &r, ret, e) < 0 || read_fields(l, header, &r, ret, e) < 0 ||
		read_content(l, &r, ret, ret_content, e) < 0)
		return -e->num;
	return 1;
}

size_t lean_place(const struct lean_content *c, uint64_t from, size_t len, uint64_t *ret_offset)
{
	const struct lean_extent *x = c->extent;

	while (from >= x->len) {
		from -= x->len;
		x++;
	}
	*ret_offset = x->offset + from;
	return len < x->len - from ? len : (size_t)(x->len - from);
}
