/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack.h"

#include "agent/pack_header.h"
#include "agent/pack_walk.h"
#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <zstd.h>

static int check_request(const struct pack_request *r, struct err *e)
{
	if (r->level < 1 || r->level > ZSTD_maxCLevel())
		return err_set(e, ERR_USAGE, EINVAL, "level %d is not one of 1 to %d", r->level,
			ZSTD_maxCLevel());
	if (r->frame_size < PACK_FRAME_MIN || r->frame_size > PACK_FRAME_MAX)
		return err_set(e, ERR_USAGE, EINVAL,
			"a frame size of %llu bytes is not within 64 KiB and 128 MiB",
			(unsigned long long)r->frame_size);
	if (!manifest_is_name(r->manifest.app) ||
		(*r->manifest.key && !manifest_is_name(r->manifest.key)))
		return err_set(e, ERR_USAGE, EINVAL, "'%s' or '%s' is no name of an app or a key",
			r->manifest.app, r->manifest.key);
	return 0;
}

/* The manifest's members that the tree tells. */
static int complete_manifest(const struct pack_walk *w, struct manifest *m, struct err *e)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	m->present = true;
	m->entries = w->entries;
	m->bytes = w->bytes;
	m->largest = w->largest;
	m->created = (uint64_t)w->newest;
	m->digest[0] = '\0';
	if (epoch && num_u64(epoch, 0, INT64_MAX, &m->created, e) < 0)
		return err_ctx(e, "SOURCE_DATE_EPOCH");
	return 0;
}

/* The last two frames. */
static int write_trailer(struct pack_frames *f, struct manifest *m, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(MANIFEST_MAX);
	auto_buf struct buf index = BUF_INIT(ARCHIVE_INDEX_MAX);
	struct digest d;
	int rc = manifest_text(m, &text, e);

	if (rc == 0)
		rc = archive_index_encode(&f->index, &index, e);
	if (rc < 0)
		return rc;
	digest_start(&d);
	digest_add(&d, text.data, text.len);
	digest_add(&d, index.data, index.len);
	digest_end(&d, m->digest);
	buf_reset(&text);
	rc = manifest_text(m, &text, e);
	if (rc == 0)
		rc = pack_frames_skippable(f, ARCHIVE_MANIFEST_MAGIC, &text, e);
	return rc == 0 ? pack_frames_skippable(f, ARCHIVE_INDEX_MAGIC, &index, e) : rc;
}

static int write_archive(
	const struct pack_request *r, struct pack_frames *f, struct manifest *m, struct err *e)
{
	static const char end[2 * PACK_BLOCK];
	struct pack_walk w = {.request = r, .frames = f};
	char top[2 * MANIFEST_NAME];
	int rc;

	if (fstat(f->fd, &w.output) < 0)
		return err_errno(e, "cannot examine the archive");
	snprintf(top, sizeof(top), *m->key ? "%s_%s" : "%s%s", m->app, m->key);
	rc = pack_walk(&w, top, e);
	if (rc == 0)
		rc = pack_frames_begin(f, sizeof(end), 0, NULL, e);
	if (rc == 0)
		rc = pack_frames_add(f, end, sizeof(end), e);
	if (rc == 0)
		rc = pack_frames_finish(f, e);
	if (rc == 0)
		rc = complete_manifest(&w, m, e);
	return rc == 0 ? write_trailer(f, m, e) : rc;
}

/* Under its name at once, and there after a power cut. */
static int commit(int dirfd, int fd, const char *temporary, const char *name, struct err *e)
{
	auto_close int dir = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fsync(fd) < 0 || renameat(dirfd, temporary, dirfd, name) < 0)
		return err_errno(e, "cannot put the archive in its place");
	if (dir >= 0 && fsync(dir) < 0 && errno != EINVAL)
		return err_errno(e, "cannot write the archive's directory");
	return 0;
}

static int pack_to(const struct pack_request *r, int dirfd, const char *name, struct manifest *ret,
	struct err *e)
{
	__attribute__((cleanup(pack_frames_close))) struct pack_frames f = {.fd = -1};
	char temporary[NAME_MAX + 1];
	struct manifest m = r->manifest;
	auto_close int fd = -1;
	int rc;

	snprintf(temporary, sizeof(temporary), ".%.240s.new", name);
	if (unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT)
		return err_errno(e, "cannot remove '%s'", temporary);
	fd = openat(dirfd, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(e, "cannot write to the directory of '%s'", r->output);
	rc = pack_frames_open(&f, fd, r, e);
	if (rc == 0)
		rc = write_archive(r, &f, &m, e);
	if (rc == 0)
		rc = commit(dirfd, fd, temporary, name, e);
	if (rc < 0)
		unlinkat(dirfd, temporary, 0);
	else
		*ret = m;
	return rc;
}

struct measure {
	const struct pack_request *request;
	uint64_t bytes;
};

/* Opens only files that seem to have holes. */
static int measure_node(void *ctx, const struct pack_node *n, struct err *e)
{
	struct measure *m = ctx;
	const struct pack_request *r = m->request;
	uint64_t size = S_ISREG(n->st.st_mode) ? (uint64_t)n->st.st_size : 0;
	auto_close int fd = -1;

	if (r->cancelled && r->cancelled(r->ctx))
		return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
	if (size >= PACK_HOLE_MIN && (uint64_t)n->st.st_blocks < size / 512)
		fd = openat(n->dirfd, n->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		size = pack_map_estimate(fd, size);
	m->bytes += PACK_BLOCK + (size + PACK_BLOCK - 1) / PACK_BLOCK * PACK_BLOCK;
	return 0;
}

int pack_measure(const struct pack_request *r, uint64_t *ret, struct err *e)
{
	struct measure m = {.request = r};

	if (pack_nodes(r->dir, "", measure_node, &m, e) < 0)
		return err_ctx(e, "pack '%s'", r->dir);
	*ret = m.bytes;
	return 0;
}

int pack_tree(const struct pack_request *r, struct manifest *ret, struct err *e)
{
	char name[NAME_MAX + 1];
	auto_close int dirfd = -1;
	int rc = check_request(r, e);

	if (rc == 0)
		rc = fs_open_parent(AT_FDCWD, r->output, &dirfd, name, e);
	if (rc == 0)
		rc = pack_to(r, dirfd, name, ret, e);
	return rc < 0 ? err_ctx(e, "pack '%s'", r->dir) : 0;
}
