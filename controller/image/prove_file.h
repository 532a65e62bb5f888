/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk image file is proved: QEMU boots a copy of it (machine_qemu.h), the checks of image_test.h
 * are run there, and it goes again. Only then is it promoted: a link beside it, NAME-current, leads
 * to it.
 *
 * Beside it are, too, FILE.test.log, which stays, and while it runs FILE.test.partial.
 */
#ifndef CONTROLLER_PROVE_FILE_H
#define CONTROLLER_PROVE_FILE_H

#include "controller/image/image_test.h"
#include "controller/project/project.h"

#include <limits.h>
#include <sys/stat.h>

struct prove_file {
	const struct project *project; /* whose image it is; NULL: not known */
	const char *file;
	const char *type; /* of EC2, that it is to believe; "": none */
	uint64_t memory;  /* bytes; 0: 1 GiB */
	unsigned cpus;    /* 0: 2 */
	uint64_t timeout; /* ns, of all */
	bool promote;
	void (*say)(void *ctx, const char *name, const struct image_result *r);
	void *ctx;
};

/* *ret is filled in any case, *ret_current ("": it was not promoted) too. Errors as those of
 * image_test_run(), and of an image that does not boot. */
must_check int prove_file(const struct prove_file *p, struct image_results *ret,
	char ret_current[static PATH_MAX], struct err *e);

/* The file is still the one that was looked at: else what was tested is not what is there. */
must_check int prove_file_stays(const char *file, const struct stat *was, struct err *e);

/* What the link is called, before "-current": the name of the project's images, or of the file
 * where that is not known, or where it is called as bake calls them: then with the architecture,
 * where there are two. file: without a folder. Its length; *ret does not end there. Pure. */
size_t prove_file_current(const struct project *p, const char *file, const char **ret);

#endif
