/* SPDX-License-Identifier: Apache-2.0 */
/* For machine_qemu.c: a process of ours that has a guest run one command. */
#ifndef CONTROLLER_QEMU_TALK_H
#define CONTROLLER_QEMU_TALK_H

#include "controller/machine/machine.h"

/* As of machine_run(). Its input is read to its end before it begins there, at most
 * QEMU_TALK_INPUT bytes. folder: of the socket, which is called "socket". */
must_check int qemu_talk(int folder, const struct machine_command *c, pid_t *ret, struct err *e);

#define QEMU_TALK_INPUT (64UL * 1024 * 1024)

#endif
