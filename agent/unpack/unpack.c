/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/unpack.h"

#include "agent/cpus.h"
#include "agent/manifest.h"
#include "agent/unpack/frames.h"
#include "agent/unpack/stream.h"
#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const struct unpack_limits unpack_default_limits = {
	.bytes = 16 * TIB,
	.entries = 100000000,
	.decoder_memory = GIB,
};

struct run {
	const struct unpack_request *request;
	struct unpack_result result;
	struct manifest manifest;   /* present: the archive is ours */
	struct archive_index index; /* the same */
	struct tree *tree;          /* not when verifying */
	struct outline *outline;    /* when verifying */
};

static void run_free(struct run *u)
{
	outline_close(u->outline);
	tree_close(u->tree);
	archive_index_free(&u->index);
}

/* One inode more than there are entries is needed, for the tree's own directory. */
static int no_space(const struct run *u, struct err *e)
{
	const struct unpack_request *r = u->request;
	char need[NUM_TEXT], have[NUM_TEXT];
	uint64_t bytes = u->manifest.present ? u->manifest.bytes : u->result.bytes;
	uint64_t entries = u->manifest.present ? u->manifest.entries : u->result.entries;

	if (entries >= r->inodes)
		return err_set(e, ERR_SYSTEM, ENOSPC,
			"no inodes left (need %s%" PRIu64 ", have %" PRIu64 ")",
			u->manifest.present ? "" : "at least ", entries + 1, r->inodes);
	num_size_text(bytes, need);
	if (r->space == UINT64_MAX)
		return err_set(e, ERR_SYSTEM, ENOSPC, "no space left (need %s%s)",
			u->manifest.present ? "" : "at least ", need);
	return err_set(e, ERR_SYSTEM, ENOSPC, "no space left (need %s%s, have %s)",
		u->manifest.present ? "" : "at least ", need, num_size_text(r->space, have));
}

static int check_digest(struct run *u, const struct buf *json, struct err *e)
{
	auto_buf struct buf text = BUF_INIT(2 * MANIFEST_MAX);
	auto_buf struct buf index = BUF_INIT(ARCHIVE_INDEX_MAX);
	char sum[DIGEST_TEXT];
	struct digest d;
	int rc = manifest_undigested(buf_str(json), json->len, "it", &text, e);

	if (rc == 0)
		rc = archive_index_encode(&u->index, &index, e);
	if (rc < 0)
		return rc;
	digest_start(&d);
	digest_add(&d, buf_str(&text), text.len);
	digest_add(&d, buf_str(&index), index.len);
	digest_end(&d, sum);
	if (strcmp(sum, u->manifest.digest) != 0)
		return err_set(e, ERR_DATA, EBADMSG, "its digest is wrong (manifest: %.16s)",
			*u->manifest.digest ? u->manifest.digest : "none");
	memcpy(u->result.digest, sum, sizeof(sum));
	return 0;
}

/* The manifest and the index, if the archive is ours. */
static int read_trailer(struct run *u, struct err *e)
{
	const struct unpack_request *r = u->request;
	auto_buf struct buf json = BUF_INIT(MANIFEST_MAX);
	struct err sub = ERR_INIT;
	int rc = archive_read_trailer(r->archive, r->name, &json, &u->index, &sub);

	if (rc == -ENODATA)
		return 0;
	if (rc < 0) {
		*e = sub;
		return rc;
	}
	rc = manifest_parse(buf_str(&json), json.len, r->name, &u->manifest, e);
	if (rc == 0)
		rc = check_digest(u, &json, e);
	return rc;
}

static int check_room(const struct run *u, struct err *e)
{
	const struct unpack_request *r = u->request;
	const struct manifest *m = &u->manifest;
	char size[NUM_TEXT], limit[NUM_TEXT];

	if (!m->present)
		return 0;
	if (m->bytes > r->limits.bytes)
		return err_set(e, ERR_DATA, E2BIG, "its %s are more than the allowed %s",
			num_size_text(m->bytes, size), num_size_text(r->limits.bytes, limit));
	if (m->entries > r->limits.entries)
		return err_set(e, ERR_DATA, E2BIG,
			"its %" PRIu64 " entries are more than the allowed %" PRIu64, m->entries,
			r->limits.entries);
	if (!r->verify && (m->bytes > r->space || m->entries >= r->inodes))
		return no_space(u, e);
	return 0;
}

static int check_manifest(const struct run *u, struct err *e)
{
	const struct manifest *m = &u->manifest;
	const struct unpack_result *r = &u->result;

	if (m->entries == r->entries && m->bytes == r->bytes && m->largest == r->largest)
		return 0;
	return err_set(e, ERR_DATA, EBADMSG,
		"its manifest says %" PRIu64 " entries of %" PRIu64 " bytes, there are %" PRIu64
		" of %" PRIu64,
		m->entries, m->bytes, r->entries, r->bytes);
}

static int unpack_ours(struct run *u, struct err *e)
{
	const struct unpack_request *r = u->request;
	struct frames_result got = {0};
	int rc = frames_unpack(
		&(struct frames_request){
			.archive = r->archive,
			.index = &u->index,
			.rules = {.keep_suid = r->keep_suid, .strip = r->strip},
			.tree = u->tree,
			.outline = u->outline,
			.threads = cpus_threads(r->threads),
			.memory = r->limits.decoder_memory,
			.max_entries = u->manifest.entries,
			.max_bytes = u->manifest.bytes,
			.progress = r->progress,
			.cancelled = r->cancelled,
			.ctx = r->ctx,
		},
		&got, e);

	if (rc < 0)
		return rc;
	u->result.format = "zst";
	u->result.entries = got.entries;
	u->result.bytes = got.bytes;
	u->result.largest = got.largest;
	return check_manifest(u, e);
}

static int do_all(struct run *u, struct err *e)
{
	const struct unpack_request *r = u->request;
	int rc = r->verify ? outline_open(&u->outline, e)
			   : tree_open(r->parent, r->tree, false, &u->tree, e);

	if (rc == 0)
		rc = u->manifest.present ? unpack_ours(u, e)
					 : stream_unpack(r, u->tree, u->outline, &u->result, e);
	if (rc == 0 && u->tree)
		rc = tree_finish(u->tree, e);
	return rc;
}

int unpack_archive(const struct unpack_request *r, struct unpack_result *ret, struct err *e)
{
	__attribute__((cleanup(run_free))) struct run u = {.request = r};
	struct err cleanup = ERR_INIT;
	int rc = read_trailer(&u, e);

	if (rc == 0)
		rc = check_room(&u, e);
	if (rc == 0)
		rc = do_all(&u, e);
	if (rc == 0) {
		*ret = u.result;
		return 0;
	}
	if (rc == -ENOSPC && e->kind == ERR_SYSTEM)
		rc = no_space(&u, e);
	if (u.tree && tree_abort(u.tree, &cleanup) < 0)
		rc = err_ctx(e, "what was unpacked is still there (%s), as", cleanup.msg);
	return err_ctx(e, "%s '%s'", r->verify ? "verify" : "unpack", r->name);
}
