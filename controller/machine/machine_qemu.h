/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that QEMU makes of a disk image file: it boots a copy of it, with the firmware and the
 * boot loader that the image is for, and has no network. What is put into the copy so that it runs
 * commands is in qemu_guest.h; the image is only read. Input of a command is limited: qemu_talk.h.
 *
 * QEMU is a child of ours and ends when we do; the copy has no name by then.
 */
#ifndef CONTROLLER_MACHINE_QEMU_H
#define CONTROLLER_MACHINE_QEMU_H

#include "controller/machine/machine.h"

#define QEMU_LOG_MAX (8UL * 1024 * 1024) /* of the console */

struct machine_qemu_options {
	const char *name;
	const char *image; /* raw or qcow2 */
	const char *type;  /* of EC2, that its SMBIOS names; "": none */
	const char
		*folder; /* made for the copy, and removed: what a kill leaves, the next removes */
	const char *log; /* path of a file for its console; "": none */
	uint64_t memory; /* bytes; 0: 1 GiB */
	unsigned cpus;   /* 0: 2 */
};

/* Errors of the image are of kind config or data, by poll(). */
must_check int machine_qemu_new(
	const struct machine_qemu_options *o, struct machine **ret, struct err *e);

#endif
