/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/bake.h"

#include "common/num.h"

#include <errno.h>

/* What packages, the agent and file systems need beside what is sent. */
#define MARGIN (256 * MIB)

/* Of its root a base of Amazon's fills less than half. */
#define BASE_PART 2

uint64_t bake_room(const struct bake *b)
{
	uint64_t sum = MARGIN + 4 * b->rpm.file.bytes + b->agent.bytes;

	for (size_t i = 0; i < b->n_archives; i++)
		sum += b->archive[i].file.bytes;
	for (size_t i = 0; i < b->project->image.copy.len; i++)
		sum += b->copy[i].bytes;
	return sum;
}

int bake_volume(const struct bake *b, uint64_t base, uint64_t *ret, struct err *e)
{
	const uint64_t wanted = b->project->image.size;
	const uint64_t need = base / BASE_PART + bake_room(b);
	char has[NUM_TEXT], needs[NUM_TEXT];

	if (wanted == 0) {
		*ret = ((need > base ? need : base) + GIB - 1) / GIB * GIB;
		return 0;
	}
	if (wanted < base)
		return err_set(e, ERR_CONFIG, ENOSPC,
			"[image] size=: %s is less than the %s of the base",
			num_size_text(wanted, has), num_size_text(base, needs));
	if (wanted < need)
		return err_set(e, ERR_CONFIG, ENOSPC,
			"[image] size=: %s are not enough: what goes into the image needs %s",
			num_size_text(wanted, has), num_size_text(need, needs));
	*ret = (wanted + GIB - 1) / GIB * GIB;
	return 0;
}
