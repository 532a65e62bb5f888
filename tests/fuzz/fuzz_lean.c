/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: any bytes as the plain tar of a frame, with the checksums of what looks like a
 * header made right. What the lean reader takes lies within its bounds.
 */
#include "agent/pack_header.h"
#include "agent/unpack/lean.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair(uint8_t *block)
{
	unsigned sum = 0;
	char text[8];

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < PACK_BLOCK; i++)
		sum += block[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + 148, text, 7);
}

/* The pieces rise and end within the file. */
static void check_places(const struct entry *n, const struct lean_content *c)
{
	uint64_t end = 0;

	for (uint64_t from = 0; from < c->stored;) {
		uint64_t left = c->stored - from, offset;
		size_t len = lean_place(c, from, left > 4096 ? 4096 : (size_t)left, &offset);

		if (len == 0 || len > left || offset < end || offset > n->size ||
			len > n->size - offset)
			abort();
		end = offset + len;
		from += len;
	}
}

static void check(struct lean *l, struct entry *n, const struct lean_content *c)
{
	const struct entry_rules rules = {.strip = "app"};
	size_t sum = 0;
	struct err e = ERR_INIT;

	if (c->at > l->len || c->stored > INT64_MAX || lean_end(c) < c->at ||
		lean_end(c) % PACK_BLOCK != 0)
		abort();
	for (unsigned i = 0; i < n->n_xattrs; i++) {
		if (strncmp(n->xattr[i].name, "user.", 5) != 0)
			abort();
		for (size_t k = 0; k < n->xattr[i].len; k++)
			sum += ((const uint8_t *)n->xattr[i].value)[k];
	}
	if (sum == SIZE_MAX || (entry_check(n, &rules, &e) < 0 && e.kind != ERR_DATA))
		abort();
	if (n->kind == ENTRY_FILE && c->stored <= l->len - c->at)
		check_places(n, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free uint8_t *copy = malloc(size + !size);
	auto_free struct lean *l = malloc(sizeof(*l));
	auto_free struct entry *n = malloc(sizeof(*n));
	struct lean_content c;
	struct err e = ERR_INIT;

	if (!copy || !l || !n)
		return -1;
	memcpy(copy, data, size);
	for (size_t at = 0; at + PACK_BLOCK <= size; at += PACK_BLOCK)
		if (memcmp(copy + at + 257, "ustar", 5) == 0)
			repair(copy + at);
	lean_init(l);
	lean_start(l, copy, size);
	while (lean_next(l, n, &c, &e) == 1) {
		check(l, n, &c);
		if (lean_end(&c) > size)
			break;
		lean_skip(l, &c);
	}
	lean_free(l);
	return 0;
}
