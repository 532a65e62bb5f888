/* SPDX-License-Identifier: Apache-2.0 */
/* An image is booted and checked, and promoted where it has passed: a disk image file by QEMU
 * (prove_file.h), an AMI on an instance (prove_ami.h). For `test` and `bake --test`. */
#ifndef CONTROLLER_PROVE_H
#define CONTROLLER_PROVE_H

#include "controller/image/image_test.h"
#include "controller/project/project.h"
#include "controller/show.h"

#include <limits.h>

#define PROVE_TIME (900 * 1000000000ULL) /* ns, where nothing else is said */

struct prove {
	const struct project *project; /* NULL: not known, which will do for a file */
	const char *image;             /* ami-… or a path */
	const char *ami;               /* made of the file: promoted with it; or "" */
	const char *type;              /* of EC2, that a guest of QEMU is to believe; "": none */
	uint64_t memory;               /* of it, bytes; 0: 1 GiB */
	unsigned cpus;                 /* of it; 0: 2 */
	uint64_t timeout;              /* ns, of the checks */
	bool promote, debug_http;
	struct show *show;
};

struct proved {
	const char *image;
	struct image_results results;
	char promoted[PATH_MAX];  /* the link, parameter or tag that tells; "": none */
	const char *promoted_ami; /* parameter or tag that tells of the file's AMI; NULL: none */
	uint64_t took;            /* ns */
	bool ok;
};

bool prove_is_ami(const char *image);

/* *ret is filled in any case. Kind data: a check has failed. */
must_check int prove_image(const struct prove *p, struct proved *ret, struct err *e);

/* {image, ok, seconds, promoted, checks[]}, and promoted_ami where there is one; NULL: no memory.
 */
json_t *proved_json(const struct proved *v);

#endif
