/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/project/source.h"

#include "common/auto.h"
#include "common/cancel.h"
#include "common/fs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define BLOCK (128 * 1024)
#define LEVEL "3"

struct packing {
	const char *dir;
	size_t prefix; /* of each path: dir and a slash */
	const char *without;
	struct archive *disk, *out;
};

static int fail(struct archive *a, const char *what, struct err *e)
{
	const char *why = archive_error_string(a);

	return err_set(e, ERR_SYSTEM, archive_errno(a), "source '%s': %s", what, why ? why : "?");
}

static void packing_free(struct packing *p)
{
	archive_read_free(p->disk);
	archive_write_free(p->out);
}

static int copy_data(struct packing *p, const char *path, struct err *e)
{
	static const char zeros[BLOCK];
	const void *block;
	size_t len;
	la_int64_t at, written = 0;
	int rc;

	while ((rc = archive_read_data_block(p->disk, &block, &len, &at)) == ARCHIVE_OK) {
		if (cancel_requested())
			return -ECANCELED;
		while (written < at) {
			size_t n = at - written < BLOCK ? (size_t)(at - written) : BLOCK;

			if (archive_write_data(p->out, zeros, n) < 0)
				return fail(p->out, path, e);
			written += (la_int64_t)n;
		}
		if (archive_write_data(p->out, block, len) < 0)
			return fail(p->out, path, e);
		written += (la_int64_t)len;
	}
	return rc == ARCHIVE_EOF ? 0 : fail(p->disk, path, e);
}

static int write_entry(struct packing *p, struct archive_entry *entry, struct err *e)
{
	const char *path = archive_entry_sourcepath(entry);
	mode_t type = archive_entry_filetype(entry);

	if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
		return err_set(e, ERR_CONFIG, EINVAL,
			"source '%s' is no file, directory or link: a build takes no others", path);
	archive_entry_set_pathname(entry, archive_entry_pathname(entry) + p->prefix);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_uname(entry, NULL);
	archive_entry_set_gname(entry, NULL);
	archive_entry_xattr_clear(entry);
	archive_entry_acl_clear(entry);
	if (archive_write_header(p->out, entry) != ARCHIVE_OK)
		return fail(p->out, path, e);
	return type == AE_IFREG && archive_entry_size(entry) > 0 ? copy_data(p, path, e) : 0;
}

static int pack_all(struct packing *p, struct err *e)
{
	struct archive_entry *entry;
	int rc;

	while ((rc = archive_read_next_header(p->disk, &entry)) == ARCHIVE_OK) {
		const char *path = archive_entry_sourcepath(entry);

		if (cancel_requested())
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		if (p->without && strcmp(path, p->without) == 0)
			continue;
		archive_read_disk_descend(p->disk);
		if (strlen(archive_entry_pathname(entry)) <= p->prefix)
			continue;
		if ((rc = write_entry(p, entry, e)) < 0)
			return rc == -ECANCELED
				       ? err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted")
				       : rc;
	}
	return rc == ARCHIVE_EOF ? 0 : fail(p->disk, p->dir, e);
}

static int open_all(struct packing *p, int fd, struct err *e)
{
	p->disk = archive_read_disk_new();
	p->out = archive_write_new();
	if (!p->disk || !p->out)
		return err_oom(e);
	archive_read_disk_set_symlink_physical(p->disk);
	archive_read_disk_set_behavior(p->disk,
		ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_FFLAGS);
	if (archive_read_disk_open(p->disk, p->dir) != ARCHIVE_OK)
		return fail(p->disk, p->dir, e);
	if (archive_write_add_filter_zstd(p->out) != ARCHIVE_OK ||
		archive_write_set_options(p->out, "zstd:compression-level=" LEVEL) != ARCHIVE_OK ||
		archive_write_set_format_pax_restricted(p->out) != ARCHIVE_OK ||
		archive_write_set_options(p->out, "hdrcharset=BINARY") != ARCHIVE_OK ||
		archive_write_open_fd(p->out, fd) != ARCHIVE_OK)
		return fail(p->out, p->dir, e);
	return 0;
}

int source_pack(
	const char *dir, const char *without, const char *tmpdir, int *ret_fd, struct err *e)
{
	struct packing p = {.dir = dir, .prefix = strlen(dir) + 1, .without = without};
	auto_close int fd = -1;
	int rc = fs_open_nameless(tmpdir, &fd, e);

	if (rc < 0)
		return rc;
	rc = open_all(&p, fd, e);
	if (rc == 0)
		rc = pack_all(&p, e);
	if (rc == 0 && archive_write_close(p.out) != ARCHIVE_OK)
		rc = fail(p.out, dir, e);
	packing_free(&p);
	if (rc < 0)
		return rc;
	*ret_fd = take_fd(&fd);
	return 0;
}
