/* SPDX-License-Identifier: Apache-2.0 */
#include "common/near.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 32 /* longer names are not compared */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance of a, which is len bytes long, and b. */
static size_t distance(const char *a, size_t len, const char *b)
{
	size_t row[WORD_MAX + 1];
	size_t blen = strlen(b);

	if (len > WORD_MAX || blen > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 1; i <= len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[blen];
}

struct near near_begin(const char *wrong)
{
	struct near n = {.wrong = wrong, .len = strcspn(wrong, "=")};

	/* One slip in a short word, two in a longer one. */
	n.distance = n.len < 4 ? 2 : 3;
	return n;
}

void near_consider(struct near *n, const char *name)
{
	size_t d = distance(n->wrong, n->len, name);

	if (d < n->distance) {
		n->distance = d;
		n->name = name;
	}
}
