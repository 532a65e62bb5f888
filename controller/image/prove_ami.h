/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AMI is proved: one instance boots it, the checks of image_test.h are run there, and it goes
 * again. Only then is it promoted: a parameter of Systems Manager leads to it, if the project names
 * one, and a tag says so.
 */
#ifndef CONTROLLER_PROVE_AMI_H
#define CONTROLLER_PROVE_AMI_H

#include "controller/image/image_test.h"
#include "controller/project/project.h"

#define PROVE_PROMOTED "shared-prep:promoted" /* tag: when, RFC 3339 */

struct prove_ami {
	const struct project *project;
	const char *ami;
	uint64_t timeout; /* ns, of the checks */
	bool promote;
	bool debug_http;
	int log; /* as of image_test; */
	void (*say)(void *ctx, const char *name, const struct image_result *r);
	void *ctx;
};

/* *ret is filled in any case. Errors as those of image_test_run(), and of a machine that does not
 * start; kind transient also where something is left, which is said. */
must_check int prove_ami(const struct prove_ami *p, struct image_results *ret, struct err *e);

/* The last of it alone: of an AMI made of a disk image file, which has passed as such. */
must_check int prove_ami_promote(
	const struct project *p, const char *ami, bool debug_http, struct err *e);

#endif
