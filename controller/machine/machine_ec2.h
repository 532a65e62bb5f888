/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine that is an EC2 instance: one after the other is tried from the ladder of the crew's CPU
 * until there is capacity; it is reached by ssh with a host key that we have made. It is gone as
 * soon as EC2 has been told to terminate it; that it really is, and that the security group goes
 * too, is gc's, at the end of the run.
 */
#ifndef CONTROLLER_MACHINE_EC2_H
#define CONTROLLER_MACHINE_EC2_H

#include "controller/machine/ec2_site.h"
#include "controller/machine/machine.h"

struct machine_ec2_options {
	const char *name;
	struct ec2_site *site;   /* of all instances of the run; outlives the machine */
	const struct crew *crew; /* for whom it is */
};

must_check int machine_ec2_new(
	const struct machine_ec2_options *o, struct machine **ret, struct err *e);

/* Its id; "" before there is one. */
const char *machine_ec2_id(const struct machine *m);

/* What a failed RunInstances means for what may be tried next. Pure; the fault is that of the last
 * try; unsure: one before it may have made the instance (call.h). */
enum ec2_refusal {
	REFUSAL_NONE,     /* it may have been made after all */
	REFUSAL_CAPACITY, /* not here, not now */
	REFUSAL_FINAL,    /* quota, permission, a mistake of ours */
};

enum ec2_refusal machine_ec2_refusal(const struct fault *f, bool unsure);

#endif
