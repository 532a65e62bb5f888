/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warm MIB
 *
 * Touches so much memory and gives it back, so that the next program finds it first. The host of a
 * virtual machine may take what is free back (free page reporting) and give it again at the first
 * touch: without this, what is measured is how long ago somebody else used the same pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	void *p;

	if (size == 0) {
		fprintf(stderr, "usage: warm MIB\n");
		return 2;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		perror("warm: no memory");
		return 4;
	}
	madvise(p, size, MADV_HUGEPAGE);
	memset(p, 1, size);
	return 0;
}
