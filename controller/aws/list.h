/* SPDX-License-Identifier: Apache-2.0 */
/* Growing arrays of typed items: any struct with a pointer `item` and a count `n`, zeroed at first.
 */
#ifndef CONTROLLER_AWS_LIST_H
#define CONTROLLER_AWS_LIST_H

#include "common/err.h"

#include <stddef.h>

#define LIST_MAX 200000 /* items: more is no answer that we asked for */

/* Room for one more item of size bytes, zeroed, behind the n there are. items is the address of
 * the pointer to the first. Kind data: there are LIST_MAX already. */
must_check int list_grow(void *items, size_t n, size_t size, struct err *e);

/* The address of one more item of *l, NULL with *e filled. */
#define list_add(l, e)                                                                             \
	({                                                                                         \
		__typeof__(l) list_ = (l);                                                         \
		list_grow(&list_->item, list_->n, sizeof(*list_->item), (e)) < 0                   \
			? NULL                                                                     \
			: &list_->item[list_->n++];                                                \
	})

#endif
