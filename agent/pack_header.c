/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_header.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* POSIX.1-2017, pax, "ustar Interchange Format". */
struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct ustar) == PACK_BLOCK, "a ustar header is one block");

#define OCTAL_7  07777777ULL
#define OCTAL_11 077777777777ULL

static int err_of(int rc, struct err *e)
{
	if (rc == -EFBIG)
		return err_set(e, ERR_DATA, EFBIG, "its names and attributes are too long");
	return rc < 0 ? err_oom(e) : 0;
}

static int add(struct buf *b, const void *data, size_t len, struct err *e)
{
	return err_of(buf_add(b, data, len), e);
}

static size_t digits(size_t n)
{
	size_t d = 1;

	while (n >= 10) {
		n /= 10;
		d++;
	}
	return d;
}

/* "LENGTH key=value\n", where LENGTH counts itself. */
int pack_header_record(struct buf *b, const char *key, const void *value, size_t len, struct err *e)
{
	size_t rest = strlen(key) + len + 3;
	size_t total = rest + digits(rest);
	char head[32];

	if (digits(total) != digits(rest))
		total = rest + digits(total);
	snprintf(head, sizeof(head), "%zu ", total);
	if (add(b, head, strlen(head), e) < 0 || add(b, key, strlen(key), e) < 0 ||
		add(b, "=", 1, e) < 0 || add(b, value, len, e) < 0)
		return -e->num;
	return add(b, "\n", 1, e);
}

static int add_number(struct buf *b, const char *key, uint64_t n, struct err *e)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	return pack_header_record(b, key, text, strlen(text), e);
}

int pack_header_xattr(
	struct buf *records, const char *name, const void *value, size_t len, struct err *e)
{
	char key[300];

	if (strchr(name, '=') || strlen(name) > 255)
		return err_set(e, ERR_DATA, EINVAL,
			"its extended attribute '%s' has a name that a tar cannot hold", name);
	snprintf(key, sizeof(key), "SCHILY.xattr.%s", name);
	return pack_header_record(records, key, value, len, e);
}

/* Seconds before 1970 with a fraction: -2 s + 0.5 s is "-1.5". */
static int add_time(struct buf *b, const struct timespec *t, struct err *e)
{
	bool negative = t->tv_sec < 0;
	int64_t sec = t->tv_sec;
	long nsec = t->tv_nsec;
	char text[48];
	size_t len;

	if (negative && nsec > 0) {
		sec++;
		nsec = 1000000000 - nsec;
	}
	snprintf(text, sizeof(text), "%s%" PRIu64 ".%09ld", negative ? "-" : "",
		negative ? 0 - (uint64_t)sec : (uint64_t)sec, nsec);
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	return pack_header_record(b, "mtime", text, len, e);
}

static bool time_fits(const struct timespec *t)
{
	return t->tv_nsec == 0 && t->tv_sec >= 0 && (uint64_t)t->tv_sec <= OCTAL_11;
}

/* For readers that do not know sparse files, "DIR/NAME" is "DIR/GNUSparseFile.0/NAME", as GNU tar
 * has it, so that they do not take what is stored for the file. */
static int sparse_path(const char *path, struct buf *out, struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	int rc = add(out, path, len, e);

	return rc < 0 ? rc : err_of(buf_addf(out, "GNUSparseFile.0/%s", path + len), e);
}

static int add_sparse(const struct pack_entry *n, struct buf *b, struct err *e)
{
	int rc = pack_header_record(b, "GNU.sparse.major", "1", 1, e);

	if (rc == 0)
		rc = pack_header_record(b, "GNU.sparse.minor", "0", 1, e);
	if (rc == 0)
		rc = pack_header_record(b, "GNU.sparse.name", n->path, strlen(n->path), e);
	return rc == 0 ? add_number(b, "GNU.sparse.realsize", n->real_size, e) : rc;
}

static int add_records(const struct pack_entry *n, struct buf *b, struct err *e)
{
	const size_t field = sizeof(((struct ustar *)NULL)->name);
	int rc = 0;

	if (n->sparse)
		rc = add_sparse(n, b, e);
	else if (strlen(n->path) > field)
		rc = pack_header_record(b, "path", n->path, strlen(n->path), e);
	if (rc == 0 && strlen(n->link) > field)
		rc = pack_header_record(b, "linkpath", n->link, strlen(n->link), e);
	if (rc == 0 && n->size > OCTAL_11)
		rc = add_number(b, "size", n->size, e);
	if (rc == 0 && n->uid > OCTAL_7)
		rc = add_number(b, "uid", n->uid, e);
	if (rc == 0 && n->gid > OCTAL_7)
		rc = add_number(b, "gid", n->gid, e);
	if (rc == 0 && !time_fits(&n->mtime))
		rc = add_time(b, &n->mtime, e);
	if (rc == 0 && n->xattrs.len > 0)
		rc = add(b, n->xattrs.data, n->xattrs.len, e);
	return rc;
}

static void put_octal(char *field, size_t size, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*" PRIo64, (int)size - 1, n);
	memcpy(field, text, size);
}

static void put_text(char *field, size_t size, const char *text)
{
	memcpy(field, text, strnlen(text, size));
}

/* What does not fit is 0 or cut here and whole in the records. */
static int add_ustar(const struct pack_entry *n, struct buf *out, struct err *e)
{
	auto_buf struct buf path = BUF_INIT(PACK_EXTENDED_MAX);
	struct ustar h;
	const unsigned char *byte = (const unsigned char *)&h;
	unsigned sum = 0;

	if (n->sparse && sparse_path(n->path, &path, e) < 0)
		return -e->num;
	memset(&h, 0, sizeof(h));
	put_text(h.name, sizeof(h.name), n->sparse ? path.data : n->path);
	put_text(h.link, sizeof(h.link), n->link);
	put_octal(h.mode, sizeof(h.mode), n->mode & 07777);
	put_octal(h.uid, sizeof(h.uid), n->uid > OCTAL_7 ? 0 : n->uid);
	put_octal(h.gid, sizeof(h.gid), n->gid > OCTAL_7 ? 0 : n->gid);
	put_octal(h.size, sizeof(h.size), n->size > OCTAL_11 ? 0 : n->size);
	put_octal(h.mtime, sizeof(h.mtime),
		n->mtime.tv_sec < 0 || (uint64_t)n->mtime.tv_sec > OCTAL_11
			? 0
			: (uint64_t)n->mtime.tv_sec);
	h.type = n->type;
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	put_octal(h.major, sizeof(h.major), 0);
	put_octal(h.minor, sizeof(h.minor), 0);
	memset(h.sum, ' ', sizeof(h.sum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += byte[i];
	put_octal(h.sum, sizeof(h.sum) - 1, sum);
	return add(out, &h, sizeof(h), e);
}

static int add_padded(struct buf *out, const struct buf *data, struct err *e)
{
	static const char zero[PACK_BLOCK];
	int rc = add(out, data->data, data->len, e);

	return rc < 0 ? rc : add(out, zero, -data->len % PACK_BLOCK, e);
}

int pack_header(const struct pack_entry *n, struct buf *out, struct err *e)
{
	auto_buf struct buf records = BUF_INIT(PACK_EXTENDED_MAX);
	int rc = add_records(n, &records, e);

	if (rc == 0 && records.len > 0) {
		const struct pack_entry x = {
			.path = "PaxHeader",
			.link = "",
			.type = 'x',
			.mode = 0644,
			.size = records.len,
		};

		rc = add_ustar(&x, out, e);
		if (rc == 0)
			rc = add_padded(out, &records, e);
	}
	return rc == 0 ? add_ustar(n, out, e) : rc;
}
