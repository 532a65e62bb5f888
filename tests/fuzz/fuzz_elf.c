/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: any bytes as an ELF file whose level is read and whose code is swept, and as
 * machine code. */
#include "agent/elf.h"
#include "agent/isa.h"
#include "common/auto.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sweep(const uint8_t *code, size_t n, bool last, void *ctx)
{
	size_t used = isa_sweep_add(ctx, code, n, last);

	if (used > n || (last && used != n))
		abort();
	return used;
}

static void read_elf(const uint8_t *data, size_t size)
{
	auto_close int fd = memfd_create("elf", MFD_CLOEXEC);
	struct isa_sweep s = {0};
	struct err e = ERR_INIT;
	unsigned level;
	struct elf f;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || elf_open(fd, &f, &e) <= 0)
		return;
	if (elf_needed_level(&f, &level, &e) == 0 && level > 4)
		abort();
	if (elf_code(&f, sweep, &s, &e) < 0 && e.kind != ERR_DATA)
		abort();
}

/* However it is cut into pieces, the sweep finds the same. */
static void read_code(const uint8_t *data, size_t size)
{
	struct isa_sweep whole = {0}, parts = {0};
	const size_t half = size / 2;
	size_t used;

	if (size == 0)
		return;
	(void)sweep(data, size, true, &whole);
	used = half ? sweep(data, half, false, &parts) : 0;
	(void)sweep(data + used, size - used, true, &parts);
	for (size_t i = 0; i < CPU_FEATURE_WORDS; i++)
		if (whole.found.word[i] != parts.found.word[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_elf(data, size);
	read_code(data, size);
	return 0;
}
