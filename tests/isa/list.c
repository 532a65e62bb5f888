/* SPDX-License-Identifier: Apache-2.0 */
/* list FILE: the bytes of FILE as instructions, one line each: offset, length, "known" or "-", and
 * the features it needs. For tests/isa/run. */
#include "agent/isa.h"
#include "common/fs.h"

#include <fcntl.h>
#include <stdio.h>

static void print_name(const char *name, void *ctx)
{
	bool *first = ctx;

	printf("%s%s", *first ? " " : ",", name);
	*first = false;
}

int main(int argc, char **argv)
{
	auto_buf struct buf code = BUF_INIT(256U << 20);
	struct err e = ERR_INIT;
	size_t length;

	if (argc != 2 || fs_read(AT_FDCWD, argv[1], &code, &e) < 0) {
		fprintf(stderr, "list: %s\n", e.msg);
		return 2;
	}
	for (size_t at = 0; at < code.len; at += length ? length : 1) {
		struct cpu_features needs = {0};
		struct isa_insn i;
		bool first = true;

		length = isa_decode((const uint8_t *)code.data + at, code.len - at, &i);
		printf("%zx %zu %s", at, length, length && isa_needs(&i, &needs) ? "known" : "-");
		cpu_each_feature(CPU_X86_64, &needs, print_name, &first);
		putchar('\n');
	}
	return 0;
}
