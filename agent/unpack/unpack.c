/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/unpack.h"

#include "agent/manifest.h"
#include "agent/unpack/layout.h"
#include "agent/unpack/outline.h"
#include "agent/unpack/tar.h"
#include "agent/unpack/tree.h"
#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Headers beside the content: what a tar may have at most, on average. */
#define PLAIN_SLACK     (64 * MIB)
#define PLAIN_PER_ENTRY (4 * KIB)

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
	struct layout layout;
	struct entry_rules rules;
	bool strip_decided;
	uint64_t written; /* bytes of data, holes left out */
	struct source *source;
	struct tar *tar;
	struct tree *tree;       /* not when verifying */
	struct outline *outline; /* when verifying */
};

static void run_free(struct run *u)
{
	outline_close(u->outline);
	tree_close(u->tree);
	tar_close(u->tar);
	source_close(u->source);
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

/* What headers may add to the content so far is bounded too. */
static void allow_plain(struct run *u)
{
	uint64_t headers = PLAIN_SLACK, sum;

	if (__builtin_add_overflow(headers, PLAIN_PER_ENTRY * u->result.entries, &headers) ||
		__builtin_add_overflow(headers, u->request->limits.bytes, &sum))
		sum = UINT64_MAX;
	source_allow(u->source, sum);
}

static int open_all(struct run *u, struct err *e)
{
	const struct unpack_request *r = u->request;
	const struct source_request s = {
		.fd = r->archive,
		.params = {.memory = r->limits.decoder_memory,
			.index = u->manifest.present ? &u->index : NULL},
		.progress = r->progress,
		.cancelled = r->cancelled,
		.ctx = r->ctx,
	};
	int rc = source_open(&s, &u->source, e);

	if (rc < 0)
		return rc;
	u->result.format = source_format(u->source);
	allow_plain(u);
	rc = tar_open(u->source, &u->tar, e);
	if (rc < 0)
		return rc;
	layout_start(&u->layout, &u->index);
	return r->verify ? outline_open(&u->outline, e)
			 : tree_open(r->parent, r->tree, false, &u->tree, e);
}

/* Before anything of the entry is looked at. */
static int count_entry(struct run *u, const struct entry *n, struct err *e)
{
	const struct unpack_limits *l = &u->request->limits;
	char limit[NUM_TEXT];
	uint64_t size = n->kind == ENTRY_FILE ? n->size : 0;

	if (++u->result.entries > l->entries)
		return err_set(e, ERR_DATA, E2BIG,
			"it has more than the allowed %" PRIu64 " entries", l->entries);
	if (size > l->bytes - u->result.bytes)
		return err_set(e, ERR_DATA, E2BIG, "its files are larger than the allowed %s",
			num_size_text(l->bytes, limit));
	u->result.bytes += size;
	if (size > u->result.largest)
		u->result.largest = size;
	if (u->manifest.present &&
		(u->result.entries > u->manifest.entries || u->result.bytes > u->manifest.bytes))
		return err_set(e, ERR_DATA, EBADMSG, "it holds more than its manifest says");
	if (!u->request->verify && u->result.entries >= u->request->inodes)
		return no_space(u, e);
	allow_plain(u);
	return 0;
}

/* The first entry that is not the top itself tells whether the top directory is left out. */
static int decide_strip(struct run *u, const char *path)
{
	const char *top = u->request->strip;
	size_t len = top ? strlen(top) : 0;

	if (u->strip_decided || !*path)
		return 0;
	u->strip_decided = true;
	if (len > 0 && strncmp(path, top, len) == 0 && (!path[len] || path[len] == '/'))
		u->rules.strip = top;
	return 0;
}

static int check_entry(struct run *u, struct entry *n, struct err *e)
{
	char path[ENTRY_PATH];
	const char *why;
	int rc = count_entry(u, n, e);

	/* A bad name is refused below. */
	if (rc == 0 && n->path && entry_path(n->path, path, &why) == 0) {
		rc = decide_strip(u, path);
		if (rc == 0 && u->manifest.present)
			rc = layout_entry(&u->layout, tar_position(u->tar),
				n->kind == ENTRY_DIR ? path : NULL, e);
	}
	return rc == 0 ? entry_check(n, &u->rules, e) : rc;
}

/* libarchive bounds what it gives by the size of the entry, but for sparse files; so this does. */
static int copy_content(struct run *u, const struct entry *n, struct err *e)
{
	const struct unpack_request *r = u->request;
	uint64_t end = 0, offset;
	const void *data;
	size_t len;
	int rc;

	while ((rc = tar_data(u->tar, &data, &len, &offset, e)) == 1) {
		if (r->cancelled && r->cancelled(r->ctx))
			return err_set(e, ERR_TRANSIENT, ECANCELED, "interrupted");
		if (len == 0)
			continue;
		if (offset < end || offset > n->size || len > n->size - offset)
			return err_set(e, ERR_DATA, EBADMSG,
				"a sparse file has pieces that overlap or pass its end");
		end = offset + len;
		u->written += len;
		if (r->verify)
			continue;
		if (u->written > r->space)
			return no_space(u, e);
		rc = tree_write(u->tree, data, len, offset, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int do_entry(struct run *u, struct entry *n, struct err *e)
{
	int rc = check_entry(u, n, e);

	if (rc == 0)
		rc = u->tree ? tree_add(u->tree, n, e) : outline_add(u->outline, n, e);
	if (rc < 0 || n->kind != ENTRY_FILE)
		return rc;
	rc = copy_content(u, n, e);
	if (rc == 0 && u->tree)
		rc = tree_end_file(u->tree, n, e);
	return rc;
}

static int check_manifest(const struct run *u, struct err *e)
{
	const struct manifest *m = &u->manifest;
	const struct unpack_result *r = &u->result;

	if (!m->present ||
		(m->entries == r->entries && m->bytes == r->bytes && m->largest == r->largest))
		return 0;
	return err_set(e, ERR_DATA, EBADMSG,
		"its manifest says %" PRIu64 " entries of %" PRIu64 " bytes, there are %" PRIu64
		" of %" PRIu64,
		m->entries, m->bytes, r->entries, r->bytes);
}

static int do_all(struct run *u, struct err *e)
{
	auto_free struct entry *n = malloc(sizeof(*n));
	int rc = n ? open_all(u, e) : err_oom(e);

	while (rc == 0) {
		rc = tar_next(u->tar, n, e);
		if (rc <= 0)
			break;
		rc = do_entry(u, n, e);
	}
	if (rc == 0 && u->result.entries == 0)
		rc = err_set(e, ERR_DATA, EBADMSG, "it holds nothing");
	if (rc == 0 && u->manifest.present)
		rc = layout_end(&u->layout, tar_position(u->tar), e);
	if (rc == 0)
		rc = tar_drain(u->tar, e);
	if (rc == 0)
		rc = check_manifest(u, e);
	if (rc == 0 && u->tree)
		rc = tree_finish(u->tree, e);
	return rc;
}

int unpack_archive(const struct unpack_request *r, struct unpack_result *ret, struct err *e)
{
	__attribute__((cleanup(run_free))) struct run u = {
		.request = r,
		.rules = {.allow_devices = r->allow_devices, .keep_suid = r->keep_suid},
	};
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
