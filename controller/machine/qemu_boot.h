/* SPDX-License-Identifier: Apache-2.0 */
/* For machine_qemu.c: the process that becomes QEMU. */
#ifndef CONTROLLER_QEMU_BOOT_H
#define CONTROLLER_QEMU_BOOT_H

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

struct qemu_boot {
	const char *image;
	const char *type;   /* "": none */
	const char *folder; /* for the copy */
	uint64_t memory;
	unsigned cpus;
	bool kvm; /* to be tried */
};

/* Descriptors of the process beside its streams, the console and what QEMU says. */
enum {
	QEMU_BOOT_STATUS = 3, /* a struct err where it fails, nothing where QEMU takes over */
	QEMU_BOOT_SOCKET = 4, /* of commands: it listens */
};

_Noreturn void qemu_boot(const struct qemu_boot *b);

#endif
