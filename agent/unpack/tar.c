/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/tar.h"

#include "agent/unpack/acl.h"
#include "common/num.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

/* Padding to a record after the end mark: GNU tar's default is 10 KiB, tapes have up to some MiB.
 */
#define PADDING_MAX (64 * MIB)

struct tar {
	struct archive *archive;
	struct archive_entry *entry; /* owned by archive */
	struct source *source;
	struct err source_err; /* what the source failed of, kind none: nothing */
	uint64_t position;
	struct buf acl[2]; /* of the entry: access, default */
};

static la_ssize_t on_read(struct archive *a, void *ctx, const void **ret)
{
	struct tar *t = ctx;
	ssize_t n = source_read(t->source, ret, &t->source_err);

	if (n < 0) {
		archive_set_error(a, t->source_err.num, "%s", t->source_err.msg);
		return ARCHIVE_FATAL;
	}
	return n;
}

void tar_close(struct tar *t)
{
	if (!t)
		return;
	archive_read_free(t->archive);
	buf_free(&t->acl[0]);
	buf_free(&t->acl[1]);
	free(t);
}

/* The source's own error, else libarchive's. */
static int failed(struct tar *t, struct err *e)
{
	const char *why = archive_error_string(t->archive);

	if (t->source_err.kind != ERR_NONE) {
		*e = t->source_err;
		return -e->num;
	}
	if (archive_errno(t->archive) == ENOMEM)
		return err_oom(e);
	return err_set(e, ERR_DATA, EBADMSG, "it is no tar or a damaged one: %s",
		why ? why : "unknown reason");
}

int tar_open(struct source *s, struct tar **ret, struct err *e)
{
	struct tar *t = calloc(1, sizeof(*t));

	if (t)
		t->archive = archive_read_new();
	if (!t || !t->archive) {
		free(t);
		return err_oom(e);
	}
	t->source = s;
	t->acl[0] = t->acl[1] = (struct buf)BUF_INIT(ACL_VALUE_MAX);
	if (archive_read_support_format_tar(t->archive) != ARCHIVE_OK ||
		archive_read_open(t->archive, t, NULL, on_read, NULL) != ARCHIVE_OK) {
		int rc = failed(t, e);

		tar_close(t);
		return rc;
	}
	*ret = t;
	return 0;
}

static enum entry_kind kind_of(struct archive_entry *a)
{
	if (archive_entry_hardlink(a))
		return ENTRY_HARDLINK;
	switch (archive_entry_filetype(a)) {
	case AE_IFREG:
		return ENTRY_FILE;
	case AE_IFDIR:
		return ENTRY_DIR;
	case AE_IFLNK:
		return ENTRY_SYMLINK;
	case AE_IFIFO:
		return ENTRY_FIFO;
	case AE_IFCHR:
		return ENTRY_CHAR;
	case AE_IFBLK:
		return ENTRY_BLOCK;
	default:
		return ENTRY_OTHER;
	}
}

static int add_xattr(struct entry *n, const struct entry_xattr *x, struct err *e)
{
	if (n->n_xattrs >= ENTRY_XATTRS)
		return err_set(e, ERR_DATA, E2BIG, "an entry has more than %d extended attributes",
			ENTRY_XATTRS);
	n->xattr[n->n_xattrs++] = *x;
	return 0;
}

/* One with names only is left out, as GNU tar does without --acls: no name is looked up. */
static int read_acl(struct tar *t, int type, const char *name, struct buf *value, struct entry *ret,
	struct err *e)
{
	char *text = archive_entry_acl_to_text(t->entry, NULL,
		type | ARCHIVE_ENTRY_ACL_STYLE_EXTRA_ID | ARCHIVE_ENTRY_ACL_STYLE_SEPARATOR_COMMA);
	int rc;

	buf_reset(value);
	if (!text)
		return err_set(e, ERR_DATA, EBADMSG, "an access control list is damaged");
	rc = acl_from_text(text, value, e);
	free(text);
	if (rc < 0)
		return rc == -ESRCH ? 0 : rc;
	return add_xattr(ret, &(struct entry_xattr){name, value->data, value->len}, e);
}

static int read_xattrs(struct tar *t, struct entry *ret, struct err *e)
{
	struct archive_entry *a = t->entry;
	const int acls = archive_entry_acl_types(a);
	struct entry_xattr x;

	ret->n_xattrs = 0;
	archive_entry_xattr_reset(a);
	while (archive_entry_xattr_next(a, &x.name, &x.value, &x.len) == ARCHIVE_OK) {
		/* Never security.* or trusted.*: an archive is not to be trusted with those. */
		if (strncmp(x.name, "user.", 5) != 0)
			continue;
		if (add_xattr(ret, &x, e) < 0)
			return -e->num;
	}
	if ((acls & ARCHIVE_ENTRY_ACL_TYPE_ACCESS) &&
		read_acl(t, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ACL_ACCESS, &t->acl[0], ret, e) < 0)
		return -e->num;
	if ((acls & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT) &&
		read_acl(t, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, ACL_DEFAULT, &t->acl[1], ret, e) < 0)
		return -e->num;
	return 0;
}

/* libarchive reads "-1.5" as -1 s and half a second that it does not say the sign of. */
static struct timespec time_of(struct archive_entry *a)
{
	struct timespec t = {archive_entry_mtime(a), archive_entry_mtime_nsec(a)};

	if (t.tv_sec < 0 && t.tv_nsec > 0) {
		t.tv_sec--;
		t.tv_nsec = 1000000000 - t.tv_nsec;
	}
	return t;
}

/* Negative numbers become too large ones, which are refused later. */
static int convert(struct tar *t, struct entry *ret, struct err *e)
{
	struct archive_entry *a = t->entry;

	ret->kind = kind_of(a);
	ret->path = archive_entry_pathname(a);
	ret->link =
		ret->kind == ENTRY_HARDLINK ? archive_entry_hardlink(a) : archive_entry_symlink(a);
	ret->size = archive_entry_size_is_set(a) ? (uint64_t)archive_entry_size(a) : 0;
	ret->mode = archive_entry_mode(a) & 07777;
	ret->uid = (uint64_t)archive_entry_uid(a);
	ret->gid = (uint64_t)archive_entry_gid(a);
	ret->mtime = time_of(a);
	ret->device = archive_entry_rdev(a);
	return read_xattrs(t, ret, e);
}

/* Names are bytes to us; libarchive would have them in the locale's charset, and says so. */
static bool is_about_charset(struct archive *a)
{
	const char *why = archive_error_string(a);

	return why && strstr(why, "can't be converted");
}

int tar_next(struct tar *t, struct entry *ret, struct err *e)
{
	int code = archive_read_next_header(t->archive, &t->entry);

	t->position = (uint64_t)archive_read_header_position(t->archive);
	if (code == ARCHIVE_EOF) {
		if (source_plain(t->source) <= t->position)
			return err_set(
				e, ERR_DATA, EBADMSG, "it is cut short: the tar has no end mark");
		return 0;
	}
	if (code != ARCHIVE_OK && !(code == ARCHIVE_WARN && is_about_charset(t->archive)))
		return failed(t, e);
	code = convert(t, ret, e);
	return code < 0 ? code : 1;
}

int tar_data(struct tar *t, const void **ret, size_t *ret_len, uint64_t *ret_offset, struct err *e)
{
	la_int64_t offset = 0;
	int code = archive_read_data_block(t->archive, ret, ret_len, &offset);

	*ret_offset = (uint64_t)offset;
	if (code == ARCHIVE_EOF)
		return 0;
	return code == ARCHIVE_OK ? 1 : failed(t, e);
}

uint64_t tar_position(const struct tar *t)
{
	return t->position;
}

int tar_drain(struct tar *t, struct err *e)
{
	const void *data;
	ssize_t n;

	source_allow(t->source, source_plain(t->source) + PADDING_MAX);
	do {
		n = source_read(t->source, &data, e);
	} while (n > 0);
	return n < 0 ? (int)n : 0;
}
