/* SPDX-License-Identifier: Apache-2.0 */
/* What is put into the copy of an image that QEMU boots, and nowhere else: a unit of systemd that
 * runs commands, as qemu_words.h has them, one at a time; and what waits for a network is masked.
 */
#ifndef CONTROLLER_QEMU_GUEST_H
#define CONTROLLER_QEMU_GUEST_H

#include "common/err.h"

/* The name of the port, under /sys/class/virtio-ports there. */
#define QEMU_GUEST_PORT "shared-prep.test"

/* Into the root at path. Kind system. */
must_check int qemu_guest_add(const char *root, struct err *e);

#endif
