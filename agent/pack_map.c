/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pack_map.h"

#include "agent/pack_header.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* One less than extents: one lies before the first hole, and each ends one. */
#define HOLES_MAX (ARCHIVE_EXTENTS - 1)

/* The largest holes so far. */
struct holes {
	struct pack_extent heap[HOLES_MAX]; /* the least of them first */
	unsigned n;
	uint64_t start, end; /* the run of zeros at hand */
	uint64_t size;       /* of the file */
};

/* a is given up before b. */
static bool is_less(const struct pack_extent *a, const struct pack_extent *b)
{
	return a->len != b->len ? a->len < b->len : a->offset > b->offset;
}

static void swap(struct pack_extent *a, struct pack_extent *b)
{
	struct pack_extent t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct holes *h)
{
	for (unsigned i = 0, child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && is_less(&h->heap[child + 1], &h->heap[child]))
			child++;
		if (!is_less(&h->heap[child], &h->heap[i]))
			return;
		swap(&h->heap[i], &h->heap[child]);
	}
}

static void keep(struct holes *h, struct pack_extent hole)
{
	unsigned i = h->n;

	if (h->n == HOLES_MAX) {
		if (is_less(&hole, &h->heap[0]))
			return;
		h->heap[0] = hole;
		sift_down(h);
		return;
	}
	h->heap[h->n++] = hole;
	for (; i > 0 && is_less(&h->heap[i], &h->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&h->heap[i], &h->heap[(i - 1) / 2]);
}

/* Bytes from to to are zeros; data comes before them unless they follow the run at hand. */
static void add_zeros(struct holes *h, uint64_t from, uint64_t to)
{
	if (from != h->end) {
		if (h->end - h->start >= PACK_HOLE_MIN)
			keep(h, (struct pack_extent){h->start, h->end - h->start});
		h->start = from;
	}
	h->end = to;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

static ssize_t read_some(const struct pack_map_request *r, uint64_t at, size_t len, struct err *e)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(r->fd, r->chunk + have, len - have, (off_t)(at + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "cannot read");
		if (n == 0)
			return err_set(
				e, ERR_TRANSIENT, EAGAIN, "it became shorter while it was read");
		have += (size_t)n;
	}
	return 0;
}

/* Looks at all blocks from one at a multiple of the block size. */
static int scan(
	const struct pack_map_request *r, struct holes *h, uint64_t at, uint64_t end, struct err *e)
{
	while (at < end) {
		size_t len = end - at < PACK_MAP_CHUNK ? (size_t)(end - at) : PACK_MAP_CHUNK;

		if (r->poll(r->ctx, e) < 0 || read_some(r, at, len, e) < 0)
			return -e->num;
		for (size_t i = 0; i < len; i += PACK_HOLE_BLOCK) {
			size_t n = len - i < PACK_HOLE_BLOCK ? len - i : PACK_HOLE_BLOCK;

			if (is_zero(r->chunk + i, n))
				add_zeros(h, at + i, at + i + n);
		}
		at += len;
	}
	return 0;
}

/* The next byte that the file system has, and the end of what it has there; the whole rest where it
 * does not tell. */
static void next_data(int fd, uint64_t at, uint64_t size, uint64_t *ret_data, uint64_t *ret_end)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA);
	off_t end = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);

	*ret_data = data >= 0 ? (uint64_t)data : errno == ENXIO ? size : at;
	*ret_end = end >= 0 ? (uint64_t)end : size;
	if (*ret_data > size)
		*ret_data = size;
	if (*ret_end > size)
		*ret_end = size;
}

static uint64_t round_down(uint64_t n)
{
	return n - n % PACK_HOLE_BLOCK;
}

static int find_holes(const struct pack_map_request *r, struct holes *h, struct err *e)
{
	uint64_t at = 0, data, end;

	while (at < r->size) {
		next_data(r->fd, at, r->size, &data, &end);
		data = data < r->size ? round_down(data) : r->size;
		if (data < at)
			data = at;
		if (data > at)
			add_zeros(h, at, data);
		if (data == r->size)
			break;
		end = round_down(end + PACK_HOLE_BLOCK - 1);
		if (end <= data || end > r->size)
			end = r->size;
		if (scan(r, h, data, end, e) < 0)
			return -e->num;
		at = end;
	}
	if (h->end - h->start >= PACK_HOLE_MIN)
		keep(h, (struct pack_extent){h->start, h->end - h->start});
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct pack_extent *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void add_extent(struct pack_map *m, uint64_t from, uint64_t to)
{
	if (from == to)
		return;
	m->extent[m->n++] = (struct pack_extent){from, to - from};
	m->stored += to - from;
}

int pack_map_read(const struct pack_map_request *r, struct pack_map *ret, struct err *e)
{
	auto_free struct holes *h = calloc(1, sizeof(*h));
	uint64_t at = 0;

	if (!h)
		return err_oom(e);
	if (r->size >= PACK_HOLE_MIN && find_holes(r, h, e) < 0)
		return -e->num;
	qsort(h->heap, h->n, sizeof(*h->heap), by_offset);
	ret->n = 0;
	ret->stored = 0;
	ret->sparse = h->n > 0;
	for (unsigned i = 0; i < h->n; i++) {
		add_extent(ret, at, h->heap[i].offset);
		at = h->heap[i].offset + h->heap[i].len;
	}
	add_extent(ret, at, r->size);
	return 0;
}

uint64_t pack_map_estimate(int fd, uint64_t size)
{
	uint64_t at = 0, sum = 0, data, end;

	while (at < size) {
		next_data(fd, at, size, &data, &end);
		if (end <= data)
			break;
		sum += end - data;
		at = end;
	}
	return sum;
}

int pack_map_text(const struct pack_map *m, uint64_t size, struct buf *out, struct err *e)
{
	static const char zero[PACK_BLOCK];
	const uint64_t end = m->n > 0 ? m->extent[m->n - 1].offset + m->extent[m->n - 1].len : 0;
	const size_t start = out->len;
	int rc = buf_addf(out, "%u\n", m->n + (end < size));

	for (unsigned i = 0; rc == 0 && i < m->n; i++)
		rc = buf_addf(
			out, "%" PRIu64 "\n%" PRIu64 "\n", m->extent[i].offset, m->extent[i].len);
	if (rc == 0 && end < size)
		rc = buf_addf(out, "%" PRIu64 "\n0\n", size);
	if (rc == 0)
		rc = buf_add(out, zero, -(out->len - start) % PACK_BLOCK);
	return rc < 0 ? err_oom(e) : 0;
}
