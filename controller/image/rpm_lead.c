/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/image/rpm_lead.h"

#include "common/auto.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LEAD_BYTES  96
#define LEAD_TYPE   6 /* big endian, 0: with programs, 1: with sources */
#define LEAD_ARCH   8
#define ARCH_X86_64 1
#define ARCH_ARM64  19

static unsigned number(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

int rpm_lead_arch(int fd, const char *path, const char **ret, struct err *e)
{
	static const unsigned char magic[] = {0xed, 0xab, 0xee, 0xdb};
	unsigned char lead[LEAD_BYTES];
	ssize_t n = pread(fd, lead, sizeof(lead), 0);

	if (n < 0)
		return err_errno(e, "read '%s'", path);
	if (n < (ssize_t)sizeof(lead) || memcmp(lead, magic, sizeof(magic)) != 0 ||
		number(lead + LEAD_TYPE) != 0)
		return err_set(e, ERR_CONFIG, EINVAL,
			"'%s' is no RPM with programs: 'packaging/rpm/build' makes one", path);
	switch (number(lead + LEAD_ARCH)) {
	case ARCH_X86_64:
		*ret = "x86_64";
		return 0;
	case ARCH_ARM64:
		*ret = "aarch64";
		return 0;
	}
	return err_set(e, ERR_CONFIG, ENOEXEC, "'%s' is neither for x86_64 nor for aarch64", path);
}
