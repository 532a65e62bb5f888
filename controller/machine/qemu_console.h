/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest prints on its console: the end of it is kept, as lines for people. Pure. */
#ifndef CONTROLLER_QEMU_CONSOLE_H
#define CONTROLLER_QEMU_CONSOLE_H

#include <stddef.h>

#define QEMU_CONSOLE_KEPT 16384
#define QEMU_CONSOLE_LINE 200

struct qemu_console {
	char text[QEMU_CONSOLE_KEPT];
	size_t len;
};

void qemu_console_add(struct qemu_console *c, const char *data, size_t len);

/* The last line with something in it, cut, without what a terminal would act on; "" if none. */
const char *qemu_console_last(const struct qemu_console *c, char out[static QEMU_CONSOLE_LINE + 1]);

/* The line that tells that there will be no boot, in the same way; NULL: none does. */
const char *qemu_console_failed(
	const struct qemu_console *c, char out[static QEMU_CONSOLE_LINE + 1]);

#endif
