/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/aws/list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int list_grow(void *items, size_t n, size_t size, struct err *e)
{
	void *item;

	if (n >= LIST_MAX)
		return err_set(e, ERR_DATA, E2BIG, "an answer has more than %d items", LIST_MAX);
	memcpy(&item, items, sizeof(item));
	/* The room is the next power of two. */
	if ((n & (n - 1)) == 0) {
		item = reallocarray(item, n ? 2 * n : 1, size);
		if (!item)
			return err_oom(e);
		memcpy(items, &item, sizeof(item));
	}
	memset((char *)item + n * size, 0, size);
	return 0;
}
