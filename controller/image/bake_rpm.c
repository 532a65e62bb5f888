/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of an RPM: a lead of 96 bytes, a signature header that is padded to eight bytes, the
 * header. Each header is a magic, counts of its index and its store, index entries {tag, type,
 * offset, count}, the store; big endian. RPM manual, "RPM V4 Package format".
 */
#include "controller/image/bake.h"

#include "common/buf.h"
#include "common/fs.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define LEAD       96
#define PREAMBLE   16
#define ENTRY      16
#define HEADER_MAX (16 * 1024 * 1024)

#define TYPE_STRING 6
#define PACKAGE     "shared-prep"

enum tag { TAG_NAME = 1000, TAG_VERSION = 1001, TAG_RELEASE = 1002, TAG_ARCH = 1022 };

static const unsigned char lead_magic[] = {0xed, 0xab, 0xee, 0xdb};
static const unsigned char header_magic[] = {0x8e, 0xad, 0xe8, 0x01};

struct header {
	struct buf index, store;
};

static uint32_t number_at(const char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return be32toh(n);
}

static int damaged(const char *path, struct err *e)
{
	return err_set(e, ERR_DATA, EBADMSG,
		"'%s' is no RPM, or it is damaged: 'packaging/rpm/build' makes the agent's", path);
}

static bool read_at(int fd, off_t at, size_t len, struct buf *out)
{
	if (buf_reserve(out, len) < 0 || pread(fd, out->data, len, at) != (ssize_t)len)
		return false;
	out->len = len;
	return true;
}

/* *at moves behind it. */
static bool read_header(int fd, off_t *at, struct header *h)
{
	char head[PREAMBLE];
	size_t n, size;

	if (pread(fd, head, sizeof(head), *at) != (ssize_t)sizeof(head) ||
		memcmp(head, header_magic, sizeof(header_magic)) != 0)
		return false;
	n = number_at(head + 8);
	size = number_at(head + 12);
	if (n > HEADER_MAX / ENTRY || size > HEADER_MAX)
		return false;
	buf_reset(&h->index);
	buf_reset(&h->store);
	if (!read_at(fd, *at + PREAMBLE, n * ENTRY, &h->index) ||
		!read_at(fd, *at + PREAMBLE + (off_t)(n * ENTRY), size, &h->store))
		return false;
	*at += PREAMBLE + (off_t)(n * ENTRY + size);
	return true;
}

/* NULL: it is not there, or does not end. */
static const char *text_of(const struct header *h, enum tag tag)
{
	for (size_t i = 0; i + ENTRY <= h->index.len; i += ENTRY) {
		const char *entry = h->index.data + i;
		const size_t at = number_at(entry + 8);

		if (number_at(entry) != tag || number_at(entry + 4) != TYPE_STRING ||
			at >= h->store.len || !memchr(h->store.data + at, '\0', h->store.len - at))
			continue;
		return h->store.data + at;
	}
	return NULL;
}

static int judge(
	struct bake_package *p, const struct header *h, const char **ret_arch, struct err *e)
{
	const char *name = text_of(h, TAG_NAME), *arch = text_of(h, TAG_ARCH);
	const char *version = text_of(h, TAG_VERSION), *release = text_of(h, TAG_RELEASE);

	if (!name || !arch || !version || !release)
		return damaged(p->file.path, e);
	if (strcmp(name, PACKAGE) != 0)
		return err_set(e, ERR_CONFIG, EINVAL, "'%s' is the RPM of '%.60s', not of " PACKAGE,
			p->file.path, name);
	snprintf(p->version, sizeof(p->version), "%.60s-%.60s", version, release);
	*ret_arch = arch_find(arch);
	if (*ret_arch)
		return 0;
	return err_set(e, ERR_CONFIG, EINVAL,
		"'%s' is an RPM for '%.20s': the agent's is for x86_64 or aarch64", p->file.path,
		arch);
}

int bake_rpm_read(struct bake_package *p, const char **ret_arch, struct err *e)
{
	struct header h = {.index = BUF_INIT(HEADER_MAX), .store = BUF_INIT(HEADER_MAX)};
	unsigned char lead[sizeof(lead_magic)];
	auto_close int fd = -1;
	off_t at = LEAD;
	int rc = fs_open(AT_FDCWD, p->file.path, O_RDONLY, 0, &fd, e);

	if (rc < 0)
		return rc;
	if (pread(fd, lead, sizeof(lead), 0) == (ssize_t)sizeof(lead) &&
		memcmp(lead, lead_magic, sizeof(lead)) == 0 && read_header(fd, &at, &h) &&
		(at = (at + 7) & ~(off_t)7, read_header(fd, &at, &h)))
		rc = judge(p, &h, ret_arch, e);
	else
		rc = damaged(p->file.path, e);
	buf_free(&h.index);
	buf_free(&h.store);
	return rc;
}
