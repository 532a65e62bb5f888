/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to OpenSSH's client and what it says: pure. Its options are those of ssh_config(5).
 * Errors are of kind config.
 */
#ifndef CONTROLLER_SSH_WORDS_H
#define CONTROLLER_SSH_WORDS_H

#include "common/buf.h"
#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

/* One machine on the way. */
struct ssh_hop {
	const char *user; /* NULL: as configured, else our own name */
	const char *host;
	unsigned port;           /* 0: as configured, else 22 */
	const char *identity;    /* the only private key that is offered; NULL: as configured */
	const char *known_hosts; /* the only file that is believed; NULL: as configured */
	const char *alias;       /* its name in there; NULL: host */
	const char *config;      /* the user's: a path, or "" where ssh looks for it; NULL: none */
};

struct ssh_options {
	struct ssh_hop to;
	const struct ssh_hop *jump; /* by way of this one; NULL: none, or as configured */
	uint64_t timeout;           /* ns, of one attempt to connect */
	uint64_t patience;          /* ns, of all of them */
	bool boots; /* its users may not be there yet: a refused login is tried again */
};

/* "[USER@]HOST[:PORT]", "[USER@][IPV6]:PORT" or "[USER@]IPV6": host and user of *ret point into
 * *ret_text, which the caller frees; nothing else of it is set. */
must_check int ssh_hop_parse(
	const char *address, struct ssh_hop *ret, char **ret_text, struct err *e);

/* The command line that a login shell is given for one of machine_run(): its own user's, or root's
 * by sudo. 0, -ENOMEM or -EFBIG. */
must_check int ssh_remote_command(struct buf *out, const char *shell);

#define SSH_WORDS 96

struct ssh_words {
	char *word[SSH_WORDS + 1]; /* ends with NULL; malloc'd */
	size_t n;
};

void ssh_words_free(struct ssh_words *w);

#define auto_ssh_words __attribute__((cleanup(ssh_words_free)))

/* Of the connection that the commands share, with its socket. The caller frees *ret in every case.
 */
must_check int ssh_master_words(
	const struct ssh_options *o, const char *socket, struct ssh_words *ret, struct err *e);

/* Of a command, which never makes a connection of its own. */
must_check int ssh_run_words(
	const char *socket, const char *command, struct ssh_words *ret, struct err *e);

/* Which variables of ours ssh gets; with the user's own configuration all that could matter to it
 * or to what it starts, else next to nothing. */
bool ssh_keeps_variable(const char *text, bool config);

enum ssh_fault {
	SSH_FAULT_LATER, /* not reached: the same may work later */
	SSH_FAULT_LOGIN, /* reached, and it does not let us in */
	SSH_FAULT_FINAL,
};

/* Of what a connection that failed has printed: fills *e with its kind, cause and hint. */
enum ssh_fault ssh_classify(const char *host, const char *printed, struct err *e);

#endif
