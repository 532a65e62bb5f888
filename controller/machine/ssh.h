/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of OpenSSH's client to a machine, over which all commands go (ControlMaster). It
 * is a child of ours and its socket lies in a folder of ours. While it is not reached it is tried
 * again; a host key that is not the known one ends it at once.
 */
#ifndef CONTROLLER_SSH_H
#define CONTROLLER_SSH_H

#include "controller/machine/machine.h"
#include "controller/machine/ssh_words.h"

enum ssh_state {
	SSH_CONNECTING,
	SSH_CONNECTED,
	SSH_LOST, /* it was connected: ssh_reason() */
	SSH_CLOSED,
};

struct ssh;

/* Begins to connect; nothing of *o is kept. */
must_check int ssh_open(const struct ssh_options *o, struct ssh **ret, struct err *e);

/* Looks how far it is. An error is final: kind remote (host key, login, name), config, or transient
 * (not reached in time), with what to do. */
must_check int ssh_poll(struct ssh *s, struct err *e);

enum ssh_state ssh_state(const struct ssh *s);

/* Why it is not connected, or is not any more; "". */
const char *ssh_reason(const struct ssh *s);

/* As machine_run(); MACHINE_BROKEN also where there is no connection. */
must_check int ssh_run(struct ssh *s, const struct machine_command *c, pid_t *ret, struct err *e);

/* Begins to end it, with what runs over it; then ssh_poll() until SSH_CLOSED. */
void ssh_close(struct ssh *s);

/* NULL is allowed. */
void ssh_free(struct ssh *s);

#endif
