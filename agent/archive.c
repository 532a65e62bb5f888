/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/archive.h"

#include "agent/manifest.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION     1
#define HEAD_BYTES  16
#define FRAME_BYTES 32
#define SPAN_BYTES  8
#define FOOT_BYTES  24
#define SKIP_BYTES  8          /* magic and length of a skippable frame */
#define PATH_BYTES  4095       /* of a directory */
#define PACKED_MIN  9          /* of a zstd frame: magic, descriptor, size, block header */
#define END_MAGIC   "SPINDEX1" /* 8 bytes without a NUL */

/* The end, then the slash, then all other bytes. */
static unsigned rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1U;
}

int archive_order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (int)rank(*a) - (int)rank(*b);
}

bool archive_has_parent(const char *dir, const char *path, size_t len)
{
	return len == 0 || (strncmp(dir, path, len) == 0 && (dir[len] == '\0' || dir[len] == '/'));
}

/* A cursor over bytes that are not to be trusted; bad is set once and stays. */
struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static uint64_t take_number(struct reader *r, size_t bytes)
{
	const uint8_t *p = take(r, bytes);
	uint64_t n = 0;

	for (size_t i = bytes; p && i > 0; i--)
		n = n << 8 | p[i - 1];
	return n;
}

static int add_number(struct buf *b, uint64_t n, size_t bytes)
{
	uint64_t little = htole64(n);

	return buf_add(b, &little, bytes);
}

void archive_index_free(struct archive_index *i)
{
	for (uint32_t k = 0; i->dir && k < i->n_dirs; k++)
		free(i->dir[k].path);
	free(i->frame);
	free(i->dir);
	free(i->span);
	*i = (struct archive_index){0};
}

static int encode_tables(const struct archive_index *i, struct buf *out)
{
	int rc = 0;

	for (uint32_t k = 0; rc == 0 && k < i->n_frames; k++) {
		const struct archive_frame *f = &i->frame[k];
		const uint64_t field[] = {f->offset, f->packed, f->plain, f->xxh64};

		for (size_t n = 0; rc == 0 && n < ARRAY_LEN(field); n++)
			rc = add_number(out, field[n], 8);
	}
	for (uint32_t k = 0; rc == 0 && k < i->n_dirs; k++) {
		rc = add_number(out, i->dir[k].frame, 4);
		if (rc == 0)
			rc = add_number(out, strlen(i->dir[k].path), 2);
		if (rc == 0)
			rc = buf_adds(out, i->dir[k].path);
	}
	for (uint32_t k = 0; rc == 0 && k < i->n_spans; k++) {
		rc = add_number(out, i->span[k].first, 4);
		if (rc == 0)
			rc = add_number(out, i->span[k].n, 4);
	}
	return rc;
}

int archive_index_encode(const struct archive_index *i, struct buf *out, struct err *e)
{
	const uint32_t head[] = {VERSION, i->n_frames, i->n_dirs, i->n_spans};
	size_t start = out->len;
	int rc = 0;

	for (size_t n = 0; rc == 0 && n < ARRAY_LEN(head); n++)
		rc = add_number(out, head[n], 4);
	if (rc == 0)
		rc = encode_tables(i, out);
	if (rc == 0)
		rc = add_number(out, i->manifest_offset, 8);
	if (rc == 0)
		rc = add_number(out, out->len - start + 16, 8);
	if (rc == 0)
		rc = buf_add(out, END_MAGIC, 8);
	if (rc == -ENOMEM)
		return err_oom(e);
	return rc < 0 ? err_set(e, ERR_DATA, EFBIG, "the index is longer than %zu bytes", out->max)
		      : 0;
}

/* The frames follow each other from 0 to the manifest. */
static const char *decode_frames(struct reader *r, struct archive_index *i)
{
	uint64_t offset = 0, plain = 0;

	for (uint32_t k = 0; k < i->n_frames; k++) {
		struct archive_frame *f = &i->frame[k];

		f->offset = take_number(r, 8);
		f->packed = take_number(r, 8);
		f->plain = take_number(r, 8);
		f->xxh64 = take_number(r, 8);
		if (f->offset != offset || f->packed < PACKED_MIN || f->plain == 0)
			return "a frame has a wrong place or size";
		if (__builtin_add_overflow(offset, f->packed, &offset) ||
			__builtin_add_overflow(plain, f->plain, &plain) || plain > INT64_MAX)
			return "a frame has an impossible size";
	}
	return offset == i->manifest_offset ? NULL : "the frames do not end at the manifest";
}

/* Relative, no empty, "." or ".." component, none longer than a name may be. */
static bool is_plain_path(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, "/");

		if (len == 0 || len > NAME_MAX || (len == 1 && s[0] == '.') ||
			(len == 2 && memcmp(s, "..", 2) == 0))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

/* It rises, and what it lies in has been named. */
static bool follows(const char *path, const char *last)
{
	const char *slash = strrchr(path, '/');
	size_t parent = slash ? (size_t)(slash - path) : 0;

	return archive_order(last, path) < 0 && archive_has_parent(last, path, parent);
}

static const char *decode_dirs(struct reader *r, struct archive_index *i, bool *ret_oom)
{
	uint32_t last = 0;

	for (uint32_t k = 0; k < i->n_dirs; k++) {
		uint32_t frame = (uint32_t)take_number(r, 4);
		size_t len = (size_t)take_number(r, 2);
		const uint8_t *path = take(r, len);

		if (!path || len > PATH_BYTES || memchr(path, '\0', len))
			return "a directory has no proper name";
		if (frame < last || frame >= i->n_frames)
			return "a directory lies in no frame or in the wrong order";
		last = frame;
		i->dir[k].frame = frame;
		i->dir[k].path = strndup((const char *)path, len);
		if (!i->dir[k].path) {
			*ret_oom = true;
			return "";
		}
		if (!is_plain_path(i->dir[k].path))
			return "a directory has an unsafe name";
		if (!follows(i->dir[k].path, k > 0 ? i->dir[k - 1].path : ""))
			return "a directory is in the wrong order or lies in none";
	}
	return NULL;
}

static const char *decode_spans(struct reader *r, struct archive_index *i)
{
	uint64_t end = 0;

	for (uint32_t k = 0; k < i->n_spans; k++) {
		struct archive_span *s = &i->span[k];

		s->first = (uint32_t)take_number(r, 4);
		s->n = (uint32_t)take_number(r, 4);
		if (s->n < 2 || s->first < end || (uint64_t)s->first + s->n > i->n_frames)
			return "a file spans impossible frames";
		end = (uint64_t)s->first + s->n;
	}
	return NULL;
}

/* The counts are bounded by the bytes there are before memory is asked for. */
static const char *decode(struct reader *r, size_t len, struct archive_index *i, bool *ret_oom)
{
	struct reader foot = {.p = r->p + len - FOOT_BYTES, .left = FOOT_BYTES};
	const char *why;

	i->manifest_offset = take_number(&foot, 8);
	if (take_number(&foot, 8) != len || memcmp(foot.p, END_MAGIC, 8) != 0)
		return "its end is not one of an index";
	r->left -= FOOT_BYTES;
	if (take_number(r, 4) != VERSION)
		return "it is of another version";
	i->n_frames = (uint32_t)take_number(r, 4);
	i->n_dirs = (uint32_t)take_number(r, 4);
	i->n_spans = (uint32_t)take_number(r, 4);
	if (i->n_frames == 0 || (uint64_t)i->n_frames * FRAME_BYTES + (uint64_t)i->n_dirs * 7 +
						(uint64_t)i->n_spans * SPAN_BYTES >
					r->left) {
		i->n_dirs = 0;
		return "it counts more than it holds";
	}
	i->frame = calloc(i->n_frames, sizeof(*i->frame));
	i->dir = calloc((size_t)i->n_dirs + 1, sizeof(*i->dir));
	i->span = calloc((size_t)i->n_spans + 1, sizeof(*i->span));
	*ret_oom = !i->frame || !i->dir || !i->span;
	if (*ret_oom)
		return "";
	why = decode_frames(r, i);
	if (!why)
		why = decode_dirs(r, i, ret_oom);
	if (!why)
		why = decode_spans(r, i);
	return why || (!r->bad && r->left == 0) ? why : "it is longer or shorter than it says";
}

int archive_index_decode(
	const void *payload, size_t len, const char *name, struct archive_index *ret, struct err *e)
{
	struct reader r = {.p = payload, .left = len};
	struct archive_index i = {0};
	bool oom = false;
	const char *why = len < HEAD_BYTES + FOOT_BYTES || len > ARCHIVE_INDEX_MAX
				  ? "it has an impossible length"
				  : decode(&r, len, &i, &oom);

	if (!why) {
		*ret = i;
		return 0;
	}
	archive_index_free(&i);
	return oom ? err_oom(e)
		   : err_set(e, ERR_DATA, EBADMSG, "the index of '%s' is damaged: %s", name, why);
}

/* All of it, or kind data: the file is shorter than its end says. */
static int read_at(
	int fd, const char *name, uint64_t offset, struct buf *out, size_t len, struct err *e)
{
	if (len > out->max - out->len)
		return err_set(
			e, ERR_DATA, EFBIG, "the manifest or index of '%s' is too long", name);
	if (buf_reserve(out, len) < 0)
		return err_oom(e);
	while (len > 0) {
		ssize_t n = pread(fd, out->data + out->len, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read '%s'", name);
		if (n == 0)
			return err_set(e, ERR_DATA, EBADMSG, "'%s' is cut short", name);
		out->len += (size_t)n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	out->data[out->len] = '\0';
	return 0;
}

/* A skippable frame's payload; its length must be as given unless that is 0. */
static int read_skippable(int fd, const char *name, uint64_t offset, uint32_t magic,
	uint64_t *length, struct buf *out, struct err *e)
{
	auto_buf struct buf head = BUF_INIT(SKIP_BYTES);
	int rc = read_at(fd, name, offset, &head, SKIP_BYTES, e);
	struct reader r = {.p = (const uint8_t *)head.data, .left = SKIP_BYTES};
	uint64_t len;

	if (rc < 0)
		return rc;
	if (take_number(&r, 4) != magic)
		return err_set(e, ERR_DATA, EBADMSG,
			"the index of '%s' is damaged: no frame where one should be", name);
	len = take_number(&r, 4);
	if (*length != 0 && *length != len)
		return err_set(
			e, ERR_DATA, EBADMSG, "the index of '%s' is damaged: a wrong length", name);
	*length = len;
	return out ? read_at(fd, name, offset + SKIP_BYTES, out, (size_t)len, e) : 0;
}

/* Finds manifest and index from the file's last bytes. */
struct trailer {
	uint64_t size; /* of the file */
	uint64_t manifest, index;
	uint64_t manifest_len, index_len;
};

static int find_trailer(int fd, const char *name, struct trailer *t, struct err *e)
{
	auto_buf struct buf foot = BUF_INIT(FOOT_BYTES);
	struct reader r;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot examine '%s'", name);
	t->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	if (t->size < HEAD_BYTES + FOOT_BYTES + 2 * SKIP_BYTES)
		return err_set(e, ERR_DATA, ENODATA, "'%s' has no index", name);
	rc = read_at(fd, name, t->size - FOOT_BYTES, &foot, FOOT_BYTES, e);
	if (rc < 0)
		return rc;
	r = (struct reader){.p = (const uint8_t *)foot.data, .left = FOOT_BYTES};
	t->manifest = take_number(&r, 8);
	t->index_len = take_number(&r, 8);
	if (memcmp(r.p, END_MAGIC, 8) != 0)
		return err_set(e, ERR_DATA, ENODATA, "'%s' has no index", name);
	if (t->index_len < HEAD_BYTES + FOOT_BYTES || t->index_len > ARCHIVE_INDEX_MAX ||
		t->index_len > t->size - SKIP_BYTES ||
		t->manifest > t->size - t->index_len - SKIP_BYTES)
		return err_set(e, ERR_DATA, EBADMSG,
			"the index of '%s' is damaged: it points outside the file", name);
	t->index = t->size - t->index_len - SKIP_BYTES;
	return 0;
}

int archive_read_trailer(int fd, const char *name, struct buf *ret_manifest,
	struct archive_index *ret_index, struct err *e)
{
	auto_buf struct buf json = BUF_INIT(MANIFEST_MAX);
	auto_buf struct buf payload = BUF_INIT(ARCHIVE_INDEX_MAX);
	struct archive_index index = {0};
	struct trailer t = {0};
	int rc = find_trailer(fd, name, &t, e);

	if (rc == 0)
		rc = read_skippable(
			fd, name, t.index, ARCHIVE_INDEX_MAGIC, &t.index_len, &payload, e);
	if (rc == 0)
		rc = archive_index_decode(payload.data, payload.len, name, &index, e);
	if (rc == 0)
		rc = read_skippable(
			fd, name, t.manifest, ARCHIVE_MANIFEST_MAGIC, &t.manifest_len, &json, e);
	if (rc == 0 && t.manifest + SKIP_BYTES + t.manifest_len != t.index)
		rc = err_set(e, ERR_DATA, EBADMSG,
			"the index of '%s' is damaged: it does not follow the manifest", name);
	if (rc == 0 && ret_manifest && buf_add(ret_manifest, buf_str(&json), json.len) < 0)
		rc = err_oom(e);
	if (rc == 0 && ret_index) {
		*ret_index = index;
		index = (struct archive_index){0};
	}
	archive_index_free(&index);
	return rc;
}
