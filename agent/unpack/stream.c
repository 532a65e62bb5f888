/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unpack/stream.h"

#include "agent/cpus.h"
#include "agent/unpack/tar.h"
#include "common/num.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Headers beside the content: what a tar may have at most, on average. */
#define PLAIN_SLACK     (64 * MIB)
#define PLAIN_PER_ENTRY (4 * KIB)

struct stream {
	const struct unpack_request *request;
	struct unpack_result *result;
	struct entry_rules rules;
	bool strip_decided;
	uint64_t written; /* bytes of data, holes left out */
	struct source *source;
	struct tar *tar;
	struct tree *tree;
	struct outline *outline;
};

static void stream_free(struct stream *u)
{
	tar_close(u->tar);
	source_close(u->source);
}

/* The caller says it with numbers. */
static int no_space(struct err *e)
{
	return err_set(e, ERR_SYSTEM, ENOSPC, "no space left");
}

/* What headers may add to the content so far is bounded too. */
static void allow_plain(struct stream *u)
{
	uint64_t headers = PLAIN_SLACK, sum;

	if (__builtin_add_overflow(headers, PLAIN_PER_ENTRY * u->result->entries, &headers) ||
		__builtin_add_overflow(headers, u->request->limits.bytes, &sum))
		sum = UINT64_MAX;
	source_allow(u->source, sum);
}

static int open_all(struct stream *u, struct err *e)
{
	const struct unpack_request *r = u->request;
	const struct source_request s = {
		.fd = r->archive,
		.params = {.memory = r->limits.decoder_memory},
		.threads = cpus_threads(r->threads),
		.progress = r->progress,
		.cancelled = r->cancelled,
		.ctx = r->ctx,
	};
	int rc = source_open(&s, &u->source, e);

	if (rc < 0)
		return rc;
	u->result->format = source_format(u->source);
	allow_plain(u);
	return tar_open(u->source, &u->tar, e);
}

/* Before anything of the entry is looked at. */
static int count_entry(struct stream *u, const struct entry *n, struct err *e)
{
	const struct unpack_limits *l = &u->request->limits;
	char limit[NUM_TEXT];
	uint64_t size = n->kind == ENTRY_FILE ? n->size : 0;

	if (++u->result->entries > l->entries)
		return err_set(e, ERR_DATA, E2BIG,
			"it has more than the allowed %" PRIu64 " entries", l->entries);
	if (size > l->bytes - u->result->bytes)
		return err_set(e, ERR_DATA, E2BIG, "its files are larger than the allowed %s",
			num_size_text(l->bytes, limit));
	u->result->bytes += size;
	if (size > u->result->largest)
		u->result->largest = size;
	if (!u->request->verify && u->result->entries >= u->request->inodes)
		return no_space(e);
	allow_plain(u);
	return 0;
}

/* The first entry that is not the top itself tells whether the top directory is left out: one of
 * its name that is no directory is all there is. */
static void decide_strip(struct stream *u, const char *path, enum entry_kind kind)
{
	const char *top = u->request->strip;
	size_t len = top ? strlen(top) : 0;

	if (u->strip_decided || !*path)
		return;
	u->strip_decided = true;
	if (len > 0 && strncmp(path, top, len) == 0 &&
		(path[len] == '/' || (!path[len] && kind == ENTRY_DIR)))
		u->rules.strip = top;
}

static int check_entry(struct stream *u, struct entry *n, struct err *e)
{
	char path[ENTRY_PATH];
	const char *why;
	int rc = count_entry(u, n, e);

	/* A bad name is refused below. */
	if (rc == 0 && n->path && entry_path(n->path, path, &why) == 0)
		decide_strip(u, path, n->kind);
	return rc == 0 ? entry_check(n, &u->rules, e) : rc;
}

/* libarchive bounds what it gives by the size of the entry, but for sparse files; so this does. */
static int copy_content(struct stream *u, const struct entry *n, struct err *e)
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
			return no_space(e);
		rc = tree_write(u->tree, data, len, offset, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int do_entry(struct stream *u, struct entry *n, struct err *e)
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

static int do_all(struct stream *u, struct err *e)
{
	auto_free struct entry *n = malloc(sizeof(*n));
	int rc = n ? open_all(u, e) : err_oom(e);

	while (rc == 0) {
		rc = tar_next(u->tar, n, e);
		if (rc <= 0)
			break;
		rc = do_entry(u, n, e);
	}
	if (rc == 0 && u->result->entries == 0)
		rc = err_set(e, ERR_DATA, EBADMSG, "it holds nothing");
	return rc == 0 ? tar_drain(u->tar, e) : rc;
}

int stream_unpack(const struct unpack_request *r, struct tree *tree, struct outline *outline,
	struct unpack_result *result, struct err *e)
{
	__attribute__((cleanup(stream_free))) struct stream u = {
		.request = r,
		.result = result,
		.rules = {.allow_devices = r->allow_devices, .keep_suid = r->keep_suid},
		.tree = tree,
		.outline = outline,
	};

	return do_all(&u, e);
}
