/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/queue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int queue_open(struct queue *q, size_t text_max, size_t max, struct err *e)
{
	*q = (struct queue){.text_max = text_max, .max = max};
	q->text = map(text_max);
	q->offset = map(max * sizeof(*q->offset));
	return q->text && q->offset ? 0 : err_oom(e);
}

void queue_close(struct queue *q)
{
	if (q->text)
		munmap(q->text, q->text_max);
	if (q->offset)
		munmap(q->offset, q->max * sizeof(*q->offset));
	*q = (struct queue){.n = 0};
}

void queue_reset(struct queue *q)
{
	if (q->text_len > 0) {
		madvise(q->text, q->text_max, MADV_DONTNEED);
		madvise(q->offset, q->max * sizeof(*q->offset), MADV_DONTNEED);
	}
	q->text_len = 0;
	q->n = 0;
	q->more = false;
	q->bounded = false;
}

static bool is_less(const struct queue *q, uint32_t a, uint32_t b)
{
	return strcmp(q->text + a, q->text + b) < 0;
}

static void swap(struct queue *q, size_t a, size_t b)
{
	uint32_t t = q->offset[a];

	q->offset[a] = q->offset[b];
	q->offset[b] = t;
}

static void sift_up(struct queue *q, size_t i)
{
	for (; i > 0 && is_less(q, q->offset[i], q->offset[(i - 1) / 2]); i = (i - 1) / 2)
		swap(q, i, (i - 1) / 2);
}

static void sift_down(struct queue *q, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1;

		for (size_t child = left; child < q->n && child <= left + 1; child++)
			if (is_less(q, q->offset[child], q->offset[least]))
				least = child;
		if (least == i)
			return;
		swap(q, i, least);
		i = least;
	}
}

static int by_text(const void *a, const void *b, void *queue)
{
	const struct queue *q = queue;

	return strcmp(q->text + *(const uint32_t *)a, q->text + *(const uint32_t *)b);
}

static int by_place(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Moves the texts that are kept to the front of the arena, in place: in the order in which they lie
 * there. */
static void pack(struct queue *q)
{
	size_t len = 0;

	qsort(q->offset, q->n, sizeof(*q->offset), by_place);
	for (size_t i = 0; i < q->n; i++) {
		const char *from = q->text + q->offset[i];
		size_t size = strlen(from) + 1;

		memmove(q->text + len, from, size);
		q->offset[i] = (uint32_t)len;
		len += size;
	}
	q->text_len = len;
}

/* Full: texts that were taken out are forgotten; if that is not enough, the greater half of the
 * names. A sorted array is a heap. */
static void make_room(struct queue *q)
{
	pack(q);
	if (q->text_len > q->text_max / 2 || q->n > q->max / 2) {
		qsort_r(q->offset, q->n, sizeof(*q->offset), by_text, q);
		q->n /= 2;
		q->more = true;
		pack(q);
	}
	qsort_r(q->offset, q->n, sizeof(*q->offset), by_text, q);
	q->bounded = q->more && q->n > 0;
	if (q->bounded)
		q->bound = q->offset[q->n - 1];
}

void queue_add(struct queue *q, const char *name)
{
	size_t size = strlen(name) + 1;

	/* Its turn comes after those that were left out. */
	if (q->bounded && strcmp(name, q->text + q->bound) > 0) {
		q->more = true;
		return;
	}
	if (q->n >= q->max || q->text_len + size > q->text_max) {
		make_room(q);
		queue_add(q, name);
		return;
	}
	memcpy(q->text + q->text_len, name, size);
	q->offset[q->n] = (uint32_t)q->text_len;
	q->text_len += size;
	sift_up(q, q->n++);
}

const char *queue_take(struct queue *q)
{
	uint32_t least;

	if (q->n == 0)
		return NULL;
	least = q->offset[0];
	q->offset[0] = q->offset[--q->n];
	sift_down(q, 0);
	return q->text + least;
}
