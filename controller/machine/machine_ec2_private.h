/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of machine_ec2. */
#ifndef CONTROLLER_MACHINE_EC2_PRIVATE_H
#define CONTROLLER_MACHINE_EC2_PRIVATE_H

#include "controller/machine/keeper.h"
#include "controller/machine/machine_ec2.h"
#include "controller/machine/ssh.h"

struct machine_ec2 {
	struct machine base;
	struct ec2_site *site;
	const struct crew *crew;
	struct ladder *ladder;
	size_t at; /* in the ladder, behind the rung */
	struct rung *rung;

	char token[JOURNAL_TOKEN]; /* of the instance that is asked for; "" */
	char id[EC2_ID_MAX];       /* "" while none is known */
	unsigned unsure;           /* looks since an answer was lost */
	uint64_t unsure_since;     /* the look before them */

	struct sshkey key; /* of the host */
	char known_hosts[PATH_MAX];
	struct ssh *ssh;
	uint64_t connecting; /* clock.h, since when, or since our address was looked at */
	struct keeper keeper;
};

/* machine_ec2_instance.c: asks for an instance at the next rung; m->token is "" where that one was
 * refused. Kind transient: there is none left. */
must_check int machine_ec2_next(struct machine_ec2 *m, struct err *e);

/* The answer was lost: was it made? Then m->id is known. */
must_check int machine_ec2_seek(struct machine_ec2 *m, struct err *e);

#endif
