/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: any bytes as an archive, verified without writing, and as an index. Built with
 * clang -fsanitize=fuzzer,address,undefined and linked as the unit tests are.
 */
#include "agent/archive.h"
#include "agent/unpack/unpack.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void verify(const uint8_t *data, size_t size)
{
	auto_close int fd = memfd_create("archive", MFD_CLOEXEC);
	const struct unpack_request r = {
		.archive = fd,
		.name = "fuzz",
		.verify = true,
		.limits = {.bytes = 16U << 20, .entries = 10000, .decoder_memory = 8U << 20},
	};
	struct unpack_result result;
	struct err e = ERR_INIT;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return;
	if (unpack_archive(&r, &result, &e) < 0 && e.kind == ERR_BUG)
		abort();
}

static void decode(const uint8_t *data, size_t size)
{
	auto_buf struct buf again = BUF_INIT(ARCHIVE_INDEX_MAX);
	struct archive_index i;
	struct err e = ERR_INIT;

	if (archive_index_decode(data, size, "fuzz", &i, &e) < 0)
		return;
	if (archive_index_encode(&i, &again, &e) < 0 || again.len != size ||
		memcmp(again.data, data, size) != 0)
		abort();
	archive_index_free(&i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	verify(data, size);
	decode(data, size);
	return 0;
}
